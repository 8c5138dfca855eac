/*
 * Wine lets each handle of a bound socket listen. Windows does not, and with this file neither does
 * Wine:
 *
 *   - a handle that has listened may listen again, which changes nothing;
 *   - so may a duplicate that was asked for when its socket listened;
 *   - any other handle of a socket that listens gets WSAEINVAL.
 *
 * The linker replaces four functions of ws2_32 by those here: `-Wl,--wrap=__imp_listen` and so on.
 * These are the names of the pointers by which a program calls what it imports. The real functions
 * are still called by those pointers, so others may stand in between (imports.h). Any thread.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "win.h"

#define HANDLES 1024

/* A handle of a socket that has listened or has been duplicated. Other handles need no row. */
struct row {
    uint64_t socket;        /* the socket of this handle; 0: the row is free */
    SOCKET handle;          /* INVALID_SOCKET: WSASocketW() has yet to make it from `info` */
    WSAPROTOCOL_INFOW info; /* of WSADuplicateSocketW() */
    bool listens;           /* the socket */
    bool knows;             /* so does the handle */
};

static struct {
    SRWLOCK lock;
    uint64_t sockets; /* that were numbered */
    struct row rows[HANDLES];
} guard = {.lock = SRWLOCK_INIT};

typedef int(WSAAPI *listen_function)(SOCKET handle, int backlog);
typedef int(WSAAPI *close_function)(SOCKET handle);
typedef int(WSAAPI *duplicate_function)(SOCKET handle, DWORD process, WSAPROTOCOL_INFOW *info);
typedef SOCKET(WSAAPI *socket_function)(int family, int type, int protocol, WSAPROTOCOL_INFOW *info,
                                        GROUP group, DWORD flags);

extern listen_function __real___imp_listen;
extern close_function __real___imp_closesocket;
extern duplicate_function __real___imp_WSADuplicateSocketW;
extern socket_function __real___imp_WSASocketW;
extern listen_function __wrap___imp_listen;
extern close_function __wrap___imp_closesocket;
extern duplicate_function __wrap___imp_WSADuplicateSocketW;
extern socket_function __wrap___imp_WSASocketW;

/* ---- rows, under the lock ------------------------------------------------------------------ */

static struct row *find_handle(SOCKET handle)
{
    for (size_t i = 0; i < HANDLES; i++) {
        if (guard.rows[i].socket != 0 && guard.rows[i].handle == handle) {
            return &guard.rows[i];
        }
    }
    return NULL;
}

static struct row *find_info(const WSAPROTOCOL_INFOW *info)
{
    for (size_t i = 0; i < HANDLES; i++) {
        struct row *row = &guard.rows[i];
        if (row->socket != 0 && row->handle == INVALID_SOCKET &&
            memcmp(&row->info, info, sizeof(*info)) == 0) {
            return row;
        }
    }
    return NULL;
}

static struct row *add(struct row with)
{
    for (size_t i = 0; i < HANDLES; i++) {
        if (guard.rows[i].socket == 0) {
            guard.rows[i] = with;
            return &guard.rows[i];
        }
    }
    (void)fprintf(stderr, "guard: more than %d handles: raise HANDLES\n", HANDLES);
    abort();
}

static struct row *find_or_add(SOCKET handle)
{
    struct row *row = find_handle(handle);
    return row != NULL ? row : add((struct row){.socket = ++guard.sockets, .handle = handle});
}

static void has_listened(struct row *row)
{
    row->knows = true;
    for (size_t i = 0; i < HANDLES; i++) {
        guard.rows[i].listens |= guard.rows[i].socket == row->socket;
    }
}

/* ---- the four functions -------------------------------------------------------------------- */

static int WSAAPI our_listen(SOCKET handle, int backlog)
{
    AcquireSRWLockExclusive(&guard.lock);
    const struct row *row = find_handle(handle);
    int result = 0;
    if (row != NULL && row->listens) {
        result = row->knows ? 0 : SOCKET_ERROR;
        WSASetLastError(row->knows ? 0 : WSAEINVAL);
    } else if ((result = __real___imp_listen(handle, backlog)) == 0) {
        has_listened(find_or_add(handle));
    }
    ReleaseSRWLockExclusive(&guard.lock);
    return result;
}

static int WSAAPI our_duplicate(SOCKET handle, DWORD process, WSAPROTOCOL_INFOW *info)
{
    AcquireSRWLockExclusive(&guard.lock);
    int result = __real___imp_WSADuplicateSocketW(handle, process, info);
    if (result == 0 && process == GetCurrentProcessId()) {
        struct row row = *find_or_add(handle);
        row.handle = INVALID_SOCKET;
        row.info = *info;
        row.knows = row.listens;
        (void)add(row);
    }
    ReleaseSRWLockExclusive(&guard.lock);
    return result;
}

static SOCKET WSAAPI our_socket(int family, int type, int protocol, WSAPROTOCOL_INFOW *info,
                                GROUP group, DWORD flags)
{
    AcquireSRWLockExclusive(&guard.lock);
    struct row *row = info != NULL ? find_info(info) : NULL;
    SOCKET handle = __real___imp_WSASocketW(family, type, protocol, info, group, flags);
    if (row != NULL && handle != INVALID_SOCKET) {
        row->handle = handle;
    }
    ReleaseSRWLockExclusive(&guard.lock);
    return handle;
}

/* Remove the row first: the next socket may get the same number at once. */
static int WSAAPI our_close(SOCKET handle)
{
    AcquireSRWLockExclusive(&guard.lock);
    struct row *row = handle != INVALID_SOCKET ? find_handle(handle) : NULL;
    if (row != NULL) {
        row->socket = 0;
    }
    ReleaseSRWLockExclusive(&guard.lock);
    return __real___imp_closesocket(handle);
}

listen_function __wrap___imp_listen = our_listen;
close_function __wrap___imp_closesocket = our_close;
duplicate_function __wrap___imp_WSADuplicateSocketW = our_duplicate;
socket_function __wrap___imp_WSASocketW = our_socket;
