#include "folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <uv.h>

static char folder[512];

int folder_set_up(void **state)
{
    char base[256];
    char pattern[512];
    size_t size = sizeof(base);
    uv_fs_t request;
    (void)state;
    assert_int_equal(uv_os_tmpdir(base, &size), 0);
    (void)snprintf(pattern, sizeof(pattern), "%s/echoport-XXXXXX", base);
    assert_int_equal(uv_fs_mkdtemp(NULL, &request, pattern, NULL), 0);
    (void)snprintf(folder, sizeof(folder), "%s", request.path);
    uv_fs_req_cleanup(&request);
    return 0;
}

/* Counts the names, and removes them if that is asked for. */
static size_t visit(bool removed)
{
    uv_fs_t scan;
    uv_fs_t request;
    uv_dirent_t entry;
    size_t count = 0;
    assert_true(uv_fs_scandir(NULL, &scan, folder, 0, NULL) >= 0);
    while (uv_fs_scandir_next(&scan, &entry) == 0) {
        count++;
        if (removed) {
            (void)uv_fs_unlink(NULL, &request, folder_path(entry.name), NULL);
            uv_fs_req_cleanup(&request);
        }
    }
    uv_fs_req_cleanup(&scan);
    return count;
}

int folder_tear_down(void **state)
{
    uv_fs_t request;
    (void)state;
    (void)visit(true);
    int status = uv_fs_rmdir(NULL, &request, folder, NULL);
    uv_fs_req_cleanup(&request);
    return status;
}

const char *folder_path(const char *name)
{
    static char paths[8][1024];
    static size_t next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

size_t folder_count(void)
{
    return visit(false);
}

void folder_add(const char *name, const char *text)
{
    FILE *file = fopen(folder_path(name), "wb");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) < 0, 0);
    assert_int_equal(fclose(file), 0);
}

void folder_has(const char *name, const char *text)
{
    char found[4096];
    FILE *file = fopen(folder_path(name), "rb");
    assert_non_null(file);
    found[fread(found, 1, sizeof(found) - 1, file)] = '\0';
    (void)fclose(file);
    assert_string_equal(found, text);
}
