/*
 * The servers of bench/peers for Windows. Each echoes byte for byte and ends its connections
 * correctly. (On other systems bench/peers/check tests that.)
 *
 * BENCH_PEERS in the environment has their paths, separated by '|'. Arguments that follow the port
 * may follow each path: "a.exe|b.exe 2 wsaaccept".
 */

#include "e2e.h"

#include <stdlib.h>
#include <string.h>

/* Starts a peer with this command on a free port. If another process took that port meanwhile, it
 * tries again. */
static void start_peer(struct e2e_server *server, const char *command)
{
    const char *path = e2e_text("%.*s", (int)strcspn(command, " "), command);
    const char *more[3] = {NULL, NULL, NULL};
    const char *rest = command + strcspn(command, " ");
    for (size_t i = 0; i < 2 && *rest == ' '; i++) {
        rest++;
        more[i] = e2e_text("%.*s", (int)strcspn(rest, " "), rest);
        rest += strcspn(rest, " ");
    }
    char *line = NULL;
    for (unsigned i = 0; i < 10 && line == NULL; i++) {
        (void)snprintf(server->port, sizeof(server->port), "%u", e2e_free_port());
        server->process = e2e_start(path, server->port, more[0], more[1], NULL);
        line = process_line(server->process, PROCESS_OUT, "listening", 0, PATIENCE_MS);
    }
    assert_non_null(line);
    free(line);
    assert_int_equal(uv_ip4_addr("127.0.0.1", (int)strtoul(server->port, NULL, 10),
                                 (struct sockaddr_in *)(void *)&server->address),
                     0);
}

static void carries(const struct e2e_server *server, const char *connections, const char *size,
                    const char *depth, const char *lifetime, const char *requests)
{
    struct process *client = e2e_client(server, "-c", connections, "-s", size, "-P", depth,
                                        "--lifetime", lifetime, "--requests", requests, NULL);
    e2e_ends(client, 0);
    e2e_succeeds(e2e_report(client, 0));
}

static void serves_every_kind_of_client(const char *command)
{
    static uint8_t data[MIB];
    struct e2e_server server;
    print_message("%s\n", command);
    start_peer(&server, command);
    e2e_noise(data, sizeof(data), 1998);
    carries(&server, "50", "64KiB", "1", "0", "160");
    carries(&server, "50", "64", "16", "0", "2000");
    carries(&server, "20", "100", "1", "1", "200");
    for (size_t length = 1; length <= MIB; length *= 1024) {
        assert_int_equal(e2e_peer_finish(e2e_peer(&server), data, length), 0);
    }
    for (size_t i = 0; i < 20; i++) { /* the server must go on after each */
        uv_os_sock_t peer = e2e_peer(&server);
        (void)peer_send(peer, data, 10000 * (i % 2));
        e2e_peer_reset(peer);
        e2e_peer_echoes(e2e_peer(&server), data, 1000);
    }
    (void)e2e_peer(&server); /* a silent connection must not delay the others */
    carries(&server, "50", "4KiB", "1", "0", "1000");
    e2e_tear_down_peers();
    assert_false(process_has_ended(server.process));
    process_end_all();
}

static void each_peer_is_an_echo_server(void **state)
{
    const char *command = getenv("BENCH_PEERS");
    (void)state;
    assert_non_null(command);
    while (*command != '\0') {
        size_t length = strcspn(command, "|");
        serves_every_kind_of_client(e2e_text("%.*s", (int)length, command));
        command += length + (command[length] == '|');
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {E2E(each_peer_is_an_echo_server)};
    return e2e_run(argc, argv, tests);
}
