/* csv_fault: why a record was refused, in the words that quarantine and errors use. */
#ifndef QN_SOURCES_CSV_FAULT_H
#define QN_SOURCES_CSV_FAULT_H

#include "sources/csv_rows.h"

enum { QN_CSV_MESSAGE = 320 };

struct qn_csv_complaint {
    const char *rule;   /* static: "columns", "quote", "encoding", "type", "limit" */
    const char *column; /* NULL: the row as a whole */
    char message[QN_CSV_MESSAGE];
};

/* `record` has a fault; for QN_CSV_TYPE what the column is and the field are given. */
void qn_csv_fault_describe(const struct qn_csv_dialect *dialect, const char *bytes,
                           const struct qn_csv_record *record, const struct qn_field *of,
                           struct qn_csv_field field, struct qn_csv_complaint *out);

/* Where in the record the fault is: line ends before it, and its column in its line, from 1, in
 * characters. */
void qn_csv_fault_place(const char *bytes, const struct qn_csv_record *record, uint64_t *line,
                        uint64_t *column);

#endif
