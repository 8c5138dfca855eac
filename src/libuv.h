#ifndef ECHOPORT_LIBUV_H
#define ECHOPORT_LIBUV_H

/*
 * libuv 1.44 to 1.50 call abort() where the system is short of something and they have no error to
 * return:
 *
 *   in the first uv_loop_init()   no descriptors for the pipe of its signal lock
 *   in uv_run()                   epoll_ctl() or kevent() can't add a descriptor: ENOMEM, or ENOSPC
 *                                 beyond fs.epoll.max_user_watches
 *   where a watch starts          its table of descriptors can't grow
 *   in the first uv_getaddrinfo() the threads of its pool can't be started; net_resolve() uses none
 *
 * A descriptor that we would add beforehand would cost each connection two system calls.
 */

/*
 * From now on such an abort() is a message on stderr, which `program` begins, and the exit code 1.
 * errno tells it from others, as that of a failed assertion, which stay what they are. `program`
 * stays the caller's. Once, before any loop. Windows: nothing; there it is no shortage that ends a
 * program.
 */
void libuv_explain_aborts(const char *program);

#endif
