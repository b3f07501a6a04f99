/* jsonl_fault: why a record was refused, in the words that quarantine and errors use. */
#ifndef QN_SOURCES_JSONL_FAULT_H
#define QN_SOURCES_JSONL_FAULT_H

#include "sources/jsonl_rows.h"

enum { QN_JSONL_MESSAGE = 320, QN_JSONL_NAME = 200 };

struct qn_jsonl_complaint {
    const char *rule;           /* static: "syntax", "encoding", "key", "type", "limit" */
    char column[QN_JSONL_NAME]; /* empty: the record as a whole */
    char message[QN_JSONL_MESSAGE];
};

/* Of `refused`, in bytes[0 .. end); of a value of the wrong type its column and cell are given. */
void qn_jsonl_fault_describe(const char *bytes, size_t end, struct qn_json_spot spot,
                             const struct qn_jsonl_node *node, const struct qn_field *of,
                             struct qn_jsonl_cell cell, struct qn_jsonl_complaint *out);

/* Where in the record the fault is: line ends before it, and its column in its line, from 1, in
 * characters. */
void qn_jsonl_fault_place(const char *bytes, size_t at, size_t fault_at, uint64_t *line,
                          uint64_t *column);

#endif
