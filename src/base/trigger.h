#ifndef ECHOPORT_TRIGGER_H
#define ECHOPORT_TRIGGER_H

/*
 * --signal: one process tells another of the same user to stop, to restart or to report. It needs
 * no terminal, so services and scripts can use it.
 *
 *   POSIX    SIGTERM, SIGUSR2 and SIGUSR1. sys_signals has them; there is nothing to open.
 *   Windows  a semaphore per meaning, named after the process. It counts, so two stops in a row
 *            arrive as two: the second one means to end at once.
 */

#include <uv.h>

#include "sys.h"

struct trigger;

/*
 * Listens until trigger_close(): `fired` is called from the loop, once for each meaning that was
 * sent. `context` is passed to it and must stay. 0 and *trigger, which is NULL where nothing had to
 * be opened; or a UV error, *trigger is NULL, and --signal does not reach this process. UV_EEXIST:
 * another process has taken our name.
 */
int trigger_open(uv_loop_t *loop, void (*fired)(void *context, enum sys_meaning meaning),
                 void *context, struct trigger **trigger);

/* On the loop's thread. Drops what was sent and not yet passed to `fired`. The loop must run once
 * more; then the trigger is freed. Does nothing for NULL. */
void trigger_close(struct trigger *trigger);

/*
 * Sends `meaning`, one of the first SYS_SENT_MEANINGS, to the process `pid`. `pid` is at least 1: a
 * server in a container may be process 1. Any thread.
 *
 *   0           sent
 *   UV_ESRCH    there is no such process; on Windows process 1 never exists
 *   UV_EPERM    access denied: the process belongs to another user, or has more rights
 *   UV_ENOENT   Windows: the process does not listen. It is another program, or is starting or
 *               ending. POSIX systems can't tell: another program gets the signal.
 */
int trigger_send(int pid, enum sys_meaning meaning);

#endif
