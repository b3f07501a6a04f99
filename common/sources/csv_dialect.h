/* csv_dialect: how a CSV source is written. Sniffed or declared on the coordinator, packed into
 * qn_source_info.dialect, and all that a worker needs besides the schema. */
#ifndef QN_SOURCES_CSV_DIALECT_H
#define QN_SOURCES_CSV_DIALECT_H

#include "base/arena.h"
#include "base/buf.h"
#include "flow/schema.h"
#include "sources/null_texts.h"
#include "sources/text_encoding.h"

/* A file whose header has the first file's names in another order. */
struct qn_csv_order {
    uint32_t file_index;
    const uint32_t *field_of; /* by schema column: its field in this file */
};

struct qn_csv_dialect {
    char delimiter;
    char quote;   /* 0: quotes are ordinary characters */
    char escape;  /* before a quote (or itself) inside quotes; 0: quotes are doubled */
    char comment; /* lines that start with it are skipped; 0: none */
    bool header;
    enum qn_text_encoding encoding;
    uint64_t skip_rows; /* lines before the header */
    uint32_t n_fields;  /* of a well-formed record: as many as the schema has columns */
    /* n_fields of them; undeclared: an empty field, and for all but text a blank one */
    const struct qn_null_texts *nulls;
    const struct qn_csv_order *orders;
    uint32_t n_orders;
};

/* NULL when the characters go together, else what is wrong, for people. */
const char *qn_csv_dialect_complaint(const struct qn_csv_dialect *dialect);

/* "delimiter ',', quote '"', doubled, header, utf-8": for people. */
void qn_csv_dialect_describe(const struct qn_csv_dialect *dialect, struct qn_buf *out);

void qn_csv_dialect_pack(struct qn_buf *buf, const struct qn_csv_dialect *dialect);

/* Copies to the arena. Every value is checked: the bytes may come from a hostile peer. */
QN_CHECK qn_code qn_csv_dialect_unpack(struct qn_strv bytes, uint32_t n_columns,
                                       struct qn_arena *arena, struct qn_csv_dialect *out,
                                       struct qn_err *err);

#endif
