#include "parquet/gather.h"

#include <stdlib.h>
#include <string.h>

void qn_pq_gather_init(struct qn_pq_gather *gather, struct qn_type type, bool takes_codes)
{
    *gather = (struct qn_pq_gather){.type = type, .takes_codes = takes_codes};
}

void qn_pq_gather_fini(struct qn_pq_gather *gather)
{
    qn_buf_fini(&gather->validity);
    qn_buf_fini(&gather->values);
    qn_buf_fini(&gather->offsets);
    qn_buf_fini(&gather->indexes);
    free(gather->entry_of_code);
    *gather = (struct qn_pq_gather){0};
}

void qn_pq_gather_clear(struct qn_pq_gather *gather)
{
    gather->n_rows = gather->n_values = gather->n_entries = 0;
    gather->is_coded = false;
    qn_buf_clear(&gather->validity);
    qn_buf_clear(&gather->values);
    qn_buf_clear(&gather->offsets);
    qn_buf_clear(&gather->indexes);
}

size_t qn_pq_gather_bytes(const struct qn_pq_gather *gather)
{
    return gather->values.len + gather->offsets.len + gather->indexes.len;
}

/* --- which rows have a value ----------------------------------------------------------------- */

static inline uint64_t word_of(const struct qn_column *column, uint32_t row)
{
    if (!column->validity)
        return UINT64_MAX;
    uint32_t shift = row & 63;
    uint64_t word = column->validity[row >> 6] >> shift;
    return word;
}

/* Bits of up to 64 rows from `row` on; those past `n` are 0. */
static uint64_t validity_of(const struct qn_column *column, uint32_t row, uint32_t n)
{
    uint64_t word = word_of(column, row);
    uint32_t has = 64 - (row & 63);
    if (column->validity && has < n)
        word |= column->validity[(row >> 6) + 1] << has;
    return n < 64 ? word & ((UINT64_C(1) << n) - 1) : word;
}

static void put_bits(struct qn_pq_gather *gather, uint64_t bits, uint32_t n)
{
    uint64_t *words = (uint64_t *)(void *)gather->validity.data;
    uint32_t at = gather->n_rows >> 6, shift = gather->n_rows & 63;
    words[at] = (shift ? words[at] : 0) | bits << shift;
    if (shift + n > 64)
        words[at + 1] = bits >> (64 - shift);
    gather->n_rows += n;
}

static bool validity_room(struct qn_pq_gather *gather, uint32_t n)
{
    size_t bytes = (qn_validity_words(gather->n_rows + n) + 1) * sizeof(uint64_t);
    if (bytes <= gather->validity.len)
        return true;
    uint8_t *room = qn_buf_reserve(&gather->validity, bytes - gather->validity.len);
    if (!room)
        return false;
    memset(room, 0, bytes - gather->validity.len);
    gather->validity.len = bytes;
    return true;
}

/* --- values of 1 or 8 bytes ------------------------------------------------------------------ */

static inline __attribute__((always_inline)) uint8_t *
put_word(uint8_t *to, const uint8_t *from, uint64_t bits, uint32_t n, const size_t width)
{
    if (bits == UINT64_MAX >> (64 - n)) { /* all n have one */
        memcpy(to, from, n * width);
        return to + n * width;
    }
    for (; bits; bits &= bits - 1, to += width)
        memcpy(to, from + (size_t)__builtin_ctzll(bits) * width, width);
    return to;
}

static bool put_fixed(struct qn_pq_gather *gather, const struct qn_column *column, uint32_t from,
                      uint32_t n)
{
    bool is_bool = gather->type.id == QN_BOOL;
    uint8_t *to = qn_buf_reserve(&gather->values, (size_t)n * (is_bool ? 1 : 8)), *start = to;
    if (!to)
        return false;
    for (uint32_t i = 0; i < n; i += 64) {
        uint32_t rows = n - i < 64 ? n - i : 64;
        uint64_t bits = validity_of(column, from + i, rows);
        if (is_bool)
            to = put_word(to, column->bools + from + i, bits, rows, 1);
        else
            to = put_word(to, (const uint8_t *)(column->i64 + from + i), bits, rows, 8);
        put_bits(gather, bits, rows);
    }
    gather->values.len += (size_t)(to - start);
    gather->n_values += (uint32_t)((size_t)(to - start) / (is_bool ? 1 : 8));
    return true;
}

/* --- texts ----------------------------------------------------------------------------------- */

/* Bytes that may be read after the last text count as content, and are overwritten by the next. */
static uint8_t *text_room(struct qn_pq_gather *gather, size_t n_bytes)
{
    if (gather->values.len == 0) {
        uint8_t *room = qn_buf_reserve(&gather->values, QN_PQ_TEXT_SLACK);
        if (!room)
            return NULL;
        memset(room, 0, QN_PQ_TEXT_SLACK);
        gather->values.len = QN_PQ_TEXT_SLACK;
        qn_buf_put_u32(&gather->offsets, 0);
    }
    uint8_t *room = qn_buf_reserve(&gather->values, n_bytes + QN_PQ_TEXT_SLACK);
    return room ? room - QN_PQ_TEXT_SLACK : NULL;
}

static void text_end(struct qn_pq_gather *gather, uint8_t *to)
{
    memset(to, 0, QN_PQ_TEXT_SLACK);
    gather->values.len = (size_t)(to - gather->values.data) + QN_PQ_TEXT_SLACK;
}

/* All rows have a value: their bytes are one run. */
static bool put_texts_run(struct qn_pq_gather *gather, const struct qn_column *column,
                          uint32_t from, uint32_t n)
{
    const uint32_t *offsets = column->offsets + from;
    size_t n_bytes = offsets[n] - offsets[0];
    uint8_t *to = text_room(gather, n_bytes);
    uint32_t *ends = (uint32_t *)(void *)qn_buf_reserve(&gather->offsets, n * sizeof *ends);
    if (!to || !ends)
        return false;
    if (n_bytes)
        memcpy(to, column->bytes + offsets[0], n_bytes);
    uint32_t shift = (uint32_t)(to - gather->values.data) - offsets[0];
    for (uint32_t i = 0; i < n; i++)
        ends[i] = offsets[i + 1] + shift;
    gather->offsets.len += n * sizeof *ends;
    gather->n_values += n;
    text_end(gather, to + n_bytes);
    return true;
}

static bool put_texts_some(struct qn_pq_gather *gather, const struct qn_column *column,
                           uint32_t from, uint64_t bits)
{
    size_t n_bytes =
        column->offsets[from + 64 - (uint32_t)__builtin_clzll(bits)] - column->offsets[from];
    uint8_t *to = text_room(gather, n_bytes);
    if (!to)
        return false;
    for (; bits; bits &= bits - 1) {
        uint32_t row = from + (uint32_t)__builtin_ctzll(bits);
        struct qn_strv text = qn_text_at(column, row);
        qn_copy_text((char *)to, text.data, text.len);
        to += text.len;
        qn_buf_put_u32(&gather->offsets, (uint32_t)(to - gather->values.data));
        gather->n_values++;
    }
    text_end(gather, to);
    return !gather->offsets.failed;
}

static bool put_texts(struct qn_pq_gather *gather, const struct qn_column *column, uint32_t from,
                      uint32_t n)
{
    if (!text_room(gather, 0))
        return false;
    for (uint32_t i = 0; i < n; i += 64) {
        uint32_t rows = n - i < 64 ? n - i : 64;
        uint64_t bits = validity_of(column, from + i, rows);
        if (column->validity && bits && !put_texts_some(gather, column, from + i, bits))
            return false;
        put_bits(gather, bits, rows);
    }
    return column->validity || put_texts_run(gather, column, from, n);
}

/* --- numbered texts -------------------------------------------------------------------------- */

/* The text of a code that did not come up in this group yet. */
static uint32_t add_entry(struct qn_pq_gather *gather, struct qn_strv text)
{
    uint8_t *to = text_room(gather, text.len);
    if (!to)
        return 0;
    if (text.len)
        memcpy(to, text.data, text.len);
    text_end(gather, to + text.len);
    qn_buf_put_u32(&gather->offsets, (uint32_t)((size_t)(to - gather->values.data) + text.len));
    return gather->n_entries++;
}

static bool begin_codes(struct qn_pq_gather *gather, const struct qn_column *column)
{
    size_t bytes = QN_DICTIONARY_TEXTS * sizeof *gather->entry_of_code;
    if (!gather->entry_of_code && !(gather->entry_of_code = malloc(bytes)))
        return false;
    memset(gather->entry_of_code, 0xFF, bytes);
    gather->dictionary_id = column->dictionary->id;
    gather->is_coded = true;
    return true;
}

static bool put_codes(struct qn_pq_gather *gather, const struct qn_column *column, uint32_t from,
                      uint32_t n)
{
    uint32_t *to = (uint32_t *)(void *)qn_buf_reserve(&gather->indexes, n * sizeof *to);
    if (!to || !text_room(gather, 0))
        return false;
    const uint32_t *start = to, *entry_of_code = gather->entry_of_code;
    const uint16_t *codes = column->codes + from;
    for (uint32_t i = 0; i < n; i++) {
        uint16_t code = codes[i];
        if (entry_of_code[code] == UINT32_MAX && code != QN_CODE_NULL)
            gather->entry_of_code[code] = add_entry(gather, column->dictionary->texts[code]);
        *to = entry_of_code[code];
        to += code != QN_CODE_NULL;
    }
    for (uint32_t i = 0; i < n; i += 64) {
        uint32_t rows = n - i < 64 ? n - i : 64;
        put_bits(gather, validity_of(column, from + i, rows), rows);
    }
    gather->indexes.len += (size_t)(to - start) * sizeof *to;
    gather->n_values += (uint32_t)(to - start);
    return !gather->values.failed && !gather->offsets.failed;
}

/* The entries stand where the texts will: they are moved out of the way. */
qn_code qn_pq_gather_spell_out(struct qn_pq_gather *gather, struct qn_err *err)
{
    if (!gather->is_coded)
        return QN_OK;
    struct qn_buf entries = gather->values, entry_ends = gather->offsets;
    const uint32_t *ends = (const uint32_t *)(const void *)entry_ends.data;
    const uint32_t *indexes = qn_pq_gather_indexes(gather);
    qn_buf_init(&gather->values);
    qn_buf_init(&gather->offsets);
    size_t n_bytes = 0;
    for (uint32_t i = 0; i < gather->n_values; i++)
        n_bytes += ends[indexes[i] + 1] - ends[indexes[i]];
    uint8_t *to = n_bytes <= UINT32_MAX ? text_room(gather, n_bytes) : NULL;
    for (uint32_t i = 0; to && i < gather->n_values; i++) {
        uint32_t begin = ends[indexes[i]], len = ends[indexes[i] + 1] - begin;
        memcpy(to, entries.data + begin, len);
        to += len;
        qn_buf_put_u32(&gather->offsets, (uint32_t)(to - gather->values.data));
    }
    if (to)
        text_end(gather, to);
    qn_buf_fini(&entries);
    qn_buf_fini(&entry_ends);
    qn_buf_clear(&gather->indexes);
    gather->n_entries = 0;
    gather->is_coded = false;
    return to && !gather->offsets.failed ? QN_OK : qn_err_nomem(err, "texts of a row group");
}

/* --- all of them ----------------------------------------------------------------------------- */

static bool stays_coded(const struct qn_pq_gather *gather, const struct qn_column *column)
{
    return gather->is_coded && column->codes && column->dictionary->id == gather->dictionary_id;
}

static qn_code put_any_texts(struct qn_pq_gather *gather, const struct qn_column *column,
                             uint32_t from, uint32_t n, struct qn_err *err)
{
    bool begins = gather->takes_codes && gather->n_rows == 0 && column->codes;
    if (begins && !begin_codes(gather, column))
        return qn_err_nomem(err, "codes of a row group");
    if (!begins && !stays_coded(gather, column))
        QN_TRY(qn_pq_gather_spell_out(gather, err));
    bool ok =
        gather->is_coded ? put_codes(gather, column, from, n) : put_texts(gather, column, from, n);
    return ok ? QN_OK : qn_err_nomem(err, "texts of a row group");
}

qn_code qn_pq_gather_put(struct qn_pq_gather *gather, const struct qn_column *column, uint32_t from,
                         uint32_t n, struct qn_err *err)
{
    if (!validity_room(gather, n))
        return qn_err_nomem(err, "rows of a row group");
    if (gather->type.id == QN_TEXT)
        return put_any_texts(gather, column, from, n, err);
    return put_fixed(gather, column, from, n) ? QN_OK : qn_err_nomem(err, "a row group");
}

bool qn_pq_gather_fits(const struct qn_pq_gather *gather, const struct qn_column *column,
                       uint32_t from, uint32_t n)
{
    if (gather->type.id != QN_TEXT)
        return true;
    size_t n_bytes = column->offsets[from + n] - column->offsets[from];
    return gather->values.len + n_bytes + QN_PQ_TEXT_SLACK <= UINT32_MAX;
}
