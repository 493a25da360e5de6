/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wish_query: the conditions of Portkey's conditional routing, which are MongoDB's words
 * (portkey.ai/docs/product/ai-gateway/conditional-routing): {"metadata.plan": {"$eq": "paid"}}, {"$or": [ … ]} over
 * metadata.*, params.* (the body) and url.pathname. All that stands in one object must hold.
 *
 * As in Portkey equality is strict ("1" is not 1), and $gt and the like read both sides as numbers. Regular expressions
 * are PCRE2's, with ceilings on pattern, subject and work: one that comes to a ceiling is an error, not a no. PCRE2's
 * own limit begins anew at each place of the subject, and a repetition of single characters counts as one step however
 * long it is; so the work is counted here, for all conditions of a request together.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <math.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "route/wish_in.h"

#define PATTERN_MAX   512
#define SUBJECT_MAX   8192
#define STEPS_MAX     20000
#define NESTING_MAX   50
#define HEAP_MAX_KIB  1024
#define REGEXES_MAX   16
#define WORK_MAX      300000             /* parts of patterns that are tried, in all: some 5 ms */
#define RUN_SHARE     32                 /* characters of a repetition that count as a part */
#define LOOKUPS_MAX   2000000            /* members that are looked at for conditions' keys, in all */

/* What a key leads to. */
struct value {
	const struct json_node *node;    /* NULL: `text`, if it is there */
	struct str text;                 /* url.pathname */
};

static bool absent(struct value v) { return !v.node && !v.text.p; }
static bool is_text(struct value v) { return v.node ? v.node->type == JSON_STRING : v.text.p != NULL; }

/* p == NULL: it is no text, or the arena is full. */
static struct str text_of(struct wish_reader *r, struct value v)
{
	return v.node ? jstr_plain(r->arena, node_text(v.node)) : v.text;
}

static enum wish_query wrong(struct wish_reader *r, const char *place, const char *allowed, const struct json_node *v)
{
	wish_refuse(r, place, allowed, v);
	return WISH_QUERY_WRONG;
}

/* As node_get, which looks at all members. Past the ceiling: NULL. */
static const struct json_node *look_up(struct wish_reader *r, const struct json_node *object, struct str name)
{
	r->lookups += object ? object->children : 0;
	return r->lookups > LOOKUPS_MAX ? NULL : node_get(object, name);
}

static bool too_much(struct wish_reader *r, const char *place)
{
	return err_set(r->err, ERR_INVALID_REQUEST, "%s: takes too many steps", place);
}

/* The member by its whole name, else by its parts: "a.b" may be one name. */
static const struct json_node *member_at(struct wish_reader *r, const struct json_node *object, struct str path)
{
	const struct json_node *v = look_up(r, object, path);

	while (!v && path.p) {
		struct str name = str_cut(&path, '.');

		object = look_up(r, object, name);
		if (!object)
			return NULL;
		if (!path.p)
			return object;
		v = look_up(r, object, path);
	}
	return v;
}

/* False: the error is told. */
static bool find_value(struct wish_reader *r, const char *place, struct str key, struct value *out)
{
	struct str path = key, root = str_cut(&path, '.');

	*out = (struct value){ 0 };
	if (path.p && str_eq(root, STR("metadata"))) {
		out->node = member_at(r, r->metadata, path);
		return r->lookups <= LOOKUPS_MAX || too_much(r, place);
	}
	if (path.p && str_eq(root, STR("params"))) {
		out->node = member_at(r, wish_body(r), path);
		if (r->lookups > LOOKUPS_MAX)
			return too_much(r, place);
		return r->body || r->source->body.n == 0;
	}
	out->text = r->source->path;
	return str_eq(key, STR("url.pathname")) ||
	       err_set(r->err, ERR_INVALID_REQUEST, "%s: must be of metadata.*, params.*, url.pathname, $and or $or",
	               place);
}

/* As JavaScript's parseFloat: the number that the text begins with; NaN: none. */
static double number_of(struct wish_reader *r, struct value v)
{
	char text[64];
	size_t n = 0;
	struct str s;

	if (v.node && v.node->type == JSON_NUMBER)
		s = node_raw(v.node);
	else if (is_text(v))
		s = str_trim(text_of(r, v));
	else
		return NAN;
	while (n < s.n && n < sizeof text - 1 && strchr("0123456789+-.eE", s.p[n])) {
		text[n] = s.p[n];
		n++;
	}
	text[n] = '\0';
	if (n == 0 || text[0] == 'e' || text[0] == 'E')
		return NAN;
	return strtod(text, NULL);
}

static bool equal(struct wish_reader *r, struct value v, const struct json_node *to)
{
	if (absent(v))
		return false;
	if (is_text(v))
		return to->type == JSON_STRING && str_eq(text_of(r, v), jstr_plain(r->arena, node_text(to)));
	if (v.node->type != to->type)
		return false;
	switch ((enum json_type)to->type) {
	case JSON_NULL: return true;
	case JSON_BOOL: return node_true(v.node) == node_true(to);
	case JSON_NUMBER: return number_of(r, v) == number_of(r, (struct value){ .node = to });
	case JSON_ABSENT:
	case JSON_STRING:
	case JSON_ARRAY:
	case JSON_OBJECT: break;
	}
	return false;
}

static bool is_in(struct wish_reader *r, struct value v, const struct json_node *list)
{
	for (const struct json_node *e = node_first(list); e; e = node_next(list, e))
		if (equal(r, v, e))
			return true;
	return false;
}

/* ---- regular expressions ---- */

struct regex_run { struct wish_reader *r; struct str pattern; };

/* Of what a single try may run over the subject: repetitions, references back. */
static bool may_run(struct str part)
{
	char last = part.p[part.n - 1];

	return last == '*' || last == '+' || last == '?' || last == '}' || (part.p[0] == '\\' && part.n > 1);
}

/* Before each part of the pattern. */
static int on_part(pcre2_callout_block *b, void *arg)
{
	struct regex_run *run = arg;
	struct str part = str_slice(run->pattern, b->pattern_position, b->pattern_position + b->next_item_length);

	run->r->work++;
	if (part.n && may_run(part))
		run->r->work += (b->subject_length - b->current_position) / RUN_SHARE;
	return run->r->work > WORK_MAX ? PCRE2_ERROR_MATCHLIMIT : 0;
}

static enum wish_query run_regex(struct wish_reader *r, const char *place, pcre2_code *code, struct str pattern,
                                 struct str subject)
{
	struct regex_run run = { r, pattern };
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	pcre2_match_data *found = pcre2_match_data_create(1, NULL);
	int got = PCRE2_ERROR_NOMEMORY;

	if (limits && found) {
		pcre2_set_match_limit(limits, STEPS_MAX);
		pcre2_set_depth_limit(limits, STEPS_MAX);
		pcre2_set_heap_limit(limits, HEAP_MAX_KIB);
		pcre2_set_callout(limits, on_part, &run);
		got = pcre2_match(code, (PCRE2_SPTR)subject.p, subject.n, 0, PCRE2_NO_UTF_CHECK, found, limits);
	}
	pcre2_match_data_free(found);
	pcre2_match_context_free(limits);
	if (got == PCRE2_ERROR_NOMATCH)
		return WISH_QUERY_NO;
	if (got >= 0)
		return WISH_QUERY_YES;
	too_much(r, place);
	return WISH_QUERY_WRONG;
}

static enum wish_query matches(struct wish_reader *r, const char *place, struct value v, const struct json_node *to)
{
	pcre2_compile_context *limits;
	enum wish_query got;
	struct str pattern, subject;
	pcre2_code *code = NULL;
	PCRE2_SIZE at;
	int why;

	if (!node_is(to, JSON_STRING) || to->n > PATTERN_MAX + 2)
		return wrong(r, place, "a regular expression of at most 512 bytes", to);
	if (++r->regexes > REGEXES_MAX)
		return wrong(r, place, "one of at most 16 regular expressions", to);
	if (!is_text(v))
		return WISH_QUERY_NO;
	pattern = jstr_plain(r->arena, node_text(to));
	subject = text_of(r, v);
	if (!pattern.p || !subject.p) {
		wish_no_memory(r);
		return WISH_QUERY_WRONG;
	}
	subject = str_slice(subject, 0, SUBJECT_MAX);
	limits = pcre2_compile_context_create(NULL);
	if (limits) {
		pcre2_set_parens_nest_limit(limits, NESTING_MAX);
		code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n,
		                     PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF | PCRE2_AUTO_CALLOUT, &why, &at, limits);
	}
	pcre2_compile_context_free(limits);
	if (!code)
		return wrong(r, place, "a regular expression", to);
	got = run_regex(r, place, code, pattern, subject);
	pcre2_code_free(code);
	return got;
}

/* ---- operators ---- */

static enum wish_query yes_if(bool b) { return b ? WISH_QUERY_YES : WISH_QUERY_NO; }

static enum wish_query compare(struct wish_reader *r, const char *place, struct str op, struct value v,
                               const struct json_node *to)
{
	bool list = str_eq(op, STR("$in")) || str_eq(op, STR("$nin"));
	double a, b;

	if (list && to->type != JSON_ARRAY)
		return wrong(r, place, "a list", to);
	if (str_eq(op, STR("$eq")))
		return yes_if(equal(r, v, to));
	if (str_eq(op, STR("$ne")))
		return yes_if(!equal(r, v, to));
	if (list)
		return yes_if(is_in(r, v, to) == str_eq(op, STR("$in")));
	if (str_eq(op, STR("$regex")))
		return matches(r, place, v, to);
	a = number_of(r, v);
	b = number_of(r, (struct value){ .node = to });
	if (str_eq(op, STR("$gt")))
		return yes_if(a > b);
	if (str_eq(op, STR("$gte")))
		return yes_if(a >= b);
	if (str_eq(op, STR("$lt")))
		return yes_if(a < b);
	if (str_eq(op, STR("$lte")))
		return yes_if(a <= b);
	err_set(r->err, ERR_INVALID_REQUEST,
	        "%s: must be one of $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $regex, $and and $or", place);
	return WISH_QUERY_WRONG;
}

static enum wish_query test_value(struct wish_reader *r, const char *place, struct value v, const struct json_node *to)
{
	char at[WISH_PLACE_MAX];

	if (to->type != JSON_OBJECT)
		return yes_if(equal(r, v, to));
	for (const struct json_node *m = node_first(to); m; m = node_next(to, m)) {
		struct str op = str_slice(jstr_raw(node_key(m)), 0, 16);
		enum wish_query got;

		snprintf(at, sizeof at, "%.100s.%.*s", place, STR_ARG(op));
		got = compare(r, at, op, v, m);
		if (got != WISH_QUERY_YES)
			return got;
	}
	return WISH_QUERY_YES;
}

static enum wish_query test_list(struct wish_reader *r, const char *place, bool all, const struct json_node *list)
{
	if (list->type != JSON_ARRAY || list->children == 0)
		return wrong(r, place, "a list of conditions", list);
	for (const struct json_node *e = node_first(list); e; e = node_next(list, e)) {
		enum wish_query got = wish_query(r, place, e);

		if (got == WISH_QUERY_WRONG || (got == WISH_QUERY_YES) != all)
			return got;
	}
	return yes_if(all);
}

enum wish_query wish_query(struct wish_reader *r, const char *place, const struct json_node *query)
{
	char at[WISH_PLACE_MAX];

	if (!node_is(query, JSON_OBJECT))
		return wrong(r, place, "an object of conditions", query);
	for (const struct json_node *m = node_first(query); m; m = node_next(query, m)) {
		struct str key = jstr_raw(node_key(m));
		enum wish_query got;
		struct value v;

		snprintf(at, sizeof at, "%.80s.%.*s", place, STR_ARG(str_slice(key, 0, 40)));
		if (str_eq(key, STR("$and")) || str_eq(key, STR("$or"))) {
			got = test_list(r, at, str_eq(key, STR("$and")), m);
		} else if (!find_value(r, at, key, &v)) {
			return WISH_QUERY_WRONG;
		} else {
			got = test_value(r, at, v, m);
		}
		if (got != WISH_QUERY_YES)
			return got;
	}
	return WISH_QUERY_YES;
}
