/* An etl job's mapping to steps and stages, every mistake of it at once. */
#include <string.h>

#include "jobs/etl/checks.h"
#include "jobs/etl/compile.h"
#include "jobs/etl/distinct.h"
#include "jobs/etl/etl.h"
#include "jobs/etl/group.h"
#include "jobs/etl/join.h"
#include "jobs/etl/prune.h"
#include "jobs/into.h"

/* --- what may stand in it -------------------------------------------------------------------- */

static const char *const kinds[] = {"etl", NULL};
static const char *const strategies[] = {"mean", "median", "most_frequent", "constant", NULL};
static const char *const keeps[] = {"first", "last", NULL};
static const char *const hows[] = {"inner", "left", "semi", "anti", NULL};

static const struct qn_key impute_keys[] = {
    {.name = "strategy",
     .shape = QN_SHAPE_ENUM,
     .required = true,
     .values = strategies,
     .doc = "what to put where a value is missing"},
    {.name = "round", .shape = QN_SHAPE_INT, .max = 15, .doc = "decimals to keep"},
    {.name = "value", .shape = QN_SHAPE_SCALAR, .doc = "the constant"},
};
static const struct qn_spec_keys impute_object = QN_KEYS("impute", impute_keys);

static const struct qn_key dedupe_keys[] = {
    {.name = "by",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_TEXT,
     .or_single = true,
     .required = true,
     .doc = "columns whose equal values make rows equal"},
    {.name = "keep", .shape = QN_SHAPE_ENUM, .values = keeps, .doc = "which of them stays (first)"},
    {.name = "order_by", .shape = QN_SHAPE_TEXT, .doc = "a column that orders them; else as read"},
};
static const struct qn_spec_keys dedupe_object = QN_KEYS("dedupe", dedupe_keys);

static const struct qn_key join_keys[] = {
    {.name = "to", .shape = QN_SHAPE_TEXT, .required = true, .doc = "the job that gives the rows"},
    {.name = "on",
     .shape = QN_SHAPE_ANY,
     .required = true,
     .doc = "key columns: [a, b], or {left: right} where the names differ"},
    {.name = "how", .shape = QN_SHAPE_ENUM, .values = hows, .doc = "inner (default) or another"},
    {.name = "as_of", .shape = QN_SHAPE_TEXT, .unsupported = true},
};
static const struct qn_spec_keys join_object = QN_KEYS("join", join_keys);

static const struct qn_key top_by_keys[] = {
    {.name = "column", .shape = QN_SHAPE_TEXT, .required = true, .doc = "a column that goes out"},
    {.name = "descending", .shape = QN_SHAPE_BOOL, .doc = "whether the greatest are first (false)"},
    {.name = "nulls_first",
     .shape = QN_SHAPE_BOOL,
     .doc = "whether NULLs are first (as if they were the least)"},
};
static const struct qn_spec_keys top_by_object = QN_KEYS("key of top", top_by_keys);

static const struct qn_key top_keys[] = {
    {.name = "rows",
     .shape = QN_SHAPE_INT,
     .min = 1,
     .max = 1000000,
     .required = true,
     .doc = "how many are wanted"},
    {.name = "by",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_OBJECT,
     .object = &top_by_object,
     .required = true,
     .doc = "the order: keys, the first of which counts most"},
};
static const struct qn_spec_keys top_object = QN_KEYS("top", top_keys);

static const struct qn_key etl_keys[] = {
    {.name = "kind", .shape = QN_SHAPE_ENUM, .values = kinds, .required = true, .doc = "etl"},
    {.name = "from", .shape = QN_SHAPE_TEXT, .required = true, .doc = "a source or a job"},
    {.name = "rename",
     .shape = QN_SHAPE_MAP,
     .item = QN_SHAPE_IDENTIFIER,
     .doc = "new names of columns, by old name"},
    {.name = "filter", .shape = QN_SHAPE_EXPR, .doc = "rows for which it is true stay"},
    {.name = "derive",
     .shape = QN_SHAPE_MAP,
     .item = QN_SHAPE_EXPR,
     .doc = "new columns, in order; later ones may use earlier ones"},
    {.name = "impute",
     .shape = QN_SHAPE_MAP,
     .item = QN_SHAPE_OBJECT,
     .object = &impute_object,
     .doc = "what to put where a value is missing, by column"},
    {.name = "dedupe",
     .shape = QN_SHAPE_OBJECT,
     .object = &dedupe_object,
     .doc = "one row of those with equal keys stays"},
    {.name = "join",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_OBJECT,
     .object = &join_object,
     .or_single = true,
     .doc = "columns of another job's rows, by key"},
    {.name = "group_by",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_TEXT,
     .or_single = true,
     .doc = "one row per value of these columns"},
    {.name = "aggregate",
     .shape = QN_SHAPE_MAP,
     .item = QN_SHAPE_EXPR,
     .doc = "columns of a group: count(*), sum(x), count(distinct x), median(x), last(x order by "
            "ts), ..."},
    {.name = "select",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_TEXT,
     .or_single = true,
     .doc = "columns that go out, in this order"},
    {.name = "drop",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_TEXT,
     .or_single = true,
     .doc = "columns that do not go out"},
    {.name = "data_tests", .shape = QN_SHAPE_TESTS, .doc = "tests of the rows that go out"},
    {.name = "top",
     .shape = QN_SHAPE_OBJECT,
     .object = &top_object,
     .doc = "rows that cannot be among the first of an order go"},
    {.name = "profile",
     .shape = QN_SHAPE_BOOL,
     .doc = "whether the columns that go out are profiled (true)"},
    {.name = "into",
     .shape = QN_SHAPE_OBJECT,
     .object = &qn_into_keys,
     .or_text = true,
     .doc = "the table that gets the rows"},
};
const struct qn_spec_keys qn_etl_keys = QN_KEYS("etl job", etl_keys);

/* --- steps ----------------------------------------------------------------------------------- */

static void build_source_checks(struct qn_etl_build *build)
{
    const struct qn_node *source = build->env->source_node(build->env, &build->job->input);
    uint32_t n = 0;
    const struct qn_node *columns = qn_node_items(qn_node_get(source, "columns"), &n);
    for (uint32_t i = 0; i < n; i++) {
        const char *name = qn_node_text(qn_node_get(&columns[i], "name"), NULL);
        const struct qn_node *tests = qn_node_get(&columns[i], "data_tests");
        if (name && tests)
            qn_etl_build_checks(build, tests, name);
    }
    qn_etl_build_checks_end(build);
}

/* Each key of the mapping whose form was found wrong is left alone here: only those of the kind
 * that the step expects are compiled. */
static const struct qn_node *node_of(const struct qn_etl_build *build, const char *key,
                                     enum qn_node_kind kind)
{
    const struct qn_node *node = qn_node_get(build->env->node, key);
    return node && node->kind == kind ? node : NULL;
}

static void build_steps(struct qn_etl_build *build)
{
    const struct qn_node *node = build->env->node, *found;
    build_source_checks(build);
    if ((found = node_of(build, "rename", QN_NODE_MAP)))
        qn_etl_build_rename(build, found);
    if ((found = qn_node_get(node, "filter")))
        qn_etl_build_filter(build, found);
    if ((found = node_of(build, "derive", QN_NODE_MAP)))
        qn_etl_build_derive(build, found);
    if ((found = node_of(build, "impute", QN_NODE_MAP)))
        qn_etl_build_impute(build, found);
    if ((found = node_of(build, "dedupe", QN_NODE_MAP)))
        qn_etl_build_dedupe(build, found);
    if ((found = qn_node_get(node, "join")))
        qn_etl_build_join(build, found);
    const struct qn_node *group_by = qn_node_get(node, "group_by");
    const struct qn_node *aggregate = node_of(build, "aggregate", QN_NODE_MAP);
    build->etl->group_at = build->etl->n_steps;
    if (group_by || aggregate)
        qn_etl_build_group(build, group_by, aggregate);
    qn_etl_build_select(build, qn_node_get(node, "select"), qn_node_get(node, "drop"));
    if ((found = node_of(build, "data_tests", QN_NODE_LIST)))
        qn_etl_build_checks(build, found, NULL);
    qn_etl_build_checks_end(build);
    if ((found = node_of(build, "top", QN_NODE_MAP)))
        qn_etl_build_top(build, found);
    if (!build->etl->group)
        build->etl->group_at = build->etl->n_steps;
}

/* --- stages ---------------------------------------------------------------------------------- */

/* Which columns are there before each step, from what is needed after the last one backwards. */
static void find_live(struct qn_etl_build *build, struct qn_etl_stage *stage, bool *needed)
{
    const struct qn_etl *etl = build->etl;
    uint32_t n = stage->end - stage->first;
    stage->live = QN_BUILD_ARRAY(build, bool *, n + 1);
    if (!stage->live || !needed)
        return;
    stage->live[n] = needed;
    for (uint32_t i = n; i-- > 0;) {
        const struct qn_etl_step *step = etl->steps[stage->first + i];
        stage->live[i] = QN_BUILD_ARRAY(build, bool, step->in->n_fields);
        if (!stage->live[i])
            return;
        step->ops->needs(step, stage->live[i + 1], stage->live[i]);
    }
    if (stage->kind == QN_ETL_REDUCE)
        return;
    bool *wanted = stage->live[0];
    for (uint32_t i = 0; i < build->job->input.schema->n_fields; i++)
        stage->n_wanted += wanted[i];
    if (stage->n_wanted == 0) { /* rows are counted even where no value matters */
        wanted[0] = true;
        stage->n_wanted = 1;
    }
    stage->wanted = wanted;
}

/* What its steps read besides: matches of shuffled joins. */
static uint64_t matches_read(const struct qn_etl *etl, uint32_t first, uint32_t end)
{
    uint64_t stages = 0;
    for (uint32_t i = first; i < end; i++)
        if (etl->steps[i]->join)
            stages |= UINT64_C(1) << etl->steps[i]->join->match_stage;
    return stages;
}

static void add_stage(struct qn_etl_build *build, const struct qn_etl_stage *stage,
                      const struct qn_stage *shape)
{
    struct qn_job *job = build->job;
    if (job->n_stages == QN_MAX_STAGES) {
        qn_diags_add(build->env->diags, build->env->node->span, NULL, "make two jobs of it",
                     "the job needs more than %d stages", QN_MAX_STAGES);
        return;
    }
    build->etl->stages[job->n_stages] = *stage;
    job->stages[job->n_stages] = *shape;
    struct qn_stage *added = &job->stages[job->n_stages++];
    added->wanted = shape->over == QN_OVER_PARTITIONS ? NULL : stage->wanted;
    if (shape->over == QN_OVER_CHUNKS)
        added->reads = matches_read(build->etl, stage->first, stage->end);
    if (shape->over == QN_OVER_CHUNKS && build->etl->prune)
        added->only = build->etl->prune->only;
}

static void add_fit_stages(struct qn_etl_build *build, uint32_t index)
{
    struct qn_etl_step *step = build->etl->steps[index];
    const struct qn_fit_ops *fit = step->ops->fit;
    bool *needed = QN_BUILD_ARRAY(build, bool, step->in->n_fields);
    if (!needed)
        return;
    fit->needs(step, needed);
    struct qn_etl_stage stage = {.kind = QN_ETL_FIT, .fit = step, .end = index};
    find_live(build, &stage, needed);
    step->first_stage = step->state_stage = build->job->n_stages;
    struct qn_stage shape = {
        .name = fit->stage, .over = QN_OVER_CHUNKS, .merges = !fit->reduce_stage};
    if (fit->reduce_stage) {
        const struct qn_distinct *distinct = step->impl;
        shape.partitions = true;
        shape.n_partitions = distinct->n_partitions;
        shape.partition_schema = distinct->schema;
    }
    add_stage(build, &stage, &shape);
    if (!fit->reduce_stage)
        return;
    step->state_stage = build->job->n_stages;
    add_stage(build, &(struct qn_etl_stage){.kind = QN_ETL_FIT_REDUCE, .fit = step},
              &(struct qn_stage){.name = fit->reduce_stage,
                                 .over = QN_OVER_PARTITIONS,
                                 .merges = true,
                                 .partitions_from = step->first_stage});
}

/* They run only when the side is shuffled. What they send is known after all stages are. */
static void add_join_stages(struct qn_etl_build *build, uint32_t index)
{
    struct qn_etl_step *step = build->etl->steps[index];
    struct qn_join *join = step->join;
    struct qn_job *job = build->job;
    bool *needed = QN_BUILD_ARRAY(build, bool, step->in->n_fields);
    if (!needed)
        return;
    for (uint32_t k = 0; k < join->n_keys; k++)
        needed[join->left[k]] = true;
    struct qn_etl_stage side = {.kind = QN_ETL_JOIN_SIDE, .join = join, .wanted = join->stored};
    struct qn_etl_stage keys = {.kind = QN_ETL_JOIN_KEYS, .join = join, .end = index};
    struct qn_etl_stage match = {.kind = QN_ETL_JOIN_MATCH, .join = join};
    struct qn_stage shape = {.over = QN_OVER_SIDE,
                             .side = join->side,
                             .spare = true,
                             .partitions = true,
                             .n_partitions = join->n_partitions};
    find_live(build, &keys, needed);
    join->side_stage = job->n_stages;
    shape.name = "join side";
    add_stage(build, &side, &shape);
    join->keys_stage = job->n_stages;
    shape.name = "join keys";
    shape.over = QN_OVER_CHUNKS;
    add_stage(build, &keys, &shape);
    join->match_stage = job->n_stages;
    shape.name = "join match";
    shape.over = QN_OVER_PARTITIONS;
    shape.n_partitions = 1; /* by chunk: as many as there are */
    shape.partitions_from = join->keys_stage;
    shape.reads = UINT64_C(1) << join->side_stage;
    add_stage(build, &match, &shape);
}

static bool *all_true(struct qn_etl_build *build, uint32_t n)
{
    bool *all = QN_BUILD_ARRAY(build, bool, n);
    if (all)
        memset(all, true, n * sizeof *all);
    return all;
}

static void add_grouped_stages(struct qn_etl_build *build)
{
    struct qn_etl *etl = build->etl;
    const struct qn_group_plan *group = etl->group;
    bool *needed = QN_BUILD_ARRAY(build, bool, group->in->n_fields), tested = false;
    if (!needed)
        return;
    qn_group_needs(group, needed);
    for (uint32_t i = 0; i < etl->n_checks; i++)
        tested = tested || !etl->checks[i].grouped;
    struct qn_etl_stage map = {.kind = QN_ETL_MAP, .end = etl->group_at};
    struct qn_etl_stage reduce = {
        .kind = QN_ETL_REDUCE, .first = etl->group_at, .end = etl->n_steps};
    find_live(build, &map, needed);
    find_live(build, &reduce, all_true(build, build->schema->n_fields));
    add_stage(build, &map,
              &(struct qn_stage){.name = "map",
                                 .over = QN_OVER_CHUNKS,
                                 .merges = tested,
                                 .counts = true,
                                 .partitions = true,
                                 .n_partitions = group->n_keys ? group->by.n_partitions : 1,
                                 .partition_schema = group->partition,
                                 .raw_schema = group->evaluated});
    add_stage(build, &reduce,
              &(struct qn_stage){.name = "reduce",
                                 .over = QN_OVER_PARTITIONS,
                                 .merges = true,
                                 .rows = true,
                                 .counts = true,
                                 .partitions_from = build->job->n_stages - 1});
}

static void add_map_stage(struct qn_etl_build *build)
{
    struct qn_etl *etl = build->etl;
    struct qn_etl_stage map = {.kind = QN_ETL_MAP, .end = etl->n_steps};
    find_live(build, &map, all_true(build, build->schema->n_fields));
    add_stage(
        build, &map,
        &(struct qn_stage){
            .name = "map", .over = QN_OVER_CHUNKS, .merges = true, .rows = true, .counts = true});
}

/* A row that a file cannot give is refused by all stages or by none: fits read what the map does,
 * or a mean would count, and dedupe prefer, rows that the job then refuses for another column. */
static void read_alike(struct qn_etl_build *build)
{
    struct qn_job *job = build->job;
    struct qn_etl_stage *stages = build->etl->stages;
    uint32_t n = job->input.schema->n_fields, map = 0;
    while (map < job->n_stages && stages[map].kind != QN_ETL_MAP)
        map++;
    if (map == job->n_stages || job->input.kind != QN_INPUT_SOURCE)
        return;
    for (uint32_t i = 0; i < map; i++) {
        if (stages[i].kind != QN_ETL_FIT)
            continue;
        bool *wanted = QN_BUILD_ARRAY(build, bool, n);
        if (!wanted)
            return;
        stages[i].n_wanted = 0;
        for (uint32_t k = 0; k < n; k++) {
            wanted[k] = stages[i].wanted[k] || stages[map].wanted[k];
            stages[i].n_wanted += wanted[k];
        }
        stages[i].wanted = job->stages[i].wanted = wanted;
    }
}

static void build_stages(struct qn_etl_build *build)
{
    struct qn_etl *etl = build->etl;
    for (uint32_t i = 0; i < etl->n_steps; i++) {
        if (etl->steps[i]->fitted)
            add_fit_stages(build, i);
        if (etl->steps[i]->join)
            add_join_stages(build, i);
    }
    if (etl->group)
        add_grouped_stages(build);
    else
        add_map_stage(build);
    for (uint32_t i = 0; i < etl->n_steps && !build->nomem; i++)
        if (etl->steps[i]->join)
            qn_join_shape(build, etl->steps[i]->join);
    if (!build->nomem)
        read_alike(build);
}

/* --- the whole ------------------------------------------------------------------------------- */

static uint32_t count_items(const struct qn_node *list)
{
    uint32_t n = 0;
    (void)qn_node_items(list, &n);
    return n;
}

/* Room for every test and step that the mapping can ask for: the arrays must not move. */
static void make_room(struct qn_etl_build *build)
{
    enum { STEPS_OF_ONE = 11 }; /* of keys that give one step, and twice two for the tests */
    const struct qn_node *node = build->env->node;
    const struct qn_node *source = build->env->source_node(build->env, &build->job->input);
    const struct qn_node *derive = node_of(build, "derive", QN_NODE_MAP);
    uint32_t n = 0;
    const struct qn_node *columns = qn_node_items(qn_node_get(source, "columns"), &n);
    build->max_checks = count_items(qn_node_get(node, "data_tests"));
    for (uint32_t i = 0; i < n; i++)
        build->max_checks += count_items(qn_node_get(&columns[i], "data_tests"));
    build->max_steps =
        STEPS_OF_ONE + (derive ? derive->n : 0) + count_items(qn_node_get(node, "join"));
    build->etl->checks = QN_BUILD_ARRAY(build, struct qn_check, build->max_checks);
    build->etl->steps = QN_BUILD_ARRAY(build, struct qn_etl_step *, build->max_steps);
}

qn_code qn_etl_compile(const struct qn_job_env *env, struct qn_job *job, struct qn_err *err)
{
    size_t mistakes = env->diags->n_errors;
    const struct qn_node *from = qn_node_get(env->node, "from");
    if (!env->input(env, from, &job->input))
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "job %s has no input", job->name);
    struct qn_etl *etl = QN_NEW(env->arena, struct qn_etl);
    if (!etl)
        return qn_err_nomem(err, "an etl job");
    etl->n_partitions = env->partitions ? env->partitions : 1;
    if (etl->n_partitions > QN_MAX_PARTITIONS)
        etl->n_partitions = QN_MAX_PARTITIONS;
    etl->width = job->input.schema->n_fields;
    etl->profiled = qn_node_bool(qn_node_get(env->node, "profile"), true);
    struct qn_etl_build build = {.env = env, .job = job, .etl = etl, .schema = job->input.schema};
    build.gaps = QN_BUILD_ARRAY(&build, struct qn_gaps, 1);
    make_room(&build);
    if (build.nomem)
        return qn_err_nomem(err, "an etl job");
    qn_etl_build_add_gaps(&build, job->input.gaps);
    build_steps(&build);
    qn_into_read(qn_node_get(env->node, "into"), env->diags, &job->into);
    job->out = *build.schema;
    job->impl = etl;
    bool whole = !build.gaps->any && build.gaps->n_names == 0;
    job->gaps = whole ? NULL : build.gaps;
    if (whole && !build.nomem && env->diags->n_errors == mistakes)
        build_stages(&build);
    if (build.nomem)
        return qn_err_nomem(err, "an etl job");
    if (!whole || env->diags->n_errors != mistakes)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "job %s has mistakes", job->name);
    return QN_OK;
}
