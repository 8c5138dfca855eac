#include "backlog.h"

#include <assert.h>
#include <math.h>

void backlog_init(struct backlog *backlog, uint64_t from_ns, uint64_t until_ns)
{
    assert(from_ns < until_ns);
    *backlog = (struct backlog){.from_ns = from_ns, .until_ns = until_ns};
}

void backlog_on_slice(void *context, const struct slice *slice)
{
    struct backlog *backlog = context;
    if (slice->until_ns <= backlog->from_ns || slice->until_ns > backlog->until_ns) {
        return;
    }
    double part = (double)(slice->until_ns - backlog->from_ns) /
                  (double)(backlog->until_ns - backlog->from_ns);
    size_t quarter = (size_t)ceil(part * SEARCH_QUARTERS) - 1;
    backlog->sums[quarter] += (double)slice->backlog;
    backlog->slices[quarter]++;
}

void backlog_means(const struct backlog *backlog, double means[SEARCH_QUARTERS])
{
    for (size_t i = 0; i < SEARCH_QUARTERS; i++) {
        means[i] = backlog->slices[i] > 0 ? backlog->sums[i] / (double)backlog->slices[i] : NAN;
    }
}
