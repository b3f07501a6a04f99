#include "parquet/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "parquet/meta_read.h"

enum {
    MAX_FOOTER_BYTES = 64 << 20, /* thousands of columns times thousands of row groups */
    MAX_ROWS_PER_BYTE = 1 << 16, /* what runs of one value come to; more is a bomb */
};
#define MAX_GROUP_ROWS INT64_C(0x7fffffff)

static qn_code bad_file(const struct qn_pq_file *file, struct qn_err *err, const char *why)
{
    qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "%s", why);
    qn_err_at(err, file->path, 0, 0);
    return code;
}

static qn_code not_supported(const struct qn_pq_file *file, struct qn_err *err, const char *why)
{
    qn_code code = qn_err_set(err, QN_ENOTSUP, QN_BLAME_INPUT, "%s", why);
    qn_err_at(err, file->path, 0, 0);
    return code;
}

qn_code qn_pq_file_read(const struct qn_pq_file *file, uint64_t at, void *out, size_t n,
                        struct qn_err *err)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(file->fd, (char *)out + done, n - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return qn_err_io(err, "read", file->path);
        if (got == 0)
            return bad_file(file, err, "the file became shorter while it was read");
        done += (size_t)got;
    }
    return QN_OK;
}

/* --- the footer ------------------------------------------------------------------------------ */

/* The metadata's bytes, in the arena. */
static qn_code read_footer(struct qn_pq_file *file, struct qn_strv *out, struct qn_err *err)
{
    uint8_t last[QN_PQ_FOOTER_BYTES];
    if (file->bytes < QN_PQ_MAGIC_BYTES + QN_PQ_FOOTER_BYTES)
        return bad_file(file, err, "expected a Parquet file, found one that is too short");
    QN_TRY(qn_pq_file_read(file, file->bytes - sizeof last, last, sizeof last, err));
    if (memcmp(last + 4, "PARE", 4) == 0)
        return not_supported(file, err,
                             "the Parquet file is encrypted; encrypted files are not supported");
    if (memcmp(last + 4, QN_PQ_MAGIC, 4) != 0)
        return bad_file(file, err,
                        "expected a Parquet file, but it does not end with PAR1: it is another "
                        "format, or was not written to its end");
    uint64_t n =
        last[0] | (uint64_t)last[1] << 8 | (uint64_t)last[2] << 16 | (uint64_t)last[3] << 24;
    if (n > file->bytes - QN_PQ_MAGIC_BYTES - QN_PQ_FOOTER_BYTES)
        return bad_file(file, err, "the Parquet footer is longer than the file");
    if (n > MAX_FOOTER_BYTES)
        return bad_file(file, err, "the Parquet footer is longer than 64 MiB");
    char *bytes = qn_arena_alloc(&file->arena, n + 1);
    if (!bytes)
        return qn_err_nomem(err, "Parquet footer");
    *out = (struct qn_strv){bytes, n};
    return qn_pq_file_read(file, file->bytes - sizeof last - n, bytes, n, err);
}

/* --- do the parts fit each other? ------------------------------------------------------------ */

static const char *check_column(const struct qn_pq_file *file, const struct qn_pq_row_group *group,
                                uint32_t leaf)
{
    const struct qn_pq_column_chunk *column = &group->columns[leaf];
    const struct qn_pq_node *node = &file->tree.nodes[file->tree.leaves[leaf]];
    const struct qn_pq_column_meta *meta = &column->meta;
    if (column->file_path.len)
        return "a column lies in another file, which is not supported";
    if (meta->type != node->element->type)
        return "a column of a row group has another type than in the schema";
    if (meta->n_values < 0 || (node->repetition == 0 && meta->n_values != group->n_rows))
        return "a column of a row group has another number of values than the row group has rows";
    if (meta->stored_bytes < 0 || (uint64_t)meta->stored_bytes > file->bytes)
        return "a column of a row group is longer than the file";
    int64_t begin = meta->data_page_offset;
    if (meta->dictionary_page_offset > 0 && meta->dictionary_page_offset < begin)
        begin = meta->dictionary_page_offset;
    if (begin < 0 || (meta->n_values && (uint64_t)begin < QN_PQ_MAGIC_BYTES) ||
        (uint64_t)begin > file->bytes - (uint64_t)meta->stored_bytes)
        return "a column of a row group lies outside the file";
    return NULL;
}

/* Rows are those of the row groups: what the file says besides is wrong in some. */
static const char *check_groups(const struct qn_pq_file *file)
{
    const struct qn_pq_file_meta *meta = &file->meta;
    int64_t rows = 0;
    for (uint32_t g = 0; g < meta->n_groups; g++) {
        const struct qn_pq_row_group *group = &meta->groups[g];
        if (group->n_rows > MAX_GROUP_ROWS)
            return "a row group says it has more than 2^31 - 1 rows";
        rows += group->n_rows;
        for (uint32_t c = 0; c < group->n_columns; c++) {
            const char *why = check_column(file, group, c);
            if (why)
                return why;
        }
    }
    if ((uint64_t)rows / MAX_ROWS_PER_BYTE > file->bytes)
        return "it says that it has more rows than a file of this size can hold";
    return NULL;
}

static bool is_encrypted(const struct qn_pq_file_meta *meta)
{
    bool encrypted = meta->is_encrypted;
    for (uint32_t g = 0; g < meta->n_groups; g++)
        for (uint32_t c = 0; c < meta->groups[g].n_columns; c++)
            encrypted |= meta->groups[g].columns[c].is_encrypted;
    return encrypted;
}

static qn_code read_file(struct qn_pq_file *file, struct qn_err *err)
{
    struct stat st;
    struct qn_strv footer = {0};
    if (fstat(file->fd, &st) != 0)
        return qn_err_io(err, "stat", file->path);
    file->bytes = (uint64_t)st.st_size;
    QN_TRY(read_footer(file, &footer, err));
    qn_code code = qn_pq_file_meta_read(footer, &file->arena, &file->meta, err);
    if (code == QN_OK && is_encrypted(&file->meta))
        return not_supported(file, err,
                             "columns of the Parquet file are encrypted; that is not supported");
    if (code == QN_OK)
        code = qn_pq_tree_build(&file->meta, &file->arena, &file->tree, err);
    if (code != QN_OK) {
        qn_err_at(err, file->path, 0, 0);
        return code;
    }
    const char *why = check_groups(file);
    return why ? bad_file(file, err, why) : QN_OK;
}

qn_code qn_pq_file_open(struct qn_pq_file *file, const char *path, struct qn_err *err)
{
    *file = (struct qn_pq_file){.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (file->fd < 0)
        return errno == ENOENT
                   ? qn_err_set(err, QN_ENOTFOUND, QN_BLAME_INPUT, "no such file: %s", path)
                   : qn_err_io(err, "open", path);
    qn_arena_init(&file->arena);
    qn_code code = read_file(file, err);
    if (code != QN_OK)
        qn_pq_file_close(file);
    return code;
}

void qn_pq_file_close(struct qn_pq_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    qn_arena_fini(&file->arena);
}
