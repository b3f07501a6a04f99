/* Reads a file with many filters, twice each: as it stands, and with the reader told what rows are
 * wanted (qn_reader_ops.only). What comes through the filter must be the same. */
#ifndef QN_TESTS_SUPPORT_ONLY_H
#define QN_TESTS_SUPPORT_ONLY_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "expr/condition.h"
#include "flow/source.h"

enum { ONLY_LITERALS = 12, ONLY_COLUMNS = 64, ONLY_TEXT = 400 };

struct only_file {
    const struct qn_source_ops *ops;
    const struct qn_source_options *options;
    const struct qn_source_info *info;
    struct qn_arena arena;
    uint64_t dice;
    char literals[ONLY_COLUMNS][ONLY_LITERALS][ONLY_TEXT];
    uint32_t n_literals[ONLY_COLUMNS], n_columns;
};

struct only_tally {
    uint64_t filters, with_condition, left_out; /* rows that were not read */
};

struct only_seen {
    uint64_t rows, refused, skipped, kept, digest;
};

static inline uint32_t only_roll(struct only_file *file, uint32_t n)
{
    file->dice = qn_mix64(file->dice + UINT64_C(0x9e3779b97f4a7c15));
    return (uint32_t)(file->dice % n);
}

/* --- literals of values that are there, and of some beside them ------------------------------ */

static inline void only_literal(struct only_file *file, const struct qn_column *column,
                                uint32_t row, char out[ONLY_TEXT])
{
    struct qn_buf text;
    qn_buf_init(&text);
    uint8_t id = column->type.id;
    const char *prefix = id == QN_DATE ? "date '" : id == QN_TIMESTAMP ? "timestamp '" : "'";
    qn_value_format(&text, column, row);
    struct qn_strv value = qn_buf_strv(&text);
    out[0] = 0;
    if (id == QN_TEXT || id == QN_DATE || id == QN_TIMESTAMP) {
        size_t n = (size_t)snprintf(out, ONLY_TEXT, "%s", prefix);
        for (size_t i = 0; i < value.len && n < ONLY_TEXT - 8; i++) {
            if (value.data[i] == '\'')
                out[n++] = '\'';
            out[n++] = value.data[i];
        }
        while (id == QN_TEXT && n && ((unsigned char)out[n - 1] & 0x80)) /* whole characters */
            n--;
        if (id == QN_TEXT && only_roll(file, 4) == 0)
            out[n++] = '!';
        snprintf(out + n, ONLY_TEXT - n, "'");
    } else if (id != QN_DOUBLE || isfinite(column->f64[row])) {
        bool apart = id == QN_INT64 && only_roll(file, 5) == 0;
        snprintf(out, ONLY_TEXT, "(%.*s%s)", QN_STRV_ARG(value), apart ? ".5" : "");
    }
    qn_buf_fini(&text);
}

static inline void only_gather(struct only_file *file, const struct qn_batch *batch)
{
    for (uint32_t c = 0; c < file->n_columns && batch->n_rows; c++)
        for (int k = 0; k < 3 && file->n_literals[c] < ONLY_LITERALS; k++) {
            uint32_t row = only_roll(file, batch->n_rows);
            char *out = file->literals[c][file->n_literals[c]];
            if (!qn_is_valid(&batch->columns[c], row))
                continue;
            only_literal(file, &batch->columns[c], row, out);
            file->n_literals[c] += out[0] != 0;
        }
}

/* --- filters --------------------------------------------------------------------------------- */

static inline void only_condition(struct only_file *file, struct qn_buf *out)
{
    static const char *const ops[] = {"=", "<>", "<", "<=", ">", ">=", "is"};
    uint32_t c = only_roll(file, file->n_columns), n = file->n_literals[c];
    const char *name = file->info->schema.fields[c].name;
    const char *a = n ? file->literals[c][only_roll(file, n)] : "null";
    const char *b = n ? file->literals[c][only_roll(file, n)] : "null";
    switch (only_roll(file, 8)) {
    case 0: qn_buf_printf(out, "\"%s\" is %snull", name, only_roll(file, 2) ? "not " : ""); break;
    case 1:
        qn_buf_printf(out, "\"%s\" %sin (%s, %s)", name, only_roll(file, 3) ? "" : "not ", a, b);
        break;
    case 2: qn_buf_printf(out, "\"%s\" between %s and %s", name, a, b); break;
    case 3: qn_buf_printf(out, "%s %s \"%s\"", a, ops[only_roll(file, 6)], name); break;
    default: qn_buf_printf(out, "\"%s\" %s %s", name, ops[only_roll(file, 7)], a); break;
    }
}

static inline void only_filter(struct only_file *file, struct qn_buf *out)
{
    bool negated = only_roll(file, 4) == 0;
    qn_buf_printf(out, negated ? "not (" : "(");
    only_condition(file, out);
    for (uint32_t more = only_roll(file, 3); more > 0; more--) {
        qn_buf_printf(out, only_roll(file, 2) ? " and " : " or ");
        only_condition(file, out);
    }
    qn_buf_printf(out, ")");
}

/* --- reading --------------------------------------------------------------------------------- */

static inline void only_see(const struct qn_reader *reader, const struct qn_batch *batch,
                            const uint32_t *rows, uint32_t n, struct only_seen *seen)
{
    struct qn_buf text;
    qn_buf_init(&text);
    for (uint32_t i = 0; i < n; i++) {
        qn_buf_clear(&text);
        qn_buf_put_u64(&text, reader->base + batch->origin[rows[i]]);
        for (uint32_t c = 0; c < batch->schema->n_fields; c++) {
            qn_buf_put_u8(&text, qn_is_valid(&batch->columns[c], rows[i]) ? '|' : '0');
            if (qn_is_valid(&batch->columns[c], rows[i]))
                qn_value_format(&text, &batch->columns[c], rows[i]);
        }
        seen->digest = qn_hash64(text.data, text.len, seen->digest);
    }
    seen->kept += n;
    qn_buf_fini(&text);
}

static inline qn_code only_read_chunk(struct only_file *file, const struct qn_chunk *chunk,
                                      const struct qn_expr *filter,
                                      const struct qn_condition *condition, struct only_seen *seen,
                                      struct qn_err *err)
{
    struct qn_reader *reader;
    struct qn_rejects rejects;
    struct qn_batch batch = {0};
    struct qn_chunk_result result = {0};
    struct qn_arena arena;
    QN_TRY(file->ops->open(file->info, chunk, NULL, &reader, err));
    qn_arena_init(&arena);
    qn_code code = qn_rejects_init(&rejects, err);
    if (code == QN_OK && condition && reader->ops->only)
        code = reader->ops->only(reader, condition, err);
    while (code == QN_OK) {
        uint32_t *rows, n = 0;
        code = reader->ops->next(reader, &batch, &rejects, err);
        if (code != QN_OK || batch.n_rows == 0)
            break;
        qn_arena_clear(&arena);
        rows = QN_NEW_ARRAY(&arena, uint32_t, batch.n_rows);
        seen->rows += batch.n_rows;
        if (filter)
            code = qn_expr_filter(filter, &batch, &arena, rows, &n, err);
        else
            only_gather(file, &batch);
        only_see(reader, &batch, rows, n, seen);
    }
    if (code == QN_OK)
        reader->ops->result(reader, &result);
    seen->skipped += result.skipped;
    seen->refused += qn_rejects_count(&rejects);
    qn_rejects_fini(&rejects);
    qn_arena_fini(&arena);
    reader->ops->close(reader);
    return code;
}

static inline qn_code only_read(struct only_file *file, const struct qn_expr *filter,
                                const struct qn_condition *condition, struct only_seen *seen,
                                struct qn_err *err)
{
    struct qn_arena arena;
    struct qn_chunk *chunks = NULL;
    uint32_t n = 0;
    *seen = (struct only_seen){0};
    qn_arena_init(&arena);
    qn_code code = file->ops->chunks(file->options, file->info, 0, &arena, &chunks, &n, err);
    for (uint32_t k = 0; k < n && code == QN_OK; k++)
        code = only_read_chunk(file, &chunks[k], filter, condition, seen, err);
    qn_arena_fini(&arena);
    return code;
}

/* False: the two readings differ, and how was printed. */
static inline bool only_compare(struct only_file *file, struct qn_strv text,
                                struct only_tally *tally)
{
    struct qn_expr *filter;
    struct qn_expr_complaint complaint;
    const struct qn_condition *condition = NULL;
    struct only_seen all, some;
    struct qn_err err = {0};
    if (qn_expr_compile(&file->arena, text, &file->info->schema, &filter, &complaint) != QN_OK)
        return true; /* a column and a value that do not go together */
    bool read = qn_expr_condition(filter, &file->arena, &condition, &err) == QN_OK &&
                only_read(file, filter, NULL, &all, &err) == QN_OK &&
                only_read(file, filter, condition, &some, &err) == QN_OK;
    uint64_t before = all.rows + all.refused + all.skipped;
    uint64_t after = some.rows + some.refused + some.skipped;
    tally->filters++;
    tally->with_condition += condition != NULL;
    tally->left_out += all.rows - some.rows;
    if (read && all.kept == some.kept && all.digest == some.digest && before == after)
        return true;
    printf("%s, %.*s: %llu of %llu rows pass, %llu of %llu when told; %s\n",
           file->options->paths[0], QN_STRV_ARG(text), (unsigned long long)all.kept,
           (unsigned long long)before, (unsigned long long)some.kept, (unsigned long long)after,
           read ? "" : err.message);
    return false;
}

/* `n` random filters over the first file of the options; false after a difference. */
static inline bool only_check(const struct qn_source_ops *ops,
                              const struct qn_source_options *options,
                              const struct qn_source_info *info, uint32_t n, uint64_t seed,
                              struct only_tally *tally)
{
    static struct only_file file;
    struct only_seen seen;
    struct qn_err err = {0};
    bool same = true;
    memset(&file, 0, sizeof file);
    file.ops = ops;
    file.options = options;
    file.info = info;
    file.dice = seed;
    file.n_columns = info->schema.n_fields < ONLY_COLUMNS ? info->schema.n_fields : ONLY_COLUMNS;
    qn_arena_init(&file.arena);
    bool readable = only_read(&file, NULL, NULL, &seen, &err) == QN_OK;
    for (uint32_t i = 0; i < n && same && readable; i++) {
        struct qn_buf text;
        qn_buf_init(&text);
        only_filter(&file, &text);
        same = only_compare(&file, qn_buf_strv(&text), tally);
        qn_buf_fini(&text);
        qn_arena_clear(&file.arena);
    }
    qn_arena_fini(&file.arena);
    return same;
}

#endif
