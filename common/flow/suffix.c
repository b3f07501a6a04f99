#include "flow/suffix.h"

#include <string.h>

#include "base/strv.h"

static const char *const compressions[] = {".gz", ".zst", ".lz4", ".bz2", ".xz", NULL};

static bool ends_in(const char *path, size_t len, const char *suffix)
{
    size_t n = strlen(suffix);
    return len > n &&
           qn_strv_eq_nocase((struct qn_strv){path + len - n, n}, (struct qn_strv){suffix, n});
}

bool qn_suffix_ends(const char *path, const char *suffix)
{
    return ends_in(path, strlen(path), suffix);
}

size_t qn_suffix_stem(const char *path)
{
    size_t len = strlen(path);
    for (const char *const *suffix = compressions; *suffix; suffix++)
        if (ends_in(path, len, *suffix))
            return len - strlen(*suffix);
    return len;
}

bool qn_suffix_is(const char *path, const char *const *suffixes)
{
    size_t len = strlen(path), stem = qn_suffix_stem(path);
    for (const char *const *suffix = suffixes; *suffix; suffix++)
        if (ends_in(path, len, *suffix) || ends_in(path, stem, *suffix))
            return true;
    return false;
}
