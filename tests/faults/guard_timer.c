/*
 * Records what a program does to the period of Windows' timer. Each timeBeginPeriod(N) and
 * timeEndPeriod(N) adds a line "begin N" or "end N" to the file that GUARD_TIMER names. The linker
 * replaces the two functions of winmm by those here: `-Wl,--wrap=__imp_timeBeginPeriod` and so on.
 */

#include <stdio.h>
#include <stdlib.h>

#include "win.h"
/* After it. */
#include <mmsystem.h>

typedef MMRESULT(WINAPI *period_function)(UINT period);

extern period_function __real___imp_timeBeginPeriod;
extern period_function __real___imp_timeEndPeriod;
extern period_function __wrap___imp_timeBeginPeriod;
extern period_function __wrap___imp_timeEndPeriod;

static void note(const char *what, UINT period)
{
    const char *path = getenv("GUARD_TIMER");
    FILE *file = path != NULL ? fopen(path, "ab") : NULL;
    if (file != NULL) {
        (void)fprintf(file, "%s %u\n", what, period);
        (void)fclose(file);
    }
}

static MMRESULT WINAPI our_begin(UINT period)
{
    note("begin", period);
    return __real___imp_timeBeginPeriod(period);
}

static MMRESULT WINAPI our_end(UINT period)
{
    note("end", period);
    return __real___imp_timeEndPeriod(period);
}

period_function __wrap___imp_timeBeginPeriod = our_begin;
period_function __wrap___imp_timeEndPeriod = our_end;
