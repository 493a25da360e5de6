/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON scanner: validates a text in one pass and finds wanted members on the way (RFC 8259). */
#include "json/scan.h"

#include <assert.h>

#include "json/scan_in.h"

/*
 * Two things make the way through a text short.
 *
 * A text is closed if its last byte, but for white space, is the bracket that closes its first one: each whole array
 * or object is. That bracket is part of no number, word, colon, comma or white space; so in a closed text only strings,
 * and what is behind a closing bracket, have to ask whether the text ends. Other texts are plain values or will be
 * refused, but where and why must be said all the same.
 *
 * Most names and strings are short, plain and not at the text's end: one look at the bytes where they begin finds their
 * end.
 *
 * The parameter `way` is a constant in each call: the compiler makes several scanners out of one.
 */
enum way {
	WAY_OPEN,        /* the text is not closed, or has no brackets */
	WAY_CLOSED,
	WAY_CLOSED_WIDE, /* and the machine has wide vectors */
};
#define ANY_WAY static inline __attribute__((always_inline))

/* Is the byte at `p` this one? */
ANY_WAY bool is_at(const struct scan *s, const uint8_t *p, uint8_t c, enum way way)
{
	return (way != WAY_OPEN || p < s->end) && *p == c;
}

/*
 * Strings
 */

/* The first byte in [p, p + 32) at which a plain run stops, or p + 32. */
static inline const uint8_t *find_stop_16(const uint8_t *p)
{
	unsigned mask = v16_mask(json_stops_in(v16_load(p)));

	if (likely(mask))
		return p + (unsigned)__builtin_ctz(mask);
	return p + 16 + (unsigned)__builtin_ctz(v16_mask(json_stops_in(v16_load(p + 16))) | 1u << 16);
}

/* Bit i: a[i] is b[i]; 32 bytes. */
static inline uint32_t same_16(const uint8_t *a, const uint8_t *b)
{
	return v16_mask(v16_eq(v16_load(a), v16_load(b))) | v16_mask(v16_eq(v16_load(a + 16), v16_load(b + 16))) << 16;
}

#ifdef V32
V32 static inline const uint8_t *find_stop_32(const struct scan *s, const uint8_t *p)
{
	const struct json_stop_words *w = &s->words;
	v32 v = v32_load(p), low = v32_below(v32_xor(v, v32_load(w->flip)), v32_load(w->limit));

	return p + v32_first(v32_mask(v32_or(low, v32_eq(v, v32_load(w->backslash)))));
}

V32 static inline uint32_t same_32(const uint8_t *a, const uint8_t *b)
{
	return v32_mask(v32_eq(v32_load(a), v32_load(b)));
}
#else
#define find_stop_32(s, p) find_stop_16(p)
#define same_32 same_16
#endif

ANY_WAY const uint8_t *find_stop(const struct scan *s, const uint8_t *p, enum way way)
{
	return way == WAY_CLOSED_WIDE ? find_stop_32(s, p) : find_stop_16(p);
}

/* Where a plain run stops that begins at `p`, which may be the text's end; or a place before it, in texts of less than
 * 64 bytes. The last block of a text lies across the one before it. */
ANY_WAY const uint8_t *skip_run(const struct scan *s, const uint8_t *p, uint64_t (*stops_in)(const uint8_t *))
{
	uint64_t stops;

	for (; s->end - p >= 64; p += 64)
		if ((stops = stops_in(p)) != 0)
			return p + __builtin_ctzll(stops);
	if (p == s->end || s->end - s->start < 64)
		return p;
	stops = stops_in(s->end - 64) >> (64 - (s->end - p));
	return stops ? p + __builtin_ctzll(stops) : s->end;
}

static const uint8_t *skip_run_16(const struct scan *s, const uint8_t *p) { return skip_run(s, p, json_stops); }
#ifdef V32
V32 static const uint8_t *skip_run_32(const struct scan *s, const uint8_t *p)
{
	return skip_run(s, p, json_stops_wide);
}
#else
#define skip_run_32 skip_run_16
#endif

/* `p` is at the opening quote. */
ANY_WAY const uint8_t *skip_string(struct scan *s, const uint8_t *p, enum way way)
{
	if (likely(p < s->roomy_end)) {
		p = find_stop(s, p + 1, way);
		if (likely(*p == '"'))
			return p + 1;
	} else {
		p++;
	}
	p = way == WAY_CLOSED_WIDE ? skip_run_32(s, p) : skip_run_16(s, p);
	return p < s->end && *p == '"' ? p + 1 : json_skip_string(s, p);
}

/* `p` is at the opening quote of a name. Returns its closing quote if it is short and plain and the colon is behind it,
 * else NULL. */
ANY_WAY const uint8_t *find_name_end(const struct scan *s, const uint8_t *p, enum way way)
{
	if (unlikely(p >= s->roomy_end))
		return NULL;
	p = find_stop(s, p + 1, way);
	return likely(memcmp(p, "\":", 2) == 0) ? p : NULL;
}

/* The same for names of at most 16 bytes where there is less room: a look at the text's last bytes finds their end. */
static const uint8_t *find_last_name_end(const struct scan *s, const uint8_t *p)
{
	const uint8_t *block = s->end - p >= 19 ? p + 1 : s->end - 16;

	if (s->end - s->start < 16 || p + 1 < block)
		return NULL;
	unsigned stops = v16_mask(json_stops_in(v16_load(block))) >> (p + 1 - block);
	if (!stops)
		return NULL;
	p += 1 + (unsigned)__builtin_ctz(stops);
	return s->end - p >= 2 && memcmp(p, "\":", 2) == 0 ? p : NULL;
}

/*
 * Structure
 */

/* A brace or bracket that opens; the one that closes is two further in ASCII. */
static inline bool opens(uint8_t c) { return (c | 0x20) == '{'; }
static inline uint8_t closing_of(uint8_t c) { return (uint8_t)(c + 2); }

static inline unsigned digit_of(uint8_t c) { return (uint8_t)(c - '0'); }

/* A few plain digits, as most numbers are; NULL: the number may be of another form. In closed texts. */
ANY_WAY const uint8_t *skip_integer(const uint8_t *p, int64_t *out)
{
	uint64_t n = digit_of(*p);
	unsigned digit = digit_of(*++p);

	if (n != 0)
		for (; digit < 10; digit = digit_of(*++p))
			n = n * 10 + digit;
	if (unlikely(*p != ',') && (digit < 10 || *p == '.' || (*p | 0x20) == 'e'))
		return NULL;
	*out = (int64_t)n;
	return p;
}

/* A value that is neither a string nor a container; p < end. */
ANY_WAY const uint8_t *skip_plain(struct scan *s, const uint8_t *p, enum way way)
{
	if (way != WAY_OPEN && json_is_digit(*p)) {
		int64_t n;
		const uint8_t *end = skip_integer(p, &n);
		return likely(end) ? end : json_skip_plain(s, p);
	}
	if (s->end - p >= 4 && memcmp(p, "null", 4) == 0)
		return p + 4;
	return json_skip_plain(s, p);
}

/* `p` is where a member should begin and its quote is not: there may be white space. Returns the quote's place. */
static const uint8_t *skip_to_name(struct scan *s, const uint8_t *p)
{
	p = json_skip_spaces(p, s->end);
	return p < s->end && *p == '"' ? p : json_fault_or_end(s, JSON_ERR_NAME, p);
}

/* `p` is behind a name. Returns the place behind the colon. */
static const uint8_t *skip_colon(struct scan *s, const uint8_t *p)
{
	if (p == s->end || *p != ':')
		p = json_skip_spaces(p, s->end);
	return p < s->end && *p == ':' ? p + 1 : json_fault_or_end(s, JSON_ERR_COLON, p);
}

/* Passes a name that find_name_end did not take, and its colon. */
static const uint8_t *skip_odd_name(struct scan *s, const uint8_t *p)
{
	const uint8_t *quote = find_last_name_end(s, p);

	if (quote)
		return quote + 2;
	p = json_skip_string(s, p + 1);
	return p ? skip_colon(s, p) : NULL;
}

/* `p` is behind a value, where no comma is. Returns the place of the comma or of `close`. */
static const uint8_t *skip_to_comma(struct scan *s, const uint8_t *p, uint8_t close)
{
	p = json_skip_spaces(p, s->end);
	return p < s->end && (*p == ',' || *p == close) ? p : json_fault_or_end(s, JSON_ERR_COMMA, p);
}

/* Where a value should begin. White space is one blank mostly. */
ANY_WAY const uint8_t *skip_to_value(struct scan *s, const uint8_t *p, enum way way)
{
	if (way != WAY_OPEN) {
		if (likely(*p > ' '))
			return p;
		return *p == ' ' && p[1] > ' ' ? p + 1 : json_skip_spaces(p, s->end);
	}
	p = json_skip_spaces(p, s->end);
	return p < s->end ? p : json_fault_at(s, JSON_ERR_END, p);
}

/* `p` is at the bracket that opens an array or object. Passes the whole of it, looking for nothing. `depth` counts what
 * is open around it. */
ANY_WAY const uint8_t *skip_container(struct scan *s, const uint8_t *p, unsigned depth, enum way way)
{
	uint8_t closing[JSON_DEPTH_MAX]; /* of what is open around the present level */
	const unsigned outside = depth;
	uint8_t close = 0;

open:
	if (depth == s->depth_max)
		return json_fault_at(s, JSON_ERR_DEPTH, p);
	closing[depth++] = close;
	close = closing_of(*p);
	p = skip_to_value(s, p + 1, way);
	if (unlikely(!p))
		return NULL;
	if (*p == close)
		goto closed;
	for (;;) {
		if (close == '}') {
			if (!is_at(s, p, '"', way) && unlikely(!(p = skip_to_name(s, p))))
				return NULL;
			const uint8_t *quote = find_name_end(s, p, way);
			if (likely(quote))
				p = quote + 2;
			else if (!(p = skip_odd_name(s, p)))
				return NULL;
		}
		p = skip_to_value(s, p, way);
		if (way == WAY_OPEN && !p)
			return NULL;
		if (*p == '"')
			p = skip_string(s, p, way);
		else if (opens(*p))
			goto open;
		else
			p = skip_plain(s, p, way);
		if (unlikely(!p))
			return NULL;
	next:
		if (!is_at(s, p, ',', way)) {
			if (!is_at(s, p, close, way) && unlikely(!(p = skip_to_comma(s, p, close))))
				return NULL;
			if (*p == close)
				goto closed;
		}
		p++;
		continue;
	closed:
		p++;
		depth--;
		if (way != WAY_OPEN && unlikely(p > s->last) && depth > 0)
			return json_fault_at(s, JSON_ERR_END, s->end);
		if (depth == outside)
			return p;
		close = closing[depth];
		goto next;
	}
}

/* The letter that readers take it for which ignore case, from UTF-8; moves *p behind it. */
static char fold_letter(const char **p, const char *end)
{
	char utf8[4];
	const char *c = *p;
	size_t n = 0;

	if (**p == '\\') {
		n = json_take_escape(p, end, utf8);
		c = utf8;
	} else {
		n = (unsigned char)**p < 0x80 ? 1 : str_starts(str_of(*p, (size_t)(end - *p)), STR("\xc5\xbf")) ? 2
		  : str_starts(str_of(*p, (size_t)(end - *p)), STR("\xe2\x84\xaa")) ? 3 : 1;
		*p += n;
	}
	if (n == 2 && memcmp(c, "\xc5\xbf", 2) == 0)
		return 's';
	if (n == 3 && memcmp(c, "\xe2\x84\xaa", 3) == 0)
		return 'k';
	return n == 1 && *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : n == 1 ? *c : '\0';
}

/* Notes the name, a scanned string without its quotes, if it is a wanted one's but for its case. */
COLD static void note_twin(struct scan *s, const struct json_plan_node *parent, const char *name, size_t n)
{
	if (parent != s->nodes || s->twin)
		return;
	for (unsigned c = parent->child; c; c = s->nodes[c].next) {
		struct str wanted = json_plan_name(&s->nodes[c]);
		const char *p = name, *end = name + n;
		size_t i = 0;
		while (p < end && i < wanted.n && fold_letter(&p, end) == wanted.p[i])
			i++;
		if (p == end && i == wanted.n)
			s->twin = (const uint8_t *)name - 1;
	}
}

/* The child of `n` whose name stands between the quotes at `name` and `quote`, 32 bytes can be read from it;
 * NULL: none. */
ANY_WAY const struct json_plan_node *find_child(struct scan *s, const struct json_plan_node *n,
                                                const uint8_t *name, const uint8_t *quote, enum way way)
{
	const struct json_plan_node *parent = n;
	unsigned c = n->slot[json_plan_slot(name, (size_t)(quote - name))];

	if (!c)
		return NULL;
	do {
		n = &s->nodes[c];
		uint32_t same = way == WAY_CLOSED_WIDE ? same_32(name + 1, n->text) : same_16(name + 1, n->text);
		if (likely(!(~same & n->mask)))
			return n;
	} while ((c = n->next_in_slot) != 0);
	if (s->plan->flags & JSON_REFUSE_CASE)
		note_twin(s, parent, (const char *)name + 1, (size_t)(quote - name) - 1);
	return NULL;
}

/* The same for a name that find_last_name_end found: 16 bytes at most, which may be the text's last ones. */
static const struct json_plan_node *find_last_child(struct scan *s, const struct json_plan_node *parent,
                                                    const uint8_t *name, const uint8_t *quote)
{
	size_t length = (size_t)(quote - name) - 1;

	for (unsigned c = parent->slot[json_plan_slot(name, length + 1)]; c; c = s->nodes[c].next_in_slot) {
		const struct json_plan_node *n = &s->nodes[c];
		if (n->length == length && memcmp(n->text, name + 1, length) == 0)
			return n;
	}
	if (s->plan->flags & JSON_REFUSE_CASE)
		note_twin(s, parent, (const char *)name + 1, length);
	return NULL;
}

/* Passes a name that is of no common form, and its colon. Its node, or NULL, is in s->odd_child. */
static const uint8_t *match_odd_name(struct scan *s, const uint8_t *p, const struct json_plan_node *n)
{
	const char *name = (const char *)p;

	p = json_skip_string(s, p + 1);
	if (!p)
		return NULL;
	struct str raw = str_of(name, (size_t)((const char *)p - name)), plain = str_slice(raw, 1, raw.n - 1);
	s->odd_child = NULL;
	for (unsigned c = n->child; c && !s->odd_child; c = s->nodes[c].next) {
		struct str wanted = json_plan_name(&s->nodes[c]);
		if (s->escaped ? json_is_str(raw, wanted) : str_eq(plain, wanted))
			s->odd_child = &s->nodes[c];
	}
	if (!s->odd_child && s->plan->flags & JSON_REFUSE_CASE)
		note_twin(s, n, plain.p, plain.n);
	return skip_colon(s, p);
}

/* The node's member stands again: what was found in its first is void. */
COLD static void forget(struct scan *s, const struct json_plan_node *n)
{
	if (n->want & JSON_WANT_NUMBER)
		s->number[n->want & ~JSON_WANT_NUMBER] = JSON_NO_NUMBER;
	else if (n->want)
		s->hit[n->want - 1] = (struct json_hit){ .twice = true };
	for (unsigned c = n->child; c; c = s->nodes[c].next)
		forget(s, &s->nodes[c]);
}

/* The type of the value that a byte begins. */
static const uint8_t type_of[256] = {
	['"'] = JSON_STRING, ['{'] = JSON_OBJECT, ['['] = JSON_ARRAY, ['t'] = JSON_BOOL, ['f'] = JSON_BOOL,
	['n'] = JSON_NULL, ['-'] = JSON_NUMBER, ['0'] = JSON_NUMBER, ['1'] = JSON_NUMBER, ['2'] = JSON_NUMBER,
	['3'] = JSON_NUMBER, ['4'] = JSON_NUMBER, ['5'] = JSON_NUMBER, ['6'] = JSON_NUMBER, ['7'] = JSON_NUMBER,
	['8'] = JSON_NUMBER, ['9'] = JSON_NUMBER,
};

/* Is the member of node `c` there for the first time in its object? Or forgets the first. */
static inline bool match_once(struct scan *s, uint64_t *seen, const struct json_plan_node *c, const uint8_t *name)
{
	if (unlikely(*seen & c->bit)) {
		if (s->plan->flags & JSON_REFUSE_TWICE)
			return json_fault_at(s, JSON_ERR_TWICE, name);
		forget(s, c);
	}
	*seen |= c->bit;
	return true;
}

/* The hit of a member; NULL: nobody wants it. Its value begins at `value`. */
static inline struct json_hit *match_hit(struct scan *s, const struct json_plan_node *c, const uint8_t *before,
                                         const uint8_t *name, const uint8_t *value)
{
	if (!c->want)
		return NULL;
	struct json_hit *hit = &s->hit[c->want - 1];
	if (c->many && *value == 'n' && hit->type != JSON_ABSENT)
		return NULL;
	hit->value.p = (const char *)value;
	hit->name = (const char *)name;
	hit->before = (const char *)before;
	hit->type = (enum json_type)type_of[*value];
	return hit;
}

static const uint8_t *skip_unwanted(struct scan *s, const uint8_t *p, unsigned depth, enum way way);

/* Passes the value of a member whose number is wanted and is not a few digits. The last of several members of that name
 * counts, whatever it is. */
static const uint8_t *match_odd_number(struct scan *s, const uint8_t *p, unsigned depth, enum way way, int64_t *out)
{
	const uint8_t *start = p;

	if (opens(*p))
		p = skip_unwanted(s, p, depth, way);
	else
		p = *p == '"' ? json_skip_string(s, p + 1) : json_skip_plain(s, p);
	if (p && !json_to_i64(str_of((const char *)start, (size_t)(p - start)), out))
		*out = JSON_NO_NUMBER;
	return p;
}

ANY_WAY const uint8_t *match_number(struct scan *s, const uint8_t *p, unsigned depth, enum way way, int64_t *out)
{
	if (way != WAY_OPEN && likely(json_is_digit(*p))) {
		const uint8_t *end = skip_integer(p, out);
		if (likely(end && end - p <= 18))
			return end;
	}
	return match_odd_number(s, p, depth, way, out);
}

/* Passes a value that is neither looked into nor looked at. */
ANY_WAY const uint8_t *skip_value(struct scan *s, const uint8_t *p, unsigned depth, enum way way)
{
	if (*p == '"')
		return skip_string(s, p, way);
	if (opens(*p))
		return skip_unwanted(s, p, depth, way);
	return skip_plain(s, p, way);
}

/* An object that the plan looks into, or an array of such objects, while something inside it is read. */
struct level {
	const struct json_plan_node *node;
	uint64_t seen;           /* bits of the nodes whose members were seen */
	struct json_hit *hit;    /* of the member that is being read */
	bool array;
};

/* `p` is at the brace of the text's own object. Goes through its members and through those of objects that the plan
 * looks into, which are no deeper in one another than its longest path. */
ANY_WAY const uint8_t *match_object(struct scan *s, const uint8_t *p, enum way way)
{
	struct level around[2 * JSON_PATH_DEPTH];
	const struct json_plan_node *node = s->nodes, *child;
	const uint8_t *before, *name, *quote;
	struct json_hit *hit;
	uint64_t seen;
	unsigned depth = 0;

open_object:
	if (depth == s->depth_max)
		return json_fault_at(s, JSON_ERR_DEPTH, p);
	depth++;
	seen = 0;
	before = NULL;
	p = skip_to_value(s, p + 1, way);
	if (unlikely(!p))
		return NULL;
	if (*p == '}')
		goto closed;
member:
	if (!is_at(s, p, '"', way) && unlikely(!(p = skip_to_name(s, p))))
		return NULL;
	name = p;
	quote = find_name_end(s, p, way);
	if (likely(quote)) {
		child = find_child(s, node, name, quote, way);
		p = quote + 2;
	} else if ((quote = find_last_name_end(s, p)) != NULL) {
		child = find_last_child(s, node, name, quote);
		p = quote + 2;
	} else {
		p = match_odd_name(s, p, node);
		if (!p)
			return NULL;
		child = s->odd_child;
	}
	p = skip_to_value(s, p, way);
	if (way == WAY_OPEN && !p)
		return NULL;
	hit = NULL;
	if (child && child->want & JSON_WANT_NUMBER) {
		p = match_number(s, p, depth, way, &s->number[child->want & ~JSON_WANT_NUMBER]);
	} else {
		if (child) {
			if (unlikely(!match_once(s, &seen, child, name)))
				return NULL;
			hit = match_hit(s, child, before, name, p);
			if (*p == child->inside) {
				around[depth - 1] = (struct level){ node, seen, hit, false };
				node = child;
				if (*p == '{')
					goto open_object;
				goto open_array;
			}
		}
		p = skip_value(s, p, depth, way);
	}
	if (unlikely(!p))
		return NULL;
behind_member:
	if (hit)
		hit->value.n = (size_t)(p - (const uint8_t *)hit->value.p);
	if (!is_at(s, p, ',', way)) {
		if (!is_at(s, p, '}', way) && unlikely(!(p = skip_to_comma(s, p, '}'))))
			return NULL;
		if (*p == '}')
			goto closed;
	}
	before = p++;
	if (hit)
		hit->after = (const char *)p;
	goto member;

open_array:
	if (depth == s->depth_max)
		return json_fault_at(s, JSON_ERR_DEPTH, p);
	depth++;
	p = skip_to_value(s, p + 1, way);
	if (unlikely(!p))
		return NULL;
	if (*p == ']')
		goto closed;
element:
	if (*p == '{') {
		around[depth - 1] = (struct level){ node, 0, NULL, true };
		goto open_object;
	}
	p = skip_value(s, p, depth, way);
	if (unlikely(!p))
		return NULL;
behind_element:
	if (!is_at(s, p, ',', way)) {
		if (!is_at(s, p, ']', way) && unlikely(!(p = skip_to_comma(s, p, ']'))))
			return NULL;
		if (*p == ']')
			goto closed;
	}
	p = skip_to_value(s, p + 1, way);
	if (unlikely(!p))
		return NULL;
	goto element;

closed:
	p++;
	if (--depth == 0)
		return p;
	if (way != WAY_OPEN && unlikely(p > s->last))
		return json_fault_at(s, JSON_ERR_END, s->end);
	node = around[depth - 1].node;
	if (around[depth - 1].array)
		goto behind_element;
	seen = around[depth - 1].seen;
	hit = around[depth - 1].hit;
	goto behind_member;
}

/*
 * The scanners
 */

#ifndef V32
#define V32
static bool v32_here(void) { return false; }
#endif

static const uint8_t *skip_open(struct scan *s, const uint8_t *p, unsigned depth)
{
	return skip_container(s, p, depth, WAY_OPEN);
}

HOT static const uint8_t *skip_closed(struct scan *s, const uint8_t *p, unsigned depth)
{
	return skip_container(s, p, depth, WAY_CLOSED);
}

V32 HOT static const uint8_t *skip_closed_wide(struct scan *s, const uint8_t *p, unsigned depth)
{
	return skip_container(s, p, depth, WAY_CLOSED_WIDE);
}

static const uint8_t *skip_unwanted(struct scan *s, const uint8_t *p, unsigned depth, enum way way)
{
	switch (way) {
	case WAY_OPEN: return skip_open(s, p, depth);
	case WAY_CLOSED: return skip_closed(s, p, depth);
	case WAY_CLOSED_WIDE: return skip_closed_wide(s, p, depth);
	}
	assert(!"unknown way");
	return NULL;
}

static const uint8_t *match_open(struct scan *s, const uint8_t *p) { return match_object(s, p, WAY_OPEN); }
HOT static const uint8_t *match_closed(struct scan *s, const uint8_t *p) { return match_object(s, p, WAY_CLOSED); }
V32 HOT static const uint8_t *match_closed_wide(struct scan *s, const uint8_t *p)
{
	return match_object(s, p, WAY_CLOSED_WIDE);
}

static const uint8_t *match(struct scan *s, const uint8_t *p, enum way way)
{
	switch (way) {
	case WAY_OPEN: return match_open(s, p);
	case WAY_CLOSED: return match_closed(s, p);
	case WAY_CLOSED_WIDE: return match_closed_wide(s, p);
	}
	assert(!"unknown way");
	return NULL;
}

/* Lines end in LF, CR or CRLF; columns count characters, so continuation bytes do not count. */
COLD static void locate(struct json_fault *f, struct str text, size_t offset)
{
	f->offset = offset;
	f->line = 1;
	f->column = 1;
	for (size_t i = 0; i < offset; i++) {
		if (text.p[i] == '\n' || (text.p[i] == '\r' && (i + 1 == text.n || text.p[i + 1] != '\n'))) {
			f->line++;
			f->column = 1;
		} else if ((text.p[i] & 0xc0) != 0x80) {
			f->column++;
		}
	}
}

/* How to go through the text whose first byte, an opening bracket, is at `p`. */
static enum way find_way(struct scan *s, const uint8_t *p)
{
	const uint8_t *last = s->end - 1;

	while (last > p && *last <= ' ')
		last--;
	s->last = last;
	if (last == p || *last != closing_of(*p))
		return WAY_OPEN;
	return v32_here() ? WAY_CLOSED_WIDE : WAY_CLOSED;
}

static const uint8_t *scan_text(struct scan *s, const uint8_t *p)
{
	static const uint8_t bom[] = { 0xef, 0xbb, 0xbf };

	if (s->end - p >= 3 && memcmp(p, bom, sizeof bom) == 0)
		return json_fault_at(s, JSON_ERR_BOM, p);
	if (p == s->end || *p <= ' ')
		p = json_skip_spaces(p, s->end);
	if (p == s->end)
		return json_fault_at(s, JSON_ERR_EMPTY, p);
	if (*p == '{' && s->plan)
		p = match(s, p, find_way(s, p));
	else if (opens(*p))
		p = skip_unwanted(s, p, 0, find_way(s, p));
	else
		p = *p == '"' ? json_skip_string(s, p + 1) : json_skip_plain(s, p);
	if (p == s->end || !p)
		return p;
	p = json_skip_spaces(p, s->end);
	return p == s->end ? p : json_fault_at(s, JSON_ERR_TRAILING, p);
}

bool json_scan_numbers(const struct json_plan *plan, struct str text, unsigned depth_max, struct json_hit *hit,
                       int64_t *number, struct json_fault *f)
{
	assert(depth_max <= JSON_DEPTH_MAX);
	const uint8_t *start = (const uint8_t *)(text.n ? text.p : "");
	struct scan s;

	s.start = start;
	s.end = start + text.n;
	s.roomy_end = text.n >= JSON_ROOM ? s.end - (JSON_ROOM - 1) : start;
	s.plan = plan;
	s.hit = hit;
	s.number = number;
	s.depth_max = depth_max;
	s.twin = NULL;
	memset(s.words.flip, 2, sizeof s.words.flip);
	memset(s.words.limit, 0x21, sizeof s.words.limit);
	memset(s.words.backslash, '\\', sizeof s.words.backslash);
	if (plan) {
		assert(plan->nodes > 0);
		s.nodes = plan->node;
		if (plan->paths > 0)
			memset(hit, 0, plan->paths * sizeof *hit); /* JSON_ABSENT is 0 */
		if (plan->numbers > 0)
			memset(number, 0x80, plan->numbers * sizeof *number);
	}
	if (likely(scan_text(&s, start)) && likely(!s.twin || json_fault_at(&s, JSON_ERR_CASE, s.twin)))
		return true;
	f->error = s.error;
	locate(f, text, (size_t)(s.at - start));
	return false;
}

bool json_scan(const struct json_plan *plan, struct str text, unsigned depth_max, struct json_hit *hit,
               struct json_fault *f)
{
	assert(!plan || plan->numbers == 0);
	return json_scan_numbers(plan, text, depth_max, hit, NULL, f);
}

/*
 * Errors
 */

const char *json_error_text(enum json_error error)
{
	static const char *const text[JSON_ERRORS] = {
		[JSON_ERR_NONE] = "no error",
		[JSON_ERR_EMPTY] = "there is no value",
		[JSON_ERR_END] = "the text ends too early",
		[JSON_ERR_BOM] = "a byte order mark is not allowed",
		[JSON_ERR_TRAILING] = "nothing may follow the value",
		[JSON_ERR_VALUE] = "a value is expected here",
		[JSON_ERR_NUMBER] = "this is not a number as JSON writes it",
		[JSON_ERR_NAME] = "a member's name in double quotes is expected here",
		[JSON_ERR_COLON] = "a colon is expected here",
		[JSON_ERR_COMMA] = "a comma or the closing bracket is expected here",
		[JSON_ERR_CONTROL] = "a control character in a string must be escaped",
		[JSON_ERR_ESCAPE] = "there is no such escape",
		[JSON_ERR_UTF8] = "these bytes are not UTF-8",
		[JSON_ERR_DEPTH] = "arrays and objects are nested too deeply",
		[JSON_ERR_TWICE] = "this member stands twice in its object",
		[JSON_ERR_CASE] = "upper and lower case count in names: this one is nearly another that is known",
	};
	assert(error < JSON_ERRORS);
	return text[error];
}

bool json_fault_err(const struct json_fault *f, enum err_code code, struct err *e)
{
	return err_set(e, code, "not valid JSON at line %zu, column %zu: %s", f->line, f->column,
	               json_error_text(f->error));
}
