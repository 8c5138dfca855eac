/*
 * Linked into a program, it lets each ring have room for one submission, so that the submission
 * queue is full most of the time.
 */

#include <liburing.h>

int __real_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *params);
int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *params);

int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *params)
{
    (void)entries;
    return __real_io_uring_queue_init_params(1, ring, params);
}
