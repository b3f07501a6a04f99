#include "spec/syntax.h"

#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"

/* Characters that YAML does not take as they are, or takes for a line end where editors do not. */
static const char *refused_point(uint32_t point)
{
    if (point == QN_UTF8_BAD)
        return "this byte is not UTF-8";
    if (point == 0x85 || point == 0x2028 || point == 0x2029)
        return "an unusual line separator (U+0085, U+2028, U+2029) cannot stand in a spec";
    if ((point < 0x20 && point != '\t' && point != '\n' && point != '\r') || point == 0x7F ||
        (point >= 0x80 && point < 0xA0) || point == 0xFFFE || point == 0xFFFF)
        return "a control character cannot stand in a spec";
    return NULL;
}

bool qn_syntax_check_text(struct qn_strv text, struct qn_diags *diags)
{
    struct qn_span span = {1, 1, 1};
    if (text.len > QN_MAX_SPEC_BYTES) {
        qn_diags_add(diags, (struct qn_span){0, 0, 0}, NULL, NULL,
                     "a spec can have %d bytes; this has %zu", QN_MAX_SPEC_BYTES, text.len);
        return false;
    }
    if (text.len >= 2 &&
        (memcmp(text.data, "\xFF\xFE", 2) == 0 || memcmp(text.data, "\xFE\xFF", 2) == 0)) {
        qn_diags_add(diags, (struct qn_span){0, 0, 0}, NULL, "save it as UTF-8",
                     "the spec is UTF-16");
        return false;
    }
    size_t at = text.len >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    while (at < text.len) {
        uint32_t point = qn_utf8_next(text, &at);
        const char *refused = refused_point(point);
        if (refused) {
            qn_diags_add(diags, span, NULL,
                         point == QN_UTF8_BAD ? "save the spec as UTF-8"
                                              : "write it as an escape in double quotes",
                         "%s", refused);
            return false;
        }
        bool line_end =
            point == '\n' || (point == '\r' && (at == text.len || text.data[at] != '\n'));
        span.line += line_end;
        span.column = line_end ? 1 : span.column + 1;
    }
    return true;
}

/* libyaml's words, what they mean to somebody who writes a spec, and whether the place to look at
 * is where the thing began. */
static const struct phrase {
    const char *problem, *message, *hint;
    bool at_context;
} phrases[] = {
    {"mapping values are not allowed in this context", "a ':' where no key can stand",
     "quote a value that holds ': '; check the indentation, and the line above for its ':'", false},
    {"could not find expected ':'", "this key has no ':' after it", NULL, true},
    {"did not find expected key", "this does not line up with the keys above it",
     "check the indentation and the quotes", false},
    {"did not find expected '-' indicator", "this does not line up with the list above it",
     "check the indentation", false},
    {"block sequence entries are not allowed in this context", "a list item cannot start here",
     "put the list on lines of its own under its key", false},
    {"block mapping entries are not allowed in this context", "a key cannot stand here", NULL,
     false},
    {"mapping keys are not allowed in this context", "a key cannot stand here", NULL, false},
    {"did not find expected ',' or ']'", "this '[' is not closed",
     "check for a missing ',' or ']', and quote texts that hold [ ] { } or ,", true},
    {"did not find expected ',' or '}'", "this '{' is not closed",
     "check for a missing ',' or '}', and quote texts that hold [ ] { } or ,", true},
    {"found unexpected end of stream", "this quote is not closed", NULL, true},
    {"found unexpected document indicator", "this quote is not closed", NULL, true},
    {"found unknown escape character", "an unknown escape in double quotes",
     "use single quotes, or write \\\\ for a backslash", false},
    {"found a tab character", "a tab cannot indent", "use spaces", false},
    {"did not find expected alphabetic or numeric character",
     "a value cannot start with '*' or '&'", "quote it", true},
    {"did not find expected node content", "a value is missing here", NULL, false},
    {"did not find expected <document start>", "the spec had ended before this",
     "check the indentation, and quote a value that starts with a quote or a bracket", false},
    {"did not find expected <stream-start>", "this is no YAML", NULL, false},
    {"did not find expected whitespace or line break", "a blank is missing here", NULL, false},
    {"did not find expected comment or line break", "nothing can follow here on this line", NULL,
     false},
    {"found incompatible YAML document", "only YAML 1.1 and 1.2 can be read",
     "leave the %YAML line out", false},
    {"found undefined tag handle", "tags are not allowed in a spec", "leave the tag out", false},
};

static const struct phrase *phrase_of(const char *problem)
{
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (strncmp(problem, phrases[i].problem, strlen(phrases[i].problem)) == 0)
            return &phrases[i];
    return NULL;
}

/* The rest of the text from line and column (0-based, in code points). */
static struct qn_strv text_at(struct qn_strv text, const yaml_mark_t *mark)
{
    size_t at = text.len >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    for (size_t i = 0; i < mark->index && at < text.len; i++)
        qn_utf8_next(text, &at);
    return (struct qn_strv){text.data + at, text.len - at};
}

static bool line_holds(struct qn_strv from, const char *word)
{
    size_t n = 0;
    while (n < from.len && from.data[n] != '\n')
        n++;
    return n && memmem(from.data, n, word, strlen(word)) != NULL;
}

static bool line_has_complaint(const struct qn_diags *diags, uint32_t line)
{
    for (size_t i = 0; i < diags->n; i++)
        if (diags->items[i].span.line == line)
            return true;
    return false;
}

static void complain_start(struct qn_diags *diags, struct qn_span span, struct qn_strv from)
{
    char first = from.len ? from.data[0] : '\0';
    if (first == '\t')
        qn_diags_add(diags, span, NULL, "use spaces", "a tab cannot indent");
    else
        qn_diags_add(diags, span, NULL, "put the value in quotes", "a value cannot start with '%c'",
                     first);
}

void qn_syntax_complain(const yaml_parser_t *parser, struct qn_strv text, struct qn_diags *diags)
{
    const char *problem = parser->problem ? parser->problem : "unreadable";
    const struct phrase *phrase = phrase_of(problem);
    const yaml_mark_t *mark = &parser->problem_mark;
    if (phrase && phrase->at_context && parser->context)
        mark = &parser->context_mark;
    struct qn_span span = {(uint32_t)mark->line + 1, (uint32_t)mark->column + 1, 1};
    struct qn_strv from = text_at(text, mark);
    if (line_has_complaint(diags, span.line))
        return;
    if (strcmp(problem, "found character that cannot start any token") == 0)
        complain_start(diags, span, from);
    else if (phrase && phrase->at_context && line_holds(from, "${"))
        qn_diags_add(diags, span, NULL, "inside [ ] and { }, a value with ${...} must be quoted",
                     "%s", phrase->message);
    else if (phrase)
        qn_diags_add(diags, span, NULL, phrase->hint, "%s", phrase->message);
    else
        qn_diags_add(diags, span, NULL, NULL, "this is not valid YAML: %s", problem);
}
