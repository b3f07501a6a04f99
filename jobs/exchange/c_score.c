/* The end of a C file: from the margin to the score, and from there to the calibrated one. The
 * functions are those of math.h and calibrate.h in the words of C without a library. */
#include "jobs/exchange/write.h"
#include "jobs/learn/exp.h"

/* --- the logistic function -------------------------------------------------------------------- */

static const char expit_text[] =
    "/* 2^k for a normal result. */\n"
    "static double %s_power(int k)\n"
    "{\n"
    "    union {\n"
    "        unsigned long long bits;\n"
    "        double value;\n"
    "    } out;\n"
    "    out.bits = (unsigned long long)(k + 1023) << 52;\n"
    "    return out.value;\n"
    "}\n\n"
    "/* exp of x <= 0. */\n"
    "static double %s_exp(double x)\n"
    "{\n"
    "    static const double terms[] = {479001600.0, 39916800.0, 3628800.0, 362880.0, 40320.0,\n"
    "                                   5040.0, 720.0, 120.0, 24.0, 6.0};\n"
    "    double k = (x * 1.4426950408889634 + 6755399441055744.0) - 6755399441055744.0;\n"
    "    double high = x - k * %.17g, low = k * %.17g;\n"
    "    double r = high - low, lost = (high - r) - low, p = 1.0 / 6227020800.0;\n"
    "    int i;\n"
    "    for (i = 0; i < 10; i++)\n"
    "        p = p * r + 1.0 / terms[i];\n"
    "    p = p * r + 0.5;\n"
    "    p = 1.0 + (r + (p * r * r + lost));\n"
    "    return k < -1021 ? p * %s_power((int)k + 200) * %s_power(-200) : p * %s_power((int)k);\n"
    "}\n\n"
    "static double %s_expit(double x)\n"
    "{\n"
    "    double e, u, lost, share;\n"
    "    if (x != x)\n"
    "        return x;\n"
    "    e = x < -745.14 || x > 745.14 ? 0 : %s_exp(x < 0 ? x : -x);\n"
    "    u = 1.0 + e;\n"
    "    lost = e - (u - 1.0);\n"
    "    share = (x < 0 ? e : 1.0) / u;\n"
    "    return share - share * (lost / u);\n"
    "}\n\n";

/* --- calibrations ----------------------------------------------------------------------------- */

static const char logit_text[] =
    "/* ln of x from 2^-52 to 1. */\n"
    "static double %s_ln(double x)\n"
    "{\n"
    "    union {\n"
    "        unsigned long long bits;\n"
    "        double value;\n"
    "    } m;\n"
    "    double f, s, z, half, series, rest;\n"
    "    int k, n;\n"
    "    m.value = x;\n"
    "    k = (int)(m.bits >> 52) - 1023;\n"
    "    m.bits = (m.bits & 0x000fffffffffffffULL) | 0x3ff0000000000000ULL;\n"
    "    if (m.value > 1.4142135623730951) {\n"
    "        m.value *= 0.5;\n"
    "        k++;\n"
    "    }\n"
    "    f = m.value - 1.0, s = f / (2.0 + f), z = s * s, half = 0.5 * f * f;\n"
    "    series = 2.0 / 23.0;\n"
    "    for (n = 21; n >= 3; n -= 2)\n"
    "        series = series * z + 2.0 / n;\n"
    "    rest = s * (half + series * z);\n"
    "    return (double)k * %.17g - ((half - (rest + (double)k * %.17g)) - f);\n"
    "}\n\n"
    "/* ln(1 + x), x from -1 to 0. */\n"
    "static double %s_log1p(double x)\n"
    "{\n"
    "    double s = x / (2.0 + x), z = s * s, half = 0.5 * x * x, series = 2.0 / 25.0, u = 1.0 + "
    "x;\n"
    "    int n;\n"
    "    if (x < -0.29)\n"
    "        return %s_ln(u) + (x - (u - 1.0)) / u;\n"
    "    for (n = 23; n >= 3; n -= 2)\n"
    "        series = series * z + 2.0 / n;\n"
    "    return x - (half - s * (half + series * z));\n"
    "}\n\n";

/* 2^-52 and 1 - 2^-52 are the ends. */
static const char platt_text[] =
    "/* Platt's calibration of a score. */\n"
    "static double %s_calibrated(double score)\n"
    "{\n"
    "    double least = %.17g, most = 1 - least;\n"
    "    double kept = score < least ? least : score > most ? most : score;\n"
    "    return score != score ? score\n"
    "                          : %s_expit(%.17g * (%s_ln(kept) - %s_log1p(-kept)) + %.17g);\n"
    "}\n\n";

static const char isotonic_text[] =
    "/* Isotonic calibration of a score: straight lines between points, flat outside. */\n"
    "static double %s_calibrated(double score)\n"
    "{\n"
    "    int low = 0, high = %u;\n"
    "    double share;\n"
    "    if (score != score)\n"
    "        return score;\n"
    "    if (score <= %s_points[low][0])\n"
    "        return %s_points[low][1];\n"
    "    if (score >= %s_points[high][0])\n"
    "        return %s_points[high][1];\n"
    "    while (high - low > 1) {\n"
    "        int middle = low + (high - low) / 2;\n"
    "        if (%s_points[middle][0] <= score)\n"
    "            low = middle;\n"
    "        else\n"
    "            high = middle;\n"
    "    }\n"
    "    share = (score - %s_points[low][0]) / (%s_points[high][0] - %s_points[low][0]);\n"
    "    return %s_points[low][1] + share * (%s_points[high][1] - %s_points[low][1]);\n"
    "}\n\n";

static void put_platt(struct qn_buf *out, const char *name, const struct qn_calibration *from)
{
    qn_buf_printf(out, logit_text, name, QN_LN2_HI, QN_LN2_LO, name, name);
    qn_buf_printf(out, platt_text, name, 0x1p-52, name, from->slope, name, name, from->intercept);
}

static void put_isotonic(struct qn_buf *out, const char *name, const struct qn_calibration *from)
{
    qn_buf_printf(out,
                  "/* Scores and what they are calibrated to. */\n"
                  "static const double %s_points[][2] = {\n",
                  name);
    for (uint32_t i = 0; i < from->n; i++)
        qn_buf_printf(out, "    {%.17g, %.17g},\n", from->scores[i], from->values[i]);
    qn_buf_printf(out, "};\n\n");
    qn_buf_printf(out, isotonic_text, name, from->n - 1, name, name, name, name, name, name, name,
                  name, name, name, name);
}

void qn_c_score(struct qn_buf *out, const char *name, const struct qn_calibration *calibration)
{
    qn_buf_printf(out, expit_text, name, name, QN_LN2_HI, QN_LN2_LO, name, name, name, name, name);
    if (calibration->method == QN_CALIBRATE_PLATT)
        put_platt(out, name, calibration);
    else if (calibration->method == QN_CALIBRATE_ISOTONIC)
        put_isotonic(out, name, calibration);
    bool raw = calibration->method == QN_CALIBRATE_NOT;
    qn_buf_printf(out,
                  "double %s_score(const double *features)\n"
                  "{\n"
                  "    return %s%s%s_expit(%s_margin(features))%s;\n"
                  "}\n",
                  name, raw ? "" : name, raw ? "" : "_calibrated(", name, name, raw ? "" : ")");
}
