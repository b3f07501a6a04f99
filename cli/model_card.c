/* `quern models show`: all that is known of a version. */
#include <string.h>

#include "cli/model_terms.h"
#include "cli/models.h"
#include "cli/rows.h"

#define OF_VERSION "where name = ?1 and version = ?2"
#define OF_INPUTS                                                                                  \
    "from _quern_inputs where run_id = (select run_id from _quern_models " OF_VERSION              \
    ") order by job, file"

#define OF_TESTS                                                                                   \
    "from _quern_tests where (run_id, job) = (select run_id, job from _quern_models " OF_VERSION ")"

/* Of the last run that held rows against the version. */
#define OF_DRIFT                                                                                   \
    "from _quern_drift " OF_VERSION " and run_id = (select d.run_id from _quern_drift as d join "  \
    "_quern_runs as r on r.run_id = d.run_id where d.name = ?1 and d.version = ?2 "                \
    "order by r.started_at desc, r.rowid desc limit 1)"

struct rows {
    uint32_t n; /* so far */
};

static qn_code fact_row(void *context, int n, const char *const *names, const char *const *v)
{
    (void)context;
    for (int i = 0; i < n; i++)
        if (v[i])
            printf("  %-14s %s\n", names[i], v[i]);
    return QN_OK;
}

static qn_code input_row(void *context, int n, const char *const *names, const char *const *v)
{
    struct rows *table = context;
    (void)n;
    (void)names;
    if (!table->n++)
        printf("\ninputs of its run\n");
    printf("  %-20s %s  %s bytes, %s rows, fingerprint %s\n", v[0], v[1], v[2], v[3], v[4]);
    return QN_OK;
}

static qn_code metric_row(void *context, int n, const char *const *names, const char *const *v)
{
    struct rows *table = context;
    (void)n;
    (void)names;
    if (!table->n++)
        printf("\nmetrics\n  %-20s %12s %12s %12s\n", "", "train", "validation", "test");
    printf("  %-20s %12s %12s %12s\n", v[0], v[1] ? v[1] : "", v[2] ? v[2] : "", v[3] ? v[3] : "");
    return QN_OK;
}

static qn_code reason_row(void *context, int n, const char *const *names, const char *const *v)
{
    (void)context;
    (void)n;
    (void)names;
    printf("  %-14s %s\n", "why", v[0]);
    return QN_OK;
}

/* Verdicts: a `promote` test says it all. */
static qn_code verdict_row(void *context, int n, const char *const *names, const char *const *v)
{
    struct rows *rows = context;
    (void)n;
    (void)names;
    if (!rows->n++)
        printf("\npromotion\n");
    printf("  %s\n", v[0]);
    return QN_OK;
}

static qn_code move_row(void *context, int n, const char *const *names, const char *const *v)
{
    struct rows *rows = context;
    (void)n;
    (void)names;
    if (!rows->n++)
        printf("\naliases that it had\n");
    printf("  %.19s  %-8s @%s%s%s%s\n", v[0], v[1], v[2], v[3] ? " (" : "", v[3] ? v[3] : "",
           v[3] ? ")" : "");
    return QN_OK;
}

static qn_code warning_row(void *context, int n, const char *const *names, const char *const *v)
{
    struct rows *rows = context;
    (void)n;
    (void)names;
    if (!rows->n++)
        printf("\nwarnings\n");
    printf("  %s: %s\n", v[0], v[1]);
    return QN_OK;
}

static qn_code drift_row(void *context, int n, const char *const *names, const char *const *v)
{
    struct rows *rows = context;
    (void)n;
    (void)names;
    if (!rows->n++)
        printf("\ndrift of %s rows since it was trained, run %s\n  %-20s %10s %10s\n", v[3], v[4],
               "", "psi", "js");
    printf("  %-20s %10s %10s\n", v[0], v[1], v[2]);
    return QN_OK;
}

static qn_code candidate_row(void *context, int n, const char *const *names, const char *const *v)
{
    struct rows *rows = context;
    (void)n;
    (void)names;
    if (!rows->n++)
        printf("\nbest candidates of the search, by mean %s over folds\n", v[1]);
    printf("  %s %-10s %s\n", v[3][0] == '1' ? "*" : " ", v[2], v[0]);
    return QN_OK;
}

static qn_code importance_row(void *context, int n, const char *const *names, const char *const *v)
{
    struct rows *rows = context;
    (void)n;
    (void)names;
    if (!rows->n++)
        printf("\nimportance%s%s%s\n  %-36s %10s %24s %12s\n", v[4] ? " (permutation: what " : "",
               v[4] ? v[4] : "", v[4] ? " loses)" : "", "", "gain", "permutation", "mean |SHAP|");
    printf("  %-36s %10s %24s %12s\n", v[0], v[1] ? v[1] : "", v[2] ? v[2] : "", v[3] ? v[3] : "");
    return QN_OK;
}

static const struct {
    qn_store_row_fn row;
    const char *sql;
} text_sections[] = {
    {fact_row,
     "select algorithm, (select group_concat('@' || alias || ' since ' || set_at, "
     "', ') from _quern_model_aliases as a where a.name = "
     "m.name and a.version = m.version) as aliases, created_at as created, sha256, run_id as run, "
     "job, spec_sha256 as spec, seed, engine_version as engine, parameters "
     "from _quern_models as m " OF_VERSION},
    {reason_row, "select message " OF_TESTS " and test = 'retrain'"},
    {input_row, "select job, file, bytes, rows, fingerprint " OF_INPUTS},
    {metric_row,
     "select metric, max(iif(split = 'train', shown, null)), "
     "max(iif(split = 'validation', shown, null)), max(iif(split = 'test', shown, null)) "
     "from (select *, printf('%.6g', value) as shown from _quern_model_metrics " OF_VERSION
     ") group by metric order by metric"},
    {candidate_row, "select params, metric, printf('%.6g', value), chosen from "
                    "_quern_model_candidates " OF_VERSION " and fold is null and share = 1 "
                    "order by chosen desc, iif(metric = 'log_loss', value, -value), candidate "
                    "limit 5"},
    {importance_row,
     "select feature, max(iif(kind = 'gain', printf('%.1f %%', 100 * value / nullif((select "
     "sum(value) from _quern_model_importance " OF_VERSION " and kind = 'gain'), 0)), null)), "
     "max(iif(kind = 'permutation', printf('%.4f +- %.4f', value, spread), null)), "
     "max(iif(kind = 'shap', printf('%.4g', value), null)), max(metric) "
     "from _quern_model_importance " OF_VERSION " group by feature "
     "order by max(iif(kind = 'permutation', value, null)) desc, max(value) desc, feature "
     "limit 40"},
    {verdict_row, "select message " OF_TESTS " and test = 'promote'"},
    {drift_row, "select feature, printf('%.4f', psi), printf('%.4f', js), rows, run_id " OF_DRIFT
                " order by psi desc, feature limit 10"},
    {move_row, "select moved_at, action, alias, iif(run_id is null, note, 'run ' || run_id) from "
               "_quern_model_moves " OF_VERSION " order by alias, move"},
    {warning_row, "select test, message " OF_TESTS " and test <> 'promote' and status <> 'pass'"},
};

static const struct qn_rows_query head_query = {
    "name version algorithm created_at sha256 run_id job spec_sha256 seed engine_version "
    "parameters*",
    "from _quern_models " OF_VERSION};

static const struct {
    const char *name;
    struct qn_rows_query query;
} json_sections[] = {
    {"aliases", {"alias note set_at", "from _quern_model_aliases " OF_VERSION " order by alias"}},
    {"inputs", {"job file bytes rows fingerprint", OF_INPUTS}},
    {"metrics",
     {"split metric value", "from _quern_model_metrics " OF_VERSION " order by split, metric"}},
    {"comparisons",
     {"alias against split metric rows positives value against_value difference std_error "
      "confidence low margin holds",
      "from _quern_model_comparisons " OF_VERSION " order by rule"}},
    {"candidates",
     {"candidate params* fold share metric value chosen",
      "from _quern_model_candidates " OF_VERSION " order by share, candidate, fold"}},
    {"drift", {"run_id job feature psi js rows baseline_rows bins*", OF_DRIFT " order by feature"}},
    {"importance",
     {"kind feature metric value spread repeats rows",
      "from _quern_model_importance " OF_VERSION " order by kind, feature"}},
    {"moves",
     {"alias move action note moved_at",
      "from _quern_model_moves " OF_VERSION " order by alias, move"}},
    {"tests", {"column test status message", OF_TESTS}},
};

static qn_code show_text(struct qn_store *store, const char *const params[2], struct qn_strv file,
                         struct qn_err *err)
{
    printf("model %s v%s\n", params[0], params[1]);
    for (size_t i = 0; i < sizeof text_sections / sizeof text_sections[0]; i++) {
        struct rows table = {0};
        QN_TRY(qn_store_query(store, text_sections[i].sql, params, 2, text_sections[i].row, &table,
                              err));
    }
    return qn_model_terms_print(stdout, file, err);
}

static qn_code show_json(struct qn_store *store, const char *const params[2], struct qn_strv file,
                         struct qn_err *err)
{
    putchar('{');
    QN_TRY(qn_rows_json_fields(stdout, store, &head_query, params, 2, err));
    for (size_t i = 0; i < sizeof json_sections / sizeof json_sections[0]; i++) {
        printf(",\"%s\":[", json_sections[i].name);
        QN_TRY(qn_rows_json(stdout, store, &json_sections[i].query, params, 2, err));
        putchar(']');
    }
    fputs(",\"artefact\":", stdout);
    QN_TRY(qn_model_terms_json(stdout, file, err));
    puts("}");
    return QN_OK;
}

qn_code qn_models_show(struct qn_store *store, const struct qn_models_asked *asked,
                       struct qn_err *err)
{
    const struct qn_models_word *word = &asked->words[0];
    struct qn_buf artefact;
    uint32_t version;
    char number[16];
    qn_buf_init(&artefact);
    qn_code code = qn_models_find(store, asked, word, &artefact, &version, err);
    if (code == QN_OK) {
        snprintf(number, sizeof number, "%u", version);
        const char *const params[2] = {word->name, number};
        code = (asked->common.json ? show_json : show_text)(store, params, qn_buf_strv(&artefact),
                                                            err);
    }
    qn_buf_fini(&artefact);
    return code;
}
