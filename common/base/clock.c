#include "base/clock.h"

#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

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

void qn_clock_id(char out[QN_CLOCK_ID])
{
    char now[QN_CLOCK_ISO];
    uint32_t salt = 0;
    qn_clock_iso(now);
    if (getrandom(&salt, sizeof salt, 0) != (ssize_t)sizeof salt)
        salt = (uint32_t)getpid();
    snprintf(out, QN_CLOCK_ID, "%.4s%.2s%.2sT%.2s%.2s%.2s-%08x", now, now + 5, now + 8, now + 11,
             now + 14, now + 17, salt);
}

bool qn_clock_is_id(const char *text)
{
    static const char shape[] = "ddddddddTdddddd-xxxxxxxx";
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        bool hex = digit || (text[i] >= 'a' && text[i] <= 'f');
        if (shape[i] == 'd' ? !digit : shape[i] == 'x' ? !hex : text[i] != shape[i])
            return false;
    }
    return true;
}
