#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <uv.h>

#include "units.h"

#define UNTOUCHED UINT64_C(0x5a5a5a5a5a5a5a5a)

typedef int parse_function(const char *text, uint64_t *value);
typedef char *format_function(char *buffer, size_t size, uint64_t value);
typedef char *format_double_function(char *buffer, size_t size, double value);

struct reading {
    const char *text;
    int result;
    uint64_t value;
};

static void check_readings(parse_function *parse, const struct reading *readings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = UNTOUCHED;
        int result = parse(readings[i].text, &value);
        uint64_t expected = readings[i].result == 0 ? readings[i].value : UNTOUCHED;

        if (result != readings[i].result || value != expected) {
            fail_msg("'%s': %d %" PRIu64, readings[i].text, result, value);
        }
    }
}

/* Texts that every parser refuses. */
static const char *const malformed[] = {
    "",
    " ",
    "k",
    "B",
    "s",
    "-1",
    "+1",
    " 1",
    "1 ",
    "1 k",
    "1_000",
    "1,000",
    "1.",
    ".5",
    ".",
    "1..",
    "1.2.",
    "1e3",
    "0x",
    "0xg",
    "x10",
    "inf",
    "nan",
    "1kk",
    "1iB",
    "1Kx",
    "--",
    "1\n",
    "1\t",
    "\x31\x1b",
    "1.1234567890123456789k",
    "\xd9\xa1",
};

static void refuses_what_is_malformed(void **state)
{
    parse_function *const parsers[] = {units_parse_count, units_parse_bytes, units_parse_duration,
                                       units_parse_integer};

    (void)state;
    for (size_t p = 0; p < LENGTH(parsers); p++) {
        for (size_t i = 0; i < LENGTH(malformed); i++) {
            const struct reading reading = {malformed[i], UV_EINVAL, 0};

            check_readings(parsers[p], &reading, 1);
        }
    }
}

static void reads_counts(void **state)
{
    static const struct reading readings[] = {
        {"0", 0, 0},
        {"007", 0, 7},
        {"10k", 0, 10000},
        {"10K", 0, 10000},
        {"10Ki", 0, 10240},
        {"1M", 0, 1000000},
        {"1Mi", 0, 1048576},
        {"2G", 0, 2000000000},
        {"2Gi", 0, UINT64_C(2147483648)},
        {"3T", 0, UINT64_C(3000000000000)},
        {"1Ti", 0, UINT64_C(1099511627776)},
        {"1.5k", 0, 1500},
        {"1.500k", 0, 1500},
        {"1.0", 0, 1},
        {"0.5Ki", 0, 512},
        {"1.123456789012345678T", UV_EINVAL, 0},
        {"1.5", UV_EINVAL, 0},
        {"0.0001k", UV_EINVAL, 0},
        {"18446744073709551615", 0, UINT64_MAX},
        {"18446744073709551616", UV_ERANGE, 0},
        {"18446744073709551.615k", 0, UINT64_MAX},
        {"18446744073709551.616k", UV_ERANGE, 0},
        {"18446744073709552k", UV_ERANGE, 0},
        {"16777216Ti", UV_ERANGE, 0},
        {"16777215Ti", 0, UINT64_C(16777215) << 40},
        {"99999999999999999999999999999999", UV_ERANGE, 0},
        {"99999999999999999999999999999999x", UV_EINVAL, 0},
        {"10m", UV_EINVAL, 0},
        {"10g", UV_EINVAL, 0},
        {"10ki", UV_EINVAL, 0},
        {"10KB", UV_EINVAL, 0},
        {"10B", UV_EINVAL, 0},
        {"10s", UV_EINVAL, 0},
    };

    (void)state;
    check_readings(units_parse_count, readings, LENGTH(readings));
}

static void reads_bytes(void **state)
{
    static const struct reading readings[] = {
        {"0", 0, 0},
        {"64", 0, 64},
        {"64B", 0, 64},
        {"64k", 0, 64000},
        {"4K", 0, 4000},
        {"64kB", 0, 64000},
        {"64Ki", 0, 65536},
        {"64KiB", 0, 65536},
        {"64MB", 0, 64000000},
        {"64MiB", 0, UINT64_C(64) << 20},
        {"1GiB", 0, UINT64_C(1) << 30},
        {"1TiB", 0, UINT64_C(1) << 40},
        {"1.5KiB", 0, 1536},
        {"0.1KiB", UV_EINVAL, 0},
        {"64BB", UV_EINVAL, 0},
        {"64b", UV_EINVAL, 0},
        {"64kb", UV_EINVAL, 0},
        {"64kib", UV_EINVAL, 0},
        {"64KBi", UV_EINVAL, 0},
        {"17179869184GiB", UV_ERANGE, 0},
        {"17179869183GiB", 0, UINT64_C(17179869183) << 30},
    };

    (void)state;
    check_readings(units_parse_bytes, readings, LENGTH(readings));
}

static void reads_durations(void **state)
{
    static const struct reading readings[] = {
        {"0", 0, 0},
        {"10", 0, UINT64_C(10000000000)},
        {"0.25", 0, 250000000},
        {"7ns", 0, 7},
        {"20us", 0, 20000},
        {"500ms", 0, 500000000},
        {"10s", 0, UINT64_C(10000000000)},
        {"1.5s", 0, 1500000000},
        {"2m", 0, UINT64_C(120000000000)},
        {"1h", 0, UINT64_C(3600000000000)},
        {"30d", 0, UINT64_C(2592000000000000)},
        {"0.000000001", 0, 1},
        {"0.0000000001", UV_EINVAL, 0},
        {"1.5ns", UV_EINVAL, 0},
        {"1min", UV_EINVAL, 0},
        {"1S", UV_EINVAL, 0},
        {"1k", UV_EINVAL, 0},
        {"1h30m", UV_EINVAL, 0},
        {"213503d", 0, UINT64_C(213503) * NS_PER_DAY},
        {"213504d", UV_ERANGE, 0},
    };

    (void)state;
    check_readings(units_parse_duration, readings, LENGTH(readings));
}

static void reads_integers(void **state)
{
    static const struct reading readings[] = {
        {"0", 0, 0},
        {"42", 0, 42},
        {"0x2a", 0, 42},
        {"0X2A", 0, 42},
        {"0xffffffffffffffff", 0, UINT64_MAX},
        {"0x10000000000000000", UV_ERANGE, 0},
        {"18446744073709551616", UV_ERANGE, 0},
        {"10k", UV_EINVAL, 0},
        {"1.0", UV_EINVAL, 0},
        {"2a", UV_EINVAL, 0},
        {"0x0x1", UV_EINVAL, 0},
    };

    (void)state;
    check_readings(units_parse_integer, readings, LENGTH(readings));
}

struct writing {
    double value;
    const char *text;
};

static void check_writings(format_double_function *format, const struct writing *writings,
                           size_t count)
{
    char text[UNITS_TEXT_SIZE];

    for (size_t i = 0; i < count; i++) {
        assert_string_equal(format(text, sizeof text, writings[i].value), writings[i].text);
    }
}

static void writes_bytes(void **state)
{
    static const struct writing writings[] = {
        {0, "0 B"},
        {1, "1 B"},
        {0.5, "0.50 B"},
        {1023, "1023 B"},
        {1023.6, "1.00 KiB"},
        {1024, "1.00 KiB"},
        {1536, "1.50 KiB"},
        {10235, "10.0 KiB"},
        {102348, "99.9 KiB"},
        {102400, "100 KiB"},
        {1047552, "1023 KiB"},
        {1048575, "1.00 MiB"},
        {1299227607, "1.21 GiB"},
        {1e30, "867361737988 EiB"},
    };

    (void)state;
    check_writings(units_format_bytes, writings, LENGTH(writings));
}

static void writes_counts(void **state)
{
    static const struct writing writings[] = {
        {0, "0"},
        {512, "512"},
        {99.5, "99.50"},
        {999.96, "1.000 k"},
        {1000, "1.000 k"},
        {112400, "112.4 k"},
        {999949, "999.9 k"},
        {999951, "1.000 M"},
        {9999600, "10.00 M"},
        {1124000, "1.124 M"},
        {18446744073709551615.0, "18.45 E"},
    };

    (void)state;
    check_writings(units_format_count, writings, LENGTH(writings));
}

static void writes_rates(void **state)
{
    static const struct writing writings[] = {
        {0, "0/s"}, {0.25, "0.250/s"}, {112400, "112.4 k/s"}, {31.25, "31.25/s"}};

    (void)state;
    check_writings(units_format_rate, writings, LENGTH(writings));
}

static void check_integers(format_function *format, uint64_t value, const char *expected)
{
    char text[UNITS_TEXT_SIZE];

    assert_string_equal(format(text, sizeof text, value), expected);
}

static void writes_durations(void **state)
{
    (void)state;
    check_integers(units_format_duration, 0, "0 ns");
    check_integers(units_format_duration, 850, "850 ns");
    check_integers(units_format_duration, 999, "999 ns");
    check_integers(units_format_duration, 1000, "1.00 us");
    check_integers(units_format_duration, 23100, "23.1 us");
    check_integers(units_format_duration, 999600, "1.00 ms");
    check_integers(units_format_duration, 1200000, "1.20 ms");
    check_integers(units_format_duration, 59940000000, "59.9 s");
    check_integers(units_format_duration, 59950000000, "1 min 00 s");
    check_integers(units_format_duration, 125000000000, "2 min 05 s");
    check_integers(units_format_duration, 125499999999, "2 min 05 s");
    check_integers(units_format_duration, 125500000000, "2 min 06 s");
    check_integers(units_format_duration, 3599499999999, "59 min 59 s");
    check_integers(units_format_duration, 3599500000000, "1 h 00 min");
    check_integers(units_format_duration, 5429499999999, "1 h 30 min");
    check_integers(units_format_duration, 5429500000000, "1 h 31 min");
    check_integers(units_format_duration, 3735000000000, "1 h 02 min");
    check_integers(units_format_duration, UINT64_MAX, "5124095 h 35 min");
}

static void writes_thousands(void **state)
{
    (void)state;
    check_integers(units_format_grouped, 0, "0");
    check_integers(units_format_grouped, 999, "999");
    check_integers(units_format_grouped, 1000, "1,000");
    check_integers(units_format_grouped, 1234567, "1,234,567");
    check_integers(units_format_grouped, UINT64_MAX, "18,446,744,073,709,551,615");
}

static void writes_exact_texts(void **state)
{
    (void)state;
    check_integers(units_exact_count, 0, "0");
    check_integers(units_exact_count, 1024, "1024");
    check_integers(units_exact_count, 65536, "65536");
    check_integers(units_exact_count, 10000000, "10M");
    check_integers(units_exact_count, 1048576, "1Mi");
    check_integers(units_exact_count, UINT64_MAX, "18446744073709551615");
    check_integers(units_exact_bytes, 0, "0");
    check_integers(units_exact_bytes, 64000, "64000");
    check_integers(units_exact_bytes, 65536, "64KiB");
    check_integers(units_exact_bytes, UNITS_TIB, "1TiB");
    check_integers(units_exact_duration, 0, "0");
    check_integers(units_exact_duration, 1, "1ns");
    check_integers(units_exact_duration, UINT64_C(1500000000), "1500ms");
    check_integers(units_exact_duration, 30 * NS_PER_DAY, "30d");
}

static void check_back(format_function *format, parse_function *parse, uint64_t value)
{
    char text[UNITS_TEXT_SIZE];
    uint64_t back = ~value;

    assert_int_equal(parse(format(text, sizeof text, value), &back), 0);
    assert_true(back == value);
}

static void reads_back_exact_texts(void **state)
{
    uint64_t random = 1;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        uint64_t value;

        random = random * UINT64_C(6364136223846793005) + 1;
        value = (random >> 11) >> (random & 31);
        value *= i % 3 == 0 ? 1 : i % 3 == 1 ? 1000 : 1024;
        check_back(units_exact_count, units_parse_count, value);
        check_back(units_exact_bytes, units_parse_bytes, value);
        check_back(units_exact_duration, units_parse_duration, value);
    }
}

static void counts_things(void **state)
{
    (void)state;
    assert_string_equal(units_counted(0, "byte").text, "0 bytes");
    assert_string_equal(units_counted(1, "connection").text, "1 connection");
    assert_string_equal(units_counted(2, "thread").text, "2 threads");
    assert_string_equal(units_counted(16384, "connection").text, "16,384 connections");
    assert_string_equal(units_counted(UINT64_MAX, "message").text,
                        "18,446,744,073,709,551,615 messages");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_malformed),
        cmocka_unit_test(reads_counts),
        cmocka_unit_test(reads_bytes),
        cmocka_unit_test(reads_durations),
        cmocka_unit_test(reads_integers),
        cmocka_unit_test(writes_bytes),
        cmocka_unit_test(writes_counts),
        cmocka_unit_test(writes_rates),
        cmocka_unit_test(writes_durations),
        cmocka_unit_test(writes_thousands),
        cmocka_unit_test(writes_exact_texts),
        cmocka_unit_test(reads_back_exact_texts),
        cmocka_unit_test(counts_things),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
