#include "hostile_mode.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "units.h"

#define WORD_SIZE 32 /* of a mode, a rate or a number, with the NUL */

const struct hostile_mode hostile_modes[HOSTILE_KINDS] = {
    [HOSTILE_SILENT] = {"silent", HOSTILE_NO_RATE, "connect and send nothing"},
    [HOSTILE_RESET] = {"reset", HOSTILE_NO_RATE, "reset in the middle of an echo, again and again"},
    [HOSTILE_HALF_CLOSE] = {"half-close", HOSTILE_NO_RATE,
                            "send a message and FIN at once, again and again"},
    [HOSTILE_SLOW_READ] = {"slow-read", HOSTILE_BYTES, "send without end and read slowly"},
    [HOSTILE_BYTE_BY_BYTE] = {"byte-by-byte", HOSTILE_NO_RATE, "send single bytes"},
    [HOSTILE_STOP_MIDWAY] = {"stop-midway", HOSTILE_NO_RATE, "send half a message, then nothing"},
    [HOSTILE_NEVER_READ] = {"never-read", HOSTILE_NO_RATE, "send without end and read nothing"},
    [HOSTILE_STORM] = {"storm", HOSTILE_CONNECTIONS, "connect and reset, at a rate"},
    [HOSTILE_URGENT] = {"urgent", HOSTILE_NO_RATE, "send urgent bytes (MSG_OOB) between messages"},
};

/* "MODE:N", or "MODE:RATE:N" with an example. */
static const char *form_of(const struct hostile_mode *mode)
{
    static const char *const forms[] = {[HOSTILE_NO_RATE] = "N, as in 5",
                                        [HOSTILE_BYTES] = "RATE:N, as in 1KiB:5",
                                        [HOSTILE_CONNECTIONS] = "RATE:N, as in 100:5"};
    return forms[mode->rate];
}

static int fail_mode(const char *text, char *why)
{
    size_t used = (size_t)snprintf(
        why, HOSTILE_WHY, "'%.64s' has no known mode; it takes MODE:N or MODE:RATE:N with", text);
    for (size_t i = 0; i < HOSTILE_KINDS; i++) {
        const struct hostile_mode *mode = &hostile_modes[i];
        used += (size_t)snprintf(why + used, HOSTILE_WHY - used, "%s %s:%s",
                                 i == 0                  ? ""
                                 : i + 1 < HOSTILE_KINDS ? ","
                                                         : " or",
                                 mode->name, mode->rate == HOSTILE_NO_RATE ? "N" : "RATE:N");
    }
    return UV_EINVAL;
}

static int fail_form(const char *text, const struct hostile_mode *mode, char *why)
{
    (void)snprintf(why, HOSTILE_WHY, "'%.64s' is incomplete or too long; it takes %s:%s", text,
                   mode->name, form_of(mode));
    return UV_EINVAL;
}

/* `max` is a text. */
static int fail_number(const char *text, const char *word, const char *what, const char *max,
                       char *why)
{
    (void)snprintf(why, HOSTILE_WHY, "'%.64s': '%s' is not a valid %s; it takes 1 to %s", text,
                   word, what, max);
    return UV_EINVAL;
}

/* Copies the part of `*text` up to a colon or the end, and steps behind the colon. False: there is
 * none, it is empty or too long. `*text` is NULL after the last. */
static bool next_word(const char **text, char *word)
{
    if (*text == NULL) {
        return false;
    }
    size_t length = strcspn(*text, ":");
    if (length == 0 || length >= WORD_SIZE) {
        return false;
    }
    memcpy(word, *text, length);
    word[length] = '\0';
    *text = (*text)[length] == ':' ? *text + length + 1 : NULL;
    return true;
}

static const struct hostile_mode *find_mode(const char *name)
{
    for (size_t i = 0; i < HOSTILE_KINDS; i++) {
        if (strcmp(name, hostile_modes[i].name) == 0) {
            return &hostile_modes[i];
        }
    }
    return NULL;
}

static bool in_range(int status, uint64_t value, uint64_t max)
{
    return status == 0 && value >= 1 && value <= max;
}

static int parse_byte_rate(const char *text, const char *word, uint64_t *rate, char *why)
{
    char max[UNITS_TEXT_SIZE];
    int status = units_parse_bytes(word, rate);
    if (in_range(status, *rate, HOSTILE_BYTE_RATE_MAX)) {
        return 0;
    }
    return fail_number(text, word, "RATE in bytes per second",
                       units_exact_bytes(max, sizeof(max), HOSTILE_BYTE_RATE_MAX), why);
}

/* A RATE of connections, or a number of them. */
static int parse_count(const char *text, const char *word, const char *what, uint64_t most,
                       uint64_t *count, char *why)
{
    char max[UNITS_TEXT_SIZE];
    int status = units_parse_count(word, count);
    if (in_range(status, *count, most)) {
        return 0;
    }
    return fail_number(text, word, what, units_exact_count(max, sizeof(max), most), why);
}

static int parse_rate(const char *text, const struct hostile_mode *mode, const char *word,
                      uint64_t *rate, char *why)
{
    switch (mode->rate) {
    case HOSTILE_BYTES:
        return parse_byte_rate(text, word, rate, why);
    case HOSTILE_CONNECTIONS:
        return parse_count(text, word, "RATE in connections per second", HOSTILE_STORM_RATE_MAX,
                           rate, why);
    case HOSTILE_NO_RATE:
        break;
    }
    return 0;
}

int hostile_parse(const char *text, struct hostile_group *group, char *why)
{
    char name[WORD_SIZE];
    char rate[WORD_SIZE] = "";
    char count[WORD_SIZE];
    const char *rest = text;
    const struct hostile_mode *mode = next_word(&rest, name) ? find_mode(name) : NULL;
    if (mode == NULL) {
        return fail_mode(text, why);
    }
    bool whole = (mode->rate == HOSTILE_NO_RATE || next_word(&rest, rate)) &&
                 next_word(&rest, count) && rest == NULL;
    if (!whole) {
        return fail_form(text, mode, why);
    }
    *group = (struct hostile_group){.kind = (enum hostile_kind)(mode - hostile_modes)};
    int status = parse_rate(text, mode, rate, &group->rate, why);
    return status != 0 ? status
                       : parse_count(text, count, "number N of connections",
                                     HOSTILE_CONNECTIONS_MAX, &group->count, why);
}

char *hostile_name(const struct hostile_group *group, char *text)
{
    const struct hostile_mode *mode = &hostile_modes[group->kind];
    char rate[UNITS_TEXT_SIZE] = "";
    if (mode->rate == HOSTILE_BYTES) {
        (void)units_exact_bytes(rate, sizeof(rate), group->rate);
    } else if (mode->rate == HOSTILE_CONNECTIONS) {
        (void)units_exact_count(rate, sizeof(rate), group->rate);
    }
    (void)snprintf(text, HOSTILE_NAME, "%s%s%s:%" PRIu64, mode->name, rate[0] != '\0' ? ":" : "",
                   rate, group->count);
    return text;
}
