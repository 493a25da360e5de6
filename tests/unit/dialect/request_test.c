/* SPDX-License-Identifier: Apache-2.0 */
/* requests: what is read of each dialect's request, what is refused and how it is said, and that edits stay in place.
 *  */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"
#include "dialect/dialect.h"

#define CHAT &dialect_openai_chat
#define COMP &dialect_openai_completions
#define EMB  &dialect_openai_embeddings
#define RESP &dialect_openai_responses
#define ANT  &dialect_anthropic
#define GEM  &dialect_gemini

struct read_case {
	const char *name;
	const struct dialect *dialect;
	const char *path, *query, *body;
	const char *model;
	bool stream, usage_asked;
	int64_t max_output;
	const char *upstream_path;
	enum dialect_framing framing;
};

static const struct read_case good[] = {
	{ "chat", CHAT, "", "", "{\"model\":\"m\",\"messages\":[]}", "m", false, false, -1, "/chat/completions",
	  FRAMING_WHOLE },
	{ "chat stream", CHAT, "", "", " {\"stream\" : true , \"model\": \"m\"}\n", "m", true, false, -1,
	  "/chat/completions",
	  FRAMING_SSE },
	{ "nulls are absent", CHAT, "", "", "{\"model\":\"m\",\"stream\":null,\"stream_options\":null,"
	  "\"max_tokens\":null}", "m",
	  false, false, -1, "/chat/completions", FRAMING_WHOLE },
	{ "usage asked for", CHAT, "", "", "{\"model\":\"m\",\"stream\":true,"
	  "\"stream_options\":{\"include_usage\":true}}", "m",
	  true, true, -1, "/chat/completions", FRAMING_SSE },
	{ "escaped model", CHAT, "", "", "{\"mod\\u0065l\":\"a\\/b\\u00e9\"}", "a/b\xc3\xa9", false, false, -1,
	  "/chat/completions", FRAMING_WHOLE },
	{ "old cap", CHAT, "", "", "{\"model\":\"m\",\"max_tokens\":5}", "m", false, false, 5, "/chat/completions",
	  FRAMING_WHOLE },
	{ "the newer cap wins", CHAT, "", "", "{\"max_completion_tokens\":7,\"model\":\"m\",\"max_tokens\":5}", "m",
	  false, false,
	  7, "/chat/completions", FRAMING_WHOLE },
	{ "a cap that is none is not ours to judge", CHAT, "", "", "{\"model\":\"m\",\"max_tokens\":-5}", "m", false,
	  false, -1,
	  "/chat/completions", FRAMING_WHOLE },
	{ "model inside of something else does not count", CHAT, "", "",
	  "{\"messages\":[{\"model\":1}],\"model\":\"m\",\"metadata\":{\"model\":\"x\",\"stream\":1}}", "m", false,
	  false, -1,
	  "/chat/completions", FRAMING_WHOLE },
	{ "completions", COMP, "", "", "{\"model\":\"m\",\"stream\":true,\"max_tokens\":9}", "m", true, false, 9,
	  "/completions",
	  FRAMING_SSE },
	{ "embeddings have no stream", EMB, "", "", "{\"model\":\"m\",\"stream\":true,\"input\":\"x\"}", "m", false,
	  false, -1,
	  "/embeddings", FRAMING_WHOLE },
	{ "responses", RESP, "", "", "{\"model\":\"m\",\"stream\":true,\"max_output_tokens\":16,\"input\":\"x\"}", "m",
	  true, true,
	  16, "/responses", FRAMING_SSE },
	{ "messages", ANT, "", "", "{\"model\":\"claude\",\"max_tokens\":0}", "claude", false, true, 0, "/messages",
	  FRAMING_WHOLE },
	{ "messages, beta", ANT, "", "a=b&beta=true", "{\"model\":\"claude\",\"stream\":true}", "claude", true, true,
	  -1,
	  "/messages?beta=true", FRAMING_SSE },
	{ "gemini", GEM, "/v1beta/models/gemini-2.5-flash:generateContent", "key=secret",
	  "{\"generationConfig\":{\"maxOutputTokens\":100}}", "gemini-2.5-flash", false, true, 100,
	  "/models/gemini-2.5-flash:generateContent", FRAMING_WHOLE },
	{ "gemini array stream", GEM, "/v1beta/models/g:streamGenerateContent", "", "{}", "g", true, true, -1,
	  "/models/g:streamGenerateContent", FRAMING_JSON_ARRAY },
	{ "gemini SSE stream", GEM, "/v1beta/models/g:streamGenerateContent", "key=k&alt=sse", "{}", "g", true, true,
	  -1,
	  "/models/g:streamGenerateContent?alt=sse", FRAMING_SSE },
	{ "gemini count", GEM, "/v1beta/models/g:countTokens", "alt=json", "{\"contents\":[]}", "g", false, true, -1,
	  "/models/g:countTokens?alt=json", FRAMING_WHOLE },
	{ "gemini, enums as numbers", GEM, "/v1beta/models/g:generateContent", "$alt=json%3Benum-encoding%3Dint", "{}",
	  "g", false,
	  true, -1, "/models/g:generateContent?$alt=json%3Benum-encoding%3Dint", FRAMING_WHOLE },
	{ "gemini embedding", GEM, "/v1beta/models/e:embedContent", "", "{\"model\":\"models/e\"}", "e", false, true,
	  -1,
	  "/models/e:embedContent", FRAMING_WHOLE },
	{ "gemini batch", GEM, "/v1beta/models/e:batchEmbedContents", "", "{\"requests\":[]}", "e", false, true, -1,
	  "/models/e:batchEmbedContents", FRAMING_WHOLE },
	{ "gemini name with slash and colon", GEM, "/v1beta/models/gemini/a%3Ab:generateContent", "", "{}",
	  "gemini/a:b", false,
	  true, -1, "/models/gemini%2Fa%3Ab:generateContent", FRAMING_WHOLE },
};

static void requests_are_read(void **state)
{
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		const struct read_case *c = &good[i];
		struct dialect_in in = { .path = str_from_z(c->path),
			                 .query = str_from_z(c->query),
			                 .body = str_from_z(c->body),
			                 .call = CALL_GENERATE };
		struct dialect_request rq;
		struct arena arena;
		struct err e;

		arena_init(&arena, 1 << 20);
		if (!c->dialect->read_request(&arena, &in, &rq, &e))
			fail_msg("%s: %s", c->name, e.text);
		struct str path = c->dialect->upstream_path(&arena, &rq, rq.model);
		if (!str_eq(rq.model, str_from_z(c->model)) || rq.stream != c->stream
		    || rq.usage_asked != c->usage_asked
		    || rq.max_output != c->max_output || rq.framing != c->framing || !str_eq(path,
		    str_from_z(c->upstream_path)))
			fail_msg("%s: model %.*s stream %d usage %d max %lld framing %d path %.*s", c->name,
			    STR_ARG(rq.model),
			         rq.stream, rq.usage_asked, (long long)rq.max_output, rq.framing, STR_ARG(path));
		arena_fini(&arena);
	}
}

static const struct {
	const char *name;
	const struct dialect *dialect;
	const char *path, *query, *body, *says;
	enum err_code code;
} bad[] = {
	{ "empty", CHAT, "", "", "", "not valid JSON", ERR_INVALID_REQUEST },
	{ "cut", CHAT, "", "", "{\"model\":\"m\"", "not valid JSON", ERR_INVALID_REQUEST },
	{ "array", CHAT, "", "", " [1]", "must be a JSON object, not an array", ERR_INVALID_REQUEST },
	{ "string", CHAT, "", "", "\"x\"", "must be a JSON object, not a string", ERR_INVALID_REQUEST },
	{ "number", CHAT, "", "", "12", "must be a JSON object, not a plain value", ERR_INVALID_REQUEST },
	{ "no model", CHAT, "", "", "{}", "model: must be the name of a model, a string that is not empty, not nothing",
	  ERR_INVALID_REQUEST },
	{ "null model", ANT, "", "", "{\"model\":null}", "not null", ERR_INVALID_REQUEST },
	{ "number model", RESP, "", "", "{\"model\":12.5}", "not the number 12.5", ERR_INVALID_REQUEST },
	{ "object model", COMP, "", "", "{\"model\":{}}", "not an object", ERR_INVALID_REQUEST },
	{ "empty model", EMB, "", "", "{\"model\":\"\"}", "not the string \"\"", ERR_INVALID_REQUEST },
	{ "two models", CHAT, "", "", "{\"model\":\"a\",\"model\":\"b\"}", "", ERR_INVALID_REQUEST },
	{ "two models, one escaped", CHAT, "", "", "{\"model\":\"a\",\"mode\\u006c\":\"b\"}", "", ERR_INVALID_REQUEST },
	{ "a second model in other letters", CHAT, "", "", "{\"model\":\"a\",\"Model\":\"b\"}",
	  "Model: is the name of a known member in other letters", ERR_INVALID_REQUEST },
	{ "capitals, escaped", ANT, "", "", "{\"model\":\"a\",\"MODE\\u004c\":\"b\",\"max_tokens\":1}",
	  "is the name of a known member in other letters", ERR_INVALID_REQUEST },
	{ "stream in other letters", RESP, "", "", "{\"model\":\"a\",\"STREAM\":true}", "STREAM: is",
		ERR_INVALID_REQUEST },
	{ "two streams", CHAT, "", "", "{\"model\":\"a\",\"stream\":false,\"stream\":true}", "", ERR_INVALID_REQUEST },
	{ "stream is a word", CHAT, "", "", "{\"model\":\"a\",\"stream\":\"yes\"}",
	  "stream: must be true or false, not the string \"yes\"", ERR_INVALID_REQUEST },
	{ "options are a list", CHAT, "", "", "{\"model\":\"a\",\"stream_options\":[]}",
	  "stream_options: must be an object",
	  ERR_INVALID_REQUEST },
	{ "usage option is a number", CHAT, "", "", "{\"model\":\"a\",\"stream_options\":{\"include_usage\":1}}",
	  "stream_options.include_usage: must be true or false", ERR_INVALID_REQUEST },
	{ "cap is a word", ANT, "", "", "{\"model\":\"a\",\"max_tokens\":\"many\"}",
	  "max_tokens: must be a whole number of tokens, not the string \"many\"", ERR_INVALID_REQUEST },
	{ "gemini without method", GEM, "/v1beta/models/g", "", "{}", "{model}:{method}", ERR_NOT_FOUND },
	{ "gemini unknown method", GEM, "/v1beta/models/g:fly", "", "{}", "\"fly\" is not known", ERR_NOT_FOUND },
	{ "gemini no model", GEM, "/v1beta/models/:generateContent", "", "{}", "model in the path",
	  ERR_INVALID_REQUEST },
	{ "gemini bad escape", GEM, "/v1beta/models/%zz:generateContent", "", "{}", "model in the path",
	  ERR_INVALID_REQUEST },
	{ "gemini alt", GEM, "/v1beta/models/g:streamGenerateContent", "alt=proto", "{}", "alt: must be json or sse",
	  ERR_INVALID_REQUEST },
	{ "gemini alt=sse without stream", GEM, "/v1beta/models/g:generateContent", "alt=sse", "{}",
	  "alt: must be json",
	  ERR_INVALID_REQUEST },
	{ "gemini body", GEM, "/v1beta/models/g:generateContent", "", "[]", "must be a JSON object",
	  ERR_INVALID_REQUEST },
	{ "gemini model", GEM, "/v1beta/models/g:embedContent", "", "{\"model\":1}", "model: must be a string",
	  ERR_INVALID_REQUEST },
};

static void bad_requests_are_refused_by_name(void **state)
{
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct dialect_in in = { .path = str_from_z(bad[i].path),
			                 .query = str_from_z(bad[i].query),
			                 .body = str_from_z(bad[i].body),
			                 .call = CALL_GENERATE };
		struct dialect_request rq;
		struct arena arena;
		struct err e = { 0 };

		arena_init(&arena, 1 << 20);
		if (bad[i].dialect->read_request(&arena, &in, &rq, &e))
			fail_msg("%s: taken", bad[i].name);
		if (e.code != bad[i].code || !strstr(e.text, bad[i].says))
			fail_msg("%s: %d %s", bad[i].name, e.code, e.text);
		arena_fini(&arena);
	}
}

#define ASK .ask_usage = true

static const struct {
	const char *name;
	const struct dialect *dialect;
	const char *path, *body;
	struct dialect_edit edit;
	const char *want;
	bool ours;
} edits[] = {
	{ "nothing", CHAT, "", "{\"model\":\"m\", \"x\":1.0e+2}", { .model = STR_INIT("m") },
	  "{\"model\":\"m\", \"x\":1.0e+2}", false },
	{ "model", CHAT, "", "{ \"a\" : 1, \"model\" : \"m\" , \"b\":[ 2 ] }", { .model = STR_INIT("gpt-4o") },
	  "{ \"a\" : 1, \"model\" : \"gpt-4o\" , \"b\":[ 2 ] }", false },
	{ "model that needs escapes", CHAT, "", "{\"model\":\"m\"}", { .model = STR_INIT("a\"b\\") },
	  "{\"model\":\"a\\\"b\\\\\"}",
	  false },
	{ "usage, no options", CHAT, "", "{\"model\":\"m\",\"stream\":true}", { ASK },
	  "{\"stream_options\":{\"include_usage\":true},\"model\":\"m\",\"stream\":true}", true },
	{ "usage, not a stream", CHAT, "", "{\"model\":\"m\",\"stream\":false}", { ASK },
	  "{\"model\":\"m\",\"stream\":false}",
	  false },
	{ "usage, asked already", CHAT, "", "{\"model\":\"m\",\"stream\":true,"
	  "\"stream_options\":{\"include_usage\":true}}", { ASK },
	  "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}", false },
	{ "usage, empty options", CHAT, "", "{\"model\":\"m\",\"stream\":true,\"stream_options\":{ }}", { ASK },
	  "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true }}", true },
	{ "usage, other options", COMP, "", "{\"stream_options\":{\"x\":1},\"model\":\"m\",\"stream\":true}", { ASK },
	  "{\"stream_options\":{\"include_usage\":true,\"x\":1},\"model\":\"m\",\"stream\":true}", true },
	{ "usage, options null", CHAT, "", "{\"stream_options\":null,\"model\":\"m\",\"stream\":true}", { ASK },
	  "{\"stream_options\":{\"include_usage\":true},\"model\":\"m\",\"stream\":true}", true },
	{ "usage, false", CHAT, "", "{\"stream_options\":{\"include_usage\":false},\"model\":\"m\",\"stream\":true}", {
	  ASK },
	  "{\"stream_options\":{\"include_usage\":true},\"model\":\"m\",\"stream\":true}", true },
	{ "usage, null", CHAT, "", "{\"stream_options\":{\"include_usage\":null},\"model\":\"m\",\"stream\":true}", {
	  ASK },
	  "{\"stream_options\":{\"include_usage\":true},\"model\":\"m\",\"stream\":true}", true },
	{ "provider refuses options", CHAT, "", "{\"model\":\"m\",\"stream\":true,"
	  "\"stream_options\":{\"include_usage\":true}}",
	  { ASK, .no_stream_options = true }, "{\"model\":\"m\",\"stream\":true}", false },
	{ "provider refuses options, none there", CHAT, "", "{\"model\":\"m\",\"stream\":true}", { ASK,
	  .no_stream_options = true },
	  "{\"model\":\"m\",\"stream\":true}", false },
	{ "the older cap by its newer name", CHAT, "", "{\"max_tokens\" : 5,\"model\":\"m\"}",
		{ .max_name = EDIT_MAX_NEWER },
	  "{\"max_completion_tokens\" : 5,\"model\":\"m\"}", false },
	{ "the newer cap by its older name", CHAT, "", "{\"model\":\"m\",\"max_completion_tokens\":5}",
	  { .max_name = EDIT_MAX_OLDER }, "{\"model\":\"m\",\"max_tokens\":5}", false },
	{ "caps stay", CHAT, "", "{\"model\":\"m\",\"max_completion_tokens\":5}", { .max_name = EDIT_MAX_NEWER },
	  "{\"model\":\"m\",\"max_completion_tokens\":5}", false },
	{ "never two caps, newer", CHAT, "", "{\"max_tokens\":5,\"model\":\"m\",\"max_completion_tokens\":6}",
	  { .max_name = EDIT_MAX_NEWER }, "{\"model\":\"m\",\"max_completion_tokens\":6}", false },
	{ "never two caps, older", CHAT, "", "{\"max_tokens\":5,\"model\":\"m\",\"max_completion_tokens\":6}",
	  { .max_name = EDIT_MAX_OLDER }, "{\"model\":\"m\",\"max_tokens\":6}", false },
	{ "a cap with escapes stays", CHAT, "", "{\"model\":\"m\",\"max\\u005ftokens\":5}",
		{ .max_name = EDIT_MAX_NEWER },
	  "{\"model\":\"m\",\"max\\u005ftokens\":5}", false },
	{ "caps of other dialects stay", ANT, "", "{\"model\":\"m\",\"max_tokens\":5}", { .max_name = EDIT_MAX_NEWER },
	  "{\"model\":\"m\",\"max_tokens\":5}", false },
	{ "developer becomes system", CHAT, "", "{\"model\":\"m\",\"messages\":[{\"role\": \"developer\" ,\"content\":"
	  "\"\\\"developer\\\"\"},{\"role\":\"user\"},{\"content\":\"developer\",\"role\":\"developer\"}]}",
	  { .model = STR_INIT("n"), .no_developer = true },
	  "{\"model\":\"n\",\"messages\":[{\"role\": \"system\" ,\"content\":\"\\\"developer\\\"\"},{\"role\":\"user\"}"
	  ","
	  "{\"content\":\"developer\",\"role\":\"system\"}]}", false },
	{ "no developer there", CHAT, "",
		"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"developer\"}]}",
	  { .no_developer = true },
	  "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"developer\"}]}", false },
	{ "everything at once", CHAT, "",
		"{\"models\":[],\"max_tokens\":1,\"provider\":{},\"a\":2,\"model\":\"m\",\"b\":3,"
	  "\"stream\":true,\"stream_options\":{\"include_usage\":false},\"max_completion_tokens\":6,"
	  "\"messages\":[{\"role\":"
	  "\"developer\"}]}",
	  { .model = STR_INIT("n"), ASK, .max_name = EDIT_MAX_OLDER, .no_developer = true },
	  "{\"a\":2,\"model\":\"n\",\"b\":3,\"stream\":true,\"stream_options\":{\"include_usage\":true},"
	  "\"max_tokens\":6,"
	  "\"messages\":[{\"role\":\"system\"}]}", true },
	{ "responses have no usage option", RESP, "", "{\"model\":\"m\",\"stream\":true}", { ASK },
	  "{\"model\":\"m\",\"stream\":true}", false },
	{ "routing goes", CHAT, "", "{\"models\":[\"a\",\"b\"],\"model\":\"m\",\"provider\":{\"order\":[1]}}", {
	  .model = STR_INIT("n") },
	  "{\"model\":\"n\"}", false },
	{ "routing goes, in the middle", ANT, "", "{\"model\":\"m\",\"provider\":{},\"models\":[],\"max_tokens\":1}", {
	  .ask_usage = false },
	  "{\"model\":\"m\",\"max_tokens\":1}", false },
	{ "routing stays", CHAT, "", "{\"models\":[\"a\"],\"model\":\"m\",\"provider\":{}}",
	  { .model = STR_INIT("n"), .keep_routing = true }, "{\"models\":[\"a\"],\"model\":\"n\",\"provider\":{}}",
	    false },
	{ "OpenRouter's words go, and usage is asked for", CHAT, "",
	  "{\"session_id\":\"s\",\"model\":\"m\",\"stream\":true,\"usage\":{\"include\":true}}", { ASK },
	  "{\"stream_options\":{\"include_usage\":true},\"model\":\"m\",\"stream\":true}", false },
	{ "OpenRouter's words stay", CHAT, "",
	  "{\"session_id\":\"s\",\"model\":\"m\",\"stream\":true,\"usage\":{\"include\":true}}",
	  { ASK, .keep_routing = true },
	  "{\"session_id\":\"s\",\"model\":\"m\",\"stream\":true,\"usage\":{\"include\":true}}", false },
	{ "usage that is not asked for", CHAT, "", "{\"model\":\"m\",\"stream\":true,\"usage\":{\"include\":false}}",
	  { ASK }, "{\"stream_options\":{\"include_usage\":true},\"model\":\"m\",\"stream\":true}", true },
	{ "usage that is nobody's", CHAT, "", "{\"model\":\"m\",\"usage\":{\"a\":1}}", { ASK },
	  "{\"model\":\"m\",\"usage\":{\"a\":1}}", false },
	{ "a session in Messages and Responses", RESP, "", "{\"model\":\"m\",\"session_id\":\"s\"}", { ASK },
	  "{\"model\":\"m\"}", false },
	{ "all at once", CHAT, "", "{\"models\":[],\"a\":1,\"provider\":{},\"model\":\"m\",\"stream\":true}",
	  { .model = STR_INIT("n"), ASK }, "{\"stream_options\":{\"include_usage\":true},\"a\":1,\"model\":\"n\","
	    "\"stream\":true}", true },
	{ "all at once, options first", CHAT, "",
	  "{\"stream_options\":{\"y\":0},\"q\":1,\"models\":[],\"a\":1,\"provider\":{},\"b\":2,\"model\":\"m\","
	  "\"stream\":true,\"c\":3}",
	  { .model = STR_INIT("n"), ASK },
	  "{\"stream_options\":{\"include_usage\":true,\"y\":0},\"q\":1,\"a\":1,\"b\":2,\"model\":\"n\","
	  "\"stream\":true,\"c\":3}", true },
	{ "gemini, nothing in the body", GEM, "/v1beta/models/g:generateContent", "{\"contents\":[]}", {
	  .model = STR_INIT("x") },
	  "{\"contents\":[]}", false },
	{ "gemini embedding", GEM, "/v1beta/models/e:embedContent", "{\"model\":\"models/e\",\"content\":{}}",
	  { .model = STR_INIT("x") }, "{\"model\":\"models/x\",\"content\":{}}", false },
	{ "gemini batch", GEM, "/v1beta/models/e:batchEmbedContents",
	  "{\"requests\":[ {\"model\":\"models/e\",\"content\":{\"model\":1}}, {\"content\":{}} ,{\"a\":\"]\\\"\","
	  "\"model\":\"models/e\"}]}",
	  { .model = STR_INIT("x") },
	  "{\"requests\":[ {\"model\":\"models/x\",\"content\":{\"model\":1}}, {\"content\":{}} ,{\"a\":\"]\\\"\","
	  "\"model\":\"models/x\"}]}",
	  false },
	{ "gemini count of a request", GEM, "/v1beta/models/g:countTokens",
	  "{\"generateContentRequest\":{\"model\":\"models/g\",\"contents\":[]}}", { .model = STR_INIT("x") },
	  "{\"generateContentRequest\":{\"model\":\"models/x\",\"contents\":[]}}", false },
};

static void edits_stay_in_place(void **state)
{
	for (size_t i = 0; i < COUNT_OF(edits); i++) {
		struct dialect_in in = { .path = str_from_z(edits[i].path), .query = STR(""),
			.body = str_from_z(edits[i].body),
			                 .call = CALL_GENERATE };
		struct str pieces[DIALECT_PIECES];
		struct dialect_request rq;
		struct arena arena;
		struct err e;

		arena_init(&arena, 1 << 20);
		if (!edits[i].dialect->read_request(&arena, &in, &rq, &e))
			fail_msg("%s: %s", edits[i].name, e.text);
		/* Twice: each attempt edits anew. */
		for (int turn = 0; turn < 2; turn++) {
			char got[1024];
			size_t n = dialect_edit_request(&arena, &rq, &edits[i].edit, pieces), len = 0;
			assert_in_range(n, 1, DIALECT_PIECES);
			for (size_t k = 0; k < n; k++) {
				memcpy(got + len, pieces[k].p, pieces[k].n);
				len += pieces[k].n;
			}
			if (!str_eq(str_of(got, len), str_from_z(edits[i].want)))
				fail_msg("%s: %.*s", edits[i].name, (int)len, got);
		}
		if (dialect_usage_is_ours(&rq, &edits[i].edit) != edits[i].ours)
			fail_msg("%s: usage is ours", edits[i].name);
		arena_fini(&arena);
	}
}

static void base_paths_end_in_a_version(void **state)
{
	static const struct { const struct dialect *dialect; const char *base, *want; } cases[] = {
		{ CHAT, "/v1", "/v1" }, { CHAT, "", "" }, { CHAT, "/openai/", "/openai" },
		{ ANT, "", "/v1" }, { ANT, "/", "/v1" }, { ANT, "/v1", "/v1" }, { ANT, "/anthropic", "/anthropic/v1" },
		{ ANT, "/api/v1/", "/api/v1" }, { ANT, "/vendor", "/vendor/v1" },
		{ GEM, "", "/v1beta" }, { GEM, "/v1", "/v1" }, { GEM, "/v1alpha", "/v1alpha" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena arena;

		arena_init(&arena, 1 << 16);
		struct str got = dialect_base_path(&arena, cases[i].dialect, str_from_z(cases[i].base));
		if (!got.p || !str_eq(got, str_from_z(cases[i].want)))
			fail_msg("%s: %.*s", cases[i].base, STR_ARG(got));
		arena_fini(&arena);
	}
}

static void names_find_their_dialect(void **state)
{
	for (unsigned id = 0; id < DIALECTS; id++) {
		const struct dialect *d = dialect_by_id((enum dialect_id)id);
		assert_int_equal(d->id, id);
		assert_ptr_equal(dialect_by_name(str_from_z(d->name)), d);
	}
	assert_null(dialect_by_name(STR("openai")));
}

static int setup(void **state)
{
	dialect_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_read),
		cmocka_unit_test(bad_requests_are_refused_by_name),
		cmocka_unit_test(edits_stay_in_place),
		cmocka_unit_test(base_paths_end_in_a_version),
		cmocka_unit_test(names_find_their_dialect),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
