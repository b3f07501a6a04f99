#include "codec/stream.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "tests/support/compress.h"

static struct qn_buf text, packed;
static char path[32];

/* A text that compresses and does not repeat exactly. */
static void make_text(size_t bytes)
{
    qn_buf_clear(&text);
    for (uint64_t i = 0; text.len < bytes; i++)
        qn_buf_printf(&text, "%llu,row\n", (unsigned long long)(qn_mix64(i) % 100000));
    text.len = bytes;
}

static struct qn_stream_file open_packed(void)
{
    memcpy(path, "/tmp/quern-stream-XXXXXX", 25);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, packed.data, packed.len), (ssize_t)packed.len);
    return (struct qn_stream_file){fd, path, packed.len};
}

static void close_packed(const struct qn_stream_file *file)
{
    close(file->fd);
    unlink(path);
}

/* From `from` to the end in pieces of `piece`. */
static qn_code read_all(const struct qn_stream_file *file, uint64_t from, size_t piece,
                        struct qn_buf *out, struct qn_err *err)
{
    const struct qn_stream_codec *codec;
    struct qn_stream *stream;
    QN_TRY(qn_stream_detect(file, &codec, err));
    if (!codec)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "not compressed");
    QN_TRY(qn_stream_open(file, codec, from, &stream, err));
    size_t got = piece;
    qn_code code = QN_OK;
    qn_buf_clear(out);
    while (code == QN_OK && got == piece) {
        code = qn_stream_read(stream, qn_buf_reserve(out, piece), piece, &got, err);
        out->len += code == QN_OK ? got : 0;
    }
    qn_stream_close(stream);
    return code;
}

static void expect_refused(const char *words)
{
    struct qn_err err = {0};
    struct qn_buf out;
    char said[1200];
    qn_buf_init(&out);
    struct qn_stream_file file = open_packed();
    assert_int_equal(read_all(&file, 0, 100, &out, &err), QN_EINPUT);
    assert_int_equal(err.blame, QN_BLAME_INPUT);
    qn_err_format(&err, said, sizeof said);
    if (!strstr(said, words) || strncmp(said, path, strlen(path)) != 0)
        fail_msg("expected '%s', got '%s'", words, said);
    close_packed(&file);
    qn_buf_fini(&out);
}

static void every_format_is_read_in_any_pieces(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 1000, 300000}, frames[] = {1 << 30, 700, 60000};
    struct qn_err err = {0};
    struct qn_buf out;
    qn_buf_init(&out);
    for (int how = 0; how < PACKINGS; how++)
        for (size_t i = 0; i < 12; i++) {
            size_t frame = frames[i % 3], piece = i % 2 ? 777 : 1 << 20;
            if (how == PACK_BGZIP && frame > 60000) /* their length has 16 bits */
                continue;
            make_text(sizes[i / 3]);
            qn_buf_clear(&packed);
            pack(&packed, (enum packing)how, qn_buf_strv(&text), frame);
            struct qn_stream_file file = open_packed();
            assert_ok(read_all(&file, 0, piece, &out, &err), &err);
            assert_int_equal(out.len, text.len);
            assert_true(!text.len || memcmp(out.data, text.data, text.len) == 0);
            close_packed(&file);
        }
    qn_buf_fini(&out);
}

static void files_are_cut_where_frames_say_how_long_they_are(void **state)
{
    (void)state;
    struct qn_err err = {0};
    struct qn_buf out;
    qn_buf_init(&out);
    make_text(20000);
    for (int how = 0; how < PACKINGS; how++) {
        qn_buf_clear(&packed);
        pack(&packed, (enum packing)how, qn_buf_strv(&text), 900);
        struct qn_stream_file file = open_packed();
        const struct qn_stream_codec *codec;
        assert_ok(qn_stream_detect(&file, &codec, &err), &err);
        struct qn_frames frames = {.step = 2000};
        assert_ok(qn_frames_find(&frames, &file, codec, &err), &err);
        assert_int_equal(frames.n > 0, packing_is_cut((enum packing)how));
        assert_true(frames.n == 0 || (frames.n == 8 && frames.text_bytes == text.len));
        for (size_t i = 0; i < frames.n; i++) {
            assert_int_equal(frames.list[i].text_offset, i * 2700);
            assert_ok(read_all(&file, frames.list[i].file_offset, 1000, &out, &err), &err);
            assert_int_equal(out.len, text.len - i * 2700);
            assert_memory_equal(out.data, text.data + i * 2700, out.len);
        }
        qn_frames_fini(&frames);
        close_packed(&file);
    }
    qn_buf_fini(&out);
}

static void what_is_cut_short_is_refused(void **state)
{
    (void)state;
    make_text(3000);
    for (int how = 0; how < PACKINGS; how++) {
        size_t frame = how == PACK_ZSTD_SEEKABLE ? 3000 : 1500;
        qn_buf_clear(&packed);
        pack(&packed, (enum packing)how, qn_buf_strv(&text), frame);
        size_t whole = packed.len;
        for (size_t lost = 1; lost < 40; lost += 6) {
            if (how == PACK_ZSTD_SEEKABLE && lost > 17) /* within the head of the table */
                continue;
            packed.len = whole - lost - (how == PACK_BGZIP ? 28 : 0);
            expect_refused("it was cut short");
        }
    }
}

static void what_is_damaged_is_refused(void **state)
{
    (void)state;
    struct qn_err err = {0};
    struct qn_buf out;
    qn_buf_init(&out);
    make_text(3000);
    for (int how = 0; how < PACKINGS; how++)
        for (size_t at = 30; at < 1000; at += 97) {
            qn_buf_clear(&packed);
            pack(&packed, (enum packing)how, qn_buf_strv(&text), 3000);
            if (at >= packed.len)
                continue;
            packed.data[at] ^= 0x10;
            struct qn_stream_file file = open_packed();
            qn_code code = read_all(&file, 0, 4096, &out, &err);
            /* Every format here has checksums; a few bits are nobody's. */
            if (code == QN_OK)
                assert_memory_equal(out.data, text.data, text.len);
            else
                assert_int_equal(err.blame, QN_BLAME_INPUT);
            close_packed(&file);
        }
    make_text(3000);
    qn_buf_clear(&packed);
    pack(&packed, PACK_GZIP, qn_buf_strv(&text), 3000);
    packed.data[packed.len - 6] ^= 1;
    expect_refused("corrupt gzip data before byte");
    qn_buf_fini(&out);
}

static void only_frames_follow_frames(void **state)
{
    (void)state;
    struct qn_err err = {0};
    struct qn_buf out;
    qn_buf_init(&out);
    make_text(100);
    for (int how = 0; how < PACKINGS; how++) {
        qn_buf_clear(&packed);
        pack(&packed, (enum packing)how, qn_buf_strv(&text), 100);
        qn_buf_put(&packed, "more", 4);
        expect_refused("found 4 bytes of something else");
    }
    qn_buf_clear(&packed);
    pack(&packed, PACK_GZIP, qn_buf_strv(&text), 100);
    qn_buf_put(&packed, "\0\0\0\0\0\0\0\0", 8); /* as tapes leave them */
    struct qn_stream_file file = open_packed();
    assert_ok(read_all(&file, 0, 64, &out, &err), &err);
    assert_int_equal(out.len, 100);
    close_packed(&file);
    qn_buf_fini(&out);
}

static void windows_are_capped(void **state)
{
    (void)state;
    static const char huge[] = "\x28\xB5\x2F\xFD\x00\xA8\x01\x00\x00......"; /* 2^31 bytes */
    qn_buf_clear(&packed);
    qn_buf_put(&packed, huge, sizeof huge - 1);
    expect_refused("corrupt zstd data before byte");
}

/* The table says that the first frame holds a byte less than it does. */
static void tables_that_lie_are_found_out(void **state)
{
    (void)state;
    struct qn_err err = {0};
    static char room[4000];
    for (int lie = -1; lie <= 1; lie += 2) {
        make_text(3000);
        qn_buf_clear(&packed);
        pack(&packed, PACK_ZSTD_SEEKABLE, qn_buf_strv(&text), 1000);
        uint8_t *entry = packed.data + packed.len - 9 - 24 + 4;
        entry[0] = (uint8_t)(entry[0] + lie);
        struct qn_stream_file file = open_packed();
        const struct qn_stream_codec *codec;
        struct qn_stream *stream;
        struct qn_frames frames = {.step = 10};
        assert_ok(qn_stream_detect(&file, &codec, &err), &err);
        assert_ok(qn_frames_find(&frames, &file, codec, &err), &err);
        assert_int_equal(frames.list[1].text_offset, 1000 + lie);
        assert_ok(qn_stream_open(&file, codec, 0, &stream, &err), &err);
        qn_stream_expect(stream, frames.list[1].file_offset, frames.list[1].text_offset);
        size_t got;
        assert_int_equal(qn_stream_read(stream, room, 1002, &got, &err), QN_EINPUT);
        assert_non_null(strstr(err.message, "the file's own table of frames is wrong"));
        qn_stream_close(stream);
        qn_frames_fini(&frames);
        close_packed(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_is_read_in_any_pieces),
        cmocka_unit_test(files_are_cut_where_frames_say_how_long_they_are),
        cmocka_unit_test(what_is_cut_short_is_refused),
        cmocka_unit_test(what_is_damaged_is_refused),
        cmocka_unit_test(only_frames_follow_frames),
        cmocka_unit_test(windows_are_capped),
        cmocka_unit_test(tables_that_lie_are_found_out)};
    qn_buf_init(&text);
    qn_buf_init(&packed);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    qn_buf_fini(&text);
    qn_buf_fini(&packed);
    return failed;
}
