/* Which rows are held out: `split` and `calibrate` of a train job. */
#include <stdio.h>
#include <string.h>

#include "flow/value.h"
#include "jobs/etl/cell.h"
#include "jobs/train/compile.h"

/* In the order of time; train has no key of its own to begin at. */
static const enum qn_side sides[] = {QN_SIDE_TRAIN, QN_SIDE_VALIDATION, QN_SIDE_CALIBRATION,
                                     QN_SIDE_TEST};
enum { N_SIDES = sizeof sides / sizeof sides[0] };
static const char *const begin_keys[QN_N_SIDES] = {[QN_SIDE_TRAIN] = "", /* there is none */
                                                   [QN_SIDE_VALIDATION] = "validation_from",
                                                   [QN_SIDE_CALIBRATION] = "calibration_from",
                                                   [QN_SIDE_TEST] = "test_from"};
static const char *const method_names[] = {"hash", "time", "column"};

/* What the functions below share. */
struct splitting {
    struct qn_train_compiler *self;
    struct qn_diags *diags;
    const struct qn_node *node; /* split; may be NULL */
    struct qn_split *split;
    struct qn_type type; /* of the column */
};

static const struct qn_node *get(const struct splitting *of, const char *key)
{
    return qn_node_get(of->node, key);
}

static struct qn_span span_of(const struct splitting *of)
{
    return (of->node ? of->node : of->self->env->node)->span;
}

/* Complains about a key that means nothing to the method. */
static void refuse_key(const struct splitting *of, const char *key, const char *hint)
{
    const struct qn_pair *pair =
        of->node && of->node->kind == QN_NODE_MAP ? qn_node_pair(of->node, key) : NULL;
    if (pair)
        qn_diags_add(of->diags, pair->key_span, NULL, hint, "'%s' is not for method: %s", key,
                     method_names[of->split->method]);
}

/* --- shares ----------------------------------------------------------------------------------- */

static double share_of(const struct splitting *of, const char *key, double missing)
{
    const struct qn_node *node = get(of, key);
    if (!node || node->kind != QN_NODE_LIST)
        return qn_node_f64(node, missing);
    qn_diags_add(of->diags, node->span, "a share of the rows, such as 0.2", NULL,
                 "lists of values are for method: column");
    return missing;
}

static void read_shares(const struct splitting *of)
{
    struct qn_split *split = of->split;
    bool calibrates = qn_node_get(of->self->env->node, "calibrate") != NULL;
    split->test = share_of(of, "test", 0.2);
    split->validation = share_of(of, "validation", 0);
    split->calibration = share_of(of, "calibration", calibrates ? 0.1 : 0);
    if (split->test + split->validation + split->calibration > 0.95)
        qn_diags_add(of->diags, span_of(of), NULL, NULL,
                     "test and validation together leave less than 5 %% of the rows to train on");
}

static void read_hash(const struct splitting *of)
{
    of->self->by = qn_train_find_column(of->self, get(of, "by"));
    refuse_key(of, "column", "by: COLUMN keeps the rows of one of its values together");
    refuse_key(of, "train", NULL);
    for (int i = 1; i < N_SIDES; i++)
        refuse_key(of, begin_keys[sides[i]], "method: time");
    read_shares(of);
    of->self->train->stratify =
        qn_node_bool(get(of, "stratify"), false) &&
        of->split->test + of->split->validation + of->split->calibration > 0;
}

/* The column that `method` goes by. False: there is none. */
static bool read_column(struct splitting *of)
{
    const struct qn_node *node = get(of, "column"), *method = get(of, "method");
    refuse_key(of, "by", "column: COLUMN says what it goes by");
    refuse_key(of, "stratify", "leave it out");
    if (!node)
        qn_diags_add(of->diags, method->span, "column: COLUMN beside it", NULL,
                     "method: %s goes by a column", method_names[of->split->method]);
    of->self->by = qn_train_find_column(of->self, node);
    if (of->self->by < 0)
        return false;
    of->type = of->self->train->in->fields[of->self->by].type;
    if (of->self->by == of->self->label)
        qn_diags_add(of->diags, node->span, NULL, NULL, "'%.*s' is the label of the job",
                     QN_STRV_ARG(node->text));
    return true;
}

/* --- time ------------------------------------------------------------------------------------- */

static void read_begin(const struct splitting *of, enum qn_side side)
{
    const struct qn_node *node = get(of, begin_keys[side]);
    char name[QN_TYPE_NAME];
    if (!node || node->kind != QN_NODE_SCALAR)
        return;
    of->split->begins[side] = true;
    if (!qn_split_time_parse(of->type, node->text, &of->split->from[side]))
        qn_diags_add(of->diags, node->span,
                     of->type.id == QN_INT64  ? "a whole number"
                     : of->type.id == QN_DATE ? "a date such as 2026-01-31"
                                              : "a date or a time such as 2026-01-31 12:00:00",
                     NULL, "'%.*s' is no time of a column that is %s", QN_STRV_ARG(node->text),
                     qn_type_name(of->type, name));
}

static void check_order(const struct splitting *of)
{
    const struct qn_split *split = of->split;
    int last = -1;
    for (int i = 0; i < N_SIDES; i++) {
        if (!split->begins[sides[i]])
            continue;
        if (last >= 0 && split->from[sides[i]] <= split->from[sides[last]])
            qn_diags_add(of->diags, get(of, begin_keys[sides[i]])->span, NULL,
                         "train comes first, then validation, calibration and test",
                         "%s is not after %s", begin_keys[sides[i]], begin_keys[sides[last]]);
        last = i;
    }
}

static void read_time(struct splitting *of)
{
    bool begins = false;
    char name[QN_TYPE_NAME];
    refuse_key(of, "train", "what comes before the other sides is train's");
    if (!read_column(of))
        return;
    enum qn_type_id id = of->type.id;
    if (id != QN_DATE && id != QN_TIMESTAMP && id != QN_INT64 && id != QN_TEXT) {
        qn_diags_add(of->diags, get(of, "column")->span,
                     "a date, a timestamp, a whole number, or a text that is one of the first two",
                     NULL, "'%s' is %s", of->self->train->in->fields[of->self->by].name,
                     qn_type_name(of->type, name));
        return;
    }
    for (int i = 1; i < N_SIDES; i++) {
        read_begin(of, sides[i]);
        begins |= get(of, begin_keys[sides[i]]) != NULL;
    }
    for (int i = 1; begins && i < N_SIDES; i++)
        if (get(of, qn_side_name(sides[i])))
            qn_diags_add(of->diags, get(of, qn_side_name(sides[i]))->span, NULL, NULL,
                         "sides have either times to begin at or shares of the rows, not both");
    if (begins)
        check_order(of);
    else
        read_shares(of);
}

/* --- values of a column ----------------------------------------------------------------------- */

/* The value as the column's values are told apart: by their text. */
static bool read_value(const struct splitting *of, const struct qn_node *node, struct qn_strv *out)
{
    struct qn_cell cell;
    struct qn_buf text;
    char name[QN_TYPE_NAME];
    if (!qn_cell_parse(of->type, node->text, &cell)) {
        qn_diags_add(of->diags, node->span, NULL, NULL, "'%.*s' is no value of a column that is %s",
                     QN_STRV_ARG(node->text), qn_type_name(of->type, name));
        return false;
    }
    qn_buf_init(&text);
    qn_cell_format(&text, of->type, cell);
    *out = (struct qn_strv){qn_arena_strdup(of->self->env->arena, qn_buf_strv(&text)), text.len};
    of->self->no_memory |= text.failed || !out->data;
    qn_buf_fini(&text);
    return out->data != NULL;
}

static bool is_listed(const struct qn_split *split, struct qn_strv text)
{
    for (int side = 0; side < QN_N_SIDES; side++)
        for (uint32_t i = 0; i < split->values[side].n; i++)
            if (qn_strv_eq(split->values[side].items[i], text))
                return true;
    return false;
}

static void read_values(const struct splitting *of, enum qn_side side)
{
    const struct qn_node *node = get(of, qn_side_name(side));
    uint32_t n;
    const struct qn_node *items = qn_node_items(node, &n);
    struct qn_strv *texts = QN_NEW_ARRAY(of->self->env->arena, struct qn_strv, n);
    of->self->no_memory |= !texts;
    if (node && node->kind != QN_NODE_LIST) {
        qn_diags_add(of->diags, node->span, "a list of values, such as [test]", NULL,
                     "shares are for the other methods");
        return;
    }
    of->split->values[side].items = texts;
    for (uint32_t i = 0; texts && i < n; i++) {
        struct qn_strv text;
        if (items[i].kind != QN_NODE_SCALAR || !read_value(of, &items[i], &text))
            continue;
        if (is_listed(of->split, text))
            qn_diags_add(of->diags, items[i].span, NULL, NULL, "'%.*s' is listed twice",
                         QN_STRV_ARG(items[i].text));
        else
            texts[of->split->values[side].n++] = text;
    }
}

static void read_lists(struct splitting *of)
{
    bool any = false;
    for (int i = 1; i < N_SIDES; i++)
        refuse_key(of, begin_keys[sides[i]], "method: time");
    if (!read_column(of))
        return;
    for (int i = 0; i < N_SIDES; i++) {
        read_values(of, sides[i]);
        any |= sides[i] != QN_SIDE_TRAIN && get(of, qn_side_name(sides[i]));
    }
    of->split->rest_trains = !get(of, "train");
    if (!any)
        qn_diags_add(of->diags, span_of(of), "test: [VALUE, ...]", NULL,
                     "no value of the column is held out");
}

/* --- the whole -------------------------------------------------------------------------------- */

static void read_calibrate(const struct splitting *of)
{
    struct qn_train *train = of->self->train;
    const struct qn_node *method = qn_node_get(of->self->env->node, "calibrate");
    const struct qn_node *rows = get(of, "calibration");
    bool holds = qn_split_holds(of->split, QN_SIDE_CALIBRATION);
    rows = rows ? rows : get(of, "calibration_from");
    train->calibrate = qn_train_is_text(method, "platt")      ? QN_CALIBRATE_PLATT
                       : qn_train_is_text(method, "isotonic") ? QN_CALIBRATE_ISOTONIC
                                                              : QN_CALIBRATE_NOT;
    if (method && !holds && (rows || of->split->method != QN_SPLIT_HASH))
        qn_diags_add(of->diags, (rows ? rows : method)->span,
                     of->split->method == QN_SPLIT_HASH   ? "a share of rows, such as 0.1"
                     : of->split->method == QN_SPLIT_TIME ? "split.calibration_from"
                                                          : "split.calibration: [VALUE, ...]",
                     NULL, "calibrate needs rows that nothing else is fitted on");
    if (!method && holds)
        qn_diags_add(of->diags, rows->span, "calibrate: platt beside split", NULL,
                     "split.calibration is for calibrate");
}

void qn_train_compile_split(struct qn_train_compiler *self)
{
    struct splitting of = {.self = self,
                           .diags = self->env->diags,
                           .node = qn_node_get(self->env->node, "split"),
                           .split = QN_NEW(self->env->arena, struct qn_split)};
    const struct qn_node *method = get(&of, "method");
    self->by = -1;
    self->train->split = of.split;
    self->no_memory |= !of.split;
    if (!of.split)
        return;
    size_t errors = of.diags->n_errors;
    of.split->method = qn_train_is_text(method, "time")     ? QN_SPLIT_TIME
                       : qn_train_is_text(method, "column") ? QN_SPLIT_COLUMN
                                                            : QN_SPLIT_HASH;
    switch (of.split->method) {
    case QN_SPLIT_HASH: read_hash(&of); break;
    case QN_SPLIT_TIME: read_time(&of); break;
    case QN_SPLIT_COLUMN: read_lists(&of); break;
    }
    if (of.diags->n_errors == errors)
        read_calibrate(&of);
}
