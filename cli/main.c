#include <signal.h>
#include <string.h>

#include "cli/cli.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
#define QN_COMMAND(name, function, summary) {name, function, summary},
#include "cli/commands.def"
#undef QN_COMMAND
};

enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void help(FILE *out)
{
    fputs("quern: batch pipelines and churn models over workers that come and go\n\n"
          "usage: quern COMMAND [ARGUMENTS]    (quern COMMAND --help for each)\n\n",
          out);
    for (int i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].summary);
    fputs("\nexample: quern run quern.yaml --workers 2\n", out);
}

static int unknown(const char *name)
{
    const char *names[N_COMMANDS];
    for (int i = 0; i < N_COMMANDS; i++)
        names[i] = commands[i].name;
    const char *near = qn_strv_closest(qn_strv_from(name), names, N_COMMANDS);
    fprintf(stderr, "quern: there is no command '%s'%s%s%s; see quern --help\n", name,
            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return QN_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    signal(SIGXFSZ, SIG_IGN); /* a file past the limit is an error like a full disk */
    if (argc < 2) {
        help(stderr);
        return QN_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help(stdout);
        return QN_EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0)
        return qn_cli_version(argc - 1, argv + 1);
    for (int i = 0; i < N_COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        char name[32]; /* what getopt's complaints begin with */
        snprintf(name, sizeof name, "quern %s", commands[i].name);
        argv[1] = name;
        return commands[i].run(argc - 1, argv + 1);
    }
    return unknown(argv[1]);
}
