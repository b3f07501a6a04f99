/* What labels and sides looked like: from tasks to what is said of it. */
#include <inttypes.h>

#include "jobs/train/train.h"

void qn_train_census_pack(struct qn_buf *out, const struct qn_train_census *census)
{
    for (int side = 0; side < QN_N_SIDES; side++)
        for (int c = 0; c < 2; c++)
            qn_buf_put_u64(out, census->rows[side][c]);
    for (int i = 0; i < 2; i++) {
        qn_buf_put_u8(out, census->others[i].data != NULL);
        qn_buf_put_str(out, census->others[i]);
    }
    for (int i = 0; i < QN_N_STRAYS; i++)
        qn_buf_put_u64(out, census->strays[i]);
    qn_buf_put_str(out, census->stray);
}

void qn_train_census_unpack(struct qn_unpack *in, struct qn_train_census *census)
{
    for (int side = 0; side < QN_N_SIDES; side++)
        for (int c = 0; c < 2; c++) {
            census->rows[side][c] = qn_unpack_u64(in);
            in->failed |= census->rows[side][c] > UINT64_C(1) << 56;
        }
    for (int i = 0; i < 2; i++) {
        uint8_t seen = qn_unpack_u8(in);
        census->others[i] = qn_unpack_str(in);
        in->failed |= seen > 1;
        if (!seen)
            census->others[i] = (struct qn_strv){0};
    }
    for (int i = 0; i < QN_N_STRAYS; i++) {
        census->strays[i] = qn_unpack_u64(in);
        in->failed |= census->strays[i] > UINT64_C(1) << 56;
    }
    census->stray = qn_unpack_str(in);
    if (!census->strays[QN_STRAY_UNKNOWN])
        census->stray = (struct qn_strv){0};
}

struct qn_strv *qn_train_other_place(struct qn_strv others[2], struct qn_strv value)
{
    for (int i = 0; i < 2; i++) {
        if (!others[i].data)
            return &others[i];
        if (qn_strv_eq(others[i], value))
            return NULL;
    }
    return NULL;
}

/* --- checks ----------------------------------------------------------------------------------- */

static qn_code check_values(const struct qn_train *train, const struct qn_train_census *census,
                            struct qn_err *err)
{
    const struct qn_strv *others = census->others;
    const char *name = train->in->fields[train->label].name;
    uint64_t positives = 0;
    for (int side = 0; side < QN_N_SIDES; side++)
        positives += census->rows[side][1];
    if (others[0].data && positives == 0)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                          "label '%s': no row has '%s', its `positive` value; there is '%.*s'%s"
                          "%.*s%s",
                          name, train->positive, QN_STRV_ARG(others[0]),
                          others[1].data ? ", '" : "", QN_STRV_ARG(others[1]),
                          others[1].data ? "', ..." : "");
    if (others[1].data)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                          "label '%s' has more than two values: '%s', '%.*s', '%.*s', ...", name,
                          train->positive, QN_STRV_ARG(others[0]), QN_STRV_ARG(others[1]));
    return QN_OK;
}

/* Sides that the split was to hold rows for; those of a hash may be empty by chance. */
static qn_code check_sides(const struct qn_train *train, const struct qn_train_census *census,
                           struct qn_err *err)
{
    uint64_t rows[QN_N_SIDES], strays = 0;
    int empty = -1;
    for (int side = 0; side < QN_N_SIDES; side++) {
        rows[side] = census->rows[side][0] + census->rows[side][1];
        if (!rows[side] && empty < 0 && qn_split_holds(train->split, (enum qn_side)side))
            empty = side;
    }
    for (int i = 0; i < QN_N_STRAYS; i++)
        strays += census->strays[i];
    if (train->split->method == QN_SPLIT_HASH || empty < 0)
        return QN_OK;
    return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                      "the split by '%s' leaves no row for %s: of the labelled rows %" PRIu64
                      " are for train, %" PRIu64 " for validation, %" PRIu64
                      " for calibration and %" PRIu64 " for test, and %" PRIu64 " are on no side",
                      train->in->fields[train->by].name, qn_side_name((enum qn_side)empty),
                      rows[QN_SIDE_TRAIN], rows[QN_SIDE_VALIDATION], rows[QN_SIDE_CALIBRATION],
                      rows[QN_SIDE_TEST], strays);
}

static qn_code check_classes(const struct qn_train *train, const struct qn_train_census *census,
                             struct qn_err *err)
{
    const uint64_t *rows = census->rows[QN_SIDE_TRAIN];
    const char *name = train->in->fields[train->label].name;
    if (rows[0] && rows[1])
        return QN_OK;
    if (rows[0] + rows[1] == 0)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                          "there is no row to train on: none has a label ('%s') and falls on the "
                          "training side of the split",
                          name);
    const char *value = train->positive ? train->positive : "1 (true)";
    return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                      "label '%s': %s of the %" PRIu64 " training rows is %s; both classes are "
                      "needed",
                      name, rows[0] ? "none" : "every one", rows[0] + rows[1], value);
}

qn_code qn_train_census_check(const struct qn_train *train, const struct qn_train_census *census,
                              struct qn_err *err)
{
    QN_TRY(check_values(train, census, err));
    QN_TRY(check_sides(train, census, err));
    return check_classes(train, census, err);
}

/* --- strays ----------------------------------------------------------------------------------- */

static void describe_strays(const struct qn_train *train, const struct qn_train_census *census,
                            struct qn_buf *out)
{
    const char *name = train->in->fields[train->by].name;
    uint64_t missing = census->strays[QN_STRAY_MISSING], unknown = census->strays[QN_STRAY_UNKNOWN];
    bool by_time = train->split->method == QN_SPLIT_TIME;
    qn_buf_printf(out, "rows on no side of the split are quarantined: ");
    if (missing)
        qn_buf_printf(out, "%" PRIu64 " without a value in '%s'%s", missing, name,
                      unknown ? ", " : "");
    if (unknown)
        qn_buf_printf(out, "%" PRIu64 " with %s in '%s', such as '%.*s'", unknown,
                      by_time ? "a text that is no time" : "a value that no side takes", name,
                      QN_STRV_ARG(census->stray));
}

qn_code qn_train_census_tell(const struct qn_train *train, const struct qn_train_census *census,
                             struct qn_findings *findings, struct qn_err *err)
{
    uint64_t strays = 0, rows = 0;
    struct qn_buf text;
    for (int i = 0; i < QN_N_STRAYS; i++)
        strays += census->strays[i];
    for (int side = 0; side < QN_N_SIDES; side++)
        rows += census->rows[side][0] + census->rows[side][1];
    if (strays == 0)
        return QN_OK;
    qn_buf_init(&text);
    describe_strays(train, census, &text);
    const char *message = qn_arena_strdup(findings->arena, qn_buf_strv(&text));
    struct qn_test_finding *test = qn_findings_add_test(findings);
    bool failed = text.failed || !message || !test;
    qn_buf_fini(&text);
    if (failed)
        return qn_err_nomem(err, "findings");
    *test = (struct qn_test_finding){.column = train->in->fields[train->by].name,
                                     .test = "split",
                                     .severity = "warn",
                                     .status = "warn",
                                     .failures = strays,
                                     .rows = rows + strays,
                                     .message = message};
    return QN_OK;
}
