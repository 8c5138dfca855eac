/*
 *     carrier run PROGRAM [ARGUMENT...]        runs it; the exit code is its own
 *     carrier shell PROGRAM [ARGUMENT...]      the same, as ssh does it: joined by blanks, for sh
 *     carrier terminal PROGRAM [ARGUMENT...]   runs it behind a line of progress, as on a terminal
 *     carrier lost ...                         fails as ssh does
 *
 * A command that starts another program, for tests.
 */

#include <stdio.h>
#include <string.h>

#include "subprocess.h"
#include "text.h"

static int carry(const char *program, const char *const *arguments)
{
    static const int streams[PROCESS_STREAMS] = {1, 2};
    struct process *process = process_start_on(program, arguments, streams);
    int code = process != NULL ? process_wait(process, 3600000) : 127;
    process_end_all();
    return code;
}

static int carry_joined(char **words)
{
    struct text line = {0};
    for (; *words != NULL; words++) {
        text_printf(&line, "%s ", *words);
    }
    const char *arguments[] = {"-c", line.data, NULL};
    int code = carry("/bin/sh", arguments);
    text_free(&line);
    return code;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "run") == 0) {
        return carry(argv[2], (const char *const *)(void *)(argv + 3));
    }
    if (argc > 2 && strcmp(argv[1], "shell") == 0) {
        return carry_joined(argv + 2);
    }
    if (argc > 2 && strcmp(argv[1], "terminal") == 0) {
        (void)fputs("[##..] 50 %\r", stdout);
        (void)fflush(stdout);
        return carry(argv[2], (const char *const *)(void *)(argv + 3));
    }
    (void)fprintf(stderr, "Authorized uses only.\n"
                          "ssh: connect to host h2 port 22: Connection refused\r\n");
    return 255;
}
