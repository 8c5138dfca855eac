#include "ws_world.h"

#include <string.h>

/* ---- addresses ------------------------------------------------------------------------------- */

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

int ws_address_in(struct address *address, const struct sockaddr *from, int length)
{
    *address = (struct address){.port = 0};
    if (length >= (int)sizeof(struct sockaddr_in) && from->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)from;
        memcpy(address->host, mapped, sizeof(mapped));
        memcpy(address->host + sizeof(mapped), &in->sin_addr, 4);
        address->port = ntohs(in->sin_port);
        return 0;
    }
    if (length >= (int)sizeof(struct sockaddr_in6) && from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)from;
        memcpy(address->host, &in6->sin6_addr, 16);
        address->port = ntohs(in6->sin6_port);
        return 0;
    }
    return length < (int)sizeof(struct sockaddr_in) ? WSAEFAULT : WSAEAFNOSUPPORT;
}

int ws_address_out(const struct address *address, int family, struct sockaddr *to, int *length)
{
    if (family == AF_INET && *length >= (int)sizeof(struct sockaddr_in)) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(address->port)};
        memcpy(&in.sin_addr, address->host + sizeof(mapped), 4);
        memcpy(to, &in, sizeof(in));
        *length = (int)sizeof(in);
        return 0;
    }
    if (family == AF_INET6 && *length >= (int)sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
        memcpy(&in6.sin6_addr, address->host, 16);
        memcpy(to, &in6, sizeof(in6));
        *length = (int)sizeof(in6);
        return 0;
    }
    return WSAEFAULT;
}

int winsock_getsockname(SOCKET socket, struct sockaddr *address, int *length)
{
    int error = ws_call_begin(CALL_GETSOCKNAME);
    const struct endpoint *endpoint = ws_endpoint_find(socket);
    if (error == 0 && endpoint == NULL) {
        error = WSAENOTSOCK;
    } else if (error == 0 && !endpoint->bound && endpoint->state != ENDPOINT_CONNECTED) {
        error = WSAEINVAL;
    } else if (error == 0 && ws_endpoint_context_missing(endpoint) && endpoint->side == 1) {
        error = WSAENOTCONN;
    }
    return ws_call_answer(
        error != 0 ? error : ws_address_out(&endpoint->local, endpoint->family, address, length));
}

int winsock_getpeername(SOCKET socket, struct sockaddr *address, int *length)
{
    int error = ws_call_begin(CALL_GETPEERNAME);
    const struct endpoint *endpoint = ws_endpoint_find(socket);
    if (error == 0 && endpoint == NULL) {
        error = WSAENOTSOCK;
    } else if (error == 0 &&
               (endpoint->state != ENDPOINT_CONNECTED || ws_endpoint_context_missing(endpoint))) {
        error = WSAENOTCONN;
    }
    return ws_call_answer(
        error != 0 ? error : ws_address_out(&endpoint->remote, endpoint->family, address, length));
}

/* ---- options --------------------------------------------------------------------------------- */

static int update_context(struct endpoint *endpoint, int side)
{
    if (endpoint->state != ENDPOINT_CONNECTED) {
        return WSAENOTCONN;
    }
    if (endpoint->side != side || !endpoint->without_context) {
        return WSAEINVAL;
    }
    if (endpoint->conn->side[side].reset && ws_world_below(2) == 0) {
        return WSAENOTCONN; /* otherwise it does not notice */
    }
    endpoint->without_context = false;
    return 0;
}

/* The value is the listener's, in a variable as wide as SOCKET is. */
static int update_accept_context(struct endpoint *endpoint, const char *value, int length)
{
    SOCKET listener;
    if (length != (int)sizeof(listener)) {
        return WSAEFAULT;
    }
    memcpy(&listener, value, sizeof(listener));
    const struct endpoint *from = ws_endpoint_find(listener);
    bool listening = from != NULL && from->state == ENDPOINT_LISTENING;
    (void)ws_world_require(listening,
                           "SO_UPDATE_ACCEPT_CONTEXT with a socket that does not listen");
    return listening ? update_context(endpoint, 1) : WSAEINVAL;
}

static int set_socket_option(struct endpoint *endpoint, int name, const char *value, int length)
{
    switch (name) {
    case SO_UPDATE_ACCEPT_CONTEXT:
        return update_accept_context(endpoint, value, length);
    case SO_UPDATE_CONNECT_CONTEXT:
        return update_context(endpoint, 0);
    case SO_LINGER: {
        struct linger linger;
        if (length != (int)sizeof(linger)) {
            return WSAEFAULT;
        }
        memcpy(&linger, value, sizeof(linger));
        endpoint->abortive = linger.l_onoff != 0 && linger.l_linger == 0;
        return 0;
    }
    case SO_EXCLUSIVEADDRUSE:
        endpoint->exclusive = value[0] != 0;
        return endpoint->bound ? WSAEINVAL : 0;
    default:
        return 0;
    }
}

int winsock_setsockopt(SOCKET socket, int level, int name, const char *value, int length)
{
    int error = ws_call_begin(CALL_SETSOCKOPT);
    struct endpoint *endpoint = ws_endpoint_find(socket);
    if (error == 0 && endpoint == NULL) {
        error = WSAENOTSOCK;
    } else if (error == 0 && level == SOL_SOCKET) {
        error = set_socket_option(endpoint, name, value, length);
    } else if (error == 0 && level == IPPROTO_IPV6 && name == IPV6_V6ONLY) {
        endpoint->v6only = value[0] != 0;
    }
    return ws_call_answer(error);
}

/* Copies `size` bytes of an option's value out. */
static int option_out(const void *from, size_t size, char *value, int *length)
{
    if (*length < (int)size) {
        return WSAEFAULT;
    }
    memcpy(value, from, size);
    *length = (int)size;
    return 0;
}

static int get_connect_time(const struct endpoint *endpoint, char *value, int *length)
{
    DWORD seconds = UINT32_MAX;
    if (endpoint->state == ENDPOINT_CONNECTED) {
        seconds = (DWORD)((ws_world.now_ns - endpoint->connected_ns) / (1000 * MILLISECOND));
    }
    return option_out(&seconds, sizeof(seconds), value, length);
}

static int get_option(const struct endpoint *endpoint, int level, int name, char *value,
                      int *length)
{
    if (level == SOL_SOCKET && name == SO_CONNECT_TIME) {
        return get_connect_time(endpoint, value, length);
    }
    if (level == SOL_SOCKET && name == SO_PROTOCOL_INFOW) {
        const WSAPROTOCOL_INFOW info = {.dwServiceFlags1 =
                                            ws_world.config.no_ifs ? 0 : XP1_IFS_HANDLES,
                                        .iAddressFamily = endpoint->family,
                                        .iSocketType = SOCK_STREAM,
                                        .iProtocol = IPPROTO_TCP};
        return option_out(&info, sizeof(info), value, length);
    }
    if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY) {
        const DWORD v6only = endpoint->v6only;
        return option_out(&v6only, ws_world.config.wine ? 1 : sizeof(v6only), value, length);
    }
    return WSAENOPROTOOPT;
}

int winsock_getsockopt(SOCKET socket, int level, int name, char *value, int *length)
{
    int error = ws_call_begin(CALL_GETSOCKOPT);
    const struct endpoint *endpoint = ws_endpoint_find(socket);
    if (error == 0) {
        error = endpoint == NULL ? WSAENOTSOCK : get_option(endpoint, level, name, value, length);
    }
    return ws_call_answer(error);
}

/* ---- ioctls ---------------------------------------------------------------------------------- */

int ioctlsocket(SOCKET socket, long command, u_long *argument)
{
    int error = ws_call_begin(CALL_IOCTLSOCKET);
    struct endpoint *endpoint = ws_endpoint_find(socket);
    if (error == 0 && endpoint == NULL) {
        error = WSAENOTSOCK;
    } else if (error == 0 && command == (long)FIONBIO) {
        endpoint->blocking = *argument == 0;
    } else if (error == 0) {
        error = WSAEOPNOTSUPP;
    }
    return ws_call_answer(error);
}

static int extension_function(const GUID *id, void *out, DWORD out_size)
{
    static const GUID accept_ex = WSAID_ACCEPTEX;
    static const GUID connect_ex = WSAID_CONNECTEX;
    LPFN_ACCEPTEX accept_function = ws_accept_ex;
    LPFN_CONNECTEX connect_function = ws_connect_ex;
    if (out_size < sizeof(accept_function)) {
        return WSAEFAULT;
    }
    if (memcmp(id, &accept_ex, sizeof(*id)) == 0) {
        memcpy(out, &accept_function, sizeof(accept_function));
        return 0;
    }
    if (memcmp(id, &connect_ex, sizeof(*id)) == 0) {
        memcpy(out, &connect_function, sizeof(connect_function));
        return 0;
    }
    return WSAEINVAL;
}

/* The values are as if every eighth byte had been retransmitted. */
static int tcp_info(const struct endpoint *endpoint, void *out, DWORD out_size)
{
    TCP_INFO_v0 info = {.Mss = 1460};
    if (ws_world.config.wine) {
        return WSAEOPNOTSUPP;
    }
    if (out_size < sizeof(info)) {
        return WSAEFAULT;
    }
    if (endpoint->state != ENDPOINT_CONNECTED) {
        return WSAENOTCONN;
    }
    const struct pipe *pipe = &endpoint->conn->pipe[endpoint->side];
    info.BytesRetrans = (ULONG)(pipe->sent / 8);
    info.BytesOut = pipe->sent + info.BytesRetrans;
    info.BytesInFlight = (ULONG)pipe->flying;
    memcpy(out, &info, sizeof(info));
    return 0;
}

/* Before Windows 10 1709 the value is a number of repetitions like any other. */
static int set_initial_rto(struct endpoint *endpoint, const void *in)
{
    TCP_INITIAL_RTO_PARAMETERS parameters;
    if (ws_world.config.wine) {
        return WSAEOPNOTSUPP;
    }
    memcpy(&parameters, in, sizeof(parameters));
    (void)ws_world_require(!ws_world.config.old, "SIO_TCP_INITIAL_RTO asks for 254 SYNs");
    endpoint->syn_once = parameters.MaxSynRetransmissions == TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS;
    return 0;
}

static int ioctl_out(struct endpoint *endpoint, DWORD code, const void *in, DWORD in_size,
                     void *out, DWORD out_size)
{
    if (code == SIO_TCP_INITIAL_RTO && in_size == sizeof(TCP_INITIAL_RTO_PARAMETERS)) {
        return set_initial_rto(endpoint, in);
    }
    if (code == SIO_GET_EXTENSION_FUNCTION_POINTER && in_size == sizeof(GUID)) {
        return extension_function(in, out, out_size);
    }
    if (code == SIO_TCP_INFO && in_size == sizeof(DWORD)) {
        return tcp_info(endpoint, out, out_size);
    }
    return WSAEOPNOTSUPP;
}

int WSAIoctl(SOCKET socket, DWORD code, void *in, DWORD in_size, void *out, DWORD out_size,
             LPDWORD returned, LPWSAOVERLAPPED overlapped,
             LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    (void)routine;
    int error = ws_call_begin(CALL_WSAIOCTL);
    struct endpoint *endpoint = ws_endpoint_find(socket);
    if (error == 0 && endpoint == NULL) {
        error = WSAENOTSOCK;
    }
    if (error == 0 && overlapped != NULL) {
        error = WSAEOPNOTSUPP;
    }
    if (error == 0) {
        error = ioctl_out(endpoint, code, in, in_size, out, out_size);
        *returned = out_size;
    }
    return ws_call_answer(error);
}
