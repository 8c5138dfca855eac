#include "libuv.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "sys.h"

static const char *program_name;

/* Only what a signal handler may do, see signal-safety(7). */
static void print(const char *text)
{
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written; /* an error can't be reported */
}

static const char *shortage_name(int error)
{
    switch (error) {
    case EMFILE:
        return "too many open files";
    case ENFILE:
        return "the system's limit of open files is reached";
    case ENOMEM:
        return "out of memory";
    case ENOSPC:
        return "no more watches of descriptors";
    default:
        return NULL;
    }
}

/* A SIGABRT that says nothing of a shortage ends the process as usual, sent from outside or not: it
 * is raised once more when the handler returns. */
static void on_abort(int number)
{
    int error = errno;
    const char *name = shortage_name(error);
    if (name == NULL) {
        (void)signal(number, SIG_DFL);
        (void)raise(number);
        return;
    }
    print(program_name);
    print(": libuv can't go on: ");
    print(name);
    print(sys_shortage(uv_translate_sys_error(error)));
    print("\n");
    _exit(EXIT_FAILURE);
}

void libuv_explain_aborts(const char *program)
{
    program_name = program;
    (void)signal(SIGABRT, on_abort);
}
