#ifndef ECHOPORT_FAKE_BACKEND_H
#define ECHOPORT_FAKE_BACKEND_H

/*
 * A backend that does nothing by itself. The test sets what each call answers and when an operation
 * ends, and looks at the calls. The table has the functions that these files call: worker.c, conn.c
 * and handover.c of src/worker, and src/server/echo_conn.c. The others are NULL.
 *
 *     fake_init(&fake);
 *     worker.backend = &fake_backend;
 *     worker.io_config = fake_config(&fake);
 *
 * A poll takes no time: it sets the clock to its deadline, unless there is none or it was woken.
 * Nothing here asserts, because it may run on another thread than cmocka's. Calls that a backend
 * forbids are counted in `wrong`.
 */

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "backend.h"

struct fake {
    struct io_loop io; /* first */

    /* What it answers; zeroed by fake_init(). */
    int open_status;
    int poll_status;  /* negative: the loop is unusable */
    bool blocks;      /* a poll without a deadline waits for a wake */
    int recv_outcome; /* IO_DONE (0), IO_PENDING or an error */
    int send_outcome; /* likewise */
    int untaken_status;
    uint64_t untaken_bytes;
    size_t recv_length; /* of what an inline recv brings */
    int detach_status;
    void (*on_poll)(struct fake *fake); /* runs inside of poll(), as callbacks do; may be NULL */
    void *context;                      /* the test's */

    /* What it has seen. */
    unsigned opens;
    unsigned closes;
    unsigned polls;
    unsigned clock_looks;
    unsigned wrong;
    uint64_t now_ns;
    uint64_t deadline_ns; /* of the last poll */

    /* Private. */
    uv_mutex_t lock;
    uv_cond_t wakes;
    bool open;
    bool woken;
};

/* What is outstanding on a connection; NULL where nothing is. */
struct io_socket {
    struct io_recv *recv;
    struct io_send *send;
    struct io_close *close;
    enum io_close_how how;
    bool shut;
    uint64_t untaken; /* added to the fake's untaken_bytes */
};

extern const struct backend fake_backend;

void fake_init(struct fake *fake);
void fake_destroy(struct fake *fake);

/* The config with which fake_backend opens `fake`: 64 buffers of 32 KiB. */
struct io_config fake_config(struct fake *fake);

/* An outstanding operation ends: calls its `done`. A recv with a length takes a buffer. */
void fake_recv_ends(struct fake *fake, struct io_socket *socket, int status, size_t length);
void fake_send_ends(struct io_socket *socket, int status, size_t sent);

/* A close ends, and with it whatever is outstanding, with UV_ECANCELED. */
void fake_close_ends(struct fake *fake, struct io_socket *socket);

#endif
