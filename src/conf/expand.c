/* SPDX-License-Identifier: Apache-2.0 */
/* ${VAR} and ${VAR:-default} in scalars. */

#include <stdlib.h>

#include "base/text.h"
#include "conf/conf_in.h"
#include "conf/env.h"

enum { EXPANDED_MAX = 1 << 20 };

static bool is_variable_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return s.n > 0 && s.n <= 255;
}

/* `inside`: between the braces. */
static bool expand_one(const struct node *n, struct str inside, const struct conf_env *env, struct buf *out,
                       struct problem_list *problems)
{
	size_t colon = str_find(inside, STR(":-"));
	struct str name = str_slice(inside, 0, colon), value = { 0 };
	/* What is not a name may be a piece of a secret: it is not shown. */
	if (!is_variable_name(name))
		return problem_add(problems, n->place,
		                   "\"${\" must be followed by the name of a variable and \"}\" or "
		                   "\":-default}\"; a literal \"${\" is written \"$${\"");
	bool set = env->variable(env, name, &value);
	if (colon != STR_NPOS && (!set || value.n == 0))
		value = str_slice(inside, colon + 2, inside.n);
	else if (!set)
		return problem_add(problems, n->place,
		                   "the variable %.*s is not set and ${%.*s} has no default "
		                   "(${%.*s:-default})",
		                   STR_ARG(name), STR_ARG(name), STR_ARG(name));
	if (!text_is_utf8(value))
		return problem_add(problems, n->place, "the value of the variable %.*s is not UTF-8", STR_ARG(name));
	if (!buf_append(out, value))
		return problem_add(problems, n->place, "longer than %d bytes with its variables replaced",
		                   EXPANDED_MAX);
	return true;
}

static bool expand_all(struct node *n, const struct conf_env *env, struct buf *out, struct problem_list *problems)
{
	struct str rest = n->text;
	for (;;) {
		size_t at = str_find(rest, STR("${"));
		if (at == STR_NPOS)
			return buf_append(out, rest) ||
			       problem_add(problems, n->place, "longer than %d bytes with its variables replaced",
			                   EXPANDED_MAX);
		bool literal = at > 0 && rest.p[at - 1] == '$';
		buf_append(out, str_slice(rest, 0, literal ? at - 1 : at));
		rest = str_slice(rest, at + 2, rest.n);
		if (literal) {
			buf_append(out, STR("${"));
			continue;
		}
		size_t end = str_find_chr(rest, '}');
		if (end == STR_NPOS)
			return problem_add(problems, n->place,
			                   "\"${\" without a \"}\"; a literal \"${\" is written \"$${\"");
		struct str inside = str_slice(rest, 0, end);
		if (str_find(inside, STR("${")) != STR_NPOS)
			return problem_add(problems, n->place,
			                   "a variable inside of another one's default is not possible");
		if (!expand_one(n, inside, env, out, problems))
			return false;
		n->hidden = true;
		rest = str_slice(rest, end + 1, rest.n);
	}
}

bool expand_scalar(struct node *n, const struct conf_env *env, struct arena *arena, struct problem_list *problems)
{
	if (n->expanded)
		return true;
	if (str_find_chr(n->text, '\0') != STR_NPOS)
		return problem_add(problems, n->place, "holds a NUL character");
	struct buf b = buf_make(EXPANDED_MAX);
	bool good = expand_all(n, env, &b, problems);
	if (good && b.failed)
		good = problem_add(problems, n->place, "longer than %d bytes with its variables replaced",
		                   EXPANDED_MAX);
	if (good) {
		n->value = arena_dup(arena, buf_str(&b));
		n->expanded = n->value.p != NULL;
		good = n->expanded || problem_add(problems, n->place, "the configuration is too large");
	}
	buf_fini(&b);
	return good;
}
