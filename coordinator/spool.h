/* spool: parts on their way in. Workers that share the folder leave theirs in it; of others DATA
 * frames are written to files as they come, so that the coordinator's memory does not grow with the
 * data. */
#ifndef QN_COORDINATOR_SPOOL_H
#define QN_COORDINATOR_SPOOL_H

#include "wire/message.h"

struct qn_spool;

/* `folder` exists; what earlier coordinators left in it is removed. */
QN_CHECK qn_code qn_spool_new(const char *folder, struct qn_spool **out, struct qn_err *err);
void qn_spool_free(struct qn_spool *spool);

/* What a worker needs to find out whether it shares the folder: its path, and the name of a file
 * that is there. */
const char *qn_spool_folder(const struct qn_spool *spool);
const char *qn_spool_proof(const struct qn_spool *spool);

/* The next bytes of an attempt's part. QN_EWIRE: not the next. */
QN_CHECK qn_code qn_spool_put(struct qn_spool *spool, const struct qn_token *token, uint64_t offset,
                              struct qn_strv bytes, struct qn_err *err);
/* Says that the part is whole: size and, of one that came in frames, digest must be what the worker
 * says. */
QN_CHECK qn_code qn_spool_close(struct qn_spool *spool, const struct qn_msg *done,
                                struct qn_err *err);
/* Path of an attempt's part into `out` (room for `room` bytes). */
void qn_spool_path(const struct qn_spool *spool, const struct qn_token *token, char *out,
                   size_t room);
/* Forgets and removes an attempt's part, whole or not. */
void qn_spool_drop(struct qn_spool *spool, const struct qn_token *token);

#endif
