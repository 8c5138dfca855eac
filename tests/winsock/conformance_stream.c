#include "conformance_bench.h"

#define BIG (32u << 20) /* more than any socket buffers */

/* ---- receiving ------------------------------------------------------------------------------- */

static void zero_recv_waits_for_data(void)
{
    bench_pair();
    bench_say_answer(bench_start_recv(0, 0));
    (void)bench_say_packet(NOTHING_MS);
    bench_send_client("abc");
    (void)bench_say_packet(PATIENCE_MS);
    bench_say_answer(bench_recv_now(sizeof(bench.data)));
}

static void zero_recv_waits_for_end(void)
{
    bench_pair();
    bench_say_answer(bench_start_recv(0, 0));
    (void)shutdown(bench.client, SD_SEND);
    (void)bench_say_packet(PATIENCE_MS);
    bench_say_answer(bench_recv_now(sizeof(bench.data)));
}

static void zero_recv_waits_for_reset(void)
{
    bench_pair();
    bench_say_answer(bench_start_recv(0, 0));
    bench_reset_client();
    (void)bench_say_packet(PATIENCE_MS);
}

static void recv_waits_for_data(void)
{
    bench_pair();
    bench_say_answer(bench_start_recv(0, sizeof(bench.data)));
    bench_send_client("abcd");
    (void)bench_say_packet(PATIENCE_MS);
}

static void recv_inline_has_a_packet(void)
{
    bench_pair();
    bench_send_client("abc");
    bench_await_server();
    bench_say_answer(bench_start_recv(0, sizeof(bench.data)));
    (void)bench_say_packet(NOTHING_MS);
}

static void recv_inline_skips_its_packet(void)
{
    bench_pair();
    bench_send_client("abc");
    bench_await_server();
    bench_skip_on_success();
    bench_say_answer(bench_start_recv(0, sizeof(bench.data)));
    (void)bench_say_packet(NOTHING_MS);
}

static void recv_pending_has_a_packet_though_skipped(void)
{
    bench_pair();
    bench_skip_on_success();
    bench_say_answer(bench_start_recv(0, sizeof(bench.data)));
    bench_send_client("abc");
    (void)bench_say_packet(PATIENCE_MS);
}

static void recv_at_end(void)
{
    bench_pair();
    (void)shutdown(bench.client, SD_SEND);
    bench_await_server();
    bench_say_answer(bench_recv_now(sizeof(bench.data)));
    bench_say_answer(bench_recv_now(sizeof(bench.data)));
}

static void recv_would_block(void)
{
    bench_pair();
    bench_unblock(bench.server);
    bench_say_answer(bench_recv_now(sizeof(bench.data)));
}

static void recv_after_reset(void)
{
    bench_pair();
    bench_unblock(bench.server);
    bench_say_answer(bench_start_recv(0, sizeof(bench.data)));
    bench_reset_client();
    (void)bench_say_packet(PATIENCE_MS);
    bench_say_answer(bench_recv_now(sizeof(bench.data)));
}

static void recv_twice_in_order(void)
{
    bench_pair();
    (void)bench_start_recv(0, 2);
    (void)bench_start_recv(1, 2);
    bench_send_client("abcd");
    (void)bench_say_packet(PATIENCE_MS);
    (void)bench_say_packet(PATIENCE_MS);
}

static void recv_after_own_shutdown(void)
{
    bench_pair();
    (void)shutdown(bench.server, SD_SEND);
    bench_send_client("abc");
    bench_await_server();
    bench_say_answer(bench_recv_now(sizeof(bench.data)));
}

/* ---- sending --------------------------------------------------------------------------------- */

static void send_is_inline(void)
{
    bench_pair();
    bench_skip_on_success();
    bench_say_answer(bench_start_send(bench.data, 100));
    (void)bench_say_packet(NOTHING_MS);
}

/* How much the peer has acknowledged when it has received everything. */
static void send_is_acknowledged(void)
{
    TCP_INFO_v0 info;
    DWORD version = 0, size;
    bench_pair();
    (void)bench_start_send(bench.data, 100);
    (void)bench_say_packet(PATIENCE_MS);
    (void)recv(bench.client, bench.data, 100, 0);
    for (DWORD waited = 0; waited < PATIENCE_MS; waited += NOTHING_MS) {
        if (WSAIoctl(bench.server, SIO_TCP_INFO, &version, sizeof(version), &info, sizeof(info),
                     &size, NULL, NULL) != 0) {
            bench_say_answer(SOCKET_ERROR);
            break;
        }
        if (info.BytesOut - info.BytesRetrans - info.BytesInFlight == 100) {
            say("all");
            break;
        }
        Sleep(NOTHING_MS);
    }
}

static void send_of_nothing(void)
{
    bench_pair();
    bench_skip_on_success();
    bench_say_answer(bench_start_send(bench.data, 0));
}

static void send_after_shutdown(void)
{
    bench_pair();
    (void)shutdown(bench.server, SD_SEND);
    bench_say_answer(bench_start_send(bench.data, 10));
}

static void send_after_reset(void)
{
    bench_pair();
    (void)bench_start_recv(1, 10);
    bench_reset_client();
    (void)bench_say_packet(PATIENCE_MS);
    bench_say_answer(bench_start_send(bench.data, 10));
}

static void send_with_many_buffers(void)
{
    static WSABUF buffers[1500];
    bench_pair();
    bench_skip_on_success();
    for (size_t i = 0; i < 1500; i++) {
        buffers[i] = (WSABUF){.len = 1, .buf = bench.data};
    }
    bench_say_answer(
        WSASend(bench.server, buffers, 1024, &bench.bytes, 0, &bench.overlapped[0], NULL));
    bench_say_answer(
        WSASend(bench.server, buffers, 1500, &bench.bytes, 0, &bench.overlapped[1], NULL));
}

static void send_on_unconnected(void)
{
    bench_listen();
    bench.server = bench_open_socket(AF_INET);
    (void)bench_join_port(bench.server);
    bench_say_answer(bench_start_send(bench.data, 10));
}

/* ---- cancelling and closing ------------------------------------------------------------------ */

static void cancel_recv(void)
{
    bench_pair();
    (void)bench_start_recv(0, sizeof(bench.data));
    bench_say_success(bench_cancel(bench.server));
    (void)bench_say_packet(PATIENCE_MS);
}

static void cancel_nothing(void)
{
    bench_pair();
    bench_say_success(bench_cancel(bench.server));
}

/* The client does not read, so the system has taken a part of it. Systems differ in whether the
 * result counts that part. */
static void cancel_send(void)
{
    static char big[BIG];
    bench_pair();
    bench_say_answer(bench_start_send(big, BIG));
    (void)bench_say_packet(NOTHING_MS);
    bench_say_success(bench_cancel(bench.server));
    (void)bench_say_packet(PATIENCE_MS);
    say("%s", bench.overlapped[0].InternalHigh > 0 ? "some were sent" : "none counted");
}

static void recv_goes_on_after_cancel(void)
{
    bench_pair();
    (void)bench_start_recv(0, sizeof(bench.data));
    (void)bench_cancel(bench.server);
    (void)bench_say_packet(PATIENCE_MS);
    bench_send_client("abc");
    (void)bench_start_recv(1, sizeof(bench.data));
    (void)bench_say_packet(PATIENCE_MS);
}

static void close_with_recv_outstanding(void)
{
    bench_pair();
    (void)bench_start_recv(0, sizeof(bench.data));
    (void)closesocket(bench.server);
    bench.server = INVALID_SOCKET;
    (void)bench_say_packet(PATIENCE_MS);
    bench_say_client();
}

static void close_after_cancel(void)
{
    bench_pair();
    (void)bench_start_recv(0, sizeof(bench.data));
    (void)bench_cancel(bench.server);
    (void)bench_say_packet(PATIENCE_MS);
    bench_close_if_open(&bench.server);
    bench_say_client();
}

static void close_with_data_unread(void)
{
    bench_pair();
    bench_send_client("abc");
    bench_await_server();
    bench_close_if_open(&bench.server);
    bench_say_client();
}

static void linger_zero_is_a_reset(void)
{
    bench_pair();
    bench_unblock(bench.server);
    bench_reset_client();
    bench_await_server();
    bench_say_answer(bench_recv_now(sizeof(bench.data)));
}

const struct experiment experiments_of_streams[] = {
    {"zero_recv_waits_for_data", zero_recv_waits_for_data},
    {"zero_recv_waits_for_end", zero_recv_waits_for_end},
    {"zero_recv_waits_for_reset", zero_recv_waits_for_reset},
    {"recv_waits_for_data", recv_waits_for_data},
    {"recv_inline_has_a_packet", recv_inline_has_a_packet},
    {"recv_inline_skips_its_packet", recv_inline_skips_its_packet},
    {"recv_pending_has_a_packet_though_skipped", recv_pending_has_a_packet_though_skipped},
    {"recv_at_end", recv_at_end},
    {"recv_would_block", recv_would_block},
    {"recv_after_reset", recv_after_reset},
    {"recv_twice_in_order", recv_twice_in_order},
    {"recv_after_own_shutdown", recv_after_own_shutdown},
    {"send_is_inline", send_is_inline},
    {"send_is_acknowledged", send_is_acknowledged},
    {"send_of_nothing", send_of_nothing},
    {"send_after_shutdown", send_after_shutdown},
    {"send_after_reset", send_after_reset},
    {"send_with_many_buffers", send_with_many_buffers},
    {"send_on_unconnected", send_on_unconnected},
    {"cancel_recv", cancel_recv},
    {"cancel_nothing", cancel_nothing},
    {"cancel_send", cancel_send},
    {"recv_goes_on_after_cancel", recv_goes_on_after_cancel},
    {"close_with_recv_outstanding", close_with_recv_outstanding},
    {"close_after_cancel", close_after_cancel},
    {"close_with_data_unread", close_with_data_unread},
    {"linger_zero_is_a_reset", linger_zero_is_a_reset},
    {NULL, NULL},
};
