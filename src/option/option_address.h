#ifndef ECHOPORT_OPTION_ADDRESS_H
#define ECHOPORT_OPTION_ADDRESS_H

/* Hosts and ports in texts, and checks of them for the table's rows. Nothing is resolved here. */

#include <stdbool.h>
#include <stddef.h>

#define OPTION_HOST_SIZE 256 /* of buffers for the functions below */
#define OPTION_PORT_SIZE 64

/*
 * Splits "127.0.0.1:6001", "[::1]:6001", "name:echo", "*:6001" or ":6001"; the last two give an
 * empty host, for all addresses. Brackets aren't part of the host. The port is as option_is_port()
 * accepts it.
 *
 * Returns 0; UV_EINVAL when it isn't such an address; or UV_ENAMETOOLONG when a part doesn't fit
 * its buffer. The buffers' contents are undefined after an error.
 */
int option_split_address(const char *text, char *host, size_t host_size, char *port,
                         size_t port_size);

/*
 * Splits the name of a server to connect to: what option_split_address() accepts, except port 0; a
 * host alone, as option_is_host() accepts it; or "[::1]". Without a port `port` is empty. "::1" and
 * "fe80::1:6001" are hosts: an IPv6 address needs brackets before a port. Returns as
 * option_split_address().
 */
int option_split_server(const char *text, char *host, size_t host_size, char *port,
                        size_t port_size);

/* Whether the functions above split it, into buffers of the sizes above. */
bool option_is_address(const char *text);
bool option_is_server(const char *text);

/* As option_is_server(), but not a number alone, which is more likely a port. */
bool option_is_server_word(const char *text);

/* A name or numeric address to connect to, without brackets or port. */
bool option_is_host(const char *text);

/* A number of 0 to 65535, or a name as in /etc/services that begins with a letter. */
bool option_is_port(const char *text);

/* The same without 0. */
bool option_is_server_port(const char *text);

/* A word of letters, digits, '-' and '_'. */
bool option_is_word(const char *text);

#endif
