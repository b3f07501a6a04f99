/* json_text: the pieces that JSON is made of, by RFC 8259 to the letter.
 *
 * All work on bytes[at .. end) where bytes[end] can be read and is no byte that goes on with
 * anything (a line end, or the NUL behind a window). A fault's place is that of the first byte that
 * cannot be: `end` says that the bytes were used up. UTF-8 is checked elsewhere. */
#ifndef QN_SOURCES_JSON_TEXT_H
#define QN_SOURCES_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"

/* Arrays and objects within each other. */
enum { QN_JSON_MAX_DEPTH = 1000 };

enum qn_json_fault {
    QN_JSON_GOOD,
    QN_JSON_VALUE,     /* expected a value */
    QN_JSON_KEY,       /* expected a key */
    QN_JSON_COLON,     /* expected ':' */
    QN_JSON_NEXT,      /* expected ',' or the closing bracket */
    QN_JSON_COMMA,     /* a comma before a closing bracket */
    QN_JSON_WORD,      /* a word other than true, false, null */
    QN_JSON_NUMBER,    /* a number as JSON does not write it */
    QN_JSON_CONTROL,   /* a control character inside a string */
    QN_JSON_OPEN,      /* a string that is not closed */
    QN_JSON_ESCAPE,    /* no such escape */
    QN_JSON_SURROGATE, /* half of a character */
    QN_JSON_DEEP,      /* past QN_JSON_MAX_DEPTH */
    QN_JSON_AFTER,     /* text behind the record's value */
    QN_JSON_NOT_UTF8,
    QN_JSON_LONG_FIELD,  /* past QN_MAX_FIELD_BYTES */
    QN_JSON_LONG_RECORD, /* past QN_MAX_RECORD_BYTES */
    QN_JSON_SHAPE,       /* the record is no object */
    QN_JSON_UNKNOWN,     /* a key that the schema does not have */
    QN_JSON_TYPE,        /* a value that is none of its column */
};

struct qn_json_spot {
    enum qn_json_fault fault;
    size_t at;
};

static inline bool qn_json_is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline size_t qn_json_blanks(const char *bytes, size_t at, size_t end)
{
    while (at < end && qn_json_is_blank(bytes[at]))
        at++;
    return at;
}

/* The string whose opening quote is at `at`: the place behind its closing quote, or 0. Bytes
 * up to 16 behind `end` are read. */
size_t qn_json_string(const char *bytes, size_t at, size_t end, bool *escaped,
                      struct qn_json_spot *spot);

/* The place behind a number, true, false or null; or 0. */
size_t qn_json_scalar(const char *bytes, size_t at, size_t end, struct qn_json_spot *spot);

/* The place behind any value, however deep; or 0. `depth`: arrays and objects around it. */
size_t qn_json_skip(const char *bytes, size_t at, size_t end, unsigned depth,
                    struct qn_json_spot *spot);

/* The inside of a string that was found good, without its escapes, to `out`, which holds inside.len
 * bytes. Returns the length. */
size_t qn_json_unescape(struct qn_strv inside, char *out);

#endif
