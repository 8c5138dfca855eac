#ifndef ECHOPORT_MERGE_H
#define ECHOPORT_MERGE_H

/*
 * echo-client --merge: reads the reports of clients that shared a load, checks that they are those
 * of one run, and prints the report of the whole. Main thread.
 */

/* The main() of echo-client, if merge_is_asked(). Returns the exit code. */
int merge_main(int argc, char **argv);

#endif
