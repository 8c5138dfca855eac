#ifndef ECHOPORT_E2E_H
#define ECHOPORT_E2E_H

/*
 * The common part of the end-to-end tests: both programs as processes, raw peers, reports. Each
 * test runs once for every backend that works here. Whatever a test has opened is closed after it,
 * however it ended.
 *
 * Every wait is for an event. Its limit only ends a test that hangs (patience.h). No test sleeps
 * instead of waiting. Lists of arguments end with NULL.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <uv.h>

#include "patience.h"
#include "peer.h"
#include "subprocess.h"

#define KIB ((size_t)1024)
#define MIB ((size_t)1024 * 1024)

#define E2E(test) cmocka_unit_test_setup_teardown(test, e2e_set_up, e2e_tear_down)

/*
 * Runs the tests once per backend that `echo-server --backend=help` calls usable.
 *
 *   argv            [--backend=NAME] [PATTERN]: only that backend, only those tests
 *   ECHO_SERVER     in the environment: the paths of the programs
 *   ECHO_CLIENT
 *   ECHOPORT_SEED   what the clients' bytes come from; random if not given
 *   ECHOPORT_SLOW   a factor for the time that programs run; by default 1, with a sanitizer 4
 */
#define e2e_run(argc, argv, tests)                                                                 \
    e2e_run_tests(argc, argv, #tests, tests, sizeof(tests) / sizeof((tests)[0]))
int e2e_run_tests(int argc, char **argv, const char *name, const struct CMUnitTest *tests,
                  size_t count);
int e2e_set_up(void **state);
int e2e_tear_down(void **state);

/* The backend that is being tested, and as an argument. */
const char *e2e_backend(void);
const char *e2e_backend_argument(void);

/* "--seed=N", different in each run. ECHOPORT_SEED in the environment sets it. */
const char *e2e_seed_argument(void);

/* Ends the test as skipped, with the reason. */
#define e2e_skip(reason)                                                                           \
    do {                                                                                           \
        print_message("skipped: %s\n", reason);                                                    \
        skip();                                                                                    \
    } while (0)

/* Skips the test where processes can't be sent this signal. */
#define e2e_needs_signal(number)                                                                   \
    do {                                                                                           \
        if (!process_can_signal(number)) {                                                         \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

/* False under a sanitizer, which changes memory use and speed. */
bool e2e_is_sanitized(void);

/* ---- time ---------------------------------------------------------------------------------- */

/* `ms` milliseconds, times ECHOPORT_SLOW. */
uint64_t e2e_ms(uint64_t ms);
uint64_t e2e_factor(void);
uint64_t e2e_now_ms(void);

/* As an argument of a program: "300ms" times ECHOPORT_SLOW. Valid until the end of the test. */
const char *e2e_duration(uint64_t ms);

/* As an argument, a time limit that is never reached: the test fails earlier (patience.h). So the
 * limit can't be the cause of an end. */
#define E2E_NEVER "1h"

#if defined(__MINGW_PRINTF_FORMAT) /* not Microsoft's */
#define E2E_LIKE_PRINTF __attribute__((format(__MINGW_PRINTF_FORMAT, 1, 2)))
#elif defined(__GNUC__)
#define E2E_LIKE_PRINTF __attribute__((format(printf, 1, 2)))
#else
#define E2E_LIKE_PRINTF
#endif

/* A text formatted as by printf(), valid until the end of the test. */
const char *e2e_text(const char *format, ...) E2E_LIKE_PRINTF;

/* A path for a file of this test, which is removed after it. */
const char *e2e_path(const char *name);

/* The whole file with a NUL at the end, valid until the end of the test. */
const char *e2e_read_file(const char *path);

/* ---- programs ------------------------------------------------------------------------------ */

extern const char *e2e_server_path;
extern const char *e2e_client_path;

/* Starts a program with exactly these arguments. */
struct process *e2e_start(const char *program, ...);

/* Waits for its end. Fails the test if its exit code isn't `code`. */
void e2e_ends(struct process *process, int code);

/* Waits for the n-th line that contains `part`, and fails the test without it. Valid until the end
 * of the test. */
const char *e2e_line(struct process *process, enum process_stream stream, const char *part,
                     size_t n);

/* Fails the test if the stream doesn't contain `part`. */
void e2e_says(struct process *process, enum process_stream stream, const char *part);

void e2e_signal(struct process *process, int number);

/* Sends SIGINT after the n-th line on stderr that contains `part`. */
void e2e_interrupt_after(struct process *process, const char *part, size_t n);

/* Sends SIGTERM as soon as the process can receive it. The process must exit with 0, or be killed
 * by the signal if it could not handle it yet. A client may also exit with 1, if its only failure
 * is that not all connections were up yet, or that it had no address. */
void e2e_server_stops_early(struct process *server);
void e2e_client_stops_early(struct process *client);

/* Prints the end of its output to stderr, to explain a failure. */
void e2e_show(const struct process *process);

/* Asks for the report so far, with --signal=report of `program`. */
void e2e_ask_report(const char *program, const struct process *process);

struct e2e_server {
    struct process *process;
    struct sockaddr_storage address; /* the first address that it listens on */
    char port[8];
};

/* Starts echo-server with --backend, --json, -e:0 and these arguments, and waits until it
 * listens. */
void e2e_server(struct e2e_server *server, ...);

/* Waits until a process that has been started listens. */
void e2e_server_listens(struct e2e_server *server, struct process *process);

/* Waits until the server reports at least this many open connections. It needs --stats-interval. */
void e2e_sees_open(const struct e2e_server *server, unsigned count);

/* Starts echo-client with --backend, --json, --seed, the server's address and these arguments. */
struct process *e2e_client(const struct e2e_server *server, ...);

/* The same with another port of 127.0.0.1. */
struct process *e2e_client_at(unsigned port, ...);

/* ---- reports ------------------------------------------------------------------------------- */

/* The n-th object on stdout, which must be complete JSON. It lives until the end of the test. The
 * process must have ended. */
json_t *e2e_report(struct process *process, size_t n);
size_t e2e_report_count(struct process *process);

/* Waits for the end as e2e_ends() does, and returns the first report. */
json_t *e2e_end_report(struct process *process, int code);

/* The JSON of a text, which must be exactly one object. */
json_t *e2e_parse(const char *text);

/* Members by name, with '.' between levels: "counters.sent". They must exist. */
json_t *e2e_member(const json_t *report, const char *path);
uint64_t e2e_uint(const json_t *report, const char *path);
double e2e_real(const json_t *report, const char *path);
const char *e2e_string(const json_t *report, const char *path);

/* The counter, e.g. "sent", summed over all generations of a server. */
uint64_t e2e_server_sum(struct process *server, const char *counter);

/* Every connection of this report has ended in exactly one way. The report is a client's or that of
 * one generation of a server. */
void e2e_ends_add_up(const json_t *report);

/* For a client's report. It has only this failure, `count` times; the count of one class among
 * others, 0 if absent; it has no failure. */
void e2e_fails_as(const json_t *report, const char *class, uint64_t count);
uint64_t e2e_failures(const json_t *report, const char *class);
void e2e_succeeds(const json_t *report);

/* The number of errors of that operation; with any code if `code` is NULL. */
uint64_t e2e_errors(const json_t *report, const char *operation, const char *code);

/* Checks the end of a server that was told to stop under load and had at least `connections`. It
 * exits with 0. On a slow machine it may exit with 1 because it reset some at its --drain-timeout.
 * In virtual time, test_load.c shows that none needs a reset. Returns how many it reset. */
uint64_t e2e_ends_drained(const struct e2e_server *server, uint64_t connections);

/* Ends the server with SIGTERM. It must exit with 0. */
void e2e_server_ends(const struct e2e_server *server);

/* The same after a reset by a peer whose system has taken whole sends. Wine 10 delivers the reset
 * only when those have been read. Until then the server does not know, and may have to reset the
 * connection. */
void e2e_server_ends_without_resets(const struct e2e_server *server);

/* Ends the server and compares: the server received, sent back and the client verified all that it
 * sent. The client must have ended. */
void e2e_books_agree(const struct e2e_server *server, struct process *client);

/* Messages of 64 KiB, with Nagle's algorithm off at both ends: with it and delayed acknowledgements
 * each would wait. Ends the server. */
void e2e_echoes_large_messages(const struct e2e_server *server, const char *requests);

/* ---- raw peers ----------------------------------------------------------------------------- */

/* Connects to the server. The connection is closed after the test. `rcvbuf` sets SO_RCVBUF in
 * bytes; 0 leaves the system's default. */
uv_os_sock_t e2e_peer(const struct e2e_server *server);
uv_os_sock_t e2e_peer_with(const struct e2e_server *server, int receive_buffer);

/* Closes it now. */
void e2e_peer_close(uv_os_sock_t peer);
void e2e_peer_reset(uv_os_sock_t peer);

/* Sends all bytes and receives as many. 0 if they are equal, else a UV error. UV_EOF: the server
 * ended the connection. UV_EPROTO: the bytes differ. */
int e2e_peer_try(uv_os_sock_t peer, const void *data, size_t length);
void e2e_peer_echoes(uv_os_sock_t peer, const void *data, size_t length);

/* Sends all bytes and FIN at once. 0 if all came back and then FIN; else a UV error. UV_EOF: FIN
 * came early. */
int e2e_peer_finish(uv_os_sock_t peer, const void *data, size_t length);

/* A connection to a peer that sends as long as the server takes bytes, and reads nothing. */
uv_os_sock_t e2e_slow_reader(const struct e2e_server *server);

/* A client is served beside `count` connections that send nothing. Ends the server. */
void e2e_serves_beside_silent_peers(const struct e2e_server *server, size_t count);

/* Whether the loopback interface has an IPv6 address. */
bool e2e_has_ipv6(void);

/* A free port of 127.0.0.1 that no other test gets by chance. */
unsigned e2e_free_port(void);

/* Bytes without a period, determined by the seed. */
void e2e_noise(void *data, size_t length, uint64_t seed);

/* What the peer receives next: 0 at the end of the stream, > 0 bytes, or a UV error. UV_EAGAIN if
 * nothing comes within `timeout_ms`. Meanwhile it reads the programs' output. */
int e2e_peer_wait(uv_os_sock_t peer, uint64_t timeout_ms);

/* Asserts that the next event is a reset. */
void e2e_peer_is_reset(uv_os_sock_t peer);

/* Closes them all. */
void e2e_tear_down_peers(void);

/* ---- for e2e*.c only ---- */

void e2e_tear_down_reports(void);

#endif
