/*
 * test_inject [CALL]
 *
 * Each system call of each backend of Linux fails once, in turn, with each plausible errno, and is
 * cut short. This is done in the server and in the client. Both are the real programs, and
 * libinject.so is preloaded into one of them. After each fault
 *
 *   nothing has crashed           the program ends by itself, with an exit code of its own
 *   nothing has leaked            as many descriptors are open at its end as without a fault; with
 *                                 the address sanitizer, no memory is left (it ends with 99)
 *   nothing has been lost         no byte came back wrong; where the fault is passing, a short
 *                                 transfer or EINTR, each message came back
 *   the server goes on            at most one client was cut, and the next one is served
 *
 * ECHOPORT_CALLS is a file with the undefined symbols of the backends' object files. Each must be
 * in one of the tables here.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "patience.h"
#include "subprocess.h"
#include "util.h"

#define CODES 9

/* ---- what fails, and how ------------------------------------------------------------------- */

#define SHORT (-1) /* among the codes: the call moves only one byte */

static const char leaks_in_libuv[] = "uv_loop_init() forgets its epoll";
static const char unseen_by_libuv[] = "libuv takes what SO_ERROR left untouched for an error";

static const struct row {
    const char *call;
    const char *not_uv; /* the reason why libuv is left out; NULL: it is not */
    int codes[CODES];
} rows[] = {
    {"accept4", NULL, {EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EPERM}},
    {"close", NULL, {EINTR, EIO}},
    {"connect", NULL, {EINTR, ECONNREFUSED, ETIMEDOUT, ENETUNREACH, EADDRNOTAVAIL, ENOBUFS}},
    {"epoll_create1", NULL, {EMFILE, ENFILE, ENOMEM}},
    {"calloc", NULL, {ENOMEM}},
    {"epoll_ctl", NULL, {ENOMEM, ENOSPC}},
    {"epoll_pwait", NULL, {EINTR}},
    {"epoll_wait", NULL, {EINTR}},
    {"eventfd", leaks_in_libuv, {EMFILE, ENFILE, ENOMEM}},
    {"fcntl", NULL, {EPERM, EBADF}},
    {"getsockopt", unseen_by_libuv, {ENOBUFS}},
    {"io_uring_queue_init_params", NULL, {EMFILE, ENFILE, ENOMEM, EPERM}},
    {"io_uring_register_buf_ring", NULL, {ENOMEM, EINVAL}},
    {"io_uring_submit", NULL, {EAGAIN, EBUSY, EINTR, ENOMEM}},
    {"io_uring_submit_and_get_events", NULL, {EAGAIN, EBUSY, EINTR, ENOMEM}},
    {"io_uring_submit_and_wait_timeout", NULL, {EAGAIN, EBUSY, EINTR, ENOMEM, ETIME}},
    {"ioctl", NULL, {ENOMEM}},
    {"listen", NULL, {EADDRINUSE, ENOBUFS}},
    {"malloc", NULL, {ENOMEM}},
    {"read", NULL, {EINTR, EAGAIN, ECONNRESET, ETIMEDOUT, ENOMEM, SHORT}},
    {"recv", NULL, {EINTR, EAGAIN, ECONNRESET, ETIMEDOUT, ENOMEM, SHORT}},
    {"send", NULL, {EINTR, EAGAIN, ECONNRESET, EPIPE, ETIMEDOUT, ENOBUFS, ENOMEM, SHORT}},
    {"setsockopt", NULL, {ENOBUFS, EINVAL}},
    {"shutdown", NULL, {ENOTCONN, ENOBUFS}},
    {"socket", NULL, {EMFILE, ENFILE, ENOBUFS, ENOMEM}},
    {"write", NULL, {EINTR, EAGAIN, ECONNRESET, EPIPE, ETIMEDOUT, ENOBUFS, ENOMEM, SHORT}},
    {"IORING_OP_ACCEPT", NULL, {EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED}},
    {"IORING_OP_ASYNC_CANCEL", NULL, {ENOENT, EALREADY}},
    {"IORING_OP_CLOSE", NULL, {EINTR, EIO}},
    {"IORING_OP_CONNECT", NULL, {ECONNREFUSED, ETIMEDOUT, ENETUNREACH, EADDRNOTAVAIL, ENOMEM}},
    {"IORING_OP_READ", NULL, {EINTR, EAGAIN}},
    {"IORING_OP_RECV", NULL, {EINTR, EAGAIN, ENOBUFS, ECONNRESET, ETIMEDOUT, ENOMEM, SHORT}},
    {"IORING_OP_SEND", NULL, {EINTR, EAGAIN, ECONNRESET, EPIPE, ETIMEDOUT, ENOMEM, SHORT}},
};

/* Other calls of the object files, which can't be made to fail. */
static const struct {
    const char *name;
    const char *reason;
} infallible[] = {
    {"__assert_fail", "does not return"},
    {"__errno_location", "answers what is there"},
    {"__io_uring_get_cqe", "peeks at the ring, which is mapped"},
    {"fgetc", "of the sysctl: without it there is no reason but the errno"},
    {"__snprintf_chk", "writes into memory of the caller's"},
    {"__stack_chk_fail", "does not return"},
    {"bind", "is the main thread's, before there is a backend"},
    {"fclose", "of the sysctl"},
    {"fopen", "of the sysctl"},
    {"free", "has no result"},
    {"io_uring_queue_exit", "has no result"},
    {"memcpy", "has no result"},
    {"memset", "has no result"},
    {"mmap", "no system call in what is counted: the ring of buffers, UV_ENOMEM as of calloc"},
    {"munmap", "fails for what is not mapped"},
    {"snprintf", "writes into memory of the caller's"},
    {"strerror", "a text"},
};

static const char *const backends[] = {"uv", "io_uring", "epoll"};

/* The occurrences that fail, each in a run of its own, until a call does not occur that often. */
#ifdef __SANITIZE_ADDRESS__ /* its programs are slow to start and to end */
static const unsigned occurrences[] = {1};
#else
static const unsigned occurrences[] = {1, 2, 4, 7};
#endif

struct tally {
    unsigned injected;
    unsigned crashed;
    unsigned leaked;
    unsigned lost;
};

/* ---- one run ------------------------------------------------------------------------------- */

struct fault {
    const char *backend;
    bool client; /* the fault is in the client, not in the server */
    const char *call;
    unsigned nth; /* 0: nothing happens */
    int code;
};

struct outcome {
    bool struck;
    bool crashed;
    bool lost;
    int open; /* descriptors at the end; -1: it did not reach its end */
};

static char report_path[256];

static bool is_passing(const struct fault *fault)
{
    return fault->nth == 0 || fault->code == SHORT || fault->code == EINTR ||
           fault->code == EAGAIN || fault->code == EBUSY || fault->code == ETIME ||
           strncmp(fault->call, "io_uring_submit", 15) == 0 || strcmp(fault->call, "close") == 0 ||
           strcmp(fault->call, "IORING_OP_CLOSE") == 0 ||
           strcmp(fault->call, "IORING_OP_ASYNC_CANCEL") == 0;
}

static struct process *start(const struct fault *fault, bool struck, const char *path,
                             const char *const *arguments)
{
    char text[96];
    if (struck) {
        (void)snprintf(text, sizeof(text), "%s:%u:%d", fault->call, fault->nth,
                       fault->code == SHORT ? 0 : fault->code);
        assert_int_equal(uv_os_setenv("LD_PRELOAD", getenv("INJECT_LIBRARY")), 0);
        assert_int_equal(uv_os_setenv("INJECT", text), 0);
        assert_int_equal(uv_os_setenv("INJECT_REPORT", report_path), 0);
    }
    struct process *process = process_start(path, arguments, NULL);
    (void)uv_os_unsetenv("LD_PRELOAD");
    (void)uv_os_unsetenv("INJECT");
    (void)uv_os_unsetenv("INJECT_REPORT");
    assert_non_null(process);
    return process;
}

static struct process *start_server(const struct fault *fault)
{
    char backend[32];
    const char *const arguments[] = {backend, "-l", "127.0.0.1:0", "-t", "1", "--drain-timeout=5s",
                                     NULL};
    (void)snprintf(backend, sizeof(backend), "--backend=%s", fault->client ? "uv" : fault->backend);
    return start(fault, !fault->client, getenv("ECHO_SERVER"), arguments);
}

static struct process *start_client(const struct fault *fault, const char *port, bool is_struck)
{
    char backend[32];
    const char *const arguments[] = {
        "-n",           "127.0.0.1",     "-e",     port,    "-c", "3", "-s", "48KiB",
        "--requests=9", "--timeout=10s", "--json", backend, NULL};
    (void)snprintf(backend, sizeof(backend), "--backend=%s", is_struck ? fault->backend : "uv");
    return start(fault, is_struck, getenv("ECHO_CLIENT"), arguments);
}

/* Whether the program ended by itself, with a permitted code. */
static bool ended_well(const char *what, struct process *process, int worst)
{
    int code = process_wait(process, PATIENCE_MS);
    if (code >= 0 && code <= worst) {
        return true;
    }
    print_error("%s: exit code %d\n%s", what, code, process_text(process, PROCESS_ERR));
    return false;
}

static bool is_right(const char *what, struct process *client, bool whole)
{
    bool ended = ended_well(what, client, whole ? 0 : 1);
    const char *text = process_text(client, PROCESS_OUT);
    return ended && (strstr(text, "\"mismatches\":0") != NULL || text[0] == '\0') &&
           (!whole || strstr(text, "\"messages\":9,") != NULL);
}

/* Runs clients one after another until one is served after the fault. The fault may cut one. */
static void converse(const struct fault *fault, const char *port, struct outcome *outcome)
{
    struct process *first = start_client(fault, port, fault->client);
    outcome->lost = !is_right("the first client", first, is_passing(fault));
    outcome->crashed = fault->client && !ended_well("the client", first, 2);
    bool cut = process_wait(first, PATIENCE_MS) != 0;
    struct process *second = start_client(fault, port, false);
    bool whole = is_right("the second client", second, cut || is_passing(fault));
    if (whole && process_wait(second, PATIENCE_MS) != 0) {
        whole = is_right("the third client", start_client(fault, port, false), true);
    }
    outcome->lost = outcome->lost || !whole;
}

static void read_report(struct outcome *outcome)
{
    char line[64];
    FILE *file = fopen(report_path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        outcome->struck = outcome->struck || strcmp(line, "struck\n") == 0;
        if (strncmp(line, "open ", 5) == 0) {
            outcome->open = (int)strtol(line + 5, NULL, 10);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
        (void)remove(report_path);
    }
}

/* Whether libuv could not go on: the server has said so, and has cut its connections. */
static bool libuv_has_ended(struct process *server)
{
    return process_has_ended(server) &&
           strstr(process_text(server, PROCESS_ERR), "libuv can't go on") != NULL;
}

static struct outcome run(const struct fault *fault)
{
    struct outcome outcome = {.open = -1};
    char port[16];
    struct process *server = start_server(fault);
    char *line = process_line(server, PROCESS_OUT, "listening on ", 0, PATIENCE_MS);
    if (line != NULL && sscanf(line, "listening on 127.0.0.1:%15[0-9]", port) == 1) {
        converse(fault, port, &outcome);
        if (libuv_has_ended(server)) {
            outcome.lost = false;
        } else {
            assert_int_equal(process_signal(server, SIGTERM), 0);
        }
        outcome.crashed = outcome.crashed || !ended_well("the server", server, 1);
    } else { /* it did not start, and must say why */
        outcome.crashed = !ended_well("the server", server, 2);
        outcome.lost = process_text(server, PROCESS_ERR)[0] == '\0';
    }
    free(line);
    process_end_all();
    read_report(&outcome);
    return outcome;
}

/* ---- all faults ---------------------------------------------------------------------------- */

static void print_fault(const struct fault *fault, const char *what)
{
    print_error("%s, %s, %s number %u, %s: %s\n", fault->backend,
                fault->client ? "client" : "server", fault->call, fault->nth,
                fault->code == SHORT ? "cut short" : strerror(fault->code), what);
}

/* Whether the call was made that often. */
static bool try_fault(const struct fault *fault, int usual, struct tally *tally)
{
    struct outcome outcome = run(fault);
    if (!outcome.struck) {
        return false;
    }
    bool leaked = !outcome.crashed && outcome.open > usual;
    tally->injected++;
    tally->crashed += outcome.crashed;
    tally->leaked += leaked;
    tally->lost += outcome.lost;
    if (outcome.crashed || leaked || outcome.lost) {
        print_fault(fault, outcome.crashed ? "crashed" : leaked ? "leaked" : "lost");
    }
    return true;
}

static void try_row(const struct row *row, const char *backend, bool client, int usual,
                    struct tally *tally)
{
    if (row->not_uv != NULL && strcmp(backend, "uv") == 0) {
        return;
    }
    for (size_t i = 0; i < CODES && row->codes[i] != 0; i++) {
        for (size_t j = 0; j < LENGTH(occurrences); j++) {
            const struct fault fault = {backend, client, row->call, occurrences[j], row->codes[i]};
            if (!try_fault(&fault, usual, tally)) {
                if (j == 0) {
                    return; /* this backend never makes the call there */
                }
                break;
            }
        }
    }
}

static const char *only; /* NULL: all calls */

static void try_backend(const char *backend, struct tally *sum)
{
    for (int client = 0; client < 2; client++) {
        const struct fault nothing = {backend, client != 0, "none", 0, 0};
        struct outcome usual = run(&nothing);
        assert_false(usual.crashed || usual.lost || usual.open < 0);
        for (size_t i = 0; i < LENGTH(rows); i++) {
            struct tally tally = {0};
            if (only != NULL && strcmp(only, rows[i].call) != 0) {
                continue;
            }
            try_row(&rows[i], backend, client != 0, usual.open, &tally);
            if (tally.injected > 0) {
                print_message("%-9s %-7s %-33s %8u %8u %7u %5u\n", backend,
                              client ? "client" : "server", rows[i].call, tally.injected,
                              tally.crashed, tally.leaked, tally.lost);
            }
            sum->injected += tally.injected;
            sum->crashed += tally.crashed;
            sum->leaked += tally.leaked;
            sum->lost += tally.lost;
        }
    }
}

static void no_fault_crashes_leaks_or_loses(void **state)
{
    struct tally sum = {0};
    (void)state;
    print_message("%-9s %-7s %-33s %8s %8s %7s %5s\n", "backend", "side", "call", "injected",
                  "crashed", "leaked", "lost");
    for (size_t i = 0; i < LENGTH(backends); i++) {
        const char *without = getenv("ECHOPORT_WITHOUT");
        if (without == NULL || strcmp(without, backends[i]) != 0) {
            try_backend(backends[i], &sum);
        }
    }
    print_message("%-51s %8u %8u %7u %5u\n", "all", sum.injected, sum.crashed, sum.leaked,
                  sum.lost);
    assert_true(sum.injected > 0);
    assert_int_equal(sum.crashed + sum.leaked + sum.lost, 0);
}

static bool is_known(const char *name)
{
    for (size_t i = 0; i < LENGTH(rows); i++) {
        if (strcmp(rows[i].call, name) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < LENGTH(infallible); i++) {
        if (strcmp(infallible[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A new call of a backend must be added to a table. */
static void every_call_of_the_object_files_is_known(void **state)
{
    char line[128];
    unsigned unknown = 0;
    unsigned count = 0;
    FILE *file = fopen(getenv("ECHOPORT_CALLS"), "r");
    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        count++;
        if (!is_known(line)) {
            print_error("%s: is called, and in neither table\n", line);
            unknown++;
        }
    }
    (void)fclose(file);
    assert_true(count > 20);
    assert_int_equal(unknown, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_of_the_object_files_is_known),
        cmocka_unit_test(no_fault_crashes_leaks_or_loses),
    };
    size_t size = sizeof(report_path) - 32;
    only = argc > 1 ? argv[1] : NULL;
    if (uv_os_tmpdir(report_path, &size) != 0) {
        return 2;
    }
    (void)snprintf(report_path + strlen(report_path), 32, "/echoport-inject-%d",
                   (int)uv_os_getpid());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
