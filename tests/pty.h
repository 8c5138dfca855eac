#ifndef ECHOPORT_PTY_H
#define ECHOPORT_PTY_H

/* A terminal for programs under test: a pseudo-terminal, see pty(7). On POSIX systems alone. */

#include <stddef.h>

#define PTY_NAME_MAX 128

/* Makes one: the master's descriptor, from which reads don't wait, and in `slave` the name that a
 * program opens. The descriptor is the caller's, and no process inherits it. A UV error, or 0. */
int pty_open(int *master, char slave[PTY_NAME_MAX]);

/*
 * What a terminal shows of `text`, which a program has written to it: lines, each ended by '\n',
 * without blanks at their ends. Knows CR, LF and the sequence that clears the rest of a line; any
 * other control character is shown as '?'. To be freed; never NULL.
 */
char *pty_screen(const char *text);

#endif
