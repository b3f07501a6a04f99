#include "sources/jsonl_frame.h"

#include <string.h>

#include "sources/text_lines.h"

/* --- lines or a document --------------------------------------------------------------------- */

static size_t line_end(const char *bytes, size_t at, size_t len)
{
    const char *lf = at < len ? memchr(bytes + at, '\n', len - at) : NULL;
    return lf ? (size_t)(lf - bytes) : len;
}

/* Lines whose records are arrays, rather than one array of records. */
static bool are_arrays(const char *bytes, size_t at, size_t len)
{
    struct qn_json_spot spot;
    size_t behind = qn_json_skip(bytes, at, len, 0, &spot), end = line_end(bytes, at, len);
    if (!behind || behind > end || qn_json_blanks(bytes, behind, end) != end)
        return false;
    return qn_json_blanks(bytes, end, len) != len;
}

/* The first value does not read on. A line that was cut short goes wrong where the next line's
 * object begins; anything else that runs over lines is a document with a mistake. */
static enum qn_jsonl_framing of_broken(const char *bytes, size_t end, size_t len,
                                       struct qn_json_spot spot)
{
    if (spot.at <= end)
        return QN_JSONL_LINES;
    size_t first = spot.at;
    while (first > 0 && bytes[first - 1] != '\n' && qn_json_is_blank(bytes[first - 1]))
        first--;
    bool begins_line = first > 0 && bytes[first - 1] == '\n';
    return begins_line && spot.at < len && bytes[spot.at] == '{' ? QN_JSONL_LINES : QN_JSONL_STREAM;
}

enum qn_jsonl_framing qn_jsonl_framing_sniff(const char *bytes, size_t len, bool final)
{
    struct qn_json_spot spot = {0};
    size_t at = qn_json_blanks(bytes, 0, len);
    if (at == len)
        return QN_JSONL_LINES;
    if (bytes[at] == '[')
        return are_arrays(bytes, at, len) ? QN_JSONL_LINES : QN_JSONL_ARRAY;
    size_t end = line_end(bytes, at, len), behind = qn_json_skip(bytes, at, len, 0, &spot);
    if (!behind && spot.at >= len && !final)
        return end < len ? QN_JSONL_STREAM : QN_JSONL_LINES;
    if (!behind)
        return of_broken(bytes, end, len, spot);
    if (behind > end)
        return QN_JSONL_STREAM;
    size_t next = qn_json_blanks(bytes, behind, end);
    bool another = next < end && bytes[at] == '{' && bytes[next] == '{' &&
                   (qn_json_skip(bytes, next, len, 0, &spot) || (spot.at >= len && !final));
    return another ? QN_JSONL_STREAM : QN_JSONL_LINES;
}

/* --- records --------------------------------------------------------------------------------- */

void qn_jsonl_frame_over(struct qn_jsonl_frame *frame, const char *bytes, size_t len, size_t stop,
                         bool final)
{
    frame->bytes = bytes;
    frame->len = len;
    frame->stop = stop < len ? stop : len;
    frame->final = final;
    frame->pos = 0;
    frame->lines = 0;
}

static enum qn_jsonl_step next_line(struct qn_jsonl_frame *f, size_t *at, size_t *end,
                                    uint32_t *line)
{
    while (f->pos < f->stop) {
        size_t begin = f->pos, lf = line_end(f->bytes, begin, f->len);
        if (lf == f->len && !f->final)
            return QN_JSONL_INCOMPLETE;
        *line = f->lines;
        f->lines += lf < f->len;
        f->pos = lf + (lf < f->len);
        if (qn_json_blanks(f->bytes, begin, lf) == lf)
            continue;
        *at = begin;
        *end = lf - (f->bytes[lf - 1] == '\r');
        return QN_JSONL_RECORD;
    }
    return QN_JSONL_STOP;
}

static void move_to(struct qn_jsonl_frame *f, size_t pos)
{
    f->lines += (uint32_t)qn_text_count_lines(f->bytes + f->pos, pos - f->pos, &f->after_cr);
    f->pos = pos;
}

static enum qn_jsonl_step broken(struct qn_jsonl_frame *f, enum qn_json_fault fault, size_t at)
{
    if (at >= f->len && !f->final)
        return QN_JSONL_INCOMPLETE;
    f->spot = (struct qn_json_spot){fault, at};
    return QN_JSONL_BROKEN;
}

/* What stands between the records of an array. QN_JSONL_RECORD: one begins at pos. */
static enum qn_jsonl_step pass_marks(struct qn_jsonl_frame *f)
{
    for (;;) {
        move_to(f, qn_json_blanks(f->bytes, f->pos, f->len));
        char c = f->pos < f->len ? f->bytes[f->pos] : '\0';
        if (f->place == QN_JSONL_DONE)
            return f->pos < f->len ? broken(f, QN_JSON_AFTER, f->pos) : QN_JSONL_STOP;
        if (f->pos >= f->len && !f->final)
            return QN_JSONL_STOP; /* more may follow: the window moves on */
        if (f->place == QN_JSONL_OPEN && c == '[') {
            f->place = QN_JSONL_FIRST;
        } else if (c == ']' && f->place != QN_JSONL_OPEN) {
            f->place = QN_JSONL_DONE;
        } else if (f->place == QN_JSONL_NEXT && c == ',') {
            size_t after = qn_json_blanks(f->bytes, f->pos + 1, f->len);
            if (after >= f->len || f->bytes[after] == ']')
                return broken(f, after < f->len ? QN_JSON_COMMA : QN_JSON_VALUE, after);
            move_to(f, after);
            return QN_JSONL_RECORD;
        } else {
            return f->place == QN_JSONL_FIRST ? QN_JSONL_RECORD : broken(f, QN_JSON_NEXT, f->pos);
        }
        move_to(f, f->pos + 1);
    }
}

static enum qn_jsonl_step next_in_document(struct qn_jsonl_frame *f, size_t *at, size_t *end,
                                           uint32_t *line)
{
    size_t pos = f->pos;
    uint32_t lines = f->lines;
    bool after_cr = f->after_cr;
    enum qn_jsonl_place place = f->place;
    enum qn_jsonl_step step = QN_JSONL_RECORD;
    if (f->framing == QN_JSONL_ARRAY)
        step = pass_marks(f);
    else
        move_to(f, qn_json_blanks(f->bytes, f->pos, f->len));
    if (step == QN_JSONL_RECORD && f->pos == f->len && f->framing == QN_JSONL_STREAM)
        return QN_JSONL_STOP;
    size_t behind = 0;
    if (step == QN_JSONL_RECORD) {
        behind = qn_json_skip(f->bytes, f->pos, f->len, f->framing == QN_JSONL_ARRAY, &f->spot);
        if (!behind || (behind == f->len && !f->final))
            step = broken(f, f->spot.fault, behind ? behind : f->spot.at);
    }
    if (step == QN_JSONL_INCOMPLETE) { /* from where it was, with more of it */
        f->pos = pos;
        f->lines = lines;
        f->after_cr = after_cr;
        f->place = place;
    }
    if (step != QN_JSONL_RECORD)
        return step;
    *at = f->pos;
    *end = behind;
    *line = f->lines;
    move_to(f, behind);
    f->place = QN_JSONL_NEXT;
    return QN_JSONL_RECORD;
}

enum qn_jsonl_step qn_jsonl_frame_next(struct qn_jsonl_frame *frame, size_t *at, size_t *end,
                                       uint32_t *line)
{
    return frame->framing == QN_JSONL_LINES ? next_line(frame, at, end, line)
                                            : next_in_document(frame, at, end, line);
}
