/*
 * The least that an echo server on libuv can do: one buffer for the loop, uv_try_write, and no
 * allocation unless the socket is full. Then it keeps the rest, and reads nothing from that
 * connection until the rest is written.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

struct conn {
    uv_tcp_t tcp;
    uv_write_t write;
    char *rest; /* being written, or NULL */
};

static char loop_buffer[65536];

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer);

static void on_close(uv_handle_t *handle)
{
    free(((struct conn *)handle)->rest);
    free(handle);
}

static void on_alloc(uv_handle_t *handle, size_t suggested_size, uv_buf_t *buffer)
{
    (void)handle;
    (void)suggested_size;
    buffer->base = loop_buffer;
    buffer->len = sizeof(loop_buffer);
}

static void on_write(uv_write_t *request, int status)
{
    struct conn *conn = (struct conn *)request->handle;

    if (uv_is_closing((uv_handle_t *)conn)) {
        return;
    }
    free(conn->rest);
    conn->rest = NULL;
    if (status < 0) {
        uv_close((uv_handle_t *)conn, on_close);
        return;
    }
    (void)uv_read_start((uv_stream_t *)conn, on_alloc, on_read);
}

static void write_rest(struct conn *conn, const char *data, size_t length)
{
    conn->rest = malloc(length);
    memcpy(conn->rest, data, length);
    uv_buf_t buffer = uv_buf_init(conn->rest, (unsigned)length);
    (void)uv_read_stop((uv_stream_t *)conn);
    (void)uv_write(&conn->write, (uv_stream_t *)conn, &buffer, 1, on_write);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    if (length < 0) {
        uv_close((uv_handle_t *)stream, on_close);
    } else if (length > 0) {
        uv_buf_t data = uv_buf_init(buffer->base, (unsigned)length);
        int written = uv_try_write(stream, &data, 1);
        if (written < 0 && written != UV_EAGAIN) {
            uv_close((uv_handle_t *)stream, on_close);
        } else if (written < length) {
            size_t done = written > 0 ? (size_t)written : 0;
            write_rest((struct conn *)stream, data.base + done, (size_t)length - done);
        }
    }
}

static void on_connection(uv_stream_t *server, int status)
{
    if (status < 0) {
        return;
    }
    struct conn *conn = calloc(1, sizeof(*conn));
    (void)uv_tcp_init(server->loop, &conn->tcp);
    if (uv_accept(server, (uv_stream_t *)conn) == 0) {
        (void)uv_tcp_nodelay(&conn->tcp, 1);
        (void)uv_read_start((uv_stream_t *)conn, on_alloc, on_read);
    } else {
        uv_close((uv_handle_t *)conn, on_close);
    }
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    uv_stop(handle->loop);
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    uv_signal_t terminate;
    uv_tcp_t server;
    struct sockaddr_in address;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: libuv-tuned PORT\n");
        return 2;
    }
#ifdef SIGPIPE /* not on Windows */
    (void)signal(SIGPIPE, SIG_IGN);
#endif
    (void)uv_signal_init(loop, &terminate);
    (void)uv_signal_start(&terminate, on_signal, SIGTERM);
    (void)uv_tcp_init(loop, &server);
    (void)uv_ip4_addr("127.0.0.1", (int)strtol(argv[1], NULL, 10), &address);
    (void)uv_tcp_bind(&server, (const struct sockaddr *)&address, 0);
    int status = uv_listen((uv_stream_t *)&server, SOMAXCONN, on_connection);
    if (status < 0) {
        (void)fprintf(stderr, "libuv-tuned: %s\n", uv_strerror(status));
        return 1;
    }
    (void)puts("listening");
    (void)fflush(stdout);
    (void)uv_run(loop, UV_RUN_DEFAULT);
    return 0;
}
