#include "wire/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "wire/scratch.h"

enum { LEAST_BYTES = 1 << 20 };

qn_code qn_mapping_grow(struct qn_mapping *mapping, const char *folder, size_t bytes,
                        struct qn_err *err)
{
    if (bytes <= mapping->bytes)
        return QN_OK;
    bytes = (bytes + LEAST_BYTES - 1) / LEAST_BYTES * LEAST_BYTES;
    bool fresh = !mapping->at;
    int fd = fresh ? qn_scratch_file(folder) : mapping->fd;
    if (fd < 0)
        return qn_err_io(err, "make a scratch file in", folder);
    /* A page that the disk has no room for would be a signal later on. */
    int failed = posix_fallocate(fd, 0, (off_t)bytes);
    void *at = MAP_FAILED;
    if (failed)
        errno = failed;
    else if (fresh)
        at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    else
        at = mremap(mapping->at, mapping->bytes, bytes, MREMAP_MAYMOVE);
    if (at == MAP_FAILED) {
        qn_code code = qn_err_io(err, "keep rows in a scratch file in", folder);
        if (fresh)
            close(fd);
        return code;
    }
    *mapping = (struct qn_mapping){at, bytes, fd};
    return QN_OK;
}

void qn_mapping_rest(const struct qn_mapping *mapping)
{
    if (mapping->at)
        (void)madvise(mapping->at, mapping->bytes, MADV_DONTNEED); /* of a file: nothing is lost */
}

void qn_mapping_drop(struct qn_mapping *mapping)
{
    if (!mapping->at)
        return;
    munmap(mapping->at, mapping->bytes);
    close(mapping->fd);
    *mapping = (struct qn_mapping){0};
}
