#include "parquet/column.h"

#include "parquet/text_codes.h"

enum { MAX_TEXT_BYTES = 4 << 20 }; /* that columns of a batch begin another value below */

static size_t width_of(const struct qn_pq_column *c)
{
    return c->convert.to.id == QN_BOOL ? 1 : 8;
}

static bool is_text(const struct qn_pq_column *c)
{
    return c->convert.to.id == QN_TEXT;
}

/* --- lifetime -------------------------------------------------------------------------------- */

qn_code qn_pq_column_init(struct qn_pq_column *c, const struct qn_pq_node *leaf, struct qn_type to,
                          const struct qn_strv *nulls, uint32_t n_nulls, uint32_t capacity,
                          struct qn_pq_scratch *scratch, struct qn_err *err)
{
    *c = (struct qn_pq_column){.leaf = leaf, .scratch = scratch, .capacity = capacity};
    qn_arena_init(&c->arena);
    qn_arena_init(&c->said);
    qn_arena_init(&c->dictionary.arena);
    qn_pq_convert_init(&c->convert, leaf, to, nulls, n_nulls);
    c->validity = qn_arena_zalloc(&c->arena, qn_validity_words(capacity) + 1, sizeof *c->validity);
    if (is_text(c)) {
        c->offsets = QN_NEW_ARRAY(&c->arena, uint32_t, capacity + 1U);
        c->codes = QN_NEW_ARRAY(&c->arena, uint16_t, capacity);
        c->texts = qn_pq_texts_new(&c->arena);
    } else {
        c->numbers = qn_arena_zalloc(&c->arena, capacity, width_of(c));
    }
    if (!c->validity || (is_text(c) ? !c->offsets || !c->codes || !c->texts : !c->numbers))
        return qn_err_nomem(err, "Parquet column");
    return QN_OK;
}

void qn_pq_column_fini(struct qn_pq_column *c)
{
    qn_pq_convert_fini(&c->convert);
    qn_pq_pages_fini(&c->pages);
    qn_pq_values_fini(&c->values);
    qn_pq_dictionary_fini(&c->dictionary);
    qn_buf_fini(&c->text);
    qn_arena_fini(&c->said);
    qn_arena_fini(&c->arena);
}

qn_code qn_pq_column_open(struct qn_pq_column *c, const struct qn_pq_file *file,
                          const struct qn_pq_row_group *group, struct qn_block_state *blocks,
                          size_t window_bytes, struct qn_err *err)
{
    c->page_left = 0;
    c->dictionary.n = 0;
    return qn_pq_pages_open(&c->pages, file, group, c->leaf->first_leaf, blocks, window_bytes, err);
}

static qn_code complain(struct qn_pq_column *c, struct qn_err *err, const char *why)
{
    return qn_pq_pages_complain(&c->pages, err, why);
}

/* --- pages ----------------------------------------------------------------------------------- */

/* The next page of rows; pages of `*skip` rows at most are passed over, and taken off. */
static qn_code next_page(struct qn_pq_column *c, uint64_t *skip, struct qn_err *err)
{
    for (;;) {
        bool found;
        QN_TRY(qn_pq_pages_next(&c->pages, &c->page, &found, err));
        if (!found)
            return complain(c, err, "its pages have fewer rows than the row group");
        uint32_t rows = (uint32_t)c->page.header.n_values;
        if (c->page.header.type == QN_PQ_DICTIONARY_PAGE) {
            QN_TRY(qn_pq_pages_take(&c->pages, &c->page, err));
            QN_TRY(qn_pq_dictionary_read(c, err));
        } else if (rows <= *skip) {
            *skip -= rows;
            if (*skip == 0 && rows)
                return QN_OK;
        } else {
            QN_TRY(qn_pq_pages_take(&c->pages, &c->page, err));
            if (!qn_pq_values_open(&c->values, &c->page, c->leaf))
                return complain(c, err, c->values.why);
            c->page_left = rows;
            return QN_OK;
        }
    }
}

/* --- levels ---------------------------------------------------------------------------------- */

static void set_all(uint64_t *validity, uint32_t first, uint32_t n)
{
    for (uint32_t i = first; i < first + n; i++)
        if (i % 64 == 0 && first + n - i >= 64) {
            validity[i / 64] = UINT64_MAX;
            i += 63;
        } else {
            qn_valid_set(validity, i);
        }
}

static void have_nulls(struct qn_pq_column *c)
{
    if (!c->has_nulls)
        set_all(c->validity, 0, c->n);
    c->has_nulls = true;
}

/* Which of the next n rows have a value: *n_valid of them. */
static qn_code take_levels(struct qn_pq_column *c, uint32_t n, uint32_t *n_valid,
                           struct qn_err *err)
{
    uint32_t max = c->leaf->definition, level;
    *n_valid = n;
    if (max == 0 || (qn_pq_rle_same(&c->page.definition, n, &level) == n && level == max)) {
        if (max)
            qn_pq_rle_pass(&c->page.definition, n);
        if (c->has_nulls)
            set_all(c->validity, c->n, n);
        return QN_OK;
    }
    have_nulls(c);
    if (!qn_pq_rle_match(&c->page.definition, n, max, c->validity, c->n, n_valid))
        return complain(c, err, "the levels of a page are damaged, or fewer than it says");
    return QN_OK;
}

/* Values of n rows moved to where their rows are; those without one get zeros. */
static void spread(struct qn_pq_column *c, uint32_t n, uint32_t n_valid)
{
    uint32_t from = c->n + n_valid;
    int64_t *wide = c->numbers;
    uint8_t *narrow = c->numbers;
    bool bools = width_of(c) == 1;
    for (uint32_t row = c->n + n; row-- > c->n && from != row + 1;) {
        bool valid = c->validity[row >> 6] >> (row & 63) & 1;
        from -= valid;
        if (bools)
            narrow[row] = narrow[from] & (uint8_t)-valid;
        else
            wide[row] = wide[from] & -(int64_t)valid;
    }
}

/* --- what is not good ------------------------------------------------------------------------ */

static qn_code add_complaint(struct qn_pq_column *c, struct qn_pq_complaint complaint,
                             struct qn_err *err)
{
    if (!c->complaints)
        c->complaints = QN_NEW_ARRAY(&c->arena, struct qn_pq_complaint, c->capacity);
    if (!c->complaints || !complaint.message)
        return qn_err_nomem(err, "Parquet column");
    c->complaints[c->n_complaints++] = complaint;
    return QN_OK;
}

/* Fates of the values of n rows, by value, to their rows. `raw` NULL: values of the dictionary. */
static qn_code apply_fates(struct qn_pq_column *c, uint32_t n, const void *raw, struct qn_err *err)
{
    uint32_t value = 0;
    bool nulls = c->has_nulls;
    have_nulls(c);
    if (!nulls)
        set_all(c->validity, c->n, n);
    for (uint32_t row = c->n; row < c->n + n; row++) {
        if (!(c->validity[row >> 6] >> (row & 63) & 1))
            continue;
        uint32_t i = value++;
        if (c->scratch->fates[i] == QN_PQ_IS_NULL) {
            qn_valid_clear(c->validity, row);
        } else if (c->scratch->fates[i] == QN_PQ_BAD) {
            struct qn_pq_complaint said = {.row = row};
            if (raw) {
                said.message = qn_pq_convert_complain(
                    &c->convert, qn_pq_raw_at(&c->convert, raw, i), &c->said, &said.rule);
            } else {
                said = c->dictionary.complaints[c->scratch->indexes[i]];
                said.row = row;
            }
            QN_TRY(add_complaint(c, said, err));
        }
    }
    return QN_OK;
}

/* --- numbers --------------------------------------------------------------------------------- */

static qn_code take_raw(struct qn_pq_column *c, uint32_t n, void *out, struct qn_err *err)
{
    bool whole;
    if (c->convert.form == QN_PQ_FORM_I64)
        whole = qn_pq_values_i64(&c->values, n, out);
    else if (c->convert.form == QN_PQ_FORM_F64)
        whole = qn_pq_values_f64(&c->values, n, out);
    else
        whole = n == 0 || qn_pq_values_bytes(&c->values, n, SIZE_MAX / 2, out) == n;
    return whole ? QN_OK : complain(c, err, c->values.why);
}

static void *raw_room(struct qn_pq_column *c)
{
    return c->convert.form == QN_PQ_FORM_BYTES ? (void *)c->scratch->views
                                               : (void *)c->scratch->numbers;
}

/* Of n rows, *n_other values of which have another fate than good. */
static qn_code take_coded(struct qn_pq_column *c, uint32_t n, uint32_t n_valid, uint32_t *n_other,
                          struct qn_err *err)
{
    QN_TRY(qn_pq_dictionary_take(c, n_valid, err));
    if (width_of(c) == 8) {
        qn_pq_dictionary_numbers(c, n_valid, c->n, n);
    } else {
        qn_pq_dictionary_bools(c, n_valid, c->n);
        spread(c, n, n_valid);
    }
    *n_other = c->dictionary.fates ? qn_pq_dictionary_fates(c, n_valid) : 0;
    return QN_OK;
}

/* The same; straight to where they stay, for most are what they become. Others come by `raw`. */
static qn_code take_numbers(struct qn_pq_column *c, uint32_t n, uint32_t n_valid, void *raw,
                            uint32_t *n_other, struct qn_err *err)
{
    void *out = (char *)c->numbers + c->n * width_of(c);
    bool straight = c->convert.form != QN_PQ_FORM_BYTES && width_of(c) == 8;
    QN_TRY(take_raw(c, n_valid, straight ? out : raw, err));
    *n_other = 0;
    if (!straight || !qn_pq_convert_keeps(&c->convert, out, n_valid)) {
        if (straight)
            memcpy(raw, out, 8 * (size_t)n_valid);
        *n_other = qn_pq_convert_numbers(&c->convert, raw, n_valid, out, c->scratch->fates);
    }
    spread(c, n, n_valid);
    return QN_OK;
}

static qn_code fill_numbers(struct qn_pq_column *c, uint32_t n, struct qn_err *err)
{
    uint32_t n_valid = 0, n_other = 0;
    bool coded = qn_pq_values_coded(&c->values);
    void *raw = coded ? NULL : raw_room(c);
    QN_TRY(take_levels(c, n, &n_valid, err));
    if (coded)
        QN_TRY(take_coded(c, n, n_valid, &n_other, err));
    else
        QN_TRY(take_numbers(c, n, n_valid, raw, &n_other, err));
    if (n_other)
        QN_TRY(apply_fates(c, n, raw, err));
    c->n += n;
    c->page_left -= n;
    return QN_OK;
}

/* --- texts ----------------------------------------------------------------------------------- */

/* Rows until `n_valid` have a value, and those after them that have none. */
static uint32_t rows_with(const struct qn_pq_column *c, uint32_t n, uint32_t n_valid)
{
    uint32_t row = c->n;
    if (!c->has_nulls)
        return n_valid;
    for (; row < c->n + n; row++)
        if (c->validity[row >> 6] >> (row & 63) & 1 && n_valid-- == 0)
            break;
    return row - c->n;
}

/* How many of n_valid values can be taken; raw values go to `raw`. */
static qn_code take_texts(struct qn_pq_column *c, uint32_t n_valid, void *raw, uint32_t *n_taken,
                          struct qn_err *err)
{
    *n_taken = n_valid;
    if (n_valid == 0)
        return QN_OK;
    if (qn_pq_values_coded(&c->values)) {
        uint64_t longest = c->dictionary.longest ? c->dictionary.longest : 1;
        if (n_valid > MAX_TEXT_BYTES / longest + 1)
            *n_taken = (uint32_t)(MAX_TEXT_BYTES / longest + 1);
        return qn_pq_dictionary_take(c, *n_taken, err);
    }
    if (c->convert.form != QN_PQ_FORM_BYTES)
        return take_raw(c, n_valid, raw, err);
    *n_taken = qn_pq_values_bytes(&c->values, n_valid, MAX_TEXT_BYTES, raw);
    return *n_taken ? QN_OK : complain(c, err, c->values.why);
}

/* Texts as they are, when all are good; else nothing happens. */
static bool put_plain_texts(struct qn_pq_column *c, uint32_t n, uint32_t n_valid)
{
    uint32_t longest, value = 0, *offsets = c->offsets + c->n;
    uint32_t *ends = n_valid == n ? offsets + 1 : c->scratch->indexes;
    if (!qn_pq_convert_plain_texts(&c->convert, c->scratch->views, n_valid, &c->text, ends,
                                   &longest))
        return false;
    for (uint32_t i = 0; n_valid < n && i < n; i++) {
        uint32_t row = c->n + i;
        bool valid = c->validity[row >> 6] >> (row & 63) & 1;
        offsets[i + 1] = valid ? ends[value++] : offsets[i];
    }
    return true;
}

/* One by one. Returns how many are not good. */
static uint32_t put_texts(struct qn_pq_column *c, uint32_t n, const void *raw)
{
    uint32_t value = 0, n_other = 0;
    for (uint32_t row = c->n; row < c->n + n; row++) {
        if (!c->has_nulls || c->validity[row >> 6] >> (row & 63) & 1) {
            enum qn_pq_fate fate =
                qn_pq_convert_text(&c->convert, qn_pq_raw_at(&c->convert, raw, value), &c->text);
            c->scratch->fates[value++] = (uint8_t)fate;
            n_other += fate != QN_PQ_GOOD;
        }
        c->offsets[row + 1] = (uint32_t)c->text.len;
    }
    return n_other;
}

static qn_code fill_texts(struct qn_pq_column *c, uint32_t n, struct qn_err *err)
{
    struct qn_pq_rle levels = c->page.definition;
    uint32_t n_valid = 0, n_taken = 0, n_other = 0;
    void *raw = raw_room(c);
    bool coded = qn_pq_values_coded(&c->values);
    QN_TRY(take_levels(c, n, &n_valid, err));
    QN_TRY(take_texts(c, n_valid, raw, &n_taken, err));
    if (n_taken < n_valid) { /* long texts: fewer rows */
        n = rows_with(c, n, n_taken);
        c->page.definition = levels;
        QN_TRY(take_levels(c, n, &n_valid, err));
    }
    if (coded) {
        QN_TRY(qn_pq_dictionary_texts(c, n_valid, c->n, n, err));
        n_other = c->dictionary.fates ? qn_pq_dictionary_fates(c, n_valid) : 0;
    } else if (!put_plain_texts(c, n, n_valid)) {
        n_other = put_texts(c, n, raw);
    }
    if (c->text.failed)
        return qn_err_nomem(err, "texts of a Parquet column");
    c->coded &= coded && c->dictionary.codes;
    if (n_other)
        QN_TRY(apply_fates(c, n, coded ? NULL : raw, err));
    c->n += n;
    c->page_left -= n;
    return QN_OK;
}

/* --- rows ------------------------------------------------------------------------------------ */

static void forget(struct qn_pq_column *c)
{
    c->n = 0;
    c->has_nulls = false;
    c->coded = true;
    c->n_complaints = 0;
    c->text.len = 0;
    qn_arena_clear(&c->said);
}

qn_code qn_pq_column_fill(struct qn_pq_column *c, uint32_t n, struct qn_err *err)
{
    uint64_t skip = 0;
    if (c->n == 0)
        forget(c);
    while (c->n < n && (c->n == 0 || c->text.len <= MAX_TEXT_BYTES)) {
        if (c->page_left == 0)
            QN_TRY(next_page(c, &skip, err));
        uint32_t k = n - c->n < c->page_left ? n - c->n : c->page_left;
        QN_TRY(is_text(c) ? fill_texts(c, k, err) : fill_numbers(c, k, err));
    }
    return QN_OK;
}

qn_code qn_pq_column_skip(struct qn_pq_column *c, uint64_t n, struct qn_err *err)
{
    while (n > 0) {
        if (c->page_left == 0)
            QN_TRY(next_page(c, &n, err));
        uint64_t k = n < c->page_left ? n : c->page_left;
        k = k < c->capacity ? k : c->capacity;
        if (k) {
            QN_TRY(qn_pq_column_fill(c, (uint32_t)k, err));
            n -= c->n;
            forget(c);
        }
    }
    return QN_OK;
}

void qn_pq_column_view(struct qn_pq_column *c, struct qn_column *out)
{
    *out = (struct qn_column){.type = c->convert.to, .validity = c->has_nulls ? c->validity : NULL};
    if (!is_text(c)) {
        out->i64 = c->numbers;
        return;
    }
    static char none[1];
    out->bytes = c->text.data ? (char *)c->text.data : none;
    out->offsets = c->offsets;
    if (c->coded && c->texts && c->n) {
        out->codes = c->codes;
        out->dictionary = qn_pq_texts_view(c->texts);
    }
}

/* Bits [n, n + m) to the front. */
static void shift_bits(uint64_t *bits, uint32_t n, uint32_t m)
{
    for (uint32_t i = 0; i < m; i++)
        if (bits[(n + i) >> 6] >> ((n + i) & 63) & 1)
            qn_valid_set(bits, i);
        else
            qn_valid_clear(bits, i);
}

void qn_pq_column_drop(struct qn_pq_column *c, uint32_t n)
{
    uint32_t rest = c->n - n, kept = 0;
    if (rest == 0) {
        forget(c);
        return;
    }
    if (c->has_nulls)
        shift_bits(c->validity, n, rest);
    if (is_text(c)) {
        uint32_t base = c->offsets[n];
        c->text.len -= base;
        if (base)
            memmove(c->text.data, c->text.data + base, c->text.len);
        memmove(c->codes, c->codes + n, rest * sizeof *c->codes);
        for (uint32_t i = 0; i <= rest; i++)
            c->offsets[i] = c->offsets[n + i] - base;
    } else {
        memmove(c->numbers, (char *)c->numbers + n * width_of(c), rest * width_of(c));
    }
    for (uint32_t i = 0; i < c->n_complaints; i++)
        if (c->complaints[i].row >= n) {
            c->complaints[kept] = c->complaints[i];
            c->complaints[kept++].row -= n;
        }
    c->n_complaints = kept;
    c->n = rest;
}
