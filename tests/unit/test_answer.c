/* What a wrong answer looks like, in texts and as a guess. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "answer.h"
#include "json.h"
#include "range.h"
#include "util.h"

static struct text text;

static int clear(void **state)
{
    (void)state;
    text_free(&text);
    return 0;
}

static void guessed(const char *bytes, size_t length, const char *peer)
{
    const char *guess = answer_guess((const uint8_t *)bytes, length);
    if (peer == NULL) {
        assert_null(guess);
    } else {
        assert_non_null(guess);
        assert_string_equal(guess, peer);
    }
}

static const struct {
    const char *bytes;
    const char *peer;
} texts[] = {
    {"HTTP/1.1 400 Bad Request\r\n", "an HTTP server"},
    {"<!DOCTYPE HTML>\n<html lang=\"en\">", "an HTTP server"},
    {"SSH-2.0-OpenSSH_9.2p1 Debian\r\n", "an SSH server"},
    {"220 mail.example.org ESMTP Postfix\r\n", "an SMTP server"},
    {"220 (vsFTPd 3.0.3)\r\n", "an FTP server"},
    {"220 ready when you are\r\n", "an SMTP or FTP server"},
    {"+OK Dovecot ready.\r\n", "a POP3 server"},
    {"* OK [CAPABILITY IMAP4rev1] ready\r\n", "an IMAP server"},
    {"RFB 003.008\n", "a VNC server"},
    {"-ERR unknown command\r\n", "a Redis server"},
    {"AMQP\1\1\0\t", "an AMQP server"},
    {" !\"#$%&'()*+,-./0123456789:;<=>?@", "a chargen server"},
    {"qrstuvwxyz{|}~ !\"#$", "a chargen server"},
    {"\xff\xfd\x18\xff\xfd\x20", "a Telnet server"},
    {"Sun Nov 29 09:00:00 2026\r\n", "a server that sends text of its own"},
};

static void known_servers_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++) {
        guessed(texts[i].bytes, strlen(texts[i].bytes), texts[i].peer);
    }
    guessed("\x15\x03\x01\x00\x02\x02\x16", 7, "a TLS server");
    guessed("\0\0\x12\x04\0\0\0\0\0", 9, "an HTTP/2 server");
    guessed("\x4a\0\0\0\x0a"
            "8.0.36",
            11, "a MySQL server");
}

static void other_bytes_are_not(void **state)
{
    (void)state;
    guessed("", 0, NULL);
    guessed("HTTP", 4, NULL);
    guessed("1234567", 7, NULL);
    guessed("\x15\x03", 2, NULL);
    guessed("\x2f\x00\x91\x9c\x6a\x77\x01\x02\x80", 9, NULL);
    guessed("abcdefghijklmnoo", 16, "a server that sends text of its own");
}

/* A terminal could act on a control byte, and on bytes of the upper half. */
static void every_byte_is_written_as_printable_text(void **state)
{
    uint8_t bytes[256];
    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    answer_escape(bytes, sizeof(bytes), &text);
    assert_false(text.failed);
    for (size_t i = 0; i < text.length; i++) {
        assert_between((uint8_t)text.data[i], ' ', '~');
    }
    text_free(&text);
    answer_escape((const uint8_t *)"a\r\n\t\"\\\x1b[31m\x9b", 12, &text);
    assert_string_equal(text.data, "a\\r\\n\\t\\\"\\\\\\x1b[31m\\x9b");
    text_free(&text);
    answer_hex((const uint8_t *)"HT\xff", 3, &text);
    assert_string_equal(text.data, "48 54 ff");
}

static void keep(struct client_stats *stats, const char *bytes, uint64_t begin)
{
    stats->answer = (struct stats_answer){
        .connection = 7, .offset = begin, .begin = begin, .length = strlen(bytes)};
    memcpy(stats->answer.bytes, bytes, stats->answer.length);
}

static void a_report_has_a_line_and_members(void **state)
{
    static struct client_stats stats;
    struct json json;
    (void)state;
    keep(&stats, "HTTP/1.1 400 Bad\r\n", 0);
    answer_text(&stats, &text);
    assert_string_equal(text.data, "  answer       connection 7 was wrong at offset 0: "
                                   "\"HTTP/1.1 400 Bad\\r\\n\": this looks like an HTTP server\n");
    text_free(&text);
    json_begin(&json, &text);
    json_object(&json, NULL);
    answer_json(&stats, &json);
    json_end_object(&json);
    assert_string_equal(
        text.data, "{\"wrong_answer\":{\"connection\":7,\"offset\":0,\"begin\":0,"
                   "\"hex\":\"48 54 54 50 2f 31 2e 31 20 34 30 30 20 42 61 64 0d 0a\","
                   "\"text\":\"HTTP/1.1 400 Bad\\\\r\\\\n\"},\"looks_like\":\"an HTTP server\"}\n");
}

/* An echo server may echo such a text wrongly later. */
static void only_the_beginning_tells_the_server(void **state)
{
    static struct client_stats stats;
    (void)state;
    keep(&stats, "HTTP/1.1 400 Bad\r\n", 1000);
    assert_null(answer_peer(&stats));
}

static void silence_is_named(void **state)
{
    static struct client_stats stats;
    (void)state;
    assert_null(answer_peer(&stats));
    stats.counters.sent = 64;
    assert_null(answer_peer(&stats)); /* it may still answer */
    stats.counters.timeouts = 1;
    answer_text(&stats, &text);
    assert_string_equal(text.data,
                        "  answer       none: the server took 64 bytes and sent nothing back: this "
                        "looks like a discard server, or a server that waits for something else\n");
    stats.counters.verified = 1;
    assert_null(answer_peer(&stats));
}

/* As a TLS server does, or a proxy. */
static void an_end_without_an_answer_is_named(void **state)
{
    static struct client_stats stats;
    (void)state;
    stats.counters.sent = 64;
    stats.counters.lost = 1;
    assert_string_equal(answer_peer(&stats),
                        "a server of another protocol, or a proxy without a server behind it");
    stats.counters.timeouts = 1;
    assert_non_null(strstr(answer_peer(&stats), "a discard server"));
    stats.counters.verified = 1;
    assert_null(answer_peer(&stats));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(known_servers_are_named, clear),
        cmocka_unit_test_teardown(other_bytes_are_not, clear),
        cmocka_unit_test_teardown(every_byte_is_written_as_printable_text, clear),
        cmocka_unit_test_teardown(a_report_has_a_line_and_members, clear),
        cmocka_unit_test_teardown(only_the_beginning_tells_the_server, clear),
        cmocka_unit_test_teardown(silence_is_named, clear),
        cmocka_unit_test_teardown(an_end_without_an_answer_is_named, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
