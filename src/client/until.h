#ifndef ECHOPORT_UNTIL_H
#define ECHOPORT_UNTIL_H

/*
 * --until: the run goes on until a percentile is known well enough, as in "p99+-5%". Then the
 * interval of precision.h is at most that wide, in both directions together twice that. Main
 * thread.
 */

#include <stdbool.h>

#include "batches.h"
#include "condition.h"
#include "json.h"
#include "precision.h"
#include "text.h"

/* The run is not judged before it has as many batches: their variation is not known well. */
#define UNTIL_BATCHES_MIN 16

struct until {
    const char *text; /* as it was given; NULL: not at all */
    struct condition_precision condition;
    struct precision precision; /* at the last look */
    double half_width_percent;  /* at the last look; NAN: not known */
    bool reached;               /* at the last look */
};

/* `text` is such a condition, or NULL. It must stay. */
void until_init(struct until *until, const char *text);

/* Looks at what was measured so far. Does nothing without a condition, or once it is reached. */
void until_look(struct until *until, const struct batches *batches);

/* Whether the run was not long enough to tell. */
bool until_has_failed(const struct until *until);

/* The line "until"; nothing without a condition. */
void until_text(const struct until *until, struct text *out);

/* The member "until": null without a condition. */
void until_json(const struct until *until, struct json *json);

#endif
