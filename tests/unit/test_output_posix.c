/*
 * Devices, FIFOs and other kinds of files on POSIX. The device nodes are made in the test's folder,
 * which takes root. The tests open no device node of the system.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "folder.h"
#include "node.h"
#include "output_file.h"
#include "output_system.h"
#include "sys.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_set_up, folder_tear_down)
#define NOBODY 65534

/* Opens the path, writes and closes. Returns the status of the write. Then the folder has `count`
 * names. */
static int write_to(const char *path, const char *text, size_t count)
{
    struct output_file output;
    struct stat before = node_status(path);
    assert_int_equal(output_file_open(&output, path), 0);
    assert_false(output_file_is_replaced(&output));
    int status = output_file_write(&output, text, strlen(text));
    assert_int_equal(output_file_close(&output), 0);
    node_is_as_before(path, before);
    assert_int_equal(folder_count(), count);
    return status;
}

static void a_device_stays(void **state)
{
    (void)state;
    const char *null = node_make("/dev/null", folder_path("null"));
    assert_int_equal(write_to(null, "text", 1), 0);
    assert_int_equal(symlink("null", folder_path("link")), 0);
    assert_int_equal(write_to(folder_path("link"), "text", 2), 0);
}

static void a_full_device_is_an_error(void **state)
{
    (void)state;
    const char *full = node_make("/dev/full", folder_path("full"));
    assert_int_equal(write_to(full, "text", 1), UV_ENOSPC);
}

static void a_fifo_gets_the_text_and_stays(void **state)
{
    char text[16] = "";
    const char *path = folder_path("fifo");
    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_int_equal(write_to(path, "text", 1), 0);
    assert_int_equal(read(reader, text, sizeof(text)), 4);
    assert_string_equal(text, "text");
    assert_int_equal(read(reader, text, sizeof(text)), 0);
    assert_int_equal(close(reader), 0);
}

static void a_fifo_that_has_lost_its_reader_is_an_error(void **state)
{
    struct output_file output;
    const char *path = folder_path("fifo");
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_int_equal(output_file_open(&output, path), 0);
    assert_int_equal(close(reader), 0);
    assert_int_equal(output_file_write(&output, "text", 4), UV_EPIPE);
    assert_int_equal(output_file_close(&output), 0);
}

/* A path of the kind that a shell makes for >(command). */
static void a_pipe_of_this_process_has_a_name(void **state)
{
    int ends[2];
    char path[32];
    char text[16] = "";
    struct output_file output;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    (void)snprintf(path, sizeof(path), "/dev/fd/%d", ends[1]);
    if (access(path, W_OK) != 0) {
        skip();
    }
    assert_int_equal(output_file_open(&output, path), 0);
    assert_int_equal(output_file_write(&output, "text", 4), 0);
    assert_int_equal(output_file_close(&output), 0);
    assert_int_equal(read(ends[0], text, sizeof(text)), 4);
    assert_string_equal(text, "text");
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* Another kind of file replaces it between two texts. */
static void what_has_become_a_device_stays(void **state)
{
    struct output_file output;
    const char *path = folder_path("path");
    (void)state;
    assert_int_equal(output_file_open(&output, path), 0);
    assert_int_equal(output_file_write(&output, "text", 4), 0);
    assert_int_equal(unlink(path), 0);
    (void)node_make("/dev/null", folder_path("path"));
    struct stat before = node_status(path);
    assert_int_equal(output_file_write(&output, "text", 4), 0);
    assert_int_equal(output_file_close(&output), 0);
    node_is_as_before(path, before);
}

/* Opens the file by its name while it is also one of the streams. */
static struct output_file open_as_stream(int stream, const char *name)
{
    struct output_file output;
    (void)fflush(stdout);
    int kept = dup(stream);
    int file = open(folder_path(name), O_WRONLY);
    assert_true(kept >= 0 && file >= 0);
    assert_true(dup2(file, stream) >= 0);
    int status = output_file_open(&output, folder_path(name));
    if (status == 0) {
        status = output_file_write(&output, "text", 4);
    }
    assert_true(dup2(kept, stream) >= 0);
    (void)close(kept);
    (void)close(file);
    assert_int_equal(status, 0);
    return output;
}

static void the_file_that_is_stdout_or_stderr_is_that_stream(void **state)
{
    (void)state;
    for (int stream = STDOUT_FILENO; stream <= STDERR_FILENO; stream++) {
        folder_add("file", "");
        struct stat before = node_status(folder_path("file"));
        struct output_file output = open_as_stream(stream, "file");
        assert_int_equal(output_file_is_stdout(&output), stream == STDOUT_FILENO);
        assert_false(output_file_is_replaced(&output));
        assert_int_equal(output_file_close(&output), 0);
        node_is_as_before(folder_path("file"), before);
        folder_has("file", "text");
    }
}

static void a_file_keeps_its_mode_and_owner(void **state)
{
    struct output_file output;
    const char *path = folder_path("file");
    (void)state;
    folder_add("file", "old");
    assert_int_equal(chmod(path, 0640), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, NOBODY, NOBODY), 0);
    }
    struct stat before = node_status(path);
    assert_int_equal(output_file_open(&output, path), 0);
    assert_int_equal(output_file_write(&output, "new", 3), 0);
    struct stat after = node_status(path);
    folder_has("file", "new");
    assert_int_equal(after.st_mode, before.st_mode);
    assert_int_equal(after.st_uid, before.st_uid);
    assert_int_equal(after.st_gid, before.st_gid);
    assert_int_not_equal(after.st_ino, before.st_ino);
}

/* root may write everywhere, so it becomes another user for this call. */
static void where_the_folder_is_read_only_a_file_is_written_in_place(void **state)
{
    struct output_file output;
    const char *path = folder_path("file");
    bool is_root = geteuid() == 0;
    (void)state;
    folder_add("file", "the old text");
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(chmod(folder_path("."), 0555), 0);
    assert_int_equal(is_root ? seteuid(NOBODY) : 0, 0);
    struct stat before = node_status(path);
    int status = output_file_open(&output, path);
    status = status == 0 ? output_file_write(&output, "new", 3) : status;
    struct output_file other;
    int refused = output_file_open(&other, folder_path("other"));
    assert_int_equal(is_root ? seteuid(0) : 0, 0);
    assert_int_equal(chmod(folder_path("."), 0755), 0);
    assert_int_equal(status, 0);
    assert_int_equal(refused, UV_EACCES);
    node_is_as_before(path, before);
    folder_has("file", "new");
}

static void the_longest_name_can_be_written(void **state)
{
    char name[256];
    struct output_file output;
    (void)state;
    memset(name, 'x', 255);
    name[255] = '\0';
    assert_int_equal(output_file_open(&output, folder_path(name)), 0);
    assert_int_equal(output_file_write(&output, "text", 4), 0);
    folder_has(name, "text");
    assert_int_equal(folder_count(), 1);
}

/* With a limit on the size of files the old file stays, and no draft does. */
static void what_is_too_long_leaves_the_old_file_alone(void **state)
{
    static char text[65536];
    struct rlimit before;
    struct output_file output;
    (void)state;
    sys_setup(); /* or SIGXFSZ ends the program */
    folder_add("file", "the old text");
    assert_int_equal(output_file_open(&output, folder_path("file")), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit limit = {.rlim_cur = 4096, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int status = output_file_write(&output, text, sizeof(text));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, UV_EFBIG);
    folder_has("file", "the old text");
    assert_int_equal(folder_count(), 1);
}

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

static int raise_two(void *context)
{
    (void)context;
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(raise(SIGQUIT), 0);
    return signals;
}

static void signals_come_after_the_call(void **state)
{
    (void)state;
    assert_true(signal(SIGTERM, on_signal) != SIG_ERR);
    assert_true(signal(SIGQUIT, on_signal) != SIG_ERR);
    assert_int_equal(output_system_hold_signals(raise_two, NULL), 0);
    assert_int_equal(signals, 2);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGQUIT, SIG_DFL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_device_stays),
        TEST(a_full_device_is_an_error),
        TEST(a_fifo_gets_the_text_and_stays),
        TEST(a_fifo_that_has_lost_its_reader_is_an_error),
        TEST(a_pipe_of_this_process_has_a_name),
        TEST(what_has_become_a_device_stays),
        TEST(the_file_that_is_stdout_or_stderr_is_that_stream),
        TEST(a_file_keeps_its_mode_and_owner),
        TEST(where_the_folder_is_read_only_a_file_is_written_in_place),
        TEST(the_longest_name_can_be_written),
        TEST(what_is_too_long_leaves_the_old_file_alone),
        TEST(signals_come_after_the_call),
    };
    return cmocka_run_group_tests_name("output_posix", tests, NULL, NULL);
}
