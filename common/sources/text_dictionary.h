/* text_dictionary: numbers for the texts of a column that has few of them (flow/batch.h). */
#ifndef QN_SOURCES_TEXT_DICTIONARY_H
#define QN_SOURCES_TEXT_DICTIONARY_H

#include "base/arena.h"
#include "flow/batch.h"

struct qn_text_dictionary;

/* In the arena, with room for all that it may ever hold; NULL when memory is out. */
struct qn_text_dictionary *qn_text_dictionary_new(struct qn_arena *arena);

/* Codes of n texts from row `first` on; 16 readable bytes follow the last. `validity` NULL: none is
 * NULL. False when the column has too many texts to go on with it: the dictionary is of no more use
 * then. */
bool qn_text_dictionary_encode(struct qn_text_dictionary *dictionary, const char *bytes,
                               const uint32_t *offsets, const uint64_t *validity, uint32_t first,
                               uint32_t n, uint16_t *codes);

const struct qn_dictionary *qn_text_dictionary_view(const struct qn_text_dictionary *dictionary);

#endif
