/* Finds the files of a source: paths, lists, globs and folders. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "spec/spec.h"

static int by_bytes(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

static bool is_folder(const char *path)
{
    struct stat at;
    return stat(path, &at) == 0 && S_ISDIR(at.st_mode);
}

/* The pattern as glob(3) takes it: absolute, and a folder's files for a folder. */
static const char *pattern_of(struct qn_spec *spec, const char *text)
{
    const char *whole =
        text[0] == '/' ? text : qn_arena_printf(&spec->arena, "%s/%s", spec->folder, text);
    return whole && is_folder(whole) ? qn_arena_printf(&spec->arena, "%s/*", whole) : whole;
}

static bool add_matches(struct qn_spec *spec, const struct qn_node *node, const char ***paths,
                        uint32_t *n)
{
    glob_t found;
    const char *pattern = pattern_of(spec, qn_node_text(node, ""));
    if (!pattern || glob(pattern, GLOB_NOSORT, NULL, &found) != 0) {
        qn_diags_add(&spec->diags, node->span, NULL, NULL, "no file matches %s",
                     pattern ? pattern : "this");
        return false;
    }
    const char **grown = QN_NEW_ARRAY(&spec->arena, const char *, *n + found.gl_pathc);
    for (uint32_t i = 0; grown && i < *n; i++)
        grown[i] = (*paths)[i];
    for (size_t i = 0; grown && i < found.gl_pathc && *n < QN_MAX_FILES; i++) {
        if (is_folder(found.gl_pathv[i]))
            continue;
        grown[*n] = qn_arena_strdup(&spec->arena, qn_strv_from(found.gl_pathv[i]));
        if (grown[*n])
            ++*n;
    }
    globfree(&found);
    if (grown)
        *paths = grown;
    return grown != NULL;
}

bool qn_spec_resolve_paths(struct qn_spec *spec, struct qn_spec_source *source)
{
    uint32_t n_items, n = 0;
    const struct qn_node *items = qn_node_items(source->path, &n_items);
    const char **paths = NULL;
    bool good = true;
    for (uint32_t i = 0; i < n_items; i++)
        good &= add_matches(spec, &items[i], &paths, &n);
    if (good && n == 0) {
        qn_diags_add(&spec->diags, source->path->span, NULL, NULL, "source %s has no files",
                     source->name);
        return false;
    }
    if (n)
        qsort(paths, n, sizeof *paths, by_bytes);
    source->options.paths = paths;
    source->options.n_paths = n;
    return good;
}
