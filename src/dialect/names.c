/* SPDX-License-Identifier: Apache-2.0 */
/* names: tool names and call ids in the alphabet of a target (rules T5 and T9). */

#include <assert.h>

#include "base/arena.h"
#include "dialect/chat.h"

/* Letters and digits of a hash: enough that no two names of one request meet, and few enough to leave the name. */
#define HASH_LETTERS 8

static bool allows(enum chat_alphabet alphabet, char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	switch (alphabet) {
	case ALPHABET_WORD_DASH: return c == '_' || c == '-';
	case ALPHABET_GEMINI: return c == '_' || c == '-' || c == '.' || c == ':';
	case ALPHABET_ALNUM: return false;
	}
	assert(!"unknown chat_alphabet");
	return false;
}

static bool may_begin(enum chat_alphabet alphabet, char c)
{
	return alphabet != ALPHABET_GEMINI || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool fits(struct jstr s, enum chat_alphabet alphabet, size_t max)
{
	if (s.n == 0 || s.n > max || !may_begin(alphabet, s.p[0]))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!allows(alphabet, s.p[i]))
			return false;
	return true;
}

/* FNV-1a. Not the seeded hash of base/map: the same name must be the same in each process and after each restart, or
 * the provider's prompt cache would never hit. Who makes two of his own names meet gains nothing. */
static uint64_t stable_hash(struct jstr s, uint64_t salt)
{
	uint64_t h = 0xcbf29ce484222325u ^ salt;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * 0x100000001b3u;
	return h ^ h >> 32;
}

static void put_hash(char *to, size_t n, uint64_t h)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz";

	for (size_t i = 0; i < n; i++, h /= 36)
		to[i] = letters[h ? h % 36 : i % 36];
}

/* As much of the text as leaves room for the hash, other letters replaced, and the hash. */
static struct jstr make_fit(struct arena *a, struct jstr s, enum chat_alphabet alphabet, size_t max, uint64_t salt)
{
	const bool joint = alphabet != ALPHABET_ALNUM;
	size_t hash = max < HASH_LETTERS ? max : HASH_LETTERS, keep = max > hash + joint ? max - hash - joint : 0,
	       n = 0;
	char *p = arena_alloc(a, max + 1);

	if (!p)
		return (struct jstr){ 0 };
	if (s.n && keep && !may_begin(alphabet, s.p[0]))
		p[n++] = '_';
	for (size_t i = 0; i < s.n && n < keep; i++) {
		if (allows(alphabet, s.p[i]))
			p[n++] = s.p[i];
		else if (joint && (n == 0 || p[n - 1] != '_'))
			p[n++] = '_';
	}
	if (joint && keep && (n == 0 || p[n - 1] != '_'))
		p[n++] = '_';
	put_hash(p + n, hash, stable_hash(s, salt));
	return jstr_of(p, n + hash);
}

/* Ten thousand tools with odd names must not be compared each with each. */
enum { SLOTS = 256 };

static struct chat_rename **slot_of_original(struct chat_undo *u, struct jstr name)
{
	return &u->by_hash[stable_hash(name, 0) % SLOTS];
}

static struct chat_rename **slot_of_sent(struct chat_undo *u, struct jstr name)
{
	return &u->by_hash[SLOTS + stable_hash(name, 0) % SLOTS];
}

static bool is_taken(struct chat_undo *u, struct jstr sent)
{
	for (const struct chat_rename *r = *slot_of_sent(u, sent); r; r = r->same_sent)
		if (jstr_eq(r->sent, sent))
			return true;
	return false;
}

struct jstr chat_fit_name(struct arena *a, struct chat_undo *undo, struct jstr name, enum chat_alphabet alphabet,
                          size_t max)
{
	struct jstr sent = { 0 };

	if (fits(name, alphabet, max))
		return name;
	if (!undo->by_hash && !(undo->by_hash = arena_zalloc(a, 2 * SLOTS * sizeof(*undo->by_hash))))
		return sent;
	for (const struct chat_rename *r = *slot_of_original(undo, name); r; r = r->same_original)
		if (jstr_eq(r->original, name))
			return r->sent;
	for (uint64_t salt = 0; !sent.p; salt++) {
		sent = make_fit(a, name, alphabet, max, salt);
		if (!sent.p)
			return sent;
		if (is_taken(undo, sent))
			sent.p = NULL;
	}
	struct chat_rename *r = arena_alloc(a, sizeof *r);
	if (!r)
		return (struct jstr){ 0 };
	*r = (struct chat_rename){ .next = undo->renames, .same_original = *slot_of_original(undo, name),
		                   .same_sent = *slot_of_sent(undo, sent), .sent = sent, .original = name };
	undo->renames = *slot_of_original(undo, name) = *slot_of_sent(undo, sent) = r;
	return sent;
}

struct jstr chat_fit_id(struct arena *a, struct jstr id, enum chat_alphabet alphabet, size_t max, bool exactly)
{
	if (fits(id, alphabet, max) && (!exactly || id.n == max))
		return id;
	if (!exactly)
		return make_fit(a, id, alphabet, max, 0);
	char *p = arena_alloc(a, max);
	if (!p)
		return (struct jstr){ 0 };
	put_hash(p, max, stable_hash(id, 0));
	return jstr_of(p, max);
}
