#include "coordinator/task_homes.h"

#include <stdlib.h>
#include <string.h>

void qn_home_table_init(struct qn_home_table *table)
{
    *table = (struct qn_home_table){.n = 0};
    qn_id_map_init(&table->by_job);
}

static void homes_free(struct qn_task_homes *homes)
{
    free(homes->sessions);
    free(homes);
}

void qn_home_table_fini(struct qn_home_table *table)
{
    for (uint32_t i = 0; i < table->n; i++)
        homes_free(table->all[i]);
    free(table->all);
    qn_id_map_fini(&table->by_job);
    qn_home_table_init(table);
}

static qn_code widen(struct qn_task_homes *homes, uint32_t n_units, struct qn_err *err)
{
    if (n_units <= homes->n_units)
        return QN_OK;
    uint64_t *wider = realloc(homes->sessions, n_units * sizeof *wider);
    if (!wider)
        return qn_err_nomem(err, "the homes of a job's units");
    memset(wider + homes->n_units, 0, (n_units - homes->n_units) * sizeof *wider);
    homes->sessions = wider;
    homes->n_units = n_units;
    return QN_OK;
}

static qn_code make_room(struct qn_home_table *table, struct qn_err *err)
{
    if (table->n < table->capacity)
        return QN_OK;
    uint32_t capacity = table->capacity ? table->capacity * 2 : 8;
    struct qn_task_homes **wider = realloc(table->all, capacity * sizeof(struct qn_task_homes *));
    if (!wider)
        return qn_err_nomem(err, "the homes of jobs");
    table->all = wider;
    table->capacity = capacity;
    return QN_OK;
}

qn_code qn_home_table_get(struct qn_home_table *table, uint32_t job, uint32_t n_units,
                          struct qn_task_homes **out, struct qn_err *err)
{
    struct qn_task_homes *homes = qn_id_map_get(&table->by_job, job);
    if (!homes) {
        QN_TRY(make_room(table, err));
        homes = calloc(1, sizeof *homes);
        if (!homes)
            return qn_err_nomem(err, "the homes of a job's units");
        qn_code code = qn_id_map_put(&table->by_job, job, homes, err);
        if (code != QN_OK) {
            free(homes);
            return code;
        }
        table->all[table->n++] = homes;
    }
    QN_TRY(widen(homes, n_units, err));
    *out = homes;
    return QN_OK;
}

void qn_home_table_forget(struct qn_home_table *table, uint32_t job)
{
    struct qn_task_homes *homes = qn_id_map_get(&table->by_job, job);
    if (!homes)
        return;
    qn_id_map_remove(&table->by_job, job);
    for (uint32_t i = 0; i < table->n; i++)
        if (table->all[i] == homes)
            table->all[i] = table->all[--table->n];
    homes->forgotten = true;
    if (!homes->n_stages)
        homes_free(homes);
}

void qn_task_homes_release(struct qn_task_homes *homes)
{
    homes->n_stages--;
    if (homes->forgotten && !homes->n_stages)
        homes_free(homes);
}
