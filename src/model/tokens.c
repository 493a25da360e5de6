/* SPDX-License-Identifier: Apache-2.0 */
/* tokens: counts the tokens of a text piece by piece; of JSON's strings through a small window. */
#include "json/scan.h"
#include "model/tokens_in.h"

enum { ESCAPE_MAX = 4 };     /* bytes that an escape stands for */

const char *tokens_encoding_name(enum tokens_encoding encoding)
{
	switch (encoding) {
	case TOKENS_O200K: return "o200k_base";
	case TOKENS_CL100K: return "cl100k_base";
	case TOKENS_ENCODINGS: break;
	}
	return "none";
}

/* Of a piece that lies too near to the text's end to be read with what tokens_find reads behind it. */
static NOINLINE size_t count_last(const struct tokens_table *t, const uint8_t *p, size_t n)
{
	uint8_t copy[TOKENS_PIECE_MAX + TOKENS_SHORT];

	assert(n <= TOKENS_PIECE_MAX);
	memcpy(copy, p, n);
	memset(copy + n, 0, TOKENS_SHORT);
	return tokens_find(t, copy, n) != TOKENS_NO_RANK ? 1 : tokens_merge(t, copy, n);
}

/* Where looking for the end of the piece at p ends: before a character that would be cut. */
static const uint8_t *piece_limit(const uint8_t *p)
{
	const uint8_t *limit = p + TOKENS_PIECE_MAX;

	for (int i = 0; i < 3 && (*limit & 0xc0) == 0x80; i++)
		limit--;
	return limit;
}

/*
 * Counts pieces from the text's beginning on, as long as at least TOKENS_PIECE_MAX + TOKENS_SHORT bytes are left, or,
 * if it is the last of its text, all. *done becomes the length of what was counted.
 */
static size_t count_pieces(enum tokens_encoding encoding, const uint8_t *text, size_t n, bool last, size_t *done)
{
	const struct tokens_table *t = tokens_table_of(encoding);
	const uint8_t *p = text, *end = n > 0 ? text + n : text;
	size_t count = 0;

	while (p < end) {
		size_t left = (size_t)(end - p), length;
		bool roomy = left >= TOKENS_PIECE_MAX + TOKENS_SHORT;
		if (!roomy && !last)
			break;
		const uint8_t *limit = left > TOKENS_PIECE_MAX ? piece_limit(p) : end;
		length = (size_t)(tokens_piece(encoding, p, limit, limit < end) - p);
		assert(length > 0);
		if (unlikely(p + length == limit && limit < end && length > TOKENS_PIECE_MAX - 4))
			count += tokens_merge_part(t, p, &length);
		else if (unlikely(!roomy && left - length < TOKENS_SHORT))
			count += count_last(t, p, length);
		else
			count += tokens_find(t, p, length) != TOKENS_NO_RANK ? 1 : tokens_merge(t, p, length);
		p += length;
	}
	*done = (size_t)(p - text);
	return count;
}

size_t tokens_count(enum tokens_encoding encoding, struct str text)
{
	size_t done;

	return count_pieces(encoding, (const uint8_t *)text.p, text.n, true, &done);
}

/* Unescapes from *escaped to `out`, which has room for `room` bytes; returns how many it wrote. */
static size_t unescape_some(struct str *escaped, char *out, size_t room)
{
	const char *p = escaped->p, *end = p + escaped->n;
	char *o = out, *full = out + room;

	while (p < end && full - o >= ESCAPE_MAX) {
		size_t most = (size_t)(full - o) < (size_t)(end - p) ? (size_t)(full - o) : (size_t)(end - p);
		const char *stop = memchr(p, '\\', most);
		size_t plain = stop ? (size_t)(stop - p) : most;
		memcpy(o, p, plain);
		o += plain;
		p += plain;
		while (p < end && *p == '\\' && full - o >= ESCAPE_MAX) {
			size_t n = json_take_escape(&p, end, o);
			if (n == 0)
				*o = *p++;
			o += n ? n : 1;
		}
	}
	*escaped = str_of(p, (size_t)(end - p));
	return (size_t)(o - out);
}

void tokens_feed_begin(struct tokens_feed *f, enum tokens_encoding encoding)
{
	f->encoding = encoding;
	f->count = f->held = 0;
}

/* Counts what can be counted and moves the rest to the window's beginning. */
static void feed_count(struct tokens_feed *f, bool last)
{
	size_t done;

	f->count += count_pieces(f->encoding, (const uint8_t *)f->window, f->held, last, &done);
	memmove(f->window, f->window + done, f->held - done);
	f->held -= done;
}

void tokens_feed_text(struct tokens_feed *f, struct str text)
{
	while (text.n > 0) {
		size_t room = sizeof f->window - f->held, n = text.n < room ? text.n : room;
		memcpy(f->window + f->held, text.p, n);
		f->held += n;
		text = str_of(text.p + n, text.n - n);
		if (f->held == sizeof f->window)
			feed_count(f, false);
	}
}

void tokens_feed_json(struct tokens_feed *f, struct str escaped)
{
	while (escaped.n > 0) {
		f->held += unescape_some(&escaped, f->window + f->held, sizeof f->window - f->held);
		if (sizeof f->window - f->held < ESCAPE_MAX)
			feed_count(f, false);
	}
}

size_t tokens_feed_end(struct tokens_feed *f)
{
	feed_count(f, true);
	assert(f->held == 0);
	return f->count;
}

size_t tokens_count_json(enum tokens_encoding encoding, struct str escaped)
{
	struct tokens_feed f;

	if (escaped.n == 0 || !memchr(escaped.p, '\\', escaped.n))
		return tokens_count(encoding, escaped);
	tokens_feed_begin(&f, encoding);
	tokens_feed_json(&f, escaped);
	return tokens_feed_end(&f);
}
