/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bedrock_codec: what becomes of other dialects' requests on their way to Converse, of Converse requests on their way
 * to others, and of answers and streams in both directions. Written for this repository; the recordings are compared by
 * bedrock_corpus_test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "dialect/chat.h"
#include "model/facts.h"
#include "net/eventstream.h"

#define SONNET "anthropic.claude-sonnet-4-20250514-v1:0"
#define NEWEST "us.anthropic.claude-opus-4-8"
#define NOVA   "amazon.nova-pro-v1:0"

#define AM(messages)            "{\"model\":\"m\",\"max_tokens\":100,\"messages\":[" messages "]}"
#define AM_WITH(more, messages) "{\"model\":\"m\",\"max_tokens\":9000," more ",\"messages\":[" messages "]}"
#define CC(messages)            "{\"model\":\"m\",\"messages\":[" messages "]}"
#define CC_WITH(more, messages) "{\"model\":\"m\"," more ",\"messages\":[" messages "]}"
#define U(content)              "{\"role\":\"user\",\"content\":" content "}"
#define A(content)              "{\"role\":\"assistant\",\"content\":" content "}"
#define HI                      U("\"hi\"")
#define HI_OUT                  "\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}]"
#define TOOL                    "\"tools\":[{\"name\":\"get\",\"input_schema\":{\"type\":\"object\"}}]"
#define TOOL_OUT                "{\"toolSpec\":{\"name\":\"get\",\"inputSchema\":{\"json\":{\"type\":\"object\"}}}}"
#define CALL                    A("[{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"get\",\"input\":{\"a\":1.0}}]")
#define RESULT                  U("[{\"type\":\"tool_result\",\"tool_use_id\":\"t1\",\"content\":\"ok\"}]")
#define CALL_OUT \
	"{\"role\":\"assistant\",\"content\":[{\"toolUse\":{\"toolUseId\":\"t1\",\"name\":\"get\"," \
	"\"input\":{\"a\":1.0}}}]}"
#define RESULT_OUT \
	"{\"role\":\"user\",\"content\":[{\"toolResult\":{\"toolUseId\":\"t1\",\"content\":[{\"text\":\"ok\"}]}}]}"
#define NO_TOOL_OUT \
	"\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"no_tool\",\"description\":\"There is no tool to call. " \
	"Never call this.\",\"inputSchema\":{\"json\":{\"type\":\"object\",\"properties\":{}}}}}]}"
#define MAX100  ",\"inferenceConfig\":{\"maxTokens\":100}"
#define MAX9000 ",\"inferenceConfig\":{\"maxTokens\":9000}"
#define PNG     "iVBORw0KGgo="

struct request_case {
	const char *name;
	const struct chat_codec *from;
	const char *model, *in, *out; /* out: the body, or part of the error */
	const char *drops;            /* joined by blanks */
};

static const struct request_case requests[] = {
	{ "a text", &anthropic_codec, SONNET, AM(HI), "{" HI_OUT MAX100 "}", "" },
	{ "no cap needs to be given", &openai_chat_codec, SONNET, CC(HI), "{" HI_OUT ",\"inferenceConfig\":{}}", "" },
	{ "turns of one role become one, blanks go", &openai_chat_codec, NOVA,
	  CC(HI "," U("\"  \\n\"") "," U("\"you\"") "," A("\"a\"") "," A("\"\"") "," HI),
	  "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"},{\"text\":\"you\"}]},"
	  "{\"role\":\"assistant\","
	  "\"content\":[{\"text\":\"a\"}]},{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}],"
	  "\"inferenceConfig\":{}}",
	  "" },
	{ "the user begins", &openai_chat_codec, NOVA, CC(A("\"a\"") "," HI),
	  "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\".\"}]},{\"role\":\"assistant\",\"content\":"
	  "[{\"text\":\"a\"}]},{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}],\"inferenceConfig\":{}}",
	  "" },
	{ "what an answer begins with has no white space at its end", &anthropic_codec, SONNET,
	  AM(HI "," A("\"{\\\\n \\n\"")),
	  "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]},{\"role\":\"assistant\",\"content\":"
	  "[{\"text\":\"{\\\\n\"}]}]" MAX100 "}",
	  "" },
	{ "two system texts, and one in between", &openai_chat_codec, NOVA,
	  CC("{\"role\":\"system\",\"content\":\"one\"},{\"role\":\"developer\",\"content\":\"two\"}," HI
	     "," A("\"a\"") ","
	                    "{\"role\":\"system\",\"content\":\"late\"}," HI),
	  "{\"system\":[{\"text\":\"one\"},{\"text\":\"two\"}],\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":"
	  "\"hi\"}]},{\"role\":\"assistant\",\"content\":[{\"text\":\"a\"}]},{\"role\":\"user\",\"content\":[{\"text\":"
	  "\"<system>\\nlate\\n</system>\"},{\"text\":\"hi\"}]}],\"inferenceConfig\":{}}",
	  "" },
	{ "calls and results, key order and numbers unchanged", &anthropic_codec, SONNET,
	  AM_WITH(TOOL, HI "," CALL "," RESULT),
	  "{\"toolConfig\":{\"tools\":[" TOOL_OUT
	  "]},\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}," CALL_OUT "," RESULT_OUT "]" MAX9000
	  "}",
	  "" },
	{ "a history with calls needs tools", &anthropic_codec, SONNET, AM(HI "," CALL "," RESULT),
	  "{" NO_TOOL_OUT ",\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}," CALL_OUT "," RESULT_OUT
	  "]" MAX100 "}",
	  "" },
	{ "results of a batch come first and in one turn", &openai_chat_codec, NOVA,
	  CC_WITH("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]", HI
	          ",{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\","
	          "\"function\":{\"name\":\"f\","
	          "\"arguments\":\"\"}},{\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"f\","
	          "\"arguments\":\"{}\"}}]},"
	          "{\"role\":\"tool\",\"tool_call_id\":\"b\",\"content\":\"B\"},{\"role\":\"tool\","
	          "\"tool_call_id\":\"a\","
	          "\"content\":\"\"}," HI),
	  "{\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"f\",\"inputSchema\":{\"json\":{\"type\":\"object\","
	  "\"properties\":{}}}}}]},\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]},"
	  "{\"role\":\"assistant\","
	  "\"content\":[{\"toolUse\":{\"toolUseId\":\"a\",\"name\":\"f\",\"input\":{}}},{\"toolUse\":{\"toolUseId\":\""
	  "b\","
	  "\"name\":\"f\",\"input\":{}}}]},{\"role\":\"user\",\"content\":[{\"toolResult\":{\"toolUseId\":\"b\","
	  "\"content\":"
	  "[{\"text\":\"B\"}]}},{\"toolResult\":{\"toolUseId\":\"a\",\"content\":[{\"text\":\"(no output)\"}]}},"
	  "{\"text\":\"hi\"}]}],\"inferenceConfig\":{}}",
	  "" },
	{ "a failed tool, and an image in a result", &anthropic_codec, SONNET,
	  AM(HI "," CALL
	        "," U("[{\"type\":\"tool_result\",\"tool_use_id\":\"t1\",\"is_error\":true,\"content\":[{\"type\":"
	              "\"text\",\"text\":\"no\"},{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":"
	              "\"image/png\",\"data\":\"" PNG "\"}}]}]")),
	  "{" NO_TOOL_OUT ",\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}," CALL_OUT
	  ",{\"role\":\"user\","
	  "\"content\":[{\"toolResult\":{\"toolUseId\":\"t1\",\"content\":[{\"text\":\"no\"},{\"image\":{\"format\":\""
	  "png\","
	  "\"source\":{\"bytes\":\"" PNG "\"}}}],\"status\":\"error\"}}]}]" MAX100 "}",
	  "" },
	{ "a result without its call", &anthropic_codec, SONNET, AM(HI "," RESULT), "t1", NULL },
	{ "nothing to answer", &anthropic_codec, SONNET, AM(HI "," A("\"a\"") "," U("\" \"")),
	  "messages[2].content: must hold a text", NULL },
	{ "an address is no image here", &openai_chat_codec, SONNET,
	  CC(U("[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://example.c"
	  "om/a.png\"}}]")),
	  "messages[0].content[1]: the image's address \"https://example.com/a.png\" must be the data itself", NULL },
	{ "a format that it does not take", &openai_chat_codec, SONNET,
	  CC(U("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/tiff;base64,AAAA\"}}]")),
	  "the image's type \"image/tiff\" must be image/png", NULL },
	{ "documents: names that fit and differ, a text beside them", &anthropic_codec, SONNET,
	  AM(U("[{\"type\":\"document\",\"title\":\"My_file: v2.pdf\",\"context\":\"c\",\"citations\":{\"enabled\":tru"
	  "e},"
	       "\"source\":{\"type\":\"base64\",\"media_type\":\"application/pdf\",\"data\":\"JVBERi0=\"}},"
	       "{\"type\":\"document\",\"title\":\"My file v2\",\"source\":{\"type\":\"text\","
	       "\"media_type\":\"text/plain\","
	       "\"data\":\"h\\u0069\"}}]")),
	  "{\"messages\":[{\"role\":\"user\",\"content\":[{\"document\":{\"format\":\"pdf\",\"name\":\"My file v2\","
	  "\"context\":"
	  "\"c\",\"citations\":{\"enabled\":true},\"source\":{\"bytes\":\"JVBERi0=\"}}},{\"document\":{\"format\":\"tx"
	  "t\","
	  "\"name\":\"My file v2 2\",\"source\":{\"bytes\":\"aGk=\"}}},{\"text\":\".\"}]}]" MAX100 "}",
	  "" },
	{ "names and ids that do not fit", &anthropic_codec, SONNET,
	  AM_WITH("\"tools\":[{\"name\":\"a.b/c\",\"input_schema\":{\"properties\":{}}}],\"tool_choice\":{\"type\":\"t"
	  "ool\","
	          "\"name\":\"a.b/c\"}",
	          HI),
	  "{\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"a_b_c_xxxxxxxx\",\"inputSchema\":{\"json\":{\"type\":"
	  "\"object\","
	  "\"properties\":{}}}}}],\"toolChoice\":{\"tool\":{\"name\":\"a_b_c_xxxxxxxx\"}}}," HI_OUT MAX9000 "}",
	  "" },
	{ "cache marks, and one too many", &anthropic_codec, SONNET,
	  AM_WITH("\"system\":[{\"type\":\"text\",\"text\":\"s\",\"cache_control\":{\"type\":\"ephemeral\","
	  "\"ttl\":\"1h\"}}],"
	          "\"tools\":[{\"name\":\"get\",\"input_schema\":{\"type\":\"object\"},\"cache_control\":{\"type\":"
	          "\"ephemeral\",\"ttl\":\"1h\"}}]",
	          U("[{\"type\":\"text\",\"text\":\"1\",\"cache_control\":{\"type\":\"ephemeral\"}}]") "," A(
			  "[{\"type\":\"text\",\"text\":\"2\",\"cache_control\":{\"type\":\"ephemeral\"}}]") ","
			  "" U("[{\"type\":\"text\",\"text\":\"3\",\"cache_control\":{\"type\":\"ephemeral\"}}]")),
	  "{\"toolConfig\":{\"tools\":[" TOOL_OUT
	  ",{\"cachePoint\":{\"type\":\"default\",\"ttl\":\"1h\"}}]},\"system\":[{\"text\":\"s\"},"
	  "{\"cachePoint\":{\"type\":\"default\",\"ttl\":\"1h\"}}],\"messages\":[{\"role\":\"user\","
	  "\"content\":[{\"text\":"
	  "\"1\"}]},{\"role\":\"assistant\",\"content\":[{\"text\":\"2\"},{\"cachePoint\":{\"type\":\"default\"}}]},"
	  "{\"role\":"
	  "\"user\",\"content\":[{\"text\":\"3\"},{\"cachePoint\":{\"type\":\"default\"}}]}]" MAX9000 "}",
	  "cache_control" },
	{ "a mark of an hour behind one of five minutes", &anthropic_codec, SONNET,
	  AM(U("[{\"type\":\"text\",\"text\":\"1\",\"cache_control\":{\"type\":\"ephemeral\"}},{\"type\":\"text\","
	  "\"text\":"
	       "\"2\",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}]")),
	  "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"1\"},{\"cachePoint\":{\"type\":\"default\"}},"
	  "{\"text\":"
	  "\"2\"},{\"cachePoint\":{\"type\":\"default\"}}]}]" MAX100 "}",
	  "cache_control.ttl" },
	{ "thinking with a budget: no sampling; signed thoughts go back, others do not", &anthropic_codec, SONNET,
	  AM_WITH("\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000},\"top_k\":5", HI
	          "," A("[{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"c2ln\"},{\"type\":\"redacted_thin"
	          "king\","
	                "\"data\":\"ZGF0YQ==\"},{\"type\":\"text\",\"text\":\"a\"}]") "," HI
	                                                                              "," A("[{\"type\":\"thinking\","
	                                                                                    "\"thinking\":\"x\","
	                                                                                    "\"signature\":\"\"},"
	                                                                                    "{\"type\":\"text\","
	                                                                                    "\"text\":\"b\"}]") "," HI),
	  "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]},{\"role\":\"assistant\",\"content\":["
	  "{\"reasoningContent\":{\"reasoningText\":{\"text\":\"hm\",\"signature\":\"c2ln\"}}},{\"reasoningContent\":"
	  "{\"redactedContent\":\"ZGF0YQ==\"}},{\"text\":\"a\"}]},{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]},"
	  "{\"role\":\"assistant\",\"content\":[{\"text\":\"b\"}]},{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}"
	  "]" MAX9000
	  ",\"additionalModelRequestFields\":{\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}}}",
	  "messages[3].reasoning top_k" },
	{ "effort for a model that adapts", &openai_chat_codec, NEWEST, CC_WITH("\"reasoning_effort\":\"high\"", HI),
	  "{" HI_OUT ",\"inferenceConfig\":{},\"additionalModelRequestFields\":{\"thinking\":{\"type\":\"adaptive\"},"
	  "\"output_config\":{\"effort\":\"high\"}}}",
	  "" },
	{ "Claude's sampling, stop sequences and betas", &anthropic_codec, SONNET,
	  AM_WITH("\"temperature\":0.50,\"top_k\":5,\"stop_sequences\":[\"END\",\" \"]", HI),
	  "{" HI_OUT ",\"inferenceConfig\":{\"maxTokens\":9000,\"temperature\":0.50,\"stopSequences\":[\"END\"]},"
	  "\"additionalModelRequestFields\":{\"top_k\":5},\"additionalModelResponseFieldPaths\":[\"/stop_sequence\"]}",
	  "stop" },
	{ "what it has no word for", &openai_chat_codec, NOVA,
	  CC_WITH("\"temperature\":1.5,\"seed\":1,\"frequency_penalty\":1,\"logit_bias\":{\"1\":1},\"user\":\"u1\","
	          "\"service_tier\":\"flex\",\"parallel_tool_calls\":false,\"new_member\":1",
	          HI),
	  "{" HI_OUT
	  ",\"inferenceConfig\":{\"temperature\":1},\"requestMetadata\":{\"user\":\"u1\"},\"serviceTier\":{\"type\":"
	  "\"flex\"}}",
	  "temperature seed frequency_penalty logit_bias parallel_tool_calls new_member" },
	{ "more than one answer", &openai_chat_codec, NOVA, CC_WITH("\"n\":2", HI), "n: 2 must be 1", NULL },
	{ "a schema where the model knows schemas", &openai_chat_codec, "us.anthropic.claude-haiku-4-5-20251001-v1:0",
	  CC_WITH("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x y\","
	  "\"schema\":{\"type\":\"object\","
	          "\"properties\":{\"b\":{\"type\":\"string\"},\"a\":{\"type\":\"integer\"}}}}}",
	          HI),
	  "{" HI_OUT ",\"inferenceConfig\":{},\"outputConfig\":{\"textFormat\":{\"type\":\"json_schema\",\"structure\":"
	  "{\"jsonSchema\":{\"schema\":\"{\\\"type\\\":\\\"object\\\",\\\"properties\\\":{\\\"b\\\":{\\\"type\\\":\\\""
	  "string\\\"},"
	  "\\\"a\\\":{\\\"type\\\":\\\"integer\\\"}},\\\"additionalProperties\\\":false}\",\"name\":\"x_y_xxxxxxxx\"}}"
	  "}}}",
	  "" },
	{ "a schema where it does not", &openai_chat_codec, SONNET,
	  CC_WITH("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\","
	  "\"schema\":{\"type\":\"object\","
	          "\"properties\":{}}}}",
	          HI),
	  "{\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"structured_output\",\"description\":\"Give the answer"
	  " by calling "
	  "this.\",\"inputSchema\":{\"json\":{\"type\":\"object\",\"properties\":{}}}}}],\"toolChoice\":{\"tool\":{\"n"
	  "ame\":"
	  "\"structured_output\"}}}," HI_OUT ",\"inferenceConfig\":{}}",
	  "" },
	{ "no tool shall be called", &anthropic_codec, SONNET, AM_WITH(TOOL ",\"tool_choice\":{\"type\":\"none\"}", HI),
	  "{" HI_OUT MAX9000 "}", "" },
	{ "no tool shall be called, but there were calls", &anthropic_codec, SONNET,
	  AM_WITH(TOOL ",\"tool_choice\":{\"type\":\"none\"}", HI "," CALL "," RESULT),
	  "{\"toolConfig\":{\"tools\":[" TOOL_OUT "]},\"system\":[{\"text\":\"Do not call any tool in this answer.\"}],"
	  "\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}," CALL_OUT "," RESULT_OUT "]" MAX9000 "}",
	  "" },
	{ "tools of another provider", &anthropic_codec, NOVA,
	  AM_WITH("\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}]", HI), "{" HI_OUT MAX9000 "}",
	  "tools[0]" },
	{ "Nova's top_k", &anthropic_codec, NOVA, AM_WITH("\"top_k\":20", HI),
	  "{" HI_OUT MAX9000 ",\"additionalModelRequestFields\":{\"inferenceConfig\":{\"topK\":20}}}", "" },
	{ "effort of an open model", &openai_chat_codec, "openai.gpt-oss-120b-1:0",
	  CC_WITH("\"reasoning_effort\":\"low\"", HI),
	  "{" HI_OUT ",\"inferenceConfig\":{},\"additionalModelRequestFields\":{\"reasoning_effort\":\"low\"}}", "" },
	{ "arguments that are no JSON", &openai_chat_codec, NOVA,
	  CC(HI
	     ",{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f"
	     "\","
	     "\"arguments\":\"{\\\"x\\\":\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"B\"}"),
	  "{" NO_TOOL_OUT
	  ",\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]},{\"role\":\"assistant\",\"content\":["
	  "{\"toolUse\":{\"toolUseId\":\"a\",\"name\":\"f\",\"input\":{\"_raw\":\"{\\\"x\\\":\"}}}]},"
	  "{\"role\":\"user\","
	  "\"content\":[{\"toolResult\":{\"toolUseId\":\"a\",\"content\":[{\"text\":\"B\"}]}}]}],"
	  "\"inferenceConfig\":{}}",
	  "messages[1].arguments" },
};

/* The letters of a hash are not worth being written down: "_" and eight of them before a quote. */
static void hide_hashes(char *p, size_t n)
{
	for (size_t i = 0; i + 10 < n; i++) {
		size_t k = i + 1, digits = 0;

		if (p[i] != '_' || i == 0 || p[i + 9] != '"')
			continue;
		for (; k < i + 9 && ((p[k] >= 'a' && p[k] <= 'z') || (p[k] >= '0' && p[k] <= '9')); k++)
			digits += p[k] >= '0' && p[k] <= '9';
		if (k == i + 9 && (digits || memcmp(p + i, "_xxxxxxxx", 9) == 0) && memcmp(p + i, "_search", 7) != 0)
			memset(p + i + 1, 'x', 8);
	}
}

static void join_drops(const struct chat_drops *d, struct buf *out)
{
	for (const struct chat_drop *at = d->first; at; at = at->next) {
		if (out->n)
			buf_append_c(out, ' ');
		buf_append(out, at->name);
	}
	buf_append_c(out, '\0');
}

/* The request as it goes out; p == NULL: refused. */
static struct str translate(struct arena *a, const struct chat_codec *from, const struct chat_codec *to,
                            const char *model, const char *body, struct chat_wire *wire, struct err *e)
{
	struct str name = str_from_z(model);
	struct chat_target target = { .model = jstr_of(name.p, name.n),
		                      .facts = model_facts_by_name(name),
		                      .bedrock_claude = str_find(name, STR("claude")) != STR_NPOS };
	struct dialect_request in = { .model = STR("m") };
	struct chat_request rq;

	*wire = (struct chat_wire){ .drops.arena = a };
	const struct json_node *root = json_nodes(a, str_from_z(body), REQUEST_DEPTH_MAX, e);
	assert_non_null(root);
	if (!from->read_request(a, &in, root, &rq, e) || !to->write_request(a, &rq, &target, wire, e))
		return (struct str){ 0 };
	hide_hashes((char *)(uintptr_t)wire->body.p, wire->body.n);
	assert_non_null(json_nodes(a, wire->body, REQUEST_DEPTH_MAX, e));
	return wire->body;
}

static void requests_go_to_converse(void **state)
{
	unsigned bad = 0;

	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		const struct request_case *c = &requests[i];
		struct buf drops = buf_make(4096);
		struct chat_wire wire;
		struct arena a;
		struct err e = { 0 };

		arena_init(&a, 8 << 20);
		struct str got = translate(&a, c->from, &bedrock_codec, c->model, c->in, &wire, &e);
		if (!c->drops) {
			if (got.p || !strstr(e.text, c->out)) {
				print_error("%s: %s\n", c->name, got.p ? "was not refused" : e.text);
				bad++;
			}
		} else if (!got.p || !str_eq(got, str_from_z(c->out))) {
			print_error("%s:\n\t%.*s\n\tnot %s\n\t%s\n", c->name, STR_ARG(got), c->out, e.text);
			bad++;
		} else {
			join_drops(&wire.drops, &drops);
			if (strcmp(drops.p, c->drops) != 0) {
				print_error("%s: dropped \"%s\"\n", c->name, drops.p);
				bad++;
			}
		}
		buf_fini(&drops);
		arena_fini(&a);
	}
	assert_int_equal(bad, 0);
}

#define BM(content) "\"messages\":[{\"role\":\"user\",\"content\":[" content "]}]"

static const struct request_case from_converse[] = {
	{ "a text", NULL, SONNET,
	  "{" BM("{\"text\":\"hi\"}") ",\"inferenceConfig\":{\"maxTokens\":5,\"temperature\":0.1,"
	                              "\"topP\":0.9,\"stopSequences\":[\"x\"]},\"system\":[{\"text\":\"s\"},"
	                              "{\"cachePoint\":{\"type\":\"default\"}}],"
	                              "\"additionalModelRequestFields\":{\"top_k\":3,\"anthropic_beta\":[\"b1\","
	                              "\"b2\"]}}",
	  "\"cache_control\":{\"type\":\"ephemeral\"}", "" },
	{ "unknown members", NULL, SONNET,
	  "{" BM("{\"text\":\"hi\"}") ",\"promptVariables\":{},"
	                              "\"additionalModelRequestFields\":{\"z\":1},\"guardrailConfig\":{\"guardrailIden"
	                              "tifier\":\"g\"},"
	                              "\"performanceConfig\":{\"latency\":\"optimized\"}}",
	  "\"hi\"", "guardrail promptVariables additionalModelRequestFields.z performanceConfig" },
	{ "tools", NULL, SONNET,
	  "{" BM("{\"text\":\"hi\"}") ",\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"f\","
	                              "\"inputSchema\":{\"json\":{\"type\":\"object\",\"properties\":{\"q\":{}}}}}},"
	                              "{\"cachePoint\":{\"type\":\"default\","
	                              "\"ttl\":\"1h\"}}],\"toolChoice\":{\"tool\":{\"name\":\"f\"}}}}",
	  "\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"q\":{}}},"
	  "\"cache_control\":{\"type\":"
	  "\"ephemeral\",\"ttl\":\"1h\"}}],\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"}",
	  "" },
	{ "thoughts", NULL, SONNET,
	  "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]},{\"role\":\"assistant\","
	  "\"content\":[{\"reasoningContent\":{\"reasoningText\":{\"text\":\"t\",\"signature\":\"c2ln\"}}},"
	  "{\"reasoningContent\":"
	  "{\"redactedContent\":\"cg==\"}},{\"text\":\"a\"}]},{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}]}",
	  "{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":\"c2ln\"},{\"type\":\"redacted_thinking\","
	  "\"data\":\"cg==\"}",
	  "" },
	{ "results", NULL, SONNET,
	  "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]},{\"role\":\"assistant\","
	  "\"content\":[{\"toolUse\":{\"toolUseId\":\"t\",\"name\":\"f\",\"input\":{\"b\":1,\"a\":2}}}]},"
	  "{\"role\":\"user\","
	  "\"content\":[{\"toolResult\":{\"toolUseId\":\"t\",\"status\":\"error\",\"content\":[{\"json\":{\"x\":1}},"
	  "{\"image\":"
	  "{\"format\":\"jpeg\",\"source\":{\"bytes\":\"/9j/\"}}}]}}]}]}",
	  "\"content\":[{\"type\":\"text\",\"text\":\"{\\\"x\\\":1}\"},{\"type\":\"image\",\"source\":{\"type\":\"base"
	  "64\","
	  "\"media_type\":\"image/jpeg\",\"data\":\"/9j/\"}}]",
	  "" },
	{ "a format", NULL, "claude-sonnet-4-5",
	  "{" BM("{\"text\":\"hi\"}") ",\"outputConfig\":{\"textFormat\":{\"type\":"
	                              "\"json_schema\",\"structure\":{\"jsonSchema\":{\"schema\":\"{\\\"type\\\":\\\"o"
	                              "bject\\\",\\\"properties\\\":{}}\"}}}}}",
	  "\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\",\"properties\":{},"
	  "\"additionalProperties\":false}}",
	  "" },
	{ "no messages", NULL, SONNET, "{\"system\":[]}", "messages: it is missing, and must be", NULL },
	{ "an unknown role", NULL, SONNET, "{\"messages\":[{\"role\":\"tool\",\"content\":[]}]}",
	  "messages[0].role: \"tool\" must be \"user\" or \"assistant\"", NULL },
	{ "a content that is a string", NULL, SONNET, "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
	  "messages[0].content: \"hi\" must be an array of content blocks", NULL },
	{ "a call without an id", NULL, SONNET,
	  "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"a\"},{\"toolUse\":"
	  "{\"name\":\"f\"}}]}]}",
	  "messages[0].content[1].toolUse.toolUseId: it is missing, and must be a string", NULL },
	{ "an image that has no bytes", NULL, SONNET,
	  "{" BM("{\"image\":{\"format\":\"png\",\"source\":{\"url\":\"x\"}}}") "}",
	  "messages[0].content[0].image.source: {\"url\":\"x\"} must be an object with base64 \"bytes\"", NULL },
	{ "a result in a result", NULL, SONNET,
	  "{" BM("{\"toolResult\":{\"toolUseId\":\"t\",\"content\":[{\"toolResult\":"
	         "{\"toolUseId\":\"u\"}}]}}") "}",
	  "messages[0].content[0].toolResult.content[0].toolResult: ", NULL },
	{ "a number that is none", NULL, SONNET,
	  "{" BM("{\"text\":\"hi\"}") ",\"inferenceConfig\":{\"maxTokens\":\"5\"}}",
	  "inferenceConfig.maxTokens: \"5\" must be a number", NULL },
	{ "a schema that is none", NULL, SONNET,
	  "{" BM("{\"text\":\"hi\"}") ",\"outputConfig\":{\"textFormat\":{\"structure\":"
	                              "{\"jsonSchema\":{\"schema\":\"{\"}}}}}",
	  "must be a string that holds a JSON object", NULL },
	{ "a choice that is none", NULL, SONNET,
	  "{" BM("{\"text\":\"hi\"}") ",\"toolConfig\":{\"tools\":[],\"toolChoice\":"
	                              "{\"none\":{}}}}",
	  "toolConfig.toolChoice: {\"none\":{}} must be {\"auto\": {}}", NULL },
};

static void requests_come_from_converse(void **state)
{
	unsigned bad = 0;

	for (size_t i = 0; i < COUNT_OF(from_converse); i++) {
		const struct request_case *c = &from_converse[i];
		struct buf drops = buf_make(4096);
		struct chat_wire wire;
		struct arena a;
		struct err e = { 0 };

		arena_init(&a, 8 << 20);
		struct str got = translate(&a, &bedrock_codec, &anthropic_codec, c->model, c->in, &wire, &e);
		join_drops(&wire.drops, &drops);
		if (!c->drops ? got.p || !strstr(e.text, c->out)
		              : !got.p || str_find(got, str_from_z(c->out)) == STR_NPOS ||
		                        strcmp(drops.p, c->drops) != 0) {
			print_error("%s:\n\t%.*s\n\tnot %s\n\t%s\n\tdropped %s\n", c->name, STR_ARG(got), c->out,
			            e.text, drops.p);
			bad++;
		}
		buf_fini(&drops);
		arena_fini(&a);
	}
	assert_int_equal(bad, 0);
}

static const struct chat_reply reply = { .id = { "01J", 3 }, .model = { "m", 1 }, .max_bytes = 1 << 20 };

static void an_answer_goes_to_a_converse_client(void **state)
{
	static const char in[] =
		"{\"id\":\"c1\",\"model\":\"x\",\"choices\":[{\"index\":0,\"finish_reason\":\"tool_calls\","
		"\"message\":{\"role\":"
		"\"assistant\",\"reasoning_content\":\"hm\",\"content\":\"t\",\"tool_calls\":[{\"id\":\"a\","
		"\"type\":\"function\","
		"\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"b\\\":1,\\\"a\\\":2}\"}}]}}],"
		"\"usage\":{\"prompt_tokens\":10,"
		"\"completion_tokens\":7,\"prompt_tokens_details\":{\"cached_tokens\":4},\"completion_tokens_details\":"
		"{\"reasoning_tokens\":2}}}";
	static const char want[] =
		"{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"reasoningContent\":{\"reasoningText"
		"\":{\"text\":"
		"\"hm\"}}},{\"text\":\"t\"},{\"toolUse\":{\"toolUseId\":\"a\",\"name\":\"f\",\"input\":{\"b\":1,"
		"\"a\":2}}}]}},"
		"\"stopReason\":\"tool_use\",\"usage\":{\"inputTokens\":6,\"outputTokens\":7,\"totalTokens\":17,"
		"\"cacheReadInputTokens\":4,\"cacheWriteInputTokens\":0},\"metrics\":{\"latencyMs\":0}}";
	struct chat_source source = { .model = JSTR("x") };
	struct buf out = buf_make(1 << 16);
	struct chat_response rs;
	struct arena a;
	struct err e;

	arena_init(&a, 1 << 20);
	const struct json_node *root = json_nodes(&a, str_from_z(in), ANSWER_DEPTH_MAX, &e);
	assert_true(openai_chat_codec.read_response(&a, &source, root, &rs, &e));
	assert_true(bedrock_codec.write_response(&a, &rs, &reply, &out, NULL));
	if (!str_eq(buf_str(&out), str_from_z(want)))
		fail_msg("%.*s", (int)out.n, out.p);
	buf_fini(&out);
	arena_fini(&a);
}

/* Messages of an event stream as lines: type and payload. */
static void show_messages(struct str bytes, struct buf *out)
{
	struct eventstream_framer f = { .max_bytes = 1 << 20 };
	struct eventstream_message m;
	bool bad = false;
	size_t n;

	while (bytes.n && (n = eventstream_frame(&f, bytes, &bad)) != EVENTSTREAM_PARTIAL) {
		assert_true(eventstream_read(str_slice(bytes, 0, n), &m));
		buf_append(out, m.event_type.n ? m.event_type : m.exception_type);
		buf_append_c(out, ' ');
		buf_append(out, m.payload);
		buf_append_c(out, '\n');
		bytes = str_slice(bytes, n, bytes.n);
	}
	assert_false(bad);
}

static void a_stream_goes_to_a_converse_client(void **state)
{
	static const char *const in[] = {
		"{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}",
		"{\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"hm\"}}]}",
		"{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"t\"}}]}",
		"{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\","
		"\"type\":\"function\",\"function\":"
		"{\"name\":\"f\",\"arguments\":\"{\\\"x\"}}]}}]}",
		"{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"b\","
		"\"type\":\"function\",\"function\":"
		"{\"name\":\"g\",\"arguments\":\"\"}}]}}]}",
		"{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"\\\""
		":1}\"}}]}}]}",
		"{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}",
		"{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}",
		"[DONE]",
	};
	static const char want[] =
		"messageStart {\"role\":\"assistant\"}\n"
		"contentBlockDelta {\"delta\":{\"reasoningContent\":{\"text\":\"hm\"}},\"contentBlockIndex\":0}\n"
		"contentBlockStop {\"contentBlockIndex\":0}\n"
		"contentBlockDelta {\"delta\":{\"text\":\"t\"},\"contentBlockIndex\":1}\n"
		"contentBlockStop {\"contentBlockIndex\":1}\n"
		"contentBlockStart {\"start\":{\"toolUse\":{\"toolUseId\":\"a\",\"name\":\"f\"}},"
		"\"contentBlockIndex\":2}\n"
		"contentBlockDelta {\"delta\":{\"toolUse\":{\"input\":\"{\\\"x\"}},\"contentBlockIndex\":2}\n"
		"contentBlockDelta {\"delta\":{\"toolUse\":{\"input\":\"\\\":1}\"}},\"contentBlockIndex\":2}\n"
		"contentBlockStop {\"contentBlockIndex\":2}\n"
		"contentBlockStart {\"start\":{\"toolUse\":{\"toolUseId\":\"b\",\"name\":\"g\"}},"
		"\"contentBlockIndex\":3}\n"
		"contentBlockDelta {\"delta\":{\"toolUse\":{\"input\":\"{}\"}},\"contentBlockIndex\":3}\n"
		"contentBlockStop {\"contentBlockIndex\":3}\n"
		"messageStop {\"stopReason\":\"tool_use\"}\n"
		"metadata {\"usage\":{\"inputTokens\":3,\"outputTokens\":4,\"totalTokens\":7,\"cacheReadInputTokens\":"
		"0,"
		"\"cacheWriteInputTokens\":0},\"metrics\":{\"latencyMs\":0}}\n";
	struct chat_source source = { .model = JSTR("x") };
	void *reader = calloc(1, openai_chat_codec.reader_size), *writer = calloc(1, bedrock_codec.writer_size);
	struct chat_order *order = chat_order_new(&bedrock_codec, 1 << 20);
	struct buf out = buf_make(1 << 16), lines = buf_make(1 << 16);
	struct dialect_error error;
	struct arena a;
	struct err e;

	arena_init(&a, 1 << 20);
	assert_true(openai_chat_codec.reader_init(reader, &source) && bedrock_codec.writer_init(writer, &reply));
	for (size_t i = 0; i <= COUNT_OF(in); i++) {
		struct chat_frame frame = { .data = i < COUNT_OF(in) ? str_from_z(in[i]) : (struct str){ 0 } };
		struct chat_events events = { 0 };

		assert_int_equal(openai_chat_codec.read_event(reader, &a, &frame, &events, &error, &e), CHAT_READ_OK);
		assert_true(chat_order_add(order, &a, &events));
		for (const struct chat_event *ev = events.first; ev; ev = ev->next)
			assert_true(bedrock_codec.write_event(writer, &a, ev, &out));
	}
	show_messages(buf_str(&out), &lines);
	if (!str_eq(buf_str(&lines), str_from_z(want)))
		fail_msg("%.*s", (int)lines.n, lines.p);
	buf_clear(&out);
	buf_clear(&lines);
	(void)!err_set(&e, ERR_UPSTREAM, "cut");
	assert_true(bedrock_codec.write_ping(writer, &out) && bedrock_codec.write_error(writer, &e, STR("1"), &out));
	show_messages(buf_str(&out), &lines);
	assert_true(str_eq(buf_str(&lines), STR("ping {}\nmodelStreamErrorException {\"message\":\"cut\"}\n")));
	openai_chat_codec.reader_fini(reader);
	bedrock_codec.writer_fini(writer);
	chat_order_free(order);
	free(reader);
	free(writer);
	buf_fini(&out);
	buf_fini(&lines);
	arena_fini(&a);
}

struct stream_case {
	const char *name;
	struct {
		const char *type, *data;
	} frames[6];
	enum chat_read last; /* of the transport's end, or of the frame that is no event */
	const char *error;
};

/* A stream is whole when it was said to have stopped. */
static void broken_streams_are_told(void **state)
{
	static const struct stream_case cases[] = {
		{ "nothing", { { NULL, NULL } }, CHAT_READ_BROKEN, "ended in the middle" },
		{ "cut inside of a text",
		  { { "messageStart", "{}" }, { "contentBlockDelta", "{\"delta\":{\"text\":\"a\"}}" } },
		  CHAT_READ_BROKEN,
		  "ended in the middle" },
		{ "without its metadata",
		  { { "messageStart", "{}" }, { "messageStop", "{\"stopReason\":\"end_turn\"}" } },
		  CHAT_READ_OK,
		  NULL },
		{ "arguments from nowhere",
		  { { "contentBlockDelta", "{\"delta\":{\"toolUse\":{\"input\":\"{\"}}}" } },
		  CHAT_READ_BROKEN,
		  "did not begin" },
		{ "no JSON", { { "messageStart", "{" } }, CHAT_READ_BROKEN, "not a JSON object" },
		{ "an exception", { { "!throttlingException", "{\"message\":\"slow\"}" } }, CHAT_READ_ERROR, NULL },
		{ "a kind of event that is new", { { "newEvent", "?" }, { "messageStop", "{}" } }, CHAT_READ_OK, NULL },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		void *reader = calloc(1, bedrock_codec.reader_size);
		enum chat_read read = CHAT_READ_OK;
		struct dialect_error error = { 0 };
		struct err e = { 0 };
		struct arena a;

		arena_init(&a, 1 << 20);
		assert_true(bedrock_codec.reader_init(reader, &(struct chat_source){ 0 }));
		for (size_t k = 0; k < COUNT_OF(cases[i].frames) && read == CHAT_READ_OK; k++) {
			const char *type = cases[i].frames[k].type;
			bool exception = type && type[0] == '!';
			struct chat_frame frame = { .name = str_from_z(type ? type + exception : NULL),
				                    .data = str_from_z(cases[i].frames[k].data),
				                    .exception = exception };
			struct chat_events events = { 0 };

			read = bedrock_codec.read_event(reader, &a, &frame, &events, &error, &e);
			if (!type)
				break;
		}
		if (read != cases[i].last || (cases[i].error && !strstr(e.text, cases[i].error)))
			fail_msg("%s: %d %s", cases[i].name, read, e.text);
		assert_true(read != CHAT_READ_ERROR || error.err.code == ERR_RATE_LIMIT);
		bedrock_codec.reader_fini(reader);
		free(reader);
		arena_fini(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_go_to_converse),
		cmocka_unit_test(requests_come_from_converse),
		cmocka_unit_test(an_answer_goes_to_a_converse_client),
		cmocka_unit_test(a_stream_goes_to_a_converse_client),
		cmocka_unit_test(broken_streams_are_told),
	};

	dialect_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
