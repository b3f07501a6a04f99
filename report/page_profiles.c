#include "report/page.h"
qn_code qn_page_profiles(struct qn_page *page, struct qn_err *err)
{
    (void)page;
    (void)err;
    return QN_OK;
}
