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

enum { RECORD_MAGIC = 0x5aa5, RECORD_VERSION = 1, TEXT_CLIENT_ID = 0, TEXT_USER, TEXT_TAGS, TEXT_ERROR, TEXTS };
enum { FLAG_STREAM = 1, FLAG_COST_KNOWN = 2, USAGE_SHIFT = 2 };

struct record_head {
	uint16_t magic, n; /* n: bytes of the payload */
	uint32_t check;
};

/* The payload's first part; after it the texts of dim, then the others. No padding anywhere. */
struct record_fixed {
	uint8_t version, flags;
	uint16_t status, attempts, unused;
	uint8_t id[16];
	int64_t cost_nusd;
	uint64_t tokens[5];
	uint32_t first_byte_ms, latency_ms, overhead_us;
	uint8_t text_n[TEXTS];
	uint8_t dim_n[DIMS];
};

_Static_assert(sizeof(struct record_head) == 8 && sizeof(struct record_fixed) == 96, "the layout on disk");
_Static_assert(sizeof(struct record_head) + sizeof(struct record_fixed) + (TEXTS + DIMS) * SPEND_TEXT_MAX ==
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
		.flags = (uint8_t)((s->stream ? FLAG_STREAM : 0) | (s->cost_known ? FLAG_COST_KNOWN : 0) |
		                   s->usage << USAGE_SHIFT),
		.status = clip16(s->status),
		.attempts = clip16(s->attempts),
		.cost_nusd = s->cost_known ? s->cost_nusd : 0,
		.tokens = { s->tokens.input, s->tokens.output, s->tokens.cache_read, s->tokens.cache_write,
		            s->tokens.reasoning },
		.first_byte_ms = s->first_byte_ms,
		.latency_ms = s->latency_ms,
		.overhead_us = s->overhead_us,
	};
	struct record_head head = { .magic = RECORD_MAGIC };
	char *payload = out + sizeof(head), *p = payload + sizeof(f);
	size_t n;

	assert(f.cost_nusd >= 0);
	memcpy(f.id, s->id.b, sizeof(f.id));
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
	memcpy(payload, &f, sizeof(f));
	n = (size_t)(p - payload);
	head.n = (uint16_t)n;
	head.check = check_of(payload, n, salt);
	memcpy(out, &head, sizeof(head));
	return sizeof(head) + n;
}

/* The texts' lengths must add up to the payload. A version we do not know has its own rules. */
static bool lengths_fit(const char *payload, size_t n)
{
	struct record_fixed f;
	size_t sum = sizeof(f);

	if (payload[0] != RECORD_VERSION)
		return true;
	if (n < sizeof(f))
		return false;
	memcpy(&f, payload, sizeof(f));
	for (size_t i = 0; i < DIMS; i++)
		sum += f.dim_n[i];
	for (size_t i = 0; i < TEXTS; i++)
		sum += f.text_n[i];
	return sum == n && f.cost_nusd >= 0 && f.flags >> USAGE_SHIFT <= SPEND_USAGE_COUNTED;
}

enum record_state record_check(struct str in, uint64_t salt, size_t *n)
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
	if (check_of(in.p + sizeof(head), head.n, salt) != head.check || !lengths_fit(in.p + sizeof(head), head.n))
		return RECORD_BAD;
	*n = sizeof(head) + head.n;
	return RECORD_WHOLE;
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

bool record_read(struct str record, struct spend *out, struct str *dim)
{
	const char *payload = record.p + sizeof(struct record_head), *p = payload + sizeof(struct record_fixed);
	struct record_fixed f;
	struct str d[DIMS];

	if (payload[0] != RECORD_VERSION)
		return false;
	memcpy(&f, payload, sizeof(f));
	for (size_t i = 0; i < DIMS; i++)
		d[i] = text_take(&p, f.dim_n[i]);
	dim->p = payload + offsetof(struct record_fixed, dim_n);
	dim->n = (size_t)(p - dim->p);
	*out = (struct spend){
		.key_id = d[DIM_KEY],
		.team = d[DIM_TEAM],
		.model = d[DIM_MODEL],
		.provider = d[DIM_PROVIDER],
		.deployment = d[DIM_DEPLOYMENT],
		.upstream_model = d[DIM_UPSTREAM_MODEL],
		.endpoint = d[DIM_ENDPOINT],
		.dialect = d[DIM_DIALECT],
		.cost_nusd = f.cost_nusd,
		.cost_known = f.flags & FLAG_COST_KNOWN,
		.stream = f.flags & FLAG_STREAM,
		.usage = (enum spend_usage)(f.flags >> USAGE_SHIFT),
		.tokens = { f.tokens[0], f.tokens[1], f.tokens[2], f.tokens[3], f.tokens[4] },
		.status = f.status,
		.attempts = f.attempts,
		.first_byte_ms = f.first_byte_ms,
		.latency_ms = f.latency_ms,
		.overhead_us = f.overhead_us,
	};
	memcpy(out->id.b, f.id, sizeof(f.id));
	out->client_id = text_take(&p, f.text_n[TEXT_CLIENT_ID]);
	out->user = text_take(&p, f.text_n[TEXT_USER]);
	out->tags = text_take(&p, f.text_n[TEXT_TAGS]);
	out->error = text_take(&p, f.text_n[TEXT_ERROR]);
	assert(p == record.p + record.n);
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
