/* A wrong answer: what is reported, and how the connection ends. */

#include "load_conn.h"

#include <inttypes.h>

/* The number of wrong bytes that are shown. */
#define LOAD_SHOWN 16

static void load_to_hex(const uint8_t *bytes, size_t length, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        *text++ = digits[bytes[i] >> 4];
        *text++ = digits[bytes[i] & 15];
        *text++ = ' ';
    }
    text[length > 0 ? -1 : 0] = '\0';
}

void load_mismatch(struct load_conn *c, const uint8_t *data, size_t length, bool expected)
{
    struct load *load = load_owner(c);
    size_t shown = length < LOAD_SHOWN ? length : LOAD_SHOWN;
    if (!load->reported_mismatch) {
        uint8_t want[LOAD_SHOWN];
        char want_text[LOAD_SHOWN * 3 + 1] = "nothing: it was not sent";
        char got_text[LOAD_SHOWN * 3 + 1];
        if (expected) {
            stream_fill(&c->stream, c->verified, want, shown);
            load_to_hex(want, shown, want_text);
        }
        load_to_hex(data, shown, got_text);
        log_message("wrong data on connection %" PRIu64 " at offset %" PRIu64
                    ": expected %s, got %s",
                    c->conn.number, c->verified, want_text, got_text);
        load->reported_mismatch = true;
    }
    load_close(c, (struct load_end){.counter = &load->stats.counters.mismatches,
                                    .fate = LOAD_UNCHECKED,
                                    .how = IO_CLOSE_RESET,
                                    .why = "wrong data"});
}
