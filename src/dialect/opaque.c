/* SPDX-License-Identifier: Apache-2.0 */
/* opaque: a token of another maker in an envelope that any dialect carries. */
#include <assert.h>

#include "base/arena.h"
#include "base/crc32.h"
#include "base/text.h"
#include "dialect/chat.h"

/*
 * The envelope is base64 throughout, since SDKs decode such members (Gemini's as bytes): eight letters that are base64
 * of six bytes and tell it at a glance, then base64 of: the maker's letter, the length of the id in two bytes, CRC32 of
 * what follows in four bytes (all big endian), the id, the token.
 */
#define MARK "sluice01"
enum { HEAD = 7, ID_MAX = 0xffff };

/* Letters, not numbers: envelopes lie in clients' histories while this program changes. */
static const char makers[MAKERS] = {
	[MAKER_NONE] = 'n', [MAKER_OPENAI] = 'o',     [MAKER_ANTHROPIC] = 'a', [MAKER_GEMINI] = 'g',
	[MAKER_XAI] = 'x',  [MAKER_OPENROUTER] = 'r', [MAKER_OTHER] = 'z',
};

struct jstr chat_opaque_wrap(struct arena *a, const struct chat_opaque *o)
{
	size_t id_n = o->id.n <= ID_MAX ? o->id.n : 0, n = HEAD + id_n + o->bytes.n;
	struct buf out = buf_make((n + 2) / 3 * 4 + sizeof(MARK) + 4);
	struct str copy = { 0 };
	uint32_t crc;
	char *p = arena_alloc(a, n + 1);

	assert(o->maker < MAKERS);
	if (!p)
		return (struct jstr){ 0 };
	if (id_n)
		memcpy(p + HEAD, o->id.p, id_n);
	if (o->bytes.n)
		memcpy(p + HEAD + id_n, o->bytes.p, o->bytes.n);
	crc = crc32_add(0, str_of(p + HEAD, n - HEAD));
	p[0] = makers[o->maker];
	p[1] = (char)(id_n >> 8);
	p[2] = (char)id_n;
	for (int i = 0; i < 4; i++)
		p[3 + i] = (char)(crc >> (24 - 8 * i));
	if (buf_append(&out, STR(MARK)) && text_base64(&out, str_of(p, n)))
		copy = arena_dup(a, buf_str(&out));
	buf_fini(&out);
	return jstr_of(copy.p, copy.n);
}

bool chat_opaque_marked(struct str body) { return str_find(body, STR("\"" MARK)) != STR_NPOS; }

/* Is it what stands between the quotes of a JSON string? Nobody but us should make envelopes, but anybody can. */
static bool is_jstr(struct arena *a, struct str s)
{
	struct json_fault fault;
	char *p = arena_alloc(a, s.n + 2);

	if (!p)
		return false;
	p[0] = p[s.n + 1] = '"';
	if (s.n)
		memcpy(p + 1, s.p, s.n);
	return json_scan(NULL, str_of(p, s.n + 2), 1, NULL, &fault);
}

/* Base64 behind the mark, in the alphabet of RFC 4648 section 4 or 5, padded or not: SDKs decode and encode again. */
static struct str decode(struct arena *a, struct str s)
{
	struct buf out = buf_make(s.n + 4);
	struct str plain = { 0 };
	size_t n = 0;
	char *p;

	while (s.n && s.p[s.n - 1] == '=')
		s.n--;
	p = arena_alloc(a, s.n + 4);
	if (!p)
		return plain;
	for (; n < s.n; n++)
		p[n] = s.p[n] == '-' ? '+' : s.p[n] == '_' ? '/' : s.p[n];
	while (n % 4)
		p[n++] = '=';
	if (text_from_base64(&out, str_of(p, n)))
		plain = arena_dup(a, buf_str(&out));
	buf_fini(&out);
	return plain;
}

static bool open_envelope(struct arena *a, struct str in, struct chat_opaque *out)
{
	const uint8_t *p;
	uint32_t crc = 0;
	size_t id_n;
	unsigned maker = 0;

	if (in.n < HEAD)
		return false;
	p = (const uint8_t *)in.p;
	while (maker < MAKERS && makers[maker] != in.p[0])
		maker++;
	id_n = (size_t)p[1] << 8 | p[2];
	for (int i = 0; i < 4; i++)
		crc = crc << 8 | p[3 + i];
	if (maker == MAKERS || id_n > in.n - HEAD || crc != crc32_add(0, str_of(in.p + HEAD, in.n - HEAD)))
		return false;
	struct str id = str_of(in.p + HEAD, id_n), bytes = str_of(in.p + HEAD + id_n, in.n - HEAD - id_n);
	if (!is_jstr(a, id) || !is_jstr(a, bytes))
		return false;
	out->maker = (uint8_t)maker;
	out->id = id_n ? jstr_of(id.p, id.n) : (struct jstr){ 0 };
	out->bytes = bytes.n ? jstr_of(bytes.p, bytes.n) : (struct jstr){ 0 };
	return true;
}

bool chat_opaque_unwrap(struct arena *a, struct jstr text, struct chat_opaque *out)
{
	struct str plain;

	if (!str_starts(jstr_raw(text), STR(MARK)))
		return false;
	*out = (struct chat_opaque){ .maker = MAKER_NONE };
	plain = jstr_plain(a, text);
	if (plain.n > sizeof(MARK) - 1)
		plain = decode(a, str_slice(plain, sizeof(MARK) - 1, plain.n));
	/* One of ours that was damaged on its way stays ours, and says nothing. */
	if (!open_envelope(a, plain, out))
		*out = (struct chat_opaque){ .maker = MAKER_NONE };
	return true;
}
