/* Output that is closed, full, or a FIFO without a reader. */

#include "e2e.h"

#include <sys/stat.h>

static struct process *in_shell(const char *redirection, const char *program, unsigned port)
{
    return e2e_start(
        "/bin/sh", "-c",
        e2e_text("exec '%s' -e:%u %s %s", program, port, e2e_backend_argument(), redirection),
        NULL);
}

static void closed_output_ends_it_before_it_begins(void **state)
{
    const char *const programs[] = {e2e_server_path, e2e_client_path};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct process *process = in_shell(">&-", programs[i], e2e_free_port());
        e2e_ends(process, 1);
        e2e_says(process, PROCESS_ERR, "standard output is closed");
        process = in_shell("2>&-", programs[i], e2e_free_port());
        e2e_ends(process, 1);
        e2e_says(process, PROCESS_OUT, "standard error is closed");
        process = in_shell("1</dev/null", programs[i], e2e_free_port());
        e2e_ends(process, 1);
        e2e_says(process, PROCESS_ERR, "standard output is closed");
        process = in_shell(">&- 2>&-", programs[i], e2e_free_port());
        e2e_ends(process, 1);
    }
}

/* The limit is large enough for the ready line, and not for all reports. */
static void a_server_cut_off_by_a_limit_serves_on(void **state)
{
    const char *path = e2e_path("out");
    (void)state;
    unsigned port = e2e_free_port();
    struct process *process =
        e2e_start("/bin/sh", "-c",
                  e2e_text("ulimit -f 1; exec '%s' -e:%u %s -t 1 >'%s'", e2e_server_path, port,
                           e2e_backend_argument(), path),
                  NULL);
    for (size_t i = 1; i <= 20; i++) {
        struct process *client = e2e_client_at(port, "--wait=20s", "--requests", "5", NULL);
        e2e_ends(client, 0);
        e2e_signal(process, SIGHUP);
        (void)e2e_line(process, PROCESS_ERR, "restarting", i - 1);
    }
    e2e_signal(process, SIGTERM);
    e2e_ends(process, 1);
    e2e_says(process, PROCESS_ERR,
             e2e_text("cannot write to standard output: %s", uv_strerror(UV_EFBIG)));
    e2e_says(process, PROCESS_ERR, "standard output is incomplete");
}

static void a_fifo_without_a_reader_blocks_nothing(void **state)
{
    struct e2e_server server;
    const char *fifo = e2e_path("fifo");
    (void)state;
    assert_int_equal(mkfifo(fifo, 0600), 0);
    e2e_server(&server, e2e_text("--json=%s", fifo), NULL);
    e2e_ends(e2e_client(&server, "--requests", "5", NULL), 0);
    e2e_signal(server.process, SIGTERM);
    (void)e2e_line(server.process, PROCESS_ERR, e2e_text("the reader of %s", fifo), 0);
    assert_false(process_has_ended(server.process));
    e2e_signal(server.process, SIGTERM);
    e2e_ends(server.process, 1);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        E2E(closed_output_ends_it_before_it_begins),
        E2E(a_server_cut_off_by_a_limit_serves_on),
        E2E(a_fifo_without_a_reader_blocks_nothing),
    };
    return e2e_run(argc, argv, tests);
}
