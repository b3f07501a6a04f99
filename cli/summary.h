/* summary: what a run came to, for a person or (JSON) for a program, read from the warehouse. */
#ifndef QN_CLI_SUMMARY_H
#define QN_CLI_SUMMARY_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

QN_CHECK qn_code qn_summary_print(FILE *out, const char *warehouse, const char *run_id, bool json,
                                  struct qn_err *err);

#endif
