#include "program.h"

#include <stdio.h>
#include <string.h>

#include "control.h"
#include "log.h"
#include "sys.h"

static int program_run(const struct program *program, const struct program_options *common)
{
    const struct backend *backend = NULL;
    char why[512];
    if (strcmp(common->backend, "help") == 0) {
        control_print_backends();
        return control_finish_output();
    }
    if (backend_choose(common->backend, &backend, why, sizeof(why)) != 0) {
        log_message("--backend: '%s' cannot be used: %s", common->backend, why);
        return 2;
    }
    return program->run(common, backend);
}

int program_main(const struct program *program, struct program_options *common, int argc,
                 char **argv)
{
    struct option_error error;
    sys_setup();
    int status = program->parse(common, argc, argv, &error);
    log_setup(program->table->name, !common->no_color);
    int code = status == UV_ENOMEM ? 1 : 2;
    if (status < 0) {
        (void)fprintf(stderr, "%s\n", error.text);
    } else if (common->help) {
        option_help(program->table, stdout);
        code = control_finish_output();
    } else if (common->version) {
        control_print_version(program->table->name);
        code = control_finish_output();
    } else {
        code = program_run(program, common);
    }
    option_free(program->table, common);
    return code;
}
