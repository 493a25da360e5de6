/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys that all loops read without a lock, and the lookup of the hot path. */
#include "govern/govern_in.h"

/* The low-level SHA-256 keeps the two HMAC states as plain structs; through EVP each lookup would cost an allocation
 * and three times the instructions. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"

enum {
	FIRST_SLOTS = 64,
	CACHE_SLOTS = 1024,
	TOKEN_MAX_BYTES = 512, /* nobody's key is longer; a longer text is not worth hashing */
};

/* One published table. Slots only ever go from NULL to a key, and from a key to the key that replaces it. It is freed
 * when the last reader has moved to a newer one; until then every key that ever stood in it is alive. */
struct slots {
	_Atomic uint32_t refs;
	size_t mask, used; /* used counts retired keys too, so that edits make the table turn over */
	struct key **retired;
	size_t n_retired;
	_Atomic(struct key *) slot[];
};

struct keytable {
	pthread_mutex_t lock; /* of `current`: a pointer read and a count */
	struct slots *current;
	_Atomic uint64_t generation;
	SHA256_CTX inner, outer;
};

struct keys_reader {
	struct keytable *table;
	struct slots *slots;
	uint64_t generation;
	struct siphash_key mac_key;
	struct {
		struct siphash mac;
		struct key *key; /* alive as long as `slots` */
	} cache[CACHE_SLOTS];
};

/* ---- keys ---- */

static size_t texts_bytes(const struct str *list, size_t n)
{
	size_t bytes = n * sizeof(struct str);

	for (size_t i = 0; i < n; i++)
		bytes += list[i].n;
	return bytes;
}

static struct str text_copy(char **p, struct str s)
{
	struct str copy = str_of(*p, s.n);

	if (s.n)
		memcpy(*p, s.p, s.n);
	*p += s.n;
	return copy;
}

static const struct str *texts_copy(struct str *to, char **p, const struct str *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = text_copy(p, list[i]);
	return to;
}

/* One block: the key, its two lists, then all texts. */
struct key *key_new(const struct key_info *info, const uint8_t digest[KEY_DIGEST_BYTES])
{
	struct str owner = info->team.n ? info->team : info->id;
	size_t bytes = sizeof(struct key) + texts_bytes(info->models, info->n_models) +
	               texts_bytes(info->tags, info->n_tags) + info->id.n + info->name.n + info->hint.n + info->team.n +
	               info->user.n + 1 + owner.n;
	struct key *key = mem_zalloc(bytes);
	struct str *lists = (struct str *)(key + 1);
	char *p = (char *)(lists + info->n_models + info->n_tags);

	key->info = *info;
	key->info.models = texts_copy(lists, &p, info->models, info->n_models);
	key->info.tags = texts_copy(lists + info->n_models, &p, info->tags, info->n_tags);
	key->info.id = text_copy(&p, info->id);
	key->info.name = text_copy(&p, info->name);
	key->info.hint = text_copy(&p, info->hint);
	key->info.team = text_copy(&p, info->team);
	key->info.user = text_copy(&p, info->user);
	key->tenant = str_of(p, 1 + owner.n);
	*p++ = info->team.n ? 't' : 'k'; /* a team may be called as a key is */
	(void)text_copy(&p, owner);
	assert(p == (char *)key + bytes);
	memcpy(key->digest, digest, KEY_DIGEST_BYTES);
	key->refs = 1;
	return key;
}

void key_kill(struct key *key, bool revoked)
{
	atomic_store(&key->revoked, revoked);
	atomic_store(&key->dead, true);
}

void key_unref(struct key *key)
{
	if (!key || atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) != 1)
		return;
	OPENSSL_cleanse(key->digest, sizeof(key->digest));
	free(key);
}

struct key *keys_anonymous(void)
{
	static struct key nobody = {
		.info = { .id = STR_INIT("anonymous"),
		          .name = STR_INIT("anonymous"),
		          .role = KEY_USER,
		          .source = KEY_BUILTIN },
		.tenant = STR_INIT("k"),
		.refs = 1,
	};

	return &nobody;
}

struct key *keys_prober(void)
{
	static struct key prober = {
		.info = { .id = STR_INIT("probe"),
		          .name = STR_INIT("probe"),
		          .role = KEY_USER,
		          .source = KEY_BUILTIN },
		.tenant = STR_INIT("p"),
		.refs = 1,
	};

	return &prober;
}

bool key_allows_model(const struct key *key, struct str model)
{
	for (size_t i = 0; i < key->info.n_models; i++)
		if (str_glob(key->info.models[i], model))
			return true;
	return key->info.n_models == 0;
}

const char *key_refusal_name(enum key_refusal why)
{
	switch (why) {
	case KEY_OK: return "ok";
	case KEY_MISSING: return "missing";
	case KEY_UNKNOWN: return "unknown";
	case KEY_REVOKED: return "revoked";
	case KEY_EXPIRED: return "expired";
	}
	assert(!"unknown key_refusal");
	return "";
}

/* ---- the table, for its writer ---- */

/* RFC 2104: the states after the padded key, so that a lookup costs two blocks and not four. */
static void hmac_prepare(struct keytable *t, const uint8_t secret[KEY_SECRET_BYTES])
{
	uint8_t pad[SHA256_CBLOCK];

	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] = (i < KEY_SECRET_BYTES ? secret[i] : 0) ^ 0x36;
	SHA256_Init(&t->inner);
	SHA256_Update(&t->inner, pad, sizeof(pad));
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	SHA256_Init(&t->outer);
	SHA256_Update(&t->outer, pad, sizeof(pad));
	OPENSSL_cleanse(pad, sizeof(pad));
}

void keytable_digest(const struct keytable *t, struct str text, uint8_t out[KEY_DIGEST_BYTES])
{
	SHA256_CTX c = t->inner;

	SHA256_Update(&c, text.p, text.n);
	SHA256_Final(out, &c);
	c = t->outer;
	SHA256_Update(&c, out, KEY_DIGEST_BYTES);
	SHA256_Final(out, &c);
}

static struct slots *slots_new(size_t n)
{
	struct slots *s = mem_zalloc(sizeof(*s) + n * sizeof(s->slot[0]));

	s->mask = n - 1;
	s->refs = 1;
	return s;
}

static void slots_unref(struct slots *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i <= s->mask; i++)
		key_unref(atomic_load_explicit(&s->slot[i], memory_order_relaxed));
	for (size_t i = 0; i < s->n_retired; i++)
		key_unref(s->retired[i]);
	free(s->retired);
	free(s);
}

static inline bool digest_eq(const uint8_t *a, const uint8_t *b)
{
	uint64_t diff = 0;

	for (size_t i = 0; i < KEY_DIGEST_BYTES; i += 8) {
		uint64_t x, y;

		memcpy(&x, a + i, 8);
		memcpy(&y, b + i, 8);
		diff |= x ^ y;
	}
	return diff == 0;
}

/* The slot that holds the digest or, free, would hold it. Where a digest is looked for says nothing about the text to
 * who does not know the secret, so that only the comparison must take constant time. */
static inline _Atomic(struct key *) *slots_find(struct slots *s, const uint8_t digest[KEY_DIGEST_BYTES])
{
	uint64_t at;

	memcpy(&at, digest, sizeof(at));
	for (at &= s->mask;; at = (at + 1) & s->mask) {
		struct key *key = atomic_load_explicit(&s->slot[at], memory_order_acquire);

		if (!key || digest_eq(key->digest, digest))
			return &s->slot[at];
	}
}

static void slots_insert(struct slots *s, struct key *key)
{
	_Atomic(struct key *) *slot = slots_find(s, key->digest);
	struct key *old = atomic_load_explicit(slot, memory_order_relaxed);

	if (old) {
		s->retired = mem_realloc(s->retired, (s->n_retired + 1) * sizeof(struct key *));
		s->retired[s->n_retired++] = old;
	}
	s->used++;
	atomic_store_explicit(slot, key_ref(key), memory_order_release);
}

/* A table with room, of the living keys only, in the place of the current one. */
static void keytable_turn_over(struct keytable *t)
{
	struct slots *old = t->current, *s;
	size_t n = FIRST_SLOTS, living = 0;

	for (size_t i = 0; i <= old->mask; i++) {
		struct key *key = atomic_load_explicit(&old->slot[i], memory_order_relaxed);

		living += key && !atomic_load(&key->dead);
	}
	while (n < living * 3)
		n *= 2;
	s = slots_new(n);
	for (size_t i = 0; i <= old->mask; i++) {
		struct key *key = atomic_load_explicit(&old->slot[i], memory_order_relaxed);

		if (key && !atomic_load(&key->dead))
			slots_insert(s, key);
	}
	pthread_mutex_lock(&t->lock);
	t->current = s;
	atomic_fetch_add(&t->generation, 1);
	pthread_mutex_unlock(&t->lock);
	slots_unref(old);
}

void keytable_put(struct keytable *t, struct key *key)
{
	if ((t->current->used + 1) * 4 > (t->current->mask + 1) * 3)
		keytable_turn_over(t);
	slots_insert(t->current, key);
}

struct key *keytable_peek(const struct keytable *t, const uint8_t digest[KEY_DIGEST_BYTES])
{
	return atomic_load_explicit(slots_find(t->current, digest), memory_order_relaxed);
}

struct keytable *keytable_new(const uint8_t secret[KEY_SECRET_BYTES])
{
	struct keytable *t = mem_zalloc(sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	t->current = slots_new(FIRST_SLOTS);
	t->generation = 1;
	hmac_prepare(t, secret);
	return t;
}

void keytable_free(struct keytable *t)
{
	if (!t)
		return;
	slots_unref(t->current);
	pthread_mutex_destroy(&t->lock);
	OPENSSL_cleanse(t, sizeof(*t));
	free(t);
}

/* ---- readers ---- */

/* Once after each turn-over. The cache's keys live by the table that is let go, so it is emptied. */
static COLD void reader_renew(struct keys_reader *r)
{
	struct slots *old = r->slots;

	pthread_mutex_lock(&r->table->lock);
	r->slots = r->table->current;
	atomic_fetch_add_explicit(&r->slots->refs, 1, memory_order_relaxed);
	r->generation = atomic_load(&r->table->generation);
	pthread_mutex_unlock(&r->table->lock);
	memset(r->cache, 0, sizeof(r->cache));
	slots_unref(old);
}

static inline bool reader_is_behind(const struct keys_reader *r)
{
	return atomic_load_explicit(&r->table->generation, memory_order_acquire) != r->generation;
}

struct keys_reader *keytable_reader(struct keytable *t)
{
	struct keys_reader *r = mem_zalloc(sizeof(*r));

	r->table = t;
	rand_secret(&r->mac_key, sizeof(r->mac_key));
	reader_renew(r);
	return r;
}

void keys_reader_free(struct keys_reader *r)
{
	if (!r)
		return;
	slots_unref(r->slots);
	OPENSSL_cleanse(r, sizeof(*r));
	free(r);
}

/* A dead key in the slot is final only if nothing has replaced it meanwhile: a writer stores the new key first and
 * kills the old one after, so who sees it dead and looks again sees the new one, in this table or in a newer. */
static struct key *find_slowly(struct keys_reader *r, struct str token, enum key_refusal *why)
{
	uint8_t digest[KEY_DIGEST_BYTES];
	struct key *last = NULL;

	keytable_digest(r->table, token, digest);
	for (;;) {
		struct key *key = atomic_load_explicit(slots_find(r->slots, digest), memory_order_acquire);

		if (key && !atomic_load_explicit(&key->dead, memory_order_acquire))
			return key;
		if (reader_is_behind(r)) {
			reader_renew(r);
			last = NULL;
			continue;
		}
		if (key == last) {
			*why = key && atomic_load(&key->revoked) ? KEY_REVOKED : KEY_UNKNOWN;
			return NULL;
		}
		last = key;
	}
}

static inline struct key *find_cached(struct keys_reader *r, struct str token, enum key_refusal *why)
{
	struct siphash mac = siphash_128(&r->mac_key, token);
	size_t at = mac.low % CACHE_SLOTS;
	struct key *key = r->cache[at].key;

	if (likely(key && ((r->cache[at].mac.low ^ mac.low) | (r->cache[at].mac.high ^ mac.high)) == 0 &&
	           !atomic_load_explicit(&key->dead, memory_order_acquire)))
		return key;
	key = find_slowly(r, token, why);
	if (key) {
		r->cache[at].mac = mac;
		r->cache[at].key = key;
	}
	return key;
}

HOT struct key *keys_find(struct keys_reader *r, struct str token, enum key_refusal *why)
{
	enum key_refusal unused;
	struct key *key;

	if (!why)
		why = &unused;
	*why = KEY_MISSING;
	if (token.n == 0)
		return NULL;
	*why = KEY_UNKNOWN;
	if (token.n > TOKEN_MAX_BYTES)
		return NULL;
	if (unlikely(reader_is_behind(r)))
		reader_renew(r);
	key = find_cached(r, token, why);
	if (!key)
		return NULL;
	if (key->info.expires_ms && clock_real_ms() >= key->info.expires_ms) {
		*why = KEY_EXPIRED;
		return NULL;
	}
	*why = KEY_OK;
	return key_ref(key);
}
