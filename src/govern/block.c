/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as SQLite keeps them: many in a row of spend_block. A record: length of the rest (2 bytes, little-endian);
 * milliseconds since its slot's start (2 bytes, big-endian) and the random half of the id (10), so that ids of a slot
 * are ordered as bytes; flags; then numbers of 7 bits a byte, lowest first, the last byte below 128: dim, status,
 * attempts, cost if known, tokens (input and output, the other three if one of them is not 0), first byte, latency,
 * overhead, what was saved if something was; then, if there are any texts, their lengths and bytes.
 */
#include <assert.h>

#include "base/err.h"
#include "govern/govern_in.h"

enum { LENGTH_BYTES = 2, ID_BYTES = 12, ID_TIME_BYTES = 6 };
/* The others are those of a journal's record. */
enum { HAS_MORE_TOKENS = 1 << 4, HAS_TEXTS = 1 << 5, FLAGS_KNOWN = (1 << 7) - 1 };

/* ---- writing ---- */

static inline char *number_put(char *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (char)(v | 0x80);
	*p = (char)v;
	return p + 1;
}

static inline char *id_put(char *p, const struct ulid *id)
{
	unsigned ms = (unsigned)(ulid_time_ms(*id) % BLOCK_SLOT_MS);

	p[0] = (char)(ms >> 8);
	p[1] = (char)ms;
	memcpy(p + 2, id->b + ID_TIME_BYTES, sizeof(id->b) - ID_TIME_BYTES);
	return p + ID_BYTES;
}

HOT size_t block_put(char *out, uint64_t dim, const struct record *r)
{
	const struct record_fixed *f = &r->fixed;
	const struct spend_tokens *t = &f->tokens;
	bool more = (t->cache_read | t->cache_write | t->reasoning) != 0;
	char *p = id_put(out + LENGTH_BYTES, &f->id);
	size_t n;

	*p++ = (char)(f->flags | (more ? HAS_MORE_TOKENS : 0) | (r->texts.n ? HAS_TEXTS : 0));
	p = number_put(p, dim);
	p = number_put(p, f->status);
	p = number_put(p, f->attempts);
	if (f->flags & RECORD_COST_KNOWN)
		p = number_put(p, (uint64_t)f->cost_nusd);
	p = number_put(p, t->input);
	p = number_put(p, t->output);
	if (unlikely(more)) {
		p = number_put(p, t->cache_read);
		p = number_put(p, t->cache_write);
		p = number_put(p, t->reasoning);
	}
	p = number_put(p, f->first_byte_ms);
	p = number_put(p, f->latency_ms);
	p = number_put(p, f->overhead_us);
	if (unlikely(f->flags & RECORD_SAVED))
		p = number_put(p, (uint64_t)r->saved_nusd);
	if (r->texts.n) {
		memcpy(p, f->text_n, sizeof(f->text_n));
		memcpy(p + sizeof(f->text_n), r->texts.p, r->texts.n);
		p += sizeof(f->text_n) + r->texts.n;
	}
	n = (size_t)(p - out);
	assert(n <= BLOCK_RECORD_MAX);
	out[0] = (char)(n - LENGTH_BYTES);
	out[1] = (char)((n - LENGTH_BYTES) >> 8);
	return n;
}

/* ---- reading ---- */

bool block_next(struct str *rest, struct str *record)
{
	size_t n;

	if (rest->n < LENGTH_BYTES)
		return false;
	n = (size_t)(uint8_t)rest->p[0] | (size_t)(uint8_t)rest->p[1] << 8;
	if (n < ID_BYTES + 1 || n > rest->n - LENGTH_BYTES)
		return false;
	*record = str_of(rest->p + LENGTH_BYTES, n);
	rest->p += LENGTH_BYTES + n;
	rest->n -= LENGTH_BYTES + n;
	return true;
}

void block_id(struct str record, uint64_t slot, struct ulid *out)
{
	uint64_t ms = slot * BLOCK_SLOT_MS + ((unsigned)(uint8_t)record.p[0] << 8 | (uint8_t)record.p[1]);

	assert(record.n > ID_BYTES);
	for (int i = ID_TIME_BYTES - 1; i >= 0; i--, ms >>= 8)
		out->b[i] = (uint8_t)ms;
	memcpy(out->b + ID_TIME_BYTES, record.p + 2, sizeof(out->b) - ID_TIME_BYTES);
}

/* False: cut short, or more than 64 bits. */
static inline bool number_take(struct str *in, uint64_t *out)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < in->n && i < 10; i++) {
		uint8_t c = (uint8_t)in->p[i];

		v |= (uint64_t)(c & 0x7f) << 7 * i;
		if (c & 0x80)
			continue;
		if (i == 9 && c > 1)
			return false;
		in->p += i + 1;
		in->n -= i + 1;
		*out = v;
		return true;
	}
	return false;
}

bool block_dim(struct str record, uint64_t *dim)
{
	struct str in = str_of(record.p + ID_BYTES + 1, record.n - ID_BYTES - 1);

	return number_take(&in, dim);
}

static bool texts_take(struct str *in, struct spend *out)
{
	struct str *const texts[TEXTS] = { &out->client_id, &out->user, &out->tags, &out->error };
	const uint8_t *lengths = (const uint8_t *)in->p;
	size_t at = TEXTS;

	if (in->n < TEXTS)
		return false;
	for (size_t i = 0; i < TEXTS; i++) {
		if (lengths[i] > in->n - at)
			return false;
		*texts[i] = str_of(in->p + at, lengths[i]);
		at += lengths[i];
	}
	in->p += at;
	in->n -= at;
	return true;
}

static bool tokens_take(struct str *in, bool more, struct spend_tokens *t)
{
	return number_take(in, &t->input) && number_take(in, &t->output) &&
	       (!more || (number_take(in, &t->cache_read) && number_take(in, &t->cache_write) &&
	                  number_take(in, &t->reasoning)));
}

bool block_read(struct str record, uint64_t slot, uint64_t *dim, struct spend *out)
{
	struct str in = str_slice(record, ID_BYTES + 1, record.n);
	unsigned flags = (uint8_t)record.p[ID_BYTES];
	uint64_t status = 0, attempts = 0, cost = 0, first = 0, latency = 0, overhead = 0, saved = 0;

	memset(out, 0, sizeof(*out));
	block_id(record, slot, &out->id);
	out->stream = flags & RECORD_STREAM;
	out->cost_known = flags & RECORD_COST_KNOWN;
	out->usage = (enum spend_usage)(flags >> RECORD_USAGE_SHIFT & 3);
	if (flags > FLAGS_KNOWN || out->usage > SPEND_USAGE_COUNTED || !number_take(&in, dim) ||
	    !number_take(&in, &status) || !number_take(&in, &attempts) ||
	    (out->cost_known && !number_take(&in, &cost)) ||
	    !tokens_take(&in, flags & HAS_MORE_TOKENS, &out->tokens) || !number_take(&in, &first) ||
	    !number_take(&in, &latency) || !number_take(&in, &overhead) ||
	    (flags & RECORD_SAVED && !number_take(&in, &saved)) ||
	    (flags & HAS_TEXTS && !texts_take(&in, out)))
		return false;
	if (in.n != 0 || cost > INT64_MAX || saved > INT64_MAX || status > UINT16_MAX ||
	    attempts > UINT16_MAX || first > UINT32_MAX || latency > UINT32_MAX || overhead > UINT32_MAX)
		return false;
	out->status = (unsigned)status;
	out->attempts = (unsigned)attempts;
	out->cost_nusd = (int64_t)cost;
	out->saved_nusd = (int64_t)saved;
	out->first_byte_ms = (uint32_t)first;
	out->latency_ms = (uint32_t)latency;
	out->overhead_us = (uint32_t)overhead;
	return true;
}

bool block_damaged(int64_t number, struct err *e)
{
	return err_set(e, ERR_SYSTEM, "the ledger's block %lld is damaged; restore sluice.db from a backup",
	               (long long)number);
}
