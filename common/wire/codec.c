#include "wire/codec.h"

#include <assert.h>
#include <string.h>

#include "wire/block.h"

/* A column's header: id, precision, scale, "has NULLs". */
enum { COLUMN_HEADER_BYTES = 4 };

static size_t bitmap_bytes(uint32_t n)
{
    return ((size_t)n + 7) / 8;
}

/* ---- encode ---- */

/* Rows of one column, with the validity of just these rows. */
struct slice {
    const struct qn_column *column;
    uint32_t first, n;
    bool small;                                   /* see enum qn_codec_form */
    bool nulls;                                   /* at least one */
    uint64_t validity[(QN_BATCH_ROWS + 63) / 64]; /* when `nulls`; no bits past the last row */
};

static bool slice_valid(const struct slice *slice, uint32_t i)
{
    return !slice->nulls || (slice->validity[i >> 6] >> (i & 63) & 1);
}

static void slice_init(struct slice *slice, const struct qn_column *column, uint32_t first,
                       uint32_t n, enum qn_codec_form form)
{
    slice->small = form == QN_CODEC_SMALL;
    slice->column = column;
    slice->first = first;
    slice->n = n;
    slice->nulls = false;
    if (!column->validity)
        return;
    const uint64_t *from = column->validity + first / 64;
    for (uint32_t i = 0; i < qn_validity_words(n); i++) {
        uint32_t left = n - i * 64;
        uint64_t rows = left < 64 ? (UINT64_C(1) << left) - 1 : UINT64_MAX;
        slice->validity[i] = from[i] & rows;
        slice->nulls |= slice->validity[i] != rows;
    }
}

static void put_bools(const struct slice *slice, struct qn_buf *out)
{
    uint8_t bits[QN_BATCH_ROWS / 8] = {0};
    const uint8_t *values = slice->column->bools + slice->first;
    for (uint32_t i = 0; i < slice->n; i++)
        bits[i >> 3] |= (uint8_t)((values[i] != 0 && slice_valid(slice, i)) << (i & 7));
    qn_block_put(out, bits, bitmap_bytes(slice->n), slice->small);
}

/* Does `body` for each `row` of a slice that is NULL: mostly few. */
#define EACH_NULL(slice, row, body)                                                                \
    for (uint32_t word = 0; word < qn_validity_words((slice)->n); word++) {                        \
        uint32_t left = (slice)->n - word * 64;                                                    \
        uint64_t rows = left < 64 ? (UINT64_C(1) << left) - 1 : UINT64_MAX;                        \
        for (uint64_t set = ~(slice)->validity[word] & rows; set; set &= set - 1) {                \
            uint32_t row = word * 64 + (uint32_t)__builtin_ctzll(set);                             \
            body                                                                                   \
        }                                                                                          \
    }

/* Under NULL the first value stands, which never widens the range. */
static void put_i64(const struct slice *slice, struct qn_buf *out)
{
    const int64_t *values = slice->column->i64 + slice->first;
    int64_t filled[QN_BATCH_ROWS];
    if (slice->nulls) {
        uint32_t first = 0;
        while (first < slice->n && !slice_valid(slice, first))
            first++;
        int64_t filler = first < slice->n ? values[first] : 0;
        memcpy(filled, values, slice->n * sizeof *values);
        EACH_NULL(slice, row, { filled[row] = filler; })
        values = filled;
    }
    qn_ints_put(out, values, slice->n, slice->small);
}

static void put_f64(const struct slice *slice, struct qn_buf *out)
{
    const double *values = slice->column->f64 + slice->first;
    double filled[QN_BATCH_ROWS];
    if (slice->nulls) {
        memcpy(filled, values, slice->n * sizeof *values);
        EACH_NULL(slice, row, { filled[row] = 0; })
        values = filled;
    }
    qn_block_put(out, values, (size_t)slice->n * sizeof *values, slice->small);
}

/* The texts of a slice whose NULLs have bytes under them: without those. */
static void put_gathered(const struct slice *slice, struct qn_buf *out, struct qn_err *err)
{
    struct qn_buf gathered;
    qn_buf_init(&gathered);
    for (uint32_t i = 0; i < slice->n; i++) {
        struct qn_strv text = qn_text_at(slice->column, slice->first + i);
        if (slice_valid(slice, i))
            qn_buf_put(&gathered, text.data, text.len);
    }
    if (qn_buf_check(&gathered, "a column's text", err) == QN_OK)
        qn_block_put(out, gathered.data, gathered.len, slice->small);
    else
        out->failed = true;
    qn_buf_fini(&gathered);
}

static void put_text(const struct slice *slice, struct qn_buf *out, struct qn_err *err)
{
    const uint32_t *offsets = slice->column->offsets + slice->first;
    const uint32_t n = slice->n;
    int64_t lengths[QN_BATCH_ROWS];
    size_t span = n ? offsets[n] - offsets[0] : 0, missing = 0;
    lengths[0] = 0; /* or gcc thinks of a slice without rows */
    for (uint32_t i = 0; i < n; i++)
        lengths[i] = offsets[i + 1] - offsets[i];
    if (slice->nulls)
        EACH_NULL(slice, row, {
            missing += (size_t)lengths[row];
            lengths[row] = 0;
        })
    qn_ints_put(out, lengths, n, slice->small);
    if (missing)
        put_gathered(slice, out, err);
    else
        qn_block_put(out, span ? slice->column->bytes + offsets[0] : NULL, span, slice->small);
}

static void put_column(const struct slice *slice, struct qn_buf *out, struct qn_err *err)
{
    struct qn_type type = slice->column->type;
    qn_buf_put_u8(out, type.id);
    qn_buf_put_u8(out, type.precision);
    qn_buf_put_u8(out, type.scale);
    qn_buf_put_u8(out, slice->nulls);
    if (slice->nulls)
        qn_block_put(out, slice->validity, bitmap_bytes(slice->n), slice->small);
    switch (qn_type_layout(type)) {
    case QN_LAYOUT_BOOL: put_bools(slice, out); break;
    case QN_LAYOUT_I64: put_i64(slice, out); break;
    case QN_LAYOUT_F64: put_f64(slice, out); break;
    case QN_LAYOUT_TEXT: put_text(slice, out, err); break;
    }
}

qn_code qn_codec_encode_rows(const struct qn_batch *batch, uint32_t first, uint32_t n,
                             enum qn_codec_form form, struct qn_buf *out, struct qn_err *err)
{
    assert(first % 64 == 0 && first <= batch->n_rows && n <= batch->n_rows - first);
    if (n > QN_BATCH_ROWS)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_WORKER, "a batch of %u rows, at most %d fit", n,
                          QN_BATCH_ROWS);
    size_t start = out->len;
    qn_buf_put_u8(out, QN_CODEC_VERSION);
    qn_buf_put_u32(out, n);
    qn_buf_put_u32(out, batch->schema->n_fields);
    for (uint32_t i = 0; i < batch->schema->n_fields; i++) {
        struct slice slice;
        slice_init(&slice, &batch->columns[i], first, n, form);
        put_column(&slice, out, err);
    }
    qn_code code = qn_buf_check(out, "an encoded batch", err);
    if (code != QN_OK)
        out->len = start;
    return code;
}

qn_code qn_codec_encode(const struct qn_batch *batch, enum qn_codec_form form, struct qn_buf *out,
                        struct qn_err *err)
{
    return qn_codec_encode_rows(batch, 0, batch->n_rows, form, out, err);
}

/* ---- decode ---- */

static qn_code corrupt(struct qn_err *err, const char *what)
{
    return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "%s", what);
}

/* A column's parts, found but not decoded. */
struct packed {
    struct qn_type type;
    uint8_t nulls;
    struct qn_block validity, bytes; /* bytes: of bools, doubles, texts */
    struct qn_ints ints;             /* values, or lengths of texts */
};

static qn_code take_column(struct qn_unpack *in, struct qn_type type, struct packed *out,
                           struct qn_err *err)
{
    *out = (struct packed){0};
    out->type.id = qn_unpack_u8(in);
    out->type.precision = qn_unpack_u8(in);
    out->type.scale = qn_unpack_u8(in);
    out->nulls = qn_unpack_u8(in);
    if (in->failed || !qn_type_eq(out->type, type) || out->nulls > 1)
        return corrupt(err, "its type is not the schema's");
    if (out->nulls)
        out->validity = qn_block_take(in);
    enum qn_layout layout = qn_type_layout(type);
    if (layout == QN_LAYOUT_I64 || layout == QN_LAYOUT_TEXT)
        out->ints = qn_ints_take(in);
    if (layout != QN_LAYOUT_I64)
        out->bytes = qn_block_take(in);
    return in->failed ? corrupt(err, "it is cut short or corrupt") : QN_OK;
}

static qn_code open_validity(const struct packed *packed, struct qn_arena *arena, uint32_t n,
                             struct qn_column *out, struct qn_err *err)
{
    if (!packed->nulls)
        return QN_OK;
    out->validity = QN_NEW_ARRAY(arena, uint64_t, qn_validity_words(n));
    if (!out->validity)
        return qn_err_nomem(err, "a bitmap");
    return qn_block_open(&packed->validity, out->validity, bitmap_bytes(n), err);
}

static qn_code open_bools(const struct packed *packed, struct qn_arena *arena, uint32_t n,
                          struct qn_column *out, struct qn_err *err)
{
    uint8_t bits[QN_BATCH_ROWS / 8];
    QN_TRY(qn_block_open(&packed->bytes, bits, bitmap_bytes(n), err));
    out->bools = qn_arena_alloc(arena, n);
    if (!out->bools)
        return qn_err_nomem(err, "a column");
    for (uint32_t i = 0; i < n; i++)
        out->bools[i] = bits[i >> 3] >> (i & 7) & 1;
    return QN_OK;
}

static bool is_ascii(const char *bytes, size_t n)
{
    char all = 0;
    for (size_t i = 0; i < n; i++)
        all |= bytes[i];
    return !(all & 0x80);
}

/* Each text must be valid UTF-8: the whole is, and none begins inside a character. */
static bool texts_are_utf8(const struct qn_column *column, uint32_t n)
{
    uint32_t total = column->offsets[n];
    if (is_ascii(column->bytes, total))
        return true;
    if (!qn_utf8_valid((struct qn_strv){column->bytes, total}))
        return false;
    for (uint32_t i = 0; i < n && column->offsets[i] < total; i++)
        if (((uint8_t)column->bytes[column->offsets[i]] & 0xc0) == 0x80)
            return false;
    return true;
}

static qn_code open_text(const struct packed *packed, struct qn_arena *arena, uint32_t n,
                         struct qn_column *out, struct qn_err *err)
{
    int64_t lengths[QN_BATCH_ROWS];
    QN_TRY(qn_ints_open(&packed->ints, lengths, n, err));
    out->offsets = qn_arena_alloc(arena, ((size_t)n + 1) * sizeof *out->offsets);
    if (!out->offsets)
        return qn_err_nomem(err, "a column's offsets");
    uint64_t total = 0, most = 0;
    for (uint32_t i = 0; i < n; i++)
        most |= (uint64_t)lengths[i]; /* of negative ones the highest bit */
    if (most > UINT32_MAX)
        return corrupt(err, "a text is longer than all texts");
    out->offsets[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        total += (uint64_t)lengths[i]; /* 8192 times 4 GiB: no overflow */
        out->offsets[i + 1] = (uint32_t)total;
    }
    if (total != packed->bytes.bytes)
        return corrupt(err, "its texts do not fill its bytes");
    out->bytes = qn_arena_alloc(arena, (size_t)total);
    if (!out->bytes)
        return qn_err_nomem(err, "a column's text");
    QN_TRY(qn_block_open(&packed->bytes, out->bytes, (size_t)total, err));
    return texts_are_utf8(out, n) ? QN_OK : corrupt(err, "a text is not UTF-8");
}

static qn_code open_column(const struct packed *packed, struct qn_arena *arena, uint32_t n,
                           struct qn_column *out, struct qn_err *err)
{
    *out = (struct qn_column){.type = packed->type};
    QN_TRY(open_validity(packed, arena, n, out, err));
    enum qn_layout layout = qn_type_layout(packed->type);
    if (layout == QN_LAYOUT_BOOL)
        return open_bools(packed, arena, n, out, err);
    if (layout == QN_LAYOUT_TEXT)
        return open_text(packed, arena, n, out, err);
    out->i64 = qn_arena_alloc(arena, (size_t)n * sizeof *out->i64);
    if (!out->i64)
        return qn_err_nomem(err, "a column");
    if (layout == QN_LAYOUT_I64)
        return qn_ints_open(&packed->ints, out->i64, n, err);
    return qn_block_open(&packed->bytes, out->f64, (size_t)n * sizeof *out->f64, err);
}

static qn_code take_header(struct qn_unpack *in, const struct qn_schema *schema, uint32_t *n_rows,
                           struct qn_err *err)
{
    uint8_t version = qn_unpack_u8(in);
    *n_rows = qn_unpack_u32(in);
    uint32_t n_columns = qn_unpack_count(in, COLUMN_HEADER_BYTES);
    if (in->failed)
        return corrupt(err, "a batch's header is cut short or corrupt");
    if (version != QN_CODEC_VERSION)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a batch of format %u, expected %d",
                          version, QN_CODEC_VERSION);
    if (*n_rows > QN_BATCH_ROWS || n_columns != schema->n_fields)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER,
                          "a batch of %u rows and %u columns, expected at most %d and %u", *n_rows,
                          n_columns, QN_BATCH_ROWS, schema->n_fields);
    return QN_OK;
}

qn_code qn_codec_decode_wanted(struct qn_strv bytes, const struct qn_schema *schema,
                               const bool *wanted, const struct qn_schema *projected,
                               struct qn_arena *arena, struct qn_batch *out, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    uint32_t n_rows, taken = 0;
    QN_TRY(take_header(&in, schema, &n_rows, err));
    struct qn_column *columns = QN_NEW_ARRAY(arena, struct qn_column, projected->n_fields);
    if (!columns)
        return qn_err_nomem(err, "a batch");
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        struct packed packed;
        qn_code code = take_column(&in, schema->fields[i].type, &packed, err);
        if (code == QN_OK && (!wanted || wanted[i])) {
            assert(taken < projected->n_fields);
            code = open_column(&packed, arena, n_rows, &columns[taken++], err);
        }
        if (code != QN_OK) {
            qn_err_frame(err, "while decoding column %s", schema->fields[i].name);
            return code;
        }
    }
    QN_TRY(qn_unpack_end(&in, "a batch", err));
    *out = (struct qn_batch){.schema = projected, .columns = columns, .n_rows = n_rows};
    return QN_OK;
}

qn_code qn_codec_decode(struct qn_strv bytes, const struct qn_schema *schema,
                        struct qn_arena *arena, struct qn_batch *out, struct qn_err *err)
{
    return qn_codec_decode_wanted(bytes, schema, NULL, schema, arena, out, err);
}
