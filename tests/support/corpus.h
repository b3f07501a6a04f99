/* corpus: small files of the test data, in an order that is theirs alone, and dice to mutate them:
 * what the fuzz tests of formats begin with. */
#ifndef QN_TESTS_SUPPORT_CORPUS_H
#define QN_TESTS_SUPPORT_CORPUS_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hash.h"
#include "tests/support/test.h"

enum { MAX_CORPUS = 500 };

static struct qn_buf corpus[MAX_CORPUS];
static unsigned n_corpus;
static bool (*corpus_takes)(const char *path); /* whether a file is of the format */
static off_t corpus_most;                      /* bytes of a file */
static uint64_t dice = 7;

static uint32_t roll(uint32_t sides)
{
    dice += UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(qn_mix64(dice) >> 33) % sides;
}

static int corpus_collect(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)ftw;
    if (kind != FTW_F || !corpus_takes(path) || st->st_size > corpus_most || n_corpus == MAX_CORPUS)
        return 0;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    uint8_t *room = qn_buf_reserve(&corpus[n_corpus], (size_t)st->st_size + 1);
    corpus[n_corpus++].len = fread(room, 1, (size_t)st->st_size, file);
    fclose(file);
    return 0;
}

/* The order in which a folder is walked is not the seed's. */
static int corpus_by_content(const void *a, const void *b)
{
    return qn_strv_cmp(qn_buf_strv(a), qn_buf_strv(b));
}

/* Files of a folder of the test data; false: it is not there, which is said. */
static bool corpus_gather(const char *folder)
{
    char path[600];
    const char *root = getenv("QUERN_DATA");
    snprintf(path, sizeof path, "%s/%s", root ? root : "", folder);
    if (!root || access(path, R_OK) != 0) {
        fprintf(stderr, "SKIPPED: no %s (QUERN_DATA is the folder of test data)\n", path);
        return false;
    }
    assert_int_equal(nftw(path, corpus_collect, 16, FTW_PHYS), 0);
    qsort(corpus, n_corpus, sizeof corpus[0], corpus_by_content);
    return true;
}

static void corpus_drop(void)
{
    for (unsigned i = 0; i < n_corpus; i++)
        qn_buf_fini(&corpus[i]);
    n_corpus = 0;
}

#endif
