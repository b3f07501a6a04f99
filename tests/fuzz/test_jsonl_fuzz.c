/* Seeded mutations of public JSON files and of records made alike: no crash, every record accounted
 * for, and the same rows at another chunk size and with other instructions. */

#include "tests/fuzz/texts.h"

static bool is_json(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && strstr(dot, "json");
}

/* Lines that have the same keys in the same order, as most files do, but for some values. */
static void put_alike(struct qn_buf *text)
{
    static const char *const values[] = {"1",    "-2.5",    "\"a\"",        "\"b, c\"",
                                         "null", "\"\\n\"", "\"\xC3\xA9\"", "true"};
    uint32_t columns = 1 + roll(5), lines = 20 + roll(80), nested = roll(3);
    for (uint32_t i = 0; i < lines; i++) {
        qn_buf_put_u8(text, '{');
        for (uint32_t c = 0; c < columns; c++)
            qn_buf_printf(text, nested && c == 1 ? "%s\"k%u\":{\"x\":%s}" : "%s\"k%u\":%s",
                          c ? "," : "", c, values[roll(12) ? c % 8 : roll(8)]);
        qn_buf_put(text, "}\n", 2);
    }
}

static void mutate(struct qn_buf *text)
{
    static const char *const spice[] = {"\"",   "\\",   ",",    "\n",      "{",    "}",
                                        "[",    "]",    ":",    "\xC3",    "0",    "\t",
                                        "\r\n", "\\\"", "\"\"", "\\ud800", "null", "e"};
    if (roll(2)) {
        put_alike(text);
    } else {
        const struct qn_buf *from = &corpus[roll(n_corpus)];
        qn_buf_put(text, from->data, from->len);
    }
    for (uint32_t n = roll(6); n > 0; n--) {
        size_t at = text->len ? roll((uint32_t)text->len) : 0;
        uint32_t kind = roll(5);
        if (kind == 0 && text->len) {
            text->data[at] = (uint8_t)roll(256);
        } else if (kind == 1 && roll(3) == 0) {
            text->len = at;
        } else if (kind == 2) {
            const struct qn_buf *other = &corpus[roll(n_corpus)];
            qn_buf_put(text, other->data, other->len);
        } else {
            const char *bit = spice[roll(18)];
            size_t len = strlen(bit), tail = text->len - at;
            if (!qn_buf_reserve(text, len))
                return;
            memmove(text->data + at + len, text->data + at, tail);
            memcpy(text->data + at, bit, len);
            text->len += len;
        }
    }
}

/* A document that breaks off fails, whatever is done with malformed records. */
static void choose(struct qn_buf *text, struct qn_source_options *options)
{
    (void)text;
    options->columns_contract = (enum qn_contract)roll(3);
    options->on_malformed = roll(5) ? QN_MALFORMED_QUARANTINE : QN_MALFORMED_FAIL;
    options->raw = roll(3) ? NULL : "raw";
    options->records = roll(6) ? NULL : "k1";
}

static void test_mutations(void **state)
{
    static const struct fuzz_texts texts = {
        .format = "jsonl",
        .suffix = ".jsonl",
        .folders = {"json-lines", "json-test-suite", "flight-summary"},
        .takes = is_json,
        .mutate = mutate,
        .choose = choose,
    };
    (void)state;
    fuzz_texts(&texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mutations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
