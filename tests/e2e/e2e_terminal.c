/*
 * What the programs do on a terminal: the client shows a line of progress on stderr, and removes it
 * before anything else is printed. Reports are as wide as the terminal.
 */

#include "e2e.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "pty.h"

#define SHOWN_MAX ((size_t)1 << 20)

static struct {
    int master;
    int slave;
    char text[SHOWN_MAX]; /* what has been written to it, as it came */
    size_t length;
    char *screen; /* of it */
} terminal;

static int set_up(void **state)
{
    char name[PTY_NAME_MAX];
    int status = pty_open(&terminal.master, name);
    if (status != 0) {
        print_error("no pseudo-terminal: %s\n", uv_strerror(status));
        return -1;
    }
    terminal.slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    terminal.length = 0;
    terminal.text[0] = '\0';
    terminal.screen = NULL;
    (void)uv_os_setenv("TERM", "xterm");
    return terminal.slave >= 0 ? e2e_set_up(state) : -1;
}

static int tear_down(void **state)
{
    int status = e2e_tear_down(state);
    (void)close(terminal.slave);
    (void)close(terminal.master);
    free(terminal.screen);
    return status;
}

/* Takes what the programs have written. */
static void look(void)
{
    ssize_t count;
    do {
        count =
            read(terminal.master, terminal.text + terminal.length, SHOWN_MAX - 1 - terminal.length);
        terminal.length += count > 0 ? (size_t)count : 0;
        assert_true(terminal.length < SHOWN_MAX - 1);
    } while (count > 0 || (count < 0 && errno == EINTR));
    terminal.text[terminal.length] = '\0';
    free(terminal.screen);
    terminal.screen = pty_screen(terminal.text);
}

static bool shows(const char *part)
{
    return strstr(terminal.screen, part) != NULL;
}

/* Waits until the screen shows `part`. */
static void await(const char *part)
{
    uint64_t until_ms = e2e_now_ms() + PATIENCE_MS;
    for (look(); !shows(part); look()) {
        if (e2e_now_ms() > until_ms) {
            fail_msg("the terminal does not show '%s' but:\n%s", part, terminal.screen);
        }
        (void)process_pump(5, NULL, NULL);
    }
}

/* Waits for its end, and reads meanwhile: a program waits for a reader of its last output. */
static void ends(struct process *process, int code)
{
    uint64_t until_ms = e2e_now_ms() + PATIENCE_MS;
    while (!process_has_ended(process) && e2e_now_ms() < until_ms) {
        (void)process_pump(5, NULL, NULL);
        look();
    }
    e2e_ends(process, code);
    look();
}

/* Whether a line of the screen begins with it. */
static bool has_line(const char *begin)
{
    const char *at = terminal.screen;
    while (at != NULL && strncmp(at, begin, strlen(begin)) != 0) {
        at = strchr(at, '\n');
        at = at == NULL ? NULL : at + 1;
    }
    return at != NULL;
}

/* A client on the terminal, with two connections, until it is told to stop; stdout goes there too,
 * or is gathered. */
static struct process *client_on_terminal(const struct e2e_server *server, bool out,
                                          const char *option)
{
    const int descriptors[PROCESS_STREAMS] = {out ? terminal.slave : -1, terminal.slave};
    const char *const arguments[] = {e2e_backend_argument(),
                                     e2e_seed_argument(),
                                     "-n",
                                     "127.0.0.1",
                                     "-e",
                                     server->port,
                                     "-c",
                                     "2",
                                     option,
                                     NULL};
    struct process *client = process_start_on(e2e_client_path, arguments, descriptors);
    assert_non_null(client);
    return client;
}

static void progress_gives_way_to_messages(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = client_on_terminal(&server, false, NULL);
    await(" s  2 up  ");
    assert_false(has_line("echo-client: "));
    e2e_signal(client, SIGTERM);
    ends(client, 0);
    assert_true(has_line("echo-client: SIGTERM: "));
    assert_false(shows(" up  "));
    assert_null(strchr(terminal.screen, '?'));
    e2e_says(client, PROCESS_OUT, "OK\n");
}

static void progress_gives_way_to_the_report(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = client_on_terminal(&server, true, NULL);
    await(" s  2 up  ");
    e2e_signal(client, SIGTERM);
    ends(client, 0);
    assert_true(has_line("OK\n"));
    assert_true(has_line("  latency  "));
    assert_false(shows(" up  "));
}

/* Nothing is printed over it at the end. */
static void progress_is_gone_after_the_run(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = client_on_terminal(&server, false, "-d:1s");
    ends(client, 0);
    assert_string_equal(terminal.screen, "");
    e2e_says(client, PROCESS_OUT, "OK\n");
}

/* The progress is one line, which is written over. */
static void progress_goes_on(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, NULL);
    struct process *client = client_on_terminal(&server, false, NULL);
    await(" s  2 up  ");
    const char *before = e2e_text("%.100s", terminal.screen);
    uint64_t until_ms = e2e_now_ms() + PATIENCE_MS;
    while (strncmp(terminal.screen, before, strlen(before)) == 0) {
        assert_true(e2e_now_ms() < until_ms);
        (void)process_pump(5, NULL, NULL);
        look();
    }
    assert_ptr_equal(strchr(terminal.screen, '\n'), terminal.screen + strlen(terminal.screen) - 1);
    assert_true(shows("all verified"));
    e2e_signal(client, SIGTERM);
    ends(client, 0);
}

/* A client that ran for some ticks has written no control sequence, and no progress. */
static void check_plain(const char *option)
{
    struct e2e_server server;
    e2e_server(&server, "--stats-interval", "20ms", NULL);
    struct process *client = client_on_terminal(&server, false, option);
    e2e_sees_open(&server, 2);
    (void)process_pump(500, NULL, NULL);
    e2e_signal(client, SIGTERM);
    ends(client, 0);
    assert_true(has_line("echo-client: SIGTERM: "));
    assert_null(strchr(terminal.text, '\033'));
    assert_false(shows(" up  "));
}

static void a_dumb_terminal_has_no_progress(void **state)
{
    (void)state;
    (void)uv_os_setenv("TERM", "dumb");
    check_plain(NULL);
}

static void no_color_has_no_progress(void **state)
{
    (void)state;
    check_plain("--no-color");
}

/* No colour is asked for, so there is none to leave out. */
static void progress_has_no_colour(void **state)
{
    struct e2e_server server;
    (void)state;
    (void)uv_os_setenv("NO_COLOR", "1");
    e2e_server(&server, NULL);
    struct process *client = client_on_terminal(&server, false, NULL);
    (void)uv_os_unsetenv("NO_COLOR");
    await(" s  2 up  ");
    e2e_signal(client, SIGTERM);
    ends(client, 0);
    assert_null(strchr(terminal.screen, '?')); /* only the sequence that clears the line */
}

static void set_width(unsigned short columns)
{
    const struct winsize size = {.ws_row = 24, .ws_col = columns};
    assert_int_equal(ioctl(terminal.slave, TIOCSWINSZ, &size), 0);
}

/* The longest line of the screen. */
static size_t widest(void)
{
    size_t most = 0;
    for (const char *line = terminal.screen; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        most = length > most ? length : most;
        line += length + 1;
    }
    return most;
}

static void progress_is_cut_to_the_width(void **state)
{
    struct e2e_server server;
    (void)state;
    set_width(20);
    e2e_server(&server, NULL);
    struct process *client = client_on_terminal(&server, false, NULL);
    await(" s  2 up  ");
    assert_true(widest() < 20); /* the screen has no blanks at the end of a line */
    assert_false(shows("verified"));
    e2e_signal(client, SIGTERM);
    ends(client, 0);
}

static void check_report_width(unsigned short columns, size_t least, size_t most)
{
    struct e2e_server server;
    set_width(columns);
    e2e_server(&server, NULL);
    struct process *client = client_on_terminal(&server, true, "-d:1s");
    ends(client, 0);
    assert_true(has_line("OK\n"));
    assert_true(widest() >= least && widest() <= most);
}

static void a_report_has_80_columns(void **state)
{
    (void)state;
    check_report_width(40, 41, 80);
}

/* The second line of the report. */
static void a_report_is_as_wide_as_the_terminal(void **state)
{
    (void)state;
    check_report_width(200, 81, 200);
}

static void a_terminal_without_a_name_has_progress(void **state)
{
    struct e2e_server server;
    (void)state;
    (void)uv_os_unsetenv("TERM");
    e2e_server(&server, NULL);
    struct process *client = client_on_terminal(&server, false, NULL);
    await(" s  2 up  ");
    e2e_signal(client, SIGTERM);
    ends(client, 0);
}

/* The server has no line of progress, so it removes none. */
static void the_server_writes_lines_alone(void **state)
{
    (void)state;
    const int descriptors[PROCESS_STREAMS] = {-1, terminal.slave};
    const char *const arguments[] = {e2e_backend_argument(), "-e:0", "--json",
                                     "--stats-interval",     "20ms", NULL};
    struct e2e_server server;
    struct process *process = process_start_on(e2e_server_path, arguments, descriptors);
    assert_non_null(process);
    e2e_server_listens(&server, process);
    e2e_peer_echoes(e2e_peer(&server), "hello", 5);
    await(" s: 1 open, 1 accepted, ");
    e2e_tear_down_peers();
    e2e_signal(process, SIGTERM);
    ends(process, 0);
    assert_true(has_line("echo-server: SIGTERM: "));
    assert_null(strchr(terminal.text, '\033'));
}

/* ---- the screen ---------------------------------------------------------------------------- */

static void check_screen(const char *text, const char *expected)
{
    char *screen = pty_screen(text);
    assert_string_equal(screen, expected);
    free(screen);
}

static void the_screen_is_what_a_terminal_shows(void **state)
{
    (void)state;
    check_screen("", "");
    check_screen("a\r\nb\r\n", "a\nb\n");
    check_screen("progress\r\033[Kmessage\r\n", "message\n");
    check_screen("progress\r\033[K", "");
    check_screen("progress\rmess", "messress\n");
    check_screen("progress\r\n\033[1m", "progress\n?[1m\n");
}

#define TERMINAL(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_screen_is_what_a_terminal_shows),
        TERMINAL(progress_gives_way_to_messages),
        TERMINAL(progress_gives_way_to_the_report),
        TERMINAL(progress_is_gone_after_the_run),
        TERMINAL(progress_goes_on),
        TERMINAL(a_dumb_terminal_has_no_progress),
        TERMINAL(no_color_has_no_progress),
        TERMINAL(progress_has_no_colour),
        TERMINAL(progress_is_cut_to_the_width),
        TERMINAL(a_report_has_80_columns),
        TERMINAL(a_report_is_as_wide_as_the_terminal),
        TERMINAL(a_terminal_without_a_name_has_progress),
        TERMINAL(the_server_writes_lines_alone),
    };
    return e2e_run(argc, argv, tests);
}
