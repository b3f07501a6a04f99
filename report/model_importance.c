/* What a model goes by, as its file says: coefficients, or the gain of its splits. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "report/model.h"

enum { SHOWN = 40 };

/* A term or feature of the file with what it is sorted by. */
struct ranked {
    const json_t *item;
    size_t place; /* in the file: decides where sizes tie */
    double size;
};

static int by_size(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->size != y->size)
        return x->size < y->size ? 1 : -1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static double number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static void put_number(struct qn_page *page, const json_t *object, const char *key)
{
    char number[QN_HTML_NUMBER];
    qn_html_put(page->out, "<td class=\"n\">%s</td>",
                qn_html_number(number_of(object, key), number));
}

static void put_name(struct qn_page *page, const json_t *item)
{
    qn_html_put(page->out, "<tr><td><code>%s</code></td>",
                json_string_value(json_object_get(item, "name")));
}

/* Those with the largest absolute `key` first, without those that have none. */
static qn_code rank(struct qn_page *page, const json_t *items, const char *key, size_t from,
                    struct ranked **ranked, size_t *n, struct qn_err *err)
{
    size_t all = json_array_size(items);
    *n = 0;
    *ranked = QN_NEW_ARRAY(&page->arena, struct ranked, all + 1);
    if (!*ranked)
        return qn_err_nomem(err, "a report");
    for (size_t i = from; i < all; i++) {
        const json_t *item = json_array_get(items, i);
        double size = fabs(number_of(item, key));
        if (size > 0)
            (*ranked)[(*n)++] = (struct ranked){item, i, size};
    }
    qsort(*ranked, *n, sizeof **ranked, by_size);
    return QN_OK;
}

static void put_rest(struct qn_page *page, size_t n)
{
    qn_page_table_end(page);
    if (n > SHOWN)
        qn_html_put(page->out, "<p class=\"soft\">and %llu more, which weigh less.</p>\n",
                    (unsigned long long)(n - SHOWN));
}

static qn_code put_terms(struct qn_page *page, const json_t *terms, struct qn_err *err)
{
    static const struct qn_page_column columns[] = {{"term", QN_PAGE_CODE},
                                                    {"coefficient", QN_PAGE_NUMBER},
                                                    {"std. error", QN_PAGE_NUMBER},
                                                    {"p", QN_PAGE_NUMBER},
                                                    {"odds ratio", QN_PAGE_NUMBER}};
    struct ranked *ranked;
    size_t n;
    QN_TRY(rank(page, terms, "coefficient", 1, &ranked, &n, err)); /* 0: the intercept */
    if (n == 0)
        return QN_OK;
    qn_html_put(page->out,
                "<h4>Coefficients</h4>\n<p class=\"soft\">Of the prepared columns, so that "
                "they can be compared where those are scaled. <span class=\"key a\"></span>"
                "raises the score <span class=\"key kb\"></span>lowers it</p>\n");
    qn_page_table_begin(page, columns, sizeof columns / sizeof columns[0], "weight");
    for (size_t i = 0; i < n && i < SHOWN; i++) {
        put_name(page, ranked[i].item);
        put_number(page, ranked[i].item, "coefficient");
        put_number(page, ranked[i].item, "std_error");
        put_number(page, ranked[i].item, "p_value");
        put_number(page, ranked[i].item, "odds_ratio");
        qn_page_signed_bar(page, number_of(ranked[i].item, "coefficient"), ranked[0].size);
        qn_page_row_end(page);
    }
    put_rest(page, n);
    return QN_OK;
}

static qn_code put_gains(struct qn_page *page, const json_t *features, struct qn_err *err)
{
    static const struct qn_page_column columns[] = {{"feature", QN_PAGE_CODE},
                                                    {"gain", QN_PAGE_NUMBER},
                                                    {"splits", QN_PAGE_NUMBER},
                                                    {"share", QN_PAGE_NUMBER}};
    struct ranked *ranked;
    size_t n;
    double sum = 0;
    QN_TRY(rank(page, features, "gain", 0, &ranked, &n, err));
    for (size_t i = 0; i < n; i++)
        sum += ranked[i].size;
    if (n == 0)
        return QN_OK;
    qn_html_put(page->out,
                "<h4>Importance</h4>\n<p class=\"soft\">What the splits on each feature took "
                "from the loss of the training rows (gain).</p>\n");
    qn_page_table_begin(page, columns, sizeof columns / sizeof columns[0], "gain");
    for (size_t i = 0; i < n && i < SHOWN; i++) {
        struct qn_page_part part = {"fa", "gain", ranked[i].size};
        put_name(page, ranked[i].item);
        put_number(page, ranked[i].item, "gain");
        put_number(page, ranked[i].item, "splits");
        qn_html_put(page->out, "<td class=\"n\">%.1f %%</td>", 100 * ranked[i].size / sum);
        qn_page_bar(page, &part, 1, ranked[0].size);
        qn_page_row_end(page);
    }
    put_rest(page, n);
    return QN_OK;
}

static qn_code put_file(struct qn_page *page, const struct qn_buf *file, struct qn_err *err)
{
    json_error_t why;
    json_t *root = json_loadb(file->data ? (const char *)file->data : "", file->len,
                              JSON_REJECT_DUPLICATES, &why);
    if (!root) {
        qn_html_put(page->out,
                    "<p class=\"verdict warn\">The model file is no JSON: line %u: %s</p>\n",
                    (unsigned)why.line, why.text);
        return QN_OK;
    }
    qn_code code = put_terms(page, json_object_get(root, "terms"), err);
    if (code == QN_OK && !page->importances) /* else they are in a table (model_worth.c) */
        code = put_gains(page, json_object_get(root, "features"), err);
    json_decref(root);
    return code;
}

/* A file that is damaged is said, and the page goes on. */
qn_code qn_report_importance(struct qn_page *page, const struct qn_report_model *model,
                             struct qn_err *err)
{
    const struct qn_report_fit *fit = &model->self;
    struct qn_err why = {0};
    struct qn_buf file;
    char selector[32];
    uint32_t version;
    if (!fit->name)
        return QN_OK;
    snprintf(selector, sizeof selector, ":%s", fit->version);
    qn_buf_init(&file);
    qn_code code = qn_store_model_read(page->store, fit->name, selector, &file, &version, &why);
    if (code == QN_OK)
        code = put_file(page, &file, err);
    else if (code == QN_ENOMEM)
        code = qn_err_nomem(err, "a report");
    else {
        qn_html_put(page->out, "<p class=\"verdict warn\">%s</p>\n", why.message);
        code = QN_OK;
    }
    qn_buf_fini(&file);
    return code;
}
