/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer. */
#include "json/write.h"

#include "json/jstr.h"

#include <assert.h>

#include "json/json_in.h"

/* buf_reserve, its common case without the call. */
static inline char *reserve(struct buf *b, size_t n)
{
	return likely(b->p && n <= b->cap - b->n) ? b->p + b->n : buf_reserve(b, n);
}

/* Is none of the eight bytes one that a plain run stops at? A borrow of the subtractions begins at a byte that is. */
static inline bool is_plain8(uint64_t x)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t control = x - ones * ' ', quote = (x ^ ones * '"') - ones, backslash = (x ^ ones * '\\') - ones;
	return ((control | quote | backslash | x) & ones * 0x80) == 0;
}

/* Nothing in it has to be escaped or repaired. */
static inline bool is_plain(struct str s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	uint64_t x, y;
	uint32_t v, w;

	if (s.n >= 16)
		return json_find_stop(p, p, p + s.n) == p + s.n;
	if (s.n >= 8) {
		memcpy(&x, p, 8);
		memcpy(&y, p + s.n - 8, 8);
		return is_plain8(x) && is_plain8(y);
	}
	if (s.n >= 4) {
		memcpy(&v, p, 4);
		memcpy(&w, p + s.n - 4, 4);
		return is_plain8(v | (uint64_t)w << 32);
	}
	if (s.n == 0)
		return true;
	return is_plain8(0x2020202020000000 | p[0] | (unsigned)p[s.n / 2] << 8 | (unsigned)p[s.n - 1] << 16);
}

static inline void put_plain(char *to, struct str s)
{
	to[0] = '"';
	json_copy(to + 1, s.p, s.n);
	to[s.n + 1] = '"';
}

/* Begins a value of n bytes: checks that it may stand here, makes room and puts the comma. Returns where the bytes
 * go, all n of them; NULL: the buffer's ceiling. */
static inline char *begin_value(struct json_writer *w, size_t n)
{
	bool comma = w->comma;

	assert(w->in_object == w->keyed);
	assert(!comma || w->level > 0); /* a text is one value */
	w->comma = true;
	w->keyed = false;
	char *to = reserve(w->out, n + comma);
	if (unlikely(!to))
		return NULL;
	w->out->n += n + comma;
	if (comma)
		*to++ = ',';
	return to;
}

static inline void put_value(struct json_writer *w, struct str text)
{
	char *to = begin_value(w, text.n);
	if (likely(to))
		json_copy(to, text.p, text.n);
}

void json_open(struct json_writer *w, char bracket)
{
	assert(bracket == '{' || bracket == '[');
	assert(w->level < JSON_WRITE_LEVELS);
	put_value(w, str_of(&bracket, 1));
	uint64_t bit = (uint64_t)1 << w->level;
	w->in_object = bracket == '{';
	w->objects = w->in_object ? w->objects | bit : w->objects & ~bit;
	w->level++;
	w->comma = false;
}

void json_close(struct json_writer *w)
{
	assert(w->level > 0 && !w->keyed);
	buf_append_c(w->out, w->in_object ? '}' : ']');
	w->level--;
	w->in_object = w->level > 0 && (w->objects >> (w->level - 1) & 1);
	w->comma = true;
}

void json_key(struct json_writer *w, struct str key)
{
	assert(w->in_object && !w->keyed);
	if (w->comma)
		buf_append_c(w->out, ',');
	json_append_str(w->out, key);
	buf_append_c(w->out, ':');
	w->comma = false;
	w->keyed = true;
}

void json_key_jstr(struct json_writer *w, struct jstr key)
{
	assert(w->in_object && !w->keyed);
	buf_append(w->out, w->comma ? STR(",\"") : STR("\""));
	buf_append_jstr(w->out, key);
	buf_append(w->out, STR("\":"));
	w->comma = false;
	w->keyed = true;
}

void json_key_text(struct json_writer *w, struct str text)
{
	assert(w->in_object && !w->keyed);
	text = str_slice(text, !w->comma, text.n);
	w->comma = false;
	w->keyed = true;
	buf_append(w->out, text);
}

void json_str(struct json_writer *w, struct str s)
{
	if (unlikely(!is_plain(s))) {
		begin_value(w, 0);
		json_append_str(w->out, s);
		return;
	}
	char *to = begin_value(w, s.n + 2);
	if (likely(to))
		put_plain(to, s);
}

void json_jstr(struct json_writer *w, struct jstr s)
{
	char *to = begin_value(w, s.n + 2);

	if (likely(to))
		put_plain(to, jstr_raw(s));
}

void json_u64(struct json_writer *w, uint64_t v)
{
	char digits[32];
	size_t n = fmt_u64(digits, v);
	assert(n <= 20);
	put_value(w, str_of(digits, n));
}

void json_i64(struct json_writer *w, int64_t v)
{
	char text[33] = "-";
	size_t n = fmt_u64(text + 1, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
	assert(n <= 20);
	put_value(w, v < 0 ? str_of(text, n + 1) : str_of(text + 1, n));
}

void json_bool(struct json_writer *w, bool v) { put_value(w, v ? STR("true") : STR("false")); }

void json_null(struct json_writer *w) { put_value(w, STR("null")); }

void json_raw(struct json_writer *w, struct str json)
{
	assert(json.n > 0);
	put_value(w, json);
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
	if (likely(is_plain(s))) {
		char *to = buf_reserve(out, s.n + 2);
		if (!to)
			return false;
		put_plain(to, s);
		out->n += s.n + 2;
		return true;
	}
	const uint8_t *start = (const uint8_t *)s.p, *p = start, *end = p + s.n;
	buf_append_c(out, '"');
	while (p < end) {
		const uint8_t *stop = json_find_stop(start, p, end);
		buf_append(out, str_of((const char *)p, (size_t)(stop - p)));
		for (p = stop; p < end && (*p < ' ' || *p >= 0x80 || *p == '"' || *p == '\\');)
			p = append_escaped(out, p, end);
	}
	return buf_append_c(out, '"') && !out->failed;
}
