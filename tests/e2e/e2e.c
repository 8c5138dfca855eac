#include "e2e.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys.h"

#define E2E_KEPT_MAX 512
#define E2E_ARGUMENTS_MAX 48
#define E2E_BACKENDS_MAX 8
#define E2E_SHOWN 1500 /* bytes of output, when something fails */

const char *e2e_server_path;
const char *e2e_client_path;

static struct {
    char backend[32];
    char backend_argument[64];
    char seed_argument[40];
    uint64_t factor;
    uint64_t began_ms;        /* of the test */
    void *kept[E2E_KEPT_MAX]; /* freed after the test */
    size_t kept_count;
    char folder[512]; /* "": none yet */
} e2e;

/* ---- memory and files ---------------------------------------------------------------------- */

static void *e2e_keep(void *memory)
{
    assert_non_null(memory);
    assert_true(e2e.kept_count < E2E_KEPT_MAX);
    e2e.kept[e2e.kept_count++] = memory;
    return memory;
}

const char *e2e_text(const char *format, ...)
{
    va_list list;
    char *text = e2e_keep(malloc(1024));
    va_start(list, format);
    int length = vsnprintf(text, 1024, format, list);
    va_end(list);
    assert_true(length >= 0 && length < 1024);
    return text;
}

const char *e2e_path(const char *name)
{
    if (e2e.folder[0] == '\0') {
        char base[300];
        size_t size = sizeof(base);
        uv_fs_t request;
        assert_int_equal(uv_os_tmpdir(base, &size), 0);
        const char *pattern = e2e_text("%s/echoport-e2e-XXXXXX", base);
        assert_int_equal(uv_fs_mkdtemp(NULL, &request, pattern, NULL), 0);
        (void)snprintf(e2e.folder, sizeof(e2e.folder), "%s", request.path);
        uv_fs_req_cleanup(&request);
    }
    return e2e_text("%s/%s", e2e.folder, name);
}

static void e2e_remove_folder(void)
{
    uv_fs_t scan;
    uv_fs_t request;
    uv_dirent_t entry;
    if (e2e.folder[0] == '\0') {
        return;
    }
    (void)uv_fs_scandir(NULL, &scan, e2e.folder, 0, NULL);
    while (uv_fs_scandir_next(&scan, &entry) == 0) {
        char path[1024];
        (void)snprintf(path, sizeof(path), "%s/%s", e2e.folder, entry.name);
        (void)uv_fs_unlink(NULL, &request, path, NULL);
        uv_fs_req_cleanup(&request);
    }
    uv_fs_req_cleanup(&scan);
    (void)uv_fs_rmdir(NULL, &request, e2e.folder, NULL);
    uv_fs_req_cleanup(&request);
    e2e.folder[0] = '\0';
}

const char *e2e_read_file(const char *path)
{
    size_t size = 4 * MIB;
    char *text = e2e_keep(malloc(size));
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("%s: cannot be read", path);
    }
    size_t length = fread(text, 1, size - 1, file);
    (void)fclose(file);
    text[length] = '\0';
    return text;
}

int e2e_set_up(void **state)
{
    (void)state;
    e2e.began_ms = e2e_now_ms();
    return 0;
}

int e2e_tear_down(void **state)
{
    (void)state;
    e2e_tear_down_peers();
    process_end_all();
    e2e_tear_down_reports();
    e2e_remove_folder();
    while (e2e.kept_count > 0) {
        free(e2e.kept[--e2e.kept_count]);
    }
    print_message("%10" PRIu64 " ms\n", e2e_now_ms() - e2e.began_ms);
    return 0;
}

/* ---- time ---------------------------------------------------------------------------------- */

uint64_t e2e_factor(void)
{
    return e2e.factor;
}

uint64_t e2e_ms(uint64_t ms)
{
    return ms * e2e.factor;
}

uint64_t e2e_now_ms(void)
{
    return uv_hrtime() / 1000000;
}

const char *e2e_duration(uint64_t ms)
{
    return e2e_text("%" PRIu64 "ms", e2e_ms(ms));
}

bool e2e_is_sanitized(void)
{
#ifdef E2E_SANITIZED
    return true;
#else
    return false;
#endif
}

/* ---- programs ------------------------------------------------------------------------------ */

const char *e2e_backend(void)
{
    return e2e.backend;
}

const char *e2e_backend_argument(void)
{
    return e2e.backend_argument;
}

const char *e2e_seed_argument(void)
{
    return e2e.seed_argument;
}

struct e2e_words {
    const char *list[E2E_ARGUMENTS_MAX + 1];
    size_t count;
};

static void e2e_add(struct e2e_words *words, const char *word)
{
    assert_true(words->count < E2E_ARGUMENTS_MAX);
    words->list[words->count++] = word;
    words->list[words->count] = NULL;
}

static void e2e_add_list(struct e2e_words *words, va_list list)
{
    const char *word;
    while ((word = va_arg(list, const char *)) != NULL) {
        e2e_add(words, word);
    }
}

/* Under load, Wine fails to start about one process in a thousand, with an unknown error. */
static struct process *e2e_start_words(const char *path, struct e2e_words *words)
{
    words->list[words->count] = NULL;
    struct process *process = process_start(path, words->list, NULL);
    for (int more = 3; process == NULL && sys_is_wine() && more > 0; more--) {
        process = process_start(path, words->list, NULL);
    }
    assert_non_null(process);
    return process;
}

struct process *e2e_start(const char *program, ...)
{
    struct e2e_words words = {.count = 0};
    va_list list;
    va_start(list, program);
    e2e_add_list(&words, list);
    va_end(list);
    return e2e_start_words(program, &words);
}

/* The end of its output, to explain a failure. */
void e2e_show(const struct process *process)
{
    static const char *const names[] = {"stdout", "stderr"};
    for (int stream = PROCESS_OUT; stream < PROCESS_STREAMS; stream++) {
        const char *text = process_text(process, (enum process_stream)stream);
        size_t length = strlen(text);
        const char *from = length > E2E_SHOWN ? text + length - E2E_SHOWN : text;
        (void)fprintf(stderr, "---- %s%s:\n%s\n", names[stream], from > text ? ", the end" : "",
                      from);
    }
}

void e2e_ends(struct process *process, int code)
{
    int ended = process_wait(process, PATIENCE_MS);
    if (ended == PROCESS_LATE) {
        e2e_show(process);
        fail_msg("it does not end");
    }
    if (ended != code) {
        e2e_show(process);
        fail_msg("it ended with %d, not with %d", ended, code);
    }
}

const char *e2e_line(struct process *process, enum process_stream stream, const char *part,
                     size_t n)
{
    char *line = process_line(process, stream, part, n, PATIENCE_MS);
    if (line == NULL) {
        e2e_show(process);
        fail_msg("there is no line %zu with '%s'", n, part);
    }
    return e2e_keep(line);
}

void e2e_says(struct process *process, enum process_stream stream, const char *part)
{
    if (strstr(process_text(process, stream), part) == NULL) {
        e2e_show(process);
        fail_msg("it does not say '%s'", part);
    }
}

void e2e_signal(struct process *process, int number)
{
    assert_int_equal(process_signal(process, number), 0);
}

void e2e_interrupt_after(struct process *process, const char *part, size_t n)
{
    (void)e2e_line(process, PROCESS_ERR, part, n);
    e2e_signal(process, SIGINT);
}

void e2e_ask_report(const char *program, const struct process *process)
{
    char pid[16];
    (void)snprintf(pid, sizeof(pid), "%d", process_id(process));
    e2e_ends(e2e_start(program, "--signal=report", "--pid", pid, NULL), 0);
}

/* What it ended with. */
static int e2e_stop_early(struct process *process)
{
    uint64_t begin_ms = e2e_now_ms();
    int status;
    while ((status = process_signal(process, SIGTERM)) == UV_ENOENT) {
        assert_true(e2e_now_ms() - begin_ms < PATIENCE_MS);
        (void)process_pump(1, NULL, NULL);
    }
    assert_int_equal(status, 0);
    return process_wait(process, PATIENCE_MS);
}

void e2e_server_stops_early(struct process *server)
{
    int ended = e2e_stop_early(server);
    if (ended != 0 && ended != -SIGTERM) {
        e2e_show(server);
        fail_msg("it ended with %d", ended);
    }
}

void e2e_client_stops_early(struct process *client)
{
    int ended = e2e_stop_early(client);
    if (ended == 1 && e2e_report_count(client) == 0) {
        e2e_says(client, PROCESS_ERR, "told to end before the address of ");
    } else if (ended == 1) {
        const json_t *failures = e2e_member(e2e_report(client, 0), "failures");
        assert_int_equal(json_array_size(failures), 1);
        assert_string_equal(e2e_string(json_array_get(failures, 0), "class"), "not_up");
    } else if (ended != 0 && ended != -SIGTERM) {
        e2e_show(client);
        fail_msg("it ended with %d", ended);
    }
}

/* "listening on 127.0.0.1:6001 backend=..." */
void e2e_server_listens(struct e2e_server *server, struct process *process)
{
    static const char begin[] = "listening on ";
    char host[128];
    server->process = process;
    const char *line = e2e_line(process, PROCESS_OUT, begin, 0);
    const char *at = line + sizeof(begin) - 1;
    const char *end = strchr(at, ' ');
    assert_non_null(end);
    const char *colon = end;
    while (*colon != ':') {
        assert_true(colon > at);
        colon--;
    }
    bool v6 = *at == '[';
    size_t length = (size_t)(colon - at) - (v6 ? 2 : 0);
    assert_true(length < sizeof(host));
    memcpy(host, at + (v6 ? 1 : 0), length);
    host[length] = '\0';
    assert_true((size_t)(end - colon) <= sizeof(server->port));
    memcpy(server->port, colon + 1, (size_t)(end - colon - 1));
    server->port[end - colon - 1] = '\0';
    int port = (int)strtol(server->port, NULL, 10);
    memset(&server->address, 0, sizeof(server->address));
    int status = v6 ? uv_ip6_addr(host, port, (struct sockaddr_in6 *)(void *)&server->address)
                    : uv_ip4_addr(host, port, (struct sockaddr_in *)(void *)&server->address);
    assert_int_equal(status, 0);
    assert_true(port > 0);
}

void e2e_server(struct e2e_server *server, ...)
{
    struct e2e_words words = {.count = 0};
    va_list list;
    e2e_add(&words, e2e_backend_argument());
    e2e_add(&words, "--json");
    e2e_add(&words, "-e:0");
    va_start(list, server);
    e2e_add_list(&words, list);
    va_end(list);
    e2e_server_listens(server, e2e_start_words(e2e_server_path, &words));
}

struct e2e_awaited_open {
    const struct process *process;
    unsigned count;
};

/* The last line of the form "1.5 s: 8 open, 12 accepted, ..." */
static bool e2e_are_open(void *context)
{
    const struct e2e_awaited_open *awaited = context;
    const char *last = NULL;
    const char *at = process_text(awaited->process, PROCESS_ERR);
    while ((at = strstr(at, " s: ")) != NULL) {
        at += 4;
        last = at;
    }
    return last != NULL && strtoul(last, NULL, 10) >= awaited->count;
}

void e2e_sees_open(const struct e2e_server *server, unsigned count)
{
    struct e2e_awaited_open awaited = {.process = server->process, .count = count};
    if (!process_pump(PATIENCE_MS, e2e_are_open, &awaited)) {
        e2e_show(server->process);
        fail_msg("the server has not seen %u connections", count);
    }
}

static struct process *e2e_client_start(const char *port, va_list list)
{
    struct e2e_words words = {.count = 0};
    e2e_add(&words, e2e_backend_argument());
    e2e_add(&words, "--json");
    e2e_add(&words, e2e_seed_argument());
    e2e_add(&words, "-n");
    e2e_add(&words, "127.0.0.1");
    e2e_add(&words, "-e");
    e2e_add(&words, port);
    e2e_add_list(&words, list);
    return e2e_start_words(e2e_client_path, &words);
}

struct process *e2e_client(const struct e2e_server *server, ...)
{
    va_list list;
    va_start(list, server);
    struct process *client = e2e_client_start(server->port, list);
    va_end(list);
    return client;
}

struct process *e2e_client_at(unsigned port, ...)
{
    va_list list;
    va_start(list, port);
    struct process *client = e2e_client_start(e2e_text("%u", port), list);
    va_end(list);
    return client;
}

/* ---- run ----------------------------------------------------------------------------------- */

/* The names that --backend=help calls usable. "raw" is left out, since it is one of the others. */
static size_t e2e_find_backends(char names[][32], size_t max)
{
    const char *const arguments[] = {"--backend=help", NULL};
    struct process *help = process_start(e2e_server_path, arguments, NULL);
    size_t count = 0;
    if (help == NULL || process_wait(help, PATIENCE_MS) != 0) {
        return 0;
    }
    for (const char *line = process_text(help, PROCESS_OUT); *line != '\0' && count < max;) {
        char name[32];
        char usable[32];
        if (sscanf(line, "%31s %31s", name, usable) == 2 && strcmp(usable, "usable") == 0 &&
            strcmp(name, "raw") != 0) {
            memcpy(names[count++], name, sizeof(name));
        }
        const char *end = strchr(line, '\n');
        line = end != NULL ? end + 1 : line + strlen(line);
    }
    process_end_all();
    return count;
}

static void e2e_choose_seed(void)
{
    const char *wanted = getenv("ECHOPORT_SEED");
    uint32_t seed = 0;
    while (wanted == NULL && seed == 0) {
        seed = uv_random(NULL, NULL, &seed, sizeof(seed), 0, NULL) == 0 ? seed : 1;
    }
    if (wanted != NULL) {
        seed = (uint32_t)strtoul(wanted, NULL, 10);
    }
    (void)snprintf(e2e.seed_argument, sizeof(e2e.seed_argument), "--seed=%" PRIu32, seed);
}

static bool e2e_setup(void)
{
    const char *slow = getenv("ECHOPORT_SLOW");
    e2e_choose_seed();
    e2e.factor = slow != NULL ? strtoul(slow, NULL, 10) : 0;
    if (e2e.factor == 0) {
        e2e.factor = e2e_is_sanitized() ? 4 : 1;
    }
    e2e_server_path = getenv("ECHO_SERVER");
    e2e_client_path = getenv("ECHO_CLIENT");
    if (e2e_server_path == NULL || e2e_client_path == NULL) {
        (void)fprintf(stderr, "set ECHO_SERVER and ECHO_CLIENT to the paths of the programs\n");
        return false;
    }
    return peer_setup() > 0;
}

int e2e_run_tests(int argc, char **argv, const char *name, const struct CMUnitTest *tests,
                  size_t count)
{
    char backends[E2E_BACKENDS_MAX][32];
    const char *only = NULL;
    int failed = 0;
    size_t run = 0;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--backend=", 10) == 0) {
            only = argv[i] + 10;
        } else {
            cmocka_set_test_filter(argv[i]);
        }
    }
    if (!e2e_setup()) {
        return 1;
    }
    size_t backend_count = e2e_find_backends(backends, E2E_BACKENDS_MAX);
    for (size_t i = 0; i < backend_count; i++) {
        if (only == NULL || strcmp(backends[i], only) == 0) {
            print_message("==== backend %s, %s\n", backends[i], e2e.seed_argument);
            memcpy(e2e.backend, backends[i], sizeof(e2e.backend));
            (void)snprintf(e2e.backend_argument, sizeof(e2e.backend_argument), "--backend=%.*s",
                           (int)sizeof(e2e.backend) - 1, backends[i]);
            failed += _cmocka_run_group_tests(name, tests, count, NULL, NULL);
            run++;
        }
    }
    if (run == 0) {
        print_error("no backend to test\n");
        return 1;
    }
    return failed > 0 ? 1 : 0;
}
