#include <dirent.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "flow/value.h"
#include "lake/compact.h"
#include "lake/dataset.h"
#include "lake/expire.h"

static const char usage[] =
    "usage: quern lake list [LAKE]\n"
    "       quern lake snapshots DATASET\n"
    "       quern lake files DATASET [--snapshot N | --as-of TIME]\n"
    "       quern lake compact DATASET [--file-size SIZE]\n"
    "       quern lake expire DATASET [--keep N] [--older-than AGE] [--dry-run]\n"
    "LAKE is a folder of datasets (lake when left out), DATASET one of them.\n"
    "list: datasets with their newest snapshot. snapshots: what each added. files: paths of the\n"
    "files that make up a snapshot, for programs that read Parquet, CSV or JSON lines.\n"
    "compact: joins neighbouring small files in a new snapshot.\n"
    "expire: lets go of old snapshots, and removes files that no other names, and what killed\n"
    "loads left. The newest snapshot always stays.\n"
    "  --file-size SIZE     what joined files grow to (128MiB)\n"
    "  --keep N             the newest N snapshots stay (10)\n"
    "  --older-than AGE     and those that are not older: 45m, 12h, 7d\n"
    "  --dry-run            says what would go, and changes nothing\n"
    "  --json               one JSON document\n"
    "example: quern lake snapshots lake/orders\n"
    "         quern lake compact lake/orders --file-size 256MiB\n"
    "         quern lake expire lake/orders --keep 3 --older-than 7d\n";

struct asked {
    struct qn_cli_common common;
    const char *folder;
    uint64_t snapshot;
    const char *as_of;
    uint64_t file_bytes;
    struct qn_expire_options expire;
    struct qn_arena arena;
};

/* --- what there is --------------------------------------------------------------------------- */

static void print_dataset(const struct asked *asked, const char *name,
                          const struct qn_lake_manifest *newest, uint32_t n_snapshots, bool first)
{
    unsigned long long rows = qn_manifest_rows(newest), bytes = qn_manifest_bytes(newest);
    if (asked->common.json) {
        fputs(first ? "{\"dataset\":" : ",{\"dataset\":", stdout);
        qn_cli_json_text(stdout, name);
        printf(",\"snapshot\":%llu,\"snapshots\":%u,\"time\":\"%s\",\"format\":\"%s\","
               "\"files\":%u,\"rows\":%llu,\"bytes\":%llu}",
               (unsigned long long)newest->number, n_snapshots, newest->time, newest->format,
               newest->n_files, rows, bytes);
        return;
    }
    if (first)
        printf("%-24s %8s %9s  %-19s %-8s %7s %14s %16s\n", "dataset", "newest", "snapshots", "of",
               "format", "files", "rows", "bytes");
    printf("%-24s %8llu %9u  %-19.19s %-8s %7u %14llu %16llu\n", name,
           (unsigned long long)newest->number, n_snapshots, newest->time, newest->format,
           newest->n_files, rows, bytes);
}

static int by_name(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

enum { MAX_DATASETS = 10000 };

/* Names of the datasets in a lake, sorted. */
static qn_code list_names(struct asked *asked, const char ***names, size_t *n, struct qn_err *err)
{
    struct dirent *entry;
    DIR *dir = opendir(asked->folder);
    *n = 0;
    *names = QN_NEW_ARRAY(&asked->arena, const char *, MAX_DATASETS);
    if (!dir)
        return qn_err_io(err, "read folder", asked->folder);
    while (*names && *n < MAX_DATASETS && (entry = readdir(dir))) { /* NOLINT */
        const char *path = qn_arena_printf(&asked->arena, "%s/%s", asked->folder, entry->d_name);
        const char *name = qn_arena_strdup(&asked->arena, qn_strv_from(entry->d_name));
        if (entry->d_name[0] != '.' && path && name && qn_dataset_is(path))
            (*names)[(*n)++] = name;
    }
    closedir(dir);
    if (*names)
        qsort(*names, *n, sizeof **names, by_name);
    return *names ? QN_OK : qn_err_nomem(err, "a lake's datasets");
}

static qn_code list(struct asked *asked, struct qn_err *err)
{
    const char **names;
    size_t n, shown = 0;
    QN_TRY(list_names(asked, &names, &n, err));
    fputs(asked->common.json ? "[" : "", stdout);
    for (size_t i = 0; i < n; i++) {
        struct qn_lake_manifest newest;
        uint64_t *numbers;
        uint32_t n_snapshots;
        const char *path = qn_arena_printf(&asked->arena, "%s/%s", asked->folder, names[i]);
        if (!path)
            return qn_err_nomem(err, "a path");
        qn_code code = qn_dataset_read(path, 0, &asked->arena, &newest, err);
        if (code == QN_ENOTFOUND)
            continue; /* its first load is under way */
        QN_TRY(code);
        QN_TRY(qn_dataset_list(path, &asked->arena, &numbers, &n_snapshots, err));
        print_dataset(asked, names[i], &newest, n_snapshots, shown++ == 0);
    }
    fputs(asked->common.json ? "]\n" : "", stdout);
    return QN_OK;
}

static void print_snapshot(const struct asked *asked, const struct qn_lake_manifest *at, bool first)
{
    unsigned long long rows = qn_manifest_rows(at), bytes = qn_manifest_bytes(at);
    if (asked->common.json) {
        printf("%s{\"snapshot\":%llu,\"parent\":%llu,\"time\":\"%s\",\"operation\":\"%s\",\"run\":",
               first ? "" : ",", (unsigned long long)at->number, (unsigned long long)at->parent,
               at->time, at->operation);
        qn_cli_json_text(stdout, at->run ? at->run : "");
        fputs(",\"job\":", stdout);
        qn_cli_json_text(stdout, at->job ? at->job : "");
        printf(",\"files\":%u,\"rows\":%llu,\"bytes\":%llu}", at->n_files, rows, bytes);
        return;
    }
    if (first)
        printf("%8s  %-19s %-9s %-24s %-20s %7s %14s %16s\n", "snapshot", "of", "by", "run", "job",
               "files", "rows", "bytes");
    printf("%8llu  %-19.19s %-9s %-24s %-20s %7u %14llu %16llu\n", (unsigned long long)at->number,
           at->time, at->operation, at->run ? at->run : "-", at->job ? at->job : "-", at->n_files,
           rows, bytes);
}

static qn_code snapshots(struct asked *asked, struct qn_err *err)
{
    uint64_t *numbers;
    uint32_t n, shown = 0;
    struct qn_lake_manifest at;
    QN_TRY(qn_dataset_list(asked->folder, &asked->arena, &numbers, &n, err));
    if (n == 0)
        return qn_dataset_read(asked->folder, 0, &asked->arena, &at, err); /* says why */
    fputs(asked->common.json ? "[" : "", stdout);
    for (uint32_t i = 0; i < n; i++) {
        qn_code code = qn_dataset_read(asked->folder, numbers[i], &asked->arena, &at, err);
        if (code == QN_ENOTFOUND)
            continue; /* expired meanwhile */
        QN_TRY(code);
        print_snapshot(asked, &at, shown++ == 0);
    }
    fputs(asked->common.json ? "]\n" : "", stdout);
    return QN_OK;
}

static qn_code files(struct asked *asked, struct qn_err *err)
{
    struct qn_lake_manifest at;
    QN_TRY(asked->as_of
               ? qn_dataset_read_as_of(asked->folder, asked->as_of, &asked->arena, &at, err)
               : qn_dataset_read(asked->folder, asked->snapshot, &asked->arena, &at, err));
    fputs(asked->common.json ? "[" : "", stdout);
    for (uint32_t i = 0; i < at.n_files; i++) {
        const char *path = qn_arena_printf(&asked->arena, "%s/%s", asked->folder, at.files[i].path);
        if (!path)
            return qn_err_nomem(err, "a path");
        if (!asked->common.json) {
            puts(path);
            continue;
        }
        fputs(i ? ",{\"path\":" : "{\"path\":", stdout);
        qn_cli_json_text(stdout, path);
        printf(",\"rows\":%llu,\"bytes\":%llu}", (unsigned long long)at.files[i].rows,
               (unsigned long long)at.files[i].bytes);
    }
    fputs(asked->common.json ? "]\n" : "", stdout);
    return QN_OK;
}

/* --- what is done ---------------------------------------------------------------------------- */

static qn_code compact(struct asked *asked, struct qn_err *err)
{
    struct qn_compact_result result;
    QN_TRY(qn_dataset_compact(asked->folder, asked->file_bytes, &result, err));
    if (asked->common.json)
        printf("{\"snapshot\":%llu,\"files_before\":%u,\"files_after\":%u}\n",
               (unsigned long long)result.snapshot, result.files_before, result.files_after);
    else if (result.files_before == result.files_after)
        printf("nothing to join: snapshot %llu has %u files\n", (unsigned long long)result.snapshot,
               result.files_before);
    else
        printf("%u files became %u in snapshot %llu; quern lake expire removes the old ones\n",
               result.files_before, result.files_after, (unsigned long long)result.snapshot);
    return QN_OK;
}

static qn_code expire(struct asked *asked, struct qn_err *err)
{
    struct qn_expire_result result;
    QN_TRY(qn_dataset_expire(asked->folder, &asked->expire, &result, err));
    if (asked->common.json)
        printf("{\"expired\":%u,\"kept\":%u,\"files\":%u,\"bytes\":%llu,\"dry_run\":%s}\n",
               result.snapshots, result.kept, result.files, (unsigned long long)result.bytes,
               asked->expire.dry_run ? "true" : "false");
    else
        printf("%u snapshot%s %s, %u kept; %u files (%llu bytes) %s\n", result.snapshots,
               result.snapshots == 1 ? "" : "s", asked->expire.dry_run ? "would go" : "expired",
               result.kept, result.files, (unsigned long long)result.bytes,
               asked->expire.dry_run ? "would be removed" : "removed");
    return QN_OK;
}

/* --- the command ----------------------------------------------------------------------------- */

static const struct verb {
    const char *name;
    qn_code (*run)(struct asked *asked, struct qn_err *err);
    const char *folder; /* when none is named; NULL: one must be */
} verbs[] = {{"list", list, "lake"},
             {"snapshots", snapshots, NULL},
             {"files", files, NULL},
             {"compact", compact, NULL},
             {"expire", expire, NULL}};

static bool read_size(const char *text, uint64_t *out)
{
    if (qn_parse_bytes(qn_strv_from(text), out) && *out)
        return true;
    fprintf(stderr, "quern lake: --file-size takes a size such as 64MiB, not '%s'\n", text);
    return false;
}

/* 45m, 12h, 7d. */
static bool read_age(const char *text, int64_t *out)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    size_t n = strlen(text);
    int64_t number;
    if (n > 1 && n < 12 && qn_strv_to_i64((struct qn_strv){text, n - 1}, &number) && number > 0)
        for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
            if (text[n - 1] == units[i].unit) {
                *out = number * units[i].seconds;
                return true;
            }
    fprintf(stderr, "quern lake: --older-than takes an age such as 12h or 7d, not '%s'\n", text);
    return false;
}

static bool read_option(struct asked *asked, int option, char *argument)
{
    int64_t number;
    switch (option) {
    case 'N':
        if (!qn_cli_number("--snapshot", argument, 1, INT64_MAX, &number))
            return false;
        asked->snapshot = (uint64_t)number;
        return true;
    case 'A': asked->as_of = argument; return true;
    case 'B': return read_size(argument, &asked->file_bytes);
    case 'K':
        if (!qn_cli_number("--keep", argument, 1, UINT32_MAX, &number))
            return false;
        asked->expire.keep = (uint32_t)number;
        return true;
    case 'O': return read_age(argument, &asked->expire.older_than_s);
    case 'D': asked->expire.dry_run = true; return true;
    default: return qn_cli_common(&asked->common, option, argument);
    }
}

static int run(struct asked *asked, const struct verb *verb)
{
    struct qn_err err = {0};
    qn_arena_init(&asked->arena);
    qn_code code = verb->run(asked, &err);
    qn_arena_fini(&asked->arena);
    if (code != QN_OK)
        qn_cli_complain(&asked->common, &err);
    return qn_cli_exit(code);
}

int qn_cli_lake(int argc, char **argv)
{
    static const struct option options[] = {{"snapshot", required_argument, NULL, 'N'},
                                            {"as-of", required_argument, NULL, 'A'},
                                            {"file-size", required_argument, NULL, 'B'},
                                            {"keep", required_argument, NULL, 'K'},
                                            {"older-than", required_argument, NULL, 'O'},
                                            {"dry-run", no_argument, NULL, 'D'},
                                            QN_CLI_COMMON_LONG,
                                            {0}};
    struct asked asked = {.file_bytes = QN_DEFAULT_FILE_BYTES, .expire = {.keep = 10}};
    int option;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return QN_EXIT_OK;
        }
        if (!read_option(&asked, option, optarg))
            return QN_EXIT_USAGE;
    }
    int n = argc - optind;
    for (size_t i = 0; n >= 1 && i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(argv[optind], verbs[i].name) != 0)
            continue;
        asked.folder = n == 2 ? argv[optind + 1] : verbs[i].folder;
        if (n <= 2 && asked.folder)
            return run(&asked, &verbs[i]);
    }
    fputs(usage, stderr);
    return QN_EXIT_USAGE;
}
