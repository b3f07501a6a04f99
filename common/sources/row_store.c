#include "sources/row_store.h"

#include <string.h>

qn_code qn_row_store_init(struct qn_row_store *store, const struct qn_schema *schema,
                          const bool *wanted, uint32_t capacity, struct qn_arena *arena,
                          struct qn_err *err)
{
    struct qn_field *fields = QN_NEW_ARRAY(arena, struct qn_field, schema->n_fields + 1U);
    *store = (struct qn_row_store){.schema.fields = fields, .capacity = capacity};
    store->columns = QN_NEW_ARRAY(arena, struct qn_column_store, schema->n_fields + 1U);
    store->views = QN_NEW_ARRAY(arena, struct qn_column, schema->n_fields + 1U);
    store->origin = QN_NEW_ARRAY(arena, uint32_t, capacity);
    store->wrong = QN_NEW_ARRAY(arena, uint16_t, capacity);
    if (!fields || !store->columns || !store->views || !store->origin || !store->wrong)
        return qn_err_nomem(err, "columns of a reader");
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        if (wanted && !wanted[i])
            continue;
        uint32_t c = store->schema.n_fields;
        fields[c] = schema->fields[i];
        QN_TRY(qn_column_store_init(&store->columns[c], &fields[c], capacity, arena, err));
        store->schema.n_fields++;
    }
    return QN_OK;
}

void qn_row_store_fini(struct qn_row_store *store)
{
    for (uint32_t c = 0; c < store->schema.n_fields; c++)
        qn_column_store_fini(&store->columns[c]);
    store->schema.n_fields = 0;
}

void qn_row_store_clear(struct qn_row_store *store)
{
    store->n = 0;
    for (uint32_t c = 0; c < store->schema.n_fields; c++)
        qn_column_store_clear(&store->columns[c]);
}

uint32_t qn_row_store_mark_wrong(struct qn_row_store *store, uint32_t n_rows, uint32_t row,
                                 uint32_t column, uint32_t n_wrong)
{
    if (n_wrong == 0)
        memset(store->wrong, 0, n_rows * sizeof *store->wrong);
    if (store->wrong[row])
        return n_wrong;
    store->wrong[row] = (uint16_t)(column + 1);
    return n_wrong + 1;
}

uint32_t qn_row_store_drop_wrong(struct qn_row_store *store, uint32_t n_rows)
{
    uint32_t kept = 0;
    for (uint32_t r = 0; r < n_rows; r++) {
        if (store->wrong[r])
            continue;
        for (uint32_t c = 0; kept != r && c < store->schema.n_fields; c++)
            qn_column_store_move(&store->columns[c], store->n + r, store->n + kept);
        kept++;
    }
    /* Slots given up may hold a NULL mark that the next rows must not inherit. */
    for (uint32_t c = 0; c < store->schema.n_fields; c++)
        qn_column_store_unmark(&store->columns[c], store->n + kept, store->n + n_rows);
    return kept;
}

void qn_row_store_add(struct qn_row_store *store, const uint32_t *starts, uint32_t n_rows,
                      const uint16_t *wrong, uint32_t kept, uint32_t base)
{
    uint32_t *origin = store->origin + store->n;
    for (uint32_t r = 0; r < n_rows; r++)
        if (!wrong || !wrong[r])
            *origin++ = base + starts[r];
    store->n += kept;
}

size_t qn_row_store_text_bytes(const struct qn_row_store *store)
{
    size_t sum = 0;
    for (uint32_t c = 0; c < store->schema.n_fields; c++)
        sum += store->columns[c].bytes_len;
    return sum;
}

void qn_row_store_view(const struct qn_row_store *store, struct qn_batch *batch)
{
    for (uint32_t c = 0; c < store->schema.n_fields; c++)
        store->views[c] = qn_column_store_view(&store->columns[c]);
    batch->schema = &store->schema;
    batch->columns = store->views;
    batch->n_rows = store->n;
    batch->origin = store->origin;
}
