/* The system tables (docs/warehouse.md) and their version. */
#include <inttypes.h>

#include "coordinator/store_internal.h"

/* Raised when a table changes its meaning or shape, together with a step in `upgrade` that takes
 * files of the version before to it. */
enum { SCHEMA_VERSION = 5 };

static const char *const tables[] = {
    "CREATE TABLE _quern_meta(key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID",

    "CREATE TABLE _quern_runs(run_id TEXT PRIMARY KEY, spec_name TEXT NOT NULL,"
    " spec_sha256 TEXT NOT NULL, spec_text TEXT NOT NULL, engine_version TEXT NOT NULL,"
    " seed INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " status TEXT NOT NULL CHECK(status IN"
    " ('pending','running','success','failed','cancelled','skipped')),"
    " started_at TEXT NOT NULL, finished_at TEXT) STRICT",

    "CREATE TABLE _quern_jobs(run_id TEXT NOT NULL, job TEXT NOT NULL, kind TEXT NOT NULL,"
    " status TEXT NOT NULL CHECK(status IN"
    " ('pending','running','success','failed','cancelled','skipped')),"
    " chunks INTEGER NOT NULL, rows_in INTEGER NOT NULL, rows_out INTEGER NOT NULL,"
    " rows_quarantined INTEGER NOT NULL, rows_filtered INTEGER NOT NULL,"
    " rows_deduplicated INTEGER NOT NULL, rows_added INTEGER NOT NULL,"
    " rows_absorbed INTEGER NOT NULL, seconds REAL, PRIMARY KEY(run_id, job)) STRICT",

    "CREATE TABLE _quern_timings(run_id TEXT NOT NULL, job TEXT NOT NULL,"
    " stage INTEGER NOT NULL, name TEXT NOT NULL, rounds INTEGER NOT NULL,"
    " tasks INTEGER NOT NULL, seconds REAL NOT NULL, worker_seconds REAL NOT NULL,"
    " cpu_seconds REAL NOT NULL, PRIMARY KEY(run_id, job, stage)) STRICT, WITHOUT ROWID",

    "CREATE TABLE _quern_commits(run_id TEXT NOT NULL, job TEXT NOT NULL,"
    " stage INTEGER NOT NULL, round INTEGER NOT NULL, chunk INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL, rows INTEGER NOT NULL, digest TEXT NOT NULL,"
    " part_bytes INTEGER NOT NULL, rows_in INTEGER NOT NULL, rows_out INTEGER NOT NULL,"
    " rows_quarantined INTEGER NOT NULL, rows_filtered INTEGER NOT NULL,"
    " rows_deduplicated INTEGER NOT NULL, rows_added INTEGER NOT NULL,"
    " rows_absorbed INTEGER NOT NULL, first_start INTEGER NOT NULL, next_start INTEGER NOT NULL,"
    " lines INTEGER NOT NULL, records INTEGER NOT NULL, skipped INTEGER NOT NULL,"
    " PRIMARY KEY(run_id, job, stage, round, chunk)) STRICT, WITHOUT ROWID",

    "CREATE TABLE _quern_inputs(run_id TEXT NOT NULL, job TEXT NOT NULL, file TEXT NOT NULL,"
    " bytes INTEGER NOT NULL, fingerprint TEXT NOT NULL, chunks INTEGER NOT NULL,"
    " rows INTEGER NOT NULL, PRIMARY KEY(run_id, job, file)) STRICT, WITHOUT ROWID",

    "CREATE TABLE _quern_quarantine(run_id TEXT NOT NULL, job TEXT NOT NULL, file TEXT,"
    " line INTEGER, byte_offset INTEGER, \"column\" TEXT, rule TEXT NOT NULL,"
    " message TEXT NOT NULL, raw TEXT NOT NULL, replayed_in TEXT) STRICT",

    "CREATE TABLE _quern_tests(run_id TEXT NOT NULL, job TEXT NOT NULL, \"column\" TEXT,"
    " test TEXT NOT NULL, severity TEXT NOT NULL CHECK(severity IN ('error','warn')),"
    " status TEXT NOT NULL CHECK(status IN ('pass','warn','fail','error')),"
    " failures INTEGER NOT NULL, rows INTEGER NOT NULL, message TEXT) STRICT",

    "CREATE TABLE _quern_profile(run_id TEXT NOT NULL, job TEXT NOT NULL,"
    " \"column\" TEXT NOT NULL, type TEXT NOT NULL, rows INTEGER NOT NULL,"
    " nulls INTEGER NOT NULL, imputed INTEGER NOT NULL, distinct_count INTEGER NOT NULL,"
    " distinct_approximate INTEGER NOT NULL, min TEXT, max TEXT, mean REAL, stddev REAL,"
    " quantiles TEXT, top_values TEXT, histogram TEXT) STRICT",

    "CREATE TABLE _quern_watermarks(job TEXT NOT NULL, cursor TEXT NOT NULL, value TEXT,"
    " run_id TEXT NOT NULL, PRIMARY KEY(job, cursor)) STRICT, WITHOUT ROWID",

    "CREATE TABLE _quern_models(name TEXT NOT NULL, version INTEGER NOT NULL,"
    " algorithm TEXT NOT NULL, artefact BLOB NOT NULL, sha256 TEXT NOT NULL,"
    " parameters TEXT NOT NULL, run_id TEXT NOT NULL, job TEXT NOT NULL,"
    " spec_sha256 TEXT NOT NULL, seed INTEGER NOT NULL, engine_version TEXT NOT NULL,"
    " created_at TEXT NOT NULL, predictions TEXT, PRIMARY KEY(name, version)) STRICT",

    "CREATE TABLE _quern_model_aliases(name TEXT NOT NULL, alias TEXT NOT NULL,"
    " version INTEGER NOT NULL, run_id TEXT, note TEXT, set_at TEXT NOT NULL,"
    " PRIMARY KEY(name, alias)) STRICT, WITHOUT ROWID",

    "CREATE TABLE _quern_model_metrics(run_id TEXT NOT NULL, job TEXT NOT NULL, name TEXT,"
    " version INTEGER, split TEXT NOT NULL, metric TEXT NOT NULL, value REAL,"
    " PRIMARY KEY(run_id, job, split, metric)) STRICT, WITHOUT ROWID",
};

/* Since version 2. */
static const char *const evaluation_tables[] = {
    "CREATE TABLE _quern_model_moves(name TEXT NOT NULL, alias TEXT NOT NULL,"
    " move INTEGER NOT NULL, action TEXT NOT NULL CHECK(action IN ('promote','rollback')),"
    " version INTEGER NOT NULL, run_id TEXT, note TEXT, moved_at TEXT NOT NULL,"
    " PRIMARY KEY(name, alias, move)) STRICT, WITHOUT ROWID",

    "CREATE TABLE _quern_model_uses(run_id TEXT NOT NULL, job TEXT NOT NULL,"
    " name TEXT NOT NULL, version INTEGER, PRIMARY KEY(run_id, job)) STRICT, WITHOUT ROWID",

    "CREATE TABLE _quern_model_bins(run_id TEXT NOT NULL, job TEXT NOT NULL, name TEXT,"
    " version INTEGER, split TEXT NOT NULL, kind TEXT NOT NULL, bin INTEGER NOT NULL,"
    " rows INTEGER NOT NULL, positives INTEGER NOT NULL, low REAL NOT NULL, high REAL NOT NULL,"
    " mean_score REAL NOT NULL, positive_share REAL NOT NULL, lift REAL, gain REAL,"
    " PRIMARY KEY(run_id, job, split, kind, bin)) STRICT, WITHOUT ROWID",

    "CREATE TABLE _quern_model_curves(run_id TEXT NOT NULL, job TEXT NOT NULL, name TEXT,"
    " version INTEGER, split TEXT NOT NULL, point INTEGER NOT NULL, threshold REAL NOT NULL,"
    " true_positives INTEGER NOT NULL, false_positives INTEGER NOT NULL,"
    " true_positive_rate REAL NOT NULL, false_positive_rate REAL NOT NULL,"
    " precision REAL NOT NULL, PRIMARY KEY(run_id, job, split, point)) STRICT, WITHOUT ROWID",

    "CREATE TABLE _quern_model_slices(run_id TEXT NOT NULL, job TEXT NOT NULL, name TEXT,"
    " version INTEGER, split TEXT NOT NULL, \"column\" TEXT NOT NULL, slice TEXT,"
    " metric TEXT NOT NULL, value REAL NOT NULL) STRICT",

    "CREATE TABLE _quern_model_comparisons(run_id TEXT NOT NULL, job TEXT NOT NULL,"
    " name TEXT NOT NULL, version INTEGER NOT NULL, rule INTEGER NOT NULL, alias TEXT NOT NULL,"
    " against INTEGER NOT NULL, split TEXT NOT NULL, metric TEXT NOT NULL,"
    " rows INTEGER NOT NULL, positives INTEGER NOT NULL, value REAL, against_value REAL,"
    " difference REAL, std_error REAL, confidence REAL NOT NULL, low REAL,"
    " margin REAL NOT NULL, holds INTEGER NOT NULL, PRIMARY KEY(run_id, job, rule))"
    " STRICT, WITHOUT ROWID",
};
static const char candidates_table[] =
    "CREATE TABLE _quern_model_candidates(run_id TEXT NOT NULL, job TEXT NOT NULL, name TEXT,"
    " version INTEGER, candidate INTEGER NOT NULL, params TEXT NOT NULL, fold INTEGER,"
    " share REAL NOT NULL, metric TEXT NOT NULL, value REAL NOT NULL,"
    " chosen INTEGER NOT NULL) STRICT";

/* Since version 4. */
static const char drift_table[] =
    "CREATE TABLE _quern_drift(run_id TEXT NOT NULL, job TEXT NOT NULL, name TEXT NOT NULL,"
    " version INTEGER NOT NULL, feature TEXT NOT NULL, psi REAL NOT NULL, js REAL NOT NULL,"
    " rows INTEGER NOT NULL, baseline_rows INTEGER NOT NULL, bins TEXT NOT NULL,"
    " PRIMARY KEY(run_id, job, feature)) STRICT, WITHOUT ROWID";

/* Since version 5. */
static const char importance_table[] =
    "CREATE TABLE _quern_model_importance(run_id TEXT NOT NULL, job TEXT NOT NULL, name TEXT,"
    " version INTEGER, kind TEXT NOT NULL CHECK(kind IN ('gain','permutation','shap')),"
    " feature TEXT NOT NULL, metric TEXT, value REAL NOT NULL, spread REAL, repeats INTEGER,"
    " rows INTEGER, PRIMARY KEY(run_id, job, kind, feature)) STRICT, WITHOUT ROWID";
static const char shap_table[] =
    "CREATE TABLE _quern_model_shap(run_id TEXT NOT NULL, job TEXT NOT NULL, name TEXT,"
    " version INTEGER, feature TEXT NOT NULL, low REAL NOT NULL, high REAL NOT NULL,"
    " level INTEGER, rows INTEGER NOT NULL) STRICT";

enum {
    N_TABLES = sizeof tables / sizeof tables[0],
    N_EVALUATION_TABLES = sizeof evaluation_tables / sizeof evaluation_tables[0]
};

/* --- version ---------------------------------------------------------------------------------- */

/* *version 0: not a warehouse yet. */
static qn_code read_version(struct qn_store *store, int64_t *version, struct qn_err *err)
{
    static const char look[] = "SELECT 1 FROM sqlite_schema WHERE name = '_quern_meta'";
    static const char sql[] = "SELECT value FROM _quern_meta WHERE key = 'schema_version'";
    static const char doing[] = "read the warehouse's version";
    *version = 0;
    sqlite3_stmt *stmt;
    bool row;
    QN_TRY(qn_sqlite_prepare(store->db, look, doing, &stmt, err));
    struct qn_sqlite_args args = qn_sqlite_args_of(stmt);
    qn_code code = qn_sqlite_next(&args, &row, doing, err);
    sqlite3_finalize(stmt);
    if (code != QN_OK || !row)
        return code;
    QN_TRY(qn_sqlite_prepare(store->db, sql, doing, &stmt, err));
    args = qn_sqlite_args_of(stmt);
    code = qn_sqlite_next(&args, &row, doing, err);
    if (code == QN_OK && row)
        *version = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    if (code == QN_OK && *version < 1)
        code = qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "its table _quern_meta was not made by this engine");
    return code;
}

static qn_code refuse_newer(int64_t version, struct qn_err *err)
{
    if (version <= SCHEMA_VERSION)
        return QN_OK;
    return qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB,
                      "a newer engine made it (schema version %" PRId64 "; this one, %s, knows %d)",
                      version, QN_VERSION, SCHEMA_VERSION);
}

qn_code qn_store_schema_check(struct qn_store *store, struct qn_err *err)
{
    int64_t version;
    QN_TRY(read_version(store, &version, err));
    if (version == 0)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "it is an SQLite database without the tables of a warehouse");
    return refuse_newer(version, err);
}

/* --- opening for writing ---------------------------------------------------------------------- */

static qn_code create_tables(struct qn_store *store, struct qn_err *err)
{
    static const char doing[] = "create the system tables";
    for (int i = 0; i < N_TABLES; i++)
        QN_TRY(qn_sqlite_exec(store->db, tables[i], doing, err));
    for (int i = 0; i < N_EVALUATION_TABLES; i++)
        QN_TRY(qn_sqlite_exec(store->db, evaluation_tables[i], doing, err));
    QN_TRY(qn_sqlite_exec(store->db, candidates_table, doing, err));
    QN_TRY(qn_sqlite_exec(store->db, drift_table, doing, err));
    QN_TRY(qn_sqlite_exec(store->db, importance_table, doing, err));
    QN_TRY(qn_sqlite_exec(store->db, shap_table, doing, err));
    char sql[160];
    sqlite3_snprintf(sizeof sql, sql,
                     "INSERT INTO _quern_meta(key, value) VALUES"
                     "('schema_version', %d), ('created_by', '%q'), ('epoch', 0)",
                     SCHEMA_VERSION, QN_VERSION);
    return qn_sqlite_exec(store->db, sql, doing, err);
}

/* From version 1, which had no history of aliases: what they are now is where it begins. */
static qn_code upgrade_first(struct qn_store *store, struct qn_err *err)
{
    static const char doing[] = "bring the system tables up to date";
    static const char sql[] =
        "ALTER TABLE _quern_models ADD COLUMN predictions TEXT;"
        "INSERT INTO _quern_model_moves SELECT name, alias, 1, 'promote', version, run_id, note,"
        " set_at FROM _quern_model_aliases";
    for (int i = 0; i < N_EVALUATION_TABLES; i++)
        QN_TRY(qn_sqlite_exec(store->db, evaluation_tables[i], doing, err));
    return qn_sqlite_exec(store->db, sql, doing, err);
}

/* Step by step from an older version to this one. */
static qn_code upgrade(struct qn_store *store, int64_t version, struct qn_err *err)
{
    static const char doing[] = "bring the system tables up to date";
    char sql[80];
    if (version < 2)
        QN_TRY(upgrade_first(store, err));
    if (version < 3) {
        QN_TRY(qn_sqlite_exec(store->db, candidates_table, doing, err));
        QN_TRY(qn_sqlite_exec(store->db, "ALTER TABLE _quern_profile ADD COLUMN histogram TEXT",
                              doing, err));
    }
    if (version < 4)
        QN_TRY(qn_sqlite_exec(store->db, drift_table, doing, err));
    if (version < 5) {
        QN_TRY(qn_sqlite_exec(store->db, importance_table, doing, err));
        QN_TRY(qn_sqlite_exec(store->db, shap_table, doing, err));
    }
    sqlite3_snprintf(sizeof sql, sql, "UPDATE _quern_meta SET value = %d WHERE key = '%s'",
                     SCHEMA_VERSION, "schema_version");
    return qn_sqlite_exec(store->db, sql, doing, err);
}

static qn_code raise_epoch(struct qn_store *store, struct qn_err *err)
{
    static const char sql[] = "UPDATE _quern_meta SET value = value + 1 WHERE key = 'epoch' "
                              "AND typeof(value) = 'integer' RETURNING value";
    static const char doing[] = "raise the warehouse's epoch";
    sqlite3_stmt *stmt;
    bool row;
    uint64_t epoch = 0;
    QN_TRY(qn_sqlite_prepare(store->db, sql, doing, &stmt, err));
    struct qn_sqlite_args args = qn_sqlite_args_of(stmt);
    qn_code code = qn_sqlite_next(&args, &row, doing, err);
    if (code == QN_OK && row)
        epoch = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    if (code == QN_OK && epoch == 0)
        code = qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "its table _quern_meta holds no epoch");
    store->epoch = epoch;
    return code;
}

static qn_code open_in_transaction(struct qn_store *store, struct qn_err *err)
{
    int64_t version;
    QN_TRY(read_version(store, &version, err));
    QN_TRY(refuse_newer(version, err));
    if (version == 0)
        QN_TRY(create_tables(store, err));
    else if (version < SCHEMA_VERSION)
        QN_TRY(upgrade(store, version, err));
    return raise_epoch(store, err);
}

qn_code qn_store_schema_open(struct qn_store *store, struct qn_err *err)
{
    QN_TRY(qn_sqlite_exec(store->db, "BEGIN IMMEDIATE", "begin a transaction", err));
    qn_code code = open_in_transaction(store, err);
    if (code == QN_OK)
        return QN_OK;
    store->epoch = 0;
    qn_store_rollback(store);
    return code;
}
