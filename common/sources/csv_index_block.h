/* csv_index_block: what all kinds of csv_index loops share. */
#ifndef QN_SOURCES_CSV_INDEX_BLOCK_H
#define QN_SOURCES_CSV_INDEX_BLOCK_H

#include "sources/index_flatten.h"

/* 64 bytes. */
struct block {
    uint64_t ends;   /* delimiters and LFs */
    uint64_t breaks; /* LFs */
    uint64_t rare;   /* not 0: a quote, CR, comment character, NUL or byte past ASCII */
};

#endif
