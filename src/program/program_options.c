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
        return option_fail(program, error, "--signal", "needs --pid, the process to tell");
    }
    if (options->signal == NULL && options->pid != 0) {
        return option_fail(program, error, "--pid", "needs --signal, what to tell the process");
    }
    if (options->sndbuf_size == OPTION_NONE && !net_sends_unbuffered) {
        return option_fail(program, error, "--sndbuf",
                           "'none' works only on Windows: this system always has a send buffer; "
                           "give a size, or leave --sndbuf out");
    }
    return 0;
}

struct net_options program_options_net(const struct program_options *options)
{
    bool none = options->sndbuf_size == OPTION_NONE;
    return (struct net_options){
        .nodelay = options->nodelay,
        .sndbuf = none ? NET_UNBUFFERED : (int)options->sndbuf_size,
        .rcvbuf = (int)options->rcvbuf_size,
    };
}
