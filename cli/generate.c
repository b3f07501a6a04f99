#include <getopt.h>

#include "cli/cli.h"
#include "synth/synth.h"

static const char usage[] =
    "usage: quern generate TABLE --out PATH [--rows N] [--seed S] [--customers N]\n"
    "  --out PATH       the CSV file to write; - is stdout\n"
    "  --rows N         rows without the header (1000)\n"
    "  --seed S         the same seed gives the same bytes, on every machine (42)\n"
    "  --customers N    whom events and invoices are about: C0000001 to N (rows / 50)\n"
    "tables of one seed belong together: a customer is the same person in all of them\n";

static const char example[] =
    "example: quern generate churn --rows 50000 --seed 7 --out customers.csv\n"
    "         quern generate events --rows 1000000 --customers 50000 --seed 7 --out events.csv\n";

/* Past this a row number would not fit its column any more. */
static const int64_t most_rows = INT64_C(100000000000);

static void help(FILE *out)
{
    fputs(usage, out);
    for (const struct qn_synth *const *synth = qn_synth_all(); *synth; synth++)
        fprintf(out, "  %-12s %s\n", (*synth)->name, (*synth)->summary);
    fputs(example, out);
}

static bool whole_number(const char *option, const char *text, int64_t low, uint64_t *out)
{
    int64_t n;
    bool fine = qn_cli_number(option, text, low, most_rows, &n);
    *out = fine ? (uint64_t)n : 0;
    return fine;
}

static const struct qn_synth *find_table(const char *name)
{
    const struct qn_synth *synth = qn_synth_find(name);
    if (synth)
        return synth;
    fprintf(stderr, "quern generate: there is no table '%s'; expected one of:", name);
    for (const struct qn_synth *const *each = qn_synth_all(); *each; each++)
        fprintf(stderr, " %s", (*each)->name);
    fputc('\n', stderr);
    return NULL;
}

int qn_cli_generate(int argc, char **argv)
{
    static const struct option options[] = {{"rows", required_argument, NULL, 'n'},
                                            {"seed", required_argument, NULL, 'e'},
                                            {"customers", required_argument, NULL, 'c'},
                                            {"out", required_argument, NULL, 'o'},
                                            QN_CLI_COMMON_LONG,
                                            {0}};
    struct qn_cli_common common = {0};
    struct qn_synth_options synth = {.rows = 1000, .seed = 42};
    const char *path = NULL;
    int option;
    bool fine = true;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        switch (option) {
        case 'h': help(stdout); return QN_EXIT_OK;
        case 'n': fine = whole_number("--rows", optarg, 0, &synth.rows); break;
        case 'e': fine = whole_number("--seed", optarg, 0, &synth.seed); break;
        case 'c': fine = whole_number("--customers", optarg, 1, &synth.customers); break;
        case 'o': path = optarg; break;
        default: fine = qn_cli_common(&common, option, optarg);
        }
        if (!fine)
            return QN_EXIT_USAGE;
    }
    if (!path || optind + 1 != argc) {
        help(stderr);
        return QN_EXIT_USAGE;
    }
    const struct qn_synth *table = find_table(argv[optind]);
    if (!table)
        return QN_EXIT_USAGE;
    struct qn_err err = {0};
    if (qn_synth_write(table, &synth, path, &err) == QN_OK)
        return QN_EXIT_OK;
    qn_cli_complain(&common, &err);
    return QN_EXIT_FAILED;
}
