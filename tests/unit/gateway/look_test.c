/* SPDX-License-Identifier: Apache-2.0 */
/* look: what a request needs of a model, and how long its prompt is, in each client's dialect. */
#include "lib/check.h"

#include <stdio.h>

#include "base/arena.h"
#include "gateway/look.h"
#include "model/estimate.h"
#include "model/facts.h"
#include "model/tokens.h"

#define HI "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define SAYS(part) "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[" part "]}]}"
#define CLAUDE(part) "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":[" part "]}]}"
#define GOOGLE(part, more) "{\"contents\":[{\"role\":\"user\",\"parts\":[" part "]}]" more "}"
#define TOOL "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\"}}}]"

static const struct {
	const char *name;
	const struct dialect *dialect;
	const char *body;
	const char *needs;               /* names of capabilities, in their order */
} cases[] = {
	{ "nothing", &dialect_openai_chat, "{\"model\":\"m\"," HI "}", "" },
	{ "tools", &dialect_openai_chat, "{\"model\":\"m\"," HI "," TOOL "}", "tools" },
	{ "tools that must not be called", &dialect_openai_chat,
	  "{\"model\":\"m\"," HI "," TOOL ",\"tool_choice\":\"none\"}", "" },
	{ "a tool that must be called", &dialect_openai_chat,
	  "{\"model\":\"m\"," HI "," TOOL ",\"tool_choice\":\"required\"}", "tools forced_tool" },
	{ "a picture", &dialect_openai_chat,
	  SAYS("{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}"), "vision" },
	{ "a picture on the web", &dialect_openai_chat,
	  SAYS("{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://a.example/b.png\"}}"), "vision url_media" },
	{ "sound", &dialect_openai_chat,
	  SAYS("{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AAAA\",\"format\":\"wav\"}}"), "audio_in" },
	{ "a document", &dialect_openai_chat,
	  SAYS("{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\",\"file_data\":\"data:"
	  "application/pdf;base64,AAAA\"}}"),
	  "pdf" },
	{ "JSON", &dialect_openai_chat, "{\"model\":\"m\"," HI ",\"response_format\":{\"type\":\"json_object\"}}",
	  "json_object" },
	{ "a schema", &dialect_openai_chat,
	  "{\"model\":\"m\"," HI ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"s\","
	  "\"schema\":{\"type\":\"object\"}}}}", "json_schema" },
	{ "thinking", &dialect_openai_chat, "{\"model\":\"m\"," HI ",\"reasoning_effort\":\"high\"}", "reasoning" },
	{ "no thinking", &dialect_openai_chat, "{\"model\":\"m\"," HI ",\"reasoning_effort\":\"none\"}", "" },
	{ "a spoken answer", &dialect_openai_chat,
	  "{\"model\":\"m\"," HI ",\"modalities\":[\"text\",\"audio\"],\"audio\":{\"voice\":\"x\",\"format\":"
	  "\"wav\"}}",
	  "audio_out" },
	{ "anthropic: a picture in a tool's result", &dialect_anthropic,
	  "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},"
	  "{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}]},"
	  "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":[{\"type\":"
	  "\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"AAAA\"}}]}]}]"
	  "}", "vision" },
	{ "anthropic: a document of text", &dialect_anthropic,
	  CLAUDE("{\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":"
	  "\"x\"}}"), "" },
	{ "anthropic: tools and thinking", &dialect_anthropic,
	  "{\"model\":\"m\",\"max_tokens\":9000," HI ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000},"
	  "\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}}],\"tool_choice\":{\"type\":\"any\"}}",
	  "tools forced_tool reasoning" },
	{ "gemini: a film", &dialect_gemini,
	  GOOGLE("{\"inlineData\":{\"mimeType\":\"video/mp4\",\"data\":\"AAAA\"}}", ""), "video" },
	{ "gemini: pictures as an answer", &dialect_gemini,
	  GOOGLE("{\"text\":\"hi\"}", ",\"generationConfig\":{\"responseModalities\":[\"TEXT\",\"IMAGE\"]"
	  "}"), "image_out" },
	{ "gemini: a schema", &dialect_gemini,
	  GOOGLE("{\"text\":\"hi\"}", ",\"generationConfig\":{\"responseMimeType\":\"application/json\","
	         "\"responseSchema\":{\"type\":\"OBJECT\"}}"), "json_schema" },
	{ "bedrock: a tool", &dialect_bedrock,
	  "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}],\"toolConfig\":{\"tools\":[{"
	  "\"toolSpec\":{"
	  "\"name\":\"f\",\"inputSchema\":{\"json\":{\"type\":\"object\"}}}}],\"toolChoice\":{\"any\":{}}}}",
	  "tools forced_tool" },
	{ "responses: a picture", &dialect_openai_responses,
	  "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\",\"image_url\":"
	  "\"data:image/png;base64,AAAA\"}]}]}", "vision" },
	{ "ollama: a picture", &dialect_ollama,
	  "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\",\"images\":[\"AAAA\"]}]}", "vision" },
	{ "cohere: tools", &dialect_cohere, "{\"model\":\"m\"," HI "," TOOL "}", "tools" },
	{ "what cannot be read", &dialect_openai_chat, "{\"model\":\"m\",\"messages\":7}", "" },
};

static struct plan_ask look(const struct dialect *d, struct str body, bool count, struct arena *a)
{
	struct dialect_request rq = { .dialect = d, .call = CALL_GENERATE, .body = body, .model = STR("gpt-4o"),
		                      .max_output = -1 };
	struct look l = { .rq = &rq, .model = STR("gpt-4o"), .count = count, .arena = a };
	struct plan_ask ask = { .model = STR("gpt-4o"), .call = CALL_GENERATE, .dialect = d->id };

	look_into(&l, &ask);
	return ask;
}

static void needs_are_found(void **state)
{
	struct arena a;

	arena_init(&a, 4 << 20);
	(void)arena_must(&a, 1);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *at = a.p;
		struct plan_ask ask = look(cases[i].dialect, str_from_z(cases[i].body), false, &a);
		char got[256] = "";
		size_t n = 0;

		for (unsigned c = 0; c < CAPS; c++)
			if (ask.needs >> c & 1)
				n += (size_t)snprintf(got + n, sizeof got - n, "%s%.*s", n ? " " : "",
				                      STR_ARG(model_cap_name(c)));
		check_str(cases[i].name, str_of(got, n), str_from_z(cases[i].needs));
		check(cases[i].name, a.p == at);
		check(cases[i].name, ask.tokens_guessed);
	}
	arena_fini(&a);
}

/* Counted where the encoding is unpacked, estimated by the bytes where not. */
static void prompts_are_counted(void **state)
{
	struct str body = STR("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"one two three "
	  "four\"}]}");
	struct plan_ask ask;
	struct arena a;

	arena_init(&a, 4 << 20);
	ask = look(&dialect_openai_chat, body, false, &a);
	check("estimated", ask.tokens_guessed && ask.prompt_tokens > 4 && ask.prompt_tokens < body.n);
	tokens_unpack(token_family(token_family_of(STR("gpt-4o")))->encoding);
	ask = look(&dialect_openai_chat, body, true, &a);
	check("counted", !ask.tokens_guessed && ask.prompt_tokens == 4 + 4 + 3);
	ask = look(&dialect_openai_responses, STR("{\"model\":\"m\",\"input\":\"hi\",\"previous_response_id\":"
	  "\"resp_1\"}"),
	           true, &a);
	check("the rest of a conversation is not there", ask.tokens_guessed);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(needs_are_found),
		cmocka_unit_test(prompts_are_counted),
	};

	dialect_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
