#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "barrier_line.h"
#include "util.h"

static const struct siphash_key key = {UINT64_C(0x1122334455667788), UINT64_C(0x99aabbccddeeff00)};
static const struct siphash_key other_key = {UINT64_C(0x1122334455667788), 0};

static struct barrier_seal seal_of(const struct siphash_key *with)
{
    return (struct barrier_seal){.key = *with, .nonces = {17, UINT64_MAX}};
}

static char *copy_of(char copy[BARRIER_LINE_SIZE], const char *line)
{
    (void)snprintf(copy, BARRIER_LINE_SIZE, "%s", line);
    return copy;
}

/* Without its newline. */
static void write_line(struct barrier_seal *seal, enum barrier_side side, const char *text,
                       char line[BARRIER_LINE_SIZE])
{
    barrier_write_line(seal, side, line, text);
    assert_int_equal(line[strlen(line) - 1], '\n');
    line[strlen(line) - 1] = '\0';
}

static void a_hello_is_read_back(void **state)
{
    static const uint64_t nonces[] = {0, 1, UINT64_C(0x0123456789abcdef), UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < LENGTH(nonces); i++) {
        char line[BARRIER_LINE_SIZE];
        uint64_t nonce = ~nonces[i];
        barrier_write_hello(line, nonces[i]);
        line[strlen(line) - 1] = '\0';
        assert_true(barrier_read_hello(line, &nonce));
        assert_true(nonce == nonces[i]);
    }
}

static void what_is_no_hello_is_refused(void **state)
{
    static const char *const lines[] = {"",
                                        "echoport-barrier",
                                        "echoport-barrier 1",
                                        "echoport-barrier 1 ",
                                        "echoport-barrier 2 0x1",
                                        "echoport-barrier 1 0x1 0x2",
                                        "echoport-barrier 1 0x10000000000000000",
                                        "Echoport-barrier 1 0x1",
                                        "GET / HTTP/1.1",
                                        "SSH-2.0-OpenSSH_9.2"};
    uint64_t nonce;
    (void)state;
    for (size_t i = 0; i < LENGTH(lines); i++) {
        assert_false(barrier_read_hello(lines[i], &nonce));
    }
}

static void lines_with_the_token_are_proven(void **state)
{
    static const char *const texts[] = {"welcome", "ping", "ping", "end rank 2 has left"};
    struct barrier_seal host = seal_of(&key);
    struct barrier_seal guest = seal_of(&key);
    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++) {
        char line[BARRIER_LINE_SIZE];
        write_line(&host, BARRIER_HOST, texts[i], line);
        assert_true(barrier_prove_line(&guest, BARRIER_HOST, line));
        assert_string_equal(line, texts[i]);
        write_line(&guest, BARRIER_GUEST, "pong", line);
        assert_true(barrier_prove_line(&host, BARRIER_GUEST, line));
    }
}

/* Each lacks something that the proof is made of. */
static void other_lines_are_not_proven(void **state)
{
    struct barrier_seal host = seal_of(&key);
    char line[BARRIER_LINE_SIZE];
    char copy[BARRIER_LINE_SIZE];
    (void)state;
    write_line(&host, BARRIER_HOST, "ping", line);

    struct barrier_seal guest = seal_of(&other_key); /* another token */
    assert_false(barrier_prove_line(&guest, BARRIER_HOST, copy_of(copy, line)));
    guest = seal_of(&key);
    guest.nonces[BARRIER_HOST]++; /* another connection */
    assert_false(barrier_prove_line(&guest, BARRIER_HOST, copy_of(copy, line)));
    guest = seal_of(&key);
    guest.nonces[BARRIER_GUEST]--;
    assert_false(barrier_prove_line(&guest, BARRIER_HOST, copy_of(copy, line)));
    guest = seal_of(&key); /* sent back */
    assert_false(barrier_prove_line(&guest, BARRIER_GUEST, copy_of(copy, line)));
    assert_true(barrier_prove_line(&guest, BARRIER_HOST, copy_of(copy, line)));
    assert_false(barrier_prove_line(&guest, BARRIER_HOST, copy_of(copy, line))); /* sent again */
}

static void a_changed_byte_is_noticed(void **state)
{
    struct barrier_seal host = seal_of(&key);
    char line[BARRIER_LINE_SIZE];
    (void)state;
    write_line(&host, BARRIER_HOST, "begin 1000 4711", line);
    for (size_t i = 0; i < strlen(line); i++) {
        struct barrier_seal guest = seal_of(&key);
        char copy[BARRIER_LINE_SIZE];
        (void)copy_of(copy, line);
        copy[i] ^= 1;
        assert_false(barrier_prove_line(&guest, BARRIER_HOST, copy));
    }
}

static void lines_without_a_proof_are_not_proven(void **state)
{
    static const char *const lines[] = {
        "", " ", "ping", "ping ", "ping 0x", "ping 1", "ping 99999999999999999999"};
    (void)state;
    for (size_t i = 0; i < LENGTH(lines); i++) {
        struct barrier_seal guest = seal_of(&key);
        char copy[BARRIER_LINE_SIZE];
        assert_false(barrier_prove_line(&guest, BARRIER_HOST, copy_of(copy, lines[i])));
        assert_int_equal(guest.proven[BARRIER_HOST], 0);
    }
}

static bool reads_join(const char *text, struct barrier_join *join, char copy[BARRIER_LINE_SIZE])
{
    return barrier_read_join(copy_of(copy, text), join);
}

static void a_join_is_read(void **state)
{
    static const char *const bad[] = {"",
                                      "join",
                                      "join 1 2",
                                      "join 1 2 ab c",
                                      "join 2 2 ab",
                                      "join x 2 a",
                                      "join 1 -2 ab",
                                      "joint 1 2 ab",
                                      "join 1 18446744073709551616 ab"};
    struct barrier_join join;
    char copy[BARRIER_LINE_SIZE];
    (void)state;
    assert_true(reads_join("join 65535 65536 00ff", &join, copy));
    assert_int_equal(join.rank, 65535);
    assert_int_equal(join.ranks, 65536);
    assert_string_equal(join.digests, "00ff");
    for (size_t i = 0; i < LENGTH(bad); i++) {
        assert_false(reads_join(bad[i], &join, copy));
    }
}

static void a_begin_is_read_and_is_soon(void **state)
{
    static const char *const bad[] = {"begin",      "begin 1",   "begin 1 0", "begin 1 2 3",
                                      "begin -1 2", "begin 1 x", "end 1 2",   "begin 1000000001 2"};
    uint64_t delay_ns;
    uint64_t run_id;
    char copy[BARRIER_LINE_SIZE];
    (void)state;
    assert_true(
        barrier_read_begin(copy_of(copy, "begin 1000000000 9007199254740991"), &delay_ns, &run_id));
    assert_true(delay_ns == BARRIER_DELAY_MAX_NS && run_id == UINT64_C(9007199254740991));
    for (size_t i = 0; i < LENGTH(bad); i++) {
        assert_false(barrier_read_begin(copy_of(copy, bad[i]), &delay_ns, &run_id));
    }
}

static void a_reason_is_read(void **state)
{
    (void)state;
    assert_string_equal(barrier_read_why("end rank 2 has left", "end"), "rank 2 has left");
    assert_null(barrier_read_why("end", "end"));
    assert_null(barrier_read_why("ending well", "end"));
    assert_null(barrier_read_why("refuse it", "end"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_is_read_back),
        cmocka_unit_test(what_is_no_hello_is_refused),
        cmocka_unit_test(lines_with_the_token_are_proven),
        cmocka_unit_test(other_lines_are_not_proven),
        cmocka_unit_test(a_changed_byte_is_noticed),
        cmocka_unit_test(lines_without_a_proof_are_not_proven),
        cmocka_unit_test(a_join_is_read),
        cmocka_unit_test(a_begin_is_read_and_is_soon),
        cmocka_unit_test(a_reason_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
