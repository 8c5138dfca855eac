/*
 *     accept -> read until a message is whole -> answer it -> read ... -> end of stream -> close
 */

#include "fake_server.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t fake_banner[] = "220 ready when you are\r\n";
static const uint8_t fake_extra[] = "and more";

struct fake_conn {
    uv_tcp_t tcp;
    uv_timer_t pause; /* before an answer or a reset */
    unsigned handles; /* of these two, connections that are not closed yet */
    struct fake_conn *next;
    struct fake_server *server;
    size_t index;   /* in the order in which they came */
    uint64_t begin; /* of the message, in the stream */
    size_t length;  /* of it that is there */
    bool held;      /* it is complete and waits for its answer */
    bool closing;
    uint8_t message[FAKE_SIZE_MAX];
};

struct fake_server {
    uv_loop_t *loop;
    uv_tcp_t listener;
    struct fake_plan plan;
    unsigned port;
    struct fake_conn *conns;
    size_t accepted;
    size_t handles; /* connections that are not closed yet */

    uint8_t first[FAKE_SIZE_MAX];
    bool has_first;
    bool has_second; /* the second connection has sent one, too */
    uint8_t original[FAKE_SIZE_MAX];
    uint8_t answer[FAKE_SIZE_MAX + 1];
    size_t answer_length;
    uint64_t begin;
    bool has_answer;
};

struct fake_write {
    uv_write_t request;
    bool ends; /* FIN after it */
    uint8_t data[];
};

static uv_stream_t *fake_stream(struct fake_conn *c)
{
    return (uv_stream_t *)(void *)&c->tcp;
}

/* ---- end ----------------------------------------------------------------------------------- */

static void fake_on_closed(uv_handle_t *handle)
{
    struct fake_conn *c = handle->data;
    c->server->handles--;
    if (--c->handles > 0) {
        return;
    }
    for (struct fake_conn **at = &c->server->conns; *at != NULL; at = &(*at)->next) {
        if (*at == c) {
            *at = c->next;
            break;
        }
    }
    free(c);
}

static void fake_close(struct fake_conn *c)
{
    if (!c->closing) {
        c->closing = true;
        uv_close((uv_handle_t *)(void *)&c->pause, fake_on_closed);
        uv_close((uv_handle_t *)(void *)&c->tcp, fake_on_closed);
    }
}

static void fake_reset(struct fake_conn *c)
{
    if (!c->closing) {
        c->closing = true;
        uv_close((uv_handle_t *)(void *)&c->pause, fake_on_closed);
        if (uv_tcp_close_reset(&c->tcp, fake_on_closed) != 0) {
            uv_close((uv_handle_t *)(void *)&c->tcp, fake_on_closed);
        }
    }
}

static void fake_on_shutdown(uv_shutdown_t *request, int status)
{
    (void)status;
    free(request);
}

/* FIN. The connection is closed when the client has shut down its side too. */
static void fake_end(struct fake_conn *c)
{
    uv_shutdown_t *request = malloc(sizeof(*request));
    assert(request != NULL);
    if (uv_shutdown(request, fake_stream(c), fake_on_shutdown) != 0) {
        free(request);
        fake_close(c);
    }
}

/* ---- answers ------------------------------------------------------------------------------- */

static void fake_on_write(uv_write_t *request, int status)
{
    struct fake_write *write = (struct fake_write *)(void *)request;
    struct fake_conn *c = request->handle->data;
    if (status != 0) {
        fake_close(c);
    } else if (write->ends && !c->closing) {
        fake_end(c);
    }
    free(write);
}

static void fake_send(struct fake_conn *c, const uint8_t *data, size_t length, bool ends)
{
    struct fake_write *write = malloc(sizeof(*write) + length);
    assert(write != NULL);
    write->ends = ends;
    memcpy(write->data, data, length);
    uv_buf_t buffer = uv_buf_init((char *)write->data, (unsigned)length);
    if (uv_write(&write->request, fake_stream(c), &buffer, 1, fake_on_write) != 0) {
        free(write);
        fake_close(c);
    }
}

/* Writes the answer to a message that begins `at` bytes into the stream. */
static void fake_spoil(struct fake_server *server, size_t at)
{
    size_t size = server->plan.size;
    uint8_t *to = server->answer;
    memcpy(to, server->original, size);
    server->answer_length = size;
    switch (server->plan.mode) {
    case FAKE_FLIP:
        to[at] ^= 0x10;
        break;
    case FAKE_DROP:
        memmove(to + at, to + at + 1, size - at - 1);
        server->answer_length = size - 1;
        break;
    case FAKE_DUP:
    case FAKE_INSERT:
        memmove(to + at + 1, to + at, size - at);
        to[at] ^= server->plan.mode == FAKE_INSERT ? 0xff : 0;
        server->answer_length = size + 1;
        break;
    case FAKE_SWAP:
        assert(at + 1 < size && to[at] != to[at + 1]); /* or choose another seed */
        to[at] = server->original[at + 1];
        to[at + 1] = server->original[at];
        break;
    case FAKE_REPLAY:
        memcpy(to + at, server->first + at, size - at);
        break;
    default:
        assert(false);
    }
}

static bool fake_spoils_bytes(const struct fake_conn *c)
{
    const struct fake_plan *plan = &c->server->plan;
    bool inside = plan->offset >= c->begin && plan->offset - c->begin < plan->size;
    if (!inside || plan->mode < FAKE_FLIP || plan->mode > FAKE_REPLAY) {
        return false;
    }
    return plan->mode == FAKE_REPLAY ? c->index == 1 : c->index < plan->affected;
}

static void fake_answer_whole(struct fake_conn *c)
{
    struct fake_server *server = c->server;
    if (!fake_spoils_bytes(c)) {
        fake_send(c, c->message, server->plan.size, false);
        return;
    }
    memcpy(server->original, c->message, server->plan.size);
    server->begin = c->begin;
    fake_spoil(server, (size_t)(server->plan.offset - c->begin));
    server->has_answer = true;
    fake_send(c, server->answer, server->answer_length, false);
}

static void fake_on_pause(uv_timer_t *timer)
{
    struct fake_conn *c = timer->data;
    if (c->server->plan.mode == FAKE_SLOW) {
        fake_send(c, c->message, c->server->plan.size, false);
    } else {
        fake_reset(c);
    }
}

static void fake_answer(struct fake_conn *c)
{
    struct fake_server *server = c->server;
    bool affected = c->index < server->plan.affected;
    c->held = false;
    if (affected && server->plan.mode == FAKE_CLOSE_EARLY) {
        fake_send(c, c->message, (size_t)server->plan.offset, true);
    } else if (affected && server->plan.mode == FAKE_RESET_SECOND && c->begin > 0) {
        fake_reset(c);
    } else if (affected && server->plan.mode == FAKE_CLOSE_IDLE) {
        fake_send(c, c->message, server->plan.size, true);
    } else if (affected && server->plan.mode == FAKE_SLOW) {
        (void)uv_timer_start(&c->pause, fake_on_pause, FAKE_PAUSE_MS, 0);
    } else if (!affected || server->plan.mode != FAKE_MUTE) {
        fake_answer_whole(c);
    }
    if (affected && server->plan.mode == FAKE_RESET_IDLE) {
        (void)uv_timer_start(&c->pause, fake_on_pause, FAKE_PAUSE_MS, 0);
    }
    c->begin += server->plan.size;
    c->length = 0;
}

/* ---- messages ------------------------------------------------------------------------------ */

static void fake_on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct fake_conn *c = handle->data;
    size_t room = c->server->plan.size - c->length;
    (void)suggested;
    *buffer = uv_buf_init((char *)c->message + c->length, (unsigned)room);
}

static void fake_on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer);

/* FAKE_REPLAY answers only after both connections have sent. Otherwise all requests of a client
 * could go to the connection that is up first. */
static void fake_on_message(struct fake_conn *c)
{
    struct fake_server *server = c->server;
    if (c->index == 0 && !server->has_first) {
        memcpy(server->first, c->message, server->plan.size);
        server->has_first = true;
    }
    server->has_second = server->has_second || c->index == 1;
    if (server->plan.mode == FAKE_REPLAY && !(server->has_first && server->has_second)) {
        c->held = true;
        (void)uv_read_stop(fake_stream(c)); /* there is no room for more */
        return;
    }
    for (struct fake_conn *other = server->conns; other != NULL; other = other->next) {
        if (other->held) {
            fake_answer(other);
            (void)uv_read_start(fake_stream(other), fake_on_alloc, fake_on_read);
        }
    }
    fake_answer(c);
}

static void fake_on_end_of_stream(struct fake_conn *c)
{
    bool affected = c->index < c->server->plan.affected;
    if (affected && c->server->plan.mode == FAKE_EXTRA) {
        fake_send(c, fake_extra, sizeof(fake_extra) - 1, true);
    } else if (affected && c->server->plan.mode == FAKE_RESET_END) {
        fake_reset(c);
    } else if (!affected || c->server->plan.mode != FAKE_SILENT_END) {
        fake_close(c);
    }
}

static void fake_on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct fake_conn *c = stream->data;
    (void)buffer;
    if (count == UV_EOF) {
        fake_on_end_of_stream(c);
    } else if (count < 0) {
        fake_close(c); /* UV_ENOBUFS too: more than depth 1 has came in */
    } else {
        c->length += (size_t)count;
        if (c->length == c->server->plan.size) {
            fake_on_message(c);
        }
    }
}

/* ---- begin --------------------------------------------------------------------------------- */

static void fake_on_connection(uv_stream_t *listener, int status)
{
    struct fake_server *server = listener->data;
    struct fake_conn *c = calloc(1, sizeof(*c));
    assert(c != NULL && status == 0);
    c->server = server;
    c->tcp.data = c;
    c->pause.data = c;
    status = uv_tcp_init(server->loop, &c->tcp) | uv_timer_init(server->loop, &c->pause);
    assert(status == 0);
    c->handles = 2;
    c->index = server->accepted++;
    c->next = server->conns;
    server->conns = c;
    server->handles += c->handles;
    bool affected = c->index < server->plan.affected;
    if (uv_accept(listener, fake_stream(c)) != 0) {
        fake_close(c);
        return;
    }
    if (affected && server->plan.mode == FAKE_RESET_ACCEPT) {
        fake_reset(c);
        return;
    }
    if (affected && server->plan.mode == FAKE_BANNER) {
        fake_send(c, fake_banner, sizeof(fake_banner) - 1, false);
    }
    if (!c->closing && uv_read_start(fake_stream(c), fake_on_alloc, fake_on_read) != 0) {
        fake_close(c);
    }
}

static int fake_listen(struct fake_server *server)
{
    struct sockaddr_storage name;
    struct sockaddr_in address;
    int length = (int)sizeof(name);
    int status = uv_ip4_addr("127.0.0.1", (int)server->plan.port, &address);
    if (status == 0) {
        status = uv_tcp_bind(&server->listener, (const struct sockaddr *)&address, 0);
    }
    if (status == 0) {
        status = uv_listen((uv_stream_t *)(void *)&server->listener, 128, fake_on_connection);
    }
    if (status == 0) {
        status = uv_tcp_getsockname(&server->listener, (struct sockaddr *)&name, &length);
    }
    if (status == 0) {
        memcpy(&address, &name, sizeof(address));
        const uint8_t *port = (const uint8_t *)&address.sin_port;
        server->port = (unsigned)port[0] << 8 | port[1];
    }
    return status;
}

struct fake_server *fake_server_start(uv_loop_t *loop, const struct fake_plan *plan)
{
    struct fake_server *server = calloc(1, sizeof(*server));
    assert(plan->size > 0 && plan->size <= FAKE_SIZE_MAX);
    if (server == NULL) {
        return NULL;
    }
    server->loop = loop;
    server->plan = *plan;
    server->listener.data = server;
    if (uv_tcp_init(loop, &server->listener) != 0) {
        free(server);
        return NULL;
    }
    server->handles = 1;
    if (fake_listen(server) != 0) {
        fake_server_stop(server);
        return NULL;
    }
    return server;
}

unsigned fake_server_port(const struct fake_server *server)
{
    return server->port;
}

size_t fake_server_accepted(const struct fake_server *server)
{
    return server->accepted;
}

const uint8_t *fake_server_original(const struct fake_server *server, size_t *length)
{
    *length = server->has_answer ? server->plan.size : 0;
    return server->original;
}

const uint8_t *fake_server_answer(const struct fake_server *server, size_t *length)
{
    *length = server->has_answer ? server->answer_length : 0;
    return server->answer;
}

uint64_t fake_server_begin(const struct fake_server *server)
{
    return server->begin;
}

const uint8_t *fake_server_first(const struct fake_server *server)
{
    return server->has_first ? server->first : NULL;
}

static void fake_on_listener_closed(uv_handle_t *handle)
{
    struct fake_server *server = handle->data;
    server->handles--;
}

void fake_server_stop(struct fake_server *server)
{
    uv_close((uv_handle_t *)(void *)&server->listener, fake_on_listener_closed);
    for (struct fake_conn *c = server->conns; c != NULL; c = c->next) {
        fake_close(c);
    }
    while (server->handles > 0) {
        (void)uv_run(server->loop, UV_RUN_ONCE);
    }
    free(server);
}
