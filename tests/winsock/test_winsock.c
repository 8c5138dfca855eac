/* The simulated Winsock: what it draws, injects, counts and finds. How Winsock behaves is in
 * conformance.txt. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <winsock2.h>

#include "winsock_sim.h"

static jmp_buf misused;
static const char *misuse; /* the sentence; NULL: none */

static HANDLE port;
static SOCKET listener, client, server;
static OVERLAPPED overlapped;

static void note_misuse(const char *sentence)
{
    misuse = sentence;
    longjmp(misused, 1);
}

static SOCKET open_socket(void)
{
    return WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_OVERLAPPED);
}

/* A connection; its server's end has joined the port. */
static void begin(const struct winsock_config *config)
{
    struct sockaddr_in address;
    int length = sizeof(address);
    struct winsock_config own = *config;
    own.waits = WINSOCK_ADVANCING;
    own.violated = note_misuse;
    misuse = NULL;
    memset(&overlapped, 0, sizeof(overlapped));
    winsock_begin(&own);
    port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    listener = open_socket();
    client = open_socket();
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 4), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    server = accept(listener, NULL, NULL);
    assert_ptr_equal(CreateIoCompletionPort((HANDLE)(uintptr_t)server, port, 0, 0), port);
}

static void end(void)
{
    assert_int_equal(closesocket(client), 0);
    assert_int_equal(closesocket(server), 0);
    assert_int_equal(closesocket(listener), 0);
    assert_true(CloseHandle(port));
    winsock_end();
}

static int start_recv(void *data, ULONG length)
{
    WSABUF buffer = {.len = length, .buf = data};
    DWORD bytes;
    DWORD flags;
    return WSARecv(server, &buffer, 1, &bytes, &flags, &overlapped, NULL);
}

static int start_send(void *data, ULONG length)
{
    WSABUF buffer = {.len = length, .buf = data};
    DWORD bytes;
    return WSASend(server, &buffer, 1, &bytes, 0, &overlapped, NULL);
}

static DWORD take(void)
{
    OVERLAPPED_ENTRY entry;
    ULONG count = 0;
    while (!GetQueuedCompletionStatusEx(port, &entry, 1, &count, INFINITE, FALSE)) {
        assert_int_equal(GetLastError(), WAIT_TIMEOUT); /* early */
    }
    assert_ptr_equal(entry.lpOverlapped, &overlapped);
    return entry.dwNumberOfBytesTransferred;
}

static const struct winsock_config calm;

/* ---- memory that is lent --------------------------------------------------------------------- */

static void received_bytes_come_with_the_packet(void **state)
{
    char data[4] = {0};
    (void)state;
    begin(&calm);
    assert_int_equal(send(client, "abcd", 4, 0), 4);
    assert_int_equal(start_recv(data, 4), SOCKET_ERROR);
    assert_int_equal(WSAGetLastError(), WSA_IO_PENDING);
    assert_true(winsock_advance(UINT64_MAX)); /* the packet has come, and was not taken */
    assert_memory_not_equal(data, "abcd", 4);
    assert_int_equal((DWORD)overlapped.Internal, (DWORD)STATUS_PENDING);
    assert_int_equal(take(), 4);
    assert_memory_equal(data, "abcd", 4);
    assert_int_equal(overlapped.InternalHigh, 4);
    end();
}

/* Runs `break_it` between the start of an operation and its packet. */
static void expect_misuse(const char *sentence, void (*break_it)(void))
{
    if (setjmp(misused) == 0) {
        break_it();
        fail_msg("not found: %s", sentence);
    }
    assert_string_equal(misuse, sentence);
    winsock_end();
}

static void change_bytes(void)
{
    char data[] = "abc";
    (void)start_send(data, 3);
    data[1] = 'x'; /* the network may have only the first half */
    (void)winsock_advance(UINT64_MAX);
    data[1] = 'b';
    (void)take();
}

static void bytes_changed_under_a_send_are_found(void **state)
{
    (void)state;
    begin(&calm);
    expect_misuse("bytes were changed while a send had them", change_bytes);
}

static void use_twice(void)
{
    char data[2];
    (void)start_recv(data, 1);
    (void)start_recv(data + 1, 1);
}

static void overlapped_used_twice_is_found(void **state)
{
    (void)state;
    begin(&calm);
    expect_misuse("an OVERLAPPED is used twice at once", use_twice);
}

static void close_twice(void)
{
    (void)closesocket(client);
    (void)closesocket(client);
}

static void socket_closed_twice_is_found(void **state)
{
    (void)state;
    begin(&calm);
    expect_misuse("a call names a socket that is not open", close_twice);
}

static void change_overlapped(void)
{
    char data[1];
    (void)start_recv(data, 1);
    memset(&overlapped, 0, sizeof(overlapped));
    (void)send(client, "a", 1, 0);
    (void)take();
}

static void overlapped_changed_is_found(void **state)
{
    (void)state;
    begin(&calm);
    expect_misuse("an OVERLAPPED was changed while outstanding", change_overlapped);
}

static void leave_packet(void)
{
    char data[1];
    (void)start_recv(data, 1);
    (void)closesocket(server);
    (void)CloseHandle(port);
}

static void port_closed_too_early_is_found(void **state)
{
    (void)state;
    begin(&calm);
    expect_misuse("a completion port was closed with operations outstanding", leave_packet);
}

static void end_with_sockets(void)
{
    winsock_end();
}

static void socket_left_open_is_found(void **state)
{
    (void)state;
    begin(&calm);
    expect_misuse("a socket is left open", end_with_sockets);
}

/* ---- what is drawn --------------------------------------------------------------------------- */

static void closed_value_is_used_again_at_once(void **state)
{
    (void)state;
    begin(&calm);
    SOCKET before = client;
    assert_int_equal(closesocket(client), 0);
    client = open_socket();
    assert_int_equal(client, before);
    assert_int_equal(winsock_counts()->of[WINSOCK_REUSED], 1);
    end();
}

static void send_ends_with_a_part(void **state)
{
    const struct winsock_config config = {
        .seed = 1, .short_send_ppm = 1000000, .capacity_min = 10, .capacity_max = 10};
    char data[100] = {0};
    (void)state;
    begin(&config);
    assert_int_equal(start_send(data, sizeof(data)), SOCKET_ERROR);
    assert_int_equal(take(), 10);
    assert_int_equal(overlapped.Internal, STATUS_SUCCESS);
    end();
}

static void cancelled_send_counts_what_it_moved(void **state)
{
    const struct winsock_config config = {.seed = 1, .cancel_moved_ppm = 1000000, .delay_ns = 1000};
    char data[100] = {0};
    (void)state;
    begin(&config);
    assert_int_equal(start_send(data, sizeof(data)), SOCKET_ERROR);
    assert_true(CancelIoEx((HANDLE)(uintptr_t)server, &overlapped));
    DWORD moved = take();
    assert_int_equal((NTSTATUS)overlapped.Internal, STATUS_CANCELLED);
    assert_true(moved > 0 && moved < sizeof(data));
    assert_int_equal(recv(client, data, sizeof(data), 0), (int)moved);
    end();
}

static void cancel_that_is_late_succeeds(void **state)
{
    const struct winsock_config config = {.cancel_late_ppm = 1000000};
    char data[4];
    (void)state;
    begin(&config);
    assert_int_equal(start_recv(data, sizeof(data)), SOCKET_ERROR);
    assert_int_equal(send(client, "abc", 3, 0), 3);
    assert_true(CancelIoEx((HANDLE)(uintptr_t)server, NULL));
    (void)take();
    assert_int_equal(winsock_counts()->of[WINSOCK_CANCEL_LATE], 1);
    end();
}

/* ---- what is injected ------------------------------------------------------------------------ */

static void nth_call_fails_once(void **state)
{
    (void)state;
    begin(&calm);
    winsock_fail(winsock_call_named("WSASocketW"), 2, WSAEMFILE);
    SOCKET first = open_socket();
    assert_int_not_equal(first, INVALID_SOCKET);
    assert_false(winsock_has_failed());
    assert_int_equal(open_socket(), INVALID_SOCKET);
    assert_int_equal(WSAGetLastError(), WSAEMFILE);
    assert_true(winsock_has_failed());
    SOCKET third = open_socket();
    assert_int_not_equal(third, INVALID_SOCKET);
    assert_int_equal(closesocket(first), 0);
    assert_int_equal(closesocket(third), 0);
    end();
}

static void completion_fails_with_its_code(void **state)
{
    char data[4];
    (void)state;
    begin(&calm);
    winsock_fail(winsock_call_named("WSARecv completion"), 1, STATUS_INSUFFICIENT_RESOURCES);
    assert_int_equal(start_recv(data, sizeof(data)), SOCKET_ERROR);
    assert_int_equal(send(client, "abc", 3, 0), 3);
    assert_int_equal(take(), 0);
    assert_int_equal((NTSTATUS)overlapped.Internal, STATUS_INSUFFICIENT_RESOURCES);
    assert_int_equal(recv(server, data, sizeof(data), 0), 3); /* no byte was lost */
    end();
}

/* ---- the seed -------------------------------------------------------------------------------- */

static uint64_t fingerprint(uint64_t seed)
{
    struct winsock_config config;
    char data[300] = {0};
    uint64_t print = 0;
    winsock_config_random(&config, seed);
    config.call_fails_ppm = config.reset_ppm = config.operation_fails_ppm = 0;
    config.short_send_ppm = config.no_ifs = 0;
    begin(&config);
    for (int i = 0; i < 5; i++) {
        (void)send(client, data, 1, 0);
        (void)start_recv(data, sizeof(data));
        (void)take();
        print = print * 31 + winsock_now() + overlapped.InternalHigh;
    }
    end();
    return print;
}

static void seed_decides_everything(void **state)
{
    unsigned different = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        uint64_t print = fingerprint(seed);
        assert_int_equal(print, fingerprint(seed));
        different += print != fingerprint(seed + 1);
    }
    assert_true(different > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(received_bytes_come_with_the_packet),
        cmocka_unit_test(bytes_changed_under_a_send_are_found),
        cmocka_unit_test(overlapped_used_twice_is_found),
        cmocka_unit_test(overlapped_changed_is_found),
        cmocka_unit_test(socket_closed_twice_is_found),
        cmocka_unit_test(port_closed_too_early_is_found),
        cmocka_unit_test(socket_left_open_is_found),
        cmocka_unit_test(closed_value_is_used_again_at_once),
        cmocka_unit_test(send_ends_with_a_part),
        cmocka_unit_test(cancelled_send_counts_what_it_moved),
        cmocka_unit_test(cancel_that_is_late_succeeds),
        cmocka_unit_test(nth_call_fails_once),
        cmocka_unit_test(completion_fails_with_its_code),
        cmocka_unit_test(seed_decides_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
