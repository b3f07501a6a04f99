/* file: one file (or `file.db#table`) read as a source, from its first row to its last: what the
 * small tools are made of. */
#ifndef QN_CLI_FILE_H
#define QN_CLI_FILE_H

#include <getopt.h>

#include "cli/answer.h"
#include "cli/cli.h"
#include "flow/source.h"

struct qn_file {
    struct qn_arena arena;
    char *path;
    const char *paths[1];
    struct qn_source_options options;
    struct qn_source_info info;
    const struct qn_source_ops *ops;
    struct qn_chunk *chunks;
    uint32_t n_chunks, at;
    struct qn_reader *reader; /* of chunk `at`, or NULL */
    struct qn_chunk_result before;
    uint64_t lines; /* before the chunk */
    struct qn_rejects rejects;
    uint64_t n_rejects; /* rows refused so far; the first few are said on stderr */
};

/* By its suffix, which may stand before one of a compression. QN_EINPUT when that says nothing. In
 * every case qn_file_close. */
QN_CHECK qn_code qn_file_open(struct qn_file *file, const char *name, struct qn_err *err);
/* Rows in file order; n_rows 0 at the end. The batch is good until the next call. */
QN_CHECK qn_code qn_file_next(struct qn_file *file, struct qn_batch *batch, struct qn_err *err);
void qn_file_close(struct qn_file *file);

/* "3 rows were refused" on stderr, when some were. */
void qn_file_say_refused(const struct qn_file *file);

/* Options that all of the tools have, and their one file. */
struct qn_file_command {
    struct qn_cli_common common;
    const char *name;
    bool csv;
    int64_t rows; /* head: -n */
};

/* False: the exit code is in *exit (help was shown, or the usage). */
bool qn_file_command_read(struct qn_file_command *command, int argc, char **argv, const char *usage,
                          int *exit);
const struct qn_writer_ops *qn_file_command_format(const struct qn_file_command *command);

/* What a tool says of its file, which it opens itself. */
typedef qn_code (*qn_file_show_fn)(struct qn_file *file, const struct qn_file_command *command,
                                   struct qn_answer *answer, struct qn_err *err);
/* A whole tool: options, its work, what was refused, and the exit code. */
int qn_file_command_run(int argc, char **argv, const char *usage, qn_file_show_fn show);

#endif
