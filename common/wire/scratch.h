/* scratch: batches set aside in a file and read back in the order they were put. The file has no
 * name (or loses it at once, where the file system knows no such files), so nothing is left behind
 * whatever ends the process. Records are those of parts. */
#ifndef QN_WIRE_SCRATCH_H
#define QN_WIRE_SCRATCH_H

#include "wire/part_writer.h"

struct qn_scratch {
    struct qn_part_writer writer;
    int fd;        /* -1: nothing set aside */
    char path[32]; /* another way to the file, for as long as fd is open */
};

/* A file without a name on the file system of `folder`; -1 and errno. */
int qn_scratch_file(const char *folder);

void qn_scratch_init(struct qn_scratch *scratch);
void qn_scratch_fini(struct qn_scratch *scratch);

/* Drops what was set aside and begins anew, in a file on the file system of `folder`. */
QN_CHECK qn_code qn_scratch_begin(struct qn_scratch *scratch, const char *folder,
                                  struct qn_err *err);
/* PARTITION or RAW. */
QN_CHECK qn_code qn_scratch_put(struct qn_scratch *scratch, enum qn_part_kind kind,
                                const struct qn_batch *batch, struct qn_err *err);
/* All of it, in order; the reader is closed before what it reads is dropped. */
QN_CHECK qn_code qn_scratch_open(struct qn_scratch *scratch, const struct qn_schema *partition,
                                 const struct qn_schema *raw, struct qn_reader **out,
                                 struct qn_err *err);

void qn_scratch_drop(struct qn_scratch *scratch);

static inline bool qn_scratch_is_used(const struct qn_scratch *scratch)
{
    return scratch->fd >= 0;
}

#endif
