/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look: what a plan must know of a request and its bytes do not tell: what a model must be able to do for it, and how
 * many tokens its prompt is. Asked only where the deployments differ in that, since it reads the whole request; what
 * was read is given back at once, because the attempt reads it anew for its own target.
 */
#include "dialect/chat.h"
#include "gateway/gateway_in.h"
#include "gateway/look.h"
#include "govern/keys.h"
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

struct str look_model(const struct route_model *m, struct str asked)
{
	const struct deployment *d = m && m->n_deployments ? &m->deployments[0] : NULL;

	if (!d || d->has_star)
		return asked;
	return d->settings && d->settings->base_model.n ? d->settings->base_model : d->model;
}

static uint32_t cut_to_u32(uint64_t n) { return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX; }

/* `chat`: only read if they are to be counted. */
static void count_tokens(const struct look *l, const struct chat_request *chat, struct plan_ask *ask)
{
	struct token_count count;

	if (!l->count) {
		ask->prompt_tokens = cut_to_u32(estimate_tokens(l->estimator, token_family_of(l->model),
		                                                ESTIMATE_BODY, l->rq->body.n));
		ask->tokens_guessed = true;
		return;
	}
	chat_count_tokens(l->estimator, chat, l->model, l->arena, &count);
	ask->prompt_tokens = cut_to_u32(count.tokens);
	ask->tokens_guessed = count.guessed || chat->previous.p != NULL;
}

/* ---- the whole ---- */

void look_into(const struct look *l, struct plan_ask *ask)
{
	const struct dialect_request *rq = l->rq;
	struct arena_mark before = arena_mark(l->arena);
	struct chat_request chat = { .from = (uint8_t)rq->dialect->id };
	const struct json_node *body;
	struct err e;

	ask->looked |= LOOK_NEEDS | LOOK_TOKENS;
	ask->tokens_guessed = true;
	if (!rq->dialect->chat || (rq->call != CALL_GENERATE && rq->call != CALL_COUNT_TOKENS))
		return;
	/* what cannot be read is refused by whoever is asked, in better words */
	body = json_nodes(l->arena, rq->body, REQUEST_DEPTH_MAX, &e);
	if (body && rq->dialect->chat->read_request(l->arena, rq, body, &chat, &e)) {
		ask->needs = needs_of(&chat);
		count_tokens(l, &chat, ask);
	}
	arena_rewind(l->arena, before);
}

static void look_into_body(struct req *r, struct plan_ask *ask, unsigned what)
{
	struct req_open *o = r->open;
	struct str model = look_model(o->plan.model, ask->model);
	struct look l = { .rq = &o->rq, .model = model, .arena = &o->arena,
		          .estimator = r->w->gw->options.estimator };

	l.count = o->rq.dialect->chat && o->rq.body.n <= COUNT_MAX_BYTES && count_is_ready(r, model);
	if (what & LOOK_NEEDS || l.count) {
		look_into(&l, ask);
	} else {
		/* it would be read for nothing */
		count_tokens(&l, NULL, ask);
	}
}

/* For scripts. The user and tags of a request come before those of its key. */
static const struct plan_who *who_asks(struct req *r)
{
	struct req_open *o = r->open;
	struct plan_who *who = arena_zalloc(&o->arena, sizeof *who);

	if (!who)
		return NULL;
	who->key = r->key->info.name;
	who->team = r->key->info.team;
	who->user = o->text[TEXT_USER].n ? o->text[TEXT_USER] : r->key->info.user;
	who->tags = o->text[TEXT_TAGS];
	if (o->wishes)
		who->metadata = o->wishes->metadata;
	return who;
}

/* What strategy hash goes by: of another process, too, it is the same. 0: nothing is known. */
static uint64_t hash_of(struct req *r)
{
	struct req_open *o = r->open;
	const struct route_model *m = o->plan.model;
	struct str by = o->hash_by;

	if (by.n == 0 && m->hash_by == HASH_BY_SESSION)
		by = affinity_session(r);
	if (by.n == 0 && m->hash_by != HASH_BY_KEY)
		by = o->text[TEXT_USER].n ? o->text[TEXT_USER] : r->key->info.user;
	if (by.n == 0 && m->hash_by == HASH_BY_KEY)
		by = r->key->info.id;
	return by.n ? route_stable_hash(by) | 1 : 0;
}

void look_ask(struct plan_ask *ask, unsigned what)
{
	struct req *r = ask->arg;

	what &= ~(unsigned)ask->looked;
	if (what & LOOK_CONVERSATION)
		ask->conversation = affinity_conversation(r);
	if (what & LOOK_WHO)
		ask->who = who_asks(r);
	if (what & LOOK_HASH)
		ask->hash = hash_of(r);
	ask->looked |= (uint8_t)what;
	if (what & (LOOK_NEEDS | LOOK_TOKENS))
		look_into_body(r, ask, what);
}
