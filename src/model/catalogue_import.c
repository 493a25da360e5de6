/* SPDX-License-Identifier: Apache-2.0 */
/* catalogue_import: JSON of our own form to the catalogue's text; and what form a file has. */
#include <assert.h>
#include <math.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "json/tree.h"
#include "model/import_in.h"

/* Levels of our own form and LiteLLM's; and what the tree of the largest file may take. */
enum { IMPORT_DEPTH = 16, IMPORT_BYTES_MAX = 512 << 20 };

/* ---- writing ---- */

void import_put_number(struct buf *out, struct str name, int64_t v, int scale)
{
	buf_append_c(out, ' ');
	buf_append(out, name);
	buf_append_c(out, '=');
	text_from_fixed(out, v, scale);
}

void import_put_price(struct buf *out, const struct price *p)
{
	for (unsigned i = 0; i < PRICE_MEMBERS; i++) {
		int64_t v = *price_member((struct price *)p, i);

		if (v >= 0)
			import_put_number(out, catalogue_price_name(i), v, price_member_scale(i));
	}
}

void import_put_section(struct buf *out, struct str names)
{
	buf_append(out, STR(">\t"));
	buf_append(out, names);
	buf_append(out, STR("\t\t\n"));
}

bool import_name_is_plain(struct str name, bool patterns)
{
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (c < 0x20 || c == 0x7f || strchr("&|!;#,", c) || (c == '*' && !patterns))
			return false;
	}
	return name.n > 0 && name.n <= 256 && name.p[0] != '>';
}

void import_put_lower(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_append_c(out, s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] | 0x20) : s.p[i]);
}

/* ---- reading ---- */

bool import_money(yyjson_val *v, int scale, int64_t max, int64_t *out)
{
	struct str s;
	double scaled;

	if (json_val_str(v, &s))
		return text_to_fixed(s, scale, out) && *out <= max;
	if (!yyjson_is_num(v))
		return false;
	/* 15 digits of a double are more than a price has */
	scaled = yyjson_get_num(v) * pow(10, scale);
	if (!(scaled >= 0 && scaled <= (double)max))
		return false;
	*out = (int64_t)llround(scaled);
	return true;
}

static bool import_count(yyjson_val *v, uint32_t *out)
{
	if (!yyjson_is_uint(v) || yyjson_get_uint(v) == 0 || yyjson_get_uint(v) > 1000000000)
		return false;
	*out = (uint32_t)yyjson_get_uint(v);
	return true;
}

static bool read_price_member(struct str key, yyjson_val *v, struct price *p, bool *known)
{
	*known = false;
	for (unsigned i = 0; i < PRICE_MEMBERS; i++)
		if (str_eq(key, catalogue_price_name(i))) {
			*known = true;
			return import_money(v, price_member_scale(i),
			                    i < USAGE_COUNTERS ? PRICE_MAX_PUSD : PRICE_MAX_NUSD, price_member(p, i));
		}
	return true;
}

static bool unknown_member(struct str key, const char *where, struct err *e)
{
	return err_set(e, ERR_INVALID_REQUEST, "%s: \"%.*s\" is not known here", where, (int)(key.n < 64 ? key.n : 64),
	               key.n ? key.p : "");
}

static bool bad_member(struct str key, const char *where, const char *allowed, struct err *e)
{
	return err_set(e, ERR_INVALID_REQUEST, "%s.%.*s: must be %s", where, (int)(key.n < 64 ? key.n : 64),
	               key.n ? key.p : "", allowed);
}

#define A_PRICE "a price in US dollars, as a number or a string, up to 1000000"

static bool put_tier(yyjson_val *tier, uint32_t *before, struct buf *out, struct err *e)
{
	struct price p = PRICE_UNKNOWN;
	uint32_t above = 0;
	yyjson_val *key, *v;
	yyjson_obj_iter it;
	bool known;

	if (!yyjson_is_obj(tier))
		return err_set(e, ERR_INVALID_REQUEST, "price.tiers: must be a list of objects");
	yyjson_obj_iter_init(tier, &it);
	while ((key = yyjson_obj_iter_next(&it))) {
		struct str name = str_of(yyjson_get_str(key), yyjson_get_len(key));

		v = yyjson_obj_iter_get_val(key);
		if (str_eq(name, STR("above"))) {
			if (!import_count(v, &above))
				return bad_member(name, "price.tiers", "a number of tokens", e);
			continue;
		}
		if (!read_price_member(name, v, &p, &known))
			return bad_member(name, "price.tiers", A_PRICE, e);
		if (!known)
			return unknown_member(name, "price.tiers", e);
	}
	if (above <= *before)
		return err_set(e, ERR_INVALID_REQUEST,
		               "price.tiers: each must have an above, more than the one before");
	*before = above;
	buf_printf(out, "; above=%u", above);
	import_put_price(out, &p);
	return true;
}

/* flex, batch, priority, fast: factors. */
static bool put_factor(struct str name, yyjson_val *v, struct buf *out, bool *known)
{
	int64_t permille;

	*known = false;
	for (unsigned i = SERVICE_FLEX; i <= SERVICE_FAST; i++) {
		if (!str_eq(name, str_from_z(usage_service_name((enum usage_service)i))))
			continue;
		*known = true;
		if (!import_money(v, 3, 100000, &permille) || permille == 0)
			return false;
		buf_append(out, STR("; service="));
		buf_append(out, name);
		import_put_number(out, STR("times"), permille, 3);
	}
	return true;
}

static bool put_price(yyjson_val *price, struct buf *out, struct err *e)
{
	struct price p = PRICE_UNKNOWN;
	yyjson_val *key, *v, *tiers = NULL;
	yyjson_obj_iter it;
	struct buf services = buf_make(CATALOGUE_LINE_MAX);
	uint32_t above = 0;
	size_t i, n;
	bool good = true, known;

	if (!yyjson_is_obj(price))
		return err_set(e, ERR_INVALID_REQUEST, "price: must be an object");
	yyjson_obj_iter_init(price, &it);
	while (good && (key = yyjson_obj_iter_next(&it))) {
		struct str name = str_of(yyjson_get_str(key), yyjson_get_len(key));

		v = yyjson_obj_iter_get_val(key);
		if (str_eq(name, STR("tiers"))) {
			tiers = v;
			good = yyjson_is_arr(v) || bad_member(name, "price", "a list", e);
			continue;
		}
		if (!read_price_member(name, v, &p, &known))
			good = bad_member(name, "price", A_PRICE, e);
		else if (!known && !put_factor(name, v, &services, &known))
			good = bad_member(name, "price", "a factor up to 100", e);
		else if (!known)
			good = unknown_member(name, "price", e);
	}
	import_put_price(out, &p);
	yyjson_arr_foreach(tiers, i, n, v) good = good && put_tier(v, &above, out, e);
	good = good && buf_append(out, buf_str(&services));
	buf_fini(&services);
	return good;
}

static bool put_caps(yyjson_val *caps, struct buf *out, struct err *e)
{
	yyjson_val *v;
	size_t i, n;

	if (!yyjson_is_arr(caps))
		return err_set(e, ERR_INVALID_REQUEST, "capabilities: must be a list of words");
	if (yyjson_arr_size(caps))
		buf_append(out, STR(" caps="));
	yyjson_arr_foreach(caps, i, n, v)
	{
		struct model_facts unused = { 0 };
		struct buf word = buf_make(128);
		struct str s;
		bool good = json_val_str(v, &s) && s.n < 64 && buf_printf(&word, "caps=%.*s", STR_ARG(s)) &&
		            str_find_chr(s, ',') == STR_NPOS && str_find_chr(s, ' ') == STR_NPOS &&
		            catalogue_facts_read(buf_str(&word), &unused);

		buf_fini(&word);
		if (!good)
			return err_set(e, ERR_INVALID_REQUEST, "capabilities: item %zu is no capability that is known",
			               i);
		if (i)
			buf_append_c(out, ',');
		buf_append(out, s);
	}
	return true;
}

static bool put_facts(yyjson_val *model, struct buf *out, struct err *e)
{
	static const struct {
		const char *name;
		const char *word;
	} counts[] = { { "context_window", "context" }, { "max_output", "output" } };
	yyjson_val *v;

	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		uint32_t n;

		v = json_get(model, counts[i].name);
		if (!v || yyjson_is_null(v))
			continue;
		if (!import_count(v, &n))
			return err_set(e, ERR_INVALID_REQUEST, "%s: must be a number of tokens", counts[i].name);
		buf_printf(out, " %s=%u", counts[i].word, n);
	}
	v = json_get(model, "capabilities");
	return !v || yyjson_is_null(v) || put_caps(v, out, e);
}

static bool only_known(yyjson_val *model, bool named, struct err *e)
{
	static const char *const names[] = { "price",        "context_window", "max_output",
		                             "capabilities", "provider",       "model" };
	yyjson_val *key;
	yyjson_obj_iter it;

	yyjson_obj_iter_init(model, &it);
	while ((key = yyjson_obj_iter_next(&it))) {
		struct str name = str_of(yyjson_get_str(key), yyjson_get_len(key));
		bool known = false;

		for (size_t i = 0; i < COUNT_OF(names) - (named ? 0 : 2); i++)
			known |= str_eq(name, str_from_z(names[i]));
		if (!known)
			return unknown_member(name, "the model", e);
	}
	return true;
}

/* The line of one model, with its section's line before it. */
static bool put_model(struct str provider, struct str model, yyjson_val *object, bool named, struct buf *out,
                      struct err *e)
{
	struct buf facts = buf_make(CATALOGUE_LINE_MAX), price = buf_make(CATALOGUE_LINE_MAX);
	yyjson_val *v = json_get(object, "price");
	bool good = false;

	if (!import_name_is_plain(model, true) || !import_name_is_plain(provider, true))
		err_set(e, ERR_INVALID_REQUEST,
		        "provider and model must be 1 to 256 bytes without control characters and "
		        "without any of & | ! ; # ,");
	else
		good = only_known(object, named, e) && put_facts(object, &facts, e) &&
		       (!v || yyjson_is_null(v) || put_price(v, &price, e));
	if (good) {
		import_put_section(out, provider);
		buf_append(out, model);
		buf_append_c(out, '\t');
		import_put_lower(out, model);
		buf_append_c(out, '\t');
		buf_append(out, str_trim(buf_str(&facts)));
		buf_append_c(out, '\t');
		buf_append(out, str_trim(buf_str(&price)));
		buf_append_c(out, '\n');
		if (facts.failed || price.failed || out->failed)
			good = err_set(e, ERR_INVALID_REQUEST, "the model's entry is too large");
	}
	buf_fini(&facts);
	buf_fini(&price);
	return good;
}

bool catalogue_import_model(struct str provider, struct str model, struct str json, struct buf *out, struct err *e)
{
	struct arena arena;
	yyjson_val *root;
	bool good;

	arena_init(&arena, IMPORT_BYTES_MAX);
	root = json_parse(&arena, json, IMPORT_DEPTH, e);
	good = root && (yyjson_is_obj(root) || err_set(e, ERR_INVALID_REQUEST, "the body must be an object")) &&
	       put_model(provider, model, root, false, out, e);
	arena_fini(&arena);
	return good;
}

static bool put_own(yyjson_val *models, struct buf *out, struct err *e)
{
	yyjson_val *v;
	size_t i, n;

	yyjson_arr_foreach(models, i, n, v)
	{
		struct str provider = STR("*"), model;

		if (!yyjson_is_obj(v) || !json_get_str(v, "model", &model) ||
		    (json_get(v, "provider") && !json_get_str(v, "provider", &provider)))
			return err_set(e, ERR_INVALID_REQUEST,
			               "models[%zu]: must be an object with the texts model and "
			               "provider",
			               i);
		if (!put_model(provider, model, v, true, out, e))
			return err_prefix(e, "models[%zu]", i);
	}
	return true;
}

bool catalogue_import_json(struct str json, struct buf *out, struct err *e)
{
	struct arena arena;
	yyjson_val *root, *models;
	bool good = false;

	arena_init(&arena, IMPORT_BYTES_MAX);
	root = json_parse(&arena, json, IMPORT_DEPTH, e);
	models = json_get(root, "models");
	if (root) {
		buf_append(out, STR(CATALOGUE_HEAD "imported\n"));
		good = yyjson_is_arr(models) ? put_own(models, out, e) : import_litellm(root, &arena, out, e);
	}
	arena_fini(&arena);
	if (good && out->failed)
		good = err_set(e, ERR_TOO_LARGE, "the catalogue is too large");
	return good;
}

bool catalogue_import(struct str contents, struct buf *out, struct err *e)
{
	if (str_starts(contents, STR(CATALOGUE_HEAD)))
		return buf_append(out, contents) || err_set(e, ERR_TOO_LARGE, "the catalogue is too large");
	return catalogue_import_json(contents, out, e);
}
