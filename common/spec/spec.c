#include "spec/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "spec/expand.h"
#include "spec/source.h"
#include "spec/top.h"

/* --- what the top of a spec may hold --------------------------------------------------------- */

static const struct qn_key top_keys[] = {
    {.name = "version",
     .shape = QN_SHAPE_INT,
     .required = true,
     .min = 1,
     .max = 1,
     .doc = "of the spec's language: 1"},
    {.name = "name",
     .shape = QN_SHAPE_IDENTIFIER,
     .required = true,
     .doc = "of this pipeline, as it stands in _quern_runs"},
    {.name = "seed",
     .shape = QN_SHAPE_INT,
     .min = 0,
     .max = 0x1p63,
     .doc = "of every random choice, such as splits; 0 when left out"},
    {.name = "warehouse",
     .shape = QN_SHAPE_TEXT,
     .doc = "the SQLite file that tables go to; NAME.db beside the spec when left out"},
    {.name = "lake",
     .shape = QN_SHAPE_TEXT,
     .doc =
         "the folder of the datasets that `into: {lake: NAME}` writes; lake beside the spec when "
         "left out"},
    {.name = "params",
     .shape = QN_SHAPE_MAP,
     .item = QN_SHAPE_ANY,
     .identifiers = true,
     .doc = "values for ${param:NAME}, which --set NAME=VALUE overrides; empty: must be set"},
    {.name = "sources",
     .shape = QN_SHAPE_MAP,
     .item = QN_SHAPE_ANY,
     .required = true,
     .identifiers = true,
     .doc = "where rows come from, by name"},
    {.name = "jobs",
     .shape = QN_SHAPE_MAP,
     .item = QN_SHAPE_ANY,
     .required = true,
     .identifiers = true,
     .doc = "what is done with them, by name"},
    {.name = "publish", .shape = QN_SHAPE_ANY, .unsupported = true},
};
const struct qn_spec_keys qn_top_keys = QN_KEYS("the spec", top_keys);

/* Kinds of the contract that no version before a later one runs. */
static const char *const later_kinds[] = {"features", "train", "score", "sql", "command"};

/* --- the file -------------------------------------------------------------------------------- */

static qn_code read_all(int fd, char *text, size_t room, size_t *used)
{
    ssize_t n = 1;
    *used = 0;
    while (n > 0 && *used < room) {
        n = read(fd, text + *used, room - *used);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            *used += (size_t)n;
    }
    return n < 0 ? QN_EIO : QN_OK;
}

/* One byte more than a spec may have is read, so that the reader sees that it is too much. */
static qn_code read_file(struct qn_spec *spec, const char *path, struct qn_err *err)
{
    size_t room = (size_t)QN_MAX_SPEC_BYTES + 1, used = 0;
    struct stat at;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return qn_err_io(err, "read", path);
    if (fstat(fd, &at) == 0 && S_ISREG(at.st_mode) && (size_t)at.st_size < room)
        room = (size_t)at.st_size + 1;
    char *text = qn_arena_alloc(&spec->arena, room + 1);
    qn_code code = text ? read_all(fd, text, room, &used) : QN_OK;
    int failure = errno;
    close(fd);
    errno = failure;
    if (!text)
        return qn_err_nomem(err, "the spec");
    if (code != QN_OK)
        return qn_err_io(err, "read", path);
    text[used] = '\0';
    spec->text = (struct qn_strv){text, used};
    return QN_OK;
}

static qn_code find_folder(struct qn_spec *spec, struct qn_err *err)
{
    char *whole = realpath(spec->path, NULL);
    char *slash = whole ? strrchr(whole, '/') : NULL;
    if (!slash) {
        free(whole);
        return qn_err_io(err, "find", spec->path);
    }
    spec->folder = qn_arena_strdup(
        &spec->arena, (struct qn_strv){whole, slash == whole ? 1 : (size_t)(slash - whole)});
    free(whole);
    return spec->folder ? QN_OK : qn_err_nomem(err, "the spec");
}

/* Of everything that decides what the spec means. */
static void hash_spec(struct qn_spec *spec)
{
    struct qn_sha256 sha;
    qn_sha256_init(&sha);
    qn_sha256_update(&sha, spec->text.data, spec->text.len);
    for (uint32_t i = 0; i < spec->n_settings; i++) {
        const struct qn_setting *setting = &spec->settings[i];
        qn_sha256_update(&sha, "", 1);
        qn_sha256_update(&sha, setting->key, strlen(setting->key) + 1);
        qn_sha256_update(&sha, setting->value, strlen(setting->value));
    }
    qn_sha256_hex(&sha, spec->sha256);
}

/* --- jobs ------------------------------------------------------------------------------------ */

static void complain_kind(struct qn_spec *spec, const struct qn_node *kind,
                          const struct qn_job_ops *const *kinds)
{
    const char *names[64];
    char expected[512] = "one of: ", hint[QN_HINT_BYTES];
    size_t n = 0, at = strlen(expected);
    for (; kinds[n] && n < sizeof names / sizeof names[0]; n++) {
        names[n] = kinds[n]->kind;
        if (at < sizeof expected)
            at += (size_t)snprintf(expected + at, sizeof expected - at, "%s%s", n ? ", " : "",
                                   names[n]);
    }
    if (kind->kind != QN_NODE_SCALAR) {
        qn_diags_add(&spec->diags, kind->span, expected, NULL, "'kind' is %s", qn_node_what(kind));
        return;
    }
    for (size_t i = 0; i < sizeof later_kinds / sizeof later_kinds[0]; i++)
        if (qn_strv_is(kind->text, later_kinds[i])) {
            qn_diags_add(&spec->diags, kind->span, expected, NULL,
                         "jobs of kind '%s' are not supported by this version", later_kinds[i]);
            return;
        }
    qn_diags_add(&spec->diags, kind->span, expected, qn_did_you_mean(kind->text, names, n, hint),
                 "there is no kind of job '%s'", kind->text.data);
}

static const struct qn_job_ops *find_kind(const struct qn_node *kind,
                                          const struct qn_job_ops *const *kinds)
{
    for (size_t i = 0; kinds[i]; i++)
        if (kind->kind == QN_NODE_SCALAR && qn_strv_is(kind->text, kinds[i]->kind))
            return kinds[i];
    return NULL;
}

/* A job without its kind, or with that key misspelt. */
static void complain_no_kind(struct qn_spec *spec, const struct qn_pair *pair)
{
    static const char *const name = "kind";
    for (uint32_t i = 0; i < pair->value.n; i++) {
        const struct qn_pair *member = &pair->value.pairs[i];
        if (!qn_strv_closest(member->key, &name, 1))
            continue;
        qn_diags_add(&spec->diags, member->key_span, NULL, "did you mean 'kind'?",
                     "unknown key '%s' in job %s", member->key.data, pair->key.data);
        return;
    }
    qn_diags_add(&spec->diags, pair->key_span, "kind: etl, for one", NULL,
                 "job %s does not say its kind", pair->key.data);
}

static void check_job_name(struct qn_spec *spec, const struct qn_pair *pair)
{
    for (uint32_t i = 0; i < spec->n_sources; i++)
        if (qn_strv_is(pair->key, spec->sources[i].name))
            qn_diags_add(&spec->diags, pair->key_span, NULL, "rename one of them",
                         "'%s' is a source already: a job needs a name of its own", pair->key.data);
}

static void read_job(struct qn_spec *spec, const struct qn_pair *pair,
                     const struct qn_job_ops *const *kinds, struct qn_spec_job *out)
{
    const struct qn_node *node = &pair->value;
    *out = (struct qn_spec_job){.name = pair->key.data, .name_span = pair->key_span, .node = node};
    check_job_name(spec, pair);
    if (node->kind != QN_NODE_MAP) {
        qn_diags_add(&spec->diags, node->span, "a mapping with its kind", NULL, "job %s is %s",
                     out->name, qn_node_what(node));
        return;
    }
    const struct qn_node *kind = qn_node_get(node, "kind");
    if (!kind) {
        complain_no_kind(spec, pair);
        return;
    }
    const struct qn_job_ops *ops = find_kind(kind, kinds);
    if (!ops)
        complain_kind(spec, kind, kinds);
    else if (qn_keys_check_with(ops->keys, NULL, node, out->name, &spec->diags) != QN_FORM_BAD)
        out->ops = ops;
}

/* --- the whole ------------------------------------------------------------------------------- */

static void check_params(struct qn_spec *spec, const struct qn_node *params)
{
    for (uint32_t i = 0; params && params->kind == QN_NODE_MAP && i < params->n; i++) {
        const struct qn_pair *pair = &params->pairs[i];
        if (pair->value.kind == QN_NODE_LIST || pair->value.kind == QN_NODE_MAP)
            qn_diags_add(&spec->diags, pair->value.span, "a text, a number, true or false", NULL,
                         "param '%s' cannot be %s", pair->key.data, qn_node_what(&pair->value));
    }
}

static uint32_t count_members(struct qn_spec *spec, const struct qn_node *root, const char *key,
                              uint32_t most)
{
    const struct qn_pair *pair = qn_node_pair(root, key);
    if (!pair || pair->value.kind != QN_NODE_MAP)
        return 0;
    if (pair->value.n == 0)
        qn_diags_add(&spec->diags, pair->value.span, NULL, NULL, "'%s' is empty", key);
    if (pair->value.n <= most)
        return pair->value.n;
    qn_diags_add(&spec->diags, pair->key_span, NULL, NULL, "a spec can have %u %s; this has %u",
                 most, key, pair->value.n);
    return 0;
}

/* A path at the top of the spec, absolute; NULL: no memory. */
static const char *path_of(struct qn_spec *spec, const struct qn_node *root, const char *key,
                           const char *missing)
{
    const struct qn_node *node = qn_node_get(root, key);
    const char *path = qn_node_text(node, missing);
    size_t n = strlen(path);
    if (n == 0 || strstr(path, "://"))
        qn_diags_add(&spec->diags, node->span, "a path", NULL,
                     n ? "'%s' can only be a path in this version" : "'%s' is empty", key);
    while (n > 1 && path[n - 1] == '/')
        n--;
    return path[0] == '/' ? qn_arena_strdup(&spec->arena, (struct qn_strv){path, n})
                          : qn_arena_printf(&spec->arena, "%s/%.*s", spec->folder, (int)n, path);
}

static qn_code read_settings_of_run(struct qn_spec *spec, const struct qn_node *root,
                                    struct qn_err *err)
{
    const struct qn_node *seed = qn_node_get(root, "seed");
    const char *file = qn_node_text(qn_node_get(root, "warehouse"), NULL);
    int64_t number = qn_node_i64(seed, 0);
    spec->name = qn_node_text(qn_node_get(root, "name"), "unnamed");
    spec->seed = number > 0 ? (uint64_t)number : 0;
    if (file && (file[0] == '\0' || strstr(file, "://")))
        qn_diags_add(&spec->diags, qn_node_get(root, "warehouse")->span, "a path", NULL,
                     file[0] ? "the warehouse can only be a SQLite file in this version"
                             : "'warehouse' is empty");
    spec->warehouse = file && file[0] == '/'
                          ? file
                          : qn_arena_printf(&spec->arena, "%s/%s%s", spec->folder,
                                            file ? file : spec->name, file ? "" : ".db");
    spec->lake = path_of(spec, root, "lake", "lake");
    return spec->warehouse && spec->lake ? QN_OK : qn_err_nomem(err, "the spec");
}

static qn_code read_members(struct qn_spec *spec, const struct qn_node *root,
                            const struct qn_job_ops *const *kinds, struct qn_err *err)
{
    const struct qn_node *sources = qn_node_get(root, "sources");
    const struct qn_node *jobs = qn_node_get(root, "jobs");
    uint32_t n_sources = count_members(spec, root, "sources", QN_MAX_SOURCES);
    uint32_t n_jobs = count_members(spec, root, "jobs", QN_MAX_JOBS);
    spec->sources = QN_NEW_ARRAY(&spec->arena, struct qn_spec_source, n_sources);
    spec->jobs = QN_NEW_ARRAY(&spec->arena, struct qn_spec_job, n_jobs);
    if (!spec->sources || !spec->jobs)
        return qn_err_nomem(err, "the spec");
    for (; spec->n_sources < n_sources; spec->n_sources++)
        qn_spec_source_read(spec, &sources->pairs[spec->n_sources],
                            &spec->sources[spec->n_sources]);
    for (; spec->n_jobs < n_jobs; spec->n_jobs++)
        read_job(spec, &jobs->pairs[spec->n_jobs], kinds, &spec->jobs[spec->n_jobs]);
    return QN_OK;
}

static qn_code read_root(struct qn_spec *spec, const struct qn_node *root,
                         const struct qn_setting *settings, uint32_t n_settings,
                         const struct qn_job_ops *const *kinds, struct qn_err *err)
{
    struct qn_settings used = {0};
    root = qn_expand(root, settings, n_settings, &spec->arena, &spec->diags, &used);
    if (!root)
        return qn_err_nomem(err, "the spec");
    spec->settings = used.items;
    spec->n_settings = used.n;
    qn_keys_check(&qn_top_keys, root, NULL, &spec->diags);
    check_params(spec, qn_node_get(root, "params"));
    QN_TRY(read_settings_of_run(spec, root, err));
    return read_members(spec, root, kinds, err);
}

qn_code qn_spec_read(struct qn_spec *spec, const char *path, struct qn_strv text,
                     const char *folder, const struct qn_setting *settings, uint32_t n_settings,
                     const struct qn_job_ops *const *kinds,
                     const struct qn_source_ops *const *formats, struct qn_err *err)
{
    *spec = (struct qn_spec){.path = path, .text = text, .folder = folder, .formats = formats};
    qn_arena_init(&spec->arena);
    qn_diags_init(&spec->diags, path, text);
    if (!text.data) {
        QN_TRY(read_file(spec, path, err));
        spec->diags.text = spec->text;
    }
    if (!spec->folder)
        QN_TRY(find_folder(spec, err));
    const struct qn_node *root;
    qn_code code = qn_node_read(spec->text, &spec->arena, &spec->diags, &root, err);
    if (code != QN_OK && code != QN_EINPUT)
        return code;
    if (root)
        QN_TRY(read_root(spec, root, settings, n_settings, kinds, err));
    hash_spec(spec);
    size_t n = spec->diags.n_errors;
    return n ? qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "%zu mistake%s in %s", n, n == 1 ? "" : "s",
                          path)
             : QN_OK;
}

void qn_spec_fini(struct qn_spec *spec)
{
    qn_diags_fini(&spec->diags);
    qn_arena_fini(&spec->arena);
}
