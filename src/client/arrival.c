#include "arrival.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dice.h"

/* ---- one process --------------------------------------------------------------------------- */

static double arrival_gap_ns(const struct arrival *arrival)
{
    return -log(dice_fraction(dice_at(arrival->key, arrival->index))) * arrival->mean_ns;
}

static void arrival_go_on(struct arrival *arrival)
{
    arrival->next_ns += arrival_gap_ns(arrival);
    arrival->index++;
}

void arrival_begin(struct arrival *arrival, uint64_t key, double mean_ns)
{
    assert(mean_ns > 0);
    *arrival = (struct arrival){.key = key, .mean_ns = mean_ns};
    arrival_go_on(arrival);
}

/* A time too far for 64 bits is never. */
static uint64_t arrival_ns(const struct arrival *arrival)
{
    return arrival->next_ns < 9e18 ? (uint64_t)arrival->next_ns : UINT64_C(9000000000000000000);
}

uint64_t arrival_take(struct arrival *arrival)
{
    uint64_t due_ns = arrival_ns(arrival);
    arrival_go_on(arrival);
    return due_ns;
}

/* ---- several ------------------------------------------------------------------------------- */

static void arrivals_swap(struct arrival_user *one, struct arrival_user *other)
{
    struct arrival_user kept = *one;
    *one = *other;
    *other = kept;
}

/* Moves an element down to where none below it is earlier. */
static void arrivals_sink(struct arrivals *arrivals, size_t at)
{
    struct arrival_user *users = arrivals->users;
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < arrivals->count; child++) {
            if (users[child].arrival.next_ns < users[least].arrival.next_ns) {
                least = child;
            }
        }
        if (least == at) {
            return;
        }
        arrivals_swap(&users[at], &users[least]);
        at = least;
    }
}

bool arrivals_begin(struct arrivals *arrivals, size_t count, uint64_t seed, uint64_t first,
                    uint64_t step, double mean_ns)
{
    assert(count > 0);
    *arrivals = (struct arrivals){calloc(count, sizeof(struct arrival_user)), count};
    if (arrivals->users == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        arrivals->users[i].user = i;
        arrival_begin(&arrivals->users[i].arrival, dice_key(seed, first + i * step), mean_ns);
    }
    for (size_t i = count / 2; i-- > 0;) {
        arrivals_sink(arrivals, i);
    }
    return true;
}

void arrivals_free(struct arrivals *arrivals)
{
    free(arrivals->users);
    arrivals->users = NULL;
}

uint64_t arrivals_next_ns(const struct arrivals *arrivals)
{
    return arrival_ns(&arrivals->users[0].arrival);
}

size_t arrivals_take(struct arrivals *arrivals)
{
    size_t user = arrivals->users[0].user;
    (void)arrival_take(&arrivals->users[0].arrival);
    arrivals_sink(arrivals, 0);
    return user;
}

/* ---- names --------------------------------------------------------------------------------- */

bool arrival_is_kind(const char *text)
{
    return strcmp(text, "uniform") == 0 || strcmp(text, "poisson") == 0;
}

enum arrival_kind arrival_kind(const char *text)
{
    return strcmp(text, "poisson") == 0 ? ARRIVAL_POISSON : ARRIVAL_UNIFORM;
}
