#include "jobs/train/champion.h"

#include <math.h>

void qn_train_champion_fini(struct qn_train_champion *champion)
{
    qn_scorer_free(champion->scorer);
    qn_buf_fini(&champion->problem);
    champion->scorer = NULL;
}

/* --- whether it can be compared --------------------------------------------------------------- */

static bool same_type(struct qn_type a, struct qn_type b)
{
    return a.id == b.id && a.scale == b.scale;
}

/* Its split goes by a column that these rows must have. */
static void check_column(struct qn_train_champion *champion, const struct qn_schema *schema)
{
    const struct qn_model_rows *rows = &champion->scorer->model->rows;
    char type[QN_TYPE_NAME];
    champion->by = qn_schema_find(schema, qn_strv_from(rows->by));
    if (champion->by < 0 || !same_type(schema->fields[champion->by].type, rows->by_type))
        qn_buf_printf(&champion->problem,
                      "its rows were split by '%s' (%s), which these rows do not have, so nobody "
                      "can tell which ones neither was trained on",
                      rows->by, qn_type_name(rows->by_type, type));
}

/* Its split must be told of the keys that these rows have. */
static void check_rows(struct qn_train_champion *champion, const struct qn_train_walk *walk)
{
    const struct qn_model_rows *rows = &champion->scorer->model->rows;
    const struct qn_field *key = &walk->train->in->fields[walk->train->key];
    char theirs[QN_TYPE_NAME], ours[QN_TYPE_NAME];
    champion->by = walk->key;
    if (!rows->split)
        qn_buf_printf(&champion->problem,
                      "its model file does not say which rows it was trained on, as those of "
                      "older engines: train it again");
    else if (rows->by)
        check_column(champion, walk->in->reader->schema);
    else if (strcmp(rows->key, key->name) != 0 || !same_type(rows->key_type, key->type))
        qn_buf_printf(&champion->problem,
                      "its rows were split by '%s' (%s), those of this job by '%s' (%s), so nobody "
                      "can tell which ones neither was trained on",
                      rows->key, qn_type_name(rows->key_type, theirs), key->name,
                      qn_type_name(key->type, ours));
}

static void check_features(struct qn_train_champion *champion, const struct qn_train_walk *walk,
                           struct qn_buf *missing)
{
    qn_scorer_find(champion->scorer, walk->in->reader->schema, false, missing, missing);
    if (missing->len)
        qn_buf_printf(&champion->problem, "the rows lack what it needs: %.*s",
                      QN_STRV_ARG(qn_buf_strv(missing)));
}

static void give_up(struct qn_train_champion *champion)
{
    qn_scorer_free(champion->scorer);
    champion->scorer = NULL;
}

qn_code qn_train_champion_init(struct qn_train_champion *champion, const struct qn_train_walk *walk,
                               struct qn_err *err)
{
    struct qn_buf missing;
    *champion = (struct qn_train_champion){0};
    qn_buf_init(&champion->problem);
    if (walk->in->model.len == 0)
        return QN_OK;
    champion->version = walk->in->model_version;
    QN_TRY(qn_scorer_new(walk->in->model, &champion->scorer, err));
    qn_buf_init(&missing);
    check_rows(champion, walk);
    if (!champion->problem.len)
        check_features(champion, walk, &missing);
    qn_code code = qn_buf_check(&champion->problem, "a complaint", err);
    if (code == QN_OK)
        code = qn_buf_check(&missing, "a complaint", err);
    qn_buf_fini(&missing);
    if (champion->problem.len)
        give_up(champion);
    return code;
}

/* --- scoring ---------------------------------------------------------------------------------- */

static bool held_out(const struct qn_model_rows *rows, const struct qn_column *by, uint32_t row)
{
    enum qn_side side = qn_split_deal(rows->split, by, row, rows->seed);
    return side == QN_SIDE_TEST ||
           (side == QN_SIDE_VALIDATION && !qn_split_holds(rows->split, QN_SIDE_TEST));
}

qn_code qn_train_champion_score(struct qn_train_champion *champion,
                                const struct qn_train_walk *walk, double *scores,
                                struct qn_err *err)
{
    struct qn_arena *arena = walk->arena;
    uint32_t *rows = QN_NEW_ARRAY(arena, uint32_t, walk->n), n = 0;
    double *found = QN_NEW_ARRAY(arena, double, walk->n);
    if (!rows || !found)
        return qn_err_nomem(err, "scores");
    for (uint32_t i = 0; i < walk->n; i++)
        scores[i] = (double)NAN;
    if (!champion->scorer)
        return QN_OK;
    const struct qn_model_rows *seen = &champion->scorer->model->rows;
    const struct qn_column *by = &walk->batch.columns[champion->by];
    for (uint32_t i = 0; i < walk->n; i++)
        if ((walk->sides[i] == QN_SIDE_TEST || walk->sides[i] == QN_SIDE_VALIDATION) &&
            held_out(seen, by, walk->rows[i])) {
            scores[i] = 0;
            rows[n++] = walk->rows[i];
        }
    qn_code code = qn_scorer_score(champion->scorer, &walk->batch, rows, n, found, err);
    for (uint32_t i = 0, at = 0; i < walk->n; i++)
        if (scores[i] == 0)
            scores[i] = code == QN_OK ? found[at++] : (double)NAN;
    if (code != QN_EINPUT)
        return code;
    qn_buf_printf(&champion->problem, "it does not take these rows: %s", err->message);
    give_up(champion);
    return qn_buf_check(&champion->problem, "a complaint", err);
}

/* --- partials --------------------------------------------------------------------------------- */

void qn_train_champion_pack(struct qn_buf *out, const struct qn_train_champion *champion)
{
    qn_buf_put_u32(out, champion->version);
    qn_buf_put_str(out, qn_buf_strv(&champion->problem));
}

qn_code qn_train_champion_merge(struct qn_train_champion *champion, struct qn_strv bytes,
                                struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    uint32_t version = qn_unpack_u32(&in);
    struct qn_strv problem = qn_unpack_str(&in);
    in.failed |= champion->version != 0 && version != champion->version;
    QN_TRY(qn_unpack_end(&in, "a champion", err));
    champion->version = version;
    if (!champion->problem.len)
        qn_buf_put(&champion->problem, problem.data, problem.len);
    return qn_buf_check(&champion->problem, "a champion", err);
}
