#include "parquet/column.h"

#include "parquet/text_codes.h"

enum { STEP = 1024, MAX_ENTRIES = 4 << 20 /* writers give up long before */ };

static qn_code complain(struct qn_pq_column *c, struct qn_err *err, const char *why)
{
    return qn_pq_pages_complain(&c->pages, err, why);
}

void qn_pq_dictionary_fini(struct qn_pq_dictionary *dictionary)
{
    qn_buf_fini(&dictionary->bytes);
    qn_arena_fini(&dictionary->arena);
}

/* --- reading --------------------------------------------------------------------------------- */

/* Fates of k entries from `first` on, which stand in the scratch. */
static qn_code keep_fates(struct qn_pq_column *c, uint32_t first, uint32_t k, const void *raw,
                          struct qn_err *err)
{
    struct qn_pq_dictionary *d = &c->dictionary;
    if (!d->fates) {
        d->fates = QN_NEW_ARRAY(&d->arena, uint8_t, d->n);
        d->complaints = QN_NEW_ARRAY(&d->arena, struct qn_pq_complaint, d->n);
        if (!d->fates || !d->complaints)
            return qn_err_nomem(err, "Parquet dictionary");
    }
    memcpy(d->fates + first, c->scratch->fates, k);
    for (uint32_t i = 0; i < k; i++) {
        struct qn_pq_complaint *said = &d->complaints[first + i];
        if (c->scratch->fates[i] != QN_PQ_BAD)
            continue;
        said->message = qn_pq_convert_complain(&c->convert, qn_pq_raw_at(&c->convert, raw, i),
                                               &d->arena, &said->rule);
        if (!said->message)
            return qn_err_nomem(err, "Parquet dictionary");
    }
    return QN_OK;
}

static qn_code read_entries(struct qn_pq_column *c, uint32_t k, void *raw, struct qn_err *err)
{
    bool whole = c->convert.form == QN_PQ_FORM_I64 ? qn_pq_values_i64(&c->values, k, raw)
                 : c->convert.form == QN_PQ_FORM_F64
                     ? qn_pq_values_f64(&c->values, k, raw)
                     : qn_pq_values_bytes(&c->values, k, SIZE_MAX / 2, raw) == k;
    return whole ? QN_OK : complain(c, err, "its dictionary has fewer values than it says");
}

static uint32_t put_entries(struct qn_pq_column *c, uint32_t first, uint32_t k, const void *raw)
{
    struct qn_pq_dictionary *d = &c->dictionary;
    uint32_t n_other = 0, longest = 0;
    if (qn_pq_convert_plain_texts(&c->convert, raw, k, &d->bytes, d->offsets + first + 1,
                                  &longest)) {
        d->longest = longest > d->longest ? longest : d->longest;
        return 0;
    }
    for (uint32_t i = 0; i < k; i++) {
        size_t before = d->bytes.len;
        enum qn_pq_fate fate =
            qn_pq_convert_text(&c->convert, qn_pq_raw_at(&c->convert, raw, i), &d->bytes);
        size_t len = d->bytes.len - before;
        d->longest = len > d->longest ? (uint32_t)len : d->longest;
        d->offsets[first + i + 1] = (uint32_t)d->bytes.len;
        c->scratch->fates[i] = (uint8_t)fate;
        n_other += fate != QN_PQ_GOOD;
    }
    return n_other;
}

/* Codes that all row groups share, as long as there are few texts. */
static qn_code number_texts(struct qn_pq_column *c, struct qn_err *err)
{
    struct qn_pq_dictionary *d = &c->dictionary;
    if (!c->texts || d->fates || d->n >= QN_DICTIONARY_TEXTS) {
        c->texts = d->n >= QN_DICTIONARY_TEXTS ? NULL : c->texts;
        return QN_OK;
    }
    d->codes = QN_NEW_ARRAY(&d->arena, uint16_t, d->n + 1U);
    if (!d->codes)
        return qn_err_nomem(err, "Parquet dictionary");
    if (!qn_pq_texts_add(c->texts, (const char *)d->bytes.data, d->offsets, d->n, d->codes)) {
        c->texts = NULL;
        d->codes = NULL;
    }
    return QN_OK;
}

qn_code qn_pq_dictionary_read(struct qn_pq_column *c, struct qn_err *err)
{
    struct qn_pq_dictionary *d = &c->dictionary;
    int32_t encoding = c->page.header.encoding;
    bool text = c->convert.to.id == QN_TEXT;
    size_t width = c->convert.to.id == QN_BOOL ? 1 : 8;
    void *raw = c->convert.form == QN_PQ_FORM_BYTES ? (void *)c->scratch->views
                                                    : (void *)c->scratch->numbers;
    qn_arena_clear(&d->arena);
    qn_buf_clear(&d->bytes);
    *d = (struct qn_pq_dictionary){
        .n = (uint32_t)c->page.header.n_values, .arena = d->arena, .bytes = d->bytes};
    if (encoding != QN_PQ_PLAIN && encoding != QN_PQ_PLAIN_DICTIONARY)
        return complain(c, err, "its dictionary has an encoding that dictionaries cannot have");
    c->page.header.encoding = QN_PQ_PLAIN;
    if (d->n > MAX_ENTRIES)
        return complain(c, err, "its dictionary has more than 4194304 values");
    if (d->n > qn_pq_values_most(c->leaf, c->page.values.len))
        return complain(c, err, "its dictionary has fewer values than it says");
    if (!qn_pq_values_open(&c->values, &c->page, c->leaf))
        return complain(c, err, c->values.why);
    d->numbers = text ? NULL : qn_arena_zalloc(&d->arena, d->n + 1U, width);
    d->offsets = text ? QN_NEW_ARRAY(&d->arena, uint32_t, d->n + 1U) : NULL;
    if (text ? !d->offsets : !d->numbers)
        return qn_err_nomem(err, "Parquet dictionary");
    for (uint32_t done = 0; done < d->n;) {
        uint32_t k = d->n - done < STEP ? d->n - done : STEP;
        QN_TRY(read_entries(c, k, raw, err));
        uint32_t n_other =
            text ? put_entries(c, done, k, raw)
                 : qn_pq_convert_numbers(&c->convert, raw, k, (char *)d->numbers + done * width,
                                         c->scratch->fates);
        if (n_other)
            QN_TRY(keep_fates(c, done, k, raw, err));
        done += k;
    }
    if (!qn_buf_reserve(&d->bytes, QN_PQ_SLACK) || d->bytes.len > UINT32_MAX)
        return qn_err_nomem(err, "Parquet dictionary");
    return text ? number_texts(c, err) : QN_OK;
}

/* --- use ------------------------------------------------------------------------------------- */

qn_code qn_pq_dictionary_take(struct qn_pq_column *c, uint32_t n, struct qn_err *err)
{
    uint32_t *indexes = c->scratch->indexes, wrong = 0;
    if (!qn_pq_rle_take(&c->values.rle, n, indexes))
        return complain(c, err, "a page has fewer values than it says, or damaged ones");
    /* The highest bit tells: of a difference below zero, or of the code itself. */
    const uint32_t last = c->dictionary.n - 1;
    for (uint32_t i = 0; i < n; i++)
        wrong |= (last - indexes[i]) | indexes[i];
    if (n && (wrong >> 31 || c->dictionary.n == 0))
        return complain(c, err, "a page names values that its dictionary does not have");
    return QN_OK;
}

uint32_t qn_pq_dictionary_fates(struct qn_pq_column *c, uint32_t n)
{
    uint32_t n_other = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t fate = c->dictionary.fates[c->scratch->indexes[i]];
        c->scratch->fates[i] = fate;
        n_other += fate != QN_PQ_GOOD;
    }
    return n_other;
}

/* Numbers of n_rows rows; those without one get zeros, without a branch. */
static void spread_numbers(const struct qn_pq_column *c, uint32_t first, uint32_t n_rows)
{
    const uint32_t *indexes = c->scratch->indexes;
    const int64_t *from = c->dictionary.numbers;
    int64_t *out = c->numbers;
    for (uint32_t row = first; row < first + n_rows; row++) {
        int64_t valid = (int64_t)(c->validity[row >> 6] >> (row & 63) & 1);
        out[row] = from[*indexes & (uint32_t)-valid] & -valid;
        indexes += valid;
    }
}

void qn_pq_dictionary_numbers(struct qn_pq_column *c, uint32_t n, uint32_t first, uint32_t n_rows)
{
    const uint32_t *indexes = c->scratch->indexes;
    if (n < n_rows && n) {
        spread_numbers(c, first, n_rows);
        return;
    }
    const int64_t *from = c->dictionary.numbers;
    int64_t *out = (int64_t *)c->numbers + first;
    for (uint32_t i = 0; i < n; i++)
        out[i] = from[indexes[i]];
    memset(out + n, 0, (n_rows - n) * sizeof *out);
}

void qn_pq_dictionary_bools(struct qn_pq_column *c, uint32_t n, uint32_t first)
{
    const uint32_t *indexes = c->scratch->indexes;
    const uint8_t *from = c->dictionary.numbers;
    uint8_t *out = (uint8_t *)c->numbers + first;
    for (uint32_t i = 0; i < n; i++)
        out[i] = from[indexes[i]];
}

/* Texts of 16 bytes at most are copied as sixteen, whatever they have. */
static inline __attribute__((always_inline)) void put_texts(struct qn_pq_column *c, uint32_t first,
                                                            uint32_t n_rows, bool all, bool small)
{
    const struct qn_pq_dictionary *d = &c->dictionary;
    const uint32_t *from = d->offsets, *indexes = c->scratch->indexes;
    const char *bytes = (const char *)d->bytes.data;
    char *base = (char *)c->text.data;
    uint32_t at = (uint32_t)c->text.len, *offsets = c->offsets;
    uint16_t *codes = d->codes ? c->codes : NULL;
    for (uint32_t row = first; row < first + n_rows; row++) {
        bool valid = all || (c->validity[row >> 6] >> (row & 63) & 1);
        if (valid) {
            uint32_t i = *indexes++, len = from[i + 1] - from[i];
            if (small)
                memcpy(base + at, bytes + from[i], 16);
            else
                memcpy(base + at, bytes + from[i], len);
            at += len;
            if (codes)
                codes[row] = d->codes[i];
        } else if (codes) {
            codes[row] = QN_CODE_NULL;
        }
        offsets[row + 1] = at;
    }
    c->text.len = at;
}

qn_code qn_pq_dictionary_texts(struct qn_pq_column *c, uint32_t n, uint32_t first, uint32_t n_rows,
                               struct qn_err *err)
{
    uint64_t room = (uint64_t)n * c->dictionary.longest + QN_PQ_SLACK;
    if (!qn_buf_reserve(&c->text, room))
        return qn_err_nomem(err, "texts of a Parquet column");
    bool all = n == n_rows, small = c->dictionary.longest <= 16;
    if (all)
        small ? put_texts(c, first, n_rows, true, true) : put_texts(c, first, n_rows, true, false);
    else
        small ? put_texts(c, first, n_rows, false, true)
              : put_texts(c, first, n_rows, false, false);
    return QN_OK;
}
