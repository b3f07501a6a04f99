#include "jobs/train/walk.h"

#include "flow/value.h"

qn_code qn_train_walk_find(const struct qn_train_walk *walk, uint32_t column, int32_t *out,
                           struct qn_err *err)
{
    const char *name = walk->train->in->fields[column].name;
    *out = qn_schema_find(walk->in->reader->schema, qn_strv_from(name));
    return *out >= 0 ? QN_OK
                     : qn_err_set(err, QN_ESTATE, QN_BLAME_JOB, "column '%s' was not read", name);
}

qn_code qn_train_walk_start(struct qn_train_walk *walk, const struct qn_train *train,
                            struct qn_task_in *in, struct qn_task_out *out, struct qn_err *err)
{
    *walk = (struct qn_train_walk){.train = train, .in = in, .out = out, .arena = walk->arena};
    int stage = (int)in->stage;
    walk->deals = stage != train->split_stage && stage != train->drift_stage;
    if (walk->deals)
        QN_TRY(qn_train_split_read(train, in->states, &walk->split, err));
    QN_TRY(qn_train_walk_find(walk, train->label, &walk->label, err));
    QN_TRY(qn_train_walk_find(walk, train->key, &walk->key, err));
    QN_TRY(qn_train_walk_find(walk, train->by, &walk->by, err));
    if ((int)in->stage == train->split_stage)
        return QN_OK;
    uint32_t n = train->n_features;
    walk->positions = QN_NEW_ARRAY(in->arena, int32_t, n);
    walk->columns = QN_NEW_ARRAY(in->arena, const struct qn_column *, n);
    if (!walk->positions || !walk->columns)
        return qn_err_nomem(err, "a task");
    for (uint32_t i = 0; i < n; i++)
        QN_TRY(qn_train_walk_find(walk, train->columns[i], &walk->positions[i], err));
    return QN_OK;
}

/* Too many values are told of once all rows were seen: only then is it known whether one of them
 * is the positive one. */
static qn_code text_label(struct qn_train_walk *walk, struct qn_strv text, uint8_t *out,
                          struct qn_err *err)
{
    *out = qn_strv_is(text, walk->train->positive);
    struct qn_strv *place = *out ? NULL : qn_train_other_place(walk->others, text);
    if (!place)
        return QN_OK;
    *place = (struct qn_strv){qn_arena_strdup(walk->in->arena, text), text.len};
    return place->data ? QN_OK : qn_err_nomem(err, "a task");
}

static qn_code label_of(struct qn_train_walk *walk, uint32_t row, uint8_t *out, struct qn_err *err)
{
    const struct qn_column *column = &walk->batch.columns[walk->label];
    if (column->type.id == QN_TEXT)
        return text_label(walk, qn_text_at(column, row), out, err);
    if (column->type.id == QN_BOOL) {
        *out = column->bools[row] != 0;
        return QN_OK;
    }
    int64_t value = column->i64[row];
    *out = value == 1;
    if (value == 0 || value == 1)
        return QN_OK;
    return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "label '%s' holds %lld: expected 0 or 1",
                      walk->train->in->fields[walk->train->label].name, (long long)value);
}

static qn_code make_room(struct qn_train_walk *walk, uint32_t n, struct qn_err *err)
{
    if (n <= walk->capacity)
        return QN_OK;
    walk->rows = QN_NEW_ARRAY(walk->in->arena, uint32_t, n);
    walk->labels = QN_NEW_ARRAY(walk->in->arena, uint8_t, n);
    walk->sides = QN_NEW_ARRAY(walk->in->arena, uint8_t, n);
    walk->hashes = QN_NEW_ARRAY(walk->in->arena, uint64_t, n);
    if (!walk->rows || !walk->labels || !walk->sides || !walk->hashes)
        return qn_err_nomem(err, "a task");
    walk->capacity = n;
    return QN_OK;
}

/* A row of the stage that counts, with where it stands. */
static qn_code refuse(struct qn_train_walk *walk, uint32_t row, enum qn_stray stray,
                      struct qn_err *err)
{
    const struct qn_train *train = walk->train;
    struct qn_reader *reader = walk->in->reader;
    const char *name = train->in->fields[train->by].name;
    char text[QN_VALUE_TEXT];
    struct qn_location place;
    struct qn_buf message;
    walk->out->counters.quarantined++;
    if (walk->in->stage != train->evaluate_stage)
        return QN_OK;
    QN_TRY(reader->ops->locate(reader, walk->batch.origin[row], &place, err));
    qn_buf_init(&message);
    if (stray == QN_STRAY_MISSING)
        qn_buf_printf(&message, "without a value it is on no side of the split");
    else
        qn_buf_printf(&message, "'%.*s' %s",
                      QN_STRV_ARG(qn_split_text(&walk->batch.columns[walk->by], row, text)),
                      train->split->method == QN_SPLIT_TIME ? "is no time"
                                                            : "is of no side of the split");
    const struct qn_reject reject = {
        .byte_offset = place.byte_offset,
        .line = place.line,
        .file = train->reads_files ? qn_strv_from(reader->file) : (struct qn_strv){0},
        .column = qn_strv_from(name),
        .rule = qn_strv_from("split"),
        .message = qn_buf_strv(&message),
        .raw = place.raw,
    };
    qn_code code = qn_buf_check(&message, "a complaint", err);
    if (code == QN_OK)
        code = qn_rejects_add(&walk->out->rejects, &reject, err);
    qn_buf_fini(&message);
    return code;
}

/* The row's side; one that is on none is counted, refused, and *side QN_SIDE_NONE. */
static qn_code deal(struct qn_train_walk *walk, uint32_t row, uint64_t hash, uint8_t *side,
                    struct qn_err *err)
{
    const struct qn_column *by = &walk->batch.columns[walk->by];
    *side = QN_SIDE_TRAIN;
    if (!walk->deals)
        return QN_OK;
    *side = (uint8_t)(walk->by == walk->key && walk->split.method == QN_SPLIT_HASH
                          ? qn_split_side(&walk->split, hash)
                          : qn_split_deal(&walk->split, by, row, walk->train->seed));
    if (*side != QN_SIDE_NONE)
        return QN_OK;
    enum qn_stray stray = qn_is_valid(by, row) ? QN_STRAY_UNKNOWN : QN_STRAY_MISSING;
    walk->strays[stray]++;
    if (stray == QN_STRAY_UNKNOWN && !walk->stray.data) {
        char text[QN_VALUE_TEXT];
        struct qn_strv value = qn_split_text(by, row, text);
        walk->stray = (struct qn_strv){qn_arena_strdup(walk->in->arena, value), value.len};
        if (!walk->stray.data)
            return qn_err_nomem(err, "a task");
    }
    return refuse(walk, row, stray, err);
}

qn_code qn_train_walk_next(struct qn_train_walk *walk, struct qn_err *err)
{
    struct qn_reader *reader = walk->in->reader;
    uint32_t refused = qn_rejects_count(&walk->out->rejects);
    walk->n = 0;
    qn_arena_clear(walk->arena);
    if (atomic_load(walk->in->cancelled))
        return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
    QN_TRY(reader->ops->next(reader, &walk->batch, &walk->out->rejects, err));
    refused = qn_rejects_count(&walk->out->rejects) - refused;
    walk->out->counters.rows_in += walk->batch.n_rows + refused;
    walk->out->counters.quarantined += refused;
    QN_TRY(make_room(walk, walk->batch.n_rows, err));
    for (uint32_t i = 0; walk->columns && walk->batch.n_rows && i < walk->train->n_features; i++)
        walk->columns[i] = &walk->batch.columns[walk->positions[i]];
    for (uint32_t row = 0; row < walk->batch.n_rows; row++) {
        if (!qn_is_valid(&walk->batch.columns[walk->label], row)) {
            walk->out->counters.filtered++;
            continue;
        }
        uint32_t at = walk->n;
        walk->rows[at] = row;
        QN_TRY(label_of(walk, row, &walk->labels[at], err));
        walk->hashes[at] = qn_split_hash(&walk->batch.columns[walk->key], row, walk->train->seed);
        QN_TRY(deal(walk, row, walk->hashes[at], &walk->sides[at], err));
        walk->n += walk->sides[at] != QN_SIDE_NONE;
    }
    return QN_OK;
}

void qn_train_walk_keep(struct qn_train_walk *walk, unsigned sides)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < walk->n; i++) {
        if (!(sides >> walk->sides[i] & 1))
            continue;
        walk->rows[kept] = walk->rows[i];
        walk->labels[kept] = walk->labels[i];
        walk->sides[kept] = walk->sides[i];
        walk->hashes[kept++] = walk->hashes[i];
    }
    walk->n = kept;
}

void qn_train_walk_census(const struct qn_train_walk *walk, struct qn_train_census *census)
{
    memcpy(census->others, walk->others, sizeof census->others);
    memcpy(census->strays, walk->strays, sizeof census->strays);
    census->stray = walk->stray;
}

qn_code qn_train_give(struct qn_task_out *out, struct qn_buf *partial, struct qn_err *err)
{
    qn_code code = qn_buf_check(partial, "a partial", err);
    if (code == QN_OK)
        code = out->ops->partial(out, qn_buf_strv(partial), err);
    qn_buf_fini(partial);
    return code;
}

qn_code qn_train_walk_prepared(const struct qn_train_walk *walk, struct qn_strv *prepared,
                               struct qn_err *err)
{
    struct qn_train_census census;
    struct qn_strv baseline;
    return qn_train_state_unpack(walk->in->states[walk->train->prepare_stage], &census, &baseline,
                                 prepared, err);
}
