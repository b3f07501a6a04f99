#include "wire/scratch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void qn_scratch_init(struct qn_scratch *scratch)
{
    *scratch = (struct qn_scratch){.fd = -1};
    qn_part_writer_init(&scratch->writer);
}

void qn_scratch_drop(struct qn_scratch *scratch)
{
    if (scratch->fd >= 0)
        close(scratch->fd);
    scratch->fd = -1;
}

void qn_scratch_fini(struct qn_scratch *scratch)
{
    qn_part_writer_fini(&scratch->writer);
    qn_scratch_drop(scratch);
}

int qn_scratch_file(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/scratch-XXXXXX", folder);
    if (length < 0 || (size_t)length >= sizeof path)
        return -1;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

qn_code qn_scratch_begin(struct qn_scratch *scratch, const char *folder, struct qn_err *err)
{
    qn_scratch_drop(scratch);
    scratch->fd = qn_scratch_file(folder);
    int fd = scratch->fd < 0 ? -1 : fcntl(scratch->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        qn_code code = qn_err_io(err, "make a scratch file in", folder);
        qn_scratch_drop(scratch);
        return code;
    }
    snprintf(scratch->path, sizeof scratch->path, "/proc/self/fd/%d", scratch->fd);
    qn_part_writer_begin(&scratch->writer, scratch->path);
    scratch->writer.fd = fd; /* the writer's own: it closes it at the end */
    return QN_OK;
}

qn_code qn_scratch_put(struct qn_scratch *scratch, enum qn_part_kind kind,
                       const struct qn_batch *batch, struct qn_err *err)
{
    return qn_part_writer_put(&scratch->writer, kind, 0, batch, err);
}

qn_code qn_scratch_open(struct qn_scratch *scratch, const struct qn_schema *partition,
                        const struct qn_schema *raw, struct qn_reader **out, struct qn_err *err)
{
    bool in_file;
    uint64_t bytes;
    struct qn_hash128 digest;
    const char *path = scratch->path;
    QN_TRY(qn_part_writer_end(&scratch->writer, &in_file, &bytes, &digest, err));
    const struct qn_part_want want = {
        .kind = QN_PART_PARTITION, .n = 1, .schema = partition, .raw = raw};
    return qn_part_open(&path, 1, &want, out, err);
}
