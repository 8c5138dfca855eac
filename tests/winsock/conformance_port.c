#include "conformance_bench.h"

#include <assert.h>

static void wait_times_out(void)
{
    bench_listen();
    (void)bench_say_packet(0);
    (void)bench_say_packet(10);
}

static void posts_keep_their_order(void)
{
    bench_listen();
    for (DWORD i = 1; i <= 3; i++) {
        (void)PostQueuedCompletionStatus(bench.port, i, 0, NULL);
    }
    for (int i = 0; i < 3; i++) {
        (void)bench_say_packet(PATIENCE_MS);
    }
}

static void one_wait_takes_many(void)
{
    OVERLAPPED_ENTRY entries[8];
    ULONG count = 0;
    bench_listen();
    for (DWORD i = 1; i <= 5; i++) {
        (void)PostQueuedCompletionStatus(bench.port, i, 0, NULL);
    }
    bench_say_success(
        GetQueuedCompletionStatusEx(bench.port, entries, 8, &count, PATIENCE_MS, FALSE));
    say("%u packets, the last %u", (unsigned)count,
        (unsigned)entries[count - 1].dwNumberOfBytesTransferred);
}

static void port_joined_twice(void)
{
    bench_pair();
    HANDLE other = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    bench_say_success(bench_join_port(bench.server) != NULL);
    bench_say_success(CreateIoCompletionPort((HANDLE)(uintptr_t)bench.server, other, 0, 0) != NULL);
    (void)CloseHandle(other);
}

static SOCKET duplicate(SOCKET socket)
{
    WSAPROTOCOL_INFOW info;
    int answer = WSADuplicateSocketW(socket, GetCurrentProcessId(), &info);
    assert(answer == 0);
    SOCKET copy = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0,
                             WSA_FLAG_OVERLAPPED);
    assert(copy != INVALID_SOCKET);
    return copy;
}

static void port_joined_by_a_duplicate(void)
{
    bench_pair();
    SOCKET copy = duplicate(bench.server);
    bench_say_success(bench_join_port(copy) != NULL);
    (void)closesocket(copy);
}

static void listener_lives_in_its_duplicate(void)
{
    bench_listen();
    SOCKET copy = duplicate(bench.listener);
    bench_close_if_open(&bench.listener);
    bench.client = bench_open_socket(AF_INET);
    bench_say_call("connect ",
                   connect(bench.client, (struct sockaddr *)&bench.address, sizeof(bench.address)),
                   "ok");
    bench.server = accept(copy, NULL, NULL);
    bench_say_call("", bench.server != INVALID_SOCKET ? 0 : SOCKET_ERROR, "accepted");
    (void)closesocket(copy);
}

static void provider_has_ifs_handles(void)
{
    WSAPROTOCOL_INFOW info;
    int length = sizeof(info);
    bench_pair();
    int answer = getsockopt(bench.server, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&info, &length);
    bench_say_call("", answer, (info.dwServiceFlags1 & XP1_IFS_HANDLES) != 0 ? "yes" : "no");
}

const struct experiment experiments_of_ports[] = {
    {"wait_times_out", wait_times_out},
    {"posts_keep_their_order", posts_keep_their_order},
    {"one_wait_takes_many", one_wait_takes_many},
    {"port_joined_twice", port_joined_twice},
    {"port_joined_by_a_duplicate", port_joined_by_a_duplicate},
    {"listener_lives_in_its_duplicate", listener_lives_in_its_duplicate},
    {"provider_has_ifs_handles", provider_has_ifs_handles},
    {NULL, NULL},
};
