/*
 * A program is told to stop while it resolves a name. libinject.so plays a resolver that gets no
 * answer.
 */

#include "e2e.h"
#include "util.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void wait_for_file(const char *path)
{
    uint64_t begin_ms = e2e_now_ms();
    FILE *file;
    while ((file = fopen(path, "r")) == NULL) {
        assert_true(e2e_now_ms() - begin_ms < PATIENCE_MS);
        (void)process_pump(1, NULL, NULL);
    }
    (void)fclose(file);
}

/* The resolver waits while the file `gate` exists. Returns when it waits. */
static struct process *start_looking(const char *gate, const char *program, const char *first,
                                     const char *second)
{
    static const char *const names[] = {"LD_PRELOAD", "INJECT", "INJECT_GATE", "INJECT_REPORT"};
    const char *report = e2e_path("report");
    const char *const values[] = {getenv("INJECT_LIBRARY"), "getaddrinfo:1:0", gate, report};
    FILE *file = fopen(gate, "w");
    assert_non_null(file);
    (void)fclose(file);
    for (size_t i = 0; i < LENGTH(names); i++) {
        assert_int_equal(uv_os_setenv(names[i], values[i]), 0);
    }
    struct process *process = e2e_start(program, e2e_backend_argument(), first, second, NULL);
    for (size_t i = 0; i < LENGTH(names); i++) {
        assert_int_equal(uv_os_unsetenv(names[i]), 0);
    }
    wait_for_file(report);
    return process;
}

static struct process *start_client_looking(const char *gate)
{
    return start_looking(gate, e2e_client_path, "localhost:1", "-d:1s");
}

static void tell_to_end(struct process *process)
{
    e2e_signal(process, SIGTERM);
    (void)e2e_line(process, PROCESS_ERR, "once more to end at once", 0);
}

/* Nothing was started. */
static void a_client_that_has_no_address_yet_fails(void **state)
{
    const char *gate = e2e_path("gate");
    (void)state;
    struct process *client = start_client_looking(gate);
    tell_to_end(client);
    assert_int_equal(remove(gate), 0);
    e2e_ends(client, 1);
    e2e_says(client, PROCESS_ERR, "told to end before the address of 'localhost' was found");
    assert_string_equal(process_text(client, PROCESS_OUT), "");
}

static void a_client_that_waits_for_its_server_does_so_too(void **state)
{
    const char *gate = e2e_path("gate");
    (void)state;
    struct process *client = start_looking(gate, e2e_client_path, "localhost:1", "--wait=60s");
    tell_to_end(client);
    assert_int_equal(remove(gate), 0);
    e2e_ends(client, 1);
    e2e_says(client, PROCESS_ERR, "told to end before the address of 'localhost' was found");
}

static void a_server_that_has_no_address_yet_has_lost_nothing(void **state)
{
    const char *gate = e2e_path("gate");
    (void)state;
    struct process *server = start_looking(gate, e2e_server_path, "-l", "localhost:0");
    tell_to_end(server);
    assert_int_equal(remove(gate), 0);
    e2e_ends(server, 0);
}

/* The resolver still waits. */
static void a_second_stop_ends_it_at_once(void **state)
{
    const char *gate = e2e_path("gate");
    (void)state;
    struct process *client = start_client_looking(gate);
    tell_to_end(client);
    e2e_signal(client, SIGTERM);
    e2e_ends(client, 1);
    e2e_says(client, PROCESS_ERR, "ending at once");
    assert_int_equal(remove(gate), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        E2E(a_client_that_has_no_address_yet_fails),
        E2E(a_client_that_waits_for_its_server_does_so_too),
        E2E(a_server_that_has_no_address_yet_has_lost_nothing),
        E2E(a_second_stop_ends_it_at_once),
    };
    return e2e_run(argc, argv, tests);
}
