/* Runs, jobs, inputs and quarantine: what a run did with its rows. */
#include <stdlib.h>

#include "base/clock.h"
#include "coordinator/store_internal.h"
#include "flow/reject.h"

/* --- staging tables of runs that are over ----------------------------------------------------- */

static qn_code list_stages(struct qn_store *store, struct qn_buf *sql, struct qn_err *err)
{
    static const char list[] = "SELECT name FROM sqlite_schema WHERE type = 'table' "
                               "AND name LIKE '\\_quern\\_stage\\_%' ESCAPE '\\'";
    static const char doing[] = "look for staging tables";
    struct qn_sqlite_args args;
    bool row = true;
    QN_TRY(qn_store_args(store, list, doing, &args, err));
    for (;;) {
        QN_TRY(qn_sqlite_next(&args, &row, doing, err));
        if (!row)
            return QN_OK;
        const char *name = (const char *)sqlite3_column_text(args.stmt, 0);
        qn_buf_printf(sql, "DROP TABLE ");
        qn_sqlite_quote(sql, name ? name : "");
        qn_buf_put_u8(sql, ';');
    }
}

static qn_code drop_stages(struct qn_store *store, struct qn_err *err)
{
    struct qn_buf sql;
    qn_buf_init(&sql);
    qn_code code = list_stages(store, &sql, err);
    if (code == QN_OK && sql.len)
        code = qn_sqlite_exec_buf(store->db, &sql, "drop staging tables", err);
    qn_buf_fini(&sql);
    return code;
}

/* --- runs ------------------------------------------------------------------------------------- */

static qn_code run_insert(struct qn_store *store, const struct qn_store_run *run, bool *is_new,
                          struct qn_err *err)
{
    static const char sql[] = "INSERT INTO _quern_runs VALUES(?,?,?,?,?,?,?,'running',?,NULL) "
                              "ON CONFLICT DO NOTHING";
    static const char doing[] = "record the run";
    char now[QN_CLOCK_ISO];
    qn_clock_iso(now);
    struct qn_sqlite_args args;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, run->run_id);
    qn_sqlite_text(&args, run->spec_name);
    qn_sqlite_text(&args, run->spec_sha256);
    qn_sqlite_strv(&args, run->spec_text);
    qn_sqlite_text(&args, run->engine_version);
    qn_sqlite_u64(&args, run->seed);
    qn_sqlite_u64(&args, store->epoch);
    qn_sqlite_text(&args, now);
    QN_TRY(qn_sqlite_run(&args, doing, err));
    *is_new = sqlite3_changes(store->db) == 1;
    return QN_OK;
}

/* A job of this run that failed gave its staged rows up: its ledger goes too; it starts anew. */
static qn_code restart_failed(struct qn_store *store, const char *run_id, struct qn_err *err)
{
#define THEIRS                                                                                     \
    " WHERE run_id = ?1 AND job IN (SELECT job FROM _quern_jobs WHERE run_id = ?1 "                \
    "AND status = 'failed')"
    static const char commits[] = "DELETE FROM _quern_commits" THEIRS;
    static const char refused[] = "DELETE FROM _quern_quarantine" THEIRS;
    static const char uses[] = "DELETE FROM _quern_model_uses" THEIRS;
    static const char jobs[] = "UPDATE _quern_jobs SET status = 'pending'" THEIRS;
    static const char runs[] = "UPDATE _quern_runs SET status = 'running', finished_at = NULL "
                               "WHERE run_id = ?1";
#undef THEIRS
    static const char *const statements[] = {commits, refused, uses, jobs, runs};
    static const char doing[] = "go on with the run";
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        struct qn_sqlite_args args;
        QN_TRY(qn_store_args(store, statements[i], doing, &args, err));
        qn_sqlite_text(&args, run_id);
        QN_TRY(qn_sqlite_run(&args, doing, err));
    }
    return QN_OK;
}

/* A run that another took the place of has lost its staged rows, and its tables may be the other's
 * by now. */
static qn_code run_resume(struct qn_store *store, const char *run_id, struct qn_err *err)
{
    static const char sql[] = "SELECT status FROM _quern_runs WHERE run_id = ?";
    static const char doing[] = "read the run";
    struct qn_sqlite_args args;
    bool row;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, run_id);
    QN_TRY(qn_sqlite_next(&args, &row, doing, err));
    bool given_up = !row || qn_strv_is(qn_sqlite_column_strv(args.stmt, 0), "cancelled");
    qn_sqlite_rewind(&args);
    if (given_up)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR,
                          "run %s was given up when another run began, and cannot go on", run_id);
    return restart_failed(store, run_id, err);
}

/* Staging tables belong to the one run that is under way. A new run takes their place, so a run
 * that was broken off before is given up. */
static qn_code supersede(struct qn_store *store, const char *run_id, struct qn_err *err)
{
    static const char runs[] = "UPDATE _quern_runs SET status = 'cancelled', finished_at = ?2 "
                               "WHERE status = 'running' AND run_id <> ?1";
    static const char jobs[] = "UPDATE _quern_jobs SET status = 'cancelled' WHERE status IN "
                               "('pending','running') AND run_id <> ?1";
    static const char doing[] = "give up earlier runs";
    char now[QN_CLOCK_ISO];
    qn_clock_iso(now);
    struct qn_sqlite_args args;
    QN_TRY(qn_store_args(store, runs, doing, &args, err));
    qn_sqlite_text(&args, run_id);
    qn_sqlite_text(&args, now);
    QN_TRY(qn_sqlite_run(&args, doing, err));
    QN_TRY(qn_store_args(store, jobs, doing, &args, err));
    qn_sqlite_text(&args, run_id);
    QN_TRY(qn_sqlite_run(&args, doing, err));
    return drop_stages(store, err);
}

qn_code qn_store_run_begin(struct qn_store *store, const struct qn_store_run *run,
                           struct qn_err *err)
{
    struct qn_store_scope scope;
    QN_TRY(qn_store_enter(store, &scope, err));
    bool is_new = false;
    qn_code code = run_insert(store, run, &is_new, err);
    if (code == QN_OK)
        code = is_new ? supersede(store, run->run_id, err) : run_resume(store, run->run_id, err);
    return qn_store_leave(store, &scope, code, err);
}

static qn_code run_finish(struct qn_store *store, const char *run_id, const char *status,
                          struct qn_err *err)
{
    static const char sql[] = "UPDATE _quern_runs SET status = ?2, finished_at = ?3 "
                              "WHERE run_id = ?1";
    static const char doing[] = "record the end of the run";
    char now[QN_CLOCK_ISO];
    qn_clock_iso(now);
    struct qn_sqlite_args args;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, run_id);
    qn_sqlite_text(&args, status);
    qn_sqlite_text(&args, now);
    QN_TRY(qn_sqlite_run(&args, doing, err));
    if (sqlite3_changes(store->db) != 1)
        return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_COORDINATOR, "there is no run %s", run_id);
    return drop_stages(store, err);
}

qn_code qn_store_run_finish(struct qn_store *store, const char *run_id, const char *status,
                            struct qn_err *err)
{
    struct qn_store_scope scope;
    QN_TRY(qn_store_enter(store, &scope, err));
    return qn_store_leave(store, &scope, run_finish(store, run_id, status, err), err);
}

/* --- jobs and inputs -------------------------------------------------------------------------- */

static qn_code job_put(struct qn_store *store, const char *run_id, const struct qn_store_job *job,
                       struct qn_err *err)
{
    static const char sql[] =
        "INSERT INTO _quern_jobs VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?) "
        "ON CONFLICT(run_id, job) DO UPDATE SET kind = excluded.kind, status = excluded.status, "
        "chunks = excluded.chunks, rows_in = excluded.rows_in, rows_out = excluded.rows_out, "
        "rows_quarantined = excluded.rows_quarantined, rows_filtered = excluded.rows_filtered, "
        "rows_deduplicated = excluded.rows_deduplicated, rows_added = excluded.rows_added, "
        "rows_absorbed = excluded.rows_absorbed, seconds = excluded.seconds";
    static const char doing[] = "record a job";
    struct qn_sqlite_args args;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, run_id);
    qn_sqlite_text(&args, job->name);
    qn_sqlite_text(&args, job->kind);
    qn_sqlite_text(&args, job->status);
    qn_sqlite_u64(&args, job->chunks);
    qn_sqlite_u64(&args, job->counters.rows_in);
    qn_sqlite_u64(&args, job->counters.rows_out);
    qn_sqlite_u64(&args, job->counters.quarantined);
    qn_sqlite_u64(&args, job->counters.filtered);
    qn_sqlite_u64(&args, job->counters.deduplicated);
    qn_sqlite_u64(&args, job->counters.added);
    qn_sqlite_u64(&args, job->counters.absorbed);
    qn_sqlite_f64(&args, job->seconds);
    return qn_sqlite_run(&args, doing, err);
}

qn_code qn_store_job_put(struct qn_store *store, const char *run_id, const struct qn_store_job *job,
                         struct qn_err *err)
{
    struct qn_store_scope scope;
    QN_TRY(qn_store_enter(store, &scope, err));
    return qn_store_leave(store, &scope, job_put(store, run_id, job, err), err);
}

static qn_code stage_put(struct qn_store *store, const char *run_id,
                         const struct qn_store_stage *stage, struct qn_err *err)
{
    static const char sql[] = "INSERT OR REPLACE INTO _quern_timings VALUES(?,?,?,?,?,?,?,?,?)";
    static const char doing[] = "record a stage";
    struct qn_sqlite_args args;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, run_id);
    qn_sqlite_text(&args, stage->job);
    qn_sqlite_u64(&args, stage->stage);
    qn_sqlite_text(&args, stage->name);
    qn_sqlite_u64(&args, stage->rounds);
    qn_sqlite_u64(&args, stage->tasks);
    qn_sqlite_f64(&args, stage->seconds);
    qn_sqlite_f64(&args, stage->worker_seconds);
    qn_sqlite_f64(&args, stage->cpu_seconds);
    return qn_sqlite_run(&args, doing, err);
}

qn_code qn_store_stage_put(struct qn_store *store, const char *run_id,
                           const struct qn_store_stage *stage, struct qn_err *err)
{
    struct qn_store_scope scope;
    QN_TRY(qn_store_enter(store, &scope, err));
    return qn_store_leave(store, &scope, stage_put(store, run_id, stage, err), err);
}

static qn_code input_put(struct qn_store *store, const char *run_id,
                         const struct qn_store_input *input, struct qn_err *err)
{
    static const char sql[] =
        "INSERT INTO _quern_inputs VALUES(?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
        "bytes = excluded.bytes, fingerprint = excluded.fingerprint, chunks = excluded.chunks, "
        "rows = excluded.rows";
    static const char doing[] = "record an input";
    struct qn_sqlite_args args;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, run_id);
    qn_sqlite_text(&args, input->job);
    qn_sqlite_text(&args, input->path);
    qn_sqlite_u64(&args, input->bytes);
    qn_sqlite_text(&args, input->fingerprint);
    qn_sqlite_u64(&args, input->chunks);
    qn_sqlite_u64(&args, input->rows);
    return qn_sqlite_run(&args, doing, err);
}

qn_code qn_store_input_put(struct qn_store *store, const char *run_id,
                           const struct qn_store_input *input, struct qn_err *err)
{
    struct qn_store_scope scope;
    QN_TRY(qn_store_enter(store, &scope, err));
    return qn_store_leave(store, &scope, input_put(store, run_id, input, err), err);
}

/* --- quarantine ------------------------------------------------------------------------------- */

static qn_code reject_put(struct qn_store *store, const char *run_id, const char *job,
                          const struct qn_reject *reject, uint64_t line_base, struct qn_err *err)
{
    static const char sql[] = "INSERT INTO _quern_quarantine VALUES(?,?,?,?,?,?,?,?,?,NULL)";
    static const char doing[] = "write the quarantine";
    struct qn_sqlite_args args;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, run_id);
    qn_sqlite_text(&args, job);
    qn_sqlite_strv_or_null(&args, reject->file);
    if (reject->file.len) {
        qn_sqlite_u64(&args, line_base + reject->line + 1);
        qn_sqlite_u64(&args, reject->byte_offset);
    } else { /* made, not read: it has no place */
        qn_sqlite_null(&args);
        qn_sqlite_null(&args);
    }
    qn_sqlite_strv_or_null(&args, reject->column);
    qn_sqlite_strv(&args, reject->rule);
    qn_sqlite_strv(&args, reject->message);
    qn_sqlite_strv(&args, reject->raw);
    return qn_sqlite_run(&args, doing, err);
}

/* A worker's batch is checked against the schema that reject_at() takes for granted. */
static qn_code check_rejects(const struct qn_batch *rejects, struct qn_err *err)
{
    bool fits = rejects->schema->n_fields == qn_reject_schema.n_fields;
    for (uint32_t i = 0; fits && i < qn_reject_schema.n_fields; i++)
        fits = qn_type_eq(rejects->columns[i].type, qn_reject_schema.fields[i].type);
    return fits ? QN_OK
                : qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "rejects have unexpected columns");
}

qn_code qn_store_quarantine_put(struct qn_store *store, const char *run_id, const char *job,
                                const struct qn_batch *rejects, uint64_t line_base,
                                struct qn_err *err)
{
    QN_TRY(qn_store_inside(store, "write the quarantine", err));
    QN_TRY(check_rejects(rejects, err));
    for (uint32_t row = 0; row < rejects->n_rows; row++) {
        struct qn_reject reject = qn_reject_at(rejects, row);
        QN_TRY(reject_put(store, run_id, job, &reject, line_base, err));
    }
    return QN_OK;
}
