#include "echo_rig.h"

#include <stdlib.h>

#include "util.h"

#define BUFFER_SIZE ((size_t)16 * 1024)
#define BUFFERS 64
#define BACKLOG 64

/* A small send buffer, so that sends have to wait. */
static const struct net_options net = {.nodelay = true, .sndbuf = 8192};

int echo_rig_open(struct echo_rig *rig, const struct backend *backend, unsigned accept_mode,
                  unsigned recv_mode)
{
    struct worker *worker = &rig->echo.worker;
    struct sockaddr_in any;
    (void)uv_ip4_addr("127.0.0.1", 0, &any);
    int status = net_bind((const struct sockaddr *)&any, &net, BACKLOG, 1, &rig->os_socket);
    if (status == 0) {
        status = net_local_name(rig->os_socket, &rig->address);
    }
    if (status == 0) {
        status = handover_init(&rig->handover, 1, 1);
    }
    if (status != 0) {
        return status;
    }
    admission_init(&rig->admission, 1000);
    rig->config = (struct echo_config){
        .admission = &rig->admission,
        .handover = &rig->handover,
        .net = net,
        .drain_timeout_ns = 5 * NS_PER_S,
        .backlog = BACKLOG,
        .accept_depth = 2,
    };
    worker->role = &echo_role;
    worker->backend = backend;
    worker->cpu = -1;
    worker->io_config = (struct io_config){
        .buffer_size = BUFFER_SIZE,
        .buffer_memory = BUFFERS * BUFFER_SIZE,
        .accept_mode = accept_mode,
        .recv_mode = recv_mode,
        .accept_timeout_ns = 5 * NS_PER_S,
        .accept_silent_max = 100,
    };
    worker_init(worker);
    echo_init(&rig->echo, &rig->config, &rig->os_socket, 1);
    return 0;
}

int echo_rig_start(struct echo_rig *rig)
{
    int status = worker_start(&rig->echo.worker);
    if (status != 0 && !rig->echo.aborted) {
        net_close(rig->os_socket); /* the role takes over the socket, but was not reached */
    }
    return status;
}

void echo_rig_stop(struct echo_rig *rig)
{
    worker_post(&rig->echo.worker, WORKER_DRAIN);
    worker_join(&rig->echo.worker);
}

void echo_rig_close(struct echo_rig *rig)
{
    struct echo_generation *generation = echo_take_ended(&rig->echo);
    while (generation != NULL) {
        struct echo_generation *next = generation->next;
        server_stats_add(&rig->stats, &generation->stats);
        free(generation);
        generation = next;
    }
    worker_destroy(&rig->echo.worker);
    handover_destroy(&rig->handover);
    admission_destroy(&rig->admission);
}
