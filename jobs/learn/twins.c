#include "jobs/learn/twins.h"

#include <stdlib.h>
#include <string.h>

#include "jobs/learn/rank.h"

enum { MOST_VECTORS = 5000 };

void qn_twins_init(struct qn_twins *twins)
{
    *twins = (struct qn_twins){.settled = true, .highest = UINT64_MAX};
}

void qn_twins_fini(struct qn_twins *twins)
{
    free(twins->items);
    qn_twins_init(twins);
}

static void fold(struct qn_twin *into, const struct qn_twin *from)
{
    for (int side = 0; side < 2; side++) {
        bool first = into->rows[side] == 0;
        if (from->rows[side] && (first || strcmp(from->keys[side], into->keys[side]) < 0))
            memcpy(into->keys[side], from->keys[side], QN_TWIN_KEY);
        into->rows[side] += from->rows[side];
    }
}

/* One item a vector, the lowest of them. */
static qn_code settle(struct qn_twins *twins, struct qn_err *err)
{
    uint32_t n = 0, capacity = 2 * MOST_VECTORS;
    if (twins->settled)
        return QN_OK;
    uint32_t *order = malloc(twins->n * sizeof *order);
    struct qn_twin *items = malloc(capacity * sizeof *items);
    qn_code code = order && items ? QN_OK : qn_err_nomem(err, "looking for twins");
    if (code == QN_OK)
        code = qn_rank_words(&twins->items[0].hash, sizeof *items / sizeof(uint64_t), twins->n,
                             order, err);
    for (uint32_t i = 0; code == QN_OK && i < twins->n; i++) {
        const struct qn_twin *next = &twins->items[order[i]];
        if (n && items[n - 1].hash == next->hash)
            fold(&items[n - 1], next);
        else if (n == MOST_VECTORS)
            break;
        else
            items[n++] = *next;
    }
    free(order);
    if (code != QN_OK) {
        free(items);
        return code;
    }
    free(twins->items);
    twins->items = items;
    twins->n = n;
    twins->capacity = capacity;
    twins->settled = true;
    if (n == MOST_VECTORS)
        twins->highest = items[n - 1].hash;
    return QN_OK;
}

bool qn_twins_wants(const struct qn_twins *twins, uint64_t hash)
{
    return hash <= twins->highest;
}

/* Room for one more. */
static qn_code make_room(struct qn_twins *twins, struct qn_err *err)
{
    if (twins->n == 2 * MOST_VECTORS)
        QN_TRY(settle(twins, err));
    if (twins->n < twins->capacity)
        return QN_OK;
    uint32_t capacity = twins->capacity ? 2 * twins->capacity : 512;
    struct qn_twin *items = realloc(twins->items, capacity * sizeof *items);
    if (!items)
        return qn_err_nomem(err, "looking for twins");
    twins->items = items;
    twins->capacity = capacity;
    return QN_OK;
}

static void copy_key(struct qn_twin *twin, int side, struct qn_strv key)
{
    size_t n = key.len < QN_TWIN_KEY - 1 ? key.len : QN_TWIN_KEY - 1;
    if (n)
        memcpy(twin->keys[side], key.data, n);
}

qn_code qn_twins_add(struct qn_twins *twins, uint64_t hash, bool held_out, struct qn_strv key,
                     struct qn_err *err)
{
    QN_TRY(make_room(twins, err));
    struct qn_twin *twin = &twins->items[twins->n++];
    *twin = (struct qn_twin){.hash = hash};
    twin->rows[held_out] = 1;
    copy_key(twin, held_out, key);
    twins->settled = false;
    return QN_OK;
}

void qn_twins_pack(struct qn_buf *out, struct qn_twins *twins)
{
    struct qn_err err;
    out->failed |= settle(twins, &err) != QN_OK;
    qn_buf_put_u32(out, twins->n);
    for (uint32_t i = 0; i < twins->n; i++) {
        qn_buf_put_u64(out, twins->items[i].hash);
        for (int side = 0; side < 2; side++) {
            qn_buf_put_u64(out, twins->items[i].rows[side]);
            qn_buf_put_str(out, qn_strv_from(twins->items[i].keys[side]));
        }
    }
}

qn_code qn_twins_merge(struct qn_twins *twins, struct qn_unpack *in, struct qn_err *err)
{
    uint32_t n = qn_unpack_count(in, 32);
    in->failed |= n > MOST_VECTORS;
    for (uint32_t i = 0; i < n && !in->failed; i++) {
        QN_TRY(make_room(twins, err));
        struct qn_twin *twin = &twins->items[twins->n++];
        *twin = (struct qn_twin){.hash = qn_unpack_u64(in)};
        for (int side = 0; side < 2; side++) {
            twin->rows[side] = qn_unpack_u64(in);
            struct qn_strv key = qn_unpack_str(in);
            in->failed |= twin->rows[side] > UINT32_MAX || key.len >= QN_TWIN_KEY;
            copy_key(twin, side, key);
        }
        twins->settled = false;
    }
    return settle(twins, err);
}

qn_code qn_twins_find(struct qn_twins *twins, struct qn_twins_found *out, struct qn_err *err)
{
    *out = (struct qn_twins_found){.example = NULL};
    QN_TRY(settle(twins, err));
    out->vectors = twins->n;
    for (uint32_t i = 0; i < twins->n; i++) {
        const struct qn_twin *twin = &twins->items[i];
        bool both = twin->rows[0] && twin->rows[1];
        out->rows += twin->rows[0] + twin->rows[1];
        out->held_out += twin->rows[1];
        out->with_twin += both ? twin->rows[1] : 0;
        if (both && !out->example)
            out->example = twin;
    }
    return QN_OK;
}
