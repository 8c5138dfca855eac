#ifndef ECHOPORT_PTY_H
#define ECHOPORT_PTY_H

/* A pseudoterminal for programs under test, see pty(7). Only on POSIX systems. */

#include <stddef.h>

#define PTY_NAME_MAX 128

/* Makes a pseudoterminal. *master is the descriptor of the master side: it is non-blocking, belongs
 * to the caller, and no process inherits it. `slave` gets the path of the other side. 0 or a UV
 * error. */
int pty_open(int *master, char slave[PTY_NAME_MAX]);

/*
 * What a terminal shows after a program has written `text` to it: lines, each ended by '\n',
 * without trailing blanks. It knows CR, LF and the sequence that clears the rest of a line; any
 * other control character is shown as '?'. The caller frees it; never NULL.
 */
char *pty_screen(const char *text);

#endif
