/* The kernel refuses io_uring: `raw` takes epoll and says why; `io_uring` ends with the reason. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "patience.h"
#include "subprocess.h"
#include "util.h"

static const struct refusal {
    const char *name;
    const char *reason;
    int code; /* the exit code with --backend=io_uring */
} refusals[] = {
    {"EPERM", "a seccomp filter or a security module refuses it", 2},
    {"ENOSYS", "this kernel has no io_uring, or a seccomp filter hides it", 2},
    {"EINVAL", "this kernel is older than Linux 6.1", 2},
    {"ENOMEM",
     "no memory for a ring; raise RLIMIT_MEMLOCK (ulimit -l) or use fewer threads: the rings of "
     "all processes of a user count against it, about 140 KiB for each thread",
     1}, /* it may work another time */
};

#define REFUSALS LENGTH(refusals)

/* Starts echo-server without io_uring. */
static struct process *start_server(const char *error, const char *backend)
{
    const char *const arguments[] = {
        error, getenv("ECHO_SERVER"), backend, "-l", "127.0.0.1:0", "-t", "1", NULL};
    struct process *process = process_start(getenv("NO_IO_URING"), arguments, NULL);
    assert_non_null(process);
    return process;
}

static void raw_takes_epoll_and_says_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < REFUSALS; i++) {
        char expected[320];
        struct process *server = start_server(refusals[i].name, "--backend=raw");
        char *line = process_line(server, PROCESS_OUT, "listening on ", 0, PATIENCE_MS);
        assert_non_null(line);
        (void)snprintf(expected, sizeof(expected), " backend=epoll threads=1 (io_uring: %s)",
                       refusals[i].reason);
        assert_non_null(strstr(line, expected));
        free(line);
        assert_int_equal(process_signal(server, SIGTERM), 0);
        assert_int_equal(process_wait(server, PATIENCE_MS), 0);
    }
}

static void io_uring_is_refused_with_the_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < REFUSALS; i++) {
        struct process *server = start_server(refusals[i].name, "--backend=io_uring");
        assert_int_equal(process_wait(server, PATIENCE_MS), refusals[i].code);
        assert_non_null(strstr(process_text(server, PROCESS_ERR), refusals[i].reason));
    }
}

/* Both programs run without io_uring, as in a container. */
static void echoes_without_io_uring(void **state)
{
    char port[16];
    (void)state;
    struct process *server = start_server("EPERM", "--backend=raw");
    char *line = process_line(server, PROCESS_OUT, "listening on ", 0, PATIENCE_MS);
    assert_non_null(line);
    assert_int_equal(sscanf(line, "listening on 127.0.0.1:%15[0-9]", port), 1);
    free(line);

    const char *const arguments[] = {"EPERM", getenv("ECHO_CLIENT"), "--backend=raw",
                                     "-n",    "127.0.0.1",           "-e",
                                     port,    "--requests=1000",     NULL};
    struct process *client = process_start(getenv("NO_IO_URING"), arguments, NULL);
    assert_non_null(client);
    assert_int_equal(process_wait(client, PATIENCE_MS), 0);
    assert_non_null(strstr(process_text(client, PROCESS_OUT), "backend epoll"));
    assert_non_null(strstr(process_text(client, PROCESS_ERR), "using epoll (io_uring: "));
    assert_int_equal(process_signal(server, SIGTERM), 0);
    assert_int_equal(process_wait(server, PATIENCE_MS), 0);
}

static int end_all(void **state)
{
    (void)state;
    process_end_all();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(raw_takes_epoll_and_says_why, end_all),
        cmocka_unit_test_teardown(io_uring_is_refused_with_the_reason, end_all),
        cmocka_unit_test_teardown(echoes_without_io_uring, end_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
