#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "patience.h"
#include "range.h"
#include "sys.h"

#define MS 1000000
#define DAY (UINT64_C(86400000) * MS)

#ifndef _WIN32
#include <signal.h>
#include <unistd.h>

/* A write to a pipe without a reader is an error and does not end the process. */
static void sigpipe_is_ignored(void **state)
{
    (void)state;
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    (void)close(pipe_ends[0]);
    assert_int_equal(write(pipe_ends[1], "x", 1), -1);
    (void)close(pipe_ends[1]);
}

static void standard_descriptors_are_open(void **state)
{
    (void)state;
    int saved = dup(STDIN_FILENO);
    assert_int_equal(close(STDIN_FILENO), 0);
    sys_setup();
    int next = dup(saved);
    assert_true(next > STDERR_FILENO);
    assert_int_equal(read(STDIN_FILENO, &(char){0}, 1), 0);
    assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
    (void)close(saved);
    (void)close(next);
}

/* Signals of a terminal stay ignored. Signals that are sent on purpose are always handled. */
static void what_a_terminal_sends_may_be_ignored(void **state)
{
    (void)state;
    for (size_t i = 0; i < sys_signal_count; i++) {
        const struct sys_signal *meant = &sys_signals[i];
        bool terminals =
            meant->number != SIGTERM && meant->number != SIGUSR1 && meant->number != SIGUSR2;
        void (*before)(int) = signal(meant->number, SIG_DFL);
        assert_false(sys_is_ignored(meant));
        assert_true(signal(meant->number, SIG_IGN) == SIG_DFL);
        assert_true(sys_is_ignored(meant) == terminals);
        (void)signal(meant->number, before);
    }
}

/* The reported limit is usable: the descriptor below it can be opened. */
static void the_descriptor_limit_is_real(void **state)
{
    (void)state;
    uint64_t limit = sys_raise_descriptor_limit();
    assert_true(limit >= 256);
    if (limit <= INT32_MAX) {
        assert_int_equal(dup2(STDIN_FILENO, (int)limit - 1), (int)limit - 1);
        assert_int_equal(dup2(STDIN_FILENO, (int)limit), -1);
        (void)close((int)limit - 1);
    }
    assert_true(sys_raise_descriptor_limit() == limit);
}
#endif

/* Uses the CPU until the thread's clock has advanced by this much; or hangs. */
static void burn(uint64_t cpu_ns)
{
    uint64_t start = sys_thread_cpu_ns();
    uint64_t deadline = uv_hrtime() + PATIENCE_NS;
    while (sys_thread_cpu_ns() - start < cpu_ns && uv_hrtime() < deadline) {
    }
}

static void burn_in_thread(void *argument)
{
    uint64_t *used = argument;
    burn(50 * MS);
    *used = sys_thread_cpu_ns();
}

static void thread_time_is_the_thread_s_own(void **state)
{
    (void)state;
    uv_thread_t thread;
    uint64_t before = sys_thread_cpu_ns(), used = 0;
    assert_int_equal(uv_thread_create(&thread, burn_in_thread, &used), 0);
    assert_int_equal(uv_thread_join(&thread), 0);
    assert_true(used >= 50 * MS);
    assert_true(sys_thread_cpu_ns() - before < used);
}

static void process_time_has_all_threads(void **state)
{
    (void)state;
    uv_thread_t thread;
    uint64_t user[2] = {UINT64_MAX, UINT64_MAX};
    uint64_t system[2] = {UINT64_MAX, UINT64_MAX};
    uint64_t used = 0;
    sys_process_cpu_ns(&user[0], &system[0]);
    assert_int_equal(uv_thread_create(&thread, burn_in_thread, &used), 0);
    assert_int_equal(uv_thread_join(&thread), 0);
    burn(20 * MS);
    sys_process_cpu_ns(&user[1], &system[1]);
    assert_true(user[1] >= user[0] && system[1] >= system[0]);
    assert_true(user[1] < DAY && system[1] < DAY);                     /* both have been set */
    assert_true(user[1] - user[0] + system[1] - system[0] >= 60 * MS); /* 70, less rounding */
}

/* Both are known or not for the whole time, and only grow. */
static void waiting_and_stolen_time_only_grow(void **state)
{
    (void)state;
    uint64_t wait_ns = sys_thread_wait_ns();
    uint64_t steal_ns = sys_steal_ns();
    burn(20 * MS);
    assert_true((sys_thread_wait_ns() == UINT64_MAX) == (wait_ns == UINT64_MAX));
    assert_true((sys_steal_ns() == UINT64_MAX) == (steal_ns == UINT64_MAX));
    assert_true(sys_thread_wait_ns() >= wait_ns);
    assert_true(sys_steal_ns() >= steal_ns);
}

static void sleeping_costs_no_time(void **state)
{
    (void)state;
    uint64_t before = sys_thread_cpu_ns();
    uv_sleep(100);
    assert_true(sys_thread_cpu_ns() - before < 50 * MS);
}

/* The value is in bytes: between a megabyte and the memory of the machine. It grows with touched
 * memory, which ThreadSanitizer multiplies by five. */
static void peak_memory_is_in_bytes(void **state)
{
    (void)state;
    enum { SIZE = 64 << 20 };
    uint64_t before = sys_peak_rss_bytes();
    assert_between(before, 1 << 20, uv_get_total_memory());
    char *memory = test_malloc(SIZE);
    memset(memory, 1, SIZE);
    uint64_t grown = sys_peak_rss_bytes() - before;
    test_free(memory);
    assert_between(grown, SIZE / 4 * 3, 10u * SIZE);
}

struct pinning {
    int cpu;
    int result;
    unsigned cpu_count; /* as the pinned thread sees it */
};

static void pin(void *argument)
{
    struct pinning *pinning = argument;
    pinning->result = sys_pin_thread(pinning->cpu);
    pinning->cpu_count = sys_cpu_count();
}

/* Pins a separate thread, which then ends. */
static int pin_to(int cpu)
{
    uv_thread_t thread;
    struct pinning pinning = {.cpu = cpu};
    assert_int_equal(uv_thread_create(&thread, pin, &pinning), 0);
    assert_int_equal(uv_thread_join(&thread), 0);
#ifdef __linux__ /* the count depends on the affinity of the calling thread */
    assert_true(pinning.result != 0 || pinning.cpu_count == 1);
#endif
    return pinning.result;
}

static void a_thread_can_be_pinned(void **state)
{
    (void)state;
    unsigned usable = 0;
    for (int cpu = 0; cpu < 4096; cpu++) {
        int result = pin_to(cpu);
        if (result == UV_ENOTSUP) {
            print_message("threads can't be pinned on this system\n");
            skip();
        }
        assert_true(result == 0 || result == UV_EINVAL);
        usable += result == 0;
    }
    /* They may differ, because of cpusets and affinities, or because CPUs lie in other groups. */
    assert_true(usable >= sys_cpu_count());
}

static void a_cpu_that_is_not_there_is_refused(void **state)
{
    (void)state;
    static const int cpus[] = {-1, INT32_MIN, 60000, 65535, 65536, INT32_MAX};
    for (size_t i = 0; i < sizeof cpus / sizeof cpus[0]; i++) {
        int result = pin_to(cpus[i]);
        assert_true(result == UV_EINVAL || (cpus[i] > 0 && result == UV_ENOTSUP));
    }
}

static void ignore_signal(uv_signal_t *handle, int number)
{
    (void)handle;
    (void)number;
}

/* Each signal appears once, has a name, and libuv can watch it. At least one stops and one
 * restarts. */
static void signals_can_be_watched(void **state)
{
    (void)state;
    uv_loop_t loop;
    uv_signal_t handles[SYS_SIGNALS_MAX];
    size_t stops = 0, restarts = 0, reports = 0, hang_ups = 0;
    assert_between(sys_signal_count, 2, SYS_SIGNALS_MAX);
    assert_int_equal(uv_loop_init(&loop), 0);
    for (size_t i = 0; i < sys_signal_count; i++) {
        const struct sys_signal *signal = &sys_signals[i];
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(signal->number, sys_signals[j].number);
        }
        assert_true(strlen(signal->name) > 0);
        stops += signal->meaning == SYS_STOP;
        restarts += signal->meaning == SYS_RESTART;
        reports += signal->meaning == SYS_REPORT;
        hang_ups += signal->meaning == SYS_HANG_UP;
        assert_int_equal(uv_signal_init(&loop, &handles[i]), 0);
        assert_int_equal(uv_signal_start(&handles[i], ignore_signal, signal->number), 0);
        uv_close((uv_handle_t *)&handles[i], NULL);
    }
    assert_true(stops >= 1 && restarts == 1);
    assert_true(hang_ups <= 1 && reports <= 2);
    assert_int_equal(stops + restarts + reports + hang_ups, sys_signal_count);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void the_machine_is_described(void **state)
{
    (void)state;
    struct sys_description description;
    memset(&description, 'x', sizeof description);
    sys_describe(&description);
    assert_true(strlen(description.system.sysname) > 0);
    assert_true(strlen(description.system.release) > 0);
    assert_true(strlen(description.system.machine) > 0);
    assert_true(strlen(description.cpu) > 0);
    assert_true(description.cpu[0] != ' ');
    assert_true(description.cpu[strlen(description.cpu) - 1] != ' ');
    bool linux_below = strcmp(description.system.sysname, "Linux") == 0 || description.wine;
    assert_int_equal(description.congestion_control[0] != '\0', linux_below);
    assert_null(strchr(description.congestion_control, '\n'));
    print_message("%s %s %s, %u CPUs, %s%s\n", description.system.sysname,
                  description.system.release, description.system.machine, sys_cpu_count(),
                  description.cpu, description.wine ? ", Wine" : "");
#ifndef _WIN32
    assert_false(description.wine);
#endif
}

/* Unless the test is run by hand, its output is a pipe or a file. */
static void only_a_terminal_takes_sequences(void **state)
{
    (void)state;
    for (int descriptor = 1; descriptor <= 2; descriptor++) {
        bool terminal = uv_guess_handle(descriptor) == UV_TTY;
        assert_true(terminal || !sys_takes_sequences(descriptor));
    }
}

static int setup(void **state)
{
    (void)state;
    sys_setup();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifndef _WIN32
        cmocka_unit_test(sigpipe_is_ignored),
        cmocka_unit_test(standard_descriptors_are_open),
        cmocka_unit_test(what_a_terminal_sends_may_be_ignored),
        cmocka_unit_test(the_descriptor_limit_is_real),
#endif
        cmocka_unit_test(only_a_terminal_takes_sequences),
        cmocka_unit_test(thread_time_is_the_thread_s_own),
        cmocka_unit_test(process_time_has_all_threads),
        cmocka_unit_test(sleeping_costs_no_time),
        cmocka_unit_test(waiting_and_stolen_time_only_grow),
        cmocka_unit_test(peak_memory_is_in_bytes),
        cmocka_unit_test(a_thread_can_be_pinned),
        cmocka_unit_test(a_cpu_that_is_not_there_is_refused),
        cmocka_unit_test(signals_can_be_watched),
        cmocka_unit_test(the_machine_is_described),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
