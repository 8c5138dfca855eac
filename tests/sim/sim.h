#ifndef ECHOPORT_SIM_H
#define ECHOPORT_SIM_H

/*
 * A network in memory with virtual time, and a backend over it, for tests. One seed decides
 * everything that chance decides, so the same seed and the same caller give the same run.
 *
 * Everything runs on one thread. Several loops may be open, and share the network. poll() never
 * waits: it delivers what is due, notes its deadline and returns. When no loop has anything to do,
 * sim_step() moves the clock:
 *
 *     sim_begin(&config);
 *     ... open the loops ...
 *     while (!finished) {
 *         for (each loop) { one turn: timers, poll(deadline) }
 *         if (!sim_step()) { fail: nothing will ever happen again }
 *     }
 *     ... close the loops ...
 *     sim_end();
 *
 * sim_step() goes to the next completion, however late that is. So a loop needs a deadline if its
 * owner has other work to do.
 *
 * Addresses: listen() takes for `os_socket` a port of the simulated world, 1 to 65535. connect()
 * reads the port of a sockaddr_in or sockaddr_in6 and ignores the host. Loops that listen on one
 * port share its connections at random. open_socket of the config is not called.
 *
 * The simulated stack behaves as TCP: bytes arrive in order, and the end of the stream after them.
 * A close with unread bytes causes a reset, and so do bytes that come to a closed socket. A reset
 * discards what is on its way in both directions. Every later operation of the side that got it
 * ends with UV_ECONNRESET.
 *
 * It also checks that its caller keeps the rules of the seam, see `violated`. The memory of a send
 * must be unchanged when the outcome is delivered. A buffer is overwritten when it is released, and
 * a struct io_socket before its close callback runs.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend.h"

extern const struct backend backend_sim;

enum sim_damage { SIM_INTACT, SIM_FLIP, SIM_DROP, SIM_DUPLICATE, SIM_SWAP };

/* Damages one byte of the stream. SIM_SWAP holds the byte back until the next one follows it. */
struct sim_corruption {
    enum sim_damage damage;
    size_t connection; /* counted from 0, in the order of connect() */
    bool to_client;    /* the bytes that the accepting side sends; else the connecting side's */
    uint64_t offset;   /* in what the sender sent */
};

/* Chances are in parts per million. All zero: no faults, and every outcome is pending. */
struct sim_config {
    uint64_t seed;
    uint32_t inline_ppm; /* submit: the outcome is looked for at once */

    uint64_t latency_min_ns; /* of a delivery, in the network and by a loop */
    uint64_t latency_max_ns;
    bool prompt;         /* loops deliver at once: the only latency is that of the network */
    uint64_t turn_ns;    /* what a poll() takes; with 0 time may stand still while loops are busy */
    size_t capacity_min; /* bytes on their way in one direction; 0: 64 KiB */
    size_t capacity_max;

    uint32_t short_ppm;       /* transfer of a part of what could be moved */
    uint32_t first_bytes_ppm; /* accept: the token brings bytes, if any have come */
    uint32_t race_ppm;        /* close, accept_stop: what can still succeed does */
    uint32_t early_ppm;       /* poll: returns without having delivered anything */
    uint32_t batches_ppm;     /* poll: looks for another batch, again and again */
    uint32_t full_ppm;        /* poll: ends after one to four outcomes, though more are due */
    uint32_t wake_ppm;        /* poll: wake() was called */

    uint32_t reset_ppm;        /* recv, send: the network resets the connection */
    uint32_t stall_ppm;        /* recv, send: nothing arrives any more, in either direction */
    uint32_t submit_fails_ppm; /* accept, connect, recv, send: answer UV_ENOBUFS */
    uint32_t connect_refused_ppm;
    uint32_t connect_hangs_ppm;  /* connect: nothing answers, ever */
    uint32_t accept_emfile_ppm;  /* accept: UV_EMFILE; the connection goes on waiting */
    uint32_t accept_aborted_ppm; /* accept: UV_ECONNABORTED; the connection is gone */
    uint32_t adopt_fails_ppm;    /* adopt: UV_ENOMEM */

    bool no_detach;    /* detach() answers UV_ENOTSUP */
    bool one_listener; /* the second listen() on a port answers UV_ENOTSUP */
    struct sim_corruption corruption;

    /* Called when the caller breaks a rule of the seam; the sentence says which. It must not return
     * (a test jumps out of it; then sim_end() frees everything and checks nothing). NULL: prints
     * the sentence, the seed and the time on stderr, and calls abort(). */
    void (*violated)(const char *sentence);
};

enum sim_kind {
    SIM_CONNECTIONS, /* established */
    SIM_BYTES,       /* given to receivers */
    SIM_INLINE,      /* outcomes given by a submit */
    SIM_COMPLETIONS, /* outcomes given by callback, without those of close */
    SIM_SHORT_RECV,
    SIM_SHORT_SEND,
    SIM_FIRST_BYTES,
    SIM_STARVED,  /* receives that waited for a buffer */
    SIM_CANCELED, /* operations */
    SIM_RACES,    /* operations that succeeded after close() or accept_stop() */
    SIM_EARLY,
    SIM_FULL, /* turns that ended at their limit */
    SIM_WAKES,
    SIM_RESETS, /* injected by the network */
    SIM_STALLS,
    SIM_UNREAD,       /* graceful closes that left bytes unread */
    SIM_BACKLOG_FULL, /* SYNs dropped; after seven the connect ends with UV_ETIMEDOUT */
    SIM_SUBMIT_FAILED,
    SIM_REFUSED,
    SIM_HANGING,
    SIM_EMFILE,
    SIM_ABORTED,
    SIM_ADOPT_FAILED,
    SIM_CORRUPTED,
    SIM_KINDS
};

/* What happened and what was injected, by kind. */
struct sim_counts {
    uint64_t of[SIM_KINDS];
};

/* Makes a world. There is one at a time. `config` is copied. */
void sim_begin(const struct sim_config *config);

/* Ends it and frees everything. No loop may be open, no token unused. */
void sim_end(void);

/* Draws a world from a seed: which faults it has, how often, and its delays and sizes. Leaves the
 * corruption, the three flags and `violated` unset. */
void sim_config_random(struct sim_config *config, uint64_t seed);

/* Nanoseconds. A world begins at one second. */
uint64_t sim_now(void);

/* Moves the clock to the next time at which a loop has something to deliver, but not beyond the
 * deadline (UINT64_MAX: none). False if there is neither. */
bool sim_advance(uint64_t deadline_ns);

/* sim_advance() to the earliest deadline of the last poll() of each loop. A deadline counts once,
 * so a loop that is no longer polled doesn't stop the clock. */
bool sim_step(void);

/* Valid until sim_end(). */
const struct sim_counts *sim_counts(void);

/* Adds `counts` to `sum`. */
void sim_counts_add(struct sim_counts *sum, const struct sim_counts *counts);

/* Writes one line without a line end, "connections=3 bytes=917 ...". Leaves zeros out and cuts to
 * `size`. */
void sim_describe(const struct sim_counts *counts, char *text, size_t size);

#endif
