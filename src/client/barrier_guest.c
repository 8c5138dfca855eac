#include "barrier_guest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agreement.h"
#include "log.h"
#include "units.h"

/* The pause after the first round of tries, and from when on it does not grow, in milliseconds. */
#define GUEST_PAUSE_MIN_MS 50
#define GUEST_PAUSE_MAX_MS 800

/* Besides --barrier-timeout, until rank 0 says the next line. It notices first that a rank is
 * missing, and tells the others which. */
#define GUEST_GRACE_MS 5000

static void guest_fail(struct barrier_guest *guest)
{
    barrier_guest_close(guest);
    guest->plan->failed(guest->plan->context);
}

/* ---- tries --------------------------------------------------------------------------------- */

static void guest_close_peer(struct barrier_guest *guest)
{
    if (guest->peer != NULL) {
        barrier_peer_close(guest->peer);
        guest->peer = NULL;
    }
}

static void guest_try(struct barrier_guest *guest);

static void guest_on_pause(uv_timer_t *timer)
{
    guest_try(timer->data);
}

/* The try has failed: the next address; or, after all of them, a pause. Reports the reason, unless
 * it is the last one's. */
static void guest_again(struct barrier_guest *guest, int status)
{
    bool tried_all = guest->tries % guest->plan->address_count == 0;
    guest_close_peer(guest);
    if (tried_all && status != guest->status) {
        log_message("waiting for rank 0 at %s: %s", guest->plan->name, uv_strerror(status));
        guest->status = status;
    }
    (void)uv_timer_start(&guest->next, guest_on_pause, tried_all ? guest->pause_ms : 0, 0);
    if (tried_all && guest->pause_ms < GUEST_PAUSE_MAX_MS) {
        guest->pause_ms *= 2;
    }
}

static void guest_on_late_proof(uv_timer_t *timer)
{
    guest_again(timer->data, UV_ETIMEDOUT);
}

/* ---- what rank 0 says ---------------------------------------------------------------------- */

static void guest_say_join(struct barrier_guest *guest)
{
    const struct client_options *options = guest->plan->options;
    char digests[AGREEMENT_TEXT];
    char text[BARRIER_TEXT_SIZE];
    agreement_write(options, digests);
    (void)snprintf(text, sizeof(text), "join %" PRIu64 " %" PRIu64 " %s", options->share.rank,
                   options->share.ranks, digests);
    (void)barrier_peer_hello(guest->peer);
    (void)barrier_peer_say(guest->peer, text);
}

static void guest_on_deadline(uv_timer_t *timer);

/* Rank 0 is there, and says now and then that it is. */
static void guest_waits_on(struct barrier_guest *guest)
{
    uint64_t timeout_ms = guest->plan->options->barrier_timeout_ns / NS_PER_MS;
    if (timeout_ms > 0) {
        (void)uv_timer_start(&guest->deadline, guest_on_deadline, timeout_ms + GUEST_GRACE_MS, 0);
    }
}

static void guest_is_welcome(struct barrier_guest *guest)
{
    guest->joined = true;
    (void)uv_timer_stop(&guest->next);
    guest_waits_on(guest);
    if (guest->plan->options->common.verbose) {
        log_trace("barrier: rank 0 at %s knows this client", guest->plan->name);
    }
}

static void guest_begin(struct barrier_guest *guest, uint64_t delay_ns, uint64_t run_id)
{
    uint64_t at_ns = uv_hrtime() + delay_ns;
    barrier_guest_close(guest);
    guest->plan->begin(guest->plan->context, at_ns, run_id);
}

/* Obeys a line that rank 0 has proven. */
static void guest_obey(struct barrier_guest *guest, char *line)
{
    uint64_t delay_ns;
    uint64_t run_id;
    const char *refused = barrier_read_why(line, "refuse");
    const char *ended = barrier_read_why(line, "end");
    if (refused != NULL) {
        log_message("--barrier: rank 0 refuses this client: %s", refused);
        guest_fail(guest);
    } else if (ended != NULL) {
        log_message("--barrier: rank 0 has ended the start: %s", ended);
        guest_fail(guest);
    } else if (strcmp(line, "welcome") == 0) {
        guest_is_welcome(guest);
    } else if (strcmp(line, "wait") == 0) {
        guest_waits_on(guest);
    } else if (strcmp(line, "ping") == 0) {
        (void)barrier_peer_say(guest->peer, "pong");
    } else if (barrier_read_begin(line, &delay_ns, &run_id)) {
        guest_begin(guest, delay_ns, run_id);
    } else {
        log_message("--barrier: rank 0 says what this version does not know: '%s'", line);
        guest_fail(guest);
    }
}

static void guest_on_line(struct barrier_peer *peer, char *line)
{
    struct barrier_guest *guest = peer->owner;
    if (peer->greeted && barrier_peer_proves(peer, line)) {
        guest_obey(guest, line);
    } else if (peer->greeted) {
        log_message("--barrier: the client at %s has another --run-token than this one",
                    guest->plan->name);
        guest_fail(guest);
    } else if (barrier_peer_take_hello(peer, line)) {
        guest_say_join(guest);
    } else {
        guest_again(guest, UV_EPROTO); /* something else answers there */
    }
}

static void guest_on_end(struct barrier_peer *peer, int status)
{
    struct barrier_guest *guest = peer->owner;
    if (guest->joined) {
        log_message("--barrier: rank 0 has left before the start");
        guest_fail(guest);
    } else {
        guest_again(guest, status);
    }
}

static const struct barrier_peer_events guest_events = {.line = guest_on_line, .end = guest_on_end};

static void guest_try(struct barrier_guest *guest)
{
    const struct barrier_plan *plan = guest->plan;
    size_t which = guest->tries++ % plan->address_count;
    guest->peer =
        barrier_peer_new(plan->loop, BARRIER_GUEST, &plan->options->run_key, &guest_events, guest);
    int status =
        guest->peer == NULL
            ? UV_ENOMEM
            : barrier_peer_connect(guest->peer,
                                   (const struct sockaddr *)(const void *)&plan->addresses[which]);
    if (status != 0) {
        guest_again(guest, status);
    } else {
        (void)uv_timer_start(&guest->next, guest_on_late_proof, BARRIER_PROOF_MS, 0);
    }
}

/* ---- life ---------------------------------------------------------------------------------- */

static void guest_on_deadline(uv_timer_t *timer)
{
    struct barrier_guest *guest = timer->data;
    const struct barrier_plan *plan = guest->plan;
    char time[UNITS_TEXT_SIZE];
    (void)units_exact_duration(time, sizeof(time), plan->options->barrier_timeout_ns);
    if (guest->joined) {
        log_message("--barrier: rank 0 has said nothing for %s", time);
    } else {
        log_message("--barrier: rank 0 did not answer at %s within %s: %s", plan->name, time,
                    guest->status == 0 ? "no answer" : uv_strerror(guest->status));
    }
    guest_fail(guest);
}

void barrier_guest_open(struct barrier_guest *guest, const struct barrier_plan *plan)
{
    uint64_t timeout_ms = plan->options->barrier_timeout_ns / NS_PER_MS;
    *guest = (struct barrier_guest){.plan = plan, .pause_ms = GUEST_PAUSE_MIN_MS, .open = true};
    (void)uv_timer_init(plan->loop, &guest->deadline);
    (void)uv_timer_init(plan->loop, &guest->next);
    guest->deadline.data = guest->next.data = guest;
    if (timeout_ms > 0) {
        (void)uv_timer_start(&guest->deadline, guest_on_deadline, timeout_ms, 0);
    }
    guest_try(guest);
}

void barrier_guest_close(struct barrier_guest *guest)
{
    if (guest->open) {
        guest->open = false;
        (void)uv_timer_stop(&guest->deadline);
        (void)uv_timer_stop(&guest->next);
        guest_close_peer(guest);
    }
}
