#include "cli/model_exchange.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "cli/cli.h"
#include "coordinator/lock.h"
#include "coordinator/store.h"
#include "jobs/exchange/exchange.h"

static const char export_usage[] =
    "usage: quern models export NAME[@ALIAS|:VERSION] --warehouse PATH\n"
    "                           --format lightgbm|xgboost|c|json --out FILE\n"
    "lightgbm: a text model that LightGBM loads. xgboost: a JSON model that XGBoost loads. Both "
    "of\n"
    "boosted trees only; FILE.columns.json says which code stands for which text. c: one C file\n"
    "that compiles alone, with NAME_score(). json: the model file of the warehouse. Calibrations "
    "are in c and json; the\n"
    "other two warn that they give the scores before.\n"
    "example: quern models export churn@champion --warehouse churn.db --format c --out churn.c\n";

static const char import_usage[] =
    "usage: quern models import FILE --name NAME --warehouse PATH [--columns FILE.columns.json]\n"
    "FILE is a text model of LightGBM for two classes. It becomes the next version of NAME, which\n"
    "score jobs use like any other. --columns gives features their names, types and categories;\n"
    "without it categories are those that pandas had, or else the codes themselves as text.\n"
    "example: quern models import model.txt --name churn --warehouse churn.db\n";

enum { MOST_BYTES = 256 << 20 }; /* of a file that is read */

struct asked {
    struct qn_cli_common common;
    const char *warehouse, *out, *name, *columns;
    const struct qn_exchange_format *format;
    const char *word; /* what follows the subcommand */
};

/* --- files ----------------------------------------------------------------------------------- */

static qn_code read_file(const char *path, struct qn_buf *out, struct qn_err *err)
{
    FILE *file = fopen(path, "rb");
    size_t n;
    if (!file)
        return qn_err_io(err, "open", path);
    do {
        uint8_t *at = qn_buf_reserve(out, 1 << 16);
        n = at ? fread(at, 1, 1 << 16, file) : 0;
        out->len += n;
    } while (n && out->len <= MOST_BYTES);
    bool failed = ferror(file);
    fclose(file);
    if (failed)
        return qn_err_io(err, "read", path);
    if (out->len > MOST_BYTES)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB, "%s has more than %d MiB", path,
                          MOST_BYTES >> 20);
    return qn_buf_check(out, "a file", err);
}

/* A file that is whole, or not there. */
static qn_code write_file(const char *path, const struct qn_buf *bytes, struct qn_err *err)
{
    char partial[4096];
    if (snprintf(partial, sizeof partial, "%s.partial-%ld", path, (long)getpid()) >=
        (int)sizeof partial)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "%s: this path is too long", path);
    FILE *file = fopen(partial, "wb");
    if (!file)
        return qn_err_io(err, "create", path);
    bool failed = fwrite(bytes->data, 1, bytes->len, file) != bytes->len;
    failed |= fflush(file) != 0;
    failed = fclose(file) != 0 || failed;
    if (!failed && rename(partial, path) == 0)
        return QN_OK;
    qn_code code = qn_err_io(err, "write", path);
    unlink(partial);
    return code;
}

/* --- export ---------------------------------------------------------------------------------- */

static qn_code read_model(const struct asked *asked, const char *name, const char *selector,
                          struct qn_buf *artefact, struct qn_err *err)
{
    struct qn_store *store;
    uint32_t version;
    QN_TRY(qn_store_open_reader(asked->warehouse, &store, err));
    qn_code code = qn_store_model_read(store, name, selector, artefact, &version, err);
    qn_store_close(store);
    return code;
}

static qn_code export_parts(const struct asked *asked, struct qn_buf parts[3], struct qn_err *err)
{
    char name[128], columns[4096];
    size_t n = strcspn(asked->word, "@:");
    if (n == 0 || n >= sizeof name)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "expected NAME, NAME@ALIAS or NAME:VERSION, got '%.200s'", asked->word);
    memcpy(name, asked->word, n);
    name[n] = '\0';
    QN_TRY(read_model(asked, name, asked->word + n, &parts[0], err));
    const char *left_out;
    QN_TRY(qn_exchange_write(asked->format, name, qn_buf_strv(&parts[0]), &parts[1], &parts[2],
                             &left_out, err));
    if (left_out)
        fprintf(
            stderr,
            "warning: %s is calibrated (%s), and a model of %s cannot say so: it gives the scores "
            "before calibration; c and json keep it, and %s.columns.json says how it is done\n",
            asked->word, left_out, asked->format->name, asked->out);
    if (parts[2].len) {
        if (snprintf(columns, sizeof columns, "%s.columns.json", asked->out) >= (int)sizeof columns)
            return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "%s: this path is too long",
                              asked->out);
        QN_TRY(write_file(columns, &parts[2], err));
    }
    return write_file(asked->out, &parts[1], err);
}

static qn_code export_model(const struct asked *asked, struct qn_err *err)
{
    struct qn_buf parts[3]; /* the model file, what is written, the columns file */
    for (int i = 0; i < 3; i++)
        qn_buf_init(&parts[i]);
    qn_code code = export_parts(asked, parts, err);
    if (code == QN_OK && !asked->common.quiet)
        printf("%s: %s%s%s%s\n", asked->word, asked->out, parts[2].len ? " and " : "",
               parts[2].len ? asked->out : "", parts[2].len ? ".columns.json" : "");
    for (int i = 0; i < 3; i++)
        qn_buf_fini(&parts[i]);
    return code;
}

/* --- import ---------------------------------------------------------------------------------- */

/* The same file twice is one version: its run is named after its bytes. */
static qn_code put_model(const struct asked *asked, struct qn_store *store,
                         const struct qn_buf *artefact, const char *parameters,
                         const char *file_sha256, struct qn_err *err)
{
    char sha256[QN_SHA256_HEX], run_id[40];
    uint32_t version;
    qn_sha256_of(qn_buf_strv(artefact), sha256);
    snprintf(run_id, sizeof run_id, "import-%.16s", sha256);
    const struct qn_findings findings = {.model = {.name = asked->name,
                                                   .algorithm = "gradient_boosting",
                                                   .artefact = qn_buf_strv(artefact),
                                                   .parameters = parameters}};
    QN_TRY(
        qn_store_findings_put(store, run_id, "import", &findings, file_sha256, 0, &version, err));
    QN_TRY(qn_store_commit(store, err));
    if (!asked->common.quiet)
        printf("model %s v%u: from %s\n", asked->name, version, asked->word);
    return QN_OK;
}

static qn_code register_model(const struct asked *asked, const struct qn_buf *artefact,
                              const char *parameters, const char *file_sha256, struct qn_err *err)
{
    struct qn_store *store;
    int lock;
    QN_TRY(qn_lock_warehouse(asked->warehouse, &lock, err));
    qn_code code = qn_store_open(asked->warehouse, &store, err);
    if (code == QN_OK) {
        code = put_model(asked, store, artefact, parameters, file_sha256, err);
        qn_store_close(store);
    }
    qn_lock_release(lock);
    return code;
}

static qn_code import_parts(const struct asked *asked, struct qn_buf parts[4], struct qn_err *err)
{
    char sha256[QN_SHA256_HEX];
    if (!qn_strv_is_identifier(qn_strv_from(asked->name)))
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "'%.100s' is no name of a model: letters, digits and _, no digit first",
                          asked->name);
    QN_TRY(read_file(asked->word, &parts[0], err));
    if (asked->columns)
        QN_TRY(read_file(asked->columns, &parts[1], err));
    QN_TRY(qn_exchange_read_lightgbm(asked->word, qn_buf_strv(&parts[0]), qn_buf_strv(&parts[1]),
                                     &parts[2], &parts[3], err));
    qn_buf_put_u8(&parts[3], '\0');
    QN_TRY(qn_buf_check(&parts[3], "a model", err));
    qn_sha256_of(qn_buf_strv(&parts[0]), sha256);
    return register_model(asked, &parts[2], (const char *)parts[3].data, sha256, err);
}

static qn_code import_model(const struct asked *asked, struct qn_err *err)
{
    struct qn_buf parts[4]; /* the file, its columns file, our model file, its parameters */
    for (int i = 0; i < 4; i++)
        qn_buf_init(&parts[i]);
    qn_code code = import_parts(asked, parts, err);
    for (int i = 0; i < 4; i++)
        qn_buf_fini(&parts[i]);
    return code;
}

/* --- the commands ---------------------------------------------------------------------------- */

static bool take_format(struct asked *asked, const char *name)
{
    asked->format = qn_exchange_format_find(name);
    if (!asked->format)
        fprintf(stderr,
                "quern models export: expected --format lightgbm, xgboost, c or json, got '%s'\n",
                name);
    return asked->format != NULL;
}

/* -1: go on. */
static int read_options(struct asked *asked, int argc, char **argv, const char *usage)
{
    static const struct option options[] = {{"warehouse", required_argument, NULL, 'w'},
                                            {"format", required_argument, NULL, 'f'},
                                            {"out", required_argument, NULL, 'o'},
                                            {"name", required_argument, NULL, 'n'},
                                            {"columns", required_argument, NULL, 'c'},
                                            QN_CLI_COMMON_LONG,
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        switch (option) {
        case 'h': fputs(usage, stdout); return QN_EXIT_OK;
        case 'w': asked->warehouse = optarg; break;
        case 'o': asked->out = optarg; break;
        case 'n': asked->name = optarg; break;
        case 'c': asked->columns = optarg; break;
        case 'f':
            if (!take_format(asked, optarg))
                return QN_EXIT_USAGE;
            break;
        default:
            if (!qn_cli_common(&asked->common, option, optarg))
                return QN_EXIT_USAGE;
        }
    }
    asked->word = optind + 1 == argc ? argv[optind] : NULL;
    return -1;
}

static int finish(const struct asked *asked, qn_code code, const struct qn_err *err)
{
    if (code != QN_OK)
        qn_cli_complain(&asked->common, err);
    return qn_cli_exit(code);
}

int qn_cli_model_export(int argc, char **argv)
{
    struct asked asked = {.word = NULL};
    struct qn_err err = {0};
    int code = read_options(&asked, argc, argv, export_usage);
    if (code >= 0)
        return code;
    if (asked.word && asked.warehouse && asked.format && asked.out && !asked.name && !asked.columns)
        return finish(&asked, export_model(&asked, &err), &err);
    fputs(export_usage, stderr);
    return QN_EXIT_USAGE;
}

int qn_cli_model_import(int argc, char **argv)
{
    struct asked asked = {.word = NULL};
    struct qn_err err = {0};
    int code = read_options(&asked, argc, argv, import_usage);
    if (code >= 0)
        return code;
    if (asked.word && asked.warehouse && asked.name && !asked.format && !asked.out)
        return finish(&asked, import_model(&asked, &err), &err);
    fputs(import_usage, stderr);
    return QN_EXIT_USAGE;
}
