#include "jobs/learn/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/radix.h"

void qn_sample_init(struct qn_sample *sample, uint32_t k)
{
    *sample = (struct qn_sample){.k = k};
}

void qn_sample_fini(struct qn_sample *sample)
{
    free(sample->items);
    qn_sample_init(sample, sample->k);
}

static bool is_lower(const struct qn_sample_item *a, const struct qn_sample_item *b)
{
    return a->hash != b->hash ? a->hash < b->hash : a->value < b->value;
}

/* The item that at least a few of the others are on either side of. */
static struct qn_sample_item middle_of(const struct qn_sample_item *items, uint32_t n)
{
    const struct qn_sample_item *a = &items[0], *b = &items[n / 2], *c = &items[n - 1];
    if (is_lower(b, a)) {
        const struct qn_sample_item *swap = a;
        a = b;
        b = swap;
    }
    return is_lower(c, a) ? *a : is_lower(c, b) ? *c : *b;
}

/* Brings the k lowest to the front, in any order: in halves around a pivot, of which only the one
 * that holds the border is looked at again. */
static void select_lowest(struct qn_sample_item *items, uint32_t n, uint32_t k)
{
    while (n > 1 && k > 0 && k < n) {
        struct qn_sample_item pivot = middle_of(items, n);
        uint32_t i = 0, j = n - 1;
        for (;;) {
            while (is_lower(&items[i], &pivot))
                i++;
            while (is_lower(&pivot, &items[j]))
                j--;
            if (i >= j)
                break;
            struct qn_sample_item swap = items[i];
            items[i++] = items[j];
            items[j--] = swap;
        }
        uint32_t low = j + 1; /* items[0..low) are not above the pivot, the rest not below */
        if (k <= low && low < n) {
            n = low;
        } else if (low < n) {
            items += low;
            n -= low;
            k -= low;
        } else { /* the pivot is the highest: it stands last */
            n--;
        }
    }
}

static void cut(struct qn_sample *sample)
{
    if (sample->n <= sample->k)
        return;
    select_lowest(sample->items, sample->n, sample->k);
    sample->n = sample->k;
    sample->full = sample->n > 0;
    for (uint32_t i = 0; i < sample->n; i++)
        if (i == 0 || is_lower(&sample->highest, &sample->items[i]))
            sample->highest = sample->items[i];
}

/* What has become large gets all the room it may need: what is not used of it costs nothing, and
 * copies that grow leave holes behind. */
enum { LARGE = 16384 };

static qn_code grow(struct qn_sample *sample, struct qn_err *err)
{
    uint32_t most = sample->k + sample->k / 2 + 1;
    uint32_t capacity = sample->capacity ? sample->capacity * 2 : 256;
    if (capacity > LARGE || capacity > most)
        capacity = most;
    struct qn_sample_item *items = realloc(sample->items, capacity * sizeof *items);
    if (!items)
        return qn_err_nomem(err, "a sample for medians");
    sample->items = items;
    sample->capacity = capacity;
    return QN_OK;
}

qn_code qn_sample_add(struct qn_sample *sample, uint64_t hash, double value, struct qn_err *err)
{
    if (sample->full && hash > sample->highest.hash)
        return QN_OK;
    if (sample->n == sample->capacity && sample->n > sample->k)
        cut(sample);
    if (sample->n == sample->capacity)
        QN_TRY(grow(sample, err));
    /* -0 and 0 are one value: the median's sign must not depend on the order of the two. */
    sample->items[sample->n++] =
        (struct qn_sample_item){.hash = hash, .value = value == 0 ? 0 : value};
    return QN_OK;
}

qn_code qn_sample_sort(struct qn_sample *sample, struct qn_err *err)
{
    cut(sample);
    struct qn_radix_item *items = malloc((sample->n + (size_t)1) * sizeof *items);
    if (!items)
        return qn_err_nomem(err, "sorting a sample");
    for (uint32_t i = 0; i < sample->n; i++)
        items[i] = (struct qn_radix_item){qn_radix_of_double(sample->items[i].value),
                                          sample->items[i].hash};
    qn_code code = qn_radix_sort_items(items, sample->n, err);
    for (uint32_t i = 0; code == QN_OK && i < sample->n; i++)
        sample->items[i] =
            (struct qn_sample_item){items[i].value, qn_radix_to_double(items[i].key)};
    free(items);
    return code;
}

qn_code qn_sample_median(struct qn_sample *sample, double *median, struct qn_err *err)
{
    QN_TRY(qn_sample_sort(sample, err));
    uint32_t middle = sample->n / 2;
    *median = (double)NAN;
    if (sample->n % 2)
        *median = sample->items[middle].value;
    else if (sample->n)
        *median = (sample->items[middle - 1].value + sample->items[middle].value) / 2;
    return QN_OK;
}

/* Items travel as they lie in memory: little-endian, without gaps. */
_Static_assert(sizeof(struct qn_sample_item) == 16, "a hash and a value");

void qn_sample_pack(struct qn_buf *out, struct qn_sample *sample)
{
    cut(sample);
    qn_buf_put_u32(out, sample->n);
    qn_buf_put(out, sample->items, sample->n * sizeof *sample->items);
}

qn_code qn_sample_merge(struct qn_sample *sample, struct qn_unpack *in, struct qn_err *err)
{
    uint32_t n = qn_unpack_count(in, sizeof *sample->items);
    const char *bytes = qn_unpack_bytes(in, n * sizeof *sample->items).data;
    if (n > sample->k)
        in->failed = true;
    for (uint32_t i = 0; i < n && !in->failed; i++) {
        struct qn_sample_item item;
        memcpy(&item, bytes + i * sizeof item, sizeof item);
        if (!isfinite(item.value))
            in->failed = true;
        else
            QN_TRY(qn_sample_add(sample, item.hash, item.value, err));
    }
    return QN_OK;
}
