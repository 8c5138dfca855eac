/*
 * Command lines, output and exit codes.
 */

#include "e2e.h"

#include <stdio.h>
#include <string.h>

#include "backend.h"
#include "range.h"
#include "util.h"

static const char *const *programs(void)
{
    static const char *paths[2];
    paths[0] = e2e_server_path;
    paths[1] = e2e_client_path;
    return paths;
}

static const char *to_port(unsigned port)
{
    return e2e_text("-e:%u", port);
}

static bool is_refused(unsigned port)
{
    struct sockaddr_storage address;
    uv_os_sock_t peer;
    memset(&address, 0, sizeof(address));
    (void)uv_ip4_addr("127.0.0.1", (int)port, (struct sockaddr_in *)(void *)&address);
    int status = peer_connect(&address, 0, &peer);
    if (status == 0) {
        peer_close(peer);
    }
    return status == UV_ECONNREFUSED;
}

/* ---- help and version ---------------------------------------------------------------------- */

static void help_begins_with_the_usage(void **state)
{
    static const char *const forms[] = {"--help", "-h", "-?"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < LENGTH(forms); j++) {
            struct process *help = e2e_start(programs()[i], forms[j], NULL);
            e2e_ends(help, 0);
            assert_memory_equal(process_text(help, PROCESS_OUT), "Usage: echo-", 12);
            e2e_says(help, PROCESS_OUT, "\nExamples:\n");
            e2e_says(help, PROCESS_OUT, "Exit codes:");
            assert_string_equal(process_text(help, PROCESS_ERR), "");
        }
    }
}

static void version_names_the_program(void **state)
{
    static const char *const names[] = {"echo-server ", "echo-client "};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct process *version = e2e_start(programs()[i], "--version", NULL);
        e2e_ends(version, 0);
        const char *text = process_text(version, PROCESS_OUT);
        assert_memory_equal(text, names[i], strlen(names[i]));
        e2e_says(version, PROCESS_OUT, "libuv 1.");
        e2e_says(version, PROCESS_OUT, e2e_backend());
    }
}

/* ---- backends ------------------------------------------------------------------------------ */

/* The line of a backend: its summary, or why it isn't usable here. */
static void a_backend_is_listed(struct process *help, const struct backend_entry *entry)
{
    char why[256];
    const struct backend *backend = entry->backend;
    bool usable = backend_probe(entry, why, sizeof(why)) == 0;
    assert_string_equal(e2e_line(help, PROCESS_OUT, e2e_text("%-10s ", entry->name), 0),
                        e2e_text("%-10s %-11s %s", entry->name, usable ? "usable" : "not usable",
                                 usable ? entry->summary : why));
    if (backend != NULL && backend->accept_modes != NULL) {
        e2e_says(help, PROCESS_OUT, e2e_text(" --accept=%s (default)", backend->accept_modes[0]));
    }
    if (backend != NULL && backend->recv_modes != NULL) {
        e2e_says(help, PROCESS_OUT, e2e_text(" --recv=%s (default)", backend->recv_modes[0]));
    }
}

static void backends_are_listed(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct process *help = e2e_start(programs()[i], "--backend=help", NULL);
        e2e_ends(help, 0);
        for (const struct backend_entry *at = backend_list; at->name != NULL; at++) {
            a_backend_is_listed(help, at);
        }
        assert_non_null(strstr(e2e_line(help, PROCESS_OUT, "uv ", 0), " usable "));
        assert_non_null(strstr(e2e_line(help, PROCESS_OUT, "raw ", 0), " usable "));
    }
}

static void raw_backend_runs_or_says_why_not(void **state)
{
    struct e2e_server server;
    (void)state;
    struct process *help = e2e_start(e2e_server_path, "--backend=help", NULL);
    e2e_ends(help, 0);
    if (strstr(e2e_line(help, PROCESS_OUT, "raw ", 0), "not usable") == NULL) {
        e2e_server_listens(&server,
                           e2e_start(e2e_server_path, "--backend=raw", "-e:0", "--json", NULL));
        struct process *client = e2e_start(e2e_client_path, "--backend=raw", "-n:127.0.0.1",
                                           e2e_text("-e:%s", server.port), "--requests=100",
                                           "--json", e2e_seed_argument(), NULL);
        e2e_ends(client, 0);
        e2e_books_agree(&server, client);
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        struct process *raw = e2e_start(programs()[i], "--backend=raw", NULL);
        e2e_ends(raw, 2);
        e2e_says(raw, PROCESS_ERR, "--backend");
        e2e_says(raw, PROCESS_ERR, "raw");
        assert_string_equal(process_text(raw, PROCESS_OUT), "");
    }
}

static void an_unknown_backend_is_a_usage_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct process *process = e2e_start(programs()[i], "--backend=carrier-pigeon", NULL);
        e2e_ends(process, 2);
        e2e_says(process, PROCESS_ERR, "carrier-pigeon");
        e2e_says(process, PROCESS_ERR, "--backend=help");
    }
}

/* No backend has this mode. It is refused before anything is bound. */
static void an_unknown_mode_is_a_usage_error(void **state)
{
    static const char *const server[] = {"--accept=by-pigeon", "--recv=by-pigeon"};
    unsigned port = e2e_free_port();
    (void)state;
    for (size_t i = 0; i < LENGTH(server); i++) {
        struct process *process =
            e2e_start(e2e_server_path, to_port(port), e2e_backend_argument(), server[i], NULL);
        e2e_ends(process, 2);
        e2e_says(process, PROCESS_ERR, "'by-pigeon' is not a mode of backend ");
        e2e_says(process, PROCESS_ERR, "; it has "); /* and which those are */
        assert_string_equal(process_text(process, PROCESS_OUT), "");
        assert_true(is_refused(port));
    }
    struct process *client = e2e_start(e2e_client_path, to_port(port), "-n:127.0.0.1",
                                       e2e_backend_argument(), "--recv=by-pigeon", NULL);
    e2e_ends(client, 2);
    e2e_says(client, PROCESS_ERR, "echo-client: --recv: 'by-pigeon' is not a mode of backend ");
}

/* ---- bad options --------------------------------------------------------------------------- */

static void refused(const char *program, const char *first, const char *second, unsigned port)
{
    struct process *process =
        e2e_start(program, to_port(port), e2e_backend_argument(), first, second, NULL);
    e2e_ends(process, 2);
    const char *message = process_text(process, PROCESS_ERR);
    if (strncmp(message, "echo-", 5) != 0 || strchr(message, '\n') == NULL) {
        fail_msg("'%s': %s", first, message);
    }
    assert_string_equal(process_text(process, PROCESS_OUT), "");
    assert_true(is_refused(port));
}

static void b16_bad_options_end_with_2(void **state)
{
    static const char *const both[][2] = {
        {"-t8", NULL},    {"-t:-1", NULL},      {"-t:x", NULL},      {"-z", NULL},
        {"-", NULL},      {"--threads=", NULL}, {"--threads", NULL}, {"--no-such-thing", NULL},
        {"-e:x:y", NULL}, {"-e:65536", NULL},
    };
    static const char *const server[][2] = {
        {"--backlog", "0"}, {"-l", "nowhere"},         {"--idle-timeout", "fast"},
        {"stray", NULL},    {"--nodelay=maybe", NULL},
    };
    static const char *const client[][2] = {
        {"-b:0", NULL}, {"-b:-1", NULL}, {"-t:0", NULL}, {"-s", "0"},
        {"-d", "1x"},   {"-e:0", NULL},  {"-n:", NULL},  {"--connections", "18446744073709551616"},
    };
    unsigned port = e2e_free_port();
    (void)state;
    for (size_t i = 0; i < LENGTH(both); i++) {
        refused(e2e_server_path, both[i][0], both[i][1], port);
        refused(e2e_client_path, both[i][0], both[i][1], port);
    }
    for (size_t i = 0; i < LENGTH(server); i++) {
        refused(e2e_server_path, server[i][0], server[i][1], port);
    }
    for (size_t i = 0; i < LENGTH(client); i++) {
        refused(e2e_client_path, client[i][0], client[i][1], port);
    }
}

/* ---- what is not available ----------------------------------------------------------------- */

static void b1_port_in_use_is_reported(void **state)
{
    static const char *const threads[] = {"-t:1", "-t:2"};
    (void)state;
    for (size_t first = 0; first < 2; first++) {
        struct e2e_server server;
        e2e_server(&server, threads[first], NULL);
        for (size_t second = 0; second < 2; second++) {
            struct process *late = e2e_start(e2e_server_path, e2e_text("-e:%s", server.port),
                                             threads[second], e2e_backend_argument(), NULL);
            e2e_ends(late, 1);
            e2e_says(late, PROCESS_ERR, e2e_text("127.0.0.1:%s", server.port));
            e2e_says(late, PROCESS_ERR, uv_strerror(UV_EADDRINUSE));
            assert_string_equal(process_text(late, PROCESS_OUT), "");
        }
        struct process *client = e2e_client(&server, "-c", "4", "--requests", "40", NULL);
        e2e_ends(client, 0); /* it serves on, alone */
        e2e_books_agree(&server, client);
    }
}

static void an_address_given_twice_is_reported(void **state)
{
    const char *address = e2e_text("127.0.0.1:%u", e2e_free_port());
    (void)state;
    struct process *server =
        e2e_start(e2e_server_path, "-l", address, "-l", address, e2e_backend_argument(), NULL);
    e2e_ends(server, 1);
    e2e_says(server, PROCESS_ERR, "an address given before it has that port");
}

static void an_address_of_others_is_reported(void **state)
{
    (void)state;
    struct process *server =
        e2e_start(e2e_server_path, "-l", "203.0.113.7:0", e2e_backend_argument(), NULL);
    e2e_ends(server, 1);
    e2e_says(server, PROCESS_ERR, "203.0.113.7");
}

static void names_that_do_not_resolve_are_reported(void **state)
{
    static const char host[] = "no-such-host.invalid";
    (void)state;
    struct process *server =
        e2e_start(e2e_server_path, "-l", "no-such-host.invalid:0", e2e_backend_argument(), NULL);
    struct process *client =
        e2e_start(e2e_client_path, "-n", host, "-d", E2E_NEVER, e2e_backend_argument(), NULL);
    e2e_ends(server, 1);
    e2e_ends(client, 1);
    e2e_says(server, PROCESS_ERR, host);
    e2e_says(client, PROCESS_ERR, host);
}

static void b15_b16_no_server_is_reported(void **state)
{
    unsigned port = e2e_free_port();
    (void)state;
    struct process *client = e2e_client_at(port, "-t", "4", "-c", "8", "-d", E2E_NEVER, NULL);
    e2e_ends(client, 1);
    e2e_says(client, PROCESS_ERR, e2e_text("127.0.0.1:%u", port));
    e2e_says(client, PROCESS_ERR, uv_strerror(UV_ECONNREFUSED));
    const json_t *report = e2e_report(client, 0);
    assert_true(json_is_false(e2e_member(report, "ok")));
    assert_string_equal(e2e_string(report, "address"), e2e_text("127.0.0.1:%u", port));
    assert_int_equal(e2e_uint(report, "counters.connect_failures"), 8);
    assert_int_equal(e2e_uint(report, "counters.connected"), 0);
    assert_int_equal(e2e_errors(report, "connect", "ECONNREFUSED"), 8);
}

/* The client's descriptor limit may be lower than its number of connections. */
static void b15_some_connects_fail_and_the_rest_work(void **state)
{
    struct e2e_server server;
    const char *const version[] = {"--version", NULL};
    (void)state;
    struct process *prlimit = process_start("prlimit", version, NULL);
    if (prlimit == NULL || process_wait(prlimit, PATIENCE_MS) != 0) {
        e2e_skip("there is no prlimit here");
    }
    e2e_server(&server, NULL);
    struct process *client = e2e_start(
        "prlimit", "--nofile=64:64", e2e_client_path, e2e_backend_argument(), e2e_seed_argument(),
        "--json", "-n", "127.0.0.1", "-e", server.port, "-c", "100", "--requests", "1000", NULL);
    const json_t *report = e2e_end_report(client, 1);
    uint64_t connected = e2e_uint(report, "counters.connected");
    assert_between(connected, 1, 63);
    assert_true(e2e_uint(report, "counters.connect_failures") >= 100 - connected);
    assert_int_equal(e2e_uint(report, "counters.completed"), connected);
    assert_true(e2e_errors(report, "connect", "EMFILE") > 0);
    assert_true(e2e_uint(report, "counters.messages") > 0);
    e2e_says(client, PROCESS_ERR, uv_strerror(UV_EMFILE));
    e2e_books_agree(&server, client);
}

/* ---- output -------------------------------------------------------------------------------- */

static void b2_output_into_a_pipe_and_a_file(void **state)
{
    struct e2e_server server;
    const char *path = e2e_path("client");
    (void)state;
    e2e_server(&server, NULL);
    const char *const arguments[] = {"-n:127.0.0.1", e2e_text("-e:%s", server.port),
                                     "--requests=10", e2e_backend_argument(), NULL};
    struct process *piped = process_start(e2e_client_path, arguments, NULL);
    struct process *filed = process_start(e2e_client_path, arguments, path);
    assert_true(piped != NULL && filed != NULL);
    e2e_ends(piped, 0);
    e2e_ends(filed, 0);
    e2e_says(piped, PROCESS_OUT, "messages     10,");
    assert_non_null(strstr(e2e_read_file(path), "messages     10,"));
    /* without a terminal there are no control sequences */
    assert_null(strchr(process_text(piped, PROCESS_OUT), '\033'));
    assert_null(strchr(process_text(piped, PROCESS_ERR), '\033'));
    assert_null(strchr(e2e_read_file(path), '\033'));
}

static void json_into_a_file(void **state)
{
    struct e2e_server server;
    const char *server_path = e2e_path("server.json");
    const char *client_path = e2e_path("client.json");
    (void)state;
    e2e_server_listens(&server, e2e_start(e2e_server_path, "-e:0", e2e_backend_argument(),
                                          "--accept-depth=3", "--details",
                                          e2e_text("--json=%s", server_path), NULL));
    struct process *client = e2e_start(
        e2e_client_path, "-n:127.0.0.1", e2e_text("-e:%s", server.port), "--requests=10",
        e2e_seed_argument(), e2e_backend_argument(), e2e_text("--json=%s", client_path), NULL);
    e2e_ends(client, 0);
    e2e_says(client, PROCESS_OUT, "messages     10,"); /* and the text for people */
    const json_t *report = e2e_parse(e2e_read_file(client_path));
    assert_int_equal(e2e_uint(report, "counters.messages"), 10);
    e2e_server_ends(&server);
    e2e_says(server.process, PROCESS_OUT, "1 served");
    e2e_says(server.process, PROCESS_OUT, "  accepts      1");
    report = e2e_parse(e2e_read_file(server_path));
    assert_int_equal(e2e_uint(report, "counters.received"), 40960);
    assert_int_equal(e2e_uint(report, "options.accept_depth"), 3);
}

/* Readers that hold numbers as doubles must be able to return the seed exactly: RFC 7493, 2.2. */
static void a_random_seed_can_be_read_from_the_report(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    for (unsigned i = 0; i < 4; i++) {
        struct process *client =
            e2e_start(e2e_client_path, "-n:127.0.0.1", e2e_text("-e:%s", server.port),
                      "--requests=1", "--json", e2e_backend_argument(), NULL);
        e2e_ends(client, 0);
        uint64_t seed = e2e_uint(e2e_report(client, 0), "seed");
        assert_between(seed, 1, (UINT64_C(1) << 53) - 1);
    }
}

/* Whether the file exists, or with `create` whether it can be made. Asks libuv, which takes names
 * as UTF-8 on every system. */
static bool has_file(const char *path, bool create)
{
    uv_fs_t request;
    int flags = UV_FS_O_RDWR | (create ? UV_FS_O_CREAT : 0);
    int file = uv_fs_open(NULL, &request, path, flags, 0600, NULL);
    uv_fs_req_cleanup(&request);
    if (file >= 0) {
        (void)uv_fs_close(NULL, &request, file, NULL);
        uv_fs_req_cleanup(&request);
    }
    return file >= 0;
}

/* No code page of Windows has all of these characters. */
static void json_into_a_file_with_a_name_in_any_script(void **state)
{
    const char *path = e2e_path("\xe6\x97\xa5\xe6\x9c\xac \xd0\xb6 \xc3\xa9.json");
    uv_fs_t request;
    (void)state;
    if (!has_file(path, true)) {
        e2e_skip("this system's locale has no such names");
    }
    (void)uv_fs_unlink(NULL, &request, path, NULL);
    uv_fs_req_cleanup(&request);
    struct process *client = e2e_start(
        e2e_client_path, "-n:127.0.0.1", e2e_text("-e:%u", e2e_free_port()), "--requests=1",
        e2e_seed_argument(), e2e_backend_argument(), e2e_text("--json=%s", path), NULL);
    e2e_ends(client, 1); /* there is no server, but there is a report */
    assert_true(has_file(path, false));
}

/* Such as "99.9": a value of --percentiles is a name there. */
static bool is_percentile(const char *name)
{
    return name[0] >= '0' && name[0] <= '9';
}

static void has_names_of(const char *document, json_t *json)
{
    const char *name;
    json_t *value;
    size_t i;
    json_object_foreach(json, name, value)
    {
        if (!is_percentile(name) && strstr(document, e2e_text("`%s`", name)) == NULL) {
            fail_msg("docs/report.md does not have `%s`", name);
        }
        has_names_of(document, value);
    }
    json_array_foreach(json, i, value)
    {
        has_names_of(document, value);
    }
}

static void each_member_is_documented(void **state)
{
    static char document[32768];
    struct e2e_server server;
    FILE *file = fopen(REPORT_DOCUMENT, "rb");
    (void)state;
    assert_non_null(file);
    assert_between(fread(document, 1, sizeof(document) - 1, file), 1, sizeof(document) - 2);
    (void)fclose(file);
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "--requests", "10", NULL);
    e2e_ends(client, 0);
    e2e_server_ends(&server);
    has_names_of(document, e2e_report(client, 0));
    has_names_of(document, e2e_report(server.process, 0));
}

static void json_that_cannot_be_written(void **state)
{
    const char *path = e2e_text("--json=%s", e2e_path("no-such-folder/report.json"));
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct process *process =
            e2e_start(programs()[i], to_port(e2e_free_port()), path, e2e_backend_argument(), NULL);
        e2e_ends(process, 1);
        e2e_says(process, PROCESS_ERR, "no-such-folder");
    }
}

static bool has_full_device(void)
{
    FILE *file = fopen("/dev/full", "rb");
    if (file != NULL) {
        (void)fclose(file);
    }
    return file != NULL;
}

static void full_device_is_reported(void **state)
{
    struct e2e_server server;
    (void)state;
    if (!has_full_device()) {
        e2e_skip("there is no /dev/full here");
    }
    e2e_server(&server, NULL);
    const char *port = e2e_text("-e:%s", server.port);
    const char *const lines[][6] = {
        {"--help", NULL},
        {"--version", NULL},
        {"-n:127.0.0.1", port, "--requests=5", e2e_backend_argument(), NULL},
        {"-n:127.0.0.1", port, "--requests=5", e2e_backend_argument(), "--json", NULL},
    };
    for (size_t i = 0; i < LENGTH(lines); i++) {
        struct process *process = process_start(e2e_client_path, lines[i], "/dev/full");
        assert_non_null(process);
        e2e_ends(process, 1);
        e2e_says(process, PROCESS_ERR, "cannot write");
    }
    struct process *help = process_start(e2e_server_path, lines[0], "/dev/full");
    assert_non_null(help);
    e2e_ends(help, 1);
    e2e_says(help, PROCESS_ERR, "cannot write");
}

/* The reader of its output has gone. The work goes on, and the exit code reports the failure. */
static void closed_output_is_reported(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    process_close_out(server.process);
    struct process *client = e2e_client(&server, "-c", "2", "--requests", "20", NULL);
    e2e_ends(client, 0);
    e2e_signal(server.process, SIGHUP); /* a report is written, but nothing reads it */
    (void)e2e_line(server.process, PROCESS_ERR, "generation 2", 0);
    client = e2e_client(&server, "-c", "2", "--requests", "20", NULL);
    e2e_ends(client, 0);
    e2e_signal(server.process, SIGTERM);
    e2e_ends(server.process, 1);
    e2e_says(server.process, PROCESS_ERR, "cannot write");
}

static void verbose_server_prints_each_completion(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-v", "-t", "1", NULL);
    struct process *client = e2e_client(&server, "--requests", "3", "-s", "64", NULL);
    e2e_ends(client, 0);
    (void)e2e_line(server.process, PROCESS_ERR, "worker 0 conn 1: accepted", 0);
    (void)e2e_line(server.process, PROCESS_ERR, "worker 0 conn 1: recv 64 bytes", 2);
    (void)e2e_line(server.process, PROCESS_ERR, "worker 0 conn 1: send 64 bytes", 2);
    (void)e2e_line(server.process, PROCESS_ERR, "worker 0 conn 1: end of stream; close follows", 0);
    (void)e2e_line(server.process, PROCESS_ERR, "worker 0 conn 1: closed", 0);
}

static void verbose_client_prints_each_echo(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "-v", "--requests", "25", NULL);
    e2e_ends(client, 0);
    assert_int_equal(process_count_lines(client, PROCESS_ERR, "ack("), 25);
    e2e_says(client, PROCESS_ERR, "ack(1)");
    e2e_says(client, PROCESS_ERR, "ack(25)");
}

static void verbose_client_prints_each_completion(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "-v", "--requests", "3", "-s", "64", NULL);
    e2e_ends(client, 0);
    (void)e2e_line(client, PROCESS_ERR, "worker 0 conn 0: connected, ", 0);
    (void)e2e_line(client, PROCESS_ERR, "worker 0 conn 0: send 64 bytes, ", 2);
    (void)e2e_line(client, PROCESS_ERR, "worker 0 conn 0: recv ", 0);
    (void)e2e_line(client, PROCESS_ERR, "worker 0 conn 0: all answered, shutdown", 0);
    (void)e2e_line(client, PROCESS_ERR, "worker 0 conn 0: end of stream after ours; close", 0);
    (void)e2e_line(client, PROCESS_ERR, "worker 0 conn 0: closed; nothing is outstanding", 0);
}

/* The new generation does not count the bytes of the old one. */
static void statistics_go_on_over_a_restart(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-t", "1", "--stats-interval", "50ms", NULL);
    e2e_ends(e2e_client(&server, "-c", "1", "-s", "1MiB", "--requests", "2", NULL), 0);
    (void)e2e_line(server.process, PROCESS_ERR, "0 open, 1 accepted, 0 echoes/s, 0", 0);
    e2e_signal(server.process, SIGHUP);
    e2e_ends(e2e_client(&server, "-c", "1", "-s", "64", "--requests", "1000", NULL), 0);
    (void)e2e_line(server.process, PROCESS_ERR, "0 open, 2 accepted, 0 echoes/s, 0", 0);
    assert_null(strstr(process_text(server.process, PROCESS_ERR), "EiB/s"));
}

static void statistics_are_printed_at_intervals(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "--stats-interval", "50ms", NULL);
    uv_os_sock_t peer = e2e_peer(&server);
    e2e_peer_echoes(peer, "hello", 5);
    (void)e2e_line(server.process, PROCESS_ERR, "1 open, 1 accepted", 0);
    e2e_peer_close(peer);
    (void)e2e_line(server.process, PROCESS_ERR, "0 open, 1 accepted", 0);
}

/* A server and its client after the end of their connections. Neither prints progress. */
static void nothing_is_printed_without_an_interval(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = e2e_client(&server, "-c", "2", "--requests", "10", NULL);
    e2e_ends(client, 0);
    assert_string_equal(process_text(client, PROCESS_ERR), "");
    assert_string_equal(process_text(server.process, PROCESS_ERR), "");
    e2e_server_ends(&server);
    assert_int_equal(process_count_lines(server.process, PROCESS_ERR, " open, "), 0);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        E2E(help_begins_with_the_usage),
        E2E(version_names_the_program),
        E2E(backends_are_listed),
        E2E(raw_backend_runs_or_says_why_not),
        E2E(an_unknown_backend_is_a_usage_error),
        E2E(an_unknown_mode_is_a_usage_error),
        E2E(b16_bad_options_end_with_2),
        E2E(b1_port_in_use_is_reported),
        E2E(an_address_given_twice_is_reported),
        E2E(an_address_of_others_is_reported),
        E2E(names_that_do_not_resolve_are_reported),
        E2E(b15_b16_no_server_is_reported),
        E2E(b15_some_connects_fail_and_the_rest_work),
        E2E(b2_output_into_a_pipe_and_a_file),
        E2E(json_into_a_file),
        E2E(json_into_a_file_with_a_name_in_any_script),
        E2E(a_random_seed_can_be_read_from_the_report),
        E2E(each_member_is_documented),
        E2E(json_that_cannot_be_written),
        E2E(full_device_is_reported),
        E2E(closed_output_is_reported),
        E2E(verbose_server_prints_each_completion),
        E2E(verbose_client_prints_each_echo),
        E2E(verbose_client_prints_each_completion),
        E2E(statistics_are_printed_at_intervals),
        E2E(nothing_is_printed_without_an_interval),
        E2E(statistics_go_on_over_a_restart),
    };
    return e2e_run(argc, argv, tests);
}
