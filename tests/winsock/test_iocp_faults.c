/*
 * Each call that the `iocp` backend makes, and each operation that it starts, fails once with each
 * plausible code. That is done at its first time, its second, and so on. The world has no other
 * fault. Nothing crashes, leaks or is lost, and other connections go on. The printed table counts
 * the injections.
 *
 * The calls are compared with the undefined symbols of the backend's objects: a call that is not in
 * the table fails the test.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "iocp_network.h"
#include "log.h"

#define TIMES_MAX 12 /* of one call: later ones are like the earlier */
#define MODES 4      /* acceptex and acceptex-data, zero-byte and posted */
#define MODE_THREAD 4
#define MS UINT64_C(1000000)

/* These can't fail, or fail only if misused: the backend does not look at their answer. */
static const char *const infallible[] = {
    "GetLastError", "WSAGetLastError", "InterlockedExchange", "SetHandleInformation", "Sleep", NULL,
};

struct tally {
    unsigned injected;
};

static void configure(struct winsock_config *config, uint64_t seed)
{
    iocp_network_lossless(config, seed);
    config->inline_ppm = 500000;
    config->early_ppm = 0;
    config->cancel_late_ppm = 0;
    config->no_ifs = false;
    config->violated = world_fail;
}

/* Runs a world in which winsock_calls[call] fails with `code` at its `nth` time. Whether it did. */
static bool inject(size_t call, uint64_t nth, int32_t code, unsigned mode)
{
    struct winsock_config config;
    configure(&config, nth + 100 * mode);
    world_next(nth + 100 * mode);
    world.accept_mode = mode == MODE_THREAD ? 2 : mode % 2;
    world.recv_mode = mode / 2 % 2;
    config.threads = mode == MODE_THREAD;
    winsock_begin(&config);
    winsock_fail(call, nth, code);
    world_begin(&iocp_network, WORLD_SMALL);
    world_run();
    world_check_classes();
    world_check_books(winsock_has_failed());
    WORLD_CHECK(world.client_stats.counters.mismatches == 0);
    bool failed = winsock_has_failed();
    iocp_network_end();
    return failed;
}

static void sweep_code(size_t call, int32_t code, struct tally *tally)
{
    bool threaded = strcmp(winsock_calls[call].name, "WSAAccept") == 0;
    for (unsigned mode = threaded ? MODE_THREAD : 0; mode < (threaded ? MODE_THREAD + 1 : MODES);
         mode++) {
        uint64_t nth = 1;
        while (nth <= TIMES_MAX && inject(call, nth, code, mode)) {
            tally->injected++;
            nth++;
        }
    }
}

static void every_call_fails_with_every_code(void **state)
{
    unsigned calls = 0;
    unsigned injected = 0;
    (void)state;
    print_message("%-36s %6s %9s\n", "call", "codes", "injected");
    for (size_t call = 0; winsock_calls[call].name != NULL; call++) {
        struct tally tally = {0};
        unsigned codes = 0;
        for (; winsock_calls[call].codes[codes] != 0; codes++) {
            sweep_code(call, winsock_calls[call].codes[codes], &tally);
        }
        if (tally.injected > 0) {
            print_message("%-36s %6u %9u\n", winsock_calls[call].name, codes, tally.injected);
            calls++;
            injected += tally.injected;
        }
    }
    print_message("%u calls and completions, %u injected: 0 crashed, 0 leaked, 0 lost\n", calls,
                  injected);
    assert_true(injected > 1000);
}

/* ---- a listener that can't cancel ------------------------------------------------------------ */

static struct {
    struct io_loop *loop;
    struct io_listener *listener;
    uv_os_sock_t os_socket;
    struct io_accept accept;
    bool ended;
} one;

static void one_accepted(struct io_accept *op)
{
    one.ended = true;
    if (op->status == 0) {
        backend_iocp.refuse(one.loop, &op->token);
    }
}

/* A listener with one accept outstanding, which waits for first bytes for at most `timeout_ns`. */
static void one_begin(const struct winsock_config *config, unsigned accept_mode,
                      uint64_t timeout_ns)
{
    struct io_config own = {
        .buffer_size = 1024,
        .buffer_memory = 1024,
        .accept_mode = accept_mode,
        .accept_timeout_ns = timeout_ns,
        .accept_silent_max = 4,
    };
    winsock_begin(config);
    memset(&one, 0, sizeof(one));
    one.accept.done = one_accepted;
    one.os_socket = iocp_network.listening(0);
    assert_int_equal(backend_iocp.loop_open(&own, &one.loop), 0);
    assert_int_equal(backend_iocp.listen(one.loop, one.os_socket, 4, &one.listener), 0);
    assert_int_equal(backend_iocp.accept(one.loop, one.listener, &one.accept), IO_PENDING);
}

static void one_poll_until(uint64_t until_ns)
{
    while (winsock_now() < until_ns) {
        assert_true(backend_iocp.poll(one.loop, until_ns) >= 0);
    }
}

static void one_end(void)
{
    while (!one.ended) {
        assert_true(backend_iocp.poll(one.loop, winsock_now() + MS) >= 0);
    }
    assert_true(backend_iocp.poll(one.loop, 0) >= 0);
    backend_iocp.loop_close(one.loop);
    winsock_end();
}

static void fail_cancel(uint64_t nth)
{
    size_t call = winsock_call_named("CancelIoEx");
    winsock_fail(call, nth, winsock_calls[call].codes[0]);
}

/* A silent connection is reaped while the packet of its first bytes is on its way. Its socket is
 * closed, and the packet says that the accept succeeded. */
static void silent_connection_is_closed_while_its_first_bytes_come(void **state)
{
    unsigned met = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const struct winsock_config config = {
            .seed = seed,
            .waits = WINSOCK_ADVANCING,
            .latency_min_ns = MS,
            .latency_max_ns = MS,
            .delay_ns = 400 * MS,
            .violated = world_fail,
        };
        one_begin(&config, 1, 200 * MS);
        uv_os_sock_t client = iocp_network_silent_client();
        one_poll_until(winsock_now() + 180 * MS);
        iocp_network_speak(client);
        fail_cancel(1);
        one_poll_until(winsock_now() + 500 * MS);
        met += winsock_has_failed();
        iocp_network_hang_up(client);
        backend_iocp.accept_stop(one.loop, one.listener);
        one_end();
    }
    print_message("%u of 20 closed in time\n", met);
    assert_true(met > 5);
}

/* The thread may be about to use the number of the socket, so it stays open. */
static void thread_keeps_its_socket_when_the_cancel_fails(void **state)
{
    const struct winsock_config config = {
        .seed = 1, .waits = WINSOCK_ADVANCING, .threads = true, .violated = world_fail};
    (void)state;
    one_begin(&config, 2, 0);
    fail_cancel(1);
    backend_iocp.accept_stop(one.loop, one.listener);
    assert_true(winsock_has_failed());
    assert_true(winsock_is_open(one.os_socket));
    one_end();
}

/* ---- is the table complete? ------------------------------------------------------------------ */

static bool is_listed(const char *const *names, const char *name)
{
    while (*names != NULL && strcmp(*names, name) != 0) {
        names++;
    }
    return *names != NULL;
}

static bool is_in_table(const char *name)
{
    for (size_t call = 0; winsock_calls[call].name != NULL; call++) {
        if (strcmp(winsock_calls[call].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Names of Winsock and Windows begin with a capital letter, those that are older are renamed by the
 * simulation's header, and three are only macros. */
static const char *windows_name(const char *symbol)
{
    if (strncmp(symbol, "winsock_", 8) == 0) {
        bool libuv = strcmp(symbol, "winsock_now") == 0 || strcmp(symbol, "winsock_uname") == 0;
        return libuv ? NULL : symbol + 8;
    }
    bool old = strcmp(symbol, "closesocket") == 0 || strcmp(symbol, "ioctlsocket") == 0;
    return old || isupper((unsigned char)symbol[0]) ? symbol : NULL;
}

static void every_call_is_in_the_table(void **state)
{
    char line[256];
    unsigned found = 0;
    FILE *symbols = fopen(IOCP_SYMBOLS, "r"); /* `nm -u`, made by the build */
    (void)state;
    assert_non_null(symbols);
    while (fgets(line, sizeof(line), symbols) != NULL) {
        char name[128];
        /* " U name"; for macOS only the name, behind an underscore */
        bool is_name = sscanf(line, " U %127s", name) == 1 || sscanf(line, " _%127s", name) == 1;
        const char *call = is_name ? windows_name(name) : NULL;
        if (call != NULL) {
            found++;
            if (!is_in_table(call) && !is_listed(infallible, call)) {
                fail_msg("%s is called, but is not in the table", call);
            }
        }
    }
    (void)fclose(symbols);
    assert_true(found > 15);
    assert_true(is_in_table("AcceptEx") && is_in_table("ConnectEx")); /* by pointer: not symbols */
}

int main(void)
{
    log_setup("test_iocp_faults", false);
    log_redirect(NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_is_in_the_table),
        cmocka_unit_test(every_call_fails_with_every_code),
        cmocka_unit_test(silent_connection_is_closed_while_its_first_bytes_come),
        cmocka_unit_test(thread_keeps_its_socket_when_the_cancel_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
