/*
 * A client that connects to itself: its socket is bound to the port to which it connects. That can
 * happen by chance for an ephemeral port at which nothing listens. On every backend the connect is
 * refused, and the port is free at once.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <sys/socket.h>

#include "hostile.h"
#include "load.h"
#include "log.h"
#include "net.h"
#include "peer.h"
#include "verdict.h"

#define SECOND UINT64_C(1000000000)

static struct sockaddr_storage own;
static struct load load;
static struct hostile hostile;

/* Bound before the connect, without SO_REUSEADDR: the port can't be in TIME-WAIT. */
static int open_bound_socket(void *context, int family, uv_os_sock_t *os_socket)
{
    const struct net_options options = {.nodelay = true};
    (void)context;
    int status = net_open(&options, family, os_socket);
    if (status == 0 && bind(*os_socket, (const struct sockaddr *)&own,
                            net_address_size((const struct sockaddr *)&own)) != 0) {
        net_close(*os_socket);
        status = UV_EADDRINUSE;
    }
    return status;
}

static void choose_port(int family)
{
    uv_os_sock_t socket;
    assert_int_equal(peer_bind(family, &socket, &own), 0);
    peer_close(socket);
}

static void prepare(struct worker *worker, const struct worker_role *role,
                    const struct backend *backend)
{
    worker->role = role;
    worker->backend = backend;
    worker->cpu = -1;
    worker->io_config = (struct io_config){
        .buffer_size = 4096, .buffer_memory = 65536, .open_socket = open_bound_socket};
    worker_init(worker);
}

static void run_client(const struct backend *backend)
{
    struct load_plan plan = {.addresses = &own,
                             .address_count = 1,
                             .workers = 1,
                             .seed = 7,
                             .size = 100,
                             .depth = 1,
                             .timeout_ns = 10 * SECOND,
                             .drain_timeout_ns = SECOND};
    memset(&load, 0, sizeof(load));
    prepare(&load.worker, &load_role, backend);
    load_init(&load, &plan, 1, 5);
    assert_int_equal(worker_start(&load.worker), 0);
    plan.began_ns = uv_hrtime();
    worker_post(&load.worker, WORKER_BEGIN);
    worker_join(&load.worker);
    load_free(&load);
    worker_destroy(&load.worker);
}

/* The turns of the worker's thread, until its only connection has had an outcome. */
static void run_hostile(const struct backend *backend)
{
    const struct hostile_group group = {.kind = HOSTILE_SILENT, .count = 1};
    const struct load_plan plan = {.addresses = &own, .address_count = 1, .seed = 7};
    memset(&hostile, 0, sizeof(hostile));
    prepare(&hostile.worker, &hostile_role, backend);
    assert_int_equal(hostile_init(&hostile, &plan, &group, 1, 0), 0);
    const struct hostile_stats *stats = &hostile.squads[0].stats;
    assert_int_equal(worker_open(&hostile.worker), 0);
    hostile_role.command(&hostile.worker, WORKER_BEGIN);
    while (stats->counters.connect_failures + stats->counters.opened == 0) {
        assert_true(worker_turn(&hostile.worker));
    }
    hostile_role.command(&hostile.worker, WORKER_ABORT);
    while (worker_turn(&hostile.worker)) {
    }
    worker_close(&hostile.worker);
    assert_int_equal(stats->counters.opened, 0);
    assert_int_equal(stats->connect_error, UV_ECONNREFUSED);
    worker_destroy(&hostile.worker);
    hostile_free(&hostile);
}

static void check_refused(void)
{
    const struct client_counters *n = &load.stats.counters;
    const struct verdict_run run = {.stats = &load.stats, .connections = 1};
    struct verdict verdict;
    verdict_judge(&run, &verdict);
    assert_false(verdict.ok);
    assert_int_equal(verdict.failures[0].class, VERDICT_NOT_UP);
    assert_int_equal(load.stats.not_up_reason, UV_ECONNREFUSED);
    assert_int_equal(n->connected, 0);
    assert_int_equal(n->connect_failures, 1);
    assert_int_equal(n->sent, 0);
}

static void port_is_free(void)
{
    uv_os_sock_t listener;
    assert_int_equal(peer_socket(own.ss_family, &listener), 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&own,
                          net_address_size((const struct sockaddr *)&own)),
                     0);
    assert_int_equal(peer_listen(listener, 1), 0);
    peer_close(listener);
}

static void itself_is_refused(int family)
{
    for (const struct backend_entry *at = backend_list; at->name != NULL; at++) {
        char why[256];
        if (backend_probe(at, why, sizeof(why)) != 0) {
            continue;
        }
        print_message("%s\n", at->name);
        choose_port(family);
        run_client(at->backend);
        check_refused();
        port_is_free();
        run_hostile(at->backend);
        port_is_free();
    }
}

static void itself_over_ipv4(void **state)
{
    (void)state;
    itself_is_refused(AF_INET);
}

static void itself_over_ipv6(void **state)
{
    uv_os_sock_t socket;
    (void)state;
    if (peer_bind(AF_INET6, &socket, &own) != 0) {
        print_message("skipped: there is no loopback address of IPv6\n");
        skip();
    }
    peer_close(socket);
    itself_is_refused(AF_INET6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(itself_over_ipv4),
        cmocka_unit_test(itself_over_ipv6),
    };
    log_setup("test_own_peer", false);
    log_redirect(NULL);
    (void)peer_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
