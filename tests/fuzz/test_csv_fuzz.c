/* Seeded mutations of public CSV files, in every encoding: no crash, every record accounted for,
 * and the same rows at another chunk size and with other instructions. */

#include "tests/fuzz/texts.h"

static bool is_csv(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && strcmp(dot, ".csv") == 0;
}

static void mutate(struct qn_buf *text)
{
    static const char *const spice[] = {"\"", "\"\"", ",",    "\n",          "\r\n", "\r",
                                        "\\", "'",    "\xC3", ";",           "\t",   "#",
                                        "|",  "\"\n", ",\"",  "\xEF\xBB\xBF"};
    const struct qn_buf *from = &corpus[roll(n_corpus)];
    qn_buf_put(text, from->data, from->len);
    for (uint32_t n = 1 + roll(6); n > 0; n--) {
        size_t at = text->len ? roll((uint32_t)text->len) : 0;
        uint32_t kind = roll(4);
        if (kind == 0 && text->len) {
            text->data[at] = (uint8_t)roll(256);
        } else if (kind == 1) {
            text->len = at;
        } else if (kind == 2) {
            const struct qn_buf *other = &corpus[roll(n_corpus)];
            qn_buf_put(text, other->data, other->len);
        } else {
            const char *bit = spice[roll(16)];
            size_t len = strlen(bit), tail = text->len - at;
            if (!qn_buf_reserve(text, len))
                return;
            memmove(text->data + at + len, text->data + at, tail);
            memcpy(text->data + at, bit, len);
            text->len += len;
        }
    }
}

/* The text as Latin-1 files have it is any bytes; as UTF-16 every byte is made a unit, but for some
 * that become letters of other planes or halves of them. */
static const char *encode(struct qn_buf *text)
{
    static const char *const bytewise[] = {NULL, NULL, NULL, "latin-1", "windows-1252"};
    if (roll(4))
        return bytewise[roll(5)];
    bool big = roll(2);
    struct qn_buf wide;
    qn_buf_init(&wide);
    if (roll(2))
        qn_buf_put(&wide, big ? "\xFE\xFF" : "\xFF\xFE", 2);
    for (size_t i = 0; i < text->len; i++) {
        unsigned unit = text->data[i];
        if (roll(50) == 0)
            unit = roll(3) ? 0x2600 + unit : 0xD800 + roll(0x800);
        qn_buf_put_u8(&wide, (uint8_t)(big ? unit >> 8 : unit));
        qn_buf_put_u8(&wide, (uint8_t)(big ? unit : unit >> 8));
        if (unit >= 0xD800 && unit < 0xDC00 && roll(2)) {
            qn_buf_put_u8(&wide, big ? 0xDC : 0x42);
            qn_buf_put_u8(&wide, big ? 0x42 : 0xDC);
        }
    }
    if (roll(10) == 0)
        qn_buf_put_u8(&wide, 'x');
    qn_buf_fini(text);
    *text = wide;
    return big ? "utf-16be" : "utf-16le";
}

static void choose(struct qn_buf *text, struct qn_source_options *options)
{
    const char *encoding = encode(text);
    options->header = (int)roll(3) - 1;
    options->encoding = encoding && roll(4) ? encoding : NULL;
}

static void test_mutations(void **state)
{
    static const struct fuzz_texts texts = {
        .format = "csv",
        .suffix = ".csv",
        .folders = {"csv-duckdb", "csv-spectrum", "csv-test-data"},
        .takes = is_csv,
        .mutate = mutate,
        .choose = choose,
        .reads_on = true,
    };
    (void)state;
    fuzz_texts(&texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mutations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
