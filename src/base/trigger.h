#ifndef ECHOPORT_TRIGGER_H
#define ECHOPORT_TRIGGER_H

/*
 * How one process tells another of the same user to stop, to restart or to report: what --signal
 * sends, and what a running program listens to. It needs no terminal, so services and scripts can
 * use it.
 *
 *   POSIX    SIGTERM, SIGUSR2 and SIGUSR1. sys_signals has them; there is nothing to open.
 *   Windows  a semaphore for each meaning, named after the process. It counts, so two that are sent
 *            in a row arrive as two: the second stop is the one that ends at once.
 */

#include <uv.h>

#include "sys.h"

struct trigger;

/*
 * Listens, from now until trigger_close(): `fired` is called from the loop, once for each that was
 * sent. 0 and *trigger, which is NULL where nothing had to be opened; or a UV error, NULL, and this
 * process can't be told. UV_EEXIST: another process has taken the name that is to be ours.
 */
int trigger_open(uv_loop_t *loop, void (*fired)(void *context, enum sys_meaning meaning),
                 void *context, struct trigger **trigger);

/* On the loop's thread. What has been sent and not yet told is dropped. The loop has to run once
 * more, which frees it. Does nothing for NULL. */
void trigger_close(struct trigger *trigger);

/*
 * Tells the process `pid`, which is 1 or more: a server in a container may be process 1. `meaning`
 * is one of the first SYS_SENT_MEANINGS. Any thread.
 *
 *   0           sent
 *   UV_ESRCH    There is no such process. On Windows process 1 never exists.
 *   UV_EPERM    Access is denied: it is another user's process, or has more rights.
 *   UV_ENOENT   Windows: it does not listen. It is another program, or it just begins or ends. On
 *               POSIX systems that can't be known, and another program gets the signal.
 */
int trigger_send(int pid, enum sys_meaning meaning);

#endif
