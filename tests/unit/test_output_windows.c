#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <windows.h>

#include "folder.h"
#include "output_file.h"
#include "output_system.h"
#include "util.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_set_up, folder_tear_down)

static void devices_are_known_by_their_names(void **state)
{
    static const char *const devices[] = {
        "NUL", "nul", "CON", "COM1", "\\\\.\\NUL", "\\\\.\\pipe\\echoport", "//./pipe/echo"};
    static const char *const files[] = {"", "null", "results.json", "C:\\x\\results.json",
                                        "\\\\?\\C:\\x"};
    char pipe[512] = "\\\\.\\pipe\\";
    (void)state;
    for (size_t i = 0; i < LENGTH(devices); i++) {
        assert_true(output_system_is_device(devices[i]));
    }
    for (size_t i = 0; i < LENGTH(files); i++) {
        assert_false(output_system_is_device(files[i]));
    }
    memset(pipe + strlen(pipe), 'x', 256); /* the longest name of a pipe */
    assert_true(output_system_is_device(pipe));
}

static void a_path_has_a_folder_or_none(void **state)
{
    (void)state;
    assert_int_equal(output_system_folder("a\\name"), 2);
    assert_int_equal(output_system_folder("a/b\\name"), 4);
    assert_int_equal(output_system_folder("C:name"), 2);
    assert_true(output_system_is_absolute("\\name"));
    assert_true(output_system_is_absolute("C:\\name"));
    assert_false(output_system_is_absolute("a\\name"));
    assert_false(output_system_is_absolute(""));
}

static void nul_takes_everything(void **state)
{
    struct output_file output;
    (void)state;
    assert_int_equal(output_file_open(&output, "NUL"), 0);
    assert_false(output_file_is_replaced(&output));
    assert_int_equal(output_file_write(&output, "text", 4), 0);
    assert_int_equal(output_file_close(&output), 0);
}

/* The pipe has one instance. Asking for its status would have used it up. */
static void a_named_pipe_gets_the_text(void **state)
{
    char path[64];
    char text[16] = "";
    DWORD length = 0;
    struct output_file output;
    (void)state;
    (void)snprintf(path, sizeof(path), "\\\\.\\pipe\\echoport-%lu", GetCurrentProcessId());
    HANDLE server = CreateNamedPipeA(path, PIPE_ACCESS_INBOUND, PIPE_TYPE_BYTE | PIPE_WAIT, 1, 4096,
                                     4096, 0, NULL);
    assert_true(server != INVALID_HANDLE_VALUE);
    assert_int_equal(output_file_open(&output, path), 0);
    assert_false(output_file_is_replaced(&output));
    assert_int_equal(output_file_write(&output, "text", 4), 0);
    assert_true(ReadFile(server, text, sizeof(text) - 1, &length, NULL));
    assert_int_equal(length, 4);
    assert_string_equal(text, "text");
    assert_int_equal(output_file_close(&output), 0);
    assert_false(ReadFile(server, text, sizeof(text) - 1, &length, NULL));
    (void)CloseHandle(server);
}

/* Another process keeps the file open, so its name can't be replaced. */
static void a_file_that_cannot_be_replaced_is_written_in_place(void **state)
{
    char text[32] = "";
    DWORD length = 0;
    struct output_file output;
    (void)state;
    folder_add("file", "the old text");
    HANDLE other = CreateFileA(folder_path("file"), GENERIC_READ,
                               FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    assert_true(other != INVALID_HANDLE_VALUE);
    assert_int_equal(output_file_open(&output, folder_path("file")), 0);
    assert_int_equal(output_file_write(&output, "new", 3), 0);
    folder_has("file", "new");
    assert_true(ReadFile(other, text, sizeof(text) - 1, &length, NULL));
    assert_string_equal(text, "new");
    assert_int_equal(folder_count(), 1);
    (void)CloseHandle(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(devices_are_known_by_their_names),
        TEST(a_path_has_a_folder_or_none),
        TEST(nul_takes_everything),
        TEST(a_named_pipe_gets_the_text),
        TEST(a_file_that_cannot_be_replaced_is_written_in_place),
    };
    return cmocka_run_group_tests_name("output_windows", tests, NULL, NULL);
}
