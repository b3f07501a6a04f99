#include "query/sqlite_one.h"

#include <stdbool.h>
#include <stddef.h>

struct state {
    bool begun;
    sqlite3_value *value;
};

static void add_row(sqlite3_context *context, int n, sqlite3_value **args)
{
    struct state *state = sqlite3_aggregate_context(context, sizeof *state);
    (void)n;
    if (!state) {
        sqlite3_result_error_nomem(context);
        return;
    }
    if (state->begun) {
        sqlite3_result_error(context,
                             "a query in parentheses gives several rows, where one value is "
                             "expected: write an aggregate, or LIMIT 1",
                             -1);
        return;
    }
    state->begun = true;
    state->value = sqlite3_value_dup(args[0]);
    if (!state->value)
        sqlite3_result_error_nomem(context);
}

static void give(sqlite3_context *context)
{
    struct state *state = sqlite3_aggregate_context(context, 0);
    if (!state || !state->value) {
        sqlite3_result_null(context);
        return;
    }
    sqlite3_result_value(context, state->value);
    sqlite3_value_free(state->value);
    state->value = NULL;
}

int qn_sqlite_one_register(sqlite3 *db)
{
    return sqlite3_create_function(db, QN_SQLITE_ONE_NAME, 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                   NULL, NULL, add_row, give);
}
