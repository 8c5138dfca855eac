#ifndef ECHOPORT_IOCP_ACCEPT_DATA_H
#define ECHOPORT_IOCP_ACCEPT_DATA_H

/*
 * AcceptEx that completes only with a connection's first bytes, so a client that sends nothing
 * keeps its slot. SO_CONNECT_TIME tells which slots are kept. They are set aside as silent, others
 * take their place, and after a time their connections are closed. So a silent client delays no
 * other.
 */

#include "iocp_listener.h"

/* Sets the mode up, for a listener that has no slot yet. */
void iocp_accept_data_open(struct io_listener *listener);

/* Whether another slot may wait: the number of silent ones is limited. */
bool iocp_accept_data_has_room(const struct io_listener *listener);

/* Sets silent slots aside, and reaps those that have been silent for too long. Sets look_ns. */
void iocp_accept_data_look(struct io_listener *listener, uint64_t now_ns);

#endif
