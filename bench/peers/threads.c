/* A thread for each connection, and blocking calls. */

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listener.h"

#define STACK_SIZE ((size_t)4 * PEER_BUFFER_SIZE)

static void on_terminate(int number)
{
    (void)number;
    _exit(0);
}

/* Sends all of it, or returns false. */
static bool send_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, data, length, 0);
        if (sent < 0) {
            return false;
        }
        data += sent;
        length -= (size_t)sent;
    }
    return true;
}

static void *echo(void *argument)
{
    int fd = (int)(intptr_t)argument;
    char buffer[PEER_BUFFER_SIZE];
    ssize_t length;

    while ((length = recv(fd, buffer, sizeof(buffer), 0)) > 0 &&
           send_all(fd, buffer, (size_t)length)) {
    }
    (void)close(fd);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_attr_t attributes;
    pthread_t thread;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: threads PORT\n");
        return 2;
    }
    int listener = listener_open(argv[1]);
    (void)signal(SIGTERM, on_terminate);
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
    listener_ready();
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0 && pthread_create(&thread, &attributes, echo, (void *)(intptr_t)fd) != 0) {
            (void)close(fd);
        }
    }
}
