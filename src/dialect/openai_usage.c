/* SPDX-License-Identifier: Apache-2.0 */
/* openai_usage: the usage objects of OpenAI's dialects and of those who imitate them, as disjoint counters. */

#include "dialect/dialect_in.h"

#define CHAT_PATHS(prefix) \
	prefix "prompt_tokens", prefix "completion_tokens", prefix "total_tokens", \
	prefix "prompt_tokens_details.cached_tokens", prefix "prompt_tokens_details.cache_write_tokens", \
	prefix "prompt_tokens_details.audio_tokens", prefix "prompt_tokens_details.image_tokens", \
	prefix "completion_tokens_details.reasoning_tokens", prefix "completion_tokens_details.audio_tokens", \
	prefix "completion_tokens_details.image_tokens", prefix "prompt_cache_hit_tokens", \
	prefix "cached_tokens", prefix "reasoning_tokens", prefix "cache_read_input_tokens", \
	prefix "cache_creation_input_tokens", prefix "citation_tokens", prefix "num_search_queries", \
	prefix "server_tool_use.web_search_requests"

/* By enum chat_usage: inside a usage object, and from the answer's top. */
static const char *const chat_paths[CC_USAGE_PATHS] = { CHAT_PATHS("") };
const char *const chat_usage_paths[CC_USAGE_PATHS] = { CHAT_PATHS("usage.") };
static struct json_plan chat_plan;

#define RESP_PATHS(prefix) \
	prefix "input_tokens", prefix "output_tokens", prefix "total_tokens", \
	prefix "input_tokens_details.cached_tokens", prefix "input_tokens_details.cache_write_tokens", \
	prefix "input_tokens_details.audio_tokens", prefix "input_tokens_details.image_tokens", \
	prefix "output_tokens_details.reasoning_tokens", prefix "output_tokens_details.audio_tokens", \
	prefix "output_tokens_details.image_tokens"

/* By enum responses_usage. */
static const char *const resp_paths[RESP_USAGE_PATHS] = { RESP_PATHS("") };
const char *const responses_usage_paths[RESP_USAGE_PATHS] = { RESP_PATHS("usage.") };
static struct json_plan resp_plan;

/* The numbers of one report; negative: not said. */
struct report {
	int64_t input, output, total, cached, cache_write, audio_in, image_in, reasoning, audio_out, image_out;
};

static int64_t first(int64_t a, int64_t b)
{
	return a < 0 ? b : a;
}

/* Nearly always there is no such part. */
static inline void split(struct usage *u, enum usage_counter from, enum usage_counter to, int64_t tokens)
{
	if (unlikely(tokens > 0))
		usage_split(u, from, to, tokens);
}

/*
 * Cached, written, audio and image tokens are parts of the input, reasoning and audio of the output, unless the report
 * itself says otherwise: xAI's cached tokens may exceed its prompt tokens, and its completion tokens leave the
 * reasoning out, which its total then shows.
 */
static void set_usage(const struct report *r, struct usage *out)
{
	struct usage u = { .source = USAGE_REPORTED };
	int64_t input = r->input, output = r->output < 0 ? 0 : r->output;

	if (input < 0)       /* embeddings of some providers tell the total only */
		input = r->total > output ? r->total - output : 0;
	usage_set(&u, USAGE_INPUT, input);
	if (r->cached > input) {
		usage_set(&u, USAGE_CACHE_READ, r->cached);
		u.odd = true;
	} else {
		split(&u, USAGE_INPUT, USAGE_CACHE_READ, r->cached);
	}
	split(&u, USAGE_INPUT, USAGE_CACHE_WRITE_5M, r->cache_write);
	split(&u, USAGE_INPUT, USAGE_INPUT_AUDIO, r->audio_in);
	split(&u, USAGE_INPUT, USAGE_INPUT_IMAGE, r->image_in);

	usage_set(&u, USAGE_OUTPUT, output);
	if (r->reasoning > 0 && (uint64_t)r->total == (uint64_t)input + (uint64_t)output + (uint64_t)r->reasoning)
		usage_set(&u, USAGE_REASONING, r->reasoning);
	else
		split(&u, USAGE_OUTPUT, USAGE_REASONING, r->reasoning);
	split(&u, USAGE_OUTPUT, USAGE_OUTPUT_AUDIO, r->audio_out);
	split(&u, USAGE_OUTPUT, USAGE_OUTPUT_IMAGE, r->image_out);
	*out = u;
}

/*
 * Perplexity's Deep Research counts what it read and how it thought beside the prompt and the completion
 * (docs.perplexity.ai, pricing); OpenRouter counts the searches of its tool.
 */
static COLD void set_searches(const int64_t n[CC_USAGE_PATHS], struct usage *u)
{
	if (n[CC_CITATIONS] > 0) {
		usage_set(u, USAGE_INPUT_TOOL, n[CC_CITATIONS]);
		usage_set(u, USAGE_OUTPUT, n[CC_COMPLETION] < 0 ? 0 : n[CC_COMPLETION]);
		usage_set(u, USAGE_REASONING, n[CC_PERPLEXITY_REASONING] < 0 ? 0 : n[CC_PERPLEXITY_REASONING]);
		u->odd = false;
	}
	if (n[CC_SEARCHES] > 0)
		usage_set_calls(u, CALLS_WEB_SEARCH, n[CC_SEARCHES]);
	else if (n[CC_OPENROUTER_SEARCHES] > 0)
		usage_set_calls(u, CALLS_WEB_SEARCH, n[CC_OPENROUTER_SEARCHES]);
}

void openai_usage_from(const int64_t n[CC_USAGE_PATHS], struct usage *out)
{
	struct report r = {
		.input = n[CC_PROMPT],
		.output = n[CC_COMPLETION],
		.total = n[CC_TOTAL],
		.cached = first(first(n[CC_CACHED], n[CC_DEEPSEEK_CACHED]),
		                first(n[CC_MOONSHOT_CACHED], n[CC_LITELLM_CACHED])),
		.cache_write = first(n[CC_CACHE_WRITE], n[CC_LITELLM_WRITE]),
		.audio_in = n[CC_AUDIO_IN],
		.image_in = n[CC_IMAGE_IN],
		.reasoning = first(n[CC_REASONING], n[CC_PERPLEXITY_REASONING]),
		.audio_out = n[CC_AUDIO_OUT],
		.image_out = n[CC_IMAGE_OUT],
	};
	if (r.input < 0 && r.output < 0 && r.total < 0)
		return;
	set_usage(&r, out);
	if (unlikely((n[CC_CITATIONS] & n[CC_SEARCHES] & n[CC_OPENROUTER_SEARCHES]) != JSON_NO_NUMBER))
		set_searches(n, out);
}

void openai_usage_read(struct str raw, struct usage *out)
{
	int64_t number[CC_USAGE_PATHS];
	struct json_fault fault;

	if (json_scan_numbers(&chat_plan, raw, ANSWER_DEPTH_MAX, NULL, number, &fault))
		openai_usage_from(number, out);
}

void responses_usage_from(const int64_t n[RESP_USAGE_PATHS], struct usage *out)
{
	struct report r = {
		.input = n[RESP_INPUT],
		.output = n[RESP_OUTPUT],
		.total = n[RESP_TOTAL],
		.cached = n[RESP_CACHED],
		.cache_write = n[RESP_CACHE_WRITE],
		.audio_in = n[RESP_AUDIO_IN],
		.image_in = n[RESP_IMAGE_IN],
		.reasoning = n[RESP_REASONING],
		.audio_out = n[RESP_AUDIO_OUT],
		.image_out = n[RESP_IMAGE_OUT],
	};
	if (r.input >= 0 || r.output >= 0)
		set_usage(&r, out);
}

void responses_usage_read(struct str raw, struct usage *out)
{
	int64_t number[RESP_USAGE_PATHS];
	struct json_fault fault;

	if (json_scan_numbers(&resp_plan, raw, ANSWER_DEPTH_MAX, NULL, number, &fault))
		responses_usage_from(number, out);
}

bool hit_is_error(const struct json_hit *hit)
{
	return hit->type == JSON_OBJECT || (hit->type == JSON_STRING && hit->value.n > 2);
}

enum dialect_answer answer_error(struct str body, struct dialect_error *error)
{
	if (error)
		dialect_read_error(200, body, NULL, 0, error);
	return ANSWER_ERROR;
}

void openai_usage_init(void)
{
	json_plan_init(&chat_plan, NULL, 0, 0);
	json_plan_numbers(&chat_plan, chat_paths, CC_USAGE_PATHS);
	json_plan_init(&resp_plan, NULL, 0, 0);
	json_plan_numbers(&resp_plan, resp_paths, RESP_USAGE_PATHS);
}
