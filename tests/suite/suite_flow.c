/* Bytes between a peer and the backend, made and verified on the main thread. */

#include "suite.h"

#include <stdlib.h>

#define FLOW_PIECE (64 * KIB)

static size_t flow_piece(uint64_t left, size_t most)
{
    return left < most ? (size_t)left : most;
}

static bool flow_send(struct flow *flow)
{
    static uint8_t piece[FLOW_PIECE];
    size_t most = flow->chunk < sizeof(piece) ? flow->chunk : sizeof(piece);
    size_t length = flow_piece(flow->length - flow->sent, most);
    if (length == 0) {
        return false;
    }
    stream_fill(&flow->stream, flow->sent, piece, length);
    int sent = peer_send(flow->peer, piece, length);
    if (sent == UV_EAGAIN) {
        return false;
    }
    assert_true(sent > 0);
    flow->sent += (uint64_t)sent;
    return true;
}

static bool flow_recv(struct flow *flow)
{
    static uint8_t piece[FLOW_PIECE];
    size_t length = flow_piece(flow->length - flow->received, sizeof(piece));
    if (length == 0) {
        return false;
    }
    int got = peer_recv(flow->peer, piece, length);
    if (got == UV_EAGAIN) {
        return false;
    }
    assert_true(got > 0);
    assert_int_equal(stream_check(&flow->stream, flow->received, piece, (size_t)got), got);
    flow->received += (uint64_t)got;
    assert_true(flow->received <= flow->sent);
    return true;
}

bool flow_step(struct flow *flow)
{
    bool sent = flow_send(flow);
    return flow_recv(flow) || sent;
}

void rig_flow(struct suite_rig *rig, struct flow *flow)
{
    uint64_t until = uv_hrtime() + PATIENCE_NS;
    while (flow->received < flow->length) {
        if (flow_step(flow)) {
            (void)rig_poll(rig, 0);
        } else {
            rig_turn(rig);
        }
        assert_true(uv_hrtime() < until);
    }
}

void rig_echo(struct suite_rig *rig, uv_os_sock_t peer, size_t length)
{
    static uint64_t number;
    struct flow flow = {
        .peer = peer,
        .stream = stream_of(1, ++number),
        .length = length,
        .chunk = length,
    };
    rig_flow(rig, &flow);
}

void rig_peer_read(struct suite_rig *rig, uv_os_sock_t peer, const struct stream *stream,
                   uint64_t length)
{
    struct flow flow = {
        .peer = peer,
        .stream = *stream,
        .length = length,
        .sent = length,
    };
    rig_flow(rig, &flow);
}

uint8_t *stream_bytes(const struct stream *stream, size_t length)
{
    uint8_t *bytes = malloc(length);
    if (bytes == NULL) {
        abort();
    }
    stream_fill(stream, 0, bytes, length);
    return bytes;
}
