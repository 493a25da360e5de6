/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions between bytes and text. */
#include "base/text.h"

#include <assert.h>
#include <endian.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool text_from_hex(struct str s, uint8_t *out, size_t n)
{
	if (s.n % 2 || s.n / 2 != n)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (hex_digit(s.p[i]) < 0)
			return false;
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(hex_digit(s.p[2 * i]) << 4 | hex_digit(s.p[2 * i + 1]));
	return true;
}

static bool base64(struct buf *out, struct str s, const char *digits, bool pad)
{
	size_t whole = s.n / 3, rest = s.n % 3, n = 4 * whole + (rest ? (pad ? 4 : rest + 1) : 0), i;
	const unsigned char *p = (const unsigned char *)s.p;
	uint32_t v;
	char *to;

	if (whole > SIZE_MAX / 4 - 1) {
		out->failed = true;
		return false;
	}
	to = buf_reserve(out, n);
	if (!to)
		return false;
	for (i = 0; i < whole; i++, p += 3) {
		v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		*to++ = digits[v >> 18];
		*to++ = digits[v >> 12 & 63];
		*to++ = digits[v >> 6 & 63];
		*to++ = digits[v & 63];
	}
	if (rest) {
		v = (uint32_t)p[0] << 16 | (rest == 2 ? (uint32_t)p[1] << 8 : 0);
		*to++ = digits[v >> 18];
		*to++ = digits[v >> 12 & 63];
		if (rest == 2)
			*to++ = digits[v >> 6 & 63];
		else if (pad)
			*to++ = '=';
		if (pad)
			*to++ = '=';
	}
	out->n += n;
	return true;
}

bool text_base64(struct buf *out, struct str bytes)
{
	return base64(out, bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true);
}

bool text_base64url(struct buf *out, struct str bytes)
{
	return base64(out, bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false);
}

/* Six bits of a digit; 64: it is none. */
static unsigned from_base64(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26u;
	if (c >= '0' && c <= '9')
		return c - '0' + 52u;
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool text_from_base64(struct buf *out, struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t pad = s.n && p[s.n - 1] == '=' ? (s.n > 1 && p[s.n - 2] == '=' ? 2 : 1) : 0, n = s.n / 4 * 3 - pad, left;
	char *to;

	if (s.n % 4 || !(to = buf_reserve(out, n)))
		return false;
	for (left = n; left; p += 4) {
		unsigned a = from_base64(p[0]), b = from_base64(p[1]);
		unsigned c = left > 1 ? from_base64(p[2]) : 0, d = left > 2 ? from_base64(p[3]) : 0;
		uint32_t v = (uint32_t)(a << 18 | b << 12 | c << 6 | d);

		if ((a | b | c | d) & 64)
			return false;
		if ((left == 1 && b & 15) || (left == 2 && c & 3))
			return false; /* bits behind the last byte: another text of the same bytes (section 3.5) */
		for (unsigned shift = 16; left && shift <= 16; shift -= 8, left--)
			*to++ = (char)(v >> shift);
	}
	out->n += n;
	return true;
}

static inline bool is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* The table of RFC 3629 section 4: only the second byte has bounds that depend on the first. */
size_t text_utf8_len(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	unsigned char least = 0x80, most = 0xbf;

	if (s.n == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4 || s.n < 2)
		return 0;
	if (p[0] < 0xe0)
		return is_tail(p[1]) ? 2 : 0;
	if (p[0] == 0xe0)
		least = 0xa0; /* below: overlong */
	if (p[0] == 0xed)
		most = 0x9f; /* above: surrogates */
	if (p[0] == 0xf0)
		least = 0x90; /* below: overlong */
	if (p[0] == 0xf4)
		most = 0x8f; /* above: past U+10FFFF */
	if (p[1] < least || p[1] > most || s.n < 3 || !is_tail(p[2]))
		return 0;
	if (p[0] < 0xf0)
		return 3;
	return s.n >= 4 && is_tail(p[3]) ? 4 : 0;
}

bool text_is_utf8(struct str s)
{
	size_t i = 0;

	while (i < s.n) {
		uint64_t word[2];
		size_t n;

		if (s.n - i >= sizeof(word)) { /* nearly all text is ASCII */
			memcpy(word, s.p + i, sizeof(word));
			if (((word[0] | word[1]) & 0x8080808080808080) == 0) {
				i += sizeof(word);
				continue;
			}
		}
		n = text_utf8_len(str_of(s.p + i, s.n - i));
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

struct str text_utf8_cut(struct str s, size_t max)
{
	size_t n = s.n < max ? s.n : max, from;

	/* Back to the last byte that may begin a character, at most three away; drop that one if it is not whole. */
	for (from = n; from > 0 && n - from < 4; from--) {
		if (is_tail((unsigned char)s.p[from - 1]))
			continue;
		if ((unsigned char)s.p[from - 1] >= 0xc0 && text_utf8_len(str_of(s.p + from - 1, n - from + 1)) == 0)
			n = from - 1;
		break;
	}
	return str_slice(s, 0, n);
}

bool text_percent_decode(struct buf *out, struct str s)
{
	char *to = buf_reserve(out, s.n);
	size_t n = 0;

	if (!to)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int high, low;

		to[n] = s.p[i];
		if (s.p[i] == '%') {
			high = i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
			low = i + 2 < s.n ? hex_digit(s.p[i + 2]) : -1;
			if (high < 0 || low < 0)
				return false;
			to[n] = (char)(high << 4 | low);
			i += 2;
		}
		if (to[n++] == '\0')
			return false;
	}
	out->n += n;
	return true;
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == '_' || c == '~';
}

bool text_percent_encode(struct buf *out, struct str s, const char *keep)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t was = out->n;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		char escape[3] = { '%', digits[c >> 4], digits[c & 15] };
		bool plain = is_unreserved(s.p[i]) || (c && keep && strchr(keep, s.p[i]));

		if (!buf_append(out, plain ? str_of(s.p + i, 1) : str_of(escape, 3))) {
			out->n = was;
			return false;
		}
	}
	return true;
}

bool text_to_fixed(struct str s, int scale, int64_t *out)
{
	int64_t v = 0;
	int behind = -1; /* digits behind the point; -1: the point was not seen */

	assert(scale >= 0 && scale <= 18);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' && behind < 0 && i > 0 && i + 1 < s.n) {
			behind = 0;
			continue;
		}
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (behind == scale) {
			if (s.p[i] != '0')
				return false;
			continue;
		}
		behind += behind >= 0;
		if (__builtin_mul_overflow(v, (int64_t)10, &v) ||
		    __builtin_add_overflow(v, (int64_t)(s.p[i] - '0'), &v))
			return false;
	}
	for (int i = behind < 0 ? 0 : behind; i < scale; i++)
		if (__builtin_mul_overflow(v, (int64_t)10, &v))
			return false;
	if (s.n == 0)
		return false;
	*out = v;
	return true;
}

/* Eight digits of v, below 10^8, as the bytes 0 to 9 of a number whose lowest byte is the first digit: fours are split
 * into twos and twos into ones, all at once. */
static inline uint64_t eight_digits(uint32_t v)
{
	uint64_t fours = v / 10000 | (uint64_t)(v % 10000) << 32;
	uint64_t hundreds = fours * 10486 >> 20 & 0x0000007f0000007f;
	uint64_t twos = hundreds | (fours - hundreds * 100) << 16;
	uint64_t tens = twos * 103 >> 10 & 0x000f000f000f000f;

	return tens | (twos - tens * 10) << 8;
}

/* Nano-dollars, which every request writes twice: whole dollars, then nine digits without the zeros behind. */
static size_t fixed_9(char *out, uint64_t v)
{
	uint32_t part = (uint32_t)(v % 1000000000);
	size_t n = fmt_u64(out, v / 1000000000);
	uint64_t digits, text;

	if (part == 0)
		return n;
	digits = eight_digits(part % 100000000);
	text = htole64(digits | 0x3030303030303030);
	out[n++] = '.';
	out[n++] = (char)('0' + part / 100000000);
	memcpy(out + n, &text, 8);
	return n + (digits ? 8 - (unsigned)__builtin_clzll(digits) / 8 : 0);
}

size_t text_fixed(char out[TEXT_FIXED_MAX], int64_t v, int scale)
{
	char text[TEXT_FIXED_MAX];
	uint64_t size = v < 0 ? -(uint64_t)v : (uint64_t)v;
	size_t at = sizeof(text);
	bool started = false; /* a digit other than zero was seen behind the point */

	assert(scale >= 0 && scale <= 18);
	if (likely(scale == 9 && v >= 0))
		return fixed_9(out, (uint64_t)v);
	for (int i = 0; i < scale; i++, size /= 10) {
		started = started || size % 10;
		if (started)
			text[--at] = (char)('0' + size % 10);
	}
	if (started)
		text[--at] = '.';
	do {
		text[--at] = (char)('0' + size % 10);
		size /= 10;
	} while (size);
	if (v < 0)
		text[--at] = '-';
	memcpy(out, text + at, sizeof(text) - at);
	return sizeof(text) - at;
}

bool text_from_fixed(struct buf *out, int64_t v, int scale)
{
	char text[TEXT_FIXED_MAX];

	return buf_append(out, str_of(text, text_fixed(text, v, scale)));
}

size_t text_utf8_put(char out[4], uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}
