/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency keys of the last day, in memory. */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "admin/admin_in.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"

enum { ENTRIES_MAX = 4096, KEPT_MS = 86400000, KEY_MAX_BYTES = 255 };

struct entry {
	struct entry *next;     /* made after this one */
	uint64_t until_ms;      /* monotonic */
	uint64_t body;          /* hash of what was asked for, and of the body */
	char *made;             /* NULL: under way */
	size_t made_n;
	size_t key_n;
	char key[];             /* caller, space, key */
};

struct idempotency {
	pthread_mutex_t lock;
	struct map map;
	struct entry *oldest, **newest;
	size_t n;
};

struct idempotency *idempotency_new(void)
{
	struct idempotency *d = mem_zalloc(sizeof(*d));
	int rc = pthread_mutex_init(&d->lock, NULL);

	assert(rc == 0);
	d->newest = &d->oldest;
	return d;
}

static void entry_free(struct entry *x)
{
	free(x->made);
	free(x);
}

void idempotency_free(struct idempotency *d)
{
	if (!d)
		return;
	while (d->oldest) {
		struct entry *x = d->oldest;

		d->oldest = x->next;
		entry_free(x);
	}
	map_fini(&d->map);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static void drop(struct idempotency *d, struct entry *x)
{
	struct entry **link = &d->oldest;

	while (*link != x)
		link = &(*link)->next;
	*link = x->next;
	if (d->newest == &x->next)
		d->newest = link;
	map_take(&d->map, str_of(x->key, x->key_n));
	d->n--;
	entry_free(x);
}

/* All live for the same time, so the oldest is the first to go. */
static void drop_old(struct idempotency *d, uint64_t now)
{
	while (d->oldest && (d->oldest->until_ms <= now || d->n >= ENTRIES_MAX))
		drop(d, d->oldest);
}

static struct str entry_key(const struct admin_call *c)
{
	return arena_printf(c->arena, "%.*s %.*s", STR_ARG(c->caller), STR_ARG(c->idempotency_key));
}

static enum idempotency_state find(struct idempotency *d, const struct admin_call *c, struct str key, uint64_t body,
                                   struct str *id, struct err *e)
{
	uint64_t now = clock_now_ms();
	struct entry *x;

	drop_old(d, now);
	x = map_get(&d->map, key);
	if (x && x->body != body) {
		err_set(e, ERR_CONFLICT, "this Idempotency-Key was used for another request");
		return IDEMPOTENCY_CONFLICT;
	}
	if (x && !x->made) {
		err_set(e, ERR_CONFLICT, "the first request with this Idempotency-Key is still under way");
		return IDEMPOTENCY_CONFLICT;
	}
	if (x) {
		*id = arena_dup(c->arena, str_of(x->made, x->made_n));
		return IDEMPOTENCY_DONE;
	}
	x = mem_zalloc(sizeof(*x) + key.n);
	x->until_ms = now + KEPT_MS;
	x->body = body;
	x->key_n = key.n;
	memcpy(x->key, key.p, key.n);
	*d->newest = x;
	d->newest = &x->next;
	d->n++;
	map_put(&d->map, str_of(x->key, x->key_n), x);
	return IDEMPOTENCY_NEW;
}

enum idempotency_state idempotency_begin(struct idempotency *d, const struct admin_call *c, struct str what,
                                         struct str *id, struct err *e)
{
	enum idempotency_state state;
	struct str key;

	if (!c->idempotency_key.n)
		return IDEMPOTENCY_NEW;
	key = entry_key(c);
	if (c->idempotency_key.n > KEY_MAX_BYTES || !key.p) {
		err_set(e, ERR_INVALID_REQUEST, "Idempotency-Key has %zu bytes; at most %d are allowed",
		        c->idempotency_key.n, KEY_MAX_BYTES);
		return IDEMPOTENCY_CONFLICT;
	}
	pthread_mutex_lock(&d->lock);
	state = find(d, c, key, hash_bytes(what) * 31 + hash_bytes(c->body), id, e);
	pthread_mutex_unlock(&d->lock);
	return state;
}

void idempotency_end(struct idempotency *d, const struct admin_call *c, struct str made)
{
	struct entry *x;

	if (!c->idempotency_key.n)
		return;
	pthread_mutex_lock(&d->lock);
	x = map_get(&d->map, entry_key(c));
	if (x && !made.n) {
		drop(d, x);
	} else if (x) {
		x->made = mem_dup(made.p, made.n);
		x->made_n = made.n;
	}
	pthread_mutex_unlock(&d->lock);
}
