#ifndef ECHOPORT_TERMINAL_H
#define ECHOPORT_TERMINAL_H

/* A pseudoterminal for programs that the helper `session` runs on it. One at a time; only on POSIX
 * systems. */

#include <stdbool.h>

/* Opens it. Returns the path of the side that a program opens, valid until the next call; NULL if
 * the system has none. */
const char *terminal_open(void);

/* Hangs up, as when a terminal window is closed. Does nothing if it is closed already. */
void terminal_close(void);

/* Collects what programs write to it until that contains `part`, for at most `timeout_ms`. Returns
 * whether it does. */
bool terminal_shows(const char *part, unsigned timeout_ms);

/* Returns all that has been collected, to explain a failure. */
const char *terminal_text(void);

#endif
