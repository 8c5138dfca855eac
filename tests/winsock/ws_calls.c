#include "util.h"
#include "ws_world.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define CODES(...) ((const int32_t[]){__VA_ARGS__, 0})

/* The codes with which each can fail if it is used correctly, in the order of enum call. They are
 * those of the functions' pages. For completions they are those with which tcpip.sys and afd.sys
 * are seen to end them. */
const struct winsock_call winsock_calls[] = {
    {"WSAStartup", CODES(WSASYSNOTREADY, WSAEPROCLIM)},
    {"WSASocketW", CODES(WSAEMFILE, WSAENOBUFS, WSAENETDOWN)},
    {"bind", CODES(WSAENOBUFS, WSAENETDOWN, WSAEADDRINUSE, WSAEACCES)},
    {"listen", CODES(WSAEMFILE, WSAENOBUFS, WSAENETDOWN, WSAEADDRINUSE)},
    {"WSAAccept", CODES(WSAECONNRESET, WSAEMFILE, WSAENOBUFS, WSAENETDOWN, WSAEINTR)},
    {"WSADuplicateSocketW", CODES(WSAEMFILE, WSAENOBUFS, WSAENETDOWN)},
    {"WSAIoctl", CODES(WSAENETDOWN, WSAENOBUFS, WSAEOPNOTSUPP)},
    {"ioctlsocket", CODES(WSAENETDOWN, WSAENOBUFS)},
    {"setsockopt", CODES(WSAENETDOWN, WSAENOBUFS, WSAENOTCONN)},
    {"getsockopt", CODES(WSAENETDOWN, WSAENOBUFS)},
    {"getsockname", CODES(WSAENETDOWN, WSAENOBUFS)},
    {"getpeername", CODES(WSAENETDOWN, WSAENOTCONN)},
    {"shutdown", CODES(WSAECONNABORTED, WSAECONNRESET, WSAENETDOWN, WSAENOTCONN)},
    {"closesocket", CODES(WSAENETDOWN)},
    {"AcceptEx", CODES(WSAECONNRESET, WSAENOBUFS, WSAEMFILE, WSAENETDOWN)},
    {"ConnectEx", CODES(WSAENOBUFS, WSAENETDOWN, WSAENETUNREACH, WSAEHOSTUNREACH, WSAEADDRINUSE,
                        WSAEADDRNOTAVAIL, WSAECONNREFUSED, WSAETIMEDOUT)},
    {"WSARecv", CODES(WSAENOBUFS, WSAECONNRESET, WSAECONNABORTED, WSAENETRESET, WSAENETDOWN,
                      WSAETIMEDOUT, WSAEDISCON)},
    {"WSASend", CODES(WSAENOBUFS, WSAECONNRESET, WSAECONNABORTED, WSAENETRESET, WSAENETDOWN,
                      WSAETIMEDOUT, WSAESHUTDOWN)},
    {"CreateIoCompletionPort", CODES(ERROR_NOT_ENOUGH_MEMORY, ERROR_NO_SYSTEM_RESOURCES)},
    {"GetQueuedCompletionStatusEx", CODES(ERROR_NOT_ENOUGH_MEMORY, ERROR_NO_SYSTEM_RESOURCES)},
    {"PostQueuedCompletionStatus", CODES(ERROR_NOT_ENOUGH_MEMORY, ERROR_NO_SYSTEM_RESOURCES)},
    {"SetFileCompletionNotificationModes", CODES(ERROR_INVALID_PARAMETER, ERROR_NOT_SUPPORTED)},
    {"CancelIoEx", CODES(ERROR_NOT_ENOUGH_MEMORY, ERROR_NO_SYSTEM_RESOURCES)},
    {"CloseHandle", CODES(0)}, /* it fails only if misused */
    {"AcceptEx completion",
     CODES(STATUS_CONNECTION_RESET, STATUS_NETWORK_NAME_DELETED, STATUS_INVALID_CONNECTION,
           STATUS_INSUFFICIENT_RESOURCES, STATUS_TOO_MANY_OPENED_FILES, STATUS_REMOTE_DISCONNECT)},
    {"ConnectEx completion",
     CODES(STATUS_CONNECTION_REFUSED, STATUS_IO_TIMEOUT, STATUS_NETWORK_UNREACHABLE,
           STATUS_HOST_UNREACHABLE, STATUS_INSUFFICIENT_RESOURCES, STATUS_TOO_MANY_ADDRESSES,
           STATUS_ADDRESS_ALREADY_EXISTS, STATUS_CONNECTION_ABORTED, STATUS_CONNECTION_RESET)},
    {"WSARecv completion",
     CODES(STATUS_CONNECTION_RESET, STATUS_NETWORK_NAME_DELETED, STATUS_CONNECTION_ABORTED,
           STATUS_CONNECTION_DISCONNECTED, STATUS_LOCAL_DISCONNECT, STATUS_REMOTE_DISCONNECT,
           STATUS_INSUFFICIENT_RESOURCES, STATUS_IO_TIMEOUT)},
    {"WSASend completion",
     CODES(STATUS_CONNECTION_RESET, STATUS_NETWORK_NAME_DELETED, STATUS_CONNECTION_ABORTED,
           STATUS_CONNECTION_DISCONNECTED, STATUS_LOCAL_DISCONNECT, STATUS_REMOTE_DISCONNECT,
           STATUS_INSUFFICIENT_RESOURCES, STATUS_IO_TIMEOUT)},
    {NULL, NULL},
};

static struct {
    uint64_t happened[CALL_OTHER];
    size_t fail_call; /* CALL_OTHER: none */
    uint64_t fail_at;
    int32_t fail_code;
    bool has_failed;
} calls;

static _Thread_local int last_error;

void ws_calls_reset(void)
{
    for (size_t i = 0; i < CALL_OTHER; i++) {
        calls.happened[i] = 0;
    }
    calls.fail_call = CALL_OTHER;
    calls.has_failed = false;
}

size_t winsock_call_named(const char *name)
{
    size_t call = 0;
    while (strcmp(winsock_calls[call].name, name) != 0) {
        call++;
        assert(winsock_calls[call].name != NULL);
    }
    return call;
}

uint64_t winsock_happened(size_t call)
{
    ws_world_lock();
    uint64_t happened = calls.happened[call];
    ws_world_unlock();
    return happened;
}

void winsock_fail(size_t call, uint64_t nth, int32_t code)
{
    ws_world_lock();
    calls.fail_call = call;
    calls.fail_at = calls.happened[call] + nth;
    calls.fail_code = code;
    calls.has_failed = false;
    ws_world_unlock();
}

bool winsock_has_failed(void)
{
    ws_world_lock();
    bool failed = calls.has_failed;
    ws_world_unlock();
    return failed;
}

/* A program could not go on after these fail: they fail only when asked to. */
static bool fails_at_random(size_t call)
{
    return call != CALL_WSASTARTUP && call != CALL_CLOSESOCKET && call != CALL_WAIT &&
           call != CALL_CLOSE_HANDLE && call != CALL_POST && call != CALL_CREATE_PORT &&
           call != CALL_OTHER;
}

static int32_t any_code(size_t call)
{
    const int32_t *codes = winsock_calls[call].codes;
    size_t count = 0;
    while (codes[count] != 0) {
        count++;
    }
    return codes[ws_world_below(count)];
}

static int32_t fault(size_t call, uint32_t chance_ppm)
{
    if (call == CALL_OTHER) {
        return 0;
    }
    calls.happened[call]++;
    if (call == calls.fail_call && calls.happened[call] == calls.fail_at) {
        calls.has_failed = true;
        return calls.fail_code;
    }
    return fails_at_random(call) && ws_world_chance(chance_ppm) ? any_code(call) : 0;
}

int ws_call_begin(enum call call)
{
    ws_world_lock();
    (void)ws_world_require(ws_world.open, "a call without a world");
    if (ws_world.config.call_ns > 0) {
        ws_world_pass(ws_world.now_ns + ws_world_below(ws_world.config.call_ns + 1));
    }
    int error = (int)fault(call, ws_world.config.call_fails_ppm);
    if (error != 0) {
        ws_world_count(WINSOCK_CALL_FAILED);
    }
    return error;
}

void ws_call_end(int error)
{
    ws_world_unlock();
    if (error != 0) {
        last_error = error;
    }
}

int ws_call_answer(int error)
{
    ws_call_end(error);
    return error == 0 ? 0 : SOCKET_ERROR;
}

BOOL ws_call_success(int error)
{
    ws_call_end(error);
    return error == 0 ? TRUE : FALSE;
}

NTSTATUS ws_call_ends(enum operation_kind kind)
{
    static const enum call ends[OPERATION_KINDS] = {
        [OP_RECV] = CALL_RECV_ENDS,
        [OP_SEND] = CALL_SEND_ENDS,
        [OP_ACCEPT] = CALL_ACCEPT_ENDS,
        [OP_CONNECT] = CALL_CONNECT_ENDS,
    };
    NTSTATUS status = fault(ends[kind], ws_world.config.operation_fails_ppm);
    if (status != STATUS_SUCCESS) {
        ws_world_count(WINSOCK_OPERATION_FAILED);
    }
    return status;
}

int WSAGetLastError(void)
{
    return last_error;
}

void WSASetLastError(int error)
{
    last_error = error;
}

DWORD GetLastError(void)
{
    return (DWORD)last_error;
}

void SetLastError(DWORD error)
{
    last_error = (int)error;
}

DWORD GetCurrentProcessId(void)
{
    return 1;
}

int winsock_uname(uv_utsname_t *name)
{
    *name = (uv_utsname_t){.sysname = "Windows_NT"};
    (void)snprintf(name->release, sizeof(name->release), "10.0.%s",
                   ws_world.config.old ? "14393" : "19045");
    return 0;
}

/* In a world with threads, other threads run during the sleep. */
void Sleep(DWORD milliseconds)
{
    ws_world_lock();
    uint64_t until_ns = ws_world.now_ns + milliseconds * MILLISECOND;
    while (ws_world.now_ns < until_ns && ws_world_wait(until_ns)) {
    }
    ws_world_unlock();
}

LONG InterlockedExchange(LONG volatile *target, LONG value)
{
    return __atomic_exchange_n(target, value, __ATOMIC_SEQ_CST);
}

int WSAStartup(WORD version, LPWSADATA data)
{
    int error = ws_call_begin(CALL_WSASTARTUP);
    *data = (WSADATA){.wVersion = version, .wHighVersion = MAKEWORD(2, 2)};
    ws_call_end(error);
    return error; /* the only function of Winsock that returns its error */
}

int WSACleanup(void)
{
    return ws_call_answer(ws_call_begin(CALL_OTHER));
}

/* The codes of ntdll's table that an operation here can end with. */
static const struct {
    NTSTATUS status;
    ULONG error;
} dos_errors[] = {
    {STATUS_SUCCESS, ERROR_SUCCESS},
    {STATUS_PENDING, ERROR_IO_PENDING},
    {STATUS_HANDLES_CLOSED, ERROR_HANDLES_CLOSED},
    {STATUS_CANCELLED, ERROR_OPERATION_ABORTED},
    {STATUS_CONNECTION_RESET, ERROR_NETNAME_DELETED},
    {STATUS_NETWORK_NAME_DELETED, ERROR_NETNAME_DELETED},
    {STATUS_LOCAL_DISCONNECT, ERROR_NETNAME_DELETED},
    {STATUS_REMOTE_DISCONNECT, ERROR_NETNAME_DELETED},
    {STATUS_CONNECTION_DISCONNECTED, ERROR_NETNAME_DELETED},
    {STATUS_CONNECTION_ABORTED, ERROR_CONNECTION_ABORTED},
    {STATUS_CONNECTION_REFUSED, ERROR_CONNECTION_REFUSED},
    {STATUS_IO_TIMEOUT, ERROR_SEM_TIMEOUT},
    {STATUS_NETWORK_UNREACHABLE, ERROR_NETWORK_UNREACHABLE},
    {STATUS_HOST_UNREACHABLE, ERROR_HOST_UNREACHABLE},
    {STATUS_INSUFFICIENT_RESOURCES, ERROR_NO_SYSTEM_RESOURCES},
    {STATUS_TOO_MANY_OPENED_FILES, ERROR_TOO_MANY_OPEN_FILES},
    {STATUS_INVALID_CONNECTION, ERROR_UNEXP_NET_ERR},
};

ULONG RtlNtStatusToDosError(NTSTATUS status)
{
    for (size_t i = 0; i < LENGTH(dos_errors); i++) {
        if (dos_errors[i].status == status) {
            return dos_errors[i].error;
        }
    }
    return 317; /* ERROR_MR_MID_NOT_FOUND */
}

/* The error of WSAGetOverlappedResult for a status. */
static int winsock_error(NTSTATUS status)
{
    switch (status) {
    case STATUS_SUCCESS:
        return 0;
    case STATUS_CANCELLED:
        return WSA_OPERATION_ABORTED;
    case STATUS_HANDLES_CLOSED:
        return WSAEINVAL; /* as Wine has it */
    case STATUS_INVALID_CONNECTION:
        return WSAENOTCONN;
    case STATUS_CONNECTION_REFUSED:
        return WSAECONNREFUSED;
    case STATUS_CONNECTION_ABORTED:
    case STATUS_LOCAL_DISCONNECT:
        return WSAECONNABORTED;
    case STATUS_IO_TIMEOUT:
        return WSAETIMEDOUT;
    case STATUS_NETWORK_UNREACHABLE:
        return WSAENETUNREACH;
    case STATUS_HOST_UNREACHABLE:
        return WSAEHOSTUNREACH;
    case STATUS_INSUFFICIENT_RESOURCES:
        return WSAENOBUFS;
    case STATUS_TOO_MANY_OPENED_FILES:
        return WSAEMFILE;
    default:
        return WSAECONNRESET;
    }
}

BOOL WSAGetOverlappedResult(SOCKET socket, LPWSAOVERLAPPED overlapped, LPDWORD bytes, BOOL wait,
                            LPDWORD flags)
{
    (void)socket;
    (void)wait;
    (void)ws_call_begin(CALL_OTHER);
    NTSTATUS status = (NTSTATUS)overlapped->Internal;
    int error = status == STATUS_PENDING ? WSA_IO_INCOMPLETE : winsock_error(status);
    *bytes = (DWORD)overlapped->InternalHigh;
    *flags = 0;
    return ws_call_success(error);
}
