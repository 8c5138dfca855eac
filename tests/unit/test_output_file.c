#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "folder.h"
#include "output_file.h"
#include "output_system.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_set_up, folder_tear_down)

static int write_to(const char *path, const char *text)
{
    struct output_file output;
    int status = output_file_open(&output, path);
    if (status == 0) {
        status = output_file_write(&output, text, strlen(text));
        int closed = output_file_close(&output);
        status = status != 0 ? status : closed;
    }
    return status;
}

/* Makes a symbolic link, or skips the test if the system has none. An old Wine reports success
 * without making one. */
static void link_to(const char *target, const char *name)
{
    uv_fs_t request;
    int status = uv_fs_symlink(NULL, &request, target, folder_path(name), 0, NULL);
    uv_fs_req_cleanup(&request);
    if (status == 0) {
        status = uv_fs_readlink(NULL, &request, folder_path(name), NULL);
        uv_fs_req_cleanup(&request);
    }
    if (status != 0) {
        print_message("skipped: no symbolic links here: %s\n", uv_strerror(status));
        skip();
    }
}

static void is_link_to(const char *name, const char *target)
{
    uv_fs_t request;
    assert_int_equal(uv_fs_readlink(NULL, &request, folder_path(name), NULL), 0);
    assert_string_equal((const char *)request.ptr, target);
    uv_fs_req_cleanup(&request);
}

static void each_text_replaces_the_one_before(void **state)
{
    struct output_file output;
    (void)state;
    assert_int_equal(output_file_open(&output, folder_path("new")), 0);
    assert_true(output_file_is_replaced(&output));
    assert_false(output_file_is_stdout(&output));
    assert_int_equal(output_file_write(&output, "the first text", 14), 0);
    folder_has("new", "the first text");
    assert_int_equal(output_file_write(&output, "second", 6), 0);
    folder_has("new", "second");
    assert_int_equal(output_file_close(&output), 0);
    assert_int_equal(folder_count(), 1);
}

static void opening_changes_nothing(void **state)
{
    struct output_file output;
    (void)state;
    assert_int_equal(output_file_open(&output, folder_path("new")), 0);
    assert_int_equal(output_file_close(&output), 0);
    assert_int_equal(folder_count(), 0);
    folder_add("old", "the old text");
    assert_int_equal(output_file_open(&output, folder_path("old")), 0);
    assert_int_equal(output_file_close(&output), 0);
    folder_has("old", "the old text");
    assert_int_equal(folder_count(), 1);
}

static void what_cannot_be_written_is_an_error_at_once(void **state)
{
    static char long_path[8192];
    struct output_file output;
    (void)state;
    memset(long_path, 'x', sizeof(long_path) - 1);
    assert_int_equal(output_file_open(&output, folder_path("no/such")), UV_ENOENT);
    assert_int_equal(output_file_open(&output, folder_path("")), UV_EISDIR);
    assert_int_equal(output_file_open(&output, "."), UV_EISDIR);
    assert_int_equal(output_file_open(&output, ""), UV_ENOENT);
    assert_int_equal(output_file_open(&output, long_path), UV_ENAMETOOLONG);
    assert_int_equal(folder_count(), 0);
}

static void what_is_read_only_stays(void **state)
{
    uv_fs_t request;
    struct output_file output;
    (void)state;
    folder_add("old", "the old text");
    assert_int_equal(uv_fs_chmod(NULL, &request, folder_path("old"), 0444, NULL), 0);
    uv_fs_req_cleanup(&request);
    FILE *file = fopen(folder_path("old"), "ab"); /* root may write it */
    int status = output_file_open(&output, folder_path("old"));
    assert_int_equal(status == 0, file != NULL);
    if (file != NULL) {
        (void)fclose(file);
    }
    folder_has("old", "the old text");
    assert_int_equal(folder_count(), 1);
    (void)uv_fs_chmod(NULL, &request, folder_path("old"), 0644, NULL); /* or Windows keeps it */
    uv_fs_req_cleanup(&request);
}

/* A file of another program that has the name of a draft. */
static void a_file_with_the_name_of_a_draft_stays(void **state)
{
    char name[64];
    (void)state;
    (void)snprintf(name, sizeof(name), "echoport-%d-0.part", (int)uv_os_getpid());
    folder_add(name, "somebody else's");
    assert_int_equal(write_to(folder_path("new"), "text"), 0);
    folder_has("new", "text");
    folder_has(name, "somebody else's");
    assert_int_equal(folder_count(), 2);
}

static void a_link_to_a_file_stays(void **state)
{
    (void)state;
    folder_add("old", "the old text");
    link_to("old", "near");
    link_to(folder_path("near"), "far");
    assert_int_equal(write_to(folder_path("far"), "new"), 0);
    is_link_to("near", "old");
    is_link_to("far", folder_path("near"));
    folder_has("old", "new");
    assert_int_equal(folder_count(), 3);
}

static void a_link_to_nothing_stays(void **state)
{
    struct output_file output;
    (void)state;
    link_to("nothing", "dangling");
    assert_int_equal(output_file_open(&output, folder_path("dangling")), 0);
    assert_int_equal(folder_count(), 1);
    assert_int_equal(output_file_write(&output, "first", 5), 0);
    folder_has("nothing", "first");
    assert_int_equal(output_file_write(&output, "new", 3), 0);
    assert_int_equal(output_file_close(&output), 0);
    is_link_to("dangling", "nothing");
    folder_has("nothing", "new");
    assert_int_equal(folder_count(), 2);
}

static void a_link_that_leads_nowhere_is_an_error(void **state)
{
    struct output_file output;
    (void)state;
    link_to("no/such", "lost");
    link_to("circle", "circle");
    assert_int_equal(output_file_open(&output, folder_path("lost")), UV_ENOENT);
    assert_int_equal(output_file_open(&output, folder_path("circle")), UV_ELOOP);
    is_link_to("lost", "no/such");
    is_link_to("circle", "circle");
}

static void a_minus_is_stdout(void **state)
{
    struct output_file output;
    (void)state;
    assert_int_equal(output_file_open(&output, "-"), 0);
    assert_true(output_file_is_stdout(&output));
    assert_false(output_file_is_replaced(&output));
    assert_int_equal(output_file_close(&output), 0);
    assert_true(printf("stdout is open still\n") > 0);
    assert_int_equal(fflush(stdout), 0);
}

static void a_path_has_a_folder_or_none(void **state)
{
    (void)state;
    assert_int_equal(output_system_folder("name"), 0);
    assert_int_equal(output_system_folder("a/name"), 2);
    assert_int_equal(output_system_folder("/name"), 1);
    assert_true(output_system_is_absolute("/name"));
    assert_false(output_system_is_absolute("a/name"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_text_replaces_the_one_before),
        TEST(opening_changes_nothing),
        TEST(what_cannot_be_written_is_an_error_at_once),
        TEST(what_is_read_only_stays),
        TEST(a_file_with_the_name_of_a_draft_stays),
        TEST(a_link_to_a_file_stays),
        TEST(a_link_to_nothing_stays),
        TEST(a_link_that_leads_nowhere_is_an_error),
        TEST(a_minus_is_stdout),
        TEST(a_path_has_a_folder_or_none),
    };
    return cmocka_run_group_tests_name("output_file", tests, NULL, NULL);
}
