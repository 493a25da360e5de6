/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The access log: one JSON object a request, in the words of the admin API's /admin/v1/logs. On the path of every
 * request: room for the longest possible line is asked for once, then everything is copied behind a cursor, mostly by
 * moves of sizes that the compiler knows.
 */
#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "base/v16.h"
#include "json/write.h"
#include "observe/observe_in.h"

enum {
	TEXT_MAX = 256,          /* bytes of one text in a line; longer ones are cut */
	ATTEMPTS_MAX = 16,       /* written of one request; it has made as many as "attempts" says in its facts */
	TEXTS_MAX = (16 + ATTEMPTS_MAX) * TEXT_MAX,  /* of all texts of a line */
	FIXED_MAX = 1024 + FACT_STEPS_MAX * (STEP_KEY_MAX + 10),  /* all names, numbers and punctuation of a line */
	ATTEMPT_FIXED_MAX = 280,
	COMPLAIN_MS = 60000,
};

#define PUT(p, literal) (memcpy((p), literal, sizeof(literal) - 1), (p) + sizeof(literal) - 1)

static const char two_digits[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
				 "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
				 "8081828384858687888990919293949596979899";

static inline char *put2(char *p, unsigned v)
{
	memcpy(p, two_digits + 2 * (size_t)v, 2);
	return p + 2;
}

/* Most numbers of a line are short. */
static inline char *put_u64(char *p, uint64_t v)
{
	unsigned u = (unsigned)v;

	if (v < 10) {
		*p = (char)('0' + u);
		return p + 1;
	}
	if (v < 100)
		return put2(p, u);
	if (v < 1000) {
		*p = (char)('0' + u / 100);
		return put2(p + 1, u % 100);
	}
	if (v < 10000)
		return put2(put2(p, u / 100), u % 100);
	return p + fmt_u64(p, v);
}

/* Quotes, backslashes, controls and what is not ASCII. Flipping bit 1 puts the quote (0x22) where the space was (0x20)
 * and keeps the controls below it; so one comparison of signed bytes finds all but the backslash. */
static inline v16 stops(v16 v)
{
	return v16_or(v16_lt(v16_xor(v, v16_fill(2)), v16_fill(0x21)), v16_eq(v, v16_fill('\\')));
}

/* Copies s to p, where at least 16 bytes more than s.n may be written. True: nothing in it needs escaping. */
static inline bool copy_plain(char *p, struct str s)
{
	if (s.n >= 16) {
		v16 found = stops(v16_load(s.p + s.n - 16));

		for (size_t i = 0; i + 16 < s.n; i += 16) {
			found = v16_or(found, stops(v16_load(s.p + i)));
			memcpy(p + i, s.p + i, 16);
		}
		memcpy(p + s.n - 16, s.p + s.n - 16, 16);
		return v16_mask(found) == 0;
	}
	if (s.n >= 8) {
		memcpy(p, s.p, 8);
		memcpy(p + s.n - 8, s.p + s.n - 8, 8);
	} else if (s.n >= 4) {
		memcpy(p, s.p, 4);
		memcpy(p + s.n - 4, s.p + s.n - 4, 4);
	} else if (s.n) {
		p[0] = s.p[0];
		p[s.n / 2] = s.p[s.n / 2];
		p[s.n - 1] = s.p[s.n - 1];
	}
	return (v16_mask(stops(v16_load(p))) & ((1u << s.n) - 1)) == 0;
}

/* The room asked for holds six bytes for each of the text's, so the buffer cannot refuse and does not move. */
static char *put_escaped(struct buf *b, char *p, struct str s)
{
	bool fits;

	b->n = (size_t)(p - b->p);
	fits = json_append_str(b, text_utf8_cut(s, TEXT_MAX));
	assert(fits);
	return b->p + b->n;
}

static inline char *put_text(struct buf *b, char *p, struct str s)
{
	if (s.n == 0)
		return PUT(p, "null");
	if (unlikely(s.n > TEXT_MAX || !copy_plain(p + 1, s)))
		return put_escaped(b, p, s);
	*p = '"';
	p[1 + s.n] = '"';
	return p + s.n + 2;
}

/* "client,of,ours" becomes an array. */
static inline char *put_tags(struct buf *b, char *p, struct str tags)
{
	char *start = p;

	*p++ = '[';
	tags = str_slice(tags, 0, TEXT_MAX);
	while (tags.n) {
		struct str tag = str_trim(str_cut(&tags, ','));

		if (!tag.n)
			continue;
		if (p > start + 1)
			*p++ = ',';
		p = put_text(b, p, tag);
	}
	*p++ = ']';
	return p;
}

/* Nano-dollars as a decimal string of dollars without trailing zeros. */
static inline char *put_usd(char *p, int64_t nusd)
{
	uint64_t v = (uint64_t)nusd;
	unsigned fraction = (unsigned)(v % 1000000000);

	*p++ = '"';
	p = put_u64(p, v / 1000000000);
	if (fraction) {
		*p++ = '.';
		*p++ = (char)('0' + fraction / 100000000);
		p = put2(p, fraction / 1000000 % 100);
		p = put2(p, fraction / 10000 % 100);
		p = put2(p, fraction / 100 % 100);
		p = put2(p, fraction % 100);
		while (p[-1] == '0')
			p--;
	}
	*p++ = '"';
	return p;
}

static inline char *put_time(struct access_log *l, char *p, uint64_t real_ms)
{
	unsigned ms = (unsigned)(real_ms % 1000);

	if (unlikely(real_ms / 1000 != l->second)) {
		char text[CLOCK_RFC3339_LEN];

		clock_rfc3339(text, real_ms);
		memcpy(l->second_text, text, sizeof(l->second_text));
		l->second = real_ms / 1000;
	}
	*p++ = '"';
	memcpy(p, l->second_text, sizeof(l->second_text));
	p += sizeof(l->second_text);
	*p++ = (char)('0' + ms / 100);
	p = put2(p, ms % 100);
	return PUT(p, "Z\"");
}

/* What happened to it in a race; what it costs though it was cancelled (null: nobody knows). */
static COLD char *put_hedge(char *p, const struct fact_attempt *a)
{
	struct str name = str_from_z(fact_hedge_names[a->hedge]);

	p = PUT(p, ",\"hedge\":\"");
	p = put_str(p, name);
	*p++ = '"';
	if (!a->billed)
		return p;
	p = PUT(p, ",\"cost_usd\":");
	return a->cost_known ? put_usd(p, a->cost_nusd) : PUT(p, "null");
}

static COLD char *put_oddities(char *p, const struct fact_attempt *a)
{
	if (a->own_key)
		p = PUT(p, ",\"own_key\":true");
	return a->hedge != FACT_HEDGE_NONE ? put_hedge(p, a) : p;
}

static inline char *put_attempts(struct buf *b, char *p, const struct facts *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct fact_attempt *a = &f->attempts[i];

		p = i ? PUT(p, ",{\"deployment\":") : PUT(p, "{\"deployment\":");
		p = put_text(b, p, a->deployment);
		p = PUT(p, ",\"status\":");
		p = a->status ? put_u64(p, a->status) : PUT(p, "null");
		p = PUT(p, ",\"error\":");
		p = a->error ? put_text(b, p, str_from_z(a->error)) : PUT(p, "null");
		if (unlikely(a->class != NULL))
			p = put_text(b, PUT(p, ",\"class\":"), str_from_z(a->class));
		if (unlikely(a->error) && a->continued)
			p = PUT(p, ",\"continued\":true");
		p = PUT(p, ",\"ms\":");
		p = put_u64(p, a->took_us / 1000);
		if (unlikely(a->hedge != FACT_HEDGE_NONE || a->own_key))
			p = put_oddities(p, a);
		*p++ = '}';
	}
	return p;
}

static inline char *put_tokens(char *p, const struct usage *u)
{
	uint32_t input = u->n[USAGE_INPUT] + u->n[USAGE_INPUT_AUDIO] + u->n[USAGE_INPUT_IMAGE] + u->n[USAGE_INPUT_TOOL];
	uint32_t output = u->n[USAGE_OUTPUT] + u->n[USAGE_OUTPUT_AUDIO] + u->n[USAGE_OUTPUT_IMAGE];

	p = PUT(p, ",\"tokens\":{\"input\":");
	p = put_u64(p, input);
	p = PUT(p, ",\"output\":");
	p = put_u64(p, output);
	p = PUT(p, ",\"cache_read\":");
	p = put_u64(p, usage_total_cache_read(u));
	p = PUT(p, ",\"cache_write\":");
	p = put_u64(p, usage_total_cache_write(u));
	p = PUT(p, ",\"reasoning\":");
	p = put_u64(p, u->n[USAGE_REASONING]);
	switch ((enum usage_source)u->source) {
	case USAGE_NONE:
		return PUT(p, "},\"usage_source\":\"none\"");
	case USAGE_REPORTED:
		return PUT(p, "},\"usage_source\":\"reported\"");
	case USAGE_COUNTED:
		return PUT(p, "},\"usage_source\":\"counted\"");
	}
	assert(!"unknown usage_source");
	return p;
}

static void learn_steps(struct step_keys *k, const char *const *names, unsigned n)
{
	assert(n <= FACT_STEPS_MAX);
	for (unsigned i = 0; i < n; i++) {
		size_t len = strlen(names[i]);

		assert(len + 4 <= STEP_KEY_MAX);
		memcpy(k->key[i].text, ",\"", 2);
		memcpy(k->key[i].text + 2, names[i], len);
		memcpy(k->key[i].text + 2 + len, "\":", 2);
		k->key[i].n = (uint8_t)(len + 4);
	}
	k->of = names;
}

static inline char *put_steps(struct access_log *l, char *p, const struct facts *f)
{
	char *start;

	if (unlikely(l->steps.of != f->step_names))
		learn_steps(&l->steps, f->step_names, f->n_steps);
	p = PUT(p, ",\"steps\":");
	start = p;
	*p = '{'; /* stays if there are no steps; else the first one's comma is replaced by it */
	for (unsigned i = 0; i < f->n_steps; i++) {
		if (!f->step_us[i])
			continue;
		memcpy(p, l->steps.key[i].text, STEP_KEY_MAX);
		p = put_u64(p + l->steps.key[i].n, f->step_us[i]);
	}
	if (p == start)
		p++;
	*start = '{';
	*p++ = '}';
	return p;
}

static inline char *put_route(struct buf *b, char *p, const struct facts *f)
{
	p = put_text(b, PUT(p, ",\"dialect\":"), f->dialect);
	p = put_text(b, PUT(p, ",\"endpoint\":"), f->endpoint);
	p = put_text(b, PUT(p, ",\"model\":"), f->model);
	return put_text(b, PUT(p, ",\"provider\":"), f->provider);
}

/* What this route's lines have in common is written once and then copied, if the route has its labels in full (and is
 * not the one for all others). An endpoint has one dialect; were it to change, the pointer tells. */
static inline char *put_route_again(struct buf *b, char *p, const struct facts *f, struct route *r)
{
	const struct str *label = r->series.label;
	char *start = p;

	if (likely(r->text_n && label[0].n == f->endpoint.n && label[1].n == f->model.n &&
	           label[2].n == f->provider.n && r->dialect == f->dialect.p)) {
		memcpy(p, r->text, r->text_n);
		return p + r->text_n;
	}
	p = put_route(b, p, f);
	if (p - start <= ROUTE_TEXT_MAX && str_eq(label[0], f->endpoint) && str_eq(label[1], f->model) &&
	    str_eq(label[2], f->provider)) {
		r->text_n = (uint8_t)(p - start);
		memcpy(r->text, start, r->text_n);
		r->dialect = f->dialect.p;
	}
	return p;
}

static inline char *put_names(struct access_log *l, char *p, const struct facts *f, struct route *r)
{
	struct buf *b = &l->lines;

	p = PUT(p, "{\"request_id\":\"");
	if (f->id_text.n == ULID_LEN)
		memcpy(p, f->id_text.p, ULID_LEN);
	else
		ulid_text(p, f->id);
	p += ULID_LEN;
	p = PUT(p, "\",\"time\":");
	p = put_time(l, p, f->time_ms);
	if (f->client_id.n)
		p = put_text(b, PUT(p, ",\"client_request_id\":"), f->client_id);
	p = put_text(b, PUT(p, ",\"key_id\":"), f->key_id);
	p = put_text(b, PUT(p, ",\"key_name\":"), f->key_name);
	p = put_text(b, PUT(p, ",\"team\":"), f->team);
	p = put_text(b, PUT(p, ",\"user\":"), f->user);
	p = put_tags(b, PUT(p, ",\"tags\":"), f->tags);
	p = put_route_again(b, p, f, r);
	p = put_text(b, PUT(p, ",\"deployment\":"), f->deployment);
	return put_text(b, PUT(p, ",\"upstream_model\":"), f->upstream_model);
}

/* Longer than other texts; the room asked for is six times its length. */
static COLD NOINLINE char *put_plan(struct buf *b, char *p, struct str plan)
{
	bool fits;

	p = PUT(p, ",\"plan\":");
	b->n = (size_t)(p - b->p);
	fits = json_append_str(b, plan);
	assert(fits);
	return b->p + b->n;
}

static inline char *put_line(struct access_log *l, char *p, const struct facts *f, struct route *r, unsigned n_attempts)
{
	struct buf *b = &l->lines;

	p = put_names(l, p, f, r);
	p = put_u64(PUT(p, ",\"status\":"), f->status);
	p = PUT(p, ",\"error\":");
	p = f->error ? put_text(b, p, str_from_z(f->error)) : PUT(p, "null");
	p = f->stream ? PUT(p, ",\"stream\":true,\"attempts\":[") : PUT(p, ",\"stream\":false,\"attempts\":[");
	p = put_attempts(b, p, f, n_attempts);
	*p++ = ']';
	if (unlikely(f->plan.n))
		p = put_plan(b, p, f->plan);
	p = put_tokens(p, &f->usage);
	p = PUT(p, ",\"cost_usd\":");
	p = f->cost_known ? put_usd(p, f->cost_nusd) : PUT(p, "null");
	if (unlikely(f->saved_nusd != 0))
		p = put_usd(PUT(p, ",\"saved_usd\":"), f->saved_nusd);
	p = put_u64(PUT(p, ",\"latency_ms\":"), f->latency_us / 1000);
	p = PUT(p, ",\"first_byte_ms\":");
	p = f->first_byte_us ? put_u64(p, f->first_byte_us / 1000) : PUT(p, "null");
	p = put_u64(PUT(p, ",\"overhead_us\":"), f->overhead_us);
	p = put_steps(l, p, f);
	return PUT(p, "}\n");
}

/* What the line takes at most: every byte of a text may become six. Tags have quotes and commas of their own. */
static inline size_t line_max(const struct facts *f, unsigned n_attempts)
{
	size_t texts = f->client_id.n + f->key_id.n + f->key_name.n + f->team.n + f->user.n + 4 * f->tags.n +
	               f->dialect.n + f->endpoint.n + f->model.n + f->provider.n + f->deployment.n +
	               f->upstream_model.n;

	for (unsigned i = 0; i < n_attempts; i++)
		texts += f->attempts[i].deployment.n;
	return FIXED_MAX + n_attempts * ATTEMPT_FIXED_MAX + 6 * f->plan.n + 6 * (texts < TEXTS_MAX ? texts : TEXTS_MAX);
}

HOT void access_log_add(struct access_log *l, const struct facts *f, struct route *r)
{
	unsigned n_attempts = f->n_attempts < ATTEMPTS_MAX ? f->n_attempts : ATTEMPTS_MAX;
	size_t most = line_max(f, n_attempts);
	char *p;

	if (!l->sink)
		return;
	p = buf_reserve(&l->lines, most);
	if (unlikely(!p)) {
		access_log_flush(l); /* a turn with very many requests */
		p = buf_reserve(&l->lines, most);
	}
	if (unlikely(!p)) {
		l->lines.failed = false;
		count_add(&l->dropped, 1);
		return;
	}
	p = put_line(l, p, f, r, n_attempts);
	l->lines.n = (size_t)(p - l->lines.p);
	assert(l->lines.n <= l->lines.cap);
	l->waiting++;
}

static uint64_t count_lines(struct str s)
{
	uint64_t n = 0;

	for (const char *p = s.p; s.n && (p = memchr(p, '\n', (size_t)(s.p + s.n - p))); p++)
		n++;
	return n;
}

static COLD void lines_failed(struct access_log *l, int why)
{
	uint64_t now = clock_now_ms();

	count_add(&l->dropped, l->waiting);
	l->waiting = 0;
	l->torn = l->cut;
	buf_clear(&l->lines);
	if (l->complained_ms && now - l->complained_ms < COMPLAIN_MS)
		return;
	l->complained_ms = now;
	errno = why;
	log_error("observe", "the access log cannot be written, its lines are dropped: %m");
}

/* The rest, which may begin inside of a line, waits for its turn. */
static void lines_taken(struct access_log *l, size_t n)
{
	uint64_t lines = count_lines(str_of(l->lines.p, n));

	if (!n)
		return;
	l->cut = l->lines.p[n - 1] != '\n';
	count_add(&l->written, lines);
	l->waiting -= lines;
	buf_consume(&l->lines, n);
}

HOT void access_log_flush(struct access_log *l)
{
	ssize_t n;

	if (!l->lines.n || !l->sink)
		return;
	n = unlikely(l->torn) ? sink_write(l->sink, STR("\n")) : 1;
	if (n > 0) {
		l->torn = false;
		n = sink_write(l->sink, buf_str(&l->lines));
	}
	if (unlikely(n < 0)) {
		lines_failed(l, errno);
	} else if (likely((size_t)n == l->lines.n)) {
		count_add(&l->written, l->waiting);
		l->waiting = 0;
		l->cut = false;
		buf_clear(&l->lines);
	} else {
		lines_taken(l, (size_t)n);
	}
}

void access_log_move(struct access_log *l, struct sink *to)
{
	access_log_flush(l);
	sink_unref(l->sink);
	l->sink = to;
	if (l->cut && l->lines.n) {
		struct str rest = buf_str(&l->lines);

		/* The new sink has not seen how this line began. */
		buf_consume(&l->lines, rest.n - str_slice(rest, str_find_chr(rest, '\n') + 1, rest.n).n);
		l->waiting--;
		count_add(&l->dropped, 1);
	}
	l->cut = l->torn = false;
	if (!to) {
		count_add(&l->dropped, l->waiting);
		l->waiting = 0;
		buf_fini(&l->lines);
	}
}
