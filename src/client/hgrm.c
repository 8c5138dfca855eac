#include "hgrm.h"

#include <inttypes.h>
#include <math.h>

/* Rows per halving of the rest. */
#define HGRM_TICKS 5

/* So many halvings of 100 % are the last that a double can tell from 100 %. */
#define HGRM_HALVINGS 46

/* In the words of HdrHistogram. Its first bucket has all the sub-buckets, each further one the
 * upper half of them. */
#define HGRM_BUCKETS (HISTOGRAM_VALUE_BITS - HISTOGRAM_SUB_BITS)
#define HGRM_SUB_BUCKETS (2 << HISTOGRAM_SUB_BITS)

static double hgrm_ms(double ns)
{
    return ns / 1e6;
}

/* The percentage of row `step`. Powers of two times ten: exact. */
static double hgrm_level(unsigned step)
{
    double rest = ldexp(100.0, -(int)(step / HGRM_TICKS));
    return 100.0 - rest + rest / (2 * HGRM_TICKS) * (step % HGRM_TICKS);
}

/* The values of one bucket, up to the highest that was recorded. */
struct hgrm_rows {
    uint64_t value;
    uint64_t passed; /* values up to and including these */
    uint64_t total;
};

/* The rows from `*step` on that the values reach; of the last values only the first row. */
static void hgrm_rows_text(const struct hgrm_rows *rows, unsigned *step, struct text *out)
{
    double reached = 100.0 * (double)rows->passed / (double)rows->total;
    bool more = true;
    while (more && *step < HGRM_TICKS * HGRM_HALVINGS && reached >= hgrm_level(*step)) {
        double share = hgrm_level(*step) / 100.0;
        text_printf(out, "%12.6f %2.12f %10" PRIu64 " %14.2f\n", hgrm_ms((double)rows->value),
                    share, rows->passed, 1.0 / (1.0 - share));
        ++*step;
        more = rows->passed < rows->total;
    }
}

/* The row of 100 % has no fourth column: it would be infinite. */
static void hgrm_table_text(const struct histogram *latency, struct text *out)
{
    struct hgrm_rows rows = {.total = latency->count};
    struct histogram_bucket bucket;
    size_t position = 0;
    unsigned step = 0;
    while (histogram_next(latency, &position, &bucket)) {
        rows.value = bucket.upper < latency->max ? bucket.upper : latency->max;
        rows.passed += bucket.count;
        hgrm_rows_text(&rows, &step, out);
    }
    if (rows.total > 0) {
        text_printf(out, "%12.6f %2.12f %10" PRIu64 "\n", hgrm_ms((double)rows.value), 1.0,
                    rows.total);
    }
}

void hgrm_text(const struct histogram *latency, struct text *out)
{
    text_printf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
                "1/(1-Percentile)");
    hgrm_table_text(latency, out);
    text_printf(out, "#[Mean    = %12.6f, StdDeviation   = %12.6f]\n",
                hgrm_ms(histogram_mean(latency)), hgrm_ms(histogram_deviation(latency)));
    text_printf(out, "#[Max     = %12.6f, Total count    = %12" PRIu64 "]\n",
                hgrm_ms((double)latency->max), latency->count);
    text_printf(out, "#[Buckets = %12d, SubBuckets     = %12d]\n", HGRM_BUCKETS, HGRM_SUB_BUCKETS);
}
