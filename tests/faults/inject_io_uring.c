/* The calls of liburing that fail, and the operations of the ring that fail, by their opcodes. */

#include "inject.h"
#include "util.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <liburing.h>

static const struct operation {
    const char *name;
    uint8_t opcode;
    bool carried_out; /* even if it fails */
} operations[] = {
    {"IORING_OP_ASYNC_CANCEL", IORING_OP_ASYNC_CANCEL, true},
    {"IORING_OP_ACCEPT", IORING_OP_ACCEPT, false},
    {"IORING_OP_CLOSE", IORING_OP_CLOSE, true},
    {"IORING_OP_CONNECT", IORING_OP_CONNECT, false},
    {"IORING_OP_READ", IORING_OP_READ, false},
    {"IORING_OP_RECV", IORING_OP_RECV, false},
    {"IORING_OP_SEND", IORING_OP_SEND, false},
};

/* The user_data of the completion that is to be changed; 0: none. */
static uint64_t spoilt;

static const struct operation *find_operation(uint8_t opcode)
{
    for (size_t i = 0; i < LENGTH(operations); i++) {
        if (operations[i].opcode == opcode) {
            return &operations[i];
        }
    }
    return NULL;
}

static void spoil(struct io_uring_sqe *sqe, const struct operation *operation)
{
    uint64_t user_data = sqe->user_data;
    if (inject_wanted()->error == 0) {
        sqe->len = 1;
        sqe->msg_flags &= ~(uint32_t)MSG_WAITALL;
        return;
    }
    spoilt = user_data;
    if (!operation->carried_out) {
        io_uring_prep_nop(sqe);
        sqe->flags = 0;
        sqe->user_data = user_data;
    }
}

/* Spoils the operation that is to fail, among those prepared since the last submit. */
static void look_at_submissions(struct io_uring *ring)
{
    for (unsigned i = ring->sq.sqe_head; i != ring->sq.sqe_tail; i++) {
        struct io_uring_sqe *sqe = &ring->sq.sqes[i & *ring->sq.kring_mask];
        const struct operation *operation = find_operation(sqe->opcode);
        if (operation != NULL && inject_strikes(operation->name)) {
            spoil(sqe, operation);
        }
    }
}

static void look_at_completions(struct io_uring *ring)
{
    struct io_uring_cqe *cqe;
    unsigned head;
    io_uring_for_each_cqe(ring, head, cqe)
    {
        if (spoilt != 0 && cqe->user_data == spoilt) {
            cqe->res = -inject_wanted()->error;
            spoilt = 0;
        }
    }
}

/* ---- calls --------------------------------------------------------------------------------- */

#define FAILING(name, parameters, arguments)                                                       \
    int name parameters                                                                            \
    {                                                                                              \
        static int(*next) parameters;                                                              \
        inject_find(#name, &next, sizeof(next));                                                   \
        return inject_strikes(#name) ? -inject_wanted()->error : next arguments;                   \
    }

FAILING(io_uring_queue_init_params,
        (unsigned entries, struct io_uring *ring, struct io_uring_params *params),
        (entries, ring, params))
FAILING(io_uring_register_buf_ring,
        (struct io_uring * ring, struct io_uring_buf_reg *registration, unsigned flags),
        (ring, registration, flags))

/* The calls that submit. */
#define SUBMITTING(name, parameters, arguments)                                                    \
    int name parameters                                                                            \
    {                                                                                              \
        static int(*next) parameters;                                                              \
        inject_find(#name, &next, sizeof(next));                                                   \
        if (inject_strikes(#name)) {                                                               \
            return -inject_wanted()->error;                                                        \
        }                                                                                          \
        look_at_submissions(ring);                                                                 \
        int result = next arguments;                                                               \
        look_at_completions(ring);                                                                 \
        return result;                                                                             \
    }

SUBMITTING(io_uring_submit, (struct io_uring * ring), (ring))
SUBMITTING(io_uring_submit_and_get_events, (struct io_uring * ring), (ring))
SUBMITTING(io_uring_submit_and_wait_timeout,
           (struct io_uring * ring, struct io_uring_cqe **cqe, unsigned count,
            struct __kernel_timespec *timeout, sigset_t *mask),
           (ring, cqe, count, timeout, mask))
