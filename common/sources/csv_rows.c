#include "sources/csv_rows.h"

#include <assert.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "sources/text_lines.h"

/* Places that are found before they are used: some 200 KiB of them and their text stay in a
 * second-level cache. */
enum { INDEX_PLACES = 16 << 10 };

qn_code qn_csv_rows_init(struct qn_csv_rows *rows, uint32_t n_fields, uint32_t capacity,
                         struct qn_arena *arena, struct qn_err *err)
{
    *rows = (struct qn_csv_rows){.n_fields = n_fields, .capacity = capacity};
    size_t places = INDEX_PLACES + QN_CSV_INDEX_ROOM;
    rows->index = (struct qn_csv_index){.capacity = INDEX_PLACES,
                                        .ends = qn_arena_alloc(arena, places * sizeof(uint32_t)),
                                        .breaks = qn_arena_alloc(arena, places * sizeof(uint32_t))};
    rows->starts = QN_NEW_ARRAY(arena, uint32_t, capacity);
    rows->own_ends = QN_NEW_ARRAY(arena, uint32_t, (size_t)capacity * n_fields);
    rows->fields = QN_NEW_ARRAY(arena, struct qn_csv_field, n_fields);
    rows->faulty = QN_NEW_ARRAY(arena, struct qn_csv_record, capacity);
    rows->before = QN_NEW_ARRAY(arena, uint32_t, capacity);
    bool whole = rows->index.ends && rows->index.breaks && rows->starts && rows->own_ends &&
                 rows->fields && rows->faulty && rows->before;
    return whole ? QN_OK : qn_err_nomem(err, "csv record tables");
}

void qn_csv_rows_over(struct qn_csv_rows *rows, const struct qn_csv_dialect *dialect,
                      const char *bytes, size_t len, size_t stop, bool final)
{
    qn_csv_scanner_init(&rows->scanner, dialect, bytes, len, final);
    if (stop < len)
        rows->scanner.stop = stop;
    rows->index.n_ends = rows->index.n_breaks = rows->end_at = rows->break_at = 0;
}

/* --- what rows are made of ------------------------------------------------------------------- */

struct qn_csv_record qn_csv_rows_record(const struct qn_csv_rows *rows, uint32_t row)
{
    const char *bytes = rows->scanner.bytes;
    uint32_t at = rows->starts[row], end = rows->ends[(size_t)(row + 1) * rows->n_fields - 1];
    if (rows->crlf && end > at && bytes[end] == '\n' && bytes[end - 1] == '\r')
        end--;
    return (struct qn_csv_record){.at = at, .end = end, .n_fields = rows->n_fields};
}

/* Where stretches meet, their ends have to be moved together. */
static uint32_t *room_for_ends(struct qn_csv_rows *rows)
{
    if (rows->n && rows->ends != rows->own_ends)
        memcpy(rows->own_ends, rows->ends, (size_t)rows->n * rows->n_fields * sizeof *rows->ends);
    rows->ends = rows->own_ends;
    return rows->own_ends + (size_t)rows->n * rows->n_fields;
}

/* --- a stretch of the index ------------------------------------------------------------------ */

/* Records of the index whose bytes are UTF-8, at most n from the first one not taken. */
static uint32_t count_valid(struct qn_csv_rows *rows, uint32_t n)
{
    if (!rows->index.past_ascii)
        return n;
    return qn_text_valid_records(&rows->valid, rows->scanner.bytes, rows->scanner.pos,
                                 rows->index.breaks + rows->break_at, n);
}

/* Records of the index that begin before the stop, follow each other and have the right number of
 * fields, at most n. */
static uint32_t count_regular(const struct qn_csv_rows *rows, uint32_t n)
{
    const uint32_t *breaks = rows->index.breaks + rows->break_at;
    const uint32_t *last = rows->index.ends + rows->end_at + rows->n_fields - 1;
    uint32_t left = (rows->index.n_ends - rows->end_at) / rows->n_fields;
    if (n > left)
        n = left;
    uint32_t regular = 0;
    while (regular < n && last[(size_t)regular * rows->n_fields] == breaks[regular])
        regular++;
    while (regular > 1 && breaks[regular - 2] + 1 >= rows->scanner.stop)
        regular--;
    return regular;
}

static void take_stretch(struct qn_csv_rows *rows, uint32_t n)
{
    struct qn_csv_scanner *s = &rows->scanner;
    const uint32_t *ends = rows->index.ends + rows->end_at;
    const uint32_t *breaks = rows->index.breaks + rows->break_at;
    if (rows->n == 0)
        rows->ends = ends;
    else
        memcpy(room_for_ends(rows), ends, (size_t)n * rows->n_fields * sizeof *ends);
    uint32_t *starts = rows->starts + rows->n;
    starts[0] = (uint32_t)s->pos;
    for (uint32_t i = 1; i < n; i++)
        starts[i] = breaks[i - 1] + 1;
    size_t end = (size_t)breaks[n - 1] + 1;
    bool after_cr = false;
    s->lines += rows->index.lines_inside
                    ? (uint32_t)qn_text_count_lines(s->bytes + s->pos, end - s->pos, &after_cr)
                    : n;
    s->pos = end;
    rows->n += n;
    rows->end_at += n * rows->n_fields;
    rows->break_at += n;
    rows->quoted |= rows->index.quoted;
    rows->escaped |= rows->index.doubled;
    rows->crlf |= rows->index.crlf;
}

/* How many records from pos on can be taken from the index; it is made where there is none. */
static uint32_t find_stretch(struct qn_csv_rows *rows, uint32_t limit)
{
    struct qn_csv_scanner *s = &rows->scanner;
    struct qn_csv_index *index = &rows->index;
    if (s->pos >= s->stop || s->len > QN_MAX_FIELD_BYTES)
        return 0; /* so long a window has a record that may be too long */
    if (rows->break_at == index->n_breaks) {
        if (rows->n && rows->ends != rows->own_ends)
            (void)room_for_ends(rows); /* the index gives up what the rows so far borrow */
        qn_csv_index_fill(index, s->dialect, s->bytes, s->pos, s->len);
        rows->end_at = rows->break_at = 0;
        rows->valid = (struct qn_text_valid){s->pos, SIZE_MAX};
    }
    uint32_t n = index->n_breaks - rows->break_at;
    return count_regular(rows, count_valid(rows, n < limit ? n : limit));
}

/* --- one record ------------------------------------------------------------------------------ */

static void add_good(struct qn_csv_rows *rows, const struct qn_csv_record *record)
{
    uint32_t *ends = room_for_ends(rows);
    for (uint32_t i = 0; i < rows->n_fields; i++) {
        struct qn_csv_field field = rows->fields[i];
        bool quoted = (field.flags & QN_CSV_QUOTED) != 0;
        ends[i] = field.at + (field.flags & QN_CSV_LENGTH) + quoted;
        rows->quoted |= quoted;
        rows->escaped |= (field.flags & QN_CSV_ESCAPED) != 0;
    }
    rows->starts[rows->n++] = record->at;
}

/* The scanner went past some of the index. */
static void catch_up(struct qn_csv_rows *rows)
{
    const struct qn_csv_index *index = &rows->index;
    while (rows->break_at < index->n_breaks && index->breaks[rows->break_at] < rows->scanner.pos)
        rows->break_at++;
    while (rows->end_at < index->n_ends && index->ends[rows->end_at] < rows->scanner.pos)
        rows->end_at++;
}

static enum qn_csv_step take_one(struct qn_csv_rows *rows)
{
    struct qn_csv_record record;
    qn_csv_scanner_seek(&rows->scanner, rows->scanner.pos);
    enum qn_csv_step step =
        qn_csv_scanner_next(&rows->scanner, rows->fields, rows->n_fields, &record);
    catch_up(rows);
    if (step != QN_CSV_RECORD)
        return step;
    if (!record.fault && record.n_fields != rows->n_fields) {
        record.fault = QN_CSV_COLUMNS;
        record.fault_at = record.at;
    }
    if (!record.fault) {
        add_good(rows, &record);
    } else {
        rows->before[rows->n_faulty] = rows->n;
        rows->faulty[rows->n_faulty++] = record;
    }
    return step;
}

enum qn_csv_step qn_csv_rows_next(struct qn_csv_rows *rows, uint32_t limit)
{
    assert(limit <= rows->capacity);
    rows->n = rows->n_faulty = 0;
    rows->quoted = rows->escaped = rows->crlf = false;
    rows->line = rows->scanner.lines;
    rows->from = rows->scanner.pos;
    while (rows->n < limit && rows->n_faulty < rows->capacity) {
        uint32_t n = find_stretch(rows, limit - rows->n);
        if (n) {
            take_stretch(rows, n);
            continue;
        }
        enum qn_csv_step step = take_one(rows);
        if (step != QN_CSV_RECORD)
            return step;
    }
    return QN_CSV_FULL;
}
