#include "query/finish.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "query/set_marks.h"
#include "wire/part.h"
#include "wire/sorter.h"

/* Parts of one job so far. */
struct parts {
    struct parts *next;
    const char *job;
    const char **paths;
    uint32_t n, capacity;
};

/* Of one set operation. */
struct marks {
    struct marks *next;
    struct qn_set_marks set;
};

struct qn_finish {
    const struct qn_query_phase *phase;
    struct qn_schema shown; /* the columns that go out */
    struct qn_finish_options options;
    struct qn_arena arena;
    struct parts *parts; /* of jobs whose rows cannot go on as they come */
    struct marks *marks;
    struct qn_sorter sorter;
    uint64_t skip, left; /* rows of the offset, and of the limit */
    uint64_t given;
};

/* Takes rows on their way; `arena` is of the batch. */
struct taker {
    qn_code (*take)(struct taker *self, const struct qn_batch *batch, struct qn_err *err);
};

/* --- the end: limit and columns -------------------------------------------------------------- */

/* Rows [begin, end) of a batch. */
static qn_code slice(struct qn_arena *arena, const struct qn_batch *batch, uint32_t begin,
                     uint32_t end, struct qn_batch *out, struct qn_err *err)
{
    uint32_t *rows = QN_NEW_ARRAY(arena, uint32_t, end - begin);
    if (!rows)
        return qn_err_nomem(err, "rows");
    for (uint32_t i = begin; i < end; i++)
        rows[i - begin] = i;
    return qn_batch_take(arena, batch, rows, end - begin, out, err);
}

static qn_code check_stop(const struct qn_finish *finish, struct qn_err *err)
{
    return finish->options.stop && *finish->options.stop
               ? qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "interrupted")
               : QN_OK;
}

static qn_code give(void *context, const struct qn_batch *batch, struct qn_err *err)
{
    struct qn_finish *finish = context;
    QN_TRY(check_stop(finish, err));
    uint32_t begin = finish->skip < batch->n_rows ? (uint32_t)finish->skip : batch->n_rows;
    finish->skip -= begin;
    uint64_t n = batch->n_rows - begin;
    if (n > finish->left)
        n = finish->left;
    if (finish->left != UINT64_MAX)
        finish->left -= n;
    if (n == 0)
        return QN_OK;
    finish->given += n;
    if (finish->phase->one_value && finish->given > 1)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "%s: this query gives several rows, where one value is expected: write "
                          "an aggregate, or LIMIT 1",
                          finish->phase->one_value);
    struct qn_arena arena;
    struct qn_batch rows = *batch;
    qn_arena_init(&arena);
    qn_code code =
        n == batch->n_rows ? QN_OK : slice(&arena, batch, begin, begin + (uint32_t)n, &rows, err);
    rows.schema = &finish->shown;
    if (code == QN_OK)
        code = finish->options.out(finish->options.context, &rows, err);
    qn_arena_fini(&arena);
    return code;
}

struct last_taker {
    struct taker taker;
    struct qn_finish *finish;
};

/* To the order, or straight on. */
static qn_code take_last(struct taker *self, const struct qn_batch *batch, struct qn_err *err)
{
    struct qn_finish *finish = ((struct last_taker *)(void *)self)->finish;
    if (finish->phase->n_keys)
        return qn_sorter_add(&finish->sorter, batch, err);
    return give(finish, batch, err);
}

/* --- set operations -------------------------------------------------------------------------- */

/* Marks are made from the bottom up, each with the memory to itself. */
static qn_code walk(struct qn_finish *finish, const struct qn_query_tree *tree, struct taker *taker,
                    struct qn_err *err);

struct set_taker {
    struct taker taker;
    struct qn_set_marks *marks;
    struct taker *next; /* of rows that go out */
};

static qn_code take_first(struct taker *taker, const struct qn_batch *batch, struct qn_err *err)
{
    return qn_set_marks_first(((struct set_taker *)(void *)taker)->marks, batch, err);
}

static qn_code take_second(struct taker *taker, const struct qn_batch *batch, struct qn_err *err)
{
    return qn_set_marks_second(((struct set_taker *)(void *)taker)->marks, batch, err);
}

static qn_code take_marked(struct taker *taker, const struct qn_batch *batch, struct qn_err *err)
{
    struct set_taker *self = (struct set_taker *)(void *)taker;
    uint32_t rows[QN_BATCH_ROWS], n = qn_set_marks_take(self->marks, batch, rows);
    struct qn_arena arena;
    struct qn_batch kept;
    if (n == 0)
        return QN_OK;
    qn_arena_init(&arena);
    qn_code code = qn_batch_take(&arena, batch, rows, n, &kept, err);
    if (code == QN_OK)
        code = self->next->take(self->next, &kept, err);
    qn_arena_fini(&arena);
    return code;
}

static bool is_set(const struct qn_query_tree *tree)
{
    return tree->op != QN_QUERY_ROWS && !(tree->op == QN_QUERY_UNION && tree->all);
}

static struct qn_set_marks *marks_of(struct qn_finish *finish, const struct qn_query_tree *tree)
{
    struct marks *marks = finish->marks;
    while (marks && marks->set.tree != tree)
        marks = marks->next;
    return marks ? &marks->set : NULL;
}

static qn_code mark(struct qn_finish *finish, const struct qn_query_tree *tree, struct qn_err *err)
{
    if (tree->op == QN_QUERY_ROWS)
        return QN_OK;
    QN_TRY(mark(finish, tree->left, err));
    QN_TRY(mark(finish, tree->right, err));
    if (!is_set(tree))
        return QN_OK;
    struct marks *marks = QN_NEW(&finish->arena, struct marks);
    if (!marks)
        return qn_err_nomem(err, "rows of a set operation");
    qn_set_marks_init(&marks->set, tree, finish->options.memory_bytes);
    marks->next = finish->marks;
    finish->marks = marks;
    struct set_taker first = {{take_first}, &marks->set, NULL};
    struct set_taker second = {{take_second}, &marks->set, NULL};
    bool is_union = tree->op == QN_QUERY_UNION;
    do {
        QN_TRY(walk(finish, is_union ? tree->left : tree->right, &first.taker, err));
        QN_TRY(walk(finish, is_union ? tree->right : tree->left, &second.taker, err));
    } while (qn_set_marks_again(&marks->set));
    return QN_OK;
}

/* --- parts ----------------------------------------------------------------------------------- */

static qn_code read_parts(struct qn_finish *finish, const char *const *paths, uint32_t n,
                          struct taker *taker, struct qn_err *err)
{
    const struct qn_part_want want = {.kind = QN_PART_ROWS, .schema = &finish->phase->schema};
    struct qn_reader *reader;
    struct qn_batch batch;
    if (n == 0)
        return QN_OK;
    QN_TRY(qn_part_open(paths, n, &want, &reader, err));
    qn_code code;
    while ((code = reader->ops->next(reader, &batch, NULL, err)) == QN_OK && batch.n_rows)
        if ((code = check_stop(finish, err)) != QN_OK ||
            (code = taker->take(taker, &batch, err)) != QN_OK || finish->left == 0)
            break;
    reader->ops->close(reader);
    return code;
}

static struct parts *parts_of(struct qn_finish *finish, const char *job)
{
    struct parts *parts = finish->parts;
    while (parts && strcmp(parts->job, job) != 0)
        parts = parts->next;
    return parts;
}

static qn_code walk(struct qn_finish *finish, const struct qn_query_tree *tree, struct taker *taker,
                    struct qn_err *err)
{
    if (tree->op == QN_QUERY_ROWS) {
        const struct parts *parts = parts_of(finish, tree->job);
        return parts ? read_parts(finish, parts->paths, parts->n, taker, err) : QN_OK;
    }
    struct set_taker marked = {{take_marked}, marks_of(finish, tree), taker};
    if (marked.marks) {
        marked.marks->at = 0;
        taker = &marked.taker;
    }
    QN_TRY(walk(finish, tree->left, taker, err));
    return tree->op == QN_QUERY_UNION ? walk(finish, tree->right, taker, err) : QN_OK;
}

static qn_code add_part(struct qn_finish *finish, const char *job, const char *path,
                        struct qn_err *err)
{
    struct parts *parts = parts_of(finish, job);
    if (!parts) {
        parts = QN_NEW(&finish->arena, struct parts);
        if (!parts)
            return qn_err_nomem(err, "parts");
        *parts = (struct parts){.next = finish->parts,
                                .job = qn_arena_strdup(&finish->arena, qn_strv_from(job))};
        if (!parts->job)
            return qn_err_nomem(err, "parts");
        finish->parts = parts;
    }
    if (parts->n == parts->capacity) {
        uint32_t capacity = parts->capacity ? parts->capacity * 2 : 16;
        const char **paths = QN_NEW_ARRAY(&finish->arena, const char *, capacity);
        if (!paths)
            return qn_err_nomem(err, "parts");
        if (parts->n)
            memcpy(paths, parts->paths, parts->n * sizeof *paths);
        parts->paths = paths;
        parts->capacity = capacity;
    }
    parts->paths[parts->n] = qn_arena_strdup(&finish->arena, qn_strv_from(path));
    return parts->paths[parts->n++] ? QN_OK : qn_err_nomem(err, "parts");
}

static bool reads_job(const struct qn_query_tree *tree, const char *job)
{
    if (tree->op == QN_QUERY_ROWS)
        return strcmp(tree->job, job) == 0;
    return reads_job(tree->left, job) || reads_job(tree->right, job);
}

qn_code qn_finish_part(struct qn_finish *finish, const char *job, const char *path, bool *enough,
                       struct qn_err *err)
{
    *enough = false;
    if (!reads_job(finish->phase->tree, job))
        return QN_OK;
    if (finish->phase->tree->op != QN_QUERY_ROWS)
        return add_part(finish, job, path, err);
    struct last_taker last = {{take_last}, finish};
    QN_TRY(read_parts(finish, &path, 1, &last.taker, err));
    *enough = finish->left == 0;
    return QN_OK;
}

qn_code qn_finish_rows(void *finish, const struct qn_batch *batch, struct qn_err *err)
{
    struct last_taker last = {{take_last}, finish};
    return take_last(&last.taker, batch, err);
}

/* --- the whole ------------------------------------------------------------------------------- */

qn_code qn_finish_new(const struct qn_query_phase *phase, const struct qn_finish_options *options,
                      struct qn_finish **finish, struct qn_err *err)
{
    struct qn_finish *self = *finish = calloc(1, sizeof *self);
    if (!self)
        return qn_err_nomem(err, "a query's rows");
    *self = (struct qn_finish){.phase = phase,
                               .options = *options,
                               .skip = phase->offset,
                               .left = phase->has_limit ? phase->limit : UINT64_MAX,
                               .shown = {phase->schema.fields, phase->n_shown}};
    qn_arena_init(&self->arena);
    bool cut = phase->has_limit && phase->limit < UINT64_MAX - phase->offset;
    qn_sorter_init(&self->sorter, &(struct qn_sorter_options){
                                      .schema = &phase->schema,
                                      .order = {phase->keys, phase->n_keys},
                                      .most = cut ? phase->limit + phase->offset : UINT64_MAX,
                                      .memory_bytes = options->memory_bytes,
                                      .folder = options->folder});
    return QN_OK;
}

void qn_finish_free(struct qn_finish *finish)
{
    if (!finish)
        return;
    for (struct marks *marks = finish->marks; marks; marks = marks->next)
        qn_set_marks_fini(&marks->set);
    qn_sorter_fini(&finish->sorter);
    qn_arena_fini(&finish->arena);
    free(finish);
}

qn_code qn_finish_end(struct qn_finish *finish, struct qn_err *err)
{
    struct last_taker last = {{take_last}, finish};
    if (finish->phase->tree && finish->phase->tree->op != QN_QUERY_ROWS) {
        QN_TRY(mark(finish, finish->phase->tree, err));
        QN_TRY(walk(finish, finish->phase->tree, &last.taker, err));
    }
    return finish->phase->n_keys ? qn_sorter_each(&finish->sorter, give, finish, err) : QN_OK;
}
