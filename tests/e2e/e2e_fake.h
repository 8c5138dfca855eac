#ifndef ECHOPORT_E2E_FAKE_H
#define ECHOPORT_E2E_FAKE_H

/* The fake server of a test, which the tear-down stops. */

#include "e2e.h"
#include "fake_server.h"

#define FAKE_SIZE ((size_t)1000) /* of a message, in bytes */

/* NULL: there is none. */
extern struct fake_server *fake;

void fake_start(enum fake_mode mode, uint64_t offset, size_t affected);

/* Stops it, and tears down what e2e_set_up() has set up. */
int fake_tear_down(void **state);

#endif
