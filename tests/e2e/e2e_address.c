/*
 * Addresses that do not work. The message says what to write instead, in the server and in the
 * client, in whichever way the address was given.
 */

#include "e2e.h"

static const char scope_hint[] = "add the interface to a link-local address";

static void server_says(const char *listen, const char *part)
{
    struct process *server = e2e_start(e2e_server_path, e2e_backend_argument(), "-l", listen, NULL);
    e2e_ends(server, 1);
    e2e_says(server, PROCESS_ERR, part);
}

static void client_says(const char *first, const char *second, const char *part)
{
    struct process *client = e2e_start(e2e_client_path, e2e_backend_argument(), "--requests=1",
                                       "--connect-timeout=1s", first, second, NULL);
    e2e_ends(client, 1);
    e2e_says(client, PROCESS_ERR, part);
}

static void a_link_local_address_needs_its_interface(void **state)
{
    (void)state;
    if (!e2e_has_ipv6()) {
        e2e_skip("there is no IPv6 here");
    }
    server_says("[fe80::1]:0", scope_hint);
    client_says("[fe80::1]:9", NULL, scope_hint);
    client_says("-n:fe80::1", "-p:9", scope_hint);
    client_says("--host=[fe80::1]:9", NULL, scope_hint);
}

static void an_interface_has_to_be_there(void **state)
{
    (void)state;
    server_says("[fe80::1%nosuch]:0", scope_hint);
    client_says("[fe80::1%nosuch]:9", NULL, scope_hint);
    client_says("-n:fe80::1%nosuch", "-p:9", scope_hint);
}

/* RFC 5737: no machine has this address. */
static void an_address_of_no_interface_is_no_place_to_listen(void **state)
{
    (void)state;
    server_says("192.0.2.77:0", "no interface of this machine has that address");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        E2E(a_link_local_address_needs_its_interface),
        E2E(an_interface_has_to_be_there),
        E2E(an_address_of_no_interface_is_no_place_to_listen),
    };
    return e2e_run(argc, argv, tests);
}
