#include "node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

const char *node_make(const char *of, const char *path)
{
    struct stat status;
    if (stat(of, &status) != 0 || mknod(path, S_IFCHR | 0666, status.st_rdev) != 0) {
        print_message("skipped: no device node like %s: %s\n", of, strerror(errno));
        skip();
    }
    int file = open(path, O_WRONLY);
    if (file < 0) {
        print_message("skipped: devices can't be opened here: %s\n", strerror(errno));
        skip();
    }
    (void)close(file);
    return path;
}

struct stat node_status(const char *path)
{
    struct stat status;
    assert_int_equal(lstat(path, &status), 0);
    return status;
}

void node_is_as_before(const char *path, struct stat before)
{
    struct stat after = node_status(path);
    assert_int_equal(after.st_ino, before.st_ino);
    assert_int_equal(after.st_mode, before.st_mode);
    assert_int_equal(after.st_rdev, before.st_rdev);
    assert_int_equal(after.st_uid, before.st_uid);
}
