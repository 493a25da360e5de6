/* SPDX-License-Identifier: Apache-2.0 */
/* From YAML events to a tree with places, within ceilings on nodes and depth. */

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

#include "base/map.h"
#include "conf/conf_in.h"

struct tree {
	yaml_parser_t parser;
	struct arena *arena;
	struct problem_list *problems;
	struct map anchors; /* name → struct node; keys are in the arena */
	size_t nodes;
};

/* A list or map while it grows. */
struct growing {
	void *items;
	size_t n, cap;
};

static bool place_is_before(struct setting_place a, struct setting_place b)
{
	return a.line < b.line || (a.line == b.line && a.column < b.column);
}

bool problem_add(struct problem_list *l, struct setting_place at, const char *fmt, ...)
{
	struct conf_problems *out = l->out;
	if (out->n == CONF_PROBLEMS_MAX) {
		out->left_out++;
		return false;
	}
	size_t i = out->n++;
	for (; i > 0 && place_is_before(at, out->places[i - 1]); i--) {
		out->places[i] = out->places[i - 1];
		out->items[i] = out->items[i - 1];
	}
	out->places[i] = at;
	char text[sizeof(out->items[i].text)];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (at.line == 0)
		return err_set(&out->items[i], ERR_CONFIG, "%s: %s", l->file, text);
	return err_set(&out->items[i], ERR_CONFIG, "%s:%u:%u: %s", l->file, at.line, at.column, text);
}

static struct setting_place place_of(yaml_mark_t mark)
{
	return (struct setting_place){ (unsigned)mark.line + 1, (unsigned)mark.column + 1 };
}

static void *grow(struct tree *t, struct growing *g, size_t size)
{
	if (g->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 8;
		void *bigger = arena_must(t->arena, cap * size);
		if (g->n)
			memcpy(bigger, g->items, g->n * size);
		g->items = bigger;
		g->cap = cap;
	}
	return (char *)g->items + g->n++ * size;
}

static bool count_node(struct tree *t, struct setting_place at)
{
	if (++t->nodes <= CONF_NODES_MAX)
		return true;
	return problem_add(t->problems, at, "more than %d values; aliases count each time they are used",
	                   CONF_NODES_MAX);
}

static bool next_event(struct tree *t, yaml_event_t *ev)
{
	if (yaml_parser_parse(&t->parser, ev))
		return true;
	const yaml_parser_t *p = &t->parser;
	/* Errors of the reader (bad UTF-8) have no mark of their own: the parser stands where they are. */
	yaml_mark_t mark = p->error == YAML_READER_ERROR ? p->mark : p->problem_mark;
	return problem_add(t->problems, place_of(mark), "not YAML: %s%s%s", p->context ? p->context : "",
	                   p->context ? ", " : "", p->problem ? p->problem : "out of memory");
}

static bool tag_is_known(const char *tag)
{
	static const char *const known[] = { "str", "int", "float", "bool", "null", "seq", "map" };
	static const char prefix[] = "tag:yaml.org,2002:";
	if (strncmp(tag, prefix, sizeof(prefix) - 1) != 0)
		return false;
	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (strcmp(tag + sizeof(prefix) - 1, known[i]) == 0)
			return true;
	return false;
}

static struct node *new_node(struct tree *t, const yaml_event_t *ev, enum node_kind kind, const yaml_char_t *anchor,
                             const yaml_char_t *tag)
{
	struct setting_place at = place_of(ev->start_mark);
	if (!count_node(t, at))
		return NULL;
	if (tag && !tag_is_known((const char *)tag)) {
		problem_add(t->problems, at, "the YAML tag %.64s has no meaning here", (const char *)tag);
		return NULL;
	}
	struct node *n = arena_must(t->arena, sizeof(*n));
	n->kind = kind;
	n->place = at;
	n->open = true;
	if (anchor)
		map_put(&t->anchors, arena_dup(t->arena, str_from_z((const char *)anchor)), n);
	return n;
}

static struct node *find_alias(struct tree *t, const yaml_event_t *ev)
{
	struct setting_place at = place_of(ev->start_mark);
	const char *name = (const char *)ev->data.alias.anchor;
	struct node *n = map_get(&t->anchors, str_from_z(name));
	if (!count_node(t, at))
		return NULL;
	if (!n)
		problem_add(t->problems, at, "no anchor &%.64s stands before the alias *%.64s", name, name);
	else if (n->open)
		problem_add(t->problems, at, "the alias *%.64s stands inside of its own anchor", name);
	return n && !n->open ? n : NULL;
}

static struct node *read_node(struct tree *, yaml_event_t *, unsigned depth);

static struct node *read_list(struct tree *t, yaml_event_t *start, unsigned depth)
{
	struct node *list =
		new_node(t, start, NODE_LIST, start->data.sequence_start.anchor, start->data.sequence_start.tag);
	struct growing g = { 0 };
	while (list) {
		yaml_event_t ev;
		if (!next_event(t, &ev))
			return NULL;
		if (ev.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&ev);
			break;
		}
		struct node *item = read_node(t, &ev, depth + 1);
		if (!item)
			return NULL;
		*(struct node **)grow(t, &g, sizeof(item)) = item;
	}
	if (list) {
		list->items = g.items;
		list->n = g.n;
		list->open = false;
	}
	return list;
}

static bool has_key(const struct map *keys, struct str key)
{
	return map_get(keys, key) != NULL;
}

/* Takes over what a merge key names; what stands in the map itself goes first, then earlier ones of a list. */
static bool merge(struct tree *t, struct growing *g, struct map *keys, const struct node_entry *from)
{
	const struct node *single[] = { from->value };
	bool list = from->value->kind == NODE_LIST;
	const struct node *const *sources = list ? (const struct node *const *)from->value->items : single;
	for (size_t i = 0; i < (list ? from->value->n : 1); i++) {
		if (sources[i]->kind != NODE_MAP)
			return problem_add(t->problems, from->place, "\"<<\" takes a section or a list of sections");
		for (size_t k = 0; k < sources[i]->n; k++) {
			const struct node_entry *e = &sources[i]->entries[k];
			if (!count_node(t, from->place))
				return false;
			if (has_key(keys, e->key))
				continue;
			*(struct node_entry *)grow(t, g, sizeof(*e)) = *e;
			map_put(keys, e->key, e->value);
		}
	}
	return true;
}

static bool read_entry(struct tree *t, yaml_event_t *key_event, unsigned depth, struct node_entry *out)
{
	struct setting_place at = place_of(key_event->start_mark);
	struct node *key = read_node(t, key_event, depth + 1);
	if (!key)
		return false;
	if (key->kind != NODE_SCALAR)
		return problem_add(t->problems, at, "the name of a setting must be a text");
	yaml_event_t ev;
	if (!next_event(t, &ev))
		return false;
	*out = (struct node_entry){ .key = key->text, .place = at, .value = read_node(t, &ev, depth + 1) };
	return out->value != NULL;
}

static bool read_entries(struct tree *t, unsigned depth, struct growing *g, struct map *keys)
{
	struct growing merges = { 0 };
	for (;;) {
		yaml_event_t ev;
		struct node_entry e;
		if (!next_event(t, &ev))
			return false;
		if (ev.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&ev);
			break;
		}
		if (!read_entry(t, &ev, depth, &e))
			return false;
		if (str_eq(e.key, STR("<<"))) {
			*(struct node_entry *)grow(t, &merges, sizeof(e)) = e;
		} else if (has_key(keys, e.key)) {
			problem_add(t->problems, e.place, "\"%.*s\" is set twice", (int)(e.key.n > 64 ? 64 : e.key.n),
			            e.key.p);
		} else {
			*(struct node_entry *)grow(t, g, sizeof(e)) = e;
			map_put(keys, e.key, e.value);
		}
	}
	for (size_t i = 0; i < merges.n; i++)
		if (!merge(t, g, keys, (struct node_entry *)merges.items + i))
			return false;
	return true;
}

static struct node *read_map(struct tree *t, yaml_event_t *start, unsigned depth)
{
	struct node *n = new_node(t, start, NODE_MAP, start->data.mapping_start.anchor, start->data.mapping_start.tag);
	struct growing g = { 0 };
	struct map keys = { 0 };
	bool good = n && read_entries(t, depth, &g, &keys);
	map_fini(&keys);
	if (!good)
		return NULL;
	n->entries = g.items;
	n->n = g.n;
	n->open = false;
	return n;
}

static struct node *read_scalar(struct tree *t, yaml_event_t *ev)
{
	const yaml_char_t *tag = ev->data.scalar.tag;
	struct node *n = new_node(t, ev, NODE_SCALAR, ev->data.scalar.anchor, tag);
	if (!n)
		return NULL;
	n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !tag;
	n->text = arena_dup(t->arena, str_of((const char *)ev->data.scalar.value, ev->data.scalar.length));
	assert(n->text.p);
	n->open = false;
	return n;
}

/* Deletes the event. */
static struct node *read_node(struct tree *t, yaml_event_t *ev, unsigned depth)
{
	struct node *n = NULL;
	if (depth >= CONF_DEPTH_MAX)
		problem_add(t->problems, place_of(ev->start_mark), "more than %d levels inside each other",
		            CONF_DEPTH_MAX);
	else if (ev->type == YAML_ALIAS_EVENT)
		n = find_alias(t, ev);
	else if (ev->type == YAML_SCALAR_EVENT)
		n = read_scalar(t, ev);
	else if (ev->type == YAML_SEQUENCE_START_EVENT)
		n = read_list(t, ev, depth);
	else {
		assert(ev->type == YAML_MAPPING_START_EVENT);
		n = read_map(t, ev, depth);
	}
	yaml_event_delete(ev);
	return n;
}

/* Events in front of the content, and behind it: exactly one document. */
static struct node *read_stream(struct tree *t, bool *empty)
{
	struct node *root = NULL;
	for (;;) {
		yaml_event_t ev;
		if (!next_event(t, &ev))
			return NULL;
		yaml_event_type_t type = ev.type;
		struct setting_place at = place_of(ev.start_mark);
		if (type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_END_EVENT) {
			yaml_event_delete(&ev);
			continue;
		}
		if (type == YAML_STREAM_END_EVENT) {
			yaml_event_delete(&ev);
			*empty = !root;
			return root;
		}
		if (type == YAML_DOCUMENT_START_EVENT) {
			yaml_event_delete(&ev);
			if (!root)
				continue;
			problem_add(t->problems, at, "a second YAML document; a configuration is one");
			return NULL;
		}
		root = read_node(t, &ev, 0);
		if (!root)
			return NULL;
	}
}

struct node *tree_read(struct str text, struct arena *arena, struct problem_list *problems, bool *empty)
{
	*empty = false;
	if (text.n > CONF_TEXT_MAX) {
		problem_add(problems, (struct setting_place){ 0 }, "larger than %d MiB", CONF_TEXT_MAX >> 20);
		return NULL;
	}
	struct tree t = { .arena = arena, .problems = problems };
	if (!yaml_parser_initialize(&t.parser)) {
		problem_add(problems, (struct setting_place){ 0 }, "out of memory");
		return NULL;
	}
	yaml_parser_set_encoding(&t.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&t.parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
	struct node *root = read_stream(&t, empty);
	map_fini(&t.anchors);
	yaml_parser_delete(&t.parser);
	return root;
}
