#include "jobs/etl/join_found.h"

#include <stdlib.h>

/* So much is kept, and so much more for every chunk: runs are worth a record then, and few enough
 * for the index of a part. */
enum {
    MOST_PAIRS = 256 << 10,
    MOST_BYTES = 4 << 20,
    PAIRS_A_CHUNK = 256,
    BYTES_A_CHUNK = 4 << 10,
};

qn_code qn_join_found_init(struct qn_join_found *found, const struct qn_schema *schema,
                           uint32_t n_chunks, struct qn_err *err)
{
    *found = (struct qn_join_found){.schema = schema, .n_chunks = n_chunks};
    qn_arena_init(&found->arena);
    found->columns = calloc(schema->n_fields + 1, sizeof *found->columns);
    if (!found->columns)
        return qn_err_nomem(err, "a join's rows");
    for (uint32_t c = 0; c < schema->n_fields; c++)
        qn_colstore_init(&found->columns[c], schema->fields[c].type);
    return QN_OK;
}

void qn_join_found_fini(struct qn_join_found *found)
{
    for (uint32_t c = 0; found->columns && c < found->schema->n_fields; c++)
        qn_colstore_fini(&found->columns[c]);
    free(found->columns);
    free(found->pairs);
    qn_arena_fini(&found->arena);
}

/* --- in -------------------------------------------------------------------------------------- */

qn_code qn_join_found_note(struct qn_join_found *found, uint32_t chunk, uint32_t ahead,
                           struct qn_err *err)
{
    if (found->n_pairs == found->capacity) {
        size_t capacity = found->capacity ? 2 * (size_t)found->capacity : 1024;
        struct qn_found_pair *grown =
            capacity <= UINT32_MAX ? realloc(found->pairs, capacity * sizeof *grown) : NULL;
        if (!grown)
            return qn_err_nomem(err, "a join's rows");
        found->pairs = grown;
        found->capacity = (uint32_t)capacity;
    }
    found->pairs[found->n_pairs++] = (struct qn_found_pair){chunk, found->n_rows + ahead};
    return QN_OK;
}

static uint64_t column_bytes(const struct qn_column *column, uint32_t n)
{
    switch (qn_type_layout(column->type)) {
    case QN_LAYOUT_BOOL: return n;
    case QN_LAYOUT_TEXT: return 4 * (uint64_t)n + column->offsets[n] - column->offsets[0];
    default: return 8 * (uint64_t)n;
    }
}

qn_code qn_join_found_add(struct qn_join_found *found, const struct qn_batch *batch,
                          const uint32_t *rows, uint32_t n, struct qn_arena *arena,
                          struct qn_err *err)
{
    for (uint32_t c = 0; c < found->schema->n_fields && n; c++) {
        struct qn_column taken;
        QN_TRY(qn_column_take(arena, &batch->columns[c], batch->n_rows, rows, n, &taken, err));
        QN_TRY(qn_colstore_add_all(&found->columns[c], &taken, n, err));
        found->bytes += column_bytes(&taken, n);
    }
    found->n_rows += n;
    return QN_OK;
}

bool qn_join_found_is_full(const struct qn_join_found *found)
{
    uint64_t n = found->n_chunks;
    return found->n_pairs >= MOST_PAIRS + n * PAIRS_A_CHUNK ||
           found->bytes >= MOST_BYTES + n * BYTES_A_CHUNK;
}

/* --- out ------------------------------------------------------------------------------------- */

/* The rows of all pairs by chunk, each chunk's in their order; chunk c's are from starts[c] on. */
static void sort_pairs(const struct qn_join_found *found, uint32_t *starts, uint32_t *rows)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < found->n_pairs; i++)
        starts[found->pairs[i].chunk]++;
    for (uint32_t c = 0; c <= found->n_chunks; c++) {
        uint32_t n = starts[c];
        starts[c] = sum;
        sum += n;
    }
    for (uint32_t i = 0; i < found->n_pairs; i++)
        rows[starts[found->pairs[i].chunk]++] = found->pairs[i].row;
    for (uint32_t c = found->n_chunks; c > 0; c--)
        starts[c] = starts[c - 1];
    starts[0] = 0;
}

static qn_code send_batch(struct qn_join_found *found, uint32_t chunk, const uint32_t *rows,
                          uint32_t n, struct qn_task_out *out, struct qn_err *err)
{
    struct qn_batch batch = {.schema = found->schema, .n_rows = n};
    qn_arena_clear(&found->arena);
    batch.columns = QN_NEW_ARRAY(&found->arena, struct qn_column, found->schema->n_fields);
    if (!batch.columns)
        return qn_err_nomem(err, "a join's rows");
    for (uint32_t c = 0; c < found->schema->n_fields; c++) {
        struct qn_column view = qn_colstore_view(&found->columns[c]);
        QN_TRY(
            qn_column_take(&found->arena, &view, found->n_rows, rows, n, &batch.columns[c], err));
    }
    return out->ops->partition(out, chunk, &batch, err);
}

static qn_code send_chunk(struct qn_join_found *found, uint32_t chunk, const uint32_t *rows,
                          uint32_t n, struct qn_task_out *out, struct qn_err *err)
{
    for (uint32_t first = 0; first < n; first += QN_BATCH_ROWS) {
        uint32_t few = n - first < QN_BATCH_ROWS ? n - first : QN_BATCH_ROWS;
        QN_TRY(send_batch(found, chunk, rows + first, few, out, err));
    }
    return QN_OK;
}

static void clear(struct qn_join_found *found)
{
    for (uint32_t c = 0; c < found->schema->n_fields; c++)
        qn_colstore_clear(&found->columns[c]);
    found->n_rows = found->n_pairs = 0;
    found->bytes = 0;
}

qn_code qn_join_found_send(struct qn_join_found *found, struct qn_task_out *out, struct qn_err *err)
{
    uint32_t *starts = calloc((size_t)found->n_chunks + 2, sizeof *starts);
    uint32_t *rows = malloc((found->n_pairs + 1) * sizeof *rows);
    qn_code code = starts && rows ? QN_OK : qn_err_nomem(err, "a join's rows");
    if (code == QN_OK)
        sort_pairs(found, starts, rows);
    for (uint32_t c = 0; code == QN_OK && c < found->n_chunks; c++)
        if (starts[c] < starts[c + 1])
            code = send_chunk(found, c, rows + starts[c], starts[c + 1] - starts[c], out, err);
    free(starts);
    free(rows);
    clear(found);
    return code;
}
