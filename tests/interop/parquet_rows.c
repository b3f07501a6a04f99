/* Parquet files as Quern reads them:
 *
 *     interop.parquet_rows < PATHS
 *
 * PATH.ours is made of each: a line with the columns' types, then a line a row (rows_text.h); or a
 * line that begins with "error: ". */
#include <stdlib.h>

#include "flow/source.h"
#include "tests/interop/rows_text.h"

struct file {
    const char *path;
    FILE *out;
    struct qn_arena arena;
    struct qn_source_info info;
};

static qn_code print_chunk(struct file *file, const struct qn_source_ops *ops,
                           const struct qn_chunk *chunk, struct qn_err *err)
{
    struct qn_reader *reader;
    struct qn_rejects rejects;
    struct qn_batch batch;
    QN_TRY(ops->open(&file->info, chunk, NULL, &reader, err));
    qn_code code = qn_rejects_init(&rejects, err);
    while (code == QN_OK) {
        code = reader->ops->next(reader, &batch, &rejects, err);
        if (code != QN_OK || batch.n_rows == 0)
            break;
        print_rows(file->out, &batch);
    }
    if (code == QN_OK && qn_rejects_count(&rejects) > 0)
        fprintf(file->out, "error: %llu rows refused\n",
                (unsigned long long)qn_rejects_count(&rejects));
    qn_rejects_fini(&rejects);
    reader->ops->close(reader);
    return code;
}

static qn_code print_file(struct file *file, struct qn_err *err)
{
    const struct qn_source_ops *ops = qn_source_find("parquet");
    struct qn_source_options options = {
        .name = "rows", .paths = &file->path, .n_paths = 1, .header = -1, .skip_rows = -1};
    struct qn_chunk *chunks = NULL;
    uint32_t n = 0;
    char type[QN_TYPE_NAME];
    QN_TRY(ops->inspect(&options, &file->arena, &file->info, err));
    const struct qn_schema *schema = &file->info.schema;
    for (uint32_t i = 0; i < schema->n_fields; i++)
        fprintf(file->out, "%s%c", qn_type_name(schema->fields[i].type, type),
                i + 1 < schema->n_fields ? '\t' : '\n');
    QN_TRY(ops->chunks(&options, &file->info, 0, &file->arena, &chunks, &n, err));
    for (uint32_t i = 0; i < n; i++)
        QN_TRY(print_chunk(file, ops, &chunks[i], err));
    return QN_OK;
}

int main(void)
{
    static char path[4096], out[4200], text[1024];
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = 0;
        snprintf(out, sizeof out, "%s.ours", path);
        struct file file = {.path = path, .out = fopen(out, "wb")};
        struct qn_err err = {0};
        if (!file.out)
            return 1;
        qn_arena_init(&file.arena);
        if (print_file(&file, &err) != QN_OK) {
            qn_err_format(&err, text, sizeof text);
            fprintf(file.out, "error: %s\n", text);
        }
        qn_arena_fini(&file.arena);
        fclose(file.out);
    }
    return 0;
}
