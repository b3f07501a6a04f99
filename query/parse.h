/* parse: what the files that read queries share. */
#ifndef QN_QUERY_PARSE_H
#define QN_QUERY_PARSE_H

#include "expr/parser.h"
#include "query/ast.h"

/* Room for item n of an array that grows by one; NULL: no memory. */
void *qn_sql_grow(struct qn_arena *arena, void *items, uint32_t n, size_t size);
/* One more item of the SELECT list, empty; a complaint past QN_MAX_COLUMNS. */
QN_CHECK qn_code qn_sql_add_item(struct qn_parser *p, struct qn_sql_body *body,
                                 struct qn_sql_item **out);

/* Whether it may be the name of something: no word that begins a clause. */
bool qn_sql_is_name(const struct qn_token *token);
/* Takes the word if it is the next one. */
bool qn_sql_word(struct qn_parser *p, const char *word);
QN_CHECK qn_code qn_sql_name(struct qn_parser *p, const char *expected, struct qn_sql_name *out);
/* [AS] name, if there is one. */
QN_CHECK qn_code qn_sql_alias(struct qn_parser *p, struct qn_sql_name *out);
/* (a, b, ...) */
QN_CHECK qn_code qn_sql_names(struct qn_parser *p, struct qn_sql_name **names, uint32_t *n);

QN_CHECK qn_code qn_sql_parse_query(struct qn_parser *p, struct qn_sql_query **out);
/* Whether the aggregate joins texts: specs have none such. */
bool qn_sql_joins_texts(struct qn_strv name);
/* From SELECT, or FROM, to the end of its clauses. */
QN_CHECK qn_code qn_sql_parse_select(struct qn_parser *p, struct qn_sql_body *body);
/* ORDER BY, LIMIT and OFFSET, of which the query may have none. */
QN_CHECK qn_code qn_sql_parse_order(struct qn_parser *p, struct qn_sql_query *query);
/* What stands behind VALUES, as SELECTs put together. */
QN_CHECK qn_code qn_sql_parse_values(struct qn_parser *p, struct qn_sql_body **out);
/* What stands behind FROM. */
QN_CHECK qn_code qn_sql_parse_from(struct qn_parser *p, struct qn_sql_body *body);

#endif
