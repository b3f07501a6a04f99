#include "sources/parquet_sieve.h"

qn_code qn_parquet_sieve_init(struct qn_parquet_sieve *sieve, const struct qn_condition *condition,
                              const struct qn_pq_file *file, const struct qn_pq_subject *subjects,
                              uint32_t n_columns, struct qn_err *err)
{
    *sieve = (struct qn_parquet_sieve){.condition = condition,
                                       .file = file,
                                       .subjects = subjects,
                                       .n_columns = n_columns,
                                       .open = true};
    qn_arena_init(&sieve->arena);
    qn_arena_init(&sieve->group_arena);
    sieve->used = QN_NEW_ARRAY(&sieve->arena, bool, n_columns + 1U);
    sieve->facts = QN_NEW_ARRAY(&sieve->arena, struct qn_facts, n_columns + 1U);
    if (!sieve->used || !sieve->facts)
        return qn_err_nomem(err, "a condition");
    qn_condition_columns(condition, sieve->used);
    return QN_OK;
}

void qn_parquet_sieve_fini(struct qn_parquet_sieve *sieve)
{
    if (!sieve->open)
        return;
    qn_arena_fini(&sieve->group_arena);
    qn_arena_fini(&sieve->arena);
    sieve->open = false;
}

static qn_code find_facts(struct qn_parquet_sieve *sieve, uint32_t group)
{
    qn_arena_clear(&sieve->group_arena);
    for (uint32_t c = 0; c < sieve->n_columns; c++)
        if (sieve->used[c])
            QN_TRY(qn_pq_facts_find(sieve->file, group, &sieve->subjects[c], &sieve->group_arena,
                                    &sieve->facts[c], NULL));
    return QN_OK;
}

/* Filters lie apart from the footer: they are read only when statistics do not settle it. */
bool qn_parquet_sieve_passes_over(void *context, uint32_t group)
{
    struct qn_parquet_sieve *sieve = context;
    if (!sieve->condition)
        return false;
    qn_code code = find_facts(sieve, group);
    if (code == QN_OK && !qn_condition_may_hold(sieve->condition, sieve->facts))
        return true;
    for (uint32_t c = 0; c < sieve->n_columns && code == QN_OK; c++)
        if (sieve->used[c])
            code = qn_pq_facts_add_bloom(sieve->file, group, &sieve->subjects[c],
                                         &sieve->group_arena, &sieve->facts[c], NULL);
    return code == QN_OK && !qn_condition_may_hold(sieve->condition, sieve->facts);
}

/* --- pages ----------------------------------------------------------------------------------- */

struct paged_column {
    uint32_t column; /* of the source */
    struct qn_pq_page_index index;
    struct qn_facts *facts;
    uint32_t page; /* that has the row at hand */
};

struct pages {
    struct paged_column *columns;
    uint32_t n;
    uint64_t n_starts; /* pages of all */
};

static qn_code find_pages(struct qn_parquet_sieve *sieve, uint32_t group, struct pages *out)
{
    struct qn_arena *arena = &sieve->group_arena;
    out->columns = QN_NEW_ARRAY(arena, struct paged_column, sieve->n_columns + 1U);
    if (!out->columns)
        return QN_ENOMEM;
    for (uint32_t c = 0; c < sieve->n_columns; c++) {
        struct paged_column *column = &out->columns[out->n];
        if (!sieve->used[c])
            continue;
        column->column = c;
        QN_TRY(qn_pq_facts_find_pages(sieve->file, group, &sieve->subjects[c], arena,
                                      &column->index, &column->facts, NULL));
        out->n += column->index.n > 1;
        out->n_starts += column->index.n;
    }
    return QN_OK;
}

/* The facts of the pages that have row `at`, and the row where the first of them ends. */
static uint64_t take_page_facts(struct qn_parquet_sieve *sieve, struct pages *pages, uint64_t at,
                                uint64_t end)
{
    for (uint32_t i = 0; i < pages->n; i++) {
        struct paged_column *column = &pages->columns[i];
        struct qn_facts *facts = &sieve->facts[column->column];
        while (column->index.first[column->page + 1] <= at)
            column->page++;
        uint64_t ends = column->index.first[column->page + 1];
        end = ends < end ? ends : end;
        *facts = column->facts[column->page];
    }
    return end;
}

void qn_parquet_sieve_find_gaps(void *context, uint32_t group, const struct qn_pq_span **gaps,
                                uint32_t *n)
{
    struct qn_parquet_sieve *sieve = context;
    struct pages pages = {0};
    *n = 0;
    if (!sieve->condition || find_facts(sieve, group) != QN_OK ||
        find_pages(sieve, group, &pages) != QN_OK || pages.n == 0)
        return;
    struct qn_pq_span *found =
        QN_NEW_ARRAY(&sieve->group_arena, struct qn_pq_span, pages.n_starts + 1);
    uint64_t n_rows = (uint64_t)sieve->file->meta.groups[group].n_rows, end;
    for (uint64_t at = 0; found && at < n_rows; at = end) {
        end = take_page_facts(sieve, &pages, at, n_rows);
        if (qn_condition_may_hold(sieve->condition, sieve->facts))
            continue;
        if (*n && found[*n - 1].end == at)
            found[*n - 1].end = end;
        else
            found[(*n)++] = (struct qn_pq_span){at, end};
    }
    *gaps = found;
}
