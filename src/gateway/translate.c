/* SPDX-License-Identifier: Apache-2.0 */
/* translate: a request to a provider of another dialect, and what its answer's translation must know of it. */

#include "base/text.h"
#include "gateway/carry.h"
#include "gateway/gateway_in.h"
#include "govern/keys.h"

#define DROPPED_MAX_BYTES 1024
#define ROOM_BYTES (16u << 20)           /* of a translated request, besides its body's texts */

bool req_is_translated(const struct req *r)
{
	return r->open->candidate.dialect != r->open->rq.dialect || r->open->own_state;
}

/* Anthropic's makes of Claude go by its rules wherever they run. */
static bool is_claude(struct str model) { return str_find(model, STR("claude")) != STR_NPOS; }

/* The value of the client's field among the lines kept for upstream; empty: it sent none. */
static struct str forwarded(const struct req_open *o, struct str name)
{
	struct str lines = o->forward;

	while (lines.n) {
		struct str line = str_cut(&lines, '\n'), value = line, key = str_cut(&value, ':');

		if (str_ieq(key, name))
			return str_trim(value);
	}
	return (struct str){ 0 };
}

/* The client's request in the neutral model; read anew for each target, since writers may change it. */
bool translate_read(struct req *r, struct chat_request *out, struct err *e)
{
	struct req_open *o = r->open;
	struct str text = o->rq.body;
	const struct json_node *body;

	if (o->rq.dialect->id == DIALECT_OPENAI_RESPONSES && !responses_resolve(r, &text, e))
		return false;
	body = json_nodes(&o->arena, text, REQUEST_DEPTH_MAX, e);
	*out = (struct chat_request){ .from = (uint8_t)o->rq.dialect->id };
	if (!body || !o->rq.dialect->chat->read_request(&o->arena, &o->rq, body, out, e))
		return false;
	out->stream = o->rq.stream;
	if (forwarded(o, STR("anthropic-beta")).n)
		out->betas = forwarded(o, STR("anthropic-beta"));
	return true;
}

/* Names as a header's value: visible ASCII, bounded. */
static void note_dropped(struct req *r, const struct chat_drops *drops, bool more)
{
	struct req_open *o = r->open;
	struct str before = more ? o->dropped : (struct str){ 0 };
	char *text = drops->first ? arena_alloc(&o->arena, DROPPED_MAX_BYTES) : NULL;
	size_t n = before.n;

	o->dropped = before;
	if (!text || before.n >= DROPPED_MAX_BYTES)
		return;
	if (n) {
		memcpy(text, before.p, n);
		text[n++] = ',';
	}
	for (const struct chat_drop *d = drops->first; d; d = d->next) {
		struct str name = chat_in_clients_words(&o->arena, o->rq.dialect->id, d->name);

		if (n + name.n + 4 > DROPPED_MAX_BYTES) {
			size_t dots = DROPPED_MAX_BYTES - n < 3 ? DROPPED_MAX_BYTES - n : 3;
			memcpy(text + n, "...", dots);
			n += dots;
			break;
		}
		for (size_t i = 0; i < name.n; i++) {
			char c = name.p[i];

			text[n++] = c > ' ' && c < 0x7f && c != ',' ? c : '?';
		}
		if (d->next)
			text[n++] = ',';
	}
	o->dropped = str_of(text, n);
}

struct str req_tenant(const struct req *r)
{
	return r->key->tenant;
}

/* Clients of these dialects send no reasoning back, or without its token. */
static bool loses_thoughts(enum dialect_id client)
{
	return client == DIALECT_OPENAI_CHAT || client == DIALECT_OPENAI_COMPLETIONS || client == DIALECT_OLLAMA ||
	       client == DIALECT_COHERE;
}

/* What the answer's tokens are noted with; no tap where nothing is kept. */
static struct translation_tap make_tap(struct req *r)
{
	struct keep *keep = r->w->gw->options.keep;

	recall_free(r->recall);
	r->recall = keep && r->key ? recall_new(keep, req_tenant(r), loses_thoughts(r->endpoint->dialect)) : NULL;
	return (struct translation_tap){ r->recall ? recall_note : NULL, r->recall };
}

static bool is_strict(const struct req *r) { return req_conf(r)->translation->strict; }

bool translate_reports(struct req *r, const struct chat_drops *drops)
{
	const struct candidate *c = &r->open->candidate;

	if (drops->first && is_strict(r))
		return err_set(&r->open->err, ERR_UNSUPPORTED_PARAMETER, "%.*s: the %s API of %.*s has no word for it",
		               STR_ARG(chat_in_clients_words(&r->open->arena, r->open->rq.dialect->id,
		                       drops->first->name)),
		               c->dialect->name, STR_ARG(c->deployment->provider->name));
	note_dropped(r, drops, false);
	return true;
}

/* The error speaks of the client's request. */
static enum attempt_start refuse_request(struct req *r)
{
	struct err *e = &r->open->err;
	struct str said = str_from_z(e->text), text;

	text = chat_in_clients_words(&r->open->arena, r->open->rq.dialect->id, said);
	if (text.p != said.p) {
		text = text_utf8_cut(text, sizeof(e->text) - 1);
		memcpy(e->text, text.p, text.n);
		e->text[text.n] = '\0';
	}
	return START_NOT;
}

static enum attempt_start refuse(struct err *e, enum err_code code, const char *text)
{
	err_set(e, code, "%s", text);
	return START_NOT;
}

static bool has_thoughts(const struct chat_request *rq)
{
	for (const struct chat_turn *t = rq->turns; t; t = t->next)
		for (const struct chat_block *b = t->blocks; b; b = b->next)
			if (b->kind == CHAT_REASONING && b->opaque.maker == MAKER_OPENAI)
				return true;
	return false;
}

/* Chat Completions show no thoughts and take none back; Responses do, but have no word for stop, seed and the like. */
static void prefer_responses(struct candidate *c, const struct chat_request *rq)
{
	static const uint64_t only_chat = MEMBER_BIT(MEMBER_STOP) | MEMBER_BIT(MEMBER_SEED) | MEMBER_BIT(MEMBER_N) |
	                                  MEMBER_BIT(MEMBER_FREQUENCY_PENALTY) | MEMBER_BIT(MEMBER_PRESENCE_PENALTY) |
	                                  MEMBER_BIT(MEMBER_LOGIT_BIAS);

	if (c->dialect->id != DIALECT_OPENAI_CHAT || !(c->deployment->provider->quirks & QUIRK_RESPONSES_THINKS) ||
	    !(c->face->dialects & DIALECT_BIT(DIALECT_OPENAI_RESPONSES)) || c->face->envelope != ENVELOPE_PLAIN)
		return;
	if (!(rq->set & only_chat) && (rq->has_effort || rq->thinking == TRI_YES || has_thoughts(rq)))
		c->dialect = dialect_by_id(DIALECT_OPENAI_RESPONSES);
}

/* A large body that is mostly one image stands in memory again as a data URI, and again in the provider's request. */
static void make_room(struct req_open *o)
{
	size_t wanted = 3 * o->rq.body.n + ROOM_BYTES;

	if (o->arena.max_bytes < wanted)
		o->arena.max_bytes = wanted;
}

/* Reads the request, once for each attempt. */
static bool begin(struct req *r)
{
	struct req_open *o = r->open;
	struct err *e = &o->err;

	make_room(o);
	o->wire = arena_zalloc(&o->arena, sizeof *o->wire);
	o->chat = arena_zalloc(&o->arena, sizeof *o->chat);
	if (!o->wire || !o->chat)
		return err_set(e, ERR_TOO_LARGE, "the request needs more memory than it may have");
	o->wire->drops.arena = &o->arena;
	if (!translate_read(r, o->chat, e) || !chat_request_check(o->chat, e)) {
		(void)refuse_request(r);
		return false;
	}
	prefer_responses(&o->candidate, o->chat);
	if (r->w->gw->options.keep && r->key &&
	    !recall_fill(r->w->gw->options.keep, req_tenant(r), &o->arena, o->chat))
		return err_set(e, ERR_TOO_LARGE, "the request needs more memory than it may have");
	if (unlikely(o->carry != NULL) && !carry_prompt(r, o->chat, e))
		return false;
	count_sample(r, o->chat);
	return true;
}

enum attempt_start translate_request(struct req *r, struct str *body, struct str *head)
{
	struct req_open *o = r->open;
	struct candidate *c = &o->candidate;
	const struct route_provider *p = c->deployment->provider;
	struct chat_target target = {
		.model = jstr_from(&o->arena, c->model),
		.facts = deployment_facts(c->deployment, c->model),
		.quirks = p->quirks,
		.bedrock_claude = is_claude(c->model),
		.ask_usage = !(p->quirks & QUIRK_NO_STREAM_OPTIONS),
	};

	struct err *e = &o->err;

	if (embed_is(r))
		return embed_request(r, body);
	if (rerank_is(r))
		return rerank_request(r, body);
	if (!o->media.waits && !begin(r))
		return START_NOT;
	o->media.waits = false;
	switch (media_ready(r)) {
	case MEDIA_READY:
		break;
	case MEDIA_WAIT:
		o->media.waits = true;
		return START_WAIT;
	case MEDIA_FAILED:
		return START_NOT;
	}
	if (!target.model.p)
		return refuse(e, ERR_TOO_LARGE, "the request needs more memory than it may have");
	if (o->chat->cached_content.n && c->dialect->id != DIALECT_GEMINI) {
		err_set(e, ERR_UNSUPPORTED_PARAMETER,
		        "cachedContent: what it names is Gemini's, and %.*s cannot see it", STR_ARG(p->name));
		return START_NOT;
	}
	if (!chat_tools_check(o->chat, c->dialect->id, e) ||
	    !c->dialect->chat->write_request(&o->arena, o->chat, &target, o->wire, e))
		return refuse_request(r);
	if (!translate_reports(r, &o->wire->drops))
		return START_NOT;
	*body = o->wire->body;
	*head = o->wire->head;
	return START_OK;
}

struct str translate_path(struct req *r)
{
	struct req_open *o = r->open;
	const struct dialect *d = o->candidate.dialect;

	if (embed_is(r))
		return embed_path(r);
	struct dialect_request rq = {
		.dialect = d, .call = o->rq.call, .stream = r->want_stream,
		.framing = r->want_stream ? FRAMING_SSE : FRAMING_WHOLE,
		.query = r->want_stream && d->id == DIALECT_GEMINI ? STR("alt=sse") : (struct str){ 0 },
	};

	/* cppcheck-suppress returnDanglingLifetime ; what is made is in the arena */
	return d->upstream_path(&o->arena, &rq, o->candidate.model);
}

/* Of the client's fields only those that mean the same to everybody. */
struct str translate_forward(struct req *r)
{
	static const struct str names[] = {
		STR_INIT("user-agent"), STR_INIT("traceparent"), STR_INIT("tracestate"), STR_INIT("baggage"),
	};
	struct req_open *o = r->open;
	char *at = arena_alloc(&o->arena, o->forward.n + 1), *start = at;
	struct str lines = o->forward;

	if (!at)
		return (struct str){ 0 };
	while (lines.n) {
		struct str line = str_cut(&lines, '\n'), rest = line, key = str_cut(&rest, ':');

		for (size_t i = 0; i < COUNT_OF(names); i++)
			if (str_ieq(key, names[i])) {
				at = put_str(at, line);
				*at++ = '\n';
			}
	}
	return str_of(start, (size_t)(at - start));
}

/* False: the arena is full. */
static bool fill_options(struct req *r, struct translation_options *out)
{
	struct req_open *o = r->open;
	const struct candidate *c = &o->candidate;
	char *id = arena_alloc(&o->arena, ULID_LEN);

	if (!id)
		return false;
	ulid_text(id, r->id);
	*out = (struct translation_options){
		.provider = c->dialect->chat,
		.client = o->rq.dialect->chat,
		.source = { .model = jstr_from(&o->arena, c->model), .quirks = c->deployment->provider->quirks,
			    .bedrock_claude = is_claude(c->model) },
		.undo = &o->wire->undo,
		.tap = make_tap(r),
		.reply = { .id = jstr_of(id, ULID_LEN), .created_s = ulid_time_ms(r->id) / 1000,
			   .model = jstr_from(&o->arena, o->rq.model), .usage_asked = o->rq.usage_asked,
			   .framing = o->rq.framing,
			   .max_bytes = (size_t)req_conf(r)->upstream->response_max_bytes },
		.frame_max_bytes = (size_t)req_conf(r)->upstream->event_max_bytes,
		.keep_max_bytes = o->carries ? CARRY_MAX_BYTES : 0,
	};
	if (!out->source.model.p || !out->reply.model.p)
		return false;
	if (out->client->fill_reply && !out->client->fill_reply(&o->arena, o->chat, &out->reply))
		return false;
	if (o->rq.dialect->id == DIALECT_OPENAI_RESPONSES)
		responses_keep_input(r, &out->reply);
	return true;
}

bool translate_stream(struct req *r)
{
	struct translation_options options;
	struct translation_join join;

	if (unlikely(r->relaying)) {
		if (!fill_options(r, &options))
			return false;
		join = carry_join(r);
		return translation_resume(r->translation, &options, &join);
	}
	if (unlikely(r->open->carries))
		r->open->carries = carry_fits(r->open->chat);
	translation_free(r->translation);
	r->translation = fill_options(r, &options) ? translation_new(&options) : NULL;
	return r->translation != NULL;
}

bool translate_answer(struct req *r, struct err *e)
{
	struct req_open *o = r->open;
	struct translation_options options;
	struct buf out = buf_make(o->answer.max);
	struct chat_drops drops = { .arena = &o->arena };
	bool good;

	if (embed_is(r))
		return embed_answer(r, e);
	if (rerank_is(r))
		return rerank_answer(r, e);
	good = fill_options(r, &options);

	if (!good)
		err_set(e, ERR_UPSTREAM, "the provider's answer needs more memory than it may have");
	good = good && translation_whole(&options, &o->arena, buf_str(&o->answer), &out, &drops, e);
	if (good) {
		note_dropped(r, &drops, true);
		buf_fini(&o->answer);
		o->answer = out;
	} else {
		buf_fini(&out);
	}
	return good;
}

/* Of a provider's fields, those that a client of another dialect can use: whom to ask about the request. */
bool translate_passes_field(struct str name)
{
	return str_ieq(name, STR("request-id")) || str_ieq(name, STR("x-amzn-requestid")) ||
	       str_ieq(name, STR("openai-processing-ms")) || str_ieq(name, STR("apim-request-id"));
}

struct str translate_content_type(const struct req *r)
{
	switch (r->open->rq.framing) {
	case FRAMING_SSE: return STR("text/event-stream");
	case FRAMING_LINES: return STR("application/x-ndjson");
	case FRAMING_EVENTSTREAM: return STR("application/vnd.amazon.eventstream");
	case FRAMING_JSON_ARRAY:
	case FRAMING_WHOLE: break;
	}
	return STR("application/json");
}

struct str translate_accepted_type(const struct req *r)
{
	switch (r->open->candidate.dialect->chat->framing) {
	case FRAMING_LINES: return STR("application/x-ndjson");
	case FRAMING_EVENTSTREAM: return STR("application/vnd.amazon.eventstream");
	case FRAMING_JSON_ARRAY: return STR("application/json");
	case FRAMING_SSE:
	case FRAMING_WHOLE: break;
	}
	return STR("text/event-stream");
}
