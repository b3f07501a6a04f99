/* spool: parts on their way in. Workers that share the folder leave large ones in it; what comes as
 * DATA frames is gathered in memory while it is small, else written to a file as it comes, so that
 * the coordinator's memory does not grow with the data. */
#ifndef QN_COORDINATOR_SPOOL_H
#define QN_COORDINATOR_SPOOL_H

#include "base/buf.h"
#include "wire/part.h"

struct qn_spool;

/* A part that is whole. */
struct qn_spooled {
    const char *path;     /* its file */
    struct qn_strv bytes; /* data not NULL: in memory instead, and there is no file */
};

/* `folder` exists; what earlier coordinators left in it is removed. */
QN_CHECK qn_code qn_spool_new(const char *folder, struct qn_spool **out, struct qn_err *err);
void qn_spool_free(struct qn_spool *spool);

/* What a worker needs to find out whether it shares the folder: its path, and the name of a file
 * that is there. */
const char *qn_spool_folder(const struct qn_spool *spool);
const char *qn_spool_proof(const struct qn_spool *spool);

/* The next bytes of an attempt's part; up to `in_memory_bytes` of it never see a file. QN_EWIRE:
 * not the next. */
QN_CHECK qn_code qn_spool_put(struct qn_spool *spool, const struct qn_token *token, uint64_t offset,
                              struct qn_strv bytes, size_t in_memory_bytes, struct qn_err *err);
/* Says that the part is whole: size and, of one that came in frames, digest must be what the worker
 * says. `small` (empty) takes over the bytes of one in memory; others stay in their file. */
QN_CHECK qn_code qn_spool_close(struct qn_spool *spool, const struct qn_msg *done,
                                struct qn_buf *small, struct qn_err *err);
/* Path of an attempt's part, if it has a file, into `out` (room for `room` bytes). */
void qn_spool_path(const struct qn_spool *spool, const struct qn_token *token, char *out,
                   size_t room);
/* Forgets and removes an attempt's part, whole or not. */
void qn_spool_drop(struct qn_spool *spool, const struct qn_token *token);

/* Rows of all its partitions, as its index says. QN_ELOST: its file is not whole. */
QN_CHECK qn_code qn_spooled_count(const struct qn_spooled *part, uint64_t *shuffled_rows,
                                  struct qn_err *err);
/* All of it: in memory, or appended to `room`. QN_ELOST: its file is not to be read. */
QN_CHECK qn_code qn_spooled_read(const struct qn_spooled *part, struct qn_buf *room,
                                 struct qn_strv *bytes, struct qn_err *err);
/* Its partial, piece by piece: see qn_part_partial. */
QN_CHECK qn_code qn_spooled_partial(const struct qn_spooled *part, qn_part_take_fn take,
                                    void *context, struct qn_err *err);
/* Makes a whole part the file `path`; or lets it go. */
QN_CHECK qn_code qn_spooled_keep(const struct qn_spooled *part, const char *path,
                                 struct qn_err *err);
QN_CHECK qn_code qn_spooled_discard(const struct qn_spooled *part, struct qn_err *err);

#endif
