/* reject: rows refused, with the reason; what becomes _quern_quarantine.
 *
 * Line numbers a worker knows are relative to its chunk (0 = the line its first record starts on);
 * the coordinator adds the lines of the chunks before it. */
#ifndef QN_FLOW_REJECT_H
#define QN_FLOW_REJECT_H

#include "base/buf.h"
#include "flow/batch.h"

struct qn_reject {
    uint64_t byte_offset;   /* of the record in its file */
    uint64_t line;          /* 0-based, relative to the chunk's first record */
    struct qn_strv file;    /* as the chunk names it; empty for rows that were made */
    struct qn_strv column;  /* empty: the row as a whole */
    struct qn_strv rule;    /* "type", "columns", "quote", "encoding", "not_null", "unique", ... */
    struct qn_strv message; /* "expected integer, got '12x'" */
    struct qn_strv raw;     /* the record's bytes without its line end, made valid UTF-8 */
};

/* Grows as rows are refused; copies what it is given. */
struct qn_rejects {
    struct qn_batch_builder *rows;
};

/* Columns: file, line, byte_offset, column, rule, message, raw. */
extern const struct qn_schema qn_reject_schema;

QN_CHECK qn_code qn_rejects_init(struct qn_rejects *rejects, struct qn_err *err);
void qn_rejects_fini(struct qn_rejects *rejects);
QN_CHECK qn_code qn_rejects_add(struct qn_rejects *rejects, const struct qn_reject *reject,
                                struct qn_err *err);
uint32_t qn_rejects_count(const struct qn_rejects *rejects);

/* Row i of a batch of qn_reject_schema; texts borrow from the batch. */
struct qn_reject qn_reject_at(const struct qn_batch *batch, uint32_t row);

#endif
