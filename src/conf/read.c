/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of a configuration against the tables of settings: values, defaults, messages. */

#include "conf/read.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "base/map.h"
#include "conf/conf_in.h"
#include "conf/env.h"
#include "conf/nearest.h"

enum { TREE_MAX = 256 << 20, SHOWN_MAX = 64 };

/* One step of the way to a setting, "models" or "[0]"; written out only when a message needs it. */
struct step {
	const struct step *up;
	struct str name; /* p is NULL: it is an index */
	size_t index;
};

/* Where something was read to: a check that names a member by its address gets back its path and place. */
struct record {
	const char *at;
	size_t size;
	struct setting_place place;
	const struct step *path;
	const struct node *shown; /* its value may be shown; NULL: not */
};

struct reader {
	const struct conf_source *source;
	struct arena *arena; /* results */
	struct arena tree;   /* nodes, records: gone when we are done */
	struct problem_list problems;
	const struct step *path; /* of the setting that is being read; NULL: the top */
	char shown[512];         /* a path written out, see shown_path */
	struct record *records;
	size_t records_n, records_cap;
	struct conf_notes *notes;
	size_t notes_cap;
	size_t visits;  /* nodes read, each time they are reached */
	unsigned noted; /* inside of a section that has a note already */
};

/* Lets a check report while the reader reads on. */
struct checker {
	struct setting_checker base;
	struct reader *reader;
};

static size_t problem_count(const struct reader *r)
{
	return r->problems.out->n + r->problems.out->left_out;
}

/* ---- memory, path, records, notes ---- */

static void *room_for(struct reader *r, size_t n, struct setting_place at)
{
	void *p = arena_zalloc(r->arena, n ? n : 1);
	if (!p)
		problem_add(&r->problems, at, "the configuration is too large");
	return p;
}

/* Both return the step to go back to. */
static const struct step *path_push(struct reader *r, struct str name)
{
	struct step *s = arena_must(&r->tree, sizeof(*s));
	*s = (struct step){ .up = r->path, .name = str_slice(name, 0, SHOWN_MAX) };
	r->path = s;
	return s->up;
}

static const struct step *path_push_index(struct reader *r, size_t i)
{
	struct step *s = arena_must(&r->tree, sizeof(*s));
	*s = (struct step){ .up = r->path, .index = i };
	r->path = s;
	return s->up;
}

/* "models[0].strategy"; valid until the next call. */
static struct str shown_path(struct reader *r, const struct step *path)
{
	const struct step *steps[CONF_DEPTH_MAX];
	size_t n = 0;
	for (; path; path = path->up) {
		assert(n < CONF_DEPTH_MAX);
		steps[n++] = path;
	}
	struct buf b = buf_make(sizeof(r->shown));
	while (n-- > 0) {
		if (!steps[n]->name.p) {
			buf_printf(&b, "[%zu]", steps[n]->index);
			continue;
		}
		if (b.n > 0)
			buf_append_c(&b, '.');
		buf_append(&b, steps[n]->name);
	}
	struct str text = { r->shown, b.n };
	if (b.n)
		memcpy(r->shown, b.p, b.n);
	buf_fini(&b);
	return text;
}

static struct str here(struct reader *r)
{
	return shown_path(r, r->path);
}

static void *grow_array(struct arena *a, void *items, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return items;
	*cap = *cap ? *cap * 2 : 64;
	void *bigger = arena_must(a, *cap * size);
	if (n)
		memcpy(bigger, items, n * size);
	return bigger;
}

static void record(struct reader *r, const void *at, size_t size, struct setting_place place, const struct node *shown)
{
	r->records = grow_array(&r->tree, r->records, r->records_n, &r->records_cap, sizeof(*r->records));
	r->records[r->records_n++] = (struct record){ at, size, place, r->path, shown };
}

/* The smallest thing read that holds the address. */
static const struct record *find_record(const struct reader *r, const char *at)
{
	const struct record *best = NULL;
	for (size_t i = 0; i < r->records_n; i++) {
		const struct record *c = &r->records[i];
		if (at >= c->at && at < c->at + c->size && (!best || c->size <= best->size))
			best = c;
	}
	return best;
}

static void append_shown(struct buf *, struct str);

static bool PRINTF_LIKE(4, 0) check_failed(struct setting_checker *base, const void *at, bool show, const char *fmt,
                                           va_list ap)
{
	struct reader *r = CONTAINER_OF(base, struct checker, base)->reader;
	if (r->problems.out->n == CONF_PROBLEMS_MAX)
		return problem_add(&r->problems, (struct setting_place){ 0 }, "not looked for any more");
	const struct record *where = find_record(r, at);
	char text[sizeof(((struct err *)0)->text)];
	vsnprintf(text, sizeof(text), fmt, ap);
	if (!where || !where->path)
		return problem_add(&r->problems, where ? where->place : (struct setting_place){ 0 }, "%s", text);
	struct buf value = buf_make(1024);
	if (show && where->shown) {
		buf_append_c(&value, ' ');
		append_shown(&value, where->shown->hidden ? where->shown->text : where->shown->value);
	}
	problem_add(&r->problems, where->place, "%.*s%.*s %s", STR_ARG(shown_path(r, where->path)),
	            STR_ARG(buf_str(&value)), text);
	buf_fini(&value);
	return false;
}

static bool PRINTF_LIKE(3, 4) check_refused(struct setting_checker *base, const void *at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	check_failed(base, at, false, fmt, ap);
	va_end(ap);
	return false;
}

static bool PRINTF_LIKE(3, 4) check_refused_value(struct setting_checker *base, const void *at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	check_failed(base, at, true, fmt, ap);
	va_end(ap);
	return false;
}

static bool acts_on(const struct setting *row, struct str value)
{
	struct str rest = str_from_z(row->acts_on);
	while (rest.p)
		if (str_glob(str_cut(&rest, ' '), value))
			return true;
	return false;
}

static void note(struct reader *r, const struct step *step, enum setting_support support, struct setting_place at)
{
	if (r->noted > 0)
		return;
	struct str path = arena_dup(r->arena, shown_path(r, step));
	struct conf_note *items = r->notes->items;
	if (r->notes->n == r->notes_cap) {
		items = room_for(r, (r->notes_cap ? r->notes_cap * 2 : 16) * sizeof(*items), at);
		if (!items)
			return;
		if (r->notes->n)
			memcpy(items, r->notes->items, r->notes->n * sizeof(*items));
		r->notes->items = items;
		r->notes_cap = r->notes_cap ? r->notes_cap * 2 : 16;
	}
	items[r->notes->n++] = (struct conf_note){ at, support, path };
}

static void check_noted(struct setting_checker *base, const void *at, enum setting_support support)
{
	struct reader *r = CONTAINER_OF(base, struct checker, base)->reader;
	const struct record *where = find_record(r, at);
	if (where)
		note(r, where->path, support, where->place);
}

/* ---- messages ---- */

static const char *kind_name(const struct node *n)
{
	switch (n->kind) {
	case NODE_SCALAR: return node_is_null(n) ? "empty" : "a single value";
	case NODE_LIST: return "a list";
	case NODE_MAP: return "a section";
	}
	assert(!"unknown node_kind");
	return "";
}

static bool wrong_kind(struct reader *r, const struct node *n, const char *want)
{
	struct str path = r->path ? here(r) : STR("the configuration");
	return problem_add(&r->problems, n->place, "%.*s must be %s, not %s", STR_ARG(path), want, kind_name(n));
}

/* Quoted and cut; control characters and what is not ASCII-printable are dots. */
static void append_shown(struct buf *out, struct str s)
{
	buf_append_c(out, '"');
	for (size_t i = 0; i < s.n && i < SHOWN_MAX; i++)
		buf_append_c(out, (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? '.' : s.p[i]);
	buf_append(out, s.n > SHOWN_MAX ? STR("…\"") : STR("\""));
}

static bool wrong_value(struct reader *r, const struct setting *row, const struct node *n)
{
	struct buf b = buf_make(4096);
	buf_append(&b, here(r));
	buf_append(&b, STR(" must be "));
	scalar_allowed(row, &b);
	buf_append(&b, STR(", not "));
	if (row->type == SETTING_SECRET)
		buf_append(&b, STR("this"));
	else if (n->hidden)
		buf_append(&b, STR("the value of "));
	if (row->type != SETTING_SECRET)
		append_shown(&b, n->hidden ? n->text : n->value);
	if (row->words && !n->hidden) {
		struct nearest near = nearest_to(n->value);
		for (size_t i = 0; row->words[i]; i++)
			nearest_offer(&near, str_from_z(row->words[i]));
		if (near.best.p)
			buf_printf(&b, "; did you mean \"%.*s\"?", STR_ARG(near.best));
	}
	problem_add(&r->problems, n->place, "%.*s", STR_ARG(buf_str(&b)));
	buf_fini(&b);
	return false;
}

static void unknown_key(struct reader *r, const struct settings *table, const struct node_entry *e, bool in_map)
{
	struct buf b = buf_make(4096);
	struct nearest near = nearest_to(e->key);
	const char *comma = "";
	for (size_t i = 0; i < table->n; i++)
		if (!(in_map && table->rows[i].is_name))
			nearest_offer(&near, str_from_z(table->rows[i].name));
	buf_append(&b, STR("unknown setting "));
	append_shown(&b, e->key);
	if (r->path)
		buf_printf(&b, " in %.*s", STR_ARG(here(r)));
	if (near.best.p) {
		buf_printf(&b, "; did you mean \"%.*s\"?", STR_ARG(near.best));
	} else {
		buf_append(&b, STR("; known are"));
		for (size_t i = 0; i < table->n; i++) {
			if (in_map && table->rows[i].is_name)
				continue;
			buf_printf(&b, "%s %s", comma, table->rows[i].name);
			comma = ",";
		}
	}
	problem_add(&r->problems, e->place, "%.*s", STR_ARG(buf_str(&b)));
	buf_fini(&b);
}

/* ---- values ---- */

static bool visit(struct reader *r, const struct node *n)
{
	if (++r->visits <= CONF_NODES_MAX)
		return true;
	/* Once is enough: everything that follows is over the ceiling too. */
	if (r->visits == CONF_NODES_MAX + 1)
		problem_add(&r->problems, n->place, "more than %d values; aliases count each time they are used",
		            CONF_NODES_MAX);
	return false;
}

static bool expand(struct reader *r, struct node *n)
{
	return expand_scalar(n, r->source->env, r->arena, &r->problems);
}

/* A secret that stands in a file; line ends behind it belong to the file, not to the secret. */
static bool read_secret_file(struct reader *r, const struct node *n, struct str path, struct str *out)
{
	struct err err = { 0 };
	struct str text;
	if (!r->source->env->file(r->source->env, r->arena, path, CONF_FILE_VALUE_MAX, &text, &err)) {
		struct str shown = n->hidden ? STR("file:") : str_slice(n->text, 0, 256);
		return problem_add(&r->problems, n->place, "%.*s: %.*s %s", STR_ARG(here(r)), STR_ARG(shown), err.text);
	}
	while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text.n--;
	if (text.n == 0 || str_find_chr(text, '\0') != STR_NPOS)
		return problem_add(&r->problems, n->place, "%.*s: the file holds no secret: it is empty or binary",
		                   STR_ARG(here(r)));
	*out = text;
	return true;
}

static bool read_scalar(struct reader *r, const struct setting *row, struct node *n, void *member,
                        struct setting_place key)
{
	if (n->kind != NODE_SCALAR) {
		struct buf b = buf_make(4096);
		scalar_allowed(row, &b);
		buf_append_c(&b, '\0');
		wrong_kind(r, n, b.p);
		buf_fini(&b);
		return false;
	}
	if (!expand(r, n))
		return false;
	struct str text = n->value;
	/* A secret that nobody uses yet stays in its file. */
	if (row->type == SETTING_SECRET && row->support != SETTING_IGNORED && !row->late &&
	    str_starts(text, STR("file:")) && !read_secret_file(r, n, str_slice(text, 5, text.n), &text))
		return false;
	if (!scalar_read(row, text, member))
		return wrong_value(r, row, n);
	if (row->required && (row->type == SETTING_TEXT || row->type == SETTING_SECRET) && text.n == 0)
		return problem_add(&r->problems, n->place, "%.*s must not be empty", STR_ARG(here(r)));
	if (row->support != SETTING_ACTS && !scalar_is_default(row, member) && !(row->acts_on && acts_on(row, text)))
		note(r, r->path, row->support, key);
	return true;
}

/* The nodes of a list; a single value is a list of one. */
static struct node **list_items(struct node *n, struct node **single, size_t *count)
{
	if (n->kind == NODE_LIST) {
		*count = n->n;
		return n->items;
	}
	*single = n;
	*count = 1;
	return single;
}

static bool read_texts(struct reader *r, const struct setting *row, struct node *n, struct setting_array *out)
{
	size_t count;
	struct node *single, **items = list_items(n, &single, &count);
	struct str *texts = room_for(r, count * sizeof(*texts), n->place);
	if (!texts)
		return false;
	bool good = true;
	for (size_t i = 0; i < count; i++) {
		const struct step *before = n->kind == NODE_LIST ? path_push_index(r, i) : r->path;
		if (!visit(r, items[i]))
			return false;
		if (items[i]->kind != NODE_SCALAR || node_is_null(items[i]))
			good = wrong_kind(r, items[i], n->kind == NODE_MAP ? "a list of texts" : "a text");
		else if (!expand(r, items[i]))
			good = false;
		else if (items[i]->value.n == 0)
			good = problem_add(&r->problems, items[i]->place, "%.*s must not be empty", STR_ARG(here(r)));
		else
			texts[i] = items[i]->value;
		record(r, &texts[i], sizeof(texts[i]), items[i]->place, items[i]);
		r->path = before;
	}
	*out = (struct setting_array){ texts, count };
	return good;
}

static bool read_words(struct reader *r, const struct setting *row, struct node *n, unsigned *out)
{
	size_t count;
	struct node *single, **items = list_items(n, &single, &count);
	unsigned bits = 0;
	bool good = true;
	for (size_t i = 0; i < count; i++) {
		if (!visit(r, items[i]))
			return false;
		if (items[i]->kind != NODE_SCALAR) {
			good = wrong_kind(r, items[i], "a list of words");
			continue;
		}
		if (!expand(r, items[i])) {
			good = false;
			continue;
		}
		int word = word_index(row->words, items[i]->value);
		if (word < 0)
			good = wrong_value(r, row, items[i]);
		else
			bits |= 1u << word;
	}
	*out = bits;
	return good;
}

/* ---- sections, lists, maps ---- */

static bool read_section(struct reader *, const struct settings *, struct node *, void *out);

/* A scalar where a section stands is the value of the section's shorthand row. */
static struct node *as_section(struct reader *r, const struct settings *table, struct node *n)
{
	if (n->kind != NODE_SCALAR || !table->shorthand || node_is_null(n))
		return n;
	struct node *map = arena_must(&r->tree, sizeof(*map));
	map->kind = NODE_MAP;
	map->place = n->place;
	map->n = 1;
	map->entries = arena_must(&r->tree, sizeof(*map->entries));
	*map->entries = (struct node_entry){ str_from_z(table->shorthand), n->place, n };
	return map;
}

static const struct setting *name_row(const struct settings *table)
{
	for (size_t i = 0; i < table->n; i++)
		if (table->rows[i].is_name)
			return &table->rows[i];
	return NULL;
}

/* Items that have a name have it alone. `name` is where the first one's name stood. */
static void check_names(struct reader *r, const struct settings *table, const struct setting_array *items)
{
	const struct setting *row = name_row(table);
	struct map seen = { 0 };
	for (size_t i = 0; row && i < items->n && r->problems.out->n < CONF_PROBLEMS_MAX; i++) {
		struct str *name = (struct str *)((char *)items->items + i * table->size + row->offset);
		if (name->n == 0)
			continue;
		struct str *first = map_put(&seen, *name, name);
		if (!first)
			continue;
		const struct record *where = find_record(r, (const char *)name);
		const struct record *before = find_record(r, (const char *)first);
		assert(where && before);
		problem_add(&r->problems, where->place,
		            "%.*s is the same as in another %s, at line %u; it must be unique",
		            STR_ARG(shown_path(r, where->path)), table->name, before->place.line);
	}
	map_fini(&seen);
}

static bool read_list(struct reader *r, const struct setting *row, struct node *n, struct setting_array *out)
{
	const struct settings *table = row->section;
	if (n->kind != NODE_LIST && !table->shorthand)
		return wrong_kind(r, n, "a list");
	size_t count;
	struct node *single, **items = list_items(n, &single, &count);
	char *structs = room_for(r, count * table->size, n->place);
	if (!structs)
		return false;
	size_t problems = problem_count(r);
	*out = (struct setting_array){ structs, count };
	for (size_t i = 0; i < count; i++) {
		const struct step *before = n->kind == NODE_LIST ? path_push_index(r, i) : r->path;
		if (!visit(r, items[i]))
			return false;
		conf_defaults(table, r->arena, structs + i * table->size);
		read_section(r, table, as_section(r, table, items[i]), structs + i * table->size);
		r->path = before;
	}
	check_names(r, table, out);
	return problem_count(r) == problems;
}

static bool read_map(struct reader *r, const struct setting *row, struct node *n, struct setting_array *out)
{
	const struct settings *table = row->section;
	if (n->kind != NODE_MAP)
		return wrong_kind(r, n, "a section of named entries");
	const struct setting *name = name_row(table);
	assert(name && name->type == SETTING_TEXT);
	char *structs = room_for(r, n->n * table->size, n->place);
	if (!structs)
		return false;
	size_t problems = problem_count(r);
	*out = (struct setting_array){ structs, n->n };
	for (size_t i = 0; i < n->n; i++) {
		struct node_entry *e = &n->entries[i];
		char *item = structs + i * table->size;
		const struct step *before = path_push(r, e->key);
		if (!visit(r, e->value))
			return false;
		conf_defaults(table, r->arena, item);
		struct str key = arena_dup(r->arena, e->key);
		if (!key.p || key.n == 0 || str_find_chr(key, '\0') != STR_NPOS)
			problem_add(&r->problems, e->place, "this name cannot be used");
		*(struct str *)(item + name->offset) = key;
		record(r, item + name->offset, sizeof(struct str), e->place, NULL);
		struct node *value = e->value;
		if (node_is_null(value)) {
			/* `ollama:` alone: all its settings are left out. */
			value = arena_must(&r->tree, sizeof(*value));
			*value = (struct node){ .kind = NODE_MAP, .place = e->place };
		}
		read_section(r, table, as_section(r, table, value), item);
		r->path = before;
	}
	return problem_count(r) == problems;
}

static bool read_row(struct reader *r, const struct setting *row, struct node *n, void *out, struct setting_place key)
{
	void *member = (char *)out + row->offset;
	if (scalar_is(row->type)) {
		bool text = row->type == SETTING_TEXT || row->type == SETTING_SECRET;
		record(r, member, text ? sizeof(struct str) : 1, n->place, row->type == SETTING_SECRET ? NULL : n);
		return read_scalar(r, row, n, member, key);
	}
	bool container = row->type != SETTING_WORDS && row->type != SETTING_SECTION;
	record(r, member, container ? sizeof(struct setting_array) : 1, n->place, NULL);
	bool noted = row->support != SETTING_ACTS && (n->kind == NODE_SCALAR || n->n > 0);
	if (noted)
		note(r, r->path, row->support, key);
	r->noted += noted;
	bool good = false;
	if (row->type == SETTING_WORDS)
		good = read_words(r, row, n, member);
	else if (row->type == SETTING_TEXTS)
		good = read_texts(r, row, n, member);
	else if (row->type == SETTING_SECTION)
		good = read_section(r, row->section, as_section(r, row->section, n), member);
	else if (row->type == SETTING_LIST)
		good = read_list(r, row, n, member);
	else
		good = read_map(r, row, n, member);
	r->noted -= noted;
	if (good && container && row->required && ((struct setting_array *)member)->n == 0)
		good = problem_add(&r->problems, n->place, "%.*s must not be empty", STR_ARG(here(r)));
	return good;
}

static const struct setting *find_row(const struct settings *table, struct str key, bool in_map)
{
	for (size_t i = 0; i < table->n; i++)
		if (str_eq(str_from_z(table->rows[i].name), key) && !(in_map && table->rows[i].is_name))
			return &table->rows[i];
	return NULL;
}

static void check_required(struct reader *r, const struct settings *table, const struct node *n, uint64_t seen,
                           bool in_map)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct setting *row = &table->rows[i];
		if (!row->required || seen >> i & 1 || (in_map && row->is_name))
			continue;
		problem_add(&r->problems, n->place, "%.*s%sneeds \"%s\": %s", STR_ARG(here(r)), r->path ? " " : "",
		            row->name, row->help);
	}
}

static void run_check(struct reader *r, const struct settings *table, void *item)
{
	if (!table->check)
		return;
	struct checker checker = { { check_refused, check_refused_value, check_noted }, r };
	size_t problems = problem_count(r);
	bool good = table->check(item, &checker.base);
	assert(good == (problem_count(r) == problems));
}

/* Defaults have derived members too: the checks make them. */
static void check_left_out(struct reader *r, const struct settings *table, void *out, uint64_t seen)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct setting *row = &table->rows[i];
		char *member = (char *)out + row->offset;
		if (seen >> i & 1)
			continue;
		if (row->type == SETTING_SECTION) {
			check_left_out(r, row->section, member, 0);
			run_check(r, row->section, member);
		} else if (row->type == SETTING_LIST && row->value) {
			char *item = ((struct setting_array *)member)->items;
			check_left_out(r, row->section, item, 0);
			run_check(r, row->section, item);
		}
	}
}

/* `out` has its defaults, and in a map its name, which is how we know that the name is no row to be read. */
static bool read_section(struct reader *r, const struct settings *table, struct node *n, void *out)
{
	assert(table->n <= 64);
	if (n->kind != NODE_MAP)
		return wrong_kind(r, n, "a section");
	const struct setting *name = name_row(table);
	bool in_map = name && ((struct str *)((char *)out + name->offset))->p;
	size_t problems = problem_count(r);
	uint64_t seen = 0;
	record(r, out, table->size, n->place, NULL);
	for (size_t i = 0; i < n->n; i++) {
		struct node_entry *e = &n->entries[i];
		const struct setting *row = find_row(table, e->key, in_map);
		if (!visit(r, e->value))
			return false;
		if (!row) {
			unknown_key(r, table, e, in_map);
			continue;
		}
		if (node_is_null(e->value))
			continue;
		seen |= (uint64_t)1 << (row - table->rows);
		const struct step *before = path_push(r, e->key);
		read_row(r, row, e->value, out, e->place);
		r->path = before;
	}
	check_required(r, table, n, seen, in_map);
	if (problem_count(r) == problems)
		check_left_out(r, table, out, seen);
	if (problem_count(r) == problems)
		run_check(r, table, out);
	return problem_count(r) == problems;
}

/* ---- public ---- */

static void default_texts(const struct setting *row, struct arena *arena, struct setting_array *out)
{
	struct str rest = str_from_z(row->value);
	size_t n = 1;
	for (size_t i = 0; i < rest.n; i++)
		n += rest.p[i] == ',';
	struct str *texts = arena_must(arena, n * sizeof(*texts));
	for (size_t i = 0; i < n; i++)
		texts[i] = str_trim(str_cut(&rest, ','));
	*out = (struct setting_array){ texts, n };
}

static unsigned default_words(const struct setting *row)
{
	unsigned bits = 0;
	struct str rest = row->value ? str_from_z(row->value) : (struct str){ 0 };
	while (rest.p) {
		int word = word_index(row->words, str_trim(str_cut(&rest, ',')));
		assert(word >= 0);
		bits |= 1u << word;
	}
	return bits;
}

/* The default of a list of structs is one of them, by its shorthand. */
static void default_list(const struct setting *row, struct arena *arena, struct setting_array *out)
{
	const struct settings *table = row->section;
	const struct setting *shorthand = find_row(table, str_from_z(table->shorthand), false);
	assert(shorthand && shorthand->type == SETTING_TEXT);
	char *item = arena_must(arena, table->size);
	conf_defaults(table, arena, item);
	*(struct str *)(item + shorthand->offset) = str_from_z(row->value);
	*out = (struct setting_array){ item, 1 };
}

static void default_row(const struct setting *row, struct arena *arena, void *member)
{
	if (scalar_is(row->type))
		scalar_default(row, member);
	else if (row->type == SETTING_SECTION)
		conf_defaults(row->section, arena, member);
	else if (row->type == SETTING_WORDS)
		*(unsigned *)member = default_words(row);
	else if (!row->value)
		*(struct setting_array *)member = (struct setting_array){ 0 };
	else if (row->type == SETTING_TEXTS)
		default_texts(row, arena, member);
	else
		default_list(row, arena, member);
}

void conf_defaults(const struct settings *table, struct arena *arena, void *out)
{
	memset(out, 0, table->size);
	for (size_t i = 0; i < table->n; i++)
		default_row(&table->rows[i], arena, (char *)out + table->rows[i].offset);
}

bool conf_read(const struct settings *top, const struct conf_source *source, struct arena *arena, void *out,
               struct conf_notes *notes, struct conf_problems *problems)
{
	struct reader r = {
		.source = source,
		.arena = arena,
		.problems = { .file = source->file, .out = problems },
		.notes = notes,
	};
	*problems = (struct conf_problems){ 0 };
	*notes = (struct conf_notes){ 0 };
	arena_init(&r.tree, TREE_MAX);
	conf_defaults(top, arena, out);
	bool empty;
	struct node *root = tree_read(source->text, &r.tree, &r.problems, &empty);
	struct node nothing = { .kind = NODE_MAP, .place = { 1, 1 } };
	if (empty || (root && node_is_null(root)))
		root = &nothing;
	if (root)
		read_section(&r, top, root, out);
	arena_fini(&r.tree);
	return problems->n == 0;
}
