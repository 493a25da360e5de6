/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_partial: pairs of path and value as one JSON text. */

#include "dialect/gemini_partial.h"

#include <assert.h>

#include "dialect/gemini_in.h"

/* The next of a path: ".name", "[0]", "['name']". False: none of these. */
static bool next_name(struct str *path, struct str *name, bool *index)
{
	struct str s = *path;
	size_t end;

	if (s.n > 1 && s.p[0] == '.') {
		s = str_slice(s, 1, s.n);
		for (end = 0; end < s.n && s.p[end] != '.' && s.p[end] != '[';)
			end++;
		*name = str_slice(s, 0, end);
		*path = str_slice(s, end, s.n);
		*index = false;
		return end > 0;
	}
	if (s.n < 3 || s.p[0] != '[' || (end = str_find_chr(s, ']')) == STR_NPOS)
		return false;
	*path = str_slice(s, end + 1, s.n);
	s = str_slice(s, 1, end);
	*index = s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9';
	if (*index) {
		*name = s;
		return true;
	}
	if (s.n && s.p[0] == '\\')                   /* a double quote, as JSON escapes it */
		s = str_slice(s, 1, s.n - 1);
	if (s.n < 2 || (s.p[0] != '\'' && s.p[0] != '"'))
		return false;
	*name = str_slice(s, 1, s.n - 1);
	return true;
}

static struct str name_of(const struct gemini_partial *p, unsigned level)
{
	return str_of(p->text + p->level[level].at, p->level[level].n);
}

static bool read_path(struct gemini_partial *out, struct jstr path)
{
	struct str rest = jstr_raw(path), name;
	size_t used = 0;
	bool index;

	if (rest.n < 2 || rest.p[0] != '$')
		return false;
	for (rest = str_slice(rest, 1, rest.n); rest.n;) {
		if (out->levels == PARTIAL_LEVELS || !next_name(&rest, &name, &index) || used + name.n > PARTIAL_PATH)
			return false;
		memcpy(out->text + used, name.p, name.n);
		out->level[out->levels].at = (uint16_t)used;
		out->level[out->levels].n = (uint16_t)name.n;
		out->level[out->levels++].index = index;
		used += name.n;
	}
	return true;
}

static void close_from(struct gemini_partial *p, unsigned level, struct buf *out)
{
	if (p->in_string)
		buf_append_c(out, '"');
	p->in_string = false;
	while (p->levels > level)
		buf_append_c(out, p->level[--p->levels].index ? ']' : '}');
}

/* From where the last value was to where the next one goes. */
static bool move(struct gemini_partial *p, const struct gemini_partial *to, struct buf *out)
{
	unsigned same = 0, i;

	while (same < p->levels && same < to->levels && p->level[same].index == to->level[same].index &&
	       str_eq(name_of(p, same), name_of(to, same)))
		same++;
	if (p->levels && (same >= to->levels || same >= p->levels || p->level[same].index != to->level[same].index))
		return false;
	close_from(p, p->levels ? same + 1 : 0, out);
	for (i = same; i < to->levels; i++) {
		if (i == same && p->levels)
			buf_append_c(out, ',');
		else
			buf_append_c(out, to->level[i].index ? '[' : '{');
		if (!to->level[i].index) {
			buf_append_c(out, '"');
			buf_append(out, name_of(to, i));
			buf_append(out, STR("\":"));
		}
	}
	*p = *to;
	return true;
}

static bool put_value(struct gemini_partial *p, const struct json_node *arg, struct buf *out)
{
	static const struct str plain[] = { STR_INIT("numberValue"), STR_INIT("boolValue") };
	const struct json_node *text = gemini_get(arg, STR("stringValue")), *v;

	if (node_is(text, JSON_STRING)) {
		buf_append_c(out, '"');
		buf_append_jstr(out, node_text(text));
		p->in_string = true;
		return true;
	}
	for (size_t i = 0; i < COUNT_OF(plain); i++)
		if ((v = gemini_get(arg, plain[i])) && v->type != JSON_OBJECT && v->type != JSON_ARRAY)
			return buf_append(out, node_raw(v));
	return buf_append(out, STR("null"));
}

bool gemini_partial_add(struct gemini_partial *p, const struct json_node *arg, struct buf *out)
{
	struct gemini_partial to = { .levels = 0 };
	struct jstr text = gemini_get_text(arg, STR("stringValue"));
	bool same;

	if (!read_path(&to, gemini_get_text(arg, STR("jsonPath"))))
		return false;
	same = p->levels == to.levels;
	for (unsigned i = 0; i < to.levels && same; i++)
		same = p->level[i].index == to.level[i].index && str_eq(name_of(p, i), name_of(&to, i));
	if (same) {
		if (!p->in_string)
			return false;
		buf_append_jstr(out, text);
	} else if (!move(p, &to, out) || !put_value(p, arg, out)) {
		return false;
	}
	if (p->in_string && !node_true(gemini_get(arg, STR("willContinue")))) {
		buf_append_c(out, '"');
		p->in_string = false;
	}
	return true;
}

void gemini_partial_end(struct gemini_partial *p, struct buf *out)
{
	if (!p->levels)
		buf_append(out, STR("{}"));
	close_from(p, 0, out);
	*p = (struct gemini_partial){ .levels = 0 };
}
