/* Sizes of messages: what is accepted, and whether the draws have the shares that they should. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "dice.h"
#include "folder.h"
#include "range.h"
#include "sizes.h"
#include "util.h"

#define DRAWS 1000000
#define SEED UINT64_C(0x5eed)
#define LINES_MAX 1000
#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, folder_set_up, folder_tear_down)

static char error[SIZES_ERROR_SIZE];

static struct sizes *parsed(const char *text)
{
    struct sizes *sizes;
    error[0] = '\0';
    if (sizes_parse(text, &sizes, error) != 0) {
        fail_msg("'%s': %s", text, error);
    }
    return sizes;
}

static struct sizes *of_table(const char *name)
{
    struct sizes *sizes;
    if (sizes_read(name, &sizes, error) != 0) {
        fail_msg("'%s': %s", name, error);
    }
    return sizes;
}

static uint64_t drawn(const struct sizes *sizes, uint64_t i)
{
    return sizes_draw(sizes, dice_at(dice_key(SEED, 1), i));
}

static void a_range_has_every_size(void **state)
{
    struct sizes *sizes = parsed("64..1KiB");
    static bool seen[1025];
    (void)state;
    assert_int_equal(sizes->min, 64);
    assert_int_equal(sizes->max, 1024);
    assert_true(sizes->mean == 544);
    for (uint64_t i = 0; i < 100000; i++) {
        uint64_t size = drawn(sizes, i);
        assert_between(size, 64, 1024);
        seen[size] = true;
    }
    for (size_t size = 64; size <= 1024; size++) {
        assert_true(seen[size]);
    }
    free(sizes);
    sizes = parsed("7..7");
    assert_int_equal(drawn(sizes, 0), 7);
    free(sizes);
    sizes = parsed("1..1TiB");
    assert_between(drawn(sizes, 0), 1, SIZES_MAX);
    free(sizes);
}

static void a_mix_has_its_shares(void **state)
{
    struct sizes *sizes = parsed("64:79.5%,64KiB:20.5%,9:0%");
    uint64_t small = 0;
    (void)state;
    assert_int_equal(sizes->count, 2);
    assert_int_equal(sizes->min, 64);
    assert_int_equal(sizes->max, 65536);
    for (uint64_t i = 0; i < DRAWS; i++) {
        small += drawn(sizes, i) == 64;
    }
    /* five standard deviations */
    assert_between(small, 795000 - 2020, 795000 + 2020);
    free(sizes);
}

static void the_ends_of_the_bits_are_the_first_and_last_size(void **state)
{
    struct sizes *sizes = parsed("5:50%,3:50%");
    (void)state;
    assert_int_equal(sizes_draw(sizes, 0), 5);
    assert_int_equal(sizes_draw(sizes, UINT64_MAX), 3);
    assert_int_equal(sizes_draw(sizes, UINT64_MAX / 2), 5);
    assert_int_equal(sizes_draw(sizes, UINT64_MAX / 2 + 1), 3);
    free(sizes);
}

static void wrong_texts_are_refused_with_the_reason(void **state)
{
    static const struct {
        const char *text, *reason;
    } wrong[] = {
        {"64..", "'' is not a size"},
        {"..64", "'' is not a size"},
        {"0..64", "'0' is not a size"},
        {"1..2TiB", "'2TiB' is not a size"},
        {"100..10", "begins with the smaller"},
        {"1..2..3", "'2..3' is not a size"},
        {"64:80%", "add up to 80 %, not to 100 %"},
        {"64:80%,128:20.001%", "add up to 100.001 %"},
        {"64:50%,128:50", "'128:50' is not a size and its share"},
        {"64:50%,", "'' is not a size and its share"},
        {"64:101%", "'64:101%' is not"},
        {"64:-1%,65:101%", "'64:-1%' is not"},
        {"64:nan%", "'64:nan%' is not"},
        {"64:0x64%", "'64:0x64%' is not"},
        {"x:100%", "'x' is not a size"},
        {"64:%", "'64:%' is not"},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        struct sizes *sizes;
        assert_int_equal(sizes_parse(wrong[i].text, &sizes, error), UV_EINVAL);
        if (strstr(error, wrong[i].reason) == NULL) {
            fail_msg("'%s': %s", wrong[i].text, error);
        }
    }
}

/* ---- files --------------------------------------------------------------------------------- */

static void a_file_has_comments_and_weights_of_any_sum(void **state)
{
    (void)state;
    folder_add("sizes", "# a comment\n\n  64 3 # small\r\n64KiB\t1e0\n9 0");
    struct sizes *sizes = of_table(folder_path("sizes"));
    assert_int_equal(sizes->count, 2);
    assert_true(sizes->bins[0].share == 0.75);
    assert_true(sizes->mean == 0.75 * 64 + 0.25 * 65536);
    free(sizes);
}

static void a_wrong_file_is_refused_with_the_reason(void **state)
{
    static const struct {
        const char *text, *reason;
    } wrong[] = {
        {"", "it has no size"},
        {"# 64 1\n", "it has no size"},
        {"64 0\n", "it has no size"},
        {"64 1\n64\n", "line 2 is not a size and its weight"},
        {"64 1 2\n", "line 1 is not"},
        {"64 -1\n", "line 1 is not"},
        {"64 inf\n", "line 1 is not"},
        {"0 1\n", "'0' is not a size"},
        {"64 1e308\n64 1e308\n", "it has no size"},
    };
    struct sizes *sizes;
    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        folder_add("sizes", wrong[i].text);
        assert_int_equal(sizes_read(folder_path("sizes"), &sizes, error), UV_EINVAL);
        if (strstr(error, wrong[i].reason) == NULL) {
            fail_msg("'%s': %s", wrong[i].text, error);
        }
    }
    assert_int_equal(sizes_read(folder_path("none"), &sizes, error), UV_EINVAL);
    assert_non_null(strstr(error, "cannot be opened: "));
}

/* ---- chi-square ---------------------------------------------------------------------------- */

/* How probable it is that a chi-square of so many degrees of freedom is larger: the approximation
 * of Wilson and Hilferty. */
static double chi_square_p(double chi_square, double freedom)
{
    double scale = 2 / (9 * freedom);
    double z = (cbrt(chi_square / freedom) - (1 - scale)) / sqrt(scale);
    return erfc(z / sqrt(2)) / 2;
}

/* What the file of a table says, read without the code under test. */
struct expected {
    uint64_t bytes[LINES_MAX];
    double share[LINES_MAX];
    uint64_t drawn[LINES_MAX];
    size_t count;
};

static void read_expected(struct expected *expected, const char *name)
{
    char path[512];
    char line[256];
    double total = 0;
    (void)snprintf(path, sizeof(path), LOADS "/%s.txt", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    memset(expected, 0, sizeof(*expected));
    while (fgets(line, sizeof(line), file) != NULL) {
        char *end;
        uint64_t bytes = strtoull(line, &end, 10);
        double weight = strtod(end, NULL);
        if (end != line) {
            assert_true(expected->count < LINES_MAX);
            expected->bytes[expected->count] = bytes;
            expected->share[expected->count++] = weight;
            total += weight;
        }
    }
    (void)fclose(file);
    for (size_t i = 0; i < expected->count; i++) {
        expected->share[i] /= total;
    }
}

static void count_draw(struct expected *expected, uint64_t bytes)
{
    size_t i = 0;
    while (i < expected->count && expected->bytes[i] != bytes) {
        i++;
    }
    assert_true(i < expected->count);
    expected->drawn[i]++;
}

static double deviation(double counted, double expected)
{
    return (counted - expected) * (counted - expected) / expected;
}

/* Sizes of which fewer than 100 are expected share a bin. */
static double p_of(const struct expected *expected)
{
    double rest = 0;
    double rest_drawn = 0;
    double chi_square = 0;
    double bins = 0;
    for (size_t i = 0; i < expected->count; i++) {
        double mean = expected->share[i] * DRAWS;
        if (mean < 100) {
            rest += mean;
            rest_drawn += (double)expected->drawn[i];
        } else {
            chi_square += deviation((double)expected->drawn[i], mean);
            bins++;
        }
    }
    if (rest >= 100) {
        chi_square += deviation(rest_drawn, rest);
        bins++;
    }
    print_message("%.0f bins, chi-square %.1f, p %.4f\n", bins, chi_square,
                  chi_square_p(chi_square, bins - 1));
    return chi_square_p(chi_square, bins - 1);
}

static void draws_have_the_shares_of_the_tables(void **state)
{
    static const char *const names[] = {"w1", "w2", "w3", "w4", "w5"};
    static struct expected expected;
    (void)state;
    for (size_t n = 0; n < LENGTH(names); n++) {
        struct sizes *sizes = of_table(names[n]);
        read_expected(&expected, names[n]);
        assert_int_equal(sizes->count, expected.count);
        for (uint64_t i = 0; i < DRAWS; i++) {
            count_draw(&expected, drawn(sizes, i));
        }
        print_message("%s: ", names[n]);
        double p = p_of(&expected);
        assert_true(p > 1e-4 && p < 1 - 1e-4);
        free(sizes);
    }
}

/* The test must be able to fail. */
static void the_test_sees_a_wrong_share(void **state)
{
    static struct expected expected;
    struct sizes *sizes = of_table("w5");
    (void)state;
    read_expected(&expected, "w5");
    for (uint64_t i = 0; i < DRAWS; i++) {
        count_draw(&expected, i % 100 == 0 ? expected.bytes[0] : drawn(sizes, i));
    }
    assert_true(p_of(&expected) < 1e-4);
    free(sizes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_has_every_size),
        cmocka_unit_test(a_mix_has_its_shares),
        cmocka_unit_test(the_ends_of_the_bits_are_the_first_and_last_size),
        cmocka_unit_test(wrong_texts_are_refused_with_the_reason),
        FILE_TEST(a_file_has_comments_and_weights_of_any_sum),
        FILE_TEST(a_wrong_file_is_refused_with_the_reason),
        cmocka_unit_test(draws_have_the_shares_of_the_tables),
        cmocka_unit_test(the_test_sees_a_wrong_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
