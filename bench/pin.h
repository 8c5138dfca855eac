#ifndef ECHOPORT_PIN_H
#define ECHOPORT_PIN_H

/* On which CPUs the two sides of a run have their place. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pin_mode {
    PIN_APART,    /* server and client on different CPUs */
    PIN_TOGETHER, /* both on one: neither waits for another CPU to wake up */
    PIN_OFF
};

/* The modes' names, in their order, ended by NULL. */
extern const char *const pin_mode_names[];

/* The mode of that name. False: there is none. */
bool pin_find_mode(const char *name, enum pin_mode *mode);

#define PIN_LIST_SIZE 64
#define PIN_CLIENT_THREADS_MAX 4

/* Lists as --cpus takes them; empty where the system is to choose. */
struct pin_placement {
    char server[PIN_LIST_SIZE];
    char client[PIN_LIST_SIZE];
    int server_cpu; /* the first of them, or -1 */
    int client_cpu;
    uint64_t client_threads; /* 1 to PIN_CLIENT_THREADS_MAX */
};

/* The two sides of a run. */
struct pin_sides {
    uint64_t workers;     /* threads of the server */
    uint64_t connections; /* of the load */
    uint64_t client_cpus; /* of the client's machine; 0: it is this one */
};

/*
 * Finds the places. The client gets a thread on each CPU that is left, so that it is not the
 * bottleneck. Where it shares the server's CPU, it gets one thread. If there are too few CPUs, or
 * the system can't pin, the lists are empty. A client on another machine has no place, and a thread
 * for each of its CPUs.
 */
void pin_place(enum pin_mode mode, const struct pin_sides *sides, struct pin_placement *placement);

/*
 * Restricts the programs that this thread starts from now on to that CPU. -1: to the CPUs on which
 * this thread was allowed to run at first. 0, or a UV error; UV_ENOTSUP where children don't
 * inherit that.
 */
int pin_children(int cpu);

#endif
