/* math: exp, log and their kin, the same to the last bit on every machine.
 *
 * libm differs by version and CPU (and a fused multiply-add gives another last bit), so a model
 * fitted with it would too. These use only + - * /, comparisons and exact operations, and the build
 * forbids contraction. At most 2 ulp from the true value, erfc 1e-13 relative; the
 * test beside it measures that. NaN in gives NaN out.
 *
 * Methods are the textbook ones: exp by x = k ln 2 + r and a series in r; log by the series of
 * 2 atanh(f / (2 + f)); erfc by its series below 2 and Legendre's continued fraction above. */
#ifndef QN_JOBS_LEARN_MATH_H
#define QN_JOBS_LEARN_MATH_H

double qn_exp(double x);
double qn_ln(double x);    /* -inf at 0, NaN below */
double qn_log1p(double x); /* log(1 + x), accurate near 0 */
double qn_expit(double x); /* 1 / (1 + exp(-x)) */
double qn_erfc(double x);

/* Two-sided p-value of a standard normal z: 2 (1 - Phi(|z|)). */
double qn_normal_p_value(double z);
/* The z below which a standard normal falls with probability p, 0 < p < 1. */
double qn_normal_quantile(double p);

#endif
