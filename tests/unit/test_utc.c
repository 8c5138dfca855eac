#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <string.h>
#include <uv.h>

#include "utc.h"
#include "util.h"

#define UNTOUCHED UINT64_C(0x5a5a5a5a5a5a5a5a)

static const struct {
    const char *text;
    uint64_t unix_ns;
} times[] = {
    {"0", 0},
    {"0.000000001", 1},
    {"1", NS_PER_S},
    {"1795957200", UINT64_C(1795957200000000000)},
    {"1795957200.5", UINT64_C(1795957200500000000)},
    {"1795957200.123456789", UINT64_C(1795957200123456789)},
    {"0001795957200", UINT64_C(1795957200000000000)},
    {"18446744072.999999999", UINT64_C(18446744072999999999)},
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T01:00:00+01:00", 0},
    {"1970-01-01T00:00:00-00:30", UINT64_C(1800) * NS_PER_S},
    {"2026-11-29T13:00:00Z", UINT64_C(1795957200000000000)},
    {"2026-11-29T14:30:00+01:30", UINT64_C(1795957200000000000)},
    {"2026-11-28T23:00:00-14:00", UINT64_C(1795957200000000000)},
    {"2026-11-29T13:00:00.25Z", UINT64_C(1795957200250000000)},
    {"2026-11-29T13:00:00.000000001Z", UINT64_C(1795957200000000001)},
    {"2000-02-29T00:00:00Z", UINT64_C(951782400000000000)},
    {"2024-02-29T23:59:59Z", UINT64_C(1709251199000000000)},
    {"2026-12-31T23:59:59.999999999Z", UINT64_C(1798761599999999999)},
    {"2554-07-21T23:34:32Z", UINT64_C(18446744072000000000)},
};

static void times_are_read_to_the_nanosecond(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(times); i++) {
        uint64_t unix_ns = UNTOUCHED;
        int status = utc_parse(times[i].text, &unix_ns);
        if (status != 0 || unix_ns != times[i].unix_ns) {
            fail_msg("'%s': %d %" PRIu64, times[i].text, status, unix_ns);
        }
    }
}

static void refuses(const char *text, int status)
{
    uint64_t unix_ns = UNTOUCHED;
    int result = utc_parse(text, &unix_ns);
    if (result != status || unix_ns != UNTOUCHED) {
        fail_msg("'%s': %d %" PRIu64, text, result, unix_ns);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        " 1",
        "1 ",
        "+1",
        "-1",
        ".5",
        "1.",
        "1..5",
        "1.0000000001",
        "1e9",
        "0x10",
        "1,5",
        "now",
        "13:00:00",
        "2026-11-29",
        "2026-11-29T13:00Z",
        "2026-11-29 13:00:00Z",
        "2026-11-29T13:00:00",
        "2026-11-29T13:00:00.Z",
        "2026-11-29T13:00:00.5",
        "2026-11-29T13:00:00z",
        "2026-11-29T13:00:00ZZ",
        "2026-11-29T13:00:00+1:00",
        "2026-11-29T13:00:00+0100",
        "2026-11-29T13:00:00+01",
        "2026-11-29T13:00:00+24:00",
        "2026-11-29T13:00:00+01:60",
        "2026-11-29T13:00:00.1234567890Z",
        "26-11-29T13:00:00Z",
        "2026-1-29T13:00:00Z",
        "12026-11-29T13:00:00Z",
        "2026-00-29T13:00:00Z",
        "2026-13-29T13:00:00Z",
        "2026-99-29T13:00:00Z",
        "2026-11-00T13:00:00Z",
        "2026-03-00T13:00:00Z",
        "2026-11-31T13:00:00Z",
        "2026-01-32T13:00:00Z",
        "2026-02-29T13:00:00Z",
        "2026-02-30T13:00:00Z",
        "2024-02-30T13:00:00Z",
        "2100-02-29T13:00:00Z",
        "2026-11-29T24:00:00Z",
        "2026-11-29T13:60:00Z",
        "2026-11-29T13:00:60Z",
        "2026-12-31T23:59:60Z",
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++) {
        refuses(texts[i], UV_EINVAL);
    }
}

static void times_out_of_range_are_refused(void **state)
{
    static const char *const texts[] = {
        "18446744073",          "18446744073.709551616",
        "18446744074",          "99999999999999999999999999999999",
        "1969-12-31T23:59:59Z", "1970-01-01T00:59:59+01:00",
        "2554-07-21T23:34:33Z", "9999-12-31T23:59:59Z",
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++) {
        refuses(texts[i], UV_ERANGE);
    }
}

/* Each day of 400 years, which is the period of the calendar, and the text of each. */
static void every_date_that_is_written_is_read_back(void **state)
{
    (void)state;
    for (uint64_t day = 0; day < 146097; day++) {
        char text[UTC_TEXT_SIZE];
        uint64_t unix_ns = day * NS_PER_DAY + day % 86400 * NS_PER_S + day % 1000 * NS_PER_MS;
        uint64_t read_ns = UNTOUCHED;
        assert_int_equal(utc_parse(utc_format(text, sizeof(text), unix_ns), &read_ns), 0);
        assert_true(read_ns == unix_ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_to_the_nanosecond),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(times_out_of_range_are_refused),
        cmocka_unit_test(every_date_that_is_written_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
