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
    return qn_file_command_run(argc, argv, usage, show);
}
