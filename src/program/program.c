#include "program.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "control.h"
#include "libuv.h"
#include "log.h"
#include "output.h"
#include "sys.h"
#include "trigger.h"

static int program_run(const struct program *program, const struct program_options *common)
{
    const struct backend *backend = NULL;
    char why[512];
    if (strcmp(common->backend, "help") == 0) {
        control_print_backends();
        return control_finish_output();
    }
    int status = backend_choose(common->backend, &backend, why, sizeof(why));
    if (status != 0) {
        log_message("--backend: '%s' cannot be used: %s", common->backend, why);
        return sys_shortage(status)[0] != '\0' ? 1 : 2;
    }
    if (output_start(program->table->name) != 0) {
        return output_exit(1);
    }
    return output_exit(program->run(common, backend, why));
}

/* --signal: tells another process, and is done. */
static int program_signal(const struct program_options *common)
{
    int pid = (int)common->pid;
    enum sys_meaning meaning = SYS_STOP;
    bool known = program_meaning(common->signal, &meaning);
    assert(known); /* is_signal() has checked it */
    (void)known;
    int status = trigger_send(pid, meaning);
    if (status == UV_ESRCH) {
        log_message("--pid: there is no process %d", pid);
    } else if (status == UV_EPERM) {
        log_message("--pid: process %d is another user's, or has more rights than this one", pid);
    } else if (status == UV_ENOENT) {
        log_message("--pid: process %d is neither echo-server nor echo-client, or it just begins "
                    "or ends",
                    pid);
    } else if (status != 0) {
        log_message("--pid: process %d could not be told: %s", pid, uv_strerror(status));
    }
    return status == 0 ? 0 : 1;
}

int program_main(const struct program *program, struct program_options *common, int argc,
                 char **argv)
{
    struct option_error error;
    sys_setup();
    libuv_explain_aborts(program->table->name);
    int status = program->parse(common, argc, argv, &error);
    log_setup(program->table->name, !common->no_progress);
    int code = 2;
    if (!output_is_open(program->table->name)) {
        code = 1;
    } else if (status < 0) {
        (void)fprintf(stderr, "%s\n", error.text);
    } else if (common->help) {
        option_help(program->table, stdout);
        code = control_finish_output();
    } else if (common->version) {
        control_print_version(program->table->name);
        code = control_finish_output();
    } else if (common->signal != NULL) {
        code = program_signal(common);
    } else {
        code = program_run(program, common);
    }
    return code;
}
