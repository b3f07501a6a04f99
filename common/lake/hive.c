#include "lake/hive.h"

#include <string.h>

static const char null_name[] = "__HIVE_DEFAULT_PARTITION__";

static bool is_escaped(unsigned char c)
{
    return c < 0x20 || c == 0x7F || strchr("\"#%'*/:=?\\{[]^", c) != NULL;
}

/* A text that is the name of NULL gets its first character escaped: it is another value. */
static void put_escaped(struct qn_buf *out, struct qn_strv text)
{
    size_t i = 0;
    if (qn_strv_is(text, null_name))
        qn_buf_printf(out, "%%%02X", (unsigned char)text.data[i++]);
    for (; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (is_escaped(c))
            qn_buf_printf(out, "%%%02X", c);
        else
            qn_buf_put_u8(out, c);
    }
}

void qn_hive_put(struct qn_buf *out, struct qn_strv name, struct qn_strv text)
{
    put_escaped(out, name);
    qn_buf_put_u8(out, '=');
    if (text.data)
        put_escaped(out, text);
    else
        qn_buf_put(out, null_name, sizeof null_name - 1);
    qn_buf_put_u8(out, '/');
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* The character that stands at `at`, escaped or not; moves behind it. */
static char next_character(struct qn_strv text, size_t *at)
{
    int high = text.data[*at] == '%' && *at + 2 < text.len ? hex_digit(text.data[*at + 1]) : -1;
    int low = high >= 0 ? hex_digit(text.data[*at + 2]) : -1;
    char c = low < 0 ? text.data[*at] : (char)(high * 16 + low);
    *at += low < 0 ? 1 : 3;
    return c;
}

void qn_hive_unescape(struct qn_strv text, struct qn_buf *out)
{
    for (size_t i = 0; i < text.len;)
        qn_buf_put_u8(out, (uint8_t)next_character(text, &i));
}

bool qn_hive_names(struct qn_strv escaped, struct qn_strv column)
{
    size_t n = 0;
    for (size_t i = 0; i < escaped.len; n++)
        if (n == column.len || next_character(escaped, &i) != column.data[n])
            return false;
    return n == column.len;
}

bool qn_hive_parse(struct qn_strv folder, struct qn_strv *name, struct qn_buf *value, bool *is_null)
{
    const char *equals = folder.len ? memchr(folder.data, '=', folder.len) : NULL;
    if (!equals || equals == folder.data)
        return false;
    *name = (struct qn_strv){folder.data, (size_t)(equals - folder.data)};
    struct qn_strv text = {equals + 1, folder.len - name->len - 1};
    *is_null = qn_strv_is(text, null_name);
    if (!*is_null)
        qn_hive_unescape(text, value);
    return true;
}
