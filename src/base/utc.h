#ifndef ECHOPORT_UTC_H
#define ECHOPORT_UTC_H

/* Times of the calendar, in UTC. Lines of several machines agree, and no time zone is needed. Any
 * thread. */

#include <stddef.h>
#include <stdint.h>

/* Bytes of "2026-11-29T09:20:11.123Z" and its NUL. */
#define UTC_TEXT_SIZE 25

/* Nanoseconds since 1970, by the system's clock, which may step. 0: the system does not say. */
uint64_t utc_now_ns(void);

/* Such a time in seconds, as close as a double is: to 0.25 us. */
double utc_seconds(uint64_t unix_ns);

/* Writes the time of ISO 8601, to the millisecond, into `buffer` of at least UTC_TEXT_SIZE bytes,
 * and returns `buffer`. The year is at most 2554. */
char *utc_format(char *buffer, size_t size, uint64_t unix_ns);

/* The same without the date: "09:20:11.123Z". */
char *utc_format_time(char *buffer, size_t size, uint64_t unix_ns);

/*
 * Reads all of `text`: seconds since 1970, as in 1795957200.5; or ISO 8601 with a zone, as in
 * 2026-11-29T13:00:00.5Z or 2026-11-29T14:00:00+01:00. Either may have a fraction of up to nine
 * digits. Returns 0 and `unix_ns`, nanoseconds since 1970; UV_EINVAL when it isn't such a time;
 * or UV_ERANGE before 1970 and from July 2554 on.
 */
int utc_parse(const char *text, uint64_t *unix_ns);

#endif
