#include "counter.h"

static uint64_t *counter_at(const struct counter *counter, void *counts)
{
    return (uint64_t *)(void *)((char *)counts + counter->offset);
}

uint64_t counter_value(const struct counter *counter, const void *counts)
{
    return *(const uint64_t *)(const void *)((const char *)counts + counter->offset);
}

void counter_set(const struct counter *counter, void *counts, uint64_t value)
{
    *counter_at(counter, counts) = value;
}

static void counter_keep_maximum(const struct counter *counter, void *into, const void *now)
{
    uint64_t value = counter_value(counter, now);
    if (value > counter_value(counter, into)) {
        *counter_at(counter, into) = value;
    }
}

/* `before` is NULL where everything in `now` is new. */
static void counter_add(const struct counter *counter, void *into, const void *now,
                        const void *before)
{
    uint64_t old = before == NULL ? 0 : counter_value(counter, before);
    if (counter->kind == COUNTER_MAX) {
        counter_keep_maximum(counter, into, now);
    } else {
        *counter_at(counter, into) += counter_value(counter, now) - old;
    }
}

void counters_add(const struct counter_list *list, void *into, const void *from)
{
    counters_add_since(list, into, from, NULL);
}

void counters_add_since(const struct counter_list *list, void *into, const void *now,
                        const void *before)
{
    for (size_t i = 0; i < list->count; i++) {
        counter_add(&list->rows[i], into, now, before);
    }
}

void counters_keep_maxima(const struct counter_list *list, void *into, const void *now)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->rows[i].kind == COUNTER_MAX) {
            counter_keep_maximum(&list->rows[i], into, now);
        }
    }
}

uint64_t counters_total(const struct counter_list *list, enum counter_line line, const void *counts)
{
    uint64_t total = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (list->rows[i].line == line) {
            total += counter_value(&list->rows[i], counts);
        }
    }
    return total;
}
