#include "sources/jsonl_layout.h"

#include "sources/text_number.h"

qn_code qn_jsonl_layout_init(struct qn_jsonl_layout *layout, uint32_t max, struct qn_arena *arena,
                             struct qn_err *err)
{
    *layout = (struct qn_jsonl_layout){.max = max};
    layout->parts = QN_NEW_ARRAY(arena, struct qn_jsonl_part, max + 1U);
    return layout->parts ? QN_OK : qn_err_nomem(err, "jsonl layout");
}

/* --- learning -------------------------------------------------------------------------------- */

static bool take_part(struct qn_jsonl_layout *layout, uint32_t index, const char *bytes,
                      size_t from, size_t to)
{
    struct qn_jsonl_part *part = &layout->parts[index];
    *part = (struct qn_jsonl_part){.len = (uint32_t)(to - from), .slot = -1};
    if (to - from > QN_JSONL_MAX_PART)
        return false;
    part->n_words = (part->len + 7) / 8;
    for (uint32_t w = 0; w < part->n_words; w++) {
        uint32_t left = part->len - 8 * w;
        part->masks[w] = left >= 8 ? ~UINT64_C(0) : (UINT64_C(1) << 8 * left) - 1;
        part->words[w] = qn_text_word(bytes + from + 8 * w) & part->masks[w];
    }
    for (size_t i = from; i < to; i++)
        layout->quotes += bytes[i] == '"';
    return true;
}

void qn_jsonl_layout_learn(struct qn_jsonl_layout *layout, const struct qn_jsonl_parser *parser,
                           size_t at, size_t lf)
{
    const struct qn_jsonl_place_of *places = parser->places;
    const char *bytes = parser->bytes;
    uint32_t n = parser->n_places;
    layout->n = layout->quotes = 0;
    for (uint32_t i = 0; i <= n; i++) {
        size_t from = i ? places[i - 1].to : at, to = i < n ? places[i].from : lf;
        if (n > layout->max || !take_part(layout, i, bytes, from, to))
            return;
        struct qn_jsonl_part *part = &layout->parts[i];
        if (i == n) {
            part->back = part->len;
        } else {
            const char *comma = i ? memchr(bytes + from, ',', to - from) : bytes + from;
            if (!comma)
                return;
            part->back = (uint32_t)(comma - (bytes + from));
            part->slot = places[i].slot;
        }
    }
    layout->n = n;
}

/* --- matching -------------------------------------------------------------------------------- */

__attribute__((always_inline)) static inline uint64_t differs(const struct qn_jsonl_part *part,
                                                              const char *at)
{
    uint64_t diff = 0;
    for (uint32_t w = 0; w < part->n_words; w++)
        diff |= (qn_text_word(at + 8 * w) & part->masks[w]) ^ part->words[w];
    return diff;
}

/* A string with something in it that its ends do not show. */
static __attribute__((noinline)) bool check_string(const char *bytes, size_t from, size_t to,
                                                   struct qn_jsonl_cell *cell)
{
    struct qn_json_spot spot;
    bool escaped;
    if (qn_json_string(bytes, from, to, &escaped, &spot) != to)
        return false;
    if (escaped)
        *cell = qn_jsonl_cell(QN_JSONL_ESCAPED, from + 1, to - from - 2);
    return true;
}

static inline bool take_scalar(const char *bytes, size_t from, size_t to,
                               struct qn_jsonl_cell *cell)
{
    struct qn_json_spot spot;
    char c = bytes[from];
    if (qn_json_scalar(bytes, from, to, &spot) != to)
        return false;
    if (c == 'n')
        *cell = qn_jsonl_cell(QN_JSONL_NOTHING, 0, 0);
    else
        *cell = qn_jsonl_cell(c == 't'   ? QN_JSONL_TRUE
                              : c == 'f' ? QN_JSONL_FALSE
                                         : QN_JSONL_NUMBER,
                              from, to - from);
    return true;
}

/* One value of every record; returns how many records are left of n. */
static uint32_t match_value(const struct qn_jsonl_layout *layout, uint32_t index,
                            const struct qn_jsonl_stretch *s, uint32_t n,
                            struct qn_jsonl_cell *cells, uint32_t *counts)
{
    const struct qn_jsonl_part *part = &layout->parts[index];
    const uint32_t next_back = layout->parts[index + 1].back, step = layout->n;
    const uint32_t *to = s->index->ends + s->end + index;
    const char *bytes = s->bytes;
    const bool escaped = s->index->escaped;
    for (uint32_t r = 0; r < n; r++, to += step) {
        size_t begin = index ? to[-1] - part->back : s->starts[r];
        size_t from = begin + part->len, end = *to - next_back;
        if (differs(part, bytes + begin) || (int64_t)(end - from) <= 0)
            return r;
        struct qn_jsonl_cell cell;
        if (bytes[from] == '"') {
            if (bytes[end - 1] != '"' || end - from < 2)
                return r;
            counts[r] += 2;
            cell = qn_jsonl_cell(QN_JSONL_STRING, from + 1, end - from - 2);
            if (escaped && !check_string(bytes, from, end, &cell))
                return r;
        } else if (!take_scalar(bytes, from, end, &cell)) {
            return r;
        }
        if (cells)
            cells[r] = cell;
    }
    return n;
}

uint32_t qn_jsonl_layout_match(const struct qn_jsonl_layout *layout,
                               const struct qn_jsonl_stretch *s, struct qn_jsonl_cell *cells,
                               uint32_t stride, uint32_t *counts)
{
    uint32_t n = s->n;
    for (uint32_t r = 0; r < n; r++)
        counts[r] = layout->quotes;
    for (uint32_t i = 0; i < layout->n && n; i++) {
        int32_t slot = layout->parts[i].slot;
        n = match_value(layout, i, s, n, slot >= 0 ? cells + (size_t)slot * stride : NULL, counts);
    }
    const struct qn_jsonl_part *last = &layout->parts[layout->n];
    uint32_t before = s->brk ? s->index->quotes[s->brk - 1] : 0;
    for (uint32_t r = 0; r < n; r++) {
        uint32_t lf = s->index->breaks[s->brk + r], quotes = s->index->quotes[s->brk + r];
        if (differs(last, s->bytes + lf - last->len) || quotes - before != counts[r])
            return r;
        before = quotes;
    }
    return n;
}
