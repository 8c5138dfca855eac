#include "option_cpus.h"

#include <uv.h>

/* Returns where the number ends, or NULL when there is none. One that is too large is
 * OPTION_CPU_LIMIT. */
static const char *scan_cpu(const char *text, int *cpu)
{
    const char *end = text;

    for (*cpu = 0; *end >= '0' && *end <= '9'; end++) {
        *cpu = *cpu * 10 + (*end - '0');
        *cpu = *cpu < OPTION_CPU_LIMIT ? *cpu : OPTION_CPU_LIMIT;
    }
    return end != text ? end : NULL;
}

static int add_cpu(struct option_cpus *cpus, int cpu)
{
    for (size_t i = 0; i < cpus->count; i++) {
        if (cpus->ids[i] == cpu) {
            return UV_EINVAL;
        }
    }
    cpus->ids[cpus->count++] = cpu;
    return 0;
}

/* Adds "2" or "2-3", and moves `*text` behind it. */
static int add_range(struct option_cpus *cpus, const char **text)
{
    int first;
    int last;
    int result = 0;
    const char *end = scan_cpu(*text, &first);

    last = first;
    if (end != NULL && *end == '-') {
        end = scan_cpu(end + 1, &last);
    }
    if (end == NULL || first > last) {
        return UV_EINVAL;
    }
    if (last >= OPTION_CPU_LIMIT) {
        return UV_ERANGE;
    }
    *text = end;
    for (int cpu = first; result == 0 && cpu <= last; cpu++) {
        result = add_cpu(cpus, cpu);
    }
    return result;
}

int option_parse_cpus(const char *text, struct option_cpus *cpus)
{
    struct option_cpus list = {.count = 0};
    int result = add_range(&list, &text);

    while (result == 0 && *text == ',') {
        text++;
        result = add_range(&list, &text);
    }
    if (result == 0 && *text != '\0') {
        result = UV_EINVAL;
    }
    if (result == 0) {
        *cpus = list;
    }
    return result;
}
