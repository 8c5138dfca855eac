#ifndef ECHOPORT_LISTENER_H
#define ECHOPORT_LISTENER_H

/* What those peers have in common whose framework does not open sockets. Errors end the process. */

/* What all peers have, unless their framework has buffers of its own. */
#define PEER_BUFFER_SIZE 65536

/* A blocking TCP socket that listens on 127.0.0.1. `port` is decimal. What it accepts inherits its
 * TCP_NODELAY. SIGPIPE is ignored from here on. */
int listener_open(const char *port);

/* Says on standard output that connections are welcome. */
void listener_ready(void);

#endif
