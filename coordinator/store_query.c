/* Plain SQL of our own, for what is only shown. */
#include <stdlib.h>

#include "coordinator/store_internal.h"

static qn_code give_rows(struct qn_sqlite_args *args, const char **names, const char **values,
                         qn_store_row_fn each, void *context, struct qn_err *err)
{
    int n = sqlite3_column_count(args->stmt);
    for (int i = 0; i < n; i++)
        names[i] = sqlite3_column_name(args->stmt, i);
    for (;;) {
        bool row;
        QN_TRY(qn_sqlite_next(args, &row, "query the warehouse", err));
        if (!row)
            return QN_OK;
        for (int i = 0; i < n; i++)
            values[i] = (const char *)sqlite3_column_text(args->stmt, i);
        QN_TRY(each(context, n, names, values));
    }
}

qn_code qn_store_query(struct qn_store *store, const char *sql, const char *const *params,
                       uint32_t n_params, qn_store_row_fn each, void *context, struct qn_err *err)
{
    sqlite3_stmt *stmt;
    QN_TRY(qn_sqlite_prepare(store->db, sql, "query the warehouse", &stmt, err));
    struct qn_sqlite_args args = qn_sqlite_args_of(stmt);
    qn_code code = QN_OK;
    if (!stmt || !sqlite3_stmt_readonly(stmt) || sqlite3_column_count(stmt) == 0)
        code = qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR, "a query must only read: %s", sql);
    for (uint32_t i = 0; code == QN_OK && i < n_params; i++)
        qn_sqlite_text(&args, params[i]);
    if (code == QN_OK) {
        size_t n = (size_t)sqlite3_column_count(stmt);
        const char **texts = calloc(2 * n, sizeof *texts);
        code = texts ? give_rows(&args, texts, texts + n, each, context, err)
                     : qn_err_nomem(err, "a query");
        free(texts);
    }
    sqlite3_finalize(stmt);
    return code;
}
