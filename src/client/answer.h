#ifndef ECHOPORT_ANSWER_H
#define ECHOPORT_ANSWER_H

/*
 * A wrong answer of the server, for people: its bytes in hexadecimal and as text, and a guess at
 * what kind of server sends such bytes. Pure functions; any thread.
 */

#include <stddef.h>
#include <stdint.h>

#include "stats.h"
#include "text.h"

struct json;

/* The number of wrong bytes that a message shows. */
#define ANSWER_SHOWN 16

/* What sends such bytes first on a connection, as in "an HTTP server". NULL: nothing known. The
 * text is constant. */
const char *answer_guess(const uint8_t *bytes, size_t length);

/* Adds "48 54 54 50". */
void answer_hex(const uint8_t *bytes, size_t length, struct text *out);

/* Adds the bytes as text. All but printable ASCII is escaped, as in \r, \n, \x1b; the backslash and
 * the quote as well. */
void answer_escape(const uint8_t *bytes, size_t length, struct text *out);

/* What a run has met instead of an echo server, as in "an HTTP server". NULL: it met one, or
 * nothing is known. The text is constant. */
const char *answer_peer(const struct client_stats *stats);

/* Adds the report's line about wrong or missing answers, if there is something to say. */
void answer_text(const struct client_stats *stats, struct text *out);

/* Adds the members "wrong_answer" and "looks_like". */
void answer_json(const struct client_stats *stats, struct json *json);

#endif
