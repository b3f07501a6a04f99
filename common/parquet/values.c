#include "parquet/values.h"

#include "base/limits.h"

enum { BLOCK = 256, MAX_BUILT_BYTES = 64 << 20 /* prefixes can make much of little */ };

static bool fail(struct qn_pq_values *values, const char *why)
{
    values->why = why;
    return false;
}

static const char ends_early[] = "a page has fewer values than it says, or damaged ones";

/* --- opening --------------------------------------------------------------------------------- */

static uint32_t width_of(const struct qn_pq_node *leaf)
{
    switch (leaf->element->type) {
    case QN_PQ_INT32:
    case QN_PQ_FLOAT: return 4;
    case QN_PQ_INT64:
    case QN_PQ_DOUBLE: return 8;
    case QN_PQ_INT96: return 12;
    case QN_PQ_FIXED: return (uint32_t)leaf->element->type_length;
    default: return 0;
    }
}

uint64_t qn_pq_values_most(const struct qn_pq_node *leaf, uint64_t bytes)
{
    uint32_t width = width_of(leaf);
    if (leaf->element->type == QN_PQ_BOOLEAN)
        return bytes * 8;
    return bytes / (width ? width : sizeof(uint32_t)); /* a text has its length */
}

static bool open_codes(struct qn_pq_values *v, struct qn_strv bytes)
{
    if (bytes.len == 0) { /* nothing but NULL */
        v->rle = qn_pq_rle_from(bytes, 0);
        return true;
    }
    unsigned width = (uint8_t)bytes.data[0];
    if (width > 32)
        return fail(v, "codes of more than 32 bits");
    v->rle = qn_pq_rle_from((struct qn_strv){bytes.data + 1, bytes.len - 1}, width);
    return true;
}

/* Booleans: a length, then runs. */
static bool open_runs(struct qn_pq_values *v, struct qn_strv bytes)
{
    if (v->type != QN_PQ_BOOLEAN)
        return fail(v, "runs of something else than booleans");
    if (bytes.len < 4)
        return bytes.len == 0 || fail(v, ends_early);
    uint32_t n = qn_pq_load32((const uint8_t *)bytes.data);
    if (n > bytes.len - 4)
        return fail(v, ends_early);
    v->rle = qn_pq_rle_from((struct qn_strv){bytes.data + 4, n}, 1);
    return true;
}

static bool open_lengths(struct qn_pq_values *v, struct qn_strv bytes)
{
    struct qn_pq_delta pass;
    bool prefixes = v->encoding == QN_PQ_DELTA_BYTE_ARRAY;
    if (bytes.len == 0) {
        v->first = v->second = (struct qn_pq_delta){0};
        return true;
    }
    if (prefixes) {
        if (!qn_pq_delta_open(&v->first, bytes))
            return fail(v, ends_early);
        pass = v->first;
        if (!qn_pq_delta_pass(&pass))
            return fail(v, ends_early);
        bytes = (struct qn_strv){(const char *)pass.at, (size_t)(pass.end - pass.at)};
    }
    if (!qn_pq_delta_open(&v->second, bytes))
        return fail(v, ends_early);
    pass = v->second;
    if (!qn_pq_delta_pass(&pass) || (prefixes && v->first.left != v->second.left))
        return fail(v, ends_early);
    v->at = pass.at;
    return true;
}

static bool open_split(struct qn_pq_values *v, struct qn_strv bytes)
{
    if (!v->width || v->type == QN_PQ_INT96 || bytes.len % v->width)
        return fail(v, "byte streams of another length than its values");
    v->n_split = (uint32_t)(bytes.len / v->width);
    v->next = 0;
    return true;
}

static bool open_delta(struct qn_pq_values *v, struct qn_strv bytes)
{
    if (v->type != QN_PQ_INT32 && v->type != QN_PQ_INT64)
        return fail(v, "differences of something else than integers");
    v->first = (struct qn_pq_delta){0};
    return bytes.len == 0 || qn_pq_delta_open(&v->first, bytes) || fail(v, ends_early);
}

bool qn_pq_values_open(struct qn_pq_values *v, const struct qn_pq_page *page,
                       const struct qn_pq_node *leaf)
{
    struct qn_strv bytes = page->values;
    v->type = leaf->element->type;
    v->encoding = page->header.encoding;
    v->width = width_of(leaf);
    v->at = (const uint8_t *)bytes.data;
    v->end = v->at + bytes.len;
    v->bit = 0;
    qn_buf_clear(&v->last);
    bool is_bytes = v->type == QN_PQ_BYTE_ARRAY || v->type == QN_PQ_FIXED;
    switch (v->encoding) {
    case QN_PQ_PLAIN: return true;
    case QN_PQ_PLAIN_DICTIONARY:
    case QN_PQ_RLE_DICTIONARY: return open_codes(v, bytes);
    case QN_PQ_RLE: return open_runs(v, bytes);
    case QN_PQ_DELTA_BINARY_PACKED: return open_delta(v, bytes);
    case QN_PQ_DELTA_LENGTH_BYTE_ARRAY:
        if (v->type == QN_PQ_BYTE_ARRAY)
            return open_lengths(v, bytes);
        break;
    case QN_PQ_DELTA_BYTE_ARRAY:
        if (is_bytes)
            return open_lengths(v, bytes);
        break;
    case QN_PQ_BYTE_STREAM_SPLIT: return open_split(v, bytes);
    default: return fail(v, "a page has an encoding that is not known");
    }
    return fail(v, "a page has an encoding that values of its type cannot have");
}

void qn_pq_values_fini(struct qn_pq_values *values)
{
    qn_buf_fini(&values->built);
    qn_buf_fini(&values->last);
}

/* --- numbers --------------------------------------------------------------------------------- */

/* n values of the byte streams, put together. */
static bool take_split(struct qn_pq_values *v, uint32_t n, uint8_t *out)
{
    if (n > v->n_split - v->next)
        return fail(v, ends_early);
    for (uint32_t k = 0; k < v->width; k++) {
        const uint8_t *stream = v->at + (size_t)k * v->n_split + v->next;
        for (uint32_t i = 0; i < n; i++)
            out[(size_t)i * v->width + k] = stream[i];
    }
    v->next += n;
    return true;
}

static bool take_plain_bools(struct qn_pq_values *v, uint32_t n, int64_t *out)
{
    if (n > (uint64_t)(v->end - v->at) * 8 - v->bit)
        return fail(v, ends_early);
    for (uint32_t i = 0; i < n; i++)
        out[i] = v->at[(v->bit + i) / 8] >> ((v->bit + i) % 8) & 1;
    v->at += (v->bit + n) / 8;
    v->bit = (v->bit + n) % 8;
    return true;
}

static bool take_runs(struct qn_pq_values *v, uint32_t n, int64_t *out)
{
    uint32_t block[BLOCK];
    for (uint32_t done = 0; done < n;) {
        uint32_t k = n - done < BLOCK ? n - done : BLOCK;
        if (!qn_pq_rle_take(&v->rle, k, block))
            return fail(v, ends_early);
        for (uint32_t i = 0; i < k; i++)
            out[done + i] = block[i];
        done += k;
    }
    return true;
}

/* Bytes of n plain values of fixed size, which are passed; NULL: there are fewer. */
static const uint8_t *take_plain(struct qn_pq_values *v, uint32_t n)
{
    uint64_t bytes = (uint64_t)n * v->width;
    const uint8_t *at = v->at;
    if (bytes > (uint64_t)(v->end - v->at)) {
        v->why = ends_early;
        return NULL;
    }
    v->at += bytes;
    return at;
}

static void widen_i32(const uint8_t *at, uint32_t n, int64_t *out)
{
    for (uint32_t i = 0; i < n; i++) {
        int32_t value;
        memcpy(&value, at + 4 * (size_t)i, 4);
        out[i] = value;
    }
}

static void widen_f32(const uint8_t *at, uint32_t n, double *out)
{
    for (uint32_t i = 0; i < n; i++) {
        float value;
        memcpy(&value, at + 4 * (size_t)i, 4);
        out[i] = (double)value;
    }
}

/* In blocks, through room of the values' own width; `out` is int64_t or double. */
static bool take_split_numbers(struct qn_pq_values *v, uint32_t n, void *out)
{
    uint8_t block[BLOCK * 8];
    for (uint32_t done = 0; done < n;) {
        uint32_t k = n - done < BLOCK ? n - done : BLOCK;
        if (!take_split(v, k, block))
            return false;
        if (v->type == QN_PQ_INT32)
            widen_i32(block, k, (int64_t *)out + done);
        else if (v->type == QN_PQ_FLOAT)
            widen_f32(block, k, (double *)out + done);
        else
            memcpy((int64_t *)out + done, block, 8 * (size_t)k);
        done += k;
    }
    return true;
}

bool qn_pq_values_i64(struct qn_pq_values *v, uint32_t n, int64_t *out)
{
    if (v->encoding == QN_PQ_DELTA_BINARY_PACKED) {
        if (!qn_pq_delta_take(&v->first, n, out))
            return fail(v, ends_early);
        for (uint32_t i = 0; v->type == QN_PQ_INT32 && i < n; i++)
            out[i] = (int32_t)(uint32_t)out[i]; /* they wrap at 32 bits */
        return true;
    }
    if (v->encoding == QN_PQ_RLE)
        return take_runs(v, n, out);
    if (v->encoding == QN_PQ_BYTE_STREAM_SPLIT)
        return take_split_numbers(v, n, out);
    if (v->type == QN_PQ_BOOLEAN)
        return take_plain_bools(v, n, out);
    const uint8_t *at = take_plain(v, n);
    if (!at)
        return false;
    if (v->type == QN_PQ_INT32)
        widen_i32(at, n, out);
    else
        memcpy(out, at, 8 * (size_t)n);
    return true;
}

bool qn_pq_values_f64(struct qn_pq_values *v, uint32_t n, double *out)
{
    if (v->encoding == QN_PQ_BYTE_STREAM_SPLIT)
        return take_split_numbers(v, n, out);
    const uint8_t *at = take_plain(v, n);
    if (!at)
        return false;
    if (v->type == QN_PQ_FLOAT)
        widen_f32(at, n, out);
    else
        memcpy(out, at, 8 * (size_t)n);
    return true;
}

/* --- bytes ----------------------------------------------------------------------------------- */

static uint32_t take_plain_bytes(struct qn_pq_values *v, uint32_t n, size_t max_bytes,
                                 struct qn_strv *out)
{
    const uint8_t *at = v->at, *end = v->end;
    size_t total = 0;
    uint32_t i = 0;
    for (; i < n && total <= max_bytes; i++) {
        if (end - at < 4)
            break;
        uint32_t len = qn_pq_load32(at);
        if (len > (size_t)(end - at) - 4)
            break;
        out[i] = (struct qn_strv){(const char *)at + 4, len};
        at += 4 + (size_t)len;
        total += len;
    }
    v->at = at;
    v->why = ends_early;
    return i;
}

static uint32_t take_fixed_bytes(struct qn_pq_values *v, uint32_t n, size_t max_bytes,
                                 struct qn_strv *out)
{
    uint64_t most = (uint64_t)max_bytes / v->width + 1;
    const uint8_t *at;
    n = n < most ? n : (uint32_t)most;
    if (v->encoding == QN_PQ_BYTE_STREAM_SPLIT) {
        v->why = ends_early;
        if (n > v->n_split - v->next)
            return 0;
        qn_buf_clear(&v->built);
        uint8_t *room = qn_buf_reserve(&v->built, (size_t)n * v->width + QN_PQ_SLACK);
        v->why = "no memory";
        if (!room || !take_split(v, n, room))
            return 0;
        at = room;
    } else if (!(at = take_plain(v, n))) {
        return 0;
    }
    for (uint32_t i = 0; i < n; i++)
        out[i] = (struct qn_strv){(const char *)at + (size_t)i * v->width, v->width};
    return n;
}

/* Values of `n` lengths at most, up to the first that is wrong. */
static uint32_t cut_values(struct qn_pq_values *v, const int64_t *lengths, uint32_t n,
                           struct qn_strv *out)
{
    const uint8_t *at = v->at;
    uint32_t i = 0;
    for (; i < n && lengths[i] >= 0 && lengths[i] <= v->end - at; i++) {
        out[i] = (struct qn_strv){(const char *)at, (size_t)lengths[i]};
        at += lengths[i];
    }
    v->at = at;
    return i;
}

/* Lengths are taken some at a time, one by one where the bytes might be too many. */
static uint32_t take_lengths(struct qn_pq_values *v, uint32_t n, size_t max_bytes,
                             struct qn_strv *out)
{
    const uint8_t *begin = v->at;
    uint32_t i = 0;
    v->why = ends_early;
    while (i < n && (size_t)(v->at - begin) <= max_bytes) {
        int64_t lengths[BLOCK];
        bool few = (size_t)(v->end - begin) > max_bytes;
        uint32_t want = few ? 1 : n - i < BLOCK ? n - i : BLOCK;
        if (!qn_pq_delta_take(&v->second, want, lengths))
            break;
        uint32_t got = cut_values(v, lengths, want, out + i);
        i += got;
        if (got < want)
            v->second.left = 0; /* the others stand nowhere */
    }
    return i;
}

/* The start of the value before, then bytes of its own. */
static bool build_prefixed(struct qn_pq_values *v)
{
    int64_t prefix, suffix;
    if (!qn_pq_delta_take(&v->first, 1, &prefix) || !qn_pq_delta_take(&v->second, 1, &suffix) ||
        prefix < 0 || (uint64_t)prefix > v->last.len || suffix < 0 || suffix > v->end - v->at ||
        (v->type == QN_PQ_FIXED && prefix + suffix != (int64_t)v->width))
        return false;
    v->last.len = (size_t)prefix;
    qn_buf_put(&v->last, v->at, (size_t)suffix);
    v->at += suffix;
    return !v->last.failed;
}

/* Built one by one. Those that nobody takes are only told the length of. */
static uint32_t take_prefixed(struct qn_pq_values *v, uint32_t n, size_t max_bytes,
                              struct qn_strv *out)
{
    uint32_t i = 0;
    size_t before = 0;
    qn_buf_clear(&v->built);
    v->why = ends_early;
    max_bytes = max_bytes < MAX_BUILT_BYTES ? max_bytes : MAX_BUILT_BYTES;
    /* Places first: the bytes move while there are more. */
    for (; i < n && v->built.len <= max_bytes && build_prefixed(v); i++) {
        if (v->last.len <= QN_MAX_FIELD_BYTES)
            qn_buf_put(&v->built, v->last.data, v->last.len);
        if (v->built.failed)
            break;
        out[i] = (struct qn_strv){NULL, v->last.len};
    }
    if (!qn_buf_reserve(&v->built, QN_PQ_SLACK))
        i = 0;
    for (uint32_t k = 0; k < i; k++) {
        out[k].data = (const char *)v->built.data + before;
        before += out[k].len <= QN_MAX_FIELD_BYTES ? out[k].len : 0;
    }
    return i;
}

uint32_t qn_pq_values_bytes(struct qn_pq_values *v, uint32_t n, size_t max_bytes,
                            struct qn_strv *out)
{
    switch (v->encoding) {
    case QN_PQ_DELTA_LENGTH_BYTE_ARRAY: return take_lengths(v, n, max_bytes, out);
    case QN_PQ_DELTA_BYTE_ARRAY: return take_prefixed(v, n, max_bytes, out);
    default:
        return v->type == QN_PQ_BYTE_ARRAY ? take_plain_bytes(v, n, max_bytes, out)
                                           : take_fixed_bytes(v, n, max_bytes, out);
    }
}
