/* text_codes: numbers for the texts of the dictionaries that a reader meets, so that the same text
 * has the same number in all row groups (flow/batch.h). */
#ifndef QN_PARQUET_TEXT_CODES_H
#define QN_PARQUET_TEXT_CODES_H

#include "base/arena.h"
#include "flow/batch.h"

struct qn_pq_texts;

/* In the arena; NULL when memory is out. */
struct qn_pq_texts *qn_pq_texts_new(struct qn_arena *arena);

/* Codes of n texts; false when there are too many: it is of no more use then. */
bool qn_pq_texts_add(struct qn_pq_texts *texts, const char *bytes, const uint32_t *offsets,
                     uint32_t n, uint16_t *codes);

const struct qn_dictionary *qn_pq_texts_view(const struct qn_pq_texts *texts);

#endif
