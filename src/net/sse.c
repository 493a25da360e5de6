/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events: the framer and the reader of one event (HTML standard, 9.2.6). */
#include "net/sse.h"

#include <assert.h>

#include "base/attr.h"
#include "base/v16.h"
#include "base/v32.h"

static const char BOM[3] = { '\xef', '\xbb', '\xbf' };

static inline v16 ends_in(v16 v) { return v16_or(v16_eq(v, v16_fill('\n')), v16_eq(v, v16_fill('\r'))); }

/* Bit i: byte i of the 64 bytes at p is such an end. */
static inline uint64_t ends_in_64(const char *p)
{
	v16 a = ends_in(v16_load(p)), b = ends_in(v16_load(p + 16));
	v16 c = ends_in(v16_load(p + 32)), d = ends_in(v16_load(p + 48));

	if (!v16_mask(v16_or(v16_or(a, b), v16_or(c, d))))
		return 0;
	return v16_mask(a) | (uint64_t)v16_mask(b) << 16 | (uint64_t)v16_mask(c) << 32 | (uint64_t)v16_mask(d) << 48;
}

/* The first CR or LF in [p, end), or end, in blocks of 64 bytes, of which the last
 * lies across the one before it: 64 bytes before `end` can be read. */
static inline __attribute__((always_inline)) const char *find_in_blocks(const char *p, const char *end,
                                                                        uint64_t (*ends)(const char *))
{
	uint64_t found;

	for (; end - p >= 64; p += 64)
		if ((found = ends(p)) != 0)
			return p + __builtin_ctzll(found);
	if (p == end)
		return end;
	found = ends(end - 64) >> (64 - (end - p));
	return found ? p + __builtin_ctzll(found) : end;
}

#ifdef V32
V32 static inline v32 ends_in_wide(v32 v) { return v32_or(v32_eq(v, v32_fill('\n')), v32_eq(v, v32_fill('\r'))); }

V32 static inline uint64_t ends_in_64_wide(const char *p)
{
	v32 a = ends_in_wide(v32_load(p)), b = ends_in_wide(v32_load(p + 32));

	return v32_mask(a) | (uint64_t)v32_mask(b) << 32;
}

V32 static const char *find_line_end_wide(const char *p, const char *end)
{
	return find_in_blocks(p, end, ends_in_64_wide);
}
#endif

static const char *find_in_few(const char *start, const char *p, const char *end)
{
	for (; end - p >= 16; p += 16) {
		unsigned mask = v16_mask(ends_in(v16_load(p)));
		if (mask)
			return p + __builtin_ctz(mask);
	}
	if (p < end && end - start >= 16) { /* the last 16 bytes, of which the first were seen */
		unsigned mask = v16_mask(ends_in(v16_load(end - 16))) >> (16 - (end - p));
		return mask ? p + __builtin_ctz(mask) : end;
	}
	while (p < end && *p != '\n' && *p != '\r')
		p++;
	return p;
}

/* The first CR or LF in [p, end), or end. What is from `start` to p may be read too. */
static const char *find_line_end(const char *start, const char *p, const char *end)
{
	if (end - start < 64)
		return find_in_few(start, p, end);
#ifdef V32
	if (v32_here())
		return find_line_end_wide(p, end);
#endif
	return find_in_blocks(p, end, ends_in_64);
}

/* Looks for the byte order mark at the start of the stream, which may come in pieces. What only began like one is the
 * start of a line: that a line has bytes is all the framer needs to know of it. */
static const char *skip_bom(struct sse_framer *f, const char *p, const char *end)
{
	while (p < end && f->bom < sizeof BOM) {
		if (*p != BOM[f->bom]) {
			f->in_line = f->bom > 0;
			f->bom = sizeof BOM;
			break;
		}
		p++;
		f->bom++;
	}
	return p;
}

size_t sse_frame(struct sse_framer *f, struct str run)
{
	if (run.n == 0)
		return SSE_PARTIAL;

	const char *p = run.p, *end = p + run.n;
	if (unlikely(f->bom < sizeof BOM))
		p = skip_bom(f, p, end);
	if (unlikely(f->after_cr) && p < end) {
		f->after_cr = false;
		if (*p == '\n') {
			p++;
			if (!f->in_event)
				return (size_t)(p - run.p); /* of the blank line before */
		}
	}
	while (p < end) {
		const char *eol = find_line_end(run.p, p, end);
		f->in_line |= eol > p;
		if (eol == end)
			break;
		p = eol + 1;
		if (*eol == '\r') {
			if (p < end && *p == '\n')
				p++;
			else if (p == end)
				f->after_cr = true;
		}
		if (!f->in_line) {
			f->in_event = false;
			return (size_t)(p - run.p);
		}
		f->in_line = false;
		f->in_event = true;
	}
	return SSE_PARTIAL;
}

/* Takes the next line off `*rest`, which is not empty. The last line of an event always has an end; that of a text
 * which the framer did not cut may lack it, and is a line all the same. */
static struct str take_line(const char *start, struct str *rest)
{
	const char *p = rest->p, *end = p + rest->n, *eol = find_line_end(start, p, end), *next = eol;

	if (next < end)
		next += *eol == '\r' && eol + 1 < end && eol[1] == '\n' ? 2 : 1;
	*rest = str_of(next, (size_t)(end - next));
	return str_of(p, (size_t)(eol - p));
}

/* Data is joined only from its second line on: `lines` counts those before this one. */
static bool add_data(struct sse_event *e, struct buf *joined, unsigned lines, struct str value)
{
	if (lines == 0) {
		e->data = value;
		return true;
	}
	if (lines == 1) {
		buf_clear(joined);
		if (!buf_append(joined, e->data))
			return false;
	}
	return buf_append_c(joined, '\n') && buf_append(joined, value);
}

/* Data, and behind the first line's end a blank line in the same style, as nearly all events are. */
static bool is_one_line(const char *start, struct str event)
{
	const char *end = event.p + event.n, *eol;

	if (event.n < 9 || memcmp(event.p, "data:", 5) != 0)
		return false;
	eol = find_line_end(start, event.p, end);
	return end - eol == 2 ? memcmp(eol, "\n\n", 2) == 0 : end - eol == 4 && memcmp(eol, "\r\n\r\n", 4) == 0;
}

enum sse_read sse_read(struct str event, bool first, struct buf *joined, struct sse_event *out)
{
	struct sse_event e = { .name = { NULL, 0 } };
	const char *start = event.p;
	unsigned lines = 0;

	if (first && str_starts(event, str_of(BOM, sizeof BOM)))
		event = str_slice(event, sizeof BOM, event.n);
	/* Nearly all events are one line of data. */
	if (is_one_line(start, event)) {
		size_t from = event.p[5] == ' ' ? 6 : 5;
		e.data = str_slice(event, from, event.n - (event.p[event.n - 2] == '\r' ? 4 : 2));
		*out = e;
		return SSE_EVENT;
	}
	while (event.n > 0) {
		struct str value = take_line(start, &event);
		if (value.n == 0)
			continue; /* only the last line can be blank, or the first: see sse_frame about a cut CRLF */
		const char *colon = memchr(value.p, ':', value.n);
		struct str field = value;
		value = str_of(value.p + value.n, 0);
		if (colon) {
			value = str_of(colon + 1, (size_t)(field.p + field.n - (colon + 1)));
			field.n = (size_t)(colon - field.p);
			if (value.n > 0 && value.p[0] == ' ')
				value = str_of(value.p + 1, value.n - 1);
		}
		if (str_eq(field, STR("data"))) {
			if (!add_data(&e, joined, lines++, value))
				return SSE_TOO_LONG;
		} else if (str_eq(field, STR("event"))) {
			e.name = value;
		} else if (str_eq(field, STR("id"))) {
			if (!value.n || !memchr(value.p, '\0', value.n)) {
				e.id = value;
				e.has_id = true;
			}
		} else if (str_eq(field, STR("retry"))) {
			uint64_t ms;
			if (str_to_u64(value, &ms)) {
				e.retry_ms = ms;
				e.has_retry = true;
			}
		}
	}
	if (lines > 1)
		e.data = buf_str(joined);
	*out = e;
	return lines ? SSE_EVENT : SSE_NO_DATA;
}
