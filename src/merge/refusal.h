#ifndef ECHOPORT_REFUSAL_H
#define ECHOPORT_REFUSAL_H

/* Reasons why reports can't be merged. Each is a message; of very many, the first ones are. */

#include <stddef.h>

#include "text.h"

struct refusals {
    size_t count; /* starts as 0 */
};

/* Says "program: --merge: REASON". */
void refuse(struct refusals *refusals, const char *format, ...) TEXT_FORMAT(2, 3);

/* Says how many were not shown. Returns true if there were any. */
bool refusals_end(const struct refusals *refusals);

#endif
