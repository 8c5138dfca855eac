/*
 * The period of Windows' timer: a client with --rate shortens it while it runs, and restores it
 * however it ends. The client is linked with guard_timer.c, which records the calls.
 */

#include "e2e.h"
#include "fake_server.h"
#include "folder.h"

#define LOG "periods"
#define RESTORED "begin 1\nend 1\n"

static int set_up(void **state)
{
    if (folder_set_up(state) != 0 || uv_os_setenv("GUARD_TIMER", folder_path(LOG)) != 0) {
        return -1;
    }
    return e2e_set_up(state);
}

static int tear_down(void **state)
{
    int ended = e2e_tear_down(state);
    return folder_tear_down(state) != 0 ? -1 : ended;
}

/* The second stop may end the client before the third. */
static void stop(struct process *client)
{
    struct process *sender = e2e_start(e2e_client_path, "--signal=stop", "--pid",
                                       e2e_text("%d", process_id(client)), NULL);
    (void)process_wait(sender, PATIENCE_MS);
}

static void a_run_restores_it(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    e2e_ends(e2e_client(&server, "--rate", "100", "--requests", "5", NULL), 0);
    folder_has(LOG, RESTORED);
}

static void without_a_rate_it_stays(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    e2e_ends(e2e_client(&server, "--requests", "5", NULL), 0);
    assert_int_equal(folder_count(), 0);
}

static void a_failed_run_restores_it(void **state)
{
    (void)state;
    struct process *client = e2e_client_at(e2e_free_port(), "--rate", "100", NULL);
    e2e_ends(client, 1);
    folder_has(LOG, RESTORED);
}

/* The server sends no answer, so the client is still there for the second stop. */
static void stopped(unsigned stops)
{
    const struct fake_plan plan = {.mode = FAKE_MUTE, .size = 64, .affected = SIZE_MAX};
    struct fake_server *fake = fake_server_start(process_loop(), &plan);
    struct process *client = e2e_client_at(fake_server_port(fake), "--rate", "100", "-s", "64",
                                           "--drain-timeout", "600s", "--timeout", "0", "-v", NULL);
    (void)e2e_line(client, PROCESS_ERR, "connected", 0);
    stop(client);
    (void)e2e_line(client, PROCESS_ERR, "finishing what is under way", 0);
    if (stops > 1) {
        stop(client);
    }
    if (stops > 2) {
        stop(client);
    }
    (void)process_wait(client, PATIENCE_MS);
    folder_has(LOG, RESTORED);
    fake_server_stop(fake);
}

static void an_end_at_once_restores_it(void **state)
{
    (void)state;
    stopped(2);
}

/* The second stop may end the client before the third. */
static void an_exit_restores_it(void **state)
{
    (void)state;
    stopped(3);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_restores_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_rate_it_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_run_restores_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_end_at_once_restores_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_exit_restores_it, set_up, tear_down),
    };
    return e2e_run(argc, argv, tests);
}
