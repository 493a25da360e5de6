/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quirk: how a provider departs from the dialect that it speaks. Data of a provider's row (provider/rows.c), read by
 * who writes requests to it and reads its answers (dialect/). Without any, a Chat Completions server is taken to be
 * what most are: it takes max_tokens, system and no developer role, stream_options, ignores members that it does not
 * know, and shows reasoning as reasoning_content. Rules P2 … O6 are those of the translation between dialects.
 */
#ifndef SLUICE_MODEL_QUIRK_H
#define SLUICE_MODEL_QUIRK_H

enum quirk {
	/* Of the gateway */
	QUIRK_KNOWS_ROUTING           = 1u << 0,  /* understands OpenRouter's `models` and `provider` members */
	QUIRK_KEY_OPTIONAL            = 1u << 1,  /* a local server: works without a credential */

	/* Requests */
	QUIRK_NO_STREAM_OPTIONS       = 1u << 2,  /* refuses stream_options; reports usage in the last chunk unasked */
	QUIRK_MAX_COMPLETION_TOKENS   = 1u << 3,  /* the output's cap is max_completion_tokens, not max_tokens (P2) */
	QUIRK_DEVELOPER_ROLE          = 1u << 4,  /* knows the role developer (P14) */
	QUIRK_STRICT_MEMBERS          = 1u << 5,  /* answers 400 to members that it does not know (P19) */
	QUIRK_NO_JSON_SCHEMA          = 1u << 6,  /* response_format: json_object only (S7) */
	QUIRK_NO_JSON_OBJECT          = 1u << 7,  /* response_format: json_schema only (S7) */
	QUIRK_NO_TOOL_REQUIRED        = 1u << 8,  /* tool_choice: neither required nor a named tool */
	QUIRK_TOOL_CHOICE_ANY         = 1u << 9,  /* tool_choice: required is called any */
	QUIRK_CALL_ID_9               = 1u << 10, /* ids of tool calls are exactly 9 letters and digits (T5) */
	QUIRK_RANDOM_SEED             = 1u << 11, /* seed is called random_seed */
	QUIRK_NO_MESSAGE_NAME         = 1u << 12, /* refuses messages[].name (T19) */
	QUIRK_NO_LOGPROBS             = 1u << 13, /* refuses logprobs, top_logprobs and logit_bias */
	QUIRK_NO_PENALTIES            = 1u << 14, /* refuses frequency_penalty and presence_penalty */
	QUIRK_ONE_CHOICE              = 1u << 15, /* refuses n > 1 */
	QUIRK_NO_PARALLEL_SWITCH      = 1u << 16, /* refuses parallel_tool_calls */
	QUIRK_NO_USER                 = 1u << 17, /* refuses user and safety_identifier */
	QUIRK_PLAIN_CONTENT           = 1u << 18, /* content must be a string, not parts */
	QUIRK_CACHE_CONTROL           = 1u << 19, /* takes Anthropic's cache_control on content parts (row 91) */
	QUIRK_COHERE_SAMPLING         = 1u << 20, /* calls top_p p, top_k k */

	/* Reasoning */
	QUIRK_REASONING_MEMBER        = 1u << 21, /* the member is `reasoning`, not reasoning_content */
	QUIRK_REASONING_DETAILS       = 1u << 22, /* reasoning_details, to be replayed unmodified (O5) */
	QUIRK_REASONING_PARTS         = 1u << 23, /* as parts of content: {"type":"thinking"} or {"type":"reasoning"} */
	QUIRK_REASONING_REPLAY        = 1u << 24, /* wants reasoning_content back on turns with tool calls (O6) */
	QUIRK_REASONING_TAGS          = 1u << 25, /* may come as <think>…</think> at the start of the text (O8) */
	QUIRK_THINKING_SWITCH         = 1u << 26, /* thinking: {"type": "enabled" | "disabled"} besides an effort */
	QUIRK_ENABLE_THINKING         = 1u << 27, /* enable_thinking and thinking_budget in place of an effort */

	/* Answers */
	QUIRK_OUTPUT_SANS_REASONING   = 1u << 28, /* completion_tokens do not hold the reasoning tokens (xAI) */
	QUIRK_EXTRA_CONTENT           = 1u << 29, /* extra_content.google.thought_signature on tool calls (O3) */

	/* Embeddings */
	QUIRK_INPUT_TYPE              = 1u << 30, /* input_type is wanted (M3) */

	/* Of a provider with both of OpenAI's APIs: thoughts are shown and taken back by Responses only */
	QUIRK_RESPONSES_THINKS        = 1u << 31,
};

#endif
