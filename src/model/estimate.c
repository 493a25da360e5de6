/* SPDX-License-Identifier: Apache-2.0 */
/* estimate: families of tokenizers by the names of models, and the ratios that are learned for them. */
#include "model/estimate.h"

#include <assert.h>

#include "model/model_in.h"

enum {
	PRIOR = 8, WINDOW = 256,
	STEP = 10,                    /* a sample counts as off by a tenth at most */
	FACTOR = 3,                   /* samples further off than this from the default are left out */
	LEAST_TOKENS = 48,            /* of a sample: below, what surrounds the texts outweighs them */
	LEAST_BYTES = 512,
	SAMPLES_MAX = 0xffff, ERROR_MAX = 0xffff, ERROR_ONE = 10000,
	TRIES = 4,                    /* of a sample against those of other threads; then it is lost */
};

/* text, body: defaults in thousandths. */
#define FAMILY(name_, encoding_, exact_, text, body, ...)                                                      \
	{ .name = STR_INIT(name_), .encoding = encoding_, .exact = exact_,                                     \
	  .ratio = { [ESTIMATE_TEXT] = (text) * 1000, [ESTIMATE_BODY] = (body) * 1000 }, __VA_ARGS__ }

/* Where the figures come from: docs/tokens.md. */
static const struct token_family families[TOKEN_FAMILIES] = {
	[FAMILY_O200K] = FAMILY("openai-o200k", TOKENS_O200K, true, 1000, 190, .request = 3, .turn = 4,
	                        .name_of_turn = 1, .call = 8, .tools = 9, .format = 8, .format_schema = -10),
	[FAMILY_O_SERIES] = FAMILY("openai-o", TOKENS_O200K, true, 1000, 190, .request = 2, .turn = 4,
	                           .name_of_turn = 1, .call = 8, .tools = 9, .format = 8, .format_schema = -10),
	[FAMILY_GPT_5] = FAMILY("openai-gpt-5", TOKENS_O200K, true, 1000, 190, .request = 2, .turn = 4,
	                        .name_of_turn = 1, .call = 13, .tools = 90, .format_schema = -10),
	[FAMILY_CL100K] = FAMILY("openai-cl100k", TOKENS_CL100K, true, 1000, 190, .request = 3, .turn = 4,
	                         .name_of_turn = 1, .call = 8, .tools = 9, .format = 8, .format_schema = -10),
	[FAMILY_HARMONY] = FAMILY("gpt-oss", TOKENS_O200K, true, 1000, 200, .request = 63, .turn = 4,
	                          .name_of_turn = 1, .call = 8, .tools = 9, .format = 8, .format_schema = -10),
	[FAMILY_CLAUDE_3] = FAMILY("claude-3", TOKENS_O200K, false, 1150, 200, .request = 4, .turn = 3, .call = 30,
	                           .result = 20, .tools = 290, .tool = 25, .thinking = 29, .format = 110,
	                           .format_schema = 33),
	[FAMILY_CLAUDE_4_5] = FAMILY("claude-4-5", TOKENS_O200K, false, 1130, 200, .request = 4, .turn = 3, .call = 30,
	                             .result = 25, .tools = 500, .tool = 20, .forced = 105, .thinking = 29,
	                             .format = 110, .format_schema = 33),
	[FAMILY_CLAUDE_4_7] = FAMILY("claude-4-7", TOKENS_O200K, false, 1270, 230, .request = 5, .turn = 3, .call = 30,
	                             .result = 25, .tools = 366, .tool = 25, .forced = 80, .format = 110,
	                             .format_schema = 33),
	[FAMILY_GEMINI] = FAMILY("gemini", TOKENS_O200K, false, 1060, 190, .call = 25, .tool = 9, .tool_schema = -30,
	                         .format_schema = -100),
	[FAMILY_LLAMA] = FAMILY("llama", TOKENS_O200K, false, 1030, 200, .request = 30, .turn = 4, .call = 10,
	                        .tools = 150),
	[FAMILY_MISTRAL] = FAMILY("mistral", TOKENS_O200K, false, 1080, 230, .request = 2, .turn = 4, .call = 10,
	                          .tool = 25),
	[FAMILY_DEEPSEEK] = FAMILY("deepseek", TOKENS_O200K, false, 1020, 210, .request = 2, .turn = 2, .call = 30,
	                           .tools = 200, .tool = 18),
	[FAMILY_QWEN] = FAMILY("qwen", TOKENS_O200K, false, 1050, 210, .request = 3, .turn = 5, .call = 20,
	                       .tools = 120),
	[FAMILY_GROK] = FAMILY("grok", TOKENS_O200K, false, 1050, 210, .request = 150, .turn = 4, .call = 15,
	                       .tools = 100),
	[FAMILY_COHERE] = FAMILY("cohere", TOKENS_O200K, false, 1080, 210, .request = 3, .turn = 4, .call = 20,
	                         .tools = 100),
	[FAMILY_NOVA] = FAMILY("nova", TOKENS_O200K, false, 1150, 210, .request = 2, .turn = 3, .call = 20,
	                       .tools = 300),
	[FAMILY_KIMI] = FAMILY("kimi", TOKENS_O200K, false, 1020, 200, .request = 3, .turn = 5, .call = 20,
	                       .tools = 50),
	[FAMILY_GLM] = FAMILY("glm", TOKENS_O200K, false, 1030, 200, .request = 2, .turn = 3, .call = 20, .tools = 120),
	[FAMILY_MINIMAX] = FAMILY("minimax", TOKENS_O200K, false, 1050, 200, .request = 3, .turn = 4, .call = 20,
	                          .tools = 100),
	[FAMILY_OTHER] = FAMILY("other", TOKENS_O200K, false, 1150, 220, .request = 4, .turn = 4, .call = 20,
	                        .tools = 100),
};

/* On the plain name (model_in.h); the first match counts. */
static const struct {
	struct str pattern;
	enum token_family_id id;
} names[] = {
	{ STR_INIT("gpt-oss*"), FAMILY_HARMONY },
	{ STR_INIT("gpt-5*"), FAMILY_GPT_5 },
	{ STR_INIT("gpt-4o*"), FAMILY_O200K },
	{ STR_INIT("gpt-4.#*"), FAMILY_O200K },
	{ STR_INIT("gpt-4*"), FAMILY_CL100K },
	{ STR_INIT("gpt-3.5*"), FAMILY_CL100K },
	{ STR_INIT("gpt-35*"), FAMILY_CL100K },               /* Azure */
	{ STR_INIT("text-embedding-*"), FAMILY_CL100K },
	{ STR_INIT("davinci-002"), FAMILY_CL100K },
	{ STR_INIT("babbage-002"), FAMILY_CL100K },
	{ STR_INIT("gpt-*"), FAMILY_O200K },
	{ STR_INIT("chatgpt-*"), FAMILY_O200K },
	{ STR_INIT("codex-*"), FAMILY_O200K },
	{ STR_INIT("computer-use-*"), FAMILY_O200K },
	{ STR_INIT("o#"), FAMILY_O_SERIES },
	{ STR_INIT("o#-*"), FAMILY_O_SERIES },
	{ STR_INIT("ft:gpt-4o*"), FAMILY_O200K },
	{ STR_INIT("ft:gpt-4.#*"), FAMILY_O200K },
	{ STR_INIT("ft:gpt-*"), FAMILY_CL100K },
	/* Up to 4.6 the old tokenizer; what has no number yet is newer. */
	{ STR_INIT("claude-instant*"), FAMILY_CLAUDE_3 },
	{ STR_INIT("claude-2*"), FAMILY_CLAUDE_3 },
	{ STR_INIT("claude-3*"), FAMILY_CLAUDE_3 },
	{ STR_INIT("claude-v#*"), FAMILY_CLAUDE_3 },
	{ STR_INIT("claude-*-3-#*"), FAMILY_CLAUDE_3 },
	{ STR_INIT("claude-*-4-5*"), FAMILY_CLAUDE_4_5 },
	{ STR_INIT("claude-*-4-6*"), FAMILY_CLAUDE_4_5 },
	{ STR_INIT("claude-4-5*"), FAMILY_CLAUDE_4_5 },
	{ STR_INIT("claude-4-6*"), FAMILY_CLAUDE_4_5 },
	{ STR_INIT("claude-*-4-7*"), FAMILY_CLAUDE_4_7 },
	{ STR_INIT("claude-*-4-8*"), FAMILY_CLAUDE_4_7 },
	{ STR_INIT("claude-*-4-9*"), FAMILY_CLAUDE_4_7 },
	{ STR_INIT("claude-4-7*"), FAMILY_CLAUDE_4_7 },
	{ STR_INIT("claude-4-8*"), FAMILY_CLAUDE_4_7 },
	{ STR_INIT("claude-*-4*"), FAMILY_CLAUDE_3 },
	{ STR_INIT("claude-4*"), FAMILY_CLAUDE_3 },
	{ STR_INIT("claude*"), FAMILY_CLAUDE_4_7 },
	{ STR_INIT("gemini*"), FAMILY_GEMINI },
	{ STR_INIT("gemma*"), FAMILY_GEMINI },
	{ STR_INIT("*deepseek*"), FAMILY_DEEPSEEK },           /* before those that it was distilled into */
	{ STR_INIT("*llama*"), FAMILY_LLAMA },
	{ STR_INIT("*nemotron*"), FAMILY_LLAMA },
	{ STR_INIT("sonar*"), FAMILY_LLAMA },
	{ STR_INIT("*mi?tral*"), FAMILY_MISTRAL },             /* mistral, mixtral, ministral */
	{ STR_INIT("codestral*"), FAMILY_MISTRAL },
	{ STR_INIT("devstral*"), FAMILY_MISTRAL },
	{ STR_INIT("magistral*"), FAMILY_MISTRAL },
	{ STR_INIT("ministral*"), FAMILY_MISTRAL },
	{ STR_INIT("pixtral*"), FAMILY_MISTRAL },
	{ STR_INIT("voxtral*"), FAMILY_MISTRAL },
	{ STR_INIT("open-mi*"), FAMILY_MISTRAL },
	{ STR_INIT("qwen*"), FAMILY_QWEN },
	{ STR_INIT("qwq*"), FAMILY_QWEN },
	{ STR_INIT("qvq*"), FAMILY_QWEN },
	{ STR_INIT("grok*"), FAMILY_GROK },
	{ STR_INIT("command*"), FAMILY_COHERE },
	{ STR_INIT("c4ai*"), FAMILY_COHERE },
	{ STR_INIT("embed-*"), FAMILY_COHERE },
	{ STR_INIT("nova-*"), FAMILY_NOVA },
	{ STR_INIT("titan-*"), FAMILY_NOVA },
	{ STR_INIT("kimi*"), FAMILY_KIMI },
	{ STR_INIT("moonshot*"), FAMILY_KIMI },
	{ STR_INIT("glm*"), FAMILY_GLM },
	{ STR_INIT("minimax*"), FAMILY_MINIMAX },
};

const struct token_family *token_family(enum token_family_id id)
{
	assert(id < TOKEN_FAMILIES);
	return &families[id];
}

enum token_family_id token_family_of(struct str model)
{
	char room[MODEL_NAME_MAX];
	struct str name = model_name_plain(model, room);

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (model_name_match(names[i].pattern, name))
			return names[i].id;
	return FAMILY_OTHER;
}

static struct estimate_state unpack(uint64_t cell, const struct token_family *f, enum estimate_basis basis)
{
	if (cell == 0)
		return (struct estimate_state){ .ratio = f->ratio[basis] };
	return (struct estimate_state){ (uint32_t)cell, (uint32_t)(cell >> 48), (uint32_t)(cell >> 32) & 0xffff };
}

static uint64_t pack(struct estimate_state s)
{
	return s.ratio | (uint64_t)s.error << 32 | (uint64_t)s.samples << 48;
}

struct estimate_state estimate_state(const struct estimator *e, enum token_family_id id, enum estimate_basis basis)
{
	assert(id < TOKEN_FAMILIES && basis < ESTIMATE_BASES);
	uint64_t cell = e ? atomic_load_explicit(&e->learned[id][basis], memory_order_relaxed) : 0;
	return unpack(cell, &families[id], basis);
}

/* amount * ratio, rounded; no product overflows. */
static uint64_t times(uint64_t amount, uint32_t ratio)
{
	return amount / ESTIMATE_ONE * ratio + (amount % ESTIMATE_ONE * ratio + ESTIMATE_ONE / 2) / ESTIMATE_ONE;
}

uint64_t estimate_tokens(const struct estimator *e, enum token_family_id id, enum estimate_basis basis,
                         uint64_t amount)
{
	return times(amount, estimate_state(e, id, basis).ratio);
}

/* The mean `a` moved towards `b` as the n-th of its values. */
static uint32_t moved(uint32_t a, uint32_t b, uint32_t n)
{
	int64_t step = ((int64_t)b - (int64_t)a) / (int64_t)(n < WINDOW ? n : WINDOW);

	return (uint32_t)((int64_t)a + step);
}

/* `seen`, or as near to it as a sample may count. */
static uint32_t nearer(uint32_t ratio, uint32_t seen)
{
	uint32_t most = ratio / STEP + 1;

	return seen > ratio + most ? ratio + most : seen + most < ratio ? ratio - most : seen;
}

void estimate_learn(struct estimator *e, enum token_family_id id, enum estimate_basis basis, uint64_t amount,
                    uint64_t tokens)
{
	const struct token_family *f = &families[id];
	_Atomic uint64_t *cell;

	assert(id < TOKEN_FAMILIES && basis < ESTIMATE_BASES);
	if (tokens < LEAST_TOKENS || amount < (basis == ESTIMATE_BODY ? LEAST_BYTES : LEAST_TOKENS))
		return;
	if (amount > UINT32_MAX || tokens > UINT32_MAX)
		return;
	uint64_t seen = tokens * ESTIMATE_ONE / amount;
	if (seen > (uint64_t)f->ratio[basis] * FACTOR || seen * FACTOR < f->ratio[basis])
		return;
	cell = &e->learned[id][basis];
	uint64_t before = atomic_load_explicit(cell, memory_order_relaxed);
	for (int i = 0; i < TRIES; i++) {
		struct estimate_state s = unpack(before, f, basis);
		uint64_t guess = times(amount, s.ratio), off = guess > tokens ? guess - tokens : tokens - guess;
		uint64_t error = off * ERROR_ONE / tokens;
		s.error = moved(s.error, error < ERROR_MAX ? (uint32_t)error : ERROR_MAX, s.samples + 1);
		if (!(f->exact && basis == ESTIMATE_TEXT))
			s.ratio = moved(s.ratio, nearer(s.ratio, (uint32_t)seen), s.samples + 1 + PRIOR);
		s.samples += s.samples < SAMPLES_MAX;
		if (atomic_compare_exchange_weak_explicit(cell, &before, pack(s), memory_order_relaxed,
		                                          memory_order_relaxed))
			return;
	}
}
