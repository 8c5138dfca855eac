#ifndef ECHOPORT_LISTENER_H
#define ECHOPORT_LISTENER_H

/* For peers with a framework that does not open sockets. Errors end the process. */

/* The buffer size of all peers, unless the framework has buffers of its own. */
#define PEER_BUFFER_SIZE 65536

/* A blocking TCP socket that listens on 127.0.0.1. `port` is decimal. What it accepts inherits its
 * TCP_NODELAY. SIGPIPE is ignored from here on. */
int listener_open(const char *port);

/* Prints on standard output that the peer is listening. */
void listener_ready(void);

#endif
