#include "jobs/etl/scatter.h"

#include <stdlib.h>
#include <string.h>

#include "jobs/etl/keys.h"

enum {
    /* A run with so many rows goes out: worth a record, and a reader folds them from the cache. */
    RUN_ROWS = 1024,
    /* Rows that are placed at a time, so that what is known of them stays in the cache. */
    FEW_ROWS = 1024,
    MOST_ROWS = RUN_ROWS + FEW_ROWS,
    /* Values from the start of one partition's room to the next. What is past MOST_ROWS spreads
     * the ends of the runs, which are written to in turn, over all sets of a cache; and holds the
     * one offset more that texts have. */
    STRIDE = MOST_ROWS + 8,
    VALIDITY_WORDS = MOST_ROWS / 64,
    LINE_BYTES = 64,
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

static size_t width_of(struct qn_type type)
{
    switch (qn_type_layout(type)) {
    case QN_LAYOUT_BOOL: return 1;
    case QN_LAYOUT_TEXT: return sizeof(uint32_t);
    default: return sizeof(int64_t);
    }
}

static bool column_init(struct qn_scatter_column *column, struct qn_type type, uint32_t n)
{
    bool is_text = qn_type_layout(type) == QN_LAYOUT_TEXT;
    size_t words = (size_t)n * VALIDITY_WORDS;
    void *values = malloc((size_t)n * STRIDE * width_of(type));
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

static qn_code give_runs(struct qn_scatter *scatter, uint32_t least, struct qn_task_out *out,
                         struct qn_err *err)
{
    for (uint32_t p = 0; p < scatter->by.n_partitions; p++)
        if (scatter->n[p] >= least)
            QN_TRY(give_run(scatter, p, out, err));
    return QN_OK;
}

qn_code qn_scatter_flush(struct qn_scatter *scatter, struct qn_task_out *out, struct qn_err *err)
{
    return give_runs(scatter, 1, out, err);
}

/* --- placing --------------------------------------------------------------------------------- */

/* Where rows go: row i to partition[i], to place[i] of all partitions' values. */
struct places {
    uint32_t n;
    uint32_t partition[FEW_ROWS], place[FEW_ROWS];
};

static void find_places(struct qn_scatter *scatter, const uint64_t *hashes, struct places *places)
{
    const struct qn_partitioning by = scatter->by;
    uint32_t *n_rows = scatter->n, n = places->n;
    for (uint32_t i = 0; i < n; i++)
        places->partition[i] = qn_partition_of(&by, hashes[i]);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t partition = places->partition[i];
        places->place[i] = partition * STRIDE + n_rows[partition]++;
    }
}

/* Where one partition goes on: all partitions' ends together are more than the nearest cache
 * holds, and a store that misses it holds up those behind. */
static inline void expect_write(const void *at)
{
    __builtin_prefetch((const char *)at + LINE_BYTES, 1);
}

static qn_code grow_text(struct scatter_text *text, size_t more, struct qn_err *err)
{
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

static qn_code place_texts(struct qn_scatter_column *to, const struct qn_column *from,
                           uint32_t first, const struct places *places, struct qn_err *err)
{
    const uint32_t *from_offsets = from->offsets + first, n = places->n;
    const char *bytes = from->bytes;
    uint32_t *offsets = to->values.offsets;
    struct scatter_text *texts = to->texts;
    for (uint32_t i = 0; i < n; i++) {
        struct scatter_text *text = &texts[places->partition[i]];
        const size_t bytes_of_one = from_offsets[i + 1] - from_offsets[i], len = text->len;
        if (text->capacity - len < bytes_of_one || !text->bytes)
            QN_TRY(grow_text(text, bytes_of_one, err));
        expect_write(text->bytes + len);
        qn_copy_text(text->bytes + len, bytes + from_offsets[i], bytes_of_one);
        text->len = len + bytes_of_one;
        offsets[places->place[i] + 1] = (uint32_t)(len + bytes_of_one);
    }
    return QN_OK;
}

static void place_nulls(struct qn_scatter_column *to, const struct qn_column *from, uint32_t first,
                        const struct places *places)
{
    for (uint32_t i = 0; i < places->n; i++) {
        if (qn_is_valid(from, first + i))
            continue;
        uint32_t partition = places->partition[i], row = places->place[i] - partition * STRIDE;
        to->has_nulls[partition] = true;
        qn_valid_clear(to->validity + (size_t)partition * VALIDITY_WORDS, row);
    }
}

static qn_code place_column(struct qn_scatter_column *to, const struct qn_column *from,
                            uint32_t first, const struct places *places, struct qn_err *err)
{
    const uint32_t *place = places->place, n = places->n;
    const struct qn_column in = *from, out = to->values;
    switch (qn_type_layout(in.type)) {
    case QN_LAYOUT_BOOL:
        for (uint32_t i = 0; i < n; i++)
            out.bools[place[i]] = in.bools[first + i];
        break;
    case QN_LAYOUT_TEXT: QN_TRY(place_texts(to, from, first, places, err)); break;
    case QN_LAYOUT_F64: /* doubles move as their bits */
    case QN_LAYOUT_I64:
        for (uint32_t i = 0; i < n; i++) {
            expect_write(&out.i64[place[i]]);
            out.i64[place[i]] = in.i64[first + i];
        }
        break;
    }
    if (in.validity)
        place_nulls(to, from, first, places);
    return QN_OK;
}

qn_code qn_scatter_add(struct qn_scatter *scatter, const struct qn_batch *batch,
                       struct qn_task_out *out, struct qn_arena *arena, struct qn_err *err)
{
    uint64_t *hashes = qn_arena_alloc(arena, batch->n_rows * sizeof *hashes);
    if (!hashes)
        return qn_err_nomem(err, "group keys");
    qn_keys_hash(batch->columns, scatter->by.n_keys, batch->n_rows, hashes);
    for (uint32_t first = 0; first < batch->n_rows; first += FEW_ROWS) {
        struct places places = {.n = batch->n_rows - first};
        if (places.n > FEW_ROWS)
            places.n = FEW_ROWS;
        find_places(scatter, hashes + first, &places);
        for (uint32_t i = 0; i < scatter->by.schema->n_fields; i++)
            QN_TRY(place_column(&scatter->columns[i], &batch->columns[i], first, &places, err));
        QN_TRY(give_runs(scatter, RUN_ROWS, out, err));
    }
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
