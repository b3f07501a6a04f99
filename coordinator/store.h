/* store: the warehouse as the coordinator sees it: one SQLite connection that writes, ever; the
 * system tables; the ledger in the same transaction as the rows.
 *
 * Every failure of the disk is final: the coordinator stops and is started again. */
#ifndef QN_COORDINATOR_STORE_H
#define QN_COORDINATOR_STORE_H

#include "base/hash.h"
#include "flow/job.h"
#include "flow/sink.h"

struct qn_store;

/* Opens (creates) the warehouse, its system tables, and raises its epoch by one, in a transaction
 * that is left open: what the caller writes first goes with it, and nobody is to be told the epoch
 * before it is committed. */
QN_CHECK qn_code qn_store_open(const char *path, struct qn_store **out, struct qn_err *err);
/* The same for a warehouse that does not outlive its run: a crash of the machine may spoil it. */
QN_CHECK qn_code qn_store_open_fleeting(const char *path, struct qn_store **out,
                                        struct qn_err *err);
/* Read-only, for status, digest and models; no epoch is taken. QN_ENOTFOUND when there is none. */
QN_CHECK qn_code qn_store_open_reader(const char *path, struct qn_store **out, struct qn_err *err);
void qn_store_close(struct qn_store *store);
uint64_t qn_store_epoch(const struct qn_store *store);
void *qn_store_connection(struct qn_store *store); /* for qn_sink_ops.prepare */

/* Transactions do not nest. After a failed commit nothing more is written: QN_ESTATE. begin checks
 * that the epoch is still ours (QN_ESTATE: another coordinator took the warehouse). */
QN_CHECK qn_code qn_store_begin(struct qn_store *store, struct qn_err *err);
QN_CHECK qn_code qn_store_commit(struct qn_store *store, struct qn_err *err);
/* The next commit is the last one: its log is copied into the file by closing, while others clean
 * up, and not before the commit returns. */
void qn_store_leave_log(struct qn_store *store);
void qn_store_rollback(struct qn_store *store);

/* Within a transaction: what is written between the two is kept, or taken back alone. They do not
 * nest. */
QN_CHECK qn_code qn_store_mark(struct qn_store *store, struct qn_err *err);
QN_CHECK qn_code qn_store_unmark(struct qn_store *store, bool keep, struct qn_err *err);

struct qn_store_run {
    const char *run_id, *spec_name, *spec_sha256;
    struct qn_strv spec_text;
    const char *engine_version;
    uint64_t seed;
};
/* Status running, for a new run or one to go on with; within a transaction or in one of its own, as
 * run_finish, job_put and input_put. Comes before any sink's prepare(): a new run takes the place
 * of unfinished ones, which become cancelled, and drops all staging tables. QN_ESTATE: this run was
 * given up so; begin a new one. A job that had failed in it starts anew (its ledger and quarantine
 * rows go). */
QN_CHECK qn_code qn_store_run_begin(struct qn_store *store, const struct qn_store_run *run,
                                    struct qn_err *err);
/* Drops what staging tables are left. */
QN_CHECK qn_code qn_store_run_finish(struct qn_store *store, const char *run_id, const char *status,
                                     struct qn_err *err);

struct qn_store_job {
    const char *name, *kind, *status;
    uint64_t chunks;
    struct qn_counters counters;
    double seconds;
};
QN_CHECK qn_code qn_store_job_put(struct qn_store *store, const char *run_id,
                                  const struct qn_store_job *job, struct qn_err *err);

/* What a stage of a finished job took; see _quern_timings in docs/warehouse.md. */
struct qn_store_stage {
    const char *job, *name;
    uint32_t stage, rounds, tasks;
    double seconds, worker_seconds, cpu_seconds;
};
QN_CHECK qn_code qn_store_stage_put(struct qn_store *store, const char *run_id,
                                    const struct qn_store_stage *stage, struct qn_err *err);

struct qn_store_input {
    const char *job, *path, *fingerprint;
    uint64_t bytes, chunks, rows;
};
QN_CHECK qn_code qn_store_input_put(struct qn_store *store, const char *run_id,
                                    const struct qn_store_input *input, struct qn_err *err);

/* The ledger. One row says that (run, job, stage, unit) is committed, for ever. */
struct qn_ledger_row {
    const char *run_id, *job;
    uint32_t stage, round, unit, attempt;
    uint64_t rows;
    uint64_t part_bytes;
    struct qn_hash128 digest; /* of the part's bytes */
    struct qn_counters counters;
    struct qn_chunk_result chunk;
};
/* Within a transaction. QN_EEXISTS: already committed, nothing changed. */
QN_CHECK qn_code qn_store_ledger_put(struct qn_store *store, const struct qn_ledger_row *row,
                                     struct qn_err *err);
/* All of a run's rows in (job, stage, round, unit) order, without those of failed jobs; texts live
 * in the arena. */
QN_CHECK qn_code qn_store_ledger_read(struct qn_store *store, const char *run_id,
                                      struct qn_arena *arena, struct qn_ledger_row **rows,
                                      uint32_t *n, struct qn_err *err);

/* Within a transaction: a batch of qn_reject_schema; line_base is added to lines (then 1-based). */
QN_CHECK qn_code qn_store_quarantine_put(struct qn_store *store, const char *run_id,
                                         const char *job, const struct qn_batch *rejects,
                                         uint64_t line_base, struct qn_err *err);

/* Within a transaction: tests, profile, metrics and model of a finished job. A model gets the
 * next version of its name, and its alias when it was promoted; *version 0: no model. */
QN_CHECK qn_code qn_store_findings_put(struct qn_store *store, const char *run_id, const char *job,
                                       const struct qn_findings *findings, const char *spec_sha256,
                                       uint64_t seed, uint32_t *version, struct qn_err *err);

/* A model's artefact (checked against its SHA-256) and version by name and selector ("@champion",
 * ":3", "" = latest). QN_ENOTFOUND names what there is. */
QN_CHECK qn_code qn_store_model_read(struct qn_store *store, const char *name, const char *selector,
                                     struct qn_buf *artefact, uint32_t *version,
                                     struct qn_err *err);

/* The model that a job of a run reads. What is found the first time (also that there is none) is
 * written to _quern_model_uses and holds for the rest of the run, whatever happens to the alias. */
QN_CHECK qn_code qn_store_model_use(struct qn_store *store, const char *run_id,
                                    const struct qn_job *job, struct qn_buf *artefact,
                                    uint32_t *version, struct qn_err *err);

/* One step in an alias's history. */
struct qn_store_move {
    const char *name, *alias;
    const char *action; /* "promote" or "rollback" */
    uint32_t version;   /* that the alias has from now on */
    const char *run_id; /* NULL: a person did it */
    const char *note;   /* NULL: none */
};
/* Within a transaction. */
QN_CHECK qn_code qn_store_alias_move(struct qn_store *store, const struct qn_store_move *move,
                                     struct qn_err *err);
/* Gives the alias back to the version that had it before. Rolling back again goes further back:
 * promotions are undone one by one. QN_ENOTFOUND when there is no such alias, or no version before
 * this one. Within a transaction. */
QN_CHECK qn_code qn_store_alias_rollback(struct qn_store *store, const char *name,
                                         const char *alias, const char *note, uint32_t *from,
                                         uint32_t *to, struct qn_err *err);

/* Only statements that read; `each` may stop it with any code, which is returned. Values are NULL
 * for NULL and good until `each` returns. Secondary: everything a summary or `status`, `models`
 * prints is read with plain SQL. */
typedef qn_code (*qn_store_row_fn)(void *context, int n_columns, const char *const *names,
                                   const char *const *values);
QN_CHECK qn_code qn_store_query(struct qn_store *store, const char *sql, const char *const *params,
                                uint32_t n_params, qn_store_row_fn each, void *context,
                                struct qn_err *err);

/* SHA-256 per user table (schema and rows in rowid order) and per model version (artefact), sorted
 * by kind and name; `each` gets kind ("table" or "model"), name, hex. Equal when two warehouses
 * hold the same answer. */
QN_CHECK qn_code qn_store_digest(struct qn_store *store,
                                 qn_code (*each)(void *context, const char *kind, const char *name,
                                                 const char *sha256),
                                 void *context, struct qn_err *err);

#endif
