#include "sources/text_refuse.h"

#include <string.h>

struct signature {
    const char *bytes;
    size_t len;
    const char *what, *advice;
};

#define SIGNATURE(bytes, what, advice)                                                             \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, what, advice                                                     \
    }

static const struct signature signatures[] = {
    SIGNATURE("\x1F\x8B", "gzip data", "gunzip"),
    SIGNATURE("\x28\xB5\x2F\xFD", "zstd data", "unzstd"),
    SIGNATURE("\x04\x22\x4D\x18", "lz4 data", "unlz4"),
    SIGNATURE("PK\x03\x04", "a zip archive or a spreadsheet", "unzip it or export as CSV"),
    SIGNATURE("PAR1", "a Parquet file", "format: parquet"),
    SIGNATURE("SQLite format 3", "a SQLite database", "format: sqlite"),
};

/* What was expected. */
struct expectation {
    const char *path, *format, *encoding;
};

static qn_code refuse(const struct expectation *e, const char *what, const char *advice,
                      struct qn_err *err)
{
    qn_code code =
        qn_err_set(err, QN_ENOTSUP, QN_BLAME_INPUT, "expected %s text in %s, found %s (%s first)",
                   e->format, e->encoding, what, advice);
    qn_err_at(err, e->path, 1, 1);
    return code;
}

qn_code qn_text_refuse_foreign(const char *path, const char *expected, const char *bytes,
                               size_t len, enum qn_text_encoding encoding, struct qn_err *err)
{
    const struct expectation e = {
        path, expected, encoding == QN_TEXT_UTF8 ? "UTF-8" : qn_text_encoding_name(encoding)};
    bool wide = qn_text_encoding_unit(encoding) == 2;
    enum qn_text_encoding sniffed = qn_text_encoding_sniff(bytes, len);
    if (qn_text_encoding_unit(sniffed) == 2 && sniffed != encoding)
        return refuse(&e, "UTF-16 text", "iconv -f UTF-16 -t UTF-8", err);
    if (wide && len >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
        return refuse(&e, "UTF-8 text", "iconv -f UTF-8 -t UTF-16", err);
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        const struct signature *s = &signatures[i];
        if (len >= s->len && memcmp(bytes, s->bytes, s->len) == 0)
            return refuse(&e, s->what, s->advice, err);
    }
    return QN_OK;
}
