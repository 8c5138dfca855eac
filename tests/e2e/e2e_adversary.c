/*
 * The client as it is against a peer that misbehaves at random, over real sockets: what it says of
 * each run must be among what TCP permits after what the peer has taken, returned and done.
 *
 *   --seeds=COUNT   so many runs on each backend
 *   --seed=N        from this one on; alone: this one only
 */

#include "e2e.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adversary_oracle.h"
#include "net.h"
#include "stream.h"
#include "sys.h"
#include "util.h"

#define SEEDS 8
#define TOGETHER 8 /* runs at the same time; they mostly wait */
#define BEAT_NS UINT64_C(50000000)
#define ARGUMENTS 40
#define ARGUMENT_SIZE 48

static uint64_t first_seed = 1;
static uint64_t seed_count = SEEDS;

/* One run. */
struct bout {
    uint64_t seed;
    struct adversary_run run;
    struct adversary peer;
    bool open; /* the peer's worker runs */
    unsigned threads;
    struct process *client;
    struct client_counters counters;
    char difference[320]; /* "": none */
};

static struct bout bouts[TOGETHER];

/* Of one backend. */
static struct {
    struct adversary_tally tally;
    uint64_t ok, failed, messages, differences;
} sum;

/* ---- the peer ------------------------------------------------------------------------------ */

#define BACKLOG 64

static unsigned open_peer(struct bout *b)
{
    static const struct net_options options = {.nodelay = true};
    struct sockaddr_in any;
    struct sockaddr_storage name;
    uv_os_sock_t os_socket;
    struct worker *worker = &b->peer.worker;
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &any), 0);
    assert_int_equal(net_bind((const struct sockaddr *)&any, &options, BACKLOG, 1, &os_socket), 0);
    assert_int_equal(net_local_name(os_socket, &name), 0);
    worker->role = &adversary_role;
    worker->backend = &backend_uv;
    worker->io_config.buffer_size = 16 * KIB;
    worker->io_config.buffer_memory = 16 * MIB;
    worker->cpu = -1;
    worker_init(worker);
    adversary_init(&b->peer, &b->run, os_socket);
    b->peer.beat_ns = BEAT_NS;
    assert_int_equal(worker_start(worker), 0);
    b->open = true;
    return net_address_port((const struct sockaddr *)(const void *)&name);
}

static void stop_peer(struct bout *b)
{
    if (b->open) {
        b->open = false;
        worker_post(&b->peer.worker, WORKER_DRAIN);
        worker_join(&b->peer.worker);
        worker_destroy(&b->peer.worker);
    }
}

static void free_bouts(void)
{
    for (size_t i = 0; i < TOGETHER; i++) {
        stop_peer(&bouts[i]);
        adversary_free(&bouts[i].peer);
        memset(&bouts[i], 0, sizeof(bouts[i]));
    }
}

static int stop_peers_and_tear_down(void **state)
{
    free_bouts();
    return e2e_tear_down(state);
}

/* ---- the client ---------------------------------------------------------------------------- */

struct arguments {
    char text[ARGUMENTS][ARGUMENT_SIZE];
    const char *list[ARGUMENTS + 1];
    size_t count;
};

static void add(struct arguments *arguments, const char *name, uint64_t value, const char *unit)
{
    assert_true(arguments->count < ARGUMENTS);
    char *text = arguments->text[arguments->count];
    (void)snprintf(text, ARGUMENT_SIZE, "%s=%" PRIu64 "%s", name, value, unit);
    arguments->list[arguments->count++] = text;
    arguments->list[arguments->count] = NULL;
}

static void add_word(struct arguments *arguments, const char *word)
{
    assert_true(arguments->count < ARGUMENTS);
    arguments->list[arguments->count++] = word;
    arguments->list[arguments->count] = NULL;
}

static void start_client(struct bout *b, unsigned port)
{
    const struct adversary_run *run = &b->run;
    const struct {
        const char *name;
        uint64_t value;
        const char *unit;
    } options[] = {
        {"--port", port, ""},
        {"--seed", b->seed, ""},
        {"--threads", b->threads, ""},
        {"--connections", run->connections, ""},
        {"--size", run->size, ""},
        {"--pipeline", run->depth, ""},
        {"--lifetime", run->lifetime, ""},
        {"--requests", run->requests, ""},
        {"--rate", run->rate, ""},
        {"--duration", run->duration_ns, "ns"},
        {"--timeout", run->timeout_ns, "ns"},
        {"--drain-timeout", run->drain_timeout_ns, "ns"},
        {"--give-up", run->give_up_ns, "ns"},
    };
    static struct arguments arguments;
    arguments.count = 0;
    add_word(&arguments, e2e_backend_argument());
    add_word(&arguments, "--json");
    add_word(&arguments, "--host=127.0.0.1");
    for (size_t i = 0; i < LENGTH(options); i++) {
        add(&arguments, options[i].name, options[i].value, options[i].unit);
    }
    if (run->allow_drain) {
        add_word(&arguments, "--allow-drain");
    }
    if (run->stop_on_error) {
        add_word(&arguments, "--stop-on-error");
    }
    b->client = process_start(e2e_client_path, arguments.list, NULL);
    assert_non_null(b->client);
}

static void start_bout(struct bout *b, uint64_t seed)
{
    b->seed = seed;
    adversary_draw_run(&b->run, seed);
    b->run.timeout_ns *= e2e_factor();
    b->run.give_up_ns *= e2e_factor();
    b->threads = b->run.connections > 1 && seed % 3 == 0 ? 2 : 1;
    start_client(b, open_peer(b));
}

/* The peers accept after all clients have been started. On Windows a process that is starting may
 * inherit the socket of a pending accept. Closing that socket here would then end nothing. */
static void begin_bouts(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        worker_post(&bouts[i].peer.worker, WORKER_BEGIN);
    }
}

/* ---- what must hold ------------------------------------------------------------------------ */

static void differ(struct bout *b, const char *what)
{
    if (b->difference[0] == '\0') {
        (void)snprintf(b->difference, sizeof(b->difference), "%s", what);
    }
}

#define SHOULD(b, condition)                                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            differ(b, #condition);                                                                 \
        }                                                                                          \
    } while (0)

static uint64_t failures(const json_t *report, const char *class)
{
    const json_t *list = json_object_get(report, "failures");
    uint64_t count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *failure = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(failure, "class"));
        if (name != NULL && strcmp(name, class) == 0) {
            count += (uint64_t)json_integer_value(json_object_get(failure, "count"));
        }
    }
    return count;
}

static void read_counters(struct bout *b, const json_t *report)
{
    const json_t *counters = json_object_get(report, "counters");
#define READ(name, line, word, meaning)                                                            \
    b->counters.name = (uint64_t)json_integer_value(json_object_get(counters, #name));
    CLIENT_COUNTERS(READ)
#undef READ
}

static void check_verdict(struct bout *b, const json_t *report, int code)
{
    const struct client_counters *n = &b->counters;
    bool ok = json_is_true(json_object_get(report, "ok"));
    bool ends_early = b->run.duration_ns > 0 || b->run.stop_on_error;
    SHOULD(b, code == (ok ? 0 : 1));
    SHOULD(b, ok == (json_array_size(json_object_get(report, "failures")) == 0));
    SHOULD(b, failures(report, "wrong_data") == n->mismatches);
    SHOULD(b, failures(report, "lost") == n->lost);
    SHOULD(b, failures(report, "timeout") == n->timeouts + n->end_timeouts);
    SHOULD(b, failures(report, "unanswered") == n->unanswered);
    SHOULD(b, failures(report, "failed") == n->failed);
    SHOULD(b, failures(report, "silent") == (n->messages == 0 ? n->drained : 0));
    SHOULD(b, failures(report, "connect") == n->connect_failures);
    SHOULD(b, !ok || ends_early || n->messages == b->run.requests);
    SHOULD(b, n->messages <= b->run.requests);
    sum.ok += ok;
    sum.failed += !ok;
}

/* The peer has received what the client sends on one of its connections. */
static bool is_a_stream(const struct bout *b, const struct adversary_record *record)
{
    bool found = record->taken_length == 0;
    uint64_t last = (b->counters.attempts + 1) * b->threads;
    for (uint64_t number = 0; !found && number <= last; number++) {
        struct stream stream = stream_of(b->seed, number);
        found =
            stream_check(&stream, 0, record->taken, record->taken_length) == record->taken_length;
    }
    return found;
}

static void check_books(struct bout *b)
{
    uint64_t taken = 0;
    uint64_t returned = 0;
    for (size_t i = 0; i < b->peer.record_count; i++) {
        const struct adversary_record *record = &b->peer.records[i];
        taken += record->taken_length;
        returned += record->returned_length;
        SHOULD(b, is_a_stream(b, record));
    }
    SHOULD(b, b->counters.verified <= returned);
    SHOULD(b, b->counters.sent >= taken);
    SHOULD(b, !b->peer.overrun);
}

static void check_report(struct bout *b, const json_t *report, int code)
{
    char text[sizeof(b->difference)];
    const struct adversary_circumstances how = {.timeout_ns = b->run.timeout_ns,
                                                .slow = b->peer.stall_ns >= b->run.timeout_ns / 2,
                                                .may_cut = b->run.duration_ns > 0 ||
                                                           b->run.stop_on_error ||
                                                           failures(report, "gave_up") > 0,
                                                .lossy_reset = sys_is_wine_before(10)};
    struct adversary_tally tally;
    read_counters(b, report);
    check_verdict(b, report, code);
    check_books(b);
    if (!adversary_agrees(&b->peer, &b->counters, &how, text, sizeof(text))) {
        differ(b, text);
    }
    adversary_tally(&b->counters, &tally);
    for (size_t i = 0; i < ADVERSARY_OUTCOMES; i++) {
        sum.tally.of[i] += tally.of[i];
    }
    sum.messages += b->counters.messages;
}

static void end_bout(struct bout *b)
{
    int code = process_wait(b->client, PATIENCE_MS);
    stop_peer(b);
    json_t *report = json_loads(process_text(b->client, PROCESS_OUT), 0, NULL);
    if (code == PROCESS_LATE) {
        differ(b, "the client has not ended");
    } else if (report == NULL) {
        differ(b, "there is no report");
    } else {
        check_report(b, report, code);
    }
    json_decref(report);
    if (b->difference[0] != '\0') {
        e2e_show(b->client);
        print_error("seed %" PRIu64 ": %s (run again with %s --seed=%" PRIu64 ")\n", b->seed,
                    b->difference, e2e_backend_argument(), b->seed);
        sum.differences++;
    }
}

static void report_sum(void)
{
    print_message("%" PRIu64 " runs, %" PRIu64 " ok, %" PRIu64 " messages; connections:",
                  sum.ok + sum.failed, sum.ok, sum.messages);
    for (size_t i = 0; i < ADVERSARY_OUTCOMES; i++) {
        print_message(" %s=%" PRIu64, adversary_outcome_names[i], sum.tally.of[i]);
    }
    print_message("\n");
}

/* ---- tests --------------------------------------------------------------------------------- */

static void the_client_says_what_tcp_permits(void **state)
{
    (void)state;
    memset(&sum, 0, sizeof(sum));
    for (uint64_t done = 0; done < seed_count; done += TOGETHER) {
        size_t count = seed_count - done < TOGETHER ? (size_t)(seed_count - done) : TOGETHER;
        for (size_t i = 0; i < count; i++) {
            start_bout(&bouts[i], first_seed + done + i);
        }
        begin_bouts(count);
        for (size_t i = 0; i < count; i++) {
            end_bout(&bouts[i]);
        }
        process_end_all();
        free_bouts();
    }
    report_sum();
    assert_int_equal(sum.differences, 0);
}

/* Removes the test's own options from the command line. */
static int parse_seeds(int argc, char **argv)
{
    bool counted = false;
    bool given = false;
    int kept = 1;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--seeds=", 8) == 0) {
            seed_count = strtoull(argv[i] + 8, NULL, 10);
            counted = true;
        } else if (strncmp(argv[i], "--seed=", 7) == 0) {
            first_seed = strtoull(argv[i] + 7, NULL, 10);
            given = true;
        } else {
            argv[kept++] = argv[i];
        }
    }
    if (given && !counted) {
        seed_count = 1;
    }
    return kept;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_client_says_what_tcp_permits, e2e_set_up,
                                        stop_peers_and_tear_down),
    };
    int kept = parse_seeds(argc, argv);
    return e2e_run(kept, argv, tests);
}
