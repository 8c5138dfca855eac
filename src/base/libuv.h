#ifndef ECHOPORT_LIBUV_H
#define ECHOPORT_LIBUV_H

/*
 * libuv 1.44 to 1.50 call abort() where a resource has run out and they can't return an error:
 *
 *   in the first uv_loop_init()   no descriptors for the pipe of its signal lock
 *   in uv_run()                   epoll_ctl() or kevent() can't add a descriptor: ENOMEM, or ENOSPC
 *                                 beyond fs.epoll.max_user_watches
 *   where a watch starts          its table of descriptors can't grow
 *   in the first uv_getaddrinfo() the threads of its pool can't be started; net_resolve() uses none
 *
 * We could add each descriptor ourselves first and see the error. That would cost each connection
 * two system calls.
 */

/*
 * From now on such an abort() prints a message to stderr, which begins with `program`, and exits
 * with 1. errno distinguishes it from other calls of abort(), such as that of a failed assertion,
 * which end the process as before. `program` belongs to the caller and must stay. Once, before any
 * loop. On Windows it does nothing: there no shortage makes libuv abort.
 */
void libuv_explain_aborts(const char *program);

#endif
