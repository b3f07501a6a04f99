/* texts: different texts, numbered from 0 in the order they came, so that tables of them need only
 * hold numbers. */
#ifndef QN_JOBS_ETL_TEXTS_H
#define QN_JOBS_ETL_TEXTS_H

#include "jobs/etl/colstore.h"

struct qn_texts_entry {
    uint64_t word; /* a text of up to 8 bytes itself, a longer one's hash */
    uint32_t len;
    uint32_t number; /* 1 + the text's; 0: free */
};

struct qn_texts {
    struct qn_colstore texts;
    struct qn_texts_entry *entries;
    uint32_t n_entries; /* a power of two; 0: none yet */
};

void qn_texts_init(struct qn_texts *texts);
void qn_texts_fini(struct qn_texts *texts);
void qn_texts_clear(struct qn_texts *texts); /* keeps the memory */
size_t qn_texts_bytes(const struct qn_texts *texts);

/* The numbers of rows[0..n) of a TEXT column without NULLs there; new texts are added. */
QN_CHECK qn_code qn_texts_number(struct qn_texts *texts, const struct qn_column *column,
                                 const uint32_t *rows, uint32_t n, int64_t *numbers,
                                 struct qn_err *err);

static inline struct qn_strv qn_texts_at(const struct qn_texts *texts, int64_t number)
{
    return qn_text_at(&texts->texts.column, (uint32_t)number);
}

#endif
