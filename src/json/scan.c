/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON scanner: validates a text in one pass and finds wanted members on the way (RFC 8259, RFC 3629). */
#include "json/scan.h"

#include <assert.h>

#include "json/json_in.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/*
 * Every function below takes the place it stands at and returns the place behind what it read, or NULL after fault().
 * Bytes are unsigned here, so that comparisons mean what they say.
 */

struct scan {
	const uint8_t *start, *end;
	const struct json_plan *plan;
	struct json_hit *hit;
	unsigned depth_max;
	unsigned escapes;      /* escapes seen so far: did the string just read hold one? */
	enum json_error error;
	const uint8_t *at;        /* of the error */
};

COLD static const uint8_t *fault(struct scan *s, enum json_error error, const uint8_t *at)
{
	s->error = error;
	s->at = at;
	return NULL;
}

/* At the end of the text it is the end that is wrong. */
COLD static const uint8_t *fault_or_end(struct scan *s, enum json_error error, const uint8_t *at)
{
	return fault(s, at < s->end ? error : JSON_ERR_END, at);
}

static const uint8_t *skip_spaces(const uint8_t *p, const uint8_t *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

/* Most texts are written without white space. */
static inline const uint8_t *skip_space(const uint8_t *p, const uint8_t *end)
{
	return likely(p < end && *p > ' ') ? p : skip_spaces(p, end);
}

/*
 * Strings
 */

/* Passes a run of non-ASCII characters. */
static const uint8_t *skip_utf8(struct scan *s, const uint8_t *p)
{
	while (p < s->end && *p >= 0x80) {
		unsigned n = json_utf8_length(json_utf8_word(p, s->end));
		if (n == 0)
			return fault(s, JSON_ERR_UTF8, p);
		p += n;
	}
	return p;
}

static inline int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline bool is_short_escape(uint8_t c)
{
	/* b f n r t and " \ / */
	return c == 'n' || c == '"' || c == '\\' || c == 't' || c == 'r' || c == '/' || c == 'b' || c == 'f';
}

/* Passes a run of escapes; *p is a backslash. */
static const uint8_t *skip_escapes(struct scan *s, const uint8_t *p)
{
	do {
		if (s->end - p < 2)
			return fault(s, JSON_ERR_END, s->end);
		if (likely(is_short_escape(p[1]))) {
			p += 2;
		} else {
			if (p[1] != 'u')
				return fault(s, JSON_ERR_ESCAPE, p);
			for (int i = 2; i < 6; i++) {
				if (p + i == s->end)
					return fault(s, JSON_ERR_END, s->end);
				if (hex_digit(p[i]) < 0)
					return fault(s, JSON_ERR_ESCAPE, p);
			}
			p += 6;
		}
		s->escapes++;
	} while (p < s->end && *p == '\\');
	return p;
}

/* *p is no plain byte and not the closing quote. */
static inline const uint8_t *skip_special(struct scan *s, const uint8_t *p)
{
	if (*p >= 0x80)
		return skip_utf8(s, p);
	if (likely(*p == '\\'))
		return skip_escapes(s, p);
	return fault(s, JSON_ERR_CONTROL, p);
}

/* A long text, such as a prompt of 100 KB, is worth the machine's wide vectors: passes blocks without a stop. */
#define LONG_BYTES 1024
#if defined(__x86_64__) && !defined(SLUICE_V16_PLAIN)
__attribute__((target("avx2"))) static const uint8_t *skip_plain_wide(const uint8_t *p, const uint8_t *end)
{
	const __m256i two = _mm256_set1_epi8(2), limit = _mm256_set1_epi8(0x21), backslash = _mm256_set1_epi8('\\');

	for (; end - p >= 128; p += 128) {
		__m256i stops = _mm256_setzero_si256();

		for (int i = 0; i < 128; i += 32) {
			__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(p + i));

			stops = _mm256_or_si256(stops, _mm256_cmpgt_epi8(limit, _mm256_xor_si256(v, two)));
			stops = _mm256_or_si256(stops, _mm256_cmpeq_epi8(v, backslash));
		}
		if (_mm256_movemask_epi8(stops))
			break;
	}
	return p;
}

static const uint8_t *skip_plain(const uint8_t *p, const uint8_t *end)
{
	return __builtin_cpu_supports("avx2") ? skip_plain_wide(p, end) : p;
}
#else
static const uint8_t *skip_plain(const uint8_t *p, const uint8_t *end)
{
	return p;
}
#endif

/* One search finds all the stops of 64 bytes, so that a text with an accent or an escape in each word does not search
 * anew behind each. */
static const uint8_t *skip_string_rest(struct scan *s, const uint8_t *p)
{
	while (s->end - p >= 64) {
		const uint8_t *block = p;
		uint64_t stops = json_stops(block);
		p += 64;
		if (!stops && s->end - p >= LONG_BYTES)
			p = skip_plain(p, s->end);
		while (stops) {
			const uint8_t *q = block + __builtin_ctzll(stops);
			if (*q == '"')
				return q + 1;
			q = skip_special(s, q);
			if (unlikely(!q))
				return NULL;
			if (q - block >= 64) {
				p = q;
				break;
			}
			stops &= UINT64_MAX << (q - block);
		}
	}
	for (;;) {
		p = json_find_stop(s->start, p, s->end);
		if (p == s->end)
			return fault(s, JSON_ERR_END, p);
		if (*p == '"')
			return p + 1;
		p = skip_special(s, p);
		if (unlikely(!p))
			return NULL;
	}
}

/* `p` is behind the opening quote. Names and most values end within 16 bytes: that much is done in line. */
static inline const uint8_t *skip_string(struct scan *s, const uint8_t *p)
{
	if (likely(s->end - p >= 16)) {
		unsigned mask = v16_mask(json_stops_in(v16_load(p)));
		p += mask ? __builtin_ctz(mask) : 16;
		if (likely(mask && *p == '"'))
			return p + 1;
	}
	return skip_string_rest(s, p);
}

/*
 * Numbers and literals
 */

static inline const uint8_t *skip_digits(const uint8_t *p, const uint8_t *end)
{
	while (p < end && (uint8_t)(*p - '0') < 10)
		p++;
	return p;
}

static const uint8_t *skip_number(struct scan *s, const uint8_t *p)
{
	const uint8_t *end = s->end, *start = p, *q;

	if (*p == '-')
		p++;
	q = skip_digits(p, end);
	if (q == p)
		return fault_or_end(s, JSON_ERR_NUMBER, q);
	if (*p == '0' && q > p + 1)
		return fault(s, JSON_ERR_NUMBER, start);
	p = q;
	if (p < end && *p == '.') {
		q = skip_digits(++p, end);
		if (q == p)
			return fault_or_end(s, JSON_ERR_NUMBER, q);
		p = q;
	}
	if (p < end && (*p | 0x20) == 'e') {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		q = skip_digits(p, end);
		if (q == p)
			return fault_or_end(s, JSON_ERR_NUMBER, q);
		p = q;
	}
	return p;
}

static inline const uint8_t *skip_word(struct scan *s, const uint8_t *p, struct str word)
{
	if ((size_t)(s->end - p) < word.n || memcmp(p, word.p, word.n) != 0)
		return fault(s, JSON_ERR_VALUE, p);
	return p + word.n;
}

/* A value that is neither array nor object; p < end. */
static inline const uint8_t *skip_scalar(struct scan *s, const uint8_t *p)
{
	if (*p == '"')
		return skip_string(s, p + 1);
	if ((uint8_t)(*p - '0') < 10 || *p == '-')
		return skip_number(s, p);
	if (*p == 't')
		return skip_word(s, p, STR("true"));
	if (*p == 'f')
		return skip_word(s, p, STR("false"));
	if (*p == 'n')
		return skip_word(s, p, STR("null"));
	return fault(s, JSON_ERR_VALUE, p);
}

/*
 * Structure
 */

/* A brace or bracket that opens; the one that closes is two further in ASCII. */
static inline bool opens(uint8_t c) { return (c | 0x20) == '{'; }
static inline uint8_t closing_of(uint8_t c) { return (uint8_t)(c + 2); }

/* `p` is behind a member's name. Returns the place of its value. */
static inline const uint8_t *skip_colon(struct scan *s, const uint8_t *p)
{
	if (unlikely(p == s->end || *p != ':')) {
		p = skip_spaces(p, s->end);
		if (p == s->end || *p != ':')
			return fault_or_end(s, JSON_ERR_COLON, p);
	}
	p = skip_space(p + 1, s->end);
	return likely(p < s->end) ? p : fault(s, JSON_ERR_END, p);
}

/* `p` is behind a value. Returns the place of the comma or of `close`. */
static inline const uint8_t *skip_to_comma(struct scan *s, const uint8_t *p, uint8_t close)
{
	if (likely(p < s->end && (*p == ',' || *p == close)))
		return p;
	p = skip_spaces(p, s->end);
	return p < s->end && (*p == ',' || *p == close) ? p : fault_or_end(s, JSON_ERR_COMMA, p);
}

/* `p` is at the bracket that opens an array or object. Passes the whole of it, looking for nothing: this loop sees most
 * of the bytes. `depth` counts what is open around it. */
HOT static const uint8_t *skip_container(struct scan *s, const uint8_t *p, unsigned depth)
{
	uint8_t closing[JSON_DEPTH_MAX]; /* of what is open around the present level */
	const unsigned outside = depth;
	uint8_t close = 0;

open:
	if (depth == s->depth_max)
		return fault(s, JSON_ERR_DEPTH, p);
	closing[depth++] = close;
	close = closing_of(*p);
	p = skip_space(p + 1, s->end);
	if (p == s->end)
		return fault(s, JSON_ERR_END, p);
	if (*p == close)
		goto closed;
	for (;;) {
		if (close == '}') {
			if (unlikely(p == s->end || *p != '"'))
				return fault_or_end(s, JSON_ERR_NAME, p);
			p = skip_string(s, p + 1);
			if (unlikely(!p) || !(p = skip_colon(s, p)))
				return NULL;
		} else if (p == s->end) {
			return fault(s, JSON_ERR_END, p);
		}
		if (opens(*p))
			goto open;
		p = skip_scalar(s, p);
		if (unlikely(!p))
			return NULL;
	next:
		p = skip_to_comma(s, p, close);
		if (unlikely(!p))
			return NULL;
		if (*p == ',') {
			p = skip_space(p + 1, s->end);
			continue;
		}
	closed:
		p++;
		if (--depth == outside)
			return p;
		close = closing[depth];
		goto next;
	}
}

/* Names share a slot seldom: wanted ones of one object mostly differ in length or in their first letter. */
static inline unsigned slot_of(const uint8_t *name, size_t n) { return (name[0] ^ (unsigned)n) % JSON_PLAN_SLOTS; }

/* memcmp for n bytes, 1 to 63, without the call. */
static inline bool same_name(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint64_t x, y;
	uint32_t v, w;

	if (n >= 8) {
		for (size_t i = 0; i + 8 < n; i += 8) {
			memcpy(&x, a + i, 8);
			memcpy(&y, b + i, 8);
			if (x != y)
				return false;
		}
		memcpy(&x, a + n - 8, 8);
		memcpy(&y, b + n - 8, 8);
		return x == y;
	}
	if (n >= 4) {
		memcpy(&v, a, 4);
		memcpy(&w, b, 4);
		if (v != w)
			return false;
		memcpy(&v, a + n - 4, 4);
		memcpy(&w, b + n - 4, 4);
		return v == w;
	}
	return a[0] == b[0] && a[n / 2] == b[n / 2] && a[n - 1] == b[n - 1];
}

COLD static unsigned find_escaped(const struct scan *s, const struct json_plan_node *n, struct str raw)
{
	for (unsigned c = n->child; c; c = s->plan->node[c].next)
		if (json_is_str(raw, s->plan->node[c].name))
			return c;
	return 0;
}

/* The child of `n` whose name is the n bytes at `name`; 0: none. */
static inline unsigned find_child(const struct scan *s, const struct json_plan_node *n, const uint8_t *name, size_t len)
{
	unsigned c = n->slot[slot_of(name, len)];

	for (; c; c = s->plan->node[c].next_in_slot)
		if (s->plan->node[c].name.n == len && same_name((const uint8_t *)s->plan->node[c].name.p, name, len))
			return c;
	return 0;
}

/* The node's member stands again: what was found in its first is void. */
COLD static void forget(struct scan *s, const struct json_plan_node *n)
{
	if (n->hit)
		s->hit[n->hit - 1] = (struct json_hit){ .twice = true };
	for (unsigned c = n->child; c; c = s->plan->node[c].next)
		forget(s, &s->plan->node[c]);
}

static inline enum json_type type_at(const uint8_t *p)
{
	switch (*p) {
	case '"': return JSON_STRING;
	case '{': return JSON_OBJECT;
	case '[': return JSON_ARRAY;
	case 't': case 'f': return JSON_BOOL;
	case 'n': return JSON_NULL;
	default: return JSON_NUMBER;
	}
}

static const uint8_t *match_object(struct scan *s, const uint8_t *p, const struct json_plan_node *n, unsigned depth);

/* `p` is at the value of a member; `child` is its node, 0 for a member that nobody wants. */
static inline const uint8_t *match_value(struct scan *s, const uint8_t *p, unsigned child, unsigned depth)
{
	if (!opens(*p))
		return skip_scalar(s, p);
	if (*p == '{' && child && s->plan->node[child].child)
		return match_object(s, p, &s->plan->node[child], depth);
	return skip_container(s, p, depth);
}

/* `p` is at the brace of an object that `n` is about, `depth` counts what is open around it. The recursion is as deep
 * as the plan's longest path. */
static const uint8_t *match_object(struct scan *s, const uint8_t *p, const struct json_plan_node *n, unsigned depth)
{
	const uint8_t *before = NULL;
	uint64_t seen = 0; /* bit n: node n's member */

	if (depth++ == s->depth_max)
		return fault(s, JSON_ERR_DEPTH, p);
	p = skip_space(p + 1, s->end);
	if (p < s->end && *p == '}')
		return p + 1;
	for (;;) {
		const uint8_t *name = p, *value;
		struct json_hit *hit = NULL;
		unsigned escapes = s->escapes, child;

		if (unlikely(p == s->end || *p != '"'))
			return fault_or_end(s, JSON_ERR_NAME, p);
		p = skip_string(s, p + 1);
		if (unlikely(!p))
			return NULL;
		if (likely(s->escapes == escapes))
			child = find_child(s, n, name + 1, (size_t)(p - name) - 2);
		else
			child = find_escaped(s, n, str_of((const char *)name, (size_t)(p - name)));
		value = p = skip_colon(s, p);
		if (unlikely(!p))
			return NULL;
		if (child) {
			const struct json_plan_node *c = &s->plan->node[child];
			if (unlikely(seen >> child & 1)) {
				if (s->plan->flags & JSON_REFUSE_TWICE)
					return fault(s, JSON_ERR_TWICE, name);
				forget(s, c);
			}
			seen |= (uint64_t)1 << child;
			hit = c->hit ? &s->hit[c->hit - 1] : NULL;
		}
		p = match_value(s, p, child, depth);
		if (unlikely(!p))
			return NULL;
		if (hit) {
			hit->value = str_of((const char *)value, (size_t)(p - value));
			hit->name = (const char *)name;
			hit->before = (const char *)before;
			hit->type = type_at(value);
		}
		p = skip_to_comma(s, p, '}');
		if (unlikely(!p))
			return NULL;
		if (*p == '}')
			return p + 1;
		before = p;
		p = skip_space(p + 1, s->end);
		if (hit)
			hit->after = (const char *)before + 1;
	}
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

static const uint8_t *scan_text(struct scan *s, const uint8_t *p)
{
	static const uint8_t bom[] = { 0xef, 0xbb, 0xbf };

	if (s->end - p >= 3 && memcmp(p, bom, sizeof bom) == 0)
		return fault(s, JSON_ERR_BOM, p);
	p = skip_space(p, s->end);
	if (p == s->end)
		return fault(s, JSON_ERR_EMPTY, p);
	if (*p == '{' && s->plan)
		p = match_object(s, p, &s->plan->node[0], 0);
	else if (opens(*p))
		p = skip_container(s, p, 0);
	else
		p = skip_scalar(s, p);
	if (!p)
		return NULL;
	p = skip_space(p, s->end);
	return p == s->end ? p : fault(s, JSON_ERR_TRAILING, p);
}

bool json_scan(const struct json_plan *plan, struct str text, unsigned depth_max, struct json_hit *hit,
               struct json_fault *f)
{
	assert(depth_max <= JSON_DEPTH_MAX);
	assert(!plan || plan->nodes > 0);
	const uint8_t *start = (const uint8_t *)(text.n ? text.p : "");
	struct scan s = { .start = start, .end = start + text.n, .plan = plan, .hit = hit, .depth_max = depth_max };

	for (unsigned i = 0; plan && i < plan->paths; i++)
		hit[i] = (struct json_hit){ .type = JSON_ABSENT };
	if (likely(scan_text(&s, start)))
		return true;
	f->error = s.error;
	locate(f, text, (size_t)(s.at - start));
	return false;
}

/*
 * Plans
 */

static unsigned plan_child(struct json_plan *plan, unsigned parent, struct str name)
{
	struct json_plan_node *n = &plan->node[parent];

	assert(name.n > 0 && name.n < 64);
	for (unsigned c = n->child; c; c = plan->node[c].next)
		if (str_eq(plan->node[c].name, name))
			return c;
	assert(plan->nodes < JSON_PLAN_NODES);
	unsigned c = plan->nodes++;
	uint8_t *slot = &n->slot[slot_of((const uint8_t *)name.p, name.n)];
	plan->node[c] = (struct json_plan_node){ .name = name, .next = n->child, .next_in_slot = *slot };
	n->child = (uint8_t)c;
	*slot = (uint8_t)c;
	return c;
}

void json_plan_init(struct json_plan *plan, const char *const *paths, size_t n, unsigned flags)
{
	assert(n <= JSON_PLAN_PATHS);
	memset(plan, 0, sizeof *plan);
	plan->nodes = 1;
	plan->paths = (unsigned)n;
	plan->flags = flags;
	for (size_t i = 0; i < n; i++) {
		struct str rest = str_from_z(paths[i]);
		unsigned node = 0, depth = 0;
		while (rest.p) {
			node = plan_child(plan, node, str_cut(&rest, '.'));
			assert(++depth <= JSON_PATH_DEPTH);
		}
		assert(plan->node[node].hit == 0); /* the same path twice */
		plan->node[node].hit = (uint8_t)(i + 1);
	}
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
	};
	assert(error < JSON_ERRORS);
	return text[error];
}

bool json_fault_err(const struct json_fault *f, enum err_code code, struct err *e)
{
	return err_set(e, code, "not valid JSON at line %zu, column %zu: %s", f->line, f->column,
	               json_error_text(f->error));
}
