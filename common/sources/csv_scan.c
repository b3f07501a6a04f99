#include "sources/csv_scan.h"

#include <assert.h>

#include "base/limits.h"
#include "sources/csv_mask.h"

static void load_block(struct qn_csv_scanner *s)
{
    bool odd;
    s->mask = qn_csv_mask(s->dialect, s->bytes + s->block, &odd);
    size_t left = s->len - s->block;
    if (left < 64)
        s->mask &= (UINT64_C(1) << left) - 1; /* the slack past the end is not content */
    if (odd)
        s->odd_end = s->block + 64;
}

void qn_csv_scanner_init(struct qn_csv_scanner *scanner, const struct qn_csv_dialect *dialect,
                         const char *bytes, size_t len, bool final)
{
    assert(len <= QN_CSV_LENGTH);
    *scanner = (struct qn_csv_scanner){.dialect = dialect,
                                       .bytes = bytes,
                                       .len = len,
                                       .stop = len,
                                       .final = final,
                                       .blank_lines = dialect->n_fields == 1};
    if (len)
        load_block(scanner);
}

void qn_csv_scanner_seek(struct qn_csv_scanner *scanner, size_t pos)
{
    scanner->pos = scanner->block = pos;
    load_block(scanner);
}

/* The next byte that matters, or len. */
static inline size_t next_hit(struct qn_csv_scanner *s)
{
    while (!s->mask) {
        if (s->len - s->block <= 64)
            return s->len;
        s->block += 64;
        load_block(s);
    }
    size_t at = s->block + (size_t)__builtin_ctzll(s->mask);
    s->mask &= s->mask - 1;
    return at;
}

static inline bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* From the hit at `at` on to the next line end; len when there is none. */
static size_t seek_line_end(struct qn_csv_scanner *s, size_t at)
{
    while (at < s->len && !is_line_end(s->bytes[at]))
        at = next_hit(s);
    return at;
}

/* Takes the line end at `at` (or the end of the bytes): moves pos behind it. False when the bytes
 * do not show whether the line ends there. */
static inline bool take_line_end(struct qn_csv_scanner *s, size_t at, uint32_t lines_within)
{
    if (at == s->len) {
        if (!s->final)
            return false;
        s->pos = at;
        s->lines += lines_within;
        return true;
    }
    if (s->bytes[at] == '\r') {
        if (at + 1 == s->len) {
            if (!s->final)
                return false; /* an LF may follow */
        } else if (s->bytes[at + 1] == '\n') {
            at = next_hit(s);
        }
    }
    s->pos = at + 1;
    s->lines += lines_within + 1;
    return true;
}

/* Blank and comment lines. QN_CSV_RECORD when a record begins at pos. */
static enum qn_csv_step skip_lines(struct qn_csv_scanner *s)
{
    for (;;) {
        if (s->pos >= s->stop || s->pos == s->len)
            return QN_CSV_STOP;
        char c = s->bytes[s->pos];
        bool comment = s->dialect->comment && c == s->dialect->comment;
        if (!comment && (s->blank_lines || !is_line_end(c)))
            return QN_CSV_RECORD;
        if (!take_line_end(s, seek_line_end(s, next_hit(s)), 0))
            return QN_CSV_INCOMPLETE;
    }
}

/* A quoted field's inside, from its first byte. Returns the place of the closing quote, or len;
 * *undecided when more bytes could change that. */
static size_t scan_quoted(struct qn_csv_scanner *s, uint32_t *marks, uint32_t *lines,
                          bool *undecided)
{
    const struct qn_csv_dialect *d = s->dialect;
    for (;;) {
        size_t at = next_hit(s);
        bool last = at + 1 >= s->len;
        if (at == s->len || (last && !s->final)) {
            *undecided = !s->final;
            return s->len;
        }
        char c = s->bytes[at], after = last ? '\0' : s->bytes[at + 1];
        if (d->escape && c == d->escape && (after == d->quote || after == d->escape) && !last) {
            (void)next_hit(s);
            *marks |= QN_CSV_ESCAPED;
        } else if (c == d->quote) {
            if (d->escape || last || after != d->quote)
                return at;
            (void)next_hit(s);
            *marks |= QN_CSV_ESCAPED;
        } else {
            *lines += c == '\n' || (c == '\r' && after != '\n');
        }
    }
}

/* What a record is made of while it is scanned. */
struct cursor {
    struct qn_csv_field *fields;
    uint32_t capacity, n, lines;
    size_t field; /* where the current field began */
};

static inline void store_field(struct cursor *cursor, size_t from, size_t to, uint32_t marks)
{
    if (cursor->n < cursor->capacity)
        cursor->fields[cursor->n] =
            (struct qn_csv_field){(uint32_t)from, (uint32_t)(to - from) | marks};
    cursor->n++;
}

static inline size_t set_fault(struct qn_csv_record *record, enum qn_csv_fault fault, size_t at)
{
    record->fault = fault;
    record->fault_at = (uint32_t)at;
    return at;
}

/* The quoted field that opens at `open`. Returns the hit behind it (delimiter, line end or len). */
static size_t take_quoted(struct qn_csv_scanner *s, struct cursor *cursor, size_t open,
                          struct qn_csv_record *record, bool *undecided)
{
    uint32_t marks = QN_CSV_QUOTED;
    size_t close = scan_quoted(s, &marks, &cursor->lines, undecided);
    if (close == s->len) {
        (void)set_fault(record, QN_CSV_UNTERMINATED, open);
        return close;
    }
    store_field(cursor, open + 1, close, marks);
    size_t at = next_hit(s);
    if (at != close + 1 ||
        (at < s->len && s->bytes[at] != s->dialect->delimiter && !is_line_end(s->bytes[at]))) {
        (void)set_fault(record, QN_CSV_JUNK, close + 1);
        return seek_line_end(s, at);
    }
    return at;
}

/* A quote inside an unquoted field is data where it marks inches or seconds (5", 37.8"N). */
static inline bool is_mark(const char *bytes, size_t at)
{
    return bytes[at - 1] >= '0' && bytes[at - 1] <= '9';
}

/* Fields up to the record's line end, whose place is returned (len: none). */
static size_t scan_fields(struct qn_csv_scanner *s, struct cursor *cursor,
                          struct qn_csv_record *record, bool *undecided)
{
    const char delimiter = s->dialect->delimiter, quote = s->dialect->quote;
    for (;;) {
        size_t at = next_hit(s);
        if (at < s->len && s->bytes[at] == delimiter) {
            store_field(cursor, cursor->field, at, 0);
            cursor->field = at + 1;
            continue;
        }
        if (at == s->len || is_line_end(s->bytes[at])) {
            store_field(cursor, cursor->field, at, 0);
            return at;
        }
        if (!quote || s->bytes[at] != quote)
            continue; /* an escape outside quotes is an ordinary character */
        if (at == cursor->field) {
            at = take_quoted(s, cursor, at, record, undecided);
            if (at == s->len || record->fault || is_line_end(s->bytes[at]))
                return at;
            cursor->field = at + 1;
        } else if (!is_mark(s->bytes, at)) {
            return seek_line_end(s, set_fault(record, QN_CSV_STRAY_QUOTE, at));
        }
    }
}

/* Faults that need the whole record. They come before those of quoting: bytes that are no text
 * explain what else is wrong. */
static void check_bytes(const struct qn_csv_scanner *s, const struct cursor *cursor,
                        struct qn_csv_record *record)
{
    struct qn_strv all = {s->bytes + record->at, record->end - record->at};
    if (s->odd_end > record->at && all.len) {
        const char *nul = memchr(all.data, 0, all.len);
        size_t good = nul ? all.len : qn_utf8_prefix(all);
        if (nul)
            (void)set_fault(record, QN_CSV_NUL, (size_t)(nul - s->bytes));
        else if (good < all.len)
            (void)set_fault(record, QN_CSV_NOT_UTF8, record->at + good);
    }
    if (all.len <= QN_MAX_FIELD_BYTES || record->fault)
        return;
    uint32_t stored = cursor->n < cursor->capacity ? cursor->n : cursor->capacity;
    for (uint32_t i = 0; i < stored; i++)
        if ((cursor->fields[i].flags & QN_CSV_LENGTH) > QN_MAX_FIELD_BYTES)
            (void)set_fault(record, QN_CSV_LONG_FIELD, cursor->fields[i].at);
}

enum qn_csv_step qn_csv_scanner_next(struct qn_csv_scanner *s, struct qn_csv_field *fields,
                                     uint32_t capacity, struct qn_csv_record *record)
{
    enum qn_csv_step step = skip_lines(s);
    if (step != QN_CSV_RECORD)
        return step;
    struct cursor cursor = {.fields = fields, .capacity = capacity, .field = s->pos};
    *record = (struct qn_csv_record){.at = (uint32_t)s->pos, .line = s->lines};
    bool undecided = false;
    size_t end = scan_fields(s, &cursor, record, &undecided);
    if (undecided || !take_line_end(s, end, cursor.lines))
        return QN_CSV_INCOMPLETE;
    if (record->fault == QN_CSV_UNTERMINATED) /* the file's last line end is none of the text */
        while (end > record->at && is_line_end(s->bytes[end - 1]))
            end--;
    record->end = (uint32_t)end;
    record->n_fields = cursor.n;
    check_bytes(s, &cursor, record);
    return QN_CSV_RECORD;
}
