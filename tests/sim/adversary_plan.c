#include "adversary_plan.h"

#include <assert.h>

#include "random.h"

#define MILLISECOND UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)

#define BYTES_MAX UINT64_C(65536) /* of all messages of a run */
#define REQUESTS_MAX 60
#define AMOUNT_MAX 64 /* bytes that are left out, repeated or invented at once */
#define EXTRA_MIN 16  /* this many invented bytes are never right by chance */
#define PAUSE_MAX (20 * MILLISECOND)

static uint64_t draw(uint64_t *state, uint64_t limit)
{
    return random_mixed(state) % limit;
}

static uint64_t one_of(uint64_t *state, const uint64_t *values, size_t count)
{
    return values[draw(state, count)];
}

#define ONE_OF(state, ...)                                                                         \
    one_of(state, (const uint64_t[]){__VA_ARGS__},                                                 \
           sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void draw_peer(struct adversary_run *run, uint64_t *state)
{
    run->bad = draw(state, 8) == 0 ? 0 : (size_t)(1 + draw(state, 6));
    run->accepts = SIZE_MAX;
    run->listens = SIZE_MAX;
    switch (draw(state, 12)) {
    case 0:
        run->accepts = (size_t)draw(state, 4);
        run->hold_ns = ONE_OF(state, 0, 20 * MILLISECOND);
        break;
    case 1:
        run->listens = 1 + (size_t)draw(state, 4);
        break;
    default:
        break;
    }
}

void adversary_draw_run(struct adversary_run *run, uint64_t seed)
{
    uint64_t state = seed * UINT64_C(0x2545f4914f6cdd1d);
    *run = (struct adversary_run){
        .seed = seed,
        .size = ONE_OF(&state, 1, 2, 16, 100, 1000, 4096, 20000),
        .depth = ONE_OF(&state, 1, 1, 2, 4),
        .lifetime = ONE_OF(&state, 0, 0, 1, 3),
        .rate = ONE_OF(&state, 0, 0, 0, 100, 1000),
        .connections = (size_t)ONE_OF(&state, 1, 2, 4),
        .duration_ns = ONE_OF(&state, 0, 0, 0, 50 * MILLISECOND, 300 * MILLISECOND),
        .timeout_ns = SECOND,
        .drain_timeout_ns = ONE_OF(&state, 0, 200 * MILLISECOND, 5 * SECOND),
        .give_up_ns = 5 * SECOND / 2,
        .allow_drain = draw(&state, 3) == 0,
        .stop_on_error = draw(&state, 5) == 0,
    };
    uint64_t most = BYTES_MAX / run->size < REQUESTS_MAX ? BYTES_MAX / run->size : REQUESTS_MAX;
    run->requests = run->connections + draw(&state, most);
    if (run->requests * run->size > BYTES_MAX) {
        run->requests = most;
    }
    draw_peer(run, &state);
}

size_t adversary_bytes_max(const struct adversary_run *run)
{
    return (size_t)(run->requests * run->size) + (ADVERSARY_MOVES + 1) * AMOUNT_MAX;
}

static void draw_ends(struct adversary_move *move, uint64_t *state)
{
    static const enum adversary_kind kinds[] = {ADVERSARY_SILENT, ADVERSARY_FIN, ADVERSARY_CLOSE,
                                                ADVERSARY_RESET};
    move->kind = kinds[draw(state, 4)];
}

static void draw_move(struct adversary_move *move, const struct adversary_run *run, uint64_t *state)
{
    move->amount = 1 + draw(state, AMOUNT_MAX);
    switch (draw(state, 16)) {
    case 0:
        move->kind = ADVERSARY_FLIP;
        break;
    case 1:
        move->kind = ADVERSARY_DROP;
        break;
    case 2:
        move->kind = ADVERSARY_REPEAT;
        break;
    case 3:
        move->kind = ADVERSARY_EXTRA;
        move->amount = EXTRA_MIN + draw(state, AMOUNT_MAX - EXTRA_MIN);
        break;
    case 4:
    case 5:
        move->kind = ADVERSARY_PAUSE;
        move->amount = draw(state, PAUSE_MAX);
        if (draw(state, 4) == 0) { /* about as long as the client waits */
            move->amount += run->timeout_ns - PAUSE_MAX * 3 / 4;
        }
        break;
    case 6:
        move->kind = ADVERSARY_DEAF;
        break;
    case 7:
    case 8:
        draw_ends(move, state);
        break;
    default: /* whole messages, or any part of them */
        move->kind = ADVERSARY_ANSWER;
        move->amount =
            draw(state, 2) == 0 ? run->size * (1 + draw(state, 3)) : 1 + draw(state, run->size * 3);
        break;
    }
}

void adversary_draw_plan(struct adversary_plan *plan, const struct adversary_run *run, size_t index)
{
    uint64_t state = (run->seed + 1) * UINT64_C(0x9fb21c651e98df25) + index;
    *plan = (struct adversary_plan){.last = ADVERSARY_LAST_FIN, .piece = SIZE_MAX};
    (void)draw(&state, 2);
    if (index >= run->bad) {
        return;
    }
    plan->piece = (size_t)ONE_OF(&state, 1 + run->size / 7, run->size, SIZE_MAX);
    plan->last = (enum adversary_last)ONE_OF(
        &state, ADVERSARY_LAST_FIN, ADVERSARY_LAST_FIN, ADVERSARY_LAST_LATE, ADVERSARY_LAST_EXTRA,
        ADVERSARY_LAST_RESET, ADVERSARY_LAST_RESET, ADVERSARY_LAST_SILENT);
    plan->move_count = (size_t)draw(&state, ADVERSARY_MOVES + 1);
    for (size_t i = 0; i < plan->move_count; i++) {
        draw_move(&plan->moves[i], run, &state);
    }
}
