/* models: what the subcommands of `quern models` share. */
#ifndef QN_CLI_MODELS_H
#define QN_CLI_MODELS_H

#include "cli/cli.h"
#include "coordinator/store.h"

/* "churn@champion": a name and "@ALIAS", ":VERSION" or "". */
struct qn_models_word {
    char name[128];
    const char *selector;
};

struct qn_models_asked {
    struct qn_cli_common common;
    const char *warehouse;
    const char *alias, *note; /* NULL: not given */
    struct qn_models_word words[2];
    int n_words;
};

/* Opens the warehouse for writing, as the only one that does; nothing is made that is not there. */
struct qn_models_writer {
    struct qn_store *store;
    int lock;
};
QN_CHECK qn_code qn_models_open_writer(const char *warehouse, struct qn_models_writer *out,
                                       struct qn_err *err);
/* Commits when `code` is QN_OK; the first failure wins. */
QN_CHECK qn_code qn_models_close_writer(struct qn_models_writer *writer, qn_code code,
                                        struct qn_err *err);

/* QN_ENOTFOUND, saying what there is, unless a model of that name exists. */
QN_CHECK qn_code qn_models_check_name(struct qn_store *store, const struct qn_models_asked *asked,
                                      const struct qn_models_word *word, struct qn_err *err);
/* The version that a word means; its artefact is checked, and kept when `artefact` is not NULL. */
QN_CHECK qn_code qn_models_find(struct qn_store *store, const struct qn_models_asked *asked,
                                const struct qn_models_word *word, struct qn_buf *artefact,
                                uint32_t *version, struct qn_err *err);

/* Subcommands that read. */
QN_CHECK qn_code qn_models_show(struct qn_store *store, const struct qn_models_asked *asked,
                                struct qn_err *err);
QN_CHECK qn_code qn_models_compare(struct qn_store *store, const struct qn_models_asked *asked,
                                   struct qn_err *err);
/* Subcommands that write. */
QN_CHECK qn_code qn_models_promote(struct qn_store *store, const struct qn_models_asked *asked,
                                   struct qn_err *err);
QN_CHECK qn_code qn_models_rollback(struct qn_store *store, const struct qn_models_asked *asked,
                                    struct qn_err *err);

#endif
