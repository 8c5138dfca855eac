#include "talk.h"

#include <string.h>

#include <winsock2.h>

#include "peer.h"

#define TURN_MS 20
#define TALK_SEED 41

/* Waits until one of the sockets is readable, or one of the others writable. */
static void talk_select(fd_set *readable, fd_set *writable)
{
    struct timeval timeout = {.tv_usec = TURN_MS * 1000};
    if (readable->fd_count + writable->fd_count > 0) {
        (void)select(0, readable, writable, NULL, &timeout);
    }
}

/* ---- talks --------------------------------------------------------------------------------- */

void talk_open(struct talk *talk, const struct sockaddr_storage *address, uint64_t number,
               uint64_t length)
{
    *talk = (struct talk){.stream = stream_of(TALK_SEED, number), .length = length};
    if (peer_connect(address, 0, &talk->peer) != 0) {
        talk->end = TALK_CUT;
    }
}

static void talk_over(struct talk *talk, enum talk_end end)
{
    talk->end = end;
    peer_close(talk->peer);
}

static void talk_send(struct talk *talk)
{
    static uint8_t chunk[16384];
    while (talk->end == TALK_GOES_ON && talk->sent < talk->length) {
        uint64_t left = talk->length - talk->sent;
        size_t size = left < sizeof(chunk) ? (size_t)left : sizeof(chunk);
        stream_fill(&talk->stream, talk->sent, chunk, size);
        int sent = peer_send(talk->peer, chunk, size);
        if (sent == UV_EAGAIN) {
            return;
        }
        if (sent < 0) {
            talk_over(talk, TALK_CUT);
            return;
        }
        talk->sent += (uint64_t)sent;
    }
}

/* Checks what came. Shuts down its side after the last byte. */
static void talk_took(struct talk *talk, const uint8_t *data, size_t length)
{
    bool right = length <= talk->sent - talk->received &&
                 stream_check(&talk->stream, talk->received, data, length) == length;
    talk->received += length;
    if (!right) {
        talk_over(talk, TALK_WRONG);
    } else if (talk->received == talk->length && peer_shutdown(talk->peer) != 0) {
        talk_over(talk, TALK_CUT);
    }
}

static void talk_recv(struct talk *talk)
{
    static uint8_t chunk[16384];
    while (talk->end == TALK_GOES_ON) {
        int received = peer_recv(talk->peer, chunk, sizeof(chunk));
        if (received == UV_EAGAIN) {
            return;
        }
        if (received > 0) {
            talk_took(talk, chunk, (size_t)received);
        } else {
            bool whole = received == 0 && talk->received == talk->length;
            talk_over(talk, whole ? TALK_WHOLE : TALK_CUT);
        }
    }
}

/* Whether any of them is still running. */
static bool talk_turn(struct talk *talks, size_t count)
{
    fd_set readable = {.fd_count = 0};
    fd_set writable = {.fd_count = 0};
    for (size_t i = 0; i < count; i++) {
        struct talk *talk = &talks[i];
        talk_send(talk);
        talk_recv(talk);
        if (talk->end == TALK_GOES_ON) {
            readable.fd_array[readable.fd_count++] = talk->peer;
        }
        if (talk->end == TALK_GOES_ON && talk->sent < talk->length) {
            writable.fd_array[writable.fd_count++] = talk->peer;
        }
    }
    talk_select(&readable, &writable);
    return readable.fd_count > 0;
}

void talk_run(struct talk *talks, size_t count, uint64_t timeout_ms)
{
    uint64_t until_ns = uv_hrtime() + timeout_ms * 1000000;
    bool goes_on = true;
    while (goes_on && uv_hrtime() < until_ns) {
        goes_on = false;
        (void)talk_turn(talks, count);
        for (size_t i = 0; i < count; i++) {
            goes_on = goes_on || talks[i].end == TALK_GOES_ON;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (talks[i].end == TALK_GOES_ON) {
            talk_over(&talks[i], TALK_LATE);
        }
    }
}

/* ---- mirror -------------------------------------------------------------------------------- */

int mirror_open(struct mirror *mirror)
{
    memset(mirror, 0, sizeof(*mirror));
    int status = peer_bind(AF_INET, &mirror->listener, &mirror->address);
    if (status != 0) {
        return status;
    }
    status = peer_listen(mirror->listener, MIRROR_MAX);
    if (status == 0) {
        status = peer_block(mirror->listener, false);
    }
    if (status != 0) {
        peer_close(mirror->listener);
    }
    return status;
}

static void mirror_accept(struct mirror *mirror)
{
    for (size_t i = 0; i < MIRROR_MAX; i++) {
        struct mirror_conn *conn = &mirror->conns[i];
        if (!conn->open) {
            conn->begin = conn->end = 0;
            conn->open = peer_accept(mirror->listener, &conn->peer) == 0;
            if (!conn->open) {
                return;
            }
        }
    }
}

static void mirror_drop(struct mirror_conn *conn)
{
    peer_close(conn->peer);
    conn->open = false;
}

/* Sends what it holds. When it holds nothing, it receives more. */
static void mirror_serve(struct mirror *mirror, struct mirror_conn *conn)
{
    int count = 1;
    while (conn->open && count > 0) {
        if (conn->begin < conn->end) {
            count = peer_send(conn->peer, conn->held + conn->begin, conn->end - conn->begin);
            conn->begin += count > 0 ? (size_t)count : 0;
            mirror->sent += count > 0 ? (uint64_t)count : 0;
        } else {
            count = peer_recv(conn->peer, conn->held, sizeof(conn->held));
            conn->begin = 0;
            conn->end = count > 0 ? (size_t)count : 0;
        }
        if (count <= 0 && count != UV_EAGAIN) {
            mirror_drop(conn);
        }
    }
}

void mirror_turn(struct mirror *mirror)
{
    fd_set readable = {.fd_count = 1, .fd_array = {mirror->listener}};
    fd_set writable = {.fd_count = 0};
    mirror_accept(mirror);
    for (size_t i = 0; i < MIRROR_MAX; i++) {
        struct mirror_conn *conn = &mirror->conns[i];
        mirror_serve(mirror, conn);
        if (conn->open) {
            fd_set *set = conn->begin < conn->end ? &writable : &readable;
            set->fd_array[set->fd_count++] = conn->peer;
        }
    }
    talk_select(&readable, &writable);
}

void mirror_close(struct mirror *mirror)
{
    for (size_t i = 0; i < MIRROR_MAX; i++) {
        if (mirror->conns[i].open) {
            mirror_drop(&mirror->conns[i]);
        }
    }
    peer_close(mirror->listener);
}
