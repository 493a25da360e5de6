/* SPDX-License-Identifier: Apache-2.0 */
/* catalogue: finding a model in the layers, laying them over one another, and keeping what was found. */
#include "model/catalogue.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "model/catalogue_in.h"

/* Names kept, and how far from its place one may lie. */
enum { KEPT_SLOTS = 1024, KEPT_PROBES = 8, KEPT_BYTES_MAX = 64 << 10 };

struct kept {
	uint64_t hash;
	const void *owner;
	struct str provider, model;
	struct model_entry entry;
	struct arena arena; /* of the struct itself too */
};

struct kept_slot {
	struct kept *_Atomic entry;
};

struct catalogue {
	struct catalogue_text file, api;
	struct kept_slot kept[KEPT_SLOTS];
};

const char *catalogue_origin_name(enum catalogue_origin origin)
{
	static const char *const names[CATALOGUE_ORIGINS] = { "none", "builtin", "file", "api", "config" };

	assert(origin < CATALOGUE_ORIGINS);
	return names[origin];
}

/* ---- the built-in list ---- */

static struct catalogue_text builtin;
static pthread_once_t builtin_once = PTHREAD_ONCE_INIT;

/* Its lines are ours and tested: they are taken as they are, and sections found. Never freed. */
static void builtin_init(void)
{
	static struct arena arena;
	struct err e;

	arena_init(&arena, 1 << 20);
	if (!catalogue_text_read(&builtin, catalogue_builtin_text(), false, &arena, &e))
		log_panic("the built-in catalogue: %s", e.text);
}

static const struct catalogue_text *builtin_list(void)
{
	pthread_once(&builtin_once, builtin_init);
	return &builtin;
}

struct str catalogue_version(void)
{
	return builtin_list()->version;
}

/* ---- names ---- */

enum { FORMS = 4, FORM_BYTES = 256 };

/* How a list may write a model's name: as it is, without its path, as its maker says, with a date in dashes. */
struct forms {
	struct str form[FORMS];
	size_t n;
	char room[2][FORM_BYTES], plain[MODEL_NAME_MAX];
};

static void add_form(struct forms *f, struct str s)
{
	for (size_t i = 0; i < f->n; i++)
		if (str_eq(f->form[i], s))
			return;
	assert(f->n < FORMS);
	f->form[f->n++] = s;
}

static struct str lower(struct str s, char out[FORM_BYTES])
{
	s = str_slice(s, 0, FORM_BYTES);
	for (size_t i = 0; i < s.n; i++)
		out[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] | 0x20) : s.p[i];
	return str_of(out, s.n);
}

/* Gemini's and Vertex's resource names. */
static struct str without_path(struct str s)
{
	size_t models = str_find(s, STR("models/"));

	if (models != STR_NPOS && (models == 0 || str_starts(s, STR("publishers/")) || str_starts(s, STR("projects/"))))
		return str_slice(s, models + 7, s.n);
	return s;
}

static bool digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

/* "gpt-5-20250807" as "gpt-5-2025-08-07". */
static struct str with_dashes(struct str s, char out[FORM_BYTES])
{
	if (s.n < 10 || s.n + 2 > FORM_BYTES || s.p[s.n - 9] != '-' ||
	    !str_starts(str_slice(s, s.n - 8, s.n), STR("20")) || !digits(str_slice(s, s.n - 8, s.n)))
		return s;
	memcpy(out, s.p, s.n - 4);
	out[s.n - 4] = '-';
	memcpy(out + s.n - 3, s.p + s.n - 4, 2);
	out[s.n - 1] = '-';
	memcpy(out + s.n, s.p + s.n - 2, 2);
	return str_of(out, s.n + 2);
}

static void forms_init(struct forms *f, struct str model)
{
	struct str name = lower(model, f->room[0]);

	f->n = 0;
	add_form(f, name);
	add_form(f, without_path(name));
	add_form(f, model_name_plain(model, f->plain));
	add_form(f, with_dashes(without_path(name), f->room[1]));
}

/* ---- finding ---- */

static bool names_hold(struct str names, struct str provider)
{
	while (names.p) {
		struct str name = str_cut(&names, ',');

		if (str_eq(name, provider) || str_eq(name, STR("*")))
			return true;
	}
	return false;
}

static bool find_in_section(const struct catalogue_section *s, const struct forms *f, struct catalogue_line *out)
{
	for (size_t i = 0; i < f->n; i++)
		for (struct str rest = s->lines; catalogue_line_next(&rest, out);)
			if (catalogue_match(out->match, f->form[i]))
				return true;
	return false;
}

static const struct catalogue_section *section_by_id(const struct catalogue_text *t, struct str id)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->sections[i].id, id))
			return &t->sections[i];
	return NULL;
}

/* The first line that matches in a section of the provider, then in those it names to look in next. */
static const struct catalogue_section *find_line(const struct catalogue_text *t, struct str provider,
                                                 const struct forms *f, struct catalogue_line *out)
{
	for (size_t i = 0; i < t->n; i++) {
		struct str next = t->sections[i].fallbacks;

		if (!names_hold(t->sections[i].names, provider))
			continue;
		if (find_in_section(&t->sections[i], f, out))
			return &t->sections[i];
		while (next.p && next.n) {
			const struct catalogue_section *s = section_by_id(t, str_cut(&next, ','));
			if (s && find_in_section(s, f, out))
				return s;
		}
	}
	return NULL;
}

/* ---- laying over ---- */

/* What is not paid by the token goes into every case. */
static void lay_members(struct price *p, const struct price *over, struct arena *a)
{
	struct price_case *cases;

	price_overlay(p, over);
	if (p->n_cases == 0)
		return;
	cases = arena_must(a, p->n_cases * sizeof(*cases));
	memcpy(cases, p->cases, p->n_cases * sizeof(*cases));
	for (uint32_t i = 0; i < p->n_cases; i++)
		lay_members(&cases[i].price, over, a);
	p->cases = cases;
}

void catalogue_lay_price(struct price *p, const struct price *over, struct arena *a)
{
	struct price fees = PRICE_UNKNOWN, own = *over;

	if (over->token_pusd[USAGE_INPUT] < 0 && over->token_pusd[USAGE_OUTPUT] < 0 && over->n_cases == 0) {
		lay_members(p, over, a);
		return;
	}
	for (int i = 0; i < EACHES; i++)
		fees.each_nusd[i] = over->each_nusd[i] < 0 ? p->each_nusd[i] : -1;
	lay_members(&own, &fees, a);
	*p = own;
}

static void lay_line(const struct catalogue_section *s, const struct catalogue_line *l, enum catalogue_origin origin,
                     struct arena *a, struct model_entry *e)
{
	struct price price;
	bool good =
		catalogue_facts_read(l->facts, &e->facts) && catalogue_prices_read(l->prices, s->services, a, &price);

	assert(good); /* read once before */
	if (l->facts.n)
		e->facts_from = (uint8_t)origin;
	if (price_is_unknown(&price))
		return;
	catalogue_lay_price(&e->price, &price, a);
	e->price_from = (uint8_t)origin;
}

void catalogue_entry(const struct catalogue *c, struct str provider, struct str model, struct arena *a,
                     struct model_entry *out)
{
	const struct {
		const struct catalogue_text *text;
		enum catalogue_origin origin;
	} layers[] = {
		{ builtin_list(), ORIGIN_BUILTIN },
		{ c ? &c->file : NULL, ORIGIN_FILE },
		{ c ? &c->api : NULL, ORIGIN_API },
	};
	const struct model_facts *family = model_facts_by_name(model);
	struct forms f;

	forms_init(&f, model);
	*out = (struct model_entry){ .facts = *family, .price = PRICE_UNKNOWN };
	if (family != &model_facts_unknown)
		out->facts_from = ORIGIN_BUILTIN;
	for (size_t i = 0; i < COUNT_OF(layers); i++) {
		const struct catalogue_section *s;
		struct catalogue_line line;

		if (!layers[i].text || !(s = find_line(layers[i].text, provider, &f, &line)))
			continue;
		lay_line(s, &line, layers[i].origin, a, out);
		/* our own table has the exact numbers of the families that it knows */
		if (layers[i].origin == ORIGIN_BUILTIN && family->context_window)
			out->facts.context_window = family->context_window;
	}
}

bool catalogue_has(struct str provider)
{
	const struct catalogue_text *t = builtin_list();

	for (size_t i = 0; i < t->n; i++)
		if (names_hold(t->sections[i].names, provider))
			return true;
	return false;
}

bool catalogue_each(struct str provider, void (*fn)(void *arg, struct str model), void *arg)
{
	const struct catalogue_text *t = builtin_list();
	bool found = false;

	for (size_t i = 0; i < t->n; i++) {
		struct catalogue_line line;

		if (!names_hold(t->sections[i].names, provider))
			continue;
		found = true;
		for (struct str rest = t->sections[i].lines; catalogue_line_next(&rest, &line);)
			fn(arg, line.id);
	}
	return found;
}

/* ---- keeping ---- */

static void kept_free(struct kept *k)
{
	struct arena arena = k->arena;

	arena_fini(&arena);
}

typedef void lay_fn(const void *owner, struct arena *, struct model_entry *);

static struct kept *kept_new(const struct catalogue *c, const struct kept *key, lay_fn *lay)
{
	struct arena arena;
	struct kept *k;

	arena_init(&arena, KEPT_BYTES_MAX);
	k = arena_must(&arena, sizeof(*k));
	k->hash = key->hash;
	k->owner = key->owner;
	k->provider = arena_dup(&arena, key->provider);
	k->model = arena_dup(&arena, key->model);
	if (!k->provider.p || !k->model.p) {
		arena_fini(&arena);
		return NULL;
	}
	catalogue_entry(c, key->provider, key->model, &arena, &k->entry);
	if (lay)
		lay(key->owner, &arena, &k->entry);
	k->arena = arena;
	return k;
}

static bool is_kept(const struct kept *k, const struct kept *key)
{
	return k->hash == key->hash && k->owner == key->owner && str_eq(k->model, key->model) &&
	       str_eq(k->provider, key->provider);
}

const struct model_entry *catalogue_keep(const struct catalogue *c, struct str provider, struct str model,
                                         const void *owner, lay_fn *lay)
{
	if (!c)
		return NULL;
	/* The slots are the one thing that changes: each once, from nothing to an entry that stays. */
	struct kept_slot *slots = (struct kept_slot *)c->kept;
	const struct kept key = { .hash = hash_bytes(model) ^ hash_bytes(provider) * 3 ^ (uintptr_t)owner,
		                  .owner = owner,
		                  .provider = provider,
		                  .model = model };
	struct kept *made = NULL;

	for (unsigned i = 0; i < KEPT_PROBES; i++) {
		struct kept *_Atomic *slot = &slots[(key.hash + i) % KEPT_SLOTS].entry;
		struct kept *k = atomic_load_explicit(slot, memory_order_acquire);

		if (!k) {
			if (!made && !(made = kept_new(c, &key, lay)))
				return NULL;
			if (atomic_compare_exchange_strong(slot, &k, made))
				return &made->entry;
		}
		if (is_kept(k, &key)) {
			if (made)
				kept_free(made);
			return &k->entry;
		}
	}
	if (made)
		kept_free(made);
	return NULL;
}

static void free_kept(void *arg)
{
	struct catalogue *c = arg;

	for (size_t i = 0; i < KEPT_SLOTS; i++)
		if (atomic_load(&c->kept[i].entry))
			kept_free(atomic_load(&c->kept[i].entry));
}

struct catalogue *catalogue_new(struct arena *a, struct str file_name, struct str file, struct str api, struct err *e)
{
	struct catalogue *c = arena_zalloc(a, sizeof(*c));
	struct str file_text = arena_dup(a, file), api_text = arena_dup(a, api);

	if (!c || !file_text.p || !api_text.p || !arena_on_free(a, free_kept, c)) {
		err_set(e, ERR_CONFIG, "the catalogue is too large");
		return NULL;
	}
	if (file.n && !catalogue_text_read(&c->file, file_text, true, a, e)) {
		err_prefix(e, "%.*s", STR_ARG(file_name));
		return NULL;
	}
	if (api.n && !catalogue_text_read(&c->api, api_text, true, a, e)) {
		err_prefix(e, "what the admin API keeps of the catalogue");
		return NULL;
	}
	return c;
}
