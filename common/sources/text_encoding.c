#include "sources/text_encoding.h"

/* --- names ----------------------------------------------------------------------------------- */

static const char *const names[QN_TEXT_ENCODINGS] = {"utf-8", "latin-1", "windows-1252", "utf-16le",
                                                     "utf-16be"};

static const struct {
    const char *name;
    enum qn_text_encoding encoding;
} others[] = {{"utf8", QN_TEXT_UTF8},           {"latin1", QN_TEXT_LATIN1},
              {"iso-8859-1", QN_TEXT_LATIN1},   {"iso8859-1", QN_TEXT_LATIN1},
              {"cp1252", QN_TEXT_WINDOWS_1252}, {"utf-16", QN_TEXT_UTF16_LE},
              {"utf16", QN_TEXT_UTF16_LE},      {"utf-16-le", QN_TEXT_UTF16_LE},
              {"utf-16-be", QN_TEXT_UTF16_BE}};

const char *qn_text_encoding_name(enum qn_text_encoding encoding)
{
    return encoding < QN_TEXT_ENCODINGS ? names[encoding] : "?";
}

bool qn_text_encoding_find(struct qn_strv name, enum qn_text_encoding *out, bool *either)
{
    *either = qn_strv_eq_nocase(name, QN_STRV_LIT("utf-16")) ||
              qn_strv_eq_nocase(name, QN_STRV_LIT("utf16"));
    for (int i = 0; i < QN_TEXT_ENCODINGS; i++) {
        *out = (enum qn_text_encoding)i;
        if (qn_strv_eq_nocase(name, qn_strv_from(names[i])))
            return true;
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        *out = others[i].encoding;
        if (qn_strv_eq_nocase(name, qn_strv_from(others[i].name)))
            return true;
    }
    return false;
}

/* --- sniffing -------------------------------------------------------------------------------- */

enum qn_text_encoding qn_text_encoding_sniff(const char *bytes, size_t len)
{
    enum { SAMPLE_BYTES = 4096 };
    if (len >= 2 && memcmp(bytes, "\xFF\xFE", 2) == 0)
        return QN_TEXT_UTF16_LE;
    if (len >= 2 && memcmp(bytes, "\xFE\xFF", 2) == 0)
        return QN_TEXT_UTF16_BE;
    size_t units = (len < SAMPLE_BYTES ? len : SAMPLE_BYTES) / 2, zeros[2] = {0};
    for (size_t i = 0; i < 2 * units; i++)
        zeros[i & 1] += bytes[i] == 0;
    /* Digits, delimiters and line ends are ASCII in any language. */
    if (units >= 4 && zeros[0] == 0 && zeros[1] * 2 > units)
        return QN_TEXT_UTF16_LE;
    if (units >= 4 && zeros[1] == 0 && zeros[0] * 2 > units)
        return QN_TEXT_UTF16_BE;
    return QN_TEXT_UTF8;
}

/* --- to UTF-8 -------------------------------------------------------------------------------- */

/* What windows-1252 has from 0x80 to 0x9F; its five gaps stay what they are in Latin-1. */
static const uint16_t marks_of_1252[32] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

/* Any number up to 0xFFFF, surrogates too: alone they are no character and so no UTF-8. */
static inline char *put_unit(char *out, unsigned unit)
{
    if (unit < 0x80) {
        *out++ = (char)unit;
    } else if (unit < 0x800) {
        *out++ = (char)(0xC0 | unit >> 6);
        *out++ = (char)(0x80 | (unit & 0x3F));
    } else {
        *out++ = (char)(0xE0 | unit >> 12);
        *out++ = (char)(0x80 | (unit >> 6 & 0x3F));
        *out++ = (char)(0x80 | (unit & 0x3F));
    }
    return out;
}

static size_t turn_bytes(enum qn_text_encoding encoding, struct qn_strv from, char *out)
{
    const unsigned char *in = (const unsigned char *)from.data;
    char *to = out;
    for (size_t i = 0; i < from.len;) {
        uint64_t word;
        if (from.len - i >= sizeof word) {
            memcpy(&word, in + i, sizeof word);
            if (!(word & UINT64_C(0x8080808080808080))) {
                memcpy(to, &word, sizeof word);
                to += sizeof word;
                i += sizeof word;
                continue;
            }
        }
        unsigned c = in[i++];
        bool mark = encoding == QN_TEXT_WINDOWS_1252 && c >= 0x80 && c < 0xA0;
        to = put_unit(to, mark ? marks_of_1252[c - 0x80] : c);
    }
    return (size_t)(to - out);
}

static inline unsigned unit_at(const unsigned char *in, bool big)
{
    return big ? (unsigned)in[0] << 8 | in[1] : (unsigned)in[1] << 8 | in[0];
}

static inline bool is_high(unsigned unit)
{
    return (unit & 0xFC00) == 0xD800;
}

static size_t turn_units(bool big, struct qn_strv from, bool final, char *out, size_t *used)
{
    const unsigned char *in = (const unsigned char *)from.data;
    char *to = out;
    size_t i = 0;
    for (; i + 1 < from.len; i += 2) {
        unsigned unit = unit_at(in + i, big);
        if (!is_high(unit)) {
            to = put_unit(to, unit);
            continue;
        }
        if (i + 3 >= from.len && !final)
            break;
        unsigned next = i + 3 < from.len ? unit_at(in + i + 2, big) : 0;
        if ((next & 0xFC00) != 0xDC00) {
            to = put_unit(to, unit);
            continue;
        }
        unsigned point = 0x10000 + ((unit & 0x3FF) << 10) + (next & 0x3FF);
        *to++ = (char)(0xF0 | point >> 18);
        *to++ = (char)(0x80 | (point >> 12 & 0x3F));
        *to++ = (char)(0x80 | (point >> 6 & 0x3F));
        *to++ = (char)(0x80 | (point & 0x3F));
        i += 2;
    }
    if (final && i < from.len) { /* half a unit */
        *to++ = (char)0xC0;
        i++;
    }
    *used = i;
    return (size_t)(to - out);
}

size_t qn_text_encoding_room(enum qn_text_encoding encoding, size_t len)
{
    return encoding == QN_TEXT_UTF8 ? len : encoding == QN_TEXT_LATIN1 ? 2 * len : 3 * len;
}

size_t qn_text_encoding_turn(enum qn_text_encoding encoding, struct qn_strv from, bool final,
                             char *out, size_t *used)
{
    if (qn_text_encoding_unit(encoding) == 2)
        return turn_units(encoding == QN_TEXT_UTF16_BE, from, final, out, used);
    *used = from.len;
    return turn_bytes(encoding, from, out);
}

/* --- places ---------------------------------------------------------------------------------- */

/* Units that a byte of text begins: two for what UTF-16 has as a pair. */
static inline size_t units_of(char c, bool pairs)
{
    unsigned char byte = (unsigned char)c;
    return (size_t)((byte & 0xC0) != 0x80) + (size_t)(pairs && byte >= 0xF0);
}

size_t qn_text_encoding_span(enum qn_text_encoding encoding, const char *text, size_t n)
{
    if (encoding == QN_TEXT_UTF8)
        return n;
    size_t units = 0, unit = qn_text_encoding_unit(encoding);
    for (size_t i = 0; i < n; i++)
        units += units_of(text[i], unit == 2);
    return units * unit;
}

size_t qn_text_encoding_reach(enum qn_text_encoding encoding, const char *text, size_t n,
                              uint64_t span)
{
    if (encoding == QN_TEXT_UTF8)
        return span < n ? (size_t)span : n;
    size_t at = 0, unit = qn_text_encoding_unit(encoding);
    for (uint64_t units = 0; at < n; at++) {
        size_t more = units_of(text[at], unit == 2);
        if (more && units * unit >= span)
            break;
        units += more;
    }
    return at;
}
