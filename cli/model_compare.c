/* `quern models compare`: two versions side by side, and whether the difference is more than noise.
 *
 * Their scores are compared row by row where both tables of predictions are still there: rows of
 * one key that are test rows of both. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli/models.h"
#include "cli/rows.h"
#include "jobs/learn/paired.h"

/* What both have: versions, metrics and predictions. */
struct comparison {
    struct qn_store *store;
    const struct qn_models_asked *asked;
    uint32_t versions[2];
    const char *params[4]; /* name and version of A, of B */
    char numbers[2][16];
    char tables[2][64]; /* of predictions; "": none, or another version's by now */
    struct qn_paired rows;
};

/* --- metrics ---------------------------------------------------------------------------------- */

#define BOTH                                                                                       \
    "from (select split, metric, max(iif(name = ?1 and version = ?2, value, null)) as a, "         \
    "max(iif(name = ?3 and version = ?4, value, null)) as b from _quern_model_metrics where "      \
    "((name = ?1 and version = ?2) or (name = ?3 and version = ?4)) and split not in "             \
    "('compared', 'against') group by split, metric "                                              \
    "order by split, metric)"

static qn_code metric_row(void *context, int n, const char *const *names, const char *const *v)
{
    (void)context;
    (void)n;
    (void)names;
    printf("  %-12s %-20s %14s %14s %14s\n", v[0], v[1], v[2] ? v[2] : "-", v[3] ? v[3] : "-",
           v[4] ? v[4] : "-");
    return QN_OK;
}

/* --- predictions ------------------------------------------------------------------------------ */

static qn_code take_table(void *context, int n, const char *const *names, const char *const *v)
{
    char *table = context;
    (void)n;
    (void)names;
    if (v[0])
        snprintf(table, 64, "%s", v[0]);
    return QN_OK;
}

/* A table is a version's when no later version has written it. */
static qn_code find_tables(struct comparison *self, struct qn_err *err)
{
    static const char sql[] =
        "select predictions from _quern_models as m where name = ?1 and version = ?2 and exists "
        "(select 1 from sqlite_schema where name = predictions) and not exists (select 1 from "
        "_quern_models as later where later.predictions = m.predictions and later.rowid > m.rowid)";
    for (int i = 0; i < 2; i++)
        QN_TRY(qn_store_query(self->store, sql, self->params + (ptrdiff_t)2 * i, 2, take_table,
                              self->tables[i], err));
    return QN_OK;
}

static qn_code take_pair(void *context, int n, const char *const *names, const char *const *v)
{
    struct comparison *self = context;
    struct qn_err err;
    (void)n;
    (void)names;
    return qn_paired_add(&self->rows, strtod(v[0], NULL), strtod(v[1], NULL), v[2][0] == '1',
                         self->rows.n, &err);
}

static qn_code take_column(void *context, int n, const char *const *names, const char *const *v)
{
    char *column = context;
    (void)n;
    (void)names;
    snprintf(column, 256, "%s", v[0]);
    return QN_OK;
}

/* Rows that both held out, joined by the key, which is each table's first column. */
static qn_code read_pairs(struct comparison *self, struct qn_err *err)
{
    char sql[1200], keys[2][256] = {"", ""};
    for (int i = 0; i < 2; i++) {
        const char *const table[1] = {self->tables[i]};
        QN_TRY(qn_store_query(self->store,
                              "select replace(name, '\"', '\"\"') from pragma_table_info(?1) "
                              "where cid = 0",
                              table, 1, take_column, keys[i], err));
    }
    snprintf(
        sql, sizeof sql,
        "select printf('%%.17g', a.score), printf('%%.17g', b.score), a.label from \"%s\" as a "
        "join \"%s\" as b on a.\"%s\" = b.\"%s\" where a.split = 'test' and b.split = 'test' "
        "and a.label = b.label",
        self->tables[0], self->tables[1], keys[0], keys[1]);
    return qn_store_query(self->store, sql, NULL, 0, take_pair, self, err);
}

static bool can_compare(const struct qn_paired *rows)
{
    uint32_t positives = 0;
    for (uint32_t i = 0; i < rows->n; i++)
        positives += rows->labels[i];
    return positives >= 10 && rows->n - positives >= 10;
}

static void print_result(const struct comparison *self, const char *metric,
                         const struct qn_paired_result *result, bool first)
{
    double low = qn_paired_low(result, 0.95);
    double high = 2 * result->difference - low;
    if (self->asked->common.json)
        printf("%s{\"metric\":\"%s\",\"rows\":%u,\"a\":%.17g,\"b\":%.17g,\"difference\":%.17g,"
               "\"std_error\":%.17g,\"low\":%.17g,\"high\":%.17g}",
               first ? "" : ",", metric, self->rows.n, result->value[0], result->value[1],
               result->difference, result->std_error, low, high);
    else
        printf(
            "  %-18s A %.6g, B %.6g: A is better by %.4g (at least %.4g, at most %.4g, each with "
            "95 %% confidence)\n",
            metric, result->value[0], result->value[1], result->difference, low, high);
}

static qn_code print_differences(struct comparison *self, struct qn_err *err)
{
    static const char *const metrics[] = {"roc_auc", "average_precision", "log_loss", "brier"};
    bool json = self->asked->common.json;
    bool possible = can_compare(&self->rows);
    if (!json && possible)
        printf("\non the %u test rows that %s and %s have in common\n", self->rows.n,
               self->tables[0], self->tables[1]);
    for (int i = 0; i < 4 && possible; i++) {
        struct qn_paired_result result;
        QN_TRY(qn_paired_compare(&self->rows, metrics[i], &result, err));
        print_result(self, metrics[i], &result, i == 0);
    }
    if (!json && !possible)
        puts("\nno test to tell the difference from noise: both versions' tables of predictions "
             "must still be there, with 10 test rows of each class in common");
    return QN_OK;
}

/* --- what promotion said ---------------------------------------------------------------------- */

#define SAID                                                                                       \
    "from _quern_model_comparisons where (name = ?1 and version = ?2 and name = ?3 and "           \
    "against = ?4) or (name = ?3 and version = ?4 and name = ?1 and against = ?2) order by "       \
    "version, rule"

static qn_code said_row(void *context, int n, const char *const *names, const char *const *v)
{
    bool *said = context;
    (void)n;
    (void)names;
    if (!*said)
        puts("\nwhen they were compared for promotion");
    *said = true;
    printf("  v%s against v%s, %s %s on %s rows: %s against %s, better by %s, at least %s\n", v[0],
           v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]);
    return QN_OK;
}

static qn_code print_text(struct comparison *self, struct qn_err *err)
{
    bool said = false;
    printf("A: %s v%u\nB: %s v%u\n\n  %-12s %-20s %14s %14s %14s\n", self->params[0],
           self->versions[0], self->params[2], self->versions[1], "split", "metric", "A", "B",
           "A - B");
    QN_TRY(qn_store_query(self->store,
                          "select split, metric, iif(a is null, null, printf('%.6g', a)), "
                          "iif(b is null, null, printf('%.6g', b)), "
                          "iif(a - b is null, null, printf('%+.4g', a - b)) " BOTH,
                          self->params, 4, metric_row, NULL, err));
    QN_TRY(print_differences(self, err));
    return qn_store_query(self->store,
                          "select version, against, split, metric, rows, printf('%.6g', value), "
                          "printf('%.6g', against_value), printf('%.4g', difference), "
                          "printf('%.4g', low) " SAID,
                          self->params, 4, said_row, &said, err);
}

static qn_code print_json(struct comparison *self, struct qn_err *err)
{
    static const struct qn_rows_query metrics = {"split metric a b", BOTH};
    static const struct qn_rows_query compared = {
        "version against split metric rows positives value against_value difference std_error "
        "confidence low margin holds",
        SAID};
    printf("{\"a\":{\"name\":\"%s\",\"version\":%u},\"b\":{\"name\":\"%s\",\"version\":%u},"
           "\"metrics\":[",
           self->params[0], self->versions[0], self->params[2], self->versions[1]);
    QN_TRY(qn_rows_json(stdout, self->store, &metrics, self->params, 4, err));
    printf("],\"differences\":[");
    QN_TRY(print_differences(self, err));
    printf("],\"promotion\":[");
    QN_TRY(qn_rows_json(stdout, self->store, &compared, self->params, 4, err));
    puts("]}");
    return QN_OK;
}

qn_code qn_models_compare(struct qn_store *store, const struct qn_models_asked *asked,
                          struct qn_err *err)
{
    struct comparison self = {.store = store, .asked = asked};
    qn_paired_init(&self.rows);
    for (int i = 0; i < 2; i++) {
        QN_TRY(qn_models_find(store, asked, &asked->words[i], NULL, &self.versions[i], err));
        snprintf(self.numbers[i], sizeof self.numbers[i], "%u", self.versions[i]);
        self.params[2 * i] = asked->words[i].name;
        self.params[2 * i + 1] = self.numbers[i];
    }
    qn_code code = find_tables(&self, err);
    if (code == QN_OK && self.tables[0][0] && self.tables[1][0])
        code = read_pairs(&self, err);
    if (code == QN_OK)
        code = (asked->common.json ? print_json : print_text)(&self, err);
    qn_paired_fini(&self.rows);
    return code;
}
