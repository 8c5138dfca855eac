#ifndef ECHOPORT_WINSOCK_SIM_H
#define ECHOPORT_WINSOCK_SIM_H

/*
 * Winsock and the completion port in memory, with virtual time: what <winsock2.h> beside this file
 * declares. One seed decides everything that Windows leaves open. Is a call over at once or later?
 * When does its packet come, and in which order with those of other sockets? How many bytes does it
 * move, does it fail, and how does a cancel end? The same seed and the same calls give the same
 * run.
 *
 *     winsock_begin(&config);
 *     ... the program under test, and the test's own sockets ...
 *     winsock_end();                      every socket, port and operation has to be gone
 *
 * A call takes a little virtual time, so that what is under way can arrive between two calls.
 * `waits` says what GetQueuedCompletionStatusEx does when there is no packet:
 *
 *   WINSOCK_STEPPED    returns WAIT_TIMEOUT at once and notes its deadline; the test moves the
 *                      clock with winsock_step() when there is nothing to do. For several ports
 *                      on one thread.
 *   WINSOCK_ADVANCING  moves the clock to the next event or to its deadline. For one port.
 *
 * Everything is on one thread, unless `threads` is set. Then other threads may wait in WSAAccept
 * and post, and get a moment of real time before the clock moves. Such a world is not repeatable.
 *
 * Calls that block (recv, send, connect, accept on sockets without FIONBIO) move the clock too.
 *
 * Memory that is lent is written and read as late as Windows may. A receive buffer holds a pattern
 * until its packet is taken from the port; then the received bytes are copied. Bytes to send are
 * read as the connection takes them, and must be unchanged when the packet is taken. So must the
 * OVERLAPPED: its results are written at that moment. A sanitizer finds memory that was freed
 * early.
 *
 * Misuse is not answered but reported: see `violated`.
 *
 * This header needs no Winsock types, and may stand where <winsock2.h> may not.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum winsock_waits { WINSOCK_STEPPED, WINSOCK_ADVANCING };

/* Chances are in parts per million. All zero: nothing fails, nothing is over at once, a packet
 * comes as soon as its operation has ended. */
struct winsock_config {
    uint64_t seed;
    enum winsock_waits waits;
    bool threads;

    uint64_t call_ns;        /* a call takes 0 to this; with 0 time stands still between waits */
    uint64_t wait_ns;        /* a wait takes this much more, for code that waits in a loop */
    uint64_t latency_min_ns; /* of the network, in one direction */
    uint64_t latency_max_ns;
    uint64_t delay_ns;   /* a packet comes 0 to this after the end of its operation */
    size_t capacity_min; /* bytes on their way in one direction; 0: 64 KiB */
    size_t capacity_max;

    uint32_t inline_ppm;     /* an overlapped call that can end at once does */
    uint32_t short_recv_ppm; /* receives a part of what has come */
    uint32_t short_send_ppm; /* a send ends with success and a part of its bytes */
    uint32_t spurious_ppm;   /* a receive of no bytes ends although nothing has come */
    uint32_t small_ppm;      /* a wait returns some of the packets that have come */
    uint32_t early_ppm;      /* a wait returns WAIT_TIMEOUT without cause */

    uint32_t call_fails_ppm;      /* a call answers with one of its errors */
    uint32_t operation_fails_ppm; /* an operation ends with one of its errors */
    uint32_t reset_ppm;           /* recv, send: the network resets the connection */
    uint32_t hang_ppm;            /* ConnectEx: nothing answers */
    uint32_t cancel_late_ppm;     /* CancelIoEx: what can still succeed does */
    uint32_t cancel_moved_ppm;    /* a cancelled transfer has moved bytes, and counts them */

    bool no_ifs;     /* a provider without XP1_IFS_HANDLES: packets come for inline success too */
    bool unbuffered; /* SO_SNDBUF is 0: a send ends when its bytes have arrived */
    bool old;        /* Windows 10 before 1709 */
    bool wine;       /* behave as Wine 8 where that differs from what Windows documents */

    /* Misuse is answered by an error, as Windows would. For experiments. */
    bool forgiving;

    /* Called with a sentence when the caller misuses Winsock. It must not return: a test jumps out
     * of it. Then winsock_end() frees everything and checks nothing. NULL: the sentence, the seed
     * and the time go to stderr, and abort(). */
    void (*violated)(const char *sentence);
};

/* What happened and what was injected. */
enum winsock_kind {
    WINSOCK_CONNECTIONS,
    WINSOCK_BYTES, /* given to receivers */
    WINSOCK_INLINE,
    WINSOCK_PACKETS,
    WINSOCK_WAITS,
    WINSOCK_SHORT_RECV,
    WINSOCK_SHORT_SEND,
    WINSOCK_SPURIOUS,
    WINSOCK_SMALL,
    WINSOCK_EARLY,
    WINSOCK_CALL_FAILED,
    WINSOCK_OPERATION_FAILED,
    WINSOCK_RESETS,
    WINSOCK_HANGS,
    WINSOCK_CANCELED,
    WINSOCK_CANCEL_LATE,
    WINSOCK_CANCEL_MOVED,
    WINSOCK_ACCEPT_RESET,     /* connections that were reset before they were accepted */
    WINSOCK_REUSED,           /* sockets that got the value of one that was closed */
    WINSOCK_CONTEXT_MISSING,  /* calls refused, SO_UPDATE_*_CONTEXT is missing */
    WINSOCK_CLOSED_UNDER_WAY, /* closesocket with operations outstanding */
    WINSOCK_KINDS
};

struct winsock_counts {
    uint64_t of[WINSOCK_KINDS];
};

/* A call that may fail, or an operation that may end with an error, and plausible codes. */
struct winsock_call {
    const char *name;     /* "WSARecv"; an operation: "WSARecv completion" */
    const int32_t *codes; /* WSA or system errors, or for an operation NTSTATUS; 0 ends them */
};

/* Makes a world. There is one at a time. `config` is copied. */
void winsock_begin(const struct winsock_config *config);

/* Ends it and frees everything. No socket, port or operation may be left. */
void winsock_end(void);

/* Draws a world from a seed; `violated` and `forgiving` are unset, `waits` is WINSOCK_STEPPED. */
void winsock_config_random(struct winsock_config *config, uint64_t seed);

/* The clock, nanoseconds; a world begins at one second. The program under test has it as
 * uv_hrtime(). */
uint64_t winsock_now(void);

/* Moves the clock to where a port has a packet, or to `deadline_ns` (UINT64_MAX: no deadline),
 * whichever comes first. False: there is neither. */
bool winsock_advance(uint64_t deadline_ns);

/* winsock_advance() to the earliest deadline that a wait has noted; it counts once. */
bool winsock_step(void);

/* How many sockets and ports are open, and operations not yet taken from their port. */
size_t winsock_open_sockets(void);
size_t winsock_open_ports(void);
size_t winsock_open_operations(void);

bool winsock_is_open(int socket);
bool winsock_is_inherited(int socket); /* by child processes */

/* Valid until winsock_end(). */
const struct winsock_counts *winsock_counts(void);
void winsock_counts_add(struct winsock_counts *sum, const struct winsock_counts *counts);

/* Writes one line without a line end, "connections=3 bytes=917 ...". Leaves zeros out and cuts to
 * `size`. */
void winsock_describe(const struct winsock_counts *counts, char *text, size_t size);

/* All calls and operations that can fail. An entry without a name ends the list. */
extern const struct winsock_call winsock_calls[];

/* The index of the call or operation of that name, which there must be. */
size_t winsock_call_named(const char *name);

/* How often winsock_calls[call] has happened in this world: an operation, that it ended. */
uint64_t winsock_happened(size_t call);

/* Lets winsock_calls[call] fail with `code` when it happens for the `nth` time from now on. */
void winsock_fail(size_t call, uint64_t nth, int32_t code);

/* Whether the failure that winsock_fail() asked for has happened. */
bool winsock_has_failed(void);

/* Draws every choice from these bytes instead of the seed. When they are used up, each choice is
 * the first possibility. For a fuzzer; after winsock_begin(). They must last until
 * winsock_end(). */
void winsock_choose_from(const uint8_t *bytes, size_t count);

#endif
