/* check: a benchmark ends where something fails. */
#ifndef QN_BENCH_CHECK_H
#define QN_BENCH_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

static inline void check(qn_code code, const struct qn_err *err)
{
    char text[1024];
    if (code == QN_OK)
        return;
    qn_err_format(err, text, sizeof text);
    fprintf(stderr, "%s\n", text);
    exit(1);
}

#endif
