#include "sim_rig.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

/* sim checks that its caller keeps the rules of the seam. Each case breaks one rule, and sim
 * must name it. A case that returns has not been caught. */

struct violation {
    const char *sentence; /* what sim must say */
    void (*commit)(struct sim_end *client);
};

static jmp_buf caught;
static const char *caught_sentence;

static void violated(const char *sentence)
{
    caught_sentence = sentence;
    longjmp(caught, 1);
}

static void recv_twice(struct sim_end *client)
{
    sim_end_recv(client);
    sim_end_recv(client);
}

static void send_twice(struct sim_end *client)
{
    struct io_send second = client->send;
    sim_end_send(client, 10);
    second.data = client->sending;
    second.length = 1;
    backend_sim.send(client->loop, client->socket, &second);
}

static void send_nothing(struct sim_end *client)
{
    struct io_send op = {.length = 0};
    backend_sim.send(client->loop, client->socket, &op);
}

static void send_after_shutdown(struct sim_end *client)
{
    sim_end_shutdown(client);
    sim_end_send(client, 10);
}

static void shutdown_while_sending(struct sim_end *client)
{
    sim_end_send(client, 10);
    sim_end_shutdown(client);
}

static void shutdown_twice(struct sim_end *client)
{
    sim_end_shutdown(client);
    sim_end_shutdown(client);
}

static void close_twice(struct sim_end *client)
{
    sim_end_close(client, IO_CLOSE_GRACEFUL);
    sim_end_close(client, IO_CLOSE_GRACEFUL);
}

static void recv_after_close(struct sim_end *client)
{
    sim_end_close(client, IO_CLOSE_RESET);
    sim_end_recv(client);
}

static void closed_and_kept(struct io_close *op)
{
    (void)op;
}

static void recv_after_close_callback(struct sim_end *client)
{
    struct io_close op = {.done = closed_and_kept};
    backend_sim.close(client->loop, client->socket, IO_CLOSE_GRACEFUL, &op);
    sim_rig_settle();
    sim_end_recv(client);
}

static void recv_on_another_loop(struct sim_end *client)
{
    client->loop = rig.loops[2];
    sim_end_recv(client);
}

static void recv_before_connected(struct sim_end *client)
{
    (void)client;
    sim_end_recv(sim_rig_connect(SIM_RIG_PORT));
}

static void change_lent_memory(struct sim_end *client)
{
    sim_end_send(client, 10);
    client->sending[9] ^= 1;
    sim_rig_settle();
}

static void change_sent_memory(struct sim_end *client)
{
    sim_end_send(client, 100000); /* the first 64 KiB leave, the rest waits */
    sim_rig_settle();
    client->sending[0] ^= 1;
    sim_end_close(client, IO_CLOSE_GRACEFUL);
    sim_rig_settle();
}

static void change_send(struct sim_end *client)
{
    sim_end_send(client, 10);
    client->send.length = 9;
    sim_rig_settle();
}

static void change_recv(struct sim_end *client)
{
    sim_end_recv(client);
    memset(&client->recv, 0, sizeof(client->recv));
    sim_end_send(client->peer, 10);
    sim_rig_settle();
}

static void release_foreign(struct sim_end *client)
{
    uint8_t mine[100] = {0};
    backend_sim.release(client->loop, mine);
}

static void release_twice(struct sim_end *client)
{
    client->keep = true;
    sim_end_send(client->peer, 10);
    sim_end_recv(client);
    sim_rig_settle();
    uint8_t *data = client->held[0];
    sim_end_release(client, 0);
    backend_sim.release(client->loop, data);
}

static void ignore_token(struct io_token *token)
{
    (void)token;
}

static void token_not_used(struct sim_end *client)
{
    (void)client;
    rig.on_token = ignore_token;
    sim_rig_accept();
    sim_rig_connect(SIM_RIG_PORT);
    sim_rig_settle();
}

static void use_token_twice(struct io_token *token)
{
    struct io_token copy = *token;
    backend_sim.refuse(rig.loops[1], token);
    backend_sim.refuse(rig.loops[1], &copy);
}

static void token_used_twice(struct sim_end *client)
{
    (void)client;
    rig.on_token = use_token_twice;
    sim_rig_accept();
    sim_rig_connect(SIM_RIG_PORT);
    sim_rig_settle();
}

static void adopt_undetached(struct io_token *token)
{
    sim_rig_adopt(token, 2);
}

static void token_on_another_loop(struct sim_end *client)
{
    (void)client;
    rig.on_token = adopt_undetached;
    sim_rig_accept();
    sim_rig_connect(SIM_RIG_PORT);
    sim_rig_settle();
}

static struct io_socket *taken;

static void adopt_over_taken(struct io_token *token)
{
    backend_sim.adopt(rig.loops[1], token, taken);
}

static void socket_memory_in_use(struct sim_end *client)
{
    taken = client->peer->socket;
    rig.on_token = adopt_over_taken;
    sim_rig_accept();
    sim_rig_connect(SIM_RIG_PORT);
    sim_rig_settle();
}

static void poll_in_callback(struct io_token *token)
{
    backend_sim.refuse(rig.loops[1], token);
    backend_sim.poll(rig.loops[1], 0);
}

static void nested_poll(struct sim_end *client)
{
    (void)client;
    rig.on_token = poll_in_callback;
    sim_rig_accept();
    sim_rig_connect(SIM_RIG_PORT);
    sim_rig_settle();
}

static void accept_when_stopped(struct sim_end *client)
{
    (void)client;
    backend_sim.accept_stop(rig.loops[1], rig.listener);
    sim_rig_accept();
}

static void close_loop_with_socket(struct sim_end *client)
{
    backend_sim.loop_close(client->loop);
}

static void close_loop_with_listener(struct sim_end *client)
{
    sim_end_close(client->peer, IO_CLOSE_GRACEFUL);
    sim_rig_settle();
    backend_sim.loop_close(rig.loops[1]);
}

static void keep_buffer(struct sim_end *client)
{
    struct io_close op = {.done = closed_and_kept};
    client->keep = true;
    sim_end_send(client->peer, 10);
    sim_end_recv(client);
    sim_rig_settle();
    backend_sim.close(client->loop, client->socket, IO_CLOSE_GRACEFUL, &op);
    sim_rig_settle();
    backend_sim.loop_close(client->loop);
}

static void end_with_loops(struct sim_end *client)
{
    (void)client;
    sim_end();
}

static const struct violation violations[] = {
    {"recv() while one is outstanding", recv_twice},
    {"send() while one is outstanding", send_twice},
    {"send() of nothing", send_nothing},
    {"send() after shutdown()", send_after_shutdown},
    {"shutdown() while a send is outstanding", shutdown_while_sending},
    {"shutdown() twice", shutdown_twice},
    {"the socket is being closed", close_twice},
    {"the socket is being closed", recv_after_close},
    {"the socket is not in use", recv_after_close_callback},
    {"the socket belongs to another loop", recv_on_another_loop},
    {"the socket is not connected", recv_before_connected},
    {"the memory of a send was changed while it was outstanding", change_lent_memory},
    {"the memory of a send was changed while it was outstanding", change_sent_memory},
    {"a send was changed while it was outstanding", change_send},
    {"a recv was changed while it was outstanding", change_recv},
    {"release() of what no recv of this loop delivered", release_foreign},
    {"release() of what no recv of this loop delivered", release_twice},
    {"an accept's callback returned and its token is not used up", token_not_used},
    {"the token was used up already", token_used_twice},
    {"the token belongs to another loop", token_on_another_loop},
    {"the memory of the socket is in use", socket_memory_in_use},
    {"poll() from a callback", nested_poll},
    {"the listener was stopped", accept_when_stopped},
    {"loop_close() while a socket is in use", close_loop_with_socket},
    {"loop_close() while a listener listens", close_loop_with_listener},
    {"loop_close() while a buffer is not released", keep_buffer},
    {"sim_end() while a loop is open", end_with_loops},
};

static void commit(const struct violation *violation)
{
    caught_sentence = "nothing";
    sim_rig_begin(&(const struct sim_config){.seed = 1, .violated = violated}, 100, 4);
    sim_rig_pair();
    if (setjmp(caught) == 0) {
        violation->commit(&rig.clients[0]);
    }
}

static void free_ends(void)
{
    for (size_t i = 0; i < SIM_RIG_CONNS; i++) {
        free(rig.clients[i].socket);
        free(rig.clients[i].sending);
        free(rig.servers[i].socket);
        free(rig.servers[i].sending);
    }
}

static void test_violations_are_caught(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(violations); i++) {
        commit(&violations[i]);
        assert_string_equal(caught_sentence, violations[i].sentence);
        sim_end();
        free_ends();
    }
}

static void test_released_buffers_are_overwritten(void **state)
{
    struct sim_config config = {.seed = 1};
    (void)state;
    sim_rig_begin(&config, 100, 1);
    struct sim_end *client = sim_rig_pair();
    client->keep = true;
    sim_end_send(client->peer, 10);
    sim_end_recv(client);
    sim_rig_settle();
    uint8_t *data = client->held[0];
    memset(data + 10, 7, 90);
    sim_end_release(client, 0);
    sim_end_send(client->peer, 10);
    sim_end_recv(client);
    sim_rig_settle();
    assert_ptr_equal(client->held[0], data); /* the same again, the pool had one */
    assert_int_equal(data[99], 0xA5);
    sim_rig_end();
}

static void test_clean_world_needs_no_pardon(void **state)
{
    const struct sim_config config = {.seed = 1, .violated = violated};
    (void)state;
    caught_sentence = NULL;
    if (setjmp(caught) == 0) {
        sim_rig_begin(&config, 100, 4);
        sim_rig_pair();
        sim_rig_end();
    }
    assert_null(caught_sentence);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_violations_are_caught),
        cmocka_unit_test(test_released_buffers_are_overwritten),
        cmocka_unit_test(test_clean_world_needs_no_pardon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
