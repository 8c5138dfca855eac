#include "barrier_peer.h"

#include <stdlib.h>
#include <string.h>

#include "net.h"

static uv_stream_t *barrier_stream(struct barrier_peer *peer)
{
    return (uv_stream_t *)(void *)&peer->tcp;
}

static uv_handle_t *barrier_handle(struct barrier_peer *peer)
{
    return (uv_handle_t *)(void *)&peer->tcp;
}

struct barrier_peer *barrier_peer_new(uv_loop_t *loop, enum barrier_side side,
                                      const struct siphash_key *key,
                                      const struct barrier_peer_events *events, void *owner)
{
    struct barrier_peer *peer = calloc(1, sizeof(*peer));
    if (peer == NULL) {
        return NULL;
    }
    peer->events = events;
    peer->owner = owner;
    peer->side = side;
    peer->seal.key = *key;
    uint64_t *nonce = &peer->seal.nonces[side];
    if (uv_random(NULL, NULL, nonce, sizeof(*nonce), 0, NULL) != 0) {
        free(peer);
        return NULL;
    }
    (void)uv_tcp_init(loop, &peer->tcp); /* it makes no socket yet, and so can't fail */
    peer->tcp.data = peer;
    return peer;
}

static void barrier_on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void barrier_peer_close(struct barrier_peer *peer)
{
    peer->ended = true;
    uv_close(barrier_handle(peer), barrier_on_closed);
}

static void barrier_end(struct barrier_peer *peer, int status)
{
    if (!peer->ended) {
        peer->ended = true;
        (void)uv_read_stop(barrier_stream(peer));
        peer->events->end(peer, status);
    }
}

/* ---- lines --------------------------------------------------------------------------------- */

/* Only printable ASCII, so that messages may show it. */
static bool barrier_is_line(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (line[i] < ' ' || line[i] > '~') {
            return false;
        }
    }
    return true;
}

/* Takes the first line of the input, if it is complete. */
static bool barrier_take_line(struct barrier_peer *peer, char line[BARRIER_LINE_SIZE])
{
    char *newline = memchr(peer->input, '\n', peer->length);
    if (newline == NULL) {
        return false;
    }
    size_t length = (size_t)(newline - peer->input);
    memcpy(line, peer->input, length);
    line[length] = '\0';
    peer->length -= length + 1;
    memmove(peer->input, newline + 1, peer->length);
    return true;
}

static void barrier_on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct barrier_peer *peer = handle->data;
    (void)suggested;
    *buf = uv_buf_init(peer->input + peer->length, (unsigned)(sizeof(peer->input) - peer->length));
}

static void barrier_on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct barrier_peer *peer = stream->data;
    char line[BARRIER_LINE_SIZE];
    (void)buf;
    if (count < 0) {
        barrier_end(peer, (int)count);
        return;
    }
    peer->length += (size_t)count;
    while (!peer->ended && barrier_take_line(peer, line)) {
        if (barrier_is_line(line, strlen(line))) {
            peer->events->line(peer, line); /* it may close the peer, which is freed later */
        } else {
            barrier_end(peer, UV_EPROTO);
        }
    }
    if (peer->length == sizeof(peer->input)) {
        barrier_end(peer, UV_EPROTO); /* too long */
    }
}

/* A line is far smaller than the socket's buffer, and few are under way. So it goes in at once. */
static bool barrier_send(struct barrier_peer *peer, const char *line)
{
    size_t length = strlen(line);
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)line, (unsigned)length);
    return !peer->ended && uv_try_write(barrier_stream(peer), &buf, 1) == (int)length;
}

/* ---- what is said -------------------------------------------------------------------------- */

bool barrier_peer_hello(struct barrier_peer *peer)
{
    char line[BARRIER_LINE_SIZE];
    barrier_write_hello(line, peer->seal.nonces[peer->side]);
    return barrier_send(peer, line);
}

bool barrier_peer_say(struct barrier_peer *peer, const char *text)
{
    char line[BARRIER_LINE_SIZE];
    barrier_write_line(&peer->seal, peer->side, line, text);
    return barrier_send(peer, line);
}

static enum barrier_side barrier_other_side(const struct barrier_peer *peer)
{
    return peer->side == BARRIER_HOST ? BARRIER_GUEST : BARRIER_HOST;
}

bool barrier_peer_take_hello(struct barrier_peer *peer, const char *line)
{
    peer->greeted = barrier_read_hello(line, &peer->seal.nonces[barrier_other_side(peer)]);
    return peer->greeted;
}

bool barrier_peer_proves(struct barrier_peer *peer, char *line)
{
    return barrier_prove_line(&peer->seal, barrier_other_side(peer), line);
}

/* ---- connections --------------------------------------------------------------------------- */

static int barrier_read(struct barrier_peer *peer)
{
    (void)uv_tcp_nodelay(&peer->tcp, 1);
    return uv_read_start(barrier_stream(peer), barrier_on_alloc, barrier_on_read);
}

/* While nothing listens at an ephemeral port, a socket may be connected to itself. */
static bool barrier_met_itself(struct barrier_peer *peer)
{
    uv_os_fd_t fd;
    return uv_fileno(barrier_handle(peer), &fd) == 0 && net_is_own_peer((uv_os_sock_t)fd);
}

static void barrier_on_connect(uv_connect_t *request, int status)
{
    struct barrier_peer *peer = request->handle->data;
    if (status == 0) {
        status = barrier_met_itself(peer) ? UV_ECONNREFUSED : barrier_read(peer);
    }
    if (status != 0) {
        barrier_end(peer, status);
    }
}

int barrier_peer_connect(struct barrier_peer *peer, const struct sockaddr *address)
{
    return uv_tcp_connect(&peer->request, &peer->tcp, address, barrier_on_connect);
}

int barrier_peer_accept(struct barrier_peer *peer, uv_stream_t *listener)
{
    int status = uv_accept(listener, barrier_stream(peer));
    return status != 0 ? status : barrier_read(peer);
}
