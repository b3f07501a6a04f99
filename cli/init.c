#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/templates.h"
#include "synth/synth.h"

static const char usage[] =
    "usage: quern init [DIR] [--template churn|retail] [--json]\n"
    "Writes a project that runs as it is: quern.yaml, README.md, .gitignore and synthetic data.\n"
    "Files that are there are not touched: they are named and nothing is written.\n"
    "  churn    customers and events to features, a model and a score for each customer (default)\n"
    "  retail   invoice lines to exact revenue; lines without a customer to quarantine\n"
    "example: quern init my-project && cd my-project && quern run quern.yaml\n";

enum { SEED = 7 };

static const char ignored[] = "# What runs make: state of a run, the warehouse.\n"
                              ".quern/\n"
                              "*.db\n"
                              "*.db-shm\n"
                              "*.db-wal\n";

/* A file of a project is a text, or a synthetic table. */
struct file {
    const char *path;
    const unsigned char *text;
    const size_t *bytes;
    const char *table;
    uint64_t rows, customers;
};

static const size_t ignored_bytes = sizeof ignored - 1;

static const struct file churn[] = {
    {"quern.yaml", qn_text_churn_spec, &qn_text_churn_spec_bytes, NULL, 0, 0},
    {"README.md", qn_text_churn_readme, &qn_text_churn_readme_bytes, NULL, 0, 0},
    {".gitignore", (const unsigned char *)ignored, &ignored_bytes, NULL, 0, 0},
    {"data/customers.csv", NULL, NULL, "churn", 5000, 0},
    {"data/events.csv", NULL, NULL, "events", 50000, 5000},
    {0},
};

static const struct file retail[] = {
    {"quern.yaml", qn_text_retail_spec, &qn_text_retail_spec_bytes, NULL, 0, 0},
    {"README.md", qn_text_retail_readme, &qn_text_retail_readme_bytes, NULL, 0, 0},
    {".gitignore", (const unsigned char *)ignored, &ignored_bytes, NULL, 0, 0},
    {"data/lines.csv", NULL, NULL, "retail", 20000, 400},
    {0},
};

static const struct {
    const char *name;
    const struct file *files;
} templates[] = {{"churn", churn}, {"retail", retail}};

enum { N_TEMPLATES = sizeof templates / sizeof templates[0] };

static const struct file *find_template(const char *name)
{
    const char *names[N_TEMPLATES];
    for (int i = 0; i < N_TEMPLATES; i++) {
        names[i] = templates[i].name;
        if (strcmp(name, names[i]) == 0)
            return templates[i].files;
    }
    const char *near = qn_strv_closest(qn_strv_from(name), names, N_TEMPLATES);
    fprintf(stderr, "quern init: there is no template '%s'; expected churn or retail%s%s%s\n", name,
            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return NULL;
}

/* --- writing --------------------------------------------------------------------------------- */

static qn_code make_folder(const char *path, struct qn_err *err)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return QN_OK;
    return qn_err_io(err, "make the folder", path);
}

/* The folder and those above it. */
static qn_code make_folders(const char *path, struct qn_err *err)
{
    char part[4096];
    size_t n = strlen(path);
    if (n >= sizeof part)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "the folder's path is too long");
    for (size_t i = 1; i < n; i++) {
        if (path[i] != '/')
            continue;
        snprintf(part, sizeof part, "%.*s", (int)i, path);
        QN_TRY(make_folder(part, err));
    }
    return make_folder(path, err);
}

/* Nothing is written when one file is there: all of them are named. */
static qn_code check_free(const char *folder, const struct file *files, struct qn_err *err)
{
    char path[4200], there[600] = "";
    struct stat about;
    for (; files->path; files++) {
        snprintf(path, sizeof path, "%s/%s", folder, files->path);
        if (lstat(path, &about) == 0)
            snprintf(there + strlen(there), sizeof there - strlen(there), "%s%s",
                     there[0] ? ", " : "", files->path);
    }
    if (!there[0])
        return QN_OK;
    return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                      "%s holds %s already: nothing was written; name another folder", folder,
                      there);
}

static qn_code write_text(const struct file *file, const char *path, struct qn_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return qn_err_io(err, "create", path);
    ssize_t written = write(fd, file->text, *file->bytes);
    if (close(fd) != 0 || written != (ssize_t)*file->bytes)
        return qn_err_io(err, "write", path);
    return QN_OK;
}

static qn_code write_files(const char *folder, const struct file *files, struct qn_err *err)
{
    char path[4200];
    QN_TRY(make_folders(folder, err));
    QN_TRY(check_free(folder, files, err));
    snprintf(path, sizeof path, "%s/data", folder);
    QN_TRY(make_folder(path, err));
    for (; files->path; files++) {
        struct qn_synth_options synth = {
            .rows = files->rows, .seed = SEED, .customers = files->customers};
        snprintf(path, sizeof path, "%s/%s", folder, files->path);
        if (files->table)
            QN_TRY(qn_synth_write(qn_synth_find(files->table), &synth, path, err));
        else
            QN_TRY(write_text(files, path, err));
    }
    return QN_OK;
}

/* --- the command ----------------------------------------------------------------------------- */

static void report(const struct qn_cli_common *common, const char *folder, const struct file *files)
{
    if (common->json) {
        fputs("{\"folder\":", stdout);
        qn_cli_json_text(stdout, folder);
        fputs(",\"files\":[", stdout);
        for (int i = 0; files[i].path; i++)
            printf("%s\"%s\"", i ? "," : "", files[i].path);
        puts("]}");
        return;
    }
    if (common->quiet)
        return;
    printf("wrote to %s:", folder);
    for (; files->path; files++)
        printf(" %s", files->path);
    puts("\nnext:");
    if (strcmp(folder, ".") != 0)
        printf("  cd %s\n", folder);
    puts("  quern run quern.yaml");
}

int qn_cli_init(int argc, char **argv)
{
    static const struct option options[] = {
        {"template", required_argument, NULL, 't'}, QN_CLI_COMMON_LONG, {0}};
    struct qn_cli_common common = {0};
    const struct file *files = churn;
    struct qn_err err = {0};
    int option;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        switch (option) {
        case 'h': fputs(usage, stdout); return QN_EXIT_OK;
        case 't':
            files = find_template(optarg);
            if (!files)
                return QN_EXIT_USAGE;
            break;
        default:
            if (!qn_cli_common(&common, option, optarg))
                return QN_EXIT_USAGE;
        }
    }
    if (argc - optind > 1) {
        fputs(usage, stderr);
        return QN_EXIT_USAGE;
    }
    const char *folder = optind < argc ? argv[optind] : ".";
    qn_code code = write_files(folder, files, &err);
    if (code == QN_OK)
        report(&common, folder, files);
    else
        qn_cli_complain(&common, &err);
    return qn_cli_exit(code);
}
