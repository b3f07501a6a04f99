#include "jobs/etl/sketch.h"

#include <math.h>
#include <stdlib.h>

enum { PACKED_SET = 1, PACKED_REGISTERS = 2 };

void qn_sketch_fini(struct qn_sketch *sketch)
{
    free(sketch->set);
    free(sketch->registers);
    *sketch = (struct qn_sketch){0};
}

static qn_code to_registers(struct qn_sketch *sketch, struct qn_err *err)
{
    if (sketch->registers)
        return QN_OK;
    sketch->registers = calloc(QN_SKETCH_REGISTERS, 1);
    if (!sketch->registers)
        return qn_err_nomem(err, "a sketch");
    for (uint32_t i = 0; i < sketch->n_slots; i++)
        if (sketch->set[i])
            qn_sketch_register(sketch, sketch->set[i]);
    return QN_OK;
}

static uint64_t *find(const struct qn_sketch *sketch, uint64_t hash)
{
    uint32_t at = (uint32_t)hash & (sketch->n_slots - 1);
    while (sketch->set[at] && sketch->set[at] != hash)
        at = (at + 1) & (sketch->n_slots - 1);
    return &sketch->set[at];
}

static qn_code grow(struct qn_sketch *sketch, struct qn_err *err)
{
    struct qn_sketch grown = {.n = sketch->n,
                              .n_slots = sketch->n_slots ? sketch->n_slots * 4 : 64};
    grown.set = calloc(grown.n_slots, sizeof *grown.set);
    if (!grown.set)
        return qn_err_nomem(err, "a sketch");
    for (uint32_t i = 0; i < sketch->n_slots; i++)
        if (sketch->set[i])
            *find(&grown, sketch->set[i]) = sketch->set[i];
    free(sketch->set);
    *sketch = grown;
    return QN_OK;
}

qn_code qn_sketch_insert(struct qn_sketch *sketch, uint64_t hash, struct qn_err *err)
{
    uint64_t kept = hash ? hash : 1;
    if (sketch->n * 4 >= sketch->n_slots)
        QN_TRY(grow(sketch, err));
    uint64_t *slot = find(sketch, kept);
    if (*slot)
        return QN_OK;
    if (sketch->n < QN_SKETCH_EXACT) {
        *slot = kept;
        sketch->n++;
        return QN_OK;
    }
    QN_TRY(to_registers(sketch, err));
    qn_sketch_register(sketch, kept);
    return QN_OK;
}

qn_code qn_sketch_add_all(struct qn_sketch *sketch, const uint64_t *hashes, uint32_t n,
                          struct qn_err *err)
{
    uint32_t i = 0;
    for (; i < n && !sketch->registers; i++)
        QN_TRY(qn_sketch_add(sketch, hashes[i], err));
    for (; i < n; i++)
        qn_sketch_register(sketch, hashes[i]);
    return QN_OK;
}

uint64_t qn_sketch_count(const struct qn_sketch *sketch)
{
    if (!sketch->registers)
        return sketch->n;
    double m = QN_SKETCH_REGISTERS, sum = 0;
    uint32_t zeros = 0;
    for (uint32_t i = 0; i < QN_SKETCH_REGISTERS; i++) {
        sum += ldexp(1, -sketch->registers[i]);
        zeros += sketch->registers[i] == 0;
    }
    double estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum;
    if (estimate <= 2.5 * m && zeros)
        estimate = m * log(m / zeros);
    return (uint64_t)(estimate + 0.5);
}

void qn_sketch_pack(const struct qn_sketch *sketch, struct qn_buf *buf)
{
    if (sketch->registers) {
        qn_buf_put_u8(buf, PACKED_REGISTERS);
        qn_buf_put(buf, sketch->registers, QN_SKETCH_REGISTERS);
        return;
    }
    qn_buf_put_u8(buf, PACKED_SET);
    qn_buf_put_u32(buf, sketch->n);
    for (uint32_t i = 0; i < sketch->n_slots; i++)
        if (sketch->set[i])
            qn_buf_put_u64(buf, sketch->set[i]);
}

qn_code qn_sketch_merge(struct qn_sketch *sketch, struct qn_unpack *in, struct qn_err *err)
{
    uint8_t kind = qn_unpack_u8(in);
    if (kind == PACKED_SET) {
        uint32_t n = qn_unpack_count(in, 8);
        for (uint32_t i = 0; i < n && !in->failed; i++)
            QN_TRY(qn_sketch_add(sketch, qn_unpack_u64(in), err));
    } else if (kind == PACKED_REGISTERS) {
        struct qn_strv bytes = qn_unpack_bytes(in, QN_SKETCH_REGISTERS);
        QN_TRY(to_registers(sketch, err));
        for (size_t i = 0; i < bytes.len; i++) {
            uint8_t rank = (uint8_t)bytes.data[i];
            if (rank > 64) {
                in->failed = true;
                return QN_OK;
            }
            if (rank > sketch->registers[i])
                sketch->registers[i] = rank;
        }
    } else {
        in->failed = true;
    }
    return QN_OK;
}
