#include "adversary_oracle.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *const adversary_outcome_names[ADVERSARY_OUTCOMES] = {
    "completed", "closed_by_server", "drained",      "reset_at_end", "cut",    "mismatches",
    "lost",      "timeouts",         "end_timeouts", "unanswered",   "failed", "not_connected"};

#define BIT(name) (1U << ADVERSARY_##name)

void adversary_tally(const struct client_counters *n, struct adversary_tally *tally)
{
    *tally = (struct adversary_tally){
        .of = {[ADVERSARY_COMPLETED] = n->completed,
               [ADVERSARY_CLOSED_BY_SERVER] = n->closed_by_server,
               [ADVERSARY_DRAINED] = n->drained,
               [ADVERSARY_RESET_AT_END] = n->reset_at_end,
               [ADVERSARY_CUT] = n->cut,
               [ADVERSARY_MISMATCH] = n->mismatches,
               [ADVERSARY_LOST] = n->lost,
               [ADVERSARY_TIMEOUT] = n->timeouts,
               [ADVERSARY_END_TIMEOUT] = n->end_timeouts,
               [ADVERSARY_UNANSWERED] = n->unanswered,
               [ADVERSARY_FAILED] = n->failed,
               [ADVERSARY_NOT_CONNECTED] = n->connect_failures + n->abandoned}};
}

/* ---- one connection ------------------------------------------------------------------------ */

/* What the peer's record proves. */
struct proof {
    bool wrong; /* a wrong byte was returned, or one that was not asked for */
    bool owing; /* not all that was taken was answered right, or a message was incomplete */
    bool slow;  /* the peer may have made the client wait for --timeout */
    bool none;  /* nothing was taken: the client may never have seen the connection come up */
};

static struct proof prove(const struct adversary_record *record, const struct adversary_run *run,
                          const struct adversary_circumstances *how)
{
    size_t taken = record->taken_length;
    size_t returned = record->returned_length;
    size_t right = 0;
    while (right < taken && right < returned && record->taken[right] == record->returned[right]) {
        right++;
    }
    return (struct proof){.wrong = returned > right,
                          .owing = right < taken || taken % run->size != 0,
                          .slow = how->slow || record->silent || record->deaf ||
                                  record->gap_ns >= how->timeout_ns / 2,
                          .none = taken == 0};
}

/* The client's FIN was read: it has had all its answers. */
static unsigned after_their_end(const struct adversary_record *record, const struct proof *proof,
                                const struct adversary_circumstances *how)
{
    unsigned set = how->may_cut ? BIT(CUT) : 0;
    set |= proof->slow ? BIT(END_TIMEOUT) : 0;
    set |= proof->none && how->may_cut ? BIT(NOT_CONNECTED) : 0;
    switch (record->end) {
    case ADVERSARY_END_NONE:
        return set | (proof->wrong ? BIT(MISMATCH) : 0);
    case ADVERSARY_END_FIN:
    case ADVERSARY_END_CLOSE:
        return set | (proof->wrong ? BIT(MISMATCH) : BIT(COMPLETED));
    case ADVERSARY_END_RESET:
        set |= proof->wrong ? BIT(MISMATCH) : 0;
        return set | BIT(RESET_AT_END) | (how->lossy_reset ? BIT(COMPLETED) : 0);
    }
    return 0;
}

/* What a FIN means to a client that has had every byte before it. */
static unsigned met_end(const struct proof *proof, const struct adversary_run *run)
{
    unsigned outstanding = run->allow_drain ? BIT(DRAINED) : BIT(LOST);
    if (proof->wrong) {
        return BIT(MISMATCH);
    }
    if (proof->owing) {
        return outstanding;
    }
    return outstanding | BIT(CLOSED_BY_SERVER) | BIT(COMPLETED);
}

/* A reset: any of the returned bytes may be lost before it. */
static unsigned met_reset(const struct proof *proof)
{
    unsigned set = BIT(LOST) | (proof->wrong ? BIT(MISMATCH) : 0);
    if (!proof->owing) {
        set |= BIT(FAILED) | BIT(RESET_AT_END);
    }
    return set | (proof->none ? BIT(NOT_CONNECTED) : 0);
}

static unsigned before_their_end(enum adversary_end end, const struct adversary_run *run,
                                 const struct proof *proof)
{
    switch (end) {
    case ADVERSARY_END_NONE: /* the client was first */
        return proof->wrong ? BIT(MISMATCH) : 0;
    case ADVERSARY_END_FIN:
        return met_end(proof, run);
    case ADVERSARY_END_CLOSE: /* unread and later bytes are answered by a reset */
        return met_end(proof, run) | BIT(LOST);
    case ADVERSARY_END_RESET:
        return met_reset(proof);
    }
    return 0;
}

/* The client's FIN was not read, or there was none. */
static unsigned without_their_end(const struct adversary_record *record, enum adversary_end end,
                                  const struct proof *proof, const struct adversary_run *run,
                                  const struct adversary_circumstances *how)
{
    unsigned set = before_their_end(end, run, proof);
    if (proof->slow) {
        set |= BIT(TIMEOUT) | (!proof->owing ? BIT(END_TIMEOUT) : 0);
    }
    if (how->may_cut) {
        set |= BIT(UNANSWERED) | (!proof->owing ? BIT(CUT) : 0);
        set |= proof->none ? BIT(NOT_CONNECTED) : 0;
    }
    if (how->lossy_reset && record->end == ADVERSARY_END_RESET) {
        set |= met_end(proof, run);
    }
    return set;
}

/* A system reports a reset only once. If a send reported it, the next receive finds a false end
 * of the stream, and its outcome may be seen first. */
unsigned adversary_permits(const struct adversary_record *record, const struct adversary_run *run,
                           const struct adversary_circumstances *how)
{
    struct proof proof = prove(record, run, how);
    if (record->end == ADVERSARY_END_NONE ? !record->saw_end : !record->after_theirs) {
        return without_their_end(record, record->end, &proof, run, how);
    }
    unsigned set = proof.owing ? 0 : after_their_end(record, &proof, how);
    if (record->saw_reset || how->lossy_reset) {
        set |= without_their_end(record, ADVERSARY_END_NONE, &proof, run, how);
    }
    return set;
}

/* ---- all of them --------------------------------------------------------------------------- */

/* Connections that the peer has not accepted. */
static unsigned permits_unseen(const struct adversary *adversary,
                               const struct adversary_circumstances *how)
{
    const struct adversary_run *run = adversary->run;
    unsigned set = how->may_cut ? BIT(CUT) | BIT(UNANSWERED) | BIT(NOT_CONNECTED) : 0;
    set |= how->connects_fail ? BIT(NOT_CONNECTED) : 0;
    if (adversary->held || how->slow) {
        set |= BIT(TIMEOUT) | BIT(END_TIMEOUT) | BIT(LOST);
    }
    if (adversary->record_count >= run->listens) { /* closed in the queue, or refused */
        set |= BIT(LOST) | BIT(FAILED) | BIT(RESET_AT_END) | BIT(NOT_CONNECTED);
        set |= BIT(CLOSED_BY_SERVER) | BIT(COMPLETED) | (run->allow_drain ? BIT(DRAINED) : 0);
    }
    return set;
}

/* Matches records, and connections that the peer has not seen, to outcomes. It is a bipartite
 * matching: each is added along a path that makes room for it. */
#define MATCHED_MAX (4 * ADVERSARY_CONNS)

struct matching {
    unsigned permits[MATCHED_MAX];
    enum adversary_outcome chosen[MATCHED_MAX];
    size_t placed;
    struct adversary_tally left;
    unsigned tried; /* outcomes, on the present path */
};

static bool find_place(struct matching *m, size_t item)
{
    for (unsigned outcome = 0; outcome < ADVERSARY_OUTCOMES; outcome++) {
        unsigned bit = 1U << outcome;
        if ((m->permits[item] & bit) == 0 || (m->tried & bit) != 0) {
            continue;
        }
        m->tried |= bit;
        bool room = m->left.of[outcome] > 0;
        m->left.of[outcome] -= room;
        for (size_t other = 0; other < m->placed && !room; other++) {
            room = (unsigned)m->chosen[other] == outcome && find_place(m, other);
        }
        if (room) {
            m->chosen[item] = (enum adversary_outcome)outcome;
            return true;
        }
    }
    return false;
}

static bool place(struct matching *m, unsigned permits)
{
    m->tried = 0;
    m->permits[m->placed] = permits;
    if (m->placed + 1 == MATCHED_MAX || !find_place(m, m->placed)) {
        return false;
    }
    m->placed++;
    return true;
}

static unsigned first_left(const struct matching *m)
{
    unsigned outcome = 0;
    while (outcome < ADVERSARY_OUTCOMES && m->left.of[outcome] == 0) {
        outcome++;
    }
    return outcome;
}

static void describe(const struct adversary_record *r, size_t index, unsigned permits, char *text,
                     size_t size)
{
    static const char *const ends[] = {"none", "fin", "close", "reset"};
    (void)snprintf(text, size,
                   "no end is left for connection %zu: taken %zu, returned %zu, end %s%s%s%s%s%s, "
                   "gap %" PRIu64 " ms, permits 0x%x",
                   index, r->taken_length, r->returned_length, ends[r->end],
                   r->after_theirs ? " after theirs" : "", r->saw_end ? ", saw FIN" : "",
                   r->saw_reset ? ", saw RST" : "", r->silent ? ", silent" : "",
                   r->deaf ? ", deaf" : "", r->gap_ns / 1000000, permits);
}

bool adversary_agrees(const struct adversary *adversary, const struct client_counters *counters,
                      const struct adversary_circumstances *how, char *text, size_t size)
{
    static struct matching m; /* large */
    unsigned unseen = permits_unseen(adversary, how);
    m.placed = 0;
    adversary_tally(counters, &m.left);
    for (size_t i = 0; i < adversary->record_count; i++) {
        unsigned permits = adversary_permits(&adversary->records[i], adversary->run, how);
        if (!place(&m, permits)) {
            describe(&adversary->records[i], i, permits, text, size);
            return false;
        }
    }
    while (first_left(&m) < ADVERSARY_OUTCOMES) {
        unsigned left = first_left(&m);
        if (!place(&m, unseen)) {
            (void)snprintf(text, size, "%s: %" PRIu64 " more than the peer can account for",
                           adversary_outcome_names[left], m.left.of[left]);
            return false;
        }
    }
    return true;
}
