/* SPDX-License-Identifier: Apache-2.0 */
/* catalogue_write: entries of the catalogue as JSON, for the admin API and the command line. */
#include <assert.h>

#include "base/clock.h"
#include "base/text.h"
#include "json/write.h"
#include "model/catalogue_in.h"

static void write_decimal(struct json_writer *w, int64_t v, int scale)
{
	char text[TEXT_FIXED_MAX];

	json_str(w, str_of(text, text_fixed(text, v, scale)));
}

static void write_clock(struct json_writer *w, uint32_t second)
{
	char text[] = { (char)('0' + second / 36000), (char)('0' + second / 3600 % 10), ':',
		        (char)('0' + second / 600 % 6), (char)('0' + second / 60 % 10) };

	json_str(w, str_of(text, sizeof(text)));
}

static void write_service(struct json_writer *w, uint32_t service)
{
	unsigned plain = service & ~(unsigned)SERVICE_REGIONAL;

	if (plain != SERVICE_STANDARD || service == plain) {
		json_key_lit(w, "service");
		json_str(w, str_from_z(usage_service_name((enum usage_service)plain)));
	}
	if (service != plain) {
		json_key_lit(w, "inference_geo");
		json_str(w, STR("us"));
	}
}

/* When a case holds, as members of an object. */
static void write_when(struct json_writer *w, const struct price_case *c)
{
	char date[CLOCK_RFC3339_LEN];

	switch (c->when) {
	case PRICE_ABOVE:
		json_key_lit(w, "above");
		json_u64(w, c->above);
		return;
	case PRICE_SERVICE: write_service(w, c->service); return;
	case PRICE_FROM:
		clock_rfc3339(date, (uint64_t)c->from_ms);
		json_key_lit(w, "from");
		json_str(w, str_of(date, 10));
		return;
	case PRICE_DAILY:
		json_key_lit(w, "daily_from");
		write_clock(w, c->daily.from_s);
		json_key_lit(w, "daily_to");
		write_clock(w, c->daily.to_s);
		return;
	}
	assert(!"unknown price_when");
}

static void write_members(struct json_writer *w, const struct price *p)
{
	for (unsigned i = 0; i < PRICE_MEMBERS; i++) {
		int64_t v = *price_member((struct price *)p, i);

		if (v < 0)
			continue;
		json_key(w, catalogue_price_name(i));
		write_decimal(w, v, price_member_scale(i));
	}
	if (p->n_cases == 0)
		return;
	json_key_lit(w, "cases");
	json_open(w, '[');
	for (uint32_t i = 0; i < p->n_cases; i++) {
		json_open(w, '{');
		write_when(w, &p->cases[i]);
		write_members(w, &p->cases[i].price);
		json_close(w);
	}
	json_close(w);
}

void catalogue_write_price(struct json_writer *w, const struct price *p)
{
	if (price_is_unknown(p)) {
		json_null(w);
		return;
	}
	json_open(w, '{');
	write_members(w, p);
	json_close(w);
}

static void write_count(struct json_writer *w, uint32_t n)
{
	if (n)
		json_u64(w, n);
	else
		json_null(w);
}

static void write_caps(struct json_writer *w, uint32_t caps)
{
	json_open(w, '[');
	for (unsigned i = 0; i < CAPS; i++)
		if (caps & 1u << i)
			json_str(w, model_cap_name(i));
	json_close(w);
}

void catalogue_write_facts(struct json_writer *w, const struct model_facts *f)
{
	json_key_lit(w, "context_window");
	write_count(w, f->context_window);
	json_key_lit(w, "max_output");
	write_count(w, f->max_output);
	json_key_lit(w, "capabilities");
	write_caps(w, f->caps);
	json_key_lit(w, "lacks");
	write_caps(w, f->lacks);
	json_key_lit(w, "efforts");
	json_open(w, '[');
	for (unsigned i = 0; i < EFFORTS; i++)
		if (f->effort_levels & EFFORT_BIT(i))
			json_str(w, model_effort_name((enum model_effort)i));
	json_close(w);
}

void catalogue_write_entry(struct json_writer *w, const struct model_entry *e)
{
	json_key_lit(w, "price");
	catalogue_write_price(w, &e->price);
	json_key_lit(w, "price_from");
	json_str(w, str_from_z(catalogue_origin_name((enum catalogue_origin)e->price_from)));
	json_key_lit(w, "facts_from");
	json_str(w, str_from_z(catalogue_origin_name((enum catalogue_origin)e->facts_from)));
	catalogue_write_facts(w, &e->facts);
}
