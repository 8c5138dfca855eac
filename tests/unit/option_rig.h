#ifndef ECHOPORT_OPTION_RIG_H
#define ECHOPORT_OPTION_RIG_H

/* For the tests of the options: command lines that are given as one string. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "client_options.h"
#include "server_options.h"

#define RIG_WORDS_MAX 24

/* The last one. Parsed options point to its words. */
struct rig_command {
    char text[256];
    char *argv[RIG_WORDS_MAX + 1];
    int argc;
};

extern struct rig_command rig_command;
extern struct option_error rig_error;

/* Splits a command line into rig_command. One space is between two words. */
void rig_split(const char *text);

/* Parse it as the programs do. */
int rig_client(struct client_options *options, const char *text);
int rig_server(struct server_options *options, const char *text);

#endif
