/* model_exchange: `quern models export` and `import`, each with options of its own. */
#ifndef QN_CLI_MODEL_EXCHANGE_H
#define QN_CLI_MODEL_EXCHANGE_H

/* argv[0] is the subcommand. Exit codes. */
int qn_cli_model_export(int argc, char **argv);
int qn_cli_model_import(int argc, char **argv);

#endif
