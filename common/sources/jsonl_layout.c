#include "sources/jsonl_layout.h"

#include <string.h>

#include "sources/text_number.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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
    memcpy(part->text, bytes + from, to - from);
    memset(part->mask, 0xFF, to - from);
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
            part->is_string = bytes[to] == '"';
            layout->quotes += 2U * part->is_string;
        }
    }
    layout->n = n;
}

/* --- matching -------------------------------------------------------------------------------- */

#if defined(__SSE2__)

struct unit {
    __m128i text, mask;
};

static inline struct unit unit_of(const struct qn_jsonl_part *part, unsigned i)
{
    struct unit unit;
    memcpy(&unit.text, part->text + QN_JSONL_UNIT * i, sizeof unit.text);
    memcpy(&unit.mask, part->mask + QN_JSONL_UNIT * i, sizeof unit.mask);
    return unit;
}

static inline bool unit_is(const struct unit *unit, const char *at)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
    return _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(v, unit->mask), unit->text)) == 0xFFFF;
}

#else

struct unit {
    uint64_t text[2], mask[2];
};

static inline struct unit unit_of(const struct qn_jsonl_part *part, unsigned i)
{
    struct unit unit;
    memcpy(unit.text, part->text + QN_JSONL_UNIT * i, sizeof unit.text);
    memcpy(unit.mask, part->mask + QN_JSONL_UNIT * i, sizeof unit.mask);
    return unit;
}

static inline bool unit_is(const struct unit *unit, const char *at)
{
    uint64_t v[2];
    memcpy(v, at, sizeof v);
    return !(((v[0] & unit->mask[0]) ^ unit->text[0]) | ((v[1] & unit->mask[1]) ^ unit->text[1]));
}

#endif

/* Of a part that is longer than a unit: what comes behind that. */
static __attribute__((noinline)) bool rest_is(const struct qn_jsonl_part *part, const char *at)
{
    return memcmp(part->text + QN_JSONL_UNIT, at + QN_JSONL_UNIT, part->len - QN_JSONL_UNIT) == 0;
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

/* Digits with at most one point between them, up to eight bytes: most numbers are. */
static inline bool is_short_number(const char *at, size_t len)
{
    if (len > 8 || len == 0)
        return false;
    uint64_t word = qn_text_word(at) ^ QN_TEXT_EVERY(0x30); /* digits are 0 to 9 now */
    uint64_t kept = ~UINT64_C(0) >> (64 - 8 * len);
    uint64_t others =
        ((((word & QN_TEXT_EVERY(0x7F)) + QN_TEXT_EVERY(0x76)) | word) & QN_TEXT_EVERY(0x80)) &
        kept;
    size_t point = others ? (size_t)__builtin_ctzll(others) / 8 : len;
    if (others && (at[point] != '.' || (others & (others - 1)) || point == 0 || point + 1 == len))
        return false;
    return at[0] != '0' || point == 1;
}

static inline bool take_scalar(const char *bytes, size_t from, size_t to,
                               struct qn_jsonl_cell *cell)
{
    struct qn_json_spot spot;
    char c = bytes[from];
    if (is_short_number(bytes + from, to - from)) {
        *cell = qn_jsonl_cell(QN_JSONL_NUMBER, from, to - from);
        return true;
    }
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

/* One value of every record; returns how many records are left of n. `is_long`, `escaped` and
 * `kept` are constants at every call. */
__attribute__((always_inline)) static inline uint32_t
match_values(const struct qn_jsonl_layout *layout, uint32_t index, const struct qn_jsonl_stretch *s,
             uint32_t n, struct qn_jsonl_cell *cells, uint32_t *counts, bool is_long, bool escaped,
             bool kept)
{
    const struct qn_jsonl_part *part = &layout->parts[index];
    const uint32_t next_back = layout->parts[index + 1].back, step = layout->n;
    const uint32_t back = part->back, len = part->len;
    const uint32_t *to = s->index->ends + s->end + index;
    const uint32_t *before = index ? to - 1 : s->starts, before_step = index ? step : 1;
    const bool is_string = part->is_string;
    const struct unit unit = unit_of(part, 0);
    const char *bytes = s->bytes;
    for (uint32_t r = 0; r < n; r++, to += step, before += before_step) {
        size_t begin = *before - back, from = begin + len, end = *to - next_back;
        if (!unit_is(&unit, bytes + begin) || (is_long && !rest_is(part, bytes + begin)) ||
            (int64_t)(end - from) <= 0)
            return r;
        struct qn_jsonl_cell cell;
        bool quoted = bytes[from] == '"';
        if (quoted) {
            if (bytes[end - 1] != '"' || end - from < 2)
                return r;
            cell = qn_jsonl_cell(QN_JSONL_STRING, from + 1, end - from - 2);
            if (escaped && !check_string(bytes, from, end, &cell))
                return r;
        } else if (!take_scalar(bytes, from, end, &cell)) {
            return r;
        }
        if (__builtin_expect(quoted != is_string, 0))
            counts[r] += quoted ? 2U : 0U - 2U;
        if (kept)
            cells[r] = cell;
    }
    return n;
}

static uint32_t match_value(const struct qn_jsonl_layout *layout, uint32_t index,
                            const struct qn_jsonl_stretch *s, uint32_t n,
                            struct qn_jsonl_cell *cells, uint32_t *counts)
{
    bool is_long = layout->parts[index].len > QN_JSONL_UNIT;
    if (is_long || s->index->escaped)
        return cells ? match_values(layout, index, s, n, cells, counts, is_long, true, true)
                     : match_values(layout, index, s, n, cells, counts, is_long, true, false);
    return cells ? match_values(layout, index, s, n, cells, counts, false, false, true)
                 : match_values(layout, index, s, n, cells, counts, false, false, false);
}

/* What stands behind the last value. */
static bool ends_as(const struct qn_jsonl_part *last, const char *at)
{
    return memcmp(last->text, at, last->len) == 0;
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
    const struct unit unit = unit_of(last, 0);
    const bool is_short = last->len <= QN_JSONL_UNIT;
    uint32_t before = s->brk ? s->index->quotes[s->brk - 1] : 0;
    for (uint32_t r = 0; r < n; r++) {
        uint32_t quotes = s->index->quotes[s->brk + r];
        const char *at = s->bytes + s->index->breaks[s->brk + r] - last->len;
        if (quotes - before != counts[r] || !(is_short ? unit_is(&unit, at) : ends_as(last, at)))
            return r;
        before = quotes;
    }
    return n;
}
