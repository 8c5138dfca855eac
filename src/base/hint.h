#ifndef ECHOPORT_HINT_H
#define ECHOPORT_HINT_H

/*
 * What a user can do about an address that does not work. The text continues an error message:
 * "; use ...", or "" if there is nothing to add. Any thread.
 */

#include <stddef.h>

#include <uv.h>

#define HINT_TEXT 320

/* For a connect to `address` that has failed with the UV error `status`. */
void hint_connect(const struct sockaddr *address, int status, char text[HINT_TEXT]);

/* The same for bind() or listen(). */
void hint_bind(const struct sockaddr *address, int status, char text[HINT_TEXT]);

/* For a `host` that net_resolve() could not resolve, with its error `status`. It may be NULL. */
void hint_resolve(const char *host, int status, char text[HINT_TEXT]);

#endif
