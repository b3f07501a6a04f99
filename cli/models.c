#include "cli/models.h"

#include <getopt.h>
#include <string.h>

#include "cli/model_exchange.h"
#include "cli/rows.h"
#include "coordinator/lock.h"

static const char usage[] =
    "usage: quern models list [NAME] --warehouse PATH [--json]\n"
    "       quern models show NAME[@ALIAS|:VERSION] --warehouse PATH [--json]\n"
    "       quern models compare A B --warehouse PATH [--json]\n"
    "       quern models promote NAME[:VERSION] --alias ALIAS [--note TEXT] --warehouse PATH\n"
    "       quern models rollback NAME[@ALIAS] [--note TEXT] --warehouse PATH\n"
    "       quern models export NAME[@ALIAS|:VERSION] --format FORMAT --out FILE ...\n"
    "       quern models import FILE --name NAME ...\n"
    "list: name, version, aliases, algorithm, key metrics of the held-out rows.\n"
    "show: the model card: where a version comes from (run, spec, seed, input files and their\n"
    "fingerprints), its metrics by split, what it was compared with, and its coefficients.\n"
    "Without @ALIAS or :VERSION it is the latest.\n"
    "compare: two versions side by side, and whether the difference is more than noise: on the\n"
    "rows that both held out, where their tables of predictions are still there.\n"
    "promote: gives an alias to a version. rollback: gives the alias (champion, unless said) back\n"
    "to the version that had it before; once more goes further back. Both are kept in\n"
    "_quern_model_moves, with --note to say why.\n"
    "export, import: models of other programs: quern models export --help, import --help.\n"
    "example: quern models show churn@champion --warehouse churn.db\n"
    "         quern models promote churn:3 --alias champion --warehouse churn.db\n"
    "         quern models rollback churn --warehouse churn.db\n";

/* --- list ------------------------------------------------------------------------------------ */

struct rows {
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
    struct rows *table = context;
    (void)n;
    (void)names;
    if (!table->n++)
        printf("%-20s %7s  %-16s %-20s %-20s %8s %8s\n", "model", "version", "aliases", "algorithm",
               "created", "roc_auc", "log_loss");
    printf("%-20s %7s  %-16s %-20s %-20.19s %8s %8s\n", v[0], v[1], v[2] ? v[2] : "-", v[3], v[4],
           v[5] ? v[5] : "-", v[6] ? v[6] : "-");
    return QN_OK;
}

static qn_code list_models(struct qn_store *store, const struct qn_models_asked *asked,
                           struct qn_err *err)
{
    static const char text[] =
        "select name, version, aliases, algorithm, created_at, iif(roc_auc is null, null, "
        "printf('%.4f', roc_auc)), iif(log_loss is null, null, printf('%.4f', log_loss)) " LISTED;
    static const struct qn_rows_query json = {
        "name version aliases algorithm created_at roc_auc log_loss", LISTED};
    struct rows table = {0};
    const char *name = asked->n_words ? asked->words[0].name : NULL;
    if (name)
        QN_TRY(qn_models_check_name(store, asked, &asked->words[0], err));
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

static qn_code suggest(const struct names *names, const struct qn_models_asked *asked,
                       const struct qn_models_word *word, struct qn_err *err)
{
    char all[512] = "";
    const char *near = qn_strv_closest(qn_strv_from(word->name), names->items, names->n);
    for (uint32_t i = 0; i < names->n && strlen(all) < 400; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%.64s", i ? ", " : "",
                 names->items[i]);
    if (!names->n)
        return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_JOB, "%s holds no model yet",
                          asked->warehouse);
    return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_JOB, "%s has no model '%s'; it has %s%s%s%s",
                      asked->warehouse, word->name, all, near ? "; did you mean '" : "",
                      near ? near : "", near ? "'?" : "");
}

qn_code qn_models_check_name(struct qn_store *store, const struct qn_models_asked *asked,
                             const struct qn_models_word *word, struct qn_err *err)
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
            known |= strcmp(names.items[i], word->name) == 0;
    }
    if (code == QN_OK && !known && names.n < MOST_NAMES)
        code = suggest(&names, asked, word, err);
    qn_arena_fini(&names.arena);
    return code;
}

qn_code qn_models_find(struct qn_store *store, const struct qn_models_asked *asked,
                       const struct qn_models_word *word, struct qn_buf *artefact,
                       uint32_t *version, struct qn_err *err)
{
    struct qn_buf own;
    QN_TRY(qn_models_check_name(store, asked, word, err));
    qn_buf_init(&own);
    qn_code code = qn_store_model_read(store, word->name, word->selector,
                                       artefact ? artefact : &own, version, err);
    qn_buf_fini(&own);
    return code;
}

/* --- writing --------------------------------------------------------------------------------- */

qn_code qn_models_open_writer(const char *warehouse, struct qn_models_writer *out,
                              struct qn_err *err)
{
    *out = (struct qn_models_writer){.lock = -1};
    QN_TRY(qn_store_open_reader(warehouse, &out->store, err)); /* it is there, and is one */
    qn_store_close(out->store);
    out->store = NULL;
    QN_TRY(qn_lock_warehouse(warehouse, &out->lock, err));
    qn_code code = qn_store_open(warehouse, &out->store, err);
    if (code != QN_OK)
        qn_lock_release(out->lock);
    return code;
}

qn_code qn_models_close_writer(struct qn_models_writer *writer, qn_code code, struct qn_err *err)
{
    if (code == QN_OK)
        code = qn_store_commit(writer->store, err);
    else
        qn_store_rollback(writer->store);
    qn_store_close(writer->store);
    qn_lock_release(writer->lock);
    return code;
}

/* --- the command ----------------------------------------------------------------------------- */

typedef qn_code (*models_fn)(struct qn_store *store, const struct qn_models_asked *asked,
                             struct qn_err *err);

static const struct command {
    const char *name;
    int least, most; /* words after it */
    bool writes;
    models_fn run;
} commands[] = {
    {"list", 0, 1, false, list_models},           {"show", 1, 1, false, qn_models_show},
    {"compare", 2, 2, false, qn_models_compare},  {"promote", 1, 1, true, qn_models_promote},
    {"rollback", 1, 1, true, qn_models_rollback},
};

static bool split_word(struct qn_models_word *word, const char *text)
{
    size_t n = strcspn(text, "@:");
    if (n == 0 || n >= sizeof word->name) {
        fprintf(stderr, "quern models: expected NAME, NAME@ALIAS or NAME:VERSION, got '%s'\n",
                text);
        return false;
    }
    memcpy(word->name, text, n);
    word->name[n] = '\0';
    word->selector = text + n;
    return true;
}

static qn_code note_table(void *context, int n, const char *const *names, const char *const *v)
{
    bool *there = context;
    (void)n, (void)names, (void)v;
    *there = true;
    return QN_OK;
}

/* Whoever only reads cannot bring a warehouse of an older engine up to date. */
static qn_code check_tables(struct qn_store *store, const struct qn_models_asked *asked,
                            struct qn_err *err)
{
    bool there = false;
    QN_TRY(qn_store_query(store, "select 1 from sqlite_schema where name = '_quern_drift'", NULL, 0,
                          note_table, &there, err));
    return there ? QN_OK
                 : qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB,
                              "%s was made by an older engine; the next run into it, or `models "
                              "promote`, brings its tables up to date",
                              asked->warehouse);
}

static qn_code read_or_write(const struct command *command, const struct qn_models_asked *asked,
                             struct qn_err *err)
{
    if (command->writes) {
        struct qn_models_writer writer;
        QN_TRY(qn_models_open_writer(asked->warehouse, &writer, err));
        return qn_models_close_writer(&writer, command->run(writer.store, asked, err), err);
    }
    struct qn_store *store;
    QN_TRY(qn_store_open_reader(asked->warehouse, &store, err));
    qn_code code = check_tables(store, asked, err);
    if (code == QN_OK)
        code = command->run(store, asked, err);
    qn_store_close(store);
    return code;
}

static int run(const struct command *command, const struct qn_models_asked *asked)
{
    struct qn_err err = {0};
    qn_code code = read_or_write(command, asked, &err);
    if (code != QN_OK)
        qn_cli_complain(&asked->common, &err);
    return qn_cli_exit(code);
}

/* -1: go on. */
static int take_option(struct qn_models_asked *asked, int option, char *argument)
{
    switch (option) {
    case 'h': fputs(usage, stdout); return QN_EXIT_OK;
    case 'w': asked->warehouse = argument; return -1;
    case 'a': asked->alias = argument; return -1;
    case 'n': asked->note = argument; return -1;
    case 'f':
        asked->common.json = strcmp(argument, "json") == 0;
        if (asked->common.json || strcmp(argument, "text") == 0)
            return -1;
        fprintf(stderr, "quern models: expected --format text or json, got '%s'\n", argument);
        return QN_EXIT_USAGE;
    default: return qn_cli_common(&asked->common, option, argument) ? -1 : QN_EXIT_USAGE;
    }
}

int qn_cli_models(int argc, char **argv)
{
    static const struct option options[] = {{"warehouse", required_argument, NULL, 'w'},
                                            {"alias", required_argument, NULL, 'a'},
                                            {"note", required_argument, NULL, 'n'},
                                            {"format", required_argument, NULL, 'f'},
                                            QN_CLI_COMMON_LONG,
                                            {0}};
    struct qn_models_asked asked = {.n_words = 0};
    const struct command *command = NULL;
    int option;
    if (argc > 1 && strcmp(argv[1], "export") == 0)
        return qn_cli_model_export(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "import") == 0)
        return qn_cli_model_import(argc - 1, argv + 1);
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        int code = take_option(&asked, option, optarg);
        if (code >= 0)
            return code;
    }
    int n = argc - optind - 1;
    for (size_t i = 0; n >= 0 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[optind], commands[i].name) == 0 && n >= commands[i].least &&
            n <= commands[i].most)
            command = &commands[i];
    if (!asked.warehouse || !command) {
        fputs(usage, stderr);
        return QN_EXIT_USAGE;
    }
    for (asked.n_words = 0; asked.n_words < n; asked.n_words++)
        if (!split_word(&asked.words[asked.n_words], argv[optind + 1 + asked.n_words]))
            return QN_EXIT_USAGE;
    return run(command, &asked);
}
