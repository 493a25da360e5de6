/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts: what is known of one model: limits, capabilities, and the rules of its API that differ between models of the
 * same dialect. Read by the writers of all dialects. Constant, shared by all threads.
 *
 * Unknown is not "no": a capability that is neither in `caps` nor in `lacks` is not known, and a writer then sends what
 * the client asked for, since the provider knows best. Only what a model is known to lack is left out or emulated:
 *
 *	if (model_lacks(facts, CAP_JSON_SCHEMA)) …emulate…
 *
 * while what a client did not ask for is only added for a model that is known to take it:
 *
 *	if (model_has(facts, CAP_PROMPT_CACHE)) …add a mark…
 *
 * Rules (MODEL_*) are bits that are set where a model is known to have the rule.
 */
#ifndef SLUICE_MODEL_FACTS_H
#define SLUICE_MODEL_FACTS_H

#include "base/str.h"

enum model_cap {
	CAP_TOOLS            = 1 << 0,   /* client tools */
	CAP_PARALLEL_TOOLS   = 1 << 1,   /* several calls in one answer, and parallel_tool_calls may be sent */
	CAP_FORCED_TOOL      = 1 << 2,   /* tool choice any/required or by name */
	CAP_VISION           = 1 << 3,   /* images as input */
	CAP_URL_MEDIA        = 1 << 4,   /* takes https addresses of images; else they must be inline */
	CAP_AUDIO_IN         = 1 << 5,
	CAP_AUDIO_OUT        = 1 << 6,
	CAP_VIDEO            = 1 << 7,   /* video as input */
	CAP_PDF              = 1 << 8,   /* documents as input */
	CAP_JSON_OBJECT      = 1 << 9,   /* response format "any JSON object" */
	CAP_JSON_SCHEMA      = 1 << 10,  /* response format with a schema */
	CAP_REASONING        = 1 << 11,  /* thinks; see `thinking` and `effort_levels` for how it is told so */
	CAP_PROMPT_CACHE     = 1 << 12,  /* the provider caches prompts (marks, or by itself) */
	CAP_SYSTEM           = 1 << 13,  /* has a system prompt at all */
	CAP_SYSTEM_IN_TURNS  = 1 << 14,  /* takes system turns in the midst of a conversation (P15) */
	CAP_TOOL_IMAGES      = 1 << 15,  /* images inside a tool's result */
	CAP_IMAGE_OUT        = 1 << 16,  /* answers with images */
	CAP_PREFILL          = 1 << 17,  /* goes on with an assistant turn at the end */
};
enum { CAPS = 18 };

/* Rules of request parameters; "P5" and so on are the numbers in docs/catalogue.md. */
enum model_rule {
	MODEL_NO_SAMPLING           = 1 << 0,  /* P4, P5: temperature, top_p, top_k are refused */
	MODEL_NO_TEMP_WITH_TOP_P    = 1 << 1,  /* P5: one of temperature and top_p, not both */
	MODEL_MAX_COMPLETION_TOKENS = 1 << 2,  /* P2: chat completions want max_completion_tokens, not max_tokens */
	MODEL_DEVELOPER_ROLE        = 1 << 3,  /* P14: the system prompt has the role developer */
	MODEL_NO_STOP               = 1 << 4,  /* P7: stop is refused */
	MODEL_NO_PENALTIES          = 1 << 5,  /* frequency_penalty, presence_penalty, logit_bias are refused */
	MODEL_NO_LOGPROBS           = 1 << 6,
	MODEL_NO_PREFILL            = 1 << 7,  /* a conversation must not end with an assistant turn */
	MODEL_TEMP_MAX_1            = 1 << 8,  /* P4: temperature above 1 is refused */
	MODEL_THINKING_NO_FORCED    = 1 << 9,  /* P6: no forced tool choice while it thinks */
	MODEL_THINKING_ALWAYS       = 1 << 10, /* row 56: thinking cannot be turned off (`disabled`, 0 are refused) */
	MODEL_THINKS_UNASKED        = 1 << 11, /* thinks unless told not to */
	MODEL_EFFORT_CONFIG         = 1 << 12, /* row 52: Anthropic's output_config.effort is taken */
	MODEL_SIGNATURES_REQUIRED   = 1 << 13, /* O3: calls replayed without their thought signature are refused */
	MODEL_OFF_NEEDS_LOW_EFFORT  = 1 << 14, /* row 56: thinking off only with effort up to high */
	MODEL_SAMPLING_WHEN_OFF     = 1 << 15, /* with MODEL_NO_SAMPLING: they are taken while it does not think */
	MODEL_SCHEMA_SUBSET         = 1 << 16, /* S3: Gemini's responseSchema, a subset; not responseJsonSchema */
	MODEL_NO_SCHEMA_WITH_TOOLS  = 1 << 17, /* a response schema or client tools, not both */
};

/* How hard to think, in order. */
enum model_effort {
	EFFORT_NONE, EFFORT_MINIMAL, EFFORT_LOW, EFFORT_MEDIUM, EFFORT_HIGH, EFFORT_XHIGH, EFFORT_MAX,
	EFFORTS
};
#define EFFORT_BIT(effort) (1u << (effort))

/* How a model is told to think, in the words of its maker. A level stands in `effort_levels` all the same. */
enum model_thinking {
	THINKING_UNKNOWN,
	THINKING_NONE,       /* it does not */
	THINKING_BUDGET,     /* a number of tokens: Claude up to 4.5, Gemini 2.5 */
	THINKING_ADAPTIVE,   /* Claude: {"type": "adaptive"}, how much by output_config.effort */
	THINKING_EFFORT,     /* OpenAI and those like it: reasoning_effort, reasoning.effort */
	THINKING_LEVEL,      /* Gemini 3: thinkingLevel */
	THINKING_ALWAYS,     /* thinks and takes no word about it */
};

enum model_image {
	IMAGE_PNG = 1 << 0, IMAGE_JPEG = 1 << 1, IMAGE_WEBP = 1 << 2, IMAGE_GIF = 1 << 3, IMAGE_HEIC = 1 << 4,
};

struct model_facts {
	uint32_t context_window;     /* tokens of input and output; 0: not known */
	uint32_t max_output;         /* tokens; 0: not known */
	uint32_t caps, lacks;        /* enum model_cap: known to have, known to lack; never both */
	uint32_t rules;              /* enum model_rule */
	uint8_t effort_levels;       /* EFFORT_BIT: the words it takes; 0: none, or not known */
	uint8_t thinking;            /* enum model_thinking */
	uint8_t images;              /* enum model_image; 0: not known */
	uint32_t thinking_min, thinking_max;   /* THINKING_BUDGET: least and most tokens; 0: not known */
};

/* Nothing is known. */
extern const struct model_facts model_facts_unknown;

static inline bool model_has(const struct model_facts *f, enum model_cap cap)
{
	return (f->caps & cap) != 0;
}
static inline bool model_lacks(const struct model_facts *f, enum model_cap cap)
{
	return (f->lacks & cap) != 0;
}
static inline bool model_rule(const struct model_facts *f, enum model_rule rule)
{
	return (f->rules & rule) != 0;
}

/*
 * What is known of a model by its maker's name for it, wherever it runs: prefixes of hosts and regions, dates and
 * versions at the end are no part of the name ("us.anthropic.claude-opus-4-1-20250805-v1:0", "models/gemini-3-pro").
 * Never NULL; model_facts_unknown where the name says nothing. The catalogue (model/catalogue.h) adds what price lists
 * and the configuration say; a deployment has the sum of it in `facts`.
 */
const struct model_facts *model_facts_by_name(struct str model);

/*
 * The level of `levels` that is nearest to the wanted one (row 50): itself, else the next lower one, else the next
 * higher; some thinking never becomes none while there is a level of thinking. `levels` 0: the wanted one.
 */
enum model_effort model_effort_nearest(unsigned levels, enum model_effort wanted);

/* Rows 53 and 54: tokens for an effort (EFFORT_NONE: 0), not capped; and the effort of a budget in an answer of at most
 * `cap` tokens (0: not known). */
uint32_t model_effort_budget(enum model_effort);
enum model_effort model_budget_effort(uint32_t budget, uint32_t cap);

/* "none", "minimal", "low", "medium", "high", "xhigh", "max". Reading: false on another word. */
struct str model_effort_name(enum model_effort);
MUST_USE bool model_effort_by_name(struct str name, enum model_effort *out);

/* "tools", "parallel_tools", … as in the catalogue's texts; `index` is the bit's number, below CAPS. */
struct str model_cap_name(unsigned index);
/* Lays a word over the facts: "tools", or "-tools" for what the model lacks. False: no capability. */
MUST_USE bool model_cap_lay(struct model_facts *, struct str word);

#endif
