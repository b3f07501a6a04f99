/* column_store: what a reader fills one column of a batch in, again and again.
 *
 * Nothing is allocated per value; texts grow one buffer each and keep it. */
#ifndef QN_SOURCES_COLUMN_STORE_H
#define QN_SOURCES_COLUMN_STORE_H

#include "flow/batch.h"
#include "sources/text_dictionary.h"

/* Texts may be copied so many bytes at a stride: there is room for the overshoot. */
enum { QN_TEXT_STRIDE = 16 };

struct qn_column_store {
    const struct qn_field *of; /* name and type */
    uint32_t capacity;         /* rows */
    void *values;              /* bool, int64_t or double by layout; NULL: text */
    uint64_t *validity;
    bool has_nulls; /* validity is in use */
    uint32_t *offsets;
    char *bytes;
    size_t bytes_len, bytes_capacity;
    uint16_t *codes;                       /* text */
    struct qn_text_dictionary *dictionary; /* text; NULL once there are too many */
};

/* Arrays come from the arena, except texts, which fini frees. */
QN_CHECK qn_code qn_column_store_init(struct qn_column_store *store, const struct qn_field *of,
                                      uint32_t capacity, struct qn_arena *arena,
                                      struct qn_err *err);
void qn_column_store_fini(struct qn_column_store *store);

static inline void qn_column_store_clear(struct qn_column_store *store)
{
    store->has_nulls = false;
    store->bytes_len = 0;
}

void qn_column_store_set_null(struct qn_column_store *store, uint32_t row);

/* Value and NULL mark of a row that is not text to another. */
void qn_column_store_move(struct qn_column_store *store, uint32_t from, uint32_t to);

/* Takes back the NULL marks of rows that were given up, [first, end). */
void qn_column_store_unmark(struct qn_column_store *store, uint32_t first, uint32_t end);

/* Room for `more` bytes of text and a stride. */
QN_CHECK qn_code qn_column_store_reserve(struct qn_column_store *store, size_t more,
                                         struct qn_err *err);

/* Codes of the n texts from row `first` on, where they still make sense. */
void qn_column_store_encode(struct qn_column_store *store, uint32_t first, uint32_t n);

/* The column as batches have it. */
struct qn_column qn_column_store_view(const struct qn_column_store *store);

#endif
