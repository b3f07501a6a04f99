/* rows: what a query of the warehouse gives, on its way to stdout. */
#ifndef QN_CLI_ROWS_H
#define QN_CLI_ROWS_H

#include <stdint.h>
#include <stdio.h>

#include "coordinator/store.h"

/* Columns by name, apart by blanks; one that holds JSON already ends in '*'. */
struct qn_rows_query {
    const char *columns;
    const char *from; /* the rest of the statement: "from t where run_id = ?1" */
};

/* Objects with commas between them, as between the brackets of an array. */
QN_CHECK qn_code qn_rows_json(FILE *out, struct qn_store *store, const struct qn_rows_query *query,
                              const char *const *params, uint32_t n_params, struct qn_err *err);
/* The fields of the only row, without braces. */
QN_CHECK qn_code qn_rows_json_fields(FILE *out, struct qn_store *store,
                                     const struct qn_rows_query *query, const char *const *params,
                                     uint32_t n_params, struct qn_err *err);

/* "1234567" as "1,234,567". */
enum { QN_ROWS_NUMBER = 40 };
const char *qn_rows_grouped(const char *digits, char out[QN_ROWS_NUMBER]);

#endif
