/* split: which rows are held out, by a hash of their key.
 *
 * u = hash(key, seed) / 2^64. Without stratification a row is test when u < test, validation when
 * u < test + validation, calibration for the next share, else train. A key therefore keeps its side
 * when other rows come or go.
 *
 * With stratification the sides are dealt to 2^16 buckets (the first 16 bits of u), from counts of
 * each bucket by class. Buckets well below the share's place go to the side, those well above do
 * not; in a window around that place, just wide enough, buckets are taken one by one so that both
 * classes get their share (error feedback: the choice that leaves the smaller deviation). Test is
 * dealt first, then validation from what is left, then calibration.
 *
 * Either way all rows of one key fall on one side, also when their labels differ: a bucket is
 * never divided. Counts are integers, so chunking and order do not matter. */
#ifndef QN_JOBS_LEARN_SPLIT_H
#define QN_JOBS_LEARN_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "flow/batch.h"

enum qn_side {
    QN_SIDE_TRAIN,
    QN_SIDE_VALIDATION,
    QN_SIDE_TEST,
    QN_SIDE_CALIBRATION, /* rows that only the calibration of scores is fitted on */
    QN_N_SIDES
};
const char *qn_side_name(enum qn_side side); /* "train", "validation", "test", "calibration" */

enum { QN_SPLIT_BUCKETS = 1 << 16 };

/* Hash of a row's key: of its text, or of the eight bytes of its value (doubles: -0 as 0; NULL: of
 * no bytes). */
uint64_t qn_split_hash(const struct qn_column *key, uint32_t row, uint64_t seed);

/* Rows by bucket and class. */
struct qn_split_counts {
    uint64_t rows[QN_SPLIT_BUCKETS][2];
};
static inline void qn_split_count(struct qn_split_counts *counts, uint64_t hash, bool positive)
{
    counts->rows[hash >> 48][positive]++;
}
/* Only buckets that hold rows are written. */
void qn_split_pack(struct qn_buf *out, const struct qn_split_counts *counts);
/* Adds packed counts; QN_EWIRE on bytes that no pack wrote (counts are then partly added). */
QN_CHECK qn_code qn_split_merge(struct qn_split_counts *counts, struct qn_strv bytes,
                                struct qn_err *err);

/* How rows are dealt. */
struct qn_split {
    double test, validation, calibration; /* shares */
    bool stratified;
    uint8_t sides[QN_SPLIT_BUCKETS / 4]; /* stratified: 2 bits a bucket, enum qn_side */
};
void qn_split_init(struct qn_split *split, double test, double validation, double calibration);
void qn_split_stratify(struct qn_split *split, const struct qn_split_counts *counts);
enum qn_side qn_split_side(const struct qn_split *split, uint64_t hash);

/* Of a stratified split: the side of a bucket, and giving one that is train's to another. */
enum qn_side qn_split_bucket_side(const struct qn_split *split, uint32_t bucket);
void qn_split_bucket_give(struct qn_split *split, uint32_t bucket, enum qn_side side);

void qn_split_state_pack(struct qn_buf *out, const struct qn_split *split);
QN_CHECK qn_code qn_split_state_unpack(struct qn_strv bytes, struct qn_split *split,
                                       struct qn_err *err);

#endif
