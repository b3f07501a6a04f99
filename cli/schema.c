#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "cli/file.h"

static const char usage[] =
    "usage: quern schema FILE [--json]\n"
    "How a file is written, and its columns as `columns:` of a spec would declare them.\n"
    "  --json   one JSON object\n"
    "example: quern schema orders.csv >>quern.yaml\n";

/* As it stands where YAML takes that for a text, else in quotes. */
static void put_name(struct qn_buf *out, const char *name)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no",
                                        "on",   "off",   "y",    "n"};
    bool plain = isalpha((unsigned char)name[0]) || name[0] == '_';
    for (const char *c = name; *c && plain; c++)
        plain = isalnum((unsigned char)*c) || *c == '_';
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        plain = plain && !qn_strv_eq_nocase(qn_strv_from(name), qn_strv_from(words[i]));
    if (plain)
        qn_buf_put(out, name, strlen(name));
    else
        qn_json_put_text(out, qn_strv_from(name));
}

static void put_dialect(struct qn_buf *out, const struct qn_file *file)
{
    if (file->ops->describe)
        file->ops->describe(&file->info, out);
    if (file->info.compression)
        qn_buf_printf(out, "%s%s", out->len ? ", " : "", file->info.compression);
}

static void put_yaml(struct qn_buf *out, const struct qn_file *file, struct qn_strv dialect)
{
    char type[QN_TYPE_NAME];
    qn_buf_printf(out, "# %s: %s%s%.*s\n", file->options.name, file->info.format,
                  dialect.len ? ", " : "", QN_STRV_ARG(dialect));
    qn_buf_printf(out, "columns:\n");
    for (uint32_t i = 0; i < file->info.schema.n_fields; i++) {
        const struct qn_field *field = &file->info.schema.fields[i];
        bool quoted = field->type.id == QN_DECIMAL; /* it has a comma */
        qn_buf_printf(out, "  - {name: ");
        put_name(out, field->name);
        qn_buf_printf(out, ", type: %s%s%s}\n", quoted ? "\"" : "", qn_type_name(field->type, type),
                      quoted ? "\"" : "");
    }
}

static void put_json(struct qn_buf *out, const struct qn_file *file, struct qn_strv dialect)
{
    char type[QN_TYPE_NAME];
    qn_buf_printf(out, "{\"format\":\"%s\",\"dialect\":", file->info.format);
    qn_json_put_text(out, dialect);
    qn_buf_printf(out, ",\"columns\":[");
    for (uint32_t i = 0; i < file->info.schema.n_fields; i++) {
        qn_buf_printf(out, "%s{\"name\":", i ? "," : "");
        qn_json_put_text(out, qn_strv_from(file->info.schema.fields[i].name));
        qn_buf_printf(out, ",\"type\":\"%s\"}",
                      qn_type_name(file->info.schema.fields[i].type, type));
    }
    qn_buf_printf(out, "]}\n");
}

static qn_code show(struct qn_file *file, const struct qn_file_command *command,
                    struct qn_answer *answer, struct qn_err *err)
{
    (void)answer;
    struct qn_buf dialect, out;
    QN_TRY(qn_file_open(file, command->name, err));
    qn_buf_init(&dialect);
    qn_buf_init(&out);
    put_dialect(&dialect, file);
    if (command->common.json)
        put_json(&out, file, qn_buf_strv(&dialect));
    else
        put_yaml(&out, file, qn_buf_strv(&dialect));
    qn_code code = qn_buf_check(&out, "a schema", err);
    if (code == QN_OK)
        fwrite(out.data, 1, out.len, stdout);
    qn_buf_fini(&dialect);
    qn_buf_fini(&out);
    return code;
}

int qn_cli_schema(int argc, char **argv)
{
    return qn_file_command_run(argc, argv, usage, show);
}
