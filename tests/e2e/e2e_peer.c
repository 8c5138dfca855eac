#include "e2e.h"

#include <string.h>

#include "sys.h"

#define PEERS_MAX 8000

#define FREE_PORT_FIRST 10000
#define FREE_PORTS 20000

static struct {
    uv_os_sock_t peers[PEERS_MAX]; /* closed after the test */
    size_t count;
} e2e_peers;

void e2e_tear_down_peers(void)
{
    while (e2e_peers.count > 0) {
        peer_close(e2e_peers.peers[--e2e_peers.count]);
    }
}

uv_os_sock_t e2e_peer_with(const struct e2e_server *server, int receive_buffer)
{
    uv_os_sock_t peer;
    assert_true(e2e_peers.count < PEERS_MAX);
    assert_int_equal(peer_connect(&server->address, receive_buffer, &peer), 0);
    e2e_peers.peers[e2e_peers.count++] = peer;
    return peer;
}

uv_os_sock_t e2e_peer(const struct e2e_server *server)
{
    return e2e_peer_with(server, 0);
}

static void e2e_peer_forget(uv_os_sock_t peer)
{
    for (size_t i = e2e_peers.count; i-- > 0;) {
        if (e2e_peers.peers[i] == peer) {
            e2e_peers.peers[i] = e2e_peers.peers[--e2e_peers.count];
            return;
        }
    }
    fail_msg("no such peer");
}

void e2e_peer_close(uv_os_sock_t peer)
{
    e2e_peer_forget(peer);
    peer_close(peer);
}

void e2e_peer_reset(uv_os_sock_t peer)
{
    e2e_peer_forget(peer);
    peer_reset(peer);
}

void e2e_noise(void *data, size_t length, uint64_t seed)
{
    uint8_t *bytes = data;
    uint64_t x = seed * 2 + 1;
    for (size_t i = 0; i < length; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        bytes[i] = (uint8_t)(x >> 32);
    }
}

struct e2e_ready {
    uv_poll_t poll;
    bool ready;
    bool closed;
};

static void e2e_on_ready(uv_poll_t *poll, int status, int events)
{
    struct e2e_ready *ready = poll->data;
    (void)status;
    (void)events;
    ready->ready = true;
}

static void e2e_on_ready_closed(uv_handle_t *handle)
{
    struct e2e_ready *ready = handle->data;
    ready->closed = true;
}

static bool e2e_is_ready(void *context)
{
    const struct e2e_ready *ready = context;
    return ready->ready;
}

static bool e2e_is_ready_closed(void *context)
{
    const struct e2e_ready *ready = context;
    return ready->closed;
}

/* Waits until the peer can go on. Meanwhile it reads the programs' output. */
static void e2e_peer_await(uv_os_sock_t peer, bool to_send, uint64_t timeout_ms)
{
    struct e2e_ready ready = {.ready = false};
    assert_int_equal(uv_poll_init_socket(process_loop(), &ready.poll, peer), 0);
    ready.poll.data = &ready;
    int events = UV_READABLE | (to_send ? UV_WRITABLE : 0);
    int status = uv_poll_start(&ready.poll, events, e2e_on_ready);
    if (status == 0) {
        (void)process_pump(timeout_ms, e2e_is_ready, &ready);
    }
    uv_close((uv_handle_t *)(void *)&ready.poll, e2e_on_ready_closed);
    (void)process_pump(UINT32_MAX, e2e_is_ready_closed, &ready);
    assert_int_equal(status, 0);
}

struct e2e_exchange {
    uv_os_sock_t peer;
    const uint8_t *data;
    size_t length;
    size_t sent;
    size_t received;
    bool ends; /* send FIN after all bytes */
    bool ended;
};

/* Sends what the socket takes. 0 or a UV error. */
static int e2e_exchange_send(struct e2e_exchange *x)
{
    if (x->sent < x->length) {
        int count = peer_send(x->peer, x->data + x->sent, x->length - x->sent);
        if (count < 0 && count != UV_EAGAIN) {
            return count;
        }
        x->sent += count > 0 ? (size_t)count : 0;
    }
    if (x->ends && !x->ended && x->sent == x->length) {
        x->ended = true;
        return peer_shutdown(x->peer);
    }
    return 0;
}

/* Receives what is there. 0, or the reason that ends the exchange. */
static int e2e_exchange_recv(struct e2e_exchange *x)
{
    uint8_t chunk[16384];
    int count = peer_recv(x->peer, chunk, sizeof(chunk));
    if (count == UV_EAGAIN) {
        e2e_peer_await(x->peer, x->sent < x->length, PATIENCE_MS);
        return 0;
    }
    if (count <= 0) {
        return count < 0 ? count : UV_EOF;
    }
    size_t length = (size_t)count;
    if (x->received + length > x->length || memcmp(chunk, x->data + x->received, length) != 0) {
        return UV_EPROTO;
    }
    x->received += length;
    return 0;
}

static int e2e_exchange_run(struct e2e_exchange *x)
{
    uint64_t until_ms = e2e_now_ms() + PATIENCE_MS;
    while (x->ends || x->received < x->length) {
        int status = e2e_exchange_send(x);
        if (status == 0) {
            status = e2e_exchange_recv(x);
        }
        if (status != 0) {
            return status;
        }
        if (e2e_now_ms() > until_ms) {
            return UV_ETIMEDOUT;
        }
    }
    return 0;
}

int e2e_peer_try(uv_os_sock_t peer, const void *data, size_t length)
{
    struct e2e_exchange exchange = {.peer = peer, .data = data, .length = length};
    return e2e_exchange_run(&exchange);
}

int e2e_peer_finish(uv_os_sock_t peer, const void *data, size_t length)
{
    struct e2e_exchange exchange = {.peer = peer, .data = data, .length = length, .ends = true};
    int status = e2e_exchange_run(&exchange);
    return status == UV_EOF && exchange.received == length ? 0 : status;
}

void e2e_peer_echoes(uv_os_sock_t peer, const void *data, size_t length)
{
    int status = e2e_peer_try(peer, data, length);
    if (status != 0) {
        fail_msg("no echo of %zu bytes: %s", length, uv_err_name(status));
    }
}

int e2e_peer_wait(uv_os_sock_t peer, uint64_t timeout_ms)
{
    uint64_t until_ms = e2e_now_ms() + timeout_ms;
    uint8_t chunk[16384];
    for (;;) {
        int count = peer_recv(peer, chunk, sizeof(chunk));
        uint64_t now_ms = e2e_now_ms();
        if (count != UV_EAGAIN || now_ms >= until_ms) {
            return count;
        }
        e2e_peer_await(peer, false, until_ms - now_ms);
    }
}

void e2e_peer_is_reset(uv_os_sock_t peer)
{
    int status = e2e_peer_wait(peer, PATIENCE_MS);
    if (status == 0 && sys_is_wine_before(10)) {
        /* the wineserver took the error, so recv() reports an end; send() still reports the
         * reset */
        status = peer_send(peer, "late", 4);
    }
    assert_int_equal(status, UV_ECONNRESET);
}

uv_os_sock_t e2e_slow_reader(const struct e2e_server *server)
{
    static uint8_t chunk[65536];
    uv_os_sock_t peer = e2e_peer(server);
    unsigned quiet = 0;
    while (quiet < 20) {
        int count = peer_send(peer, chunk, sizeof(chunk));
        assert_true(count > 0 || count == UV_EAGAIN);
        quiet = count > 0 ? 0 : quiet + 1;
        if (count < 0) {
            (void)process_pump(e2e_ms(5), NULL, NULL);
        }
    }
    return peer;
}

void e2e_serves_beside_silent_peers(const struct e2e_server *server, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)e2e_peer(server);
    }
    struct process *client = e2e_client(server, "-c", "4", "--requests", "400", NULL);
    const json_t *report = e2e_end_report(client, 0);
    assert_int_equal(e2e_uint(report, "counters.messages"), 400);
    e2e_tear_down_peers();
    e2e_books_agree(server, client);
}

bool e2e_has_ipv6(void)
{
    struct sockaddr_storage address;
    uv_os_sock_t peer;
    if (peer_bind(AF_INET6, &peer, &address) != 0) {
        return false;
    }
    peer_close(peer);
    return true;
}

/* Below the ephemeral ports of every system, so neither port 0 nor a connect gives it to another
 * test. The start is random, so that two tests hardly choose the same. */
unsigned e2e_free_port(void)
{
    uint32_t random;
    uv_os_sock_t peer;
    assert_int_equal(uv_random(NULL, NULL, &random, sizeof(random), 0, NULL), 0);
    for (uint32_t i = 0; i < FREE_PORTS; i++) {
        unsigned port = FREE_PORT_FIRST + (random + i) % FREE_PORTS;
        if (peer_bind_port(port, &peer) == 0) {
            peer_close(peer);
            return port;
        }
    }
    fail_msg("no port is free");
    return 0;
}
