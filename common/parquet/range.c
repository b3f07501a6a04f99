#include "parquet/range.h"

#include <math.h>
#include <string.h>

#include "base/utf8.h"

struct qn_pq_range qn_pq_range_ints(const int64_t *values, uint32_t n)
{
    int64_t least = INT64_MAX, greatest = INT64_MIN;
    for (uint32_t i = 0; i < n; i++) {
        least = values[i] < least ? values[i] : least;
        greatest = values[i] > greatest ? values[i] : greatest;
    }
    return (struct qn_pq_range){.is_known = n, .ints = {least, greatest}};
}

struct qn_pq_range qn_pq_range_bools(const uint8_t *values, uint32_t n)
{
    uint8_t least = 1, greatest = 0;
    for (uint32_t i = 0; i < n; i++) {
        least &= values[i];
        greatest |= values[i];
    }
    return (struct qn_pq_range){.is_known = n, .ints = {least, greatest}};
}

struct qn_pq_range qn_pq_range_doubles(const double *values, uint32_t n)
{
    double least = INFINITY, greatest = -INFINITY;
    for (uint32_t i = 0; i < n; i++) { /* comparisons with NaN do not hold */
        least = values[i] < least ? values[i] : least;
        greatest = values[i] > greatest ? values[i] : greatest;
    }
    return (struct qn_pq_range){
        .is_known = least <= greatest,
        .doubles = {least == 0 ? -0.0 : least, greatest == 0 ? 0.0 : greatest}};
}

/* The first eight bytes as a number in their order. */
static inline uint64_t front(const char *text, size_t len)
{
    uint64_t word;
    memcpy(&word, text, sizeof word); /* the slack allows it */
    word = __builtin_bswap64(word);
    return len >= 8 ? word : len ? word & UINT64_MAX << (64 - 8 * len) : 0;
}

struct qn_pq_range qn_pq_range_texts(struct qn_pq_texts texts)
{
    uint32_t bounds[2] = {0, 0};
    uint64_t least = UINT64_MAX, greatest = 0;
    for (uint32_t i = 0; i < texts.n; i++) {
        const char *at = texts.bytes + texts.offsets[i];
        struct qn_strv text = {at, texts.offsets[i + 1] - texts.offsets[i]};
        uint64_t word = front(at, text.len);
        const char *known[2] = {texts.bytes + texts.offsets[bounds[0]],
                                texts.bytes + texts.offsets[bounds[1]]};
        size_t lens[2] = {texts.offsets[bounds[0] + 1] - texts.offsets[bounds[0]],
                          texts.offsets[bounds[1] + 1] - texts.offsets[bounds[1]]};
        if (word < least ||
            (word == least && qn_strv_cmp(text, (struct qn_strv){known[0], lens[0]}) < 0)) {
            least = word;
            bounds[0] = i;
        }
        if (word > greatest ||
            (word == greatest && qn_strv_cmp(text, (struct qn_strv){known[1], lens[1]}) > 0)) {
            greatest = word;
            bounds[1] = i;
        }
    }
    struct qn_pq_range range = {.is_known = texts.n};
    for (int i = 0; i < 2 && texts.n; i++)
        range.texts[i] = (struct qn_strv){texts.bytes + texts.offsets[bounds[i]],
                                          texts.offsets[bounds[i] + 1] - texts.offsets[bounds[i]]};
    return range;
}

/* --- as bytes -------------------------------------------------------------------------------- */

static struct qn_strv number(uint8_t *to, const void *value, size_t bytes)
{
    memcpy(to, value, bytes);
    return (struct qn_strv){(const char *)to, bytes};
}

/* The characters that QN_PQ_BOUND_BYTES hold whole. */
static size_t cut(struct qn_strv text)
{
    size_t len = QN_PQ_BOUND_BYTES;
    while (len && ((uint8_t)text.data[len] & 0xC0) == 0x80)
        len--;
    return len;
}

static size_t put_point(uint8_t *to, uint32_t point)
{
    if (point < 0x80) {
        to[0] = (uint8_t)point;
        return 1;
    }
    size_t n = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, point >>= 6)
        to[i] = (uint8_t)(0x80 | (point & 0x3F));
    to[0] = (uint8_t)(0xF00 >> n | point);
    return n;
}

/* The shortest text past all that begin with the `len` bytes at `to`: its last character is
 * replaced by the next one. 0 when there is none. */
static size_t step_past(uint8_t *to, size_t len)
{
    while (len) {
        size_t start = len - 1, at;
        while (start && (to[start] & 0xC0) == 0x80)
            start--;
        at = start;
        uint32_t point = qn_utf8_next((struct qn_strv){(const char *)to, len}, &at);
        uint8_t next[4];
        point = point == 0xD7FF ? 0xE000 : point == QN_UTF8_BAD ? point : point + 1;
        size_t n = point < 0x110000 ? put_point(next, point) : 0;
        if (n && start + n <= QN_PQ_BOUND_BYTES) {
            memcpy(to + start, next, n);
            return start + n;
        }
        len = start;
    }
    return 0;
}

static void write_texts(const struct qn_pq_range *range, uint8_t bounds[2][QN_PQ_BOUND_BYTES],
                        struct qn_pq_statistics *out)
{
    struct qn_strv least = range->texts[0], greatest = range->texts[1];
    out->is_min_exact = least.len <= QN_PQ_BOUND_BYTES;
    out->is_max_exact = greatest.len <= QN_PQ_BOUND_BYTES;
    out->min_value = number(bounds[0], least.data, out->is_min_exact ? least.len : cut(least));
    if (out->is_max_exact) {
        out->max_value = number(bounds[1], greatest.data, greatest.len);
        return;
    }
    size_t len = cut(greatest);
    memcpy(bounds[1], greatest.data, len);
    len = step_past(bounds[1], len);
    if (len)
        out->max_value = (struct qn_strv){(const char *)bounds[1], len};
    else
        out->is_max_exact = QN_PQ_NONE;
}

void qn_pq_range_write(const struct qn_pq_range *range, struct qn_type type, bool narrow,
                       uint8_t bounds[2][QN_PQ_BOUND_BYTES], struct qn_pq_statistics *out)
{
    if (!range->is_known)
        return;
    if (type.id == QN_TEXT) {
        write_texts(range, bounds, out);
        return;
    }
    size_t bytes = type.id == QN_BOOL ? 1 : narrow ? 4 : 8; /* the low bytes come first */
    const void *values = type.id == QN_DOUBLE ? (const void *)range->doubles : range->ints;
    out->min_value = number(bounds[0], values, bytes);
    out->max_value = number(bounds[1], (const uint8_t *)values + 8, bytes);
    out->is_min_exact = out->is_max_exact = 1;
}
