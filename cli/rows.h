/* rows: what a query of the warehouse gives, on its way to stdout. */
#ifndef QN_CLI_ROWS_H
#define QN_CLI_ROWS_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

/* For SQL whose values are to be JSON: the column under its own name, quoted as JSON. */
#define QN_JSON(column) "json_quote(" column ") AS " column

struct qn_rows {
    FILE *out;
    uint32_t n; /* printed so far */
};

/* A qn_store_row_fn: a row of QN_JSON values as an object, after a comma unless it is the first. */
QN_CHECK qn_code qn_rows_json(void *rows, int n, const char *const *names,
                              const char *const *values);
/* The same without braces, for the first fields of an object. */
QN_CHECK qn_code qn_rows_json_fields(void *rows, int n, const char *const *names,
                                     const char *const *values);

/* "1234567" as "1,234,567". */
enum { QN_ROWS_NUMBER = 40 };
const char *qn_rows_grouped(const char *digits, char out[QN_ROWS_NUMBER]);

#endif
