#ifndef ECHOPORT_LIBUV_H
#define ECHOPORT_LIBUV_H

/*
 * libuv 1.44 to 1.50 call abort() where a resource has run out and no error can be returned:
 *
 *   in the first uv_loop_init()   no descriptors for the pipe of its signal lock
 *   in uv_run()                   epoll_ctl() or kevent() can't add a descriptor: ENOMEM, or ENOSPC
 *                                 beyond fs.epoll.max_user_watches
 *   where a watch starts          its table of descriptors can't grow
 *   in the first uv_getaddrinfo() the threads of its pool can't be started; net_resolve() uses none
 *
 * We could register each descriptor first ourselves and see the error. That would cost two system
 * calls per connection.
 */

/*
 * From now on such an abort() prints a message, which begins with `program`, to stderr and exits
 * with 1. errno tells it from other calls of abort(), such as a failed assertion. Those end the
 * process as before. `program` belongs to the caller and must stay. Call it once, before any loop
 * opens. On Windows it does nothing: there no shortage makes libuv abort.
 */
void libuv_explain_aborts(const char *program);

#endif
