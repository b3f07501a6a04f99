/* categories: the categories that a model knows of a feature, found in rows. A text that the reader
 * has numbered (flow/batch.h) is looked up once, not once a row. Those not known are counted. */
#ifndef QN_JOBS_LEARN_CATEGORIES_H
#define QN_JOBS_LEARN_CATEGORIES_H

#include "flow/batch.h"
#include "jobs/learn/dict.h"

enum { QN_CATEGORY_EXAMPLE = 64 }; /* bytes of a text that are enough to know it by */

struct qn_categories {
    const char *feature; /* borrowed */
    bool refuse_unknown;
    struct qn_dict dict; /* positions are those of the texts it was made of */
    uint64_t dictionary; /* the reader's, by its id: 0: none so far */
    uint32_t n_codes;    /* of it that are in by_code */
    uint32_t *by_code;   /* [QN_DICTIONARY_TEXTS]: positions */
    uint32_t *found;     /* of one batch */
    uint32_t capacity;
    uint64_t unknown;      /* rows since it was made, or forgot them */
    struct qn_buf example; /* the first of them; empty: none */
};

/* Texts differ from each other. Finish it also on failure. */
QN_CHECK qn_code qn_categories_init(struct qn_categories *categories, const char *feature,
                                    const struct qn_strv *texts, uint32_t n, struct qn_err *err);
void qn_categories_fini(struct qn_categories *categories);

/* Positions of rows[0..n) of a column, good until the next call; QN_DICT_NONE: not known, or NULL
 * and nothing to `fill` it with (data NULL). QN_EINPUT (blame input) on one that is not known where
 * these are refused. */
QN_CHECK qn_code qn_categories_find(struct qn_categories *categories,
                                    const struct qn_column *column, const uint32_t *rows,
                                    uint32_t n, struct qn_strv fill, const uint32_t **found,
                                    struct qn_err *err);
void qn_categories_forget(struct qn_categories *categories); /* what was not known so far */

#endif
