/* jsonl_frame: where records begin and end.
 *
 * A file of JSON lines has a record a line: strings cannot hold line ends, so that any piece of the
 * file can be read on its own. A file that is one JSON document, an array of records or objects one
 * after the other whatever the lines, is read from its start to its end. */
#ifndef QN_SOURCES_JSONL_FRAME_H
#define QN_SOURCES_JSONL_FRAME_H

#include "sources/json_text.h"

enum qn_jsonl_framing {
    QN_JSONL_LINES,
    QN_JSONL_ARRAY,  /* [record, record, ...] */
    QN_JSONL_STREAM, /* record record ... */
};

/* What the start of a file says (without its byte order mark). `final`: it is all of the file. */
enum qn_jsonl_framing qn_jsonl_framing_sniff(const char *bytes, size_t len, bool final);

enum qn_jsonl_step {
    QN_JSONL_RECORD,
    QN_JSONL_STOP,       /* no more records begin before `stop` (or the bytes are used up) */
    QN_JSONL_INCOMPLETE, /* what begins at `pos` goes on past the bytes: come again with more */
    QN_JSONL_BROKEN,     /* a document that ends here: `spot` says why */
    QN_JSONL_FULL,       /* jsonl_rows: the table has no room */
};

enum qn_jsonl_place { QN_JSONL_OPEN, QN_JSONL_FIRST, QN_JSONL_NEXT, QN_JSONL_DONE };

struct qn_jsonl_frame {
    enum qn_jsonl_framing framing;
    const char *bytes; /* QN_TEXT_SLACK readable bytes follow len */
    size_t len;
    size_t stop;    /* lines that begin at or after it are not taken */
    bool final;     /* the bytes reach the file's end */
    size_t pos;     /* where the next record, blank or blank line begins */
    uint32_t lines; /* line ends before pos */
    bool after_cr;
    enum qn_jsonl_place place; /* in an array: before it, its first, another element, behind it */
    struct qn_json_spot spot;
};

/* The bytes to read from now on; what is known of the place in a document stays. */
void qn_jsonl_frame_over(struct qn_jsonl_frame *frame, const char *bytes, size_t len, size_t stop,
                         bool final);

/* Bounds of the next record, without its line end. *line: line ends before it. */
enum qn_jsonl_step qn_jsonl_frame_next(struct qn_jsonl_frame *frame, size_t *at, size_t *end,
                                       uint32_t *line);

#endif
