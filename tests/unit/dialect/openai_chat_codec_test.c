/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openai_chat_codec: requests of Chat Completions and legacy Completions read and written anew for servers of all
 * habits, answers and streams read, written and read again. Texts are our own.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "dialect/chat.h"
#include "dialect/dialect.h"
#include "model/facts.h"
#include "model/quirk.h"

static struct str s(const char *z) { return str_from_z(z); }

/* Shows where two long texts part. */
static void must_be(struct str got, struct str want)
{
	size_t at = 0;

	while (at < got.n && at < want.n && got.p[at] == want.p[at])
		at++;
	if (at < got.n || at < want.n)
		fail_msg("at %zu:\n%.*s\ninstead of\n%.*s", at, (int)(got.n - at < 300 ? got.n - at : 300), got.p + at,
		         (int)(want.n - at < 300 ? want.n - at : 300), want.p + at);
}

#define OPENAI (QUIRK_MAX_COMPLETION_TOKENS | QUIRK_DEVELOPER_ROLE | QUIRK_STRICT_MEMBERS)
#define MISTRAL \
	(QUIRK_NO_STREAM_OPTIONS | QUIRK_STRICT_MEMBERS | QUIRK_TOOL_CHOICE_ANY | QUIRK_CALL_ID_9 | \
	 QUIRK_RANDOM_SEED | QUIRK_NO_LOGPROBS | QUIRK_ONE_CHOICE | QUIRK_NO_USER | QUIRK_REASONING_PARTS)
#define OPENROUTER (QUIRK_KNOWS_ROUTING | QUIRK_REASONING_MEMBER | QUIRK_REASONING_DETAILS | QUIRK_CACHE_CONTROL)

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static const struct model_facts reasoner = {
	.caps = CAP_REASONING, .thinking = THINKING_EFFORT,
		.rules = MODEL_DEVELOPER_ROLE | MODEL_NO_SAMPLING | MODEL_NO_STOP,
	.effort_levels = EFFORT_BIT(EFFORT_LOW) | EFFORT_BIT(EFFORT_MEDIUM) | EFFORT_BIT(EFFORT_HIGH),
};
static const struct model_facts signer = { .rules = MODEL_SIGNATURES_REQUIRED };

static bool read_request(struct arena *a, const struct dialect *d, const char *body, struct chat_request *rq,
                         struct err *e)
{
	struct dialect_in in = { .body = s(body) };
	struct dialect_request from;
	const struct json_node *nodes;

	if (!d->read_request(a, &in, &from, e))
		return false;
	nodes = json_nodes(a, s(body), REQUEST_DEPTH_MAX, e);
	return nodes && d->chat->read_request(a, &from, nodes, rq, e);
}

static void list_drops(const struct chat_wire *wire, char out[512])
{
	out[0] = '\0';
	for (const struct chat_drop *d = wire->drops.first; d; d = d->next)
		snprintf(out + strlen(out), 512 - strlen(out), "%s%.*s", out[0] ? "," : "", STR_ARG(d->name));
}

#define M "\"model\":\"up\",\"messages\":["
#define HI "{\"role\":\"user\",\"content\":\"hi\"}"

static const struct {
	const char *name;
	unsigned quirks;
	const struct model_facts *facts;
	const char *in, *out, *drops;
} written[] = {
	{ "plain", 0, NULL, "{\"model\":\"x\",\"messages\":[" HI "]}", "{" M HI "]}", "" },
	{ "all sampling", 0, NULL,
	  "{\"model\":\"x\",\"messages\":[" HI "],\"temperature\":0.10,\"top_p\":1,\"top_k\":5,\"seed\":7,"
	  "\"stop\":\"a\","
	  "\"frequency_penalty\":1,\"presence_penalty\":2,\"logit_bias\":{\"5\":1},\"logprobs\":true,"
	  "\"top_logprobs\":2,"
	  "\"max_completion_tokens\":9,\"n\":2}",
	  "{" M HI "],\"max_tokens\":9,\"temperature\":0.10,\"top_p\":1,\"top_k\":5,\"seed\":7,\"frequency_penalty\":1,"
	  "\"presence_penalty\":2,\"logit_bias\":{\"5\":1},\"logprobs\":true,\"top_logprobs\":2,\"stop\":[\"a\"],"
	  "\"n\":2}",
	  "" },
	{ "the newer cap wins", QUIRK_MAX_COMPLETION_TOKENS, NULL,
	  "{\"model\":\"x\",\"messages\":[" HI "],\"max_completion_tokens\":9,\"max_tokens\":5}",
	  "{" M HI "],\"max_completion_tokens\":9}", "" },
	{ "Mistral", MISTRAL, NULL,
	  "{\"model\":\"x\",\"stream\":true,\"messages\":[" HI ",{\"role\":\"assistant\",\"content\":\"\","
	  "\"tool_calls\":"
	  "[{\"id\":\"abcdefghi\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
	  "{\"role\":\"tool\",\"tool_call_id\":\"abcdefghi\",\"content\":\"r\"}],\"seed\":1,\"user\":\"u\","
	  "\"logprobs\":true,"
	  "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":\"required\",\"top_k\":3}",
	  "{" M HI ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"abcdefghi\","
	  "\"type\":\"function\","
	  "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"abcdefghi\","
	  "\"content\":\"r\"}],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
	  "\"parameters\":{\"type\":\"object\","
	  "\"properties\":{}}}}],\"tool_choice\":\"any\",\"random_seed\":1,\"stream\":true}",
	  "top_k,logprobs,user" },
	{ "a reasoning model of OpenAI", OPENAI, &reasoner,
	  "{\"model\":\"x\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"}," HI "],\"temperature\":1,"
	  "\"stop\":[\"a\"],"
	  "\"reasoning_effort\":\"xhigh\",\"max_tokens\":5,\"prompt_cache_key\":\"k\"}",
	  "{" M "{\"role\":\"developer\",\"content\":\"s\"}," HI "],\"max_completion_tokens\":5,"
	  "\"reasoning_effort\":\"high\",\"prompt_cache_key\":\"k\"}",
	  "temperature" },
	{ "developer becomes system", 0, NULL,
	  "{\"model\":\"x\",\"messages\":[{\"role\":\"developer\",\"content\":\"s\"},{\"role\":\"system\","
	  "\"content\":\"t\"}," HI
	  ",{\"role\":\"system\",\"content\":\"m\"}]}",
	  "{" M "{\"role\":\"system\",\"content\":\"s\\n\\nt\"}," HI ",{\"role\":\"system\",\"content\":\"m\"}]}", "" },
	{ "no reasoning where it cannot be said", QUIRK_STRICT_MEMBERS, NULL,
	  "{\"model\":\"x\",\"messages\":[" HI "],\"reasoning_effort\":\"low\"}", "{" M HI "]}", "reasoning" },
	{ "OpenRouter", OPENROUTER, NULL,
	  "{\"model\":\"x\",\"messages\":[{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"s\","
	  "\"cache_control\":"
	  "{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}]},{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\","
	  "\"content\":"
	  "\"a\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"t\",\"signature\":\"sig\",\"format\":"
	  "\"anthropic-claude-v1\",\"index\":0},{\"type\":\"reasoning.summary\",\"summary\":\"su\",\"format\":"
	  "\"openai-responses-v1\",\"index\":1},{\"type\":\"reasoning.encrypted\",\"data\":\"enc\",\"id\":\"rs_1\","
	  "\"format\":"
	  "\"openai-responses-v1\",\"index\":2}]}," HI "],\"reasoning\":{\"max_tokens\":2000}}",
	  "{" M "{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"s\","
	  "\"cache_control\":{\"type\":\"ephemeral\","
	  "\"ttl\":\"1h\"}}]}," HI ",{\"role\":\"assistant\",\"content\":\"a\",\"reasoning_details\":[{\"type\":"
	  "\"reasoning.text\",\"text\":\"t\",\"signature\":\"sig\",\"format\":\"anthropic-claude-v1\",\"index\":0},"
	  "{\"type\":"
	  "\"reasoning.summary\",\"summary\":\"su\",\"format\":\"openai-responses-v1\",\"index\":1},{\"type\":"
	  "\"reasoning.encrypted\",\"data\":\"enc\",\"id\":\"rs_1\",\"format\":\"openai-responses-v1\",\"index\":2"
	  "}]}," HI
	  "],\"reasoning\":{\"max_tokens\":2000}}", "" },
	{ "thoughts go back only with calls", QUIRK_REASONING_REPLAY, NULL,
	  "{\"model\":\"x\",\"messages\":[" HI ",{\"role\":\"assistant\",\"content\":\"a\","
	  "\"reasoning_content\":\"lost\"}," HI
	  ",{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"kept\",\"tool_calls\":[{\"id\":\"c\","
	  "\"type\":"
	  "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c\","
	  "\"content\":"
	  "[{\"type\":\"text\",\"text\":\"r\"}]}]}",
	  "{" M HI ",{\"role\":\"assistant\",\"content\":\"a\"}," HI ",{\"role\":\"assistant\",\"content\":null,"
	  "\"reasoning_content\":\"kept\",\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\","
	  "\"function\":{\"name\":\"f\","
	  "\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"r\"}]}", "" },
	{ "signatures of Gemini", QUIRK_EXTRA_CONTENT, &signer,
	  "{\"model\":\"x\",\"messages\":[" HI ",{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\","
	  "\"type\":\"function\","
	  "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"},\"extra_content\":{\"google\":{\"thought_signature\":\"sg"
	  "\"}}}]},"
	  "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"r\"},{\"role\":\"assistant\","
	  "\"tool_calls\":[{\"id\":\"d\","
	  "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\","
	  "\"tool_call_id\":\"d\","
	  "\"content\":\"r\"}]}",
	  "{" M HI ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\","
	  "\"function\":"
	  "{\"name\":\"f\",\"arguments\":\"{}\"},\"extra_content\":{\"google\":{\"thought_signature\":\"sg\"}}}]},"
	  "{\"role\":"
	  "\"tool\",\"tool_call_id\":\"c\",\"content\":\"r\"},{\"role\":\"assistant\",\"content\":null,"
	  "\"tool_calls\":[{\"id\":"
	  "\"d\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"},"
	  "\"extra_content\":{\"google\":{"
	  "\"thought_signature\":\"skip_thought_signature_validator\"}}}]},{\"role\":\"tool\",\"tool_call_id\":\"d\","
	  "\"content\":\"r\"}]}", "" },
	{ "an image in a tool's result", 0, NULL,
	  "{\"model\":\"x\",\"messages\":[" HI ",{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\","
	  "\"type\":\"function\","
	  "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c\","
	  "\"content\":[{\"type\":"
	  "\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,iVBORw0KGgo=\"}}]}]}",
	  "{" M HI ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\","
	  "\"function\":"
	  "{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":"
	  "\"[The tool's media follow in the next message.]\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\","
	  "\"text\":"
	  "\"Media of the result of tool call c\"},{\"type\":\"image_url\",\"image_url\":{\"url\":"
	  "\"data:image/png;base64,iVBORw0KGgo=\"}}]}]}", "" },
	{ "parts", OPENAI, NULL,
	  "{\"model\":\"x\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":"
	  "\"image_url\",\"image_url\":{\"url\":\"https:\\/\\/example.com\\/a.png\",\"detail\":\"low\"}},"
	  "{\"type\":\"input_audio\","
	  "\"input_audio\":{\"data\":\"AAAA\",\"format\":\"mp3\"}},{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\","
	  "\"file_data\":"
	  "\"data:application/pdf;base64,JVBERi0=\"}}]}]}",
	  "{" M "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image_url\","
	  "\"image_url\":{\"url\":"
	  "\"https://example.com/a.png\",\"detail\":\"low\"}},{\"type\":\"input_audio\","
	  "\"input_audio\":{\"data\":\"AAAA\","
	  "\"format\":\"mp3\"}},{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\",\"file_data\":"
	  "\"data:application/pdf;base64,JVBERi0=\"}}]}]}", "" },
	{ "functions of old", 0, NULL,
	  "{\"model\":\"x\",\"messages\":[" HI ",{\"role\":\"assistant\",\"content\":null,"
	  "\"function_call\":{\"name\":\"f\","
	  "\"arguments\":\"{}\"}},{\"role\":\"function\",\"name\":\"f\",\"content\":\"r\"}],"
	  "\"functions\":[{\"name\":\"f\","
	  "\"parameters\":{\"b\":1,\"a\":2.0}}],\"function_call\":{\"name\":\"f\"}}",
	  "{" M HI ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_000000000000000000000000\""
	  ",\"type\":"
	  "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":"
	  "\"call_000000000000000000000000\",\"content\":\"r\"}],\"tools\":[{\"type\":\"function\","
	  "\"function\":{\"name\":\"f\","
	  "\"parameters\":{\"b\":1,\"a\":2.0}}}],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}"
	  "}}", "" },
	{ "a schema", 0, NULL,
	  "{\"model\":\"x\",\"messages\":[" HI "],\"response_format\":{\"type\":\"json_schema\","
	  "\"json_schema\":{\"name\":\"n\","
	  "\"strict\":true,\"schema\":{\"z\":1,\"a\":2}}}}",
	  "{" M HI "],\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"strict\":true,"
	  "\"schema\":"
	  "{\"z\":1,\"a\":2}}}}", "" },
	{ "a schema is told where it cannot be sent", QUIRK_NO_JSON_SCHEMA, NULL,
	  "{\"model\":\"x\",\"messages\":[" HI "],\"response_format\":{\"type\":\"json_schema\","
	  "\"json_schema\":{\"name\":\"n\","
	  "\"schema\":{\"z\":1}}}}",
	  "{" M "{\"role\":\"system\",\"content\":\"Answer with one JSON object and nothing else. It must follow this "
	  "JSON "
	  "Schema: {\\\"z\\\":1}\"}," HI "],\"response_format\":{\"type\":\"json_object\"}}", "" },
	{ "json_object where only schemas are taken", QUIRK_NO_JSON_OBJECT, NULL,
	  "{\"model\":\"x\",\"messages\":[" HI "],\"response_format\":{\"type\":\"json_object\"}}",
	  "{" M HI "],\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"response\","
	  "\"schema\":{\"type\":"
	  "\"object\"}}}}", "" },
	{ "a subset of the tools", 0, NULL,
	  "{\"model\":\"x\",\"messages\":[" HI "],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
	  "\"parameters\":{}}},"
	  "{\"type\":\"function\",\"function\":{\"name\":\"g\",\"parameters\":{}}}],"
	  "\"tool_choice\":{\"type\":\"allowed_tools\","
	  "\"allowed_tools\":{\"mode\":\"required\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"g\"}}]}}"
	  "}",
	  "{" M HI "],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"g\",\"parameters\":{}}}],"
	  "\"tool_choice\":"
	  "\"required\"}", "" },
	{ "no tools, no choice", 0, NULL,
	  "{\"model\":\"x\",\"messages\":[" HI "],\"tools\":[],\"tool_choice\":\"auto\",\"parallel_tool_calls\":false}",
	  "{" M HI "]}", "" },
	{ "a custom tool", 0, NULL,
	  "{\"model\":\"x\",\"messages\":[" HI "],\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"p\","
	  "\"format\":{\"type\":"
	  "\"grammar\",\"grammar\":{\"syntax\":\"lark\",\"definition\":\"d\"}}}}]}",
	  "{" M HI "],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"p\","
	  "\"parameters\":{\"type\":\"object\","
	  "\"properties\":{\"input\":{\"type\":\"string\",\"description\":\"Text that keeps to this lark "
	  "grammar:\\nd\"}},"
	  "\"required\":[\"input\"]}}}]}", "tools[0].format" },
	{ "a custom tool of any text", 0, NULL,
	  "{\"model\":\"x\",\"messages\":[" HI "],\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"p\","
	  "\"format\":{\"type\":\"text\"}}}]}",
	  "{" M HI "],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"p\","
	  "\"parameters\":{\"type\":\"object\","
	  "\"properties\":{\"input\":{\"type\":\"string\"}},\"required\":[\"input\"]}}}]}", "" },
	{ "a custom tool for OpenAI", OPENAI, NULL,
	  "{\"model\":\"x\",\"messages\":[" HI "],\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"p\","
	  "\"format\":{\"type\":"
	  "\"grammar\",\"grammar\":{\"syntax\":\"lark\",\"definition\":\"d\"}}}}]}",
	  "{" M HI "],\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"p\",\"format\":{\"type\":\"grammar\","
	  "\"grammar\":{"
	  "\"syntax\":\"lark\",\"definition\":\"d\"}}}}]}", "" },
	{ "usage is asked for in streams", 0, NULL, "{\"model\":\"x\",\"stream\":true,\"messages\":[" HI "]}",
	  "{" M HI "],\"stream\":true,\"stream_options\":{\"include_usage\":true}}", "" },
	{ "more stops than are taken are watched for", 0, NULL,
	  "{\"model\":\"x\",\"messages\":[" HI "],\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}",
	  "{" M HI "],\"stop\":[\"a\",\"b\",\"c\",\"d\"]}", "" },
	{ "odd texts", 0, NULL,
	  "{\"model\":\"x\",\"messages\":[{\"role\":\"user\",\"content\":\"\\ud800 \\u0000 \\/ \xf0\x9f\x98\x80\"}]}",
	  "{" M "{\"role\":\"user\",\"content\":\"\\ud800 \\u0000 \\/ \xf0\x9f\x98\x80\"}]}", "" },
};

static void requests_are_written(void **state)
{
	for (size_t i = 0; i < COUNT_OF(written); i++) {
		struct chat_target target = { .model = JSTR("up"), .quirks = written[i].quirks, .ask_usage = true,
			                      .facts = written[i].facts ? written[i].facts : &model_facts_unknown };
		struct chat_request rq;
		struct chat_wire wire = { 0 };
		struct arena a;
		struct err e;
		char drops[512];

		arena_init(&a, (size_t)1 << 24);
		wire.drops.arena = &a;
		if (!read_request(&a, &dialect_openai_chat, written[i].in, &rq, &e))
			fail_msg("%s: %s", written[i].name, e.text);
		if (!openai_chat_codec.write_request(&a, &rq, &target, &wire, &e))
			fail_msg("%s: %s", written[i].name, e.text);
		if (!str_eq(wire.body, s(written[i].out)))
			fail_msg("%s:\n%.*s\n%s", written[i].name, STR_ARG(wire.body), written[i].out);
		list_drops(&wire, drops);
		if (strcmp(drops, written[i].drops) != 0)
			fail_msg("%s: dropped %s", written[i].name, drops);
		arena_fini(&a);
	}
}

#define BODY(messages) "{\"model\":\"x\",\"messages\":" messages "}"
#define MEMBER(member) "{\"model\":\"x\",\"messages\":[" HI "]," member "}"

static const struct { const char *in, *text; } refused[] = {
	{ BODY("[]"), "messages: must be an array of messages that is not empty, not an empty array" },
	{ BODY("5"), "messages: must be an array" },
	{ "{\"model\":\"x\"}", "messages: must be an array of messages that is not empty, not nothing" },
	{ BODY("[5]"), "messages[0]: must be an object, not the number 5" },
	{ BODY("[{\"role\":\"king\",\"content\":\"\"}]"), "messages[0].role: must be one of system" },
	{ BODY("[{\"role\":\"user\"}]"), "messages[0].content: must be a string or an array of parts, not nothing" },
	{ BODY("[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]"),
		"messages[0].content[0].text: must be a string" },
	{ BODY("[{\"role\":\"user\",\"content\":[{\"type\":\"hologram\"}]}]"),
		"messages[0].content[0].type: must be one of" },
	{ BODY("[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"\"},{\"type\":\"image_url\","
		"\"image_url\":{\"url\":"
	       "\"ftp://a.b/c\"}}]}]"), "messages[0].content[1].image_url: \"ftp://a.b/c\" must be an https address" },
	{ BODY("[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"http://10.0.0.1/c\"}}"
		"]}]"),
	  "messages[0].content[0].image_url: \"http://10.0.0.1/c\" must be an address of the public Internet" },
	{ BODY("[{\"role\":\"tool\",\"content\":\"r\"}]"), "messages[0].tool_call_id: must be the id" },
	{ BODY("[" HI ",{\"role\":\"tool\",\"tool_call_id\":\"nope\",\"content\":\"r\"}]"), "nope" },
	{ BODY("[{\"role\":\"assistant\",\"tool_calls\":{}}]"), "messages[0].tool_calls: must be an array" },
	{ BODY("[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\"}]}]"),
		"messages[0].tool_calls[0].function.name" },
	{ BODY("[{\"role\":\"function\",\"name\":\"f\",\"content\":\"r\"}]"),
		"messages[0].name: must be the name of the" },
	{ MEMBER("\"temperature\":\"hot\""), "temperature: must be a number, not the string \"hot\"" },
	{ MEMBER("\"stop\":[1]"), "stop: must be a string or an array of strings, not the number 1" },
	{ MEMBER("\"tools\":[{\"type\":\"function\",\"function\":{}}]"), "tools[0].function.name" },
	{ MEMBER("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":[]}}]"),
	  "tools[0].function.parameters: must be a JSON Schema" },
	{ MEMBER("\"tool_choice\":\"maybe\""), "tool_choice: must be auto" },
	{ MEMBER("\"response_format\":{\"type\":\"xml\"}"), "response_format.type: must be one of text" },
	{ MEMBER("\"reasoning_effort\":\"huge\""), "reasoning_effort: must be one of none" },
	{ MEMBER("\"logit_bias\":[]"), "logit_bias: must be an object, not an empty array" },
};

static void bad_requests_are_refused(void **state)
{
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct chat_request rq;
		struct arena a;
		struct err e;

		arena_init(&a, (size_t)1 << 24);
		if (read_request(&a, &dialect_openai_chat, refused[i].in, &rq, &e))
			fail_msg("%s: taken", refused[i].in);
		if (!strstr(e.text, refused[i].text))
			fail_msg("%s:\n%s", refused[i].in, e.text);
		assert_int_equal(e.code, ERR_INVALID_REQUEST);
		arena_fini(&a);
	}
}

static void completions_become_conversations(void **state)
{
	static const struct { const char *in, *out, *drops; } good[] = {
		{ "{\"model\":\"x\",\"prompt\":\"a\\nb\",\"max_tokens\":5,\"echo\":true,\"suffix\":\"s\",\"best_of\":3,"
		  "\"logprobs\":2,\"stop\":\"z\"}",
		  "{" M "{\"role\":\"user\",\"content\":\"a\\nb\"}],\"max_tokens\":5,\"stop\":[\"z\"]}",
		  "logprobs,suffix,echo,best_of" },
		{ "{\"model\":\"x\",\"prompt\":[\"a\"],\"echo\":false,\"best_of\":1,\"suffix\":null}",
		  "{" M "{\"role\":\"user\",\"content\":\"a\"}]}", "" },
	};
	static const char *const bad[] = {
		"{\"model\":\"x\",\"prompt\":[\"a\",\"b\"]}", "{\"model\":\"x\",\"prompt\":[1,2]}",
		"{\"model\":\"x\",\"prompt\":[[1,2]]}", "{\"model\":\"x\"}", "{\"model\":\"x\",\"prompt\":null}",
		"{\"model\":\"x\",\"prompt\":[]}",
	};
	struct chat_target target = { .model = JSTR("up"), .facts = &model_facts_unknown };
	struct chat_request rq;
	struct arena a;
	struct err e;
	char drops[512];

	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct chat_wire wire = { 0 };
		arena_init(&a, (size_t)1 << 24);
		wire.drops.arena = &a;
		assert_true(read_request(&a, &dialect_openai_completions, good[i].in, &rq, &e));
		assert_true(openai_chat_codec.write_request(&a, &rq, &target, &wire, &e));
		if (!str_eq(wire.body, s(good[i].out)))
			fail_msg("%.*s", STR_ARG(wire.body));
		list_drops(&wire, drops);
		assert_string_equal(drops, good[i].drops);
		arena_fini(&a);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		arena_init(&a, (size_t)1 << 24);
		if (read_request(&a, &dialect_openai_completions, bad[i], &rq, &e) || !strstr(e.text,
			"prompt: must be one"))
			fail_msg("%s", bad[i]);
		arena_fini(&a);
	}
}

/* ---- streams ----------------------------------------------------------------------------------------------------- */

#define C(delta) "{\"id\":\"i\",\"model\":\"m\",\"created\":5,\"choices\":[{\"index\":0,\"delta\":" delta "}]}\n"
#define F(delta, why) \
	"{\"id\":\"i\",\"model\":\"m\",\"created\":5,\"choices\":[{\"index\":0,\"delta\":" delta "," \
	"\"finish_reason\":\"" why "\"}]}\n"
#define DONE "[DONE]\n"
#define CALL(more) C("{\"tool_calls\":[{" more "}]}")

/* Events as short words: S start, o<block><kind>, d<block>"text", c<block>, f<stop>, u<in>/<out>, E end. */
static const struct { const char *name, *in, *out; } streams[] = {
	{ "text", C("{\"role\":\"assistant\",\"content\":\"\"}") C("{\"content\":\"a\"}") C("{\"content\":\"b\"}")
		F("{}", "stop")
	  DONE, "S o0text d0\"a\" d0\"b\" c0 fend E" },
	{ "no end", C("{\"content\":\"a\"}"), "S o0text d0\"a\" BROKEN" },
	{ "the transport's end will do if the choice is finished", C("{\"content\":\"a\"}") F("{}", "length"),
	  "S o0text d0\"a\" c0 fmax_tokens E" },
	{ "[DONE] without a reason", C("{\"content\":\"a\"}") DONE, "S o0text d0\"a\" c0 fend E" },
	{ "[DONE] and nothing", DONE, "BROKEN" },
	{ "Azure's first chunk", "{\"id\":\"\",\"model\":\"\",\"choices\":[],\"prompt_filter_results\":[]}\n" F("{\"con"
		"tent\":\"a\"}",
	  "stop") DONE, "S o0text d0\"a\" c0 fend E" },
	{ "usage behind", F("{\"content\":\"a\"}", "stop") "{\"choices\":[],\"usage\":{\"prompt_tokens\":3,"
		"\"completion_tokens\":1}}\n"
	  DONE, "S o0text d0\"a\" u3/1 c0 fend E" },
	{ "usage in each, cumulative",
		"{\"id\":\"i\",\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":3,"
	  "\"completion_tokens\":1}}\n{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],"
	  "\"usage\":{\"prompt_tokens\":3,"
	  "\"completion_tokens\":2}}\n" DONE, "S o0text d0\"a\" u3/1 u3/2 c0 fend E" },
	{ "usage in the choice",
		"{\"id\":\"i\",\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\",\"usage\":{"
	  "\"prompt_tokens\":3,\"completion_tokens\":1}}]}\n" DONE, "S o0text d0\"a\" u3/1 c0 fend E" },
	{ "thoughts", C("{\"reasoning_content\":\"t\"}") C("{\"reasoning\":\"u\"}") C("{\"content\":\"a\"}") F("{}",
		"stop") DONE,
	  "S o0reasoning d0\"t\" d0\"u\" c0 o1text d1\"a\" c1 fend E" },
	{ "tags in pieces", C("{\"content\":\"<th\"}") C("{\"content\":\"ink>\\n\"}") C("{\"content\":\"t</\"}")
	  C("{\"content\":\"think\"}") C("{\"content\":\">a <think>b\"}") F("{}", "stop") DONE,
	  "S o0reasoning d0\"\\n\" d0\"t\" c0 o1text d1\"a <think>b\" c1 fend E" },
	{ "escaped tags", F("{\"content\":\"\\u003cthink\\u003et\\u003c\\/think\\u003ea\"}", "stop") DONE,
	  "S o0reasoning d0\"t\" c0 o1text d1\"a\" c1 fend E" },
	{ "no tag after all", C("{\"content\":\"<thi\"}") F("{\"content\":\"s\"}", "stop") DONE,
		"S o0text d0\"<this\" c0 fend E" },
	{ "held to the end", F("{\"content\":\"<thi\"}", "stop") DONE, "S o0text d0\"<thi\" c0 fend E" },
	{ "details", C("{\"reasoning\":\"t\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"t\","
		"\"index\":0}]}")
	  C("{\"reasoning_details\":[{\"type\":\"reasoning.text\",\"signature\":\"sig\","
	          "\"format\":\"anthropic-claude-v1\","
	  "\"index\":0}]}") F("{\"content\":\"a\"}", "stop") DONE,
	  "S o0reasoning d0\"t\" d0sig:2 c0 o1text d1\"a\" c1 fend E" },
	{ "a call in pieces", CALL("\"index\":0,\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\","
		"\"arguments\":\"\"}")
	  CALL("\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\":\"}") CALL("\"index\":0,"
	          "\"function\":{\"arguments\":\"1}\"}")
	  F("{}", "tool_calls") DONE, "S o0call:c:f d0\"{\\\"a\\\":\" d0\"1}\" c0 ftool E" },
	{ "id and name again and again", CALL("\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\","
		"\"arguments\":\"{\"}")
	  CALL("\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"}\"}") F("{}", "tool_calls") DONE,
	  "S o0call:c:f d0\"{\" d0\"}\" c0 ftool E" },
	{ "every call at index 0", CALL("\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}")
	  CALL("\"index\":0,\"id\":\"d\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}") F("{}", "stop") DONE,
	  "S o0call:c:f d0\"{}\" o1call:d:g d1\"{}\" c0 c1 ftool E" },
	{ "whole calls without index", C("{\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"f\","
		"\"arguments\":\"{}\"}},"
	  "{\"id\":\"d\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}}]}") F("{}", "tool_calls") DONE,
	  "S o0call:c:f d0\"{}\" o1call:d:f d1\"{\\\"x\\\":1}\" c0 c1 ftool E" },
	{ "interleaved calls", C("{\"content\":\"a\"}") CALL("\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\"}")
	  CALL("\"index\":1,\"id\":\"d\",\"function\":{\"name\":\"g\"}") CALL("\"index\":0,"
	          "\"function\":{\"arguments\":\"{}\"}")
	  CALL("\"index\":1,\"function\":{\"arguments\":\"[]\"}") F("{}", "tool_calls") DONE,
	  "S o0text d0\"a\" c0 o1call:c:f o2call:d:g d1\"{}\" d2\"[]\" c1 c2 ftool E" },
	{ "arguments before the name", CALL("\"index\":0,\"id\":\"c\",\"function\":{\"arguments\":\"{\"}")
	  CALL("\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"}\"}") F("{}", "tool_calls") DONE,
	  "S o0call:-:f d0\"{\" d0\"}\" c0 ftool E" },
	{ "a function of old", C("{\"function_call\":{\"name\":\"f\",\"arguments\":\"\"}}")
	  C("{\"function_call\":{\"arguments\":\"{}\"}}") F("{}", "function_call") DONE,
	          "S o0call:-:f d0\"{}\" c0 ftool E" },
	{ "Mistral's parts", C("{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"t\"}]}"
		"]}")
	  C("{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"reference\",\"reference_ids\":[1]}]}") F("{}",
	          "stop") DONE,
	  "S o0reasoning d0\"t\" c0 o1text d1\"a\" c1 o2raw c2 fend E" },
	{ "a refusal", C("{\"refusal\":\"no\"}") F("{}", "stop") DONE, "S o0refusal d0\"no\" c0 frefusal E" },
	{ "an error", C("{\"content\":\"a\"}") "{\"error\":{\"message\":\"too much\",\"type\":\"server_error\"}}\n",
	  "S o0text d0\"a\" ERROR" },
	{ "MiniMax's error", "{\"base_resp\":{\"status_code\":1008,\"status_msg\":\"x\"}}\n", "ERROR" },
	{ "no JSON", C("{\"content\":\"a\"}") "{\"choices\":[\n", "S o0text d0\"a\" BROKEN" },
	{ "hostile types", "{\"choices\":[5,null,{\"delta\":5},{\"delta\":{\"content\":{},\"tool_calls\":[5,{}],"
		"\"reasoning_details\":"
	  "[5]},\"index\":7}],\"usage\":[]}\n" DONE, "S fend o0call:-: c0 ftool E" },
	{ "a bad index", "{\"choices\":[{\"index\":-1,\"delta\":{}}]}\n", "S BROKEN" },
	{ "two choices", "{\"id\":\"i\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}},{\"index\":1,"
		"\"delta\":{\"content\":"
	  "\"b\"}}]}\n{\"choices\":[{\"index\":1,\"delta\":{},\"finish_reason\":\"stop\"},{\"index\":0,\"delta\":{},"
	  "\"finish_reason\":"
	  "\"length\"}]}\n" DONE, "S o0text d0\"a\" o1text d1\"b\" c0 fmax_tokens c1 fend E" },
};

static const char *const stop_names[] = { "none", "end", "sequence", "max_tokens", "context", "tool", "filter",
	"refusal",
	                                  "pause", "error" };

static void word(struct buf *b, const struct chat_event *e)
{
	if (b->n)
		buf_append_c(b, ' ');
	switch ((enum chat_event_kind)e->kind) {
	case EVENT_START: buf_append_c(b, 'S'); break;
	case EVENT_OPEN:
		if (e->open->kind == CHAT_TOOL_CALL)
			buf_printf(b, "o%ucall:%.*s:%.*s", e->block,
			           str_starts(jstr_raw(e->open->id), STR("call_")) ? 1 : (int)e->open->id.n,
			           str_starts(jstr_raw(e->open->id), STR("call_")) ? "-" : e->open->id.p,
			           STR_ARG(e->open->name));
		else
			buf_printf(b, "o%u%s", e->block, chat_kind_name((enum chat_kind)e->open->kind));
		break;
	case EVENT_DELTA:
		if (e->delta.kind == DELTA_OPAQUE)
			buf_printf(b, "d%u%.*s:%d", e->block, STR_ARG(e->delta.opaque.bytes), e->delta.opaque.maker);
		else
			buf_printf(b, "d%u\"%.*s\"", e->block, STR_ARG(e->delta.text));
		break;
	case EVENT_CLOSE: buf_printf(b, "c%u", e->block); break;
	case EVENT_FINISH: buf_printf(b, "f%s", stop_names[e->finish.stop]); break;
	case EVENT_USAGE:
		buf_printf(b, "u%u/%u", (unsigned)usage_total_input(&e->usage),
			(unsigned)usage_total_output(&e->usage));
		break;
	case EVENT_END: buf_append_c(b, 'E'); break;
	case EVENT_PING: buf_append_c(b, 'P'); break;
	case EVENT_ERROR: buf_append_c(b, '!'); break;
	}
}

static void streams_become_events(void **state)
{
	static const struct chat_source source = { .quirks = 0 };

	for (size_t i = 0; i < COUNT_OF(streams); i++) {
		void *reader = calloc(1, openai_chat_codec.reader_size);
		struct str rest = s(streams[i].in);
		struct buf out = buf_make(65536);
		enum chat_read result = CHAT_READ_OK;
		struct dialect_error error;
		struct arena a;
		struct err e;
		bool more = true;

		arena_init(&a, (size_t)1 << 24);
		assert_true(openai_chat_codec.reader_init(reader, &source));
		while (result == CHAT_READ_OK && more) {
			struct chat_frame frame = { 0 };
			struct chat_events events;
			more = rest.n > 0;
			if (more)
				frame.data = str_cut(&rest, '\n');
			result = openai_chat_codec.read_event(reader, &a, &frame, &events, &error, &e);
			for (const struct chat_event *ev = events.first; ev; ev = ev->next)
				word(&out, ev);
		}
		if (result != CHAT_READ_OK)
			buf_printf(&out, "%s%s", out.n ? " " : "", result == CHAT_READ_ERROR ? "ERROR" : "BROKEN");
		if (!str_eq(buf_str(&out), s(streams[i].out)))
			fail_msg("%s:\n%.*s\n%s", streams[i].name, STR_ARG(buf_str(&out)), streams[i].out);
		openai_chat_codec.reader_fini(reader);
		free(reader);
		buf_fini(&out);
		arena_fini(&a);
	}
}

/* ---- what clients get -------------------------------------------------------------------------------------------- */

static struct chat_response an_answer(struct arena *a)
{
	struct chat_response r = { .id = JSTR("msg_1"), .model = JSTR("up"), .created_s = 0,
		.from = DIALECT_ANTHROPIC };
	struct chat_block **end, *b;

	r.outputs = arena_zalloc(a, sizeof *r.outputs);
	end = &r.outputs->blocks;
	b = chat_block_add(a, &end, CHAT_REASONING);
	b->text = JSTR("think");
	b->opaque = (struct chat_opaque){ .bytes = JSTR("sig=="), .maker = MAKER_ANTHROPIC };
	b = chat_block_add(a, &end, CHAT_TEXT);
	b->text = JSTR("one");
	b = chat_block_add(a, &end, CHAT_TOOL_CALL);
	b->id = JSTR("toolu_1");
	b->name = JSTR("f");
	b->args.json = STR("{\"b\": 1}");
	b->opaque = (struct chat_opaque){ .bytes = JSTR("gem"), .maker = MAKER_GEMINI };
	b = chat_block_add(a, &end, CHAT_TEXT);
	b->text = JSTR(" two");
	r.outputs->finish.stop = STOP_TOOL;
	usage_set(&r.usage, USAGE_INPUT, 10);
	usage_set(&r.usage, USAGE_CACHE_READ, 5);
	usage_set(&r.usage, USAGE_OUTPUT, 7);
	r.usage.source = USAGE_REPORTED;
	return r;
}

#define USAGE_TEXT                                                                                              \
	"{\"prompt_tokens\":15,\"completion_tokens\":7,\"total_tokens\":22,\"prompt_tokens_details\":{" \
	"\"cached_tokens\":5," \
	"\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0}}"

static void answers_are_written(void **state)
{
	static const struct { const struct chat_codec *codec; bool old; const char *out; } cases[] = {
		{ &openai_chat_codec, false,
		  "{\"id\":\"chatcmpl-msg_1\",\"object\":\"chat.completion\",\"created\":77,\"model\":\"up\","
		  "\"choices\":[{\"index\":0,"
		  "\"message\":{\"role\":\"assistant\",\"content\":\"one two\",\"refusal\":null,"
		  "\"reasoning_content\":\"think\","
		  "\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"think\",\"signature\":\"sig==\","
		  "\"format\":"
		  "\"anthropic-claude-v1\",\"index\":0}],\"tool_calls\":[{\"id\":\"toolu_1\",\"type\":\"function\","
		  "\"function\":{"
		  "\"name\":\"f\",\"arguments\":\"{\\\"b\\\":1}\"},\"extra_content\":{\"google\":{\"thought_signature\""
		  ":\"gem\"}}}]},"
		  "\"logprobs\":null,\"finish_reason\":\"tool_calls\"}],\"usage\":" USAGE_TEXT
		  ",\"system_fingerprint\":null}" },
		{ &openai_chat_codec, true,
		  "{\"id\":\"chatcmpl-msg_1\",\"object\":\"chat.completion\",\"created\":77,\"model\":\"up\","
		  "\"choices\":[{\"index\":0,"
		  "\"message\":{\"role\":\"assistant\",\"content\":\"one two\",\"refusal\":null,"
		  "\"reasoning_content\":\"think\","
		  "\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"think\",\"signature\":\"sig==\","
		  "\"format\":"
		  "\"anthropic-claude-v1\",\"index\":0}],\"function_call\":{\"name\":\"f\","
		  "\"arguments\":\"{\\\"b\\\":1}\"}},"
		  "\"logprobs\":null,\"finish_reason\":\"function_call\"}],\"usage\":" USAGE_TEXT
		  ",\"system_fingerprint\":null}" },
		{ &openai_completions_codec, false,
		  "{\"id\":\"cmpl-msg_1\",\"object\":\"text_completion\",\"created\":77,\"model\":\"up\","
		  "\"choices\":[{\"text\":"
		  "\"one two\",\"index\":0,\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":" USAGE_TEXT "}" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct chat_reply reply = { .id = JSTR("01A"), .created_s = 77, .model = JSTR("pub"),
			.old_functions = cases[i].old };
		struct buf out = buf_make(65536);
		struct chat_drops drops = { 0 };
		struct arena a;

		arena_init(&a, (size_t)1 << 24);
		drops.arena = &a;
		struct chat_response r = an_answer(&a);
		assert_true(cases[i].codec->write_response(&a, &r, &reply, &out, &drops));
		if (!str_eq(buf_str(&out), s(cases[i].out)))
			fail_msg("%zu:\n%.*s\n%s", i, STR_ARG(buf_str(&out)), cases[i].out);
		buf_fini(&out);
		arena_fini(&a);
	}
}

#define HEAD(id, object) \
	"data: {\"id\":\"" id "\",\"object\":\"" object "\",\"created\":77,\"model\":\"up\",\"choices\":["
#define CHUNK(delta) \
	HEAD("chatcmpl-msg_1", "chat.completion.chunk") "{\"index\":0,\"delta\":{" delta "},\"logprobs\":null," \
	"\"finish_reason\":null}]}\n\n"
#define LAST(why) \
	HEAD("chatcmpl-msg_1", "chat.completion.chunk") "{\"index\":0,\"delta\":{},\"logprobs\":null," \
	"\"finish_reason\":\"" why "\"}]}\n\n"
#define OLD(text, why)                        \
	HEAD("cmpl-msg_1", "text_completion") \
	"{\"text\":\"" text "\",\"index\":0,\"logprobs\":null,\"finish_reason\":" why "}]}\n\n"

	static void
	streams_are_written(void **state)
{
	static const struct { const struct chat_codec *codec; bool usage, old; const char *out; } cases[] = {
		{ &openai_chat_codec, false, false,
		  CHUNK("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null")
		  CHUNK("\"reasoning_content\":\"think\",\"reasoning_details\":[{\"type\":\"reasoning.text\","
		          "\"text\":\"think\","
		        "\"index\":0}]")
		  CHUNK("\"reasoning_details\":[{\"type\":\"reasoning.text\",\"signature\":\"sig==\",\"format\":"
		        "\"anthropic-claude-v1\",\"index\":0}]")
		  CHUNK("\"content\":\"one\"")
		  CHUNK("\"tool_calls\":[{\"index\":0,\"id\":\"toolu_1\",\"type\":\"function\","
		          "\"function\":{\"name\":\"f\","
		        "\"arguments\":\"\"}}]")
		  CHUNK("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"b\\\":1}\"}}]")
		  CHUNK("\"tool_calls\":[{\"index\":0,\"extra_content\":{\"google\":{\"thought_signature\":\"gem\"}}}]")
		  CHUNK("\"content\":\" two\"") LAST("tool_calls") "data: [DONE]\n\n" },
		{ &openai_completions_codec, false, false,
		  OLD("one", "null") OLD(" two", "null") OLD("", "\"stop\"") "data: [DONE]\n\n" },
		{ &openai_completions_codec, true, false, NULL },
		{ &openai_chat_codec, true, true, NULL },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct chat_reply reply = { .id = JSTR("01A"), .created_s = 77, .model = JSTR("pub"),
			                    .usage_asked = cases[i].usage, .old_functions = cases[i].old };
		const struct chat_codec *codec = cases[i].codec;
		void *writer = calloc(1, codec->writer_size);
		struct buf out = buf_make(65536);
		struct chat_events events = { 0 };
		struct arena a;

		arena_init(&a, (size_t)1 << 24);
		struct chat_response r = an_answer(&a);
		assert_true(chat_response_events(&a, &r, &events));
		assert_true(codec->writer_init(writer, &reply));
		for (const struct chat_event *e = events.first; e; e = e->next)
			assert_true(codec->write_event(writer, &a, e, &out));
		if (cases[i].out)
			must_be(buf_str(&out), s(cases[i].out));
		if (cases[i].usage)
			assert_true(str_find(buf_str(&out), STR("[],\"usage\":" USAGE_TEXT "}\n\ndata: [DONE]")) !=
			            STR_NPOS);
		if (cases[i].old)
			assert_true(str_find(buf_str(&out), STR("\"function_call\":{\"arguments\":\"{")) != STR_NPOS);
		codec->writer_fini(writer);
		free(writer);
		buf_fini(&out);
		arena_fini(&a);
	}
}

static void a_stream_may_fail(void **state)
{
	struct chat_reply reply = { .id = JSTR("01A") };
	void *writer = calloc(1, openai_chat_codec.writer_size);
	struct buf out = buf_make(4096);
	struct err e;

	err_set(&e, ERR_UPSTREAM, "gone");
	assert_true(openai_chat_codec.writer_init(writer, &reply));
	assert_true(openai_chat_codec.write_error(writer, &e, STR("rq"), &out));
	assert_true(str_starts(buf_str(&out), STR("data: {\"error\":{\"message\":\"gone\"")));
	assert_true(str_ends(buf_str(&out), STR("}\n\n")));
	buf_clear(&out);
	assert_true(openai_chat_codec.write_ping(writer, &out));
	assert_true(str_eq(buf_str(&out), STR(": ping\n\n")));
	openai_chat_codec.writer_fini(writer);
	free(writer);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_written),   cmocka_unit_test(bad_requests_are_refused),
		cmocka_unit_test(completions_become_conversations), cmocka_unit_test(streams_become_events),
		cmocka_unit_test(answers_are_written),    cmocka_unit_test(streams_are_written),
		cmocka_unit_test(a_stream_may_fail),
	};

	dialect_init();
	return cmocka_run_group_tests_name("openai_chat_codec", tests, NULL, NULL);
}
