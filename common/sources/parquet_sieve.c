#include "sources/parquet_sieve.h"

qn_code qn_parquet_sieve_init(struct qn_parquet_sieve *sieve, const struct qn_condition *condition,
                              const struct qn_pq_file *file, const struct qn_pq_subject *subjects,
                              const uint32_t *places, uint32_t n_columns, struct qn_err *err)
{
    *sieve = (struct qn_parquet_sieve){.condition = condition,
                                       .file = file,
                                       .subjects = subjects,
                                       .places = places,
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

/* Filters lie apart from the footer: they are read only when statistics do not settle it. */
bool qn_parquet_sieve_passes_over(void *context, uint32_t group)
{
    struct qn_parquet_sieve *sieve = context;
    qn_code code = QN_OK;
    if (!sieve->condition)
        return false;
    qn_arena_clear(&sieve->group_arena);
    for (uint32_t c = 0; c < sieve->n_columns && code == QN_OK; c++)
        if (sieve->used[c])
            code = qn_pq_facts_find(sieve->file, group, &sieve->subjects[c], &sieve->group_arena,
                                    &sieve->facts[c], NULL);
    if (code == QN_OK && !qn_condition_may_hold(sieve->condition, sieve->facts))
        return true;
    for (uint32_t c = 0; c < sieve->n_columns && code == QN_OK; c++)
        if (sieve->used[c])
            code = qn_pq_facts_add_bloom(sieve->file, group, &sieve->subjects[c],
                                         &sieve->group_arena, &sieve->facts[c], NULL);
    return code == QN_OK && !qn_condition_may_hold(sieve->condition, sieve->facts);
}

bool qn_parquet_sieve_wants(void *context, const struct qn_column *columns, uint32_t n)
{
    const struct qn_parquet_sieve *sieve = context;
    return qn_condition_may_hold_of(sieve->condition, columns, sieve->places, n);
}
