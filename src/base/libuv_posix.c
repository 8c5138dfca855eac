#include "libuv.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "sys.h"
#include "util.h"

static const char *program_name;

/* Async-signal-safe, see signal-safety(7). */
static void print(const char *text)
{
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written; /* an error can't be reported */
}

/* `advice` is set in advance: a signal handler must not call sys_shortage(). */
static struct shortage {
    int error;
    const char *name;
    const char *advice;
} shortages[] = {
    {EMFILE, "too many open files", NULL},
    {ENFILE, "the system's limit of open files is reached", NULL},
    {ENOMEM, "out of memory", NULL},
    {ENOSPC, "no more watches of descriptors", NULL},
};

#define SHORTAGES LENGTH(shortages)

/* A SIGABRT without such an errno ends the process as usual, even if another process sent it: it is
 * raised again when the handler returns. */
static void on_abort(int number)
{
    /* The reason for abort(). NOLINTNEXTLINE(bugprone-signal-handler,cert-sig30-c) */
    int error = errno;
    for (size_t i = 0; i < SHORTAGES; i++) {
        if (shortages[i].error == error) {
            print(program_name);
            print(": libuv can't go on: ");
            print(shortages[i].name);
            print(shortages[i].advice);
            print("\n");
            _exit(EXIT_FAILURE);
        }
    }
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

void libuv_explain_aborts(const char *program)
{
    program_name = program;
    for (size_t i = 0; i < SHORTAGES; i++) {
        shortages[i].advice = sys_shortage(uv_translate_sys_error(shortages[i].error));
    }
    (void)signal(SIGABRT, on_abort);
}
