/* Numbers and texts that name rows instead of describing them. */
#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "jobs/learn/guard_internal.h"

enum { ROWS_FOR_SPREAD = 500, UUID_CHARS = 36 };
/* Of values drawn at random from a range so many pairs are equal, and more where they are not
 * drawn evenly. A tenth of that at most: they were not drawn, but dealt out. */
static const double PAIRS_EXPECTED = 5, PAIRS_SHARE = 0.1;
/* The range from which on even numbers are none that were counted or measured; and how far their
 * distribution may be from the even one, times sqrt(n) (Kolmogorov: 1 in 100 is farther). */
static const double WIDE_RANGE = 1e6, EVEN_DISTANCE = 1.63;

bool qn_guard_is_called_id(const char *name)
{
    static const char *const words[] = {"id",   "key",  "no",        "nr",      "number", "uuid",
                                        "guid", "code", "reference", "account", "serial"};
    size_t n = strlen(name);
    if (qn_guard_is_called_place(name))
        return false;
    for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
        size_t len = strlen(words[w]);
        if (n < len || strcasecmp(name + n - len, words[w]) != 0)
            continue;
        const char *word = name + n - len;
        if (n == len || word[-1] == '_' || isupper((unsigned char)word[0]))
            return true;
    }
    return false;
}

/* Begins with one of the words, or has one behind a '_'. */
bool qn_guard_is_called_place(const char *name)
{
    static const char *const words[] = {"zip",  "postal", "postcode", "post_code", "plz", "city",
                                        "town", "county", "district", "region",    "area"};
    for (const char *at = name; at; at = strchr(at, '_')) {
        at += *at == '_';
        for (size_t w = 0; w < sizeof words / sizeof words[0]; w++)
            if (strncasecmp(at, words[w], strlen(words[w])) == 0)
                return true;
    }
    return false;
}

bool qn_guard_is_id_text(struct qn_strv text)
{
    if (text.len != UUID_CHARS)
        return text.len > 5 && memchr(text.data, '@', text.len);
    for (size_t i = 0; i < UUID_CHARS; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text.data[i] != '-' : !isxdigit((unsigned char)text.data[i]))
            return false;
    }
    return true;
}

/* Enough of them, and all are whole. */
static bool are_whole(const struct qn_judged *judged)
{
    bool whole = judged->n >= ROWS_TO_JUDGE;
    for (uint32_t i = 0; whole && i < judged->n_bands; i++) {
        double value = judged->bands[i].value;
        whole = fabs(value) <= 0x1p62 && (double)(int64_t)value == value;
    }
    return whole;
}

struct counts {
    double low, high;
    uint32_t different;
    double equal_pairs, expected_pairs;
    double distance; /* largest, of the distribution from the even one */
};

static struct counts count(const struct qn_band *bands, uint32_t n_bands, uint32_t n)
{
    struct counts counts = {
        .low = bands[0].value, .high = bands[n_bands - 1].value, .different = n_bands};
    double width = counts.high - counts.low + 1, before = 0;
    for (uint32_t i = 0; i < n_bands; i++) {
        double rows = bands[i].rows, even = (bands[i].value - counts.low + 1) / width;
        double distance = fmax(fabs(even - (before + rows) / n), fabs(even - before / n));
        counts.distance = fmax(counts.distance, distance);
        counts.equal_pairs += rows * (rows - 1) / 2;
        before += rows;
    }
    counts.expected_pairs = (double)n * (n - 1) / 2 / width;
    return counts;
}

/* Seconds, or thousandths or millionths of them, between 1998 and 2036. */
static bool are_times(const struct counts *counts)
{
    static const double units[] = {1, 1e3, 1e6};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (counts->low >= 0.9e9 * units[i] && counts->high < 2.1e9 * units[i])
            return true;
    return false;
}

/* Why numbers name rows; NULL: they do not. */
static const char *why(const struct run *run, const char *name, const struct counts *counts,
                       uint32_t n)
{
    if (run->rising && !are_times(counts))
        return "they rise from row to row";
    if (run->falling && !are_times(counts))
        return "they fall from row to row";
    if (qn_guard_is_called_id(name) && counts->different * UINT64_C(2) >= n)
        return "it is called an id";
    if (counts->different * UINT64_C(10) < n * UINT64_C(9))
        return NULL;
    if (counts->expected_pairs >= PAIRS_EXPECTED &&
        counts->equal_pairs <= PAIRS_SHARE * counts->expected_pairs)
        return "by chance more would be equal in so narrow a range";
    bool even = n >= ROWS_FOR_SPREAD && counts->different == n &&
                counts->high - counts->low >= WIDE_RANGE &&
                counts->distance * counts->distance * n < EVEN_DISTANCE * EVEN_DISTANCE;
    return even && !are_times(counts) ? "they are spread as evenly as numbers that are dealt out"
                                      : NULL;
}

void qn_guard_judge_identifier(struct qn_judged *judged, uint32_t feature)
{
    const struct qn_guard *guard = judged->guard;
    const struct qn_prepare_feature *plan = &guard->plan->features[feature];
    uint32_t n = judged->n;
    if (plan->categorical || plan->type.id == QN_BOOL || plan->type.id == QN_DATE ||
        plan->type.id == QN_TIMESTAMP || !are_whole(judged))
        return;
    struct counts counts = count(judged->bands, judged->n_bands, n);
    const char *reason = why(&guard->runs[feature], plan->name, &counts, n);
    if (reason)
        qn_guard_say(judged, plan->name, "identifier",
                     qn_arena_printf(judged->arena,
                                     "'%s' has %u different values in %u training rows, and %s: it "
                                     "names rows instead of describing them; leave it out with "
                                     "features.exclude",
                                     plan->name, counts.different, n, reason));
}
