/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resume: a provider's stream is cut behind each of its events, another provider's goes on, and the client's own reader
 * hears one answer. Every client dialect, with every dialect as the first provider's and as the second's; streams are
 * written by the dialects' own writers.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/check.h"

#include "lib/telling.h"

#define TEXT "One \\\"two\\\"\\nthree \u00e4\\u00f6 four five six seven."

static const struct chat_source source = { .model = { "real-m", 6 } };

static const enum dialect_id dialects[] = {
	DIALECT_OPENAI_CHAT, DIALECT_OPENAI_RESPONSES, DIALECT_ANTHROPIC, DIALECT_GEMINI, DIALECT_BEDROCK,
	DIALECT_COHERE, DIALECT_OLLAMA,
};

enum { EVENTS_MAX = 40, PIECE = 7 };

struct stream {
	struct buf bytes;
	size_t end[EVENTS_MAX];          /* of each event's bytes */
	unsigned n;
};

static void put(struct stream *s, const struct dialect *d, void *writer, struct arena *a, const struct chat_event *e)
{
	assert_true(d->chat->write_event(writer, a, e, &s->bytes));
	assert_true(s->n < EVENTS_MAX);
	s->end[s->n++] = s->bytes.n;
}

/* A stream that says `text` behind some thoughts, as a provider of this dialect sends it. */
static void write_stream(struct stream *s, const struct dialect *d, struct jstr thoughts, struct jstr text)
{
	static const struct chat_block block = { .kind = CHAT_TEXT }, thought = { .kind = CHAT_REASONING };
	struct chat_event delta = { .kind = EVENT_DELTA, .delta = { .kind = DELTA_TEXT } };
	void *writer = calloc(1, d->chat->writer_size + 1);
	struct chat_reply reply = telling_reply(d);
	struct usage used = { .source = USAGE_REPORTED };
	struct arena a;
	uint32_t n = 0;

	arena_init(&a, 1 << 20);
	usage_set(&used, USAGE_INPUT, 11);
	usage_set(&used, USAGE_OUTPUT, 7);
	*s = (struct stream){ .bytes = buf_make(1 << 20) };
	assert_true(!d->chat->writer_init || d->chat->writer_init(writer, &reply));
	put(s, d, writer, &a, &(struct chat_event){ .kind = EVENT_START, .start.id = JSTR("x1") });
	if (thoughts.n) {
		put(s, d, writer, &a, &(struct chat_event){ .kind = EVENT_OPEN, .open = &thought });
		delta.delta.text = thoughts;
		put(s, d, writer, &a, &delta);
		put(s, d, writer, &a, &(struct chat_event){ .kind = EVENT_CLOSE });
		n++;
	}
	put(s, d, writer, &a, &(struct chat_event){ .kind = EVENT_OPEN, .block = n, .open = &block });
	while (text.n) {
		size_t take = text.n < PIECE ? text.n : PIECE;

		/* no piece ends inside of an escape or a character */
		while (take < text.n && (((unsigned char)text.p[take] & 0xc0) == 0x80 || text.p[take - 1] == '\\' ||
		                         (take > 1 && take < 7 && memchr(text.p, 'u', take))))
			take++;
		delta.block = n;
		delta.delta.text = jstr_of(text.p, take);
		put(s, d, writer, &a, &delta);
		text = jstr_of(text.p + take, text.n - take);
	}
	put(s, d, writer, &a, &(struct chat_event){ .kind = EVENT_CLOSE, .block = n });
	put(s, d, writer, &a, &(struct chat_event){ .kind = EVENT_FINISH, .finish.stop = STOP_END });
	put(s, d, writer, &a, &(struct chat_event){ .kind = EVENT_USAGE, .usage = used });
	put(s, d, writer, &a, &(struct chat_event){ .kind = EVENT_END });
	if (d->chat->writer_fini)
		d->chat->writer_fini(writer);
	free(writer);
	arena_fini(&a);
}

static struct translation_options options_of(const struct dialect *provider, const struct dialect *client)
{
	static const struct chat_undo none = { 0 };

	return (struct translation_options){ .provider = provider->chat,
		                             .client = client->chat,
		                             .source = source,
		                             .undo = &none,
		                             .reply = telling_reply(client),
		                             .frame_max_bytes = TELLING_MAX_BYTES,
		                             .keep_max_bytes = 1 << 20 };
}

static struct str texts_of(struct arena *a, const struct chat_response *r, enum chat_kind kind)
{
	struct jstr all = JSTR("");

	for (const struct chat_block *b = r->outputs ? r->outputs->blocks : NULL; b; b = b->next)
		if (b->kind == kind)
			all = jstr_concat(a, all, b->text);
	return jstr_plain(a, all);
}

/* What the client has, with the rest of the whole text from `second`. */
static enum translated go_on(struct arena *a, struct translation *t, const struct dialect *second,
                             const struct dialect *client, struct str whole, struct buf *out)
{
	struct str said = texts_of(a, translation_sent(t), CHAT_TEXT);
	struct translation_options o = options_of(second, client);
	struct translation_join join = { .before = *translation_usage(t) };
	struct jstr rest = jstr_from(a, str_slice(whole, said.n, whole.n));
	enum translated got = TRANSLATED_ON;
	struct dialect_error error;
	struct stream s;
	struct err e;

	assert_true(str_starts(whole, said));
	if (join.before.source == USAGE_NONE) { /* counted by the gateway */
		join.before.source = USAGE_COUNTED;
		usage_set(&join.before, USAGE_INPUT, 11);
		usage_set(&join.before, USAGE_OUTPUT, 3);
	}
	write_stream(&s, second, JSTR("Anew."), rest);
	assert_true(translation_resume(t, &o, &join));
	for (size_t i = 0; i < s.bytes.n && got == TRANSLATED_ON; i++)
		got = translation_take(t, a, str_of(s.bytes.p + i, 1), out, &error, &e);
	if (got == TRANSLATED_ON)
		got = translation_finish(t, a, out, &error, &e);
	buf_fini(&s.bytes);
	return got;
}

static void check_heard(const char *row, struct arena *a, const struct dialect *client, struct str bytes,
                        struct str whole, bool resumed)
{
	struct chat_collector *c = chat_collector_new(1 << 20);
	const struct chat_response *heard;
	bool good = telling_hear(a, client, &source, bytes, c);

	if (!good)
		print_error("%.*s\n", STR_ARG(bytes));
	check(row, good);
	heard = chat_collector_response(c);
	check_str(row, texts_of(a, heard, CHAT_TEXT), whole);
	check(row, heard->outputs && !heard->outputs->next && heard->outputs->finish.stop == STOP_END);
	if (resumed)
		check(row, usage_total_input(&heard->usage) == 22 && usage_total_output(&heard->usage) > 7);
	chat_collector_free(c);
}

/* Cut behind event `k`, and gone on with. */
static void cut_at(const char *row, const struct stream *first, unsigned k, const struct dialect *provider,
                   const struct dialect *second, const struct dialect *client, struct str whole)
{
	struct translation_options o = options_of(provider, client);
	struct translation *t = translation_new(&o);
	struct buf out = buf_make(1 << 20);
	const struct usage none = { 0 };
	enum translated got;
	struct dialect_error error;
	bool resumed = false;
	struct arena a;
	struct err e;

	arena_init(&a, 8 << 20);
	got = translation_take(t, &a, str_of(first->bytes.p, first->end[k]), &out, &error, &e);
	if (got == TRANSLATED_ON && translation_finished(t)) {
		check(row, translation_end(t, &a, &none, &out));
	} else if (got == TRANSLATED_ON && translation_started(t)) {
		check(row, go_on(&a, t, second, client, whole, &out) == TRANSLATED_END);
		resumed = true;
	} else if (got == TRANSLATED_ON) {
		goto out; /* nothing meaningful: the request is tried anew */
	}
	check_heard(row, &a, client, buf_str(&out), whole, resumed);
out:
	translation_free(t);
	buf_fini(&out);
	arena_fini(&a);
}

static void a_client_hears_one_answer(struct jstr thoughts)
{
	struct arena a;
	struct str whole;

	arena_init(&a, 1 << 20);
	whole = jstr_plain(&a, JSTR(TEXT));
	for (size_t f = 0; f < COUNT_OF(dialects); f++) {
		const struct dialect *provider = dialect_by_id(dialects[f]);
		struct stream first;

		write_stream(&first, provider, thoughts, JSTR(TEXT));
		for (size_t s = 0; s < COUNT_OF(dialects); s++)
			for (size_t c = 0; c < COUNT_OF(dialects); c++)
				for (unsigned k = 0; k < first.n; k++) {
					const struct dialect *second = dialect_by_id(dialects[s]),
						             *client = dialect_by_id(dialects[c]);
					char row[128];

					snprintf(row, sizeof row, "%s, then %s, for %s, cut after %u", provider->name,
					         second->name, client->name, k);
					cut_at(row, &first, k, provider, second, client, whole);
				}
		buf_fini(&first.bytes);
	}
	arena_fini(&a);
}

static void whoever_goes_on_with_a_text_it_is_one(void **state) { a_client_hears_one_answer(JSTR("")); }

static void thoughts_before_it_are_no_harm(void **state) { a_client_hears_one_answer(JSTR("Hm, let me see.")); }

/* Whatever the rest looks like, and wherever it is cut again, the client's stream holds together. */
static void a_rest_that_is_broken_is_no_harm(void **state)
{
	uint32_t seed = 7;

	for (unsigned n = 0; n < 7 * 7 * 7 * 8; n++) {
		const struct dialect *provider = dialect_by_id(dialects[n % 7]),
			             *second = dialect_by_id(dialects[n / 7 % 7]),
			             *client = dialect_by_id(dialects[n / 49 % 7]);
		struct translation_options first = options_of(provider, client), later = options_of(second, client);
		struct translation *t = translation_new(&first);
		struct translation_join join = { 0 };
		struct buf out = buf_make(1 << 20);
		struct dialect_error error;
		struct stream a, b;
		enum translated got;
		struct arena arena;
		struct err e;

		arena_init(&arena, 8 << 20);
		write_stream(&a, provider, n % 2 ? JSTR("Hm.") : JSTR(""), JSTR(TEXT));
		write_stream(&b, second, n % 3 ? JSTR("Hm.") : JSTR(""), JSTR(TEXT));
		got = translation_take(t, &arena, str_of(a.bytes.p, a.end[n % (a.n - 5)]), &out, &error, &e);
		for (int k = 0; k < 4 && got == TRANSLATED_ON; k++) {
			size_t at;

			seed = seed * 1664525u + 1013904223u;
			at = seed % b.bytes.n;
			b.bytes.p[at] ^= (char)(1 << (seed >> 29));
			if (!translation_sent(t) || translation_finished(t))
				break;
			assert_true(translation_resume(t, &later, &join));
			got = translation_take(t, &arena, str_of(b.bytes.p, (at * 7 + 99) % b.bytes.n), &out, &error,
			                       &e);
			if (got == TRANSLATED_BROKEN || got == TRANSLATED_ERROR)
				got = TRANSLATED_ON; /* and the next one is asked */
		}
		(void)translation_finish(t, &arena, &out, &error, &e);
		translation_free(t);
		buf_fini(&a.bytes);
		buf_fini(&b.bytes);
		buf_fini(&out);
		arena_fini(&arena);
	}
}

/* Nobody goes on with what is not all there. */
static void more_than_is_kept_does_not_go_on(void **state)
{
	const struct dialect *d = dialect_by_id(DIALECT_OPENAI_CHAT);
	struct translation_options o = options_of(d, d);
	struct translation_join join = { 0 };
	struct dialect_error error;
	struct translation *t;
	struct buf out = buf_make(1 << 20);
	struct stream s;
	struct arena a;
	struct err e;

	o.keep_max_bytes = 600;
	t = translation_new(&o);
	arena_init(&a, 8 << 20);
	write_stream(&s, d, JSTR(""), JSTR(TEXT));
	for (int i = 0; i < 20; i++)
		assert_int_equal(translation_take(t, &a, str_of(s.bytes.p, s.end[s.n - 5]), &out, &error, &e),
		                 TRANSLATED_ON);
	assert_null(translation_sent(t));
	assert_false(translation_resume(t, &o, &join));
	translation_free(t);
	buf_fini(&s.bytes);
	buf_fini(&out);
	arena_fini(&a);
}

static void calls_do_not_go_on(void **state)
{
	static const char stream[] =
		"data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Let me\"}}]}\n\n"
		"data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":"
		"\"function\",\"function\":{\"name\":\"get\",\"arguments\":\"{\"}}]}}]}\n\n";
	const struct dialect *d = dialect_by_id(DIALECT_OPENAI_CHAT);
	struct translation_options o = options_of(d, d);
	struct translation *t = translation_new(&o);
	struct buf out = buf_make(1 << 20);
	struct dialect_error error;
	size_t half = strchr(stream, '\n') + 2 - stream;
	struct arena a;
	struct err e;

	arena_init(&a, 8 << 20);
	assert_int_equal(translation_take(t, &a, str_of(stream, half), &out, &error, &e), TRANSLATED_ON);
	assert_non_null(translation_sent(t));
	assert_int_equal(translation_take(t, &a, str_from_z(stream + half), &out, &error, &e), TRANSLATED_ON);
	assert_null(translation_sent(t));
	translation_free(t);
	buf_fini(&out);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_goes_on_with_a_text_it_is_one),
		cmocka_unit_test(thoughts_before_it_are_no_harm),
		cmocka_unit_test(a_rest_that_is_broken_is_no_harm),
		cmocka_unit_test(more_than_is_kept_does_not_go_on),
		cmocka_unit_test(calls_do_not_go_on),
	};

	dialect_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
