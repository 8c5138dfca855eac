#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "iocp_rig.h"
#include "util.h"

#define END_OF(op, member) CONTAINER_OF(op, struct iocp_end, member)

struct iocp_rig iocp_rig;

static void on_connect(struct io_connect *op)
{
    END_OF(op, connect)->busy = false;
}

static void on_accept(struct io_accept *op)
{
    struct iocp_end *end = END_OF(op, accept);
    assert_int_equal(op->status, 0);
    end->socket = calloc(1, backend_iocp.socket_size);
    assert_int_equal(backend_iocp.adopt(iocp_rig.loop, &op->token, end->socket), 0);
    end->busy = false;
}

static void on_recv(struct io_recv *op)
{
    assert_int_equal(op->status, 0);
    END_OF(op, recv)->received++;
    backend_iocp.release(iocp_rig.loop, op->data);
}

static void on_send(struct io_send *op)
{
    END_OF(op, send)->busy = false;
}

static void on_close(struct io_close *op)
{
    END_OF(op, close)->closed = true;
}

void iocp_rig_begin(struct winsock_config network, unsigned accept_mode)
{
    const struct io_config config = {.buffer_size = IOCP_RIG_CAPACITY,
                                     .buffer_memory = (size_t)1 << 30,
                                     .accept_mode = accept_mode,
                                     .open_socket = iocp_network.open_socket};
    network.seed = 1;
    network.waits = WINSOCK_ADVANCING;
    network.latency_min_ns = network.latency_max_ns = IOCP_RIG_LATENCY_MS * MS;
    network.capacity_min = network.capacity_max = IOCP_RIG_CAPACITY;
    winsock_begin(&network);
    iocp_rig.os_socket = iocp_network.listening(0);
    assert_int_equal(backend_iocp.loop_open(&config, &iocp_rig.loop), 0);
    assert_int_equal(
        backend_iocp.listen(iocp_rig.loop, iocp_rig.os_socket, 128, &iocp_rig.listener), 0);
}

void iocp_rig_end(void)
{
    backend_iocp.accept_stop(iocp_rig.loop, iocp_rig.listener);
    backend_iocp.loop_close(iocp_rig.loop);
    winsock_end();
}

void iocp_rig_poll_for(uint64_t ms)
{
    uint64_t until_ns = winsock_now() + ms * MS;
    while (winsock_now() < until_ns) {
        assert_true(backend_iocp.poll(iocp_rig.loop, until_ns) >= 0);
    }
}

void iocp_end_wait(const struct iocp_end *end)
{
    while (end->busy) {
        iocp_rig_poll_for(1);
    }
}

void iocp_end_connect(struct iocp_end *end, const char *host, uint16_t port)
{
    struct sockaddr_storage address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&address;
    if (uv_ip4_addr(host, port, (struct sockaddr_in *)(void *)&address) != 0) {
        assert_int_equal(uv_ip6_addr(host, port, v6), 0);
    }
    *end = (struct iocp_end){.socket = calloc(1, backend_iocp.socket_size),
                             .connect = {.done = on_connect},
                             .busy = true};
    assert_int_equal(backend_iocp.connect(iocp_rig.loop, end->socket,
                                          (const struct sockaddr *)(const void *)&address,
                                          &end->connect),
                     IO_PENDING);
}

void iocp_end_send(struct iocp_end *end, const uint8_t *data, size_t length)
{
    end->send = (struct io_send){.done = on_send, .data = data, .length = length};
    end->busy = backend_iocp.send(iocp_rig.loop, end->socket, &end->send) == IO_PENDING;
}

bool iocp_end_recv(struct iocp_end *end)
{
    end->recv = (struct io_recv){.done = on_recv};
    int outcome = backend_iocp.recv(iocp_rig.loop, end->socket, &end->recv);
    assert_true(outcome == IO_DONE || outcome == IO_PENDING);
    if (outcome == IO_DONE) {
        on_recv(&end->recv);
    }
    return outcome == IO_DONE;
}

void iocp_end_close(struct iocp_end *end)
{
    if (end->socket == NULL) {
        return;
    }
    end->close = (struct io_close){.done = on_close};
    backend_iocp.close(iocp_rig.loop, end->socket, IO_CLOSE_RESET, &end->close);
    while (!end->closed) {
        iocp_rig_poll_for(1);
    }
    free(end->socket);
    end->socket = NULL;
}

void iocp_rig_pair(struct iocp_end *client, struct iocp_end *server)
{
    *server = (struct iocp_end){.accept = {.done = on_accept}, .busy = true};
    assert_int_equal(backend_iocp.accept(iocp_rig.loop, iocp_rig.listener, &server->accept),
                     IO_PENDING);
    iocp_end_connect(client, "127.0.0.1", WORLD_PORT);
    iocp_end_wait(client);
    assert_int_equal(client->connect.status, 0);
    iocp_end_wait(server);
}
