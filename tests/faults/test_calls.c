/*
 * How many calls of Windows an echo of 64 bytes makes, by backend and receive mode. The calls are
 * counted in the import address table, so no program's own counters are trusted. Prints the table
 * that is in docs/backends.md.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "echo_rig.h"
#include "imports.h"
#include "iocp_port.h"
#include "log.h"
#include "peer.h"
#include "range.h"
#include "util.h"

#define MESSAGE 64
#define ECHOES 5000
#define CONNECTIONS_MAX 50

struct mode {
    const char *name;
    const struct backend *backend;
    unsigned recv_mode;
    double receives; /* calls that an echo may make, and 1 % more for late completions */
};

static const struct mode modes[] = {
    {"uv", &backend_uv, 0, 4.04},
    {"iocp --recv=zero-byte", &backend_iocp, 0, 2.02},
    {"iocp --recv=posted", &backend_iocp, 1, 1.01},
};

static void receive_all(uv_os_sock_t peer, uint8_t *data)
{
    size_t length = 0;
    while (length < MESSAGE) {
        int received = peer_recv(peer, data + length, MESSAGE - length);
        assert_true(received > 0);
        length += (size_t)received;
    }
}

/* All peers send, then all receive. */
static void echo_round(const uv_os_sock_t *peers, size_t count)
{
    uint8_t sent[MESSAGE];
    uint8_t received[MESSAGE];
    for (size_t i = 0; i < count; i++) {
        memset(sent, (int)i, sizeof(sent));
        assert_int_equal(peer_send(peers[i], sent, sizeof(sent)), sizeof(sent));
    }
    for (size_t i = 0; i < count; i++) {
        memset(sent, (int)i, sizeof(sent));
        receive_all(peers[i], received);
        assert_memory_equal(received, sent, sizeof(sent));
    }
}

static double calls_an_echo(enum import_call call, uint64_t echoes)
{
    return (double)imports_count(call) / (double)echoes;
}

/* The worker's counters since `before`, against the table's. By now the worker waits, or is about
 * to. */
static void assert_counted(const struct io_stats *now, const struct io_stats *before)
{
    static const struct {
        enum import_call call;
        size_t counter;
    } rows[] = {
        {IMPORT_WSA_RECV, offsetof(struct io_stats, recv_calls)},
        {IMPORT_WSA_SEND, offsetof(struct io_stats, send_calls)},
        {IMPORT_GET_COMPLETIONS, offsetof(struct io_stats, wait_calls)},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        uint64_t made = imports_count(rows[i].call);
        uint64_t counted =
            *(const uint64_t *)(const void *)((const char *)now + rows[i].counter) -
            *(const uint64_t *)(const void *)((const char *)before + rows[i].counter);
        assert_between(counted, made - made / 100 - CONNECTIONS_MAX,
                       made + made / 100 + CONNECTIONS_MAX);
    }
}

static void count_calls(const struct mode *mode, size_t connections)
{
    uv_os_sock_t peers[CONNECTIONS_MAX];
    struct echo_rig *rig = calloc(1, sizeof(*rig));
    uint64_t echoes = 0;
    assert_non_null(rig);
    assert_int_equal(echo_rig_open(rig, mode->backend, 0, mode->recv_mode), 0);
    assert_int_equal(echo_rig_start(rig), 0);
    for (size_t i = 0; i < connections; i++) {
        assert_int_equal(peer_connect(&rig->address, 0, &peers[i]), 0);
        assert_int_equal(peer_block(peers[i], true), 0);
    }
    echo_round(peers, connections); /* all of them are up */
    const struct io_stats before = rig->echo.worker.io->stats;
    imports_reset();
    while (echoes < ECHOES) {
        echo_round(peers, connections);
        echoes += connections;
    }
    double receives = calls_an_echo(IMPORT_WSA_RECV, echoes);
    double sends = calls_an_echo(IMPORT_WSA_SEND, echoes);
    double waits = calls_an_echo(IMPORT_GET_COMPLETIONS, echoes);
    assert_counted(&rig->echo.worker.io->stats, &before);
    print_message("%-22s %11u %8.2f %8.2f %28.2f %6.2f\n", mode->name, (unsigned)connections,
                  receives, sends, waits, receives + sends + waits);
    for (size_t i = 0; i < connections; i++) {
        peer_close(peers[i]);
    }
    echo_rig_stop(rig);
    echo_rig_close(rig);
    free(rig);
    assert_true(receives >= 0.99 && receives <= mode->receives);
    assert_true(sends >= 0.99 && sends <= 1.01);
}

static void calls_of_an_echo_of_64_bytes(void **state)
{
    (void)state;
    print_message("%-22s %11s %8s %8s %28s %6s\n", "an echo of 64 bytes", "connections", "WSARecv",
                  "WSASend", "GetQueuedCompletionStatusEx", "all");
    for (size_t i = 0; i < LENGTH(modes); i++) {
        count_calls(&modes[i], 1);
        count_calls(&modes[i], CONNECTIONS_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(calls_of_an_echo_of_64_bytes)};
    imports_install();
    log_setup("test_calls", false);
    if (peer_setup() == 0) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
