/* text_time: dates and timestamps as most files have them, fast: see text_number.h. */
#ifndef QN_SOURCES_TEXT_TIME_H
#define QN_SOURCES_TEXT_TIME_H

#include "sources/text_number.h"

/* The date before, in its ten bytes and in days, and the minute before, in its sixteen bytes and in
 * microseconds: tables are often sorted by time. Zeroed first. */
struct qn_text_day {
    uint64_t year_month;
    uint16_t day;
    int64_t days;
    uint64_t minute[2];
    int64_t minute_us;
};

/* Eight bytes against a pattern in which '0' stands for any digit: the digits' values. */
static inline bool qn_text_match_digits(uint64_t word, uint64_t pattern, uint64_t *digits)
{
    const uint64_t high = QN_TEXT_EVERY(0x80);
    uint64_t x = word ^ pattern, marks = pattern ^ QN_TEXT_EVERY(0x30); /* not 0: to be as it is */
    uint64_t at_marks = ((marks + QN_TEXT_EVERY(0x7F)) & high) >> 7;
    *digits = x;
    return !(((x + QN_TEXT_EVERY(0x76)) | x) & high) && !(x & at_marks * 0xFF);
}

/* "2026-01-31": ten bytes at `at`. */
static inline bool qn_text_parse_day(const char *at, struct qn_text_day *memo)
{
    uint64_t year_month;
    uint16_t day;
    memcpy(&year_month, at, sizeof year_month);
    memcpy(&day, at + 8, sizeof day);
    if (year_month == memo->year_month && day == memo->day)
        return true;
    if (!qn_parse_date((struct qn_strv){at, 10}, &memo->days))
        return false;
    memo->year_month = year_month;
    memo->day = day;
    return true;
}

static inline bool qn_text_parse_date(struct qn_strv s, struct qn_text_day *memo, int64_t *out)
{
    if (s.len != 10 || !qn_text_parse_day(s.data, memo))
        return false;
    *out = memo->days;
    return true;
}

/* "2026-01-31 12:00:07", all but the seconds as in the timestamp before; false: perhaps
 * another. There is none before while the minute is zeros. */
static inline bool qn_text_same_minute(struct qn_strv s, const struct qn_text_day *memo,
                                       int64_t *out)
{
    uint64_t minute[2];
    if (s.len != 19)
        return false;
    memcpy(minute, s.data, sizeof minute);
    unsigned tens = (unsigned char)s.data[17] - (unsigned)'0';
    unsigned ones = (unsigned char)s.data[18] - (unsigned)'0';
    *out = memo->minute_us + (int64_t)(tens * 10 + ones) * 1000000;
    return minute[0] == memo->minute[0] && minute[1] == memo->minute[1] && minute[1] &&
           s.data[16] == ':' && tens < 6 && ones < 10;
}

/* "2026-01-31 12:00:00", T for the blank, with up to six places. */
static inline bool qn_text_parse_timestamp(struct qn_strv s, struct qn_text_day *memo, int64_t *out)
{
    uint64_t time;
    if (qn_text_same_minute(s, memo, out))
        return true;
    if (s.len < 19 || s.len > 26 || s.len == 20 || (s.data[10] != ' ' && s.data[10] != 'T') ||
        !qn_text_match_digits(qn_text_word(s.data + 11), UINT64_C(0x30303A30303A3030), &time) ||
        !qn_text_parse_day(s.data, memo))
        return false;
    uint64_t pairs = time * 10 + (time >> 8); /* in every byte its digit and the next */
    unsigned hour = pairs & 0xFF, minute = pairs >> 24 & 0xFF, second = pairs >> 48 & 0xFF;
    int64_t fraction = 0;
    if (s.len > 19) {
        fraction = qn_text_eight_digits((struct qn_strv){s.data + 20, s.len - 20});
        if (s.data[19] != '.' || fraction < 0)
            return false;
        fraction *= qn_pow10((uint8_t)(26 - s.len));
    }
    int64_t minute_us =
        memo->days * INT64_C(86400000000) + (int64_t)(hour * 60 + minute) * 60000000;
    *out = minute_us + (int64_t)second * 1000000 + fraction;
    if (hour >= 24 || minute >= 60 || second >= 60)
        return false;
    memcpy(memo->minute, s.data, sizeof memo->minute);
    memo->minute_us = minute_us;
    return true;
}

#endif
