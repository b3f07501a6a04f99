/* The registry of models: immutable versions, movable aliases. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "coordinator/store_internal.h"

/* --- writing ---------------------------------------------------------------------------------- */

/* The version that this run's job registered before a crash; *version 0 when it did not. */
static qn_code find_own(struct qn_store *store, const char *run_id, const char *job,
                        const struct qn_model_finding *model, const char *sha256, uint32_t *version,
                        struct qn_err *err)
{
    static const char sql[] = "SELECT version, sha256 FROM _quern_models "
                              "WHERE name = ? AND run_id = ? AND job = ?";
    static const char doing[] = "look for a model version";
    struct qn_sqlite_args args;
    bool row;
    *version = 0;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, model->name);
    qn_sqlite_text(&args, run_id);
    qn_sqlite_text(&args, job);
    QN_TRY(qn_sqlite_next(&args, &row, doing, err));
    if (!row)
        return QN_OK;
    bool same = qn_strv_is(qn_sqlite_column_strv(args.stmt, 1), sha256);
    *version = (uint32_t)sqlite3_column_int64(args.stmt, 0);
    qn_sqlite_rewind(&args);
    return same ? QN_OK
                : qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR,
                             "job %s fitted model %s again in run %s and got other bytes than "
                             "version %u",
                             job, model->name, run_id, *version);
}

static qn_code next_version(struct qn_store *store, const char *name, uint32_t *version,
                            struct qn_err *err)
{
    static const char sql[] = "SELECT coalesce(max(version), 0) FROM _quern_models WHERE name = ?";
    static const char doing[] = "number a model version";
    struct qn_sqlite_args args;
    bool row;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, name);
    QN_TRY(qn_sqlite_next(&args, &row, doing, err));
    int64_t last = row ? sqlite3_column_int64(args.stmt, 0) : 0;
    qn_sqlite_rewind(&args);
    if (last < 0 || last >= UINT32_MAX)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB, "model %s has no version number left",
                          name);
    *version = (uint32_t)last + 1;
    return QN_OK;
}

static qn_code insert_version(struct qn_store *store, const char *run_id, const char *job,
                              const struct qn_model_finding *model, const char *sha256,
                              const char *spec_sha256, uint64_t seed, uint32_t version,
                              struct qn_err *err)
{
    static const char sql[] = "INSERT INTO _quern_models VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)";
    static const char doing[] = "register a model";
    char now[QN_CLOCK_ISO];
    qn_clock_iso(now);
    struct qn_sqlite_args args;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, model->name);
    qn_sqlite_u64(&args, version);
    qn_sqlite_text(&args, model->algorithm);
    qn_sqlite_blob(&args, model->artefact);
    qn_sqlite_text(&args, sha256);
    qn_sqlite_text(&args, model->parameters ? model->parameters : "{}");
    qn_sqlite_text(&args, run_id);
    qn_sqlite_text(&args, job);
    qn_sqlite_text(&args, spec_sha256);
    qn_sqlite_u64(&args, seed);
    qn_sqlite_text(&args, QN_VERSION);
    qn_sqlite_text(&args, now);
    qn_sqlite_text(&args, model->predictions);
    return qn_sqlite_run(&args, doing, err);
}

qn_code qn_store_model_put(struct qn_store *store, const char *run_id, const char *job,
                           const struct qn_model_finding *model, const char *spec_sha256,
                           uint64_t seed, uint32_t *version, struct qn_err *err)
{
    char sha256[QN_SHA256_HEX];
    qn_sha256_of(model->artefact, sha256);
    QN_TRY(find_own(store, run_id, job, model, sha256, version, err));
    if (*version)
        return QN_OK;
    QN_TRY(next_version(store, model->name, version, err));
    QN_TRY(insert_version(store, run_id, job, model, sha256, spec_sha256, seed, *version, err));
    if (model->promote && model->alias)
        QN_TRY(qn_store_alias_move(store,
                                   &(struct qn_store_move){.name = model->name,
                                                           .alias = model->alias,
                                                           .action = "promote",
                                                           .version = *version,
                                                           .run_id = run_id,
                                                           .note = model->promote_note},
                                   err));
    return QN_OK;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Bound to (name, alias or version); the blob comes back as it was checked in. */
static qn_code select_model(struct qn_store *store, const char *name, const char *selector,
                            struct qn_sqlite_args *args, struct qn_err *err)
{
#define COLUMNS "SELECT m.version, m.artefact, m.sha256 FROM _quern_models AS m "
    static const char latest[] = COLUMNS "WHERE m.name = ? ORDER BY m.version DESC LIMIT 1";
    static const char numbered[] = COLUMNS "WHERE m.name = ? AND m.version = ?";
    static const char named[] = COLUMNS "JOIN _quern_model_aliases AS a "
                                        "ON a.name = m.name AND a.version = m.version "
                                        "WHERE a.name = ? AND a.alias = ?";
#undef COLUMNS
    static const char doing[] = "read a model";
    int64_t number = 0;
    const char *sql = selector[0] == '@' ? named : selector[0] ? numbered : latest;
    if (sql == numbered &&
        (selector[0] != ':' || !qn_strv_to_i64(qn_strv_from(selector + 1), &number) || number < 1))
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "model %s: '%s' is no selector; write @ALIAS or :VERSION", name,
                          selector);
    QN_TRY(qn_store_args(store, sql, doing, args, err));
    qn_sqlite_text(args, name);
    if (sql == named)
        qn_sqlite_text(args, selector + 1);
    else if (sql == numbered)
        qn_sqlite_u64(args, (uint64_t)number);
    return QN_OK;
}

/* Of a model whose last version missed the bar to this alias: by what, and what can be done. */
static qn_code tell_missed(struct qn_store *store, const char *name, const char *selector,
                           struct qn_buf *out, struct qn_err *err)
{
    static const char sql[] =
        "SELECT m.version, substr(t.message, instr(t.message, ': ') + 2) FROM _quern_models AS m "
        "JOIN _quern_tests AS t ON t.run_id = m.run_id AND t.job = m.job AND t.test = 'promote' "
        "AND t.status = 'warn' AND instr(t.message, ?2 || ': ') "
        "WHERE m.name = ?1 ORDER BY m.version DESC LIMIT 1";
    static const char doing[] = "read a model";
    struct qn_sqlite_args args;
    bool row;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, name);
    qn_sqlite_text(&args, selector);
    QN_TRY(qn_sqlite_next(&args, &row, doing, err));
    if (!row)
        return QN_OK;
    int64_t version = sqlite3_column_int64(args.stmt, 0);
    qn_buf_printf(out,
                  "; version %" PRId64 " was not promoted: %.*s. Score with %s:%" PRId64
                  ", change the bar in register.promote, or train a better one",
                  version, QN_STRV_ARG(qn_sqlite_column_strv(args.stmt, 1)), name, version);
    qn_sqlite_rewind(&args);
    return qn_buf_check(out, "a complaint", err);
}

/* `missed`: what tell_missed() says. */
static qn_code not_found(struct qn_store *store, const char *name, const char *selector,
                         struct qn_strv missed, struct qn_err *err)
{
    static const char sql[] =
        "SELECT max(version), (SELECT group_concat('@' || alias || CASE WHEN EXISTS (SELECT 1 FROM "
        "_quern_models AS m WHERE m.name = ?1 AND m.version = a.version) THEN '' ELSE ' (of "
        "version ' "
        "|| version || ', which is gone)' END, ', ') FROM _quern_model_aliases AS a WHERE name = "
        "?1) "
        "FROM _quern_models WHERE name = ?1";
    static const char doing[] = "read a model";
    struct qn_sqlite_args args;
    bool row;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, name);
    QN_TRY(qn_sqlite_next(&args, &row, doing, err));
    int64_t last = row ? sqlite3_column_int64(args.stmt, 0) : 0;
    struct qn_strv aliases = qn_sqlite_column_strv(args.stmt, 1);
    if (last < 1)
        qn_err_set(err, QN_ENOTFOUND, QN_BLAME_JOB, "the warehouse has no model %s", name);
    else
        qn_err_set(err, QN_ENOTFOUND, QN_BLAME_JOB,
                   "model %s has no %s%s; it has versions up to %" PRId64 "%s%.*s%.*s", name,
                   selector[0] == ':' ? "version " : "", selector + (selector[0] == ':'), last,
                   aliases.len ? " and " : " and no alias", QN_STRV_ARG(aliases),
                   QN_STRV_ARG(missed));
    qn_sqlite_rewind(&args);
    return QN_ENOTFOUND;
}

static qn_code complain_missing(struct qn_store *store, const char *name, const char *selector,
                                struct qn_err *err)
{
    struct qn_buf missed;
    qn_buf_init(&missed);
    qn_code code = tell_missed(store, name, selector, &missed, err);
    if (code == QN_OK)
        code = not_found(store, name, selector, qn_buf_strv(&missed), err);
    qn_buf_fini(&missed);
    return code;
}

/* Copies the current row's artefact, unless its bytes are not what was registered. */
static qn_code take_artefact(sqlite3_stmt *stmt, const char *name, struct qn_buf *artefact,
                             uint32_t *version, struct qn_err *err)
{
    int64_t number = sqlite3_column_int64(stmt, 0);
    const void *blob = sqlite3_column_blob(stmt, 1);
    struct qn_strv bytes = {blob, blob ? (size_t)sqlite3_column_bytes(stmt, 1) : 0};
    char sha256[QN_SHA256_HEX];
    qn_sha256_of(bytes, sha256);
    if (number < 1 || number > UINT32_MAX || !qn_strv_is(qn_sqlite_column_strv(stmt, 2), sha256))
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "model %s:%" PRId64 " is damaged: its SHA-256 is %s now", name, number,
                          sha256);
    *version = (uint32_t)number;
    qn_buf_put(artefact, bytes.data, bytes.len);
    return qn_buf_check(artefact, "a model", err);
}

qn_code qn_store_model_read(struct qn_store *store, const char *name, const char *selector,
                            struct qn_buf *artefact, uint32_t *version, struct qn_err *err)
{
    struct qn_sqlite_args args;
    bool row;
    *version = 0;
    qn_buf_clear(artefact);
    selector = selector ? selector : "";
    QN_TRY(select_model(store, name, selector, &args, err));
    QN_TRY(qn_sqlite_next(&args, &row, "read a model", err));
    if (!row)
        return complain_missing(store, name, selector, err);
    qn_code code = take_artefact(args.stmt, name, artefact, version, err);
    qn_sqlite_rewind(&args);
    return code;
}

/* --- what a run reads ------------------------------------------------------------------------- */

/* The version that this run's job settled on; *settled false when it has not yet, *version 0 when
 * there was none. */
static qn_code find_use(struct qn_store *store, const char *run_id, const char *job, bool *settled,
                        uint32_t *version, struct qn_err *err)
{
    static const char sql[] = "SELECT version FROM _quern_model_uses WHERE run_id = ? AND job = ?";
    static const char doing[] = "look for the model of a job";
    struct qn_sqlite_args args;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, run_id);
    qn_sqlite_text(&args, job);
    QN_TRY(qn_sqlite_next(&args, settled, doing, err));
    *version = *settled ? (uint32_t)sqlite3_column_int64(args.stmt, 0) : 0;
    if (*settled)
        qn_sqlite_rewind(&args);
    return QN_OK;
}

static qn_code use_put(struct qn_store *store, const char *run_id, const char *job,
                       const char *name, uint32_t version, struct qn_err *err)
{
    static const char sql[] = "INSERT INTO _quern_model_uses VALUES(?,?,?,?)";
    static const char doing[] = "record the model of a job";
    struct qn_sqlite_args args;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, run_id);
    qn_sqlite_text(&args, job);
    qn_sqlite_text(&args, name);
    if (version)
        qn_sqlite_u64(&args, version);
    else
        qn_sqlite_null(&args);
    return qn_sqlite_run(&args, doing, err);
}

static qn_code settle(struct qn_store *store, const char *run_id, const struct qn_job *job,
                      struct qn_buf *artefact, uint32_t *version, struct qn_err *err)
{
    bool settled;
    char selector[16];
    QN_TRY(find_use(store, run_id, job->name, &settled, version, err));
    if (settled && *version == 0)
        return QN_OK;
    snprintf(selector, sizeof selector, ":%u", *version);
    qn_code code = qn_store_model_read(store, job->model, settled ? selector : job->model_selector,
                                       artefact, version, err);
    if (code == QN_ENOTFOUND && job->model_optional && !settled)
        code = QN_OK; /* *version is 0 */
    if (code != QN_OK || settled)
        return code;
    return use_put(store, run_id, job->name, job->model, *version, err);
}

qn_code qn_store_model_use(struct qn_store *store, const char *run_id, const struct qn_job *job,
                           struct qn_buf *artefact, uint32_t *version, struct qn_err *err)
{
    struct qn_store_scope scope;
    *version = 0;
    qn_buf_clear(artefact);
    QN_TRY(qn_store_enter(store, &scope, err));
    return qn_store_leave(store, &scope, settle(store, run_id, job, artefact, version, err), err);
}
