#ifndef ECHOPORT_HINT_H
#define ECHOPORT_HINT_H

/*
 * What a user can do about an address that does not work, to be put behind the sentence that says
 * so: "; write ...", or "" if there is nothing to add. Any thread.
 */

#include <stddef.h>

#include <uv.h>

#define HINT_TEXT 320

/* A connect to `address` has failed with the UV error `status`. */
void hint_connect(const struct sockaddr *address, int status, char text[HINT_TEXT]);

/* Likewise bind() or listen(). */
void hint_bind(const struct sockaddr *address, int status, char text[HINT_TEXT]);

/* `host`, NULL: none was given, could not be resolved: the error `status` of net_resolve(). */
void hint_resolve(const char *host, int status, char text[HINT_TEXT]);

#endif
