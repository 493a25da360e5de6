/* SPDX-License-Identifier: Apache-2.0 */
/* dialect/chat.h, undo: the answer as the client asked for it, whole and streamed, the same at any cut. */
#include <stdio.h>

#include "lib/check.h"

#include "base/arena.h"
#include "dialect/chat.h"

static struct arena arena;

static int setup(void **state)
{
	arena_init(&arena, 16 << 20);
	return 0;
}

static int teardown(void **state)
{
	arena_fini(&arena);
	return 0;
}

static struct jstr jz(const char *z)
{
	return z ? jstr_of(z, strlen(z)) : (struct jstr){ 0 };
}

/* What was changed in the request, one letter each: n a name, c a custom tool, t the schema tool, v a value, s
 * stops. */
static struct chat_undo undo_of(const char *what, const char *const stops[3])
{
	static struct chat_rename rename = { .sent = { "mcp_read_1a2b", 13 }, .original = { "mcp.read", 8 } };
	static struct chat_rename rename_custom = {
		.next = &rename, .sent = { "apply_patch_9", 13 }, .original = { "apply.patch", 11 },
	};
	static struct chat_name custom = { NULL, { "apply.patch", 11 } };
	struct chat_undo u = { 0 };
	struct chat_name **end = &u.stop;

	for (; *what; what++) {
		if (*what == 'n')
			u.renames = &rename_custom;
		else if (*what == 'c')
			u.custom_tools = &custom;
		else if (*what == 't')
			u.schema_tool = true;
		else if (*what == 'v')
			u.schema_value = true;
		else if (*what == 's')
			for (size_t i = 0; i < 3 && stops[i]; i++)
				assert_true(chat_name_add(&arena, &end, jz(stops[i])));
	}
	return u;
}

struct row {
	const char *name, *undo;
	const char *stops[3];
	const char *text;                        /* a text block, if not NULL */
	const char *call, *args;                 /* a call behind it */
	enum chat_stop stop;
	const char *want_text, *want_call, *want_args;
	bool want_custom;
	enum chat_stop want_stop;
	const char *want_sequence;
};

static const struct row rows[] = {
	{ "nothing to do here", "nct", { 0 }, "hello", "other", "{\\\"a\\\":1}", STOP_TOOL,
	  "hello", "other", "{\\\"a\\\":1}", false, STOP_TOOL, NULL },
	{ "a name comes back", "n", { 0 }, NULL, "mcp_read_1a2b", "{}", STOP_TOOL,
	  NULL, "mcp.read", "{}", false, STOP_TOOL, NULL },
	{ "a custom tool", "nc", { 0 }, NULL, "apply_patch_9",
		"{\\\"input\\\":\\\"*** a\\\\n\\\\u00e9 \\\\\\\"q\\\\\\\"\\\"}",
	  STOP_TOOL, NULL, "apply.patch", "*** a\\n\\u00e9 \\\"q\\\"", true, STOP_TOOL, NULL },
	{ "a custom tool with spaces around", "nc", { 0 }, NULL, "apply_patch_9",
	  " { \\\"input\\\" :\\n \\\"x\\\" , \\\"more\\\": 1}", STOP_TOOL, NULL, "apply.patch", "x", true, STOP_TOOL,
	  NULL },
	{ "a custom tool whose input comes second", "nc", { 0 }, NULL, "apply_patch_9",
	  "{\\\"why\\\":1,\\\"input\\\":\\\"x\\\"}", STOP_TOOL, NULL, "apply.patch", "x", true, STOP_TOOL, NULL },
	{ "a custom tool without input", "nc", { 0 }, NULL, "apply_patch_9", "{}", STOP_TOOL,
	  NULL, "apply.patch", "", true, STOP_TOOL, NULL },
	{ "a custom tool that got something else", "nc", { 0 }, NULL, "apply_patch_9", "{\\\"patch\\\":\\\"x\\\"}",
		STOP_TOOL,
	  NULL, "apply.patch", "{\\\"patch\\\":\\\"x\\\"}", true, STOP_TOOL, NULL },
	{ "a custom tool that got no JSON", "nc", { 0 }, NULL, "apply_patch_9", "*** Begin", STOP_TOOL,
	  NULL, "apply.patch", "*** Begin", true, STOP_TOOL, NULL },
	{ "emoji, lone surrogate and NUL in a custom tool's text", "nc", { 0 }, NULL, "apply_patch_9",
	  "{\\\"input\\\":\\\"\xf0\x9f\x98\x80 \\\\ud83d \\\\u0000\\\"}", STOP_TOOL,
	  NULL, "apply.patch", "\xf0\x9f\x98\x80 \\ud83d \\u0000", true, STOP_TOOL, NULL },
	{ "the schema's tool is the text", "t", { 0 }, NULL, CHAT_SCHEMA_TOOL, "{\\\"a\\\": [1]}", STOP_TOOL,
	  "{\\\"a\\\": [1]}", NULL, NULL, false, STOP_END, NULL },
	{ "the schema's tool with a wrapped value", "tv", { 0 }, NULL, CHAT_SCHEMA_TOOL,
		"{\\\"value\\\":[1,\\\"}\\\"]}", STOP_TOOL,
	  "[1,\\\"}\\\"]", NULL, NULL, false, STOP_END, NULL },
	{ "a wrapped value in the text", "v", { 0 }, "{\\\"value\\\":\\\"a\\\\\\\"b\\\"}", NULL, NULL, STOP_END,
	  "\\\"a\\\\\\\"b\\\"", NULL, NULL, false, STOP_END, NULL },
	{ "a wrapped object", "v", { 0 }, "{\\n\\\"value\\\":{\\\"x\\\":{}}}", NULL, NULL, STOP_END,
	  "{\\\"x\\\":{}}", NULL, NULL, false, STOP_END, NULL },
	{ "no wrapped value", "v", { 0 }, "sorry", NULL, NULL, STOP_END, "sorry", NULL, NULL, false, STOP_END, NULL },
	{ "a stop sequence", "s", { "END" }, "one END two", NULL, NULL, STOP_END, "one ", NULL, NULL, false,
		STOP_SEQUENCE, "END" },
	{ "nothing of it at the end", "s", { "END" }, "one EN", NULL, NULL, STOP_END, "one EN", NULL, NULL, false,
		STOP_END, NULL },
	{ "escapes spelled otherwise", "s", { "\\n\\u00e9" }, "a\\u000a\xc3\xa9z", NULL, NULL, STOP_MAX_TOKENS,
	  "a", NULL, NULL, false, STOP_SEQUENCE, "\\n\xc3\xa9" },
	{ "what is complete first", "s", { "abcd", "bc" }, "xabcdy", NULL, NULL, STOP_END, "xa", NULL, NULL, false,
		STOP_SEQUENCE, "bc" },
	{ "a sequence that begins anew", "s", { "aab" }, "aaab!", NULL, NULL, STOP_END, "a", NULL, NULL, false,
		STOP_SEQUENCE, "aab" },
	{ "at the very beginning", "s", { "x" }, "xyz", NULL, NULL, STOP_END, "", NULL, NULL, false, STOP_SEQUENCE,
		"x" },
	{ "a call behind a stop sequence is gone", "s", { "END" }, "a END", "other", "{}", STOP_TOOL,
	  "a ", NULL, NULL, false, STOP_SEQUENCE, "END" },
	{ "emoji as a sequence", "s", { "\\ud83d\\ude00" }, "a\xf0\x9f\x98\x80z", NULL, NULL, STOP_END,
	  "a", NULL, NULL, false, STOP_SEQUENCE, "\xf0\x9f\x98\x80" },
};

static struct chat_response *response_of(const struct row *r)
{
	struct chat_response *resp = arena_zalloc(&arena, sizeof *resp);
	struct chat_output *out = arena_zalloc(&arena, sizeof *out);
	struct chat_block **end = &out->blocks, *b;

	resp->outputs = out;
	out->finish.stop = (uint8_t)r->stop;
	if (r->text) {
		b = chat_block_add(&arena, &end, CHAT_TEXT);
		b->text = jz(r->text);
	}
	if (r->call) {
		b = chat_block_add(&arena, &end, CHAT_TOOL_CALL);
		b->id = JSTR("call_1");
		b->name = jz(r->call);
		b->args.text = jz(r->args);
	}
	return resp;
}

static void check_response(const struct row *r, const struct chat_response *resp)
{
	const struct chat_output *out = resp->outputs;
	const struct chat_block *b = out->blocks;

	if (r->want_text) {
		check(r->name, b && b->kind == CHAT_TEXT);
		check_str(r->name, jstr_raw(b->text), str_from_z(r->want_text));
		b = b->next;
	}
	if (r->want_call) {
		check(r->name, b && b->kind == CHAT_TOOL_CALL);
		check(r->name, b->tool == (r->want_custom ? TOOL_CUSTOM : TOOL_FUNCTION));
		check_str(r->name, jstr_raw(b->id), STR("call_1"));
		check_str(r->name, jstr_raw(b->name), str_from_z(r->want_call));
		check_str(r->name, jstr_raw(chat_args_text(&arena, &b->args)), str_from_z(r->want_args));
		b = b->next;
	}
	check(r->name, b == NULL);
	check_u64(r->name, out->finish.stop, r->want_stop);
	check_str(r->name, jstr_raw(out->finish.sequence), str_from_z(r->want_sequence));
}

static void whole_answers(void **state)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct chat_undo u = undo_of(rows[i].undo, rows[i].stops);
		struct chat_response *resp = response_of(&rows[i]);

		assert_true(chat_undo_needed(&u));
		chat_undo_response(&arena, &u, resp);
		check_response(&rows[i], resp);
	}
	struct chat_undo none = { 0 };
	assert_false(chat_undo_needed(&none));
	assert_null(chat_undo_new(&none, 1));
	chat_undo_free(NULL);
}

/* Length of the first n letters, no escape and no character cut. */
static size_t letters(struct jstr t, size_t n)
{
	size_t at = 0;

	while (n-- && at < t.n) {
		if (t.p[at] == '\\')
			at += t.p[at + 1] == 'u' ? 6 : 2;
		else
			for (at++; at < t.n && ((unsigned char)t.p[at] & 0xc0) == 0x80;)
				at++;
	}
	return at;
}

static void feed(struct chat_undo_state *s, struct chat_collector *c, struct chat_events *events)
{
	assert_true(chat_undo_events(s, &arena, events));
	for (struct chat_event *e = events->first; e; e = e->next)
		assert_true(chat_collector_add(c, e));
	*events = (struct chat_events){ 0 };
}

static void streams_at_any_cut(void **state)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (size_t step = 1; step < 40; step += step < 6 ? 1 : 11) {
			struct chat_undo u = undo_of(rows[i].undo, rows[i].stops);
			struct chat_undo_state *s = chat_undo_new(&u, 1 << 16);
			struct chat_collector *c = chat_collector_new(1 << 20);
			struct chat_events events = { 0 };
			struct chat_block *b = response_of(&rows[i])->outputs->blocks;
			struct chat_event *e;

			chat_event_add(&arena, &events, EVENT_START);
			for (uint32_t k = 0; b; b = b->next, k++) {
				enum chat_delta_kind kind = b->kind == CHAT_TEXT ? DELTA_TEXT : DELTA_ARGS;
				struct jstr all = kind == DELTA_TEXT ? b->text : b->args.text;
				struct chat_block open = *b;

				open.text = open.args.text = (struct jstr){ 0 };
				e = chat_event_add(&arena, &events, EVENT_OPEN);
				e->block = k;
				e->open = &open;
				feed(s, c, &events);
				while (all.n) {
					size_t n = letters(all, step);

					chat_delta_add(&arena, &events, k, kind, jstr_of(all.p, n));
					feed(s, c, &events);
					all = jstr_of(all.p + n, all.n - n);
				}
				e = chat_event_add(&arena, &events, EVENT_CLOSE);
				e->block = k;
				feed(s, c, &events);
			}
			e = chat_event_add(&arena, &events, EVENT_FINISH);
			e->finish.stop = (uint8_t)rows[i].stop;
			chat_event_add(&arena, &events, EVENT_END);
			feed(s, c, &events);
			check_response(&rows[i], chat_collector_response(c));
			chat_collector_free(c);
			chat_undo_free(s);
		}
}

/* What is held back is never more than may become a stop sequence. */
static void little_is_held_back(void **state)
{
	static const char *const stops[3] = { "STOP" };
	struct chat_undo u = undo_of("s", stops);
	struct chat_undo_state *s = chat_undo_new(&u, 1 << 16);
	struct chat_block open = { .kind = CHAT_TEXT };
	struct chat_events events = { 0 };
	struct chat_event *e = chat_event_add(&arena, &events, EVENT_OPEN);

	e->open = &open;
	chat_delta_add(&arena, &events, 0, DELTA_TEXT, JSTR("a word, then ST"));
	assert_true(chat_undo_events(s, &arena, &events));
	check_str("before", jstr_raw(events.last->delta.text), STR("a word, then "));
	events = (struct chat_events){ 0 };
	chat_delta_add(&arena, &events, 0, DELTA_TEXT, JSTR("RONG"));
	assert_true(chat_undo_events(s, &arena, &events));
	check_str("behind", jstr_raw(events.last->delta.text), STR("STRONG"));
	chat_undo_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whole_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(streams_at_any_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(little_is_held_back, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
