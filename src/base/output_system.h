#ifndef ECHOPORT_OUTPUT_SYSTEM_H
#define ECHOPORT_OUTPUT_SYSTEM_H

/* The system half of output_file.c: output_posix.c or output_windows.c. No other file includes it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

/* Whether the name alone says that it is a device or a pipe. Don't ask for the status of such a
 * name: Windows would connect to the pipe for that. */
bool output_system_is_device(const char *path);

/* The length of the folder that `path` begins with, its separator included; 0 if it has none. */
size_t output_system_folder(const char *path);

/* Whether the target of a symbolic link has nothing to do with the folder of the link. */
bool output_system_is_absolute(const char *path);

/* For use after a write has failed with UV_EAGAIN: waits until the descriptor takes bytes. */
void output_system_await_room(uv_file file);

/* output_is_stuck(), output_is_one() and output_columns() of output_file.h. */
bool output_system_is_stuck(uv_file file, uint64_t for_ms);
bool output_system_is_one(uv_file file, uv_file other);
size_t output_system_columns(uv_file file);

/* Returns what `call` does. Signals that can be held back reach this thread afterwards. */
int output_system_hold_signals(int (*call)(void *context), void *context);

#endif
