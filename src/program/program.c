#include "program.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "libuv.h"
#include "log.h"
#include "output.h"
#include "sys.h"
#include "trigger.h"
#include "version.h"

/* ---- --backend=help and --version ------------------------------------------------------------ */

static void program_print_modes(const char *option, const char *const *modes)
{
    if (modes == NULL) {
        return;
    }
    (void)printf("%-22s %s=%s (default)", "", option, modes[0]);
    for (size_t i = 1; modes[i] != NULL; i++) {
        (void)printf(", %s", modes[i]);
    }
    (void)printf("\n");
}

static void program_print_backends(void)
{
    const struct backend *raw = NULL;
    char why_raw[256];
    char why[256];
    for (const struct backend_entry *at = backend_list; at->name != NULL; at++) {
        bool usable = backend_probe(at, why, sizeof(why)) == 0;
        (void)printf("%-10s %-11s %s\n", at->name, usable ? "usable" : "not usable",
                     usable ? at->summary : why);
        if (at->backend != NULL) {
            program_print_modes("--accept", at->backend->accept_modes);
            program_print_modes("--recv", at->backend->recv_modes);
        }
    }
    if (backend_choose("raw", &raw, why_raw, sizeof(why_raw)) == 0) {
        (void)printf("%-10s %-11s the best native one here: %s\n", "raw", "usable", raw->name);
    } else {
        (void)printf("%-10s %-11s the best native one: %s\n", "raw", "not usable", why_raw);
    }
}

void program_print_version(const char *program)
{
    char why[256];
    (void)printf("%s %s (%s)\n", program, ECHOPORT_VERSION, ECHOPORT_COMMIT);
    (void)printf("built for %s with %s, %s\n", ECHOPORT_SYSTEM, ECHOPORT_COMPILER, ECHOPORT_BUILD);
    (void)printf("libuv %s\nbackends:", uv_version_string());
    for (const struct backend_entry *at = backend_list; at->name != NULL; at++) {
        if (backend_probe(at, why, sizeof(why)) == 0) {
            (void)printf(" %s", at->name);
        }
    }
    (void)printf("\n");
}

int program_finish_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return 0;
    }
    log_message("cannot write to standard output");
    return 1;
}

/* ---- running and telling ------------------------------------------------------------------- */

static int program_run(const struct program *program, const struct program_options *common)
{
    const struct backend *backend = NULL;
    char why[512];
    if (strcmp(common->backend, "help") == 0) {
        program_print_backends();
        return program_finish_output();
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

/* --signal. Returns the exit code. */
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
        log_message("--pid: process %d belongs to another user, or has more rights than this one",
                    pid);
    } else if (status == UV_ENOENT) {
        log_message("--pid: process %d is neither echo-server nor echo-client, or is starting or "
                    "ending",
                    pid);
    } else if (status != 0) {
        log_message("--pid: cannot reach process %d: %s", pid, uv_strerror(status));
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
        code = program_finish_output();
    } else if (common->version) {
        program_print_version(program->table->name);
        code = program_finish_output();
    } else if (common->signal != NULL) {
        code = program_signal(common);
    } else {
        code = program_run(program, common);
    }
    return code;
}
