#ifndef ECHOPORT_SOURCE_H
#define ECHOPORT_SOURCE_H

/*
 * The local addresses that connections come from (--source), used in turn. Each address has some
 * 28,000 ports for connections to one address of a server; several addresses have more. The list
 * keeps ranges, so a large one costs no memory.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net.h"

/* The most addresses of a list, all ranges together. */
#define SOURCE_ADDRESSES_MAX 65536

/* The most addresses or ranges in a list. */
#define SOURCE_RANGES_MAX 64

/* Consecutive addresses of one family. */
struct source_range {
    struct sockaddr_storage first; /* port 0 */
    uint64_t count;                /* at least 1 */
};

struct source_list {
    struct source_range ranges[SOURCE_RANGES_MAX];
    size_t count; /* of ranges; 0: the system chooses the addresses */
};

/*
 * Reads "127.0.0.2,127.1.0.0/24,fe80::1%eth0". A range has all addresses of its block, the first
 * and the last as well. Its address must be the first of the block. 0; UV_EINVAL: it is not such a
 * list; or UV_E2BIG: it has more than SOURCE_RANGES_MAX parts or SOURCE_ADDRESSES_MAX addresses.
 */
int source_parse(const char *text, struct source_list *list);

/* Whether source_parse() takes it. */
bool source_is_list(const char *text);

/* How many addresses of a family (AF_INET, AF_INET6) the list has. */
uint64_t source_count(const struct source_list *list, int family);

/* The n-th address of a family, from 0 to source_count() - 1, with port 0. */
void source_address(const struct source_list *list, int family, uint64_t n,
                    struct sockaddr_storage *address);

/* Opens sockets for connects; see net_open(). Several threads may share it. */
struct source {
    struct source_list list;
    struct net_options net;
    uv_mutex_t lock;
    uint64_t next_v4; /* under the lock */
    uint64_t next_v6;
};

/* `list` is copied. source_free() ends it. 0 or an error of uv_mutex_init(). */
int source_init(struct source *source, const struct source_list *list,
                const struct net_options *net);
void source_free(struct source *source);

/* As open_socket of struct io_config, with a struct source as its context. Binds to the next
 * address of the family, if the list has any. */
int source_open(void *context, int family, uv_os_sock_t *os_socket);

/* How many system calls a successful source_open() makes. */
unsigned source_open_calls(const struct source *source);

/* Binds a socket to each address, and closes it. 0; or an error, and the address that failed. */
int source_try(const struct source *source, struct sockaddr_storage *failed);

#endif
