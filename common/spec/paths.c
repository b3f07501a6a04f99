/* Finds the files of a source: paths, lists, globs and folders. */
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "flow/suffix.h"
#include "spec/keys.h"
#include "spec/spec.h"

/* Files found so far. Paths live in the spec's arena. */
struct finder {
    struct qn_spec *spec;
    const struct qn_source_options *options;
    const struct qn_node *node; /* the entry of `path` under way: complaints stand there */
    const char **paths;
    size_t n, capacity;
    bool good, in_folders;
};

enum path_kind { PATH_NONE, PATH_FILE, PATH_FOLDER };

static enum path_kind kind_of(const char *path)
{
    struct stat at;
    if (stat(path, &at) != 0)
        return PATH_NONE;
    return S_ISDIR(at.st_mode) ? PATH_FOLDER : PATH_FILE;
}

static void complain(struct finder *finder, const char *hint, const char *words, const char *path)
{
    finder->good = false;
    qn_diags_add(&finder->spec->diags, finder->node->span, NULL, hint, "%s %s", words, path);
}

/* --- one spelling of a path ------------------------------------------------------------------ */

/* Without empty steps and those to where one is, which name nothing. */
static void drop_idle_steps(char *path)
{
    char *out = path;
    for (const char *at = path; *at;) {
        if (at[0] == '/' && at[1] == '/')
            at++;
        else if (at[0] == '/' && at[1] == '.' && at[2] == '/')
            at += 2;
        else
            *out++ = *at++;
    }
    *out = '\0';
}

const char *qn_spec_tidy_path(struct qn_arena *arena, const char *path)
{
    char *tidy = qn_arena_strdup(arena, qn_strv_from(path));
    if (!tidy)
        return NULL;
    drop_idle_steps(tidy);
    char *slash = strrchr(tidy, '/');
    if (!slash || slash == tidy || !strstr(tidy, "/../"))
        return tidy;
    *slash = '\0'; /* only the system knows what is above a folder */
    char *folder = realpath(tidy, NULL);
    *slash = '/';
    if (folder)
        tidy = qn_arena_printf(arena, "%s%s", strcmp(folder, "/") == 0 ? "" : folder, slash);
    free(folder);
    return tidy;
}

/* --- what was found -------------------------------------------------------------------------- */

static void add_file(struct finder *finder, const char *path)
{
    if (access(path, R_OK) != 0) {
        complain(finder, strerror(errno), "cannot read", path);
        return;
    }
    if (finder->n == QN_MAX_FILES) {
        complain(finder, "read larger files, or split the source", "too many files; one more is",
                 path);
        return;
    }
    if (finder->n == finder->capacity) {
        size_t capacity = finder->capacity ? finder->capacity * 2 : 16;
        const char **grown = QN_NEW_ARRAY(&finder->spec->arena, const char *, capacity);
        if (grown && finder->n)
            memcpy(grown, finder->paths, finder->n * sizeof *grown);
        finder->paths = grown;
        finder->capacity = grown ? capacity : 0;
        finder->n = grown ? finder->n : 0;
    }
    const char *copy = finder->paths ? qn_spec_tidy_path(&finder->spec->arena, path) : NULL;
    if (copy)
        finder->paths[finder->n++] = copy;
    else
        complain(finder, NULL, "no memory for", path);
}

/* Whether a file of a folder is meant: of the source's format, or of any that is known. */
static bool is_data(const struct finder *finder, const char *name)
{
    if (name[0] == '.')
        return false;
    for (size_t i = 0; finder->spec->formats[i]; i++) {
        const struct qn_source_ops *format = finder->spec->formats[i];
        if (finder->options->format && strcmp(finder->options->format, format->format) != 0)
            continue;
        if (qn_suffix_is(name, format->suffixes))
            return true;
    }
    return false;
}

/* A folder like dt=2026-01-01, whose name is a column's value; _id=7 too, as others read it. */
static bool is_value(const char *name)
{
    const char *equals = strchr(name, '=');
    return equals && equals != name && name[0] != '.';
}

/* Files of a folder, and of those below it that are named by values. */
static void add_files(struct finder *finder, const char *path, unsigned depth)
{
    DIR *folder = opendir(path);
    if (!folder) {
        complain(finder, strerror(errno), "cannot read folder", path);
        return;
    }
    struct dirent *entry;
    while (finder->good && (entry = readdir(folder))) { /* NOLINT(concurrency-mt-unsafe) */
        bool value = is_value(entry->d_name) && depth < QN_MAX_PARTITION_COLUMNS;
        if (!value && !is_data(finder, entry->d_name))
            continue;
        const char *whole = qn_arena_printf(&finder->spec->arena, "%s/%s", path, entry->d_name);
        enum path_kind kind = whole ? kind_of(whole) : PATH_NONE;
        if (kind == PATH_FILE && is_data(finder, entry->d_name)) {
            add_file(finder, whole);
            finder->in_folders |= depth > 0;
        } else if (kind == PATH_FOLDER && value) {
            add_files(finder, whole, depth + 1);
        }
    }
    closedir(folder);
}

static void add_folder(struct finder *finder, const char *path)
{
    size_t before = finder->n;
    add_files(finder, path, 0);
    if (finder->good && finder->n == before)
        complain(finder, NULL, "no file of a known format in folder", path);
}

/* --- what is not there ----------------------------------------------------------------------- */

/* The entry of a folder that a missing name was probably meant to be, or NULL. */
static const char *closest_entry(struct finder *finder, const char *parent, const char *name)
{
    enum { MAX_ENTRIES = 1000 };
    const char *names[MAX_ENTRIES];
    size_t n = 0;
    DIR *folder = opendir(parent);
    struct dirent *entry;
    while (folder && n < MAX_ENTRIES && (entry = readdir(folder))) { /* NOLINT */
        names[n] = qn_arena_strdup(&finder->spec->arena, qn_strv_from(entry->d_name));
        n += names[n] && entry->d_name[0] != '.';
    }
    if (folder)
        closedir(folder);
    return qn_strv_closest(qn_strv_from(name), names, n);
}

/* Names the first part of the path that is missing, and what stands there instead. */
static void complain_missing(struct finder *finder, const char *path)
{
    char *at = qn_arena_strdup(&finder->spec->arena, qn_strv_from(path));
    char *slash = at ? strrchr(at, '/') : NULL;
    const char *name = slash ? slash + 1 : path;
    while (slash && slash != at) {
        *slash = '\0';
        if (kind_of(at) == PATH_FOLDER)
            break;
        slash = strrchr(at, '/');
        name = slash ? slash + 1 : path;
    }
    const char *parent = slash && slash != at ? at : "/";
    const char *near = slash ? closest_entry(finder, parent, name) : NULL;
    char *hint = NULL;
    if (near)
        hint = qn_arena_printf(&finder->spec->arena, "did you mean '%s'?", near);
    else if (qn_node_text(finder->node, "")[0] == '~')
        hint = qn_arena_printf(&finder->spec->arena, "'~' is not expanded: use ${env:HOME}");
    complain(finder, hint, "no such file:", path);
}

/* --- patterns -------------------------------------------------------------------------------- */

static void add_matches(struct finder *finder, const char *pattern)
{
    glob_t found;
    size_t before = finder->n;
    int code = glob(pattern, GLOB_NOSORT, NULL, &found);
    if (code != 0) {
        complain(finder, NULL,
                 code == GLOB_NOMATCH ? "no file matches" : "cannot read all folders of", pattern);
        return;
    }
    for (size_t i = 0; i < found.gl_pathc && finder->good; i++) {
        enum path_kind kind = kind_of(found.gl_pathv[i]);
        if (kind == PATH_FILE)
            add_file(finder, found.gl_pathv[i]);
    }
    globfree(&found);
    if (finder->good && finder->n == before)
        complain(finder, NULL, "only folders match", pattern);
}

/* The folder's name as a pattern that matches only itself. */
static const char *escape_pattern(struct finder *finder, const char *folder)
{
    char *out = qn_arena_alloc(&finder->spec->arena, strlen(folder) * 2 + 1);
    char *at = out;
    for (const char *c = folder; out && *c; c++) {
        if (strchr("*?[]\\", *c))
            *at++ = '\\';
        *at++ = *c;
    }
    if (at)
        *at = '\0';
    return out;
}

/* Below the spec's folder, unless it is absolute. */
static const char *join(struct finder *finder, const char *folder, const char *path)
{
    if (path[0] == '/')
        return path;
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    const char *slash = strcmp(folder, "/") == 0 ? "" : "/";
    return strcmp(path, ".") == 0
               ? folder
               : qn_arena_printf(&finder->spec->arena, "%s%s%s", folder ? folder : "", slash, path);
}

/* A path that exists is meant as it is, whatever characters it has. */
static void add_entry(struct finder *finder)
{
    const char *text = qn_node_text(finder->node, "");
    const char *path = join(finder, finder->spec->folder, text);
    if (!path || text[0] == '\0') {
        complain(finder, NULL, path ? "an empty path is no file of source" : "no memory for",
                 finder->options->name);
        return;
    }
    enum path_kind kind = kind_of(path);
    if (kind == PATH_FILE)
        add_file(finder, path);
    else if (kind == PATH_FOLDER)
        add_folder(finder, path);
    else if (strpbrk(text, "*?["))
        add_matches(finder, join(finder, escape_pattern(finder, finder->spec->folder), text));
    else
        complain_missing(finder, path);
}

static int by_bytes(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

/* Sorted, so that the order of rows does not depend on the disk; each file once. */
static void sort_unique(struct finder *finder)
{
    if (finder->n == 0)
        return;
    qsort(finder->paths, finder->n, sizeof *finder->paths, by_bytes);
    size_t kept = 1;
    for (size_t i = 1; i < finder->n; i++)
        if (strcmp(finder->paths[i], finder->paths[kept - 1]) != 0)
            finder->paths[kept++] = finder->paths[i];
    finder->n = kept;
}

bool qn_spec_resolve_paths(struct qn_spec *spec, struct qn_spec_source *source)
{
    struct finder finder = {.spec = spec, .options = &source->options};
    uint32_t n;
    const struct qn_node *items = qn_node_items(source->path, &n);
    bool good = source->usable && n > 0;
    for (uint32_t i = 0; i < n; i++) {
        finder.node = &items[i];
        finder.good = true;
        if (items[i].kind == QN_NODE_SCALAR)
            add_entry(&finder);
        good &= finder.good;
    }
    sort_unique(&finder);
    source->options.paths = finder.paths;
    source->options.n_paths = (uint32_t)finder.n;
    source->in_folders = finder.in_folders;
    return good;
}
