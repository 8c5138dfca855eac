/*
 * Both programs under system limits that are too low, one after another. Each program ends by
 * itself with 0 or 1, and with 1 it says why. The library libinject.so simulates limits that a
 * privileged user does not have, and shortages of the whole machine.
 */

#include "e2e.h"
#include "util.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_DESCRIPTORS 0
#define LAST_DESCRIPTORS 28

#define LAST_BENCH_DESCRIPTORS 12

/* KiB of address space. With less, the C library does not start. */
#define FIRST_MEMORY 10000
#define LAST_MEMORY 60000
#define STEP_MEMORY 5000

/* ---- what is asserted ---------------------------------------------------------------------- */

/* The dynamic loader ended the process before the program began. */
static bool ended_by_loader(struct process *process, int code)
{
    return code == 127 && strstr(process_text(process, PROCESS_ERR), "shared libraries") != NULL;
}

/* Asserts that it ended well. `other` is one more permitted exit code, that of a program for a file
 * that it can't read. */
static void ended_with(struct process *process, const char *limit, int other)
{
    int code = process_wait(process, PATIENCE_MS);
    if ((code != 0 && code != 1 && code != other && !ended_by_loader(process, code)) ||
        (code != 0 && process_text(process, PROCESS_ERR)[0] == '\0')) {
        e2e_show(process);
        fail_msg("with %s it ended with %d", limit, code);
    }
    const char *unavailable = strstr(process_text(process, PROCESS_ERR), uv_strerror(UV_EAGAIN));
    if (unavailable != NULL && strstr(unavailable, "ulimit -v") == NULL) {
        e2e_show(process);
        fail_msg("with %s it does not say which limit to raise", limit);
    }
}

static void ended_well(struct process *process, const char *limit)
{
    ended_with(process, limit, 1);
}

/* If it gets as far as serving, it is told to stop. Returns whether it did. */
static bool server_ends_well(struct process *server, const char *limit)
{
    char *line = process_line(server, PROCESS_OUT, "listening on ", 0, PATIENCE_MS);
    bool served = line != NULL;
    if (served) {
        unsigned port = (unsigned)strtoul(strrchr(line, ':') + 1, NULL, 10);
        struct process *client =
            e2e_client_at(port, "--requests=2", "--give-up=1s", "--timeout=1s", NULL);
        (void)process_wait(client, PATIENCE_MS); /* it may be too short of memory to serve */
        e2e_signal(server, SIGTERM);
    }
    free(line);
    ended_well(server, limit);
    return served;
}

/* ---- limits of a process ------------------------------------------------------------------- */

/* Starts it with `ulimit -WHAT VALUE`. */
static struct process *start_limited(const char *what, unsigned value, const char *program,
                                     const char *first, const char *second)
{
    return e2e_start("/bin/sh", "-c", e2e_text("ulimit -%s %u; exec \"$@\"", what, value), "sh",
                     program, e2e_backend_argument(), "-t:2", first, second, NULL);
}

static void sweep(const char *what, unsigned from, unsigned until, unsigned step)
{
    struct e2e_server server;
    unsigned served = 0;
    unsigned count = 0;
    e2e_server(&server, NULL);
    for (unsigned value = from; value <= until; value += step) {
        const char *limit = e2e_text("ulimit -%s %u", what, value);
        served += server_ends_well(start_limited(what, value, e2e_server_path, "-l", "127.0.0.1:0"),
                                   limit);
        ended_well(start_limited(what, value, e2e_client_path, "-d:100ms",
                                 e2e_text("127.0.0.1:%s", server.port)),
                   limit);
        count++;
    }
    e2e_server_ends(&server);
    print_message("ulimit -%s: %u of %u served\n", what, served, count);
    assert_true(served > 0 && served < count);
}

static void few_descriptors_are_an_error(void **state)
{
    (void)state;
    if (e2e_is_sanitized()) {
        e2e_skip("the sanitizer has descriptors of its own");
    }
    sweep("n", FIRST_DESCRIPTORS, LAST_DESCRIPTORS, 1);
}

static void little_memory_is_an_error(void **state)
{
    (void)state;
    if (e2e_is_sanitized()) {
        e2e_skip("the sanitizer takes more address space");
    }
    sweep("v", FIRST_MEMORY, LAST_MEMORY, STEP_MEMORY);
}

/* The third program. The processes that it starts fail under the limit as well. */
static void few_descriptors_are_an_error_to_the_bench(void **state)
{
    const char *bench = getenv("ECHO_BENCH");
    (void)state;
    if (bench == NULL || e2e_is_sanitized()) {
        e2e_skip("there is no echo-bench here, or it is the sanitizer's");
    }
    for (unsigned value = 0; value <= LAST_BENCH_DESCRIPTORS; value++) {
        const char *limit = e2e_text("ulimit -n %u", value);
        struct process *process =
            e2e_start("/bin/sh", "-c", e2e_text("%s; exec \"$@\"", limit), "sh", bench,
                      e2e_backend_argument(), "--case=50x64B", "--rounds=6", "-d:10ms", "-w:1ms",
                      "--pin=off", "-o", e2e_path("bench.json"), NULL);
        ended_with(process, limit, 2);
    }
}

/* ---- calls that fail ----------------------------------------------------------------------- */

/* Of the main thread. */
static const struct {
    const char *call;
    int error;
    unsigned nth[5];
} failures[] = {
    {"epoll_create1", EMFILE, {1, 2}},     {"eventfd", EMFILE, {1, 2}},
    {"pipe2", EMFILE, {1, 2, 3, 4}},       {"pipe2", ENFILE, {1, 2, 3, 4}},
    {"epoll_ctl", ENOSPC, {1, 2, 3, 4}},   {"epoll_ctl", ENOMEM, {1, 2, 3, 4}},
    {"pthread_create", EAGAIN, {1, 2, 3}}, {"socket", EMFILE, {1, 2, 3}},
    {"malloc", ENOMEM, {60, 100}},
};

static void inject(const char *what, const char *thread)
{
    assert_int_equal(uv_os_setenv("LD_PRELOAD", getenv("INJECT_LIBRARY")), 0);
    assert_int_equal(uv_os_setenv("INJECT", what), 0);
    assert_int_equal(uv_os_setenv("INJECT_THREAD", thread), 0);
}

static void inject_no_more(void)
{
    static const char *const names[] = {"LD_PRELOAD", "INJECT", "INJECT_THREAD"};
    for (size_t i = 0; i < LENGTH(names); i++) {
        assert_int_equal(uv_os_unsetenv(names[i]), 0);
    }
}

static void fail_once(const struct e2e_server *server, const char *what)
{
    inject(what, "main");
    struct process *limited =
        e2e_start(e2e_server_path, e2e_backend_argument(), "-t:2", "-l", "127.0.0.1:0", NULL);
    inject_no_more();
    (void)server_ends_well(limited, what);
    inject(what, "main");
    struct process *client = e2e_start(e2e_client_path, e2e_backend_argument(), "--requests=4",
                                       "-t:2", e2e_text("127.0.0.1:%s", server->port), NULL);
    inject_no_more();
    ended_well(client, what);
}

static void a_call_that_fails_at_the_start_is_an_error(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    for (size_t i = 0; i < LENGTH(failures); i++) {
        for (size_t j = 0; j < LENGTH(failures[i].nth) && failures[i].nth[j] != 0; j++) {
            fail_once(&server, e2e_text("%s:%u:%d", failures[i].call, failures[i].nth[j],
                                        failures[i].error));
        }
    }
    e2e_server_ends(&server);
}

/* ---- rings --------------------------------------------------------------------------------- */

/* The n-th ring is refused, from 1. */
static struct process *start_without_ring(unsigned n, const char *program, const char *backend,
                                          const char *first, const char *second, const char *third)
{
    inject(e2e_text("io_uring_queue_init_params:%u:%d", n, ENOMEM), "workers");
    struct process *process = e2e_start(program, backend, "-t:3", first, second, third, NULL);
    inject_no_more();
    return process;
}

/* A client with three workers. */
static void client_falls_back(unsigned n, const char *port, const char *option)
{
    struct process *client = start_without_ring(n, e2e_client_path, "--backend=raw", "--requests=9",
                                                e2e_text("127.0.0.1:%s", port), option);
    e2e_ends(client, 0);
    e2e_says(client, PROCESS_OUT, "backend epoll");
    e2e_says(client, PROCESS_ERR, e2e_text("--backend: using epoll (io_uring: worker %u: ", n - 1));
}

/* No worker serves before all have a ring. If one gets none, all of them use the next backend. */
static void raw_falls_back_when_a_ring_is_refused(void **state)
{
    (void)state;
    if (strcmp(e2e_backend(), "io_uring") != 0) {
        e2e_skip("it has no rings");
    }
    struct process *server =
        start_without_ring(2, e2e_server_path, "--backend=raw", "-l", "127.0.0.1:0", NULL);
    const char *line = e2e_line(server, PROCESS_OUT, "listening on ", 0);
    assert_non_null(strstr(line, " backend=epoll threads=3 (io_uring: worker 1: "));
    assert_non_null(strstr(line, "RLIMIT_MEMLOCK"));
    const char *port = strrchr(e2e_text("%.*s", (int)strcspn(line + 13, " "), line + 13), ':') + 1;
    client_falls_back(2, port, NULL);
    client_falls_back(4, port, "--hostile=silent:2"); /* the fourth worker has these */
    e2e_signal(server, SIGTERM);
    e2e_ends(server, 0);
}

static void io_uring_says_which_limit_refuses_a_ring(void **state)
{
    (void)state;
    if (strcmp(e2e_backend(), "io_uring") != 0) {
        e2e_skip("it has no rings");
    }
    struct process *server =
        start_without_ring(2, e2e_server_path, "--backend=io_uring", "-l", "127.0.0.1:0", NULL);
    e2e_ends(server, 1);
    e2e_says(server, PROCESS_ERR, "worker 1: cannot open a loop of backend io_uring: ");
    e2e_says(server, PROCESS_ERR, "RLIMIT_MEMLOCK");
}

/* libuv's own abort() has a message. A SIGABRT from outside, by a watchdog for example, is no
 * shortage. */
static void an_abort_that_was_sent_ends_it(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    e2e_signal(server.process, SIGABRT);
    e2e_ends(server.process, -SIGABRT);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        E2E(few_descriptors_are_an_error),
        E2E(few_descriptors_are_an_error_to_the_bench),
        E2E(little_memory_is_an_error),
        E2E(a_call_that_fails_at_the_start_is_an_error),
        E2E(raw_falls_back_when_a_ring_is_refused),
        E2E(io_uring_says_which_limit_refuses_a_ring),
        E2E(an_abort_that_was_sent_ends_it),
    };
    return e2e_run(argc, argv, tests);
}
