#include "moment.h"

#include "util.h"

#define MOMENT_SPIN_NS (2 * NS_PER_MS)

static void moment_on_time(uv_timer_t *timer)
{
    struct moment *moment = timer->data;
    while (uv_hrtime() < moment->at_ns) {
    }
    moment->come(moment->context);
}

void moment_await(struct moment *moment, uv_loop_t *loop, uint64_t at_ns,
                  void (*come)(void *context), void *context)
{
    uint64_t spin_ns = uv_hrtime() + MOMENT_SPIN_NS;
    uint64_t wait_ns = at_ns > spin_ns ? at_ns - spin_ns : 0;
    if (moment->timer.data == NULL) {
        (void)uv_timer_init(loop, &moment->timer);
        moment->timer.data = moment;
    }
    moment->at_ns = at_ns;
    moment->come = come;
    moment->context = context;
    uv_update_time(loop); /* the timer counts from the loop's time */
    (void)uv_timer_start(&moment->timer, moment_on_time, wait_ns / NS_PER_MS, 0);
}

void moment_cancel(struct moment *moment)
{
    if (moment->timer.data != NULL) {
        (void)uv_timer_stop(&moment->timer);
    }
}
