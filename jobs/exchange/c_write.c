/* A model as one C file that needs no other and no library: tables of names and categories, and
 * NAME_score() (c_score.c). The same numbers in the same order as our own scoring, so the same bits
 * where the compiler does not fuse multiplications with additions. */
#include "jobs/exchange/write.h"

/* --- texts ----------------------------------------------------------------------------------- */

/* Within quotes. What is no letter of ASCII is octal, and no '?' could begin a trigraph. */
static void put_text(struct qn_buf *out, struct qn_strv text)
{
    qn_buf_put_u8(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < ' ' || c > '~' || c == '"' || c == '\\' || c == '?')
            qn_buf_printf(out, "\\%03o", c);
        else
            qn_buf_put_u8(out, c);
    }
    qn_buf_put_u8(out, '"');
}

/* Within a comment. */
static void put_words(struct qn_buf *out, struct qn_strv text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        qn_buf_put_u8(out,
                      c < ' ' || c > '~' || c == '/' || c == '\\' || c == '?' ? '_' : (uint8_t)c);
    }
}

/* --- names and categories -------------------------------------------------------------------- */

static void put_comment(struct qn_buf *out, const char *name, const char *algorithm,
                        bool calibrated, const struct qn_c_feature *features, uint32_t n)
{
    qn_buf_printf(out,
                  "/* Model %s (%s), written by quern models export.\n"
                  " *\n"
                  " *     double %s_score(const double *features);    the probability%s\n"
                  " *     double %s_margin(const double *features);   its log-odds%s\n"
                  " *     double %s_category(int feature, const char *text);\n"
                  " *\n"
                  " * features[i] is a number, or for a text what %s_category(i, text) gives. "
                  "What is\n"
                  " * missing is NaN (for a text, %s_category(i, 0)).\n"
                  " * Compile with -ffp-contract=off to get the bits that Quern gets.\n"
                  " *\n",
                  name, algorithm, name, calibrated ? ", calibrated" : "", name,
                  calibrated ? " before that" : "", name, name, name);
    for (uint32_t f = 0; f < n; f++) {
        qn_buf_printf(out, " *   %4u  %-8s  ", f, features[f].categories ? "text" : "number");
        put_words(out, features[f].name);
        qn_buf_printf(out, "\n");
    }
    qn_buf_printf(out, " */\n\n");
}

static void put_categories(struct qn_buf *out, const char *name,
                           const struct qn_c_feature *features, uint32_t n)
{
    for (uint32_t f = 0; f < n; f++) {
        if (!features[f].categories)
            continue;
        qn_buf_printf(out, "static const char *const %s_categories_%u[] = {", name, f);
        for (uint32_t i = 0; i < features[f].n_categories; i++) {
            qn_buf_printf(out, i ? ",\n    " : "\n    ");
            put_text(out, features[f].categories[i]);
        }
        qn_buf_printf(out, "%s0};\n", features[f].n_categories ? ",\n    " : "");
    }
    qn_buf_printf(out,
                  "/* By feature: its categories in the order of their codes, then 0; of a number "
                  "0. */\nconst char *const *const %s_categories[] = {",
                  name);
    for (uint32_t f = 0; f < n; f++)
        if (features[f].categories)
            qn_buf_printf(out, "\n    %s_categories_%u,", name, f);
        else
            qn_buf_printf(out, "\n    0,");
    qn_buf_printf(out, "\n    0};\n\n");
}

/* Whether a feature refuses what it does not know is in its own table. */
static void put_category(struct qn_buf *out, const char *name, const struct qn_c_feature *features,
                         uint32_t n)
{
    qn_buf_printf(out,
                  "/* The code of a text; one past all others where it is none of the "
                  "categories. */\n"
                  "double %s_category(int feature, const char *text)\n"
                  "{\n"
                  "    const char *const *list = %s_categories[feature];\n"
                  "    int code = 0;\n"
                  "    if (!text || !list)\n"
                  "        return %s_none();\n"
                  "    for (; list[code]; code++) {\n"
                  "        const char *a = list[code], *b = text;\n"
                  "        while (*a && *a == *b)\n"
                  "            a++, b++;\n"
                  "        if (*a == *b)\n"
                  "            break;\n"
                  "    }\n"
                  "    return code;\n"
                  "}\n\n",
                  name, name, name);
    qn_buf_printf(out,
                  "/* How many codes a feature has that takes no others; 0: it takes all. */\n"
                  "static const int %s_codes[] = {",
                  name);
    for (uint32_t f = 0; f < n; f++)
        qn_buf_printf(out, "%u, ", features[f].refuse_unknown ? features[f].n_categories : 0);
    qn_buf_printf(out,
                  "0};\n"
                  "static int %s_refuses(const double *features)\n"
                  "{\n"
                  "    int f, refused = 0;\n"
                  "    for (f = 0; f < %u; f++)\n"
                  "        if (%s_codes[f] && features[f] == features[f])\n"
                  "            refused |= !(features[f] >= 0 && features[f] < %s_codes[f]);\n"
                  "    return refused;\n"
                  "}\n\n",
                  name, n, name, name);
}

void qn_c_head(struct qn_buf *out, const char *name, const char *algorithm, bool calibrated,
               const struct qn_c_feature *features, uint32_t n)
{
    put_comment(out, name, algorithm, calibrated, features, n);
    qn_buf_printf(out,
                  "double %s_score(const double *features);\n"
                  "double %s_margin(const double *features);\n"
                  "double %s_category(int feature, const char *text);\n"
                  "extern const int %s_n_features;\n"
                  "extern const char *const %s_features[];\n"
                  "extern const char *const *const %s_categories[];\n\n"
                  "const int %s_n_features = %u;\n"
                  "const char *const %s_features[] = {",
                  name, name, name, name, name, name, name, n, name);
    for (uint32_t f = 0; f < n; f++) {
        qn_buf_printf(out, "\n    ");
        put_text(out, features[f].name);
        qn_buf_put_u8(out, ',');
    }
    qn_buf_printf(out,
                  "\n    0};\n\n"
                  "static double %s_none(void)\n"
                  "{\n"
                  "    const double zero = 0;\n"
                  "    return zero / zero;\n"
                  "}\n\n",
                  name);
    put_categories(out, name, features, n);
    put_category(out, name, features, n);
}
