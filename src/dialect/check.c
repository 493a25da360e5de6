/* SPDX-License-Identifier: Apache-2.0 */
/* check: what no provider takes, whatever the client's dialect is; and places in the client's own words. */

#include "base/arena.h"
#include "base/text.h"
#include "dialect/chat.h"

/* ---- words ------------------------------------------------------------------------------------------------------- */

/* The neutral model's words are OpenAI's; what others call the same. Empty: the same word, or none of theirs. */
static const struct {
	struct str neutral, responses, anthropic, gemini, bedrock;
} words[] = {
	{ STR_INIT("messages["), STR_INIT("input["), STR_INIT(""), STR_INIT("contents["), STR_INIT("") },
	{ STR_INIT("max_tokens"), STR_INIT("max_output_tokens"), STR_INIT(""),
	  STR_INIT("generationConfig.maxOutputTokens"), STR_INIT("inferenceConfig.maxTokens") },
	{ STR_INIT("temperature"), STR_INIT(""), STR_INIT(""), STR_INIT("generationConfig.temperature"),
	  STR_INIT("inferenceConfig.temperature") },
	{ STR_INIT("top_p"), STR_INIT(""), STR_INIT(""), STR_INIT("generationConfig.topP"),
	  STR_INIT("inferenceConfig.topP") },
	{ STR_INIT("top_k"), STR_INIT(""), STR_INIT(""), STR_INIT("generationConfig.topK"),
	  STR_INIT("additionalModelRequestFields.top_k") },
	{ STR_INIT("n"), STR_INIT(""), STR_INIT(""), STR_INIT("generationConfig.candidateCount"), STR_INIT("") },
	{ STR_INIT("seed"), STR_INIT(""), STR_INIT(""), STR_INIT("generationConfig.seed"), STR_INIT("") },
	{ STR_INIT("stop"), STR_INIT(""), STR_INIT("stop_sequences"), STR_INIT("generationConfig.stopSequences"),
	  STR_INIT("inferenceConfig.stopSequences") },
	{ STR_INIT("reasoning"), STR_INIT(""), STR_INIT("thinking"), STR_INIT("generationConfig.thinkingConfig"),
	  STR_INIT("") },
	{ STR_INIT("response_format"), STR_INIT("text.format"), STR_INIT("output_config.format"),
	  STR_INIT("generationConfig.responseSchema"), STR_INIT("outputConfig") },
	{ STR_INIT("tool_choice"), STR_INIT(""), STR_INIT(""), STR_INIT("toolConfig.functionCallingConfig"),
	  STR_INIT("toolConfig.toolChoice") },
};

static struct str word_of(size_t i, unsigned client)
{
	if (client == DIALECT_OPENAI_RESPONSES)
		return words[i].responses;
	if (client == DIALECT_ANTHROPIC)
		return words[i].anthropic;
	if (client == DIALECT_GEMINI)
		return words[i].gemini;
	return client == DIALECT_BEDROCK ? words[i].bedrock : STR("");
}

/* "n" is no part of "name". */
static bool begins_with(struct str text, struct str word)
{
	char next = text.n > word.n ? text.p[word.n] : ':';

	return str_starts(text, word) && (str_ends(word, STR("[")) || next == ':' || next == '.' || next == '[');
}

struct str chat_in_clients_words(struct arena *a, unsigned client, struct str place)
{
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		struct str word = word_of(i, client);
		struct str said;

		if (!word.n || !begins_with(place, words[i].neutral))
			continue;
		said = arena_printf(a, "%.*s%.*s", STR_ARG(word),
		                    STR_ARG(str_slice(place, words[i].neutral.n, place.n)));
		return said.p ? said : place;
	}
	return place;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static bool whole(struct str number, const char *word, int64_t least, struct err *e)
{
	int64_t v;

	if (number.n == 0 || (json_to_i64(number, &v) && v >= least))
		return true;
	return err_set(e, ERR_INVALID_REQUEST, "%s: %.*s must be a whole number of at least %d", word,
	               STR_ARG(text_utf8_cut(number, 64)), (int)least);
}

static bool not_negative(struct str number, const char *word, struct err *e)
{
	return number.n == 0 || number.p[0] != '-' ||
	       err_set(e, ERR_INVALID_REQUEST, "%s: %.*s must not be negative", word,
	               STR_ARG(text_utf8_cut(number, 64)));
}

bool chat_request_check(const struct chat_request *rq, struct err *e)
{
	return whole(rq->max_output, "max_tokens", 0, e) && whole(rq->n, "n", 1, e) &&
	       not_negative(rq->temperature, "temperature", e) && not_negative(rq->top_p, "top_p", e);
}
