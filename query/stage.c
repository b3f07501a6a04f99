/* A job as it is put together. Its keys act in a fixed order (filter, derive, join, group_by), so
 * what comes too late for one job begins the next, which reads the rows of the one before. */
#include <string.h>

#include "query/parse.h"
#include "query/planner.h"

static struct qn_query_job *new_job(struct qn_query_planner *p, const char *from)
{
    struct qn_query_spec *spec = p->spec;
    struct qn_query_job *job = QN_NEW(p->arena, struct qn_query_job);
    spec->jobs = qn_sql_grow(p->arena, spec->jobs, spec->n_jobs, sizeof(struct qn_query_job *));
    if (!job || !spec->jobs)
        return NULL;
    job->name = qn_arena_printf(p->arena, "step_%u", ++p->n_jobs);
    job->from = from;
    spec->jobs[spec->n_jobs++] = job;
    return job->name ? job : NULL;
}

qn_code qn_query_stage_begin(struct qn_query_planner *p, const struct qn_query_rows *rows,
                             struct qn_query_stage *out)
{
    *out = (struct qn_query_stage){.job = new_job(p, rows->input), .bytes = rows->bytes};
    if (!out->job)
        return QN_QUERY_NOMEM(p);
    for (uint32_t i = 0; i < rows->n_columns; i++)
        QN_TRY(qn_query_stage_add(p, out, rows->columns[i].name, rows->columns[i].type));
    return QN_OK;
}

qn_code qn_query_stage_add(struct qn_query_planner *p, struct qn_query_stage *stage,
                           const char *name, struct qn_type type)
{
    stage->fields = qn_sql_grow(p->arena, stage->fields, stage->n_fields, sizeof *stage->fields);
    if (!stage->fields || !name)
        return QN_QUERY_NOMEM(p);
    stage->fields[stage->n_fields++] = (struct qn_field){name, type};
    return QN_OK;
}

qn_code qn_query_stage_filter(struct qn_query_planner *p, struct qn_query_stage *stage,
                              const char *text)
{
    struct qn_query_job *job = stage->job;
    if (strcmp(text, "null") == 0) /* of no type, and true of no row */
        text = "false";
    job->filter =
        job->filter ? qn_arena_printf(p->arena, "(%s) and (%s)", job->filter, text) : text;
    return job->filter ? QN_OK : QN_QUERY_NOMEM(p);
}

static struct qn_type type_in(const struct qn_query_stage *stage, const char *name)
{
    const struct qn_schema schema = {stage->fields, stage->n_fields};
    int32_t at = qn_schema_find(&schema, qn_strv_from(name));
    return at < 0 ? (struct qn_type){0} : stage->fields[at].type;
}

qn_code qn_query_stage_end(struct qn_query_planner *p, struct qn_query_stage *stage,
                           const struct qn_query_names *select, struct qn_query_rows *out)
{
    *out = (struct qn_query_rows){.input = stage->job->name, .is_job = true, .bytes = stage->bytes};
    out->n_columns = select->n;
    out->columns = QN_NEW_ARRAY(p->arena, struct qn_query_column, select->n);
    if (!out->columns)
        return QN_QUERY_NOMEM(p);
    for (uint32_t i = 0; i < select->n; i++) {
        const char *name = select->items[i];
        out->columns[i] =
            (struct qn_query_column){.name = name, .shown = name, .type = type_in(stage, name)};
        if (!qn_query_names_add(p->arena, &stage->job->select, name))
            return QN_QUERY_NOMEM(p);
    }
    return QN_OK;
}

qn_code qn_query_stage_next(struct qn_query_planner *p, struct qn_query_stage *stage,
                            const struct qn_query_names *select)
{
    struct qn_query_rows rows;
    struct qn_query_names all = *select;
    if (all.n == 0 && !qn_query_names_add(p->arena, &all, stage->fields[0].name))
        return QN_QUERY_NOMEM(p); /* rows without columns are none */
    QN_TRY(qn_query_stage_end(p, stage, &all, &rows));
    return qn_query_stage_begin(p, &rows, stage);
}
