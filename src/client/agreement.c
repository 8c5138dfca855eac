#include "agreement.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "siphash.h"
#include "util.h"

/* Of a digest as text: 32 bits. */
#define AGREEMENT_DIGITS 8

/* Hashes the member of the options at `member`, the same on every system. */
typedef uint64_t agreement_hash(const struct client_options *options, const void *member);

static uint64_t hash_number(const struct client_options *options, uint64_t number)
{
    return siphash_numbers(&options->run_key, &number, 1);
}

static uint64_t hash_integer(const struct client_options *options, const void *member)
{
    uint64_t number;
    memcpy(&number, member, sizeof(number));
    return hash_number(options, number);
}

/* A double has the same 64 bits everywhere. */
static uint64_t hash_decimal(const struct client_options *options, const void *member)
{
    return hash_integer(options, member);
}

static uint64_t hash_flag(const struct client_options *options, const void *member)
{
    return hash_number(options, *(const bool *)member);
}

static uint64_t hash_text(const struct client_options *options, const void *member)
{
    const char *text = *(const char *const *)member;
    return text == NULL ? 0 : siphash(&options->run_key, text, strlen(text));
}

/* The sizes of messages, as they are drawn: a table may be a file of another machine. */
static uint64_t hash_sizes(const struct client_options *options, const void *member)
{
    const struct sizes *sizes = *(const struct sizes *const *)member;
    if (sizes == NULL) {
        return hash_number(options, options->message_size);
    }
    uint64_t hash = hash_number(options, sizes->min);
    hash = hash_number(options, hash ^ sizes->max);
    for (size_t i = 0; i < sizes->count; i++) {
        hash = hash_number(options, hash ^ sizes->bins[i].bytes);
        hash = hash_number(options, hash ^ sizes->bins[i].until);
    }
    return hash;
}

#define AGREED(option, hash, member)                                                               \
    {                                                                                              \
        (option), (hash), offsetof(struct client_options, member)                                  \
    }

static const struct {
    const char *option;
    agreement_hash *hash;
    size_t offset;
} agreed[] = {
    AGREED("--threads", hash_integer, threads),
    AGREED("--connections", hash_integer, whole.connections),
    AGREED("--rate", hash_decimal, whole.rate),
    AGREED("--connect-rate", hash_decimal, whole.connect_rate),
    AGREED("--bandwidth", hash_integer, whole.bandwidth),
    AGREED("--requests", hash_integer, whole.requests),
    AGREED("--size", hash_sizes, sizes),
    AGREED("--pipeline", hash_integer, pipeline),
    AGREED("--arrival", hash_text, arrival),
    AGREED("--ramp", hash_integer, ramp_ns),
    AGREED("--lifetime", hash_integer, lifetime),
    AGREED("--close", hash_text, close),
    AGREED("--think", hash_integer, think_ns),
    AGREED("--seed", hash_integer, seed),
    AGREED("--duration", hash_integer, duration_ns),
    AGREED("--warmup", hash_integer, warmup_ns),
    AGREED("--connect-timeout", hash_integer, connect_timeout_ns),
    AGREED("--timeout", hash_integer, timeout_ns),
    AGREED("--drain-timeout", hash_integer, drain_timeout_ns),
    AGREED("--give-up", hash_integer, give_up_ns),
    AGREED("--stop-on-error", hash_flag, stop_on_error),
    AGREED("--allow-drain", hash_flag, allow_drain),
    AGREED("--interval", hash_integer, interval_ns),
    AGREED("--percentiles", hash_text, percentiles),
    AGREED("--nodelay", hash_flag, common.nodelay),
};

static_assert(LENGTH(agreed) * AGREEMENT_DIGITS < AGREEMENT_TEXT, "the digests fit");

void agreement_write(const struct client_options *options, char text[AGREEMENT_TEXT])
{
    for (size_t i = 0; i < LENGTH(agreed); i++) {
        const void *member = (const char *)options + agreed[i].offset;
        uint32_t digest = (uint32_t)agreed[i].hash(options, member);
        (void)snprintf(text + i * AGREEMENT_DIGITS, AGREEMENT_DIGITS + 1, "%08" PRIx32, digest);
    }
}

const char *agreement_difference(const char *mine, const char *theirs)
{
    if (strlen(mine) != strlen(theirs)) {
        return "the version";
    }
    for (size_t i = 0; i < LENGTH(agreed); i++) {
        size_t at = i * AGREEMENT_DIGITS;
        if (memcmp(mine + at, theirs + at, AGREEMENT_DIGITS) != 0) {
            return agreed[i].option;
        }
    }
    return NULL;
}
