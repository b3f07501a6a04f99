#include "lake/hive.h"

#include <string.h>

static const char null_name[] = "__HIVE_DEFAULT_PARTITION__";

static bool is_escaped(unsigned char c)
{
    return c < 0x20 || c == 0x7F || strchr("\"#%'*/:=?\\{[]^", c) != NULL;
}

static void put_escaped(struct qn_buf *out, struct qn_strv text)
{
    for (size_t i = 0; i < text.len; i++) {
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

bool qn_hive_parse(struct qn_strv folder, struct qn_strv *name, struct qn_buf *value, bool *is_null)
{
    const char *equals = folder.len ? memchr(folder.data, '=', folder.len) : NULL;
    if (!equals || equals == folder.data)
        return false;
    *name = (struct qn_strv){folder.data, (size_t)(equals - folder.data)};
    struct qn_strv text = {equals + 1, folder.len - name->len - 1};
    *is_null = qn_strv_is(text, null_name);
    for (size_t i = 0; i < text.len && !*is_null; i++) {
        int high = text.data[i] == '%' && i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.data[i + 2]) : -1;
        if (low < 0) {
            qn_buf_put_u8(value, (uint8_t)text.data[i]);
            continue;
        }
        qn_buf_put_u8(value, (uint8_t)(high * 16 + low));
        i += 2;
    }
    return true;
}
