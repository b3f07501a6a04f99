#include "flow/reject.h"

enum { FILE_NAME, LINE, BYTE_OFFSET, COLUMN, RULE, MESSAGE, RAW };

static const struct qn_field fields[] = {
    [FILE_NAME] = {"file", {.id = QN_TEXT}},
    [LINE] = {"line", {.id = QN_INT64}},
    [BYTE_OFFSET] = {"byte_offset", {.id = QN_INT64}},
    [COLUMN] = {"column", {.id = QN_TEXT}},
    [RULE] = {"rule", {.id = QN_TEXT}},
    [MESSAGE] = {"message", {.id = QN_TEXT}},
    [RAW] = {"raw", {.id = QN_TEXT}},
};

const struct qn_schema qn_reject_schema = {fields, sizeof fields / sizeof fields[0]};

qn_code qn_rejects_init(struct qn_rejects *rejects, struct qn_err *err)
{
    return qn_builder_new(&qn_reject_schema, &rejects->rows, err);
}

void qn_rejects_fini(struct qn_rejects *rejects)
{
    qn_builder_free(rejects->rows);
    rejects->rows = NULL;
}

static void put_text(struct qn_batch_builder *rows, uint32_t column, struct qn_strv text)
{
    if (text.len)
        qn_builder_text(rows, column, text);
}

qn_code qn_rejects_add(struct qn_rejects *rejects, const struct qn_reject *reject,
                       struct qn_err *err)
{
    struct qn_batch_builder *rows = rejects->rows;
    put_text(rows, FILE_NAME, reject->file);
    qn_builder_i64(rows, LINE, (int64_t)reject->line);
    qn_builder_i64(rows, BYTE_OFFSET, (int64_t)reject->byte_offset);
    put_text(rows, COLUMN, reject->column);
    put_text(rows, RULE, reject->rule);
    put_text(rows, MESSAGE, reject->message);
    put_text(rows, RAW, reject->raw);
    return qn_builder_row(rows, err);
}

uint32_t qn_rejects_count(const struct qn_rejects *rejects)
{
    return qn_builder_rows(rejects->rows);
}

struct qn_reject qn_reject_at(const struct qn_batch *batch, uint32_t row)
{
    const struct qn_column *columns = batch->columns;
    return (struct qn_reject){
        .file = qn_text_at(&columns[FILE_NAME], row),
        .line = (uint64_t)columns[LINE].i64[row],
        .byte_offset = (uint64_t)columns[BYTE_OFFSET].i64[row],
        .column = qn_text_at(&columns[COLUMN], row),
        .rule = qn_text_at(&columns[RULE], row),
        .message = qn_text_at(&columns[MESSAGE], row),
        .raw = qn_text_at(&columns[RAW], row),
    };
}
