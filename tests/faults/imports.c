#include "imports.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "util.h"
#include "win.h"

#include <uv.h>

static struct {
    DWORD spared; /* thread */
    LONG64 volatile counts[IMPORT_CALLS];
    LONG volatile armed;
    enum import_call call;
    LONG64 nth;
    uint32_t code;
} imports;

/* ---- counts -------------------------------------------------------------------------------- */

const char *imports_name(enum import_call call)
{
#define IMPORTS_NAME(identifier, name) name,
    static const char *const names[] = {IMPORTS(IMPORTS_NAME)};
    return names[call];
}

void imports_reset(void)
{
    for (size_t i = 0; i < IMPORT_CALLS; i++) {
        (void)InterlockedExchange64(&imports.counts[i], 0);
    }
}

uint64_t imports_count(enum import_call call)
{
    return (uint64_t)imports.counts[call];
}

void imports_fail(enum import_call call, uint64_t nth, uint32_t code)
{
    imports_reset();
    imports.call = call;
    imports.nth = (LONG64)nth;
    imports.code = code;
    (void)InterlockedExchange(&imports.armed, 1);
}

bool imports_end(void)
{
    return InterlockedExchange(&imports.armed, 0) != 0 &&
           imports.counts[imports.call] >= imports.nth;
}

uint32_t imports_code(void)
{
    return imports.code;
}

bool imports_strike(enum import_call call)
{
    if (call != IMPORT_POST && GetCurrentThreadId() == imports.spared) {
        return false;
    }
    LONG64 count = InterlockedIncrement64(&imports.counts[call]);
    return imports.armed != 0 && imports.call == call && imports.nth == count;
}

/* The same; the code becomes the last error. */
static bool imports_refuse(enum import_call call)
{
    bool strike = imports_strike(call);
    if (strike) {
        SetLastError(imports.code);
    }
    return strike;
}

/* ---- the functions that stand before others ------------------------------------------------ */

static int(WSAAPI *real_bind)(SOCKET s, const struct sockaddr *name, int size);
static int WSAAPI our_bind(SOCKET s, const struct sockaddr *name, int size)
{
    return imports_refuse(IMPORT_BIND) ? SOCKET_ERROR : real_bind(s, name, size);
}

static int(WSAAPI *real_getsockname)(SOCKET s, struct sockaddr *name, int *size);
static int WSAAPI our_getsockname(SOCKET s, struct sockaddr *name, int *size)
{
    return imports_refuse(IMPORT_GETSOCKNAME) ? SOCKET_ERROR : real_getsockname(s, name, size);
}

static int(WSAAPI *real_getsockopt)(SOCKET s, int level, int option, char *value, int *size);
static int WSAAPI our_getsockopt(SOCKET s, int level, int option, char *value, int *size)
{
    return imports_refuse(IMPORT_GETSOCKOPT) ? SOCKET_ERROR
                                             : real_getsockopt(s, level, option, value, size);
}

static int(WSAAPI *real_setsockopt)(SOCKET s, int level, int option, const char *value, int size);
static int WSAAPI our_setsockopt(SOCKET s, int level, int option, const char *value, int size)
{
    return imports_refuse(IMPORT_SETSOCKOPT) ? SOCKET_ERROR
                                             : real_setsockopt(s, level, option, value, size);
}

static int(WSAAPI *real_ioctlsocket)(SOCKET s, long command, u_long *value);
static int WSAAPI our_ioctlsocket(SOCKET s, long command, u_long *value)
{
    return imports_refuse(IMPORT_IOCTLSOCKET) ? SOCKET_ERROR : real_ioctlsocket(s, command, value);
}

static int(WSAAPI *real_listen)(SOCKET s, int backlog);
static int WSAAPI our_listen(SOCKET s, int backlog)
{
    return imports_refuse(IMPORT_LISTEN) ? SOCKET_ERROR : real_listen(s, backlog);
}

static int(WSAAPI *real_shutdown)(SOCKET s, int how);
static int WSAAPI our_shutdown(SOCKET s, int how)
{
    return imports_refuse(IMPORT_SHUTDOWN) ? SOCKET_ERROR : real_shutdown(s, how);
}

static SOCKET(WSAAPI *real_WSAAccept)(SOCKET s, struct sockaddr *name, int *size,
                                      LPCONDITIONPROC condition, DWORD_PTR context);
static SOCKET WSAAPI our_WSAAccept(SOCKET s, struct sockaddr *name, int *size,
                                   LPCONDITIONPROC condition, DWORD_PTR context)
{
    return imports_refuse(IMPORT_WSA_ACCEPT) ? INVALID_SOCKET
                                             : real_WSAAccept(s, name, size, condition, context);
}

static SOCKET(WSAAPI *real_WSASocketW)(int family, int type, int protocol, WSAPROTOCOL_INFOW *info,
                                       GROUP group, DWORD flags);
static SOCKET WSAAPI our_WSASocketW(int family, int type, int protocol, WSAPROTOCOL_INFOW *info,
                                    GROUP group, DWORD flags)
{
    return imports_refuse(IMPORT_WSA_SOCKET)
               ? INVALID_SOCKET
               : real_WSASocketW(family, type, protocol, info, group, flags);
}

static int(WSAAPI *real_WSARecv)(SOCKET s, WSABUF *into, DWORD count, DWORD *bytes, DWORD *flags,
                                 OVERLAPPED *overlapped,
                                 LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
static int WSAAPI our_WSARecv(SOCKET s, WSABUF *into, DWORD count, DWORD *bytes, DWORD *flags,
                              OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    return imports_refuse(IMPORT_WSA_RECV)
               ? SOCKET_ERROR
               : real_WSARecv(s, into, count, bytes, flags, overlapped, routine);
}

static int(WSAAPI *real_WSASend)(SOCKET s, WSABUF *from, DWORD count, DWORD *bytes, DWORD flags,
                                 OVERLAPPED *overlapped,
                                 LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
static int WSAAPI our_WSASend(SOCKET s, WSABUF *from, DWORD count, DWORD *bytes, DWORD flags,
                              OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    return imports_refuse(IMPORT_WSA_SEND)
               ? SOCKET_ERROR
               : real_WSASend(s, from, count, bytes, flags, overlapped, routine);
}

static BOOL(WINAPI *real_CancelIoEx)(HANDLE handle, OVERLAPPED *overlapped);
static BOOL WINAPI our_CancelIoEx(HANDLE handle, OVERLAPPED *overlapped)
{
    return imports_refuse(IMPORT_CANCEL_IO_EX) ? FALSE : real_CancelIoEx(handle, overlapped);
}

static HANDLE(WINAPI *real_CreateIoCompletionPort)(HANDLE handle, HANDLE port, ULONG_PTR key,
                                                   DWORD threads);
static HANDLE WINAPI our_CreateIoCompletionPort(HANDLE handle, HANDLE port, ULONG_PTR key,
                                                DWORD threads)
{
    return imports_refuse(IMPORT_CREATE_PORT)
               ? NULL
               : real_CreateIoCompletionPort(handle, port, key, threads);
}

static BOOL(WINAPI *real_PostQueuedCompletionStatus)(HANDLE port, DWORD bytes, ULONG_PTR key,
                                                     OVERLAPPED *overlapped);
static BOOL WINAPI our_PostQueuedCompletionStatus(HANDLE port, DWORD bytes, ULONG_PTR key,
                                                  OVERLAPPED *overlapped)
{
    return imports_refuse(IMPORT_POST)
               ? FALSE
               : real_PostQueuedCompletionStatus(port, bytes, key, overlapped);
}

static BOOL(WINAPI *real_SetFileCompletionNotificationModes)(HANDLE handle, UCHAR modes);
static BOOL WINAPI our_SetFileCompletionNotificationModes(HANDLE handle, UCHAR modes)
{
    return imports_refuse(IMPORT_SET_MODES)
               ? FALSE
               : real_SetFileCompletionNotificationModes(handle, modes);
}

static LPFN_ACCEPTEX real_accept_ex;
static BOOL PASCAL our_accept_ex(SOCKET listener, SOCKET s, void *buffer, DWORD size,
                                 DWORD local_size, DWORD remote_size, DWORD *bytes,
                                 OVERLAPPED *overlapped)
{
    return imports_refuse(IMPORT_ACCEPT_EX) ? FALSE
                                            : real_accept_ex(listener, s, buffer, size, local_size,
                                                             remote_size, bytes, overlapped);
}

static LPFN_CONNECTEX real_connect_ex;
static BOOL PASCAL our_connect_ex(SOCKET s, const struct sockaddr *name, int name_size,
                                  void *buffer, DWORD size, DWORD *bytes, OVERLAPPED *overlapped)
{
    return imports_refuse(IMPORT_CONNECT_EX)
               ? FALSE
               : real_connect_ex(s, name, name_size, buffer, size, bytes, overlapped);
}

/* A handle is closed whatever the answer, or the test itself would leak. */

static int(WSAAPI *real_closesocket)(SOCKET s);
static int WSAAPI our_closesocket(SOCKET s)
{
    int result = real_closesocket(s);
    return imports_refuse(IMPORT_CLOSESOCKET) ? SOCKET_ERROR : result;
}

static BOOL(WINAPI *real_CloseHandle)(HANDLE handle);
static BOOL WINAPI our_CloseHandle(HANDLE handle)
{
    BOOL result = real_CloseHandle(handle);
    return imports_refuse(IMPORT_CLOSE_HANDLE) ? FALSE : result;
}

/* The status of a completion is in the OVERLAPPED. The entry has a copy. */
static BOOL(WINAPI *real_GetQueuedCompletionStatusEx)(HANDLE port, OVERLAPPED_ENTRY *entries,
                                                      ULONG size, ULONG *count, DWORD timeout_ms,
                                                      BOOL alertable);
static BOOL WINAPI our_GetQueuedCompletionStatusEx(HANDLE port, OVERLAPPED_ENTRY *entries,
                                                   ULONG size, ULONG *count, DWORD timeout_ms,
                                                   BOOL alertable)
{
    if (imports_refuse(IMPORT_GET_COMPLETIONS)) {
        return FALSE;
    }
    BOOL result =
        real_GetQueuedCompletionStatusEx(port, entries, size, count, timeout_ms, alertable);
    for (ULONG i = 0; result && i < *count; i++) {
        if (entries[i].lpOverlapped != NULL && imports_strike(IMPORT_COMPLETION)) {
            entries[i].lpOverlapped->Internal = imports_code();
            entries[i].Internal = imports_code();
            entries[i].dwNumberOfBytesTransferred = 0;
        }
    }
    return result;
}

/* ---- functions that are asked for ---------------------------------------------------------- */

/* A pointer to a function, which ISO C does not let pass through a void *. */
typedef void (*any_function)(void);

static void replace_extension(const GUID *id, void *out)
{
    static const GUID accept_ex = WSAID_ACCEPTEX;
    static const GUID connect_ex = WSAID_CONNECTEX;
    if (memcmp(id, &accept_ex, sizeof(*id)) == 0) {
        LPFN_ACCEPTEX ours = our_accept_ex;
        memcpy(&real_accept_ex, out, sizeof(real_accept_ex));
        memcpy(out, &ours, sizeof(ours));
    } else if (memcmp(id, &connect_ex, sizeof(*id)) == 0) {
        LPFN_CONNECTEX ours = our_connect_ex;
        memcpy(&real_connect_ex, out, sizeof(real_connect_ex));
        memcpy(out, &ours, sizeof(ours));
    }
}

static int(WSAAPI *real_WSAIoctl)(SOCKET s, DWORD command, void *in, DWORD in_size, void *out,
                                  DWORD out_size, DWORD *bytes, OVERLAPPED *overlapped,
                                  LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
static int WSAAPI our_WSAIoctl(SOCKET s, DWORD command, void *in, DWORD in_size, void *out,
                               DWORD out_size, DWORD *bytes, OVERLAPPED *overlapped,
                               LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    if (imports_refuse(IMPORT_WSA_IOCTL)) {
        return SOCKET_ERROR;
    }
    int result = real_WSAIoctl(s, command, in, in_size, out, out_size, bytes, overlapped, routine);
    if (result == 0 && command == SIO_GET_EXTENSION_FUNCTION_POINTER) {
        replace_extension(in, out);
    }
    return result;
}

static FARPROC(WINAPI *real_GetProcAddress)(HMODULE module, const char *name);
static FARPROC WINAPI our_GetProcAddress(HMODULE module, const char *name);

/* ---- the import address table -------------------------------------------------------------- */

struct hook {
    const char *module;
    const char *name;
    any_function ours;
    void *real; /* the variable that holds the real function */
};

#define HOOK(module, name)                                                                         \
    {                                                                                              \
        module, #name, (any_function)our_##name, &real_##name                                      \
    }

static const struct hook hooks[] = {
    HOOK("ws2_32", bind),
    HOOK("ws2_32", closesocket),
    HOOK("ws2_32", getsockname),
    HOOK("ws2_32", getsockopt),
    HOOK("ws2_32", ioctlsocket),
    HOOK("ws2_32", listen),
    HOOK("ws2_32", setsockopt),
    HOOK("ws2_32", shutdown),
    HOOK("ws2_32", WSAAccept),
    HOOK("ws2_32", WSAIoctl),
    HOOK("ws2_32", WSARecv),
    HOOK("ws2_32", WSASend),
    HOOK("ws2_32", WSASocketW),
    HOOK("kernel32", CancelIoEx),
    HOOK("kernel32", CloseHandle),
    HOOK("kernel32", CreateIoCompletionPort),
    HOOK("kernel32", GetProcAddress),
    HOOK("kernel32", GetQueuedCompletionStatusEx),
    HOOK("kernel32", PostQueuedCompletionStatus),
    HOOK("kernel32", SetFileCompletionNotificationModes),
};

/* Our function in place of `real`, if there is one. */
static const struct hook *find_hook(any_function real)
{
    for (size_t i = 0; i < LENGTH(hooks); i++) {
        any_function known;
        memcpy(&known, hooks[i].real, sizeof(known));
        if (known == real) {
            return &hooks[i];
        }
    }
    return NULL;
}

static FARPROC WINAPI our_GetProcAddress(HMODULE module, const char *name)
{
    FARPROC real = real_GetProcAddress(module, name);
    const struct hook *hook = real != NULL ? find_hook((any_function)real) : NULL;
    return hook != NULL ? (FARPROC)hook->ours : real;
}

static void exchange(IMAGE_THUNK_DATA *slot, any_function function)
{
    DWORD protection;
    BOOL done =
        VirtualProtect(&slot->u1.Function, sizeof(slot->u1.Function), PAGE_READWRITE, &protection);
    assert(done);
    memcpy(&slot->u1.Function, &function, sizeof(function));
    done = VirtualProtect(&slot->u1.Function, sizeof(slot->u1.Function), protection, &protection);
    assert(done);
}

/* The functions of one DLL. A zero ends the row. */
static void exchange_row(IMAGE_THUNK_DATA *slot)
{
    for (; slot->u1.Function != 0; slot++) {
        any_function real;
        memcpy(&real, &slot->u1.Function, sizeof(real));
        const struct hook *hook = find_hook(real);
        if (hook != NULL) {
            exchange(slot, hook->ours);
        }
    }
}

void imports_install(void)
{
    char *base = (char *)GetModuleHandleW(NULL);
    const IMAGE_DOS_HEADER *dos = (const IMAGE_DOS_HEADER *)(const void *)base;
    const IMAGE_NT_HEADERS *nt = (const IMAGE_NT_HEADERS *)(const void *)(base + dos->e_lfanew);
    const IMAGE_DATA_DIRECTORY *directory =
        &nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT];
    imports.spared = GetCurrentThreadId();
    for (size_t i = 0; i < LENGTH(hooks); i++) {
        FARPROC real = GetProcAddress(GetModuleHandleA(hooks[i].module), hooks[i].name);
        assert(real != NULL);
        memcpy(hooks[i].real, &real, sizeof(real));
    }
    const IMAGE_IMPORT_DESCRIPTOR *dll =
        (const IMAGE_IMPORT_DESCRIPTOR *)(const void *)(base + directory->VirtualAddress);
    for (; dll->FirstThunk != 0; dll++) {
        exchange_row((IMAGE_THUNK_DATA *)(void *)(base + dll->FirstThunk));
    }
}

/* ---- what the linker exchanges ------------------------------------------------------------- */

int __real_uv_cond_init(uv_cond_t *cond);
int __wrap_uv_cond_init(uv_cond_t *cond);
int __wrap_uv_cond_init(uv_cond_t *cond)
{
    return imports_strike(IMPORT_UV_COND_INIT) ? (int)imports.code : __real_uv_cond_init(cond);
}

int __real_uv_mutex_init(uv_mutex_t *mutex);
int __wrap_uv_mutex_init(uv_mutex_t *mutex);
int __wrap_uv_mutex_init(uv_mutex_t *mutex)
{
    return imports_strike(IMPORT_UV_MUTEX_INIT) ? (int)imports.code : __real_uv_mutex_init(mutex);
}

int __real_uv_thread_create(uv_thread_t *thread, uv_thread_cb entry, void *argument);
int __wrap_uv_thread_create(uv_thread_t *thread, uv_thread_cb entry, void *argument);
int __wrap_uv_thread_create(uv_thread_t *thread, uv_thread_cb entry, void *argument)
{
    return imports_strike(IMPORT_UV_THREAD_CREATE)
               ? (int)imports.code
               : __real_uv_thread_create(thread, entry, argument);
}
