#include "cli/file.h"

#include <string.h>

enum { SAID = 3 };

/* --- a file ---------------------------------------------------------------------------------- */

/* `file.db#table`, unless a file is called so. */
static qn_code split_name(struct qn_file *file, const char *name, struct qn_err *err)
{
    file->path = qn_arena_strdup(&file->arena, qn_strv_from(name));
    if (!file->path)
        return qn_err_nomem(err, "a path");
    char *hash = strrchr(file->path, '#');
    FILE *whole = hash ? fopen(name, "rb") : NULL;
    if (whole)
        fclose(whole);
    else if (hash) {
        *hash = '\0';
        file->options.table = hash + 1;
    }
    return QN_OK;
}

qn_code qn_file_open(struct qn_file *file, const char *name, struct qn_err *err)
{
    memset(file, 0, sizeof *file);
    qn_arena_init(&file->arena);
    QN_TRY(split_name(file, name, err));
    file->ops = qn_source_by_suffix(file->path);
    if (!file->ops)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "the suffix of %s does not tell its format (.csv, .jsonl, .db, ... and "
                          "behind it .gz, .zst, .lz4, .bz2 or .xz)",
                          file->path);
    file->paths[0] = file->path;
    file->options.name = name;
    file->options.paths = file->paths;
    file->options.n_paths = 1;
    file->options.header = -1;
    file->options.skip_rows = -1;
    QN_TRY(file->ops->inspect(&file->options, &file->arena, &file->info, err));
    QN_TRY(qn_rejects_init(&file->rejects, err));
    return file->ops->chunks(&file->options, &file->info, 0, &file->arena, &file->chunks,
                             &file->n_chunks, err);
}

void qn_file_close(struct qn_file *file)
{
    if (file->reader)
        file->reader->ops->close(file->reader);
    if (file->rejects.rows)
        qn_rejects_fini(&file->rejects);
    qn_arena_fini(&file->arena);
}

/* Where a chunk begins is known: the one before was read. */
static qn_code open_chunk(struct qn_file *file, struct qn_err *err)
{
    struct qn_chunk *chunk = &file->chunks[file->at];
    if (file->at > 0)
        chunk->start = file->before.next_start;
    return file->ops->open(&file->info, chunk, NULL, &file->reader, err);
}

static void end_chunk(struct qn_file *file)
{
    file->reader->ops->result(file->reader, &file->before);
    file->reader->ops->close(file->reader);
    file->reader = NULL;
    file->lines += file->before.lines;
    file->at++;
}

static qn_code count_rejects(struct qn_file *file, struct qn_err *err)
{
    struct qn_batch rows;
    uint32_t n = qn_rejects_count(&file->rejects);
    if (n == 0)
        return QN_OK;
    qn_builder_batch(file->rejects.rows, &rows);
    for (uint32_t i = 0; i < n; i++) {
        struct qn_reject reject = qn_reject_at(&rows, i);
        if (file->n_rejects++ < SAID)
            fprintf(stderr, "quern: %s:%llu: refused: %.*s%s%.*s%s\n", file->path,
                    (unsigned long long)file->lines + reject.line + 1, QN_STRV_ARG(reject.message),
                    reject.column.len ? " (column " : "", QN_STRV_ARG(reject.column),
                    reject.column.len ? ")" : "");
    }
    qn_rejects_fini(&file->rejects);
    return qn_rejects_init(&file->rejects, err);
}

qn_code qn_file_next(struct qn_file *file, struct qn_batch *batch, struct qn_err *err)
{
    batch->n_rows = 0;
    while (file->at < file->n_chunks) {
        if (!file->reader)
            QN_TRY(open_chunk(file, err));
        QN_TRY(file->reader->ops->next(file->reader, batch, &file->rejects, err));
        QN_TRY(count_rejects(file, err));
        if (batch->n_rows)
            return QN_OK;
        end_chunk(file);
    }
    return QN_OK;
}

void qn_file_say_refused(const struct qn_file *file)
{
    if (file->n_rejects)
        fprintf(stderr, "quern: %llu row%s of %s %s refused and left out\n",
                (unsigned long long)file->n_rejects, file->n_rejects == 1 ? "" : "s", file->path,
                file->n_rejects == 1 ? "was" : "were");
}

/* --- a command ------------------------------------------------------------------------------- */

bool qn_file_command_read(struct qn_file_command *command, int argc, char **argv, const char *usage,
                          int *exit)
{
    static const struct option options[] = {{"csv", no_argument, NULL, 'c'},
                                            {"rows", required_argument, NULL, 'n'},
                                            QN_CLI_COMMON_LONG,
                                            {0}};
    int option;
    *exit = QN_EXIT_USAGE;
    command->rows = 10;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT "n:", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            *exit = QN_EXIT_OK;
            return false;
        }
        if (option == 'c')
            command->csv = true;
        else if (option == 'n') {
            if (!qn_cli_number("-n", optarg, 1, INT64_MAX, &command->rows))
                return false;
        } else if (!qn_cli_common(&command->common, option, optarg))
            return false;
    }
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        return false;
    }
    command->name = argv[optind];
    return true;
}

const struct qn_writer_ops *qn_file_command_format(const struct qn_file_command *command)
{
    return command->common.json ? qn_writer_find("jsonl")
           : command->csv       ? qn_writer_find("csv")
                                : NULL;
}

int qn_file_command_run(int argc, char **argv, const char *usage, qn_file_show_fn show)
{
    struct qn_file_command command = {0};
    struct qn_file file;
    struct qn_answer answer = {0};
    struct qn_err err = {0};
    int exit;
    if (!qn_file_command_read(&command, argc, argv, usage, &exit))
        return exit;
    qn_code code = show(&file, &command, &answer, &err);
    qn_answer_fini(&answer);
    qn_file_say_refused(&file);
    qn_file_close(&file);
    if (code != QN_OK)
        qn_cli_complain(&command.common, &err);
    return qn_cli_exit(code);
}
