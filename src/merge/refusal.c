#include "refusal.h"

#include <stdarg.h>
#include <stdio.h>

#include "log.h"

/* How many are shown. */
#define REFUSALS_SHOWN 20

void refuse(struct refusals *refusals, const char *format, ...)
{
    char reason[LOG_LINE_MAX];
    va_list arguments;
    if (refusals->count++ >= REFUSALS_SHOWN) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    log_message("--merge: %s", reason);
}

bool refusals_end(const struct refusals *refusals)
{
    if (refusals->count > REFUSALS_SHOWN) {
        log_message("--merge: and %zu more reasons", refusals->count - REFUSALS_SHOWN);
    }
    return refusals->count > 0;
}
