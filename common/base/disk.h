/* disk: files and folders that outlive a power cut: made, written, and synced with the folder that
 * names them. Blame of every failure is the coordinator's: what was acknowledged needs the disk. */
#ifndef QN_BASE_DISK_H
#define QN_BASE_DISK_H

#include "base/err.h"
#include "base/strv.h"

/* The names in a folder are durable. */
QN_CHECK qn_code qn_disk_sync_folder(const char *path, struct qn_err *err);

/* The folder and those above it, durably; fine when they are there. */
QN_CHECK qn_code qn_disk_make_folders(const char *path, struct qn_err *err);

/* A whole file, its bytes durable, its name not yet (sync the folder). Replaces what is there. */
QN_CHECK qn_code qn_disk_write_file(const char *path, struct qn_strv bytes, struct qn_err *err);

/* All bytes to an offset of a file. */
QN_CHECK qn_code qn_disk_put(int fd, const char *path, struct qn_strv bytes, uint64_t offset,
                             struct qn_err *err);

/* n bytes from an offset of a file; false: not so many are there, or they cannot be read. */
bool qn_disk_get(int fd, uint64_t offset, void *out, size_t n);

/* Copies bytes between files within the kernel where it can. */
QN_CHECK qn_code qn_disk_copy(int from, uint64_t from_offset, int to, uint64_t to_offset,
                              uint64_t bytes, const char *to_path, struct qn_err *err);

#endif
