#include "strain.h"

#include <assert.h>
#include <math.h>

#include "sys.h"

void strain_begin(struct strain *strain, struct worker *worker)
{
    *strain = (struct strain){.wait_ns = STRAIN_UNKNOWN,
                              .began_ns = worker_now(worker),
                              .cpu_before_ns = sys_thread_cpu_ns(),
                              .idle_before_ns = worker->idle_ns,
                              .wait_before_ns = sys_thread_wait_ns()};
}

void strain_end(struct strain *strain, struct worker *worker)
{
    uint64_t wait_ns = sys_thread_wait_ns();
    assert(strain->run_ns == 0);
    strain->run_ns = worker_now(worker) - strain->began_ns;
    strain->cpu_ns = sys_thread_cpu_ns() - strain->cpu_before_ns;
    strain->idle_ns = worker->idle_ns - strain->idle_before_ns;
    if (wait_ns != UINT64_MAX && strain->wait_before_ns != UINT64_MAX) {
        strain->wait_ns = wait_ns - strain->wait_before_ns;
    }
}

double strain_busy_share(const struct strain *strain)
{
    if (strain->run_ns == 0) {
        return NAN;
    }
    uint64_t busy_ns = strain->cpu_ns > strain->idle_ns ? strain->cpu_ns - strain->idle_ns : 0;
    return fmin(1, (double)busy_ns / (double)strain->run_ns);
}
