#include "conformance_bench.h"

#include <assert.h>
#include <string.h>

#define ADDRESS_LENGTH (sizeof(struct sockaddr_in6) + 16)

static LPFN_ACCEPTEX accept_ex;
static LPFN_CONNECTEX connect_ex;
static char output[64 + 2 * ADDRESS_LENGTH];

static void *extension_function(SOCKET socket, GUID id)
{
    void *function = NULL;
    int answer = WSAIoctl(socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), &function,
                          sizeof(function), &bench.bytes, NULL, NULL);
    assert(answer == 0);
    return function;
}

static void get_functions(void)
{
    const GUID accept_id = WSAID_ACCEPTEX;
    const GUID connect_id = WSAID_CONNECTEX;
    void *function = extension_function(bench.listener, accept_id);
    memcpy(&accept_ex, &function, sizeof(function));
    function = extension_function(bench.listener, connect_id);
    memcpy(&connect_ex, &function, sizeof(function));
}

static void start_accept_into_server(DWORD length)
{
    BOOL success = accept_ex(bench.listener, bench.server, output, length, ADDRESS_LENGTH,
                             ADDRESS_LENGTH, &bench.bytes, &bench.overlapped[0]);
    bench_say_call("", success ? 0 : SOCKET_ERROR, "inline");
}

/* A listener in the port, and an AcceptEx into bench.server that waits for `length` bytes. */
static void start_accept(DWORD length)
{
    bench_listen();
    get_functions();
    (void)bench_join_port(bench.listener);
    bench.server = bench_open_socket(AF_INET);
    start_accept_into_server(length);
}

static int update_context(void)
{
    return setsockopt(bench.server, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                      (const char *)&bench.listener, sizeof(bench.listener));
}

static void say_context(void)
{
    bench_say_call("context ", update_context(), "ok");
}

static void say_connect_time(void)
{
    DWORD seconds = 0;
    int length = sizeof(seconds);
    int answer = getsockopt(bench.server, SOL_SOCKET, SO_CONNECT_TIME, (char *)&seconds, &length);
    if (answer != 0) {
        say("time %s", error_name(WSAGetLastError()));
    } else {
        say("time %d", (int)seconds);
    }
}

/* ---- AcceptEx -------------------------------------------------------------------------------- */

static void accept_completes(void)
{
    start_accept(0);
    bench_connect_client();
    (void)bench_say_packet(PATIENCE_MS);
    say_context();
}

static void accept_without_context(void)
{
    struct sockaddr_in name;
    int length = sizeof(name);
    start_accept(0);
    bench_connect_client();
    (void)bench_say_packet(PATIENCE_MS);
    bench_say_call("name ", getpeername(bench.server, (struct sockaddr *)&name, &length), "ok");
    bench_say_call("shutdown ", shutdown(bench.server, SD_SEND), "ok");
}

static void accept_waits_for_data(void)
{
    start_accept(64);
    bench_connect_client();
    (void)bench_say_packet(NOTHING_MS);
    bench_send_client("AB");
    (void)bench_say_packet(PATIENCE_MS);
    say("%s", memcmp(output, "AB", 2) == 0 ? "the bytes" : "other bytes");
}

static void accept_waits_for_end(void)
{
    start_accept(64);
    bench_connect_client();
    (void)shutdown(bench.client, SD_SEND);
    (void)bench_say_packet(PATIENCE_MS);
}

static void accept_with_data_and_reset(void)
{
    start_accept(64);
    bench_connect_client();
    bench_reset_client();
    (void)bench_say_packet(PATIENCE_MS);
}

static void accept_after_reset(void)
{
    bench_listen();
    get_functions();
    (void)bench_join_port(bench.listener);
    bench_connect_client();
    bench_reset_client();
    bench.server = bench_open_socket(AF_INET);
    start_accept_into_server(0);
    (void)bench_say_packet(NOTHING_MS);
}

static void accept_cancelled(void)
{
    start_accept(0);
    bench_say_success(bench_cancel(bench.listener));
    (void)bench_say_packet(PATIENCE_MS);
}

static void accept_with_listener_closed(void)
{
    start_accept(0);
    bench_close_if_open(&bench.listener);
    (void)bench_say_packet(PATIENCE_MS);
}

static void accept_with_socket_closed(void)
{
    start_accept(64);
    bench_connect_client();
    (void)bench_say_packet(NOTHING_MS);
    bench_close_if_open(&bench.server);
    (void)bench_say_packet(PATIENCE_MS);
}

static void connect_time_tells(void)
{
    start_accept(64);
    say_connect_time();
    bench_connect_client();
    (void)bench_say_packet(NOTHING_MS);
    say_connect_time();
}

static void wsaaccept_after_reset(void)
{
    bench_listen();
    bench_connect_client();
    bench_reset_client();
    bench_unblock(bench.listener);
    bench.server = WSAAccept(bench.listener, NULL, NULL, NULL, 0);
    bench_say_call("", bench.server != INVALID_SOCKET ? 0 : SOCKET_ERROR, "accepted");
}

static void wsaaccept_would_block(void)
{
    bench_listen();
    bench_unblock(bench.listener);
    bench.server = WSAAccept(bench.listener, NULL, NULL, NULL, 0);
    bench_say_call("", bench.server != INVALID_SOCKET ? 0 : SOCKET_ERROR, "accepted");
}

/* ---- ConnectEx ------------------------------------------------------------------------------- */

static void start_connect(const struct sockaddr_in *to)
{
    BOOL success = connect_ex(bench.server, (const struct sockaddr *)to, sizeof(*to), NULL, 0,
                              &bench.bytes, &bench.overlapped[0]);
    bench_say_call("", success ? 0 : SOCKET_ERROR, "inline");
}

static void open_connecting(void)
{
    bench_listen();
    get_functions();
    bench.server = bench_open_socket(AF_INET);
    (void)bench_join_port(bench.server);
}

static void connect_unbound(void)
{
    open_connecting();
    start_connect(&bench.address);
}

static void connect_completes(void)
{
    open_connecting();
    (void)bench_bind_loopback(bench.server);
    start_connect(&bench.address);
    (void)bench_say_packet(PATIENCE_MS);
    bench_say_call("context ",
                   setsockopt(bench.server, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0), "ok");
    bench_say_call("shutdown ", shutdown(bench.server, SD_SEND), "ok");
}

static void connect_refused(void)
{
    open_connecting();
    (void)bench_bind_loopback(bench.server);
    bench_close_if_open(&bench.listener);
    start_connect(&bench.address);
    (void)bench_say_packet(PATIENCE_MS);
}

/* ---- addresses ------------------------------------------------------------------------------- */

static void bind_twice(void)
{
    bench_listen();
    bench.server = bench_open_socket(AF_INET);
    bench_say_call("", bind(bench.server, (struct sockaddr *)&bench.address, sizeof(bench.address)),
                   "ok");
}

static void bind_exclusive(void)
{
    struct sockaddr_in address;
    const int on = 1;
    int length = sizeof(address);
    bench_listen();
    bench.client = bench_open_socket(AF_INET);
    bench.server = bench_open_socket(AF_INET);
    int answer =
        setsockopt(bench.client, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof(on));
    assert(answer == 0);
    (void)bench_bind_loopback(bench.client);
    (void)getsockname(bench.client, (struct sockaddr *)&address, &length);
    bench_say_call("", bind(bench.server, (struct sockaddr *)&address, sizeof(address)), "ok");
}

/* Whether a client of IPv4 reaches a listener at [::]. */
static void dual_stack(DWORD v6only)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    int length = sizeof(any);
    bench_listen();
    bench.server = bench_open_socket(AF_INET6);
    int answer =
        setsockopt(bench.server, IPPROTO_IPV6, IPV6_V6ONLY, (const char *)&v6only, sizeof(v6only));
    assert(answer == 0);
    answer = bind(bench.server, (struct sockaddr *)&any, sizeof(any));
    assert(answer == 0);
    answer = listen(bench.server, 1);
    assert(answer == 0);
    answer = getsockname(bench.server, (struct sockaddr *)&any, &length);
    assert(answer == 0);
    bench.address.sin_port = any.sin6_port;
    bench.client = bench_open_socket(AF_INET);
    bench_say_call("",
                   connect(bench.client, (struct sockaddr *)&bench.address, sizeof(bench.address)),
                   "connected");
}

static void dual_stack_takes_ipv4(void)
{
    dual_stack(0);
}

static void v6only_refuses_ipv4(void)
{
    dual_stack(1);
}

static void v6only_is_on_at_first(void)
{
    DWORD v6only = 0xaaaaaa00u;
    int length = sizeof(v6only);
    bench_listen();
    bench.server = bench_open_socket(AF_INET6);
    bench_say_call(
        "", getsockopt(bench.server, IPPROTO_IPV6, IPV6_V6ONLY, (char *)&v6only, &length), "got");
    say("%d bytes, %s", length, (v6only & 0xff) != 0 ? "on" : "off");
}

const struct experiment experiments_of_accepts[] = {
    {"accept_completes", accept_completes},
    {"accept_without_context", accept_without_context},
    {"accept_waits_for_data", accept_waits_for_data},
    {"accept_waits_for_end", accept_waits_for_end},
    {"accept_with_data_and_reset", accept_with_data_and_reset},
    {"accept_after_reset", accept_after_reset},
    {"accept_cancelled", accept_cancelled},
    {"accept_with_listener_closed", accept_with_listener_closed},
    {"accept_with_socket_closed", accept_with_socket_closed},
    {"connect_time_tells", connect_time_tells},
    {"wsaaccept_after_reset", wsaaccept_after_reset},
    {"wsaaccept_would_block", wsaaccept_would_block},
    {"connect_unbound", connect_unbound},
    {"connect_completes", connect_completes},
    {"connect_refused", connect_refused},
    {"bind_twice", bind_twice},
    {"bind_exclusive", bind_exclusive},
    {"dual_stack_takes_ipv4", dual_stack_takes_ipv4},
    {"v6only_refuses_ipv4", v6only_refuses_ipv4},
    {"v6only_is_on_at_first", v6only_is_on_at_first},
    {NULL, NULL},
};
