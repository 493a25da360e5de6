/* SPDX-License-Identifier: Apache-2.0 */
/* wishes: what the readers of the several gateways' words share, and our own words. */
#include "route/wishes.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/text.h"
#include "conf/value.h"
#include "route/wish_in.h"

#define UNSET_4 { WISH_UNSET, WISH_UNSET, WISH_UNSET, WISH_UNSET }

const struct route_wishes route_wishes_none = {
	.max_input_pusd = WISH_UNSET, .max_output_pusd = WISH_UNSET, .max_request_nusd = WISH_UNSET,
	.max_image_nusd = WISH_UNSET, .min_throughput_milli = UNSET_4, .max_latency_us = UNSET_4,
	.attempts = WISH_UNSET, .base_ms = WISH_UNSET, .connect_ms = WISH_UNSET, .first_byte_ms = WISH_UNSET,
	.idle_ms = WISH_UNSET, .total_ms = WISH_UNSET,
};

const struct wish_target wish_target_none = { .attempts = WISH_UNSET, .timeout_ms = WISH_UNSET };

/* ---- errors ---- */

/* The start of a text as messages may show it. */
static struct str shown(struct str s)
{
	return s.n > 60 ? text_utf8_cut(s, 60) : s;
}

bool wish_refuse(struct wish_reader *r, const char *place, const char *allowed, const struct json_node *v)
{
	struct str raw = shown(node_raw(v));
	const char *dots = raw.n < node_raw(v).n ? "..." : "";

	switch (v ? (enum json_type)v->type : JSON_ABSENT) {
	case JSON_ARRAY: raw = STR("an array"); break;
	case JSON_OBJECT: raw = STR("an object"); break;
	case JSON_ABSENT: raw = STR("nothing"); break;
	case JSON_NULL:
	case JSON_BOOL:
	case JSON_NUMBER:
	case JSON_STRING:
		return err_set(r->err, ERR_INVALID_REQUEST, "%s: must be %s, not %.*s%s", place, allowed, STR_ARG(raw),
		               dots);
	}
	return err_set(r->err, ERR_INVALID_REQUEST, "%s: must be %s, not %.*s", place, allowed, STR_ARG(raw));
}

bool wish_refuse_text(struct wish_reader *r, const char *place, const char *allowed, struct str seen)
{
	struct str s = shown(seen);

	return err_set(r->err, ERR_INVALID_REQUEST, "%s: must be %s, not \"%.*s%s\"", place, allowed, STR_ARG(s),
	               s.n < seen.n ? "..." : "");
}

bool wish_no_memory(struct wish_reader *r)
{
	return err_set(r->err, ERR_TOO_LARGE, "the request needs more memory than it may have");
}

/* ---- values ---- */

struct str wish_field(const struct wish_reader *r, struct str name)
{
	struct str found = { 0 };

	for (const struct wish_field *f = r->source->fields; f; f = f->next)
		if (str_ieq(f->name, name))
			found = f->value;
	return found;
}

const struct json_node *wish_nodes(struct wish_reader *r, const char *place, struct str text)
{
	const struct json_node *v = json_nodes(r->arena, text, WISH_DEPTH_MAX, r->err);

	if (!v)
		err_prefix(r->err, "%s", place);
	return v;
}

const struct json_node *wish_body(struct wish_reader *r)
{
	if (!r->body && r->source->body.n)
		r->body = json_nodes(r->arena, r->source->body, JSON_DEPTH_MAX, r->err);
	return r->body;
}

static bool is_nothing(const struct json_node *v)
{
	return !v || v->type == JSON_NULL;
}

bool wish_take_bool(struct wish_reader *r, const char *place, const struct json_node *v, bool *out)
{
	if (is_nothing(v))
		return true;
	if (v->type != JSON_BOOL)
		return wish_refuse(r, place, "true or false", v);
	*out = node_true(v);
	return true;
}

bool wish_take_text(struct wish_reader *r, const char *place, const struct json_node *v, struct str *out)
{
	struct str s;

	if (is_nothing(v))
		return true;
	if (v->type != JSON_STRING || v->n <= 2)
		return wish_refuse(r, place, "a string that is not empty", v);
	if (v->n > WISH_TEXT_MAX + 2)
		return err_set(r->err, ERR_INVALID_REQUEST, "%s: must be at most %d bytes long", place, WISH_TEXT_MAX);
	s = jstr_plain(r->arena, node_text(v));
	if (!s.p)
		return wish_no_memory(r);
	*out = s;
	return true;
}

bool wish_take_key(struct wish_reader *r, const char *place, const struct json_node *v, struct str *out)
{
	struct str key = node_is(v, JSON_STRING) ? jstr_plain(r->arena, node_text(v)) : STR("");
	bool good = key.n > 0 && key.n <= WISH_TEXT_MAX;

	if (is_nothing(v))
		return true;
	for (size_t i = 0; i < key.n && good; i++)
		good = key.p[i] > ' ' && key.p[i] < 0x7f;
	if (!good)
		return err_set(r->err, ERR_INVALID_REQUEST, "%s: must be a key of 1 to %d visible ASCII characters",
		               place, WISH_TEXT_MAX);
	*out = key;
	return true;
}

bool wish_take_names(struct wish_reader *r, const char *place, const struct json_node *v, struct wish_names *out)
{
	char at[WISH_PLACE_MAX];
	struct str *names;
	unsigned n = 0;

	if (is_nothing(v))
		return true;
	if (v->type != JSON_ARRAY)
		return wish_refuse(r, place, "a list of names", v);
	if (v->children > WISHES_MAX)
		return err_set(r->err, ERR_INVALID_REQUEST, "%s: must hold at most %d names, not %u", place, WISHES_MAX,
		               v->children);
	names = arena_zalloc(r->arena, (v->children + 1) * sizeof *names);
	if (!names)
		return wish_no_memory(r);
	for (const struct json_node *e = node_first(v); e; e = node_next(v, e), n++) {
		snprintf(at, sizeof at, "%s[%u]", place, n);
		if (e->type != JSON_STRING)
			return wish_refuse(r, at, "a name", e);
		if (!wish_take_text(r, at, e, &names[n]))
			return false;
	}
	*out = (struct wish_names){ names, n };
	return true;
}

bool wish_take_int(struct wish_reader *r, const char *place, const struct json_node *v, int64_t min, int64_t max,
                   int64_t *out)
{
	char allowed[80];
	int64_t n = is_nothing(v) ? min : node_i64(v, min - 1);

	if (is_nothing(v))
		return true;
	snprintf(allowed, sizeof allowed, "a whole number from %lld to %lld", (long long)min, (long long)max);
	if (n < min || n > max)
		return wish_refuse(r, place, allowed, v);
	*out = n;
	return true;
}

/* Numbers as 1e-7, or with more than six digits behind the point. */
static bool read_odd_number(struct str s, int64_t *out)
{
	char text[64], *end;
	double d;

	if (s.n == 0 || s.n >= sizeof text || s.p[0] < '0' || s.p[0] > '9' || str_find_chr(s, 'x') != STR_NPOS ||
	    str_find_chr(s, 'X') != STR_NPOS)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	d = strtod(text, &end) * 1e6;
	if (end != text + s.n || !(d >= 0 && d < 9e18))
		return false;
	*out = (int64_t)d;
	return true;
}

bool wish_take_millionths(struct wish_reader *r, const char *place, const struct json_node *v, int64_t *out)
{
	struct str s;

	if (is_nothing(v))
		return true;
	s = v->type == JSON_STRING ? jstr_raw(node_text(v)) : node_raw(v);
	if ((v->type == JSON_STRING || v->type == JSON_NUMBER) && s.n <= 40 &&
	    (text_to_fixed(s, 6, out) || read_odd_number(s, out)))
		return true;
	return wish_refuse(r, place, "a number that is not negative", v);
}

/* "a, b or c" */
static void list_words(const char *const *words, char *out, size_t room)
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned i = 0; words[i] && n < room; i++)
		n += (size_t)snprintf(out + n, room - n, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
}

bool wish_take_word(struct wish_reader *r, const char *place, const struct json_node *v, const char *const *words,
                    unsigned *out)
{
	char allowed[160];

	if (is_nothing(v))
		return true;
	for (unsigned i = 0; words[i]; i++)
		if (node_is_word(v, str_from_z(words[i]))) {
			*out = i;
			return true;
		}
	list_words(words, allowed, sizeof allowed);
	return wish_refuse(r, place, allowed, v);
}

bool wish_text_int(struct wish_reader *r, const char *place, struct str s, int64_t min, int64_t max, int64_t *out)
{
	char allowed[80];
	uint64_t n;

	snprintf(allowed, sizeof allowed, "a whole number from %lld to %lld", (long long)min, (long long)max);
	if (!str_to_u64(str_trim(s), &n) || n > (uint64_t)max || (int64_t)n < min)
		return wish_refuse_text(r, place, allowed, s);
	*out = (int64_t)n;
	return true;
}

bool wish_take_statuses(struct wish_reader *r, const char *place, const struct json_node *v, bool *set,
                        uint64_t bits[4])
{
	if (is_nothing(v))
		return true;
	if (v->type != JSON_ARRAY)
		return wish_refuse(r, place, "a list of statuses", v);
	memset(bits, 0, 4 * sizeof *bits);
	for (const struct json_node *e = node_first(v); e; e = node_next(v, e)) {
		int64_t status = node_i64(e, 0);

		/* below 400 nothing has failed, and nothing follows */
		if (status < 100 || status > 599)
			return wish_refuse(r, place, "statuses from 100 to 599", e);
		if (status >= 400)
			bits[(status - 400) / 64] |= (uint64_t)1 << (status - 400) % 64;
	}
	*set = true;
	return true;
}

/* ---- what is put together ---- */

bool wish_narrow(struct wish_reader *r, struct wish_names *have, bool *set, const struct wish_names *more)
{
	struct str *both;
	unsigned n = 0;

	if (!*set) {
		*have = *more;
		*set = true;
		return true;
	}
	both = arena_alloc(r->arena, (have->n + 1) * sizeof *both);
	if (!both)
		return wish_no_memory(r);
	for (unsigned i = 0; i < have->n; i++)
		for (unsigned k = 0; k < more->n; k++)
			if (str_ieq(have->names[i], more->names[k])) {
				both[n++] = have->names[i];
				break;
			}
	*have = (struct wish_names){ both, n };
	return true;
}

bool wish_take_models(struct wish_reader *r, const char *place, const struct json_node *list)
{
	struct wish_names names = { 0 };
	struct wish_target *targets;
	unsigned n = 0;

	if (!wish_take_names(r, place, list, &names))
		return false;
	if (names.n == 0 || r->out->n_targets)
		return true;
	targets = arena_alloc(r->arena, (names.n + 1) * sizeof *targets);
	if (!targets)
		return wish_no_memory(r);
	targets[n++] = wish_target_none;
	for (unsigned i = 0; i < names.n; i++) {
		bool again = str_eq(names.names[i], r->source->model);

		for (unsigned k = 1; k < n && !again; k++)
			again = str_eq(targets[k].model, names.names[i]);
		if (again)
			continue;
		targets[n] = wish_target_none;
		targets[n++].model = names.names[i];
	}
	r->out->targets = targets;
	r->out->n_targets = n;
	return true;
}

/* ---- our own words ---- */

static bool read_duration(struct wish_reader *r, const char *place, struct str v, int64_t *ms)
{
	int64_t n;

	if (!value_read_duration(v, &n) || n <= 0 || n > WISH_WAIT_MAX_MS)
		return wish_refuse_text(r, place, "a duration such as 500ms or 30s, up to 24 h", v);
	*ms = n;
	return true;
}

/* "connect=2s, first_byte=5s", or one duration for all. */
static bool read_timeouts(struct wish_reader *r, struct str v)
{
	struct route_wishes *w = r->out;
	const struct { struct str name; int64_t *ms; } parts[] = {
		{ STR("connect"), &w->connect_ms }, { STR("first_byte"), &w->first_byte_ms },
		{ STR("idle"), &w->idle_ms }, { STR("total"), &w->total_ms },
	};

	if (str_find_chr(v, '=') == STR_NPOS)
		return read_duration(r, "x-sluice-timeout", v, &w->total_ms);
	while (v.p) {
		struct str rest = str_cut(&v, ','), name = str_trim(str_cut(&rest, '='));
		size_t i = 0;

		while (i < COUNT_OF(parts) && !str_eq(parts[i].name, name))
			i++;
		if (i == COUNT_OF(parts) || !rest.p)
			return wish_refuse_text(r, "x-sluice-timeout",
			                        "a duration, or parts of connect=2s, first_byte=5s, idle=10s, total=1m",
			                        name);
		if (!read_duration(r, "x-sluice-timeout", str_trim(rest), parts[i].ms))
			return false;
	}
	return true;
}

static bool read_regions(struct wish_reader *r, struct str v)
{
	struct str *names = arena_alloc(r->arena, WISHES_MAX * sizeof *names);
	struct wish_names found = { names, 0 };

	if (!names)
		return wish_no_memory(r);
	for (struct str rest = v; rest.p;) {
		struct str name = str_trim(str_cut(&rest, ','));

		if (name.n == 0 || name.n > 64 || found.n == WISHES_MAX)
			return wish_refuse_text(r, "x-sluice-region", "names of regions such as eu, joined by commas",
			                        v);
		names[found.n++] = name;
	}
	return wish_narrow(r, &r->out->regions, &r->out->regions_set, &found);
}

static bool is_yes(struct str v)
{
	return str_ieq(v, STR("true")) || str_eq(v, STR("1"));
}

bool wish_read_sluice(struct wish_reader *r)
{
	struct route_wishes *w = r->out;
	struct str v;

	if ((v = wish_field(r, STR("x-sluice-zdr"))).p) {
		if (!str_ieq(v, STR("require")))
			return wish_refuse_text(r, "x-sluice-zdr", "require", v);
		w->zdr = true;
	}
	if ((v = wish_field(r, STR("x-sluice-region"))).p && !read_regions(r, v))
		return false;
	if ((v = wish_field(r, STR("x-sluice-timeout"))).p && !read_timeouts(r, v))
		return false;
	if ((v = wish_field(r, STR("x-sluice-retries"))).p &&
	    !wish_text_int(r, "x-sluice-retries", v, 0, WISH_ATTEMPTS_MAX, &w->attempts))
		return false;
	if ((v = wish_field(r, STR("x-sluice-explain"))).p) {
		if (!is_yes(v) && !str_ieq(v, STR("false")) && !str_eq(v, STR("0")))
			return wish_refuse_text(r, "x-sluice-explain", "true or false", v);
		w->explain = is_yes(v);
	}
	return true;
}

/* The first of the three gateways' fields that is there; the others are checked all the same. */
static bool read_metadata(struct wish_reader *r)
{
	static const char *const fields[] = { "x-sluice-metadata", "x-portkey-metadata", "cf-aig-metadata" };
	const struct json_node *v;

	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		struct str text = wish_field(r, str_from_z(fields[i]));

		if (!text.p)
			continue;
		if (text.n > WISH_METADATA_MAX)
			return err_set(r->err, ERR_INVALID_REQUEST, "%s: must be at most %d bytes long, not %zu",
			               fields[i], WISH_METADATA_MAX, text.n);
		if (!(v = wish_nodes(r, fields[i], text)))
			return false;
		if (v->type != JSON_OBJECT)
			return wish_refuse(r, fields[i], "a JSON object", v);
		if (!r->metadata) {
			r->metadata = v;
			r->out->metadata = node_raw(v);
		}
	}
	return true;
}

bool wishes_know_field(struct str name)
{
	static const struct str ours[] = {
		STR_INIT("x-sluice-zdr"), STR_INIT("x-sluice-region"), STR_INIT("x-sluice-timeout"),
		STR_INIT("x-sluice-retries"), STR_INIT("x-sluice-metadata"), STR_INIT("x-sluice-explain"),
		STR_INIT("x-portkey-config"), STR_INIT("x-portkey-provider"), STR_INIT("x-portkey-virtual-key"),
		STR_INIT("x-portkey-request-timeout"), STR_INIT("x-portkey-metadata"),
		STR_INIT("x-portkey-custom-host"), STR_INIT("cf-aig-request-timeout"), STR_INIT("cf-aig-max-attempts"),
		STR_INIT("cf-aig-retry-delay"), STR_INIT("cf-aig-backoff"), STR_INIT("cf-aig-metadata"),
	};

	for (size_t i = 0; i < COUNT_OF(ours); i++)
		if (str_ieq(name, ours[i]))
			return true;
	return false;
}

bool wishes_read(struct arena *a, const struct wish_source *source, struct route_wishes *out, struct err *e)
{
	struct route_wishes w = route_wishes_none;
	struct wish_reader r = { .arena = a, .source = source, .out = &w, .err = e };

	if (!read_metadata(&r) || !wish_read_sluice(&r) || !wish_read_openrouter(&r) || !wish_read_vercel(&r) ||
	    !wish_read_portkey(&r) || !wish_read_cloudflare(&r))
		return false;
	*out = w;
	return true;
}
