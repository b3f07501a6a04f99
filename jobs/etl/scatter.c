#include "jobs/etl/scatter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/etl/keys.h"

enum {
    /* A run of so many rows goes out: worth a record, and a reader folds them from the cache. */
    RUN_ROWS = 1024,
    /* Values from the start of one partition's room to the next: one offset more than rows, and
     * all ends of runs in different sets of a cache. */
    STRIDE = RUN_ROWS + 8,
    VALIDITY_WORDS = RUN_ROWS / 64,
};

/* A column of all partitions: partition p has values [p * STRIDE, p * STRIDE + n[p]). */
struct qn_scatter_column {
    struct qn_column values;
    uint64_t *validity;         /* [n_partitions x VALIDITY_WORDS], all set but for has_nulls */
    bool *has_nulls;            /* by partition */
    struct scatter_text *texts; /* TEXT: by partition */
};

struct scatter_text {
    char *bytes;
    size_t len, capacity;
};

/* --- life ------------------------------------------------------------------------------------ */

static bool column_init(struct qn_scatter_column *column, struct qn_type type, uint32_t n)
{
    bool is_text = qn_type_layout(type) == QN_LAYOUT_TEXT;
    size_t words = (size_t)n * VALIDITY_WORDS;
    void *values = malloc((size_t)n * STRIDE * qn_layout_bytes(qn_type_layout(type)));
    column->values.type = type;
    column->values.offsets = is_text ? values : NULL;
    column->values.bools = is_text ? NULL : values;
    column->texts = is_text ? calloc(n, sizeof *column->texts) : NULL;
    column->validity = malloc(words * sizeof *column->validity);
    column->has_nulls = calloc(n, sizeof *column->has_nulls);
    if (!values || !column->validity || !column->has_nulls || (is_text && !column->texts))
        return false;
    memset(column->validity, 0xff, words * sizeof *column->validity);
    for (uint32_t p = 0; is_text && p < n; p++)
        column->values.offsets[(size_t)p * STRIDE] = 0;
    return true;
}

static void column_fini(struct qn_scatter_column *column, uint32_t n)
{
    for (uint32_t p = 0; column->texts && p < n; p++)
        free(column->texts[p].bytes);
    free(column->texts);
    free(column->values.offsets);
    free(column->values.bools);
    free(column->validity);
    free(column->has_nulls);
}

qn_code qn_scatter_init(struct qn_scatter *scatter, const struct qn_partitioning *by,
                        struct qn_err *err)
{
    assert(by->n_partitions <= QN_MAX_PARTITIONS);
    *scatter = (struct qn_scatter){.by = *by};
    uint32_t n = by->schema->n_fields;
    scatter->columns = calloc((size_t)n + 1, sizeof *scatter->columns);
    scatter->run = calloc((size_t)n + 1, sizeof *scatter->run);
    scatter->n = calloc(by->n_partitions, sizeof *scatter->n);
    bool whole = scatter->columns && scatter->run && scatter->n;
    for (uint32_t i = 0; whole && i < n; i++)
        whole = column_init(&scatter->columns[i], by->schema->fields[i].type, by->n_partitions);
    return whole ? QN_OK : qn_err_nomem(err, "partitions");
}

void qn_scatter_fini(struct qn_scatter *scatter)
{
    for (uint32_t i = 0; scatter->columns && i < scatter->by.schema->n_fields; i++)
        column_fini(&scatter->columns[i], scatter->by.n_partitions);
    free(scatter->columns);
    free(scatter->run);
    free(scatter->n);
}

/* --- giving out ------------------------------------------------------------------------------ */

static void take_run(struct qn_scatter_column *column, uint32_t partition, struct qn_column *out)
{
    size_t at = (size_t)partition * STRIDE;
    *out = (struct qn_column){.type = column->values.type};
    switch (qn_type_layout(column->values.type)) {
    case QN_LAYOUT_BOOL: out->bools = column->values.bools + at; break;
    case QN_LAYOUT_I64: out->i64 = column->values.i64 + at; break;
    case QN_LAYOUT_F64: out->f64 = column->values.f64 + at; break;
    case QN_LAYOUT_TEXT:
        out->bytes = column->texts[partition].bytes;
        out->offsets = column->values.offsets + at;
        break;
    }
    if (column->has_nulls[partition])
        out->validity = column->validity + (size_t)partition * VALIDITY_WORDS;
}

static void clear_run(struct qn_scatter_column *column, uint32_t partition)
{
    if (column->texts)
        column->texts[partition].len = 0;
    if (column->has_nulls[partition])
        memset(column->validity + (size_t)partition * VALIDITY_WORDS, 0xff,
               VALIDITY_WORDS * sizeof *column->validity);
    column->has_nulls[partition] = false;
}

static qn_code give_run(struct qn_scatter *scatter, uint32_t partition, struct qn_task_out *out,
                        struct qn_err *err)
{
    uint32_t n_fields = scatter->by.schema->n_fields;
    struct qn_batch run = {
        .schema = scatter->by.schema, .columns = scatter->run, .n_rows = scatter->n[partition]};
    for (uint32_t i = 0; i < n_fields; i++)
        take_run(&scatter->columns[i], partition, &run.columns[i]);
    QN_TRY(out->ops->raw(out, partition, &run, err));
    for (uint32_t i = 0; i < n_fields; i++)
        clear_run(&scatter->columns[i], partition);
    scatter->n[partition] = 0;
    return QN_OK;
}

qn_code qn_scatter_flush(struct qn_scatter *scatter, struct qn_task_out *out, struct qn_err *err)
{
    for (uint32_t p = 0; p < scatter->by.n_partitions; p++)
        if (scatter->n[p])
            QN_TRY(give_run(scatter, p, out, err));
    return QN_OK;
}

/* --- placing --------------------------------------------------------------------------------- */

/* Rows of one column on their way to the end of one partition's run. */
struct move {
    const struct qn_column *from;
    const uint32_t *rows;
    uint32_t n, partition;
    uint32_t at;    /* where the run ends */
    uint32_t width; /* TEXT: of every text, or QN_TEXTS_DIFFER */
};

static qn_code reserve_text(struct scatter_text *text, size_t more, struct qn_err *err)
{
    if (text->capacity - text->len >= more && text->bytes)
        return QN_OK;
    if (text->len + more > UINT32_MAX)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT,
                          "a partition has more than 4 GiB of text of a few rows");
    size_t capacity = (text->len + more) * 2 + RUN_ROWS;
    char *grown = realloc(text->bytes, capacity);
    if (!grown)
        return qn_err_nomem(err, "partitions of text");
    text->bytes = grown;
    text->capacity = capacity;
    return QN_OK;
}

/* Texts of one width lie where their rows say. */
static qn_code move_even(struct qn_scatter_column *to, const struct move *move, struct qn_err *err)
{
    struct scatter_text *text = &to->texts[move->partition];
    const uint32_t *rows = move->rows, n = move->n;
    const size_t width = move->width;
    const char *from = move->from->bytes + move->from->offsets[0];
    uint32_t *ends = to->values.offsets + (size_t)move->partition * STRIDE + move->at + 1;
    QN_TRY(reserve_text(text, n * width, err));
    char *at = text->bytes + text->len;
    for (uint32_t i = 0; i < n; i++, at += width)
        qn_copy_text(at, from + rows[i] * width, width);
    for (uint32_t i = 0; i < n; i++)
        ends[i] = (uint32_t)(text->len + (i + 1) * width);
    text->len += n * width;
    return QN_OK;
}

static qn_code move_texts(struct qn_scatter_column *to, const struct move *move, struct qn_err *err)
{
    const uint32_t *from = move->from->offsets, *rows = move->rows, n = move->n;
    const char *bytes = move->from->bytes;
    struct scatter_text *text = &to->texts[move->partition];
    uint32_t *ends = to->values.offsets + (size_t)move->partition * STRIDE + move->at + 1;
    size_t more = 0;
    for (uint32_t i = 0; i < n; i++)
        more += from[rows[i] + 1] - from[rows[i]];
    QN_TRY(reserve_text(text, more, err));
    char *at = text->bytes + text->len, *begin = text->bytes;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t first = from[rows[i]], length = from[rows[i] + 1] - first;
        qn_copy_text(at, bytes + first, length);
        at += length;
        ends[i] = (uint32_t)(at - begin);
    }
    text->len += more;
    return QN_OK;
}

static void move_nulls(struct qn_scatter_column *to, const struct move *move)
{
    for (uint32_t i = 0; i < move->n; i++) {
        if (qn_is_valid(move->from, move->rows[i]))
            continue;
        to->has_nulls[move->partition] = true;
        qn_valid_clear(to->validity + (size_t)move->partition * VALIDITY_WORDS, move->at + i);
    }
}

static qn_code move_column(struct qn_scatter_column *to, const struct move *move,
                           struct qn_err *err)
{
    const uint32_t *rows = move->rows, n = move->n;
    const size_t at = (size_t)move->partition * STRIDE + move->at;
    switch (qn_type_layout(to->values.type)) {
    case QN_LAYOUT_BOOL:
        for (uint32_t i = 0; i < n; i++)
            to->values.bools[at + i] = move->from->bools[rows[i]];
        break;
    case QN_LAYOUT_TEXT:
        QN_TRY(move->width == QN_TEXTS_DIFFER ? move_texts(to, move, err)
                                              : move_even(to, move, err));
        break;
    case QN_LAYOUT_F64: /* doubles move as their bits */
    case QN_LAYOUT_I64: {
        int64_t *out = to->values.i64 + at;
        const int64_t *in = move->from->i64;
        for (uint32_t i = 0; i < n; i++)
            out[i] = in[rows[i]];
        break;
    }
    }
    if (move->from->validity)
        move_nulls(to, move);
    return QN_OK;
}

/* Rows of one partition, in their order; a run that is full goes out. */
static qn_code move_rows(struct qn_scatter *scatter, uint32_t partition,
                         const struct qn_batch *batch, const uint32_t *widths, const uint32_t *rows,
                         uint32_t n, struct qn_task_out *out, struct qn_err *err)
{
    while (n) {
        uint32_t at = scatter->n[partition], room = RUN_ROWS - at, few = n < room ? n : room;
        for (uint32_t i = 0; i < scatter->by.schema->n_fields; i++) {
            const struct move move = {&batch->columns[i], rows, few, partition, at, widths[i]};
            QN_TRY(move_column(&scatter->columns[i], &move, err));
        }
        scatter->n[partition] = at + few;
        rows += few;
        n -= few;
        if (scatter->n[partition] == RUN_ROWS)
            QN_TRY(give_run(scatter, partition, out, err));
    }
    return QN_OK;
}

/* Rows are moved a partition at a time: reading here and there costs less than writing so. */
qn_code qn_scatter_add(struct qn_scatter *scatter, const struct qn_batch *batch,
                       struct qn_task_out *out, struct qn_arena *arena, struct qn_err *err)
{
    const struct qn_partitioning by = scatter->by;
    uint32_t starts[QN_MAX_PARTITIONS + 1];
    uint64_t *hashes = qn_arena_alloc(arena, batch->n_rows * sizeof *hashes);
    uint32_t *partition_of = qn_arena_alloc(arena, batch->n_rows * sizeof *partition_of);
    uint32_t *order = qn_arena_alloc(arena, batch->n_rows * sizeof *order);
    uint32_t *widths = QN_NEW_ARRAY(arena, uint32_t, by.schema->n_fields);
    if (!hashes || !partition_of || !order || !widths)
        return qn_err_nomem(err, "group keys");
    for (uint32_t c = 0; c < by.schema->n_fields && batch->n_rows; c++)
        if (batch->columns[c].type.id == QN_TEXT)
            widths[c] = qn_texts_width(batch->columns[c].offsets, batch->n_rows);
    qn_keys_hash(batch->columns, by.n_keys, batch->n_rows, hashes);
    for (uint32_t i = 0; i < batch->n_rows; i++)
        partition_of[i] = qn_partition_of(&by, hashes[i]);
    qn_partition_order(partition_of, batch->n_rows, by.n_partitions, starts, order);
    for (uint32_t p = 0; p < by.n_partitions; p++)
        QN_TRY(move_rows(scatter, p, batch, widths, order + starts[p], starts[p + 1] - starts[p],
                         out, err));
    return QN_OK;
}

/* --- order ----------------------------------------------------------------------------------- */

void qn_partition_order(const uint32_t *partition_of, uint32_t n, uint32_t n_partitions,
                        uint32_t *starts, uint32_t *order)
{
    uint32_t next[QN_MAX_PARTITIONS];
    memset(starts, 0, (n_partitions + 1) * sizeof *starts);
    for (uint32_t i = 0; i < n; i++)
        starts[partition_of[i] + 1]++;
    for (uint32_t p = 0; p < n_partitions; p++)
        starts[p + 1] += starts[p];
    memcpy(next, starts, n_partitions * sizeof *next);
    for (uint32_t i = 0; i < n; i++)
        order[next[partition_of[i]]++] = i;
}
