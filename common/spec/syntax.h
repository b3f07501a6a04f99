/* syntax: what is wrong with a text before it is a tree, in words for people. */
#ifndef QN_SPEC_SYNTAX_H
#define QN_SPEC_SYNTAX_H

#include <yaml.h>

#include "base/diag.h"

/* Size, UTF-8, no control characters and no exotic line ends (which would make line numbers differ
 * from the editor's). False after a complaint. */
bool qn_syntax_check_text(struct qn_strv text, struct qn_diags *diags);

/* The complaint for the error that stopped libyaml; none when the same line has one already. */
void qn_syntax_complain(const yaml_parser_t *parser, struct qn_strv text, struct qn_diags *diags);

#endif
