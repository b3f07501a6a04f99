#include "sources/jsonl_rows.h"

#include <assert.h>

#include "base/limits.h"
#include "sources/text_lines.h"

enum {
    INDEX_PLACES = 16 << 10, /* and their text stay in a second-level cache */
    FIRST_TRIAL = 16,
    MAX_MISSES = 4, /* records without a common layout: fewer tries, */
    REST = 100      /* one for so many records */
};

qn_code qn_jsonl_rows_init(struct qn_jsonl_rows *rows, const struct qn_jsonl_dialect *dialect,
                           const bool *wanted, uint32_t capacity, struct qn_arena *arena,
                           struct qn_err *err)
{
    *rows = (struct qn_jsonl_rows){.capacity = capacity};
    QN_TRY(qn_jsonl_parser_init(&rows->parser, dialect, wanted, arena, err));
    rows->n_columns = rows->parser.n_cells;
    rows->cells =
        QN_NEW_ARRAY(arena, struct qn_jsonl_cell, (size_t)capacity * (rows->n_columns + 1U));
    rows->starts = QN_NEW_ARRAY(arena, uint32_t, capacity);
    rows->lines = QN_NEW_ARRAY(arena, uint32_t, capacity);
    rows->refused = QN_NEW_ARRAY(arena, struct qn_jsonl_refused, capacity);
    rows->counts = QN_NEW_ARRAY(arena, uint32_t, capacity);
    size_t places = INDEX_PLACES + QN_JSONL_INDEX_ROOM;
    rows->index =
        (struct qn_jsonl_index){.capacity = INDEX_PLACES,
                                .ends = qn_arena_alloc(arena, places * sizeof(uint32_t)),
                                .breaks = qn_arena_alloc(arena, places * sizeof(uint32_t)),
                                .quotes = qn_arena_alloc(arena, places * sizeof(uint32_t))};
    rows->trial = FIRST_TRIAL;
    bool whole = rows->cells && rows->starts && rows->lines && rows->refused && rows->counts &&
                 rows->index.ends && rows->index.breaks && rows->index.quotes;
    if (!whole)
        return qn_err_nomem(err, "jsonl record tables");
    return qn_jsonl_layout_init(&rows->layout, rows->parser.max_places, arena, err);
}

void qn_jsonl_rows_fini(struct qn_jsonl_rows *rows)
{
    qn_jsonl_parser_fini(&rows->parser);
}

void qn_jsonl_rows_over(struct qn_jsonl_rows *rows, const char *bytes, size_t len, size_t stop,
                        bool final)
{
    qn_jsonl_frame_over(&rows->frame, bytes, len, stop, final);
    qn_jsonl_parser_over(&rows->parser, bytes);
    rows->index.n_ends = rows->index.n_breaks = rows->end_at = rows->break_at = 0;
}

/* --- records that have the layout ------------------------------------------------------------ */

/* Records of the index whose bytes are UTF-8, at most n from the first one not taken. */
static uint32_t count_valid(struct qn_jsonl_rows *rows, uint32_t n)
{
    if (!rows->index.past_ascii)
        return n;
    return qn_text_valid_records(&rows->valid, rows->frame.bytes, rows->frame.pos,
                                 rows->index.breaks + rows->break_at, n);
}

/* Records of the index that begin before the stop and have the layout's number of values. */
static uint32_t count_regular(const struct qn_jsonl_rows *rows, uint32_t n)
{
    const uint32_t n_values = rows->layout.n;
    const uint32_t *breaks = rows->index.breaks + rows->break_at;
    const uint32_t *last = rows->index.ends + rows->end_at + n_values - 1;
    uint32_t left = (rows->index.n_ends - rows->end_at) / n_values, regular = 0;
    if (n > left)
        n = left;
    while (regular < n && last[(size_t)regular * n_values] == breaks[regular])
        regular++;
    while (regular > 1 && breaks[regular - 2] + 1 >= rows->frame.stop)
        regular--;
    return regular;
}

/* A try that gave little costs more than reading the records one by one. */
static void weigh(struct qn_jsonl_rows *rows, uint32_t tried, uint32_t taken)
{
    rows->trial = taken == tried && tried ? 2 * rows->trial : FIRST_TRIAL;
    if (rows->trial > rows->capacity)
        rows->trial = rows->capacity;
    rows->misses = taken >= FIRST_TRIAL / 2 ? 0 : rows->misses + 1;
    rows->rest = rows->misses > MAX_MISSES ? REST : 0;
}

static void note_rows(struct qn_jsonl_rows *rows, uint32_t n)
{
    struct qn_jsonl_frame *f = &rows->frame;
    const uint32_t *breaks = rows->index.breaks + rows->break_at;
    int32_t raw = rows->parser.slots[QN_JSONL_RAW];
    for (uint32_t i = 0; i < n; i++)
        rows->lines[rows->n + i] = f->lines + i;
    for (uint32_t i = 0; raw >= 0 && i < n; i++) {
        uint32_t at = rows->starts[rows->n + i],
                 end = breaks[i] - (f->bytes[breaks[i] - 1] == '\r');
        rows->cells[(size_t)raw * rows->capacity + rows->n + i] =
            qn_jsonl_cell(QN_JSONL_NESTED, at, end - at);
    }
    f->lines += n;
    f->pos = (size_t)breaks[n - 1] + 1;
    rows->n += n;
    rows->end_at += n * rows->layout.n;
    rows->break_at += n;
}

/* Cells that no value of the layout fills: keys that it does not have. */
static void clear_cells(struct qn_jsonl_rows *rows, uint32_t n)
{
    for (uint32_t c = 0; c < rows->n_columns; c++)
        memset(rows->cells + (size_t)c * rows->capacity + rows->n, 0, n * sizeof *rows->cells);
}

static bool may_try(const struct qn_jsonl_rows *rows)
{
    const struct qn_jsonl_frame *f = &rows->frame;
    return f->framing == QN_JSONL_LINES && rows->layout.n && !rows->rest && f->pos < f->stop &&
           f->len <= QN_MAX_FIELD_BYTES; /* a longer window may have a value that is too long */
}

/* How many of the next records could be taken from the index; it is made where there is none. */
static uint32_t take_stretch(struct qn_jsonl_rows *rows, uint32_t limit)
{
    struct qn_jsonl_frame *f = &rows->frame;
    struct qn_jsonl_index *index = &rows->index;
    if (!may_try(rows))
        return 0;
    if (rows->break_at == index->n_breaks) {
        qn_jsonl_index_fill(index, f->bytes, f->pos, f->len);
        rows->end_at = rows->break_at = 0;
        rows->valid = (struct qn_text_valid){f->pos, SIZE_MAX};
    }
    uint32_t n = index->n_breaks - rows->break_at;
    n = n < limit ? n : limit;
    n = count_regular(rows, count_valid(rows, n < rows->trial ? n : rows->trial));
    uint32_t *starts = rows->starts + rows->n;
    for (uint32_t i = 0; i < n; i++)
        starts[i] = i ? index->breaks[rows->break_at + i - 1] + 1 : (uint32_t)f->pos;
    struct qn_jsonl_stretch stretch = {f->bytes, index, rows->end_at, rows->break_at, n, starts};
    clear_cells(rows, n);
    uint32_t taken = n ? qn_jsonl_layout_match(&rows->layout, &stretch, rows->cells + rows->n,
                                               rows->capacity, rows->counts)
                       : 0;
    weigh(rows, n, taken);
    if (taken)
        note_rows(rows, taken);
    return taken;
}

/* A record was read by itself: the index goes on behind it. */
static void catch_up(struct qn_jsonl_rows *rows)
{
    const struct qn_jsonl_index *index = &rows->index;
    size_t pos = rows->frame.pos;
    while (rows->break_at < index->n_breaks && index->breaks[rows->break_at] < pos)
        rows->break_at++;
    while (rows->end_at < index->n_ends && index->ends[rows->end_at] < pos)
        rows->end_at++;
}

/* The next records may be like this one. */
static void learn(struct qn_jsonl_rows *rows, size_t at)
{
    size_t pos = rows->frame.pos;
    if (rows->rest)
        rows->rest--;
    else if (rows->parser.regular && pos > at && rows->frame.bytes[pos - 1] == '\n')
        qn_jsonl_layout_learn(&rows->layout, &rows->parser, at, pos - 1);
}

/* --- one record ------------------------------------------------------------------------------ */

static void add_row(struct qn_jsonl_rows *rows, size_t at, uint32_t line)
{
    const struct qn_jsonl_parser *p = &rows->parser;
    for (uint32_t c = 0; c < rows->n_columns; c++)
        rows->cells[(size_t)c * rows->capacity + rows->n] = p->cells[c];
    rows->starts[rows->n] = (uint32_t)at;
    rows->lines[rows->n++] = line;
}

static void add_refused(struct qn_jsonl_rows *rows, size_t at, size_t end, uint32_t line)
{
    const struct qn_jsonl_parser *p = &rows->parser;
    rows->refused[rows->n_refused++] = (struct qn_jsonl_refused){
        .at = at, .end = end, .line = line, .spot = p->spot, .node = p->node, .before = rows->n};
}

/* The next element of the record's array; leaves the array behind the last one. */
static void take_element(struct qn_jsonl_rows *rows)
{
    struct qn_jsonl_parser *p = &rows->parser;
    size_t at, end;
    if (p->list_at >= p->list_end) {
        rows->in_list = false;
        return;
    }
    bool after_cr = false, good = qn_jsonl_parser_element(p, rows->ordinal++, &at, &end);
    if (rows->frame.framing != QN_JSONL_LINES)
        rows->list_line += (uint32_t)qn_text_count_lines(p->bytes + rows->list_counted,
                                                         at - rows->list_counted, &after_cr);
    rows->list_counted = at;
    if (good)
        add_row(rows, at, rows->list_line);
    else
        add_refused(rows, at, end, rows->list_line);
}

static enum qn_jsonl_step take_one(struct qn_jsonl_rows *rows)
{
    size_t at, end;
    uint32_t line;
    enum qn_jsonl_step step = qn_jsonl_frame_next(&rows->frame, &at, &end, &line);
    if (step != QN_JSONL_RECORD)
        return step;
    catch_up(rows);
    if (!qn_jsonl_parser_record(&rows->parser, at, end)) {
        add_refused(rows, at, end, line);
    } else if (rows->parser.dialect->records.n) {
        rows->in_list = rows->parser.list_end > 0;
        rows->ordinal = 0;
        rows->list_line = line;
        rows->list_counted = at;
    } else {
        add_row(rows, at, line);
        if (rows->frame.framing == QN_JSONL_LINES)
            learn(rows, at);
    }
    return step;
}

enum qn_jsonl_step qn_jsonl_rows_next(struct qn_jsonl_rows *rows, uint32_t limit)
{
    assert(limit <= rows->capacity);
    rows->n = rows->n_refused = 0;
    if (!rows->in_list)
        qn_buf_clear(&rows->parser.made);
    while (rows->n < limit && rows->n_refused < rows->capacity) {
        if (rows->in_list) {
            take_element(rows);
            continue;
        }
        if (take_stretch(rows, limit - rows->n))
            continue;
        enum qn_jsonl_step step = take_one(rows);
        if (step != QN_JSONL_RECORD)
            return step;
    }
    return QN_JSONL_FULL;
}
