#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/utf8.h"

void qn_diags_init(struct qn_diags *diags, const char *file, struct qn_strv text)
{
    *diags = (struct qn_diags){.file = file, .text = text};
    qn_arena_init(&diags->arena);
}

void qn_diags_fini(struct qn_diags *diags)
{
    qn_arena_fini(&diags->arena);
    *diags = (struct qn_diags){0};
}

static char *copy_text(struct qn_diags *diags, const char *text)
{
    return text ? qn_arena_strdup(&diags->arena, qn_strv_from(text)) : NULL;
}

__attribute__((format(printf, 2, 0))) static char *format_text(struct qn_diags *diags,
                                                               const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *text = len < 0 ? NULL : qn_arena_alloc(&diags->arena, (size_t)len + 1);
    if (text)
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

/* The complaint that stands for the same mistake already, or NULL. */
static struct qn_diag *find_same(struct qn_diags *diags, const struct qn_diag *fresh)
{
    for (size_t i = 0; i < diags->n; i++) {
        struct qn_diag *old = &diags->items[i];
        if (memcmp(&old->span, &fresh->span, sizeof fresh->span) == 0 &&
            (fresh->span.line != 0 || strcmp(old->message, fresh->message) == 0))
            return old;
    }
    return NULL;
}

static bool grow(struct qn_diags *diags)
{
    if (diags->n < diags->capacity)
        return true;
    size_t capacity = diags->capacity ? diags->capacity * 2 : 8;
    struct qn_diag *items = QN_NEW_ARRAY(&diags->arena, struct qn_diag, capacity);
    if (!items)
        return false;
    if (diags->n)
        memcpy(items, diags->items, diags->n * sizeof *items);
    diags->items = items;
    diags->capacity = capacity;
    return true;
}

/* Keeps the complaint unless its mistake is known. An error takes the place of a warning. */
static void keep(struct qn_diags *diags, struct qn_diag fresh)
{
    struct qn_diag *same = fresh.message ? find_same(diags, &fresh) : NULL;
    if (same && (fresh.warning || !same->warning))
        return;
    if (!fresh.warning)
        diags->n_errors++;
    if (same) {
        *same = fresh;
        return;
    }
    if (!fresh.message || diags->n >= QN_MAX_DIAGNOSTICS || !grow(diags)) {
        diags->n_dropped++;
        return;
    }
    diags->items[diags->n++] = fresh;
}

void qn_diags_add(struct qn_diags *diags, struct qn_span span, const char *expected,
                  const char *hint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct qn_diag fresh = {.span = span,
                            .message = format_text(diags, format, args),
                            .expected = copy_text(diags, expected),
                            .hint = copy_text(diags, hint)};
    va_end(args);
    keep(diags, fresh);
}

void qn_diags_warn(struct qn_diags *diags, struct qn_span span, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct qn_diag fresh = {
        .span = span, .message = format_text(diags, format, args), .warning = true};
    va_end(args);
    keep(diags, fresh);
}

static bool comes_before(const struct qn_diag *a, const struct qn_diag *b)
{
    if (a->span.line != b->span.line)
        return a->span.line < b->span.line;
    return a->span.column < b->span.column;
}

/* Insertion: stable, and never more than QN_MAX_DIAGNOSTICS. */
static void sort_by_place(struct qn_diags *diags)
{
    for (size_t i = 1; i < diags->n; i++) {
        struct qn_diag item = diags->items[i];
        size_t at = i;
        for (; at > 0 && comes_before(&item, &diags->items[at - 1]); at--)
            diags->items[at] = diags->items[at - 1];
        diags->items[at] = item;
    }
}

/* Walks the lines of the spec forwards. */
struct lines {
    struct qn_strv rest;
    uint32_t line; /* of the first byte of rest, 1-based */
};

static struct lines lines_from(struct qn_strv text)
{
    if (text.len >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0)
        text = (struct qn_strv){text.data + 3, text.len - 3}; /* a BOM is no column */
    return (struct lines){text, 1};
}

static size_t line_length(struct qn_strv text)
{
    size_t n = 0;
    while (n < text.len && text.data[n] != '\n' && text.data[n] != '\r')
        n++;
    return n;
}

/* The text of a line at or after the last one asked for; false past the end. */
static bool lines_seek(struct lines *lines, uint32_t line, struct qn_strv *out)
{
    while (lines->line < line) {
        size_t n = line_length(lines->rest);
        if (n == lines->rest.len)
            return false;
        n += lines->rest.data[n] == '\r' && n + 1 < lines->rest.len &&
                     lines->rest.data[n + 1] == '\n'
                 ? 2
                 : 1;
        lines->rest.data += n;
        lines->rest.len -= n;
        lines->line++;
    }
    *out = (struct qn_strv){lines->rest.data, line_length(lines->rest)};
    return lines->rest.len > 0;
}

/* The piece of a line that is shown, in bytes, and where the carets stand within it. */
struct window {
    size_t from, to;      /* bytes of the line */
    size_t caret, carets; /* bytes of the line: first and past the last marked */
    bool cut_left, cut_right;
};

enum { SHOWN_CELLS = 96, CELLS_BEFORE_CARET = 40 };

/* Byte past `n` code points from byte `at`. */
static size_t skip_points(struct qn_strv line, size_t at, uint32_t n)
{
    for (uint32_t i = 0; i < n && at < line.len; i++)
        qn_utf8_next(line, &at);
    return at;
}

/* The byte from which the text up to `end` takes at most `cells`. */
static size_t back_cells(struct qn_strv line, size_t end, size_t cells)
{
    /* A code point has at most four bytes: start that far back, then walk up to the fit. */
    size_t from = end > cells * 4 ? end - cells * 4 : 0;
    while (from < end && ((unsigned char)line.data[from] & 0xC0) == 0x80)
        from++;
    size_t total = 0;
    for (size_t at = from; at < end;)
        total += qn_utf8_cells(qn_utf8_next(line, &at));
    while (total > cells && from < end)
        total -= qn_utf8_cells(qn_utf8_next(line, &from));
    return from;
}

static struct window window_of(struct qn_strv line, struct qn_span span)
{
    struct window w = {0};
    w.caret = skip_points(line, 0, span.column ? span.column - 1 : 0);
    w.carets = skip_points(line, w.caret, span.width ? span.width : 1);
    w.to = line.len;
    if (line.len > SHOWN_CELLS) {
        w.from = back_cells(line, w.caret, CELLS_BEFORE_CARET);
        size_t cells = 0;
        for (w.to = w.from; w.to < line.len && cells < SHOWN_CELLS;)
            cells += qn_utf8_cells(qn_utf8_next(line, &w.to));
    }
    if (w.carets > w.to)
        w.carets = w.to;
    w.cut_left = w.from > 0;
    w.cut_right = w.to < line.len;
    return w;
}

/* The line itself: tabs stay (the caret line has them too), other controls become '?'. */
static void put_source(struct qn_buf *out, struct qn_strv line, const struct window *w)
{
    if (w->cut_left)
        qn_buf_put(out, "...", 3);
    for (size_t at = w->from; at < w->to;) {
        size_t begin = at;
        uint32_t point = qn_utf8_next(line, &at);
        if ((point < 0x20 && point != '\t') || (point >= 0x7F && point < 0xA0) ||
            point == QN_UTF8_BAD)
            qn_buf_put(out, "?", 1);
        else
            qn_buf_put(out, line.data + begin, at - begin);
    }
    if (w->cut_right)
        qn_buf_put(out, "...", 3);
}

static void put_carets(struct qn_buf *out, struct qn_strv line, const struct window *w)
{
    if (w->cut_left)
        qn_buf_put(out, "   ", 3);
    for (size_t at = w->from; at < w->caret;) {
        uint32_t point = qn_utf8_next(line, &at);
        for (unsigned i = 0; i < qn_utf8_cells(point); i++)
            qn_buf_put(out, point == '\t' ? "\t" : " ", 1);
    }
    unsigned carets = 0;
    for (size_t at = w->caret; at < w->carets;)
        carets += qn_utf8_cells(qn_utf8_next(line, &at));
    for (unsigned i = 0; i < (carets ? carets : 1); i++)
        qn_buf_put(out, "^", 1);
}

struct palette {
    const char *place, *error, *warning, *hint, *gutter, *off;
};

static void put_excerpt(struct qn_buf *out, const struct qn_diag *diag, struct qn_strv line,
                        const struct palette *palette)
{
    struct window w = window_of(line, diag->span);
    qn_buf_printf(out, "%s%5u |%s ", palette->gutter, diag->span.line, palette->off);
    put_source(out, line, &w);
    qn_buf_printf(out, "\n%s      |%s %s", palette->gutter, palette->off,
                  diag->warning ? palette->warning : palette->error);
    put_carets(out, line, &w);
    qn_buf_printf(out, "%s\n", palette->off);
}

static void put_note(struct qn_buf *out, const char *lead, const char *text, const char *color,
                     const char *off)
{
    if (!text)
        return;
    qn_buf_printf(out, "  %s%s", color, lead);
    qn_utf8_put_printable(out, qn_strv_from(text));
    qn_buf_printf(out, "%s\n", off);
}

void qn_diags_render(struct qn_diags *diags, struct qn_buf *out, bool color)
{
    static const struct palette plain = {"", "", "", "", "", ""};
    static const struct palette colored = {"\x1b[1m",  "\x1b[1;31m", "\x1b[1;33m",
                                           "\x1b[36m", "\x1b[2m",    "\x1b[0m"};
    const struct palette *palette = color ? &colored : &plain;
    sort_by_place(diags);
    struct lines lines = lines_from(diags->text);
    for (size_t i = 0; i < diags->n; i++) {
        const struct qn_diag *diag = &diags->items[i];
        qn_buf_printf(out, "%s", palette->place);
        qn_utf8_put_printable(out, qn_strv_from(diags->file));
        if (diag->span.line)
            qn_buf_printf(out, ":%u:%u", diag->span.line, diag->span.column);
        qn_buf_printf(out, ":%s ", palette->off);
        if (diag->warning)
            qn_buf_printf(out, "%swarning:%s ", palette->warning, palette->off);
        qn_utf8_put_printable(out, qn_strv_from(diag->message));
        qn_buf_put(out, "\n", 1);
        struct qn_strv line;
        if (diag->span.line && lines_seek(&lines, diag->span.line, &line))
            put_excerpt(out, diag, line, palette);
        put_note(out, "expected ", diag->expected, "", "");
        put_note(out, "", diag->hint, palette->hint, palette->off);
    }
    if (diags->n_dropped)
        qn_buf_printf(out, "and %zu more\n", diags->n_dropped);
}

static void put_json_member(struct qn_buf *out, const char *name, const char *text)
{
    qn_buf_printf(out, ",\"%s\":", name);
    if (text)
        qn_json_put_text(out, qn_strv_from(text));
    else
        qn_buf_printf(out, "null");
}

void qn_diags_render_json(struct qn_diags *diags, struct qn_buf *out)
{
    sort_by_place(diags);
    qn_buf_printf(out, "[");
    for (size_t i = 0; i < diags->n; i++) {
        const struct qn_diag *diag = &diags->items[i];
        qn_buf_printf(out, "%s{\"file\":", i ? ",\n " : "");
        qn_json_put_text(out, qn_strv_from(diags->file));
        qn_buf_printf(out, ",\"line\":%u,\"column\":%u,\"width\":%u", diag->span.line,
                      diag->span.column, diag->span.width);
        put_json_member(out, "severity", diag->warning ? "warning" : "error");
        put_json_member(out, "message", diag->message);
        put_json_member(out, "expected", diag->expected);
        put_json_member(out, "hint", diag->hint);
        qn_buf_printf(out, "}");
    }
    qn_buf_printf(out, "]\n");
}
