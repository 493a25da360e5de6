/* SPDX-License-Identifier: Apache-2.0 */
/* node: builds the array of a text's values in one walk; what json_scan has judged valid needs no more checks. */
#include "json/node.h"

#include <assert.h>

#include "base/arena.h"
#include "json/json_in.h"

/* BYTES_A_NODE: of usual bodies; fewer make the array grow. Large bodies are mostly a few long texts. */
enum { BYTES_A_NODE = 12, FIRST_NODES_MAX = 1 << 16 };

struct walk {
	const char *p, *end;
	struct arena *arena;
	struct json_node *nodes;
	size_t n, cap;
};

static const char *skip_spaces(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

/* `p` is behind the opening quote; returns the closing one. */
static const char *find_quote(const char *p, const char *end)
{
	const uint8_t *start = (const uint8_t *)p, *q = start, *e = (const uint8_t *)end;

	for (;;) {
		q = json_find_stop(start, q, e);
		assert(q < e);
		if (*q == '"')
			return (const char *)q;
		q += *q == '\\' ? 2 : 1;
	}
}

/* A new node at the end; false: the arena is full. The array may move. */
static bool grow(struct walk *w)
{
	size_t cap = w->cap * 2;
	struct json_node *more;

	if (cap > UINT32_MAX)
		return false;
	more = arena_alloc(w->arena, cap * sizeof *more);
	if (!more)
		return false;
	memcpy(more, w->nodes, w->n * sizeof *more);
	w->nodes = more;
	w->cap = cap;
	return true;
}

static const uint8_t type_of[256] = {
	['{'] = JSON_OBJECT, ['['] = JSON_ARRAY, ['"'] = JSON_STRING, ['t'] = JSON_BOOL, ['f'] = JSON_BOOL,
	['n'] = JSON_NULL, ['-'] = JSON_NUMBER, ['0'] = JSON_NUMBER, ['1'] = JSON_NUMBER, ['2'] = JSON_NUMBER,
	['3'] = JSON_NUMBER, ['4'] = JSON_NUMBER, ['5'] = JSON_NUMBER, ['6'] = JSON_NUMBER, ['7'] = JSON_NUMBER,
	['8'] = JSON_NUMBER, ['9'] = JSON_NUMBER,
};

static const char *skip_scalar(const char *p, const char *end)
{
	while (p < end && *p != ',' && *p != '}' && *p != ']' && *p > ' ')
		p++;
	return p;
}

/* Walks the text with a stack of the open containers' numbers, kept in their `skip` until they are closed. */
static bool walk(struct walk *w)
{
	uint32_t open = UINT32_MAX;      /* the innermost container; UINT32_MAX: none */
	const char *p = w->p, *end = w->end;
	struct json_node *v;

	for (;;) {
		const char *key = NULL;
		uint32_t key_n = 0;

		p = skip_spaces(p, end);
		if (open != UINT32_MAX) {
			struct json_node *parent = &w->nodes[open];

			if (*p == ',')
				p = skip_spaces(p + 1, end);
			if (*p == '}' || *p == ']') {
				uint32_t up = parent->skip;

				p++;
				parent->n = (uint32_t)(p - parent->p);
				parent->skip = (uint32_t)(w->n - open);
				open = up;
				if (open == UINT32_MAX)
					return true;
				continue;
			}
			parent->children++;
			if (parent->type == JSON_OBJECT) {
				key = p + 1;
				p = find_quote(key, end);
				key_n = (uint32_t)(p - key);
				p = skip_spaces(p + 1, end) + 1;      /* the colon */
				p = skip_spaces(p, end);
			}
		}
		if (w->n == w->cap && !grow(w))
			return false;
		v = &w->nodes[w->n];
		*v = (struct json_node){ .p = p, .key = key, .key_n = key_n, .skip = 1, .type = type_of[(uint8_t)*p] };
		if (v->type == JSON_OBJECT || v->type == JSON_ARRAY) {
			v->skip = open;
			open = (uint32_t)w->n++;
			p++;
			continue;
		}
		p = v->type == JSON_STRING ? find_quote(p + 1, end) + 1 : skip_scalar(p, end);
		v->n = (uint32_t)(p - v->p);
		w->n++;
		if (open == UINT32_MAX)
			return true;
	}
}

const struct json_node *json_nodes(struct arena *arena, struct str text, unsigned depth_max, struct err *e)
{
	struct json_fault fault;
	struct walk w = { .p = text.p, .end = text.p + text.n, .arena = arena, .cap = text.n / BYTES_A_NODE + 16 };

	if (w.cap > FIRST_NODES_MAX)
		w.cap = FIRST_NODES_MAX;
	if (text.n > UINT32_MAX)
		return err_set(e, ERR_TOO_LARGE, "the body is larger than 4 GiB"), NULL;
	if (!json_scan(NULL, text, depth_max, NULL, &fault)) {
		json_fault_err(&fault, ERR_INVALID_REQUEST, e);
		return NULL;
	}
	w.nodes = arena_alloc(arena, w.cap * sizeof *w.nodes);
	if (!w.nodes || !walk(&w)) {
		err_set(e, ERR_TOO_LARGE, "the body needs more memory than it may have");
		return NULL;
	}
	return w.nodes;
}

const struct json_node *node_get(const struct json_node *object, struct str name)
{
	const struct json_node *found = NULL;

	if (!node_is(object, JSON_OBJECT))
		return NULL;
	for (const struct json_node *m = node_first(object); m; m = node_next(object, m))
		if (node_named(m, name))
			found = m;
	return found;
}

const struct json_node *node_get_some(const struct json_node *object, struct str name)
{
	const struct json_node *v = node_get(object, name);

	return node_is(v, JSON_NULL) ? NULL : v;
}

const struct json_node *node_at(const struct json_node *array, size_t index)
{
	const struct json_node *v = node_is(array, JSON_ARRAY) ? node_first(array) : NULL;

	while (v && index-- > 0)
		v = node_next(array, v);
	return v;
}

int64_t node_i64(const struct json_node *v, int64_t otherwise)
{
	int64_t n;

	return node_is(v, JSON_NUMBER) && json_to_i64(node_raw(v), &n) ? n : otherwise;
}

struct str json_compact(struct arena *arena, struct str json)
{
	const char *p = json.p, *end = json.p + json.n;
	char *copy = NULL, *to = NULL;

	while (p < end) {
		const char *start = p;

		if (*p == '"') {
			p = find_quote(p + 1, end) + 1;
		} else if (*p != ' ' && *p != '\n' && *p != '\r' && *p != '\t') {
			p++;
		} else {
			if (!copy) {
				copy = to = arena_alloc(arena, json.n);
				if (!copy)
					return str_of(NULL, 0);
				memcpy(to, json.p, (size_t)(p - json.p));
				to += p - json.p;
			}
			p = skip_spaces(p, end);
			continue;
		}
		if (copy) {
			memcpy(to, start, (size_t)(p - start));
			to += p - start;
		}
	}
	return copy ? str_of(copy, (size_t)(to - copy)) : json;
}
