#include "sim_rig.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

#define END_OF(op, member) CONTAINER_OF(op, struct sim_end, member)

struct sim_rig rig;

static void note(uint64_t what)
{
    rig.trace = (rig.trace ^ what) * UINT64_C(0x100000001b3);
}

uint8_t sim_rig_byte(uint64_t stream, uint64_t offset)
{
    uint64_t z = (offset + 1 + (stream << 32)) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint8_t)(z >> 56);
}

/* Called in each callback. It must run in this loop's poll, and not inside a submit. */
static void in_callback(const struct sim_end *end)
{
    assert_ptr_equal(rig.polling, end->loop);
    assert_false(rig.submitting);
    assert_false(end->closed);
}

static void check_reset(struct sim_end *end, int status, bool doomed)
{
    if (doomed) {
        assert_true(status == UV_ECONNRESET || status == UV_ECANCELED);
    }
    if (status == UV_ECANCELED) {
        assert_true(end->closing);
    }
    end->saw_reset = end->saw_reset || status == UV_ECONNRESET;
}

static void check_bytes(struct sim_end *end, const uint8_t *data, size_t length)
{
    assert_non_null(data);
    assert_true(length <= end->loop->pool.buffer_size);
    assert_false(end->saw_end);
    size_t right = 0;
    while (right < length &&
           data[right] == sim_rig_byte(end->peer->stream, end->received + right)) {
        right++;
    }
    assert_int_equal(right, length);
}

static void recv_outcome(struct sim_end *end)
{
    const struct io_recv *op = &end->recv;
    end->receiving = false;
    end->recv_status = op->status;
    end->recvs++;
    note((uint64_t)op->status + op->length);
    check_reset(end, op->status, end->recv_doomed);
    if (op->status != 0) {
        assert_true(op->status == UV_ECONNRESET || op->status == UV_ECANCELED);
        assert_null(op->data);
    } else if (op->length == 0) {
        assert_null(op->data);
        assert_true(end->peer == NULL || end->peer->shut || end->peer->closing);
        end->saw_end = true;
    } else {
        check_bytes(end, op->data, op->length);
        end->received += op->length;
        end->held[end->held_count++] = op->data;
        if (!end->keep) {
            sim_end_release(end, 0);
        }
    }
}

static void recv_done(struct io_recv *op)
{
    struct sim_end *end = END_OF(op, recv);
    in_callback(end);
    assert_true(end->receiving);
    recv_outcome(end);
}

int sim_end_recv(struct sim_end *end)
{
    assert_true(end->held_count < SIM_RIG_HELD);
    end->recv.done = recv_done;
    end->recv_doomed = end->saw_reset;
    rig.submitting = true;
    int answer = end->loop->backend->recv(end->loop, end->socket, &end->recv);
    rig.submitting = false;
    end->receiving = answer == IO_PENDING;
    if (answer == IO_DONE) {
        recv_outcome(end);
    }
    return answer;
}

static void send_outcome(struct sim_end *end)
{
    const struct io_send *op = &end->send;
    end->send_busy = false;
    end->send_status = op->status;
    end->sends++;
    end->sent += op->sent;
    note((uint64_t)op->status + op->sent);
    check_reset(end, op->status, end->send_doomed);
    assert_true(op->sent <= op->length);
    if (op->status == 0) {
        assert_int_equal(op->sent, op->length);
    } else {
        assert_true(op->status == UV_ECONNRESET || op->status == UV_ECANCELED);
    }
    free(end->sending);
    end->sending = NULL;
}

static void send_done(struct io_send *op)
{
    struct sim_end *end = END_OF(op, send);
    in_callback(end);
    assert_true(end->send_busy);
    send_outcome(end);
}

int sim_end_send(struct sim_end *end, size_t length)
{
    end->sending = malloc(length);
    assert_non_null(end->sending);
    for (size_t i = 0; i < length; i++) {
        end->sending[i] = sim_rig_byte(end->stream, end->sent + i);
    }
    end->send = (struct io_send){.done = send_done, .data = end->sending, .length = length};
    end->send_doomed = end->saw_reset;
    rig.submitting = true;
    int answer = end->loop->backend->send(end->loop, end->socket, &end->send);
    rig.submitting = false;
    end->send_busy = answer == IO_PENDING;
    if (answer == IO_DONE) {
        send_outcome(end);
    } else if (answer < 0) {
        free(end->sending);
        end->sending = NULL;
    }
    return answer;
}

void sim_end_release(struct sim_end *end, size_t which)
{
    uint8_t *data = end->held[which];
    end->held[which] = end->held[--end->held_count];
    end->loop->backend->release(end->loop, data);
}

void sim_end_shutdown(struct sim_end *end)
{
    end->shut = true;
    int answer = end->loop->backend->shutdown(end->loop, end->socket);
    assert_true(answer == 0 || answer == UV_ECONNRESET);
}

static void close_done(struct io_close *op)
{
    struct sim_end *end = END_OF(op, close);
    in_callback(end);
    assert_true(end->closing);
    assert_false(end->receiving || end->send_busy || end->connecting);
    end->closed = true;
    end->closed_turn = rig.turns;
    note(UINT64_C(0xc105ed));
    free(end->socket);
    end->socket = NULL;
    while (end->held_count > 0) {
        sim_end_release(end, 0);
    }
}

void sim_end_close(struct sim_end *end, enum io_close_how how)
{
    end->closing = true;
    end->close_turn = rig.turns;
    end->close.done = close_done;
    rig.submitting = true;
    end->loop->backend->close(end->loop, end->socket, how, &end->close);
    rig.submitting = false;
}

static void end_open(struct sim_end *end, size_t loop, struct sim_end *peer, uint64_t stream)
{
    *end = (struct sim_end){.loop = rig.loops[loop], .peer = peer, .stream = stream};
    end->socket = malloc(backend_sim.socket_size);
    assert_non_null(end->socket);
}

void sim_rig_adopt(struct io_token *token, size_t loop)
{
    size_t i = (size_t)token->os_socket; /* in sim it is the number of the connection */
    assert_true(i < rig.connects);
    struct sim_end *end = &rig.servers[i];
    end_open(end, loop, &rig.clients[i], 2 * i + 1);
    int answer = backend_sim.adopt(rig.loops[loop], token, end->socket);
    if (answer != 0) {
        assert_int_equal(answer, UV_ENOMEM);
        free(end->socket);
        *end = (struct sim_end){.closing = true, .closed = true};
        return;
    }
    end->connected = true;
    rig.accepted++;
}

void sim_rig_refuse(struct io_token *token)
{
    rig.servers[(size_t)token->os_socket].closing = true;
    backend_sim.refuse(rig.loops[1], token);
}

static void accept_outcome(void)
{
    rig.accepting = false;
    rig.accept_status = rig.accept.status;
    note((uint64_t)rig.accept.status);
    if (rig.accept.status != 0) {
        return;
    }
    if (rig.on_token != NULL) {
        rig.on_token(&rig.accept.token);
    } else {
        sim_rig_adopt(&rig.accept.token, 1);
    }
}

static void accept_done(struct io_accept *op)
{
    assert_ptr_equal(op, &rig.accept);
    assert_ptr_equal(rig.polling, rig.loops[1]);
    assert_true(rig.accepting);
    accept_outcome();
}

void sim_rig_accept(void)
{
    rig.accept.done = accept_done;
    int answer = backend_sim.accept(rig.loops[1], rig.listener, &rig.accept);
    rig.accepting = answer == IO_PENDING;
    if (answer == IO_DONE) {
        accept_outcome();
    }
}

static void connect_outcome(struct sim_end *end)
{
    end->connecting = false;
    end->connect_status = end->connect.status;
    end->connected = end->connect.status == 0;
    note((uint64_t)end->connect.status);
}

static void connect_done(struct io_connect *op)
{
    struct sim_end *end = END_OF(op, connect);
    in_callback(end);
    assert_true(end->connecting);
    connect_outcome(end);
}

struct sim_end *sim_rig_connect(uint16_t port)
{
    struct sockaddr_in address;
    size_t i = rig.connects;
    assert_true(i < SIM_RIG_CONNS);
    struct sim_end *end = &rig.clients[i];
    assert_int_equal(uv_ip4_addr("127.0.0.1", port, &address), 0);
    end_open(end, 0, &rig.servers[i], 2 * i);
    end->connect.done = connect_done;
    int answer = backend_sim.connect(end->loop, end->socket, (const struct sockaddr *)&address,
                                     &end->connect);
    if (answer < 0) {
        assert_int_equal(answer, UV_ENOBUFS);
        free(end->socket);
        *end = (struct sim_end){.closing = true, .closed = true};
        return end;
    }
    rig.connects++;
    end->connecting = answer == IO_PENDING;
    if (answer == IO_DONE) {
        connect_outcome(end);
    }
    return end;
}

struct sim_end *sim_rig_pair(void)
{
    sim_rig_accept();
    struct sim_end *client = sim_rig_connect(SIM_RIG_PORT);
    sim_rig_settle();
    assert_true(client->connected && client->peer->connected);
    return client;
}

void sim_rig_turn(void)
{
    uint64_t deadline_ns = rig.patience_ns == 0 ? UINT64_MAX : sim_now() + rig.patience_ns;
    rig.turns++;
    for (size_t i = 0; i < SIM_RIG_LOOPS; i++) {
        rig.polling = rig.loops[i];
        assert_true(backend_sim.poll(rig.loops[i], deadline_ns) >= 0);
        rig.polling = NULL;
    }
}

void sim_rig_settle(void)
{
    do {
        sim_rig_turn();
    } while (sim_step());
}

void sim_rig_begin(const struct sim_config *config, size_t buffer_size, size_t buffers)
{
    const struct io_config pool = {.buffer_size = buffer_size,
                                   .buffer_memory = buffer_size * buffers};
    rig = (struct sim_rig){.turns = 0};
    sim_begin(config);
    for (size_t i = 0; i < SIM_RIG_LOOPS; i++) {
        assert_int_equal(backend_sim.loop_open(&pool, &rig.loops[i]), 0);
    }
    assert_int_equal(backend_sim.listen(rig.loops[1], SIM_RIG_PORT, 2, &rig.listener), 0);
}

static void close_end(struct sim_end *end)
{
    if (end->socket != NULL && !end->closing) {
        sim_end_close(end, IO_CLOSE_GRACEFUL);
    }
}

void sim_rig_end(void)
{
    rig.patience_ns = 0;
    if (rig.listener != NULL) {
        backend_sim.accept_stop(rig.loops[1], rig.listener);
    }
    sim_rig_settle();
    assert_false(rig.accepting);
    for (size_t i = 0; i < SIM_RIG_CONNS; i++) {
        close_end(&rig.clients[i]);
        close_end(&rig.servers[i]);
    }
    sim_rig_settle();
    for (size_t i = 0; i < SIM_RIG_CONNS; i++) {
        assert_null(rig.clients[i].socket);
        assert_null(rig.servers[i].socket);
    }
    for (size_t i = 0; i < SIM_RIG_LOOPS; i++) {
        assert_int_equal(rig.loops[i]->pool.in_use, 0);
        backend_sim.loop_close(rig.loops[i]);
    }
    note(sim_now());
    sim_end();
}

void sim_rig_lossless(struct sim_config *config, uint64_t seed)
{
    sim_config_random(config, seed);
    config->reset_ppm = 0;
    config->stall_ppm = 0;
    config->submit_fails_ppm = 0;
    config->connect_refused_ppm = 0;
    config->connect_hangs_ppm = 0;
    config->accept_emfile_ppm = 0;
    config->accept_aborted_ppm = 0;
    config->adopt_fails_ppm = 0;
}

void sim_end_recv_all(struct sim_end *end)
{
    for (uint64_t before = end->recvs;; before = end->recvs) {
        assert_true(sim_end_recv(end) >= 0);
        sim_rig_settle();
        assert_true(end->recvs > before);
        if (end->recv_status != 0 || end->saw_end) {
            return;
        }
    }
}
