/*
 *     options, matrix, subjects -> for each case: rounds of all subjects, by turns
 *                               -> summary, table, file
 */

#include "bench.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "against.h"
#include "document.h"
#include "leash.h"
#include "log.h"
#include "matrix.h"
#include "output.h"
#include "subprocess.h"
#include "result.h"
#include "run.h"
#include "setup.h"
#include "subject.h"
#include "summary.h"
#include "sys.h"
#include "table.h"
#include "units.h"

#define BENCH_PROGRESS_MS 200
#define BENCH_LOOK_MS 20      /* how often to check whether a reader is stuck */
#define BENCH_INTERRUPTED 128 /* plus the number of the signal, as in a shell */

struct bench {
    const struct bench_options *options;
    struct matrix matrix;
    struct subjects subjects;
    struct run_setup setup;
    const struct bench_case *cases[MATRIX_CASES_MAX];
    size_t case_count;
    json_t *document;
    struct text tables;  /* not printed yet */
    json_t *results;     /* of the document: the list that this pass's cases go to */
    const json_t *first; /* in the second pass of --against: the results of the first; else NULL */

    size_t runs; /* of all cases */
    size_t done;
    uint64_t begin_ns;
    uint64_t done_ns;    /* when the last run ended */
    uint64_t watched_ns; /* the time of all runs, and our own CPU time in it */
    uint64_t watching_ns;
    bool watching; /* runs are under way */
    char at[96];   /* what is being run, for the line of progress */

    uv_signal_t signals[SYS_SIGNALS_MAX];
    uv_timer_t progress;
    uv_async_t output; /* output.h has news */
    int interrupted;   /* the number of the signal, or 0 */
    unsigned stops;    /* how many signals have come */
    bool unread;       /* a reader of stdout or stderr has gone */
};

/* ---- progress, signals --------------------------------------------------------------------- */

static void bench_on_signal(uv_signal_t *handle, int number)
{
    struct bench *bench = handle->data;
    bench->interrupted = number;
    bench->stops++;
    run_cancel();
}

/* Prints the progress. The runs go on. */
static void bench_on_report(uv_signal_t *handle, int number)
{
    const struct bench *bench = handle->data;
    (void)number;
    log_message("%s: %zu of %zu runs are done", bench->at, bench->done, bench->runs);
}

/* Cancels the runs when a reader has gone. */
static void bench_on_output(uv_async_t *handle)
{
    struct bench *bench = handle->data;
    if (output_look()) {
        bench->unread = true;
        run_cancel();
    }
}

static bool bench_is_stopped(const struct bench *bench)
{
    return bench->interrupted != 0 || bench->unread;
}

/* Estimates the time that is left: from the average of the runs so far, or from the options before
 * the first run. */
static uint64_t bench_left_ns(const struct bench *bench)
{
    const struct bench_times *times = &bench->setup.times;
    uint64_t run_ns = bench->done > 0 ? (bench->done_ns - bench->begin_ns) / bench->done
                                      : times->duration_ns + times->warmup_ns;
    uint64_t passed_ns = uv_hrtime() - bench->begin_ns;
    uint64_t all_ns = run_ns * bench->runs;
    return all_ns > passed_ns ? all_ns - passed_ns : 0;
}

static void bench_on_progress(uv_timer_t *timer)
{
    static const char full[] = "####################";
    static const char empty[] = "....................";
    const struct bench *bench = timer->data;
    char left[UNITS_TEXT_SIZE];
    char text[256];
    size_t bar = bench->done * (sizeof(full) - 1) / bench->runs;
    uint64_t seconds = (bench_left_ns(bench) + NS_PER_S - 1) / NS_PER_S;
    (void)snprintf(text, sizeof(text), "[%.*s%.*s] %3zu %%  %s, %s left", (int)bar, full,
                   (int)(sizeof(empty) - 1 - bar), empty, 100 * bench->done / bench->runs,
                   bench->at, units_format_duration(left, sizeof(left), seconds * NS_PER_S));
    log_progress(text);
}

static void bench_watch_signal(struct bench *bench, uv_signal_t *handle,
                               const struct sys_signal *meant)
{
    int status = uv_signal_init(process_loop(), handle);
    assert(status == 0); /* it can't fail: the loop already has a signal handle, for its children */
    handle->data = bench;
    if (!sys_is_ignored(meant)) {
        bool report = meant->meaning == SYS_REPORT;
        status = uv_signal_start(handle, report ? bench_on_report : bench_on_signal, meant->number);
    }
    if (status != 0) {
        log_message("cannot watch for %s: %s", meant->name, uv_strerror(status));
    }
}

/* No server and no client outlives this program, however it ends. */
static void bench_put_on_leash(void)
{
    static char self[SUBJECT_PATH_SIZE];
    size_t length = sizeof(self);
    if (leash_is_needed && uv_exepath(self, &length) == 0) {
        process_launch_by(self, LEASH_WORD);
    }
}

/* Handles the signals that would end this program and lose what has been measured. */
static void bench_watch(struct bench *bench)
{
    bench_put_on_leash();
    assert(sys_signal_count <= SYS_SIGNALS_MAX);
    for (size_t i = 0; i < sys_signal_count; i++) {
        bench_watch_signal(bench, &bench->signals[i], &sys_signals[i]);
    }
    (void)uv_async_init(process_loop(), &bench->output, bench_on_output);
    bench->output.data = bench;
    output_watch(&bench->output);
    (void)uv_timer_init(process_loop(), &bench->progress);
    bench->progress.data = bench;
    if (log_has_progress()) {
        (void)uv_timer_start(&bench->progress, bench_on_progress, 0, BENCH_PROGRESS_MS);
    }
}

static void bench_unwatch(struct bench *bench)
{
    sys_signals_block();
    for (size_t i = 0; i < sys_signal_count; i++) {
        uv_close((uv_handle_t *)&bench->signals[i], NULL);
    }
    uv_close((uv_handle_t *)&bench->progress, NULL);
    output_watch(NULL);
    uv_close((uv_handle_t *)&bench->output, NULL);
    (void)process_pump(0, NULL, NULL); /* runs the close callbacks */
    sys_signals_end();
}

/* ---- preparation --------------------------------------------------------------------------- */

/* Adds a case once, however often the user names it: so there are never more than in the matrix. */
static void bench_add_case(struct bench *bench, const struct bench_case *added)
{
    for (size_t i = 0; i < bench->case_count; i++) {
        if (bench->cases[i] == added) {
            return;
        }
    }
    assert(bench->case_count < MATRIX_CASES_MAX);
    bench->cases[bench->case_count++] = added;
}

/* What messages call the matrix. */
static const char *bench_matrix_name(const struct bench *bench)
{
    return bench->options->matrix == NULL ? "built-in matrix" : bench->options->matrix;
}

static int bench_read_matrix(struct bench *bench)
{
    const char *file = bench->options->matrix;
    char error[MATRIX_ERROR_SIZE];
    int status = file == NULL ? matrix_parse(&bench->matrix, matrix_builtin, error)
                              : matrix_read(&bench->matrix, file, error);
    if (status != 0) {
        log_message("--matrix: '%s': %s", bench_matrix_name(bench), error);
    }
    return status;
}

static int bench_choose_cases(struct bench *bench)
{
    const struct option_strings *names = &bench->options->cases;
    for (size_t i = 0; i < names->count; i++) {
        const struct bench_case *found = matrix_case(&bench->matrix, names->items[i]);
        if (found == NULL) {
            log_message("--case: '%s' has no case '%s'", bench_matrix_name(bench), names->items[i]);
            return UV_ENOENT;
        }
        bench_add_case(bench, found);
    }
    for (size_t i = 0; i < bench->matrix.case_count && names->count == 0; i++) {
        if (!bench->options->quick || bench->matrix.cases[i].quick) {
            bench_add_case(bench, &bench->matrix.cases[i]);
        }
    }
    if (bench->case_count == 0) {
        log_message("--quick: '%s' has no quick case", bench_matrix_name(bench));
        return UV_ENOENT;
    }
    return 0;
}

/* Whether the subject is measured in this case. Peers that take no number of CPUs have one thread,
 * so they are left out of cases with more. The threads of a target are unknown. The second pass has
 * only the suspects of the first. */
static bool bench_takes_part(const struct bench *bench, const struct subject *subject,
                             const struct bench_case *load)
{
    bool suspect = bench->first == NULL ||
                   against_seems_slower(result_case_in(bench->first, load->name), subject->name);
    return suspect && (subject->kind != SUBJECT_PEER || subject->threaded || load->workers == 1);
}

static size_t bench_subjects_of(const struct bench *bench, const struct bench_case *load,
                                const struct subject **subjects)
{
    size_t count = 0;
    for (size_t i = 0; i < bench->subjects.count; i++) {
        if (bench_takes_part(bench, &bench->subjects.items[i], load)) {
            subjects[count++] = &bench->subjects.items[i];
        }
    }
    return count;
}

/* How many runs this pass has. */
static size_t bench_count_runs(const struct bench *bench)
{
    const struct subject *subjects[SUBJECTS_MAX];
    size_t runs = 0;
    for (size_t i = 0; i < bench->case_count; i++) {
        runs +=
            bench_subjects_of(bench, bench->cases[i], subjects) * (size_t)bench->setup.times.rounds;
    }
    return runs;
}

/* The older server beside ours, for --against. */
static int bench_add_old(struct bench *bench)
{
    const struct bench_options *options = bench->options;
    char path[SUBJECT_PATH_SIZE];
    if (options->peers != NULL || options->target != NULL) {
        log_message("--against can't be used with --peers or --target");
        return UV_EINVAL;
    }
    int status = setup_program_path("--against", options->against, "echo-server", path);
    return status == 0 ? subjects_add_old(&bench->subjects, path) : status;
}

/* A shell on the client's machine may read the name of the target. */
static int bench_add_target(struct bench *bench)
{
    const struct bench_options *options = bench->options;
    int status = subjects_add_target(&bench->subjects, options->target);
    const struct subject *target = &bench->subjects.items[bench->subjects.count - 1];
    if (status == 0 && options->client_command != NULL &&
        !(command_is_plain(target->host) && command_is_plain(target->port))) {
        log_message("--target: with --client-command it takes an address, or a name of ASCII "
                    "letters and digits: '%s' may mean something to a shell",
                    options->target);
        return UV_EINVAL;
    }
    return status;
}

static int bench_prepare(struct bench *bench)
{
    const struct bench_options *options = bench->options;
    if (bench_read_matrix(bench) != 0) {
        return UV_EINVAL;
    }
    int status = bench_choose_cases(bench);
    status = status == 0 ? setup_make(&bench->setup, options, &bench->matrix) : status;
    status = status == 0
                 ? subjects_add_backends(&bench->subjects, &bench->matrix, &options->backends)
                 : status;
    if (status == 0 && options->against != NULL) {
        status = bench_add_old(bench);
    }
    if (status == 0 && options->peers != NULL) {
        status = subjects_add_peers(&bench->subjects, options->peers);
    }
    if (status == 0 && options->target != NULL) {
        status = bench_add_target(bench);
    }
    bench->runs = bench_count_runs(bench);
    return status;
}

/* Whether there is anything to measure. If not, a message says why. */
static bool bench_has_runs(const struct bench *bench)
{
    if (bench->subjects.count == 0) {
        log_message("none of the backends of '%s' works here: echo-server --backend=help says why",
                    bench_matrix_name(bench));
    } else if (bench->runs == 0) {
        log_message("nothing to measure: peers have one thread, and these cases need more");
    }
    return bench->runs > 0;
}

/* ---- measuring ----------------------------------------------------------------------------- */

static void bench_run_one(struct bench *bench, const struct bench_case *load,
                          const struct subject *subject, size_t round, size_t order,
                          json_t *test_case)
{
    (void)snprintf(bench->at, sizeof(bench->at), "%.32s %.32s round %zu", load->name, subject->name,
                   round + 1);
    json_t *run = run_measure(&bench->setup, load, subject);
    if (bench_is_stopped(bench)) {
        json_decref(run);
        return;
    }
    bench->done++;
    bench->done_ns = uv_hrtime();
    if (result_has_mark(run, "failed")) {
        log_message("%s: failed: %s", bench->at, result_text(run, "error"));
    }
    result_put(run, "round", json_integer((json_int_t)round));
    result_put(run, "order", json_integer((json_int_t)order));
    result_append(json_object_get(test_case, "runs"), run);
}

/* The subject that runs at this place of the round. Each round begins with another subject. With an
 * older server the two of a pair run one after the other, and they take turns to go first. */
static size_t bench_at_place(const struct bench *bench, size_t count, size_t round, size_t order)
{
    if (bench->options->against == NULL) {
        return (round + order) % count;
    }
    size_t pairs = count / 2;
    assert(pairs > 0 && count % 2 == 0);
    return (round + order / 2) % pairs * 2 + (round + order) % 2;
}

/* To stdout, or to stderr if the results go to stdout. */
static void bench_print_tables(struct bench *bench)
{
    if (output_file_has_stdout()) {
        output_print_error(&bench->tables);
    } else {
        output_print(&bench->tables);
    }
}

static void bench_run_case(struct bench *bench, const struct bench_case *load)
{
    const struct subject *subjects[SUBJECTS_MAX];
    size_t count = bench_subjects_of(bench, load, subjects);
    if (count == 0) {
        return;
    }
    json_t *test_case = document_add_case(bench->results, load);
    for (size_t round = 0; round < bench->setup.times.rounds; round++) {
        for (size_t order = 0; order < count && !bench_is_stopped(bench); order++) {
            size_t at = bench_at_place(bench, count, round, order);
            bench_run_one(bench, load, subjects[at], round, order, test_case);
        }
    }
    summary_make(test_case);
    log_progress("");
    if (json_array_size(json_object_get(test_case, "runs")) > 0) {
        if (bench->options->against != NULL) {
            table_pairs(&bench->tables, test_case);
        } else {
            table_case(&bench->tables, test_case);
        }
        bench_print_tables(bench);
    }
}

static uint64_t bench_own_cpu_ns(void)
{
    uint64_t user_ns;
    uint64_t system_ns;
    sys_process_cpu_ns(&user_ns, &system_ns);
    return user_ns + system_ns;
}

/* The same, with our own CPU time during the runs; measurements between cases don't count. */
static void bench_watch_case(struct bench *bench, const struct bench_case *load)
{
    uint64_t begin_ns = uv_hrtime();
    uint64_t cpu_ns = bench_own_cpu_ns();
    bench->watching = true;
    bench_run_case(bench, load);
    bench->watching = false;
    bench->watched_ns += uv_hrtime() - begin_ns;
    bench->watching_ns += bench_own_cpu_ns() - cpu_ns;
}

/* Whether each subject has a good run of each of its cases. Messages name those without one. */
static bool bench_is_good(const struct bench *bench)
{
    const json_t *cases = json_object_get(bench->document, "cases");
    bool good = true;
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *test_case = json_array_get(cases, i);
        const json_t *subjects = json_object_get(test_case, "subjects");
        for (size_t k = 0; k < json_array_size(subjects); k++) {
            const char *subject = result_text(json_array_get(subjects, k), "subject");
            if (!summary_has_good_run(test_case, subject)) {
                log_message("%s %s: no good run", result_text(test_case, "name"), subject);
                good = false;
            }
        }
    }
    return good;
}

/* ---- output -------------------------------------------------------------------------------- */

static bool bench_open_output(const struct bench *bench)
{
    return output_open_file(OUTPUT_RESULT, "", bench->options->output, OUTPUT_LATEST) == 0;
}

static void bench_save(const struct bench *bench)
{
    struct text text = {0};
    result_compose(bench->document, &text);
    output_print_file(OUTPUT_RESULT, &text);
}

/* Saves the results after each case. A file that isn't replaced gets them once, when they are
 * complete. False: the file can't be written. */
static bool bench_keep(const struct bench *bench)
{
    if (output_file_is_kept(OUTPUT_RESULT)) {
        bench_save(bench);
    }
    return !output_file_has_failed(OUTPUT_RESULT);
}

static void bench_say_where(const struct bench *bench)
{
    if (output_file_has_stdout()) {
        log_message("%zu of %zu runs, results on standard output", bench->done, bench->runs);
    } else {
        log_message("%zu of %zu runs, results in '%s'", bench->done, bench->runs,
                    bench->options->output);
    }
}

static bool bench_output_is_over(void *context)
{
    const struct bench *bench = context;
    return output_is_over(bench->stops > 1);
}

/* Waits for the readers. A signal that has stopped the runs counts as the first of two. */
static void bench_finish_output(struct bench *bench)
{
    uint64_t began_ns = uv_hrtime();
    output_end();
    while (!process_pump(BENCH_LOOK_MS, bench_output_is_over, bench)) {
        output_say_waiting((uv_hrtime() - began_ns) / NS_PER_MS);
    }
    (void)output_look();
    if (!output_is_over(false)) {
        output_give_up();
    }
}

/* Measurements of its own keep echo-bench busy, so none may happen while it watches runs. */
static void bench_set_harness(const struct bench *bench)
{
    assert(!bench->watching);
    document_set_harness(bench->document, (double)bench->watching_ns / (double)bench->watched_ns);
}

/* Measures all cases of this pass. */
static void bench_pass(struct bench *bench)
{
    bool kept = true;
    for (size_t i = 0; i < bench->case_count && !bench_is_stopped(bench) && kept; i++) {
        bench_watch_case(bench, bench->cases[i]);
        bench_set_harness(bench);
        kept = bench_keep(bench);
    }
}

/* Measures the suspects once more. Returns the exit code. */
static int bench_judge(struct bench *bench)
{
    const json_t *first = bench->results;
    json_t *again = json_array();
    bench->first = first;
    size_t runs = bench_count_runs(bench);
    result_put(bench->document, "again", again);
    if (runs > 0) {
        text_printf(&bench->tables, "Some backends seem slower. They are measured again:\n\n");
        bench_print_tables(bench);
        bench->runs += runs;
        bench->results = again;
        bench_pass(bench);
    }
    if (bench_is_stopped(bench)) {
        return 0;
    }
    struct against_outcome outcome = against_judge(first, again, &bench->tables);
    int code = against_conclude(&outcome, &bench->tables);
    remote_say(&bench->tables, bench->document);
    bench_print_tables(bench);
    return code;
}

static int bench_measure(struct bench *bench)
{
    int code = 0;
    bench->begin_ns = uv_hrtime();
    bench->results = json_object_get(bench->document, "cases");
    bench_pass(bench);
    if (bench->options->against != NULL && !bench_is_stopped(bench)) {
        code = bench_judge(bench);
    } else {
        table_end(&bench->tables, bench->document);
        bench_print_tables(bench);
        code = bench_is_good(bench) ? 0 : 1;
    }
    bench_save(bench);
    bench_finish_output(bench);
    if (!output_file_has_failed(OUTPUT_RESULT)) {
        bench_say_where(bench);
    }
    return code;
}

/* Runs the client of --client-command for the first time, so that nothing is measured if it can't
 * run. Its report says which backend and how many CPUs it has. */
static bool bench_meet_client(struct bench *bench)
{
    char why[RUN_ERROR_SIZE];
    char unknown[REMOTE_ERROR_SIZE];
    struct run_setup *setup = &bench->setup;
    (void)snprintf(bench->at, sizeof(bench->at), "first run of the client");
    json_t *report = run_first_client(setup, &bench->subjects.items[0], why);
    if (report != NULL && !remote_learn(&setup->remote, report, unknown)) {
        (void)snprintf(why, sizeof(why), "%s", unknown);
    }
    json_decref(report);
    if (setup->remote.client != NULL) {
        setup->client_backend = remote_backend(&setup->remote);
        remote_warn(&setup->remote);
    } else if (!bench_is_stopped(bench)) {
        log_message("%s: failed: %s", bench->at, why);
        if (bench->options->server_address == NULL) {
            log_message("a client on another machine needs --server-address, an address of this "
                        "machine");
        }
    }
    return setup->remote.client != NULL;
}

/* Returns the exit code. */
static int bench_go(struct bench *bench, const char *command)
{
    int code = 1;
    bench->begin_ns = uv_hrtime();
    bench_watch(bench);
    if (bench->options->client_command == NULL || bench_meet_client(bench)) {
        const struct pin_sides sides = {
            .workers = 1, .connections = 1, .client_cpus = remote_cpus(&bench->setup.remote)};
        struct pin_placement placement;
        pin_place(bench->setup.pin, &sides, &placement);
        bench->document = document_new(&bench->setup, &placement, bench->options->quick, command);
        code = bench_measure(bench);
        json_decref(bench->document);
    } else {
        bench_finish_output(bench);
    }
    bench_unwatch(bench);
    if (bench->unread) {
        return 1;
    }
    return bench->interrupted != 0 ? BENCH_INTERRUPTED + bench->interrupted : code;
}

/* Whether the loop for child processes can be opened; says why if not. */
static bool bench_has_loop(void)
{
    int status = process_prepare();
    if (status != 0) {
        log_message("cannot open the main loop: %s%s", uv_strerror(status), sys_shortage(status));
    }
    return status == 0;
}

int bench_run(const struct bench_options *options, const char *command)
{
    if (!bench_has_loop()) {
        return 1;
    }
    struct bench *bench = calloc(1, sizeof(*bench));
    int code = 2;
    if (bench == NULL) {
        log_message("out of memory");
        return 1;
    }
    bench->options = options;
    if (bench_prepare(bench) == 0) {
        code = 1;
        if (bench_has_runs(bench) && bench_open_output(bench)) {
            code = bench_go(bench, command);
        }
    }
    remote_free(&bench->setup.remote);
    matrix_free(&bench->matrix);
    free(bench);
    return code;
}
