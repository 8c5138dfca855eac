/*
 *     peer_ends PORT
 *
 * Checks how connections to the server on that port of 127.0.0.1 end. A client that sends until the
 * server is stuck, shuts down its side and only then reads gets all bytes back, and then FIN. A
 * client that resets during an echo does not harm the server. Exits with 0 if so, within 10 s.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIZE ((size_t)16 * 1024 * 1024) /* more than sockets hold */
#define FULL_MS 200                     /* no room for this long: the server waits for us */

static char sent[SIZE];
static char received[SIZE + 1];

static void require(int condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "peer_ends: %s\n", what);
        exit(1);
    }
}

/* A connected socket with a small receive buffer. */
static int open_small(const char *port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int size = 16 * 1024;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    require(fd >= 0, "no socket");
    require(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == 0, "no SO_RCVBUF");
    require(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0, "no connection");
    return fd;
}

/* Sends `most` bytes, or as many as the server takes while we read nothing. */
static size_t fill(int fd, size_t most)
{
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    size_t length = 0;

    while (length < most && poll(&writable, 1, FULL_MS) > 0) {
        ssize_t taken = send(fd, sent + length, most - length, MSG_DONTWAIT | MSG_NOSIGNAL);
        require(taken >= 0, "it is not sent");
        length += (size_t)taken;
    }
    return length;
}

static void half_close(const char *port)
{
    int fd = open_small(port);
    size_t expected = fill(fd, SIZE);
    size_t length = 0;
    ssize_t got;

    require(shutdown(fd, SHUT_WR) == 0, "no shutdown");
    while ((got = recv(fd, received + length, sizeof(received) - length, 0)) > 0) {
        length += (size_t)got;
    }
    require(got == 0, "half-close: an error in the end's place");
    require(length == expected, "half-close: not everything came back");
    require(memcmp(sent, received, expected) == 0, "half-close: something else came back");
    (void)close(fd);
}

static void reset(const char *port)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    int fd = open_small(port);

    (void)fill(fd, (size_t)128 * 1024);
    require(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0, "no SO_LINGER");
    (void)close(fd);
}

int main(int argc, char **argv)
{
    require(argc == 2, "usage: peer_ends PORT");
    (void)alarm(10);
    for (size_t i = 0; i < sizeof(sent); i++) {
        sent[i] = (char)(i * 7 + i / 251);
    }
    half_close(argv[1]);
    for (int i = 0; i < 50; i++) {
        reset(argv[1]);
    }
    half_close(argv[1]);
    return 0;
}
