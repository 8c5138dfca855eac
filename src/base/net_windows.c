#include "net_system.h"

#include <assert.h>

#ifndef SO_REUSE_UNICASTPORT /* older headers of mingw-w64 lack it */
#define SO_REUSE_UNICASTPORT 0x3007
#endif

int net_system_error(void)
{
    return uv_translate_sys_error(WSAGetLastError());
}

const unsigned net_system_open_calls = 2; /* WSASocketW, setsockopt */

int net_system_open(int family, uv_os_sock_t *os_socket)
{
    *os_socket = WSASocketW(family, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                            WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    return *os_socket == NET_NO_SOCKET ? net_system_error() : 0;
}

/* ConnectEx requires a bind(). That reserves one of 16,384 ports for only this connection, until
 * its TIME-WAIT is over. With this option of Windows 10 the system chooses the port at the
 * connect. */
void net_system_share_ephemeral(uv_os_sock_t os_socket)
{
    (void)net_set_option(os_socket, SOL_SOCKET, SO_REUSE_UNICASTPORT, 1);
}

const unsigned net_system_bind_source_calls = 1; /* bind */

/* With SO_REUSE_UNICASTPORT, which net_system_share_ephemeral() has set, a bind to port 0 reserves
 * no port; see "SOL_SOCKET Socket Options" in Microsoft's Winsock documentation. */
int net_system_bind_source(uv_os_sock_t os_socket, const struct sockaddr *source)
{
    return bind(os_socket, source, net_address_size(source)) != 0 ? net_system_error() : 0;
}

/*
 * On Windows SO_REUSEADDR lets any program take the port while we have it; SO_EXCLUSIVEADDRUSE
 * prevents that. A port in TIME-WAIT can be bound with either. See "Using SO_REUSEADDR and
 * SO_EXCLUSIVEADDRUSE" in Microsoft's Winsock documentation.
 */
int net_system_bind(uv_os_sock_t os_socket, const struct sockaddr *address)
{
    int error = net_set_option(os_socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
    if (error != 0) {
        return error;
    }
    if (bind(os_socket, address, net_address_size(address)) == 0) {
        return 0;
    }
    /* WSAEACCES: another socket has the port exclusively (see bind() on MSDN), or the port is in an
     * excluded range; Hyper-V reserves such ranges. */
    return WSAGetLastError() == WSAEACCES ? UV_EADDRINUSE : net_system_error();
}

/*
 * `claimed` listens already. For each handle, Winsock remembers whether the socket listened when
 * the handle was made. For an earlier handle, listen() would go to the kernel, which refuses a
 * second one with WSAEINVAL. For a later handle it succeeds and changes nothing.
 */
int net_system_share(uv_os_sock_t claimed, const struct sockaddr *name,
                     const struct net_options *options, uv_os_sock_t *os_socket)
{
    (void)name;
    (void)options; /* the same socket has them already */
    return net_duplicate(claimed, os_socket);
}

int net_duplicate(uv_os_sock_t os_socket, uv_os_sock_t *duplicate)
{
    WSAPROTOCOL_INFOW info;
    if (WSADuplicateSocketW(os_socket, GetCurrentProcessId(), &info) != 0) {
        return net_system_error();
    }
    *duplicate = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0,
                            WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    return *duplicate == NET_NO_SOCKET ? net_system_error() : 0;
}

const char net_port_range[] = "netsh int ipv4 set dynamicport tcp";

bool net_is_out_of_ports(int status)
{
    return status == UV_EADDRNOTAVAIL || status == UV_EADDRINUSE || status == UV_ENOBUFS;
}

const bool net_accepts_ahead = true;
const bool net_holds_sends = true;
const bool net_sends_unbuffered = true;
const char net_in_use_hint[] =
    "; is another server running there, or has Windows reserved the port (netsh int ipv4 show "
    "excludedportrange tcp)?";
const unsigned net_turn_events = 128;

int net_tune_accepted(uv_os_sock_t os_socket, const struct net_options *options)
{
    return net_set_options(os_socket, options);
}

unsigned net_tune_calls(const struct net_options *options)
{
    return net_set_options_calls(options);
}

const unsigned net_urgent_calls = 0;

void net_keep_urgent_out(uv_os_sock_t os_socket)
{
    (void)os_socket;
}

int net_send_urgent(uv_os_sock_t os_socket, uint8_t byte)
{
    int sent = send(os_socket, (const char *)&byte, 1, MSG_OOB);
    return sent == 1 ? 0 : net_system_error();
}

void net_close(uv_os_sock_t os_socket)
{
    int result = closesocket(os_socket);
    assert(result == 0);
    (void)result;
}
