#include "jobs/etl/profile_histogram.h"

#include <math.h>

/* Edges of bins, in the type's own numbers: edge[n] ends the last bin. */
struct edges {
    struct qn_cell at[QN_HISTOGRAM_BINS + 1];
    uint32_t n;
};

/* Steps between ends that may be as far apart as integers can be. */
static struct edges whole_edges(int64_t min, int64_t max)
{
    uint64_t span = (uint64_t)max - (uint64_t)min;
    struct edges edges = {.n = span < QN_HISTOGRAM_BINS ? (uint32_t)span + 1 : QN_HISTOGRAM_BINS};
    bool by_step = span < QN_HISTOGRAM_BINS && max < INT64_MAX; /* the last edge is max + 1 */
    if (!by_step)
        edges.n = span < QN_HISTOGRAM_BINS ? 1 : QN_HISTOGRAM_BINS;
    for (uint32_t i = 0; i <= edges.n; i++) {
        uint64_t part = by_step ? i : span / edges.n * i + span % edges.n * i / edges.n;
        edges.at[i] = (struct qn_cell){.valid = true, .i64 = (int64_t)((uint64_t)min + part)};
    }
    return edges;
}

static struct edges double_edges(double min, double max)
{
    struct edges edges = {.n = min < max ? QN_HISTOGRAM_BINS : 1};
    for (uint32_t i = 0; i <= edges.n; i++) {
        double part = (double)i / edges.n; /* ends may be further apart than a double can say */
        edges.at[i] = (struct qn_cell){.valid = true, .f64 = min * (1 - part) + max * part};
    }
    return edges;
}

/* A value is in the last bin that begins at it or before it. */
static void count_values(const struct edges *edges, struct qn_type type, const uint64_t *ranks,
                         uint32_t n, uint32_t *counts)
{
    uint32_t bin = 0;
    for (uint32_t i = 0; i < n; i++) {
        while (bin + 1 < edges->n && qn_cell_rank(type, edges->at[bin + 1]) <= ranks[i])
            bin++;
        counts[bin]++;
    }
}

static const char *edges_json(struct qn_arena *arena, struct qn_type type,
                              const struct edges *edges, const uint32_t *counts)
{
    struct qn_buf buf;
    qn_buf_init(&buf);
    for (uint32_t i = 0; i < edges->n; i++) {
        qn_buf_printf(&buf, i ? ",[" : "[[");
        qn_cell_json(&buf, type, edges->at[i]);
        qn_buf_put_u8(&buf, ',');
        qn_cell_json(&buf, type, edges->at[i + 1]);
        qn_buf_printf(&buf, ",%u]", counts[i]);
    }
    qn_buf_put_u8(&buf, ']');
    char *text = buf.failed ? NULL : qn_arena_strdup(arena, qn_buf_strv(&buf));
    qn_buf_fini(&buf);
    return text;
}

const char *qn_profile_histogram(struct qn_arena *arena, struct qn_type type, const uint64_t *ranks,
                                 uint32_t n, struct qn_cell min, struct qn_cell max)
{
    uint32_t counts[QN_HISTOGRAM_BINS] = {0};
    bool is_double = qn_type_layout(type) == QN_LAYOUT_F64;
    if (qn_type_layout(type) != QN_LAYOUT_I64 && !is_double)
        return NULL;
    if (is_double && (!isfinite(min.f64) || !isfinite(max.f64)))
        return NULL;
    struct edges edges = is_double ? double_edges(min.f64, max.f64) : whole_edges(min.i64, max.i64);
    count_values(&edges, type, ranks, n, counts);
    return edges_json(arena, type, &edges, counts);
}
