/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: any bytes as a chunked body. The reader must give, however they are cut, what the grammar of RFC 9112
 * section 7.1 says when it is written down plainly, with the whole text at hand.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "net/http1.h"

#define INPUT_MAX_BYTES 4000u /* below the ceiling of extensions and trailers */

/* ---- the grammar ---- */

struct text {
	struct str rest;
	bool cut;      /* a rule wanted more than there was */
};

static int peek(struct text *t)
{
	t->cut |= t->rest.n == 0;
	return t->rest.n ? (unsigned char)t->rest.p[0] : -1;
}

static int next(struct text *t)
{
	int c = peek(t);

	if (c >= 0)
		t->rest = str_slice(t->rest, 1, t->rest.n);
	return c;
}

static bool is_token_byte(int c)
{
	char byte = (char)c;

	return c >= 0 && http_is_token(str_of(&byte, 1));
}

static bool is_text_byte(int c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static struct str token(struct text *t)
{
	const char *start = t->rest.p;

	while (is_token_byte(peek(t)))
		next(t);
	return str_of(start, (size_t)(t->rest.p - start));
}

static void blanks(struct text *t)
{
	while (peek(t) == ' ' || peek(t) == '\t')
		next(t);
}

static bool crlf(struct text *t)
{
	return next(t) == '\r' && next(t) == '\n';
}

static bool quoted(struct text *t)
{
	for (next(t);;) {
		int c = next(t);

		if (c == '"')
			return true;
		if (c == '\\')
			c = next(t);
		if (!is_text_byte(c))
			return false;
	}
}

/* *( ";" BWS name BWS [ "=" BWS ( token / quoted-string ) BWS ] ) */
static bool extensions(struct text *t)
{
	while (peek(t) == ';') {
		next(t);
		blanks(t);
		if (token(t).n == 0)
			return false;
		blanks(t);
		if (peek(t) != '=')
			continue;
		next(t);
		blanks(t);
		if (peek(t) == '"' ? !quoted(t) : token(t).n == 0)
			return false;
		blanks(t);
	}
	return true;
}

static bool size_line(struct text *t, uint64_t *size)
{
	unsigned digits = 0;

	for (*size = 0;; digits++) {
		int c = peek(t), low = c | 0x20;
		int digit = c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' && c > 0 ? low - 'a' + 10 : -1;

		if (digit < 0)
			break;
		if (digits == UINT8_MAX || *size > (uint64_t)INT64_MAX >> 4)
			return false;
		*size = *size << 4 | (unsigned)digit;
		next(t);
	}
	if (digits == 0)
		return false;
	/* blanks belong to an extension that must then follow */
	if (peek(t) == ' ' || peek(t) == '\t') {
		blanks(t);
		if (peek(t) != ';')
			return false;
	}
	return extensions(t) && crlf(t);
}

static bool trailer(struct text *t)
{
	static const char *const refused[] = { "content-length", "transfer-encoding", "host", "authorization",
		                               "content-encoding", "content-type", "connection", "trailer" };
	struct str name = token(t);

	if (name.n == 0 || next(t) != ':')
		return false;
	for (size_t i = 0; i < COUNT_OF(refused); i++)
		if (str_ieq(name, str_from_z(refused[i])))
			return false;
	while (is_text_byte(peek(t)))
		next(t);
	return crlf(t);
}

static bool body(struct text *t, struct buf *out)
{
	uint64_t size;

	do {
		if (!size_line(t, &size))
			return false;
		struct str data = str_slice(t->rest, 0, size < t->rest.n ? (size_t)size : t->rest.n);

		buf_append(out, data);
		t->rest = str_slice(t->rest, data.n, t->rest.n);
		t->cut |= data.n < size;
		if (t->cut || (size && !crlf(t)))
			return false;
	} while (size);
	while (peek(t) != '\r')
		if (!trailer(t))
			return false;
	return crlf(t);
}

static enum http1_body by_grammar(struct str in, struct buf *out, size_t *left)
{
	struct text t = { .rest = in };
	bool good = body(&t, out);

	*left = t.rest.n;
	return good ? HTTP1_BODY_END : t.cut ? HTTP1_BODY_MORE : HTTP1_BODY_BAD;
}

/* ---- the reader ---- */

/* Pieces of their own, so that a sanitizer sees what is read behind them. */
static enum http1_body in_steps(struct str in, size_t step, struct buf *out, size_t *left)
{
	struct http1_chunks chunks = { 0 };
	enum http1_body got = HTTP1_BODY_MORE;

	for (size_t at = 0; at < in.n && got == HTTP1_BODY_MORE; at += step) {
		struct str part = str_slice(in, at, at + step), data, rest;
		char *copy = malloc(part.n);

		rest = str_of(memcpy(copy, part.p, part.n), part.n);
		while ((got = http1_chunks_read(&chunks, &rest, &data)) == HTTP1_BODY_DATA) {
			assert(data.n > 0 && data.p >= copy && data.p + data.n <= copy + part.n);
			buf_append(out, data);
		}
		assert(got != HTTP1_BODY_MORE || rest.n == 0);
		*left = in.n - at - part.n + rest.n;
		free(copy);
	}
	return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf want = buf_make(INPUT_MAX_BYTES), whole = buf_make(INPUT_MAX_BYTES), cut = buf_make(INPUT_MAX_BYTES);
	size_t want_left = 0, whole_left = 0, cut_left = 0;
	enum http1_body result;
	struct str in;

	if (size < 2 || size > INPUT_MAX_BYTES)
		return 0;
	in = str_of((const char *)data + 1, size - 1);
	result = by_grammar(in, &want, &want_left);
	assert(in_steps(in, in.n, &whole, &whole_left) == result);
	assert(in_steps(in, 1 + data[0] % 61, &cut, &cut_left) == result);
	assert(str_eq(buf_str(&whole), buf_str(&cut)) && whole_left == cut_left);
	assert(str_eq(buf_str(&whole), buf_str(&want)));
	assert(result != HTTP1_BODY_END || whole_left == want_left);
	buf_fini(&want);
	buf_fini(&whole);
	buf_fini(&cut);
	return 0;
}
