/* `quern models promote` and `rollback`: aliases moved by hand. */
#include <string.h>

#include "cli/models.h"

static void tell(const struct qn_models_asked *asked, const char *name, const char *alias,
                 uint32_t from, uint32_t to)
{
    if (asked->common.json)
        printf("{\"name\":\"%s\",\"alias\":\"%s\",\"version\":%u,\"before\":", name, alias, to);
    if (asked->common.json && from)
        printf("%u}\n", from);
    else if (asked->common.json)
        puts("null}");
    else if (!from)
        printf("%s@%s is version %u now\n", name, alias, to);
    else
        printf("%s@%s is version %u now; it was version %u\n", name, alias, to, from);
}

static qn_code take_version(void *context, int n, const char *const *names, const char *const *v)
{
    uint32_t *version = context;
    int64_t number = 0;
    (void)n;
    (void)names;
    if (v[0] && qn_strv_to_i64(qn_strv_from(v[0]), &number))
        *version = (uint32_t)number;
    return QN_OK;
}

qn_code qn_models_promote(struct qn_store *store, const struct qn_models_asked *asked,
                          struct qn_err *err)
{
    const struct qn_models_word *word = &asked->words[0];
    uint32_t before = 0, version;
    if (!asked->alias || !qn_strv_is_identifier(qn_strv_from(asked->alias)))
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "promote needs --alias ALIAS, such as champion");
    const char *const params[2] = {word->name, asked->alias};
    QN_TRY(qn_models_find(store, asked, word, NULL, &version, err));
    QN_TRY(qn_store_query(store,
                          "select version from _quern_model_aliases where name = ?1 and alias = ?2",
                          params, 2, take_version, &before, err));
    const struct qn_store_move move = {.name = word->name,
                                       .alias = asked->alias,
                                       .action = "promote",
                                       .version = version,
                                       .note = asked->note ? asked->note : "by hand"};
    QN_TRY(qn_store_alias_move(store, &move, err));
    tell(asked, word->name, asked->alias, before, version);
    return QN_OK;
}

qn_code qn_models_rollback(struct qn_store *store, const struct qn_models_asked *asked,
                           struct qn_err *err)
{
    const struct qn_models_word *word = &asked->words[0];
    const char *alias = word->selector[0] == '@' ? word->selector + 1 : asked->alias;
    uint32_t from, to;
    if (word->selector[0] == ':')
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "rollback takes an alias, not a version: %s@champion; to name the "
                          "version, promote it",
                          word->name);
    QN_TRY(qn_models_check_name(store, asked, word, err));
    alias = alias ? alias : "champion";
    QN_TRY(qn_store_alias_rollback(store, word->name, alias, asked->note ? asked->note : "by hand",
                                   &from, &to, err));
    tell(asked, word->name, alias, from, to);
    return QN_OK;
}
