/* The store's inside, for coordinator/store*.c only. */
#ifndef QN_COORDINATOR_STORE_INTERNAL_H
#define QN_COORDINATOR_STORE_INTERNAL_H

#include "coordinator/store.h"
#include "sinks/sqlite_db.h"

/* A statement that is used again and again, made at its first use. */
struct qn_store_statement {
    const char
        *sql; /* compared by address: a literal, so that the code bounds how many there are */
    sqlite3_stmt *stmt;
};

struct qn_store {
    sqlite3 *db;
    uint64_t epoch;  /* 0: a reader */
    bool failed;     /* a commit failed: what the disk holds is for the next opening to say */
    bool warned_wal; /* said once that a reader keeps the log from being emptied */
    bool closes;     /* soon: that empties the log */
    struct qn_store_statement *prepared;
    uint32_t n_prepared, prepared_capacity;
};

/* Makes what is missing, checks what is there, and raises the epoch, in a transaction that is left
 * open. */
QN_CHECK qn_code qn_store_schema_open(struct qn_store *store, struct qn_err *err);
/* QN_EINPUT unless it is a warehouse of a version we can read. */
QN_CHECK qn_code qn_store_schema_check(struct qn_store *store, struct qn_err *err);

/* The statement of a string literal, ready for binding. */
QN_CHECK qn_code qn_store_args(struct qn_store *store, const char *sql, const char *doing,
                               struct qn_sqlite_args *args, struct qn_err *err);

/* For calls that may come within the caller's transaction or outside of any. */
struct qn_store_scope {
    bool own;
};
QN_CHECK qn_code qn_store_enter(struct qn_store *store, struct qn_store_scope *scope,
                                struct qn_err *err);
/* Commits or rolls back what enter began; the first failure wins. */
QN_CHECK qn_code qn_store_leave(struct qn_store *store, struct qn_store_scope *scope, qn_code code,
                                struct qn_err *err);

/* QN_ESTATE outside of a transaction: such rows belong to one commit with others. */
QN_CHECK qn_code qn_store_inside(struct qn_store *store, const char *doing, struct qn_err *err);

/* Registers a job's model within the transaction; *version 0 when there is none. */
QN_CHECK qn_code qn_store_model_put(struct qn_store *store, const char *run_id, const char *job,
                                    const struct qn_model_finding *model, const char *spec_sha256,
                                    uint64_t seed, uint32_t *version, struct qn_err *err);

/* What was measured of a job's model (NULL: not registered), within the transaction. */
QN_CHECK qn_code qn_store_evaluation_put(struct qn_store *store, const char *run_id,
                                         const char *job, const struct qn_findings *findings,
                                         const char *model, uint32_t version, struct qn_err *err);
QN_CHECK qn_code qn_store_evaluation_forget(struct qn_store *store, const char *run_id,
                                            const char *job, struct qn_err *err);

#endif
