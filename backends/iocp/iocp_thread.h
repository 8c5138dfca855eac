#ifndef ECHOPORT_IOCP_THREAD_H
#define ECHOPORT_IOCP_THREAD_H

/*
 * A thread that waits in WSAAccept, as servers did before there was AcceptEx: it blocks in the
 * call, and posts to the port what came. It accepts only as often as it is asked, so connections
 * that can't be served yet wait in the system's queue.
 */

#include "iocp_listener.h"

/* Starts listener->thread, which accepts from the listener's socket. 0 or a UV error. */
int iocp_thread_start(struct io_listener *listener);

/* Asks for one connection. The thread owns the slot until it posts the completion of the slot's
 * request. Then `os_socket` is the connection, or `status` is a UV code. */
void iocp_thread_ask(struct iocp_slot *slot);

/* Posts what the thread has not begun with UV_ECANCELED. A thread that waits in WSAAccept is ended
 * by CancelIoEx, which finds it only once it is in its wait. */
void iocp_thread_stop(struct iocp_thread *thread);

/* A CancelIoEx failed. True: it has failed so often that the thread must be in its wait, which
 * closing the socket ends, too. Before that the socket must stay open: the thread may not have come
 * to use its number, which might be another socket's by then. */
bool iocp_thread_cancel_failed(struct iocp_thread *thread);

/* Joins and frees the thread. It was stopped, and all that was asked has come back. */
void iocp_thread_end(struct iocp_thread *thread);

#endif
