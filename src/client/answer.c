#include "answer.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "json.h"
#include "units.h"
#include "util.h"

/* As many bytes of a run are enough to tell a character generator from chance. */
#define ANSWER_CHARGEN_RUN 16

/* A shorter answer may look like text by chance. */
#define ANSWER_TEXT_MIN 8

struct answer {
    const uint8_t *bytes;
    size_t length;
};

/* ---- guesses ------------------------------------------------------------------------------- */

static bool begins_with(const struct answer *answer, const char *prefix)
{
    size_t length = strlen(prefix);
    return answer->length >= length && memcmp(answer->bytes, prefix, length) == 0;
}

static bool has_word(const struct answer *answer, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= answer->length; i++) {
        if (memcmp(answer->bytes + i, word, length) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_http(const struct answer *answer)
{
    return begins_with(answer, "HTTP/") || begins_with(answer, "<!DOCTYPE") ||
           begins_with(answer, "<!doctype") || begins_with(answer, "<html");
}

/* RFC 9113, 6.5: a SETTINGS frame of stream 0 comes first. */
static bool is_http2(const struct answer *answer)
{
    static const uint8_t rest[] = {0, 0, 0, 0};
    const uint8_t *bytes = answer->bytes;
    return answer->length >= 9 && bytes[0] == 0 && bytes[3] == 4 && bytes[4] <= 1 &&
           memcmp(bytes + 5, rest, sizeof rest) == 0;
}

/* RFC 8446, 5.1: an alert or a handshake record, of any version. */
static bool is_tls(const struct answer *answer)
{
    const uint8_t *bytes = answer->bytes;
    return answer->length >= 3 && (bytes[0] == 0x15 || bytes[0] == 0x16) && bytes[1] == 3 &&
           bytes[2] <= 4;
}

static bool is_ssh(const struct answer *answer)
{
    return begins_with(answer, "SSH-");
}

static bool is_smtp(const struct answer *answer)
{
    return begins_with(answer, "220") && has_word(answer, "SMTP");
}

static bool is_ftp(const struct answer *answer)
{
    return begins_with(answer, "220") && has_word(answer, "FTP");
}

static bool is_mail_or_ftp(const struct answer *answer)
{
    return begins_with(answer, "220 ") || begins_with(answer, "220-") ||
           begins_with(answer, "421 ") || begins_with(answer, "500 ") ||
           begins_with(answer, "554 ");
}

static bool is_pop3(const struct answer *answer)
{
    return begins_with(answer, "+OK ");
}

static bool is_imap(const struct answer *answer)
{
    return begins_with(answer, "* OK") || begins_with(answer, "* BYE");
}

static bool is_redis(const struct answer *answer)
{
    return begins_with(answer, "-ERR ") || begins_with(answer, "-DENIED ");
}

/* A handshake packet of protocol version 10, after a length of three bytes and number 0. */
static bool is_mysql(const struct answer *answer)
{
    const uint8_t *bytes = answer->bytes;
    return answer->length >= 6 && bytes[1] == 0 && bytes[2] == 0 && bytes[3] == 0 &&
           bytes[4] == 10 && bytes[5] >= '0' && bytes[5] <= '9';
}

static bool is_vnc(const struct answer *answer)
{
    return begins_with(answer, "RFB 00");
}

/* RFC 854: IAC, then DO, DONT, WILL or WONT. */
static bool is_telnet(const struct answer *answer)
{
    return answer->length >= 3 && answer->bytes[0] == 0xff && answer->bytes[1] >= 0xfb &&
           answer->bytes[1] <= 0xfe;
}

static bool is_amqp(const struct answer *answer)
{
    return begins_with(answer, "AMQP");
}

/* RFC 864: each printable character is followed by the next one, and the last by the blank. */
static bool is_chargen(const struct answer *answer)
{
    if (answer->length < ANSWER_CHARGEN_RUN) {
        return false;
    }
    for (size_t i = 0; i < ANSWER_CHARGEN_RUN; i++) {
        uint8_t byte = answer->bytes[i];
        if (byte < ' ' || byte > '~' ||
            (i > 0 && byte != (answer->bytes[i - 1] == '~' ? ' ' : answer->bytes[i - 1] + 1))) {
            return false;
        }
    }
    return true;
}

static bool is_text(const struct answer *answer)
{
    for (size_t i = 0; i < answer->length; i++) {
        uint8_t byte = answer->bytes[i];
        if ((byte < ' ' || byte > '~') && byte != '\r' && byte != '\n' && byte != '\t') {
            return false;
        }
    }
    return answer->length >= ANSWER_TEXT_MIN;
}

/* The most certain first. */
static const struct {
    bool (*is)(const struct answer *answer);
    const char *name;
} answer_peers[] = {
    {is_http, "an HTTP server"},
    {is_ssh, "an SSH server"},
    {is_smtp, "an SMTP server"},
    {is_ftp, "an FTP server"},
    {is_mail_or_ftp, "an SMTP or FTP server"},
    {is_pop3, "a POP3 server"},
    {is_imap, "an IMAP server"},
    {is_vnc, "a VNC server"},
    {is_redis, "a Redis server"},
    {is_amqp, "an AMQP server"},
    {is_chargen, "a chargen server"},
    {is_tls, "a TLS server"},
    {is_http2, "an HTTP/2 server"},
    {is_mysql, "a MySQL server"},
    {is_telnet, "a Telnet server"},
    {is_text, "a server that sends text of its own"},
};

const char *answer_guess(const uint8_t *bytes, size_t length)
{
    struct answer answer = {bytes, length};
    for (size_t i = 0; i < LENGTH(answer_peers); i++) {
        if (answer_peers[i].is(&answer)) {
            return answer_peers[i].name;
        }
    }
    return NULL;
}

/* ---- texts --------------------------------------------------------------------------------- */

void answer_hex(const uint8_t *bytes, size_t length, struct text *out)
{
    for (size_t i = 0; i < length; i++) {
        text_printf(out, i == 0 ? "%02x" : " %02x", bytes[i]);
    }
}

static char answer_short_escape(uint8_t byte)
{
    switch (byte) {
    case '\r':
        return 'r';
    case '\n':
        return 'n';
    case '\t':
        return 't';
    case '\\':
    case '"':
        return (char)byte;
    default:
        return '\0';
    }
}

void answer_escape(const uint8_t *bytes, size_t length, struct text *out)
{
    for (size_t i = 0; i < length; i++) {
        char escape = answer_short_escape(bytes[i]);
        if (escape != '\0') {
            text_printf(out, "\\%c", escape);
        } else if (bytes[i] >= ' ' && bytes[i] <= '~') {
            text_character(out, (char)bytes[i]);
        } else {
            text_printf(out, "\\x%02x", bytes[i]);
        }
    }
}

/* ---- reports ------------------------------------------------------------------------------- */

/* Whether the server has taken bytes and sent none. */
static bool answer_is_none(const struct client_stats *stats)
{
    const struct client_counters *n = &stats->counters;
    return n->sent > 0 && n->verified == 0 && stats->answer.length == 0;
}

/* What a server that sends nothing looks like; NULL: it may still answer. */
static const char *answer_silent_peer(const struct client_stats *stats)
{
    const struct client_counters *n = &stats->counters;
    if (n->timeouts > 0 || n->unanswered > 0 || stats->gave_up) {
        return "a discard server, or a server that waits for something else";
    }
    if (n->lost > 0) {
        return "a server of another protocol, or a proxy without a server behind it";
    }
    return NULL;
}

const char *answer_peer(const struct client_stats *stats)
{
    const struct stats_answer *answer = &stats->answer;
    if (answer_is_none(stats)) {
        return answer_silent_peer(stats);
    }
    return answer->begin == 0 ? answer_guess(answer->bytes, answer->length) : NULL;
}

static void answer_wrong_text(const struct stats_answer *answer, struct text *out)
{
    text_printf(out, "connection %" PRIu64 " was wrong at offset %" PRIu64 ": \"",
                answer->connection, answer->offset);
    answer_escape(answer->bytes, answer->length, out);
    text_string(out, "\"");
}

void answer_text(const struct client_stats *stats, struct text *out)
{
    const char *peer = answer_peer(stats);
    if (stats->answer.length == 0 && peer == NULL) {
        return;
    }
    text_string(out, "  answer       ");
    if (stats->answer.length > 0) {
        answer_wrong_text(&stats->answer, out);
    } else {
        text_printf(out, "none: the server took %s and sent nothing back",
                    units_counted(stats->counters.sent, "byte").text);
    }
    text_printf(out, "%s%s\n", peer != NULL ? ": this looks like " : "", peer != NULL ? peer : "");
}

static void answer_wrong_json(const struct stats_answer *answer, struct json *json)
{
    struct text hex = {0};
    struct text text = {0};
    answer_hex(answer->bytes, answer->length, &hex);
    answer_escape(answer->bytes, answer->length, &text);
    json_object(json, "wrong_answer");
    json_uint(json, "connection", answer->connection);
    json_uint(json, "offset", answer->offset);
    json_uint(json, "begin", answer->begin);
    json_string(json, "hex", hex.data != NULL ? hex.data : "");
    json_string(json, "text", text.data != NULL ? text.data : "");
    json_end_object(json);
    text_free(&hex);
    text_free(&text);
}

void answer_json(const struct client_stats *stats, struct json *json)
{
    const char *peer = answer_peer(stats);
    if (stats->answer.length > 0) {
        answer_wrong_json(&stats->answer, json);
    } else {
        json_null(json, "wrong_answer");
    }
    if (peer != NULL) {
        json_string(json, "looks_like", peer);
    } else {
        json_null(json, "looks_like");
    }
}
