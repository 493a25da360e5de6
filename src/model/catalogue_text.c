/* SPDX-License-Identifier: Apache-2.0 */
/* catalogue_text: reading the catalogue's text, as catalogue_in.h describes it. */
#include <assert.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "model/catalogue_in.h"

/* ---- matching ---- */

static bool match_all(struct str all, struct str name)
{
	while (all.p) {
		struct str one = str_cut(&all, '&');
		bool not = one.n && one.p[0] == '!';

		if (model_name_match(str_slice(one, not, one.n), name) == not )
			return false;
	}
	return true;
}

bool catalogue_match(struct str match, struct str name)
{
	while (match.p)
		if (match_all(str_cut(&match, '|'), name))
			return true;
	return false;
}

/* ---- facts ---- */

static bool read_count(struct str value, uint32_t *out)
{
	uint64_t v;

	if (!str_to_u64(value, &v) || v == 0 || v > 1000000000)
		return false;
	*out = (uint32_t)v;
	return true;
}

bool catalogue_facts_read(struct str facts, struct model_facts *f)
{
	while (facts.p && facts.n) {
		struct str value = str_cut(&facts, ' '), key = str_cut(&value, '=');

		if (str_eq(key, STR("context"))) {
			if (!read_count(value, &f->context_window))
				return false;
		} else if (str_eq(key, STR("context_guess"))) {
			uint32_t guess;
			if (!read_count(value, &guess))
				return false;
			if (f->context_window == 0)
				f->context_window = guess;
		} else if (str_eq(key, STR("output"))) {
			if (!read_count(value, &f->max_output))
				return false;
		} else if (str_eq(key, STR("caps"))) {
			while (value.p)
				if (!model_cap_lay(f, str_cut(&value, ',')))
					return false;
		} else {
			return false;
		}
	}
	return true;
}

/* ---- prices ---- */

static const struct str each_names[EACHES] = {
	[EACH_REQUEST] = STR_INIT("request"),       [EACH_WEB_SEARCH] = STR_INIT("web_search"),
	[EACH_SEARCH] = STR_INIT("search"),         [EACH_IMAGE] = STR_INIT("image"),
	[EACH_AUDIO_HOUR] = STR_INIT("audio_hour"),
};

struct str catalogue_price_name(unsigned member)
{
	assert(member < PRICE_MEMBERS);
	if (member == USAGE_CACHE_WRITE_5M)
		return STR("cache_write");
	return member < USAGE_COUNTERS ? str_from_z(usage_counter_name((enum usage_counter)member))
	                               : each_names[member - USAGE_COUNTERS];
}

static bool read_member(struct str key, struct str value, struct price *p)
{
	for (unsigned i = 0; i < PRICE_MEMBERS; i++)
		if (str_eq(key, catalogue_price_name(i)))
			return text_to_fixed(value, price_member_scale(i), price_member(p, i)) &&
			       *price_member(p, i) <= (i < USAGE_COUNTERS ? PRICE_MAX_PUSD : PRICE_MAX_NUSD);
	return false;
}

static bool read_service(struct str word, uint32_t *out)
{
	uint32_t regional = 0;

	if (str_eq(word, STR("us"))) {
		*out = SERVICE_REGIONAL;
		return true;
	}
	if (str_starts(word, STR("us_"))) {
		regional = SERVICE_REGIONAL;
		word = str_slice(word, 3, word.n);
	}
	for (unsigned i = SERVICE_STANDARD + 1; i < USAGE_SERVICES; i++)
		if (str_eq(word, str_from_z(usage_service_name((enum usage_service)i)))) {
			*out = i | regional;
			return true;
		}
	return false;
}

/* 01:30 */
static bool read_clock(struct str s, uint32_t *out)
{
	uint64_t hour, minute;

	if (s.n != 5 || s.p[2] != ':' || !str_to_u64(str_slice(s, 0, 2), &hour) ||
	    !str_to_u64(str_slice(s, 3, 5), &minute) || hour > 23 || minute > 59)
		return false;
	*out = (uint32_t)(hour * 3600 + minute * 60);
	return true;
}

/* 2026-03-13: days since 1970 by Howard Hinnant's days_from_civil. */
static bool read_date(struct str s, int64_t *out)
{
	uint64_t y, m, d;

	if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-' || !str_to_u64(str_slice(s, 0, 4), &y) ||
	    !str_to_u64(str_slice(s, 5, 7), &m) || !str_to_u64(str_slice(s, 8, 10), &d) || y < 1970 || m < 1 ||
	    m > 12 || d < 1 || d > 31)
		return false;
	y -= m <= 2;
	uint64_t era = y / 400, of_era = y % 400, day = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	*out = (int64_t)(era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + day - 719468) * 86400000;
	return true;
}

enum part_kind { PART_SET, PART_TIER, PART_SERVICE };

/* One of the parts between semicolons. */
struct part {
	enum part_kind kind;
	bool dated;             /* PART_SET: `when` says when it holds */
	struct price_case when; /* its price: the members that stand there */
	uint32_t permille;      /* PART_SERVICE: of the set's prices; 0: a price of its own */
};

static bool read_part(struct str text, struct part *out)
{
	*out = (struct part){ .kind = PART_SET, .when = { .price = PRICE_UNKNOWN } };
	while (text.p && text.n) {
		struct str value = str_cut(&text, ' '), key = str_cut(&value, '=');
		int64_t times;
		bool good;

		if (str_eq(key, STR("from"))) {
			out->dated = true;
			out->when.when = PRICE_FROM;
			good = read_date(value, &out->when.from_ms);
		} else if (str_eq(key, STR("daily"))) {
			struct str until = value, since = str_cut(&until, '-');
			out->dated = true;
			out->when.when = PRICE_DAILY;
			good = read_clock(since, &out->when.daily.from_s) && read_clock(until, &out->when.daily.to_s);
		} else if (str_eq(key, STR("above"))) {
			out->kind = PART_TIER;
			out->when.when = PRICE_ABOVE;
			good = read_count(value, &out->when.above);
		} else if (str_eq(key, STR("service"))) {
			out->kind = PART_SERVICE;
			out->when.when = PRICE_SERVICE;
			good = read_service(value, &out->when.service);
		} else if (str_eq(key, STR("times"))) {
			good = text_to_fixed(value, 3, &times) && times > 0 && times <= 100000;
			out->permille = good ? (uint32_t)times : 0;
		} else {
			good = read_member(key, value, &out->when.price);
		}
		if (!good)
			return false;
	}
	return true;
}

enum { SET_CASES = 16, SETS = 8 };

/* A price with what follows it up to the next set. */
struct set {
	struct part head;
	struct price_case cases[SET_CASES];
	uint32_t n;
	uint32_t n_tiers; /* they come first */
};

static bool has_service(const struct set *s, uint32_t service)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (s->cases[i].when == PRICE_SERVICE && s->cases[i].service == service)
			return true;
	return false;
}

/* A price of its own has the set's fees, and none of its prices of tokens. */
static bool add_part(struct set *s, const struct part *part, struct arena *a)
{
	struct price_case *c = &s->cases[s->n];
	struct price plain = s->head.when.price;

	if (s->n == SET_CASES || (part->kind == PART_TIER && s->n != s->n_tiers))
		return false;
	*c = part->when;
	if (part->kind == PART_SERVICE && part->permille) {
		plain.cases = s->cases;
		plain.n_cases = s->n;
		if (!price_scale(&plain, part->permille, a, &c->price))
			return false;
	} else {
		for (int i = 0; i < USAGE_COUNTERS && part->kind == PART_SERVICE; i++)
			plain.token_pusd[i] = -1;
		price_overlay(&plain, &part->when.price);
		c->price = plain;
	}
	s->n_tiers += part->kind == PART_TIER;
	s->n++;
	return true;
}

static bool add_services(struct set *s, struct str services, struct arena *a)
{
	while (services.p && services.n) {
		struct part part;

		if (!read_part(str_trim(str_cut(&services, ';')), &part) || part.kind != PART_SERVICE)
			return false;
		if (!has_service(s, part.when.service) && !add_part(s, &part, a))
			return false;
	}
	return true;
}

/* `more`: room for that many cases behind its own. */
static bool set_price(const struct set *s, struct arena *a, size_t more, struct price *out)
{
	struct price_case *cases = arena_zalloc(a, (s->n + more + 1) * sizeof(*cases));

	if (!cases)
		return false;
	memcpy(cases, s->cases, s->n * sizeof(*cases));
	*out = s->head.when.price;
	out->n_cases = s->n;
	out->cases = s->n + more ? cases : NULL;
	return true;
}

static bool read_sets(struct str prices, struct str services, struct arena *a, struct set *sets, size_t *n)
{
	*n = 0;
	while (prices.p && prices.n) {
		struct part part;

		if (!read_part(str_trim(str_cut(&prices, ';')), &part))
			return false;
		if (part.kind != PART_SET) {
			if (*n == 0 || !add_part(&sets[*n - 1], &part, a))
				return false;
			continue;
		}
		if (*n == SETS || part.dated != (*n > 0) || (*n && !add_services(&sets[*n - 1], services, a)))
			return false;
		sets[*n].head = part;
		sets[*n].n = sets[*n].n_tiers = 0;
		++*n;
	}
	return *n == 0 || add_services(&sets[*n - 1], services, a);
}

bool catalogue_prices_read(struct str prices, struct str services, struct arena *a, struct price *out)
{
	struct set sets[SETS];
	size_t n;

	*out = PRICE_UNKNOWN;
	if (!read_sets(prices, services, a, sets, &n))
		return false;
	if (n == 0)
		return true;
	if (!set_price(&sets[0], a, n - 1, out))
		return false;
	for (size_t i = 1; i < n; i++) {
		struct price_case *c = (struct price_case *)&out->cases[out->n_cases++];

		*c = sets[i].head.when;
		if (!set_price(&sets[i], a, 0, &c->price))
			return false;
	}
	return true;
}

/* ---- the text ---- */

bool catalogue_line_next(struct str *rest, struct catalogue_line *l)
{
	while (rest->p && rest->n) {
		struct str line = str_cut(rest, '\n');

		if (line.n == 0 || line.p[0] == '#')
			continue;
		l->id = str_cut(&line, '\t');
		l->match = str_cut(&line, '\t');
		l->facts = str_cut(&line, '\t');
		l->prices = line;
		return true;
	}
	return false;
}

static bool line_is_good(struct str line, struct str services, struct arena *a)
{
	struct arena_mark mark = arena_mark(a);
	struct model_facts facts = { 0 };
	struct catalogue_line l;
	struct price price;
	bool good = line.n <= CATALOGUE_LINE_MAX && catalogue_line_next(&line, &l) && l.match.n && l.facts.p &&
	            l.prices.p && str_find_chr(l.prices, '\t') == STR_NPOS && catalogue_facts_read(l.facts, &facts) &&
	            catalogue_prices_read(l.prices, services, a, &price);

	arena_rewind(a, mark);
	return good;
}

static void section_begin(struct catalogue_section *s, struct str line, struct str rest)
{
	line = str_slice(line, 1, line.n);
	s->id = str_cut(&line, '\t');
	s->names = str_cut(&line, '\t');
	s->fallbacks = str_cut(&line, '\t');
	s->services = line;
	s->lines = str_of(rest.p, 0);
}

static size_t count_sections(struct str text)
{
	size_t n = text.n && text.p[0] == '>';

	for (struct str rest = text; rest.p;) {
		(void)str_cut(&rest, '\n');
		n += rest.n && rest.p[0] == '>';
	}
	return n;
}

bool catalogue_text_read(struct catalogue_text *t, struct str text, bool check, struct arena *a, struct err *e)
{
	struct catalogue_section *sections = arena_alloc(a, (count_sections(text) + 1) * sizeof(*sections));
	struct str rest = text, line = str_cut(&rest, '\n');
	size_t number = 1;

	*t = (struct catalogue_text){ .sections = sections };
	if (!sections)
		return err_set(e, ERR_CONFIG, "the catalogue is too large");
	if (!str_starts(line, STR(CATALOGUE_HEAD)))
		return err_set(e, ERR_CONFIG, "line 1: must begin with \"" CATALOGUE_HEAD "\"");
	t->version = str_slice(line, sizeof(CATALOGUE_HEAD) - 1, line.n);
	while (rest.p) {
		line = str_cut(&rest, '\n');
		number++;
		if (line.n && line.p[0] == '>') {
			section_begin(&sections[t->n++], line, rest);
			continue;
		}
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (t->n == 0 || (check && !line_is_good(line, sections[t->n - 1].services, a)))
			return err_set(e, ERR_CONFIG, "line %zu: \"%.*s\" is no line of a catalogue", number,
			               (int)(line.n < 80 ? line.n : 80), line.p);
		sections[t->n - 1].lines.n = (size_t)(line.p + line.n - sections[t->n - 1].lines.p);
	}
	return true;
}
