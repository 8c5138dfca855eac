#ifndef ECHOPORT_WS_WORLD_H
#define ECHOPORT_WS_WORLD_H

/*
 * The inside of the simulation, in layers:
 *
 *   ws_world.c      chance, time, events, misuse; the world
 *   ws_calls.c      the calls that may fail, and what each begins and ends with
 *   ws_describe.c   random worlds, and the counts in words
 *   ws_net.c        connections: two pipes, two sides; they outlive the sockets
 *   ws_operation.c  overlapped operations, from the call to their packet
 *   ws_cancel.c     CancelIoEx
 *   ws_port.c       completion ports
 *   ws_endpoint.c   sockets, the values that name them, duplicates, closing
 *   ws_option.c     options, names and ioctls of sockets
 *   ws_listen.c     listeners, AcceptEx, WSAAccept
 *   ws_connect.c    bind, ConnectEx, connect
 *   ws_stream.c     WSARecv, WSASend and shutdown
 *
 * A socket is an endpoint; a SOCKET is a value that names one, and a duplicate is another value.
 * Endpoints, connections and operations stay allocated until winsock_end(), so events may refer
 * to them. Each call holds the world's lock from ws_call_begin() to ws_call_end().
 */

#include "winsock2.h"

#include "winsock_sim.h"

#define MILLISECOND UINT64_C(1000000)
#define FIRST_HANDLE (1 << 20)
#define WSABUFS_MAX 1024u
#define TRANSFER_MAX (UINT64_C(1) << 30)

struct endpoint;
struct connection;

enum operation_kind { OP_RECV, OP_SEND, OP_ACCEPT, OP_CONNECT, OPERATION_KINDS };

/*
 * The life of an operation. It is outstanding, in its endpoint's list. It has ended when its result
 * is known. Then its packet is queued at the port. When the packet is taken, the results are
 * written and the operation is free. One that PostQueuedCompletionStatus made begins as a packet:
 * `endpoint` is NULL.
 */
struct operation {
    struct operation *next; /* in the endpoint's list, the port's queue, or among the free ones */
    struct operation *all;  /* that there are */
    enum operation_kind kind;
    bool inline_packet; /* results are written already */
    struct endpoint *endpoint;
    struct port *port;
    ULONG_PTR key;
    OVERLAPPED *overlapped;
    NTSTATUS status;
    size_t wanted; /* bytes to transfer; AcceptEx: those of the addresses */
    size_t moved;

    WSABUF one; /* the buffers, as they were given; `buffers` points here if there is but one */
    WSABUF *buffers;
    DWORD buffer_count;
    uint8_t *staged; /* received and not yet copied */
    uint64_t hash;   /* of the bytes that were sent, when they were */

    struct endpoint *accepting; /* AcceptEx: what becomes the connection */
    struct connection *conn;    /* AcceptEx: once there is one; ConnectEx */
};

struct operation_list {
    struct operation *first;
    struct operation *last;
};

struct port {
    struct port *next;
    struct operation_list packets;
    size_t outstanding;   /* operations with a packet to come, or one in the port */
    uint64_t deadline_ns; /* of the last wait; UINT64_MAX once reached */
};

struct address {
    uint8_t host[16]; /* IPv4 as mapped */
    uint16_t port;
};

enum endpoint_state { ENDPOINT_FRESH, ENDPOINT_LISTENING, ENDPOINT_CONNECTING, ENDPOINT_CONNECTED };

struct endpoint {
    struct endpoint *all;
    size_t handles;   /* 0: closed */
    size_t acceptors; /* threads that wait in WSAAccept */
    uint64_t cancels; /* of their waits, by CancelIoEx */
    int family;
    enum endpoint_state state;
    bool bound, blocking, skip, v6only, exclusive, abortive, shut;
    bool inherited;       /* by child processes */
    bool syn_once;        /* SIO_TCP_INITIAL_RTO */
    bool without_context; /* made by AcceptEx or ConnectEx, SO_UPDATE_*_CONTEXT missing yet */
    struct address local;
    struct address remote;
    struct port *port;
    ULONG_PTR key;
    struct operation_list operations[OPERATION_KINDS];
    uint64_t packet_ns[OPERATION_KINDS]; /* when the last packet comes */

    struct connection *conn;
    int side;
    uint64_t connected_ns;
    int connect_error;           /* of a connect without an OVERLAPPED, 0 if it went well */
    struct operation *accepting; /* the AcceptEx that it was given to, while outstanding */

    size_t backlog; /* listening */
    size_t queued;
    struct connection *queue_first;
    struct connection *queue_last;
};

/* Bytes from one side to the other: first those that have arrived, then those on their way. */
struct pipe {
    uint8_t *ring; /* made when the first byte comes */
    size_t capacity;
    size_t head;
    size_t readable;
    size_t flying;
    uint64_t sent;    /* bytes, from the beginning */
    uint64_t last_ns; /* when the last that was sent arrives */
    bool end_sent;
    bool end_arrived;
};

struct side {
    struct endpoint *endpoint; /* NULL: not accepted yet, or closed */
    bool closed;
    bool reset;       /* a reset has arrived */
    bool reset_known; /* and has been reported */
};

struct connection {
    struct connection *all;
    struct connection *next;  /* in a listener's queue */
    struct pipe pipe[2];      /* [side]: what this side sends */
    struct side side[2];      /* 0: it connected, 1: it was accepted */
    struct address remote[2]; /* [side]: of the other side's end */
    bool cut;                 /* reset: nothing more arrives */
};

struct event {
    uint64_t at_ns;
    uint64_t order; /* among events of one time: first made, first run */
    void (*run)(void *subject, size_t detail);
    void *subject;
    size_t detail;
};

struct world {
    struct winsock_config config;
    struct winsock_counts counts;
    bool open;
    bool violated;
    uint64_t random;
    const uint8_t *choices; /* of a fuzzer */
    size_t choice_count;
    uint64_t now_ns;
    uint64_t order;

    struct event *events; /* a binary heap, the earliest first */
    size_t event_count;
    size_t event_room;

    struct endpoint **handles; /* by value; NULL: closed */
    size_t handle_count;
    size_t handle_room;
    size_t handles_open;
    SOCKET last_closed; /* taken again first */

    struct port *ports;
    size_t port_count;
    const struct port *last_waiting;
    unsigned waits_in_a_row; /* of `last_waiting`, since the last step */
    struct endpoint *endpoints;
    struct connection *connections;
    struct operation *operations; /* all, free ones too */
    struct operation *free_operations;
    size_t operations_open;
    uint16_t next_port;
};

extern struct world ws_world;

/* ws_world.c */

/* Whether the caller kept the rule; if not, reports it, or returns false for a forgiving world. */
bool ws_world_require(bool kept, const char *sentence);

void *ws_world_allocate(size_t size);      /* zeroed, or abort() */
uint64_t ws_world_random(uint64_t *state); /* splitmix64 */
uint64_t ws_world_below(uint64_t limit);
bool ws_world_chance(uint32_t ppm);
void ws_world_count(enum winsock_kind kind);
uint64_t ws_world_latency(void);

/* Runs run(subject, detail) when the clock passes `at_ns`. */
void ws_world_post(uint64_t at_ns, void (*run)(void *subject, size_t detail), void *subject,
                   size_t detail);
void ws_world_pass(uint64_t time_ns);
uint64_t ws_world_next_event(void); /* UINT64_MAX: none */

/* Waits, in a call that blocks, until something may have changed. False: nothing ever will. */
bool ws_world_wait(uint64_t deadline_ns);
void ws_world_changed(void); /* wakes threads that wait */
bool ws_world_pause(void);   /* lets other threads go on; true: something has changed */
void ws_world_lock(void);
void ws_world_unlock(void);

/* ws_calls.c */

enum call {
    CALL_WSASTARTUP,
    CALL_WSASOCKET,
    CALL_BIND,
    CALL_LISTEN,
    CALL_WSAACCEPT,
    CALL_DUPLICATE,
    CALL_WSAIOCTL,
    CALL_IOCTLSOCKET,
    CALL_SETSOCKOPT,
    CALL_GETSOCKOPT,
    CALL_GETSOCKNAME,
    CALL_GETPEERNAME,
    CALL_SHUTDOWN,
    CALL_CLOSESOCKET,
    CALL_ACCEPTEX,
    CALL_CONNECTEX,
    CALL_WSARECV,
    CALL_WSASEND,
    CALL_CREATE_PORT,
    CALL_WAIT,
    CALL_POST,
    CALL_SKIP,
    CALL_CANCEL,
    CALL_CLOSE_HANDLE,
    CALL_ACCEPT_ENDS,
    CALL_CONNECT_ENDS,
    CALL_RECV_ENDS,
    CALL_SEND_ENDS,
    CALL_OTHER, /* those that never fail at random */
};

void ws_calls_reset(void);

/* Begins a call: takes the lock, lets time pass. 0, or the error that it has to fail with. */
int ws_call_begin(enum call call);

/* Ends it: the lock is given back, the thread's last error set unless `error` is 0. */
void ws_call_end(int error);
int ws_call_answer(int error);   /* ws_call_end(), then 0 or SOCKET_ERROR */
BOOL ws_call_success(int error); /* ws_call_end(), then TRUE or FALSE */

/* An operation ends with success: STATUS_SUCCESS, or the error that it ends with instead. */
NTSTATUS ws_call_ends(enum operation_kind kind);

/* ws_net.c */

struct connection *ws_net_connection(void);
size_t ws_net_room(const struct connection *conn, int side);
void ws_net_write(struct connection *conn, int side, const uint8_t *data, size_t length);
size_t ws_net_readable(const struct connection *conn, int side);
void ws_net_read(struct connection *conn, int side, uint8_t *data, size_t length);
void ws_net_skip(struct connection *conn, int side, size_t length);
void ws_net_shutdown(struct connection *conn, int side);
void ws_net_reset(struct connection *conn, int side); /* this side resets it */
void ws_net_close(struct connection *conn, int side, bool reset);
void ws_net_break(struct connection *conn); /* the network resets it, for both sides */
bool ws_net_at_end(const struct connection *conn, int side);
void ws_net_free(struct connection *conn);

/* ws_operation.c */

/* A new one, in the endpoint's list; checked against misuse. */
struct operation *ws_operation_begin(enum operation_kind kind, struct endpoint *endpoint,
                                     OVERLAPPED *overlapped);

/* Its result is known; its packet comes later. */
void ws_operation_end(struct operation *op, NTSTATUS status);

/* The operation has ended within its call. It has a packet, unless its socket skips that. */
void ws_operation_inline(enum operation_kind kind, struct endpoint *endpoint,
                         OVERLAPPED *overlapped, size_t bytes);
void ws_operation_cancel(struct operation *op, NTSTATUS status);
void ws_operation_cancel_all(struct endpoint *endpoint, NTSTATUS status);
void ws_operation_posted(struct port *port, DWORD bytes, ULONG_PTR key, OVERLAPPED *overlapped);

/* Its packet is taken: writes the results, and frees it. */
void ws_operation_take(struct operation *op, OVERLAPPED_ENTRY *entry);
void ws_operation_list_add(struct operation_list *list, struct operation *op);

/* Scattered bytes: calls `part` with pieces of `length` bytes of the buffers from `offset` on. */
void ws_buffers_each(const WSABUF *buffers, DWORD count, size_t offset, size_t length,
                     void (*part)(void *context, uint8_t *data, size_t length), void *context);

/* ws_port.c */

struct port *ws_port_find(HANDLE handle);
bool ws_port_any_packet(void);

/* ws_endpoint.c */

struct endpoint *ws_endpoint_find(SOCKET socket); /* NULL, and misuse */
SOCKET ws_endpoint_open(int family, struct endpoint **endpoint);
void ws_endpoint_connected(struct endpoint *endpoint, struct connection *conn, int side);
void ws_endpoint_pump(struct endpoint *endpoint); /* something changed: try what is outstanding */
void ws_endpoint_pump_later(struct endpoint *endpoint, uint64_t delay_ns);
bool ws_endpoint_context_missing(const struct endpoint *endpoint);

/* ws_option.c */

int ws_address_in(struct address *address, const struct sockaddr *from, int length);
int ws_address_out(const struct address *address, int family, struct sockaddr *to, int *length);

/* ws_listen.c */

void ws_listen_pump(struct endpoint *listener);
void ws_listen_accept_pump(struct endpoint *accepted); /* an AcceptEx that waits for first bytes */
void ws_listen_close(struct endpoint *listener);

/* A connection comes to this address. 0, or NTSTATUS. */
NTSTATUS ws_listen_arrive(struct connection *conn, const struct address *address);

BOOL PASCAL ws_accept_ex(SOCKET listener, SOCKET accepting, void *output, DWORD receive_length,
                         DWORD local_length, DWORD remote_length, LPDWORD received,
                         LPOVERLAPPED overlapped);

/* ws_connect.c */

BOOL PASCAL ws_connect_ex(SOCKET socket, const struct sockaddr *address, int length, void *data,
                          DWORD data_length, LPDWORD sent, LPOVERLAPPED overlapped);

void ws_connect_give_up(struct endpoint *endpoint); /* closed or cancelled before it was over */

/* ws_stream.c */

size_t ws_stream_move(struct operation *op, size_t most); /* a part of a send; how many bytes */
void ws_stream_receive(struct operation *op, size_t length);
void ws_stream_poison(const struct operation *op); /* its buffers, until the packet is taken */
void ws_stream_pump_recv(struct endpoint *endpoint);
void ws_stream_pump_send(struct endpoint *endpoint);
uint64_t ws_stream_hash(const WSABUF *buffers, DWORD count, size_t length);

#endif
