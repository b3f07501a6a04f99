/* split: which rows are held out: by a hash, by time, or by what a column says.
 *
 * HASH: u = hash(key, seed) / 2^64. Without stratification a row is test when u < test, validation
 * when u < test + validation, calibration for the next share, else train. A key therefore keeps its
 * side when other rows come or go.
 *
 * With stratification the sides are dealt to 2^16 buckets (the first 16 bits of u), from counts of
 * each bucket by class. Buckets well below the share's place go to the side, those well above do
 * not; in a window around that place, just wide enough, buckets are taken one by one so that both
 * classes get their share (error feedback: the choice that leaves the smaller deviation). Test is
 * dealt first, then validation from what is left, then calibration.
 *
 * Either way all rows of one key fall on one side, also when their labels differ: a bucket is
 * never divided. Counts are integers, so chunking and order do not matter. The key may be another
 * column than the one that names rows: an entity that has several.
 *
 * TIME: each side begins at a time (a date, a timestamp, a whole number, or a text that is one of
 * the first two); a row is on the last side that has begun: train, validation, calibration, test.
 * COLUMN: each side has a list of values; train may have all that no other side has. Either way a
 * row without a value, or with one that no side takes, is on no side. */
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
    QN_N_SIDES,
    QN_SIDE_NONE = QN_N_SIDES
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

enum qn_split_method { QN_SPLIT_HASH, QN_SPLIT_TIME, QN_SPLIT_COLUMN };

/* Values as texts (qn_split_text); borrowed. */
struct qn_split_values {
    const struct qn_strv *items;
    uint32_t n;
};

/* How rows are dealt. */
struct qn_split {
    enum qn_split_method method;
    double test, validation, calibration; /* shares: of HASH, and of TIME before it is known when
                                             the sides begin */
    bool stratified;
    uint8_t sides[QN_SPLIT_BUCKETS / 4];       /* stratified: 2 bits a bucket, enum qn_side */
    bool begins[QN_N_SIDES];                   /* TIME: the side has a begin; train needs none */
    int64_t from[QN_N_SIDES];                  /* as qn_split_time() counts */
    struct qn_split_values values[QN_N_SIDES]; /* COLUMN */
    bool rest_trains;                          /* COLUMN: values on no list are train's */
};
/* Of a column that the split goes by: a hashed key, a time, a list's value. QN_SIDE_NONE as above;
 * never of HASH. */
enum qn_side qn_split_deal(const struct qn_split *split, const struct qn_column *column,
                           uint32_t row, uint64_t seed);
/* Whether the split is to hold rows for a side. */
bool qn_split_holds(const struct qn_split *split, enum qn_side side);

/* Days of a date, microseconds of a timestamp or of a text that is either, a whole number as it
 * is. False: there is none. */
bool qn_split_time(const struct qn_column *column, uint32_t row, int64_t *out);
/* The same of a text as people write it, for a column of that type; and back, up to QN_VALUE_TEXT
 * bytes. */
bool qn_split_time_parse(struct qn_type type, struct qn_strv text, int64_t *out);
size_t qn_split_time_format(struct qn_type type, int64_t time, char *out);
/* A value as text, in `out` (QN_VALUE_TEXT bytes) unless it is one. */
struct qn_strv qn_split_text(const struct qn_column *column, uint32_t row, char *out);

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
