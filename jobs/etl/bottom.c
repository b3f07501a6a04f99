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

static bool is_before(struct qn_bottom_entry a, struct qn_bottom_entry b)
{
    return a.hash != b.hash ? a.hash < b.hash : a.value < b.value;
}

static int compare_entries(const void *left, const void *right)
{
    const struct qn_bottom_entry *a = left, *b = right;
    return is_before(*b, *a) - is_before(*a, *b);
}

/* Moves entries so that none of [0, k) is after entry k - 1 and none past it before; hashes are
 * scattered, so the middle one parts them well. */
static void select_least(struct qn_bottom_entry *entries, uint32_t n, uint32_t k)
{
    int64_t low = 0, high = (int64_t)n - 1, wanted = (int64_t)k - 1;
    while (low < high) {
        struct qn_bottom_entry pivot = entries[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (is_before(entries[i], pivot))
                i++;
            while (is_before(pivot, entries[j]))
                j--;
            if (i > j)
                break;
            struct qn_bottom_entry swapped = entries[i];
            entries[i++] = entries[j];
            entries[j--] = swapped;
        }
        if (wanted > j && wanted < i)
            return;
        if (wanted <= j)
            high = j;
        else
            low = i;
    }
}

void qn_bottom_cut(struct qn_bottom *sample)
{
    if (sample->n <= sample->k || !sample->k)
        return;
    select_least(sample->entries, sample->n, sample->k);
    sample->n = sample->k;
    sample->limit = sample->entries[sample->k - 1].hash;
}

void qn_bottom_sort(struct qn_bottom *sample)
{
    qn_bottom_cut(sample);
    if (sample->n > 1)
        qsort(sample->entries, sample->n, sizeof *sample->entries, compare_entries);
    if (sample->n == sample->k && sample->k)
        sample->limit = sample->entries[sample->n - 1].hash;
}

qn_code qn_bottom_add(struct qn_bottom *sample, uint64_t hash, uint64_t value, struct qn_err *err)
{
    if (hash > sample->limit)
        return QN_OK;
    if (sample->n == 2 * sample->k) /* room for twice k, so that cutting is rare */
        qn_bottom_cut(sample);
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
