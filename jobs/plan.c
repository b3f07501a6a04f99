#include "jobs/plan.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "jobs/into.h"
#include "jobs/lookup.h"
#include "jobs/source_files.h"
#include "spec/node.h"

/* A shuffle gets one partition per this many bytes of input: the groups of one stay in a cache even
 * where most rows are groups of their own. */
static const uint64_t PARTITION_BYTES = UINT64_C(16) << 20;

/* What the env's callbacks find behind the job they serve. */
struct plan_env {
    struct qn_job_env env; /* first: callbacks are handed &env */
    struct qn_plan *plan;
    uint32_t job;
};

static struct qn_plan_job *compile_job(struct qn_plan *plan, uint32_t index);

int32_t qn_plan_find_job(const struct qn_plan *plan, const char *name)
{
    for (uint32_t i = 0; i < plan->spec.n_jobs; i++)
        if (strcmp(plan->spec.jobs[i].name, name) == 0)
            return (int32_t)i;
    return -1;
}

/* --- what a job may ask while it compiles ---------------------------------------------------- */

static const char *closest_input(struct qn_plan *plan, struct qn_strv name)
{
    const struct qn_spec *spec = &plan->spec;
    uint32_t n = spec->n_sources + spec->n_jobs;
    const char **names = QN_NEW_ARRAY(&plan->arena, const char *, n);
    if (!names)
        return NULL;
    for (uint32_t i = 0; i < spec->n_sources; i++)
        names[i] = spec->sources[i].name;
    for (uint32_t i = 0; i < spec->n_jobs; i++)
        names[spec->n_sources + i] = spec->jobs[i].name;
    return qn_strv_closest(name, names, n);
}

/* Of a source or a job that is too wrong to tell: any name may be one of its columns. */
static const struct qn_gaps nothing_known = {.any = true};

static uint32_t partitions_for(uint64_t bytes)
{
    uint64_t n = bytes / PARTITION_BYTES + 1;
    return (uint32_t)(n < QN_MAX_PARTITIONS ? n : QN_MAX_PARTITIONS);
}

/* What a source's rows weigh: columnar files are smaller than what they hold. */
static uint64_t weight_of(const struct qn_plan_source *source)
{
    uint64_t plain = source->info.plain_bytes;
    return plain > source->bytes ? plain : source->bytes;
}

static void input_source(const struct plan_env *at, uint32_t index, struct qn_input *out)
{
    const struct qn_plan_source *source = &at->plan->sources[index];
    *out = (struct qn_input){.kind = QN_INPUT_SOURCE,
                             .index = index,
                             .name = at->plan->spec.sources[index].name,
                             .schema = &source->schema,
                             .partitions = partitions_for(weight_of(source)),
                             .gaps = source->ready  ? NULL
                                     : source->gaps ? source->gaps
                                                    : &nothing_known};
}

static bool input_job(const struct plan_env *at, const struct qn_node *node, uint32_t index,
                      struct qn_input *out)
{
    struct qn_plan *plan = at->plan;
    plan->jobs[at->job].needs[index] = true;
    if (plan->jobs[index].state == QN_PLAN_COMPILING) {
        qn_diags_add(&plan->spec.diags, node->span, NULL, NULL,
                     "job %s reads its own result through %s", plan->spec.jobs[at->job].name,
                     plan->spec.jobs[index].name);
        return false;
    }
    struct qn_plan_job *upstream = compile_job(plan, index);
    upstream->job.is_read = true;
    if (upstream->job.out.n_fields == 0 && !upstream->job.gaps) {
        qn_diags_add(&plan->spec.diags, node->span, NULL, NULL, "job %s gives no rows to read",
                     upstream->job.name);
        return false;
    }
    if (upstream->job.may_end)
        qn_diags_add(&plan->spec.diags, node->span, "rows that every run makes",
                     "read its table as a source of another spec, or leave `retrain` out",
                     "job %s gives no rows when it keeps its champion", upstream->job.name);
    *out = (struct qn_input){.kind = QN_INPUT_DATASET,
                             .index = index,
                             .name = upstream->job.name,
                             .schema = &upstream->job.out,
                             .partitions = partitions_for(upstream->input_bytes),
                             .gaps = upstream->job.gaps};
    return true;
}

static void unknown_input(const char *name, struct qn_input *out)
{
    static const struct qn_schema no_columns = {0};
    *out = (struct qn_input){.name = name, .schema = &no_columns, .gaps = &nothing_known};
}

static bool env_input(const struct qn_job_env *env, const struct qn_node *node,
                      struct qn_input *out)
{
    const struct plan_env *at = (const struct plan_env *)(const void *)env;
    const struct qn_spec *spec = &at->plan->spec;
    const char *name = qn_node_text(node, NULL);
    if (!name) { /* not written: said already */
        unknown_input("", out);
        return true;
    }
    for (uint32_t i = 0; i < spec->n_sources; i++)
        if (strcmp(spec->sources[i].name, name) == 0) {
            input_source(at, i, out);
            return true;
        }
    int32_t job = qn_plan_find_job(at->plan, name);
    if (job >= 0)
        return input_job(at, node, (uint32_t)job, out);
    const char *near = closest_input(at->plan, qn_strv_from(name));
    char hint[128] = "";
    if (near)
        snprintf(hint, sizeof hint, "did you mean '%s'?", near);
    qn_diags_add(&at->plan->spec.diags, node->span, "the name of a source or of a job",
                 near ? hint : NULL, "no source or job is called '%s'", name);
    unknown_input(name, out);
    return true;
}

static const struct qn_node *env_source_node(const struct qn_job_env *env,
                                             const struct qn_input *input)
{
    const struct plan_env *at = (const struct plan_env *)(const void *)env;
    return input->kind == QN_INPUT_SOURCE ? at->plan->spec.sources[input->index].node : NULL;
}

static const struct qn_node *env_job_node(const struct qn_job_env *env, const char *name)
{
    const struct plan_env *at = (const struct plan_env *)(const void *)env;
    int32_t job = qn_plan_find_job(at->plan, name);
    return job >= 0 ? at->plan->spec.jobs[job].node : NULL;
}

static const struct qn_node *env_training_node(const struct qn_job_env *env, const char *model)
{
    const struct plan_env *at = (const struct plan_env *)(const void *)env;
    const struct qn_spec *spec = &at->plan->spec;
    for (uint32_t i = 0; i < spec->n_jobs; i++) {
        const struct qn_node *registers = qn_node_get(spec->jobs[i].node, "register");
        const char *name = qn_node_text(qn_node_get(registers, "model"), NULL);
        if (!name || strcmp(name, model) != 0 || i == at->job)
            continue;
        at->plan->jobs[at->job].needs[i] = true;
        if (at->plan->jobs[i].state == QN_PLAN_TODO)
            compile_job(at->plan, i);
        return spec->jobs[i].node;
    }
    return NULL;
}

/* --- compiling ------------------------------------------------------------------------------- */

static uint64_t bytes_of_input(const struct qn_plan *plan, const struct qn_node *from)
{
    const char *name = qn_node_text(from, "");
    for (uint32_t i = 0; i < plan->spec.n_sources; i++)
        if (strcmp(plan->spec.sources[i].name, name) == 0)
            return weight_of(&plan->sources[i]);
    int32_t job = qn_plan_find_job(plan, name);
    return job < 0 ? 0 : plan->jobs[job].input_bytes;
}

/* A job that is refused still tells what it would give, so that mistakes of those that read it
 * show in the same go. */
static void refuse_job(struct qn_plan_job *planned)
{
    planned->state = QN_PLAN_REFUSED;
    if (planned->job.out.n_fields == 0)
        planned->job.gaps = &nothing_known;
}

static struct qn_plan_job *compile_job(struct qn_plan *plan, uint32_t index)
{
    struct qn_plan_job *planned = &plan->jobs[index];
    const struct qn_spec_job *written = &plan->spec.jobs[index];
    if (planned->state != QN_PLAN_TODO)
        return planned;
    planned->state = QN_PLAN_COMPILING;
    planned->job = (struct qn_job){.name = written->name, .ops = written->ops, .index = index};
    if (!written->ops) { /* an unknown kind: said already */
        refuse_job(planned);
        return planned;
    }
    /* Inputs first, so that their size is known: it decides the number of partitions. */
    const struct qn_node *from = qn_node_get(written->node, "from");
    int32_t upstream = qn_plan_find_job(plan, qn_node_text(from, ""));
    if (upstream >= 0 && plan->jobs[upstream].state == QN_PLAN_TODO)
        compile_job(plan, (uint32_t)upstream);
    planned->input_bytes = bytes_of_input(plan, from);
    struct plan_env at = {
        .env = {.arena = &plan->arena,
                .diags = &plan->spec.diags,
                .node = written->node,
                .seed = plan->spec.seed,
                .input = env_input,
                .source_node = env_source_node,
                .training_node = env_training_node,
                .job_node = env_job_node,
                .input_bytes = planned->input_bytes,
                .partitions = partitions_for(planned->input_bytes)},
        .plan = plan,
        .job = index,
    };
    struct qn_err err = {0};
    qn_code code = written->ops->compile(&at.env, &planned->job, &err);
    if (code == QN_OK)
        code = qn_into_read_indexes(qn_node_get(written->node, "into"), &planned->job, &plan->arena,
                                    &plan->spec.diags, &err);
    if (code == QN_OK)
        code = qn_into_read_files(qn_node_get(written->node, "into"), &plan->spec, &planned->job,
                                  &plan->arena, &err);
    if (code != QN_OK && code != QN_EINPUT)
        qn_diags_add(&plan->spec.diags, written->name_span, NULL, NULL, "job %s: %s", written->name,
                     err.message);
    if (code == QN_OK)
        planned->state = QN_PLAN_READY;
    else
        refuse_job(planned);
    plan->order[plan->n_order++] = index; /* after everything it asked for */
    return planned;
}

/* What stands in the spec for where a job's rows go, and what it is called in complaints. */
static const struct qn_node *place_of(const struct qn_plan *plan, uint32_t index, const char **name,
                                      const char **what)
{
    const struct qn_into *into = &plan->jobs[index].job.into;
    const struct qn_node *node = qn_node_get(plan->spec.jobs[index].node, "into");
    *name = into->table ? into->table : into->files.path;
    *what = into->table ? "table" : into->files.dataset ? "dataset" : "file";
    return into->table           ? qn_into_table(node)
           : into->files.dataset ? qn_node_get(node, "lake")
                                 : qn_node_get(node, "file");
}

/* A file that is read and written: a run that goes on after a crash, or is made again, would read
 * what it wrote. */
static void check_not_read(struct qn_plan *plan, const struct qn_node *node, const char *file)
{
    for (uint32_t i = 0; i < plan->spec.n_sources; i++) {
        const struct qn_source_options *source = &plan->spec.sources[i].options;
        for (uint32_t k = 0; k < source->n_paths; k++)
            if (strcmp(source->paths[k], file) == 0) {
                qn_diags_add(&plan->spec.diags, node->span, NULL, "write to another file",
                             "source %s reads this file", source->name);
                return;
            }
    }
}

/* Two jobs that fill one place would race for what it holds in the end. */
static void check_places(struct qn_plan *plan)
{
    for (uint32_t i = 0; i < plan->spec.n_jobs; i++) {
        const char *name, *other, *what, *other_what;
        const struct qn_node *node = place_of(plan, i, &name, &what);
        if (name && strcmp(what, "file") == 0)
            check_not_read(plan, node, name);
        for (uint32_t k = 0; name && k < i; k++) {
            (void)place_of(plan, k, &other, &other_what);
            if (!other || strcmp(what, other_what) != 0 ||
                !qn_strv_eq_nocase(qn_strv_from(name), qn_strv_from(other)))
                continue;
            qn_diags_add(&plan->spec.diags, node->span, NULL, "give each job one of its own",
                         "job %s fills %s %s already", plan->spec.jobs[k].name, what, other);
            break;
        }
    }
}

static qn_code compile_all(struct qn_plan *plan, struct qn_err *err)
{
    uint32_t n_jobs = plan->spec.n_jobs;
    plan->jobs = QN_NEW_ARRAY(&plan->arena, struct qn_plan_job, n_jobs);
    plan->order = QN_NEW_ARRAY(&plan->arena, uint32_t, n_jobs);
    if (!plan->jobs || !plan->order)
        return qn_err_nomem(err, "a plan");
    for (uint32_t i = 0; i < n_jobs; i++) {
        plan->jobs[i].needs = QN_NEW_ARRAY(&plan->arena, bool, n_jobs);
        if (!plan->jobs[i].needs)
            return qn_err_nomem(err, "a plan");
    }
    for (uint32_t i = 0; i < n_jobs; i++)
        compile_job(plan, i);
    check_places(plan);
    if (plan->spec.diags.n_errors)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "%zu mistake%s in %s",
                          plan->spec.diags.n_errors, plan->spec.diags.n_errors == 1 ? "" : "s",
                          plan->spec.path);
    return QN_OK;
}

/* --- selection ------------------------------------------------------------------------------- */

static qn_code select_job(struct qn_plan *plan, const char *name, struct qn_err *err)
{
    int32_t index = qn_plan_find_job(plan, name);
    if (index >= 0) {
        plan->jobs[index].wanted = true;
        return QN_OK;
    }
    const char **names = QN_NEW_ARRAY(&plan->arena, const char *, plan->spec.n_jobs);
    if (!names)
        return qn_err_nomem(err, "a plan");
    for (uint32_t i = 0; i < plan->spec.n_jobs; i++)
        names[i] = plan->spec.jobs[i].name;
    const char *near = qn_strv_closest(qn_strv_from(name), names, plan->spec.n_jobs);
    return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_JOB, "%s has no job '%s'%s%s%s", plan->spec.path,
                      name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static qn_code select_jobs(struct qn_plan *plan, const struct qn_plan_options *options,
                           struct qn_err *err)
{
    for (uint32_t i = 0; i < plan->spec.n_jobs; i++)
        plan->jobs[i].wanted = options->n_select == 0;
    for (uint32_t i = 0; i < options->n_select; i++)
        QN_TRY(select_job(plan, options->select[i], err));
    /* Needs come first in the order, so one pass from its end finds all of them. */
    for (uint32_t at = plan->n_order; at-- > 0;) {
        const struct qn_plan_job *job = &plan->jobs[plan->order[at]];
        for (uint32_t i = 0; job->wanted && i < plan->spec.n_jobs; i++)
            plan->jobs[i].wanted |= job->needs[i];
    }
    return QN_OK;
}

/* --- the coordinator's side ------------------------------------------------------------------ */

static uint64_t bytes_of_files(const struct qn_source_options *options)
{
    uint64_t total = 0;
    struct stat at;
    for (uint32_t i = 0; i < options->n_paths; i++)
        if (stat(options->paths[i], &at) == 0)
            total += (uint64_t)at.st_size;
    return total;
}

static const struct qn_source_ops *format_of(const struct qn_spec_source *source)
{
    if (source->options.format)
        return qn_source_find(source->options.format);
    return source->options.n_paths ? qn_source_by_suffix(source->options.paths[0]) : NULL;
}

/* The file's columns with the types that are declared for them. */
static bool retype(struct qn_plan *plan, const struct qn_source_options *options,
                   struct qn_schema *schema)
{
    struct qn_field *fields = QN_NEW_ARRAY(&plan->arena, struct qn_field, schema->n_fields);
    if (!fields)
        return false;
    memcpy(fields, schema->fields, schema->n_fields * sizeof *fields);
    for (uint32_t i = 0; i < options->n_columns; i++) {
        int32_t at = qn_schema_find(schema, qn_strv_from(options->columns[i].name));
        if (at >= 0)
            fields[at].type = options->columns[i].type;
    }
    schema->fields = fields;
    return true;
}

/* Declared columns that the file's header does not have: each is a complaint at its own place. Jobs
 * are checked against the columns that the file has. False: something else is wrong. */
static bool complain_columns(struct qn_plan *plan, const struct qn_source_options *options,
                             struct qn_plan_source *planned)
{
    struct qn_source_options bare = *options;
    struct qn_source_info info;
    struct qn_err err;
    char where[300];
    struct qn_gaps *gaps = QN_NEW(&plan->arena, struct qn_gaps);
    const char **names = QN_NEW_ARRAY(&plan->arena, const char *, options->n_columns + 1U);
    bare.columns = NULL;
    bare.n_columns = 0;
    if (!gaps || !names || planned->ops->inspect(&bare, &plan->arena, &info, &err) != QN_OK ||
        strcmp(info.schema.fields[0].name, "column0") == 0 || /* it has no header */
        !retype(plan, options, &info.schema))
        return false;
    snprintf(where, sizeof where, " in the header of %s", info.told_by);
    for (uint32_t i = 0; i < options->n_columns; i++) {
        const struct qn_column_decl *column = &options->columns[i];
        if (qn_lookup_column(&info.schema, NULL, qn_strv_from(column->name), column->span, where,
                             &plan->spec.diags) < 0)
            names[gaps->n_names++] = column->name;
    }
    gaps->names = names;
    planned->gaps = gaps;
    planned->info.schema = planned->schema = info.schema;
    return gaps->n_names > 0;
}

/* Complaints of inspect are about a file: they are shown at the source's path in the spec. */
static void complain_source(struct qn_plan *plan, const struct qn_spec_source *source,
                            struct qn_plan_source *planned, struct qn_err *err)
{
    char text[1024];
    planned->info.schema = planned->schema = (struct qn_schema){0};
    if (source->options.n_columns && complain_columns(plan, &source->options, planned))
        return;
    planned->gaps = NULL;
    planned->info.schema = planned->schema = (struct qn_schema){0};
    err->n_frames = 0; /* a complaint is one line, and says where by itself */
    qn_err_format(err, text, sizeof text);
    qn_diags_add(&plan->spec.diags, (source->path ? source->path : source->lake)->span, NULL, NULL,
                 "source %s: %s", source->name, text);
}

/* Files without a byte are what a writer leaves on a day without rows, or when it fails. */
static void warn_of_empty_files(struct qn_plan *plan, const struct qn_spec_source *source,
                                const struct qn_source_info *info)
{
    struct qn_diags *diags = &plan->spec.diags;
    if (!source->path)
        return;
    if (info->n_empty == 1)
        qn_diags_warn(diags, source->path->span, "source %s: %s is empty and gives no rows",
                      source->name, info->first_empty);
    else if (info->n_empty)
        qn_diags_warn(diags, source->path->span,
                      "source %s: %u of %u files are empty and give no rows, %s the first of them",
                      source->name, info->n_empty, source->options.n_paths, info->first_empty);
}

static qn_code declared_schema(const struct qn_source_options *options, struct qn_arena *arena,
                               struct qn_schema *out, struct qn_err *err)
{
    struct qn_field *fields = QN_NEW_ARRAY(arena, struct qn_field, options->n_columns);
    if (!fields)
        return qn_err_nomem(err, "a schema");
    for (uint32_t i = 0; i < options->n_columns; i++)
        fields[i] = (struct qn_field){options->columns[i].name, options->columns[i].type};
    *out = (struct qn_schema){fields, options->n_columns};
    return QN_OK;
}

/* What the files are, by a look at them. */
static qn_code inspect_files(struct qn_plan *plan, const struct qn_spec_source *source,
                             struct qn_plan_source *planned, const struct qn_schema *order,
                             struct qn_err *err)
{
    struct qn_schema *schema = &planned->info.schema;
    if (source->options.n_paths) {
        QN_TRY(planned->ops->inspect(&source->options, &plan->arena, &planned->info, err));
    } else { /* a dataset without rows */
        planned->info =
            (struct qn_source_info){.name = source->name, .format = planned->ops->format};
        QN_TRY(declared_schema(&source->options, &plan->arena, schema, err));
    }
    planned->schema = *schema;
    if (planned->folders.columns.n_fields) {
        QN_TRY(qn_folders_join(&planned->folders, schema, order, &plan->arena, err));
        planned->schema = planned->folders.rows;
    }
    return QN_OK;
}

static void inspect_source(struct qn_plan *plan, uint32_t index)
{
    struct qn_spec_source *source = &plan->spec.sources[index];
    struct qn_plan_source *planned = &plan->sources[index];
    const struct qn_schema *order;
    if (!qn_source_files_find(plan, source, planned, &order))
        return;
    const struct qn_span span = (source->path ? source->path : source->lake)->span;
    planned->bytes = bytes_of_files(&source->options);
    planned->ops = format_of(source);
    if (!planned->ops && source->options.format) {
        qn_diags_add(&plan->spec.diags, span, NULL, NULL,
                     "source %s: files of format %s cannot be read by this version", source->name,
                     source->options.format);
        return;
    }
    if (!planned->ops) {
        qn_diags_add(&plan->spec.diags, span, NULL, "add `format: csv`",
                     "the suffix of %s does not tell the format of source %s",
                     source->options.paths[0], source->name);
        return;
    }
    struct qn_err err;
    if (inspect_files(plan, source, planned, order, &err) != QN_OK) {
        complain_source(plan, source, planned, &err);
        return;
    }
    planned->ready = true;
    warn_of_empty_files(plan, source, &planned->info);
}

qn_code qn_plan_check_warehouse(const struct qn_plan *plan, struct qn_err *err)
{
    struct stat warehouse, at;
    if (stat(plan->spec.warehouse, &warehouse) != 0)
        return QN_OK; /* it will be made */
    for (uint32_t i = 0; i < plan->spec.n_sources; i++) {
        const struct qn_spec_source *source = &plan->spec.sources[i];
        for (uint32_t f = 0; f < source->options.n_paths; f++)
            if (stat(source->options.paths[f], &at) == 0 && at.st_dev == warehouse.st_dev &&
                at.st_ino == warehouse.st_ino)
                return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                                  "source %s reads the warehouse that this run writes to (%s): "
                                  "read its tables with a job of kind sql, or from a copy",
                                  source->name, source->options.paths[f]);
    }
    return QN_OK;
}

/* As if the spec said which snapshot; what it says itself holds. */
static void pin_snapshots(struct qn_plan *plan, const struct qn_plan_options *options)
{
    for (uint32_t i = 0; i < plan->spec.n_sources; i++) {
        struct qn_spec_source *source = &plan->spec.sources[i];
        for (uint32_t k = 0; k < options->n_pins && !source->snapshot; k++)
            if (strcmp(source->name, options->pins[k].source) == 0) {
                source->snapshot = options->pins[k].snapshot;
                source->as_of = NULL;
            }
    }
}

qn_code qn_plan_make(struct qn_plan *plan, const struct qn_plan_options *options,
                     struct qn_err *err)
{
    *plan = (struct qn_plan){0};
    qn_arena_init(&plan->arena);
    qn_code code =
        qn_spec_read(&plan->spec, options->path, options->text, options->folder, options->settings,
                     options->n_settings, qn_job_all(), qn_source_all(), err);
    if (code != QN_OK && code != QN_EINPUT)
        return code;
    plan->sources = QN_NEW_ARRAY(&plan->arena, struct qn_plan_source, plan->spec.n_sources);
    if (!plan->sources)
        return qn_err_nomem(err, "a plan");
    pin_snapshots(plan, options);
    for (uint32_t i = 0; i < plan->spec.n_sources; i++)
        inspect_source(plan, i);
    QN_TRY(compile_all(plan, err));
    return select_jobs(plan, options, err);
}

void qn_plan_fini(struct qn_plan *plan)
{
    qn_spec_fini(&plan->spec);
    qn_arena_fini(&plan->arena);
}

/* --- packing --------------------------------------------------------------------------------- */

static void pack_source(struct qn_buf *out, const struct qn_plan_source *source)
{
    const struct qn_source_info *info = &source->info;
    qn_buf_put_str(out, qn_strv_from(info->format));
    qn_schema_pack(out, &info->schema);
    qn_buf_put_str(out, info->dialect);
    qn_buf_put_u8(out, (uint8_t)info->on_malformed);
    qn_buf_put_u64(out, source->bytes);
    qn_buf_put_u64(out, info->plain_bytes);
    qn_folders_pack(&source->folders, out);
}

void qn_plan_pack(const struct qn_plan *plan, struct qn_buf *out)
{
    qn_buf_put_str(out, qn_strv_from(QN_VERSION));
    qn_buf_put_str(out, qn_strv_from(plan->spec.path));
    qn_buf_put_str(out, qn_strv_from(plan->spec.folder));
    qn_buf_put_str(out, plan->spec.text);
    /* What the environment gave goes along: a worker's own must not change the answer. */
    qn_buf_put_u32(out, plan->spec.n_settings);
    for (uint32_t i = 0; i < plan->spec.n_settings; i++) {
        qn_buf_put_str(out, qn_strv_from(plan->spec.settings[i].key));
        qn_buf_put_str(out, qn_strv_from(plan->spec.settings[i].value));
    }
    qn_buf_put_u32(out, plan->spec.n_sources);
    for (uint32_t i = 0; i < plan->spec.n_sources; i++)
        pack_source(out, &plan->sources[i]);
    /* Workers run what they are given; but a run of other jobs is another run. */
    for (uint32_t i = 0; i < plan->spec.n_jobs; i++)
        qn_buf_put_u8(out, plan->jobs[i].wanted);
}

static qn_code unpack_source(struct qn_plan *plan, struct qn_unpack *in, uint32_t index,
                             struct qn_err *err)
{
    struct qn_plan_source *source = &plan->sources[index];
    struct qn_source_info *info = &source->info;
    info->name = plan->spec.sources[index].name;
    info->format = qn_arena_strdup(&plan->arena, qn_unpack_str(in));
    if (!info->format)
        return qn_err_nomem(err, "a plan");
    QN_TRY(qn_schema_unpack(in, &plan->arena, &info->schema, err));
    struct qn_strv dialect = qn_unpack_str(in);
    info->dialect = (struct qn_strv){qn_arena_strdup(&plan->arena, dialect), dialect.len};
    if (!info->dialect.data)
        return qn_err_nomem(err, "a plan");
    info->on_malformed = (enum qn_on_malformed)qn_unpack_u8(in);
    source->bytes = qn_unpack_u64(in);
    info->plain_bytes = qn_unpack_u64(in);
    QN_TRY(qn_folders_unpack(in, &info->schema, &plan->arena, &source->folders, err));
    source->schema = source->folders.columns.n_fields ? source->folders.rows : info->schema;
    source->ops = qn_source_find(info->format);
    source->ready = true;
    if (!source->ops)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER,
                          "the plan names a format '%s' that is "
                          "not known here",
                          info->format);
    return QN_OK;
}

static qn_code unpack_settings(struct qn_plan *plan, struct qn_unpack *in,
                               struct qn_setting **settings, uint32_t *n, struct qn_err *err)
{
    *n = qn_unpack_count(in, 8);
    *settings = QN_NEW_ARRAY(&plan->arena, struct qn_setting, *n);
    if (!*settings)
        return qn_err_nomem(err, "a plan");
    for (uint32_t i = 0; i < *n; i++) {
        (*settings)[i].key = qn_arena_strdup(&plan->arena, qn_unpack_str(in));
        (*settings)[i].value = qn_arena_strdup(&plan->arena, qn_unpack_str(in));
        if (!(*settings)[i].key || !(*settings)[i].value)
            return qn_err_nomem(err, "a plan");
    }
    return QN_OK;
}

qn_code qn_plan_unpack(struct qn_plan *plan, struct qn_strv bytes, struct qn_err *err)
{
    *plan = (struct qn_plan){0};
    qn_arena_init(&plan->arena);
    struct qn_unpack in = qn_unpack_from(bytes);
    struct qn_strv version = qn_unpack_str(&in);
    if (!qn_strv_is(version, QN_VERSION))
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER,
                          "the plan was made by engine %.*s, this is " QN_VERSION,
                          QN_STRV_ARG(version));
    const char *path = qn_arena_strdup(&plan->arena, qn_unpack_str(&in));
    const char *folder = qn_arena_strdup(&plan->arena, qn_unpack_str(&in));
    struct qn_strv text = qn_unpack_str(&in);
    struct qn_setting *settings;
    uint32_t n_settings;
    QN_TRY(unpack_settings(plan, &in, &settings, &n_settings, err));
    if (in.failed || !path || !folder)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "the plan is cut short");
    QN_TRY(qn_spec_read(&plan->spec, path, text, folder, settings, n_settings, qn_job_all(),
                        qn_source_all(), err));
    if (qn_unpack_u32(&in) != plan->spec.n_sources)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "the plan's sources do not fit its spec");
    plan->sources = QN_NEW_ARRAY(&plan->arena, struct qn_plan_source, plan->spec.n_sources);
    if (!plan->sources)
        return qn_err_nomem(err, "a plan");
    for (uint32_t i = 0; i < plan->spec.n_sources; i++)
        QN_TRY(unpack_source(plan, &in, i, err));
    QN_TRY(compile_all(plan, err));
    for (uint32_t i = 0; i < plan->spec.n_jobs; i++)
        plan->jobs[i].wanted = qn_unpack_u8(&in) != 0;
    return qn_unpack_end(&in, "the plan", err);
}
