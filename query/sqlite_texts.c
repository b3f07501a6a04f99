#include "query/sqlite_texts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "query/parse.h"
#include "query/sqlite_text.h"

/* --- names ----------------------------------------------------------------------------------- */

enum { DESCENDING = 1, ORDERED = 2, DISTINCT = 4 };

static const struct {
    const char *name;
    unsigned how;
} functions[] = {{"texts", 0},
                 {"texts_up", ORDERED},
                 {"texts_down", ORDERED | DESCENDING},
                 {"texts_set_up", ORDERED | DISTINCT},
                 {"texts_set_down", ORDERED | DISTINCT | DESCENDING}};

enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

const char *qn_sqlite_texts_name(bool ordered, bool descending, bool distinct)
{
    unsigned how = (ordered || distinct ? ORDERED : 0) | (descending ? DESCENDING : 0) |
                   (distinct ? DISTINCT : 0);
    for (int i = 0; i < FUNCTIONS; i++)
        if (functions[i].how == how)
            return functions[i].name;
    return "texts";
}

/* --- state ----------------------------------------------------------------------------------- */

/* A text with its key: bytes of the state's buffer. */
struct entry {
    const char *bytes; /* of the buffer; set when all are there */
    size_t text, text_len, key, key_len;
    int kind; /* of the key, as SQLite says it */
    int64_t integer;
    double real;
    size_t at; /* it is the at-th */
};

struct state {
    struct entry *entries;
    size_t n, room;
    struct qn_buf bytes;
    struct qn_buf separator; /* of the first row */
    bool begun, failed;
};

static struct entry *add_entry(struct state *state)
{
    if (state->n == state->room) {
        size_t room = state->room ? state->room * 2 : 8;
        struct entry *entries = realloc(state->entries, room * sizeof *entries);
        if (!entries)
            return NULL;
        state->entries = entries;
        state->room = room;
    }
    struct entry *entry = &state->entries[state->n];
    *entry = (struct entry){.at = state->n++};
    return entry;
}

static size_t put_text(struct qn_buf *bytes, sqlite3_value *value, size_t *len)
{
    size_t begin = bytes->len;
    const void *text = sqlite3_value_text(value);
    *len = (size_t)sqlite3_value_bytes(value);
    if (*len)
        qn_buf_put(bytes, text, *len);
    return begin;
}

static void add_row(sqlite3_context *context, int n, sqlite3_value **args)
{
    struct state *state = sqlite3_aggregate_context(context, sizeof *state);
    (void)n;
    if (!state) {
        sqlite3_result_error_nomem(context);
        return;
    }
    if (sqlite3_value_type(args[0]) == SQLITE_NULL)
        return;
    size_t len;
    if (!state->begun) {
        qn_buf_init(&state->bytes);
        qn_buf_init(&state->separator);
        (void)put_text(&state->separator, args[1], &len);
        state->begun = true;
    }
    struct entry *entry = add_entry(state);
    if (!entry) {
        state->failed = true;
        return;
    }
    entry->kind = sqlite3_value_type(args[2]);
    entry->text = put_text(&state->bytes, args[0], &entry->text_len);
    if (entry->kind == SQLITE_TEXT)
        entry->key = put_text(&state->bytes, args[2], &entry->key_len);
    entry->integer = sqlite3_value_int64(args[2]);
    entry->real = sqlite3_value_double(args[2]);
}

/* --- order ----------------------------------------------------------------------------------- */

static int compare_bytes(const char *a, size_t n_a, const char *b, size_t n_b)
{
    size_t n = n_a < n_b ? n_a : n_b;
    int order = n ? memcmp(a, b, n) : 0;
    return order ? order : (n_a > n_b) - (n_a < n_b);
}

/* A NULL is the least. Keys of one column are of one kind else. */
static int compare_keys(const struct entry *a, const struct entry *b)
{
    if (a->kind == SQLITE_NULL || b->kind == SQLITE_NULL)
        return (a->kind != SQLITE_NULL) - (b->kind != SQLITE_NULL);
    if (a->kind == SQLITE_TEXT)
        return compare_bytes(a->bytes + a->key, a->key_len, b->bytes + b->key, b->key_len);
    if (a->kind == SQLITE_INTEGER && b->kind == SQLITE_INTEGER)
        return (a->integer > b->integer) - (a->integer < b->integer);
    return (a->real > b->real) - (a->real < b->real);
}

/* What is equal stays as it came. */
static int upwards(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order = compare_keys(a, b);
    return order ? order : (a->at > b->at) - (a->at < b->at);
}

static int downwards(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order = compare_keys(b, a);
    return order ? order : (a->at > b->at) - (a->at < b->at);
}

/* --- the whole ------------------------------------------------------------------------------- */

static void join(struct state *state, unsigned how, struct qn_buf *out)
{
    const char *bytes = (const char *)state->bytes.data;
    for (size_t i = 0; i < state->n; i++)
        state->entries[i].bytes = bytes;
    if (how & ORDERED)
        qsort(state->entries, state->n, sizeof *state->entries,
              how & DESCENDING ? downwards : upwards);
    for (size_t i = 0; i < state->n; i++) {
        const struct entry *entry = &state->entries[i];
        if (i && how & DISTINCT && compare_keys(entry - 1, entry) == 0)
            continue;
        if (i)
            qn_buf_put(out, state->separator.data, state->separator.len);
        qn_buf_put(out, bytes + entry->text, entry->text_len);
    }
}

static void give_group(sqlite3_context *context)
{
    struct state *state = sqlite3_aggregate_context(context, 0);
    struct qn_buf out;
    if (!state || !state->begun) {
        sqlite3_result_null(context);
        return;
    }
    qn_buf_init(&out);
    join(state, (unsigned)(uintptr_t)sqlite3_user_data(context), &out);
    if (state->failed || out.failed || state->bytes.failed || state->separator.failed)
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_text64(context, out.len ? (const char *)out.data : "", out.len,
                              SQLITE_TRANSIENT, SQLITE_UTF8);
    qn_buf_fini(&out);
    qn_buf_fini(&state->bytes);
    qn_buf_fini(&state->separator);
    free(state->entries);
}

int qn_sqlite_texts_register(sqlite3 *db)
{
    int rc = SQLITE_OK;
    for (int i = 0; i < FUNCTIONS && rc == SQLITE_OK; i++)
        rc =
            sqlite3_create_function(db, functions[i].name, 3, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                    (void *)(uintptr_t)functions[i].how, NULL, add_row, give_group);
    return rc;
}

/* --- in a statement -------------------------------------------------------------------------- */

static qn_code check_call(struct qn_sqlite_select *s, const struct qn_ast *ast)
{
    const struct qn_agg_ast *call = ast->aggregate;
    const char *x, *key;
    if (call->star || call->n_args < 1 || call->n_args > 2 ||
        (call->n_args == 2 && call->args[1]->kind != QN_AST_TEXT))
        return QN_QUERY_REFUSE(s->p, ast->mark, "write string_agg(x, ', ' ORDER BY y)",
                               "%.*s takes a text and a constant that parts it from the next",
                               QN_SHORT_ARG(call->name));
    if (!call->distinct || !call->order)
        return QN_OK;
    QN_TRY(qn_sqlite_canonical(s, call->args[0], &x));
    QN_TRY(qn_sqlite_canonical(s, call->order, &key));
    return x && key && strcmp(x, key) == 0
               ? QN_OK
               : QN_QUERY_REFUSE(s->p, call->order->mark, "order by the text itself",
                                 "different texts may have several keys");
}

qn_code qn_sqlite_put_texts(struct qn_sqlite_select *s, const struct qn_ast *ast,
                            struct qn_buf *out, struct qn_type *type)
{
    const struct qn_agg_ast *call = ast->aggregate;
    struct qn_strv separator = QN_STRV_LIT(",");
    struct qn_type key;
    bool untyped;
    QN_TRY(check_call(s, ast));
    if (call->n_args == 2)
        separator = call->args[1]->text;
    qn_buf_printf(out, "%s(", qn_sqlite_texts_name(call->order, call->descending, call->distinct));
    QN_TRY(qn_sqlite_expr(s, call->args[0], out, type, &untyped));
    if (type->id != QN_TEXT)
        return QN_QUERY_REFUSE(s->p, call->args[0]->mark, "write CAST(... AS text) around it",
                               "%.*s joins texts", QN_SHORT_ARG(call->name));
    qn_buf_printf(out, ", CAST(x'");
    for (size_t i = 0; i < separator.len; i++)
        qn_buf_printf(out, "%02x", (unsigned char)separator.data[i]);
    qn_buf_printf(out, "' AS TEXT), ");
    if (call->order || call->distinct)
        QN_TRY(qn_sqlite_expr(s, call->order ? call->order : call->args[0], out, &key, &untyped));
    else
        qn_buf_printf(out, "NULL");
    qn_buf_put_u8(out, ')');
    return QN_OK;
}
