#include "parquet/facts.h"

#include <math.h>

#include "base/hash.h"
#include "base/int128.h"
#include "parquet/bits.h"
#include "parquet/bloom.h"
#include "parquet/convert.h"

/* --- statistics as values of the file -------------------------------------------------------- */

static bool is_real(const struct qn_pq_node *leaf)
{
    return leaf->kind == QN_PQ_KIND_FLOAT || leaf->kind == QN_PQ_KIND_DOUBLE ||
           leaf->kind == QN_PQ_KIND_FLOAT16;
}

/* Bytes of a plain value. */
static bool decode(const struct qn_pq_node *leaf, struct qn_strv bytes, union qn_pq_raw *out)
{
    uint32_t low;
    float real;
    switch (leaf->element->type) {
    case QN_PQ_BOOLEAN:
        if (bytes.len != 1)
            return false;
        out->i64 = bytes.data[0] != 0;
        return true;
    case QN_PQ_INT32:
        if (bytes.len != sizeof low)
            return false;
        memcpy(&low, bytes.data, sizeof low);
        out->i64 = (int32_t)low;
        return true;
    case QN_PQ_INT64:
        if (bytes.len == sizeof out->i64)
            memcpy(&out->i64, bytes.data, sizeof out->i64);
        return bytes.len == sizeof out->i64;
    case QN_PQ_FLOAT:
        if (bytes.len != sizeof real)
            return false;
        memcpy(&real, bytes.data, sizeof real);
        out->f64 = (double)real;
        return !isnan(real);
    case QN_PQ_DOUBLE:
        if (bytes.len != sizeof out->f64)
            return false;
        memcpy(&out->f64, bytes.data, sizeof out->f64);
        return !isnan(out->f64);
    case QN_PQ_FIXED:
    case QN_PQ_BYTE_ARRAY:
        out->bytes = bytes;
        return leaf->element->type == QN_PQ_BYTE_ARRAY ||
               bytes.len == (size_t)leaf->element->type_length;
    default: return false;
    }
}

/* Numbers of old statistics, in signed order, are what they should be. */
static bool old_order_holds(const struct qn_pq_node *leaf)
{
    switch ((enum qn_pq_kind)leaf->kind) {
    case QN_PQ_KIND_BOOL:
    case QN_PQ_KIND_INT:
    case QN_PQ_KIND_FLOAT:
    case QN_PQ_KIND_DOUBLE:
    case QN_PQ_KIND_DATE:
    case QN_PQ_KIND_TIME:
    case QN_PQ_KIND_TIMESTAMP: return true;
    case QN_PQ_KIND_DECIMAL:
        return leaf->element->type == QN_PQ_INT32 || leaf->element->type == QN_PQ_INT64;
    default: return false;
    }
}

/* The order of a column is the type's, when the file says so. */
static bool has_order(const struct qn_pq_file *file, const struct qn_pq_node *leaf)
{
    enum { TYPE_DEFINED = 1, TOTAL = 2 };
    const struct qn_pq_file_meta *meta = &file->meta;
    int order = leaf->first_leaf < meta->n_orders ? meta->orders[leaf->first_leaf] : 0;
    return order == TYPE_DEFINED || (order == TOTAL && is_real(leaf));
}

struct bounds {
    union qn_pq_raw raw[2];
    bool known[2];
};

static struct bounds bounds_of(const struct qn_pq_file *file, const struct qn_pq_node *leaf,
                               const struct qn_pq_statistics *stats)
{
    bool is_new = stats->min_value.data || stats->max_value.data;
    struct qn_strv bytes[2] = {is_new ? stats->min_value : stats->min,
                               is_new ? stats->max_value : stats->max};
    bool exact[2] = {stats->is_min_exact != 0, stats->is_max_exact != 0};
    struct bounds bounds = {0};
    if (is_new ? !has_order(file, leaf) : !old_order_holds(leaf))
        return bounds;
    for (int k = 0; k < 2; k++) {
        bool whole = leaf->kind == QN_PQ_KIND_TEXT || exact[k];
        bounds.known[k] = bytes[k].data && whole && decode(leaf, bytes[k], &bounds.raw[k]);
        if (bytes[k].data && is_real(leaf) && !bounds.known[k]) /* a NaN spoils both */
            return (struct bounds){0};
    }
    return bounds;
}

/* --- as values of the type ------------------------------------------------------------------- */

/* 32 bits of which none is left out. */
static bool is_whole_word(const struct qn_pq_node *leaf)
{
    return leaf->bits == 32 && leaf->element->type == QN_PQ_INT32;
}

/* Whether values keep their order on the way. With texts that mean NULL it leads by way of text,
 * which the shortest decimals of short floats do not survive. */
static bool keeps_order(const struct qn_pq_convert *c, const struct qn_pq_subject *subject,
                        const struct bounds *bounds)
{
    switch ((enum qn_pq_way)c->way) {
    case QN_PQ_WAY_TEXT:
    case QN_PQ_WAY_RANGE: return true;
    case QN_PQ_WAY_SAME: return !subject->has_null_texts || subject->type.id != QN_DOUBLE;
    case QN_PQ_WAY_MASK: /* higher bits should not be there */
        for (int k = 0; k < 2 && !is_whole_word(c->leaf); k++)
            if (!bounds->known[k] || bounds->raw[k].i64 < 0 ||
                bounds->raw[k].i64 >= INT64_C(1) << c->leaf->bits)
                return false;
        return true;
    case QN_PQ_WAY_MULTIPLY:
    case QN_PQ_WAY_DIVIDE:
    case QN_PQ_WAY_REAL:
    case QN_PQ_WAY_BIG:
    case QN_PQ_WAY_FLOAT16: return !subject->has_null_texts;
    default: return false;
    }
}

static bool put_number(struct qn_pq_convert *c, union qn_pq_raw raw, struct qn_column *out, int k)
{
    uint8_t fate = QN_PQ_GOOD, flag = 0;
    const void *in = c->form == QN_PQ_FORM_BYTES ? (const void *)&raw.bytes
                     : c->form == QN_PQ_FORM_F64 ? (const void *)&raw.f64
                                                 : (const void *)&raw.i64;
    if (c->way == QN_PQ_WAY_DIVIDE) { /* of what has a rest nothing comes out */
        if (raw.i64 < INT64_MIN + c->factor)
            return false;
        raw.i64 -= (raw.i64 % c->factor + c->factor) % c->factor;
    }
    if (c->to.id == QN_BOOL) {
        bool good = qn_pq_convert_numbers(c, in, 1, &flag, &fate) == 0;
        out->i64[k] = flag;
        return good;
    }
    return qn_pq_convert_numbers(c, in, 1, &out->i64[k], &fate) == 0;
}

static qn_code put_texts(const struct bounds *bounds, struct qn_arena *arena, struct qn_facts *out,
                         struct qn_err *err)
{
    bool *known[2] = {&out->has_min, &out->has_max};
    struct qn_buf text;
    qn_buf_init(&text);
    for (int k = 0; k < 2; k++) {
        *known[k] = bounds->known[k];
        if (bounds->known[k]) /* a bound may be cut within a character */
            qn_buf_put(&text, bounds->raw[k].bytes.data, bounds->raw[k].bytes.len);
        out->bounds.offsets[k + 1] = (uint32_t)text.len;
    }
    out->bounds.bytes = qn_arena_strdup(arena, qn_buf_strv(&text));
    bool failed = text.failed || !out->bounds.bytes;
    qn_buf_fini(&text);
    return failed ? qn_err_nomem(err, "statistics") : QN_OK;
}

/* One that was there and is none (a NaN) spoils the other too. */
static void check_sense(struct qn_facts *facts, const struct bounds *bounds, bool real)
{
    const struct qn_column *b = &facts->bounds;
    bool both = facts->has_min && facts->has_max;
    bool ascend =
        !real || (facts->has_min == bounds->known[0] && facts->has_max == bounds->known[1]);
    if (both && b->type.id == QN_TEXT)
        ascend = qn_strv_cmp(qn_text_at(b, 0), qn_text_at(b, 1)) <= 0;
    else if (both)
        ascend &= b->type.id == QN_DOUBLE ? b->f64[0] <= b->f64[1] : b->i64[0] <= b->i64[1];
    if (!ascend)
        facts->has_min = facts->has_max = false;
}

static qn_code convert_bounds(const struct qn_pq_subject *subject, const struct bounds *bounds,
                              struct qn_arena *arena, struct qn_facts *out, struct qn_err *err)
{
    struct qn_pq_convert c;
    struct qn_type stored =
        subject->type.id == QN_BOOL ? (struct qn_type){.id = QN_INT64} : subject->type;
    qn_code code = QN_OK;
    qn_pq_convert_init(&c, subject->leaf, subject->type, NULL, 0);
    if (keeps_order(&c, subject, bounds))
        code = qn_column_new(arena, stored, 2, &out->bounds, err);
    if (code == QN_OK && out->bounds.type.id == QN_TEXT) {
        code = put_texts(bounds, arena, out, err);
    } else if (code == QN_OK && out->bounds.type.id) {
        out->has_min = bounds->known[0] && put_number(&c, bounds->raw[0], &out->bounds, 0);
        out->has_max = bounds->known[1] && put_number(&c, bounds->raw[1], &out->bounds, 1);
    }
    check_sense(out, bounds, is_real(subject->leaf));
    qn_pq_convert_fini(&c);
    return code;
}

static bool is_told_of(const struct qn_pq_subject *subject)
{
    const struct qn_pq_node *leaf = subject->leaf;
    return leaf && qn_pq_is_leaf(leaf) && !leaf->repetition;
}

static qn_code facts_from(const struct qn_pq_file *file, const struct qn_pq_subject *subject,
                          const struct qn_pq_statistics *stats, int64_t n_values,
                          struct qn_arena *arena, struct qn_facts *out, struct qn_err *err)
{
    const struct qn_pq_node *leaf = subject->leaf;
    *out = (struct qn_facts){.all_null = !leaf && subject->type.id};
    if (!is_told_of(subject))
        return QN_OK;
    bool counted = stats->null_count == 0 && (stats->min_value.data || stats->min.data);
    out->all_null = n_values > 0 && stats->null_count == n_values;
    out->no_nulls = (leaf->definition == 0 || counted) && !subject->has_null_texts &&
                    !(is_real(leaf) && stats->nan_count != 0);
    struct bounds bounds = bounds_of(file, leaf, stats);
    return convert_bounds(subject, &bounds, arena, out, err);
}

qn_code qn_pq_facts_find(const struct qn_pq_file *file, uint32_t group,
                         const struct qn_pq_subject *subject, struct qn_arena *arena,
                         struct qn_facts *out, struct qn_err *err)
{
    static const struct qn_pq_column_meta none;
    const struct qn_pq_column_meta *meta =
        is_told_of(subject) ? &file->meta.groups[group].columns[subject->leaf->first_leaf].meta
                            : &none;
    return facts_from(file, subject, &meta->statistics, meta->n_values, arena, out, err);
}

qn_code qn_pq_facts_find_pages(const struct qn_pq_file *file, uint32_t group,
                               const struct qn_pq_subject *subject, struct qn_arena *arena,
                               struct qn_pq_page_index *index, struct qn_facts **out,
                               struct qn_err *err)
{
    *index = (struct qn_pq_page_index){0};
    if (!is_told_of(subject))
        return QN_OK;
    QN_TRY(qn_pq_page_index_read(file, group, subject->leaf->first_leaf, arena, index, err));
    *out = QN_NEW_ARRAY(arena, struct qn_facts, index->n + 1U);
    if (!*out)
        return qn_err_nomem(err, "a page index");
    for (uint32_t i = 0; i < index->n; i++)
        QN_TRY(facts_from(file, subject, &index->statistics[i],
                          (int64_t)(index->first[i + 1] - index->first[i]), arena, &(*out)[i],
                          err));
    return QN_OK;
}

/* --- bloom filters --------------------------------------------------------------------------- */

struct bloom_facts {
    struct qn_pq_bloom bloom;
    struct qn_pq_convert convert;
};

static bool lacks_bytes(const struct bloom_facts *self, const void *bytes, size_t n)
{
    return qn_pq_bloom_lacks(&self->bloom, qn_hash_xxh64(n ? bytes : "", n));
}

static bool lacks_integer(const struct bloom_facts *self, int64_t value)
{
    const struct qn_pq_node *leaf = self->convert.leaf;
    bool is_unsigned = leaf->kind == QN_PQ_KIND_UINT;
    if (leaf->element->type == QN_PQ_INT64)
        return lacks_bytes(self, &value, sizeof value);
    if (is_unsigned ? value < 0 || value > UINT32_MAX : value < INT32_MIN || value > INT32_MAX)
        return true;
    uint32_t low = (uint32_t)value;
    return lacks_bytes(self, &low, sizeof low);
}

/* Zeros are equal and have two forms. */
static bool lacks_real(const struct bloom_facts *self, double value)
{
    double other = value == 0 ? -value : value;
    float narrow = (float)value, negative = (float)other;
    if (self->convert.leaf->kind == QN_PQ_KIND_DOUBLE)
        return lacks_bytes(self, &value, sizeof value) && lacks_bytes(self, &other, sizeof other);
    return (double)narrow != value || (lacks_bytes(self, &narrow, sizeof narrow) &&
                                       lacks_bytes(self, &negative, sizeof negative));
}

/* Decimals in bytes may have leading ones too many, unless their length is fixed. */
static bool lacks_big(const struct bloom_facts *self, int64_t value)
{
    enum { MOST = 16 };
    const struct qn_pq_element *element = self->convert.leaf->element;
    uint8_t bytes[MOST];
    int32_t n = element->type == QN_PQ_FIXED ? element->type_length : 0;
    if (n < 1 || n > MOST)
        return false;
    if (value % self->convert.factor)
        return true;
    qn_i128 rest = value / self->convert.factor;
    for (int32_t i = n; i-- > 0; rest >>= 8)
        bytes[i] = (uint8_t)rest;
    bool fits = rest == 0 || rest == -1;
    return fits && lacks_bytes(self, bytes, (size_t)n);
}

static bool lacks(const struct qn_facts *facts, const struct qn_column *values, uint32_t row)
{
    const struct bloom_facts *self = facts->context;
    const struct qn_pq_convert *c = &self->convert;
    int64_t product, whole = INT64_C(1) << 53;
    switch ((enum qn_pq_way)c->way) {
    case QN_PQ_WAY_TEXT: {
        struct qn_strv text = qn_text_at(values, row);
        return lacks_bytes(self, text.data, text.len);
    }
    case QN_PQ_WAY_MASK: return is_whole_word(c->leaf) && lacks_integer(self, values->i64[row]);
    case QN_PQ_WAY_RANGE: return lacks_integer(self, values->i64[row]);
    case QN_PQ_WAY_SAME:
        if (c->to.id == QN_BOOL)
            return false;
        return c->to.id == QN_DOUBLE ? lacks_real(self, values->f64[row])
                                     : lacks_integer(self, values->i64[row]);
    case QN_PQ_WAY_MULTIPLY:
        return values->i64[row] % c->factor || lacks_integer(self, values->i64[row] / c->factor);
    case QN_PQ_WAY_DIVIDE:
        return !__builtin_mul_overflow(values->i64[row], c->factor, &product) &&
               lacks_integer(self, product);
    case QN_PQ_WAY_REAL:
        return fabs(values->f64[row]) < (double)whole &&
               (floor(values->f64[row]) != values->f64[row] ||
                lacks_integer(self, (int64_t)values->f64[row]));
    case QN_PQ_WAY_BIG: return lacks_big(self, values->i64[row]);
    default: return false;
    }
}

qn_code qn_pq_facts_add_bloom(const struct qn_pq_file *file, uint32_t group,
                              const struct qn_pq_subject *subject, struct qn_arena *arena,
                              struct qn_facts *facts, struct qn_err *err)
{
    const struct qn_pq_node *leaf = subject->leaf;
    struct qn_pq_bloom bloom;
    bool by_text = subject->has_null_texts && leaf && leaf->kind != QN_PQ_KIND_TEXT;
    if (!leaf || !qn_pq_is_leaf(leaf) || leaf->repetition || by_text ||
        !qn_pq_bloom_find(file, &file->meta.groups[group].columns[leaf->first_leaf].meta, &bloom))
        return QN_OK;
    struct bloom_facts *self = QN_NEW(arena, struct bloom_facts);
    if (!self)
        return qn_err_nomem(err, "a bloom filter");
    self->bloom = bloom;
    qn_pq_convert_init(&self->convert, leaf, subject->type, NULL, 0);
    facts->lacks = lacks;
    facts->context = self;
    return QN_OK;
}
