/* A wrong answer: what is reported, and how the connection ends. */

#include "load_conn.h"

#include <inttypes.h>
#include <string.h>

#include "answer.h"

/* A wrong answer may begin with some bytes that are right by chance. Beyond this offset it does
 * not. */
#define LOAD_CHANCE 16

/* Keeps the first wrong answer of the worker, for the report. It begins where the connection does,
 * if that is near. */
static void load_keep_answer(const struct load_conn *c, const uint8_t *data, size_t length)
{
    struct stats_answer *answer = &load_owner(c)->stats.answer;
    size_t right = c->verified <= LOAD_CHANCE ? (size_t)c->verified : 0;
    size_t room = STATS_ANSWER_MAX - right;
    size_t kept = length < room ? length : room;
    stream_fill(&c->stream, c->verified - right, answer->bytes, right);
    memcpy(answer->bytes + right, data, kept);
    answer->length = right + kept;
    answer->connection = c->conn.number;
    answer->offset = c->verified;
    answer->begin = c->verified - right;
}

/* What was expected instead of `shown` bytes. */
static void load_say_expected(const struct load_conn *c, size_t shown, bool expected,
                              struct text *out)
{
    uint8_t want[ANSWER_SHOWN];
    if (!expected) {
        text_string(out, "nothing: it was not sent");
        return;
    }
    stream_fill(&c->stream, c->verified, want, shown);
    answer_hex(want, shown, out);
}

static void load_say_mismatch(const struct load_conn *c, const uint8_t *data, size_t length,
                              bool expected)
{
    size_t shown = length < ANSWER_SHOWN ? length : ANSWER_SHOWN;
    const struct stats_answer *answer = &load_owner(c)->stats.answer;
    const char *peer = answer->begin == 0 ? answer_guess(answer->bytes, answer->length) : NULL;
    struct text text = {0};
    load_say_expected(c, shown, expected, &text);
    text_string(&text, ", got ");
    answer_hex(data, shown, &text);
    text_string(&text, ", which is \"");
    answer_escape(data, shown, &text);
    text_printf(&text, "\"%s%s", peer != NULL ? ": this looks like " : "",
                peer != NULL ? peer : "");
    log_message("wrong data on connection %" PRIu64 " at offset %" PRIu64 ": expected %s",
                c->conn.number, c->verified, text.failed ? "another byte" : text.data);
    text_free(&text);
}

void load_mismatch(struct load_conn *c, const uint8_t *data, size_t length, bool expected)
{
    struct load *load = load_owner(c);
    if (!load->reported_mismatch) {
        load->reported_mismatch = true;
        load_keep_answer(c, data, length);
        load_say_mismatch(c, data, length, expected);
    }
    load_close(c, (struct load_end){.counter = &load->stats.counters.mismatches,
                                    .fate = LOAD_UNCHECKED,
                                    .how = IO_CLOSE_RESET,
                                    .why = "wrong data"});
}
