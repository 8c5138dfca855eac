#include "program_options.h"

#include <string.h>

bool program_meaning(const char *word, enum sys_meaning *meaning)
{
    static const char *const words[SYS_SENT_MEANINGS] = {
        [SYS_STOP] = "stop", [SYS_RESTART] = "restart", [SYS_REPORT] = "report"};
    for (int i = 0; i < SYS_SENT_MEANINGS; i++) {
        if (strcmp(word, words[i]) == 0) {
            *meaning = (enum sys_meaning)i;
            return true;
        }
    }
    return false;
}

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
