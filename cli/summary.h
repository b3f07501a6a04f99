/* summary: what a run came to, for a person or (JSON) for a program, read from the warehouse. */
#ifndef QN_CLI_SUMMARY_H
#define QN_CLI_SUMMARY_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

/* What the coordinator's process took itself. */
struct qn_summary_cost {
    double seconds, cpu_seconds;
    double peak_bytes; /* of memory */
};

/* `cost` is NULL for a run of another process. */
QN_CHECK qn_code qn_summary_print(FILE *out, const char *warehouse, const char *run_id, bool json,
                                  const struct qn_summary_cost *cost, struct qn_err *err);

#endif
