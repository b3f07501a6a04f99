/* slot: what is kept of one argument, under one filter, for every group. Aggregates that can be
 * told from the same slot share it: sum(x), avg(x) and count(x) have one.
 *
 * A class of slots is one file slot_<class>.c that fills one const struct qn_slot_ops. States lie
 * in the groups' rows of bytes; every state begins with `int64_t n`, the values folded into it, and
 * all zero bytes are the state of no value. Folding and merging must be exact, so that a group's
 * result is the same however its rows were cut and dealt out. */
#ifndef QN_JOBS_ETL_SLOT_H
#define QN_JOBS_ETL_SLOT_H

#include "flow/batch.h"

struct qn_bag;

enum { QN_SLOT_FIELDS = 10, QN_FILTERS_A_COLUMN = 63 };

struct qn_slot;

/* Rows on their way into the states. */
struct qn_slot_fold {
    char *states; /* of group 0 */
    size_t stride;
    struct qn_arena *arena; /* as long as the groups */
    const uint32_t *group_of;
    uint32_t first, n_rows;         /* fold: rows [first, n_rows); merge: first is 0 */
    const struct qn_column *values; /* NULL: rows are counted */
    const struct qn_column *order;  /* what rows rank by; NULL: their places alone */
    const struct qn_column *places; /* two: of qn_row_id; NULL where no slot asks */
    struct qn_bag *bag;             /* the slot's, if it has one */
    const int64_t *bits;            /* of filters; NULL: none */
    uint8_t bit;
};

/* States on their way out. */
struct qn_slot_view {
    const char *states;
    size_t stride;
    const uint32_t *picked; /* groups, in the order they go out */
    uint32_t n;
    struct qn_arena *arena; /* of what goes out */
    /* Of slots that have a bag, which is sealed. A group's state goes out in as many pieces as its
     * bag holds values; of those past the first, `picked` is a group of no value. */
    const struct qn_bag *bag;
    const uint32_t *bag_groups; /* the groups themselves; NULL: as picked */
    const uint32_t *pieces;     /* NULL: all are first ones */
};

struct qn_slot_ops {
    /* Bytes of a state (a multiple of 8) and its columns on the wire, of which the first is n. */
    uint32_t bytes;
    bool has_bag; /* values of all groups are kept in one bag */
    uint32_t (*fields)(const struct qn_slot *slot, struct qn_type out[QN_SLOT_FIELDS]);
    QN_CHECK qn_code (*fold)(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                             struct qn_err *err);
    /* Folds states that pack() wrote; fold->values are the slot's columns, hostile ones too. */
    QN_CHECK qn_code (*merge)(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                              struct qn_err *err);
    QN_CHECK qn_code (*pack)(const struct qn_slot *slot, const struct qn_slot_view *view,
                             struct qn_column *out, struct qn_err *err);
};

struct qn_slot {
    const struct qn_slot_ops *ops;
    int32_t input;       /* of the plan's inputs; -1: rows are counted */
    int32_t filter;      /* of the plan's filters; -1: none */
    struct qn_type type; /* of the input */
    bool least;          /* extremes, picks: the least instead of the greatest */
    bool latest;         /* picks: of equals the last row instead of the first */
    bool rounded;        /* bags of doubles: to 8 binary digits */
    bool sorted;         /* bags: values in order */
    int32_t order;       /* picks: of the plan's inputs; -1: rows rank by their places */
    struct qn_type order_type;
    uint32_t offset;      /* of its state in a group's bytes */
    uint32_t first_field; /* in the partition schema */
    uint32_t n_fields;
};

extern const struct qn_slot_ops qn_slot_count, qn_slot_sum, qn_slot_real, qn_slot_spread,
    qn_slot_extreme, qn_slot_extreme_text, qn_slot_pick, qn_slot_bag, qn_slot_sketch;

/* count(*) filter (where ...): folded for all filters together. */
static inline bool qn_slot_counts_bits(const struct qn_slot *slot)
{
    return slot->ops == &qn_slot_count && slot->input < 0 && slot->filter >= 0;
}

struct qn_slot_sum_state { /* of integers, decimals, booleans: exact in 128 bits */
    int64_t n;
    uint64_t low, high;
};

static inline void *qn_slot_at(const struct qn_slot *slot, char *states, size_t stride,
                               uint32_t group)
{
    return states + group * stride + slot->offset;
}

static inline const void *qn_slot_picked(const struct qn_slot *slot,
                                         const struct qn_slot_view *view, uint32_t i)
{
    return view->states + view->picked[i] * view->stride + slot->offset;
}

static inline uint32_t qn_slot_bag_group(const struct qn_slot_view *view, uint32_t i)
{
    return view->bag_groups ? view->bag_groups[i] : view->picked[i];
}

static inline uint32_t qn_slot_piece(const struct qn_slot_view *view, uint32_t i)
{
    return view->pieces ? view->pieces[i] : 0;
}

/* Which rows count: those that pass the filter and have a value. */
struct qn_slot_filter {
    const int64_t *bits;      /* NULL: no filter */
    const uint64_t *validity; /* NULL: all have a value */
    uint8_t bit;
    bool every; /* there is nothing to ask of a row */
};

static inline struct qn_slot_filter qn_slot_filter_of(const struct qn_slot_fold *fold)
{
    const uint64_t *validity = fold->values ? fold->values->validity : NULL;
    return (struct qn_slot_filter){fold->bits, validity, fold->bit, !fold->bits && !validity};
}

static inline bool qn_slot_passes(const struct qn_slot_filter *filter, uint32_t row)
{
    return (!filter->bits || (filter->bits[row] >> filter->bit & 1)) &&
           (!filter->validity || (filter->validity[row >> 6] >> (row & 63) & 1));
}

static inline bool qn_slot_counts(const struct qn_slot_fold *fold, uint32_t row)
{
    const struct qn_slot_filter filter = qn_slot_filter_of(fold);
    return qn_slot_passes(&filter, row);
}

/* Does `body` for each `row` that counts, with `state` pointing to its group's; without a test per
 * row where every row counts. */
#define QN_SLOT_EACH(slot, fold, type, body)                                                       \
    do {                                                                                           \
        char *at = (fold)->states + (slot)->offset;                                                \
        const uint32_t *group_of = (fold)->group_of, end = (fold)->n_rows;                         \
        const size_t stride = (fold)->stride;                                                      \
        const struct qn_slot_filter filter = qn_slot_filter_of(fold);                              \
        for (uint32_t row = (fold)->first; filter.every && row < end; row++) {                     \
            type *state = (type *)(void *)(at + group_of[row] * stride);                           \
            body                                                                                   \
        }                                                                                          \
        for (uint32_t row = (fold)->first; !filter.every && row < end; row++) {                    \
            if (!qn_slot_passes(&filter, row))                                                     \
                continue;                                                                          \
            type *state = (type *)(void *)(at + group_of[row] * stride);                           \
            body                                                                                   \
        }                                                                                          \
    } while (0)

/* A column of n 64-bit values of the type, to be filled. */
QN_CHECK qn_code qn_slot_column(const struct qn_slot_view *view, struct qn_type type,
                                struct qn_column *out, struct qn_err *err);
/* Whatever the type is kept as, as an integer: BOOL, INT64, DECIMAL, DATE, TIMESTAMP. */
static inline int64_t qn_slot_i64(const struct qn_column *values, uint32_t row)
{
    return values->type.id == QN_BOOL ? values->bools[row] : values->i64[row];
}

#endif
