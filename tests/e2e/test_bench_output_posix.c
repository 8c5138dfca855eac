/*
 * echo-bench with results that go to something other than a regular file. The test makes device
 * nodes in its own folder, which only root may do. It opens none of the system's.
 */
#include "e2e.h"
#include "e2e_matrix.h"
#include "node.h"
#include "util.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Two cases, so that results are complete only after the second. */
static const char *matrix(void)
{
    return e2e_matrix("\"uv\"", "{\"name\": \"one\", \"connections\": 1, \"size\": 64},"
                                "{\"name\": \"two\", \"connections\": 2, \"size\": 64}");
}

static struct process *bench_to(const char *output)
{
    const char *path = getenv("ECHO_BENCH");
    assert_non_null(path);
    return e2e_start(path, "--matrix", matrix(), "-o", output, NULL);
}

/* Runs it to its end. It must exit with `code`, and leave the output as it was. */
static struct process *runs_and_leaves(const char *output, int code)
{
    struct stat before = node_status(output);
    struct process *bench = bench_to(output);
    e2e_ends(bench, code);
    node_is_as_before(output, before);
    return bench;
}

static void has_both_cases(const char *text)
{
    assert_int_equal(json_array_size(e2e_member(e2e_parse(text), "cases")), 2);
}

static void a_device_stays(void **state)
{
    const char *null = node_make("/dev/null", e2e_path("null"));
    const char *link = e2e_path("link");
    (void)state;
    assert_int_equal(symlink("null", link), 0);
    (void)runs_and_leaves(link, 0);
    (void)runs_and_leaves(null, 0);
}

static void a_full_device_is_said_to_be(void **state)
{
    const char *full = node_make("/dev/full", e2e_path("full"));
    (void)state;
    struct process *bench = runs_and_leaves(full, 1);
    e2e_says(bench, PROCESS_ERR, e2e_text("cannot write '%s': %s", full, uv_strerror(UV_ENOSPC)));
    assert_null(strstr(process_text(bench, PROCESS_ERR), "results in"));
}

static void a_fifo_gets_the_results_once(void **state)
{
    static char text[65536]; /* as much as a pipe takes */
    const char *fifo = e2e_path("fifo");
    (void)state;
    assert_int_equal(mkfifo(fifo, 0600), 0);
    int reader = open(fifo, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    (void)runs_and_leaves(fifo, 0);
    ssize_t length = read(reader, text, sizeof(text) - 1);
    (void)close(reader);
    assert_true(length > 0 && (size_t)length < sizeof(text) - 1);
    text[length] = '\0';
    has_both_cases(text);
}

/* It measures, then waits for a reader, and can be stopped. */
static void a_fifo_without_a_reader_is_no_trap(void **state)
{
    const char *fifo = e2e_path("fifo");
    (void)state;
    assert_int_equal(mkfifo(fifo, 0600), 0);
    struct process *bench = bench_to(fifo);
    (void)e2e_line(bench, PROCESS_ERR, e2e_text("the reader of %s", fifo), 0);
    e2e_says(bench, PROCESS_OUT, "two: 2 connections");
    e2e_signal(bench, SIGTERM);
    (void)process_pump(e2e_ms(100), NULL, NULL);
    assert_false(process_has_ended(bench));
    e2e_signal(bench, SIGTERM);
    e2e_ends(bench, 1);
    assert_true(S_ISFIFO(node_status(fifo).st_mode));
}

static void a_link_stays_and_its_target_gets_the_results(void **state)
{
    const char *file = e2e_path("file.json");
    const char *link = e2e_path("link");
    const char *dangling = e2e_path("dangling");
    const char *nothing = e2e_path("nothing");
    (void)state;
    FILE *old = fopen(file, "wb");
    assert_non_null(old);
    assert_int_equal(fclose(old), 0);
    assert_int_equal(symlink("file.json", link), 0);
    assert_int_equal(symlink("nothing", dangling), 0);
    (void)runs_and_leaves(link, 0);
    has_both_cases(e2e_read_file(file));
    (void)runs_and_leaves(dangling, 0);
    has_both_cases(e2e_read_file(nothing));
}

static void tables_that_cannot_be_written_are_a_failure(void **state)
{
    const char *full = node_make("/dev/full", e2e_path("full"));
    const char *output = e2e_path("results.json");
    const char *const run[] = {"--matrix", matrix(), "-o", output, NULL};
    const char *const compare[] = {"compare", output, output, NULL};
    const char *const alone[] = {"--matrix", matrix(), "-o", "-", NULL};
    const char *const *const lines[] = {run, compare, alone};
    (void)state;
    for (size_t i = 0; i < LENGTH(lines); i++) {
        struct process *bench = process_start(getenv("ECHO_BENCH"), lines[i], full);
        assert_non_null(bench);
        e2e_ends(bench, 1);
        e2e_says(bench, PROCESS_ERR, "cannot write to");
    }
}

/* ---- what it leaves behind ------------------------------------------------------------------ */

/* A program of that name in a folder of its own. It holds the FIFO open and becomes a server. */
static const char *make_holder(const char *name, const char *fifo, const char *arguments)
{
    const char *folder = e2e_path("bin");
    const char *path = e2e_text("%s/%s", folder, name);
    (void)mkdir(folder, 0700);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    (void)fprintf(file, "#!/bin/sh\nexec 9>'%s'\necho >&9\nexec '%s' %s\n", fifo, e2e_server_path,
                  arguments);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0700), 0);
    return folder;
}

/* Bytes, or the end. */
static void await_news(int reader)
{
    struct pollfd news = {.fd = reader, .events = POLLIN};
    uint64_t deadline_ms = e2e_now_ms() + PATIENCE_MS;
    while (poll(&news, 1, 0) == 0) {
        assert_true(e2e_now_ms() < deadline_ms);
        (void)process_pump(10, NULL, NULL);
    }
}

/* Starts it with these arguments, sends the signal while its server serves, and waits for its
 * end. */
static void leaves_no_process(const char *fifo, int number, const char *time, const char *option,
                              const char *folder)
{
    char byte;
    int reader = open(fifo, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    struct process *bench = e2e_start(getenv("ECHO_BENCH"), "--case=50x64B", "--backend=uv", "-d",
                                      time, "-o", e2e_path("results.json"), option, folder, NULL);
    await_news(reader);
    assert_int_equal(read(reader, &byte, 1), 1);
    e2e_signal(bench, number);
    e2e_ends(bench, -number);
    do { /* the next round's server may have begun meanwhile */
        await_news(reader);
    } while (read(reader, &byte, 1) > 0);
    (void)close(reader);
}

static void no_program_outlives_it(void **state)
{
    static const int numbers[] = {SIGKILL, SIGQUIT, SIGALRM};
    const char *fifo = e2e_path("held");
    (void)state;
    assert_int_equal(mkfifo(fifo, 0600), 0);
    const char *folder = make_holder("echo-server", fifo, "\"$@\"");
    for (size_t i = 0; i < LENGTH(numbers); i++) {
        leaves_no_process(fifo, numbers[i], "1h", "--bin", folder);
    }
    assert_int_equal(unlink(e2e_text("%s/echo-server", folder)), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void no_peer_outlives_it(void **state)
{
    const char *fifo = e2e_path("held");
    (void)state;
    assert_int_equal(mkfifo(fifo, 0600), 0);
    const char *folder = make_holder("peer", fifo, "-e:$1");
    leaves_no_process(fifo, SIGKILL, "1s", "--peers", folder);
    assert_int_equal(unlink(e2e_text("%s/peer", folder)), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* It says how far it is, and continues. */
static void a_request_for_a_report_ends_nothing(void **state)
{
    const char *output = e2e_path("results.json");
    (void)state;
    struct process *bench = bench_to(output);
    (void)e2e_line(bench, PROCESS_OUT, "one: 1 connection", 0);
    e2e_signal(bench, SIGUSR1);
    (void)e2e_line(bench, PROCESS_ERR, "of 12 runs are done", 0);
    e2e_ends(bench, 0);
    has_both_cases(e2e_read_file(output));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        E2E(a_device_stays),
        E2E(a_full_device_is_said_to_be),
        E2E(a_fifo_gets_the_results_once),
        E2E(a_fifo_without_a_reader_is_no_trap),
        E2E(a_link_stays_and_its_target_gets_the_results),
        E2E(tables_that_cannot_be_written_are_a_failure),
        E2E(a_request_for_a_report_ends_nothing),
        E2E(no_program_outlives_it),
        E2E(no_peer_outlives_it),
    };
    return e2e_run(argc, argv, tests);
}
