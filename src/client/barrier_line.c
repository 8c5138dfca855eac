#include "barrier_line.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "units.h"

#define BARRIER_HELLO "echoport-barrier 1 "

#define BARRIER_WORDS_MAX 4

/* ---- hello --------------------------------------------------------------------------------- */

void barrier_write_hello(char line[BARRIER_LINE_SIZE], uint64_t nonce)
{
    (void)snprintf(line, BARRIER_LINE_SIZE, BARRIER_HELLO "0x%016" PRIx64 "\n", nonce);
}

bool barrier_read_hello(const char *line, uint64_t *nonce)
{
    static const size_t length = sizeof(BARRIER_HELLO) - 1;
    return strncmp(line, BARRIER_HELLO, length) == 0 &&
           units_parse_integer(line + length, nonce) == 0;
}

/* ---- proofs -------------------------------------------------------------------------------- */

/* The proof of the next line of `side`. */
static uint64_t barrier_proof(const struct barrier_seal *seal, enum barrier_side side,
                              const char *text, size_t length)
{
    const uint64_t numbers[] = {seal->nonces[BARRIER_HOST], seal->nonces[BARRIER_GUEST],
                                (uint64_t)side, seal->proven[side],
                                siphash(&seal->key, text, length)};
    return siphash_numbers(&seal->key, numbers, LENGTH(numbers));
}

void barrier_write_line(struct barrier_seal *seal, enum barrier_side side,
                        char line[BARRIER_LINE_SIZE], const char *text)
{
    size_t length = strlen(text);
    assert(length < BARRIER_TEXT_SIZE);
    (void)snprintf(line, BARRIER_LINE_SIZE, "%s 0x%016" PRIx64 "\n", text,
                   barrier_proof(seal, side, text, length));
    seal->proven[side]++;
}

bool barrier_prove_line(struct barrier_seal *seal, enum barrier_side side, char *line)
{
    char *blank = strrchr(line, ' ');
    uint64_t proof;
    if (blank == NULL || units_parse_integer(blank + 1, &proof) != 0 ||
        proof != barrier_proof(seal, side, line, (size_t)(blank - line))) {
        return false;
    }
    *blank = '\0';
    seal->proven[side]++;
    return true;
}

/* ---- texts --------------------------------------------------------------------------------- */

/* Splits a text at its blanks. The number of words; 0: there are too many. */
static size_t barrier_split(char *text, char *words[BARRIER_WORDS_MAX])
{
    size_t count = 0;
    for (char *word = text; word != NULL && count < BARRIER_WORDS_MAX; count++) {
        char *blank = strchr(word, ' ');
        words[count] = word;
        if (blank != NULL) {
            *blank++ = '\0';
        }
        word = blank;
        if (word != NULL && count + 1 == BARRIER_WORDS_MAX) {
            return 0;
        }
    }
    return count;
}

bool barrier_read_join(char *text, struct barrier_join *join)
{
    char *words[BARRIER_WORDS_MAX];
    if (barrier_split(text, words) != 4 || strcmp(words[0], "join") != 0) {
        return false;
    }
    join->digests = words[3];
    return units_parse_integer(words[1], &join->rank) == 0 &&
           units_parse_integer(words[2], &join->ranks) == 0 && join->rank < join->ranks;
}

bool barrier_read_begin(char *text, uint64_t *delay_ns, uint64_t *run_id)
{
    char *words[BARRIER_WORDS_MAX];
    if (barrier_split(text, words) != 3 || strcmp(words[0], "begin") != 0) {
        return false;
    }
    return units_parse_integer(words[1], delay_ns) == 0 &&
           units_parse_integer(words[2], run_id) == 0 && *delay_ns <= BARRIER_DELAY_MAX_NS &&
           *run_id > 0;
}

const char *barrier_read_why(const char *text, const char *verb)
{
    size_t length = strlen(verb);
    bool same = strncmp(text, verb, length) == 0 && text[length] == ' ';
    return same ? text + length + 1 : NULL;
}
