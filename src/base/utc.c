#include "utc.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "units.h"

#define UTC_MS_PER_DAY UINT64_C(86400000)
#define UTC_S_PER_DAY UINT64_C(86400)

/* Every time before this second fits 64 bits of nanoseconds. It is in 2554. */
#define UTC_SECONDS_MAX (UINT64_MAX / NS_PER_S)

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

double utc_seconds(uint64_t unix_ns)
{
    uint64_t seconds = unix_ns / NS_PER_S;
    return (double)seconds + (double)(unix_ns % NS_PER_S) / 1e9;
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

/* ---- reading ------------------------------------------------------------------------------- */

static bool utc_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Each of these takes what it reads from the beginning of *text. False: it is not there. */
static bool utc_take(const char **text, char c)
{
    bool is_there = **text == c;
    *text += is_there;
    return is_there;
}

static bool utc_take_digits(const char **text, unsigned count, uint64_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < count; i++, (*text)++) {
        if (!utc_is_digit(**text)) {
            return false;
        }
        *value = *value * 10 + (uint64_t)(**text - '0');
    }
    return true;
}

/* Nanoseconds, of a point and up to nine digits. Without a point there is no fraction: 0. */
static bool utc_take_fraction(const char **text, uint64_t *ns)
{
    *ns = 0;
    if (!utc_take(text, '.')) {
        return true;
    }
    uint64_t unit_ns = NS_PER_S;
    for (; utc_is_digit(**text) && unit_ns > 1; (*text)++) {
        unit_ns /= 10;
        *ns += (uint64_t)(**text - '0') * unit_ns;
    }
    return unit_ns < NS_PER_S;
}

/* Whole seconds since 1970; UTC_SECONDS_MAX if there are more. */
static bool utc_take_seconds(const char **text, uint64_t *seconds)
{
    bool is_there = utc_is_digit(**text);
    *seconds = 0;
    for (; utc_is_digit(**text); (*text)++) {
        *seconds = *seconds * 10 + (uint64_t)(**text - '0');
        *seconds = *seconds < UTC_SECONDS_MAX ? *seconds : UTC_SECONDS_MAX;
    }
    return is_there;
}

/* Days from 1970-01-01 to a date since then, by the arithmetic of utc_date(). Days and months that
 * do not exist give another date. */
static uint64_t utc_days(const struct utc_date *date)
{
    bool before_march = date->month <= 2;
    uint64_t year = date->year - before_march;
    uint64_t month = before_march ? date->month + 9 : date->month - 3;
    uint64_t day = (153 * month + 2) / 5 + date->day - 1;
    day += 365 * (year % 400) + year % 400 / 4 - year % 400 / 100;
    return year / 400 * 146097 + day - 719468;
}

/* Days since 1970; UV_ERANGE before that. */
static int utc_take_date(const char **text, uint64_t *days)
{
    struct utc_date date;
    if (!utc_take_digits(text, 4, &date.year) || !utc_take(text, '-') ||
        !utc_take_digits(text, 2, &date.month) || !utc_take(text, '-') ||
        !utc_take_digits(text, 2, &date.day)) {
        return UV_EINVAL;
    }
    if (date.year < 1970) {
        return UV_ERANGE;
    }
    *days = utc_days(&date);
    const struct utc_date same = utc_date(*days);
    bool exists = same.year == date.year && same.month == date.month && same.day == date.day;
    return exists ? 0 : UV_EINVAL;
}

/* "hh:mm", in seconds. */
static bool utc_take_minutes(const char **text, uint64_t *seconds)
{
    uint64_t hours;
    uint64_t minutes;
    if (!utc_take_digits(text, 2, &hours) || !utc_take(text, ':') ||
        !utc_take_digits(text, 2, &minutes)) {
        return false;
    }
    *seconds = hours * 3600 + minutes * 60;
    return hours < 24 && minutes < 60;
}

/* "hh:mm:ss", in seconds. Seconds since 1970 leave out leap seconds, so there is no second 60. */
static bool utc_take_time(const char **text, uint64_t *seconds)
{
    uint64_t second;
    if (!utc_take_minutes(text, seconds) || !utc_take(text, ':') ||
        !utc_take_digits(text, 2, &second)) {
        return false;
    }
    *seconds += second;
    return second < 60;
}

/* How far local time is ahead of UTC, in seconds, and how far behind. One of them is 0. */
static bool utc_take_zone(const char **text, uint64_t *ahead, uint64_t *behind)
{
    *ahead = *behind = 0;
    if (utc_take(text, 'Z')) {
        return true;
    }
    if (utc_take(text, '+')) {
        return utc_take_minutes(text, ahead);
    }
    return utc_take(text, '-') && utc_take_minutes(text, behind);
}

static int utc_parse_iso(const char *text, uint64_t *seconds, uint64_t *ns)
{
    uint64_t days;
    uint64_t time;
    uint64_t ahead;
    uint64_t behind;
    int status = utc_take_date(&text, &days);
    if (status != 0) {
        return status;
    }
    if (!utc_take(&text, 'T') || !utc_take_time(&text, &time) || !utc_take_fraction(&text, ns) ||
        !utc_take_zone(&text, &ahead, &behind) || *text != '\0') {
        return UV_EINVAL;
    }
    *seconds = days * UTC_S_PER_DAY + time + behind;
    if (*seconds < ahead) {
        return UV_ERANGE;
    }
    *seconds -= ahead;
    return 0;
}

static int utc_parse_unix(const char *text, uint64_t *seconds, uint64_t *ns)
{
    bool good = utc_take_seconds(&text, seconds) && utc_take_fraction(&text, ns) && *text == '\0';
    return good ? 0 : UV_EINVAL;
}

int utc_parse(const char *text, uint64_t *unix_ns)
{
    bool is_iso = strchr(text, '-') != NULL;
    uint64_t seconds;
    uint64_t ns;
    int status = (is_iso ? utc_parse_iso : utc_parse_unix)(text, &seconds, &ns);
    if (status == 0 && seconds >= UTC_SECONDS_MAX) {
        status = UV_ERANGE;
    }
    if (status == 0) {
        *unix_ns = seconds * NS_PER_S + ns;
    }
    return status;
}
