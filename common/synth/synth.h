/* synth: synthetic data of known shape, as CSV. Row r of a table is a function of (seed, r) alone,
 * by hashing, so any row can be made by itself and the same call gives the same bytes everywhere:
 * no generator state, and no function of the C library whose last bit differs between machines.
 *
 * The tables belong together: customer number n is the same person in all tables of a seed. */
#ifndef QN_SYNTH_SYNTH_H
#define QN_SYNTH_SYNTH_H

#include <stdint.h>

#include "base/err.h"

struct qn_synth_options {
    uint64_t rows, seed;
    uint64_t customers; /* who events and invoices are about; 0: rows / 50, at least 1 */
};

enum { QN_SYNTH_ROW_BYTES = 512 }; /* the longest row, with room to spare */

struct qn_synth {
    const char *name, *summary;
    const char *header; /* with the line end */
    /* Writes a row (from 0) with its line end, gives its length. options->customers is set. */
    uint32_t (*row)(const struct qn_synth_options *options, uint64_t row,
                    char out[QN_SYNTH_ROW_BYTES]);
};

/* NULL when there is no such table. */
const struct qn_synth *qn_synth_find(const char *name);
/* All tables, ended by NULL. */
const struct qn_synth *const *qn_synth_all(void);

/* Header and rows to a file ("-": stdout). A regular file that could not be written whole
 * is removed. QN_EIO. */
QN_CHECK qn_code qn_synth_write(const struct qn_synth *synth,
                                const struct qn_synth_options *options, const char *path,
                                struct qn_err *err);

#endif
