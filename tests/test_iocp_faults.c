/*
 * Each call that the `iocp` backend makes, and each operation that it starts, fails once with each
 * plausible code, at its first time, its second, and so on, in a world that is otherwise well:
 * nothing crashes, leaks or is lost, and who is not concerned goes on. The table that is printed
 * counts the injections.
 *
 * The calls are held against the undefined symbols of the backend's objects: one that is called and
 * is not in the table fails the test.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "iocp_network.h"
#include "log.h"

#define TIMES_MAX 12 /* of one call: later ones are like the earlier */
#define MODES 4      /* acceptex and acceptex-data, zero-byte and posted */
#define MODE_THREAD 4

/* These have no error, or none that isn't the caller's: what they say is not asked. */
static const char *const infallible[] = {
    "GetLastError", "WSAGetLastError", "InterlockedExchange", "Sleep", NULL,
};

struct tally {
    unsigned injected;
};

static void configure(struct winsock_config *config, uint64_t seed)
{
    iocp_network_lossless(config, seed);
    config->inline_ppm = 500000;
    config->early_ppm = 0;
    config->cancel_late_ppm = 0;
    config->no_ifs = false;
    config->violated = world_fail;
}

/* One world in which winsock_calls[call] fails with `code` at its `nth` time. Whether it did. */
static bool inject(size_t call, uint64_t nth, int32_t code, unsigned mode)
{
    struct winsock_config config;
    configure(&config, nth + 100 * mode);
    world_next(nth + 100 * mode);
    world.accept_mode = mode == MODE_THREAD ? 2 : mode % 2;
    world.recv_mode = mode / 2 % 2;
    config.threads = mode == MODE_THREAD;
    winsock_begin(&config);
    winsock_fail(call, nth, code);
    world_begin(&iocp_network, WORLD_SMALL);
    world_run();
    world_check_classes();
    world_check_books(winsock_has_failed());
    WORLD_CHECK(world.client.stats.counters.mismatches == 0);
    bool failed = winsock_has_failed();
    world_end();
    winsock_end();
    return failed;
}

static void sweep_code(size_t call, int32_t code, struct tally *tally)
{
    bool threaded = strcmp(winsock_calls[call].name, "WSAAccept") == 0;
    for (unsigned mode = threaded ? MODE_THREAD : 0; mode < (threaded ? MODE_THREAD + 1 : MODES);
         mode++) {
        uint64_t nth = 1;
        while (nth <= TIMES_MAX && inject(call, nth, code, mode)) {
            tally->injected++;
            nth++;
        }
    }
}

static void every_call_fails_with_every_code(void **state)
{
    unsigned calls = 0;
    unsigned injected = 0;
    (void)state;
    print_message("%-36s %6s %9s\n", "call", "codes", "injected");
    for (size_t call = 0; winsock_calls[call].name != NULL; call++) {
        struct tally tally = {0};
        unsigned codes = 0;
        for (; winsock_calls[call].codes[codes] != 0; codes++) {
            sweep_code(call, winsock_calls[call].codes[codes], &tally);
        }
        if (tally.injected > 0) {
            print_message("%-36s %6u %9u\n", winsock_calls[call].name, codes, tally.injected);
            calls++;
            injected += tally.injected;
        }
    }
    print_message("%u calls and completions, %u injected: 0 crashed, 0 leaked, 0 lost\n", calls,
                  injected);
    assert_true(injected > 1000);
}

/* ---- is the table complete? ------------------------------------------------------------------ */

static bool is_listed(const char *const *names, const char *name)
{
    while (*names != NULL && strcmp(*names, name) != 0) {
        names++;
    }
    return *names != NULL;
}

static bool is_in_table(const char *name)
{
    for (size_t call = 0; winsock_calls[call].name != NULL; call++) {
        if (strcmp(winsock_calls[call].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Names of Winsock and Windows begin with a capital letter, those that are older are renamed by the
 * simulation's header, and three are but macros. */
static const char *windows_name(const char *symbol)
{
    if (strncmp(symbol, "winsock_", 8) == 0) {
        return strcmp(symbol, "winsock_now") == 0 ? NULL : symbol + 8;
    }
    bool old = strcmp(symbol, "closesocket") == 0 || strcmp(symbol, "ioctlsocket") == 0;
    return old || isupper((unsigned char)symbol[0]) ? symbol : NULL;
}

static void every_call_is_in_the_table(void **state)
{
    char line[256];
    unsigned found = 0;
    FILE *symbols = fopen(IOCP_SYMBOLS, "r"); /* `nm -u`, made by the build */
    (void)state;
    assert_non_null(symbols);
    while (fgets(line, sizeof(line), symbols) != NULL) {
        char name[128];
        /* " U name"; for macOS the name alone, behind an underscore */
        bool is_name = sscanf(line, " U %127s", name) == 1 || sscanf(line, " _%127s", name) == 1;
        const char *call = is_name ? windows_name(name) : NULL;
        if (call != NULL) {
            found++;
            if (!is_in_table(call) && !is_listed(infallible, call)) {
                fail_msg("%s is called, and is not in the table", call);
            }
        }
    }
    (void)fclose(symbols);
    assert_true(found > 15);
    assert_true(is_in_table("AcceptEx") && is_in_table("ConnectEx")); /* by pointer: not symbols */
}

int main(void)
{
    log_setup("test_iocp_faults", false);
    log_redirect(NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_is_in_the_table),
        cmocka_unit_test(every_call_fails_with_every_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
