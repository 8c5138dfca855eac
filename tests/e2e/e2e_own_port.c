/*
 * A client of a port in the ephemeral range at which nothing listens. The test runs in a network
 * namespace whose range has two ports. So the system soon gives the client that very port as its
 * own.
 */

#include "e2e.h"

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_PORT 40000
#define RUNS 20

static const char *no_namespace; /* why there is none */
static bool has_ipv6;            /* asked while one port is free */

static bool loopback_up(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int os_socket = socket(AF_INET, SOCK_DGRAM, 0);
    bool up = os_socket >= 0 && ioctl(os_socket, SIOCSIFFLAGS, &request) == 0;
    if (os_socket >= 0) {
        (void)close(os_socket);
    }
    return up;
}

static bool narrow_range(void)
{
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "w");
    bool written = file != NULL && fprintf(file, "%d %d\n", FIRST_PORT, FIRST_PORT + 1) > 0;
    return file != NULL && fclose(file) == 0 && written;
}

/* From now on this process and its children see only a network of their own. Call it before any
 * thread starts. */
static void enter_namespace(void)
{
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        no_namespace = "this process may not make a network namespace";
    } else if (!loopback_up()) {
        no_namespace = "the loopback of the namespace does not come up";
    } else if (!narrow_range()) {
        no_namespace = "the range of ephemeral ports can't be set";
    }
}

/* A server can use the port at once. */
static void port_is_free(unsigned port)
{
    struct e2e_server server;
    struct process *process = e2e_start(e2e_server_path, e2e_backend_argument(), "--json", "-l",
                                        e2e_text("127.0.0.1:%u", port), NULL);
    e2e_server_listens(&server, process);
    e2e_server_ends(&server);
}

static void nothing_listens_at_its_own_port(void **state)
{
    unsigned met = 0;
    (void)state;
    if (no_namespace != NULL) {
        e2e_skip(no_namespace);
    }
    for (unsigned run = 0; run < RUNS; run++) {
        unsigned port = FIRST_PORT + run % 2;
        struct process *client = e2e_client_at(port, "-d", E2E_NEVER, "-v", NULL);
        const json_t *report = e2e_end_report(client, 1);
        met += process_count_lines(client, PROCESS_ERR, "connected to itself") > 0 ? 1 : 0;
        assert_int_equal(e2e_failures(report, "not_up"), 1);
        assert_int_equal(e2e_errors(report, "connect", "ECONNREFUSED"), 1);
        assert_int_equal(e2e_uint(report, "counters.connected"), 0);
        port_is_free(port);
    }
    print_message("in %u of %u runs it met itself\n", met, RUNS);
    assert_true(met > 0);
}

/* Two connections use both ports, and the third fails with a message. The test uses IPv6, since the
 * ports stay in TIME-WAIT and the other test needs them for IPv4. */
static void used_up_ports_are_named(void **state)
{
    struct e2e_server server;
    (void)state;
    if (no_namespace != NULL || !has_ipv6) {
        e2e_skip(no_namespace != NULL ? no_namespace : "there is no IPv6 here");
    }
    e2e_server_listens(&server, e2e_start(e2e_server_path, e2e_backend_argument(), "--json", "-l",
                                          "[::1]:30000", NULL));
    struct process *client =
        e2e_start(e2e_client_path, e2e_backend_argument(), "--json", e2e_seed_argument(),
                  "[::1]:30000", "-c", "4", "-t:1", "-d", "300ms", NULL);
    e2e_ends(client, 1);
    assert_true(e2e_errors(e2e_report(client, 0), "connect", "EADDRNOTAVAIL") > 0);
    e2e_says(client, PROCESS_ERR, "the local ports for this address are used up");
    e2e_says(client, PROCESS_ERR, "net.ipv4.ip_local_port_range");
    e2e_server_ends(&server);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        E2E(nothing_listens_at_its_own_port),
        E2E(used_up_ports_are_named),
    };
    enter_namespace();
    has_ipv6 = no_namespace == NULL && e2e_has_ipv6();
    return e2e_run(argc, argv, tests);
}
