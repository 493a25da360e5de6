/* SPDX-License-Identifier: Apache-2.0 */
/* What callers of the admin API send, read strictly: unknown names are refused with the nearest known one. */
#include <assert.h>

#include "admin/admin_in.h"
#include "base/clock.h"
#include "base/text.h"
#include "conf/nearest.h"
#include "conf/value.h"
#include "govern/keys.h"
#include "json/tree.h"

#define DAY_MS 86400000

const struct admin_param_row admin_params[PARAMS] = {
	[PARAM_LIMIT] = { "limit", "Most rows of this answer." },
	[PARAM_CURSOR] = { "cursor", "next_cursor of the page before." },
	[PARAM_GROUP] = { "group", "What a sum is for: total, key, model, provider or day." },
	[PARAM_SINCE] = { "since",
	                  "Not before: 2026-11-27T23:05:01Z, 2026-11-27, or a duration back from now such as 24h." },
	[PARAM_UNTIL] = { "until", "Before this time; written as since." },
	[PARAM_KEY] = { "key", "Only this key's, by its id." },
	[PARAM_MODEL] = { "model", "Only this public model name's." },
	[PARAM_PROVIDER] = { "provider", "Only this provider's." },
	[PARAM_TEAM] = { "team", "Only this team's." },
	[PARAM_USER] = { "user", "Only this user's." },
	[PARAM_REVOKED] = { "revoked", "true: revoked keys too." },
};

/* ---- query ---- */

/* application/x-www-form-urlencoded: a plus is a space. */
static bool decode(struct arena *a, struct str s, struct str *out)
{
	struct buf plain = buf_make(s.n), done = buf_make(s.n);
	bool good = true;

	for (size_t i = 0; i < s.n && good; i++)
		good = buf_append_c(&plain, s.p[i] == '+' ? ' ' : s.p[i]);
	good = good && text_percent_decode(&done, buf_str(&plain)) && text_is_utf8(buf_str(&done));
	if (good)
		*out = arena_dup(a, buf_str(&done));
	buf_fini(&plain);
	buf_fini(&done);
	return good && out->p;
}

static bool unknown_param(const struct admin_route *route, struct str name, struct err *e)
{
	struct nearest near = nearest_to(name);

	for (unsigned i = 0; i < PARAMS; i++)
		if (route->params & 1u << i)
			nearest_offer(&near, str_from_z(admin_params[i].name));
	if (near.best.p)
		return err_set(e, ERR_INVALID_REQUEST, "unknown parameter \"%.*s\"; did you mean \"%.*s\"?",
		               STR_ARG(name), STR_ARG(near.best));
	return err_set(e, ERR_INVALID_REQUEST, "unknown parameter \"%.*s\"", STR_ARG(name));
}

bool input_query(struct admin_call *c, const struct admin_route *route, struct str query, struct err *e)
{
	struct str rest = query;

	while (rest.p && rest.n) {
		struct str value = str_cut(&rest, '&'), name = str_cut(&value, '='), text;
		unsigned i = 0;

		if (!name.n && !value.n)
			continue;
		if (!decode(c->arena, name, &name) || !decode(c->arena, value, &text))
			return err_set(e, ERR_INVALID_REQUEST,
			               "the query holds a bad percent-escape or bytes that are no UTF-8");
		name = str_slice(name, 0, 64);
		while (i < PARAMS && !(route->params & 1u << i && str_eq(name, str_from_z(admin_params[i].name))))
			i++;
		if (i == PARAMS)
			return unknown_param(route, name, e);
		if (c->param[i].p)
			return err_set(e, ERR_INVALID_REQUEST, "parameter \"%s\" stands twice", admin_params[i].name);
		c->param[i] = text;
	}
	return true;
}

bool input_limit(const struct admin_call *c, size_t otherwise, size_t max, size_t *out, struct err *e)
{
	struct str s = c->param[PARAM_LIMIT];
	uint64_t v = otherwise;

	if (s.p && (!str_to_u64(s, &v) || v < 1 || v > max))
		return err_set(e, ERR_INVALID_REQUEST, "limit must be a number from 1 to %zu, it is \"%.*s\"", max,
		               STR_ARG(str_slice(s, 0, 64)));
	*out = (size_t)v;
	return true;
}

bool input_bool(const struct admin_call *c, enum admin_param p, bool *out, struct err *e)
{
	struct str s = c->param[p];

	*out = s.p && str_eq(s, STR("true"));
	if (!s.p || *out || str_eq(s, STR("false")))
		return true;
	return err_set(e, ERR_INVALID_REQUEST, "%s must be true or false, it is \"%.*s\"", admin_params[p].name,
	               STR_ARG(str_slice(s, 0, 64)));
}

/* ---- times ---- */

/* n digits in front of *s, then `then` (0: nothing). */
static bool take_digits(struct str *s, size_t n, char then, unsigned *out)
{
	uint64_t v;

	if (s->n < n + (then != 0) || !str_to_u64(str_slice(*s, 0, n), &v) || (then && s->p[n] != then))
		return false;
	*out = (unsigned)v;
	*s = str_slice(*s, n + (then != 0), s->n);
	return true;
}

/* Days since 1970 of a date, as Howard Hinnant's days_from_civil has it; base/clock has the way back. */
static int64_t days_of(unsigned year, unsigned month, unsigned day)
{
	int64_t y = (int64_t)year - (month <= 2), era = y / 400, yoe = y - era * 400;
	int64_t doy = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static unsigned days_in(unsigned year, unsigned month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month == 2 && year % 4 == 0 && (year % 100 || year % 400 == 0) ? 29 : days[month - 1];
}

/* ".123" and then "Z" or "+01:00". */
static bool read_tail(struct str s, unsigned *ms, int *offset_minutes)
{
	unsigned hours, minutes, scale = 100;
	bool minus;

	*ms = 0;
	*offset_minutes = 0;
	if (s.n && s.p[0] == '.') {
		size_t digits = 1;

		for (; digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9'; digits++, scale /= 10)
			*ms += (unsigned)(s.p[digits] - '0') * scale;
		if (digits == 1)
			return false;
		s = str_slice(s, digits, s.n);
	}
	if (str_eq(s, STR("Z")) || str_eq(s, STR("z")))
		return true;
	if (!s.n || (s.p[0] != '+' && s.p[0] != '-'))
		return false;
	minus = s.p[0] == '-';
	s = str_slice(s, 1, s.n);
	if (!take_digits(&s, 2, ':', &hours) || !take_digits(&s, 2, 0, &minutes) || s.n || hours > 23 || minutes > 59)
		return false;
	*offset_minutes = (int)(hours * 60 + minutes) * (minus ? -1 : 1);
	return true;
}

bool time_read(struct str s, uint64_t *real_ms)
{
	unsigned year, month, day, hour = 0, minute = 0, second = 0, ms = 0;
	int offset_minutes = 0;
	int64_t out;

	if (!take_digits(&s, 4, '-', &year) || !take_digits(&s, 2, '-', &month) || !take_digits(&s, 2, 0, &day))
		return false;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in(year, month))
		return false;
	if (s.n) {
		if (s.p[0] != 'T' && s.p[0] != 't' && s.p[0] != ' ')
			return false;
		s = str_slice(s, 1, s.n);
		if (!take_digits(&s, 2, ':', &hour) || !take_digits(&s, 2, ':', &minute) ||
		    !take_digits(&s, 2, 0, &second) || hour > 23 || minute > 59 || second > 60 ||
		    !read_tail(s, &ms, &offset_minutes))
			return false;
	}
	out = days_of(year, month, day) * DAY_MS + (int64_t)hour * 3600000 + (int64_t)minute * 60000 +
	      (int64_t)second * 1000 + ms - (int64_t)offset_minutes * 60000;
	if (out < 0)
		return false;
	*real_ms = (uint64_t)out;
	return true;
}

bool input_time(const struct admin_call *c, enum admin_param p, uint64_t *out, struct err *e)
{
	struct str s = c->param[p];
	uint64_t now = clock_real_ms();
	int64_t back;

	*out = 0;
	if (!s.p || time_read(s, out))
		return true;
	if (value_read_duration(s, &back) && back >= 0) {
		*out = (uint64_t)back < now ? now - (uint64_t)back : 1;
		return true;
	}
	return err_set(e, ERR_INVALID_REQUEST,
	               "%s must be a time (2026-11-27T23:05:01Z), a date (2026-11-27) or a duration back from "
	               "now (24h), it is \"%.*s\"",
	               admin_params[p].name, STR_ARG(str_slice(s, 0, 64)));
}

/* ---- bodies ---- */

enum member_type { MEMBER_TEXT, MEMBER_TEXTS, MEMBER_ROLE, MEMBER_WEIGHT, MEMBER_PRIORITY, MEMBER_TIME,
	MEMBER_SPAN };

static const struct key_member {
	const char *name;
	enum member_type type;
	unsigned what;
	size_t at, at_n;
} key_members[] = {
	{ "name", MEMBER_TEXT, KEY_EDIT_NAME, offsetof(struct key_info, name), 0 },
	{ "team", MEMBER_TEXT, KEY_EDIT_TEAM, offsetof(struct key_info, team), 0 },
	{ "user", MEMBER_TEXT, KEY_EDIT_USER, offsetof(struct key_info, user), 0 },
	{ "models", MEMBER_TEXTS, KEY_EDIT_MODELS, offsetof(struct key_info, models),
	  offsetof(struct key_info, n_models) },
	{ "tags", MEMBER_TEXTS, KEY_EDIT_TAGS, offsetof(struct key_info, tags), offsetof(struct key_info, n_tags) },
	{ "role", MEMBER_ROLE, KEY_EDIT_ROLE, 0, 0 },
	{ "weight", MEMBER_WEIGHT, KEY_EDIT_WEIGHT, 0, 0 },
	{ "priority", MEMBER_PRIORITY, KEY_EDIT_PRIORITY, 0, 0 },
	{ "expires_at", MEMBER_TIME, KEY_EDIT_EXPIRES, 0, 0 },
	{ "expires_in", MEMBER_SPAN, KEY_EDIT_EXPIRES, 0, 0 },
};

static bool unknown_member(struct str name, struct err *e)
{
	struct nearest near = nearest_to(str_slice(name, 0, 64));

	for (size_t i = 0; i < COUNT_OF(key_members); i++)
		nearest_offer(&near, str_from_z(key_members[i].name));
	if (near.best.p)
		return err_set(e, ERR_INVALID_REQUEST, "unknown member \"%.*s\"; did you mean \"%.*s\"?",
		               STR_ARG(near.word), STR_ARG(near.best));
	return err_set(e, ERR_INVALID_REQUEST,
	               "unknown member \"%.*s\"; known are name, team, user, models, tags, role, weight, priority, "
	               "expires_at and expires_in",
	               STR_ARG(near.word));
}

static bool read_texts(struct admin_call *c, const struct key_member *m, yyjson_val *v, struct key_info *k,
                       struct err *e)
{
	size_t n = yyjson_arr_size(v), i, max;
	struct str *texts;
	yyjson_val *item;

	if (!yyjson_is_arr(v))
		return err_set(e, ERR_INVALID_REQUEST, "%s must be an array of strings", m->name);
	texts = arena_alloc(c->arena, (n ? n : 1) * sizeof(*texts));
	if (!texts)
		return err_set(e, ERR_TOO_LARGE, "%s has too many entries", m->name);
	yyjson_arr_foreach(v, i, max, item) {
		if (!json_val_str(item, &texts[i]))
			return err_set(e, ERR_INVALID_REQUEST, "%s[%zu] must be a string", m->name, i);
	}
	*(const struct str **)(void *)((char *)k + m->at) = texts;
	*(size_t *)(void *)((char *)k + m->at_n) = n;
	return true;
}

static bool read_expiry(const struct key_member *m, struct str text, struct key_info *k, struct err *e)
{
	int64_t span;

	if (m->type == MEMBER_TIME) {
		if (time_read(text, &k->expires_ms) && k->expires_ms)
			return true;
		return err_set(e, ERR_INVALID_REQUEST,
		               "expires_at must be a time such as 2026-11-27T23:05:01Z, or null for never; it is "
		               "\"%.*s\"",
		               STR_ARG(str_slice(text, 0, 64)));
	}
	if (value_read_duration(text, &span) && span > 0) {
		k->expires_ms = clock_real_ms() + (uint64_t)span;
		return true;
	}
	return err_set(e, ERR_INVALID_REQUEST, "expires_in must be a duration such as 12h or 30d, it is \"%.*s\"",
	               STR_ARG(str_slice(text, 0, 64)));
}

static bool read_share(const struct key_member *m, yyjson_val *v, struct key_info *k, struct err *e)
{
	uint64_t n = yyjson_is_uint(v) ? yyjson_get_uint(v) : UINT64_MAX;

	if (m->type == MEMBER_PRIORITY) {
		k->behind = (int8_t)(n - 1);
		return n <= 2 || err_set(e, ERR_INVALID_REQUEST, "priority must be 0, 1 or 2");
	}
	k->weight = (uint32_t)n;
	return (n >= 1 && n <= KEY_WEIGHT_MAX) ||
	       err_set(e, ERR_INVALID_REQUEST, "weight must be an integer from 1 to %d", KEY_WEIGHT_MAX);
}

static bool read_member(struct admin_call *c, const struct key_member *m, yyjson_val *v, struct key_info *k,
                        struct err *e)
{
	struct str text = { NULL, 0 };

	if (m->type == MEMBER_TEXTS)
		return read_texts(c, m, v, k, e);
	if (m->type == MEMBER_WEIGHT || m->type == MEMBER_PRIORITY)
		return read_share(m, v, k, e);
	if (yyjson_is_null(v) && (m->type == MEMBER_TIME || (m->type == MEMBER_TEXT && m->what != KEY_EDIT_NAME)))
		return true; /* none; the members are empty at first */
	if (!json_val_str(v, &text))
		return err_set(e, ERR_INVALID_REQUEST, "%s must be a string", m->name);
	switch (m->type) {
	case MEMBER_TEXT:
		*(struct str *)(void *)((char *)k + m->at) = text;
		return true;
	case MEMBER_ROLE:
		k->role = str_eq(text, STR("admin")) ? KEY_ADMIN : KEY_USER;
		if (k->role == KEY_ADMIN || str_eq(text, STR("user")))
			return true;
		return err_set(e, ERR_INVALID_REQUEST, "role must be \"user\" or \"admin\", it is \"%.*s\"",
		               STR_ARG(str_slice(text, 0, 64)));
	case MEMBER_TIME:
	case MEMBER_SPAN:
		return read_expiry(m, text, k, e);
	case MEMBER_TEXTS: case MEMBER_WEIGHT: case MEMBER_PRIORITY:
		break;
	}
	assert(!"unknown member_type");
	return false;
}

bool input_key(struct admin_call *c, struct key_info *k, unsigned *what, struct err *e)
{
	yyjson_val *body = json_parse(c->arena, c->body, 8, e), *name, *value;
	unsigned seen = 0;
	size_t at, max;

	*what = 0;
	*k = (struct key_info){ .role = KEY_USER };
	if (!body)
		return false;
	if (!yyjson_is_obj(body))
		return err_set(e, ERR_INVALID_REQUEST, "the body must be a JSON object");
	yyjson_obj_foreach(body, at, max, name, value) {
		struct str text = str_of(yyjson_get_str(name), yyjson_get_len(name));
		size_t i = 0;

		while (i < COUNT_OF(key_members) && !str_eq(text, str_from_z(key_members[i].name)))
			i++;
		if (i == COUNT_OF(key_members))
			return unknown_member(text, e);
		if (seen & 1u << i)
			return err_set(e, ERR_INVALID_REQUEST, "%s stands twice", key_members[i].name);
		if (key_members[i].what & *what)
			return err_set(e, ERR_INVALID_REQUEST, "only one of expires_at and expires_in may be given");
		if (!read_member(c, &key_members[i], value, k, e))
			return false;
		seen |= 1u << i;
		*what |= key_members[i].what;
	}
	return true;
}
