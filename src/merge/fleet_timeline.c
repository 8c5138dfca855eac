#include "fleet.h"

#include <math.h>

#include "units.h"
#include "utc.h"

static bool is_measured(const struct rank *rank)
{
    return !isnan(rank->from_seconds);
}

double fleet_offset(const struct fleet *fleet, const struct rank *rank)
{
    return rank->start == RANK_BARRIER ? 0 : rank->started_unix - fleet->timeline.began_unix;
}

static void fleet_find_clocks(struct fleet *fleet)
{
    struct timeline *timeline = &fleet->timeline;
    double last = fleet->ranks[0].started_unix;
    timeline->began_unix = last;
    timeline->ended_unix = fleet->ranks[0].ended_unix;
    for (size_t i = 1; i < fleet->count; i++) {
        timeline->began_unix = fmin(timeline->began_unix, fleet->ranks[i].started_unix);
        timeline->ended_unix = fmax(timeline->ended_unix, fleet->ranks[i].ended_unix);
        last = fmax(last, fleet->ranks[i].started_unix);
    }
    timeline->first_message_unix = 0;
    for (size_t i = 0; i < fleet->count; i++) {
        double first = fleet->ranks[i].first_message_unix;
        bool earlier = timeline->first_message_unix <= 0 || first < timeline->first_message_unix;
        timeline->first_message_unix =
            !isnan(first) && earlier ? first : timeline->first_message_unix;
    }
    timeline->spread = last - timeline->began_unix;
}

static void timeline_add(struct timeline *timeline, double from, double until)
{
    bool first = timeline->measured++ == 0;
    timeline->from = first ? from : fmin(timeline->from, from);
    timeline->until = first ? until : fmax(timeline->until, until);
    timeline->together_from = first ? from : fmax(timeline->together_from, from);
    timeline->together_until = first ? until : fmin(timeline->together_until, until);
}

/* The rank that began to measure last, or that ended first. */
static const struct rank *fleet_find_edge(const struct fleet *fleet, bool begin)
{
    const struct rank *edge = NULL;
    double at = 0;
    for (size_t i = 0; i < fleet->count; i++) {
        const struct rank *rank = &fleet->ranks[i];
        double offset = fleet_offset(fleet, rank);
        double time = begin ? -(offset + rank->from_seconds) : offset + rank->until_seconds;
        if (is_measured(rank) && (edge == NULL || time < at)) {
            edge = rank;
            at = time;
        }
    }
    return edge;
}

/* "rank 2 (n3, c.json) from 09:20:11.123Z to 09:20:21.123Z" */
static void say_window(const struct fleet *fleet, const struct rank *rank, struct text *out)
{
    char from[UTC_TEXT_SIZE];
    char until[UTC_TEXT_SIZE];
    double began = fleet->timeline.began_unix + fleet_offset(fleet, rank);
    text_printf(
        out, "%s from %s to %s", rank_name(rank).text,
        utc_format_time(from, sizeof(from), (uint64_t)((began + rank->from_seconds) * 1e9)),
        utc_format_time(until, sizeof(until), (uint64_t)((began + rank->until_seconds) * 1e9)));
}

static void fleet_refuse_gap(const struct fleet *fleet, struct refusals *refusals)
{
    const struct timeline *timeline = &fleet->timeline;
    double gap = timeline->together_from - timeline->together_until;
    char text[UNITS_TEXT_SIZE];
    struct text windows = {0};
    say_window(fleet, fleet_find_edge(fleet, false), &windows);
    text_printf(&windows, ", and ");
    say_window(fleet, fleet_find_edge(fleet, true), &windows);
    refuse(refusals,
           "there is no time in which all clients measured: %s, a gap of %s; start them together, "
           "by --barrier or --start-at",
           windows.failed ? "" : windows.data,
           units_format_duration(text, sizeof(text), (uint64_t)(gap * 1e9)));
    text_free(&windows);
}

void fleet_make_timeline(struct fleet *fleet, struct refusals *refusals)
{
    struct timeline *timeline = &fleet->timeline;
    *timeline = (struct timeline){.measured = 0};
    fleet_find_clocks(fleet);
    for (size_t i = 0; i < fleet->count; i++) {
        const struct rank *rank = &fleet->ranks[i];
        double offset = fleet_offset(fleet, rank);
        if (is_measured(rank)) {
            timeline_add(timeline, offset + rank->from_seconds, offset + rank->until_seconds);
        }
    }
    if (timeline->measured > 0 && timeline->together_until <= timeline->together_from) {
        fleet_refuse_gap(fleet, refusals);
    }
}
