/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look: what a plan must know of a request and its bytes do not tell: what a model must be able to do for it, and how
 * many tokens its prompt is. Asked only where the deployments differ in that, since it reads the whole request; what
 * was read is given back at once, because the attempt reads it anew for its own target.
 */
#include "dialect/chat.h"
#include "gateway/gateway_in.h"
#include "model/count.h"
#include "model/facts.h"

/* Counting takes some 10 ns a byte, on the loop: larger bodies are estimated. */
#define COUNT_MAX_BYTES ((size_t)1 << 20)

/* ---- capabilities ---- */

static uint32_t media_needs(const struct chat_block *b)
{
	bool by_url = b->media && b->media->from == MEDIA_URL;

	switch ((enum chat_kind)b->kind) {
	case CHAT_IMAGE:
		return CAP_VISION | (by_url ? CAP_URL_MEDIA : 0);
	case CHAT_AUDIO:
		return CAP_AUDIO_IN;
	case CHAT_VIDEO:
		return CAP_VIDEO;
	case CHAT_DOCUMENT:
		/* a text is written as text for those who take no documents */
		if (b->media && b->media->from == MEDIA_TEXT)
			return 0;
		return CAP_PDF | (by_url ? CAP_URL_MEDIA : 0);
	case CHAT_TEXT: case CHAT_REFUSAL: case CHAT_REASONING: case CHAT_TOOL_CALL: case CHAT_TOOL_RESULT:
	case CHAT_RAW: case CHAT_KINDS:
		break;
	}
	return 0;
}

static uint32_t blocks_need(const struct chat_block *b)
{
	uint32_t needs = 0;

	for (; b; b = b->next)
		needs |= media_needs(b) | (b->kind == CHAT_TOOL_RESULT ? blocks_need(b->blocks) : 0);
	return needs;
}

static uint32_t tools_need(const struct chat_request *chat)
{
	bool own = false;

	for (const struct chat_tool *t = chat->tools; t; t = t->next)
		own |= t->kind != TOOL_SERVER;
	if (!own || chat->choice == CHOICE_NONE)
		return 0;
	if (chat->choice == CHOICE_ANY || chat->choice == CHOICE_TOOL ||
	    (chat->choice == CHOICE_SUBSET && chat->choice_subset_any))
		return CAP_TOOLS | CAP_FORCED_TOOL;
	return CAP_TOOLS;
}

/* OpenAI's ["text", "audio"], Gemini's ["TEXT", "AUDIO"]. */
static bool has_mode(const struct chat_request *chat, struct str openai, struct str gemini)
{
	return str_find(chat->modalities, openai) != STR_NPOS || str_find(chat->modalities, gemini) != STR_NPOS;
}

static uint32_t answer_needs(const struct chat_request *chat)
{
	uint32_t needs = 0;

	if (chat->format == FORMAT_JSON)
		needs |= CAP_JSON_OBJECT;
	if (chat->format == FORMAT_SCHEMA)
		needs |= CAP_JSON_SCHEMA;
	if ((chat->has_effort && chat->effort != EFFORT_NONE) || chat->thinking == TRI_YES)
		needs |= CAP_REASONING;
	if (has_mode(chat, STR("\"audio\""), STR("\"AUDIO\"")))
		needs |= CAP_AUDIO_OUT;
	if (has_mode(chat, STR("\"image\""), STR("\"IMAGE\"")))
		needs |= CAP_IMAGE_OUT;
	return needs;
}

static uint32_t needs_of(const struct chat_request *chat)
{
	uint32_t needs = blocks_need(chat->system) | tools_need(chat) | answer_needs(chat);

	for (const struct chat_turn *t = chat->turns; t; t = t->next)
		needs |= blocks_need(t->blocks);
	return needs;
}

/* ---- tokens ---- */

/* The model whose tokens are counted: those of a group are mostly of one family. */
static struct str model_to_count_for(const struct plan *p, const struct plan_ask *ask)
{
	const struct deployment *d = p->model && p->model->n_deployments ? &p->model->deployments[0] : NULL;

	if (!d || d->has_star)
		return ask->model;
	return d->settings && d->settings->base_model.n ? d->settings->base_model : d->model;
}

static uint32_t cut_to_u32(uint64_t n) { return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX; }

static void count_tokens(struct req *r, struct plan_ask *ask, const struct chat_request *chat)
{
	struct req_open *o = r->open;
	const struct estimator *e = r->w->gw->options.estimator;
	struct str model = model_to_count_for(&o->plan, ask);
	struct token_count count;

	if (o->rq.body.n > COUNT_MAX_BYTES || !count_is_ready(r, model)) {
		ask->prompt_tokens =
			cut_to_u32(estimate_tokens(e, token_family_of(model), ESTIMATE_BODY, o->rq.body.n));
		ask->tokens_guessed = true;
		return;
	}
	chat_count_tokens(e, chat, model, &o->arena, &count);
	ask->prompt_tokens = cut_to_u32(count.tokens);
	ask->tokens_guessed = count.guessed || chat->previous.p != NULL;
}

/* ---- the whole ---- */

static void look_into_chat(struct req *r, struct plan_ask *ask)
{
	struct req_open *o = r->open;
	const struct chat_codec *codec = o->rq.dialect->chat;
	struct arena_mark before = arena_mark(&o->arena);
	struct chat_request chat = { .from = (uint8_t)o->rq.dialect->id };
	const struct json_node *body;
	struct err e;

	/* what cannot be read is refused by whoever is asked, in better words */
	body = json_nodes(&o->arena, o->rq.body, REQUEST_DEPTH_MAX, &e);
	if (body && codec->read_request(&o->arena, &o->rq, body, &chat, &e)) {
		ask->needs = needs_of(&chat);
		count_tokens(r, ask, &chat);
	} else {
		ask->tokens_guessed = true;
	}
	arena_rewind(&o->arena, before);
}

void look_ask(struct plan_ask *ask, unsigned what)
{
	struct req *r = ask->arg;
	struct req_open *o = r->open;

	what &= ~(unsigned)ask->looked;
	if (what & LOOK_CONVERSATION)
		ask->conversation = affinity_conversation(r);
	ask->looked |= (uint8_t)what;
	if (what & (LOOK_NEEDS | LOOK_TOKENS)) {
		ask->looked |= LOOK_NEEDS | LOOK_TOKENS;
		ask->tokens_guessed = true;
		if (o->rq.dialect->chat && (o->rq.call == CALL_GENERATE || o->rq.call == CALL_COUNT_TOKENS))
			look_into_chat(r, ask);
	}
}
