#include "floor.h"

#include <assert.h>
#include <stdint.h>

#include <uv.h>

#include "estimate.h"
#include "net.h"
#include "units.h"

#define FLOOR_PAIRS 50
#define FLOOR_SAMPLES ESTIMATE_MAX
#define FLOOR_SAMPLE_NS (3 * NS_PER_MS) /* at least */
#define FLOOR_CALLS 100
#define FLOOR_NO_SOCKET ((uv_os_sock_t)-1)

struct floor_rig {
    uv_os_sock_t clients[FLOOR_PAIRS];
    uv_os_sock_t servers[FLOOR_PAIRS];
    size_t pairs;  /* open ones */
    uint16_t size; /* 16 bits: any send() takes that much */
    char data[FLOOR_SIZE_MAX];
};

/* ---- connections --------------------------------------------------------------------------- */

static bool floor_connect(struct floor_rig *rig, uv_os_sock_t listener)
{
    const struct net_options options = {.nodelay = true};
    struct sockaddr_storage name;
    const struct sockaddr *address = (const struct sockaddr *)(const void *)&name;
    uv_os_sock_t client;
    uv_os_sock_t server = FLOOR_NO_SOCKET;
    if (net_local_name(listener, &name) != 0 || net_open(&options, AF_INET, &client) != 0) {
        return false;
    }
    if (connect(client, address, net_address_size(address)) == 0) {
        server = accept(listener, NULL, NULL);
    }
    if (server == FLOOR_NO_SOCKET) {
        net_close(client);
        return false;
    }
    (void)net_tune_accepted(server, &options);
    rig->clients[rig->pairs] = client;
    rig->servers[rig->pairs] = server;
    rig->pairs++;
    return true;
}

static bool floor_open(struct floor_rig *rig)
{
    const struct net_options options = {.nodelay = true};
    struct sockaddr_in any;
    uv_os_sock_t listener;
    (void)uv_ip4_addr("127.0.0.1", 0, &any);
    if (net_bind((const struct sockaddr *)(const void *)&any, &options, FLOOR_PAIRS, 1,
                 &listener) != 0) {
        return false;
    }
    bool good = true;
    while (good && rig->pairs < FLOOR_PAIRS) {
        good = floor_connect(rig, listener);
    }
    net_close(listener);
    return good;
}

static void floor_close(struct floor_rig *rig)
{
    while (rig->pairs > 0) {
        rig->pairs--;
        net_close(rig->clients[rig->pairs]);
        net_close(rig->servers[rig->pairs]);
    }
}

/* ---- calls --------------------------------------------------------------------------------- */

static bool floor_send(struct floor_rig *rig, uv_os_sock_t from)
{
    return send(from, rig->data, rig->size, 0) == rig->size;
}

/* The whole message waits, so one call brings it. */
static bool floor_recv(struct floor_rig *rig, uv_os_sock_t to)
{
    return recv(to, rig->data, sizeof(rig->data), 0) == rig->size;
}

/* Nanoseconds per message, over one message of each connection. 0: a call failed. */
static uint64_t floor_round(struct floor_rig *rig)
{
    bool good = true;
    for (size_t i = 0; i < rig->pairs; i++) {
        good = good && floor_send(rig, rig->clients[i]);
    }
    uint64_t begin_ns = uv_hrtime();
    for (size_t i = 0; i < rig->pairs && good; i++) {
        good = floor_recv(rig, rig->servers[i]) && floor_send(rig, rig->servers[i]);
    }
    uint64_t used_ns = uv_hrtime() - begin_ns;
    for (size_t i = 0; i < rig->pairs && good; i++) {
        good = floor_recv(rig, rig->clients[i]);
    }
    return good ? used_ns : 0;
}

/* The median, since other work on the machine disturbs a few samples. */
static bool floor_messages(struct floor_rig *rig, double *cost)
{
    double samples[FLOOR_SAMPLES];
    for (size_t i = 0; i < FLOOR_SAMPLES; i++) {
        uint64_t used_ns = 0;
        size_t messages = 0;
        while (used_ns < FLOOR_SAMPLE_NS) {
            uint64_t round_ns = floor_round(rig);
            if (round_ns == 0) {
                return false;
            }
            used_ns += round_ns;
            messages += rig->pairs;
        }
        samples[i] = (double)used_ns / (double)messages;
    }
    *cost = estimate_median(samples, FLOOR_SAMPLES) / (double)NS_PER_S;
    return true;
}

/* Measured on a socket after the peer's FIN: a receive brings nothing then, and doesn't wait. */
static bool floor_empty_calls(struct floor_rig *rig, uv_os_sock_t ended, double *cost)
{
    double samples[FLOOR_SAMPLES];
    bool good = true;
    for (size_t i = 0; i < FLOOR_SAMPLES && good; i++) {
        uint64_t begin_ns = uv_hrtime();
        for (size_t call = 0; call < FLOOR_CALLS && good; call++) {
            good = recv(ended, rig->data, sizeof(rig->data), 0) == 0;
        }
        samples[i] = (double)(uv_hrtime() - begin_ns) / FLOOR_CALLS;
    }
    *cost = good ? estimate_median(samples, FLOOR_SAMPLES) / (double)NS_PER_S : 0;
    return good;
}

static bool floor_calls(struct floor_rig *rig, double *cost)
{
    uv_os_sock_t ended = rig->servers[--rig->pairs];
    net_close(rig->clients[rig->pairs]);
    bool good = floor_empty_calls(rig, ended, cost);
    net_close(ended);
    return good;
}

bool floor_measure(size_t size, struct floor_costs *costs)
{
    struct floor_rig rig = {.size = (uint16_t)size};
    assert(size > 0 && size <= FLOOR_SIZE_MAX);
    bool good = floor_open(&rig) && floor_messages(&rig, &costs->message) &&
                floor_calls(&rig, &costs->empty_call);
    floor_close(&rig);
    return good;
}
