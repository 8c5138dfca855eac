#ifndef ECHOPORT_NODE_H
#define ECHOPORT_NODE_H

/* Files of any kind on POSIX, and device nodes of a test's own, which only root may make. */

#include <sys/stat.h>

/* Makes a device node like `of` at this path, which it returns. Skips the test where it can't be
 * made or opened. */
const char *node_make(const char *of, const char *path);

/* As lstat(); of a link, not of its target. A failure fails the test. */
struct stat node_status(const char *path);

/* Fails the test if the path is another file than before, of another mode, device or owner. */
void node_is_as_before(const char *path, struct stat before);

#endif
