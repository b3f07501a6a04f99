#include "jobs/etl/sketch.h"

#include <math.h>
#include <stdlib.h>

void qn_sketch_fini(struct qn_sketch *sketch)
{
    free(sketch->entries);
    free(sketch->slots);
    free(sketch->registers);
    *sketch = (struct qn_sketch){0};
}

qn_code qn_sketch_to_registers(struct qn_sketch *sketch, struct qn_err *err)
{
    if (sketch->registers)
        return QN_OK;
    struct qn_sketch rough = {.registers = calloc(QN_SKETCH_REGISTERS, 1)};
    if (!rough.registers)
        return qn_err_nomem(err, "a sketch");
    for (uint32_t i = 0; i < sketch->n; i++)
        qn_sketch_register(&rough, sketch->entries[i].hash);
    qn_sketch_fini(sketch);
    *sketch = rough;
    return QN_OK;
}

static uint16_t *find(const struct qn_sketch *sketch, uint64_t hash)
{
    uint32_t at = (uint32_t)hash & (sketch->n_slots - 1);
    while (sketch->slots[at] && sketch->entries[sketch->slots[at] - 1].hash != hash)
        at = (at + 1) & (sketch->n_slots - 1);
    return &sketch->slots[at];
}

static qn_code grow(struct qn_sketch *sketch, struct qn_err *err)
{
    uint32_t n_slots = sketch->n_slots ? sketch->n_slots * 4 : 64;
    uint16_t *slots = calloc(n_slots, sizeof *slots);
    void *entries = realloc(sketch->entries, n_slots / 4 * sizeof *sketch->entries);
    if (entries)
        sketch->entries = entries;
    if (!slots || !entries) {
        free(slots);
        return qn_err_nomem(err, "a sketch");
    }
    free(sketch->slots);
    sketch->slots = slots;
    sketch->n_slots = n_slots;
    for (uint32_t i = 0; i < sketch->n; i++)
        *find(sketch, sketch->entries[i].hash) = (uint16_t)(i + 1);
    return QN_OK;
}

qn_code qn_sketch_insert(struct qn_sketch *sketch, uint64_t hash, uint64_t times,
                         struct qn_err *err)
{
    uint16_t *slot = sketch->n_slots ? find(sketch, hash) : NULL;
    if (slot && *slot) {
        sketch->entries[*slot - 1].count += times;
        return QN_OK;
    }
    if (sketch->n == QN_SKETCH_EXACT) {
        QN_TRY(qn_sketch_to_registers(sketch, err));
        qn_sketch_register(sketch, hash);
        return QN_OK;
    }
    if (sketch->n * 4 >= sketch->n_slots) {
        QN_TRY(grow(sketch, err));
        slot = find(sketch, hash);
    }
    sketch->entries[sketch->n++] = (struct qn_sketch_entry){hash, times};
    *slot = (uint16_t)sketch->n;
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
