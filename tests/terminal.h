#ifndef ECHOPORT_TERMINAL_H
#define ECHOPORT_TERMINAL_H

/* A terminal of the test's own (a pty), for programs that the helper `session` runs on it. One at a
 * time; POSIX alone. */

#include <stdbool.h>

/* Opens it: the path of the side that a program opens. NULL if there is none to be had. Valid until
 * the next call. */
const char *terminal_open(void);

/* Hangs up, as a terminal window does that is closed. Nothing if it is closed already. */
void terminal_close(void);

/* Gathers what programs have written to it, for at most so many milliseconds, until `part` is in
 * it. Whether it is. */
bool terminal_shows(const char *part, unsigned timeout_ms);

/* All that has been gathered, to explain a failure. */
const char *terminal_text(void);

#endif
