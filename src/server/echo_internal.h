#ifndef ECHOPORT_ECHO_INTERNAL_H
#define ECHOPORT_ECHO_INTERNAL_H

/*
 * Declarations that the four files of the server's side of a worker share. Each file calls only
 * those before it. No other file includes this header, except a test:
 *
 *     echo_generation.c <- echo_conn.c <- echo_accept.c <- echo.c
 *
 * All on the worker's thread.
 */

#include "echo.h"

/* ---- echo_generation.c ---- */

/* Begins a new current generation. False: out of memory, and nothing has changed. */
bool echo_generation_new(struct echo *echo);

/* Hands a generation that has ended, and was taken out of the list, to the main thread. */
void echo_generation_publish(struct echo *echo, struct echo_generation *generation);

/* Publishes the old generations that have no connection left, oldest first. */
void echo_generations_sweep(struct echo *echo);

/* One connection of `generation` is gone. */
void echo_generation_leave(struct echo *echo, struct echo_generation *generation);

/* Copies of all generations, oldest first, measured up to now; the caller frees each. If memory
 * runs out, a message says so, and the list ends early. */
struct echo_generation *echo_generations_copy(struct echo *echo);

/* Publishes the counts of all generations: WORKER_SNAPSHOT. */
void echo_generations_snapshot(struct echo *echo);

/* ---- echo_conn.c ---- */

/* Takes the token's connection into the current generation, or refuses it. `how` says how it came,
 * for -v. */
void echo_admit(struct echo *echo, struct io_token *token, const char *how);

/* Lets each connection of a generation that has begun to drain do so. */
void echo_drain_conns(struct echo_generation *generation);

/* Looks at what the peers have taken: of all connections, or only of those that hold a buffer.
 * Resets those that hold one and are over --stall-timeout at `seen_ns` (watch.h). Returns whether
 * there were any. */
bool echo_reset_stalled(struct echo_generation *generation, bool all, uint64_t seen_ns);

/* Resets each connection of the generation. */
void echo_cut_conns(struct echo_generation *generation);

/* ---- echo_accept.c ---- */

/* Takes over the bound socket of an address (an index of the server's addresses), listens and
 * begins to accept. 0; or a UV error, and the socket is closed. UV_ENOTSUP: another loop listens
 * there. */
int echo_listen(struct echo *echo, size_t address);

/* Ends all accepts. Connections in the listeners' queues are reset. */
void echo_stop_listening(struct echo *echo);

/* Frees the listeners, when no accept is left. */
void echo_free_listeners(struct echo *echo);

#endif
