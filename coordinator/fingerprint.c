#include "coordinator/fingerprint.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024 };

static size_t read_block(int fd, uint64_t at, uint8_t *out)
{
    ssize_t n = pread(fd, out, BLOCK, (off_t)at);
    return n < 0 ? 0 : (size_t)n;
}

static qn_code hash_file(int fd, uint64_t bytes, struct qn_hash128 *out, struct qn_err *err)
{
    uint8_t *blocks = malloc(3 * (size_t)BLOCK);
    if (!blocks)
        return qn_err_nomem(err, "a fingerprint");
    size_t n = read_block(fd, 0, blocks);
    if (bytes > 2 * (uint64_t)BLOCK)
        n += read_block(fd, bytes / 2, blocks + n);
    if (bytes > BLOCK)
        n += read_block(fd, bytes - BLOCK, blocks + n);
    *out = qn_hash128(blocks, n, bytes);
    free(blocks);
    return QN_OK;
}

qn_code qn_fingerprint_file(const char *path, char out[QN_FINGERPRINT_HEX], uint64_t *bytes,
                            struct qn_err *err)
{
    struct stat at;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &at) != 0) {
        if (fd >= 0)
            close(fd);
        return qn_err_io(err, "read", path);
    }
    struct qn_hash128 hash;
    *bytes = (uint64_t)at.st_size;
    qn_code code = hash_file(fd, *bytes, &hash, err);
    close(fd);
    if (code == QN_OK)
        snprintf(out, QN_FINGERPRINT_HEX, "%016llx%016llx", (unsigned long long)hash.high,
                 (unsigned long long)hash.low);
    return code;
}

static qn_code add_file(struct qn_sha256 *sha, const char *path, struct qn_err *err)
{
    char fingerprint[QN_FINGERPRINT_HEX];
    uint64_t bytes;
    struct stat at;
    QN_TRY(qn_fingerprint_file(path, fingerprint, &bytes, err));
    if (stat(path, &at) != 0)
        return qn_err_io(err, "read", path);
    char line[160];
    int n = snprintf(line, sizeof line, " %s %lld.%09ld\n", fingerprint,
                     (long long)at.st_mtim.tv_sec, at.st_mtim.tv_nsec);
    qn_sha256_update(sha, path, strlen(path));
    qn_sha256_update(sha, line, (size_t)n);
    return QN_OK;
}

qn_code qn_fingerprint_plan(const struct qn_plan *plan, struct qn_strv plan_bytes,
                            char out[QN_SHA256_HEX], struct qn_err *err)
{
    struct qn_sha256 sha;
    qn_sha256_init(&sha);
    qn_sha256_update(&sha, plan_bytes.data, plan_bytes.len);
    for (uint32_t i = 0; i < plan->spec.n_sources; i++) {
        const struct qn_source_options *options = &plan->spec.sources[i].options;
        for (uint32_t file = 0; file < options->n_paths; file++)
            QN_TRY(add_file(&sha, options->paths[file], err));
    }
    qn_sha256_hex(&sha, out);
    return QN_OK;
}
