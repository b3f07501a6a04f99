#include "jobs/etl/colstore.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROWS = 64 };

void qn_colstore_init(struct qn_colstore *store, struct qn_type type)
{
    *store = (struct qn_colstore){.column.type = type};
}

void qn_colstore_fini(struct qn_colstore *store)
{
    if (store->file) {
        qn_mapping_drop(&store->file->values);
        qn_mapping_drop(&store->file->validity);
        qn_mapping_drop(&store->file->offsets);
        free(store->file);
    } else {
        free(store->column.bools);
        free(store->column.validity);
        free(store->column.offsets);
    }
    qn_colstore_init(store, store->column.type);
}

void qn_colstore_clear(struct qn_colstore *store)
{
    store->n = 0;
    store->has_nulls = false;
}

void qn_colstore_truncate(struct qn_colstore *store, uint32_t n)
{
    if (n < store->n)
        store->n = n; /* has_nulls may now say too much, which only costs time */
}

static size_t value_bytes(const struct qn_colstore *store)
{
    switch (qn_type_layout(store->column.type)) {
    case QN_LAYOUT_BOOL: return 1;
    case QN_LAYOUT_TEXT: return 0;
    default: return 8;
    }
}

enum { VALUES, VALIDITY, OFFSETS };

/* One of the store's arrays, to at least so many bytes. */
static qn_code grow(struct qn_colstore *store, int which, size_t bytes, struct qn_err *err)
{
    struct qn_column *column = &store->column;
    struct qn_colfile *file = store->file;
    void *old = which == VALUES     ? (void *)column->bools
                : which == VALIDITY ? (void *)column->validity
                                    : (void *)column->offsets;
    void *grown = file ? NULL : realloc(old, bytes);
    if (file) {
        struct qn_mapping *mapping = which == VALUES     ? &file->values
                                     : which == VALIDITY ? &file->validity
                                                         : &file->offsets;
        QN_TRY(qn_mapping_grow(mapping, file->folder, bytes, err));
        grown = mapping->at;
    }
    if (!grown)
        return qn_err_nomem(err, "stored rows");
    if (which == VALUES)
        column->bools = grown;
    else if (which == VALIDITY)
        column->validity = grown;
    else
        column->offsets = grown;
    return QN_OK;
}

static qn_code reserve_rows(struct qn_colstore *store, uint32_t more, struct qn_err *err)
{
    uint64_t need = (uint64_t)store->n + more;
    if (need <= store->capacity)
        return QN_OK;
    uint64_t capacity = store->capacity ? (uint64_t)store->capacity * 2 : FIRST_ROWS;
    if (capacity < need)
        capacity = need;
    if (capacity > UINT32_MAX / 2)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT, "a task holds more than 2^31 rows");
    struct qn_column *column = &store->column;
    bool is_text = qn_type_layout(column->type) == QN_LAYOUT_TEXT;
    size_t bytes = is_text ? (capacity + 1) * sizeof(uint32_t) : capacity * value_bytes(store);
    QN_TRY(grow(store, is_text ? OFFSETS : VALUES, bytes, err));
    if (is_text && store->n == 0)
        column->offsets[0] = 0;
    QN_TRY(grow(store, VALIDITY, (capacity + 64) / 8 + 8, err));
    store->capacity = (uint32_t)capacity;
    return QN_OK;
}

static qn_code reserve_bytes(struct qn_colstore *store, size_t more, struct qn_err *err)
{
    size_t need = store->column.offsets[store->n] + more;
    if (need > UINT32_MAX)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT,
                          "a task holds more than 4 GiB of text of one column");
    if (need <= store->bytes_capacity && store->column.bytes)
        return QN_OK;
    size_t capacity = store->bytes_capacity * 2 > need ? store->bytes_capacity * 2 : need + 256;
    QN_TRY(grow(store, VALUES, capacity, err));
    store->bytes_capacity = capacity;
    return QN_OK;
}

static void shrink(void **at, size_t bytes)
{
    void *shrunk = bytes ? realloc(*at, bytes) : NULL;
    if (shrunk)
        *at = shrunk;
}

void qn_colstore_fit(struct qn_colstore *store)
{
    struct qn_column *column = &store->column;
    void *values = column->bools, *offsets = column->offsets, *validity = column->validity;
    if (store->n == 0 || store->file)
        return;
    bool is_text = qn_type_layout(column->type) == QN_LAYOUT_TEXT;
    store->capacity = store->n;
    shrink(&validity, (store->n + 64) / 8 + 8);
    if (is_text) {
        store->bytes_capacity = offsets ? column->offsets[store->n] : 0;
        shrink(&offsets, ((size_t)store->n + 1) * sizeof(uint32_t));
        shrink(&values, store->bytes_capacity + 1);
    } else {
        shrink(&values, store->n * value_bytes(store));
    }
    column->validity = validity;
    column->offsets = offsets;
    column->bools = values;
}

static qn_code to_file(struct qn_mapping *mapping, const char *folder, const void *from,
                       size_t bytes, struct qn_err *err)
{
    if (!from)
        return QN_OK;
    QN_TRY(qn_mapping_grow(mapping, folder, bytes, err));
    memcpy(mapping->at, from, bytes);
    return QN_OK;
}

qn_code qn_colstore_to_file(struct qn_colstore *store, const char *folder, struct qn_err *err)
{
    struct qn_column *column = &store->column;
    struct qn_colfile *file = calloc(1, sizeof *file);
    if (!file)
        return qn_err_nomem(err, "stored rows");
    bool is_text = qn_type_layout(column->type) == QN_LAYOUT_TEXT;
    size_t rows = store->capacity, values = rows * value_bytes(store);
    file->folder = folder;
    qn_code code = to_file(&file->values, folder, column->bools,
                           is_text ? store->bytes_capacity : values, err);
    if (code == QN_OK)
        code = to_file(&file->validity, folder, column->validity, (rows + 64) / 8 + 8, err);
    if (code == QN_OK)
        code = to_file(&file->offsets, folder, column->offsets, (rows + 1) * sizeof(uint32_t), err);
    free(column->bools);
    free(column->validity);
    free(column->offsets);
    column->bools = file->values.at;
    column->validity = file->validity.at;
    column->offsets = file->offsets.at;
    store->file = file;
    return code;
}

static void note_width(struct qn_colstore *store, uint32_t width)
{
    store->width = store->n == 0 || store->width == width ? width : QN_TEXTS_DIFFER;
}

qn_code qn_colstore_add_cell(struct qn_colstore *store, struct qn_cell cell, struct qn_err *err)
{
    QN_TRY(reserve_rows(store, 1, err));
    struct qn_column *column = &store->column;
    uint32_t row = store->n;
    switch (qn_type_layout(column->type)) {
    case QN_LAYOUT_BOOL: column->bools[row] = cell.i64 != 0; break;
    case QN_LAYOUT_I64: column->i64[row] = cell.i64; break;
    case QN_LAYOUT_F64: column->f64[row] = cell.f64; break;
    case QN_LAYOUT_TEXT:
        QN_TRY(reserve_bytes(store, cell.text.len, err));
        if (cell.text.len)
            memcpy(column->bytes + column->offsets[row], cell.text.data, cell.text.len);
        column->offsets[row + 1] = column->offsets[row] + (uint32_t)cell.text.len;
        note_width(store, (uint32_t)cell.text.len);
        break;
    }
    if (cell.valid) {
        qn_valid_set(column->validity, row);
    } else {
        qn_valid_clear(column->validity, row);
        store->has_nulls = true;
    }
    store->n++;
    return QN_OK;
}

qn_code qn_colstore_add(struct qn_colstore *store, const struct qn_column *from, uint32_t row,
                        struct qn_err *err)
{
    return qn_colstore_add_cell(store, qn_cell_at(from, row), err);
}

/* Bits [0, n) of `from` (all set when it is NULL) to bits [first, first + n) of `to`. */
static void copy_bits(uint64_t *to, uint32_t first, const uint64_t *from, uint32_t n)
{
    for (uint32_t i = 0; i < n;) {
        uint32_t word = (first + i) >> 6, shift = (first + i) & 63, room = 64 - shift;
        uint32_t few = n - i < room ? n - i : room;
        uint64_t mask = few == 64 ? UINT64_MAX : (UINT64_C(1) << few) - 1, bits = UINT64_MAX;
        if (from) {
            uint32_t at = i >> 6, off = i & 63;
            bits = from[at] >> off;
            if (off && few > 64 - off)
                bits |= from[at + 1] << (64 - off);
        }
        to[word] = (to[word] & ~(mask << shift)) | (bits & mask) << shift;
        i += few;
    }
}

static qn_code add_texts(struct qn_colstore *store, const struct qn_column *from, uint32_t n_rows,
                         struct qn_err *err)
{
    struct qn_column *column = &store->column;
    uint32_t begin = from->offsets[0], bytes = from->offsets[n_rows] - begin;
    QN_TRY(reserve_bytes(store, bytes, err));
    uint32_t *offsets = column->offsets + store->n, shift = offsets[0] - begin;
    if (bytes)
        memcpy(column->bytes + offsets[0], from->bytes + begin, bytes);
    for (uint32_t row = 1; row <= n_rows; row++)
        offsets[row] = from->offsets[row] + shift; /* unsigned: right either way round */
    note_width(store, qn_texts_width(from->offsets, n_rows));
    return QN_OK;
}

qn_code qn_colstore_add_all(struct qn_colstore *store, const struct qn_column *from,
                            uint32_t n_rows, struct qn_err *err)
{
    if (n_rows == 0)
        return QN_OK;
    QN_TRY(reserve_rows(store, n_rows, err));
    struct qn_column *column = &store->column;
    size_t width = value_bytes(store);
    if (qn_type_layout(column->type) == QN_LAYOUT_TEXT)
        QN_TRY(add_texts(store, from, n_rows, err));
    else
        memcpy(column->bools + store->n * width, from->bools, n_rows * width);
    copy_bits(column->validity, store->n, from->validity, n_rows);
    store->has_nulls |= from->validity && qn_column_count_valid(from, n_rows) < n_rows;
    store->n += n_rows;
    return QN_OK;
}

struct qn_column qn_colstore_view(const struct qn_colstore *store)
{
    struct qn_column view = store->column;
    if (!store->has_nulls)
        view.validity = NULL;
    return view;
}

size_t qn_colstore_bytes(const struct qn_colstore *store)
{
    size_t per_row = value_bytes(store);
    if (qn_type_layout(store->column.type) == QN_LAYOUT_TEXT)
        per_row = sizeof(uint32_t);
    return store->capacity * per_row + store->capacity / 8 + store->bytes_capacity;
}
