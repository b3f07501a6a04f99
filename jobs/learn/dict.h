/* dict: different texts in the order they came, each with its rows by class. */
#ifndef QN_JOBS_LEARN_DICT_H
#define QN_JOBS_LEARN_DICT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct qn_dict_entry {
    struct qn_strv text; /* in the dict's arena */
    uint64_t rows[2];    /* by class */
};

struct qn_dict {
    struct qn_arena arena;
    struct qn_dict_entry *entries;
    uint32_t *slots; /* hash table of positions + 1; 0: free */
    uint32_t n, capacity, n_slots;
};

#define QN_DICT_NONE UINT32_MAX

void qn_dict_init(struct qn_dict *dict);
void qn_dict_fini(struct qn_dict *dict);

/* Position of a text, or QN_DICT_NONE. */
uint32_t qn_dict_find(const struct qn_dict *dict, struct qn_strv text);

/* Position of a text, added (copied) when new. QN_ELIMIT, without words, when it would be entry
 * `limit` + 1; QN_ENOMEM. */
QN_CHECK qn_code qn_dict_add(struct qn_dict *dict, struct qn_strv text, uint32_t limit,
                             uint32_t *position, struct qn_err *err);

/* Sorts entries bytewise; positions change. */
void qn_dict_sort(struct qn_dict *dict);

/* The entry with the most rows of both classes, the bytewise smallest of those that tie; NULL when
 * empty. */
const struct qn_dict_entry *qn_dict_top(const struct qn_dict *dict);

void qn_dict_pack(struct qn_buf *out, const struct qn_dict *dict);
/* Adds packed entries; in->failed on bytes that no pack wrote. QN_ELIMIT as above. */
QN_CHECK qn_code qn_dict_merge(struct qn_dict *dict, struct qn_unpack *in, uint32_t limit,
                               struct qn_err *err);

#endif
