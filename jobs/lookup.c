#include "jobs/lookup.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/limits.h"

enum { SHOWN = 12 }; /* columns that a complaint lists */

static const char *closest_of(const struct qn_schema *schema, struct qn_strv name)
{
    const char *names[QN_MAX_COLUMNS];
    uint32_t n = schema->n_fields < QN_MAX_COLUMNS ? schema->n_fields : QN_MAX_COLUMNS;
    for (uint32_t i = 0; i < n; i++) {
        names[i] = schema->fields[i].name;
        if (qn_strv_eq_nocase(name, qn_strv_from(names[i])))
            return names[i]; /* whatever its length: only the case is off */
    }
    return qn_strv_closest(name, names, n);
}

bool qn_gaps_hide(const struct qn_gaps *gaps, struct qn_strv name)
{
    for (uint32_t i = 0; gaps && i < gaps->n_names; i++)
        if (qn_strv_eq_nocase(name, qn_strv_from(gaps->names[i])))
            return true;
    return gaps && gaps->any;
}

int32_t qn_lookup_column(const struct qn_schema *schema, const struct qn_gaps *gaps,
                         struct qn_strv name, struct qn_span span, const char *where,
                         struct qn_diags *diags)
{
    int32_t column = qn_schema_find(schema, name);
    if (column >= 0 || qn_gaps_hide(gaps, name))
        return column;
    struct qn_buf all;
    qn_buf_init(&all);
    for (uint32_t i = 0; i < schema->n_fields && i < SHOWN; i++)
        qn_buf_printf(&all, "%s%s", i ? ", " : "", schema->fields[i].name);
    if (schema->n_fields > SHOWN)
        qn_buf_printf(&all, ", ...");
    qn_buf_put_u8(&all, 0);
    const char *near = closest_of(schema, name);
    char hint[200];
    if (near)
        snprintf(hint, sizeof hint, "did you mean '%.150s'?", near);
    qn_diags_add(diags, span, all.failed ? NULL : (const char *)all.data, near ? hint : NULL,
                 "there is no column '%.*s'%s", QN_STRV_ARG(name), where);
    qn_buf_fini(&all);
    return -1;
}
