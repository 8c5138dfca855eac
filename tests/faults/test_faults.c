/*
 * test_faults [--mode=NAME [--after=N]]
 *
 * Every call that the backends of Windows make fails once, with each plausible code: at its first
 * occurrence, at its second, and so on. This is done in every mode of accepting and receiving.
 * After each fault nothing has crashed, leaked or been lost (fault.c says what that means).
 *
 * The faults of one mode are injected in a process of their own. If that crashes, the crash is
 * counted, and another process continues behind the fault that caused it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"
#include "win.h"

#include <uv.h>

#include "fault.h"
#include "guard.h"
#include "iocp_port.h"
#include "log.h"
#include "peer.h"
#include "subprocess.h"

/* A run that takes longer is stuck. */
#define WATCHDOG_MS 40000
#define MODE_MS 900000

/* ---- what fails, and how ------------------------------------------------------------------- */

#define CODES 10

struct row {
    enum import_call call;
    const char *not_uv; /* the reason why it can't fail under libuv; NULL: it can */
    uint32_t codes[CODES];
};

static const char libuv_ends[] = "libuv ends the program";

#define STATUS(code) ((uint32_t)0xC0000000 | (code))

static const struct row rows[] = {
    {IMPORT_ACCEPT_EX,
     NULL,
     {WSAENOBUFS, WSAEMFILE, WSAECONNRESET, WSAENETDOWN, ERROR_NOT_ENOUGH_MEMORY}},
    {IMPORT_BIND, NULL, {WSAEADDRINUSE, WSAEADDRNOTAVAIL, WSAENOBUFS, WSAENETDOWN}},
    {IMPORT_CANCEL_IO_EX, NULL, {ERROR_INVALID_HANDLE, ERROR_NO_SYSTEM_RESOURCES}},
    {IMPORT_CLOSE_HANDLE, NULL, {ERROR_INVALID_HANDLE}},
    {IMPORT_CLOSESOCKET, NULL, {WSAENETDOWN, WSAEINPROGRESS, WSAEWOULDBLOCK}},
    {IMPORT_CONNECT_EX,
     NULL,
     {WSAECONNREFUSED, WSAETIMEDOUT, WSAENETUNREACH, WSAEHOSTUNREACH, WSAENOBUFS, WSAEADDRINUSE}},
    {IMPORT_CREATE_PORT,
     "libuv goes on without a port, and connects never end",
     {ERROR_NOT_ENOUGH_MEMORY, ERROR_NO_SYSTEM_RESOURCES, ERROR_INVALID_PARAMETER}},
    {IMPORT_GET_COMPLETIONS,
     libuv_ends,
     {WAIT_TIMEOUT, ERROR_NOT_ENOUGH_MEMORY, ERROR_NO_SYSTEM_RESOURCES}},
    {IMPORT_GETSOCKNAME, NULL, {WSAENOBUFS, WSAENETDOWN}},
    {IMPORT_GETSOCKOPT, NULL, {WSAENETDOWN, WSAENOPROTOOPT}},
    {IMPORT_IOCTLSOCKET, NULL, {WSAENETDOWN, WSAENOBUFS}},
    {IMPORT_LISTEN, NULL, {WSAEADDRINUSE, WSAEMFILE, WSAENOBUFS, WSAENETDOWN}},
    {IMPORT_POST, libuv_ends, {ERROR_NOT_ENOUGH_MEMORY, ERROR_NO_SYSTEM_RESOURCES}},
    {IMPORT_SET_MODES, NULL, {ERROR_INVALID_PARAMETER, ERROR_NOT_SUPPORTED}},
    {IMPORT_SETSOCKOPT, NULL, {WSAENOBUFS, WSAENETDOWN, WSAENOPROTOOPT, WSAENOTCONN}},
    {IMPORT_SHUTDOWN,
     "libuv finds out in a later turn and tells no one; a timeout ends the connection",
     {WSAENOTCONN, WSAECONNABORTED, WSAENETDOWN}},
    {IMPORT_WSA_ACCEPT,
     NULL,
     {WSAECONNRESET, WSAECONNABORTED, WSAEMFILE, WSAENOBUFS, WSAENETDOWN, WSAEINTR}},
    {IMPORT_WSA_IOCTL, NULL, {WSAENOBUFS, WSAENETDOWN, WSAEOPNOTSUPP}},
    {IMPORT_WSA_RECV,
     NULL,
     {WSAENOBUFS, WSAECONNRESET, WSAECONNABORTED, WSAENETDOWN, WSAENETRESET, WSAETIMEDOUT,
      WSAENOTCONN, ERROR_NO_SYSTEM_RESOURCES}},
    {IMPORT_WSA_SEND,
     NULL,
     {WSAENOBUFS, WSAECONNRESET, WSAECONNABORTED, WSAENETDOWN, WSAENETRESET, WSAESHUTDOWN,
      WSAENOTCONN, ERROR_NO_SYSTEM_RESOURCES}},
    {IMPORT_WSA_SOCKET, NULL, {WSAEMFILE, WSAENOBUFS, WSAEAFNOSUPPORT, WSAEPROVIDERFAILEDINIT}},
    {IMPORT_COMPLETION,
     NULL,
     {STATUS(0x20D), /* CONNECTION_RESET */
      STATUS(0x120), /* CANCELLED */
      STATUS(0x09A), /* INSUFFICIENT_RESOURCES */
      STATUS(0x0C9), /* NETWORK_NAME_DELETED */
      STATUS(0x241), /* CONNECTION_ABORTED */
      STATUS(0x0B5), /* IO_TIMEOUT */
      STATUS(0x140), /* INVALID_CONNECTION */
      STATUS(0x017) /* NO_MEMORY */}},
    {IMPORT_MEMORY, libuv_ends, {ERROR_NOT_ENOUGH_MEMORY}},
    {IMPORT_UV_COND_INIT, NULL, {(uint32_t)UV_ENOMEM}},
    {IMPORT_UV_MUTEX_INIT, NULL, {(uint32_t)UV_ENOMEM}},
    {IMPORT_UV_THREAD_CREATE, NULL, {(uint32_t)UV_EAGAIN, (uint32_t)UV_ENOMEM}},
};

/* The occurrences that fail, each in a run of its own, until a call does not occur that often. With
 * the first code every occurrence fails; with the others, the first few. */
static const uint64_t occurrences[] = {1, 2, 3, 4, 6, 9, 14, 22};
#define OCCURRENCES_OF_OTHERS 3

static const struct fault_mode modes[] = {
    {"uv-server", &backend_uv, 0, 0, false},
    {"uv-client", &backend_uv, 0, 0, true},
    {"iocp-acceptex-zero-byte", &backend_iocp, 0, 0, false},
    {"iocp-acceptex-posted", &backend_iocp, 0, 1, false},
    {"iocp-acceptex-data-zero-byte", &backend_iocp, 1, 0, false},
    {"iocp-acceptex-data-posted", &backend_iocp, 1, 1, false},
    {"iocp-wsaaccept-zero-byte", &backend_iocp, 2, 0, false},
    {"iocp-wsaaccept-posted", &backend_iocp, 2, 1, false},
    {"iocp-client-zero-byte", &backend_iocp, 0, 0, true},
    {"iocp-client-posted", &backend_iocp, 0, 1, true},
};

/* Calls of a backend that can't be made to fail. */
static const struct {
    const char *name;
    const char *reason;
} infallible[] = {
    {"GetLastError", "answers what is there"},
    {"SetHandleInformation", "fails for handles that there are not"},
    {"WSAGetLastError", "answers what is there"},
    {"Sleep", "has no result"},
    {"_assert", "does not return"},
    {"___chkstk_ms", "the compiler's, for its stack"},
    {"__mingw_vsnprintf", "writes into memory of the caller's"},
    {"free", "has no result"},
    {"memcpy", "has no result"},
    {"memset", "has no result"},
    {"ntohl", "turns bytes"},
    {"uv_cond_destroy", "has no result"},
    {"uv_cond_signal", "has no result"},
    {"uv_cond_wait", "has no result"},
    {"uv_mutex_destroy", "has no result"},
    {"uv_mutex_lock", "has no result"},
    {"uv_mutex_unlock", "has no result"},
    {"strtoul", "reads what is there"},
    {"uv_hrtime", "the clock"},
    {"uv_os_uname", "leaves the refusals of connects as the system has them"},
    {"uv_strerror", "a text"},
    {"uv_thread_join", "fails for threads that there are not"},
};

/* ---- one mode, in a process of its own ----------------------------------------------------- */

static HANDLE watchdog_food;

static DWORD WINAPI watchdog(void *context)
{
    (void)context;
    while (WaitForSingleObject(watchdog_food, WATCHDOG_MS) == WAIT_OBJECT_0) {
    }
    (void)TerminateProcess(GetCurrentProcess(), 99);
    return 0;
}

static bool refuse_memory(void)
{
    return imports_strike(IMPORT_MEMORY);
}

/* Objects made once per process are no leaks: a leak repeats. */
static void run_again_for_leaks(const struct fault_mode *mode, const struct fault *fault,
                                struct fault_outcome *outcome)
{
    struct fault_outcome again;
    if (outcome->blocks != 0 || outcome->handles != 0) {
        fault_run(mode, fault, &again);
        outcome->blocks = again.blocks;
        outcome->handles = again.handles;
    }
}

/* Runs one fault and reports it. Returns whether the call occurred that often. */
static bool run_fault(const struct fault_mode *mode, const struct fault *fault, unsigned number)
{
    struct fault_outcome outcome;
    (void)printf("at %u\n", number);
    (void)SetEvent(watchdog_food);
    fault_run(mode, fault, &outcome);
    run_again_for_leaks(mode, fault, &outcome);
    (void)printf("done %u %d %d %d\n", number, outcome.struck, outcome.lost != NULL,
                 outcome.blocks != 0 || outcome.handles != 0);
    if (outcome.lost != NULL || outcome.blocks != 0 || outcome.handles != 0) {
        (void)printf("! %s: %s %lu at its occurrence %u: %s, %d blocks and %d handles left\n",
                     mode->name, imports_name(fault->call), (unsigned long)fault->code,
                     (unsigned)fault->nth, outcome.lost != NULL ? outcome.lost : "nothing lost",
                     (int)outcome.blocks, (int)outcome.handles);
    }
    return outcome.struck;
}

static bool is_injected(const struct fault_mode *mode, const struct row *row, uint32_t code)
{
    return code != 0 &&
           (mode->backend != &backend_uv || row->not_uv == NULL || code == WAIT_TIMEOUT);
}

/* A fault's number consists of its row, its code and its occurrence. */
static void run_row(const struct fault_mode *mode, size_t index, unsigned after)
{
    const struct row *row = &rows[index];
    for (size_t i = 0; i < CODES && is_injected(mode, row, row->codes[i]); i++) {
        size_t most = i == 0 ? LENGTH(occurrences) : OCCURRENCES_OF_OTHERS;
        for (size_t n = 0; n < most; n++) {
            unsigned number = (unsigned)(((index + 1) * CODES + i) * LENGTH(occurrences) + n);
            struct fault fault = {row->call, occurrences[n], row->codes[i]};
            if (number > after && !run_fault(mode, &fault, number)) {
                break;
            }
        }
    }
}

static int run_mode(const char *name, unsigned after)
{
    const struct fault nothing = {IMPORT_BIND, 0, 0};
    DWORD thread;
    guard_crash_quickly();
    imports_install();
    (void)peer_setup();
    (void)setvbuf(stdout, NULL, _IONBF, 0);
    log_setup("test_faults", false);
    log_redirect(NULL);
    guard_refuses = refuse_memory;
    watchdog_food = CreateEventW(NULL, FALSE, FALSE, NULL);
    (void)CloseHandle(CreateThread(NULL, 0, watchdog, NULL, 0, &thread));
    for (size_t i = 0; i < LENGTH(modes); i++) {
        struct fault_outcome warm;
        if (strcmp(modes[i].name, name) == 0) {
            fault_run(&modes[i], &nothing, &warm); /* objects made once per process are made now */
            (void)run_fault(&modes[i], &nothing, 0);
            for (size_t row = 0; row < LENGTH(rows); row++) {
                run_row(&modes[i], row, after);
            }
        }
    }
    (void)printf("end\n");
    return 0;
}

/* ---- all modes ----------------------------------------------------------------------------- */

struct sum {
    unsigned injected;
    unsigned crashed;
    unsigned leaked;
    unsigned lost;
};

static struct sum sums[LENGTH(rows) + 1]; /* the last run, without a fault */

static struct sum *sum_of(unsigned number)
{
    size_t row = number / LENGTH(occurrences) / CODES;
    return &sums[row > 0 ? row - 1 : LENGTH(rows)];
}

/* Adds up what a process has printed. Returns the fault that ended it; 0: it ran to its end. */
static unsigned add_lines(const char *text)
{
    unsigned at = 0;
    bool ended = false;
    for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        unsigned number, struck, lost, leaked;
        line += *line == '\n';
        if (sscanf(line, "done %u %u %u %u", &number, &struck, &lost, &leaked) == 4) {
            sum_of(number)->injected += struck;
            sum_of(number)->lost += lost;
            sum_of(number)->leaked += leaked;
            at = 0;
        } else if (sscanf(line, "at %u", &number) == 1) {
            at = number;
        } else if (line[0] == '!') {
            print_message("%.*s\n", (int)strcspn(line, "\r\n"), line);
        }
        ended = ended || strncmp(line, "end", 3) == 0;
    }
    assert_true(ended || at != 0); /* otherwise it did not even begin */
    return at;
}

static void run_process(const char *mode)
{
    char path[1024];
    size_t size = sizeof(path);
    unsigned after = 0;
    assert_int_equal(uv_exepath(path, &size), 0);
    do {
        char argument[64];
        char from[32];
        (void)snprintf(argument, sizeof(argument), "--mode=%s", mode);
        (void)snprintf(from, sizeof(from), "--after=%u", after);
        const char *const arguments[] = {argument, from, NULL};
        struct process *process = process_start(path, arguments, NULL);
        assert_non_null(process);
        int code = process_wait(process, MODE_MS);
        after = add_lines(process_text(process, PROCESS_OUT));
        if (after != 0) {
            struct sum *sum = sum_of(after);
            sum->injected++;
            sum->crashed++;
            print_message("! %s: fault %u (%s) ended it with %d\n%s", mode, after,
                          imports_name(rows[sum - sums].call), code,
                          process_text(process, PROCESS_ERR));
        }
        process_end_all();
    } while (after != 0);
}

static void print_sums(const char *name, unsigned codes, const struct sum *sum)
{
    print_message("%-36s %5u %8u %7u %6u %4u\n", name, codes, sum->injected, sum->crashed,
                  sum->leaked, sum->lost);
}

static void no_fault_crashes_or_leaks_or_loses(void **state)
{
    struct sum all = {0};
    unsigned all_codes = 0;
    (void)state;
    for (size_t i = 0; i < LENGTH(modes); i++) {
        uint64_t begin_ns = uv_hrtime();
        run_process(modes[i].name);
        print_message("%s: %u s\n", modes[i].name,
                      (unsigned)((uv_hrtime() - begin_ns) / UINT64_C(1000000000)));
    }
    print_message("%-36s %5s %8s %7s %6s %4s\n", "call", "codes", "injected", "crashed", "leaked",
                  "lost");
    for (size_t i = 0; i <= LENGTH(rows); i++) {
        unsigned codes = 0;
        for (size_t j = 0; i < LENGTH(rows) && j < CODES; j++) {
            codes += rows[i].codes[j] != 0;
        }
        print_sums(i < LENGTH(rows) ? imports_name(rows[i].call) : "none", codes, &sums[i]);
        all_codes += codes;
        all.injected += sums[i].injected;
        all.crashed += sums[i].crashed;
        all.leaked += sums[i].leaked;
        all.lost += sums[i].lost;
    }
    print_sums("all", all_codes, &all);
    for (size_t i = 0; i < LENGTH(rows); i++) {
        if (sums[i].injected == 0) {
            fail_msg("%s never failed", imports_name(rows[i].call));
        }
    }
    assert_int_equal(all.crashed + all.leaked + all.lost, 0);
}

/* ---- no call is missing -------------------------------------------------------------------- */

static bool is_ours(const char *name)
{
    return strncmp(name, "iocp_", 5) == 0 || strncmp(name, "io_", 3) == 0 ||
           strncmp(name, "pool_", 5) == 0 || strncmp(name, "backend_", 8) == 0 ||
           strncmp(name, "untaken_", 8) == 0 || strncmp(name, "waiters_", 8) == 0;
}

/* Whether `name` is one of the words of `list`. */
static bool is_among(const char *name, const char *list)
{
    const char *at = strstr(list, name);
    size_t length = strlen(name);
    return at != NULL && (at == list || at[-1] == ' ') && (at[length] == '\0' || at[length] == ',');
}

static bool is_known(const char *name)
{
    for (size_t i = 0; i < LENGTH(rows); i++) {
        if (is_among(name, imports_name(rows[i].call))) {
            return true;
        }
    }
    for (size_t i = 0; i < LENGTH(infallible); i++) {
        if (strcmp(name, infallible[i].name) == 0) {
            return true;
        }
    }
    return is_ours(name);
}

/* The file lists the undefined symbols of the backend's objects, and the functions that it asks
 * Winsock for (cmake/Calls.cmake). */
static void every_call_is_in_the_table(void **state)
{
    const char *path = getenv("ECHOPORT_CALLS");
    char name[128];
    size_t calls = 0;
    unsigned missing = 0;
    (void)state;
    if (path == NULL) {
        print_message("skipped: ECHOPORT_CALLS does not name the list of calls\n");
        skip();
    }
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fscanf(file, "%127s", name) == 1) {
        calls++;
        if (!is_known(name)) {
            missing++;
            print_error("%s is called and is not in the table\n", name);
        }
    }
    (void)fclose(file);
    print_message("%u symbols\n", (unsigned)calls);
    assert_true(calls > 40);
    assert_int_equal(missing, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_is_in_the_table),
        cmocka_unit_test(no_fault_crashes_or_leaks_or_loses),
    };
    if (argc == 3 && strncmp(argv[1], "--mode=", 7) == 0 && strncmp(argv[2], "--after=", 8) == 0) {
        return run_mode(argv[1] + 7, (unsigned)strtoul(argv[2] + 8, NULL, 10));
    }
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
