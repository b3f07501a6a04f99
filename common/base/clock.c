#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t qn_clock_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t qn_clock_thread_us(void)
{
    return read_us(CLOCK_THREAD_CPUTIME_ID);
}

int64_t qn_clock_ms(void)
{
    return qn_clock_us() / 1000;
}

void qn_clock_iso(char out[QN_CLOCK_ISO])
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    char seconds[20]; /* 2026-01-31T12:00:00 */
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out, QN_CLOCK_ISO, "%.19s.%03uZ", seconds, (unsigned)(now.tv_nsec / 1000000) % 1000U);
}
