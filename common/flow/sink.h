/* sink: where rows end up. One sink is one file in common/sinks/ that fills one const
 * struct qn_sink_ops, and one line in sinks.def.
 *
 * A table is filled in chunks behind a staging name and becomes visible at once by publish().
 * Order of calls:  prepare, (write* and flush inside the caller's transaction)*, then publish or
 * discard. Opening transactions and the ledger are the store's (coordinator/store.h): rows and
 * ledger live in one file and commit together. */
#ifndef QN_FLOW_SINK_H
#define QN_FLOW_SINK_H

#include "flow/batch.h"
#include "flow/job.h"

struct qn_sink;

struct qn_sink_ops {
    const char *name; /* "sqlite" */
    /* Finds what a run that is gone on with has staged for `table` already. Checks that an existing
     * target of an append has fitting columns. `store` is the open warehouse: for SQLite, its
     * struct sqlite3 *. */
    QN_CHECK qn_code (*prepare)(void *store, const char *table, const struct qn_schema *schema,
                                enum qn_write_disposition disposition, struct qn_sink **out,
                                struct qn_err *err);
    /* Rows of one chunk, in order, within the transaction that the caller opened. They may be held
     * back in memory until flush(). */
    QN_CHECK qn_code (*write)(struct qn_sink *sink, const struct qn_batch *batch,
                              struct qn_err *err);
    /* Brings what was written into the transaction, once and before it is committed; a transaction
     * that loads one table loads no other. A transaction that is rolled back without it needs
     * discard() or close(). */
    QN_CHECK qn_code (*flush)(struct qn_sink *sink, struct qn_err *err);
    /* Bytes that flush() would bring. */
    size_t (*pending)(const struct qn_sink *sink);
    /* Within the caller's transaction: staging becomes (replace) or joins (append) the table. */
    QN_CHECK qn_code (*publish)(struct qn_sink *sink, struct qn_err *err);
    /* Within the transaction of a publish, after it: the table has the index. One that is there
     * already is kept when it is the same. */
    QN_CHECK qn_code (*index)(struct qn_sink *sink, const struct qn_index *index,
                              struct qn_err *err);
    /* Within the caller's transaction: staging is gone, the table as it was. */
    QN_CHECK qn_code (*discard)(struct qn_sink *sink, struct qn_err *err);
    void (*close)(struct qn_sink *sink);
};

const struct qn_sink_ops *qn_sink_find(const char *name); /* (common/sinks/registry.c) */
const struct qn_sink_ops *const *qn_sink_all(void);

#endif
