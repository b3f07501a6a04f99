/* templates: what `quern init` writes. The texts are the files of examples/ themselves, put into
 * the program when it is built (CMakeLists.txt, quern_embed), so they cannot drift apart. */
#ifndef QN_CLI_TEMPLATES_H
#define QN_CLI_TEMPLATES_H

#include <stddef.h>

extern const unsigned char qn_text_churn_spec[], qn_text_churn_readme[];
extern const unsigned char qn_text_retail_spec[], qn_text_retail_readme[];
extern const size_t qn_text_churn_spec_bytes, qn_text_churn_readme_bytes;
extern const size_t qn_text_retail_spec_bytes, qn_text_retail_readme_bytes;

#endif
