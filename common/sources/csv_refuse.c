#include "sources/csv_refuse.h"

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
    SIGNATURE("\xFF\xFE", "UTF-16 text", "iconv -f UTF-16 -t UTF-8"),
    SIGNATURE("\xFE\xFF", "UTF-16 text", "iconv -f UTF-16 -t UTF-8"),
    SIGNATURE("\x1F\x8B", "gzip data", "gunzip"),
    SIGNATURE("\x28\xB5\x2F\xFD", "zstd data", "unzstd"),
    SIGNATURE("\x04\x22\x4D\x18", "lz4 data", "unlz4"),
    SIGNATURE("PK\x03\x04", "a zip archive or a spreadsheet", "unzip it or export as CSV"),
    SIGNATURE("PAR1", "a Parquet file", "format: parquet"),
    SIGNATURE("SQLite format 3", "a SQLite database", "format: sqlite"),
};

qn_code qn_csv_refuse_foreign(const char *path, const char *bytes, size_t len, struct qn_err *err)
{
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        const struct signature *s = &signatures[i];
        if (len < s->len || memcmp(bytes, s->bytes, s->len) != 0)
            continue;
        qn_code code =
            qn_err_set(err, QN_ENOTSUP, QN_BLAME_INPUT,
                       "expected CSV text in UTF-8, found %s (%s first)", s->what, s->advice);
        qn_err_at(err, path, 1, 1);
        return code;
    }
    return QN_OK;
}
