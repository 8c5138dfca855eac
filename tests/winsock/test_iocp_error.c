/*
 * The meaning of the error codes of Windows. The numbers are those of "System Error Codes",
 * "Windows Sockets Error Codes" and [MS-ERREF]. So the test does not depend on the names of a
 * header.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "win.h"
/* Before uv.h. */
#include "backend.h"
#include "iocp_error.h"
#include "util.h"

static const struct {
    int uv;
    uint32_t codes[20]; /* 0 ends them */
} meanings[] = {
    {UV_ECONNRESET,
     {10054, 10052, 10101, 64, 0xC000020D, 0xC000013B, 0xC000013C, 0xC000020C, 0xC00000C9,
      0xC0000140, 0xC0000237, 0xC00000B0, 1226, 59}},
    {UV_ECONNABORTED, {10053, 1236, 0xC0000241, 0xC0000240}},
    {UV_EPIPE, {10058, 109, 232, 0xC000014B, 0xC00000B1}},
    {UV_ENOTCONN, {10057, 0xC000023A}},
    {UV_ETIMEDOUT, {10060, 121, 0xC00000B5, 0xC000013E, 0xC000013F}},
    {UV_ECONNREFUSED, {10061, 1225, 0xC0000236, 0xC000023F}},
    {UV_ECANCELED, {995, 10004, 10103, 676, 1223, 0xC0000120, 0x8000000A}},
    {UV_ENETUNREACH, {10051, 1231, 0xC000023C}},
    {UV_EHOSTUNREACH, {10065, 1232, 0xC000023D, 0xC000023E}},
    {UV_ENETDOWN, {10050}},
    {UV_EADDRINUSE, {10048, 1227, 0xC000020A}},
    {UV_EADDRNOTAVAIL, {10049, 0xC0000141, 0xC0000207}},
    {UV_EACCES, {10013, 5, 0xC0000022}},
    {UV_EAFNOSUPPORT, {10047}},
    {UV_EPROTONOSUPPORT, {10043}},
    {UV_ENOTSUP, {10045}},
    {UV_ENOBUFS, {10055, 1450, 1453, 0xC000009A, 0xC0000205, 0xC00000A1}},
    {UV_EMFILE, {10024, 4, 0xC000011F}},
    {UV_ENOMEM, {8, 14, 1455, 0xC0000017, 0xC000012D, 0xC0000007, 0xC0000044}},
    {UV_EAGAIN, {10035}},
    {UV_EINVAL, {10022, 87, 0xC000000D, 10093}},
    {UV_ENOTSOCK, {10038}},
    {UV_EBADF, {6, 0xC0000008}},
    {UV_EFAULT, {10014}},
    {UV_EISCONN, {10056}},
    {UV_EALREADY, {10037}},
    {UV_EMSGSIZE, {10040}},
};

static void each_code_has_its_uv_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(meanings); i++) {
        for (const uint32_t *code = meanings[i].codes; *code != 0; code++) {
            if (iocp_error(*code) != meanings[i].uv) {
                fail_msg("%u (0x%08x) is %s", (unsigned)*code, (unsigned)*code,
                         uv_err_name(iocp_error(*code)));
            }
        }
    }
}

static void success_is_no_error(void **state)
{
    (void)state;
    assert_int_equal(iocp_error(0), 0);
}

static void an_unknown_code_is_an_error(void **state)
{
    static const uint32_t unknown[] = {1, 9, 10000, 12345, 0x103, 0xC0000001, UINT32_MAX};
    (void)state;
    for (size_t i = 0; i < LENGTH(unknown); i++) {
        assert_int_equal(iocp_error(unknown[i]), UV_UNKNOWN);
    }
}

/* The backend cancels only operations of a connection that is being closed. */
static void canceled_by_the_system_is_a_reset(void **state)
{
    (void)state;
    assert_int_equal(iocp_stream_error(UV_ECANCELED), UV_ECONNRESET);
    assert_int_equal(iocp_stream_error(UV_ENOBUFS), UV_ENOBUFS);
    assert_int_equal(iocp_stream_error(0), io_stream_error(0));
    assert_int_equal(iocp_stream_error(UV_EPIPE), io_stream_error(UV_EPIPE));
}

static void last_error_is_that_of_the_thread(void **state)
{
    (void)state;
    WSASetLastError(10055);
    assert_int_equal(iocp_last_error(), UV_ENOBUFS);
    WSASetLastError(0);
    assert_int_equal(iocp_last_error(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_code_has_its_uv_code),
        cmocka_unit_test(success_is_no_error),
        cmocka_unit_test(an_unknown_code_is_an_error),
        cmocka_unit_test(canceled_by_the_system_is_a_reset),
        cmocka_unit_test(last_error_is_that_of_the_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
