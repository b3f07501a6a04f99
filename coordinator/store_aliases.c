/* Aliases of models and their history. */
#include <inttypes.h>

#include "base/clock.h"
#include "coordinator/store_internal.h"

/* --- moving ----------------------------------------------------------------------------------- */

static qn_code alias_put(struct qn_store *store, const struct qn_store_move *move, const char *now,
                         struct qn_err *err)
{
    static const char sql[] =
        "INSERT INTO _quern_model_aliases VALUES(?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
        "version = excluded.version, run_id = excluded.run_id, note = excluded.note, "
        "set_at = excluded.set_at";
    static const char doing[] = "move a model's alias";
    struct qn_sqlite_args args;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, move->name);
    qn_sqlite_text(&args, move->alias);
    qn_sqlite_u64(&args, move->version);
    qn_sqlite_text(&args, move->run_id);
    qn_sqlite_text(&args, move->note);
    qn_sqlite_text(&args, now);
    return qn_sqlite_run(&args, doing, err);
}

static qn_code history_put(struct qn_store *store, const struct qn_store_move *move,
                           const char *now, struct qn_err *err)
{
    static const char sql[] =
        "INSERT INTO _quern_model_moves SELECT ?1, ?2, 1 + (SELECT coalesce(max(move), 0) FROM "
        "_quern_model_moves WHERE name = ?1 AND alias = ?2), ?3, ?4, ?5, ?6, ?7";
    static const char doing[] = "record the move of an alias";
    struct qn_sqlite_args args;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, move->name);
    qn_sqlite_text(&args, move->alias);
    qn_sqlite_text(&args, move->action);
    qn_sqlite_u64(&args, move->version);
    qn_sqlite_text(&args, move->run_id);
    qn_sqlite_text(&args, move->note);
    qn_sqlite_text(&args, now);
    return qn_sqlite_run(&args, doing, err);
}

qn_code qn_store_alias_move(struct qn_store *store, const struct qn_store_move *move,
                            struct qn_err *err)
{
    char now[QN_CLOCK_ISO];
    QN_TRY(qn_store_inside(store, "move a model's alias", err));
    qn_clock_iso(now);
    QN_TRY(alias_put(store, move, now, err));
    return history_put(store, move, now, err);
}

/* --- back ------------------------------------------------------------------------------------- */

/* Versions that the alias had, undone ones left out: the last one has it now. */
struct trail {
    struct qn_arena arena;
    uint32_t *versions;
    uint32_t n, capacity;
};

static qn_code trail_grow(struct trail *trail, struct qn_err *err)
{
    if (trail->n < trail->capacity)
        return QN_OK;
    uint32_t capacity = trail->capacity ? 2 * trail->capacity : 64;
    uint32_t *versions = QN_NEW_ARRAY(&trail->arena, uint32_t, capacity);
    if (!versions)
        return qn_err_nomem(err, "the history of an alias");
    for (uint32_t i = 0; i < trail->n; i++)
        versions[i] = trail->versions[i];
    trail->versions = versions;
    trail->capacity = capacity;
    return QN_OK;
}

static qn_code trail_read(struct qn_store *store, const char *name, const char *alias,
                          struct trail *trail, struct qn_err *err)
{
    static const char sql[] = "SELECT action, version FROM _quern_model_moves "
                              "WHERE name = ? AND alias = ? ORDER BY move";
    static const char doing[] = "read the history of an alias";
    struct qn_sqlite_args args;
    bool row;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, name);
    qn_sqlite_text(&args, alias);
    for (;;) {
        QN_TRY(qn_sqlite_next(&args, &row, doing, err));
        if (!row)
            return QN_OK;
        uint32_t version = (uint32_t)sqlite3_column_int64(args.stmt, 1);
        if (qn_strv_is(qn_sqlite_column_strv(args.stmt, 0), "rollback")) {
            trail->n -= trail->n > 0;
            continue;
        }
        if (trail->n && trail->versions[trail->n - 1] == version)
            continue; /* promoted again: nothing to go back to */
        qn_code code = trail_grow(trail, err);
        if (code != QN_OK) {
            qn_sqlite_rewind(&args);
            return code;
        }
        trail->versions[trail->n++] = version;
    }
}

static qn_code roll_back(struct qn_store *store, const char *name, const char *alias,
                         const char *note, const struct trail *trail, uint32_t *from, uint32_t *to,
                         struct qn_err *err)
{
    if (trail->n == 0)
        return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_JOB, "model %s has no alias @%s", name,
                          alias);
    *from = trail->versions[trail->n - 1];
    if (trail->n == 1)
        return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_JOB,
                          "%s@%s has had no version before %u: there is nothing to go back to",
                          name, alias, *from);
    *to = trail->versions[trail->n - 2];
    const struct qn_store_move move = {
        .name = name, .alias = alias, .action = "rollback", .version = *to, .note = note};
    return qn_store_alias_move(store, &move, err);
}

qn_code qn_store_alias_rollback(struct qn_store *store, const char *name, const char *alias,
                                const char *note, uint32_t *from, uint32_t *to, struct qn_err *err)
{
    struct trail trail = {.n = 0};
    QN_TRY(qn_store_inside(store, "roll an alias back", err));
    qn_arena_init(&trail.arena);
    qn_code code = trail_read(store, name, alias, &trail, err);
    if (code == QN_OK)
        code = roll_back(store, name, alias, note, &trail, from, to, err);
    qn_arena_fini(&trail.arena);
    return code;
}
