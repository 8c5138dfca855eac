/*
 * Each system call of net.c fails, one after another. The error is returned, and nothing that was
 * opened before stays open. The linker replaces the system's functions by those here.
 */

#include "net_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define GROUP 3

enum call { SOCKET, SETSOCKOPT, BIND, LISTEN, GETSOCKNAME, ACCEPT, CALLS };

static const char *const names[] = {"socket", "setsockopt",  "bind",
                                    "listen", "getsockname", "accept"};

static enum call wanted; /* the call that fails */
static unsigned left;    /* this many calls succeed first */
static int fault;        /* what it fails with */

/* Whether this call is the one that fails. */
static bool strikes(enum call call)
{
    if (call != wanted || left == 0 || --left > 0) {
        return false;
    }
    errno = fault;
    return true;
}

int __real_socket(int family, int type, int protocol);
int __real_setsockopt(int fd, int level, int option, const void *value, socklen_t size);
int __real_bind(int fd, const struct sockaddr *address, socklen_t size);
int __real_listen(int fd, int backlog);
int __real_getsockname(int fd, struct sockaddr *address, socklen_t *size);
int __real_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);
int __wrap_socket(int family, int type, int protocol);
int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t size);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_listen(int fd, int backlog);
int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *size);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);

int __wrap_socket(int family, int type, int protocol)
{
    return strikes(SOCKET) ? -1 : __real_socket(family, type, protocol);
}

int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
    return strikes(SETSOCKOPT) ? -1 : __real_setsockopt(fd, level, option, value, size);
}

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size)
{
    return strikes(BIND) ? -1 : __real_bind(fd, address, size);
}

int __wrap_listen(int fd, int backlog)
{
    return strikes(LISTEN) ? -1 : __real_listen(fd, backlog);
}

int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
    return strikes(GETSOCKNAME) ? -1 : __real_getsockname(fd, address, size);
}

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    return strikes(ACCEPT) ? -1 : __real_accept4(fd, address, size, flags);
}

/* Lets the n-th of these calls from now on fail, n from 1; 0: none fails. */
static void fail_at(enum call call, unsigned n, int error)
{
    wanted = call;
    left = n;
    fault = error;
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

/* Lets each of these calls of a net_bind() fail in turn. Returns how many there are. */
static unsigned fail_each(const char *host, enum call call)
{
    const struct net_options options = {.nodelay = true, .sndbuf = 16384, .rcvbuf = 16384};
    const struct sockaddr_storage address = address_of(host, 0);
    uv_os_sock_t group[GROUP];
    for (unsigned n = 1;; n++) {
        unsigned before = open_descriptors();
        fail_at(call, n, ENOBUFS);
        int status = net_bind((const struct sockaddr *)&address, &options, 8, GROUP, group);
        bool struck = left == 0;
        fail_at(call, 0, 0);
        if (!struck) {
            assert_int_equal(status, 0);
            close_all(group, GROUP);
            return n - 1;
        }
        if (status != UV_ENOBUFS || open_descriptors() != before) {
            fail_msg("%s, %s %u: %s, %u descriptors of %u", host, names[call], n,
                     status == 0 ? "no error" : uv_strerror(status), open_descriptors(), before);
        }
    }
}

static void bind_leaves_nothing_open(void **state)
{
    (void)state;
    for (enum call call = SOCKET; call <= GETSOCKNAME; call++) {
        unsigned calls = fail_each("127.0.0.1", call);
        assert_true(calls >= (call == LISTEN || call == GETSOCKNAME ? 1 : GROUP));
        if (have_v6) {
            unsigned more = fail_each("::1", call); /* IPV6_V6ONLY of each */
            assert_int_equal(more, calls + (call == SETSOCKOPT ? GROUP : 0));
        }
    }
}

static void open_leaves_nothing_open(void **state)
{
    const struct net_options options = {.nodelay = true, .sndbuf = 16384, .rcvbuf = 16384};
    unsigned before = open_descriptors();
    uv_os_sock_t os_socket;
    (void)state;
    for (unsigned n = 1; n <= 3; n++) {
        fail_at(SETSOCKOPT, n, ENOBUFS);
        assert_int_equal(net_open(&options, AF_INET, &os_socket), UV_ENOBUFS);
        assert_int_equal(left, 0);
        assert_int_equal(open_descriptors(), before);
    }
    fail_at(SOCKET, 1, EMFILE);
    assert_int_equal(net_open(&options, AF_INET, &os_socket), UV_EMFILE);
    fail_at(SETSOCKOPT, 0, 0);
    assert_int_equal(net_open(&options, AF_INET, &os_socket), 0);
    net_close(os_socket);
}

/* A kernel that does not know IP_BIND_ADDRESS_NO_PORT, which comes after three other options, still
 * binds. */
static void open_from_an_address_leaves_nothing_open(void **state)
{
    const struct net_options options = {.nodelay = true, .sndbuf = 16384, .rcvbuf = 16384};
    const struct sockaddr_storage source = address_of("127.0.0.2", 0);
    const struct sockaddr *address = (const struct sockaddr *)&source;
    unsigned before = open_descriptors();
    uv_os_sock_t os_socket;
    (void)state;
    fail_at(BIND, 1, EADDRNOTAVAIL);
    assert_int_equal(net_open_from(&options, address, &os_socket), UV_EADDRNOTAVAIL);
    assert_int_equal(left, 0);
    assert_int_equal(open_descriptors(), before);
    fail_at(SETSOCKOPT, 4, ENOPROTOOPT);
    assert_int_equal(net_open_from(&options, address, &os_socket), 0);
    assert_int_equal(left, 0);
    fail_at(SETSOCKOPT, 0, 0);
    net_close(os_socket);
}

/* A pending connection is accepted once, although a signal came first. */
static void accept_goes_on_after_a_signal(void **state)
{
    uv_os_sock_t listener;
    uv_os_sock_t accepted = -1;
    (void)state;
    assert_int_equal(bind_host("127.0.0.1", 0, 1, &listener), 0);
    assert_int_equal(net_set_nonblocking(listener), 0);
    uv_os_sock_t client = connect_host("127.0.0.1", port_of(listener));
    fail_at(ACCEPT, 1, EINTR);
    assert_int_equal(net_accept(listener, &accepted), 0);
    assert_int_equal(left, 0);
    assert_true(accepted >= 0);
    net_close(accepted);
    assert_int_equal(net_accept(listener, &accepted), UV_EAGAIN);
    net_close(client);
    net_close(listener);
}

static void accept_tells_what_failed(void **state)
{
    uv_os_sock_t listener;
    uv_os_sock_t accepted = -1;
    (void)state;
    assert_int_equal(bind_host("127.0.0.1", 0, 1, &listener), 0);
    fail_at(ACCEPT, 1, ENFILE);
    assert_int_equal(net_accept(listener, &accepted), UV_ENFILE);
    net_close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bind_leaves_nothing_open),
        cmocka_unit_test(open_leaves_nothing_open),
        cmocka_unit_test(open_from_an_address_leaves_nothing_open),
        cmocka_unit_test(accept_goes_on_after_a_signal),
        cmocka_unit_test(accept_tells_what_failed),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
