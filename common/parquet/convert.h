/* convert: values of a leaf to one of the engine's types: straight where both mean the same, else
 * by way of their text. */
#ifndef QN_PARQUET_CONVERT_H
#define QN_PARQUET_CONVERT_H

#include "base/arena.h"
#include "flow/schema.h"
#include "parquet/text.h"

enum qn_pq_way {
    QN_PQ_WAY_SAME,     /* as it is */
    QN_PQ_WAY_MASK,     /* unsigned of less than 64 bits */
    QN_PQ_WAY_RANGE,    /* as it is, within limits */
    QN_PQ_WAY_MULTIPLY, /* by `factor`, within limits */
    QN_PQ_WAY_DIVIDE,   /* by `factor`, without a rest */
    QN_PQ_WAY_REAL,     /* integer to double */
    QN_PQ_WAY_BIG,      /* bytes of a decimal: times `factor`, within limits */
    QN_PQ_WAY_INT96,    /* to microseconds, without a rest */
    QN_PQ_WAY_FLOAT16,
    QN_PQ_WAY_TEXT,    /* texts to texts */
    QN_PQ_WAY_BY_TEXT, /* whatever it is, by its text */
};

/* What becomes of a value. */
enum qn_pq_fate { QN_PQ_GOOD, QN_PQ_BAD, QN_PQ_IS_NULL };

struct qn_pq_convert {
    const struct qn_pq_node *leaf;
    struct qn_type to;
    uint8_t form, way; /* enum qn_pq_form, enum qn_pq_way */
    bool shows_all;    /* texts that are no UTF-8 are escaped, not bad */
    int64_t factor;
    int64_t low, high;           /* limits of the result */
    const struct qn_strv *nulls; /* texts that mean NULL */
    uint32_t n_nulls;
    struct qn_buf text; /* scratch */
};

/* The type that values of a leaf have when none is declared. `fits`: all values of a type that is
 * wider than ours are known to fit (UINT64, decimals past 18 digits). */
struct qn_type qn_pq_natural_type(const struct qn_pq_node *leaf, bool fits);

void qn_pq_convert_init(struct qn_pq_convert *convert, const struct qn_pq_node *leaf,
                        struct qn_type to, const struct qn_strv *nulls, uint32_t n_nulls);
void qn_pq_convert_fini(struct qn_pq_convert *convert);

/* n values to int64_t, double or (booleans) uint8_t, by the layout of the type. Returns how many
 * have another fate than QN_PQ_GOOD; `fates` is only written when there are any. */
uint32_t qn_pq_convert_numbers(struct qn_pq_convert *convert, const void *in, uint32_t n, void *out,
                               uint8_t *fates);

/* Whether n integers or doubles are already what they become. */
bool qn_pq_convert_keeps(const struct qn_pq_convert *convert, const void *values, uint32_t n);

/* n texts appended as they are, and where each ends, when all are good; else nothing happens. 16
 * bytes that can be read follow each. */
bool qn_pq_convert_plain_texts(const struct qn_pq_convert *convert, const struct qn_strv *texts,
                               uint32_t n, struct qn_buf *out, uint32_t *ends, uint32_t *longest);

/* One value to text, appended. */
enum qn_pq_fate qn_pq_convert_text(struct qn_pq_convert *convert, union qn_pq_raw value,
                                   struct qn_buf *out);

/* What is wrong with a bad value, in one line. */
const char *qn_pq_convert_complain(struct qn_pq_convert *convert, union qn_pq_raw value,
                                   struct qn_arena *arena, const char **rule);

static inline union qn_pq_raw qn_pq_raw_at(const struct qn_pq_convert *convert, const void *in,
                                           uint32_t i)
{
    union qn_pq_raw raw;
    if (convert->form == QN_PQ_FORM_BYTES)
        raw.bytes = ((const struct qn_strv *)in)[i];
    else if (convert->form == QN_PQ_FORM_F64)
        raw.f64 = ((const double *)in)[i];
    else
        raw.i64 = ((const int64_t *)in)[i];
    return raw;
}

#endif
