#include "program_options.h"

int program_options_check(const struct option_program *program,
                          const struct program_options *options, struct option_error *error)
{
    if (options->signal != NULL && options->pid == 0) {
        return option_fail(program, error, "--signal", "needs --pid, the process to be told");
    }
    if (options->signal == NULL && options->pid != 0) {
        return option_fail(program, error, "--pid", "needs --signal, what the process is told");
    }
    return 0;
}
