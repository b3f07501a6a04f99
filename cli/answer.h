/* answer: rows of a query on their way to people and programs: a table to read, or a format's
 * bytes, on stdout or in a file. */
#ifndef QN_CLI_ANSWER_H
#define QN_CLI_ANSWER_H

#include <stdio.h>

#include "flow/batch.h"
#include "flow/writer.h"

struct qn_answer {
    const struct qn_schema *schema; /* names as people see them */
    FILE *out;
    const char *path;                   /* a file; NULL: stdout */
    char *partial;                      /* where it grows until it is whole */
    const struct qn_writer_ops *format; /* NULL: a table to read */
    struct qn_writer *writer;
    struct qn_writer_options options;
    struct qn_buf bytes;
    uint64_t n_bytes, n_rows;
    uint32_t *widths; /* of a table's columns; NULL: not known yet */
    struct qn_arena arena;
    struct qn_batch *held; /* the table's first rows, for the widths */
    uint32_t n_held;
    uint64_t held_rows;
    bool closed; /* nobody reads any more */
};

/* Nothing is written before the first rows or the end: a query that fails early leaves no file. The
 * schema stays borrowed. */
QN_CHECK qn_code qn_answer_begin(struct qn_answer *answer, const struct qn_schema *schema,
                                 const struct qn_writer_ops *format, const char *path,
                                 struct qn_err *err);
QN_CHECK qn_code qn_answer_rows(struct qn_answer *answer, const struct qn_batch *batch,
                                struct qn_err *err);
/* The rest, and the file gets its name. */
QN_CHECK qn_code qn_answer_end(struct qn_answer *answer, struct qn_err *err);
/* In every case; what did not come to its end leaves no file. */
void qn_answer_fini(struct qn_answer *answer);

#endif
