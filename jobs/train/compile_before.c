/* Features that know of rows which are to be held out, as jobs before this one learned from all
 * rows: gaps that were filled, and means of the label (an encoder before the split). Jobs are
 * followed up to their sources, under the names that columns have there. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "jobs/train/compile.h"

/* A job that says too much is not followed to its end. */
enum { MOST_VISITS = 2000, MOST_DEPTH = 40 };

struct trace {
    struct qn_train_compiler *self;
    const char *feature;
    struct qn_strv label; /* as the job at hand calls it */
    uint32_t visits, depth;
    const char *message; /* NULL: nothing found */
};

static bool trace_column(struct trace *trace, const char *job_name, struct qn_strv column);

/* --- texts of expressions --------------------------------------------------------------------- */

/* The next name in the text from *at on; false: there is none. Strings are passed over. */
static bool next_name(struct qn_strv text, size_t *at, struct qn_strv *name)
{
    while (*at < text.len) {
        char c = text.data[*at];
        size_t first = *at;
        if (c == '\'' || c == '"') {
            const char *end = memchr(text.data + first + 1, c, text.len - first - 1);
            *at = end ? (size_t)(end - text.data) + 1 : text.len;
            *name = (struct qn_strv){text.data + first + 1, *at - first - 1 - (end != NULL)};
            if (c == '"')
                return true;
        } else if (isalpha((unsigned char)c) || c == '_') {
            while (*at < text.len &&
                   (isalnum((unsigned char)text.data[*at]) || text.data[*at] == '_'))
                ++*at;
            *name = (struct qn_strv){text.data + first, *at - first};
            return true;
        } else {
            ++*at;
        }
    }
    return false;
}

static bool is_same(struct qn_strv a, struct qn_strv b)
{
    return a.len == b.len && a.len && strncasecmp(a.data, b.data, a.len) == 0;
}

static bool names(struct qn_strv text, struct qn_strv column)
{
    struct qn_strv name;
    for (size_t at = 0; next_name(text, &at, &name);)
        if (is_same(name, column))
            return true;
    return false;
}

/* The value of a column's key in a mapping of the job; NULL: it has none. */
static const struct qn_node *value_of(const struct qn_node *job, const char *key,
                                      struct qn_strv column)
{
    const struct qn_node *map = qn_node_get(job, key);
    for (uint32_t i = 0; map && map->kind == QN_NODE_MAP && i < map->n; i++)
        if (is_same(map->pairs[i].key, column))
            return &map->pairs[i].value;
    return NULL;
}

/* What a column of the job was called before `rename`. */
static struct qn_strv old_name(const struct qn_node *job, struct qn_strv column)
{
    const struct qn_node *map = qn_node_get(job, "rename");
    for (uint32_t i = 0; map && map->kind == QN_NODE_MAP && i < map->n; i++)
        if (is_same(map->pairs[i].value.text, column))
            return map->pairs[i].key;
    return column;
}

/* --- what is found ---------------------------------------------------------------------------- */

static void say(struct trace *trace, struct qn_strv column, const char *words)
{
    struct qn_strv feature = qn_strv_from(trace->feature);
    struct qn_arena *arena = trace->self->env->arena;
    trace->message = is_same(feature, column)
                         ? words
                         : qn_arena_printf(arena, "'%s' is made of '%.*s': %s", trace->feature,
                                           QN_STRV_ARG(column), words);
    trace->self->no_memory |= !words || !trace->message;
}

static void say_filled(struct trace *trace, const char *job, struct qn_strv column,
                       const char *strategy)
{
    bool mode = strcmp(strategy, "most_frequent") == 0;
    say(trace, column,
        qn_arena_printf(trace->self->env->arena,
                        "job %s has filled the gaps of '%.*s' with the %s of all rows, those held "
                        "out among them: leave them to prepare, which looks at training rows alone",
                        job, QN_STRV_ARG(column), mode ? "most frequent value" : strategy));
}

static void say_encoded(struct trace *trace, const char *job, struct qn_strv column,
                        struct qn_strv call)
{
    say(trace, column,
        qn_arena_printf(trace->self->env->arena,
                        "'%.*s' is %.*s in job %s, of the labels of all rows, those held out among "
                        "them: of a row to be scored it knows the label",
                        QN_STRV_ARG(column), QN_STRV_ARG(call), job));
}

/* --- jobs ------------------------------------------------------------------------------------- */

/* In the jobs that are joined to this one. */
static bool trace_joins(struct trace *trace, const struct qn_node *job, struct qn_strv column)
{
    const struct qn_node *join = qn_node_get(job, "join");
    bool list = join && join->kind == QN_NODE_LIST;
    uint32_t n = list ? join->n : join != NULL;
    for (uint32_t i = 0; i < n; i++) {
        const struct qn_node *one = list ? &join->items[i] : join;
        if (trace_column(trace, qn_node_text(qn_node_get(one, "to"), ""), column))
            return true;
    }
    return false;
}

/* Columns that an expression reads. */
static bool trace_names(struct trace *trace, const char *job_name, struct qn_strv text,
                        struct qn_strv but)
{
    struct qn_strv name;
    for (size_t at = 0; next_name(text, &at, &name);)
        if (!is_same(name, but) && trace_column(trace, job_name, name))
            return true;
    return false;
}

static bool trace_steps(struct trace *trace, const char *job_name, const struct qn_node *job,
                        struct qn_strv column)
{
    const struct qn_node *call = value_of(job, "aggregate", column);
    if (call && names(call->text, trace->label)) {
        say_encoded(trace, job_name, column, call->text);
        return true;
    }
    if (call || qn_node_get(job, "aggregate"))
        return false; /* of groups, each whole: what is of one row is of all its group */
    if (trace_joins(trace, job, column))
        return true;
    const struct qn_node *fill = value_of(job, "impute", column);
    const char *strategy = qn_node_text(qn_node_get(fill, "strategy"), "constant");
    if (strcmp(strategy, "constant") != 0) {
        say_filled(trace, job_name, column, strategy);
        return true;
    }
    const struct qn_node *made = value_of(job, "derive", column);
    const char *from = qn_node_text(qn_node_get(job, "from"), "");
    if (made && trace_names(trace, job_name, made->text, column))
        return true;
    struct qn_strv label = trace->label;
    trace->label = old_name(job, label);
    bool found = trace_column(trace, from, old_name(job, column));
    trace->label = label;
    return found;
}

/* Whether the column, as the job gives it, knows of held-out rows. */
static bool trace_column(struct trace *trace, const char *job_name, struct qn_strv column)
{
    const struct qn_node *job = trace->self->env->job_node(trace->self->env, job_name);
    if (!job || trace->visits++ > MOST_VISITS || trace->depth > MOST_DEPTH)
        return false;
    trace->depth++;
    bool found = trace_steps(trace, job_name, job, column);
    trace->depth--;
    return found;
}

void qn_train_compile_before(struct qn_train_compiler *self)
{
    struct qn_train *train = self->train;
    struct qn_arena *arena = self->env->arena;
    struct qn_fit_note *notes = QN_NEW_ARRAY(arena, struct qn_fit_note, train->n_features);
    const char *from = qn_node_text(qn_node_get(self->env->node, "from"), "");
    const char *label = qn_node_text(qn_node_get(self->env->node, "label"), "");
    self->no_memory |= !notes;
    train->before = notes;
    for (uint32_t i = 0; notes && i < train->n_features; i++) {
        struct trace trace = {
            .self = self, .feature = train->features[i].name, .label = qn_strv_from(label)};
        if (trace_column(&trace, from, qn_strv_from(trace.feature)))
            notes[train->n_before++] =
                (struct qn_fit_note){trace.feature, "fitted_before", trace.message};
    }
}
