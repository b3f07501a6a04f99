#include "jobs/learn/cuts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_KEYS = 1 << 16, ROOM = 4 * MOST_KEYS };

/* Earliest first; train begins with the first row. */
static const enum qn_side order[] = {QN_SIDE_VALIDATION, QN_SIDE_CALIBRATION, QN_SIDE_TEST};
enum { N_CUTS = sizeof order / sizeof order[0] };

/* --- cuts ------------------------------------------------------------------------------------- */

void qn_cuts_init(struct qn_cuts *cuts)
{
    *cuts = (struct qn_cuts){0};
    for (int i = 0; i < N_CUTS; i++)
        cuts->sides[order[i]].bits = 64;
}

void qn_cuts_pack(struct qn_buf *out, const struct qn_cuts *cuts)
{
    qn_buf_put_u64(out, cuts->rows);
    for (int i = 0; i < N_CUTS; i++) {
        const struct qn_cut *cut = &cuts->sides[order[i]];
        qn_buf_put_u64(out, cut->low);
        qn_buf_put_u32(out, cut->bits);
        qn_buf_put_u64(out, cut->before);
        qn_buf_put_u64(out, cut->rank);
    }
}

qn_code qn_cuts_unpack(struct qn_strv bytes, struct qn_cuts *out, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    qn_cuts_init(out);
    out->rows = qn_unpack_u64(&in);
    for (int i = 0; i < N_CUTS; i++) {
        struct qn_cut *cut = &out->sides[order[i]];
        cut->low = qn_unpack_u64(&in);
        cut->bits = qn_unpack_u32(&in);
        cut->before = qn_unpack_u64(&in);
        cut->rank = qn_unpack_u64(&in);
        in.failed |= cut->bits > 64;
    }
    return qn_unpack_end(&in, "cuts", err);
}

/* The first cut that has this one's window: its tally serves both. */
static enum qn_side window_of(const struct qn_cuts *cuts, int cut)
{
    const struct qn_cut *mine = &cuts->sides[order[cut]];
    for (int i = 0; i < cut; i++) {
        const struct qn_cut *other = &cuts->sides[order[i]];
        if (other->low == mine->low && other->bits == mine->bits)
            return order[i];
    }
    return order[cut];
}

static bool is_within(const struct qn_cut *cut, uint64_t time)
{
    return cut->bits == 64 || (time >= cut->low && (time - cut->low) >> cut->bits == 0);
}

/* --- times ---------------------------------------------------------------------------------- */

void qn_times_init(struct qn_times *times)
{
    *times = (struct qn_times){0};
}

void qn_times_fini(struct qn_times *times)
{
    for (int i = 0; i < QN_N_SIDES; i++)
        free(times->of[i].items);
    qn_times_init(times);
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const struct qn_time_rows *)a)->key;
    uint64_t y = ((const struct qn_time_rows *)b)->key;
    return (x > y) - (x < y);
}

/* One item a key, of keys in order. */
static void fold(struct qn_time_tally *tally)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < tally->n; i++)
        if (n && tally->items[n - 1].key == tally->items[i].key)
            tally->items[n - 1].rows += tally->items[i].rows;
        else
            tally->items[n++] = tally->items[i];
    tally->n = n;
}

static void coarsen(struct qn_time_tally *tally, uint32_t shift)
{
    for (uint32_t i = 0; i < tally->n; i++)
        tally->items[i].key >>= shift - tally->shift;
    tally->shift = shift;
}

static void settle(struct qn_time_tally *tally)
{
    if (tally->n)
        qsort(tally->items, tally->n, sizeof *tally->items, by_key);
    fold(tally);
    while (tally->n > MOST_KEYS) {
        coarsen(tally, tally->shift + 1);
        fold(tally);
    }
}

/* `key` was shifted by `shift` bits, which are no more than the tally's. */
static qn_code add(struct qn_time_tally *tally, uint64_t key, uint32_t shift, uint64_t rows,
                   struct qn_err *err)
{
    if (tally->n == ROOM)
        settle(tally);
    key >>= tally->shift - shift;
    if (tally->n && tally->items[tally->n - 1].key == key) { /* rows often come in order */
        tally->items[tally->n - 1].rows += rows;
        return QN_OK;
    }
    if (tally->n == tally->capacity) {
        uint32_t capacity = tally->capacity ? 2 * tally->capacity : 256;
        struct qn_time_rows *items = realloc(tally->items, capacity * sizeof *items);
        if (!items)
            return qn_err_nomem(err, "the times of a split");
        tally->items = items;
        tally->capacity = capacity;
    }
    tally->items[tally->n++] = (struct qn_time_rows){key, rows};
    return QN_OK;
}

qn_code qn_times_add(struct qn_times *times, const struct qn_cuts *cuts, int64_t time,
                     struct qn_err *err)
{
    uint64_t number = (uint64_t)time ^ UINT64_C(1) << 63;
    for (int i = 0; i < N_CUTS; i++) {
        const struct qn_cut *cut = &cuts->sides[order[i]];
        struct qn_time_tally *tally = &times->of[order[i]];
        if (cut->bits == 0 || window_of(cuts, i) != order[i] || !is_within(cut, number))
            continue;
        QN_TRY(add(tally, number - cut->low, 0, 1, err));
    }
    return QN_OK;
}

qn_code qn_times_pack(struct qn_buf *out, struct qn_times *times, struct qn_err *err)
{
    for (int i = 0; i < N_CUTS; i++) {
        struct qn_time_tally *tally = &times->of[order[i]];
        settle(tally);
        qn_buf_put_u32(out, tally->shift);
        qn_buf_put_u32(out, tally->n);
        for (uint32_t at = 0; at < tally->n; at++) {
            qn_buf_put_u64(out, tally->items[at].key);
            qn_buf_put_u64(out, tally->items[at].rows);
        }
    }
    return qn_buf_check(out, "the times of a split", err);
}

static qn_code merge(struct qn_time_tally *tally, struct qn_unpack *in, struct qn_err *err)
{
    uint32_t shift = qn_unpack_u32(in), n = qn_unpack_count(in, 16);
    in->failed |= shift > 63 || n > MOST_KEYS;
    if (in->failed)
        return QN_OK;
    if (shift > tally->shift)
        coarsen(tally, shift);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t key = qn_unpack_u64(in), rows = qn_unpack_u64(in);
        in->failed |= rows > UINT64_C(1) << 56;
        QN_TRY(add(tally, key, shift, rows, err));
    }
    return QN_OK;
}

qn_code qn_times_merge(struct qn_times *times, struct qn_strv bytes, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    for (int i = 0; i < N_CUTS; i++)
        QN_TRY(merge(&times->of[order[i]], &in, err));
    return qn_unpack_end(&in, "the times of a split", err);
}

/* --- the end of a round ----------------------------------------------------------------------- */

static void rank_sides(struct qn_cuts *cuts, const struct qn_split *shares)
{
    const double of[QN_N_SIDES] = {[QN_SIDE_TEST] = shares->test,
                                   [QN_SIDE_CALIBRATION] = shares->calibration,
                                   [QN_SIDE_VALIDATION] = shares->validation};
    double held = 0;
    for (int i = N_CUTS - 1; i >= 0; i--) {
        struct qn_cut *cut = &cuts->sides[order[i]];
        held += of[order[i]];
        double n = rint(held * (double)cuts->rows);
        cut->rank = cuts->rows - (uint64_t)(n < 1 ? 1 : n);
        if (of[order[i]] <= 0)
            cut->bits = 0; /* nobody asks */
    }
}

static void narrow(struct qn_cut *cut, const struct qn_time_tally *tally)
{
    for (uint32_t i = 0; i < tally->n; i++) {
        const struct qn_time_rows *item = &tally->items[i];
        if (cut->before + item->rows <= cut->rank) {
            cut->before += item->rows;
            continue;
        }
        cut->low += item->key << tally->shift;
        cut->bits = tally->shift;
        return;
    }
}

qn_code qn_cuts_narrow(struct qn_cuts *cuts, const struct qn_split *shares, struct qn_times *times,
                       bool *done, struct qn_err *err)
{
    const struct qn_cuts before = *cuts;
    for (int i = 0; i < N_CUTS; i++)
        settle(&times->of[order[i]]);
    if (cuts->rows == 0) {
        const struct qn_time_tally *all = &times->of[order[0]];
        for (uint32_t i = 0; i < all->n; i++)
            cuts->rows += all->items[i].rows;
        if (cuts->rows == 0)
            return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                              "no labelled row has a time to split by");
        rank_sides(cuts, shares);
    }
    *done = true;
    for (int i = 0; i < N_CUTS; i++) {
        struct qn_cut *cut = &cuts->sides[order[i]];
        if (cut->bits)
            narrow(cut, &times->of[window_of(&before, i)]);
        *done &= cut->bits == 0;
    }
    return QN_OK;
}

void qn_cuts_apply(const struct qn_cuts *cuts, struct qn_split *split)
{
    const double of[QN_N_SIDES] = {[QN_SIDE_TEST] = split->test,
                                   [QN_SIDE_CALIBRATION] = split->calibration,
                                   [QN_SIDE_VALIDATION] = split->validation};
    for (int i = 0; i < N_CUTS; i++) {
        split->begins[order[i]] = of[order[i]] > 0;
        split->from[order[i]] = (int64_t)(cuts->sides[order[i]].low ^ UINT64_C(1) << 63);
    }
}
