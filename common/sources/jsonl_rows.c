#include "sources/jsonl_rows.h"

#include <assert.h>

#include "sources/text_lines.h"

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
    bool whole = rows->cells && rows->starts && rows->lines && rows->refused;
    return whole ? QN_OK : qn_err_nomem(err, "jsonl record tables");
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
    if (!qn_jsonl_parser_record(&rows->parser, at, end)) {
        add_refused(rows, at, end, line);
    } else if (rows->parser.dialect->records.n) {
        rows->in_list = rows->parser.list_end > 0;
        rows->ordinal = 0;
        rows->list_line = line;
        rows->list_counted = at;
    } else {
        add_row(rows, at, line);
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
        enum qn_jsonl_step step = take_one(rows);
        if (step != QN_JSONL_RECORD)
            return step;
    }
    return QN_JSONL_FULL;
}
