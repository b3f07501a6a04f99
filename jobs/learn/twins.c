#include "jobs/learn/twins.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_VECTORS = 20000, LONGEST_KEY = 64 };

void qn_twins_init(struct qn_twins *twins)
{
    *twins = (struct qn_twins){.sorted = true, .highest = UINT64_MAX};
}

static void release(struct qn_twin *twin)
{
    for (int side = 0; side < 2; side++)
        free(twin->keys[side]);
}

void qn_twins_fini(struct qn_twins *twins)
{
    for (uint32_t i = 0; i < twins->n; i++)
        release(&twins->items[i]);
    free(twins->items);
    qn_twins_init(twins);
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = ((const struct qn_twin *)a)->hash, y = ((const struct qn_twin *)b)->hash;
    return (x > y) - (x < y);
}

/* Takes over what `from` holds. */
static void fold(struct qn_twin *into, struct qn_twin *from)
{
    for (int side = 0; side < 2; side++) {
        into->rows[side] += from->rows[side];
        bool takes = from->keys[side] &&
                     (!into->keys[side] || strcmp(from->keys[side], into->keys[side]) < 0);
        if (takes) {
            free(into->keys[side]);
            into->keys[side] = from->keys[side];
            from->keys[side] = NULL;
        }
    }
    release(from);
}

/* One item a vector, the lowest of them. */
static void settle(struct qn_twins *twins)
{
    uint32_t n = 0;
    if (twins->sorted)
        return;
    qsort(twins->items, twins->n, sizeof *twins->items, by_hash);
    for (uint32_t i = 0; i < twins->n; i++) {
        if (n && twins->items[n - 1].hash == twins->items[i].hash)
            fold(&twins->items[n - 1], &twins->items[i]);
        else
            twins->items[n++] = twins->items[i];
    }
    while (n > MOST_VECTORS)
        release(&twins->items[--n]);
    twins->n = n;
    twins->sorted = true;
    if (n == MOST_VECTORS)
        twins->highest = twins->items[n - 1].hash;
}

bool qn_twins_wants(const struct qn_twins *twins, uint64_t hash)
{
    return hash <= twins->highest;
}

static qn_code make_room(struct qn_twins *twins, struct qn_err *err)
{
    if (twins->n == 2 * MOST_VECTORS)
        settle(twins);
    if (twins->n < twins->capacity)
        return QN_OK;
    uint32_t capacity = twins->capacity ? 2 * twins->capacity : 1024;
    struct qn_twin *items = realloc(twins->items, capacity * sizeof *items);
    if (!items)
        return qn_err_nomem(err, "looking for twins");
    twins->items = items;
    twins->capacity = capacity;
    return QN_OK;
}

static char *copy_of(struct qn_strv text)
{
    size_t n = text.len < LONGEST_KEY ? text.len : LONGEST_KEY;
    char *copy = malloc(n + 1);
    if (copy && n)
        memcpy(copy, text.data, n);
    if (copy)
        copy[n] = '\0';
    return copy;
}

qn_code qn_twins_add(struct qn_twins *twins, uint64_t hash, bool held_out, struct qn_strv key,
                     struct qn_err *err)
{
    QN_TRY(make_room(twins, err));
    struct qn_twin twin = {.hash = hash};
    twin.rows[held_out] = 1;
    twin.keys[held_out] = copy_of(key);
    if (!twin.keys[held_out])
        return qn_err_nomem(err, "looking for twins");
    twins->items[twins->n++] = twin;
    twins->sorted = false;
    return QN_OK;
}

void qn_twins_pack(struct qn_buf *out, struct qn_twins *twins)
{
    settle(twins);
    qn_buf_put_u32(out, twins->n);
    for (uint32_t i = 0; i < twins->n; i++) {
        qn_buf_put_u64(out, twins->items[i].hash);
        for (int side = 0; side < 2; side++) {
            const char *key = twins->items[i].keys[side];
            qn_buf_put_u64(out, twins->items[i].rows[side]);
            qn_buf_put_str(out, qn_strv_from(key ? key : ""));
        }
    }
}

static qn_code merge_one(struct qn_twins *twins, struct qn_unpack *in, struct qn_err *err)
{
    struct qn_twin twin = {.hash = qn_unpack_u64(in)};
    for (int side = 0; side < 2; side++) {
        twin.rows[side] = qn_unpack_u64(in);
        struct qn_strv key = qn_unpack_str(in);
        in->failed |= twin.rows[side] > UINT32_MAX || key.len > LONGEST_KEY;
        if (twin.rows[side] && !in->failed)
            twin.keys[side] = copy_of(key);
        if (twin.rows[side] && !in->failed && !twin.keys[side]) {
            release(&twin);
            return qn_err_nomem(err, "looking for twins");
        }
    }
    qn_code code = in->failed ? QN_OK : make_room(twins, err);
    if (in->failed || code != QN_OK) {
        release(&twin);
        return code;
    }
    twins->items[twins->n++] = twin;
    twins->sorted = false;
    return QN_OK;
}

qn_code qn_twins_merge(struct qn_twins *twins, struct qn_unpack *in, struct qn_err *err)
{
    uint32_t n = qn_unpack_count(in, 32);
    in->failed |= n > MOST_VECTORS;
    for (uint32_t i = 0; i < n && !in->failed; i++)
        QN_TRY(merge_one(twins, in, err));
    settle(twins);
    return QN_OK;
}

void qn_twins_find(struct qn_twins *twins, struct qn_twins_found *out)
{
    *out = (struct qn_twins_found){.example = NULL};
    settle(twins);
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
}
