#include "net_rig.h"

#ifndef _WIN32
#include <sys/select.h>
#endif

#define BACKLOG 128

const struct net_options plain = {.nodelay = true};

bool have_v6;
const char *const no_v6 = "no IPv6: ::1 can't be bound";

/* ---- sockets, by direct system calls ------------------------------------------------------- */

struct sockaddr_storage address_of(const char *host, unsigned port)
{
    struct sockaddr_storage address = {0};
    if (uv_ip4_addr(host, (int)port, (struct sockaddr_in *)&address) != 0) {
        assert_int_equal(uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)&address), 0);
    }
    return address;
}

int bind_to(const struct sockaddr_storage *address, size_t count, uv_os_sock_t *os_sockets)
{
    return net_bind((const struct sockaddr *)address, &plain, BACKLOG, count, os_sockets);
}

int bind_host(const char *host, unsigned port, size_t count, uv_os_sock_t *os_sockets)
{
    struct sockaddr_storage address = address_of(host, port);
    return bind_to(&address, count, os_sockets);
}

unsigned port_of(uv_os_sock_t os_socket)
{
    struct sockaddr_storage name;
    assert_int_equal(net_local_name(os_socket, &name), 0);
    return net_address_port((const struct sockaddr *)&name);
}

int option_of(uv_os_sock_t os_socket, int level, int option)
{
    int value = 0;
    void *pointer = &value;
    socklen_t size = (socklen_t)sizeof value;
    assert_int_equal(getsockopt(os_socket, level, option, pointer, &size), 0);
    return value;
}

void listen_all(uv_os_sock_t *os_sockets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(listen(os_sockets[i], BACKLOG), 0);
    }
}

void close_all(uv_os_sock_t *os_sockets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        net_close(os_sockets[i]);
    }
}

uv_os_sock_t connect_host(const char *host, unsigned port)
{
    struct sockaddr_storage storage = address_of(host, port);
    const struct sockaddr *address = (const struct sockaddr *)&storage;
    uv_os_sock_t client;
    assert_int_equal(net_open(&plain, address->sa_family, &client), 0);
    assert_int_equal(connect(client, address, net_address_size(address)), 0);
    return client;
}

uv_os_sock_t accept_from(uv_os_sock_t listener)
{
    uv_os_sock_t accepted = accept(listener, NULL, NULL);
    assert_true(accepted != (uv_os_sock_t)-1);
    return accepted;
}

/* Whether a connection is waiting. */
bool can_accept(uv_os_sock_t listener)
{
    fd_set set;
    struct timeval now = {0};
    FD_ZERO(&set);
    FD_SET(listener, &set);
    return select((int)listener + 1, &set, NULL, NULL, &now) == 1;
}

void assert_formats(const struct sockaddr_storage *address, const char *expected)
{
    char text[NET_ADDRESS_TEXT];
    net_format_address((const struct sockaddr *)address, text, sizeof text);
    assert_string_equal(text, expected);
}

int setup(void **state)
{
    uv_os_sock_t os_socket;
    (void)state;
    sys_setup();
    have_v6 = bind_host("::1", 0, 1, &os_socket) == 0;
    if (have_v6) {
        net_close(os_socket);
    }
    return 0;
}
