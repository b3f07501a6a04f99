#include "cli/file.h"

static const char usage[] =
    "usage: quern head FILE [-n N] [--json | --csv]\n"
    "The first rows of a file, as sources read it: by suffix csv, jsonl, parquet or sqlite\n"
    "(FILE.db#TABLE), text compressed or not. Rows that cannot be read are said on stderr.\n"
    "  -n N     so many rows (10)\n"
    "  --json   one object a line\n"
    "  --csv    with a header\n"
    "example: quern head orders.csv.gz -n 3\n";

static qn_code show(struct qn_file *file, const struct qn_file_command *command,
                    struct qn_answer *answer, struct qn_err *err)
{
    uint64_t left = (uint64_t)command->rows;
    QN_TRY(qn_file_open(file, command->name, err));
    QN_TRY(qn_answer_begin(answer, &file->info.schema, qn_file_command_format(command), NULL, err));
    while (left) {
        struct qn_batch batch;
        QN_TRY(qn_file_next(file, &batch, err));
        if (batch.n_rows == 0)
            break;
        if (batch.n_rows > left)
            batch.n_rows = (uint32_t)left;
        left -= batch.n_rows;
        QN_TRY(qn_answer_rows(answer, &batch, err));
    }
    return qn_answer_end(answer, err);
}

int qn_cli_head(int argc, char **argv)
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
