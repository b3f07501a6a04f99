#include <getopt.h>

#include "base/json.h"
#include "cli/launch.h"

static const char validate_usage[] =
    "usage: quern validate SPEC [--set KEY=VALUE ...] [--json]\n"
    "       quern validate --schema\n"
    "Shows every mistake at once with its line and column; starts nothing.\n"
    "  --schema         print the JSON Schema of specs, for editors, and check nothing\n"
    "  --set KEY=VALUE  a parameter of the spec; any number of times\n"
    "  --json           the mistakes as one JSON array\n"
    "example: quern validate quern.yaml\n"
    "         quern validate --schema >spec.schema.json\n";
static const char plan_usage[] =
    "usage: quern plan SPEC [--select JOB ...] [--set KEY=VALUE ...] [--json]\n"
    "Shows sources as sniffed, jobs, stages and schemas; changes nothing.\n"
    "  --select JOB ... these jobs and what they need, nothing else\n"
    "  --set KEY=VALUE  a parameter of the spec; any number of times\n"
    "  --json           the plan as one JSON object\n"
    "example: quern plan quern.yaml\n";

static void print_schema(const struct qn_schema *schema, bool json)
{
    char type[QN_TYPE_NAME];
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        qn_type_name(schema->fields[i].type, type);
        if (json) {
            fputs(i ? ",{\"name\":" : "{\"name\":", stdout);
            qn_cli_json_text(stdout, schema->fields[i].name);
            printf(",\"type\":\"%s\"}", type);
        } else {
            printf("    %-28s %s\n", schema->fields[i].name, type);
        }
    }
}

static void print_job_text(const struct qn_job *job)
{
    const struct qn_into_files *files = &job->into.files;
    printf("job %s (%s)", job->name, job->ops->kind);
    if (job->into.table)
        printf(" -> table %s", job->into.table);
    else if (files->writer)
        printf(" -> %s %s (%s)", files->dataset ? "dataset" : "file",
               files->dataset ? files->dataset : files->path, files->writer->format);
    fputs("\n  stages:", stdout);
    for (uint32_t s = 0; s < job->n_stages; s++)
        printf(job->stages[s].spare ? "%s (%s)" : "%s %s", s ? "," : "", job->stages[s].name);
    puts(job->out.n_fields ? "\n  rows:" : "");
    print_schema(&job->out, false);
}

/* What was sniffed, where a format has several ways to be written. */
static void print_written(const struct qn_source_info *info, bool json)
{
    const struct qn_source_ops *ops = qn_source_find(info->format);
    if (!ops || !ops->describe)
        return;
    struct qn_buf text, quoted;
    qn_buf_init(&text);
    qn_buf_init(&quoted);
    ops->describe(info, &text);
    if (info->compression)
        qn_buf_printf(&text, ", %s", info->compression);
    if (json) {
        qn_json_put_text(&quoted, qn_buf_strv(&text));
        printf(",\"dialect\":%.*s", QN_STRV_ARG(qn_buf_strv(&quoted)));
    } else {
        printf("  %.*s\n", QN_STRV_ARG(qn_buf_strv(&text)));
    }
    qn_buf_fini(&quoted);
    qn_buf_fini(&text);
}

static void print_plan_text(const struct qn_plan *plan)
{
    for (uint32_t i = 0; i < plan->spec.n_sources; i++) {
        const struct qn_source_options *options = &plan->spec.sources[i].options;
        printf("source %s (%s): %u file%s, %llu bytes\n", plan->spec.sources[i].name,
               plan->sources[i].info.format, options->n_paths, options->n_paths == 1 ? "" : "s",
               (unsigned long long)plan->sources[i].bytes);
        print_written(&plan->sources[i].info, false);
        print_schema(&plan->sources[i].schema, false);
    }
    for (uint32_t i = 0; i < plan->n_order; i++)
        if (plan->jobs[plan->order[i]].wanted)
            print_job_text(&plan->jobs[plan->order[i]].job);
    printf("warehouse %s\n", plan->spec.warehouse);
}

static void print_plan_json(const struct qn_plan *plan)
{
    fputs("{\"sources\":[", stdout);
    for (uint32_t i = 0; i < plan->spec.n_sources; i++) {
        printf("%s{\"name\":\"%s\",\"format\":\"%s\",\"files\":%u,\"bytes\":%llu", i ? "," : "",
               plan->spec.sources[i].name, plan->sources[i].info.format,
               plan->spec.sources[i].options.n_paths, (unsigned long long)plan->sources[i].bytes);
        print_written(&plan->sources[i].info, true);
        fputs(",\"columns\":[", stdout);
        print_schema(&plan->sources[i].schema, true);
        fputs("]}", stdout);
    }
    fputs("],\"jobs\":[", stdout);
    for (uint32_t i = 0, n = 0; i < plan->n_order; i++) {
        const struct qn_job *job = &plan->jobs[plan->order[i]].job;
        if (!plan->jobs[plan->order[i]].wanted)
            continue;
        printf("%s{\"name\":\"%s\",\"kind\":\"%s\",\"stages\":%u,\"columns\":[", n++ ? "," : "",
               job->name, job->ops->kind, job->n_stages);
        print_schema(&job->out, true);
        fputs("]}", stdout);
    }
    fputs("],\"warehouse\":", stdout);
    qn_cli_json_text(stdout, plan->spec.warehouse);
    puts("}");
}

static int print_json_schema(void)
{
    struct qn_buf text;
    struct qn_err err = {0};
    qn_buf_init(&text);
    qn_code code = qn_spec_json_schema(qn_job_all(), qn_source_all(), &text, &err);
    if (code == QN_OK)
        fwrite(text.data, 1, text.len, stdout);
    else
        fprintf(stderr, "quern: %s\n", err.message);
    qn_buf_fini(&text);
    return code == QN_OK ? QN_EXIT_OK : QN_EXIT_FAILED;
}

static int check(const struct qn_launch *launch, bool show)
{
    const struct qn_cli_common *common = &launch->common;
    struct qn_plan plan;
    int exit = QN_EXIT_OK;
    struct qn_plan_options wanted = {.path = launch->spec,
                                     .settings = common->settings,
                                     .n_settings = common->n_settings,
                                     .select = launch->select,
                                     .n_select = launch->n_select};
    if (qn_launch_plan(common, &wanted, &plan, &exit)) {
        if (launch->warehouse)
            plan.spec.warehouse = launch->warehouse;
        if (show && common->json)
            print_plan_json(&plan);
        else if (show)
            print_plan_text(&plan);
        else if (common->json)
            qn_launch_show(common, &plan.spec.diags, true);
        else if (!common->quiet)
            printf("%s is fine\n", launch->spec);
    }
    qn_plan_fini(&plan);
    return exit;
}

int qn_cli_validate(int argc, char **argv)
{
    static const struct option options[] = {
        {"schema", no_argument, NULL, 's'}, QN_CLI_COMMON_LONG, {0}};
    struct qn_launch launch = {0};
    bool schema = false;
    int option;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        switch (option) {
        case 'h': fputs(validate_usage, stdout); return QN_EXIT_OK;
        case 's': schema = true; break;
        default:
            if (!qn_cli_common(&launch.common, option, optarg))
                return QN_EXIT_USAGE;
        }
    }
    if (schema && optind == argc)
        return print_json_schema();
    if (schema || !qn_launch_words(&launch, argc - optind, argv + optind)) {
        fputs(validate_usage, stderr);
        return QN_EXIT_USAGE;
    }
    return check(&launch, false);
}

int qn_cli_plan(int argc, char **argv)
{
    static const struct option options[] = {QN_LAUNCH_LONG, {0}};
    struct qn_launch launch = {0};
    int option;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        if (option == 'h') {
            fputs(plan_usage, stdout);
            return QN_EXIT_OK;
        }
        if (!qn_launch_option(&launch, option, optarg))
            return QN_EXIT_USAGE;
    }
    if (!qn_launch_words(&launch, argc - optind, argv + optind)) {
        fputs(plan_usage, stderr);
        return QN_EXIT_USAGE;
    }
    return check(&launch, true);
}
