#ifndef ECHOPORT_IOCP_RIG_H
#define ECHOPORT_IOCP_RIG_H

/*
 * One loop of the `iocp` backend over the simulated Winsock, with a listener at WORLD_PORT and
 * connections between its own ends. For tests that look at single operations. One rig at a time.
 */

#include "iocp_network.h"

#define MS UINT64_C(1000000)

/* The latency of the network in one direction, and the bytes that a connection holds in one. */
enum { IOCP_RIG_LATENCY_MS = 10, IOCP_RIG_CAPACITY = 64 * 1024 };

struct iocp_rig {
    struct io_loop *loop;
    struct io_listener *listener;
    uv_os_sock_t os_socket; /* the listener's */
};

/* One end of a connection; all zero at first. */
struct iocp_end {
    struct io_socket *socket;
    struct io_connect connect;
    struct io_accept accept;
    struct io_recv recv;
    struct io_send send;
    struct io_close close;
    bool busy;       /* a connect, accept or send is outstanding */
    bool closed;     /* the close callback has run */
    size_t received; /* receives that have ended */
};

extern struct iocp_rig iocp_rig;

/* `network`: seed, waits, latency and capacity are set here. `accept_mode` is the backend's. */
void iocp_rig_begin(struct winsock_config network, unsigned accept_mode);
void iocp_rig_end(void);

/* Polls until this much time has passed. */
void iocp_rig_poll_for(uint64_t ms);

void iocp_end_connect(struct iocp_end *end, const char *host, uint16_t port);
void iocp_end_wait(const struct iocp_end *end); /* until it is not busy */
void iocp_end_send(struct iocp_end *end, const uint8_t *data, size_t length);
bool iocp_end_recv(struct iocp_end *end);  /* whether it is over at once */
void iocp_end_close(struct iocp_end *end); /* waits; no-op if it has no socket */

/* A connection to the rig's listener. */
void iocp_rig_pair(struct iocp_end *client, struct iocp_end *server);

#endif
