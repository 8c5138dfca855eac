#include "iocp_network.h"

#include <winsock2.h>

#include <string.h>

static SOCKET original; /* the other servers get duplicates of it */

static SOCKET tcp_socket(int family, WSAPROTOCOL_INFOW *info)
{
    return WSASocketW(family, SOCK_STREAM, IPPROTO_TCP, info, 0, WSA_FLAG_OVERLAPPED);
}

/* Duplicates a socket as src/base/net_windows.c does. Injected faults are for the backend, so these
 * calls repeat. */
static SOCKET duplicate(SOCKET socket)
{
    WSAPROTOCOL_INFOW info;
    SOCKET copy;
    while (WSADuplicateSocketW(socket, GetCurrentProcessId(), &info) != 0) {
    }
    do {
        copy = tcp_socket(FROM_PROTOCOL_INFO, &info);
    } while (copy == INVALID_SOCKET);
    return copy;
}

static uv_os_sock_t listening(size_t server)
{
    struct sockaddr_in address;
    if (server > 0) {
        return duplicate(original);
    }
    (void)uv_ip4_addr("127.0.0.1", WORLD_PORT, &address);
    do {
        original = tcp_socket(AF_INET, NULL);
    } while (original == INVALID_SOCKET);
    while (bind(original, (struct sockaddr *)&address, sizeof(address)) != 0) {
    }
    return original;
}

static void not_listening(uv_os_sock_t os_socket)
{
    if (winsock_is_open(os_socket)) {
        (void)closesocket(os_socket);
    }
}

static int open_socket(void *context, int family, uv_os_sock_t *os_socket)
{
    (void)context;
    *os_socket = tcp_socket(family, NULL);
    return *os_socket != INVALID_SOCKET ? 0 : UV_EMFILE;
}

const struct world_network iocp_network = {
    .backend = &backend_iocp,
    .now = winsock_now,
    .step = winsock_step,
    .advance = winsock_advance,
    .listening = listening,
    .open_socket = open_socket,
    .not_listening = not_listening,
};

void iocp_network_begin(const struct winsock_config *config, enum world_kind kind)
{
    winsock_begin(config);
    world_begin(&iocp_network, kind);
}

void iocp_network_end(void)
{
    world_end();
    winsock_end();
}

uv_os_sock_t iocp_network_silent_client(void)
{
    struct sockaddr_in address;
    SOCKET client = tcp_socket(AF_INET, NULL);
    (void)uv_ip4_addr("127.0.0.1", WORLD_PORT, &address);
    WORLD_CHECK(connect(client, (struct sockaddr *)&address, sizeof(address)) == 0);
    return client;
}

void iocp_network_speak(uv_os_sock_t client)
{
    WORLD_CHECK(send(client, "x", 1, 0) == 1);
}

void iocp_network_hang_up(uv_os_sock_t client)
{
    (void)closesocket(client);
}

void iocp_network_lossless(struct winsock_config *config, uint64_t seed)
{
    winsock_config_random(config, seed);
    config->call_fails_ppm = 0;
    config->operation_fails_ppm = 0;
    config->reset_ppm = 0;
    config->hang_ppm = 0;
    if (config->delay_ns > 100 * 1000) {
        config->delay_ns = 100 * 1000; /* or a loop with one buffer takes for ever */
    }
    config->capacity_min = config->capacity_max = config->capacity_max < 1000 ? 1000 : 65536;
}
