/* The row-by-row builder of batch.h: growing columns of its own. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "flow/batch.h"

struct builder_column {
    struct qn_buf values;   /* BOOL: bytes; I64, F64: 8-byte values; TEXT: bytes */
    struct qn_buf offsets;  /* TEXT: uint32_t per row + 1 */
    struct qn_buf validity; /* words */
    bool is_set;            /* in the current row */
};

struct qn_batch_builder {
    const struct qn_schema *schema;
    struct builder_column *columns;
    struct qn_column *view; /* what builder_batch points to */
    uint32_t n_rows;
    bool failed;
};

qn_code qn_builder_new(const struct qn_schema *schema, struct qn_batch_builder **out,
                       struct qn_err *err)
{
    struct qn_batch_builder *builder = calloc(1, sizeof *builder);
    if (!builder)
        return qn_err_nomem(err, "a batch builder");
    builder->schema = schema;
    builder->columns = calloc(schema->n_fields + 1U, sizeof *builder->columns);
    builder->view = calloc(schema->n_fields + 1U, sizeof *builder->view);
    if (!builder->columns || !builder->view) {
        qn_builder_free(builder);
        return qn_err_nomem(err, "a batch builder");
    }
    qn_builder_clear(builder);
    *out = builder;
    return QN_OK;
}

void qn_builder_free(struct qn_batch_builder *builder)
{
    if (!builder)
        return;
    for (uint32_t c = 0; builder->columns && c < builder->schema->n_fields; c++) {
        qn_buf_fini(&builder->columns[c].values);
        qn_buf_fini(&builder->columns[c].offsets);
        qn_buf_fini(&builder->columns[c].validity);
    }
    free(builder->columns);
    free(builder->view);
    free(builder);
}

void qn_builder_clear(struct qn_batch_builder *builder)
{
    builder->n_rows = 0;
    builder->failed = false;
    for (uint32_t c = 0; c < builder->schema->n_fields; c++) {
        struct builder_column *column = &builder->columns[c];
        qn_buf_clear(&column->values);
        qn_buf_clear(&column->offsets);
        qn_buf_clear(&column->validity);
        column->is_set = false;
        uint32_t zero = 0;
        qn_buf_put(&column->offsets, &zero, sizeof zero);
    }
}

uint32_t qn_builder_rows(const struct qn_batch_builder *builder)
{
    return builder->n_rows;
}

static struct builder_column *set(struct qn_batch_builder *builder, uint32_t column,
                                  const void *bytes, size_t n)
{
    assert(column < builder->schema->n_fields && !builder->columns[column].is_set);
    qn_buf_put(&builder->columns[column].values, bytes, n);
    builder->columns[column].is_set = true;
    return &builder->columns[column];
}

void qn_builder_i64(struct qn_batch_builder *builder, uint32_t column, int64_t value)
{
    assert(qn_type_layout(builder->schema->fields[column].type) == QN_LAYOUT_I64);
    set(builder, column, &value, sizeof value);
}

void qn_builder_f64(struct qn_batch_builder *builder, uint32_t column, double value)
{
    assert(qn_type_layout(builder->schema->fields[column].type) == QN_LAYOUT_F64);
    set(builder, column, &value, sizeof value);
}

void qn_builder_bool(struct qn_batch_builder *builder, uint32_t column, bool value)
{
    assert(qn_type_layout(builder->schema->fields[column].type) == QN_LAYOUT_BOOL);
    uint8_t byte = value;
    set(builder, column, &byte, sizeof byte);
}

void qn_builder_text(struct qn_batch_builder *builder, uint32_t column, struct qn_strv value)
{
    assert(qn_type_layout(builder->schema->fields[column].type) == QN_LAYOUT_TEXT);
    set(builder, column, value.data, value.len);
}

void qn_builder_value(struct qn_batch_builder *builder, uint32_t column,
                      const struct qn_column *from, uint32_t row)
{
    if (!qn_is_valid(from, row))
        return;
    switch (qn_type_layout(from->type)) {
    case QN_LAYOUT_BOOL: qn_builder_bool(builder, column, from->bools[row]); break;
    case QN_LAYOUT_I64: qn_builder_i64(builder, column, from->i64[row]); break;
    case QN_LAYOUT_F64: qn_builder_f64(builder, column, from->f64[row]); break;
    case QN_LAYOUT_TEXT: qn_builder_text(builder, column, qn_text_at(from, row)); break;
    }
}

static void close_column(struct builder_column *column, enum qn_layout layout, uint32_t row)
{
    static const uint64_t zero = 0;
    if (!column->is_set && layout != QN_LAYOUT_TEXT)
        qn_buf_put(&column->values, &zero, layout == QN_LAYOUT_BOOL ? 1 : 8);
    if (layout == QN_LAYOUT_TEXT) {
        if (column->values.len > UINT32_MAX)
            column->values.failed = true;
        uint32_t end = (uint32_t)column->values.len;
        qn_buf_put(&column->offsets, &end, sizeof end);
    }
    if (row % 64 == 0)
        qn_buf_put(&column->validity, &zero, sizeof zero);
    if (column->is_set && !column->validity.failed) {
        uint64_t word;
        uint8_t *at = column->validity.data + (row / 64) * sizeof word;
        memcpy(&word, at, sizeof word);
        word |= UINT64_C(1) << (row % 64);
        memcpy(at, &word, sizeof word);
    }
    column->is_set = false;
}

qn_code qn_builder_row(struct qn_batch_builder *builder, struct qn_err *err)
{
    for (uint32_t c = 0; c < builder->schema->n_fields; c++) {
        struct builder_column *column = &builder->columns[c];
        close_column(column, qn_type_layout(builder->schema->fields[c].type), builder->n_rows);
        builder->failed |=
            column->values.failed || column->offsets.failed || column->validity.failed;
    }
    builder->n_rows++;
    return builder->failed ? qn_err_nomem(err, "a batch being built") : QN_OK;
}

void qn_builder_batch(struct qn_batch_builder *builder, struct qn_batch *out)
{
    static char nothing[8];
    for (uint32_t c = 0; c < builder->schema->n_fields; c++) {
        struct builder_column *column = &builder->columns[c];
        struct qn_column *view = &builder->view[c];
        *view = (struct qn_column){.type = builder->schema->fields[c].type};
        view->bytes = column->values.data ? (char *)column->values.data : nothing;
        view->validity = (uint64_t *)(void *)column->validity.data;
        if (qn_type_layout(view->type) == QN_LAYOUT_TEXT)
            view->offsets = (uint32_t *)(void *)column->offsets.data;
    }
    *out = (struct qn_batch){
        .schema = builder->schema, .columns = builder->view, .n_rows = builder->n_rows};
}
