#include "peer.h"

#include <stdint.h>
#include <string.h>

#include "patience.h"

#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
typedef int peer_length;
#define PEER_SHUT_WRITE SD_SEND
#define PEER_INVALID INVALID_SOCKET
#else
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
typedef size_t peer_length;
#define PEER_SHUT_WRITE SHUT_WR
#define PEER_INVALID (-1)
#endif

#ifdef __linux__
#include <linux/sockios.h>
#endif

#define PEER_TIMEOUT_S (PATIENCE_MS / 1000)
#define PEER_MOST ((size_t)1 << 20) /* in one call: fits every system's length */

/* ---- what the systems have in different ways ------------------------------------------------ */

#ifdef _WIN32

static int peer_error(void)
{
    return uv_translate_sys_error(WSAGetLastError());
}

size_t peer_setup(void)
{
    WSADATA data;
    return WSAStartup(MAKEWORD(2, 2), &data) == 0 ? SIZE_MAX : 0;
}

void peer_close(uv_os_sock_t peer)
{
    (void)closesocket(peer);
}

int peer_block(uv_os_sock_t peer, bool block)
{
    u_long off = block ? 0 : 1;
    DWORD timeout_ms = PEER_TIMEOUT_S * 1000;
    (void)setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, (const char *)&timeout_ms, sizeof(timeout_ms));
    (void)setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, (const char *)&timeout_ms, sizeof(timeout_ms));
    return ioctlsocket(peer, (long)FIONBIO, &off) == 0 ? 0 : peer_error();
}

int peer_held(uv_os_sock_t end, uv_os_sock_t peer, uint64_t *bytes)
{
    (void)end;
    (void)peer;
    (void)bytes;
    return UV_ENOTSUP;
}

/* Here, sharing an address would let the second socket take it over. */
static int peer_share(uv_os_sock_t peer)
{
    (void)peer;
    return 0;
}

size_t peer_open_descriptors(void)
{
    return 0;
}

#else

static int peer_error(void)
{
    return uv_translate_sys_error(errno == EWOULDBLOCK ? EAGAIN : errno);
}

size_t peer_setup(void)
{
    struct rlimit limit;
    (void)signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    const rlim_t enough = 8192; /* not more: macOS takes no number above OPEN_MAX */
    if (limit.rlim_cur < enough) {
        limit.rlim_cur = limit.rlim_max < enough ? limit.rlim_max : enough;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur > SIZE_MAX ? SIZE_MAX : (size_t)limit.rlim_cur;
}

void peer_close(uv_os_sock_t peer)
{
    (void)close(peer);
}

#ifdef __linux__

int peer_held(uv_os_sock_t end, uv_os_sock_t peer, uint64_t *bytes)
{
    int queued = 0, unread = 0;
    if (ioctl(end, SIOCOUTQ, &queued) != 0 || ioctl(peer, SIOCINQ, &unread) != 0) {
        return peer_error();
    }
    *bytes = (uint64_t)queued + (uint64_t)unread;
    return 0;
}

#else

int peer_held(uv_os_sock_t end, uv_os_sock_t peer, uint64_t *bytes)
{
    (void)end;
    (void)peer;
    (void)bytes;
    return UV_ENOTSUP;
}

#endif

int peer_block(uv_os_sock_t peer, bool block)
{
    struct timeval timeout = {.tv_sec = PEER_TIMEOUT_S};
    int flags = fcntl(peer, F_GETFL);
    (void)setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    (void)setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    flags = block ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
    return fcntl(peer, F_SETFL, flags) == 0 ? 0 : peer_error();
}

static int peer_share(uv_os_sock_t peer)
{
    int on = 1;
    return setsockopt(peer, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 ? 0 : peer_error();
}

size_t peer_open_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 8192; fd++) {
        count += fcntl(fd, F_GETFD) != -1;
    }
    return count;
}

#endif

/* ---- what they have in common --------------------------------------------------------------- */

static peer_length peer_capped(size_t length)
{
    return (peer_length)(length < PEER_MOST ? length : PEER_MOST);
}

static socklen_t peer_address_size(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
}

int peer_socket(int family, uv_os_sock_t *peer)
{
    *peer = socket(family, SOCK_STREAM, IPPROTO_TCP);
    return *peer == PEER_INVALID ? peer_error() : 0;
}

static int peer_bind_to(uv_os_sock_t peer, const struct sockaddr_storage *address)
{
    const struct sockaddr *name = (const struct sockaddr *)(const void *)address;
    return bind(peer, name, peer_address_size(address)) == 0 ? 0 : peer_error();
}

int peer_bind(int family, uv_os_sock_t *peer, struct sockaddr_storage *address)
{
    memset(address, 0, sizeof(*address));
    if (family == AF_INET6) {
        (void)uv_ip6_addr("::1", 0, (struct sockaddr_in6 *)(void *)address);
    } else {
        (void)uv_ip4_addr("127.0.0.1", 0, (struct sockaddr_in *)(void *)address);
    }
    int status = peer_socket(family, peer);
    if (status != 0) {
        return status;
    }
    status = peer_bind_to(*peer, address);
    if (status == 0) {
        status = peer_local_name(*peer, address);
    }
    if (status != 0) {
        peer_close(*peer);
    }
    return status;
}

int peer_bind_port(unsigned port, uv_os_sock_t *peer)
{
    struct sockaddr_storage address;
    memset(&address, 0, sizeof(address));
    (void)uv_ip4_addr("127.0.0.1", (int)port, (struct sockaddr_in *)(void *)&address);
    int status = peer_socket(AF_INET, peer);
    if (status != 0) {
        return status;
    }
    status = peer_bind_to(*peer, &address);
    if (status != 0) {
        peer_close(*peer);
    }
    return status;
}

int peer_bind_beside(uv_os_sock_t first, const struct sockaddr_storage *address,
                     uv_os_sock_t *second)
{
    int status = peer_share(first);
    if (status == 0) {
        status = peer_socket(address->ss_family, second);
    }
    if (status != 0) {
        return status;
    }
    status = peer_share(*second);
    if (status == 0) {
        status = peer_bind_to(*second, address);
    }
    if (status != 0) {
        peer_close(*second);
    }
    return status;
}

int peer_listen(uv_os_sock_t peer, int backlog)
{
    return listen(peer, backlog) == 0 ? 0 : peer_error();
}

int peer_accept(uv_os_sock_t listener, uv_os_sock_t *peer)
{
    *peer = accept(listener, NULL, NULL);
    return *peer == PEER_INVALID ? peer_error() : peer_block(*peer, false);
}

int peer_connect(const struct sockaddr_storage *address, int receive_buffer, uv_os_sock_t *peer)
{
    const struct sockaddr *name = (const struct sockaddr *)(const void *)address;
    int status = peer_socket(address->ss_family, peer);
    if (status != 0) {
        return status;
    }
    if (receive_buffer != 0) {
        (void)setsockopt(*peer, SOL_SOCKET, SO_RCVBUF, (const char *)&receive_buffer,
                         sizeof(receive_buffer));
    }
    status = connect(*peer, name, peer_address_size(address)) == 0 ? 0 : peer_error();
    if (status == 0) {
        status = peer_block(*peer, false);
    }
    if (status != 0) {
        peer_close(*peer);
    }
    return status;
}

int peer_send(uv_os_sock_t peer, const void *data, size_t length)
{
    int sent = (int)send(peer, data, peer_capped(length), 0);
    return sent < 0 ? peer_error() : sent;
}

int peer_send_urgent(uv_os_sock_t peer, char byte)
{
    return send(peer, &byte, 1, MSG_OOB) < 0 ? peer_error() : 1;
}

int peer_recv(uv_os_sock_t peer, void *data, size_t size)
{
    int received = (int)recv(peer, data, peer_capped(size), 0);
    return received < 0 ? peer_error() : received;
}

bool peer_is_readable(uv_os_sock_t peer)
{
    char byte;
    return recv(peer, &byte, 1, MSG_PEEK) >= 0 || peer_error() != UV_EAGAIN;
}

int peer_send_buffer(uv_os_sock_t peer, int bytes)
{
    return setsockopt(peer, SOL_SOCKET, SO_SNDBUF, (const char *)&bytes, sizeof(bytes)) == 0
               ? 0
               : peer_error();
}

int peer_nodelay(uv_os_sock_t peer)
{
    int on = 1;
    return setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof(on)) == 0
               ? 0
               : peer_error();
}

int peer_shutdown(uv_os_sock_t peer)
{
    return shutdown(peer, PEER_SHUT_WRITE) == 0 ? 0 : peer_error();
}

int peer_local_name(uv_os_sock_t peer, struct sockaddr_storage *address)
{
    socklen_t size = sizeof(*address);
    struct sockaddr *name = (struct sockaddr *)(void *)address;
    return getsockname(peer, name, &size) == 0 ? 0 : peer_error();
}

void peer_reset(uv_os_sock_t peer)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(peer, SOL_SOCKET, SO_LINGER, (const char *)&linger, sizeof(linger));
    peer_close(peer);
}
