/* text_encoding: the encodings that files come in, turned to UTF-8 before anything else sees them.
 *
 * Every character of the file becomes one of the text, right or wrong: what is no character becomes
 * bytes that are no UTF-8, so that its record is refused, and places of the text can be told from
 * places of the file by counting. */
#ifndef QN_SOURCES_TEXT_ENCODING_H
#define QN_SOURCES_TEXT_ENCODING_H

#include "base/strv.h"

enum qn_text_encoding {
    QN_TEXT_UTF8,
    QN_TEXT_LATIN1,
    QN_TEXT_WINDOWS_1252, /* Latin-1 with letters and marks in place of 0x80 to 0x9F */
    QN_TEXT_UTF16_LE,
    QN_TEXT_UTF16_BE,
    QN_TEXT_ENCODINGS
};

/* "utf-8", "latin-1", "windows-1252", "utf-16le", "utf-16be". */
const char *qn_text_encoding_name(enum qn_text_encoding encoding);

/* By any of its usual names, in any case. "utf-16" is UTF-16LE with *either true: a byte order mark
 * may say otherwise. */
bool qn_text_encoding_find(struct qn_strv name, enum qn_text_encoding *out, bool *either);

/* What a file's first bytes say: a byte order mark, or ASCII with a zero for every other byte. */
enum qn_text_encoding qn_text_encoding_sniff(const char *bytes, size_t len);

/* Bytes a character has at least; places of characters are multiples of it. */
static inline size_t qn_text_encoding_unit(enum qn_text_encoding encoding)
{
    return encoding >= QN_TEXT_UTF16_LE ? 2 : 1;
}

/* Bytes of UTF-8 that `len` bytes become at most. */
size_t qn_text_encoding_room(enum qn_text_encoding encoding, size_t len);

/* `from` to UTF-8; returns the length. A last character that is cut off is left out of *used, or
 * `final` and wrong. Not for QN_TEXT_UTF8. */
size_t qn_text_encoding_turn(enum qn_text_encoding encoding, struct qn_strv from, bool final,
                             char *out, size_t *used);

/* Bytes of the file that n bytes of text were, both whole characters: up to a unit too many where
 * the file ends within one. */
size_t qn_text_encoding_span(enum qn_text_encoding encoding, const char *text, size_t n);

/* Bytes of text that begin with less than `span` bytes of the file before them; n at most. */
size_t qn_text_encoding_reach(enum qn_text_encoding encoding, const char *text, size_t n,
                              uint64_t span);

#endif
