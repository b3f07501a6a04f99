/* sqlite_image: an SQLite database of one table, made in memory from batches without SQLite, in the
 * format of https://www.sqlite.org/fileformat2.html. SQLite copies its records as they are into a
 * table of the same columns, several times as fast as it makes records of values (docs/adr/0003).
 *
 * Only what this process encoded itself from a checked batch is ever shown to SQLite so. */
#ifndef QN_SINKS_SQLITE_IMAGE_H
#define QN_SINKS_SQLITE_IMAGE_H

#include <sqlite3.h>

#include "sinks/sqlite_record.h"

/* What an attached image and its table are called. */
#define QN_SQLITE_IMAGE "_quern_image"
#define QN_SQLITE_IMAGE_TABLE QN_SQLITE_IMAGE ".rows"

struct qn_sqlite_image {
    struct qn_sqlite_record record;
    struct qn_buf pages;    /* page 1 is written last */
    struct qn_buf children; /* struct child each: the whole pages of a level */
    size_t leaf;            /* offset in pages of the leaf being filled; 0: none */
    uint32_t n_cells;       /* of the leaf */
    uint32_t content;       /* offset in the leaf of its lowest cell */
    uint64_t n_rows;
};

void qn_sqlite_image_init(struct qn_sqlite_image *image);
void qn_sqlite_image_fini(struct qn_sqlite_image *image);
/* No rows; gives back memory past what a usual chunk takes. */
void qn_sqlite_image_clear(struct qn_sqlite_image *image);

/* Bytes of the pages so far. */
static inline size_t qn_sqlite_image_bytes(const struct qn_sqlite_image *image)
{
    return image->pages.len;
}

/* Adds a batch's rows. */
QN_CHECK qn_code qn_sqlite_image_put(struct qn_sqlite_image *image, const struct qn_batch *batch,
                                     struct qn_err *err);

/* Closes the tree and writes page 1. `columns`: the table's, as in "(a TEXT,b INTEGER)STRICT", of
 * at most 32,000 bytes. Nothing is added after that until it is cleared. */
QN_CHECK qn_code qn_sqlite_image_finish(struct qn_sqlite_image *image, struct qn_strv columns,
                                        struct qn_err *err);

/* Shows a finished image to SQL as QN_SQLITE_IMAGE_TABLE, read-only, until detached: of a
 * connection one at a time, and one a transaction, for SQLite has it locked until the end of that.
 * Detach before the next BEGIN IMMEDIATE, which locks all that is attached. An SQLite code. */
int qn_sqlite_image_attach(struct qn_sqlite_image *image, sqlite3 *db);
/* SQLITE_OK when there is none. Comes before an attached image is changed or freed. */
int qn_sqlite_image_detach(sqlite3 *db);

#endif
