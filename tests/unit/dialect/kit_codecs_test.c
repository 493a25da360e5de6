/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kit_codecs: Ollama's and Cohere's requests, answers and streams on their way from and to Chat Completions, and those
 * of rerankers. Written for this repository; recordings are compared in translate_corpus_test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "dialect/chat.h"
#include "dialect/rerank.h"
#include "model/facts.h"

#define CC(messages)            "{\"model\":\"m\",\"messages\":[" messages "]}"
#define CC_WITH(more, messages) "{\"model\":\"m\"," more ",\"messages\":[" messages "]}"
#define U(content)              "{\"role\":\"user\",\"content\":" content "}"
#define HI                      U("\"hi\"")
#define CALLED \
	"{\"role\":\"assistant\",\"content\":\"so\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\"," \
	"\"function\":{\"name\":\"get\",\"arguments\":\"{\\\"b\\\":1.0,\\\"a\\\":2}\"}}]}"
#define RESULT       "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"ok\"}"
#define TOOLS(names) "\"tools\":[" names "]"
#define TOOL(name) \
	"{\"type\":\"function\",\"function\":{\"name\":\"" name "\",\"parameters\":{\"type\":\"object\"}}}"
#define PNG          "iVBORw0KGgo="

struct request_case {
	const char *name;
	const struct chat_codec *from, *to;
	const char *in, *out; /* out: the body, or part of the error */
	const char *drops;    /* joined by blanks; NULL: refused */
};

static const struct request_case requests[] = {
	{ "a text for Ollama", &openai_chat_codec, &ollama_codec,
	  CC_WITH("\"max_tokens\":5,\"stop\":\"x\",\"logit_bias\":{},\"stream\":true", HI),
	  "{\"model\":\"real\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"options\":{\"num_pre"
	  "dict\":5,\"stop\":[\"x\"]},\"stream\":false}",
	  "logit_bias" },
	{ "an image, a call and its result for Ollama", &openai_chat_codec, &ollama_codec,
	  CC(U("[{\"type\":\"text\",\"text\":\"see\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:imag"
	  "e/png;base64," PNG
	       "\"}}]") "," CALLED "," RESULT),
	  "{\"model\":\"real\",\"messages\":[{\"role\":\"user\",\"content\":\"see\",\"images\":[\"iVBORw0KG"
	  "go=\"]},{\"role\":\"assistant\",\"content\":\"so\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"fun"
	  "ction\",\"function\":{\"name\":\"get\",\"arguments\":{\"b\":1.0,\"a\":2}}}]},{\"role\":\"tool\","
	  "\"content\":\"ok\",\"tool_name\":\"get\",\"tool_call_id\":\"c1\"}],\"options\":{},\"stream\":fal"
	  "se}",
	  "" },
	{ "one tool of two for Ollama", &openai_chat_codec, &ollama_codec,
	  CC_WITH(TOOLS(TOOL("a") "," TOOL(
			  "b")) ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"b\"}}",
	          HI),
	  "{\"model\":\"real\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"type\":"
	  "\"function\",\"function\":{\"name\":\"b\",\"parameters\":{\"type\":\"object\"}}}],\"options\":{}"
	  ",\"stream\":false}",
	  "tool_choice" },
	{ "no tool for Ollama", &openai_chat_codec, &ollama_codec,
	  CC_WITH(TOOLS(TOOL("a")) ",\"tool_choice\":\"none\",\"reasoning_effort\":\"low\"", HI),
	  "{\"model\":\"real\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"think\":true,\"optio"
	  "ns\":{},\"stream\":false}",
	  "" },
	{ "a form for Ollama", &openai_chat_codec, &ollama_codec,
	  CC_WITH("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{\"t"
	  "ype\":\"object\"}}}",
	          HI),
	  "{\"model\":\"real\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"format\":{\"type\":"
	  "\"object\"},\"options\":{},\"stream\":false}",
	  "" },
	{ "audio for Ollama", &openai_chat_codec, &ollama_codec,
	  CC(U("[{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AAAA\",\"format\":\"wav\"}}]")),
	  "takes no audio", NULL },
	{ "a text for Cohere", &openai_chat_codec, &cohere_codec,
	  CC_WITH("\"max_tokens\":5,\"top_p\":0.5,\"stop\":[\"x\"],\"n\":1,\"user\":\"u\",\"stream\":true",
	          "{\"role\":\"system\",\"content\":\"s\"}," HI),
	  "{\"model\":\"real\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"c"
	  "ontent\":\"hi\"}],\"stop_sequences\":[\"x\"],\"max_tokens\":5,\"p\":0.5}",
	  "user" },
	{ "a call and its result for Cohere", &openai_chat_codec, &cohere_codec, CC(HI "," CALLED "," RESULT),
	  "{\"model\":\"real\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\""
	  ",\"tool_plan\":\"so\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name"
	  "\":\"get\",\"arguments\":\"{\\\"b\\\":1.0,\\\"a\\\":2}\"}}]},{\"role\":\"tool\",\"tool_call_id\""
	  ":\"c1\",\"content\":\"ok\"}]}",
	  "" },
	{ "one tool of two for Cohere", &openai_chat_codec, &cohere_codec,
	  CC_WITH(TOOLS(TOOL("a") "," TOOL(
			  "b.c")) ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"a\"}}",
	          HI),
	  "{\"model\":\"real\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"type\":"
	  "\"function\",\"function\":{\"name\":\"a\",\"parameters\":{\"type\":\"object\"}}}],\"tool_choice"
	  "\":\"REQUIRED\"}",
	  "" },
	{ "thoughts and a form for Cohere", &openai_chat_codec, &cohere_codec,
	  CC_WITH("\"reasoning_effort\":\"none\",\"response_format\":{\"type\":\"json_object\"}", HI),
	  "{\"model\":\"real\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"thinking\":{\"type\""
	  ":\"disabled\"},\"response_format\":{\"type\":\"json_object\"}}",
	  "" },
	{ "a text document for Cohere", &anthropic_codec, &cohere_codec,
	  CC_WITH("\"max_tokens\":9",
	          U("[{\"type\":\"document\",\"title\":\"T\",\"source\":{\"type\":\"text\",\"media_type\":"
	            "\"text/plain\",\"data\":\"D\"}},{\"type\":\"text\",\"text\":\"q\"}]")),
	  "{\"model\":\"real\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\""
	  "q\"}]}],\"documents\":[{\"id\":\"doc_0\",\"data\":{\"title\":\"T\",\"text\":\"D\"}}],\"max_token"
	  "s\":9}",
	  "" },
	{ "all that an Ollama client says", &ollama_codec, &openai_chat_codec,
	  CC_WITH("\"think\":true,\"keep_alive\":1,\"format\":\"json\",\"options\":{\"num_predict\":7,\"num_ct"
	  "x\":9,\"temperature\":0.1}",
	          "{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"hi\",\"images\":[\"" PNG
	          "\"]}"),
	  "{\"model\":\"real\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"c"
	  "ontent\":[{\"type\":\"text\",\"text\":\"hi\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"d"
	  "ata:image/png;base64,iVBORw0KGgo=\"}}]}],\"max_tokens\":7,\"temperature\":0.1,\"response_format"
	  "\":{\"type\":\"json_object\"}}",
	  "reasoning keep_alive options.num_ctx" },
	{ "results without ids", &ollama_codec, &openai_chat_codec,
	  CC(HI
	     ",{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"a\",\"argument"
	     "s\":{}}},{\"function\":{"
	     "\"name\":\"b\",\"arguments\":{\"x\":1}}}]},{\"role\":\"tool\",\"tool_name\":\"b\",\"content\":\""
	     "2\"},{\"role\":\"tool\","
	     "\"content\":\"1\"}"),
	  "{\"model\":\"real\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\""
	  ",\"content\":null,\"tool_calls\":[{\"id\":\"call_JIiXVxa0GiYpoKjcV1vmPuuY\",\"type\":\"function"
	  "\",\"function\":{\"name\":\"a\",\"arguments\":\"{}\"}},{\"id\":\"call_Ro7Nr9HrwrM7KacpCoI7zQ68\""
	  ",\"type\":\"function\",\"function\":{\"name\":\"b\",\"arguments\":\"{\\\"x\\\":1}\"}}]},{\"role"
	  "\":\"tool\",\"tool_call_id\":\"call_Ro7Nr9HrwrM7KacpCoI7zQ68\",\"content\":\"2\"},{\"role\":\"to"
	  "ol\",\"tool_call_id\":\"call_JIiXVxa0GiYpoKjcV1vmPuuY\",\"content\":\"1\"}]}",
	  "" },
	{ "a result without a call", &ollama_codec, &openai_chat_codec, CC("{\"role\":\"tool\",\"content\":\"1\"}"),
	  "messages[0]: the result of a tool needs a call before it", NULL },
	{ "a role that is none", &ollama_codec, &openai_chat_codec, CC("{\"role\":\"model\",\"content\":\"1\"}"),
	  "messages[0].role: must be one of system, user, assistant, tool, not the string \"model\"", NULL },
	{ "all that a Cohere client says", &cohere_codec, &openai_chat_codec,
	  CC_WITH("\"p\":0.5,\"k\":3,\"safety_mode\":\"NONE\",\"documents\":[{\"id\":\"d\",\"data\":{\"text\":\""
	  "frogs\"}}]," TOOLS(
			  TOOL("a")) ",\"tool_choice\":\"REQUIRED\",\"response_format\":{\"type\":\"json_objec"
			  "t\",\"json_schema\":{\"type\":\"object\"}}",
	          HI),
	  "{\"model\":\"real\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\""
	  "d\\n\\nfrogs\"},{\"type\":\"text\",\"text\":\"hi\"}]}],\"tools\":[{\"type\":\"function\",\"funct"
	  "ion\":{\"name\":\"a\",\"parameters\":{\"type\":\"object\"}}}],\"tool_choice\":\"required\",\"top"
	  "_p\":0.5,\"top_k\":3,\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"r"
	  "esponse\",\"schema\":{\"type\":\"object\"}}}}",
	  "citations safety_settings" },
	{ "a plan, calls and results of Cohere's", &cohere_codec, &openai_chat_codec,
	  CC(HI
	     ",{\"role\":\"assistant\",\"tool_plan\":\"so\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\""
	     ",\"function\":{\"name\":\"get\","
	     "\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":[{\"type\":\"docum"
	     "ent\",\"document\":{\"data\":"
	     "\"ok\"}}]}"),
	  "{\"model\":\"real\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\""
	  ",\"content\":\"so\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":"
	  "\"get\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"ok\"}]"
	  "}",
	  "" },
	{ "a choice that is none", &cohere_codec, &openai_chat_codec, CC_WITH("\"tool_choice\":\"auto\"", HI),
	  "tool_choice: must be REQUIRED or NONE, not the string \"auto\"", NULL },
};

static void join_drops(const struct chat_drops *d, struct buf *out)
{
	for (const struct chat_drop *at = d->first; at; at = at->next) {
		if (out->n)
			buf_append_c(out, ' ');
		buf_append(out, at->name);
	}
	buf_append_c(out, '\0');
}

static void requests_are_translated(void **state)
{
	unsigned bad = 0;

	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		const struct request_case *c = &requests[i];
		struct chat_target target = { .model = JSTR("real"), .facts = &model_facts_unknown };
		struct dialect_request in = { .model = STR("m") };
		struct buf drops = buf_make(4096);
		struct arena a;
		struct err e = { 0 };
		struct chat_request rq;

		arena_init(&a, 8 << 20);
		struct chat_wire wire = { .drops.arena = &a };
		const struct json_node *root = json_nodes(&a, str_from_z(c->in), REQUEST_DEPTH_MAX, &e);
		assert_non_null(root);
		bool good = c->from->read_request(&a, &in, root, &rq, &e) &&
		            c->to->write_request(&a, &rq, &target, &wire, &e);
		join_drops(&wire.drops, &drops);
		if (!c->drops ? good || !strstr(e.text, c->out)
		              : !good || !str_eq(wire.body, str_from_z(c->out)) || strcmp(drops.p, c->drops) != 0) {
			print_error("%s:\n\t%.*s\n\tnot %s\n\tdropped \"%s\" %s\n", c->name, (int)wire.body.n,
			            wire.body.n ? wire.body.p : "", c->out, drops.p, e.text);
			bad++;
		}
		buf_fini(&drops);
		arena_fini(&a);
	}
	assert_int_equal(bad, 0);
}

static const struct chat_reply reply = {
	.id = { "01J", 3 }, .model = { "m", 1 }, .max_bytes = 1 << 20, .created_s = 1700000000
};

static const struct {
	const char *name;
	const struct chat_codec *from, *to;
	const char *in, *out;
} answers[] = {
	{ "thoughts, text and a call for an Ollama client", &openai_chat_codec, &ollama_codec,
	  "{\"id\":\"c\",\"model\":\"x\",\"created\":1700000001,\"choices\":[{\"index\":0,\"finish_reason\":\"to"
	  "ol_calls\",\"message\":{"
	  "\"role\":\"assistant\",\"reasoning_content\":\"hm\",\"content\":\"t\",\"tool_calls\":[{\"id\":\"a\""
	  ",\"type\":\"function\","
	  "\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"b\\\":1}\"}}]}}],\"usage\":{\"prompt_tokens\":3,\"c"
	  "ompletion_tokens\":4}}",
	  "{\"model\":\"x\",\"created_at\":\"2023-11-14T22:13:21.000Z\",\"message\":{\"role\":\"assistant\",\"co"
	  "ntent\":\"t\","
	  "\"thinking\":\"hm\",\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\""
	  ",\"arguments\":{\"b\":1}}}]},"
	  "\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":3,\"eval_count\":4}" },
	{ "the same for a Cohere client", &openai_chat_codec, &cohere_codec,
	  "{\"id\":\"c\",\"model\":\"x\",\"choices\":[{\"index\":0,\"finish_reason\":\"tool_calls\",\"message\":{"
	  "\"role\":\"assistant\",\"reasoning_content\":\"hm\",\"content\":\"t\",\"tool_calls\":[{\"id\":\"a\""
	  ",\"type\":\"function\","
	  "\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"b\\\":1}\"}}]}}],\"usage\":{\"prompt_tokens\":3,\"c"
	  "ompletion_tokens\":4}}",
	  "{\"id\":\"c\",\"finish_reason\":\"TOOL_CALL\",\"message\":{\"role\":\"assistant\",\"content\":[{\"typ"
	  "e\":\"thinking\","
	  "\"thinking\":\"hm\"}],\"tool_plan\":\"t\",\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"funct"
	  "ion\":{\"name\":\"f\","
	  "\"arguments\":\"{\\\"b\\\":1}\"}}]},\"usage\":{\"billed_units\":{\"input_tokens\":3,\"output_tokens\""
	  ":4},\"tokens\":{"
	  "\"input_tokens\":3,\"output_tokens\":4}}}" },
	{ "a call that follows its plan, cut by the cap", &cohere_codec, &ollama_codec,
	  "{\"id\":\"c\",\"finish_reason\":\"MAX_TOKENS\",\"message\":{\"role\":\"assistant\",\"content\":[{\"ty"
	  "pe\":\"text\",\"text\":\"a\"},"
	  "{\"type\":\"text\",\"text\":\"b\"}]},\"usage\":{\"billed_units\":{\"input_tokens\":1,\"output_token"
	  "s\":2},\"tokens\":{"
	  "\"input_tokens\":500,\"output_tokens\":9}}}",
	  "{\"model\":\"m\",\"created_at\":\"2023-11-14T22:13:20.000Z\",\"message\":{\"role\":\"assistant\",\"co"
	  "ntent\":\"ab\"},"
	  "\"done\":true,\"done_reason\":\"length\",\"prompt_eval_count\":1,\"eval_count\":2}" },
};

static void answers_are_translated(void **state)
{
	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		struct chat_source source = { .model = JSTR("x") };
		struct buf out = buf_make(1 << 16);
		struct chat_response rs;
		struct arena a;
		struct err e;

		arena_init(&a, 1 << 20);
		const struct json_node *root = json_nodes(&a, str_from_z(answers[i].in), ANSWER_DEPTH_MAX, &e);
		assert_true(answers[i].from->read_response(&a, &source, root, &rs, &e));
		assert_true(answers[i].to->write_response(&a, &rs, &reply, &out, NULL));
		if (!str_eq(buf_str(&out), str_from_z(answers[i].out)))
			fail_msg("%s: %.*s", answers[i].name, (int)out.n, out.p);
		buf_fini(&out);
		arena_fini(&a);
	}
}

static void broken_streams_are_told(void **state)
{
	static const struct {
		const struct chat_codec *codec;
		const char *frame;
		enum chat_read want;
	} cases[] = {
		{ &ollama_codec, NULL, CHAT_READ_BROKEN },
		{ &ollama_codec, "[]", CHAT_READ_BROKEN },
		{ &ollama_codec, "{\"error\":\"out of memory\"}", CHAT_READ_ERROR },
		{ &ollama_codec, "{\"message\":7,\"done\":\"x\"}", CHAT_READ_OK },
		{ &cohere_codec, NULL, CHAT_READ_BROKEN },
		{ &cohere_codec, "[DONE]", CHAT_READ_BROKEN },
		{ &cohere_codec, "{\"message\":\"no\"}", CHAT_READ_ERROR },
		{ &cohere_codec, "{\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"ERROR\",\"error\":\"b"
		"ad\"}}",
		  CHAT_READ_ERROR },
		{ &cohere_codec, "{\"type\":\"new-kind\",\"delta\":[]}", CHAT_READ_OK },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char reader[256] = { 0 };
		struct chat_source source = { 0 };
		struct chat_frame frame = { 0 };
		struct chat_events events;
		struct dialect_error error;
		struct arena a;
		struct err e;

		assert_true(cases[i].codec->reader_size <= sizeof(reader));
		arena_init(&a, 1 << 20);
		assert_true(cases[i].codec->reader_init(reader, &source));
		if (cases[i].frame)
			frame.data = str_from_z(cases[i].frame);
		if (cases[i].codec->read_event(reader, &a, &frame, &events, &error, &e) != cases[i].want)
			fail_msg("%s", cases[i].frame ? cases[i].frame : "the end");
		arena_fini(&a);
	}
}

static void rerankers_are_read_and_written(void **state)
{
	static const char asked[] =
		"{\"model\":\"m\",\"query\":\"q\",\"top_n\":1,\"return_documents\":true,\"documents\":[\"a\","
		"{\"title\":\"t\",\"n\":7}],\"rank_fields\":[\"t\"]}";
	struct dialect_request in = { .dialect = &dialect_rerank, .model = STR("m") };
	struct chat_target target = { .model = JSTR("real"), .facts = &model_facts_unknown };
	struct buf out = buf_make(1 << 16);
	struct rerank_request rq;
	struct rerank_response rs;
	struct arena a;
	struct err e;

	arena_init(&a, 1 << 20);
	struct rerank_wire wire = { .drops.arena = &a };
	const struct json_node *root = json_nodes(&a, str_from_z(asked), REQUEST_DEPTH_MAX, &e);
	assert_true(rerank_rerank_codec.read_request(&a, &in, root, &rq, &e));
	assert_true(voyage_rerank_codec.write_request(&a, &rq, &target, &wire, &e));
	assert_true(str_eq(wire.body,
	                   STR("{\"model\":\"real\",\"query\":\"q\",\"documents\":[\"a\",\"title: t\\nn: 7\\n\"],"
	                       "\"top_k\":1}")));
	assert_true(wire.drops.first && str_eq(wire.drops.first->name, STR("rank_fields")));
	root = json_nodes(
		&a,
		STR("{\"data\":[{\"index\":1,\"relevance_score\":0.50},{\"index\":0,\"relevance_score\":1e-3}],"
	            "\"usage\":{\"total_tokens\":9}}"),
		ANSWER_DEPTH_MAX, &e);
	assert_true(voyage_rerank_codec.read_response(&a, root, 2, &rs, &e));
	assert_true(rerank_rerank_codec.write_response(&rq, &rs, &reply, &out));
	assert_true(str_eq(
		buf_str(&out),
		STR("{\"id\":\"01J\",\"object\":\"list\",\"model\":\"m\",\"results\":[{\"index\":1,\"relevance_s"
		"core\":0.50,"
	            "\"document\":{\"title\":\"t\",\"n\":7}}],\"usage\":{\"prompt_tokens\":9,\"total_tokens\":9},"
	            "\"meta\":{\"api_version\":{\"version\":\"2\"},\"billed_units\":{\"input_tokens\":9}}}")));
	root = json_nodes(&a, STR("{\"results\":[{\"index\":2,\"relevance_score\":1}]}"), ANSWER_DEPTH_MAX, &e);
	assert_false(voyage_rerank_codec.read_response(&a, root, 2, &rs, &e));
	buf_fini(&out);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_translated),
		cmocka_unit_test(answers_are_translated),
		cmocka_unit_test(broken_streams_are_told),
		cmocka_unit_test(rerankers_are_read_and_written),
	};

	dialect_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
