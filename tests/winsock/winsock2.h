#ifndef ECHOPORT_WINSOCK2_H
#define ECHOPORT_WINSOCK2_H

/*
 * What the `iocp` backend needs of Winsock and the completion port, for its tests on other systems.
 * It has types and constants of the Windows SDK, and prototypes of the functions that ws_*.c
 * simulate. The headers <ws2tcpip.h>, <mswsock.h>, <windows.h> and <ntstatus.h> beside this file
 * include it. The tests' side of it is winsock_sim.h.
 *
 * What differs from the SDK: SOCKET is libuv's type, an int, so a cast to HANDLE goes by way of
 * uintptr_t. The sockaddr types and AF_*, SOL_*, IPPROTO_* are the system's. LINGER has int
 * members. Values of sockets lie far above those of real descriptors: a real call gets EBADF.
 *
 * Where the system has a function of the same name, a macro adds `winsock_`. It works only on
 * calls, so members of structs keep their names.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <uv.h>

/* ---- types ----------------------------------------------------------------------------------- */

typedef void VOID;
typedef char CHAR;
typedef unsigned char UCHAR;
typedef uint8_t BYTE;
typedef uint16_t WORD;
typedef uint16_t USHORT;
typedef uint32_t DWORD;
typedef int32_t LONG;
typedef uint32_t ULONG;
typedef int32_t INT;
typedef uint32_t UINT;
typedef int BOOL;
typedef int64_t LONGLONG;
typedef uint64_t ULONGLONG;
typedef uintptr_t ULONG_PTR;
typedef uintptr_t UINT_PTR;
typedef uintptr_t DWORD_PTR;
typedef size_t SIZE_T;
typedef wchar_t WCHAR;
typedef void *PVOID;
typedef void *LPVOID;
typedef void *HANDLE;
typedef DWORD *LPDWORD;
typedef DWORD *PDWORD;
typedef ULONG *PULONG;
typedef ULONG_PTR *PULONG_PTR;
typedef LONG NTSTATUS;
typedef uv_os_sock_t SOCKET;
typedef unsigned GROUP;
typedef struct sockaddr SOCKADDR;
typedef struct sockaddr_storage SOCKADDR_STORAGE;
typedef struct linger LINGER;

#define TRUE 1
#define FALSE 0
#define WINAPI
#define WSAAPI
#define PASCAL
#define CALLBACK
#define INFINITE 0xffffffffu
#define INVALID_HANDLE_VALUE ((HANDLE)(intptr_t)-1)
#define INVALID_SOCKET ((SOCKET)-1)
#define SOCKET_ERROR (-1)
#define MAKEWORD(low, high) ((WORD)((low) | ((high) << 8)))

typedef struct {
    uint32_t Data1;
    uint16_t Data2;
    uint16_t Data3;
    uint8_t Data4[8];
} GUID;

typedef struct {
    ULONG len;
    CHAR *buf;
} WSABUF, *LPWSABUF;

typedef struct {
    ULONG_PTR Internal;     /* an NTSTATUS once it is over, STATUS_PENDING before */
    ULONG_PTR InternalHigh; /* bytes */
    union {
        struct {
            DWORD Offset;
            DWORD OffsetHigh;
        };
        PVOID Pointer;
    };
    HANDLE hEvent;
} OVERLAPPED, *LPOVERLAPPED, WSAOVERLAPPED, *LPWSAOVERLAPPED;

typedef struct {
    ULONG_PTR lpCompletionKey;
    LPOVERLAPPED lpOverlapped;
    ULONG_PTR Internal;
    DWORD dwNumberOfBytesTransferred;
} OVERLAPPED_ENTRY, *LPOVERLAPPED_ENTRY;

typedef struct {
    WORD wVersion;
    WORD wHighVersion;
} WSADATA, *LPWSADATA;

typedef struct {
    DWORD dwServiceFlags1;
    DWORD dwCatalogEntryId;
    int iAddressFamily;
    int iSocketType;
    int iProtocol;
    SOCKET simulated; /* WSADuplicateSocketW: which */
} WSAPROTOCOL_INFOW, *LPWSAPROTOCOL_INFOW;

/* Of <mstcpip.h>. */
typedef struct {
    USHORT Rtt;
    UCHAR MaxSynRetransmissions;
} TCP_INITIAL_RTO_PARAMETERS;

/* In the order of <mstcpip.h>. */
typedef struct {
    int State;
    ULONG Mss;
    ULONGLONG ConnectionTimeMs;
    BYTE TimestampsEnabled;
    ULONG RttUs, MinRttUs, BytesInFlight, Cwnd, SndWnd, RcvWnd, RcvBuf;
    ULONGLONG BytesOut; /* those that were sent again included */
    ULONGLONG BytesIn;
    ULONG BytesReordered, BytesRetrans, FastRetrans, DupAcksIn, TimeoutEpisodes;
    UCHAR SynRetrans;
} TCP_INFO_v0;

typedef void(CALLBACK *LPWSAOVERLAPPED_COMPLETION_ROUTINE)(DWORD error, DWORD bytes,
                                                           LPWSAOVERLAPPED overlapped, DWORD flags);
typedef int(CALLBACK *LPCONDITIONPROC)(LPWSABUF caller, LPWSABUF caller_data, void *sqos,
                                       void *group_qos, LPWSABUF callee, LPWSABUF callee_data,
                                       GROUP *group, DWORD_PTR context);

/* ---- constants ------------------------------------------------------------------------------- */

#define SD_RECEIVE 0
#define SD_SEND 1
#define SD_BOTH 2
#define SO_EXCLUSIVEADDRUSE (~SO_REUSEADDR)
#define SO_PROTOCOL_INFOW 0x2005
#define SO_UPDATE_ACCEPT_CONTEXT 0x700b
#define SO_CONNECT_TIME 0x700c
#define SO_UPDATE_CONNECT_CONTEXT 0x7010
#define XP1_IFS_HANDLES 0x00020000
#define WSA_FLAG_OVERLAPPED 0x01
#define WSA_FLAG_NO_HANDLE_INHERIT 0x80
#define FROM_PROTOCOL_INFO (-1)
#define SIO_GET_EXTENSION_FUNCTION_POINTER 0xc8000006u
#define SIO_TCP_INFO 0xd8000027u
#define SIO_TCP_INITIAL_RTO 0x98000011u
#define TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS ((UCHAR)-2)
#define HANDLE_FLAG_INHERIT 0x1
#define FILE_SKIP_COMPLETION_PORT_ON_SUCCESS 0x1
#define FILE_SKIP_SET_EVENT_ON_HANDLE 0x2

#define WSAID_ACCEPTEX                                                                             \
    {                                                                                              \
        0xb5367df1, 0xcbac, 0x11cf,                                                                \
        {                                                                                          \
            0x95, 0xca, 0x00, 0x80, 0x5f, 0x48, 0xa1, 0x92                                         \
        }                                                                                          \
    }
#define WSAID_CONNECTEX                                                                            \
    {                                                                                              \
        0x25a207b9, 0xddf3, 0x4660,                                                                \
        {                                                                                          \
            0x8e, 0xe9, 0x76, 0xe5, 0x8c, 0x74, 0x06, 0x3e                                         \
        }                                                                                          \
    }

#define WSA_INVALID_HANDLE 6
#define WSA_NOT_ENOUGH_MEMORY 8
#define WSA_INVALID_PARAMETER 87
#define WSA_OPERATION_ABORTED 995
#define WSA_IO_INCOMPLETE 996
#define WSA_IO_PENDING 997
#define WSAEINTR 10004
#define WSAEBADF 10009
#define WSAEACCES 10013
#define WSAEFAULT 10014
#define WSAEINVAL 10022
#define WSAEMFILE 10024
#define WSAEWOULDBLOCK 10035
#define WSAEINPROGRESS 10036
#define WSAEALREADY 10037
#define WSAENOTSOCK 10038
#define WSAEDESTADDRREQ 10039
#define WSAEMSGSIZE 10040
#define WSAEPROTOTYPE 10041
#define WSAENOPROTOOPT 10042
#define WSAEPROTONOSUPPORT 10043
#define WSAESOCKTNOSUPPORT 10044
#define WSAEOPNOTSUPP 10045
#define WSAEPFNOSUPPORT 10046
#define WSAEAFNOSUPPORT 10047
#define WSAEADDRINUSE 10048
#define WSAEADDRNOTAVAIL 10049
#define WSAENETDOWN 10050
#define WSAENETUNREACH 10051
#define WSAENETRESET 10052
#define WSAECONNABORTED 10053
#define WSAECONNRESET 10054
#define WSAENOBUFS 10055
#define WSAEISCONN 10056
#define WSAENOTCONN 10057
#define WSAESHUTDOWN 10058
#define WSAETIMEDOUT 10060
#define WSAECONNREFUSED 10061
#define WSAEHOSTDOWN 10064
#define WSAEHOSTUNREACH 10065
#define WSAEPROCLIM 10067
#define WSASYSNOTREADY 10091
#define WSAVERNOTSUPPORTED 10092
#define WSANOTINITIALISED 10093
#define WSAEDISCON 10101
#define WSAECANCELLED 10103

#define ERROR_SUCCESS 0
#define NO_ERROR 0
#define ERROR_TOO_MANY_OPEN_FILES 4
#define ERROR_ACCESS_DENIED 5
#define ERROR_INVALID_HANDLE 6
#define ERROR_NOT_ENOUGH_MEMORY 8
#define ERROR_OUTOFMEMORY 14
#define ERROR_HANDLE_EOF 38
#define ERROR_NOT_SUPPORTED 50
#define ERROR_UNEXP_NET_ERR 59
#define ERROR_NETNAME_DELETED 64
#define ERROR_INVALID_PARAMETER 87
#define ERROR_BROKEN_PIPE 109
#define ERROR_SEM_TIMEOUT 121
#define ERROR_INSUFFICIENT_BUFFER 122
#define ERROR_NO_DATA 232
#define WAIT_TIMEOUT 258
#define ERROR_HANDLES_CLOSED 676
#define ERROR_ABANDONED_WAIT_0 735
#define ERROR_OPERATION_ABORTED 995
#define ERROR_IO_INCOMPLETE 996
#define ERROR_IO_PENDING 997
#define ERROR_IO_DEVICE 1117
#define ERROR_NOT_FOUND 1168
#define ERROR_CANCELLED 1223
#define ERROR_CONNECTION_REFUSED 1225
#define ERROR_GRACEFUL_DISCONNECT 1226
#define ERROR_ADDRESS_ALREADY_ASSOCIATED 1227
#define ERROR_CONNECTION_INVALID 1229
#define ERROR_NETWORK_UNREACHABLE 1231
#define ERROR_HOST_UNREACHABLE 1232
#define ERROR_PROTOCOL_UNREACHABLE 1233
#define ERROR_PORT_UNREACHABLE 1234
#define ERROR_REQUEST_ABORTED 1235
#define ERROR_CONNECTION_ABORTED 1236
#define ERROR_NO_SYSTEM_RESOURCES 1450
#define ERROR_WORKING_SET_QUOTA 1453
#define ERROR_COMMITMENT_LIMIT 1455
#define ERROR_TIMEOUT 1460

#define STATUS_SUCCESS ((NTSTATUS)0)
#define STATUS_TIMEOUT ((NTSTATUS)0x102)
#define STATUS_PENDING ((NTSTATUS)0x103)
#define STATUS_BUFFER_OVERFLOW ((NTSTATUS)0x80000005)
#define STATUS_HANDLES_CLOSED ((NTSTATUS)0x8000000a)
#define STATUS_ACCESS_VIOLATION ((NTSTATUS)0xc0000005)
#define STATUS_PAGEFILE_QUOTA ((NTSTATUS)0xc0000007)
#define STATUS_INVALID_HANDLE ((NTSTATUS)0xc0000008)
#define STATUS_INVALID_PARAMETER ((NTSTATUS)0xc000000d)
#define STATUS_NO_MEMORY ((NTSTATUS)0xc0000017)
#define STATUS_ACCESS_DENIED ((NTSTATUS)0xc0000022)
#define STATUS_QUOTA_EXCEEDED ((NTSTATUS)0xc0000044)
#define STATUS_INSUFFICIENT_RESOURCES ((NTSTATUS)0xc000009a)
#define STATUS_WORKING_SET_QUOTA ((NTSTATUS)0xc00000a1)
#define STATUS_IO_TIMEOUT ((NTSTATUS)0xc00000b5)
#define STATUS_FILE_FORCED_CLOSED ((NTSTATUS)0xc00000b6)
#define STATUS_UNEXPECTED_NETWORK_ERROR ((NTSTATUS)0xc00000c4)
#define STATUS_NETWORK_NAME_DELETED ((NTSTATUS)0xc00000c9)
#define STATUS_VIRTUAL_CIRCUIT_CLOSED ((NTSTATUS)0xc00000d6)
#define STATUS_TOO_MANY_OPENED_FILES ((NTSTATUS)0xc000011f)
#define STATUS_CANCELLED ((NTSTATUS)0xc0000120)
#define STATUS_COMMITMENT_LIMIT ((NTSTATUS)0xc000012d)
#define STATUS_LOCAL_DISCONNECT ((NTSTATUS)0xc000013b)
#define STATUS_REMOTE_DISCONNECT ((NTSTATUS)0xc000013c)
#define STATUS_LINK_FAILED ((NTSTATUS)0xc000013e)
#define STATUS_LINK_TIMEOUT ((NTSTATUS)0xc000013f)
#define STATUS_INVALID_CONNECTION ((NTSTATUS)0xc0000140)
#define STATUS_INVALID_ADDRESS ((NTSTATUS)0xc0000141)
#define STATUS_INVALID_ADDRESS_COMPONENT ((NTSTATUS)0xc0000207)
#define STATUS_TOO_MANY_ADDRESSES ((NTSTATUS)0xc0000209)
#define STATUS_ADDRESS_ALREADY_EXISTS ((NTSTATUS)0xc000020a)
#define STATUS_CONNECTION_DISCONNECTED ((NTSTATUS)0xc000020c)
#define STATUS_CONNECTION_RESET ((NTSTATUS)0xc000020d)
#define STATUS_TRANSACTION_ABORTED ((NTSTATUS)0xc000020f)
#define STATUS_NOT_FOUND ((NTSTATUS)0xc0000225)
#define STATUS_CONNECTION_REFUSED ((NTSTATUS)0xc0000236)
#define STATUS_GRACEFUL_DISCONNECT ((NTSTATUS)0xc0000237)
#define STATUS_ADDRESS_ALREADY_ASSOCIATED ((NTSTATUS)0xc0000238)
#define STATUS_CONNECTION_INVALID ((NTSTATUS)0xc000023a)
#define STATUS_CONNECTION_ACTIVE ((NTSTATUS)0xc000023b)
#define STATUS_NETWORK_UNREACHABLE ((NTSTATUS)0xc000023c)
#define STATUS_HOST_UNREACHABLE ((NTSTATUS)0xc000023d)
#define STATUS_PROTOCOL_UNREACHABLE ((NTSTATUS)0xc000023e)
#define STATUS_PORT_UNREACHABLE ((NTSTATUS)0xc000023f)
#define STATUS_REQUEST_ABORTED ((NTSTATUS)0xc0000240)
#define STATUS_CONNECTION_ABORTED ((NTSTATUS)0xc0000241)

/* ---- functions ------------------------------------------------------------------------------- */

typedef BOOL(PASCAL *LPFN_ACCEPTEX)(SOCKET listener, SOCKET accepting, void *output,
                                    DWORD receive_length, DWORD local_length, DWORD remote_length,
                                    LPDWORD received, LPOVERLAPPED overlapped);
typedef BOOL(PASCAL *LPFN_CONNECTEX)(SOCKET socket, const struct sockaddr *address, int length,
                                     void *data, DWORD data_length, LPDWORD sent,
                                     LPOVERLAPPED overlapped);

int WSAStartup(WORD version, LPWSADATA data);
int WSACleanup(void);
int WSAGetLastError(void);
void WSASetLastError(int error);
DWORD GetLastError(void);
void SetLastError(DWORD error);

SOCKET WSASocketW(int family, int type, int protocol, LPWSAPROTOCOL_INFOW info, GROUP group,
                  DWORD flags);
SOCKET WSAAccept(SOCKET listener, struct sockaddr *address, int *length, LPCONDITIONPROC condition,
                 DWORD_PTR context);
int WSADuplicateSocketW(SOCKET socket, DWORD process, LPWSAPROTOCOL_INFOW info);
int WSAIoctl(SOCKET socket, DWORD code, void *in, DWORD in_size, void *out, DWORD out_size,
             LPDWORD returned, LPWSAOVERLAPPED overlapped,
             LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
int WSARecv(SOCKET socket, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags,
            LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
int WSASend(SOCKET socket, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags,
            LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
BOOL WSAGetOverlappedResult(SOCKET socket, LPWSAOVERLAPPED overlapped, LPDWORD bytes, BOOL wait,
                            LPDWORD flags);
int ioctlsocket(SOCKET socket, long command, u_long *argument);
int closesocket(SOCKET socket);

HANDLE CreateIoCompletionPort(HANDLE file, HANDLE port, ULONG_PTR key, DWORD threads);
BOOL GetQueuedCompletionStatusEx(HANDLE port, LPOVERLAPPED_ENTRY entries, ULONG count,
                                 PULONG removed, DWORD milliseconds, BOOL alertable);
BOOL PostQueuedCompletionStatus(HANDLE port, DWORD bytes, ULONG_PTR key, LPOVERLAPPED overlapped);
BOOL SetFileCompletionNotificationModes(HANDLE file, UCHAR flags);
BOOL CancelIoEx(HANDLE file, LPOVERLAPPED overlapped);
BOOL CloseHandle(HANDLE handle);
BOOL SetHandleInformation(HANDLE handle, DWORD mask, DWORD flags);
DWORD GetCurrentProcessId(void);
void Sleep(DWORD milliseconds); /* moves the clock */
LONG InterlockedExchange(LONG volatile *target, LONG value);
ULONG RtlNtStatusToDosError(NTSTATUS status);

int winsock_bind(SOCKET socket, const struct sockaddr *address, int length);
int winsock_listen(SOCKET socket, int backlog);
SOCKET winsock_accept(SOCKET socket, struct sockaddr *address, int *length);
int winsock_connect(SOCKET socket, const struct sockaddr *address, int length);
int winsock_recv(SOCKET socket, char *data, int size, int flags);
int winsock_send(SOCKET socket, const char *data, int length, int flags);
int winsock_shutdown(SOCKET socket, int how);
int winsock_setsockopt(SOCKET socket, int level, int name, const char *value, int length);
int winsock_getsockopt(SOCKET socket, int level, int name, char *value, int *length);
int winsock_getsockname(SOCKET socket, struct sockaddr *address, int *length);
int winsock_getpeername(SOCKET socket, struct sockaddr *address, int *length);
uint64_t winsock_now(void); /* the simulation's clock, nanoseconds */
int winsock_uname(uv_utsname_t *name);

#define bind(...) winsock_bind(__VA_ARGS__)
#define listen(...) winsock_listen(__VA_ARGS__)
#define accept(...) winsock_accept(__VA_ARGS__)
#define connect(...) winsock_connect(__VA_ARGS__)
#define recv(...) winsock_recv(__VA_ARGS__)
#define send(...) winsock_send(__VA_ARGS__)
#define shutdown(...) winsock_shutdown(__VA_ARGS__)
#define setsockopt(...) winsock_setsockopt(__VA_ARGS__)
#define getsockopt(...) winsock_getsockopt(__VA_ARGS__)
#define getsockname(...) winsock_getsockname(__VA_ARGS__)
#define getpeername(...) winsock_getpeername(__VA_ARGS__)
#define uv_hrtime(...) winsock_now(__VA_ARGS__)
#define uv_os_uname(...) winsock_uname(__VA_ARGS__)

#endif
