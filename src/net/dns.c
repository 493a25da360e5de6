/* SPDX-License-Identifier: Apache-2.0 */
/* Names to addresses: a cache per loop in front of the system's resolver on the pool. */
#include "net/dns.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "net/pool.h"

#define NAME_MAX_BYTES 253u /* RFC 1035 section 2.3.4, as text without the last dot */

struct question;

/* Somebody who waits: linked to the entry until the answer was fetched or the op cancelled. */
struct waiter {
	struct waiter *next, **link;
	struct entry *entry;
	struct op *op;
	bool answered;                 /* another question may have begun since */
};

/* What is known about a name. */
struct entry {
	struct entry *newer, *older;   /* by last use */
	struct dns *dns;
	struct question *question;     /* under way; NULL: none */
	struct waiter *waiters;
	uint64_t fresh_until_ms;       /* ask again after this */
	uint64_t answered_ms;          /* when the addresses came */
	struct dns_answer answer;      /* n == 0: the last answer was `code` */
	int code, sys;
	unsigned turn;
	struct str name;               /* lower case, in `text` */
	char text[];
};

/* One call of the resolver, on a pool thread. It outlives entry and dns when those go first. */
struct question {
	struct job job;
	struct entry *entry;           /* loop's thread; NULL: nobody wants the answer */
	dns_resolve_fn *resolve;
	struct dns_answer answer;
	int code, sys;
	char name[];                   /* NUL-terminated */
};

struct dns {
	struct dns_options options;
	struct map entries;
	struct entry *newest, *oldest;
	struct dns_stats stats;
};

static int resolve_by_system(const char *host, struct dns_answer *out)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG },
			*list;
	int code = getaddrinfo(host, NULL, &hints, &list);
	if (code != 0)
		return code;
	for (const struct addrinfo *a = list; a && out->n < DNS_ADDRS; a = a->ai_next)
		if (addr_from_sockaddr(&out->addrs[out->n], a->ai_addr, a->ai_addrlen))
			out->n++;
	freeaddrinfo(list);
	return 0;
}

static void entry_unlink(struct dns *d, struct entry *n)
{
	*(n->newer ? &n->newer->older : &d->newest) = n->older;
	*(n->older ? &n->older->newer : &d->oldest) = n->newer;
	n->newer = n->older = NULL;
}

static void entry_push(struct dns *d, struct entry *n)
{
	n->older = d->newest;
	*(d->newest ? &d->newest->newer : &d->oldest) = n;
	d->newest = n;
}

static void entry_drop(struct dns *d, struct entry *n)
{
	assert(!n->waiters);
	if (n->question)
		n->question->entry = NULL;
	entry_unlink(d, n);
	map_take(&d->entries, n->name);
	free(n);
}

/* The entry of the name, the most recently used one from now on. NULL: no room, everybody waits. */
static struct entry *entry_get(struct dns *d, struct str name)
{
	struct entry *n = map_get(&d->entries, name);
	if (n) {
		entry_unlink(d, n);
		entry_push(d, n);
		return n;
	}
	if (d->entries.n >= d->options.max_entries) {
		struct entry *old = d->oldest;
		while (old && (old->waiters || old->question))
			old = old->newer;
		if (!old)
			return NULL;
		entry_drop(d, old);
	}
	n = mem_zalloc(sizeof *n + name.n);
	n->dns = d;
	memcpy(n->text, name.p, name.n);
	n->name = str_of(n->text, name.n);
	map_put(&d->entries, n->name, n);
	entry_push(d, n);
	return n;
}

static bool usable(const struct entry *n, uint64_t now)
{
	const struct dns_options *o = &n->dns->options;
	return n->answer.n > 0 && now < n->answered_ms + o->ttl_ms + o->stale_ms;
}

/* Authoritative: there is no such name, or it has no address. Everything else is "could not ask". */
static bool says_no(int code)
{
	return code == EAI_NONAME || code == EAI_NODATA || code == EAI_ADDRFAMILY;
}

static void ask(struct job *j)
{
	struct question *q = CONTAINER_OF(j, struct question, job);
	q->code = q->resolve(q->name, &q->answer);
	q->sys = errno;
	if (q->code == 0 && q->answer.n == 0)
		q->code = EAI_NODATA;
}

static void on_answer(struct job *j)
{
	struct question *q = CONTAINER_OF(j, struct question, job);
	struct entry *n = q->entry;
	if (!n) {
		free(q);
		return;
	}
	struct dns *d = n->dns;
	uint64_t now = loop_now_ms(d->options.loop);
	n->question = NULL;
	if (q->code == 0) {
		n->answer = q->answer;
		n->answered_ms = now;
		n->fresh_until_ms = now + d->options.ttl_ms;
	} else {
		d->stats.failures++;
		n->fresh_until_ms = now + d->options.negative_ttl_ms;
		n->code = q->code;
		n->sys = q->sys;
		if (says_no(q->code) || !usable(n, now))
			n->answer.n = 0;
	}
	free(q);
	for (struct waiter *w = n->waiters; w; w = w->next) {
		w->answered = true;
		op_wake(w->op);
	}
}

static bool question_start(struct entry *n)
{
	struct dns *d = n->dns;
	struct question *q = mem_zalloc(sizeof *q + n->name.n + 1);
	q->job = (struct job){ .work = ask, .done = on_answer, .loop = d->options.loop };
	q->resolve = d->options.resolve ? d->options.resolve : resolve_by_system;
	q->entry = n;
	memcpy(q->name, n->name.p, n->name.n);
	if (!pool_submit(d->options.pool, &q->job)) {
		free(q);
		return false;
	}
	d->stats.questions++;
	n->question = q;
	return true;
}

/* The addresses of one family, in turn. */
static void take_family(struct entry *n, int family, bool same, uint16_t port, struct dns_answer *out)
{
	unsigned at[DNS_ADDRS], count = 0;
	for (unsigned i = 0; i < n->answer.n; i++)
		if ((addr_family(&n->answer.addrs[i]) == family) == same)
			at[count++] = i;
	for (unsigned i = 0; i < count; i++) {
		struct addr *a = &out->addrs[out->n++];
		*a = n->answer.addrs[at[(n->turn + i) % count]];
		addr_set_port(a, port);
	}
}

static enum op_state entry_answer(struct entry *n, uint16_t port, struct dns_answer *out, struct err *e)
{
	if (n->answer.n == 0) {
		const char *why = n->code == EAI_SYSTEM ? strerrordesc_np(n->sys) : gai_strerror(n->code);
		err_set(e, ERR_UPSTREAM, "cannot resolve %.*s: %s", STR_ARG(n->name), why ? why : "unknown reason");
		return says_no(n->code) ? OP_REFUSED : OP_FAILED;
	}
	if (loop_now_ms(n->dns->options.loop) >= n->answered_ms + n->dns->options.ttl_ms)
		n->dns->stats.stale++;
	int first = addr_family(&n->answer.addrs[0]);
	out->n = 0;
	take_family(n, first, true, port, out);
	take_family(n, first, false, port, out);
	n->turn++;
	return OP_OK;
}

static void waiter_free(struct waiter *w)
{
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	free(w);
}

static void waiter_cancel(struct op *op)
{
	waiter_free(op->work);
	op->work = NULL;
}

static void wait_for(struct entry *n, struct op *op)
{
	struct waiter *w = mem_zalloc(sizeof *w);
	w->entry = n;
	w->op = op;
	w->next = n->waiters;
	w->link = &n->waiters;
	if (w->next)
		w->next->link = &w->next;
	n->waiters = w;
	op->work = w;
	op->cancel = waiter_cancel;
}

/* Letters, digits, hyphens, dots and the underscores that some people use; in lower case, without the root's dot. */
static bool read_name(struct str host, char out[NAME_MAX_BYTES], struct str *name)
{
	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	if (host.n == 0 || host.n > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c | 0x20);
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'))
			return false;
		out[i] = c;
	}
	*name = str_of(out, host.n);
	return true;
}

static enum op_state lookup_go_on(struct waiter *w, uint16_t port, struct dns_answer *out, struct op *op, struct err *e)
{
	struct entry *n = w->entry;
	if (!w->answered)
		return OP_PENDING;
	waiter_free(w);
	op->work = NULL;
	op->cancel = NULL;
	return entry_answer(n, port, out, e);
}

enum op_state dns_lookup(struct dns *d, struct str host, uint16_t port, struct dns_answer *out, struct op *op,
                         struct err *e)
{
	char text[NAME_MAX_BYTES];
	struct str name;

	if (op->work)
		return lookup_go_on(op->work, port, out, op, e);
	if (addr_from_literal(&out->addrs[0], host, port)) {
		out->n = 1;
		return OP_OK;
	}
	if (!read_name(host, text, &name)) {
		err_set(e, ERR_UPSTREAM, "\"%.*s\" is not a host name", (int)(host.n < 256 ? host.n : 256), host.p);
		return OP_REFUSED;
	}
	struct entry *n = entry_get(d, name);
	if (!n) {
		err_set(e, ERR_UPSTREAM, "cannot resolve %.*s: too many names are being resolved", STR_ARG(name));
		return OP_FAILED;
	}
	uint64_t now = loop_now_ms(d->options.loop);
	if (now < n->fresh_until_ms) {
		d->stats.hits++;
		return entry_answer(n, port, out, e);
	}
	if (!n->question && !question_start(n)) {
		if (usable(n, now))
			return entry_answer(n, port, out, e);
		err_set(e, ERR_UPSTREAM, "cannot resolve %.*s: the resolver's queue is full", STR_ARG(name));
		return OP_FAILED;
	}
	if (usable(n, now) && now < n->answered_ms + 2 * (uint64_t)d->options.ttl_ms) {
		d->stats.hits++;
		return entry_answer(n, port, out, e);
	}
	wait_for(n, op);
	return OP_PENDING;
}

void dns_doubt(struct dns *d, struct str host)
{
	char text[NAME_MAX_BYTES];
	struct str name;
	struct entry *n = read_name(host, text, &name) ? map_get(&d->entries, name) : NULL;
	if (n && n->answer.n > 0)
		n->fresh_until_ms = 0;
}

struct dns *dns_new(const struct dns_options *o)
{
	assert(o->loop && o->pool && o->max_entries > 0);
	struct dns *d = mem_zalloc(sizeof *d);
	d->options = *o;
	return d;
}

void dns_free(struct dns *d)
{
	if (!d)
		return;
	while (d->newest)
		entry_drop(d, d->newest);
	map_fini(&d->entries);
	free(d);
}

void dns_get_stats(const struct dns *d, struct dns_stats *out)
{
	*out = d->stats;
	out->entries = d->entries.n;
}
