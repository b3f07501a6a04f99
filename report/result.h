/* result: what a query of the warehouse gives, held as a whole, so that a plot can look at it
 * twice. */
#ifndef QN_REPORT_RESULT_H
#define QN_REPORT_RESULT_H

#include "base/arena.h"
#include "coordinator/store.h"

struct qn_result {
    uint32_t n, n_columns;
    const char **values; /* [n * n_columns], row by row; NULL for NULL */
};

/* Rows live in the arena. More than QN_RESULT_ROWS end with QN_ELIMIT. */
enum { QN_RESULT_ROWS = 1 << 20 };
QN_CHECK qn_code qn_result_read(struct qn_result *result, struct qn_store *store, const char *sql,
                                const char *const *params, uint32_t n_params,
                                struct qn_arena *arena, struct qn_err *err);

/* Beyond the last row: NULL. */
const char *qn_result_text(const struct qn_result *result, uint32_t row, uint32_t column);
/* NaN for NULL. */
double qn_result_number(const struct qn_result *result, uint32_t row, uint32_t column);

#endif
