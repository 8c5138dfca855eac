/*
 * The heap of guard.h: misuse ends the process, and blocks are counted. And listen() as it is on
 * Windows (guard_socket.c): a handle from before its socket listened gets WSAEINVAL.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "guard.h"
#include "net.h"
#include "peer.h"
#include "subprocess.h"
#include "util.h"

/* The calls go through volatile pointers, or the compiler would see the misuse and remove it. */
static void *(*volatile allocate)(size_t size) = malloc;
static void *(*volatile allocate_zeros)(size_t count, size_t size) = calloc;
static void *(*volatile reallocate)(void *block, size_t size) = realloc;
static void (*volatile release)(void *block) = free;

/* ---- what must not be done, in a process of its own ---------------------------------------- */

static volatile uint8_t *take(size_t size)
{
    return allocate(size);
}

static void give(volatile uint8_t *block)
{
    release((void *)(uintptr_t)block);
}

static void read_after_free(void)
{
    volatile uint8_t *block = take(100);
    give(block);
    (void)block[50];
}

static void write_after_free(void)
{
    volatile uint8_t *block = take(100);
    give(block);
    block[0] = 1;
}

/* Long after: as many blocks have been freed as a busy test frees. */
static void write_long_after_free(void)
{
    volatile uint8_t *block = take(100);
    give(block);
    for (int i = 0; i < 5000; i++) {
        give(take(100));
    }
    block[0] = 1;
}

static void write_one_beyond(void)
{
    volatile uint8_t *block = take(4096);
    block[4096] = 1;
}

/* If the end of the block is not the end of the page, free() finds the change. */
static void write_one_beyond_an_odd_end(void)
{
    volatile uint8_t *block = take(100);
    block[100] = 1;
    give(block);
}

static void write_beyond_after_growth(void)
{
    volatile uint8_t *block = reallocate((void *)(uintptr_t)take(16), 32);
    block[32] = 1;
}

static void free_twice(void)
{
    volatile uint8_t *block = take(100);
    give(block);
    give(block);
}

static void free_what_is_inside(void)
{
    give(take(100) + 16);
}

static const struct {
    const char *name;
    void (*run)(void);
} misuses[] = {
    {"read_after_free", read_after_free},
    {"write_after_free", write_after_free},
    {"write_long_after_free", write_long_after_free},
    {"write_one_beyond", write_one_beyond},
    {"write_one_beyond_an_odd_end", write_one_beyond_an_odd_end},
    {"write_beyond_after_growth", write_beyond_after_growth},
    {"free_twice", free_twice},
    {"free_what_is_inside", free_what_is_inside},
};

#define MISUSES LENGTH(misuses)
#define SURVIVED 42

static int misuse(const char *name)
{
    guard_crash_quickly();
    for (size_t i = 0; i < MISUSES; i++) {
        if (strcmp(misuses[i].name, name) == 0) {
            misuses[i].run();
            return SURVIVED;
        }
    }
    return strcmp(name, "none") == 0 ? 0 : 1;
}

static int run_misuse(const char *name)
{
    char path[1024];
    size_t size = sizeof(path);
    const char *const arguments[] = {name, NULL};
    assert_int_equal(uv_exepath(path, &size), 0);
    struct process *process = process_start(path, arguments, NULL);
    assert_non_null(process);
    int code = process_wait(process, 60000);
    process_end_all();
    return code;
}

static void every_misuse_ends_the_process(void **state)
{
    (void)state;
    assert_int_equal(run_misuse("none"), 0);
    for (size_t i = 0; i < MISUSES; i++) {
        int code = run_misuse(misuses[i].name);
        print_message("%s: %d\n", misuses[i].name, code);
        assert_int_not_equal(code, PROCESS_LATE);
        assert_int_not_equal(code, SURVIVED);
        assert_int_not_equal(code, 0);
        assert_int_not_equal(code, 1);
    }
}

/* ---- what may be done ---------------------------------------------------------------------- */

static void blocks_hold_what_is_written(void **state)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4095, 4096, 4097, 65536, 262144, 1000001};
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        uint8_t *block = allocate(sizes[i]);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 16, 0);
        memset(block, 0x5A, sizes[i]);
        block = reallocate(block, sizes[i] + 100);
        assert_non_null(block);
        for (size_t at = 0; at < sizes[i]; at++) {
            assert_int_equal(block[at], 0x5A);
        }
        release(block);
    }
}

static void calloc_gives_zeros(void **state)
{
    static const uint8_t zeros[300];
    (void)state;
    uint8_t *block = allocate_zeros(3, 100);
    assert_non_null(block);
    assert_memory_equal(block, zeros, sizeof(zeros));
    release(block);
    assert_null(allocate_zeros(SIZE_MAX / 2, 3));
}

static void blocks_and_bytes_are_counted(void **state)
{
    (void)state;
    size_t blocks = guard_live_blocks();
    size_t bytes = guard_live_bytes();
    void *first = allocate(100);
    void *second = allocate_zeros(2, 10);
    assert_int_equal(guard_live_blocks(), blocks + 2);
    assert_int_equal(guard_live_bytes(), bytes + 120);
    second = reallocate(second, 50);
    assert_int_equal(guard_live_blocks(), blocks + 2);
    assert_int_equal(guard_live_bytes(), bytes + 150);
    release(first);
    release(second);
    assert_int_equal(guard_live_blocks(), blocks);
    assert_int_equal(guard_live_bytes(), bytes);
}

static bool always(void)
{
    return true;
}

static void memory_is_refused_on_request(void **state)
{
    (void)state;
    guard_refuses = always;
    void *block = allocate(1);
    void *zeros = allocate_zeros(1, 1);
    guard_refuses = NULL;
    assert_null(block);
    assert_null(zeros);
}

/* ---- listen -------------------------------------------------------------------------------- */

static uv_os_sock_t bound(void)
{
    struct sockaddr_storage address;
    uv_os_sock_t os_socket;
    assert_int_equal(peer_bind(AF_INET, &os_socket, &address), 0);
    return os_socket;
}

static uv_os_sock_t duplicate_of(uv_os_sock_t os_socket)
{
    uv_os_sock_t duplicate;
    assert_int_equal(net_duplicate(os_socket, &duplicate), 0);
    return duplicate;
}

static void one_handle_may_listen_again(void **state)
{
    (void)state;
    uv_os_sock_t first = bound();
    assert_int_equal(peer_listen(first, 8), 0);
    assert_int_equal(peer_listen(first, 16), 0);
    net_close(first);
}

static void a_handle_from_before_may_not_listen(void **state)
{
    (void)state;
    for (size_t which = 0; which < 3; which++) {
        uv_os_sock_t handles[3] = {bound()};
        handles[1] = duplicate_of(handles[0]);
        handles[2] = duplicate_of(handles[1]);
        assert_int_equal(peer_listen(handles[which], 8), 0);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(peer_listen(handles[i], 8), i == which ? 0 : UV_EINVAL);
        }
        net_close(handles[which]); /* the socket still listens */
        assert_int_equal(peer_listen(handles[(which + 1) % 3], 8), UV_EINVAL);
        net_close(handles[(which + 1) % 3]);
        net_close(handles[(which + 2) % 3]);
    }
}

static void a_duplicate_of_what_listens_may_listen(void **state)
{
    (void)state;
    uv_os_sock_t first = bound();
    uv_os_sock_t before = duplicate_of(first);
    assert_int_equal(peer_listen(first, 8), 0);
    uv_os_sock_t after = duplicate_of(first);
    uv_os_sock_t after_that = duplicate_of(before);
    assert_int_equal(peer_listen(after, 8), 0);
    assert_int_equal(peer_listen(after_that, 8), 0);
    assert_int_equal(peer_listen(first, 8), 0);
    net_close(first);
    net_close(before);
    net_close(after);
    net_close(after_that);
}

/* Numbers of handles are used again. */
static void a_closed_handle_is_forgotten(void **state)
{
    (void)state;
    for (size_t round = 0; round < 2000; round++) {
        uv_os_sock_t first = bound();
        uv_os_sock_t second = duplicate_of(first);
        assert_int_equal(peer_listen(round % 2 == 0 ? first : second, 8), 0);
        net_close(first);
        net_close(second);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_misuse_ends_the_process),
        cmocka_unit_test(blocks_hold_what_is_written),
        cmocka_unit_test(calloc_gives_zeros),
        cmocka_unit_test(blocks_and_bytes_are_counted),
        cmocka_unit_test(memory_is_refused_on_request),
        cmocka_unit_test(one_handle_may_listen_again),
        cmocka_unit_test(a_handle_from_before_may_not_listen),
        cmocka_unit_test(a_duplicate_of_what_listens_may_listen),
        cmocka_unit_test(a_closed_handle_is_forgotten),
    };
    if (argc == 2) {
        return misuse(argv[1]);
    }
    if (peer_setup() == 0) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
