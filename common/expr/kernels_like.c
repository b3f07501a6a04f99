/* kernels_like: LIKE (ASCII letters without case) and GLOB.
 *
 * One pass with a single point to go back to, the last % or *: no pattern takes more than
 * text x pattern steps. Constant LIKE patterns of the forms abc, abc%, %abc and %abc% are matched
 * without the general matcher. */
#include <string.h>

#include "expr/kernels.h"

enum shape { SHAPE_WHOLE, SHAPE_PREFIX, SHAPE_SUFFIX, SHAPE_INSIDE, SHAPE_ANY };

struct qn_pattern {
    enum shape shape;
    struct qn_strv text; /* all but SHAPE_ANY: between the % signs */
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static size_t character(struct qn_strv s, size_t at)
{
    size_t n = 1;
    while (at + n < s.len && ((unsigned char)s.data[at + n] & 0xC0) == 0x80)
        n++;
    return n;
}

static bool same_character(struct qn_strv a, size_t i, struct qn_strv b, size_t j, bool nocase)
{
    size_t n = character(a, i);
    if (n != character(b, j))
        return false;
    if (n == 1)
        return nocase ? lower(a.data[i]) == lower(b.data[j]) : a.data[i] == b.data[j];
    return memcmp(a.data + i, b.data + j, n) == 0;
}

static uint32_t code_point(struct qn_strv s, size_t at)
{
    size_t n = character(s, at);
    uint32_t point = (unsigned char)s.data[at];
    if (n > 1)
        point &= 0x7FU >> n;
    for (size_t i = 1; i < n; i++)
        point = point << 6 | ((unsigned char)s.data[at + i] & 0x3F);
    return point;
}

/* [abc], [a-z], [^abc] at pattern[at]; *next is after its end. An open set matches nothing. */
static bool in_set(struct qn_strv pattern, size_t at, uint32_t c, size_t *next)
{
    size_t i = at + 1;
    bool inverted = i < pattern.len && pattern.data[i] == '^', found = false, range = false;
    uint32_t last = 0;
    i += inverted;
    for (bool first = true;; first = false) {
        if (i >= pattern.len)
            return false;
        if (pattern.data[i] == ']' && !first)
            break;
        uint32_t point = code_point(pattern, i);
        size_t after = i + character(pattern, i);
        bool dash = point == '-' && last && after < pattern.len && pattern.data[after] != ']';
        if (range) {
            found |= c >= last && c <= point;
            range = false;
            last = 0;
        } else if (dash) {
            range = true;
        } else {
            found |= c == point;
            last = first && point == ']' ? 0 : point; /* a first ] starts no range */
        }
        i = after;
    }
    *next = i + 1;
    return found != inverted;
}

struct matcher {
    struct qn_strv text, pattern;
    char many, single, escape; /* escape 0: none */
    bool sets, nocase;
};

/* Whether the pattern element at p takes the character at t; *next is after the element. */
static bool element_matches(const struct matcher *m, size_t t, size_t p, size_t *next)
{
    char c = m->pattern.data[p];
    if (m->escape && c == m->escape) {
        if (++p == m->pattern.len)
            return false;
    } else if (c == m->single) {
        *next = p + 1;
        return true;
    } else if (m->sets && c == '[') {
        return in_set(m->pattern, p, code_point(m->text, t), next);
    }
    *next = p + character(m->pattern, p);
    return same_character(m->text, t, m->pattern, p, m->nocase);
}

static bool match(const struct matcher *m)
{
    size_t t = 0, p = 0, back_p = SIZE_MAX, back_t = 0, next;
    while (t < m->text.len) {
        bool more = p < m->pattern.len;
        if (more && m->pattern.data[p] == m->many && m->pattern.data[p] != m->escape) {
            back_p = ++p;
            back_t = t;
        } else if (more && element_matches(m, t, p, &next)) {
            p = next;
            t += character(m->text, t);
        } else if (back_p != SIZE_MAX) {
            back_t += character(m->text, back_t);
            t = back_t;
            p = back_p;
        } else {
            return false;
        }
    }
    while (p < m->pattern.len && m->pattern.data[p] == m->many && m->many != m->escape)
        p++;
    return p == m->pattern.len;
}

bool qn_pattern_match(struct qn_strv text, struct qn_strv pattern, int64_t number)
{
    bool glob = number == 1;
    struct matcher m = {
        .text = text,
        .pattern = pattern,
        .many = glob ? '*' : '%',
        .single = glob ? '?' : '_',
        .escape = glob ? '\0' : (char)(number >> 1),
        .sets = glob,
        .nocase = !glob,
    };
    return match(&m);
}

struct qn_pattern *qn_pattern_new(struct qn_arena *arena, struct qn_strv pattern, int64_t number)
{
    struct qn_pattern *made = QN_NEW(arena, struct qn_pattern);
    if (!made)
        return NULL;
    made->shape = SHAPE_ANY;
    if (number != 0) /* GLOB, or with an escape */
        return made;
    struct qn_strv body = pattern;
    bool front = body.len && body.data[0] == '%';
    body.data += front;
    body.len -= front;
    bool back = body.len && body.data[body.len - 1] == '%';
    body.len -= back;
    for (size_t i = 0; i < body.len; i++)
        if (body.data[i] == '%' || body.data[i] == '_')
            return made;
    char *lowered = qn_arena_strdup(arena, body);
    if (!lowered)
        return NULL;
    for (size_t i = 0; i < body.len; i++)
        lowered[i] = lower(lowered[i]);
    made->text = (struct qn_strv){lowered, body.len};
    made->shape = front ? (back ? SHAPE_INSIDE : SHAPE_SUFFIX) : back ? SHAPE_PREFIX : SHAPE_WHOLE;
    return made;
}

static bool equal_nocase(const char *text, struct qn_strv lowered)
{
    for (size_t i = 0; i < lowered.len; i++)
        if (lower(text[i]) != lowered.data[i])
            return false;
    return true;
}

static bool match_shape(const struct qn_pattern *pattern, struct qn_strv s)
{
    struct qn_strv text = pattern->text;
    if (s.len < text.len)
        return false;
    switch (pattern->shape) {
    case SHAPE_WHOLE: return s.len == text.len && equal_nocase(s.data, text);
    case SHAPE_PREFIX: return equal_nocase(s.data, text);
    case SHAPE_SUFFIX: return equal_nocase(s.data + (s.len - text.len), text);
    default: break;
    }
    for (size_t at = 0; at + text.len <= s.len; at++)
        if (equal_nocase(s.data + at, text))
            return true;
    return false;
}

qn_code qn_kernel_like(struct qn_call *call, struct qn_column *out)
{
    const struct qn_vec *x = call->args[0], *y = call->args[1];
    const struct qn_pattern *pattern = call->step->data;
    QN_TRY(qn_call_values(call, out));
    if (pattern && pattern->shape != SHAPE_ANY) {
        for (uint32_t i = 0; i < call->n; i++)
            out->bools[i] = match_shape(pattern, qn_vec_text(x, i));
        return QN_OK;
    }
    for (uint32_t i = 0; i < call->n; i++)
        out->bools[i] = qn_pattern_match(qn_vec_text(x, i), qn_vec_text(y, i), call->step->number);
    return QN_OK;
}
