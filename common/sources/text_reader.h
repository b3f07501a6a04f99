/* text_reader: what readers of text have in common: a window that moves over a chunk, the rows
 * taken from it, the count of lines, and where to find a row again.
 *
 * A format embeds it as its first member, gives its reader_ops.next by way of qn_text_reader_next
 * and takes one block of records from the window in each call of its read_block. */
#ifndef QN_SOURCES_TEXT_READER_H
#define QN_SOURCES_TEXT_READER_H

#include "base/arena.h"
#include "sources/row_store.h"
#include "sources/text_locate.h"

struct qn_text_reader {
    struct qn_reader reader;
    struct qn_arena arena; /* all that lives as long as the reader */
    struct qn_chunk chunk;
    enum qn_on_malformed on_malformed;
    struct qn_text_window window;
    struct qn_text_locator locator;
    struct qn_row_store rows;
    uint64_t pos;     /* next record, blank or comment line */
    uint64_t lines;   /* line ends before the window's first byte */
    uint64_t scanned; /* and from there to pos; the format counts them */
    size_t want;      /* bytes of the next fill */
    bool scanning;    /* the window holds what comes next */
    bool ended;
    struct qn_chunk_result result;
};

/* Takes records from r->pos on, filling the window where it holds no more, or ends the chunk. */
typedef qn_code (*qn_text_block_fn)(struct qn_text_reader *r, struct qn_rejects *rejects,
                                    struct qn_err *err);

/* Ready to be opened; nothing to free but by qn_text_reader_fini. `record` and `format` are the
 * locator's. */
void qn_text_reader_init(struct qn_text_reader *r, const struct qn_reader_ops *ops,
                         const struct qn_source_info *info, const struct qn_chunk *chunk,
                         qn_text_record_fn record, const void *format);
void qn_text_reader_fini(struct qn_text_reader *r);

/* Room for batches of the wanted columns, whose length goes by n_cells, the fields of a record. */
QN_CHECK qn_code qn_text_reader_make_rows(struct qn_text_reader *r, const struct qn_schema *schema,
                                          const bool *wanted, uint32_t n_cells, struct qn_err *err);
/* Records of a block, at most: those whose cells' places stay in a cache until they are decoded. */
uint32_t qn_text_reader_block_rows(const struct qn_text_reader *r, uint32_t n_cells,
                                   uint32_t limit);

bool qn_text_reader_at_end(const struct qn_text_reader *r);
QN_CHECK qn_code qn_text_reader_end(struct qn_text_reader *r, struct qn_err *err);

/* The window from pos on. */
QN_CHECK qn_code qn_text_reader_fill(struct qn_text_reader *r, struct qn_err *err);

/* Nothing more can be taken from what the window holds; the next one is longer when nothing at all
 * could. False: the record at pos does not end within QN_MAX_RECORD_BYTES. */
bool qn_text_reader_move_on(struct qn_text_reader *r, bool took_any);

/* Keeps a refused record, [at, end) of the window, with its bytes; of a long one the first MiB. Of
 * `reject` the caller gives the line, counted from the window's, and column, rule and message. */
QN_CHECK qn_code qn_text_reader_quarantine(struct qn_text_reader *r, struct qn_rejects *rejects,
                                           size_t at, size_t end, struct qn_reject reject,
                                           struct qn_err *err);

/* The most that the format's blocks may add to the batch now. */
static inline uint32_t qn_text_reader_room(const struct qn_text_reader *r)
{
    return r->rows.capacity - r->rows.n;
}

/* What readers' ops do. */
QN_CHECK qn_code qn_text_reader_next(struct qn_text_reader *r, qn_text_block_fn read_block,
                                     struct qn_batch *batch, struct qn_rejects *rejects,
                                     struct qn_err *err);
QN_CHECK qn_code qn_text_reader_locate(struct qn_reader *reader, uint32_t origin,
                                       struct qn_location *out, struct qn_err *err);
void qn_text_reader_result(const struct qn_reader *reader, struct qn_chunk_result *out);

#endif
