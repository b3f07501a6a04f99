/* segmenter: rows of a task on their way into files: scattered by the columns that name folders,
 * encoded by the format's writer, and put into the task's part as segments (wire/segments.h).
 *
 * One segment per folder that the task's rows fall into, numbered as they first come up. The same
 * rows give the same part, whatever the memory. */
#ifndef QN_WORKER_SEGMENTER_H
#define QN_WORKER_SEGMENTER_H

#include "flow/job.h"
#include "wire/part_writer.h"
#include "wire/segments.h"

struct qn_segmenter;

/* Of a job whose rows go to files; it and the part writer are borrowed until free. */
QN_CHECK qn_code qn_segmenter_new(const struct qn_job *job, struct qn_part_writer *part,
                                  struct qn_segmenter **out, struct qn_err *err);
void qn_segmenter_free(struct qn_segmenter *self);

/* Rows of job->out. */
QN_CHECK qn_code qn_segmenter_put(struct qn_segmenter *segmenter, const struct qn_batch *batch,
                                  struct qn_err *err);
/* Ends all segments and writes their table. */
QN_CHECK qn_code qn_segmenter_end(struct qn_segmenter *segmenter, struct qn_err *err);

#endif
