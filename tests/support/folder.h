#ifndef ECHOPORT_FOLDER_H
#define ECHOPORT_FOLDER_H

/* A folder for the files of one test. */

#include <stdbool.h>
#include <stddef.h>

/* Makes it, empty; removes it with the files in it. For cmocka. */
int folder_set_up(void **state);
int folder_tear_down(void **state);

/* The path of a name in it; there are eight, used in turn. */
const char *folder_path(const char *name);

/* How many names are in it. */
size_t folder_count(void);

/* Makes a file with this text. */
void folder_add(const char *name, const char *text);

/* Fails the test if the file has another text. */
void folder_has(const char *name, const char *text);

#endif
