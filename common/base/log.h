/* log: leveled lines on stderr, as text or one JSON object a line. Thread-safe (one write a line).
 * Results never go through here: they go to stdout. */
#ifndef QN_BASE_LOG_H
#define QN_BASE_LOG_H

#include <stdbool.h>

enum qn_log_level { QN_LOG_ERROR, QN_LOG_WARN, QN_LOG_INFO, QN_LOG_DEBUG };

struct qn_log_options {
    enum qn_log_level level; /* lines above it are dropped */
    bool json;
    bool color;
    const char *who; /* "coordinator", "worker 3f2a"; borrowed for the process's life */
};

/* Call once before threads start. */
void qn_log_setup(const struct qn_log_options *wanted);

void qn_log(enum qn_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define qn_log_error(...) qn_log(QN_LOG_ERROR, __VA_ARGS__)
#define qn_log_warn(...) qn_log(QN_LOG_WARN, __VA_ARGS__)
#define qn_log_info(...) qn_log(QN_LOG_INFO, __VA_ARGS__)
#define qn_log_debug(...) qn_log(QN_LOG_DEBUG, __VA_ARGS__)

#endif
