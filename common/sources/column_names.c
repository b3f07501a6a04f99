#include "sources/column_names.h"

#include <string.h>

/* Positions of names, sorted without regard to case, so that wide headers stay cheap. */
struct name_set {
    const char **sorted;
    uint32_t n;
};

static int order_nocase(const char *a, const char *b)
{
    for (;; a++, b++) {
        unsigned x = (unsigned char)*a, y = (unsigned char)*b;
        x += x >= 'A' && x <= 'Z' ? 32U : 0U;
        y += y >= 'A' && y <= 'Z' ? 32U : 0U;
        if (x != y || !x)
            return (x > y) - (x < y);
    }
}

static bool name_set_add(struct name_set *set, const char *name)
{
    uint32_t low = 0, high = set->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = order_nocase(set->sorted[middle], name);
        if (order == 0)
            return false;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    memmove(set->sorted + low + 1, set->sorted + low, (set->n - low) * sizeof *set->sorted);
    set->sorted[low] = name;
    set->n++;
    return true;
}

qn_code qn_column_names(const struct qn_strv *texts, uint32_t n, struct qn_arena *arena,
                        const char **names, struct qn_err *err)
{
    struct name_set set = {QN_NEW_ARRAY(arena, const char *, n + 1U), 0};
    if (!set.sorted)
        return qn_err_nomem(err, "column names");
    for (uint32_t i = 0; i < n; i++) {
        const char *base = texts && texts[i].len ? qn_arena_strdup(arena, texts[i])
                                                 : qn_arena_printf(arena, "column%u", i);
        names[i] = base;
        for (unsigned k = 1; names[i] && !name_set_add(&set, names[i]); k++)
            names[i] = qn_arena_printf(arena, "%s_%u", base, k);
        if (!names[i])
            return qn_err_nomem(err, "column names");
    }
    return QN_OK;
}
