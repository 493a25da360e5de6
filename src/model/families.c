/* SPDX-License-Identifier: Apache-2.0 */
/*
 * families: our own table of limits, capabilities and rules, by family of models. From the makers' documentation and
 * from what their APIs said of themselves (the lists of models of Anthropic, Gemini, Mistral, Groq and Copilot, and
 * errors). Read docs/catalogue.md before changing it. The first pattern that matches counts: the special ones come
 * first. What is not certain is left out: unknown is better than wrong.
 */
#include "model/model_in.h"

/* Sets that many rows share. */
#define TEXT_TOOLS (CAP_SYSTEM | CAP_TOOLS | CAP_PARALLEL_TOOLS | CAP_FORCED_TOOL)
#define SCHEMA     (CAP_JSON_OBJECT | CAP_JSON_SCHEMA)
#define NO_MEDIA   (CAP_VISION | CAP_AUDIO_IN | CAP_VIDEO | CAP_AUDIO_OUT | CAP_IMAGE_OUT)
#define IMAGES_4   (IMAGE_PNG | IMAGE_JPEG | IMAGE_WEBP | IMAGE_GIF)
#define IMAGES_GG  (IMAGE_PNG | IMAGE_JPEG | IMAGE_WEBP | IMAGE_HEIC)

#define NONE    EFFORT_BIT(EFFORT_NONE)
#define MINIMAL EFFORT_BIT(EFFORT_MINIMAL)
#define LOW     EFFORT_BIT(EFFORT_LOW)
#define MEDIUM  EFFORT_BIT(EFFORT_MEDIUM)
#define HIGH    EFFORT_BIT(EFFORT_HIGH)
#define XHIGH   EFFORT_BIT(EFFORT_XHIGH)
#define MAX     EFFORT_BIT(EFFORT_MAX)

/* ---- Anthropic ---- */

#define CLAUDE_CAPS   (TEXT_TOOLS | CAP_VISION | CAP_URL_MEDIA | CAP_PDF | CAP_PROMPT_CACHE | CAP_TOOL_IMAGES)
#define CLAUDE_LACKS  (CAP_AUDIO_IN | CAP_AUDIO_OUT | CAP_VIDEO | CAP_IMAGE_OUT)
#define CLAUDE_RULES  (MODEL_TEMP_MAX_1 | MODEL_NO_PENALTIES | MODEL_NO_LOGPROBS | MODEL_THINKING_NO_FORCED)
/* Since 4.7: no sampling at all, so P5's pair is covered too. */
#define CLAUDE_5_RULES (CLAUDE_RULES | MODEL_NO_SAMPLING | MODEL_NO_PREFILL | MODEL_EFFORT_CONFIG)
#define CLAUDE_NEW(pattern_, more_caps, more_rules, levels)                                                  \
	{ STR_INIT(pattern_),                                                                                \
	  { .context_window = 1000000, .max_output = 128000,                                                 \
	    .caps = CLAUDE_CAPS | CAP_REASONING | CAP_JSON_SCHEMA | (more_caps), .lacks = CLAUDE_LACKS,      \
	    .rules = CLAUDE_5_RULES | (more_rules), .effort_levels = levels, .thinking = THINKING_ADAPTIVE,  \
	    .images = IMAGES_4 } }
#define CLAUDE_BUDGET(pattern_, context, output, more_caps, more_lacks, more_rules, levels)                  \
	{ STR_INIT(pattern_),                                                                                \
	  { .context_window = context, .max_output = output, .caps = CLAUDE_CAPS | CAP_REASONING | (more_caps), \
	    .lacks = CLAUDE_LACKS | CAP_SYSTEM_IN_TURNS | (more_lacks), .rules = CLAUDE_RULES | (more_rules), \
	    .effort_levels = levels, .thinking = THINKING_BUDGET, .images = IMAGES_4, .thinking_min = 1024,   \
	    .thinking_max = (output) - 1 } }
#define CLAUDE_OLD(pattern_, output, the_caps, more_lacks)                                                    \
	{ STR_INIT(pattern_),                                                                                \
	  { .context_window = 200000, .max_output = output, .caps = the_caps,                                \
	    .lacks = CLAUDE_LACKS | CAP_SYSTEM_IN_TURNS | CAP_JSON_SCHEMA | CAP_REASONING | (more_lacks),    \
	    .rules = CLAUDE_RULES, .thinking = THINKING_NONE, .images = IMAGES_4 } }

/* ---- OpenAI ---- */

#define GPT_CAPS (TEXT_TOOLS | CAP_VISION | CAP_URL_MEDIA | CAP_PDF | SCHEMA | CAP_PROMPT_CACHE | CAP_SYSTEM_IN_TURNS)
#define GPT_LACKS (CAP_VIDEO | CAP_AUDIO_IN | CAP_AUDIO_OUT)
#define GPT_RULES (MODEL_MAX_COMPLETION_TOKENS | MODEL_DEVELOPER_ROLE | MODEL_NO_SAMPLING | MODEL_NO_PENALTIES | \
	           MODEL_NO_LOGPROBS)
#define REASONING(pattern_, context, output, less_caps, more_rules, levels)                                  \
	{ STR_INIT(pattern_),                                                                                \
	  { .context_window = context, .max_output = output, .caps = (GPT_CAPS | CAP_REASONING) & ~(less_caps), \
	    .lacks = GPT_LACKS | (less_caps), .rules = GPT_RULES | (more_rules), .effort_levels = levels,    \
	    .thinking = THINKING_EFFORT, .images = IMAGES_4 } }
#define GPT(pattern_, context, output, the_caps, the_lacks)                                                  \
	{ STR_INIT(pattern_),                                                                                \
	  { .context_window = context, .max_output = output, .caps = the_caps,                               \
	    .lacks = (the_lacks) | CAP_REASONING, .thinking = THINKING_NONE, .images = IMAGES_4 } }
#define GPT_UNASKED (MODEL_NO_STOP | MODEL_THINKS_UNASKED | MODEL_THINKING_ALWAYS)
#define GPT_SWITCH  (MODEL_NO_STOP | MODEL_SAMPLING_WHEN_OFF)

/* ---- Google ---- */

#define GEMINI_CAPS (TEXT_TOOLS | CAP_VISION | CAP_AUDIO_IN | CAP_VIDEO | CAP_PDF | SCHEMA | CAP_PROMPT_CACHE)
#define GEMINI(pattern_, context, output, the_caps, the_lacks, the_rules, levels, kind, least, most)          \
	{ STR_INIT(pattern_),                                                                                \
	  { .context_window = context, .max_output = output, .caps = the_caps,                               \
	    .lacks = (the_lacks) | CAP_SYSTEM_IN_TURNS, .rules = the_rules, .effort_levels = levels,         \
	    .thinking = kind, .images = IMAGES_GG, .thinking_min = least, .thinking_max = most } }
#define GEMINI_3_RULES (MODEL_SIGNATURES_REQUIRED | MODEL_THINKING_ALWAYS | MODEL_THINKS_UNASKED)
#define GEMINI_2_RULES (MODEL_NO_SCHEMA_WITH_TOOLS)

/* ---- others ---- */

#define OPEN(pattern_, context, output, the_caps, the_lacks, the_rules, levels, kind)                          \
	{ STR_INIT(pattern_),                                                                                \
	  { .context_window = context, .max_output = output, .caps = the_caps, .lacks = the_lacks,           \
	    .rules = the_rules, .effort_levels = levels, .thinking = kind } }

const struct model_family model_families[] = {
	CLAUDE_NEW("claude-fable-*", CAP_SYSTEM_IN_TURNS, MODEL_THINKING_ALWAYS | MODEL_THINKS_UNASKED,
	           LOW | MEDIUM | HIGH | XHIGH | MAX),
	CLAUDE_NEW("claude-mythos-*", CAP_SYSTEM_IN_TURNS, MODEL_THINKING_ALWAYS | MODEL_THINKS_UNASKED,
	           LOW | MEDIUM | HIGH | XHIGH | MAX),
	CLAUDE_NEW("claude-opus-5*", CAP_SYSTEM_IN_TURNS, MODEL_OFF_NEEDS_LOW_EFFORT,
	           LOW | MEDIUM | HIGH | XHIGH | MAX),
	CLAUDE_NEW("claude-5*opus*", CAP_SYSTEM_IN_TURNS, MODEL_OFF_NEEDS_LOW_EFFORT,
	           LOW | MEDIUM | HIGH | XHIGH | MAX),
	CLAUDE_NEW("claude-sonnet-5*", CAP_SYSTEM_IN_TURNS, MODEL_THINKS_UNASKED, LOW | MEDIUM | HIGH | XHIGH | MAX),
	CLAUDE_NEW("claude-5*sonnet*", CAP_SYSTEM_IN_TURNS, MODEL_THINKS_UNASKED, LOW | MEDIUM | HIGH | XHIGH | MAX),
	CLAUDE_NEW("claude-opus-4-8*", CAP_SYSTEM_IN_TURNS, 0, LOW | MEDIUM | HIGH | XHIGH | MAX),
	CLAUDE_NEW("claude-4-8-opus*", CAP_SYSTEM_IN_TURNS, 0, LOW | MEDIUM | HIGH | XHIGH | MAX),
	CLAUDE_NEW("claude-opus-4-7*", 0, 0, LOW | MEDIUM | HIGH | XHIGH | MAX),
	CLAUDE_NEW("claude-4-7-opus*", 0, 0, LOW | MEDIUM | HIGH | XHIGH | MAX),
	/* 4.6 takes both kinds of thinking; adaptive is the one its documentation recommends. */
	{ STR_INIT("claude-*-4-6*"),
	  { .context_window = 1000000, .max_output = 128000, .caps = CLAUDE_CAPS | CAP_REASONING | CAP_JSON_SCHEMA,
	    .lacks = CLAUDE_LACKS | CAP_SYSTEM_IN_TURNS,
	    .rules = CLAUDE_RULES | MODEL_NO_TEMP_WITH_TOP_P | MODEL_NO_PREFILL | MODEL_EFFORT_CONFIG,
	    .effort_levels = LOW | MEDIUM | HIGH | MAX, .thinking = THINKING_ADAPTIVE, .images = IMAGES_4,
	    .thinking_min = 1024, .thinking_max = 127999 } },
	CLAUDE_BUDGET("claude-opus-4-5*", 200000, 64000, CAP_JSON_SCHEMA, 0,
	              MODEL_NO_TEMP_WITH_TOP_P | MODEL_EFFORT_CONFIG, LOW | MEDIUM | HIGH),
	CLAUDE_BUDGET("claude-4-5-opus*", 200000, 64000, CAP_JSON_SCHEMA, 0,
	              MODEL_NO_TEMP_WITH_TOP_P | MODEL_EFFORT_CONFIG, LOW | MEDIUM | HIGH),
	CLAUDE_BUDGET("claude-*-4-5*", 200000, 64000, CAP_JSON_SCHEMA, 0, MODEL_NO_TEMP_WITH_TOP_P, 0),
	CLAUDE_BUDGET("claude-4-5-*", 200000, 64000, CAP_JSON_SCHEMA, 0, MODEL_NO_TEMP_WITH_TOP_P, 0),
	CLAUDE_BUDGET("claude-opus-4-1*", 200000, 32000, CAP_JSON_SCHEMA, 0, MODEL_NO_TEMP_WITH_TOP_P, 0),
	CLAUDE_BUDGET("claude-opus-4*", 200000, 32000, 0, CAP_JSON_SCHEMA, 0, 0),
	CLAUDE_BUDGET("claude-4-opus*", 200000, 32000, 0, CAP_JSON_SCHEMA, 0, 0),
	CLAUDE_BUDGET("claude-sonnet-4*", 200000, 64000, 0, CAP_JSON_SCHEMA, 0, 0),
	CLAUDE_BUDGET("claude-4-sonnet*", 200000, 64000, 0, CAP_JSON_SCHEMA, 0, 0),
	CLAUDE_BUDGET("claude-3-7-sonnet*", 200000, 64000, 0, CAP_JSON_SCHEMA, 0, 0),
	CLAUDE_BUDGET("claude-sonnet-3-7*", 200000, 64000, 0, CAP_JSON_SCHEMA, 0, 0),
	CLAUDE_OLD("claude-3-5-*", 8192, CLAUDE_CAPS, 0),
	CLAUDE_OLD("claude-3-haiku*", 4096, CLAUDE_CAPS & ~CAP_PDF, CAP_PDF),
	CLAUDE_OLD("claude-3-*", 4096, CLAUDE_CAPS & ~(CAP_PDF | CAP_PROMPT_CACHE), CAP_PDF),
	CLAUDE_OLD("claude-2*", 4096, CAP_SYSTEM, CAP_TOOLS | CAP_VISION | CAP_PDF),
	CLAUDE_OLD("claude-v2*", 4096, CAP_SYSTEM, CAP_TOOLS | CAP_VISION | CAP_PDF),
	CLAUDE_OLD("claude-instant*", 4096, CAP_SYSTEM, CAP_TOOLS | CAP_VISION | CAP_PDF),
	/* P1: a Claude that is newer than this table is like the newest in it, in the little that all have. */
	{ STR_INIT("claude-*"),
	  { .max_output = 128000, .caps = CAP_SYSTEM | CAP_TOOLS | CAP_PROMPT_CACHE, .rules = MODEL_TEMP_MAX_1 } },

	GPT("gpt-3.5-turbo-instruct*", 4096, 4096, CAP_SYSTEM, CAP_TOOLS | NO_MEDIA),
	GPT("gpt-3.5-*", 16385, 4096, CAP_SYSTEM | CAP_TOOLS | CAP_JSON_OBJECT | CAP_SYSTEM_IN_TURNS,
	    NO_MEDIA | CAP_JSON_SCHEMA | CAP_PDF),
	GPT("gpt-4-32k*", 32768, 32768, CAP_SYSTEM | CAP_TOOLS | CAP_SYSTEM_IN_TURNS,
	    NO_MEDIA | CAP_JSON_SCHEMA | CAP_PDF),
	GPT("gpt-4-turbo*", 128000, 4096, (GPT_CAPS & ~(CAP_JSON_SCHEMA | CAP_PDF | CAP_PROMPT_CACHE)),
	    GPT_LACKS | CAP_JSON_SCHEMA),
	GPT("gpt-4-1106*", 128000, 4096, TEXT_TOOLS | CAP_JSON_OBJECT | CAP_SYSTEM_IN_TURNS,
	    GPT_LACKS | CAP_JSON_SCHEMA),
	GPT("gpt-4-0125*", 128000, 4096, TEXT_TOOLS | CAP_JSON_OBJECT | CAP_SYSTEM_IN_TURNS,
	    GPT_LACKS | CAP_JSON_SCHEMA),
	GPT("gpt-4.1*", 1047576, 32768, GPT_CAPS, GPT_LACKS),
	GPT("gpt-4.5*", 128000, 16384, GPT_CAPS, GPT_LACKS),
	GPT("gpt-4o-2024-05-13", 128000, 4096, (GPT_CAPS & ~(CAP_JSON_SCHEMA | CAP_PROMPT_CACHE)),
	    GPT_LACKS | CAP_JSON_SCHEMA),
	GPT("gpt-4o*-audio*", 128000, 16384, TEXT_TOOLS | CAP_AUDIO_IN | CAP_AUDIO_OUT, CAP_VISION | CAP_JSON_SCHEMA),
	GPT("gpt-audio*", 128000, 16384, TEXT_TOOLS | CAP_AUDIO_IN | CAP_AUDIO_OUT, CAP_VISION | CAP_JSON_SCHEMA),
	GPT("gpt-4o*-search*", 128000, 16384, CAP_SYSTEM | SCHEMA, GPT_LACKS | CAP_TOOLS),
	GPT("gpt-4o*-realtime*", 0, 4096, TEXT_TOOLS | CAP_AUDIO_IN | CAP_AUDIO_OUT, 0),
	GPT("gpt-4o*-transcribe*", 16000, 2000, CAP_AUDIO_IN, CAP_TOOLS),
	GPT("gpt-4o*-tts*", 2000, 0, CAP_AUDIO_OUT, CAP_TOOLS),
	GPT("gpt-4o*", 128000, 16384, GPT_CAPS, GPT_LACKS),
	GPT("chatgpt-4o*", 128000, 16384, CAP_SYSTEM | CAP_VISION | CAP_URL_MEDIA, CAP_TOOLS | CAP_JSON_SCHEMA),
	GPT("gpt-4", 8192, 8192, CAP_SYSTEM | CAP_TOOLS | CAP_SYSTEM_IN_TURNS, NO_MEDIA | CAP_JSON_SCHEMA | CAP_PDF),
	GPT("gpt-4-0*", 8192, 8192, CAP_SYSTEM | CAP_TOOLS | CAP_SYSTEM_IN_TURNS,
	    NO_MEDIA | CAP_JSON_SCHEMA | CAP_PDF),
	/* Served by many; P2 and P14 hold at OpenAI's own API only, where it is not. */
	OPEN("gpt-oss*", 131072, 0, CAP_SYSTEM | CAP_TOOLS | CAP_REASONING, NO_MEDIA | CAP_PDF, MODEL_THINKING_ALWAYS,
	     LOW | MEDIUM | HIGH, THINKING_EFFORT),
	GPT("gpt-5*-chat*", 128000, 16384, GPT_CAPS & ~CAP_TOOLS, GPT_LACKS),
	REASONING("gpt-5-codex*", 400000, 128000, 0, GPT_UNASKED, LOW | MEDIUM | HIGH),
	REASONING("gpt-5-pro*", 400000, 272000, 0, GPT_UNASKED, HIGH),
	REASONING("gpt-5-image*", 400000, 128000, 0, GPT_UNASKED, MINIMAL | LOW | MEDIUM | HIGH),
	REASONING("gpt-5", 400000, 128000, 0, GPT_UNASKED, MINIMAL | LOW | MEDIUM | HIGH),
	REASONING("gpt-5-*", 400000, 128000, 0, GPT_UNASKED, MINIMAL | LOW | MEDIUM | HIGH),
	REASONING("gpt-5.1-codex-max*", 400000, 128000, 0, GPT_UNASKED, LOW | MEDIUM | HIGH | XHIGH),
	REASONING("gpt-5.1-codex*", 400000, 128000, 0, GPT_UNASKED, LOW | MEDIUM | HIGH),
	REASONING("gpt-5.1*", 400000, 128000, 0, GPT_SWITCH, NONE | LOW | MEDIUM | HIGH),
	REASONING("gpt-5.*-codex*", 400000, 128000, 0, GPT_UNASKED, LOW | MEDIUM | HIGH | XHIGH),
	REASONING("gpt-5.2-pro*", 400000, 128000, 0, GPT_UNASKED, MEDIUM | HIGH | XHIGH),
	REASONING("gpt-5.2*", 400000, 128000, 0, GPT_SWITCH, NONE | LOW | MEDIUM | HIGH | XHIGH),
	REASONING("gpt-5.4-pro*", 1050000, 128000, 0, GPT_UNASKED, MEDIUM | HIGH | XHIGH),
	REASONING("gpt-5.4-mini*", 400000, 128000, 0, GPT_SWITCH, NONE | LOW | MEDIUM | HIGH | XHIGH),
	REASONING("gpt-5.4-nano*", 400000, 128000, 0, GPT_SWITCH, NONE | LOW | MEDIUM | HIGH | XHIGH),
	REASONING("gpt-5.4*", 1050000, 128000, 0, GPT_SWITCH, NONE | LOW | MEDIUM | HIGH | XHIGH),
	REASONING("gpt-5.5-pro*", 1050000, 128000, 0, GPT_UNASKED, MEDIUM | HIGH | XHIGH),
	REASONING("gpt-5.5*", 1050000, 128000, 0, GPT_SWITCH | MODEL_THINKS_UNASKED,
	          NONE | LOW | MEDIUM | HIGH | XHIGH),
	REASONING("gpt-5.6*", 1050000, 128000, 0, GPT_SWITCH | MODEL_THINKS_UNASKED,
	          NONE | LOW | MEDIUM | HIGH | XHIGH | MAX),
	REASONING("gpt-5.#*", 0, 0, 0, GPT_SWITCH | MODEL_THINKS_UNASKED, 0),
	REASONING("gpt-6*", 1050000, 0, 0, GPT_SWITCH | MODEL_THINKS_UNASKED, 0),
	{ STR_INIT("o1-mini*"),
	  { .context_window = 128000, .max_output = 65536, .caps = CAP_REASONING,
	    .lacks = NO_MEDIA | CAP_SYSTEM | CAP_SYSTEM_IN_TURNS | CAP_TOOLS | SCHEMA | CAP_PDF,
	    .rules = MODEL_MAX_COMPLETION_TOKENS | MODEL_NO_SAMPLING | MODEL_NO_PENALTIES | MODEL_NO_LOGPROBS,
	    .thinking = THINKING_ALWAYS } },
	{ STR_INIT("o1-preview*"),
	  { .context_window = 128000, .max_output = 32768, .caps = CAP_REASONING,
	    .lacks = NO_MEDIA | CAP_SYSTEM | CAP_SYSTEM_IN_TURNS | CAP_TOOLS | SCHEMA | CAP_PDF,
	    .rules = MODEL_MAX_COMPLETION_TOKENS | MODEL_NO_SAMPLING | MODEL_NO_PENALTIES | MODEL_NO_LOGPROBS,
	    .thinking = THINKING_ALWAYS } },
	REASONING("o1*", 200000, 100000, CAP_PARALLEL_TOOLS, MODEL_THINKING_ALWAYS | MODEL_THINKS_UNASKED,
	          LOW | MEDIUM | HIGH),
	REASONING("o3-mini*", 200000, 100000, CAP_PARALLEL_TOOLS | CAP_VISION | CAP_PDF | CAP_URL_MEDIA,
	          MODEL_THINKING_ALWAYS | MODEL_THINKS_UNASKED, LOW | MEDIUM | HIGH),
	REASONING("o3*", 200000, 100000, 0, GPT_UNASKED, LOW | MEDIUM | HIGH),
	REASONING("o4-*", 200000, 100000, 0, GPT_UNASKED, LOW | MEDIUM | HIGH),

	GEMINI("gemini-*-tts*", 8192, 16384, CAP_AUDIO_OUT, CAP_TOOLS | CAP_VISION | SCHEMA, 0, 0,
	       THINKING_UNKNOWN, 0, 0),
	GEMINI("gemini-2.5-flash-image*", 32768, 32768, CAP_VISION | CAP_IMAGE_OUT, CAP_TOOLS, 0, 0,
	       THINKING_NONE, 0, 0),
	GEMINI("gemini-3*-image*", 65536, 32768, CAP_VISION | CAP_IMAGE_OUT | CAP_REASONING, CAP_TOOLS, 0, 0,
	       THINKING_UNKNOWN, 0, 0),
	GEMINI("gemini-embedding*", 8192, 0, 0, CAP_TOOLS, 0, 0, THINKING_NONE, 0, 0),
	GEMINI("gemini-*live*", 131072, 0, CAP_AUDIO_IN | CAP_AUDIO_OUT, 0, 0, 0, THINKING_UNKNOWN, 0, 0),
	GEMINI("gemini-*native-audio*", 131072, 8192, CAP_AUDIO_IN | CAP_AUDIO_OUT, 0, 0, 0, THINKING_UNKNOWN, 0, 0),
	GEMINI("gemini-1.5-pro*", 2097152, 8192, GEMINI_CAPS, CAP_REASONING, GEMINI_2_RULES | MODEL_SCHEMA_SUBSET, 0,
	       THINKING_NONE, 0, 0),
	GEMINI("gemini-1.5*", 1048576, 8192, GEMINI_CAPS, CAP_REASONING, GEMINI_2_RULES | MODEL_SCHEMA_SUBSET, 0,
	       THINKING_NONE, 0, 0),
	GEMINI("gemini-2.0-flash-thinking*", 1048576, 65536, CAP_VISION | CAP_SYSTEM | CAP_REASONING, CAP_TOOLS,
	       MODEL_SCHEMA_SUBSET, 0, THINKING_ALWAYS, 0, 0),
	GEMINI("gemini-2.0*", 1048576, 8192, GEMINI_CAPS, CAP_REASONING, GEMINI_2_RULES | MODEL_SCHEMA_SUBSET, 0,
	       THINKING_NONE, 0, 0),
	GEMINI("gemini-2.5-pro*", 1048576, 65536, GEMINI_CAPS | CAP_REASONING, CAP_IMAGE_OUT,
	       GEMINI_2_RULES | MODEL_THINKING_ALWAYS | MODEL_THINKS_UNASKED, 0, THINKING_BUDGET, 128, 32768),
	GEMINI("gemini-2.5-flash-lite*", 1048576, 65536, GEMINI_CAPS | CAP_REASONING, CAP_IMAGE_OUT, GEMINI_2_RULES, 0,
	       THINKING_BUDGET, 512, 24576),
	GEMINI("gemini-2.5-flash*", 1048576, 65536, GEMINI_CAPS | CAP_REASONING, CAP_IMAGE_OUT,
	       GEMINI_2_RULES | MODEL_THINKS_UNASKED, 0, THINKING_BUDGET, 1, 24576),
	GEMINI("gemini-3-pro*", 1048576, 65536, GEMINI_CAPS | CAP_REASONING | CAP_TOOL_IMAGES, CAP_IMAGE_OUT,
	       GEMINI_3_RULES, LOW | HIGH, THINKING_LEVEL, 0, 0),
	GEMINI("gemini-3*-pro*", 1048576, 65536, GEMINI_CAPS | CAP_REASONING | CAP_TOOL_IMAGES, CAP_IMAGE_OUT,
	       GEMINI_3_RULES, LOW | MEDIUM | HIGH, THINKING_LEVEL, 0, 0),
	GEMINI("gemini-3*-flash*", 1048576, 65536, GEMINI_CAPS | CAP_REASONING | CAP_TOOL_IMAGES, CAP_IMAGE_OUT,
	       GEMINI_3_RULES, MINIMAL | LOW | MEDIUM | HIGH, THINKING_LEVEL, 0, 0),
	GEMINI("gemini-pro-latest", 1048576, 65536, GEMINI_CAPS | CAP_REASONING | CAP_TOOL_IMAGES, CAP_IMAGE_OUT,
	       GEMINI_3_RULES, LOW | MEDIUM | HIGH, THINKING_LEVEL, 0, 0),
	GEMINI("gemini-flash*-latest", 1048576, 65536, GEMINI_CAPS | CAP_REASONING | CAP_TOOL_IMAGES, CAP_IMAGE_OUT,
	       GEMINI_3_RULES, MINIMAL | LOW | MEDIUM | HIGH, THINKING_LEVEL, 0, 0),
	GEMINI("gemini-3*", 1048576, 65536, GEMINI_CAPS | CAP_REASONING, 0, GEMINI_3_RULES, 0, THINKING_LEVEL, 0, 0),
	OPEN("gemma-3*", 0, 0, 0, CAP_SYSTEM_IN_TURNS, 0, 0, THINKING_NONE),

	OPEN("magistral-*", 0, 0, CAP_SYSTEM | CAP_TOOLS | SCHEMA | CAP_REASONING, CAP_AUDIO_IN | CAP_VIDEO, 0, 0,
	     THINKING_ALWAYS),
	OPEN("mistral-small-2603", 262144, 0, TEXT_TOOLS | SCHEMA | CAP_VISION | CAP_URL_MEDIA | CAP_REASONING,
	     CAP_AUDIO_IN | CAP_VIDEO, 0, NONE | HIGH, THINKING_EFFORT),
	OPEN("mistral-small-latest", 262144, 0, TEXT_TOOLS | SCHEMA | CAP_VISION | CAP_URL_MEDIA | CAP_REASONING,
	     CAP_AUDIO_IN | CAP_VIDEO, 0, NONE | HIGH, THINKING_EFFORT),
	OPEN("mistral-medium-2604", 262144, 0, TEXT_TOOLS | SCHEMA | CAP_VISION | CAP_URL_MEDIA | CAP_REASONING,
	     CAP_AUDIO_IN | CAP_VIDEO, 0, NONE | HIGH, THINKING_EFFORT),
	OPEN("mistral-medium-3?5*", 262144, 0, TEXT_TOOLS | SCHEMA | CAP_VISION | CAP_URL_MEDIA | CAP_REASONING,
	     CAP_AUDIO_IN | CAP_VIDEO, 0, NONE | HIGH, THINKING_EFFORT),
	OPEN("mistral-medium-latest", 262144, 0, TEXT_TOOLS | SCHEMA | CAP_VISION | CAP_URL_MEDIA | CAP_REASONING,
	     CAP_AUDIO_IN | CAP_VIDEO, 0, NONE | HIGH, THINKING_EFFORT),
	OPEN("mistral-medium-250?", 131072, 0, TEXT_TOOLS | SCHEMA | CAP_VISION | CAP_URL_MEDIA,
	     CAP_AUDIO_IN | CAP_VIDEO | CAP_REASONING, 0, 0, THINKING_NONE),
	OPEN("mistral-large-2512", 262144, 0, TEXT_TOOLS | SCHEMA | CAP_VISION | CAP_URL_MEDIA,
	     CAP_AUDIO_IN | CAP_VIDEO | CAP_REASONING, 0, 0, THINKING_NONE),
	OPEN("mistral-large-latest", 262144, 0, TEXT_TOOLS | SCHEMA | CAP_VISION | CAP_URL_MEDIA,
	     CAP_AUDIO_IN | CAP_VIDEO | CAP_REASONING, 0, 0, THINKING_NONE),
	OPEN("ministral-3b-*", 131072, 0, TEXT_TOOLS | SCHEMA, CAP_AUDIO_IN | CAP_VIDEO | CAP_REASONING, 0, 0,
	     THINKING_NONE),
	OPEN("ministral-*", 262144, 0, TEXT_TOOLS | SCHEMA, CAP_AUDIO_IN | CAP_VIDEO | CAP_REASONING, 0, 0,
	     THINKING_NONE),
	OPEN("codestral-embed*", 8192, 0, 0, CAP_TOOLS, 0, 0, THINKING_NONE),
	OPEN("codestral-*", 256000, 0, TEXT_TOOLS | SCHEMA, NO_MEDIA | CAP_REASONING, 0, 0, THINKING_NONE),
	OPEN("devstral-*", 262144, 0, TEXT_TOOLS | SCHEMA, CAP_REASONING, 0, 0, THINKING_NONE),
	OPEN("pixtral-*", 131072, 0, TEXT_TOOLS | SCHEMA | CAP_VISION | CAP_URL_MEDIA, CAP_REASONING, 0, 0,
	     THINKING_NONE),
	OPEN("voxtral-small-*", 32768, 0, CAP_SYSTEM | CAP_TOOLS | CAP_AUDIO_IN, CAP_VISION | CAP_REASONING, 0, 0,
	     THINKING_NONE),

	OPEN("grok-3-mini*", 131072, 0, TEXT_TOOLS | SCHEMA | CAP_REASONING, NO_MEDIA,
	     MODEL_NO_STOP | MODEL_NO_PENALTIES | MODEL_THINKING_ALWAYS, LOW | HIGH, THINKING_EFFORT),
	OPEN("grok-3*", 131072, 0, TEXT_TOOLS | SCHEMA, NO_MEDIA | CAP_REASONING, 0, 0, THINKING_NONE),
	OPEN("grok-4*-non-reasoning*", 0, 0, TEXT_TOOLS | SCHEMA | CAP_VISION | CAP_URL_MEDIA, CAP_REASONING, 0, 0,
	     THINKING_NONE),
	OPEN("grok-4-0709", 256000, 0, TEXT_TOOLS | SCHEMA | CAP_VISION | CAP_URL_MEDIA | CAP_REASONING, CAP_VIDEO,
	     MODEL_NO_STOP | MODEL_NO_PENALTIES | MODEL_THINKING_ALWAYS, 0, THINKING_ALWAYS),
	OPEN("grok-4", 256000, 0, TEXT_TOOLS | SCHEMA | CAP_VISION | CAP_URL_MEDIA | CAP_REASONING, CAP_VIDEO,
	     MODEL_NO_STOP | MODEL_NO_PENALTIES | MODEL_THINKING_ALWAYS, 0, THINKING_ALWAYS),
	OPEN("grok-4*", 0, 0, TEXT_TOOLS | SCHEMA | CAP_VISION | CAP_URL_MEDIA | CAP_REASONING, CAP_VIDEO,
	     MODEL_NO_STOP | MODEL_NO_PENALTIES, 0, THINKING_UNKNOWN),
	OPEN("grok-code-*", 256000, 0, TEXT_TOOLS | SCHEMA | CAP_REASONING, NO_MEDIA,
	     MODEL_NO_STOP | MODEL_NO_PENALTIES | MODEL_THINKING_ALWAYS, 0, THINKING_ALWAYS),

	/* S7: any JSON object, and the word JSON in the prompt. */
	OPEN("deepseek-reasoner*", 0, 65536,
	     CAP_SYSTEM | CAP_TOOLS | CAP_JSON_OBJECT | CAP_REASONING | CAP_PROMPT_CACHE,
	     NO_MEDIA | CAP_JSON_SCHEMA | CAP_PDF, MODEL_THINKING_ALWAYS, 0, THINKING_ALWAYS),
	OPEN("deepseek-chat*", 0, 8192, TEXT_TOOLS | CAP_JSON_OBJECT | CAP_PROMPT_CACHE,
	     NO_MEDIA | CAP_JSON_SCHEMA | CAP_PDF, 0, 0, THINKING_NONE),
	OPEN("deepseek-r1*", 0, 0, CAP_SYSTEM | CAP_REASONING, NO_MEDIA | CAP_PDF, MODEL_THINKING_ALWAYS, 0,
	     THINKING_ALWAYS),
	OPEN("r1-v1*", 128000, 32768, CAP_SYSTEM | CAP_REASONING, NO_MEDIA | CAP_PDF | CAP_TOOLS,
	     MODEL_THINKING_ALWAYS, 0, THINKING_ALWAYS),
	OPEN("deepseek-v#*", 0, 0, TEXT_TOOLS | CAP_JSON_OBJECT, NO_MEDIA | CAP_PDF, 0, 0, THINKING_UNKNOWN),

	OPEN("nova-micro*", 128000, 10000, CAP_SYSTEM | CAP_TOOLS | CAP_PROMPT_CACHE,
	     NO_MEDIA | CAP_PDF | CAP_REASONING, 0,
	     0, THINKING_NONE),
	OPEN("nova-lite*", 300000, 10000, CAP_SYSTEM | CAP_TOOLS | CAP_VISION | CAP_VIDEO | CAP_PDF | CAP_PROMPT_CACHE,
	     CAP_AUDIO_IN | CAP_REASONING, 0, 0, THINKING_NONE),
	OPEN("nova-pro*", 300000, 10000, CAP_SYSTEM | CAP_TOOLS | CAP_VISION | CAP_VIDEO | CAP_PDF | CAP_PROMPT_CACHE,
	     CAP_AUDIO_IN | CAP_REASONING, 0, 0, THINKING_NONE),
	OPEN("nova-premier*", 1000000, 10000, CAP_SYSTEM | CAP_TOOLS | CAP_VISION | CAP_VIDEO | CAP_PDF,
	     CAP_AUDIO_IN | CAP_REASONING, 0, 0, THINKING_NONE),
	OPEN("titan-text-*", 0, 0, 0, CAP_SYSTEM | CAP_TOOLS | NO_MEDIA | CAP_REASONING, 0, 0, THINKING_NONE),

	OPEN("command-a*", 256000, 8192, TEXT_TOOLS | SCHEMA, CAP_AUDIO_IN | CAP_VIDEO, 0, 0, THINKING_UNKNOWN),
	OPEN("command-r*", 128000, 4096, TEXT_TOOLS | SCHEMA, NO_MEDIA | CAP_REASONING, 0, 0, THINKING_NONE),

	OPEN("kimi-k2-thinking*", 262144, 0, CAP_SYSTEM | CAP_TOOLS | CAP_REASONING, NO_MEDIA, MODEL_THINKING_ALWAYS, 0,
	     THINKING_ALWAYS),
	OPEN("kimi-k2.?*", 262144, 0, CAP_SYSTEM | CAP_TOOLS | CAP_VISION | CAP_REASONING, 0, 0, 0, THINKING_UNKNOWN),
	OPEN("kimi-k2*", 0, 0, CAP_SYSTEM | CAP_TOOLS, NO_MEDIA, 0, 0, THINKING_UNKNOWN),

	OPEN("llama-4-*", 0, 0, CAP_SYSTEM | CAP_TOOLS | CAP_VISION, CAP_AUDIO_IN | CAP_REASONING, 0, 0, THINKING_NONE),
	OPEN("llama4-*", 0, 0, CAP_SYSTEM | CAP_TOOLS | CAP_VISION, CAP_AUDIO_IN | CAP_REASONING, 0, 0, THINKING_NONE),
	OPEN("llama-3.1-*", 131072, 0, CAP_SYSTEM | CAP_TOOLS, NO_MEDIA | CAP_PDF | CAP_REASONING, 0, 0, THINKING_NONE),
	OPEN("llama-3.3-*", 131072, 0, CAP_SYSTEM | CAP_TOOLS, NO_MEDIA | CAP_PDF | CAP_REASONING, 0, 0, THINKING_NONE),
	OPEN("llama3-1-*", 131072, 0, CAP_SYSTEM | CAP_TOOLS, NO_MEDIA | CAP_PDF | CAP_REASONING, 0, 0, THINKING_NONE),
	OPEN("llama3-3-*", 131072, 0, CAP_SYSTEM | CAP_TOOLS, NO_MEDIA | CAP_PDF | CAP_REASONING, 0, 0, THINKING_NONE),
	OPEN("llama3.1*", 131072, 0, CAP_SYSTEM | CAP_TOOLS, NO_MEDIA | CAP_PDF | CAP_REASONING, 0, 0, THINKING_NONE),
	OPEN("llama3.3*", 131072, 0, CAP_SYSTEM | CAP_TOOLS, NO_MEDIA | CAP_PDF | CAP_REASONING, 0, 0, THINKING_NONE),

	OPEN("sonar-reasoning*", 0, 0, CAP_SYSTEM | CAP_JSON_SCHEMA | CAP_REASONING, CAP_TOOLS, 0, 0, THINKING_ALWAYS),
	OPEN("sonar-deep-research*", 0, 0, CAP_SYSTEM | CAP_REASONING, CAP_TOOLS, 0, LOW | MEDIUM | HIGH,
	     THINKING_EFFORT),
	OPEN("sonar*", 0, 0, CAP_SYSTEM | CAP_JSON_SCHEMA, CAP_TOOLS | CAP_REASONING, 0, 0, THINKING_NONE),
};
const size_t model_families_n = COUNT_OF(model_families);
