/*
 * Temporary shortages of the system. A socket is reported as writable and takes nothing, as when
 * the kernel has no memory for TCP. libinject.so simulates that.
 */

#include "e2e.h"
#include "util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The call with which each backend sends. */
static const struct {
    const char *backend;
    const char *call;
} sends[] = {{"uv", "write"}, {"epoll", "send"}, {"io_uring", "IORING_OP_SEND"}};

/* How long the shortage lasts. */
#define SHORT_MS 200

/* Attempts for each millisecond of it, and some more. A loop without a pause makes hundreds in a
 * millisecond. */
#define TRIES_PER_MS 1
#define TRIES_MORE 64

static const char *send_call(void)
{
    for (size_t i = 0; i < LENGTH(sends); i++) {
        if (strcmp(sends[i].backend, e2e_backend()) == 0) {
            return sends[i].call;
        }
    }
    return NULL;
}

static void make_file(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static size_t count_tries(const char *report)
{
    size_t tries = 0;
    for (const char *at = e2e_read_file(report); (at = strstr(at, "struck\n")) != NULL; at++) {
        tries++;
    }
    return tries;
}

static struct process *start_server(const char *gate, const char *report)
{
    assert_int_equal(uv_os_setenv("LD_PRELOAD", getenv("INJECT_LIBRARY")), 0);
    assert_int_equal(uv_os_setenv("INJECT", e2e_text("%s:1:%d", send_call(), EAGAIN)), 0);
    assert_int_equal(uv_os_setenv("INJECT_GATE", gate), 0);
    assert_int_equal(uv_os_setenv("INJECT_REPORT", report), 0);
    struct process *process = e2e_start(e2e_server_path, e2e_backend_argument(), "--json", "-t:1",
                                        "-l", "127.0.0.1:0", NULL);
    static const char *const names[] = {"LD_PRELOAD", "INJECT", "INJECT_GATE", "INJECT_REPORT"};
    for (size_t i = 0; i < LENGTH(names); i++) {
        assert_int_equal(uv_os_unsetenv(names[i]), 0);
    }
    return process;
}

static void send_all(uv_os_sock_t peer, const char *text)
{
    assert_int_equal(peer_send(peer, text, strlen(text)), (int)strlen(text));
}

static void no_loop_spins_without_memory_for_tcp(void **state)
{
    struct e2e_server server;
    const char *gate = e2e_path("gate");
    const char *report = e2e_path("tries");
    char received[8];
    size_t length = 0;
    (void)state;
    if (send_call() == NULL) {
        e2e_skip("how this backend sends is not known here");
    }
    make_file(gate);
    make_file(report);
    e2e_server_listens(&server, start_server(gate, report));
    uv_os_sock_t peer = e2e_peer(&server);
    uint64_t began_ms = e2e_now_ms();
    send_all(peer, "short");
    (void)process_pump(SHORT_MS, NULL, NULL);
    uint64_t lasted_ms = e2e_now_ms() - began_ms + 1;
    size_t tries = count_tries(report);
    print_message("%zu tries in %u ms\n", tries, (unsigned)lasted_ms);
    assert_true(tries > 0);
    assert_true(tries <= TRIES_PER_MS * lasted_ms + TRIES_MORE);
    assert_int_equal(peer_recv(peer, received, sizeof(received)), UV_EAGAIN);

    assert_int_equal(remove(gate), 0);
    send_all(peer,
             "er"); /* incoming bytes make the kernel report again what the socket is ready for */
    assert_int_equal(peer_block(peer, true), 0);
    while (length < 7) {
        int count = peer_recv(peer, received + length, sizeof(received) - length);
        assert_true(count > 0);
        length += (size_t)count;
    }
    assert_memory_equal(received, "shorter", 7);
    e2e_peer_close(peer);
    e2e_server_ends(&server);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        E2E(no_loop_spins_without_memory_for_tcp),
    };
    return e2e_run(argc, argv, tests);
}
