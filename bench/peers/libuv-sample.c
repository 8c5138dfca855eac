/*
 * The plainest echo server on libuv, as in its guide. It allocates a buffer for each read and frees
 * it when its write is done. It reads on while writes wait, so its memory has no bound.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <uv.h>

struct write {
    uv_write_t request;
    uv_buf_t buffer;
};

static void on_close(uv_handle_t *handle)
{
    free(handle);
}

static void on_alloc(uv_handle_t *handle, size_t suggested_size, uv_buf_t *buffer)
{
    (void)handle;
    *buffer = uv_buf_init(malloc(suggested_size), (unsigned)suggested_size); /* 64 KiB */
}

static void on_write(uv_write_t *request, int status)
{
    struct write *write = (struct write *)request;

    if (status < 0 && !uv_is_closing((uv_handle_t *)request->handle)) {
        uv_close((uv_handle_t *)request->handle, on_close);
    }
    free(write->buffer.base);
    free(write);
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    (void)status;
    if (!uv_is_closing((uv_handle_t *)request->handle)) {
        uv_close((uv_handle_t *)request->handle, on_close);
    }
    free(request);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    if (length > 0) {
        struct write *write = malloc(sizeof(*write));
        write->buffer = uv_buf_init(buffer->base, (unsigned)length);
        (void)uv_write(&write->request, stream, &write->buffer, 1, on_write);
        return;
    }
    free(buffer->base);
    if (length == UV_EOF) { /* when all has been written */
        (void)uv_shutdown(malloc(sizeof(uv_shutdown_t)), stream, on_shutdown);
    } else if (length < 0 && !uv_is_closing((uv_handle_t *)stream)) {
        uv_close((uv_handle_t *)stream, on_close);
    }
}

static void on_connection(uv_stream_t *server, int status)
{
    if (status < 0) {
        return;
    }
    uv_tcp_t *client = malloc(sizeof(*client));
    (void)uv_tcp_init(server->loop, client);
    if (uv_accept(server, (uv_stream_t *)client) == 0) {
        (void)uv_tcp_nodelay(client, 1);
        (void)uv_read_start((uv_stream_t *)client, on_alloc, on_read);
    } else {
        uv_close((uv_handle_t *)client, on_close);
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
        (void)fprintf(stderr, "usage: libuv-sample PORT\n");
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
        (void)fprintf(stderr, "libuv-sample: %s\n", uv_strerror(status));
        return 1;
    }
    (void)puts("listening");
    (void)fflush(stdout);
    (void)uv_run(loop, UV_RUN_DEFAULT);
    return 0;
}
