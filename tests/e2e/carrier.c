/*
 * A command that starts another program, for tests:
 *
 *     carrier run PROGRAM [ARGUMENT...]        runs it; the exit code is its own
 *     carrier shell PROGRAM [ARGUMENT...]      the same, as ssh does it: joined by blanks, for sh
 *     carrier terminal PROGRAM [ARGUMENT...]   runs it behind a line of progress, as on a terminal
 *     carrier replace OLD NEW PROGRAM [...]    replaces a text in what it prints, the first time
 *     carrier later OLD NEW PROGRAM [...]      the same, unless it is run for one message only
 *     carrier lost ...                         fails as ssh does
 */

#include <stdio.h>
#include <string.h>

#include "subprocess.h"
#include "text.h"

#define CARRIER_WAIT_MS 3600000

static int carry(char **words)
{
    static const int streams[PROCESS_STREAMS] = {1, 2};
    const char *const *arguments = (const char *const *)(void *)(words + 1);
    struct process *process = process_start_on(words[0], arguments, streams);
    int code = process != NULL ? process_wait(process, CARRIER_WAIT_MS) : 127;
    process_end_all();
    return code;
}

static int carry_joined(char **words)
{
    static char shell[] = "/bin/sh";
    static char option[] = "-c";
    struct text line = {0};
    for (; *words != NULL; words++) {
        text_printf(&line, "%s ", *words);
    }
    char *joined[] = {shell, option, line.data, NULL};
    int code = carry(joined);
    text_free(&line);
    return code;
}

static int carry_behind_progress(char **words)
{
    (void)fputs("[##..] 50 %\r", stdout);
    (void)fflush(stdout);
    return carry(words);
}

/* `words`: the old text, the new one, and the program. */
static int carry_replaced(char **words)
{
    static const int streams[PROCESS_STREAMS] = {-1, 2};
    const char *const *arguments = (const char *const *)(void *)(words + 3);
    struct process *process = process_start_on(words[2], arguments, streams);
    int code = process != NULL ? process_wait(process, CARRIER_WAIT_MS) : 127;
    const char *out = process != NULL ? process_text(process, PROCESS_OUT) : "";
    const char *old = strstr(out, words[0]);
    if (old != NULL) {
        (void)printf("%.*s%s", (int)(old - out), out, words[1]);
        out = old + strlen(words[0]);
    }
    (void)fputs(out, stdout);
    process_end_all();
    return code;
}

static int carry_replaced_later(char **words)
{
    for (size_t i = 3; words[i] != NULL; i++) {
        if (strcmp(words[i], "--requests=1") == 0) {
            return carry(words + 2);
        }
    }
    return carry_replaced(words);
}

static int lose(char **words)
{
    (void)words;
    (void)fprintf(stderr, "Authorized uses only.\n"
                          "ssh: connect to host h2 port 22: Connection refused\r\n");
    return 255;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int words; /* at least */
        int (*run)(char **words);
    } modes[] = {
        {.name = "run", .words = 1, .run = carry},
        {.name = "shell", .words = 1, .run = carry_joined},
        {.name = "terminal", .words = 1, .run = carry_behind_progress},
        {.name = "replace", .words = 3, .run = carry_replaced},
        {.name = "later", .words = 3, .run = carry_replaced_later},
        {.name = "lost", .words = 0, .run = lose},
    };
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]) && argc > 1; i++) {
        if (strcmp(argv[1], modes[i].name) == 0 && argc >= 2 + modes[i].words) {
            return modes[i].run(argv + 2);
        }
    }
    (void)fprintf(stderr, "carrier: there is no such mode\n");
    return 2;
}
