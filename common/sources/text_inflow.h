/* text_inflow: the text of a compressed file as it flows by, with a stretch of what went by kept:
 * going back a little is cheap, going back far begins anew. */
#ifndef QN_SOURCES_TEXT_INFLOW_H
#define QN_SOURCES_TEXT_INFLOW_H

#include "codec/stream.h"
#include "flow/source.h"

/* A chunk of compressed text begins so many bytes behind the start of a frame: the character
 * before it, which a reader needs to tell where its first record begins, is then in that frame. */
enum { QN_TEXT_LOOKBACK = 2 };

struct qn_text_inflow {
    struct qn_stream *stream;
    uint64_t file_from, text_from; /* where it began: in the file and in the text */
    uint64_t file_to, text_to;     /* what the file says of the place behind the chunk;
                                      UINT64_MAX: nothing */
    size_t behind;                 /* bytes to keep */
    char *kept;
    size_t len, capacity;
    uint64_t offset; /* of kept[0] in the text */
    bool ended;
};

/* From the frame that the chunk begins with; NULL: from the file's start. */
QN_CHECK qn_code qn_text_inflow_open(struct qn_text_inflow *inflow,
                                     const struct qn_stream_file *file,
                                     const struct qn_stream_codec *codec,
                                     const struct qn_chunk *chunk, size_t behind,
                                     struct qn_err *err);
void qn_text_inflow_close(struct qn_text_inflow *inflow);

/* n bytes of the text at `from`, fewer (*got) only at its end. */
QN_CHECK qn_code qn_text_inflow_read(struct qn_text_inflow *inflow, uint64_t from, char *to,
                                     size_t n, size_t *got, struct qn_err *err);

/* Reads on until what the file says of its frames was found to be so. */
QN_CHECK qn_code qn_text_inflow_settle(struct qn_text_inflow *inflow, struct qn_err *err);

#endif
