/*
 * The client against servers that each do one thing wrong: what it reports, where, and that it
 * ends.
 */

#include "e2e_fake.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "range.h"
#include "sys.h"

#define VERIFY(test) cmocka_unit_test_setup_teardown(test, e2e_set_up, fake_tear_down)

static struct process *run_client(const char *connections, const char *requests, const char *rate)
{
    return e2e_client_at(fake_server_port(fake), "-c", connections, "--requests", requests, "-R",
                         rate, "-s", "1000", "--seed", "20", "--timeout", E2E_NEVER, NULL);
}

/* ---- wrong bytes --------------------------------------------------------------------------- */

/* Where the answer first differs from what was sent. */
static size_t first_difference(const uint8_t **original, const uint8_t **answer)
{
    size_t original_length;
    size_t answer_length;
    size_t at = 0;
    *original = fake_server_original(fake, &original_length);
    *answer = fake_server_answer(fake, &answer_length);
    while (at < original_length && at < answer_length && (*original)[at] == (*answer)[at]) {
        at++;
    }
    assert_true(at < original_length && at < answer_length);
    return at;
}

/* "wrong data on connection 0 at offset 1500: expected 3f 00 ..., got 2f 00 ..." */
static void mismatch_is_named(struct process *client, unsigned connection)
{
    const uint8_t *original;
    const uint8_t *answer;
    size_t at = first_difference(&original, &answer);
    const char *line = e2e_line(client, PROCESS_ERR, "wrong data", 0);
    const char *where =
        e2e_text("connection %u at offset %" PRIu64 ":", connection, fake_server_begin(fake) + at);
    const char *expected = e2e_text("expected %02x", original[at]);
    const char *got = e2e_text("got %02x", answer[at]);
    print_message("%s\n", line);
    assert_non_null(strstr(line, where));
    assert_non_null(strstr(line, expected));
    assert_non_null(strstr(line, got));
    assert_true(at + fake_server_begin(fake) >= 1234); /* the offset of the tests below */
}

static void spoiled_bytes_are_found(enum fake_mode mode)
{
    fake_start(mode, 1234, 1);
    struct process *client = run_client("1", "5", "0");
    e2e_ends(client, 1);
    mismatch_is_named(client, 0);
    const json_t *report = e2e_report(client, 0);
    assert_int_equal(e2e_uint(report, "counters.mismatches"), 1);
    assert_int_equal(e2e_uint(report, "counters.failed"), 0);
    assert_int_equal(e2e_uint(report, "counters.timeouts"), 0);
    /* the message is sent again on another connection, where it works */
    assert_int_equal(e2e_uint(report, "counters.messages"), 5);
    assert_true(json_is_false(e2e_member(report, "ok")));
}

static void a_flipped_bit_is_found(void **state)
{
    (void)state;
    spoiled_bytes_are_found(FAKE_FLIP);
}

static void a_lost_byte_is_found(void **state)
{
    (void)state;
    spoiled_bytes_are_found(FAKE_DROP);
}

static void a_repeated_byte_is_found(void **state)
{
    (void)state;
    spoiled_bytes_are_found(FAKE_DUP);
}

static void two_bytes_in_wrong_order_are_found(void **state)
{
    (void)state;
    spoiled_bytes_are_found(FAKE_SWAP);
}

static void a_byte_too_many_is_found(void **state)
{
    (void)state;
    spoiled_bytes_are_found(FAKE_INSERT);
}

static void the_first_byte_matters(void **state)
{
    (void)state;
    fake_start(FAKE_FLIP, 0, 1);
    struct process *client = run_client("1", "1", "0");
    e2e_ends(client, 1);
    e2e_says(client, PROCESS_ERR, "at offset 0: expected ");
}

static void the_last_byte_matters(void **state)
{
    (void)state;
    fake_start(FAKE_FLIP, FAKE_SIZE - 1, 1);
    struct process *client = run_client("1", "1", "0");
    e2e_ends(client, 1);
    e2e_says(client, PROCESS_ERR, "at offset 999: expected ");
}

static void a_lost_last_byte_is_a_timeout(void **state)
{
    (void)state;
    fake_start(FAKE_DROP, FAKE_SIZE - 1, 1);
    struct process *client = e2e_client_at(fake_server_port(fake), "-s", "1000", "--requests", "1",
                                           "--timeout", e2e_duration(1000), NULL);
    const json_t *report = e2e_end_report(client, 1);
    assert_true(e2e_uint(report, "counters.timeouts") >= 1); /* the next answer may be late, too */
    assert_int_equal(e2e_uint(report, "counters.mismatches"), 0);
    assert_int_equal(e2e_uint(report, "counters.messages"), 1);
}

static void bytes_of_another_connection_are_found(void **state)
{
    (void)state;
    fake_start(FAKE_REPLAY, 0, 2);
    struct process *client = run_client("2", "2", "0");
    const json_t *report = e2e_end_report(client, 1);
    const uint8_t *original;
    const uint8_t *answer;
    assert_int_equal(first_difference(&original, &answer), 0);
    assert_int_equal(e2e_uint(report, "counters.mismatches"), 1);
    e2e_says(client, PROCESS_ERR, e2e_text("expected %02x %02x", original[0], original[1]));
    e2e_says(client, PROCESS_ERR, e2e_text("got %02x %02x", answer[0], answer[1]));
}

/* ---- bytes that were not asked for --------------------------------------------------------- */

static void a_banner_is_a_mismatch(void **state)
{
    (void)state;
    fake_start(FAKE_BANNER, 0, 1);
    struct process *client = run_client("1", "2", "0");
    e2e_ends(client, 1);
    e2e_says(client, PROCESS_ERR, "at offset 0: expected ");
    e2e_says(client, PROCESS_ERR, "got 32 32 30 20"); /* "220 " */
    e2e_says(client, PROCESS_ERR, "which is \"220 ready when y\": this looks like an SMTP or FTP");
    const json_t *report = e2e_report(client, 0);
    assert_int_equal(e2e_uint(report, "counters.mismatches"), 1);
    assert_int_equal(e2e_uint(report, "wrong_answer.connection"), 0);
    assert_int_equal(e2e_uint(report, "wrong_answer.offset"), 0);
    assert_ptr_equal(
        strstr(e2e_string(report, "wrong_answer.text"), "220 ready when you are\\r\\n"),
        e2e_string(report, "wrong_answer.text")); /* an echo may follow */
    assert_string_equal(e2e_string(report, "looks_like"), "an SMTP or FTP server");
}

/* The second connection has nothing to send for a minute. */
static void a_banner_before_anything_was_sent(void **state)
{
    (void)state;
    fake_start(FAKE_BANNER, 0, 2);
    struct process *client = e2e_client_at(fake_server_port(fake), "-c", "2", "-s", "1000", "-R",
                                           "1", "--seed", "20", "-v", NULL);
    e2e_interrupt_after(client, ": wrong data; close follows", 1);
    e2e_ends(client, 1);
    e2e_says(client, PROCESS_ERR, "got 32 32 30 20");
    assert_int_equal(e2e_uint(e2e_report(client, 0), "counters.mismatches"), 2);
}

static void bytes_after_the_end_are_a_mismatch(void **state)
{
    (void)state;
    fake_start(FAKE_EXTRA, 0, 1);
    struct process *client = run_client("1", "3", "0");
    e2e_ends(client, 1);
    e2e_says(client, PROCESS_ERR, "at offset 3000: expected nothing");
    e2e_says(client, PROCESS_ERR, "got 61 6e 64"); /* "and" */
    const json_t *report = e2e_report(client, 0);
    assert_int_equal(e2e_uint(report, "counters.mismatches"), 1);
    assert_int_equal(e2e_uint(report, "counters.messages"), 3);
}

/* ---- no answer, or no more ----------------------------------------------------------------- */

static void a_mute_server_is_a_timeout(void **state)
{
    (void)state;
    fake_start(FAKE_MUTE, 0, 3);
    uint64_t begin_ms = e2e_now_ms();
    struct process *client = e2e_client_at(fake_server_port(fake), "-c", "3", "-s", "1000",
                                           "--requests", "3", "--timeout", e2e_duration(300), NULL);
    e2e_ends(client, 1);
    assert_true(e2e_now_ms() - begin_ms >= e2e_ms(300));
    const json_t *report = e2e_report(client, 0);
    uint64_t timeouts = e2e_uint(report, "counters.timeouts");
    assert_true(timeouts >= 3); /* the answers of the next connections may be late, too */
    assert_int_equal(e2e_uint(report, "counters.failed"), 0);
    assert_int_equal(e2e_errors(report, "recv", "ETIMEDOUT"), timeouts);
    assert_int_equal(e2e_uint(report, "counters.messages"), 3); /* by the next connections */
    e2e_says(client, PROCESS_ERR, "no answer");
}

static void mute_at_the_end_is_cut_and_no_success(void **state)
{
    (void)state;
    fake_start(FAKE_MUTE, 0, SIZE_MAX);
    struct process *client =
        e2e_client_at(fake_server_port(fake), "-c", "2", "-s", "1000", "--drain-timeout", "200ms",
                      "--timeout", E2E_NEVER, "-v", NULL);
    e2e_interrupt_after(client, ": send 1,000 bytes, ", 1);
    const json_t *report = e2e_end_report(client, 1);
    e2e_fails_as(report, "unanswered", 2);
    assert_int_equal(e2e_uint(report, "counters.unanswered"), 2);
    assert_int_equal(e2e_uint(report, "counters.unanswered_bytes"), 2000);
    assert_int_equal(e2e_uint(report, "counters.sent"), 2000);
    assert_int_equal(e2e_uint(report, "counters.verified"), 0);
    assert_int_equal(e2e_uint(report, "latency_ns.unanswered"), 2);
    assert_true(e2e_uint(report, "latency_ns.unanswered_oldest") >= UINT64_C(200000000));
    assert_true(json_is_null(e2e_member(report, "wrong_answer")));
    assert_non_null(strstr(e2e_string(report, "looks_like"), "a discard server"));
}

static bool two_have_come(void *argument)
{
    (void)argument;
    return fake_server_accepted(fake) == 2 && fake_server_first(fake) != NULL;
}

static void a_second_ctrl_c_ends_the_client_at_once(void **state)
{
    (void)state;
    fake_start(FAKE_MUTE, 0, SIZE_MAX);
    struct process *client =
        e2e_client_at(fake_server_port(fake), "-c", "2", "-s", "1000", "--drain-timeout", E2E_NEVER,
                      "--timeout", E2E_NEVER, NULL);
    assert_true(process_pump(PATIENCE_MS, two_have_come, NULL));
    e2e_signal(client, SIGINT);
    e2e_interrupt_after(client, "once more to end at once", 0);
    e2e_ends(client, 1); /* no byte came back */
    const json_t *report = e2e_report(client, 0);
    uint64_t cut = e2e_uint(report, "counters.unanswered");
    assert_int_equal(cut + e2e_uint(report, "counters.abandoned"), 2);
    assert_between(cut, 1, 2);
}

static void closed_without_an_answer_is_lost(void **state)
{
    (void)state;
    fake_start(FAKE_CLOSE_EARLY, 0, 1);
    struct process *client = run_client("1", "2", "0");
    const json_t *report = e2e_end_report(client, 1);
    e2e_fails_as(report, "lost", 1);
    assert_int_equal(e2e_uint(report, "counters.lost_messages"), 1);
    assert_int_equal(e2e_uint(report, "counters.lost_bytes"), 1000);
    assert_int_equal(e2e_errors(report, "recv", "EOF"), 1);
    assert_int_equal(e2e_uint(report, "counters.messages"), 2);
}

static void closed_in_the_middle_is_lost(void **state)
{
    (void)state;
    fake_start(FAKE_CLOSE_EARLY, 600, 1);
    struct process *client = run_client("1", "2", "0");
    const json_t *report = e2e_end_report(client, 1);
    e2e_fails_as(report, "lost", 1);
    assert_int_equal(e2e_uint(report, "counters.lost_messages"), 1);
    assert_int_equal(e2e_uint(report, "counters.lost_bytes"), 400);
}

/* A server that drains may end in the middle of a message. */
static void closed_in_the_middle_may_be_allowed(void **state)
{
    (void)state;
    fake_start(FAKE_CLOSE_EARLY, 600, 1);
    struct process *client = e2e_client_at(fake_server_port(fake), "--requests", "2", "-s", "1000",
                                           "--allow-drain", NULL);
    const json_t *report = e2e_end_report(client, 0);
    e2e_succeeds(report);
    assert_int_equal(e2e_uint(report, "counters.drained"), 1);
    assert_int_equal(e2e_uint(report, "counters.drained_messages"), 1);
    assert_int_equal(e2e_uint(report, "counters.drained_bytes"), 400);
    assert_int_equal(e2e_uint(report, "counters.messages"), 2);
    assert_int_equal(e2e_uint(report, "counters.sent"), 3000);
    assert_int_equal(e2e_uint(report, "counters.verified"), 2600);
}

/* Wine's server may take a socket's error before recv() does. Then recv() reports an end of the
 * stream. */
static void a_reset_is_lost(void **state)
{
    (void)state;
    fake_start(FAKE_RESET_SECOND, 0, 1);
    struct process *client = run_client("1", "3", "0");
    const json_t *report = e2e_end_report(client, 1);
    e2e_fails_as(report, "lost", 1);
    assert_int_equal(e2e_uint(report, "counters.messages"), 3);
    assert_int_equal(e2e_errors(report, "recv", "ECONNRESET") +
                         e2e_errors(report, "send", "ECONNRESET") +
                         (sys_is_wine_before(10) ? e2e_errors(report, "recv", "EOF") : 0),
                     1);
    e2e_says(client, PROCESS_ERR, "after 1,000 bytes verified");
}

static void a_reset_at_once_has_failed(void **state)
{
    (void)state;
    fake_start(FAKE_RESET_ACCEPT, 0, 1);
    struct process *client = run_client("1", "2", "0");
    const json_t *report = e2e_end_report(client, 1);
    /* the reset may come before the client knows that it is connected; in Wine, a FIN may come
     * before it */
    assert_int_equal(e2e_uint(report, "counters.failed") + e2e_uint(report, "counters.lost") +
                         e2e_uint(report, "counters.connect_failures"),
                     1);
    assert_int_equal(
        e2e_errors(report, "connect", "ECONNRESET") + e2e_errors(report, "recv", "ECONNRESET") +
            e2e_errors(report, "send", "ECONNRESET") + e2e_errors(report, "send", "EPIPE") +
            (sys_is_wine_before(10) ? e2e_errors(report, "recv", "EOF") : 0),
        1);
}

/* ---- connect ------------------------------------------------------------------------------- */

/* With a full backlog a listener on Linux answers no SYN. */
static void connect_times_out(void **state)
{
    struct e2e_server listener = {.process = NULL};
    uv_os_sock_t os_socket;
    (void)state;
#ifndef __linux__
    e2e_skip("a full queue refuses here");
#endif
    assert_int_equal(peer_bind(AF_INET, &os_socket, &listener.address), 0);
    assert_int_equal(peer_listen(os_socket, 0), 0);
    (void)e2e_peer(&listener); /* the connection that has room */
    unsigned port = ntohs(((struct sockaddr_in *)(void *)&listener.address)->sin_port);
    uint64_t begin_ms = e2e_now_ms();
    struct process *client = e2e_client_at(port, "-c", "2", "--connect-timeout", e2e_duration(300),
                                           "-d", E2E_NEVER, NULL);
    e2e_ends(client, 1);
    assert_true(e2e_now_ms() - begin_ms >= e2e_ms(300));
    peer_close(os_socket);
    const json_t *report = e2e_report(client, 0);
    assert_int_equal(e2e_uint(report, "counters.connect_failures"), 2);
    assert_int_equal(e2e_errors(report, "connect", "ETIMEDOUT"), 2);
    e2e_says(client, PROCESS_ERR, uv_strerror(UV_ETIMEDOUT));
}

/* ---- seed ---------------------------------------------------------------------------------- */

/* The first message of a client with that seed; to be freed. */
static uint8_t *first_message(const char *seed)
{
    uint8_t *message = malloc(FAKE_SIZE);
    fake_start(FAKE_ECHO, 0, 0);
    struct process *client = e2e_client_at(fake_server_port(fake), "-s", "1000", "--requests", "1",
                                           "--seed", seed, NULL);
    e2e_ends(client, 0);
    assert_true(message != NULL && fake_server_first(fake) != NULL);
    memcpy(message, fake_server_first(fake), FAKE_SIZE);
    fake_server_stop(fake);
    fake = NULL;
    return message;
}

static void the_seed_makes_the_bytes(void **state)
{
    (void)state;
    uint8_t *first = first_message("7");
    uint8_t *again = first_message("0x7");
    uint8_t *other = first_message("8");
    uint8_t *chance = first_message("0");
    assert_memory_equal(first, again, FAKE_SIZE);
    assert_memory_not_equal(first, other, FAKE_SIZE);
    assert_memory_not_equal(first, chance, FAKE_SIZE);
    free(first);
    free(again);
    free(other);
    free(chance);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        VERIFY(a_flipped_bit_is_found),
        VERIFY(a_lost_byte_is_found),
        VERIFY(a_repeated_byte_is_found),
        VERIFY(two_bytes_in_wrong_order_are_found),
        VERIFY(a_byte_too_many_is_found),
        VERIFY(the_first_byte_matters),
        VERIFY(the_last_byte_matters),
        VERIFY(a_lost_last_byte_is_a_timeout),
        VERIFY(bytes_of_another_connection_are_found),
        VERIFY(a_banner_is_a_mismatch),
        VERIFY(a_banner_before_anything_was_sent),
        VERIFY(bytes_after_the_end_are_a_mismatch),
        VERIFY(a_mute_server_is_a_timeout),
        VERIFY(mute_at_the_end_is_cut_and_no_success),
        VERIFY(a_second_ctrl_c_ends_the_client_at_once),
        VERIFY(closed_without_an_answer_is_lost),
        VERIFY(closed_in_the_middle_is_lost),
        VERIFY(closed_in_the_middle_may_be_allowed),
        VERIFY(a_reset_is_lost),
        VERIFY(a_reset_at_once_has_failed),
        VERIFY(connect_times_out),
        VERIFY(the_seed_makes_the_bytes),
    };
    return e2e_run(argc, argv, tests);
}
