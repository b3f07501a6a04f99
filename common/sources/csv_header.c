#include "sources/csv_header.h"

#include <stdlib.h>

#include "base/limits.h"
#include "sources/csv_escape.h"

struct qn_strv qn_csv_field_text(const struct qn_csv_dialect *dialect, const char *bytes,
                                 struct qn_csv_field field, struct qn_arena *arena)
{
    struct qn_strv s = {bytes + field.at, field.flags & QN_CSV_LENGTH};
    char *text = qn_arena_alloc(arena, s.len + 1);
    if (!text)
        return (struct qn_strv){0};
    if (field.flags & QN_CSV_ESCAPED)
        return (struct qn_strv){text, qn_csv_unescape(dialect, s, text)};
    memcpy(text, s.data, s.len);
    return (struct qn_strv){text, s.len};
}

/* --- declarations ---------------------------------------------------------------------------- */

static qn_code missing_column(const struct qn_source_options *options, const char *wanted,
                              const char *const *names, uint32_t n, uint64_t header_line,
                              struct qn_err *err)
{
    const char *closest = qn_strv_closest(qn_strv_from(wanted), names, n);
    qn_code code = qn_err_set(
        err, QN_EINPUT, QN_BLAME_INPUT, "column '%s' is declared but not in the header%s%s%s",
        wanted, closest ? "; did you mean '" : "", closest ? closest : "", closest ? "'?" : "");
    qn_err_at(err, options->paths[0], header_line + 1, 1);
    return code;
}

static int32_t find_name(const char *const *names, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return (int32_t)i;
    return -1;
}

qn_code qn_csv_match_declared(const struct qn_source_options *options, bool by_name,
                              const char *const *names, uint32_t n, uint64_t header_line,
                              int32_t *decl_of, struct qn_err *err)
{
    for (uint32_t i = 0; i < n; i++)
        decl_of[i] = !by_name && i < options->n_columns ? (int32_t)i : -1;
    if (!by_name && options->n_columns > n) {
        qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                                  "expected %u fields, as many as columns are declared, got %u",
                                  options->n_columns, n);
        qn_err_at(err, options->paths[0], header_line + 1, 1);
        return code;
    }
    for (uint32_t d = 0; by_name && d < options->n_columns; d++) {
        int32_t at = find_name(names, n, options->columns[d].name);
        if (at < 0)
            return missing_column(options, options->columns[d].name, names, n, header_line, err);
        decl_of[at] = (int32_t)d;
    }
    return QN_OK;
}

/* --- other files ----------------------------------------------------------------------------- */

static qn_code header_differs(const char *path, uint64_t header_line, const char *const *expected,
                              uint32_t n, const char *const *found, uint32_t n_found,
                              struct qn_err *err)
{
    uint64_t column = 1;
    uint32_t i = 0;
    while (i < n_found && find_name(expected, n, found[i]) >= 0)
        column += strlen(found[i++]) + 1;
    qn_code code;
    if (i < n_found) {
        code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                          "header differs from the first file's: column '%s' is not expected",
                          found[i]);
    } else {
        uint32_t gone = 0;
        while (gone < n - 1 && find_name(found, n_found, expected[gone]) >= 0)
            gone++;
        code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                          "header differs from the first file's: expected column '%s', found "
                          "%u of %u columns without it",
                          expected[gone], n_found, n);
    }
    qn_err_at(err, path, header_line + 1, column);
    return code;
}

qn_code qn_csv_match_header(const char *path, uint64_t header_line, const char *const *expected,
                            uint32_t n, const char *const *found, uint32_t n_found,
                            uint32_t *field_of, bool *same, struct qn_err *err)
{
    *same = true;
    for (uint32_t i = 0; i < n; i++) {
        /* Nearly always in the same place. */
        int32_t at = i < n_found && strcmp(found[i], expected[i]) == 0
                         ? (int32_t)i
                         : find_name(found, n_found, expected[i]);
        if (at < 0 || n_found != n)
            return header_differs(path, header_line, expected, n, found, n_found, err);
        field_of[i] = (uint32_t)at;
        *same = *same && field_of[i] == i;
    }
    return QN_OK;
}
