/*
 * The reports must count the system calls that the kernel sees, for the server and the client, on
 * every backend. The loads are short connections, small messages, streams and resets. Prints both
 * counts.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend.h"
#include "net.h"
#include "peer.h"
#include "tracer.h"
#include "util.h"

/* Opening and closing a loop and its listener, and the turns after the report. */
#define APART 48

/* Calls for memory, threads, clocks and files. */
static const int others[] = {
    SYS_futex,
    SYS_mmap,
    SYS_munmap,
    SYS_madvise,
    SYS_mprotect,
    SYS_mremap,
    SYS_brk,
    SYS_rt_sigprocmask,
    SYS_exit,
    SYS_exit_group,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_sched_yield,
    SYS_gettid,
    SYS_getrandom,
    SYS_sched_setaffinity,
    SYS_clock_nanosleep,
    SYS_clock_gettime,
    SYS_rt_sigaction,
    SYS_restart_syscall,
    SYS_prctl,
    SYS_sched_getaffinity,
};

struct load {
    const char *name;
    const char *sndbuf; /* of both */
    const char *arguments[10];
};

static const struct load loads[] = {
    {"churn", "0", {"-c", "20", "-s", "64", "--lifetime", "1", "--requests", "1000"}},
    {"50x64B", "0", {"-c", "50", "-s", "64", "--requests", "5000"}},
    {"stream", "0", {"-c", "8", "-s", "1MiB", "--requests", "400", "--pipeline", "4"}},
    {"narrow", "16KiB", {"-c", "8", "-s", "1MiB", "--requests", "64", "--pipeline", "2"}},
};

static const char *backend;
static unsigned free_port;

static bool is_other(int number)
{
    for (size_t i = 0; i < LENGTH(others); i++) {
        if (others[i] == number) {
            return true;
        }
    }
    return false;
}

static uint64_t seen_by_the_kernel(const struct tracee *tracee)
{
    uint64_t count = 0;
    for (int i = 0; i < TRACER_NUMBERS; i++) {
        count += is_other(i) ? 0 : tracee->calls[i];
    }
    return count;
}

static json_t *report_in(const char *path)
{
    json_error_t error;
    json_t *report = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (report == NULL) {
        fail_msg("%s: %s", path, error.text);
    }
    return report;
}

static uint64_t reported(const json_t *report, const char *name)
{
    const json_t *workers = json_object_get(report, "workers");
    json_int_t sum = 0;
    assert_true(json_array_size(workers) > 0);
    for (size_t i = 0; i < json_array_size(workers); i++) {
        const json_t *io = json_object_get(json_array_get(workers, i), "io");
        assert_true(json_is_integer(json_object_get(io, name)));
        sum += json_integer_value(json_object_get(io, name));
    }
    return (uint64_t)sum;
}

static void print_difference(const json_t *report, const struct tracee *tracee)
{
    static const char *const names[] = {"recv_calls",    "send_calls", "accept_calls",
                                        "connect_calls", "wait_calls", "control_calls",
                                        "other_calls"};
    for (size_t i = 0; i < LENGTH(names); i++) {
        print_message("    %s %llu\n", names[i], (unsigned long long)reported(report, names[i]));
    }
    for (int i = 0; i < TRACER_NUMBERS; i++) {
        if (tracee->calls[i] > 0) {
            print_message("    call %d: %llu%s\n", i, (unsigned long long)tracee->calls[i],
                          is_other(i) ? ", another's" : "");
        }
    }
}

static void agrees(const char *side, const char *load, const char *path,
                   const struct tracee *tracee)
{
    json_t *report = report_in(path);
    uint64_t kernel = seen_by_the_kernel(tracee);
    uint64_t counted = reported(report, "system_calls");
    uint64_t apart = counted > kernel ? counted - kernel : kernel - counted;
    print_message("%-9s %-8s %-7s report %7llu, kernel %7llu\n", backend, load, side,
                  (unsigned long long)counted, (unsigned long long)kernel);
    if (apart > kernel / 100 + APART) {
        print_difference(report, tracee);
    }
    assert_true(kernel > 0 && apart <= kernel / 100 + APART);
    json_decref(report);
}

/* The words of a command line; NULL ends them. */
struct words {
    const char *words[32];
    size_t count;
};

static void add_words(struct words *line, const char *const *words, size_t most)
{
    for (size_t i = 0; i < most && words[i] != NULL; i++) {
        assert_true(line->count + 1 < LENGTH(line->words));
        line->words[line->count++] = words[i];
    }
}

static void start(struct tracee *tracee, struct words *line, const struct load *load,
                  const char *report)
{
    char name[64], json[64];
    (void)snprintf(name, sizeof(name), "--backend=%s", backend);
    (void)snprintf(json, sizeof(json), "--json=%s", report);
    const char *const common[] = {name, json, "-t", "1", "--sndbuf", load->sndbuf, NULL};
    add_words(line, common, LENGTH(common));
    tracer_start(tracee, line->words, "/dev/null");
}

static void count_calls(const struct load *load)
{
    static const char *const reports[] = {"kernel_calls_server.json", "kernel_calls_client.json"};
    struct tracee programs[2];
    struct tracee *server = &programs[0], *client = &programs[1];
    char address[32], port[16];
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", free_port);
    (void)snprintf(port, sizeof(port), "%u", free_port);
    struct words serve = {.words = {getenv("ECHO_SERVER"), "-l", address}, .count = 3};
    struct words ask = {
        .words = {getenv("ECHO_CLIENT"), "-n", "127.0.0.1", "-e", port, "--wait=30s"}, .count = 6};
    add_words(&ask, load->arguments, LENGTH(load->arguments));
    start(server, &serve, load, reports[0]);
    start(client, &ask, load, reports[1]);
    tracer_run(programs, 2, client);
    assert_int_equal(kill(server->pid, SIGTERM), 0);
    tracer_run(programs, 2, server);
    assert_true(WIFEXITED(client->status) && WEXITSTATUS(client->status) == 0);
    assert_true(WIFEXITED(server->status) && WEXITSTATUS(server->status) == 0);
    agrees("server", load->name, reports[0], server);
    agrees("client", load->name, reports[1], client);
    (void)remove(reports[0]);
    (void)remove(reports[1]);
}

/* A port at which nothing listens now. */
static unsigned find_port(void)
{
    struct sockaddr_storage address;
    uv_os_sock_t peer;
    assert_int_equal(peer_bind(AF_INET, &peer, &address), 0);
    peer_close(peer);
    return net_address_port((const struct sockaddr *)(const void *)&address);
}

static void count_all(const char *name)
{
    const struct backend *counted;
    char why[128];
    if (!tracer_can_trace()) {
        print_message("this system lets no program trace another\n");
        skip();
    }
    if (backend_choose(name, &counted, why, sizeof(why)) != 0) {
        print_message("%s: %s\n", name, why);
        skip();
    }
    backend = name;
    for (size_t i = 0; i < LENGTH(loads); i++) {
        free_port = find_port();
        count_calls(&loads[i]);
    }
}

static void uv_counts_what_the_kernel_sees(void **state)
{
    (void)state;
    count_all("uv");
}

static void io_uring_counts_what_the_kernel_sees(void **state)
{
    (void)state;
    count_all("io_uring");
}

static void epoll_counts_what_the_kernel_sees(void **state)
{
    (void)state;
    count_all("epoll");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uv_counts_what_the_kernel_sees),
        cmocka_unit_test(io_uring_counts_what_the_kernel_sees),
        cmocka_unit_test(epoll_counts_what_the_kernel_sees),
    };
    if (peer_setup() == 0) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
