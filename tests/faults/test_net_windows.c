/*
 * The socket options that net_windows.c sets and that Wine does not know, or does not return. The
 * linker replaces setsockopt() by a function here.
 */

#include "net_rig.h"

#include "win.h"

#define CALLS 32

typedef int(WSAAPI *setsockopt_function)(SOCKET os_socket, int level, int option, const char *value,
                                         int size);

extern setsockopt_function __real___imp_setsockopt;
extern setsockopt_function __wrap___imp_setsockopt;

static struct {
    uv_os_sock_t os_socket;
    int option; /* of SOL_SOCKET */
    int value;
} calls[CALLS];

static size_t call_count;
static int refused; /* an option of SOL_SOCKET that this system does not know */

static int WSAAPI our_setsockopt(SOCKET os_socket, int level, int option, const char *value,
                                 int size)
{
    if (level != SOL_SOCKET || size != (int)sizeof(int) || call_count == CALLS) {
        return __real___imp_setsockopt(os_socket, level, option, value, size);
    }
    calls[call_count].os_socket = os_socket;
    calls[call_count].option = option;
    memcpy(&calls[call_count++].value, value, sizeof(int));
    if (option == refused) {
        WSASetLastError(WSAENOPROTOOPT);
        return SOCKET_ERROR;
    }
    return __real___imp_setsockopt(os_socket, level, option, value, size);
}

setsockopt_function __wrap___imp_setsockopt = our_setsockopt;

/* The value that the option was set to on the socket; -1: it was not set. */
static int set_to(uv_os_sock_t os_socket, int option)
{
    for (size_t i = 0; i < call_count; i++) {
        if (calls[i].os_socket == os_socket && calls[i].option == option) {
            return calls[i].value;
        }
    }
    return -1;
}

enum { REUSE_UNICASTPORT = 0x3007 };

static void a_socket_that_connects_may_share_its_port(void **state)
{
    uv_os_sock_t os_socket;
    (void)state;
    call_count = 0;
    assert_int_equal(net_open(&plain, AF_INET, &os_socket), 0);
    assert_int_equal(set_to(os_socket, REUSE_UNICASTPORT), 1);
    net_close(os_socket);
}

static void an_older_system_need_not_know_of_that(void **state)
{
    uv_os_sock_t os_socket;
    (void)state;
    refused = REUSE_UNICASTPORT;
    assert_int_equal(net_open(&plain, AF_INET, &os_socket), 0);
    refused = 0;
    net_close(os_socket);
}

static void the_port_of_a_server_is_its_own(void **state)
{
    uv_os_sock_t os_sockets[2];
    (void)state;
    call_count = 0;
    assert_int_equal(bind_host("127.0.0.1", 0, 2, os_sockets), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(set_to(os_sockets[i], REUSE_UNICASTPORT), -1);
    }
    assert_int_equal(set_to(os_sockets[0], SO_EXCLUSIVEADDRUSE), 1);
    close_all(os_sockets, 2);
}

static void unbuffered_is_a_buffer_of_no_bytes(void **state)
{
    const struct net_options options = {.nodelay = true, .sndbuf = NET_UNBUFFERED};
    uv_os_sock_t os_socket;
    (void)state;
    call_count = 0;
    assert_int_equal(net_open(&options, AF_INET, &os_socket), 0);
    assert_int_equal(set_to(os_socket, SO_SNDBUF), 0);
    call_count = 0;
    assert_int_equal(net_tune_accepted(os_socket, &options), 0);
    assert_int_equal(set_to(os_socket, SO_SNDBUF), 0);
    call_count = 0;
    assert_int_equal(net_tune_accepted(os_socket, &plain), 0);
    assert_int_equal(set_to(os_socket, SO_SNDBUF), -1);
    net_close(os_socket);
}

static void assert_not_inherited(uv_os_sock_t os_socket)
{
    DWORD flags = HANDLE_FLAG_INHERIT;
    assert_true(GetHandleInformation((HANDLE)(uintptr_t)os_socket, &flags));
    assert_int_equal(flags & HANDLE_FLAG_INHERIT, 0);
}

static void no_child_process_inherits_a_socket(void **state)
{
    uv_os_sock_t os_sockets[2];
    uv_os_sock_t other;
    (void)state;
    assert_int_equal(bind_host("127.0.0.1", 0, 2, os_sockets), 0);
    assert_not_inherited(os_sockets[0]);
    assert_not_inherited(os_sockets[1]);
    assert_int_equal(net_duplicate(os_sockets[0], &other), 0);
    assert_not_inherited(other);
    net_close(other);
    close_all(os_sockets, 2);
    assert_int_equal(net_open(&plain, AF_INET6, &other), 0);
    assert_not_inherited(other);
    net_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_that_connects_may_share_its_port),
        cmocka_unit_test(an_older_system_need_not_know_of_that),
        cmocka_unit_test(the_port_of_a_server_is_its_own),
        cmocka_unit_test(unbuffered_is_a_buffer_of_no_bytes),
        cmocka_unit_test(no_child_process_inherits_a_socket),
    };
    sys_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
