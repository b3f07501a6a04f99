#include "jobs/train/slices.h"

#include <stdlib.h>

enum { WITHOUT, FURTHER, FIRST };

qn_code qn_train_slices_init(struct qn_train_slices *slices, struct qn_err *err)
{
    qn_dict_init(&slices->values);
    slices->scores = calloc(QN_MOST_SLICES + FIRST, sizeof *slices->scores);
    return slices->scores ? QN_OK : qn_err_nomem(err, "slices");
}

void qn_train_slices_fini(struct qn_train_slices *slices)
{
    for (int i = 0; slices->scores && i < QN_MOST_SLICES + FIRST; i++)
        for (int side = 0; side < QN_N_SIDES; side++)
            qn_scores_fini(&slices->scores[i][side]);
    free(slices->scores);
    slices->scores = NULL;
    qn_dict_fini(&slices->values);
}

qn_code qn_train_slices_add(struct qn_train_slices *slices, const struct qn_column *value,
                            uint32_t row, int side, double score, bool label, struct qn_err *err)
{
    uint32_t place = WITHOUT;
    if (qn_is_valid(value, row)) {
        qn_code code =
            qn_dict_add(&slices->values, qn_text_at(value, row), QN_MOST_SLICES, &place, err);
        if (code != QN_OK && code != QN_ELIMIT)
            return code;
        place = code == QN_OK ? place + FIRST : FURTHER;
    }
    return qn_scores_add(&slices->scores[place][side], score, label, err);
}

static struct qn_strv name_of(const struct qn_train_slices *slices, uint32_t place)
{
    if (place == WITHOUT)
        return (struct qn_strv){0};
    return place == FURTHER ? QN_STRV_LIT("(other values)")
                            : slices->values.entries[place - FIRST].text;
}

qn_code qn_train_slices_measure(struct qn_train_slices *slices, uint32_t column,
                                struct qn_train_slice *list, uint32_t *n, struct qn_err *err)
{
    for (uint32_t place = 0; place < slices->values.n + FIRST; place++)
        for (int side = 0; side < QN_N_SIDES; side++) {
            struct qn_scores *scores = &slices->scores[place][side];
            struct qn_metrics metrics;
            struct qn_metric_value values[QN_N_METRICS];
            if (scores->n == 0)
                continue;
            QN_TRY(qn_metrics_of(scores, &metrics, err));
            qn_metrics_list(&metrics, values);
            struct qn_train_slice *slice = &list[(*n)++];
            *slice = (struct qn_train_slice){
                .column = column, .side = (uint8_t)side, .value = name_of(slices, place)};
            for (int i = 0; i < QN_N_METRICS; i++)
                slice->metrics[i] = values[i].value;
        }
    return QN_OK;
}
