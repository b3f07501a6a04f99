#include <getopt.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/model_terms.h"
#include "cli/rows.h"

static const char usage[] =
    "usage: quern models list [NAME] --warehouse PATH [--json]\n"
    "       quern models show NAME[@ALIAS|:VERSION] --warehouse PATH [--json]\n"
    "list: name, version, aliases, algorithm, key metrics of the held-out rows.\n"
    "show: where a version comes from (run, spec, seed, input files and their fingerprints), its\n"
    "metrics by split, and its coefficients. Without @ALIAS or :VERSION it is the latest.\n"
    "example: quern models list --warehouse churn.db\n"
    "         quern models show churn@champion --warehouse churn.db\n";

struct asked {
    struct qn_cli_common common;
    const char *warehouse;
    char name[128];
    const char *selector; /* "@ALIAS", ":VERSION" or "" */
};

/* --- list ------------------------------------------------------------------------------------ */

struct table {
    uint32_t n; /* rows so far */
};

/* Metrics are those of the held-out rows: NULL for a model without a test split. */
#define LISTED                                                                                     \
    "from (select name, version, algorithm, created_at, "                                          \
    "(select group_concat('@' || alias, ' ') from _quern_model_aliases as a "                      \
    "where a.name = m.name and a.version = m.version) as aliases, "                                \
    "(select value from _quern_model_metrics as x where x.name = m.name and "                      \
    "x.version = m.version and split = 'test' and metric = 'roc_auc') as roc_auc, "                \
    "(select value from _quern_model_metrics as x where x.name = m.name and "                      \
    "x.version = m.version and split = 'test' and metric = 'log_loss') as log_loss "               \
    "from _quern_models as m where ?1 is null or name = ?1 order by name, version)"

static qn_code list_row(void *context, int n, const char *const *names, const char *const *v)
{
    struct table *table = context;
    (void)n;
    (void)names;
    if (!table->n++)
        printf("%-20s %7s  %-16s %-20s %-20s %8s %8s\n", "model", "version", "aliases", "algorithm",
               "created", "roc_auc", "log_loss");
    printf("%-20s %7s  %-16s %-20s %-20.19s %8s %8s\n", v[0], v[1], v[2] ? v[2] : "-", v[3], v[4],
           v[5] ? v[5] : "-", v[6] ? v[6] : "-");
    return QN_OK;
}

static qn_code list_models(struct qn_store *store, const struct asked *asked, struct qn_err *err)
{
    static const char text[] =
        "select name, version, aliases, algorithm, created_at, iif(roc_auc is null, null, "
        "printf('%.4f', roc_auc)), iif(log_loss is null, null, printf('%.4f', log_loss)) " LISTED;
    static const struct qn_rows_query json = {
        "name version aliases algorithm created_at roc_auc log_loss", LISTED};
    struct table table = {0};
    const char *name = asked->name[0] ? asked->name : NULL;
    if (asked->common.json) {
        putchar('[');
        QN_TRY(qn_rows_json(stdout, store, &json, &name, 1, err));
        puts("]");
        return QN_OK;
    }
    QN_TRY(qn_store_query(store, text, &name, 1, list_row, &table, err));
    if (!table.n)
        puts("no models: a train job with `register` puts one here");
    return QN_OK;
}

/* --- which one ------------------------------------------------------------------------------- */

enum { MOST_NAMES = 64 };

struct names {
    struct qn_arena arena;
    const char *items[MOST_NAMES];
    uint32_t n;
};

static qn_code take_name(void *context, int n, const char *const *columns, const char *const *v)
{
    struct names *names = context;
    (void)n;
    (void)columns;
    if (names->n < MOST_NAMES)
        names->items[names->n++] = qn_arena_strdup(&names->arena, qn_strv_from(v[0]));
    return QN_OK;
}

static qn_code suggest(const struct names *names, const struct asked *asked, struct qn_err *err)
{
    char all[512] = "";
    const char *near = qn_strv_closest(qn_strv_from(asked->name), names->items, names->n);
    for (uint32_t i = 0; i < names->n && strlen(all) < 400; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%.64s", i ? ", " : "",
                 names->items[i]);
    if (!names->n)
        return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_JOB, "%s holds no model yet",
                          asked->warehouse);
    return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_JOB, "%s has no model '%s'; it has %s%s%s%s",
                      asked->warehouse, asked->name, all, near ? "; did you mean '" : "",
                      near ? near : "", near ? "'?" : "");
}

/* QN_ENOTFOUND, saying what there is, unless a model of that name exists. */
static qn_code check_name(struct qn_store *store, const struct asked *asked, struct qn_err *err)
{
    struct names names = {.n = 0};
    qn_arena_init(&names.arena);
    qn_code code = qn_store_query(store, "select distinct name from _quern_models order by name",
                                  NULL, 0, take_name, &names, err);
    bool known = false;
    for (uint32_t i = 0; i < names.n; i++) {
        if (!names.items[i])
            code = qn_err_nomem(err, "the names of models");
        else
            known |= strcmp(names.items[i], asked->name) == 0;
    }
    if (code == QN_OK && !known && names.n < MOST_NAMES)
        code = suggest(&names, asked, err);
    qn_arena_fini(&names.arena);
    return code;
}

/* --- show ------------------------------------------------------------------------------------ */

#define OF_VERSION "where name = ?1 and version = ?2"
#define OF_INPUTS                                                                                  \
    "from _quern_inputs where run_id = (select run_id from _quern_models " OF_VERSION              \
    ") order by job, file"

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
    struct table *table = context;
    (void)n;
    (void)names;
    if (!table->n++)
        printf("\ninputs of its run\n");
    printf("  %-20s %s  %s bytes, %s rows, fingerprint %s\n", v[0], v[1], v[2], v[3], v[4]);
    return QN_OK;
}

static qn_code metric_row(void *context, int n, const char *const *names, const char *const *v)
{
    struct table *table = context;
    (void)n;
    (void)names;
    if (!table->n++)
        printf("\nmetrics\n  %-20s %12s %12s %12s\n", "", "train", "validation", "test");
    printf("  %-20s %12s %12s %12s\n", v[0], v[1] ? v[1] : "", v[2] ? v[2] : "", v[3] ? v[3] : "");
    return QN_OK;
}

static const struct {
    qn_store_row_fn row;
    const char *sql;
} text_sections[] = {
    {fact_row,
     "select algorithm, (select group_concat('@' || alias || ' since ' || set_at || "
     "coalesce(' (' || note || ')', ''), ', ') from _quern_model_aliases as a where a.name = "
     "m.name and a.version = m.version) as aliases, created_at as created, sha256, run_id as run, "
     "job, spec_sha256 as spec, seed, engine_version as engine, parameters "
     "from _quern_models as m " OF_VERSION},
    {input_row, "select job, file, bytes, rows, fingerprint " OF_INPUTS},
    {metric_row,
     "select metric, max(iif(split = 'train', shown, null)), "
     "max(iif(split = 'validation', shown, null)), max(iif(split = 'test', shown, null)) "
     "from (select *, printf('%.6g', value) as shown from _quern_model_metrics " OF_VERSION
     ") group by metric order by metric"},
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
};

static qn_code show_text(struct qn_store *store, const char *const params[2], struct qn_strv file,
                         struct qn_err *err)
{
    printf("model %s v%s\n", params[0], params[1]);
    for (size_t i = 0; i < sizeof text_sections / sizeof text_sections[0]; i++) {
        struct table table = {0};
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

static qn_code show_model(struct qn_store *store, const struct asked *asked, struct qn_err *err)
{
    struct qn_buf artefact;
    uint32_t version;
    char number[16];
    QN_TRY(check_name(store, asked, err));
    qn_buf_init(&artefact);
    qn_code code =
        qn_store_model_read(store, asked->name, asked->selector, &artefact, &version, err);
    if (code == QN_OK) {
        snprintf(number, sizeof number, "%u", version);
        const char *const params[2] = {asked->name, number};
        code = (asked->common.json ? show_json : show_text)(store, params, qn_buf_strv(&artefact),
                                                            err);
    }
    qn_buf_fini(&artefact);
    return code;
}

/* --- the command ----------------------------------------------------------------------------- */

/* "churn@champion" into "churn" and "@champion". */
static bool split_name(struct asked *asked, const char *text)
{
    size_t n = strcspn(text, "@:");
    if (n == 0 || n >= sizeof asked->name) {
        fprintf(stderr, "quern models: expected NAME, NAME@ALIAS or NAME:VERSION, got '%s'\n",
                text);
        return false;
    }
    memcpy(asked->name, text, n);
    asked->name[n] = '\0';
    asked->selector = text + n;
    return true;
}

static int run(const struct asked *asked, bool show)
{
    struct qn_store *store;
    struct qn_err err = {0};
    qn_code code = qn_store_open_reader(asked->warehouse, &store, &err);
    if (code == QN_OK) {
        if (!show && asked->name[0])
            code = check_name(store, asked, &err);
        if (code == QN_OK)
            code = show ? show_model(store, asked, &err) : list_models(store, asked, &err);
        qn_store_close(store);
    }
    if (code != QN_OK)
        qn_cli_complain(&asked->common, &err);
    return qn_cli_exit(code);
}

int qn_cli_models(int argc, char **argv)
{
    static const struct option options[] = {
        {"warehouse", required_argument, NULL, 'w'}, QN_CLI_COMMON_LONG, {0}};
    struct asked asked = {.selector = ""};
    int option;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        switch (option) {
        case 'h': fputs(usage, stdout); return QN_EXIT_OK;
        case 'w': asked.warehouse = optarg; break;
        default:
            if (!qn_cli_common(&asked.common, option, optarg))
                return QN_EXIT_USAGE;
        }
    }
    int n = argc - optind;
    bool show = n == 2 && strcmp(argv[optind], "show") == 0;
    bool list = (n == 1 || n == 2) && strcmp(argv[optind], "list") == 0;
    if (!asked.warehouse || (!show && !list)) {
        fputs(usage, stderr);
        return QN_EXIT_USAGE;
    }
    if (n == 2 && !split_name(&asked, argv[optind + 1]))
        return QN_EXIT_USAGE;
    return run(&asked, show);
}
