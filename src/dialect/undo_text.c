/* SPDX-License-Identifier: Apache-2.0 */
/* undo_text: stop sequences, and values inside of an object. */
#include "dialect/undo_in.h"

#include "base/arena.h"
#include "base/text.h"
#include "json/node.h"

enum { DOCUMENT_DEPTH_MAX = 256 };

/* ---- letters of an escaped text ---- */

struct letter {
	char plain[4];               /* UTF-8 */
	uint8_t n;                   /* bytes of it */
	uint8_t raw_n;               /* bytes in the text */
	bool half;                   /* the first half of a pair, and the text ends here: there may be more */
};

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The number behind "\u"; -1: none there. */
static int32_t hex4(struct jstr t, size_t at)
{
	int32_t v = 0;

	if (at + 6 > t.n || t.p[at] != '\\' || t.p[at + 1] != 'u')
		return -1;
	for (size_t i = 2; i < 6; i++) {
		int digit = hex_value(t.p[at + i]);

		if (digit < 0)
			return -1;
		v = v << 4 | digit;
	}
	return v;
}

static void letter_escaped(struct jstr t, size_t at, struct letter *l)
{
	static const char short_names[] = "\"\\/bfnrt", short_values[] = "\"\\/\b\f\n\r\t";
	int32_t c = hex4(t, at), low;
	const char *name;

	if (c < 0) {
		name = at + 1 < t.n ? memchr(short_names, t.p[at + 1], sizeof(short_names) - 1) : NULL;
		l->plain[0] = name ? short_values[name - short_names] : '\\';
		l->n = 1;
		l->raw_n = name ? 2 : 1;
		return;
	}
	l->raw_n = 6;
	if (c >= 0xd800 && c < 0xdc00) {
		low = hex4(t, at + 6);
		l->half = at + 6 == t.n;
		if (low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			l->raw_n = 12;
		}
	}
	if (c >= 0xd800 && c < 0xe000)
		c = 0xfffd;
	l->n = (uint8_t)text_utf8_put(l->plain, (uint32_t)c);
}

static struct letter letter_at(struct jstr t, size_t at)
{
	unsigned char c = (unsigned char)t.p[at];
	struct letter l = { .n = 1, .raw_n = 1 };

	if (c == '\\') {
		letter_escaped(t, at, &l);
		return l;
	}
	if (c >= 0xc0)
		l.n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (l.n > t.n - at) /* against the invariant */
		l.n = 1;
	l.raw_n = l.n;
	memcpy(l.plain, t.p + at, l.n);
	return l;
}

/* ---- stop sequences ---- */

enum match { MATCH_NO, MATCH_YES, MATCH_PERHAPS };

/* Does `stop` begin at `at`? *end: where it ends. */
static enum match match_at(struct jstr t, size_t at, struct str stop, size_t *end)
{
	size_t seen = 0;

	while (seen < stop.n) {
		struct letter l;

		if (at == t.n)
			return MATCH_PERHAPS;
		l = letter_at(t, at);
		if (l.half)
			return MATCH_PERHAPS;
		if (l.n > stop.n - seen || memcmp(l.plain, stop.p + seen, l.n) != 0)
			return MATCH_NO;
		seen += l.n;
		at += l.raw_n;
	}
	*end = at;
	return MATCH_YES;
}

struct stop_hit stop_watch_look(const struct stop_watch *w, struct jstr t)
{
	struct stop_hit hit = { t.n, -1 };
	size_t best_end = SIZE_MAX;
	bool held = false;

	for (size_t at = 0; at < t.n && at < best_end; at += letter_at(t, at).raw_n) {
		for (unsigned i = 0; i < w->n; i++) {
			size_t end;
			enum match m = match_at(t, at, w->stops[i], &end);

			if (m == MATCH_YES && end < best_end) {
				best_end = end;
				hit = (struct stop_hit){ at, (int)i };
			} else if (m == MATCH_PERHAPS && hit.stop < 0 && !held) {
				held = true;
				hit.free_n = at;
			}
		}
	}
	return hit;
}

/* ---- a value inside of an object ---- */

void unwrap_fini(struct unwrap *u)
{
	buf_fini(&u->seen);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* One letter before the value. */
static void step_before(struct unwrap *u, char c)
{
	switch ((enum unwrap_state)u->state) {
	case UNWRAP_START:
		if (!is_space(c))
			u->state = c == '{' ? UNWRAP_QUOTE : UNWRAP_ODD;
		return;
	case UNWRAP_QUOTE:
		if (!is_space(c))
			u->state = c == '"' ? UNWRAP_NAME : UNWRAP_ODD;
		return;
	case UNWRAP_NAME:
		if (u->name_n == u->name.n)
			u->state = c == '"' ? UNWRAP_COLON : UNWRAP_ODD;
		else if (c == u->name.p[u->name_n])
			u->name_n++;
		else
			u->state = UNWRAP_ODD;
		return;
	case UNWRAP_COLON:
		if (!is_space(c))
			u->state = c == ':' ? UNWRAP_BEGIN : UNWRAP_ODD;
		return;
	case UNWRAP_BEGIN:
		if (is_space(c))
			return;
		u->state = !u->as_string || c == '"' ? UNWRAP_VALUE : UNWRAP_ODD;
		return;
	case UNWRAP_VALUE:
	case UNWRAP_END:
	case UNWRAP_ODD:
		return;
	}
}

/* One letter of a raw value: false: the value ended before it. */
static bool step_raw(struct unwrap *u, char c)
{
	if (u->in_string) {
		if (u->escaped)
			u->escaped = false;
		else if (c == '\\')
			u->escaped = true;
		else if (c == '"')
			u->in_string = false;
		return true;
	}
	if (u->depth == 0 && (c == '}' || c == ',')) {
		u->state = UNWRAP_END;
		return false;
	}
	if (c == '"')
		u->in_string = true;
	else if (c == '{' || c == '[')
		u->depth++;
	else if ((c == '}' || c == ']') && u->depth > 0)
		u->depth--;
	return true;
}

/* An escape that no JSON string may hold becomes the letters that it is made of. */
static void escape_is_odd(struct unwrap *u, struct buf *out)
{
	buf_append(out, STR("\\\\"));
	buf_append(out, str_of(u->escape + 1, (size_t)u->escape_n - 1));
	u->escape_n = 0;
}

/* One letter of a string's contents, which are an escaped text already. */
static void step_string(struct unwrap *u, char c, struct buf *out)
{
	if (u->escape_n) {
		bool fits = u->escape_n == 1 ? c && memchr("\"\\/bfnrtu", c, 9) : hex_value(c) >= 0;

		if (fits) {
			u->escape[u->escape_n++] = c;
			if ((u->escape_n == 2 && c != 'u') || u->escape_n == 6) {
				buf_append(out, str_of(u->escape, u->escape_n));
				u->escape_n = 0;
			}
			return;
		}
		escape_is_odd(u, out);
	}
	if (c == '\\') {
		u->escape[0] = c;
		u->escape_n = 1;
	} else if (c == '"') {
		u->state = UNWRAP_END;
	} else if ((unsigned char)c < 0x20) {
		buf_printf(out, "\\u%04x", (unsigned)(unsigned char)c);
	} else {
		buf_append_c(out, c);
	}
}

static struct jstr keep_text(struct arena *a, const struct buf *b)
{
	struct str copy = b->failed ? str_of(NULL, 0) : arena_dup(a, b->n ? buf_str(b) : STR(""));

	return jstr_of(copy.p, copy.n);
}

struct jstr unwrap_add(struct unwrap *u, struct arena *a, struct jstr piece)
{
	struct str doc = jstr_inner(a, piece);
	struct buf text = buf_make(6 * doc.n + 16);
	struct jstr out;
	size_t i = 0, from;

	if (!doc.p && piece.n)
		return (struct jstr){ 0 };
	if (u->state < UNWRAP_VALUE || u->state == UNWRAP_ODD) {
		if (!buf_append(&u->seen, jstr_raw(piece)))
			return (struct jstr){ 0 };
		while (i < doc.n && u->state < UNWRAP_VALUE)
			step_before(u, doc.p[i++]);
		if (u->state != UNWRAP_VALUE)
			return JSTR("");
		buf_fini(&u->seen);
		i -= !u->as_string; /* a raw value begins with the letter just seen */
	}
	if (u->as_string) {
		while (i < doc.n && u->state == UNWRAP_VALUE)
			step_string(u, doc.p[i++], &text);
		out = keep_text(a, &text);
	} else {
		from = i;
		while (i < doc.n && u->state == UNWRAP_VALUE && step_raw(u, doc.p[i]))
			i++;
		out = jstr_from(a, str_of(doc.p + from, i - from));
	}
	buf_fini(&text);
	return out;
}

struct jstr unwrap_end(struct unwrap *u, struct arena *a)
{
	struct str copy;

	if (u->state >= UNWRAP_VALUE && u->state != UNWRAP_ODD)
		return JSTR("");
	copy = arena_dup(a, u->seen.n ? buf_str(&u->seen) : STR(""));
	return copy.p ? unwrap_whole(a, u->name, u->as_string, jstr_of(copy.p, copy.n)) : (struct jstr){ 0 };
}

struct jstr unwrap_whole(struct arena *a, struct str name, bool as_string, struct jstr document)
{
	struct str doc = jstr_inner(a, document);
	const struct json_node *root, *value;
	struct err ignored;

	if (!doc.p)
		return (struct jstr){ 0 };
	root = doc.n ? json_nodes(a, str_trim(doc), DOCUMENT_DEPTH_MAX, &ignored) : NULL;
	value = node_get(root, name);
	if (value && as_string && node_is(value, JSON_STRING))
		return node_text(value);
	if (value && !as_string)
		return jstr_from(a, node_raw(value));
	return as_string && node_is(root, JSON_OBJECT) && root->children == 0 ? JSTR("") : document;
}
