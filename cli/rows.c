#include "cli/rows.h"

#include <string.h>

#include "cli/cli.h"

struct printer {
    FILE *out;
    bool braces;
    uint32_t n; /* rows so far */
};

/* Values come as JSON: SQLite knows their types. */
static qn_code print_row(void *context, int n, const char *const *names, const char *const *values)
{
    struct printer *printer = context;
    if (printer->braces)
        fputs(printer->n++ ? ",{" : "{", printer->out);
    for (int i = 0; i < n; i++) {
        fputs(i ? "," : "", printer->out);
        qn_cli_json_text(printer->out, names[i]);
        fprintf(printer->out, ":%s", values[i] ? values[i] : "null");
    }
    if (printer->braces)
        fputc('}', printer->out);
    return QN_OK;
}

static void put_columns(struct qn_buf *sql, const char *columns)
{
    for (bool first = true; *columns; first = false) {
        size_t n = strcspn(columns, " ");
        bool json = n && columns[n - 1] == '*';
        int length = (int)n - json;
        qn_buf_printf(sql, "%s%s(\"%.*s\") AS \"%.*s\"", first ? "select " : ", ",
                      json ? "json" : "json_quote", length, columns, length, columns);
        columns += n + strspn(columns + n, " ");
    }
}

static qn_code print_query(struct printer *printer, struct qn_store *store,
                           const struct qn_rows_query *query, const char *const *params,
                           uint32_t n_params, struct qn_err *err)
{
    struct qn_buf sql;
    qn_buf_init(&sql);
    put_columns(&sql, query->columns);
    qn_buf_printf(&sql, " %s", query->from);
    qn_buf_put_u8(&sql, 0);
    qn_code code = qn_buf_check(&sql, "a query", err);
    if (code == QN_OK)
        code = qn_store_query(store, (const char *)sql.data, params, n_params, print_row, printer,
                              err);
    qn_buf_fini(&sql);
    return code;
}

qn_code qn_rows_json(FILE *out, struct qn_store *store, const struct qn_rows_query *query,
                     const char *const *params, uint32_t n_params, struct qn_err *err)
{
    struct printer printer = {.out = out, .braces = true};
    return print_query(&printer, store, query, params, n_params, err);
}

qn_code qn_rows_json_fields(FILE *out, struct qn_store *store, const struct qn_rows_query *query,
                            const char *const *params, uint32_t n_params, struct qn_err *err)
{
    struct printer printer = {.out = out};
    return print_query(&printer, store, query, params, n_params, err);
}

const char *qn_rows_grouped(const char *digits, char out[QN_ROWS_NUMBER])
{
    size_t len = digits ? strlen(digits) : 0, n = 0;
    for (size_t i = 0; i < len && n + 2 < QN_ROWS_NUMBER; i++) {
        if (i && (len - i) % 3 == 0)
            out[n++] = ',';
        out[n++] = digits[i];
    }
    out[n] = '\0';
    return n ? out : "0";
}
