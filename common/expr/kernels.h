/* kernels: the vector operations that steps run. Those marked "any NULL" see NULL arguments
 * themselves; all others are strict. `number` and `data` are the step's. */
#ifndef QN_EXPR_KERNELS_H
#define QN_EXPR_KERNELS_H

#include "expr/lex.h"
#include "expr/step.h"

/* kernels_arith.c; number: the operator's token. Overflow and division by zero give NULL. */
qn_kernel qn_kernel_arith_i64; /* DECIMAL: equal scales, + and - only */
qn_kernel qn_kernel_arith_f64;
qn_kernel qn_kernel_bits;             /* & | << >> */
qn_kernel qn_kernel_decimal_multiply; /* number: digits to round away */
qn_kernel qn_kernel_scale_i64;        /* times number */
qn_kernel qn_kernel_days_between;     /* microseconds apart, as days */
/* Range of a type laid out as int64. */
void qn_type_range(struct qn_type type, int64_t *low, int64_t *high);

/* kernels_compare.c; number: the operator's token */
qn_kernel qn_kernel_compare_i64;
qn_kernel qn_kernel_compare_f64;
qn_kernel qn_kernel_compare_i64_f64; /* exact */
qn_kernel qn_kernel_compare_scaled;  /* number: operator, then decimal shifts of both sides */
qn_kernel qn_kernel_compare_text;
int64_t qn_scaled_number(enum qn_token_kind op, unsigned left_shift, unsigned right_shift);

/* text_equal.c: flips out[i] between 0 and 1 where row i equals the text, NULL or not. */
void qn_text_flip_equal(const struct qn_column *x, struct qn_strv text, uint32_t n,
                        uint8_t *restrict out);

/* kernels_logic.c */
qn_kernel qn_kernel_and; /* any NULL */
qn_kernel qn_kernel_or;  /* any NULL */
qn_kernel qn_kernel_not;
qn_kernel qn_kernel_is_null; /* any NULL; number: 1 for IS NOT NULL */
qn_kernel qn_kernel_is;      /* any NULL: [x = y, x, y] */
qn_kernel qn_kernel_is_true; /* any NULL: true when valid and 1 */

/* kernels_select.c: which of several values a row takes */
qn_kernel qn_kernel_case;      /* any NULL: [conditions..., values...]; number: conditions; one
                                 value more than conditions: the last is for rows without */
qn_kernel qn_kernel_coalesce;  /* any NULL */
qn_kernel qn_kernel_nullif;    /* any NULL: [x, x = y] */
qn_kernel qn_kernel_least_i64; /* number: 1 for the greatest */
qn_kernel qn_kernel_least_f64;
qn_kernel qn_kernel_least_text;

/* kernels_in.c: membership in a constant set. data: struct qn_set */
struct qn_set;
qn_kernel qn_kernel_in;
/* Of non-NULL constants of one type. NULL when memory is out. */
struct qn_set *qn_set_new(struct qn_arena *arena, struct qn_step *const *items, uint32_t n);
/* Its items as a column of the type they have; false: no memory. */
bool qn_set_values(const struct qn_set *set, struct qn_type type, struct qn_arena *arena,
                   struct qn_column *out, uint32_t *n);

/* kernels_cast.c */
qn_kernel qn_kernel_bool_to_i64;
qn_kernel qn_kernel_i64_to_bool;
qn_kernel qn_kernel_f64_to_bool;
qn_kernel qn_kernel_i64_to_f64;
qn_kernel qn_kernel_f64_to_i64;
qn_kernel qn_kernel_decimal_to_f64; /* number: scale */
qn_kernel qn_kernel_f64_to_decimal;
qn_kernel qn_kernel_rescale;        /* integers and decimals; number: scale of the argument */
qn_kernel qn_kernel_decimal_to_i64; /* number: scale */
qn_kernel qn_kernel_date_to_timestamp;
qn_kernel qn_kernel_timestamp_to_date;
/* x * 10^scale, half away from zero; false past the limit. */
bool qn_scale_double(double x, uint8_t scale, int64_t limit, int64_t *out);

/* double_text.c: the text SQLite gives a double; QN_VALUE_TEXT bytes hold it. */
size_t qn_sqlite_double(double value, char *out);

/* kernels_cast_text.c */
qn_kernel qn_kernel_to_text;
qn_kernel qn_kernel_text_to_i64;
qn_kernel qn_kernel_text_to_f64;
qn_kernel qn_kernel_text_to_decimal;
qn_kernel qn_kernel_text_to_bool;
qn_kernel qn_kernel_text_to_date;
qn_kernel qn_kernel_text_to_timestamp;

/* kernels_round.c */
qn_kernel qn_kernel_abs_i64;
qn_kernel qn_kernel_abs_f64;
qn_kernel qn_kernel_sign_i64;
qn_kernel qn_kernel_sign_f64;
qn_kernel qn_kernel_round_f64;        /* [x, digits] */
qn_kernel qn_kernel_integral_f64;     /* number: enum qn_rounding */
qn_kernel qn_kernel_integral_decimal; /* number: enum qn_rounding + 4 * digits dropped */
enum qn_rounding { QN_ROUND_FLOOR, QN_ROUND_CEIL, QN_ROUND_TRUNC };
/* Half away from zero, as people round the decimal text of x; digits 0..30. */
double qn_round_double(double x, int64_t digits);

/* math.c */
qn_kernel qn_kernel_math1; /* number: enum qn_math */
qn_kernel qn_kernel_math2;
enum qn_math {
    QN_MATH_EXP,
    QN_MATH_LN,
    QN_MATH_LOG10,
    QN_MATH_LOG2,
    QN_MATH_SQRT,
    QN_MATH_ACOS,
    QN_MATH_ASIN,
    QN_MATH_ATAN,
    QN_MATH_COS,
    QN_MATH_SIN,
    QN_MATH_TAN,
    QN_MATH_ACOSH,
    QN_MATH_ASINH,
    QN_MATH_ATANH,
    QN_MATH_COSH,
    QN_MATH_SINH,
    QN_MATH_TANH,
    QN_MATH_DEGREES,
    QN_MATH_RADIANS,
    /* of two */
    QN_MATH_POW,
    QN_MATH_LOG,
    QN_MATH_ATAN2,
    QN_MATH_MOD
};

/* kernels_text.c */
qn_kernel qn_kernel_concat;    /* any number of arguments */
qn_kernel qn_kernel_concat_ws; /* any NULL: [separator, texts...]; NULLs are left out */
qn_kernel qn_kernel_lower;     /* number: 1 for upper */
qn_kernel qn_kernel_trim;      /* [x, characters?]; number: bit 0 left, bit 1 right */
qn_kernel qn_kernel_substr;
qn_kernel qn_kernel_replace;
qn_kernel qn_kernel_length;
qn_kernel qn_kernel_instr;
qn_kernel qn_kernel_hex;
qn_kernel qn_kernel_unicode; /* the first character's code point */
qn_kernel qn_kernel_char;    /* the text of code points */

/* kernels_fill.c */
enum qn_place { QN_PLACE_ANYWHERE, QN_PLACE_START, QN_PLACE_END };
qn_kernel qn_kernel_has_part; /* [text, part]; number: enum qn_place */
qn_kernel qn_kernel_pad;      /* [text, characters, filling?]; number: 1 for the right */
qn_kernel qn_kernel_repeat;
qn_kernel qn_kernel_reverse;
qn_kernel qn_kernel_split_part; /* [text, separator, number of the part] */

/* kernels_like.c: [x, pattern]; number: 1 for GLOB, else the escape character << 1;
 * data: struct qn_pattern of a constant pattern, or NULL */
struct qn_pattern;
qn_kernel qn_kernel_like;
struct qn_pattern *qn_pattern_new(struct qn_arena *arena, struct qn_strv pattern, int64_t number);
bool qn_pattern_match(struct qn_strv text, struct qn_strv pattern, int64_t number);

/* kernels_date.c */
enum qn_unit {
    QN_UNIT_YEAR,
    QN_UNIT_QUARTER,
    QN_UNIT_MONTH,
    QN_UNIT_WEEK,
    QN_UNIT_DAY,
    QN_UNIT_HOUR,
    QN_UNIT_MINUTE,
    QN_UNIT_SECOND,
    QN_UNIT_WEEKDAY, /* 0 is Sunday */
    QN_UNIT_DAY_OF_YEAR,
    QN_UNIT_EPOCH,    /* whole seconds since 1970 */
    QN_UNIT_ISO_DAY,  /* 1 is Monday, 7 is Sunday */
    QN_UNIT_ISO_WEEK, /* the week of the year that has its Thursday */
};
qn_kernel qn_kernel_date_part; /* of a DATE or TIMESTAMP; number: unit */
qn_kernel qn_kernel_date_diff; /* number: unit; both of one type */
qn_kernel qn_kernel_date_trunc;
qn_kernel qn_kernel_julianday;  /* of a TIMESTAMP */
qn_kernel qn_kernel_from_epoch; /* seconds to a TIMESTAMP */

/* kernels_calendar.c */
qn_kernel qn_kernel_date_add; /* [moment, n]; number: unit, for a DATE a day or longer */
qn_kernel qn_kernel_last_day;
qn_kernel qn_kernel_calendar_name; /* number: 1 for the day's, else the month's */

/* kernels_strftime.c; data: NUL-terminated format, checked */
qn_kernel qn_kernel_strftime;

/* kernels_shift.c: [timestamp, modifiers...] */
qn_kernel qn_kernel_date_shift;
enum qn_shift_kind {
    QN_SHIFT_SECOND,
    QN_SHIFT_MINUTE,
    QN_SHIFT_HOUR,
    QN_SHIFT_DAY,
    QN_SHIFT_MONTH,
    QN_SHIFT_YEAR,
    QN_SHIFT_TO_DAY,
    QN_SHIFT_TO_MONTH,
    QN_SHIFT_TO_YEAR,
    QN_SHIFT_WEEKDAY, /* the first such day from here on */
    QN_SHIFT_NONE,    /* nothing that is known */
};
struct qn_shift {
    enum qn_shift_kind kind;
    double amount; /* of units, or the weekday */
};
bool qn_shift_parse(struct qn_strv text, struct qn_shift *out);

/* Days of -9999-01-01 and 9999-12-31, between which dates lie. */
enum { QN_FIRST_DAY = -4371588, QN_LAST_DAY = 2932896 };
enum { QN_DAY_SECONDS = 86400 };
#define QN_DAY_MICROS INT64_C(86400000000)

static inline int64_t qn_floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

#endif
