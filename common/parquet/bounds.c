#include "parquet/bounds.h"

#include "flow/value.h"
#include "parquet/bits.h"
#include "parquet/text.h"

static bool has_no_values(const struct qn_pq_column_meta *meta)
{
    return meta->n_values == 0 || meta->statistics.null_count == meta->n_values;
}

static bool uint_fits(const struct qn_pq_column_meta *meta)
{
    struct qn_strv max = meta->statistics.max_value;
    return max.data && max.len == 8 && (uint8_t)max.data[7] < 0x80;
}

static bool within_digits(struct qn_strv bytes)
{
    qn_i128 value, limit = qn_pow10(QN_DECIMAL_MAX_PRECISION);
    return bytes.data && bytes.len && qn_pq_big_endian(bytes, &value) && value < limit &&
           value > -limit;
}

static bool decimal_fits(const struct qn_pq_column_meta *meta)
{
    return within_digits(meta->statistics.min_value) && within_digits(meta->statistics.max_value) &&
           meta->statistics.is_min_exact != 0 && meta->statistics.is_max_exact != 0;
}

bool qn_pq_has_no_values(const struct qn_pq_file *file, const struct qn_pq_node *node)
{
    bool none = true;
    for (uint32_t g = 0; none && g < file->meta.n_groups && node->kind != QN_PQ_KIND_NOTHING; g++)
        none = has_no_values(&file->meta.groups[g].columns[node->first_leaf].meta);
    return none && qn_pq_is_leaf(node) && node->repetition == 0;
}

bool qn_pq_values_fit(const struct qn_pq_file *file, const struct qn_pq_node *leaf)
{
    for (uint32_t g = 0; g < file->meta.n_groups; g++) {
        const struct qn_pq_column_meta *meta = &file->meta.groups[g].columns[leaf->first_leaf].meta;
        bool fits = leaf->kind == QN_PQ_KIND_UINT      ? uint_fits(meta)
                    : leaf->kind == QN_PQ_KIND_DECIMAL ? decimal_fits(meta)
                                                       : true;
        if (!has_no_values(meta) && !fits)
            return false;
    }
    return true;
}
