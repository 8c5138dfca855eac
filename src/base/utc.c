#include "utc.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include <uv.h>

#include "units.h"

#define UTC_MS_PER_DAY UINT64_C(86400000)

struct utc_date {
    uint64_t year;
    uint64_t month;
    uint64_t day;
};

uint64_t utc_now_ns(void)
{
    uv_timeval64_t now;
    if (uv_gettimeofday(&now) != 0 || now.tv_sec < 0) {
        return 0;
    }
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_usec * 1000;
}

/* The date that is `days` after 1970-01-01. Years are counted from March, so that a leap day is the
 * last of its year: 146,097 days make 400 years. */
static struct utc_date utc_date(uint64_t days)
{
    uint64_t day = days + 719468; /* since 0000-03-01 */
    uint64_t era = day / 146097;
    day %= 146097;
    uint64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    uint64_t month = (5 * day + 2) / 153; /* 0: March */
    return (struct utc_date){.year = era * 400 + year + (month >= 10),
                             .month = month < 10 ? month + 3 : month - 9,
                             .day = day - (153 * month + 2) / 5 + 1};
}

char *utc_format_time(char *buffer, size_t size, uint64_t unix_ns)
{
    uint64_t ms = unix_ns / NS_PER_MS % UTC_MS_PER_DAY;
    assert(size >= UTC_TEXT_SIZE);
    (void)snprintf(buffer, size, "%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%03" PRIu64 "Z",
                   ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
    return buffer;
}

char *utc_format(char *buffer, size_t size, uint64_t unix_ns)
{
    char time[UTC_TEXT_SIZE];
    struct utc_date date = utc_date(unix_ns / NS_PER_MS / UTC_MS_PER_DAY);
    assert(size >= UTC_TEXT_SIZE);
    (void)snprintf(buffer, size, "%04" PRIu64 "-%02" PRIu64 "-%02" PRIu64 "T%s", date.year,
                   date.month, date.day, utc_format_time(time, sizeof(time), unix_ns));
    return buffer;
}
