#include "pin.h"

#include <sched.h>
#include <stdbool.h>

#include <uv.h>

#include "sys.h"

/* Enough for CPUs below 1024, the limit of --cpus. */
static cpu_set_t pin_at_first;
static bool pin_known;

int pin_children(int cpu)
{
    if (!pin_known) {
        if (sched_getaffinity(0, sizeof(pin_at_first), &pin_at_first) != 0) {
            return UV_ENOTSUP;
        }
        pin_known = true;
    }
    if (cpu >= 0) {
        return sys_pin_thread(cpu);
    }
    return sched_setaffinity(0, sizeof(pin_at_first), &pin_at_first) == 0 ? 0 : UV_EINVAL;
}
