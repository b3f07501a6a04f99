/* clock: the only place that reads the time. Pure modules are handed `now_ms` instead. */
#ifndef QN_BASE_CLOCK_H
#define QN_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Monotonic since an arbitrary start. */
int64_t qn_clock_ms(void);
int64_t qn_clock_us(void);

/* Processor time that the calling thread has used. */
int64_t qn_clock_thread_us(void);

/* UTC wall time as ISO-8601 with milliseconds: "2026-01-31T12:00:00.123Z". */
enum { QN_CLOCK_ISO = 25 };
void qn_clock_iso(char out[QN_CLOCK_ISO]);

/* A name that nobody has, time first, so that such names sort by age: 20260131T120000-1a2b3c4d. */
enum { QN_CLOCK_ID = 25 };
void qn_clock_id(char out[QN_CLOCK_ID]);
/* Whether a text begins with such a name. */
bool qn_clock_is_id(const char *text);

#endif
