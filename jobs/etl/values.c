#include "jobs/etl/values.h"

enum { PACKED_COUNTED = 1, PACKED_SET = 2, PACKED_REGISTERS = 3 };

void qn_values_init(struct qn_values *values, struct qn_type type, uint32_t most)
{
    *values = (struct qn_values){.most = most};
    qn_colstore_init(&values->kept, type);
}

void qn_values_fini(struct qn_values *values)
{
    qn_sketch_fini(&values->sketch);
    qn_colstore_fini(&values->kept);
}

qn_code qn_values_add(struct qn_values *values, uint64_t hash, uint64_t times, struct qn_cell cell,
                      struct qn_err *err)
{
    QN_TRY(qn_sketch_add(&values->sketch, hash, times, err));
    if (!qn_values_are_counted(values))
        qn_colstore_fini(&values->kept);
    else if (values->sketch.n > values->kept.n)
        return qn_colstore_add_cell(&values->kept, qn_values_cut(cell), err);
    return QN_OK;
}

void qn_values_pack(const struct qn_values *values, struct qn_buf *buf)
{
    const struct qn_sketch *sketch = &values->sketch;
    if (sketch->registers) {
        qn_buf_put_u8(buf, PACKED_REGISTERS);
        qn_buf_put(buf, sketch->registers, QN_SKETCH_REGISTERS);
        return;
    }
    bool counted = qn_values_are_counted(values);
    qn_buf_put_u8(buf, counted ? PACKED_COUNTED : PACKED_SET);
    qn_buf_put_u32(buf, sketch->n);
    for (uint32_t i = 0; i < sketch->n; i++) {
        qn_buf_put_u64(buf, sketch->entries[i].hash);
        if (!counted)
            continue;
        qn_buf_put_u64(buf, sketch->entries[i].count);
        qn_cell_pack(buf, values->kept.column.type, qn_cell_at(&values->kept.column, i));
    }
}

static qn_code merge_set(struct qn_values *values, struct qn_unpack *in, struct qn_err *err)
{
    uint32_t n = qn_unpack_count(in, 8);
    values->most = 0; /* there were more */
    qn_colstore_fini(&values->kept);
    for (uint32_t i = 0; i < n && !in->failed; i++)
        QN_TRY(qn_values_add(values, qn_unpack_u64(in), 1, (struct qn_cell){0}, err));
    return QN_OK;
}

static qn_code merge_counted(struct qn_values *values, struct qn_unpack *in, struct qn_err *err)
{
    uint32_t n = qn_unpack_count(in, 8 + 8 + 1);
    for (uint32_t i = 0; i < n && !in->failed; i++) {
        uint64_t hash = qn_unpack_u64(in), count = qn_unpack_u64(in);
        struct qn_cell cell = qn_cell_unpack(in, values->kept.column.type);
        if (!cell.valid)
            in->failed = true;
        if (!in->failed)
            QN_TRY(qn_values_add(values, hash, count, cell, err));
    }
    return QN_OK;
}

static qn_code merge_registers(struct qn_values *values, struct qn_unpack *in, struct qn_err *err)
{
    struct qn_strv ranks = qn_unpack_bytes(in, QN_SKETCH_REGISTERS);
    qn_colstore_fini(&values->kept);
    QN_TRY(qn_sketch_to_registers(&values->sketch, err));
    for (size_t i = 0; i < ranks.len; i++) {
        uint8_t rank = (uint8_t)ranks.data[i];
        if (rank > 64) {
            in->failed = true;
            return QN_OK;
        }
        if (rank > values->sketch.registers[i])
            values->sketch.registers[i] = rank;
    }
    return QN_OK;
}

qn_code qn_values_merge(struct qn_values *values, struct qn_unpack *in, struct qn_err *err)
{
    switch (qn_unpack_u8(in)) {
    case PACKED_COUNTED: return merge_counted(values, in, err);
    case PACKED_SET: return merge_set(values, in, err);
    case PACKED_REGISTERS: return merge_registers(values, in, err);
    default: in->failed = true; return QN_OK;
    }
}
