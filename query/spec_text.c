#include "query/spec_text.h"

#include <ctype.h>

#include "query/parse.h"

bool qn_query_pairs_add(struct qn_arena *arena, struct qn_query_pairs *pairs, const char *name,
                        const char *text)
{
    pairs->items = qn_sql_grow(arena, pairs->items, pairs->n, sizeof *pairs->items);
    if (!pairs->items || !name || !text)
        return false;
    pairs->items[pairs->n++] = (struct qn_query_pair){name, text};
    return true;
}

bool qn_query_names_add(struct qn_arena *arena, struct qn_query_names *names, const char *name)
{
    names->items = qn_sql_grow(arena, names->items, names->n, sizeof *names->items);
    if (!names->items || !name)
        return false;
    names->items[names->n++] = name;
    return true;
}

/* --- scalars --------------------------------------------------------------------------------- */

/* Words that a YAML reader may take for something else than a text. */
static bool is_special(struct qn_strv text)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no",
                                        "on",   "off",   "y",    "n"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (qn_strv_eq_nocase(text, qn_strv_from(words[i])))
            return true;
    return false;
}

/* Whether the text may stand without quotes, in { } and [ ] too: a word, then what has no meaning
 * in YAML. */
static bool is_plain(struct qn_strv text)
{
    if (text.len == 0 || !(isalpha((unsigned char)text.data[0]) || text.data[0] == '_') ||
        text.data[text.len - 1] == ' ' || is_special(text))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (!isalnum(c) && !(c < 0x80 && strchr("_ ().*/+-<>=%|'", c)))
            return false;
    }
    return true;
}

/* What a spec would expand (${param:...}) is kept as it is written. */
static void put_scalar(struct qn_buf *out, const char *text)
{
    struct qn_strv s = qn_strv_from(text);
    if (is_plain(s)) {
        qn_buf_put(out, s.data, s.len);
        return;
    }
    qn_buf_put_u8(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c == '$' && i + 1 < s.len && s.data[i + 1] == '{')
            qn_buf_put(out, "$$", 2);
        else if (c == '"' || c == '\\')
            qn_buf_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7F)
            qn_buf_printf(out, "\\x%02x", c);
        else
            qn_buf_put_u8(out, c);
    }
    qn_buf_put_u8(out, '"');
}

/* --- parts ----------------------------------------------------------------------------------- */

static void put_list(struct qn_buf *out, const char *key, const struct qn_query_names *names)
{
    if (!names->n)
        return;
    qn_buf_printf(out, "    %s: [", key);
    for (uint32_t i = 0; i < names->n; i++) {
        qn_buf_printf(out, "%s", i ? ", " : "");
        put_scalar(out, names->items[i]);
    }
    qn_buf_printf(out, "]\n");
}

static void put_map(struct qn_buf *out, const char *key, const struct qn_query_pairs *pairs)
{
    if (!pairs->n)
        return;
    qn_buf_printf(out, "    %s:\n", key);
    for (uint32_t i = 0; i < pairs->n; i++) {
        qn_buf_printf(out, "      ");
        put_scalar(out, pairs->items[i].name);
        qn_buf_printf(out, ": ");
        put_scalar(out, pairs->items[i].text);
        qn_buf_printf(out, "\n");
    }
}

/* Columns called alike on both sides need one name only. */
static void put_join(struct qn_buf *out, const struct qn_query_join *join)
{
    qn_buf_printf(out, "      - {to: %s, on: {", join->to);
    for (uint32_t i = 0; i < join->on.n; i++) {
        qn_buf_printf(out, "%s", i ? ", " : "");
        put_scalar(out, join->on.items[i].name);
        qn_buf_printf(out, ": ");
        put_scalar(out, join->on.items[i].text);
    }
    qn_buf_printf(out, "}, how: %s}\n", join->how);
}

static void put_source(struct qn_buf *out, const struct qn_query_source *source)
{
    qn_buf_printf(out, "  %s:\n", source->name);
    if (source->path) {
        qn_buf_printf(out, "    path: ");
        put_scalar(out, source->path);
        qn_buf_printf(out, "\n");
    }
    for (uint32_t i = 0; i < source->options.n; i++) {
        qn_buf_printf(out, "    %s: ", source->options.items[i].name);
        /* true, false and numbers are themselves; everything else is a text */
        const char *text = source->options.items[i].text;
        if (is_special(qn_strv_from(text)) || isdigit((unsigned char)text[0]))
            qn_buf_printf(out, "%s", text);
        else
            put_scalar(out, text);
        qn_buf_printf(out, "\n");
    }
    if (source->columns.n)
        qn_buf_printf(out, "    columns:\n");
    for (uint32_t i = 0; i < source->columns.n; i++) {
        qn_buf_printf(out, "      - {name: ");
        put_scalar(out, source->columns.items[i].name);
        qn_buf_printf(out, ", type: \"%s\"}\n", source->columns.items[i].text);
    }
}

static void put_top(struct qn_buf *out, const struct qn_query_top *top)
{
    if (!top->n_rows)
        return;
    qn_buf_printf(out, "    top:\n      rows: %llu\n      by:\n", (unsigned long long)top->n_rows);
    for (uint32_t i = 0; i < top->n_columns; i++) {
        qn_buf_printf(out, "        - {column: ");
        put_scalar(out, top->columns[i]);
        qn_buf_printf(out, "%s", top->descending[i] ? ", descending: true" : "");
        if (top->nulls_first[i] == top->descending[i])
            qn_buf_printf(out, ", nulls_first: %s", top->nulls_first[i] ? "true" : "false");
        qn_buf_printf(out, "}\n");
    }
}

static void put_job(struct qn_buf *out, const struct qn_query_job *job)
{
    qn_buf_printf(out, "  %s:\n    kind: etl\n    from: %s\n    profile: false\n", job->name,
                  job->from);
    if (job->filter) {
        qn_buf_printf(out, "    filter: ");
        put_scalar(out, job->filter);
        qn_buf_printf(out, "\n");
    }
    put_map(out, "derive", &job->derive);
    if (job->n_joins)
        qn_buf_printf(out, "    join:\n");
    for (uint32_t i = 0; i < job->n_joins; i++)
        put_join(out, &job->joins[i]);
    put_list(out, "group_by", &job->group_by);
    put_map(out, "aggregate", &job->aggregate);
    put_list(out, "select", &job->select);
    put_top(out, &job->top);
}

void qn_query_spec_write(const struct qn_query_spec *spec, struct qn_buf *out)
{
    qn_buf_printf(out, "version: 1\nname: query\n");
    if (spec->lake) {
        qn_buf_printf(out, "lake: ");
        put_scalar(out, spec->lake);
        qn_buf_printf(out, "\n");
    }
    qn_buf_printf(out, "sources:\n");
    for (uint32_t i = 0; i < spec->n_sources; i++)
        put_source(out, spec->sources[i]);
    qn_buf_printf(out, "jobs:\n");
    for (uint32_t i = 0; i < spec->n_jobs; i++)
        put_job(out, spec->jobs[i]);
}
