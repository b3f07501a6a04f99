#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/answer.h"
#include "cli/crew.h"
#include "cli/launch.h"
#include "cli/local.h"
#include "coordinator/store.h"
#include "query/explain.h"
#include "query/finish.h"
#include "query/spec_text.h"
#include "query/sqlite_run.h"

static const char usage[] =
    "usage: quern query \"SQL\" [--workers N] [--warehouse PATH] [--json | --csv] [--out FILE]\n"
    "       [--explain]\n"
    "SELECT over files, spread over workers; docs/query.md says what it knows.\n"
    "  --workers N          worker processes (default: one a core, one for small files)\n"
    "  --memory SIZE        what a worker gets by with, and ORDER BY before it uses files\n"
    "  --warehouse PATH     its tables can be named in FROM\n"
    "  --lake PATH          its datasets are lake.NAME in FROM (lake)\n"
    "  --json               JSON lines on stdout; --csv: CSV. Else a table to read\n"
    "  --out FILE           into a file, by its suffix\n"
    "  --explain            shows the specs that would run, and runs nothing\n"
    "  --state DIR          where scratch goes (a folder in $TMPDIR or /var/tmp)\n"
    "example: quern query \"SELECT plan, count(*) AS n FROM 'customers.csv' GROUP BY plan\"\n"
    "         quern query \"SELECT * FROM 'orders-*.csv' WHERE amount > 100\" --out large.csv\n";

struct query_command {
    struct qn_cli_common common;
    const char *text, *warehouse, *lake, *out;
    bool csv, explain;
    struct qn_local local;
    char folder[4096];
};

/* --- one phase ------------------------------------------------------------------------------- */

/* Where the rows of a phase go. */
struct phase_run {
    struct query_command *command;
    const struct qn_query_phase *phase;
    struct qn_finish *finish;
    struct qn_sqlite_run *sqlite; /* NULL: jobs do it all */
    struct qn_answer answer;
};

static qn_code take_part(void *context, const char *job, const char *path, bool *enough,
                         struct qn_err *err)
{
    struct phase_run *run = context;
    *enough = run->answer.closed;
    if (run->sqlite)
        return qn_sqlite_run_part(run->sqlite, job, path, err);
    QN_TRY(qn_finish_part(run->finish, job, path, enough, err));
    *enough = *enough || run->answer.closed;
    return QN_OK;
}

static qn_code take_rows(void *context, const struct qn_batch *batch, struct qn_err *err)
{
    struct phase_run *run = context;
    struct qn_batch shown = *batch;
    shown.schema = run->answer.schema;
    return qn_answer_rows(&run->answer, &shown, err);
}

static qn_code check_job(const char *job, const struct qn_schema *expected,
                         const struct qn_plan *plan, struct qn_err *err)
{
    int32_t at = qn_plan_find_job(plan, job);
    const struct qn_schema *schema = at < 0 ? NULL : &plan->jobs[at].job.out;
    bool same = schema && schema->n_fields >= expected->n_fields;
    for (uint32_t i = 0; same && i < expected->n_fields; i++)
        same = qn_type_eq(schema->fields[i].type, expected->fields[i].type);
    return same ? QN_OK
                : qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR,
                             "job %s gives other columns than the query's plan says", job);
}

/* What the planner thinks of the last jobs is what they give. */
static qn_code check_columns(const struct qn_query_phase *phase, const struct qn_query_tree *tree,
                             const struct qn_plan *plan, struct qn_err *err)
{
    for (uint32_t i = 0; phase->sqlite && i < phase->sqlite->n_tables; i++)
        QN_TRY(
            check_job(phase->sqlite->tables[i].job, &phase->sqlite->tables[i].schema, plan, err));
    if (!tree)
        return QN_OK;
    if (tree->op == QN_QUERY_ROWS)
        return check_job(tree->job, &phase->schema, plan, err);
    QN_TRY(check_columns(phase, tree->left, plan, err));
    return check_columns(phase, tree->right, plan, err);
}

static qn_code run_spec(struct phase_run *run, const struct qn_query *query, uint32_t number,
                        struct qn_err *err)
{
    struct query_command *command = run->command;
    struct qn_plan plan;
    const struct qn_plan_options options = {
        .path = "query", .text = qn_strv_from(run->phase->spec), .folder = command->folder};
    const struct qn_run_tap tap = {.part = take_part, .context = run};
    qn_code code = qn_plan_make(&plan, &options, err);
    if (code == QN_EINPUT)
        qn_launch_show(&command->common, &plan.spec.diags, false);
    if (code == QN_OK)
        code = check_columns(run->phase, run->phase->tree, &plan, err);
    if (code == QN_OK) {
        plan.spec.warehouse =
            qn_arena_printf(&plan.arena, "%s/run_%u.db", command->local.scratch, number);
        code = plan.spec.warehouse
                   ? qn_local_run(&command->local, &plan, query->input_bytes, &tap, err)
                   : qn_err_nomem(err, "the plan");
    }
    qn_plan_fini(&plan);
    return code;
}

/* The row of a SELECT without FROM. */
static qn_code one_row(struct phase_run *run, struct qn_err *err)
{
    struct qn_batch_builder *builder;
    struct qn_batch batch;
    QN_TRY(qn_builder_new(&run->phase->schema, &builder, err));
    qn_builder_i64(builder, 0, 1);
    qn_code code = qn_builder_row(builder, err);
    if (code == QN_OK) {
        qn_builder_batch(builder, &batch);
        code = qn_finish_rows(run->finish, &batch, err);
    }
    qn_builder_free(builder);
    return code;
}

/* What rows on their way out may take. */
static uint64_t memory_of(const struct query_command *command)
{
    return command->local.memory_bytes ? command->local.memory_bytes : qn_cli_default_memory(1);
}

/* Jobs, and what SQLite makes of their rows. */
static qn_code run_jobs(struct phase_run *run, const struct qn_query *query, uint32_t number,
                        struct qn_err *err)
{
    char path[4200];
    if (!run->phase->spec && !run->phase->sqlite)
        return one_row(run, err);
    if (!run->phase->sqlite)
        return run_spec(run, query, number, err);
    snprintf(path, sizeof path, "%s/sqlite_%u.db", run->command->local.scratch, number);
    const struct qn_sqlite_run_options options = {path, run->command->local.scratch,
                                                  memory_of(run->command), qn_local_stop()};
    QN_TRY(qn_sqlite_run_new(run->phase, &options, &run->sqlite, err));
    if (run->phase->spec)
        QN_TRY(run_spec(run, query, number, err));
    return qn_sqlite_run_rows(run->sqlite, qn_finish_rows, run->finish, err);
}

static const struct qn_writer_ops *format_of(const struct query_command *command, bool last)
{
    if (!last)
        return qn_writer_find("parquet");
    if (command->out)
        return qn_writer_by_suffix(command->out);
    return command->common.json ? qn_writer_find("jsonl")
           : command->csv       ? qn_writer_find("csv")
                                : NULL;
}

static qn_code run_phase(struct query_command *command, const struct qn_query *query,
                         uint32_t index, struct qn_err *err)
{
    const struct qn_query_phase *phase = &query->phases[index];
    struct phase_run run = {.command = command, .phase = phase};
    bool last = index + 1 == query->n_phases;
    struct qn_field fields[QN_MAX_COLUMNS];
    const struct qn_schema schema = {fields, phase->n_shown};
    for (uint32_t i = 0; i < phase->n_shown; i++)
        fields[i] = (struct qn_field){last ? phase->shown[i] : phase->schema.fields[i].name,
                                      phase->schema.fields[i].type};
    QN_TRY(qn_answer_begin(&run.answer, &schema, format_of(command, last),
                           last ? command->out : phase->file, err));
    const struct qn_finish_options options = {.memory_bytes = memory_of(command),
                                              .folder = command->local.scratch,
                                              .stop = qn_local_stop(),
                                              .out = take_rows,
                                              .context = &run};
    qn_code code = qn_finish_new(phase, &options, &run.finish, err);
    if (code == QN_OK)
        code = run_jobs(&run, query, index + 1, err);
    if (code == QN_OK)
        code = qn_finish_end(run.finish, err);
    if (code == QN_OK)
        code = qn_answer_end(&run.answer, err);
    qn_sqlite_run_free(run.sqlite);
    qn_finish_free(run.finish);
    qn_answer_fini(&run.answer);
    return code;
}

/* --- tables of the warehouse ----------------------------------------------------------------- */

struct tables {
    struct qn_arena *arena;
    struct qn_query_names names; /* NULL-terminated at the end */
};

static qn_code add_table(void *context, int n, const char *const *names, const char *const *values)
{
    struct tables *tables = context;
    (void)n;
    (void)names;
    const char *name = qn_arena_strdup(tables->arena, qn_strv_from(values[0]));
    return name && qn_query_names_add(tables->arena, &tables->names, name) ? QN_OK : QN_ENOMEM;
}

static qn_code list_tables(const char *warehouse, struct tables *tables, struct qn_err *err)
{
    static const char sql[] =
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE "
        "'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    struct qn_store *store;
    QN_TRY(qn_store_open_reader(warehouse, &store, err));
    qn_code code = qn_store_query(store, sql, NULL, 0, add_table, tables, err);
    qn_store_close(store);
    if (code == QN_OK && !qn_query_names_add(tables->arena, &tables->names, ""))
        code = qn_err_nomem(err, "names of tables");
    if (code == QN_OK)
        tables->names.items[tables->names.n - 1] = NULL;
    return code;
}

/* --- the command ----------------------------------------------------------------------------- */

static int explain(const struct qn_query *query)
{
    struct qn_buf text;
    qn_buf_init(&text);
    qn_query_explain(query, &text);
    fwrite(text.data, 1, text.len, stdout);
    qn_buf_fini(&text);
    return QN_EXIT_OK;
}

static int answer(struct query_command *command, const struct qn_query_options *options)
{
    struct qn_err err = {0};
    struct qn_query query;
    int exit = QN_EXIT_OK;
    qn_code code = qn_query_plan(&query, qn_strv_from(command->text), options, &err);
    if (code == QN_EINPUT && query.diags.n) {
        qn_launch_show(&command->common, &query.diags, command->common.json);
        exit = QN_EXIT_USAGE;
    } else if (code == QN_OK && command->explain) {
        exit = explain(&query);
    } else {
        for (uint32_t i = 0; i < query.n_phases && code == QN_OK; i++)
            code = run_phase(command, &query, i, &err);
        if (code == QN_ECANCEL)
            exit = QN_EXIT_INTERRUPTED;
        else if (code != QN_OK)
            exit = QN_EXIT_FAILED;
        if (code != QN_OK && code != QN_ECANCEL)
            qn_cli_complain(&command->common, &err);
    }
    qn_query_fini(&query);
    return exit;
}

static int run_query(struct query_command *command)
{
    struct qn_err err = {0};
    struct qn_arena arena;
    struct tables tables = {.arena = &arena};
    struct qn_query_options options = {.folder = command->folder,
                                       .scratch = command->local.scratch,
                                       .warehouse = command->warehouse,
                                       .lake = command->lake};
    qn_arena_init(&arena);
    qn_code code = command->warehouse ? list_tables(command->warehouse, &tables, &err) : QN_OK;
    options.tables = tables.names.items;
    if (code != QN_OK)
        qn_cli_complain(&command->common, &err);
    int exit = code == QN_OK ? answer(command, &options) : qn_cli_exit(code);
    qn_arena_fini(&arena);
    return exit;
}

static bool read_options(struct query_command *command, int argc, char **argv, int *exit)
{
    static const struct option options[] = {{"workers", required_argument, NULL, 'n'},
                                            {"memory", required_argument, NULL, 'm'},
                                            {"warehouse", required_argument, NULL, 'w'},
                                            {"lake", required_argument, NULL, 'l'},
                                            {"csv", no_argument, NULL, 'c'},
                                            {"out", required_argument, NULL, 'o'},
                                            {"explain", no_argument, NULL, 'e'},
                                            QN_CLI_COMMON_LONG,
                                            {0}};
    int64_t workers;
    int option;
    bool fine = true;
    *exit = QN_EXIT_USAGE;
    while (fine && (option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        switch (option) {
        case 'h':
            fputs(usage, stdout);
            *exit = QN_EXIT_OK;
            return false;
        case 'n':
            fine = qn_cli_number("--workers", optarg, 1, QN_CREW_MOST, &workers);
            command->local.n_workers = fine ? (uint32_t)workers : 0;
            break;
        case 'm': fine = qn_cli_memory(optarg, &command->local.memory_bytes); break;
        case 'w': command->warehouse = optarg; break;
        case 'l': command->lake = optarg; break;
        case 'c': command->csv = true; break;
        case 'o': command->out = optarg; break;
        case 'e': command->explain = true; break;
        default: fine = qn_cli_common(&command->common, option, optarg);
        }
    }
    if (!fine)
        return false;
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        return false;
    }
    command->text = argv[optind];
    return true;
}

static bool check_options(const struct query_command *command)
{
    if (command->csv && command->common.json)
        fprintf(stderr, "quern: --csv and --json exclude each other\n");
    else if (command->out && !qn_writer_by_suffix(command->out))
        fprintf(stderr, "quern: the suffix of %s tells no format that can be written\n",
                command->out);
    else
        return true;
    return false;
}

int qn_cli_query(int argc, char **argv)
{
    struct query_command command = {0};
    struct qn_err err = {0};
    int exit;
    if (!read_options(&command, argc, argv, &exit))
        return exit;
    if (!check_options(&command))
        return QN_EXIT_USAGE;
    qn_cli_setup_log(&command.common, "quern");
    signal(SIGPIPE, SIG_IGN);
    command.local.common = &command.common;
    if (!getcwd(command.folder, sizeof command.folder) ||
        qn_local_begin(&command.local, "query", &err) != QN_OK) {
        qn_cli_complain(&command.common, &err);
        return QN_EXIT_FAILED;
    }
    exit = run_query(&command);
    qn_local_end(&command.local);
    return exit;
}
