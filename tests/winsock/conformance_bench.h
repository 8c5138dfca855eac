#ifndef ECHOPORT_CONFORMANCE_BENCH_H
#define ECHOPORT_CONFORMANCE_BENCH_H

/*
 * The parts of the experiments. They are compiled for the simulation and for Windows, so they use
 * only what Windows has.
 */

#include <winsock2.h>
#include <ws2tcpip.h>
#include <mstcpip.h>
#include <mswsock.h>
#include <windows.h>

#include "conformance.h"
#include "patience.h"

#define NOTHING_MS 60 /* how long to look for a packet that must not come */

struct bench {
    HANDLE port;
    SOCKET listener;
    struct sockaddr_in address; /* the listener's */
    SOCKET client;              /* blocks, and joins no port */
    SOCKET server;              /* has joined the port, with key 7 */
    OVERLAPPED overlapped[3];
    char data[256];
    DWORD bytes; /* of the last call */
    DWORD flags;
};

extern struct bench bench;

void bench_listen(void); /* a port and a listener */
void bench_pair(void);   /* and a connection */
void bench_close(void);  /* after each experiment */

SOCKET bench_open_socket(int family);
int bench_bind_loopback(SOCKET socket);
HANDLE bench_join_port(SOCKET socket);
void bench_connect_client(void);
void bench_close_if_open(SOCKET *socket);
void bench_reset_client(void);
void bench_send_client(const char *text);
void bench_unblock(SOCKET socket);
void bench_skip_on_success(void); /* the server */

/* Each answers as Winsock does; overlapped[which]. */
int bench_start_recv(size_t which, ULONG length);
int bench_start_send(char *from, ULONG length);
int bench_recv_now(ULONG length);
bool bench_cancel(SOCKET socket);

/* Waits until the server has something to receive, with the third OVERLAPPED. */
void bench_await_server(void);

/* Says what the next packet is, and of which OVERLAPPED if not the first. False: none came in
 * time. */
bool bench_say_packet(DWORD milliseconds);
void bench_say_answer(int answer); /* "inline 3", "pending" or the error */
void bench_say_call(const char *call, int answer, const char *success); /* or the error */
void bench_say_success(BOOL success);
void bench_say_client(void); /* what the client receives next */

#endif
