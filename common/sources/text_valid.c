#include "sources/text_valid.h"

#include "base/strv.h"

uint32_t qn_text_valid_records(struct qn_text_valid *valid, const char *bytes, size_t from,
                               const uint32_t *breaks, uint32_t n)
{
    if (n == 0)
        return 0;
    if (valid->to < from)
        *valid = (struct qn_text_valid){from, SIZE_MAX};
    size_t to = breaks[n - 1];
    if (valid->to < to && valid->at == SIZE_MAX) {
        struct qn_strv rest = {bytes + valid->to, to - valid->to};
        size_t good = qn_utf8_prefix(rest);
        valid->to += good;
        if (good < rest.len)
            valid->at = valid->to;
    }
    while (n && breaks[n - 1] > valid->at)
        n--;
    return n;
}
