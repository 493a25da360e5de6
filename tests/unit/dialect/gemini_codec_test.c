/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemini_codec: goldens of our own: what clients of several dialects ask of Gemini's models, what Gemini's clients are
 * told of other dialects' answers, whole and as streams, and what hostile requests get.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "dialect/chat.h"
#include "dialect/dialect.h"
#include "lib/check.h"
#include "model/facts.h"

#define GG &dialect_gemini
#define AM &dialect_anthropic
#define CC &dialect_openai_chat
#define HI "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}]"
#define MHI "\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]"
#define CHI "\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]"

struct request_case {
	const char *name;
	const struct dialect *from;
	const char *model;               /* the target */
	const char *in;
	const char *out;                 /* or the error's text */
	const char *drops;               /* NULL: it is refused */
};

static const struct request_case requests[] = {
	{ "a text", GG, "gemini-2.5-flash", "{" HI "}", "{" HI "}", "" },
	{ "both spellings", GG, "gemini-2.5-flash",
	  "{\"contents\":{\"parts\":{\"inline_data\":{\"mime_type\":\"image/png\",\"data\":\"_-8=\"}}},"
	  "\"system_instruction\":{\"parts\":"
	  "[{\"text\":\"S\"}]},\"generation_config\":{\"max_output_tokens\":5,\"top_p\":0.5,"
	  "\"response_mime_type\":\"application/json\"}}",
	  "{\"systemInstruction\":{\"parts\":[{\"text\":\"S\"}]},\"contents\":[{\"role\":\"user\","
	  "\"parts\":[{\"inlineData\":{\"mimeType\":"
	  "\"image/png\",\"data\":\"/+8=\"}}]}],\"generationConfig\":{\"maxOutputTokens\":5,\"topP\":0.5,"
	  "\"responseMimeType\":\"application/json\"}}",
	  "" },
	{ "what only Gemini knows goes back to Gemini", GG, "gemini-2.5-flash",
	  "{" HI ",\"safetySettings\":[{\"category\":\"A\"}],\"cachedContent\":\"cachedContents/x\","
	  "\"labels\":{\"a\":\"b\"},"
	  "\"modelArmorConfig\":{\"x\":1},\"generationConfig\":{\"mediaResolution\":\"LOW\"},"
	  "\"toolConfig\":{\"retrievalConfig\":{}},"
	  "\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}]}",
	  "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}],\"toolConfig\":{\"retrievalConfig\":{}},"
	  "\"generationConfig\":{\"mediaResolution\":\"LOW\"},\"safetySettings\":[{\"category\":\"A\"}],"
	  "\"cachedContent\":\"cachedContents/x\",\"labels\":{\"a\":\"b\"},\"modelArmorConfig\":{\"x\":1}}",
	  "" },
	{ "calls without ids get some, and their responses the same", GG, "gemini-2.5-flash",
	  "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]},{\"role\":\"model\","
	  "\"parts\":[{\"functionCall\":{\"name\":\"f\","
	  "\"args\":{\"b\":1,\"a\":2}},\"thoughtSignature\":\"SIG\"},{\"functionCall\":{\"name\":\"f\"}}]},"
	  "{\"role\":\"function\",\"parts\":["
	  "{\"functionResponse\":{\"name\":\"f\",\"response\":{\"output\":\"x\"}}},"
	  "{\"functionResponse\":{\"name\":\"f\",\"response\":"
	  "{\"error\":\"no\"}}}]}]}",
	  "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]},{\"role\":\"model\","
	  "\"parts\":[{\"functionCall\":{\"id\":\"call_0\","
	  "\"name\":\"f\",\"args\":{\"b\":1,\"a\":2}},\"thoughtSignature\":\"SIG\"},"
	  "{\"functionCall\":{\"id\":\"call_1\",\"name\":\"f\",\"args\":{}}}]},"
	  "{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"id\":\"call_0\",\"name\":\"f\","
	  "\"response\":{\"output\":\"x\"}}},"
	  "{\"functionResponse\":{\"id\":\"call_1\",\"name\":\"f\",\"response\":{\"error\":\"no\"}}}]}]}",
	  "" },
	{ "signatures of texts stay with them, pieces are joined", GG, "gemini-3-pro-preview",
	  "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]},{\"role\":\"model\","
	  "\"parts\":[{\"text\":\"I \",\"thought\":true},"
	  "{\"text\":\"think\",\"thought\":true},{\"text\":\"He\"},{\"text\":\"llo\"},{\"text\":\"\","
	  "\"thoughtSignature\":\"SIG\"}]},"
	  "{\"role\":\"user\",\"parts\":[{\"text\":\"And?\"}]}]}",
	  "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]},{\"role\":\"model\","
	  "\"parts\":[{\"text\":\"I think\",\"thought\":true},"
	  "{\"text\":\"Hello\",\"thoughtSignature\":\"SIG\"}]},{\"role\":\"user\",\"parts\":[{\"text\":\"And?\"}]}]}",
	  "" },
	{ "a schema in OpenAPI's words", GG, "gemini-2.5-flash",
	  "{" HI ",\"generationConfig\":{\"responseMimeType\":\"application/json\","
	  "\"responseSchema\":{\"type\":\"OBJECT\",\"properties\":"
	  "{\"a\":{\"type\":\"STRING\",\"nullable\":true},\"n\":{\"type\":\"ARRAY\",\"items\":{\"type\":\"INTEGER\"},"
	  "\"minItems\":\"1\"}},"
	  "\"propertyOrdering\":[\"a\"]}}}",
	  "{" HI ",\"generationConfig\":{\"responseMimeType\":\"application/json\","
	  "\"responseJsonSchema\":{\"type\":\"object\",\"properties\":"
	  "{\"a\":{\"type\":[\"string\",\"null\"]},\"n\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"},"
	  "\"minItems\":1}}}}}",
	  "" },
	{ "thinking by budget", GG, "gemini-2.5-flash",
	  "{" HI ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":512,\"includeThoughts\":true}}}",
	  "{" HI ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":512,\"includeThoughts\":true}}}", "" },
	{ "thinking by level", GG, "gemini-3-flash-preview",
	  "{" HI ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"HIGH\"}}}",
	  "{" HI ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"high\"}}}", "" },
	{ "an effort for a model with budgets", CC, "gemini-2.5-flash", "{" CHI ",\"reasoning_effort\":\"medium\"}",
	  "{" HI ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":8192,\"includeThoughts\":true}}}", "" },
	{ "an effort for a model with levels", CC, "gemini-3-pro-preview", "{" CHI ",\"reasoning_effort\":\"xhigh\"}",
	  "{" HI ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"high\",\"includeThoughts\":true}}}",
	  "" },
	{ "no thinking", CC, "gemini-2.5-flash", "{" CHI ",\"reasoning_effort\":\"none\"}",
	  "{" HI ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":0}}}", "" },
	{ "no thinking where that cannot be", CC, "gemini-2.5-pro", "{" CHI ",\"reasoning_effort\":\"none\"}",
	  "{" HI ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":128}}}", "reasoning.none" },
	{ "a budget for a model with levels", AM, "gemini-3-flash-preview",
	  "{\"model\":\"m\",\"max_tokens\":10000,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],"
	  "\"thinking\":{\"type\":\"enabled\","
	  "\"budget_tokens\":1024}}",
	  "{" HI ",\"generationConfig\":{\"maxOutputTokens\":10000,\"thinkingConfig\":{\"thinkingLevel\":\"low\","
	  "\"includeThoughts\":true}}}", "" },
	{ "sampling of OpenAI", CC, "gemini-2.5-flash",
	  "{" CHI ",\"temperature\":0.50,\"top_p\":1,\"seed\":7,\"n\":2,\"stop\":[\"a\",\"b\",\"c\",\"d\"],"
	  "\"presence_penalty\":1,"
	  "\"logprobs\":true,\"top_logprobs\":3,\"logit_bias\":{\"1\":2},\"user\":\"u\"}",
	  "{" HI ",\"generationConfig\":{\"temperature\":0.50,\"topP\":1,\"seed\":7,\"candidateCount\":2,"
	  "\"presencePenalty\":1,"
	  "\"stopSequences\":[\"a\",\"b\",\"c\",\"d\"],\"responseLogprobs\":true,\"logprobs\":3}}",
	  "logit_bias user" },
	{ "tools of OpenAI", CC, "gemini-2.5-flash",
	  "{" CHI ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a/b\",\"description\":\"D\","
	  "\"parameters\":{\"type\":\"object\","
	  "\"properties\":{\"z\":{\"type\":\"string\"},\"a\":{}},\"additionalProperties\":false}}},"
	  "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],"
	  "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"a/b\"}}}",
	  "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"a_b_*\",\"description\":\"D\","
	  "\"parametersJsonSchema\":{\"type\":\"object\","
	  "\"properties\":{\"z\":{\"type\":\"string\"},\"a\":{}},\"additionalProperties\":false}},{\"name\":\"f\"}]}],"
	  "\"toolConfig\":"
	  "{\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"a_b_*\"]}}}",
	  "" },
	{ "tools of a model that knows the subset only", CC, "gemini-2.0-flash",
	  "{" CHI ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\","
	  "\"properties\":{\"z\":"
	  "{\"type\":[\"string\",\"null\"]}},\"additionalProperties\":false}}}],\"tool_choice\":\"none\"}",
	  "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"parameters\":{\"type\":\"object\","
	  "\"properties\":{\"z\":{\"type\":\"string\","
	  "\"nullable\":true}}}}]}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"NONE\"}}}",
	  "" },
	{ "a schema and tools, where only one of them can be", CC, "gemini-2.5-flash",
	  "{" CHI ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],"
	  "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
	  "{\"name\":\"x\",\"schema\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}}}}",
	  "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"},{\"name\":\"structured_output\","
	  "\"description\":\"Gives the answer in the "
	  "form that was asked for. Call it exactly once, at the end.\",\"parametersJsonSchema\":{\"type\":\"object\","
	  "\"properties\":{\"a\":{\"type\":"
	  "\"string\"}}}}]}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\"}}}",
	  "" },
	{ "a conversation with tools, results in another order, an image in one", AM, "gemini-2.5-flash",
	  "{\"model\":\"m\",\"max_tokens\":9,\"system\":[{\"type\":\"text\",\"text\":\"A\"},{\"type\":\"text\","
	  "\"text\":\"B\"}],\"messages\":["
	  "{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\","
	  "\"text\":\"So\"},{\"type\":\"tool_use\","
	  "\"id\":\"t1\",\"name\":\"f\",\"input\":{\"b\":1, \"a\":[]}},{\"type\":\"tool_use\",\"id\":\"t2\","
	  "\"name\":\"g\",\"input\":{}}]},"
	  "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t2\",\"content\":\"{\\\"k\\\":1}"
	  "\"},{\"type\":\"tool_result\","
	  "\"tool_use_id\":\"t1\",\"is_error\":true,\"content\":[{\"type\":\"text\",\"text\":\"bad\"},"
	  "{\"type\":\"image\",\"source\":{\"type\":"
	  "\"base64\",\"media_type\":\"image/png\",\"data\":\"iVBORw0KGgo=\"}}]},{\"type\":\"text\",\"text\":\"go\"}]}"
	  "]}",
	  "{\"systemInstruction\":{\"parts\":[{\"text\":\"A\"},{\"text\":\"B\"}]},\"contents\":[{\"role\":\"user\","
	  "\"parts\":[{\"text\":\"Hi\"}]},"
	  "{\"role\":\"model\",\"parts\":[{\"text\":\"So\"},{\"functionCall\":{\"id\":\"t1\",\"name\":\"f\","
	  "\"args\":{\"b\":1, \"a\":[]}}},"
	  "{\"functionCall\":{\"id\":\"t2\",\"name\":\"g\",\"args\":{}}}]},{\"role\":\"user\","
	  "\"parts\":[{\"functionResponse\":{\"id\":\"t2\",\"name\":"
	  "\"g\",\"response\":{\"k\":1}}},{\"functionResponse\":{\"id\":\"t1\",\"name\":\"f\","
	  "\"response\":{\"error\":\"bad\"}}},{\"inlineData\":"
	  "{\"mimeType\":\"image/png\",\"data\":\"iVBORw0KGgo=\"}},{\"text\":\"go\"}]}],"
	  "\"generationConfig\":{\"maxOutputTokens\":9}}",
	  "" },
	{ "a model that wants signatures nobody has", AM, "gemini-3-pro-preview",
	  "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},"
	  "{\"role\":\"assistant\",\"content\":[{\"type\":"
	  "\"thinking\",\"thinking\":\"hm\",\"signature\":\"Claude's\"},{\"type\":\"tool_use\",\"id\":\"t1\","
	  "\"name\":\"f\",\"input\":{}},{\"type\":"
	  "\"tool_use\",\"id\":\"t2\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\","
	  "\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t1\","
	  "\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image\",\"source\":{\"type\":\"base64\","
	  "\"media_type\":\"image/png\",\"data\":"
	  "\"iVBORw0KGgo=\"}}]},{\"type\":\"tool_result\",\"tool_use_id\":\"t2\",\"content\":\"y\"}]}]}",
	  "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]},{\"role\":\"model\","
	  "\"parts\":[{\"functionCall\":{\"id\":\"t1\",\"name\":\"f\","
	  "\"args\":{}},\"thoughtSignature\":\"skip_thought_signature_validator\"},{\"functionCall\":{\"id\":\"t2\","
	  "\"name\":\"f\",\"args\":{}}}]},"
	  "{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"id\":\"t1\",\"name\":\"f\","
	  "\"response\":{\"output\":\"x\"},\"parts\":[{\"inlineData\":"
	  "{\"mimeType\":\"image/png\",\"data\":\"iVBORw0KGgo=\"}}]}},{\"functionResponse\":{\"id\":\"t2\","
	  "\"name\":\"f\",\"response\":{\"output\":\"y\"}}}]}],"
	  "\"generationConfig\":{\"maxOutputTokens\":9}}",
	  "messages[].reasoning" },
	{ "a system turn in the midst", CC, "gemini-2.5-flash",
	  "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\","
	  "\"content\":\"Hi\"},{\"role\":\"system\",\"content\":"
	  "\"T\"},{\"role\":\"user\",\"content\":\"go\"}]}",
	  "{\"systemInstruction\":{\"parts\":[{\"text\":\"S\"}]},\"contents\":[{\"role\":\"user\","
	  "\"parts\":[{\"text\":\"Hi\"},{\"text\":"
	  "\"<system>\\nT\\n</system>\"},{\"text\":\"go\"}]}]}",
	  "" },
	{ "arguments that are no JSON", CC, "gemini-2.5-flash",
	  "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\","
	  "\"tool_calls\":[{\"id\":\"c\",\"type\":"
	  "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\"\"}}]},{\"role\":\"tool\","
	  "\"tool_call_id\":\"c\",\"content\":\"x\"}]}",
	  "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]},{\"role\":\"model\","
	  "\"parts\":[{\"functionCall\":{\"id\":\"c\",\"name\":\"f\","
	  "\"args\":{\"_raw\":\"{\\\"a\\\"\"}}}]},{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"id\":\"c\","
	  "\"name\":\"f\",\"response\":"
	  "{\"output\":\"x\"}}}]}]}",
	  "tool_calls[].arguments" },
	{ "an address of an image", CC, "gemini-2.5-flash",
	  "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
	  "\"image_url\":{\"url\":"
	  "\"https://example.com/a.PNG?x=1\"}}]}]}",
	  "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"fileData\":{\"mimeType\":\"image/png\","
	  "\"fileUri\":\"https://example.com/a.PNG?x=1\"}}]}]}", "" },
	{ "searching the web", AM, "gemini-3-pro-preview",
	  "{" MHI ",\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\"},{\"name\":\"f\","
	  "\"input_schema\":{\"type\":\"object\"}}]}",
	  "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"}]},{\"googleSearch\":{}}],\"toolConfig\":"
	  "{\"includeServerSideToolInvocations\":true},\"generationConfig\":{\"maxOutputTokens\":9}}",
	  "" },
	{ "searching the web and functions, before both could be", AM, "gemini-2.5-flash",
	  "{" MHI ",\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\"},{\"name\":\"f\","
	  "\"input_schema\":{\"type\":\"object\"}}]}",
	  "{" HI ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}],"
	  "\"generationConfig\":{\"maxOutputTokens\":9}}",
	  "tools[].web_search" },

	{ "no contents", GG, "m", "{}", "contents: must hold at least one content", NULL },
	{ "contents of another kind", GG, "m", "{\"contents\":7}", "contents: must be a list of contents", NULL },
	{ "an unknown role", GG, "m", "{\"contents\":[{\"parts\":[]},{\"role\":\"robot\",\"parts\":[]}]}",
	  "contents[1].role: \"robot\" must be \"user\" or \"model\"", NULL },
	{ "a part that is none", GG, "m", "{\"contents\":[{\"parts\":[\"x\"]}]}",
		"contents[0].parts[0]: must be an object", NULL },
	{ "a text that is none", GG, "m", "{\"contents\":[{\"parts\":[{\"text\":\"a\"},{\"text\":1}]}]}",
	  "contents[0].parts[1].text: must be a text", NULL },
	{ "a response without a call", GG, "m",
		"{\"contents\":[{\"parts\":[{\"functionResponse\":{\"name\":\"f\"}}]}]}",
	  "contents[0].parts[0].functionResponse.name: \"f\" must be the name of a functionCall before it that waits "
	  "for its response", NULL },
	{ "a response with an id that nobody has", GG, "m",
	  "{\"contents\":[{\"parts\":[{\"functionResponse\":{\"id\":\"x\",\"name\":\"f\"}}]}]}",
	  "messages[0]: the tool result for \"x\" has no tool call before it", NULL },
	{ "a private address", GG, "m",
		"{\"contents\":[{\"parts\":[{\"fileData\":{\"fileUri\":\"http://127.0.0.1/x\"}}]}]}",
	  "contents[0].parts[0].fileData.fileUri: \"http://127.0.0.1/x\" must be an address of the public Internet",
	  NULL },
	{ "a number that is none", GG, "m", "{" HI ",\"generationConfig\":{\"temperature\":[]}}",
	  "generationConfig.temperature: must be a number, not []", NULL },
	{ "an unknown mode", GG, "m", "{" HI ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"MAYBE\"}}}",
	  "toolConfig.functionCallingConfig.mode: \"MAYBE\" must be AUTO, ANY, NONE or VALIDATED", NULL },
	{ "an unknown level", GG, "m", "{" HI ",\"generationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"HUGE\"}"
		"}}",
	  "generationConfig.thinkingConfig.thinkingLevel: \"HUGE\" must be MINIMAL, LOW, MEDIUM or HIGH", NULL },
	{ "a file of another provider's", CC, "gemini-2.5-flash",
	  "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\","
	  "\"file\":{\"file_id\":\"file-1\"}}]}]}",
	  "messages[0]: the file \"file-1\" is known to another provider only; send its data", NULL },
	{ "a kind of image that nobody takes", AM, "gemini-2.5-flash",
	  "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\","
	  "\"source\":{\"type\":\"base64\","
	  "\"media_type\":\"image/tiff\",\"data\":\"AAAA\"}}]}]}",
	  "messages[0]", NULL },
};

/* A star in `want` stands for any run of letters and digits: a hash. */
static bool looks_like(struct str got, const char *want)
{
	size_t i = 0;

	for (; *want; want++) {
		if (*want == '*') {
			while (i < got.n &&
			       ((got.p[i] >= 'a' && got.p[i] <= 'z') || (got.p[i] >= '0' && got.p[i] <= '9')))
				i++;
			continue;
		}
		if (i == got.n || got.p[i] != *want)
			return false;
		i++;
	}
	return i == got.n;
}

static const char *path_of(const struct dialect *d)
{
	return d == GG ? "/v1beta/models/public:generateContent" : "";
}

static void requests_are_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		const struct request_case *c = &requests[i];
		struct dialect_in in = { .path = str_from_z(path_of(c->from)),
			                 .body = str_from_z(c->in),
			                 .call = CALL_GENERATE };
		struct chat_wire wire = { 0 };
		struct chat_target to = { 0 };
		struct buf drops = buf_make(1024);
		struct dialect_request rq;
		struct chat_request chat;
		struct arena a;
		struct err e = { 0 };

		arena_init(&a, 4 << 20);
		to.model = jstr_from(&a, str_from_z(c->model));
		to.facts = model_facts_by_name(str_from_z(c->model));
		wire.drops.arena = &a;
		check(c->name, c->from->read_request(&a, &in, &rq, &e));
		const struct json_node *root = json_nodes(&a, in.body, REQUEST_DEPTH_MAX, &e);
		bool good = root && c->from->chat->read_request(&a, &rq, root, &chat, &e) &&
			    gemini_codec.write_request(&a, &chat, &to, &wire, &e);
		if (!c->drops) {
			check(c->name, !good && (e.code == ERR_INVALID_REQUEST || e.code == ERR_UNSUPPORTED_PARAMETER));
			if (!str_starts(str_from_z(e.text), str_from_z(c->out)))
				check_str(c->name, str_from_z(e.text), str_from_z(c->out));
		} else {
			if (!good)
				check_str(c->name, str_from_z(e.text), STR(""));
			if (!looks_like(wire.body, c->out))
				check_str(c->name, wire.body, str_from_z(c->out));
			for (const struct chat_drop *d = wire.drops.first; d; d = d->next)
				buf_printf(&drops, "%s%.*s", drops.n ? " " : "", STR_ARG(d->name));
			check_str(c->name, buf_str(&drops), str_from_z(c->drops));
		}
		buf_fini(&drops);
		arena_fini(&a);
	}
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	const struct dialect *from, *to;
	const char *in, *out;
} answers[] = {
	{ "a blocked prompt", GG, GG,
		"{\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"modelVersion\":\"m\",\"responseId\":\"r\"}",
	  "{\"candidates\":[{\"content\":{\"parts\":[],\"role\":\"model\"},\"finishReason\":\"SAFETY\",\"index\":0}],"
	  "\"modelVersion\":\"m\","
	  "\"responseId\":\"r\",\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}" },
	{ "a malformed call", GG, GG,
		"{\"candidates\":[{\"finishReason\":\"MALFORMED_FUNCTION_CALL\",\"finishMessage\":\"x\"}]}",
	  "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"},"
	  "\"finishReason\":\"MALFORMED_FUNCTION_CALL\",\"index\":0,"
	  "\"finishMessage\":\"x\"}],\"modelVersion\":\"up\",\"responseId\":\"01ID\"}" },
	{ "usage, disjoint and back", GG, GG,
	  "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"finishReason\":\"STOP\"}],"
	  "\"usageMetadata\":{\"promptTokenCount\":10,"
	  "\"cachedContentTokenCount\":4,\"candidatesTokenCount\":3,\"thoughtsTokenCount\":2,"
	  "\"toolUsePromptTokenCount\":5,\"totalTokenCount\":20,"
	  "\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":8},{\"modality\":\"IMAGE\",\"tokenCount\":2}"
	  "]}}",
	  "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}],\"role\":\"model\"},\"finishReason\":\"STOP\","
	  "\"index\":0}],\"usageMetadata\":"
	  "{\"promptTokenCount\":10,\"cachedContentTokenCount\":4,\"candidatesTokenCount\":3,\"thoughtsTokenCount\":2,"
	  "\"toolUsePromptTokenCount\":5,"
	  "\"totalTokenCount\":20,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":8},"
	  "{\"modality\":\"IMAGE\",\"tokenCount\":2}]},"
	  "\"modelVersion\":\"up\",\"responseId\":\"01ID\"}" },
	{ "Claude's thoughts and calls for Gemini's clients", AM, GG,
	  "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\","
	  "\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\","
	  "\"signature\":\"c2ln\"},{\"type\":\"text\",\"text\":\"So\"},{\"type\":\"tool_use\",\"id\":\"t1\","
	  "\"name\":\"f\",\"input\":{\"b\":1,\"a\":2}}],"
	  "\"stop_reason\":\"tool_use\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":3,"
	  "\"cache_read_input_tokens\":2,\"output_tokens\":7}}",
	  "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hm\",\"thought\":true,"
	  "\"thoughtSignature\":\"ENVELOPE\"},{\"text\":\"So\"},"
	  "{\"functionCall\":{\"id\":\"t1\",\"name\":\"f\",\"args\":{\"b\":1,\"a\":2}}}],\"role\":\"model\"},"
	  "\"finishReason\":\"STOP\",\"index\":0}],"
	  "\"usageMetadata\":{\"promptTokenCount\":5,\"cachedContentTokenCount\":2,\"candidatesTokenCount\":7,"
	  "\"totalTokenCount\":12,"
	  "\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":5}]},\"modelVersion\":\"claude\","
	  "\"responseId\":\"msg_1\"}" },
	{ "sources, counted in characters", GG, GG,
	  "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\xc3\xa4\xe2\x82\xac Rome.\"}]},"
	  "\"finishReason\":\"STOP\",\"groundingMetadata\":"
	  "{\"groundingChunks\":[{\"web\":{\"uri\":\"https://e\",\"title\":\"E\"}}],"
	  "\"groundingSupports\":[{\"segment\":{\"startIndex\":6,\"endIndex\":10,"
	  "\"text\":\"Rome\"},\"groundingChunkIndices\":[0]}]}}]}",
	  "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\xc3\xa4\xe2\x82\xac Rome.\"}],\"role\":\"model\"},"
	  "\"finishReason\":\"STOP\",\"index\":0,"
	  "\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{\"uri\":\"https://e\",\"title\":\"E\"}}],"
	  "\"groundingSupports\":[{\"segment\":"
	  "{\"startIndex\":6,\"endIndex\":10,\"text\":\"Rome\"},\"groundingChunkIndices\":[0]}]}}],"
	  "\"modelVersion\":\"up\",\"responseId\":\"01ID\"}" },
};

static const struct chat_source source = { .model = { "up", 2 } };
static const struct chat_reply sse = { .id = { "01ID", 4 }, .model = { "public", 6 }, .framing = FRAMING_SSE,
	.max_bytes = 1 << 20 };

/* Envelopes are longer than the goldens want to be: each becomes a word. */
static void hide_envelopes(struct buf *b)
{
	struct buf out = buf_make(1 << 20);
	struct str rest = buf_str(b);
	size_t at;

	while ((at = str_find(rest, STR("\"sluice01"))) != STR_NPOS) {
		buf_append(&out, str_slice(rest, 0, at + 1));
		buf_append(&out, STR("ENVELOPE"));
		rest = str_slice(rest, at + 1, rest.n);
		rest = str_slice(rest, str_find_chr(rest, '"'), rest.n);
	}
	buf_append(&out, rest);
	buf_fini(b);
	*b = out;
}

static void answers_are_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		struct buf out = buf_make(1 << 20);
		struct chat_response rs;
		struct arena a;
		struct err e = { 0 };

		arena_init(&a, 4 << 20);
		const struct json_node *root = json_nodes(&a, str_from_z(answers[i].in), ANSWER_DEPTH_MAX, &e);
		check(answers[i].name, root && answers[i].from->chat->read_response(&a, &source, root, &rs, &e));
		check(answers[i].name, answers[i].to->chat->write_response(&a, &rs, &sse, &out, NULL));
		hide_envelopes(&out);
		check_str(answers[i].name, buf_str(&out), str_from_z(answers[i].out));
		buf_fini(&out);
		arena_fini(&a);
	}
}

static void offsets_become_characters(void **state)
{
	struct chat_response rs;
	struct arena a;
	struct err e = { 0 };

	(void)state;
	arena_init(&a, 4 << 20);
	const struct json_node *root = json_nodes(&a, str_from_z(answers[4].in), ANSWER_DEPTH_MAX, &e);
	assert_true(gemini_codec.read_response(&a, &source, root, &rs, &e));
	const struct chat_citation *c = rs.outputs->blocks->citations;
	assert_non_null(c);
	assert_int_equal(c->start, 3);
	assert_int_equal(c->end, 7);
	arena_fini(&a);
}

/* ---- streams ----------------------------------------------------------------------------------------------------- */

/* Frames are the lines of `in`; "!" is the end of the transport. */
static const struct {
	const char *name;
	const struct dialect *from;
	enum dialect_framing framing;
	const char *in, *out;
	enum chat_read verdict;
} streams[] = {
	{ "text in two pieces", GG, FRAMING_SSE,
	  "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"He\"}]}}],\"responseId\":\"r\",\"modelVersion\":\"m\"}"
	  "\n"
	  "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"llo\"}]},\"finishReason\":\"MAX_TOKENS\"}],"
	  "\"usageMetadata\":{\"promptTokenCount\":1,"
	  "\"candidatesTokenCount\":2,\"totalTokenCount\":3}}\n!",
	  "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"He\"}],\"role\":\"model\"},\"index\":0}],"
	  "\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\n"
	  "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"llo\"}],\"role\":\"model\"},\"index\":0}],"
	  "\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\n"
	  "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"},"
	  "\"finishReason\":\"MAX_TOKENS\",\"index\":0}],"
	  "\"usageMetadata\":{\"promptTokenCount\":1,\"candidatesTokenCount\":2,\"totalTokenCount\":3,"
	  "\"promptTokensDetails\":[{\"modality\":\"TEXT\","
	  "\"tokenCount\":1}]},\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\n",
	  CHAT_READ_OK },
	{ "an array, a call with its signature", GG, FRAMING_JSON_ARRAY,
	  "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{ \"a\": 1 }},"
	  "\"thoughtSignature\":\"S\"},{\"functionCall\":"
	  "{\"name\":\"g\"}}]},\"finishReason\":\"STOP\"}],\"responseId\":\"r\"}\n!",
	  "[{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id\":\"call_r_0\",\"name\":\"f\","
	  "\"args\":{\"a\":1}},\"thoughtSignature\":\"S\"}],"
	  "\"role\":\"model\"},\"index\":0}],\"modelVersion\":\"up\",\"responseId\":\"r\"},\r\n"
	  "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id\":\"call_r_1\",\"name\":\"g\",\"args\":{}}"
	  "}],\"role\":\"model\"},\"index\":0}],"
	  "\"modelVersion\":\"up\",\"responseId\":\"r\"},\r\n"
	  "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"},\"finishReason\":\"STOP\","
	  "\"index\":0}],\"modelVersion\":\"up\","
	  "\"responseId\":\"r\"}]",
	  CHAT_READ_OK },
	{ "voices of which the pieces end anywhere", GG, FRAMING_SSE,
	  "{\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"audio/L16\",\"data\":\"AQ==\"}}]}}"
	  "],\"responseId\":\"r\"}\n"
	  "{\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"audio/L16\",\"data\":\"AgME\"}}]},"
	  "\"finishReason\":\"STOP\"}]}\n!",
	  "data: {\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"audio/L16\","
	  "\"data\":\"AQID\"}}],\"role\":\"model\"},\"index\":0}],"
	  "\"modelVersion\":\"up\",\"responseId\":\"r\"}\r\n\r\n"
	  "data: {\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"audio/L16\","
	  "\"data\":\"BA==\"}}],\"role\":\"model\"},\"index\":0}],"
	  "\"modelVersion\":\"up\",\"responseId\":\"r\"}\r\n\r\n"
	  "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"},"
	  "\"finishReason\":\"STOP\",\"index\":0}],\"modelVersion\":\"up\","
	  "\"responseId\":\"r\"}\r\n\r\n",
	  CHAT_READ_OK },
	{ "cut before the end", GG, FRAMING_SSE,
		"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"He\"}]}}],\"responseId\":\"r\"}\n!",
	  "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"He\"}],\"role\":\"model\"},\"index\":0}],"
	  "\"modelVersion\":\"up\",\"responseId\":\"r\"}\r\n\r\n",
	  CHAT_READ_BROKEN },
	{ "nothing at all", GG, FRAMING_SSE, "!", "", CHAT_READ_BROKEN },
	{ "an error", GG, FRAMING_SSE, "{\"error\":{\"code\":503,\"message\":\"busy\",\"status\":\"UNAVAILABLE\"}}\n!",
		"", CHAT_READ_ERROR },
	{ "no JSON", GG, FRAMING_SSE, "{\"candidates\"\n!", "", CHAT_READ_BROKEN },
	{ "Claude for Gemini's clients", AM, FRAMING_SSE,
	  "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\","
	  "\"model\":\"claude\",\"content\":[],"
	  "\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":4,\"output_tokens\":1}}}\n"
	  "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\","
	  "\"signature\":\"\"}}\n"
	  "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}}\n"
	  "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\","
	  "\"signature\":\"c2ln\"}}\n"
	  "{\"type\":\"content_block_stop\",\"index\":0}\n"
	  "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t1\","
	  "\"name\":\"f\",\"input\":{}}}\n"
	  "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\","
	  "\"partial_json\":\"{\\\"a\\\":\"}}\n"
	  "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"1}"
	  "\"}}\n"
	  "{\"type\":\"content_block_stop\",\"index\":1}\n"
	  "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},"
	  "\"usage\":{\"output_tokens\":9}}\n"
	  "{\"type\":\"message_stop\"}\n!",
	  "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hm\",\"thought\":true}],\"role\":\"model\"},"
	  "\"index\":0}],\"modelVersion\":\"claude\","
	  "\"responseId\":\"msg_1\"}\r\n\r\n"
	  "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\",\"thought\":true,"
	  "\"thoughtSignature\":\"ENVELOPE\"}],\"role\":\"model\"},\"index\":0}],"
	  "\"modelVersion\":\"claude\",\"responseId\":\"msg_1\"}\r\n\r\n"
	  "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id\":\"t1\",\"name\":\"f\","
	  "\"args\":{\"a\":1}}}],\"role\":\"model\"},\"index\":0}],"
	  "\"modelVersion\":\"claude\",\"responseId\":\"msg_1\"}\r\n\r\n"
	  "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"},"
	  "\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":"
	  "{\"promptTokenCount\":4,\"candidatesTokenCount\":9,\"totalTokenCount\":13,"
	  "\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":4}]},"
	  "\"modelVersion\":\"claude\",\"responseId\":\"msg_1\"}\r\n\r\n",
	  CHAT_READ_OK },
};

static void streams_are_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(streams); i++) {
		const struct chat_codec *from = streams[i].from->chat;
		void *reader = calloc(1, from->reader_size + 1), *writer = calloc(1, gemini_codec.writer_size);
		struct chat_order *order = chat_order_new(&gemini_codec, 1 << 20);
		struct chat_reply reply = sse;
		struct str rest = str_from_z(streams[i].in);
		struct buf out = buf_make(1 << 20);
		enum chat_read verdict = CHAT_READ_OK;
		struct dialect_error error = { .retry_after_ms = 0 };
		struct arena a;
		struct err e = { 0 };

		arena_init(&a, 4 << 20);
		reply.framing = streams[i].framing;
		check(streams[i].name, !from->reader_init || from->reader_init(reader, &source));
		check(streams[i].name, gemini_codec.writer_init(writer, &reply));
		while (rest.p && verdict == CHAT_READ_OK) {
			struct str line = str_cut(&rest, '\n');
			struct arena_mark mark = arena_mark(&a);
			struct chat_frame frame = { .data = str_eq(line, STR("!")) ? str_of(NULL, 0) : line };
			struct chat_events events = { 0 };

			verdict = from->read_event(reader, &a, &frame, &events, &error, &e);
			check(streams[i].name, verdict != CHAT_READ_OK || chat_order_add(order, &a, &events));
			for (const struct chat_event *ev = verdict == CHAT_READ_OK ? events.first : NULL; ev;
			     ev = ev->next)
				check(streams[i].name, gemini_codec.write_event(writer, &a, ev, &out));
			arena_rewind(&a, mark);
		}
		check(streams[i].name, verdict == streams[i].verdict);
		check(streams[i].name, verdict != CHAT_READ_ERROR || error.err.code != ERR_NONE);
		check(streams[i].name, verdict != CHAT_READ_BROKEN || e.code == ERR_UPSTREAM);
		hide_envelopes(&out);
		check_str(streams[i].name, buf_str(&out), str_from_z(streams[i].out));
		if (from->reader_fini)
			from->reader_fini(reader);
		gemini_codec.writer_fini(writer);
		chat_order_free(order);
		buf_fini(&out);
		arena_fini(&a);
		free(reader);
		free(writer);
	}
}

static void failures_end_a_stream_in_its_form(void **state)
{
	struct chat_reply reply = sse;
	struct gemini_writer *writer = calloc(1, gemini_codec.writer_size);
	struct buf out = buf_make(4096);
	struct err e = { 0 };

	(void)state;
	err_set(&e, ERR_UPSTREAM, "gone");
	for (int array = 0; array < 2; array++) {
		reply.framing = array ? FRAMING_JSON_ARRAY : FRAMING_SSE;
		assert_true(gemini_codec.writer_init(writer, &reply));
		buf_clear(&out);
		assert_true(gemini_codec.write_ping(writer, &out));
		assert_true(gemini_codec.write_error(writer, &e, STR("01ID"), &out));
		check("an error", str_starts(buf_str(&out), array ? STR("\r\n[{\"error\":{\"code\":502,")
		                                                  : STR("data: {\"error\":{\"code\":502,")));
		check("its end", str_ends(buf_str(&out), array ? STR("}]") : STR("}\r\n\r\n")));
		gemini_codec.writer_fini(writer);
	}
	buf_clear(&out);
	assert_true(gemini_codec.write_count(12, &out));
	check_str("a count", buf_str(&out), STR("{\"totalTokens\":12}"));
	buf_fini(&out);
	free(writer);
}

/* A client of Gemini's talks to Claude and gives its history back: Claude gets its own signature, with its own text. */
static void foreign_signatures_come_back(void **state)
{
	struct chat_opaque claude = { .bytes = JSTR("c2lnbmF0dXJl"), .maker = MAKER_ANTHROPIC };
	struct dialect_in in = { .path = STR("/v1beta/models/m:generateContent") };
	struct buf body = buf_make(4096);
	struct dialect_request rq;
	struct chat_request chat;
	struct arena a;
	struct err e = { 0 };

	(void)state;
	arena_init(&a, 1 << 20);
	struct jstr token = chat_opaque_wrap(&a, &claude);
	buf_append(&body, STR("{\"contents\":[{\"parts\":[{\"text\":\"Hi\"}]},{\"role\":\"model\","
		"\"parts\":[{\"text\":\"I \",\"thought\":true},"
	                      "{\"text\":\"think\",\"thought\":true},{\"text\":\"\",\"thought\":true,"
	                      "\"thoughtSignature\":\""));
	buf_append_jstr(&body, token);
	buf_append(&body, STR("\"},{\"text\":\"So\"}]}]}"));
	in.body = buf_str(&body);
	assert_true(dialect_gemini.read_request(&a, &in, &rq, &e));
	assert_true(gemini_codec.read_request(&a, &rq, json_nodes(&a, in.body, 64, &e), &chat, &e));
	const struct chat_block *b = chat.turns->next->blocks;
	assert_int_equal(b->kind, CHAT_REASONING);
	check_str("its text", jstr_raw(b->text), STR("I think"));
	assert_int_equal(b->opaque.maker, MAKER_ANTHROPIC);
	check_str("its signature", jstr_raw(b->opaque.bytes), jstr_raw(claude.bytes));
	assert_int_equal(b->next->kind, CHAT_TEXT);
	assert_null(b->next->next);
	buf_fini(&body);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_written),
		cmocka_unit_test(answers_are_written),
		cmocka_unit_test(offsets_become_characters),
		cmocka_unit_test(streams_are_written),
		cmocka_unit_test(failures_end_a_stream_in_its_form),
		cmocka_unit_test(foreign_signatures_come_back),
	};

	dialect_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
