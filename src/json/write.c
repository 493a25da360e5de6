/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer. */
#include "json/write.h"

#include <assert.h>

#include "json/json_in.h"

static inline bool in_object(const struct json_writer *w) { return w->level > 0 && (w->objects >> (w->level - 1) & 1); }

/* Before each value: the comma, and the check that it may stand here. */
static inline void begin_value(struct json_writer *w)
{
	assert(in_object(w) == w->keyed);
	if (w->comma && !w->keyed) {
		assert(w->level > 0); /* a text is one value */
		buf_append_c(w->out, ',');
	}
	w->comma = true;
	w->keyed = false;
}

void json_open(struct json_writer *w, char bracket)
{
	uint64_t bit = (uint64_t)1 << w->level;

	assert(bracket == '{' || bracket == '[');
	assert(w->level < JSON_WRITE_LEVELS);
	begin_value(w);
	buf_append_c(w->out, bracket);
	w->objects = bracket == '{' ? w->objects | bit : w->objects & ~bit;
	w->level++;
	w->comma = false;
}

void json_close(struct json_writer *w)
{
	assert(w->level > 0 && !w->keyed);
	buf_append_c(w->out, in_object(w) ? '}' : ']');
	w->level--;
	w->comma = true;
}

void json_key(struct json_writer *w, struct str key)
{
	assert(in_object(w) && !w->keyed);
	if (w->comma)
		buf_append_c(w->out, ',');
	json_append_str(w->out, key);
	buf_append_c(w->out, ':');
	w->keyed = true;
}

void json_key_text(struct json_writer *w, struct str text)
{
	assert(in_object(w) && !w->keyed);
	buf_append(w->out, w->comma ? text : str_of(text.p + 1, text.n - 1));
	w->keyed = true;
}

void json_str(struct json_writer *w, struct str s)
{
	begin_value(w);
	json_append_str(w->out, s);
}

void json_i64(struct json_writer *w, int64_t v)
{
	begin_value(w);
	buf_append_i64(w->out, v);
}

void json_u64(struct json_writer *w, uint64_t v)
{
	begin_value(w);
	buf_append_u64(w->out, v);
}

void json_bool(struct json_writer *w, bool v)
{
	begin_value(w);
	buf_append(w->out, v ? STR("true") : STR("false"));
}

void json_null(struct json_writer *w)
{
	begin_value(w);
	buf_append(w->out, STR("null"));
}

void json_raw(struct json_writer *w, struct str json)
{
	assert(json.n > 0);
	begin_value(w);
	buf_append(w->out, json);
}

bool json_write_done(const struct json_writer *w)
{
	return w->level == 0 && w->comma && !w->out->failed;
}

/* Appends what stands for the byte or character at p, which may not stand as it is, and returns the place behind it. */
static const uint8_t *append_escaped(struct buf *out, const uint8_t *p, const uint8_t *end)
{
	static const char hex[] = "0123456789abcdef", from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";

	if (*p >= 0x80) {
		unsigned n = json_utf8_length(json_utf8_word(p, end));
		buf_append(out, n ? str_of((const char *)p, n) : STR("\xef\xbf\xbd"));
		return p + (n ? n : 1);
	}
	const char *at = memchr(from, *p, sizeof from - 1);
	if (at)
		buf_append(out, str_of((char[]){ '\\', to[at - from] }, 2));
	else
		buf_append(out, str_of((char[]){ '\\', 'u', '0', '0', hex[*p >> 4], hex[*p & 15] }, 6));
	return p + 1;
}

bool json_append_str(struct buf *out, struct str s)
{
	const uint8_t *p = (const uint8_t *)(s.n ? s.p : ""), *end = p + s.n, *stop = json_find_stop(p, end);

	if (likely(stop == end)) {
		char *to = buf_reserve(out, s.n + 2);
		if (!to)
			return false;
		*to++ = '"';
		memcpy(to, p, s.n);
		to[s.n] = '"';
		out->n += s.n + 2;
		return true;
	}
	buf_append_c(out, '"');
	while (p < end) {
		buf_append(out, str_of((const char *)p, (size_t)(stop - p)));
		for (p = stop; p < end && (*p < ' ' || *p >= 0x80 || *p == '"' || *p == '\\');)
			p = append_escaped(out, p, end);
		stop = json_find_stop(p, end);
	}
	return buf_append_c(out, '"') && !out->failed;
}
