#include "jobs/etl/bottom.h"

#include <stdlib.h>

void qn_bottom_init(struct qn_bottom *sample, uint32_t k)
{
    *sample = (struct qn_bottom){.k = k, .limit = UINT64_MAX};
}

void qn_bottom_fini(struct qn_bottom *sample)
{
    free(sample->entries);
    qn_bottom_init(sample, sample->k);
}

static int compare_entries(const void *left, const void *right)
{
    const struct qn_bottom_entry *a = left, *b = right;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return (a->value > b->value) - (a->value < b->value);
}

void qn_bottom_sort(struct qn_bottom *sample)
{
    if (sample->n > 1)
        qsort(sample->entries, sample->n, sizeof *sample->entries, compare_entries);
    if (sample->n > sample->k)
        sample->n = sample->k;
    if (sample->n == sample->k && sample->k)
        sample->limit = sample->entries[sample->n - 1].hash;
}

qn_code qn_bottom_add(struct qn_bottom *sample, uint64_t hash, uint64_t value, struct qn_err *err)
{
    if (hash > sample->limit)
        return QN_OK;
    if (sample->n == 2 * sample->k) /* room for twice k, so that cutting is rare */
        qn_bottom_sort(sample);
    if (sample->n == sample->capacity) {
        uint32_t capacity = sample->capacity ? sample->capacity * 2 : 64;
        if (capacity > 2 * sample->k)
            capacity = 2 * sample->k;
        void *grown = realloc(sample->entries, capacity * sizeof *sample->entries);
        if (!grown)
            return qn_err_nomem(err, "a sample");
        sample->entries = grown;
        sample->capacity = capacity;
    }
    sample->entries[sample->n++] = (struct qn_bottom_entry){hash, value};
    return QN_OK;
}

void qn_bottom_pack(struct qn_bottom *sample, struct qn_buf *buf)
{
    qn_bottom_sort(sample);
    qn_buf_put_u32(buf, sample->n);
    for (uint32_t i = 0; i < sample->n; i++) {
        qn_buf_put_u64(buf, sample->entries[i].hash);
        qn_buf_put_u64(buf, sample->entries[i].value);
    }
}

qn_code qn_bottom_merge(struct qn_bottom *sample, struct qn_unpack *in, struct qn_err *err)
{
    uint32_t n = qn_unpack_count(in, 16);
    for (uint32_t i = 0; i < n && !in->failed; i++) {
        uint64_t hash = qn_unpack_u64(in), value = qn_unpack_u64(in);
        QN_TRY(qn_bottom_add(sample, hash, value, err));
    }
    return QN_OK;
}
