#include "coordinator/worker_table.h"

#include <assert.h>
#include <stdlib.h>

#include "base/limits.h"

void qn_worker_table_init(struct qn_worker_table *table, uint32_t prefetch)
{
    assert(prefetch <= QN_MAX_PREFETCH);
    *table = (struct qn_worker_table){.prefetch = prefetch};
    qn_id_map_init(&table->by_session);
    qn_link_init(&table->silence);
    qn_link_init(&table->willing);
    for (int i = 0; i <= QN_MAX_PREFETCH; i++) {
        qn_link_init(&table->levels[i]);
        qn_link_init(&table->surplus[i]);
    }
}

void qn_worker_table_fini(struct qn_worker_table *table)
{
    while (!qn_link_alone(&table->silence)) {
        struct qn_worker *worker = QN_LINK_OWNER(table->silence.next, struct qn_worker, silence);
        qn_link_remove(&worker->silence);
        free(worker);
    }
    qn_id_map_fini(&table->by_session);
}

struct qn_worker *qn_worker_table_find(const struct qn_worker_table *table, uint64_t session)
{
    return qn_id_map_get(&table->by_session, session);
}

/* What a worker adds to the table's sums: they change together or not at all. */
static void count_in(struct qn_worker_table *table, const struct qn_worker *worker)
{
    table->n++;
    table->n_draining += worker->draining;
    table->slots += worker->slots;
    table->draining_slots += worker->draining ? worker->slots : 0;
    table->capacity += worker->slots + table->prefetch;
}

static void count_out(struct qn_worker_table *table, const struct qn_worker *worker)
{
    table->n--;
    table->n_draining -= worker->draining;
    table->slots -= worker->slots;
    table->draining_slots -= worker->draining ? worker->slots : 0;
    table->capacity -= worker->slots + table->prefetch;
}

qn_code qn_worker_table_add(struct qn_worker_table *table, uint64_t session, uint32_t slots,
                            int64_t now_ms, struct qn_err *err)
{
    assert(slots >= 1 && slots <= QN_MAX_SLOTS);
    if (table->n >= QN_MAX_WORKERS)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_WORKER, "there are %d workers already",
                          QN_MAX_WORKERS);
    struct qn_worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return qn_err_nomem(err, "a worker");
    worker->session = session;
    worker->slots = slots;
    worker->heard_ms = now_ms;
    worker->place.level = -1;
    qn_link_init(&worker->silence);
    qn_link_init(&worker->stealable);
    qn_link_init(&worker->bound);
    qn_link_init(&worker->place.room);
    qn_link_init(&worker->place.willing);
    qn_link_init(&worker->place.surplus);
    qn_code code = qn_id_map_put(&table->by_session, session, worker, err);
    if (code != QN_OK) {
        free(worker);
        return code;
    }
    count_in(table, worker);
    qn_link_put_before(&worker->silence, &table->silence);
    qn_worker_table_settle(table, worker);
    return QN_OK;
}

static void leave_level(struct qn_worker_table *table, struct qn_worker *worker)
{
    int level = worker->place.level;
    qn_link_remove(&worker->place.room);
    worker->place.level = -1;
    if (level >= 0 && qn_link_alone(&table->levels[level]))
        table->level_bits &= ~(UINT64_C(1) << level);
}

static void enter_level(struct qn_worker_table *table, struct qn_worker *worker, int level)
{
    worker->place.level = level;
    if (level < 0)
        return;
    qn_link_put_before(&worker->place.room, &table->levels[level]);
    table->level_bits |= UINT64_C(1) << level;
}

static void set_excess(struct qn_worker_table *table, struct qn_worker *worker, uint32_t n)
{
    uint32_t old = worker->place.n_excess;
    if (n == old)
        return;
    qn_link_remove(&worker->place.surplus);
    if (old && qn_link_alone(&table->surplus[old]))
        table->surplus_bits &= ~(UINT64_C(1) << old);
    worker->place.n_excess = n;
    if (!n)
        return;
    qn_link_put_before(&worker->place.surplus, &table->surplus[n]);
    table->surplus_bits |= UINT64_C(1) << n;
}

static uint32_t excess_of(const struct qn_worker *worker)
{
    uint32_t kept = worker->held - worker->recalled;
    uint32_t beyond = kept > worker->slots ? kept - worker->slots : 0;
    return beyond < worker->n_stealable ? beyond : worker->n_stealable;
}

void qn_worker_table_settle(struct qn_worker_table *table, struct qn_worker *worker)
{
    bool room = !worker->draining && worker->held < worker->slots + table->prefetch;
    int level = room ? (int)(worker->held / worker->slots) : -1;
    if (level != worker->place.level) {
        leave_level(table, worker);
        enter_level(table, worker, level);
    }
    uint32_t idle =
        !worker->draining && worker->held < worker->slots ? worker->slots - worker->held : 0;
    table->idle_slots = table->idle_slots - worker->place.idle + idle;
    worker->place.idle = idle;
    set_excess(table, worker, excess_of(worker));
    bool willing = room && worker->homed.root;
    if (willing && qn_link_alone(&worker->place.willing))
        qn_link_put_before(&worker->place.willing, &table->willing);
    else if (!willing)
        qn_link_remove(&worker->place.willing);
}

void qn_worker_table_rotate(struct qn_worker_table *table, struct qn_worker *worker)
{
    qn_worker_table_settle(table, worker);
    if (worker->place.level >= 0)
        qn_link_put_before(&worker->place.room, &table->levels[worker->place.level]);
}

void qn_worker_table_drain(struct qn_worker_table *table, struct qn_worker *worker)
{
    count_out(table, worker);
    worker->draining = true;
    count_in(table, worker);
    qn_worker_table_settle(table, worker);
}

void qn_worker_table_remove(struct qn_worker_table *table, struct qn_worker *worker)
{
    assert(worker->held == 0 && worker->recalled == 0 && !worker->homed.root);
    count_out(table, worker);
    worker->draining = true; /* settles with no room and no idle slot */
    qn_worker_table_settle(table, worker);
    qn_link_remove(&worker->silence);
    qn_id_map_remove(&table->by_session, worker->session);
    free(worker);
}

void qn_worker_table_heard(struct qn_worker_table *table, struct qn_worker *worker, int64_t now_ms)
{
    worker->heard_ms = now_ms;
    qn_link_put_before(&worker->silence, &table->silence);
}

struct qn_worker *qn_worker_table_silent(const struct qn_worker_table *table)
{
    return qn_link_alone(&table->silence)
               ? NULL
               : QN_LINK_OWNER(table->silence.next, struct qn_worker, silence);
}

static struct qn_worker *first_from(const struct qn_worker_table *table, int level)
{
    uint64_t bits = level > QN_MAX_PREFETCH ? 0 : table->level_bits >> level << level;
    return bits ? QN_LINK_OWNER(table->levels[__builtin_ctzll(bits)].next, struct qn_worker,
                                place.room)
                : NULL;
}

struct qn_worker *qn_worker_table_roomiest(const struct qn_worker_table *table)
{
    return first_from(table, 0);
}

struct qn_worker *qn_worker_table_next_room(const struct qn_worker_table *table,
                                            const struct qn_worker *worker)
{
    int level = worker->place.level;
    if (worker->place.room.next != &table->levels[level])
        return QN_LINK_OWNER(worker->place.room.next, struct qn_worker, place.room);
    return first_from(table, level + 1);
}

struct qn_worker *qn_worker_table_willing(const struct qn_worker_table *table)
{
    return qn_link_alone(&table->willing)
               ? NULL
               : QN_LINK_OWNER(table->willing.next, struct qn_worker, place.willing);
}

struct qn_worker *qn_worker_table_fullest(const struct qn_worker_table *table)
{
    if (!table->surplus_bits)
        return NULL;
    int level = 63 - __builtin_clzll(table->surplus_bits);
    return QN_LINK_OWNER(table->surplus[level].next, struct qn_worker, place.surplus);
}
