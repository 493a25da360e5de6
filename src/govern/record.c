/* SPDX-License-Identifier: Apache-2.0 */
/* Journal records: one request's spend as bytes, and back. */
#include "govern/govern_in.h"

#include <assert.h>

/* In place: a record is some 200 bytes, for which the call into the library costs as much as the hash. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "journals are little-endian: swap the numbers in record_write and record_read"
#endif

enum { RECORD_MAGIC = 0x5aa5, RECORD_VERSION = 1 };

struct record_head {
	uint16_t magic, n; /* n: bytes of the payload */
	uint32_t check;
};

_Static_assert(sizeof(struct record_head) == 8 && sizeof(struct record_fixed) == 96, "the layout on disk");
_Static_assert(sizeof(struct record_head) + sizeof(struct record_fixed) + (TEXTS + DIMS) * SPEND_TEXT_MAX + 8 ==
                       RECORD_MAX_BYTES,
               "the longest record");
_Static_assert(RECORD_MAX_BYTES - sizeof(struct record_head) <= UINT16_MAX, "fits its length");

static inline uint32_t check_of(const char *payload, size_t n, uint64_t salt)
{
	return (uint32_t)XXH3_64bits_withSeed(payload, n, salt ^ n);
}

/* Cut at a character's start, so that what is stored is still text. */
static COLD size_t text_cut(struct str s)
{
	size_t n = SPEND_TEXT_MAX;

	while (n > SPEND_TEXT_MAX - 4 && ((uint8_t)s.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static inline char *text_put(char *out, struct str s, uint8_t *n)
{
	size_t len = likely(s.n <= SPEND_TEXT_MAX) ? s.n : text_cut(s);

	*n = (uint8_t)len;
	if (len)
		memcpy(out, s.p, len);
	return out + len;
}

static inline uint16_t clip16(unsigned v)
{
	return v > UINT16_MAX ? UINT16_MAX : (uint16_t)v;
}

HOT size_t record_write(char *out, uint64_t salt, const struct spend *s)
{
	struct record_fixed f = {
		.version = RECORD_VERSION,
		.flags = (uint8_t)((s->stream ? RECORD_STREAM : 0) | (s->cost_known ? RECORD_COST_KNOWN : 0) |
		                   s->usage << RECORD_USAGE_SHIFT),
		.status = clip16(s->status),
		.attempts = clip16(s->attempts),
		.id = s->id,
		.cost_nusd = s->cost_known ? s->cost_nusd : 0,
		.tokens = s->tokens,
		.first_byte_ms = s->first_byte_ms,
		.latency_ms = s->latency_ms,
		.overhead_us = s->overhead_us,
	};
	struct record_head head = { .magic = RECORD_MAGIC };
	char *payload = out + sizeof(head), *p = payload + sizeof(f);
	size_t n;

	assert(f.cost_nusd >= 0);
	p = text_put(p, s->key_id, &f.dim_n[DIM_KEY]);
	p = text_put(p, s->team, &f.dim_n[DIM_TEAM]);
	p = text_put(p, s->model, &f.dim_n[DIM_MODEL]);
	p = text_put(p, s->provider, &f.dim_n[DIM_PROVIDER]);
	p = text_put(p, s->deployment, &f.dim_n[DIM_DEPLOYMENT]);
	p = text_put(p, s->upstream_model, &f.dim_n[DIM_UPSTREAM_MODEL]);
	p = text_put(p, s->endpoint, &f.dim_n[DIM_ENDPOINT]);
	p = text_put(p, s->dialect, &f.dim_n[DIM_DIALECT]);
	p = text_put(p, s->client_id, &f.text_n[TEXT_CLIENT_ID]);
	p = text_put(p, s->user, &f.text_n[TEXT_USER]);
	p = text_put(p, s->tags, &f.text_n[TEXT_TAGS]);
	p = text_put(p, s->error, &f.text_n[TEXT_ERROR]);
	if (unlikely(s->saved_nusd > 0)) {
		f.flags |= RECORD_SAVED;
		memcpy(p, &s->saved_nusd, sizeof(s->saved_nusd));
		p += sizeof(s->saved_nusd);
	}
	memcpy(payload, &f, sizeof(f));
	n = (size_t)(p - payload);
	head.n = (uint16_t)n;
	head.check = check_of(payload, n, salt);
	memcpy(out, &head, sizeof(head));
	return sizeof(head) + n;
}

/* Of eight bytes, pairs first. */
static inline size_t sum_of_bytes(uint64_t v)
{
	const uint64_t odd = 0x00ff00ff00ff00ff;

	return (size_t)(((v & odd) + (v >> 8 & odd)) * 0x0001000100010001 >> 48);
}

static inline size_t dim_bytes(const struct record_fixed *f)
{
	uint64_t v;

	_Static_assert(sizeof(v) == sizeof(f->dim_n), "summed as one number");
	memcpy(&v, f->dim_n, sizeof(v));
	return sum_of_bytes(v);
}

static inline size_t text_bytes(const struct record_fixed *f)
{
	uint32_t v;

	_Static_assert(sizeof(v) == sizeof(f->text_n), "summed as one number");
	memcpy(&v, f->text_n, sizeof(v));
	return sum_of_bytes(v);
}

static inline size_t saved_bytes(const struct record_fixed *f)
{
	return f->flags & RECORD_SAVED ? sizeof(int64_t) : 0;
}

/* The texts' lengths must add up to the payload. A version we do not know has its own rules. */
static inline bool lengths_fit(const char *payload, size_t n)
{
	struct record_fixed f;

	if (payload[0] != RECORD_VERSION)
		return true;
	if (n < sizeof(f))
		return false;
	memcpy(&f, payload, sizeof(f));
	return sizeof(f) + dim_bytes(&f) + text_bytes(&f) + saved_bytes(&f) == n && f.cost_nusd >= 0 &&
	       (f.flags & ~RECORD_SAVED) >> RECORD_USAGE_SHIFT <= SPEND_USAGE_COUNTED;
}

static enum record_state record_find(struct str in, bool verify, uint64_t salt, size_t *n)
{
	static const char magic[2] = { (char)(RECORD_MAGIC & 0xff), (char)(RECORD_MAGIC >> 8) };
	struct record_head head;

	if (in.n < sizeof(head))
		return memcmp(in.p, magic, in.n < 2 ? in.n : 2) == 0 ? RECORD_SHORT : RECORD_BAD;
	memcpy(&head, in.p, sizeof(head));
	if (head.magic != RECORD_MAGIC || head.n == 0)
		return RECORD_BAD;
	if (in.n - sizeof(head) < head.n)
		return RECORD_SHORT;
	if ((verify && check_of(in.p + sizeof(head), head.n, salt) != head.check) ||
	    !lengths_fit(in.p + sizeof(head), head.n))
		return RECORD_BAD;
	*n = sizeof(head) + head.n;
	return RECORD_WHOLE;
}

enum record_state record_check(struct str in, uint64_t salt, size_t *n)
{
	return record_find(in, true, salt, n);
}

enum record_state record_check_own(struct str in, size_t *n)
{
	return record_find(in, false, 0, n);
}

static inline struct str text_take(const char **p, uint8_t n)
{
	struct str s = str_of(*p, n);

	*p += n;
	return s;
}

void record_read_dim(struct str dim, struct str out[DIMS])
{
	const char *p = dim.p + DIMS;

	for (size_t i = 0; i < DIMS; i++)
		out[i] = text_take(&p, (uint8_t)dim.p[i]);
	assert(p == dim.p + dim.n);
}

bool record_read(struct str bytes, struct record *out)
{
	const char *payload = bytes.p + sizeof(struct record_head);
	size_t n;

	if (payload[0] != RECORD_VERSION)
		return false;
	memcpy(&out->fixed, payload, sizeof(out->fixed));
	n = dim_bytes(&out->fixed);
	out->dim = str_of(payload + offsetof(struct record_fixed, dim_n), DIMS + n);
	out->texts = str_of(payload + sizeof(struct record_fixed) + n, text_bytes(&out->fixed));
	out->saved_nusd = 0;
	if (unlikely(out->fixed.flags & RECORD_SAVED))
		memcpy(&out->saved_nusd, out->texts.p + out->texts.n, sizeof(out->saved_nusd));
	assert(out->texts.p + out->texts.n + saved_bytes(&out->fixed) == bytes.p + bytes.n);
	return true;
}

/* 130 bits of text for 128: the first character is 0 to 7. */
bool spend_id_read(struct str text, struct ulid *out)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	__extension__ unsigned __int128 v = 0;

	if (text.n != ULID_LEN || text.p[0] < '0' || text.p[0] > '7')
		return false;
	for (size_t i = 0; i < ULID_LEN; i++) {
		char c = text.p[i] >= 'a' && text.p[i] <= 'z' ? (char)(text.p[i] - 'a' + 'A') : text.p[i];
		const char *at = c ? strchr(digits, c) : NULL;

		if (!at)
			return false;
		v = v << 5 | (unsigned)(at - digits);
	}
	for (int i = 15; i >= 0; i--, v >>= 8)
		out->b[i] = (uint8_t)v;
	return true;
}

const char *spend_usage_name(enum spend_usage usage)
{
	switch (usage) {
	case SPEND_USAGE_NONE: return "none";
	case SPEND_USAGE_REPORTED: return "reported";
	case SPEND_USAGE_COUNTED: return "counted";
	}
	assert(!"unknown spend_usage");
	return "";
}
