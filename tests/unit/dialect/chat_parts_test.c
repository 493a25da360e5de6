/* SPDX-License-Identifier: Apache-2.0 */
/* What codecs share: names and ids made to fit, data URIs and addresses, and the list of what was dropped. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/arena.h"
#include "dialect/chat.h"

static struct jstr z(const char *text) { return jstr_of(text, strlen(text)); }

static void names_fit_their_alphabet(void **state)
{
	static const struct { const char *name; enum chat_alphabet alphabet; size_t max; bool same; } cases[] = {
		{ "get_weather-2", ALPHABET_WORD_DASH, 64, true },
		{ "mcp.server/tool", ALPHABET_WORD_DASH, 64, false },
		{ "a.b:c", ALPHABET_GEMINI, 64, true },
		{ "9lives", ALPHABET_WORD_DASH, 64, true },
		{ "9lives", ALPHABET_GEMINI, 64, false },
		{ "", ALPHABET_WORD_DASH, 64, false },
		{ "w\xc3\xa9t\\u00e9r", ALPHABET_WORD_DASH, 64, false },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ALPHABET_WORD_DASH, 64, false },
		{ "abc", ALPHABET_WORD_DASH, 2, false },
	};
	struct arena a;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct chat_undo undo = { 0 };
		arena_init(&a, 1 << 20);
		struct jstr sent = chat_fit_name(&a, &undo, z(cases[i].name), cases[i].alphabet, cases[i].max);
		if ((bool)jstr_eq(sent, z(cases[i].name)) != cases[i].same || sent.n > cases[i].max || sent.n == 0)
			fail_msg("%s: %.*s", cases[i].name, STR_ARG(sent));
		assert_int_equal(undo.renames != NULL, !cases[i].same);
		if (undo.renames) {
			assert_true(jstr_eq(undo.renames->sent, sent));
			assert_true(jstr_eq(undo.renames->original, z(cases[i].name)));
			for (size_t k = 0; k < sent.n; k++)
				assert_true(strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:",
				                   sent.p[k]));
		}
		struct jstr again = chat_fit_name(&a, &undo, z(cases[i].name), cases[i].alphabet, cases[i].max);
		assert_true(jstr_eq(again, sent));
		assert_true(!undo.renames || !undo.renames->next);
		arena_fini(&a);
	}
}

static void names_that_differ_stay_different(void **state)
{
	struct chat_undo undo = { 0 };
	struct arena a;

	arena_init(&a, 1 << 20);
	struct jstr x = chat_fit_name(&a, &undo, z("a.b"), ALPHABET_WORD_DASH, 64),
		    y = chat_fit_name(&a, &undo, z("a/b"), ALPHABET_WORD_DASH, 64);
	assert_true(!jstr_eq(x, y));
	/* The same in each process: prompts are cached by it. */
	assert_int_equal(x.n, 12);
	assert_memory_equal(x.p, "a_b_", 4);
	arena_fini(&a);
}

static void ids_fit(void **state)
{
	struct arena a;

	arena_init(&a, 1 << 20);
	assert_true(jstr_is(chat_fit_id(&a, z("call_1"), ALPHABET_WORD_DASH, 64, false), STR("call_1")));
	assert_true(jstr_is(chat_fit_id(&a, z("abcdEF123"), ALPHABET_ALNUM, 9, true), STR("abcdEF123")));
	struct jstr nine = chat_fit_id(&a, z("call_1"), ALPHABET_ALNUM, 9, true);
	assert_int_equal(nine.n, 9);
	assert_true(jstr_eq(nine, chat_fit_id(&a, z("call_1"), ALPHABET_ALNUM, 9, true)));
	assert_true(!jstr_eq(nine, chat_fit_id(&a, z("call_2"), ALPHABET_ALNUM, 9, true)));
	struct jstr fit = chat_fit_id(&a, z("call:1"), ALPHABET_WORD_DASH, 64, false);
	assert_memory_equal(fit.p, "call_1_", 7);
	arena_fini(&a);
}

static void data_uris_are_taken_apart(void **state)
{
	static const struct { const char *url, *type, *data; } cases[] = {
		{ "data:image/png;base64,iVBORw0KGgoAAAA=", "image/png", "iVBORw0KGgoAAAA=" },
		{ "DATA:IMAGE/JPG;charset=utf-8;BASE64,aGk=", "image/jpeg", "aGk=" },
		{ "data:image\\/png;base64,\\/9j\\/4AAQ", "image/jpeg", "/9j/4AAQ" },
		{ "data:image/png;base64, aG\\nk=\\r\\n", "image/png", "aGk=" },
		{ "data:;base64,JVBERi0xLjQ=", "application/pdf", "JVBERi0xLjQ=" },
		{ "data:audio/wav;base64,UklGRgAA", "audio/wav", "UklGRgAA" },
		{ "data:image/png;base64,UklGRiQAAABXRUJQVlA4", "image/webp", "UklGRiQAAABXRUJQVlA4" },
		{ "data:image/png;base64,a-_b", "image/png", "a+/b" },
		{ "data:text/plain,hi", NULL, "other encodings" },
		{ "data:image/png;base64", NULL, "no comma" },
		{ "data:image/png;base64,", NULL, "empty" },
		{ "data:image/png;base64,a*b", NULL, "byte 1" },
	};
	struct chat_media m;
	struct arena a;
	struct err e;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		arena_init(&a, 1 << 20);
		bool ok = chat_media_read_url(&a, z(cases[i].url), &m, &e);
		if (ok != (cases[i].type != NULL))
			fail_msg("%s: %s", cases[i].url, ok ? "taken" : e.text);
		if (!ok && !strstr(e.text, cases[i].data))
			fail_msg("%s: %s", cases[i].url, e.text);
		if (ok && (!jstr_is(m.type, str_from_z(cases[i].type)) || !jstr_is(m.data, str_from_z(cases[i].data))))
			fail_msg("%s: %.*s %.*s", cases[i].url, STR_ARG(m.type), STR_ARG(m.data));
		if (ok) {
			assert_int_equal(m.from, MEDIA_BYTES);
			struct jstr back = chat_media_data_url(&a, &m);
			assert_memory_equal(back.p, "data:", 5);
		}
		arena_fini(&a);
	}
}

static void addresses_must_be_public(void **state)
{
	static const struct { const char *url; bool ok; } cases[] = {
		{ "https://example.com/a.png", true }, { "https:\\/\\/example.com\\/a.png", true },
		{ "http://example.com:8080/a.png?x=@y", true }, { "https://93.184.216.34/x", true },
		{ "https://[2606:2800:220:1:248:1893:25c8:1946]:443/", true }, { "gs://bucket/x", true },
		{ "s3://bucket/x", true }, { "HTTPS://EXAMPLE.com", true },
		{ "https://127.0.0.1/", false }, { "https://127.1/", false }, { "http://0x7f000001/", false },
		{ "http://2130706433/", false }, { "http://017700000001/", false },
		{ "http://169.254.169.254/latest/meta-data", false }, { "http://10.1.2.3", false },
		{ "http://192.168.0.1", false }, { "http://100.64.0.1", false }, { "http://[::1]/", false },
		{ "http://[::ffff:127.0.0.1]/", false }, { "http://[fd00::1]/", false },
		{ "http://[fe80::1%25eth0]/", false },
		{ "http://localhost/", false }, { "http://LOCALHOST./", false }, { "http://redis:6379/", false },
		{ "http://a.internal/", false }, { "http://user:pw@example.com/", false },
		{ "ftp://example.com/", false },
		{ "file:///etc/passwd", false }, { "example.com/a.png", false }, { "", false }, { "https://", false },
		{ "http://metadata.google.internal", false }, { "http://x.localhost", false }, { "http://[::1", false },
		{ "http://[", false }, { "http://example%2ecom/", false },
	};
	struct chat_media m;
	struct arena a;
	struct err e;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		arena_init(&a, 1 << 20);
		if (chat_media_read_url(&a, z(cases[i].url), &m, &e) != cases[i].ok)
			fail_msg("%s", cases[i].url);
		arena_fini(&a);
	}
}

static void drops_are_named_once(void **state)
{
	struct chat_request rq = { .set = MEMBER_BIT(MEMBER_SEED) | MEMBER_BIT(MEMBER_TOP_K) |
		                          MEMBER_BIT(MEMBER_STOP) };
	struct chat_drops d = { 0 };
	struct arena a;

	arena_init(&a, 1 << 20);
	d.arena = &a;
	assert_true(chat_extra_add(&a, &rq.extras, DIALECT_ANTHROPIC, JSTR("mcp_servers"), STR("[]")));
	assert_true(chat_extra_add(&a, &rq.extras, DIALECT_GEMINI, JSTR("labels"), STR("{}")));
	chat_drop_members(&d, &rq, MEMBER_BIT(MEMBER_STOP), DIALECT_ANTHROPIC);
	chat_drop(&d, "seed");
	chat_drop(&d, "messages[%d].name", 2);
	chat_drop(&d, "a\r\nb,c");
	static const char *const want[] = { "top_k", "seed", "labels", "messages[2].name", "a??b?c" };
	const struct chat_drop *at = d.first;
	for (size_t i = 0; i < COUNT_OF(want); i++, at = at->next)
		if (!at || !str_eq(at->name, str_from_z(want[i])))
			fail_msg("%s is not there", want[i]);
	assert_null(at);
	for (int i = 0; i < 100; i++)
		chat_drop(&d, "x%d", i);
	unsigned n = 0;
	for (at = d.first; at && at->next; at = at->next)
		n++;
	assert_int_equal(n, 64);
	assert_true(str_eq(at->name, STR("\xe2\x80\xa6")));
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_fit_their_alphabet),
		cmocka_unit_test(names_that_differ_stay_different),
		cmocka_unit_test(ids_fit),
		cmocka_unit_test(data_uris_are_taken_apart),
		cmocka_unit_test(addresses_must_be_public),
		cmocka_unit_test(drops_are_named_once),
	};

	return cmocka_run_group_tests_name("chat_parts", tests, NULL, NULL);
}
