/* SPDX-License-Identifier: Apache-2.0 */
/* anthropic_stream_write: neutral events as a stream of Messages (rules B1-B6). One block is open at a time; the order
 * of events sees to that (chat_codec.one_block). */
#include <assert.h>

#include "dialect/anthropic_in.h"

enum { FINISH_MAX = 65536, DETAIL_MAX = 4096, ID_MAX = 4096, TOKEN_MAX = 1 << 20 };

#define EVENT(name) STR("event: " name "\ndata: {\"type\":\"" name "\"")

static bool end_frame(struct buf *out)
{
	return buf_append(out, STR("}\n\n")) && !out->failed;
}

/* What was written elsewhere may have line ends, which would end the frame's line. */
static void put_raw(struct buf *out, struct str raw)
{
	char *to = buf_reserve(out, raw.n);

	if (!to)
		return;
	for (size_t i = 0; i < raw.n; i++)
		to[i] = raw.p[i] == '\n' || raw.p[i] == '\r' ? ' ' : raw.p[i];
	out->n += raw.n;
}

static void put_jstr(struct buf *out, struct jstr s)
{
	buf_append_c(out, '"');
	buf_append_jstr(out, s);
	buf_append_c(out, '"');
}

/* ---- the message's begin and end --------------------------------------------------------------------------------- */

static bool write_start(struct anthropic_writer *s, struct arena *a, const struct chat_event *ev, struct buf *out)
{
	bool given = ev && ev->kind == EVENT_START;
	struct jstr id = given ? ev->start.id : (struct jstr){ 0 };
	struct jstr model = given ? ev->start.model : (struct jstr){ 0 };

	if (s->started)
		return true;
	s->started = true;
	if (!model.p)
		model = s->reply->model;
	buf_append(out, EVENT("message_start"));
	buf_append(out, STR(",\"message\":{\"id\":"));
	put_jstr(out, anthropic_message_id(a, id, s->reply));
	buf_append(out, STR(",\"type\":\"message\",\"role\":\"assistant\",\"model\":"));
	put_jstr(out, model);
	/* Nothing is known of the usage yet; what counts is the one in message_delta. */
	buf_append(out, STR(",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":0,"
	                    "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":0}}"));
	return end_frame(out);
}

/* Of Anthropic's words for a stop, those that come with details or are nobody else's. */
static bool is_own_word(struct jstr raw)
{
	return jstr_is(raw, STR("refusal")) || jstr_is(raw, STR("pause_turn")) || jstr_is(raw, STR("compaction"));
}

/* Kept until the usage is known: it comes behind the finish (B5). */
static bool hold_finish(struct anthropic_writer *s, const struct chat_event *ev)
{
	struct json_writer w;

	if (ev->choice > 0 || s->finished)
		return true;
	s->finished = true;
	s->gave_up = ev->finish.stop == STOP_ERROR;
	w = json_writer_make(&s->finish);
	json_open(&w, '{');
	anthropic_write_finish(&w, &ev->finish, s->called,
	                       is_own_word(ev->finish.raw) && ev->finish.detail.n < DETAIL_MAX);
	json_close(&w);
	return !s->finish.failed;
}

/* Row 67: the provider gave up, which is no way for a message to end. */
static bool write_failure(struct anthropic_writer *s, struct buf *out)
{
	struct err e;

	err_set(&e, ERR_UPSTREAM, "the provider could not finish the answer");
	return anthropic_write_stream_error(s, &e, STR(""), out);
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

static void begin_delta(struct anthropic_writer *s, struct buf *out, struct str type_and_key)
{
	buf_append(out, EVENT("content_block_delta"));
	buf_append(out, STR(",\"index\":"));
	buf_append_u64(out, s->blocks);
	buf_append(out, STR(",\"delta\":{\"type\":\""));
	buf_append(out, type_and_key);
}

static bool text_delta(struct anthropic_writer *s, struct buf *out, struct str type_and_key, struct jstr text)
{
	begin_delta(s, out, type_and_key);
	put_jstr(out, text);
	buf_append_c(out, '}');
	return end_frame(out);
}

static void begin_block(struct anthropic_writer *s, struct buf *out)
{
	buf_append(out, EVENT("content_block_start"));
	buf_append(out, STR(",\"index\":"));
	buf_append_u64(out, s->blocks);
	buf_append(out, STR(",\"content_block\":"));
}

static bool stop_block(struct anthropic_writer *s, struct buf *out)
{
	buf_append(out, EVENT("content_block_stop"));
	buf_append(out, STR(",\"index\":"));
	buf_append_u64(out, s->blocks++);
	s->open = false;
	return end_frame(out);
}

/* A thought that says nothing but holds the token of the call before or behind it. */
static bool write_token(struct anthropic_writer *s, struct jstr signature, struct buf *out)
{
	begin_block(s, out);
	buf_append(out, STR("{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}"));
	end_frame(out);
	text_delta(s, out, STR("signature_delta\",\"signature\":"), signature);
	return stop_block(s, out);
}

/* A token that came when its call was open already. */
static bool keep_token(struct anthropic_writer *s, struct arena *a, const struct chat_opaque *o)
{
	struct chat_opaque bound = *o;
	struct jstr text;

	if (!o->bytes.p || s->token.n)
		return true;
	bound.id = jstr_of(s->call_id.p, s->call_id.n);
	text = chat_opaque_wrap(a, &bound);
	return text.p && buf_append_jstr(&s->token, text);
}

static bool open_call(struct anthropic_writer *s, struct arena *a, const struct chat_block *b, struct buf *out)
{
	struct jstr signature;

	s->called = true;
	buf_clear(&s->token);
	buf_clear(&s->call_id);
	if (!buf_append_jstr(&s->call_id, b->id))
		return false;
	if (!anthropic_call_token(b))
		return true;
	signature = anthropic_call_signature(a, b);
	return signature.p && write_token(s, signature, out);
}

static void write_call_head(const struct chat_block *b, struct buf *out)
{
	buf_append(out, STR("{\"type\":\"tool_use\",\"id\":"));
	put_jstr(out, b->id);
	buf_append(out, STR(",\"name\":"));
	put_jstr(out, b->name);
	buf_append(out, STR(",\"input\":{}"));
	for (const struct chat_extra *x = b->extras; x; x = x->next) {
		if (x->from != DIALECT_ANTHROPIC)
			continue;
		buf_append_c(out, ',');
		put_jstr(out, x->name);
		buf_append_c(out, ':');
		put_raw(out, x->raw);
	}
	buf_append_c(out, '}');
}

/* What a thought is opened with may be all of its token (Gemini's of a text), or the beginning of it (Responses). */
static bool keep_signature(struct anthropic_writer *s, struct arena *a, const struct chat_block *b)
{
	struct jstr text;

	buf_clear(&s->token);
	if (!b->opaque.bytes.p)
		return true;
	text = anthropic_signature(a, &b->opaque);
	return text.p && buf_append_jstr(&s->token, text);
}

static bool open_block(struct anthropic_writer *s, struct arena *a, const struct chat_event *ev, struct buf *out)
{
	const struct chat_block *b = ev->open;
	bool raw = anthropic_is_raw(b);

	assert(!s->open); /* the order of events (one_block) */
	s->open_block = ev->block;
	s->kind = b->kind;
	s->part = 0;
	s->any = s->signed_ = false;
	s->skipping = ev->choice > 0 || (!raw && !anthropic_answer_type(b));
	s->open = true;
	if (s->skipping)
		return true;
	if (!raw && b->kind == CHAT_TOOL_CALL && !open_call(s, a, b, out))
		return false;
	s->open = true;
	begin_block(s, out);
	if (raw) {
		put_raw(out, b->raw);
	} else if (b->kind == CHAT_TOOL_CALL) {
		write_call_head(b, out);
	} else if (b->kind == CHAT_REASONING && b->redacted && b->opaque.maker == MAKER_ANTHROPIC) {
		buf_append(out, STR("{\"type\":\"redacted_thinking\",\"data\":"));
		put_jstr(out, b->opaque.bytes);
		buf_append_c(out, '}');
		s->signed_ = true;
	} else if (b->kind == CHAT_REASONING) {
		buf_append(out, STR("{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}"));
		if (!keep_signature(s, a, b))
			return false;
	} else {
		buf_append(out, STR("{\"type\":\"text\",\"text\":\"\"}"));
	}
	return end_frame(out);
}

static bool write_signature(struct anthropic_writer *s, struct arena *a, const struct chat_opaque *o, struct buf *out)
{
	struct jstr text = anthropic_signature(a, o);

	if (s->kind != CHAT_REASONING || s->signed_)
		return true;
	s->signed_ = true;
	return text.p && text_delta(s, out, STR("signature_delta\",\"signature\":"), text);
}

static bool write_summary(struct anthropic_writer *s, const struct chat_delta *d, struct buf *out)
{
	bool next = s->any && d->part != s->part;

	s->part = d->part;
	s->any = true;
	if (next && !text_delta(s, out, STR("thinking_delta\",\"thinking\":"), JSTR("\\n\\n")))
		return false;
	return text_delta(s, out, STR("thinking_delta\",\"thinking\":"), d->text);
}

static bool write_citation(struct anthropic_writer *s, const struct chat_citation *c, struct buf *out)
{
	struct json_writer w = json_writer_make(out);

	if (s->kind != CHAT_TEXT || !c)
		return true;
	begin_delta(s, out, STR("citations_delta\",\"citation\":"));
	if (c->from == DIALECT_ANTHROPIC && c->raw.p)
		put_raw(out, c->raw);
	else
		anthropic_write_citation(&w, c);
	buf_append_c(out, '}');
	return end_frame(out);
}

static bool write_raw_delta(struct anthropic_writer *s, struct str raw, struct buf *out)
{
	if (s->kind != CHAT_RAW)
		return true;
	buf_append(out, EVENT("content_block_delta"));
	buf_append(out, STR(",\"index\":"));
	buf_append_u64(out, s->blocks);
	buf_append(out, STR(",\"delta\":"));
	put_raw(out, raw);
	return end_frame(out);
}

static bool write_delta(struct anthropic_writer *s, struct arena *a, const struct chat_event *ev, struct buf *out)
{
	const struct chat_delta *d = &ev->delta;

	if (!s->open || s->skipping || ev->block != s->open_block)
		return true;
	switch ((enum chat_delta_kind)d->kind) {
	case DELTA_TEXT:
		if (s->kind == CHAT_REASONING)
			return text_delta(s, out, STR("thinking_delta\",\"thinking\":"), d->text);
		if (s->kind == CHAT_TEXT || s->kind == CHAT_REFUSAL)
			return text_delta(s, out, STR("text_delta\",\"text\":"), d->text);
		return true;
	case DELTA_ARGS:
		s->any |= d->text.n > 0;
		return s->kind != CHAT_TOOL_CALL ||
		       text_delta(s, out, STR("input_json_delta\",\"partial_json\":"), d->text);
	case DELTA_SUMMARY: return s->kind != CHAT_REASONING || write_summary(s, d, out);
	case DELTA_OPAQUE:
		return s->kind == CHAT_TOOL_CALL ? keep_token(s, a, &d->opaque)
		                                 : write_signature(s, a, &d->opaque, out);
	case DELTA_CITATION: return write_citation(s, d->citation, out);
	case DELTA_TRANSCRIPT:
		return s->kind != CHAT_AUDIO || text_delta(s, out, STR("text_delta\",\"text\":"), d->text);
	case DELTA_RAW: return write_raw_delta(s, d->raw, out);
	case DELTA_DATA:
	case DELTA_LOGPROBS: return true;
	}
	return true;
}

static bool close_block(struct anthropic_writer *s, struct arena *a, const struct chat_event *ev, struct buf *out)
{
	struct chat_opaque none = { .maker = MAKER_NONE };
	const struct chat_opaque *last = ev->open && ev->open->opaque.bytes.p ? &ev->open->opaque : &none;

	if (!s->open || ev->block != s->open_block)
		return true;
	if (s->skipping) {
		s->open = s->skipping = false;
		return true;
	}
	/* Every thought is signed: one of another maker by us. */
	if (s->kind == CHAT_REASONING && !s->signed_ && !last->bytes.p && s->token.n) {
		text_delta(s, out, STR("signature_delta\",\"signature\":"), jstr_of(s->token.p, s->token.n));
		buf_fini(&s->token);
		s->signed_ = true;
	}
	if (!write_signature(s, a, last, out))
		return false;
	if (s->kind != CHAT_TOOL_CALL)
		return stop_block(s, out);
	if (!s->any) /* A4 */
		text_delta(s, out, STR("input_json_delta\",\"partial_json\":"), JSTR("{}"));
	if (ev->open && !keep_token(s, a, &ev->open->opaque))
		return false;
	stop_block(s, out);
	if (s->token.n)
		write_token(s, jstr_of(s->token.p, s->token.n), out);
	buf_fini(&s->token);
	return !out->failed;
}

static bool write_end(struct anthropic_writer *s, struct buf *out)
{
	struct json_writer w;

	if (s->ended)
		return true;
	s->ended = true;
	if (s->open && !s->skipping)
		stop_block(s, out);
	/* B6: without a finish it is an end only if something was said; END says that all was in good order. */
	if (s->gave_up || (!s->finished && s->blocks == 0))
		return write_failure(s, out);
	buf_append(out, EVENT("message_delta"));
	buf_append(out, STR(",\"delta\":"));
	put_raw(out, s->finished ? buf_str(&s->finish)
	             : s->called ? STR("{\"stop_reason\":\"tool_use\",\"stop_sequence\":null}")
	                         : STR("{\"stop_reason\":\"end_turn\",\"stop_sequence\":null}"));
	buf_append(out, STR(",\"usage\":"));
	w = json_writer_make(out);
	anthropic_write_usage(&w, &s->usage, true);
	json_close(&w);
	end_frame(out);
	buf_append(out, EVENT("message_stop"));
	return end_frame(out);
}

/* ---- the codec's functions --------------------------------------------------------------------------------------- */

bool anthropic_writer_init(void *writer, const struct chat_reply *reply)
{
	struct anthropic_writer *s = writer;

	*s = (struct anthropic_writer){ .reply = reply,
		                        .finish = buf_make(FINISH_MAX),
		                        .call_id = buf_make(ID_MAX),
		                        .token = buf_make(TOKEN_MAX) };
	return true;
}

void anthropic_writer_fini(void *writer)
{
	struct anthropic_writer *s = writer;

	buf_fini(&s->finish);
	buf_fini(&s->call_id);
	buf_fini(&s->token);
}

bool anthropic_write_event(void *writer, struct arena *a, const struct chat_event *ev, struct buf *out)
{
	struct anthropic_writer *s = writer;

	if (s->ended || (ev->kind != EVENT_PING && ev->kind != EVENT_ERROR && !write_start(s, a, ev, out)))
		return s->ended;
	switch ((enum chat_event_kind)ev->kind) {
	case EVENT_START:
	case EVENT_ERROR: /* write_error follows */ return true;
	case EVENT_OPEN: return open_block(s, a, ev, out);
	case EVENT_DELTA: return write_delta(s, a, ev, out);
	case EVENT_CLOSE: return close_block(s, a, ev, out);
	case EVENT_FINISH: return hold_finish(s, ev);
	case EVENT_USAGE: s->usage = ev->usage; return true;
	case EVENT_END: return write_end(s, out);
	case EVENT_PING: return anthropic_write_ping(s, out);
	}
	return true;
}

bool anthropic_write_stream_error(void *writer, const struct err *e, struct str request_id, struct buf *out)
{
	(void)writer;
	buf_append(out, STR("event: error\ndata: "));
	return dialect_write_error(&dialect_anthropic, e, NULL, request_id, out) && buf_append(out, STR("\n\n"));
}

bool anthropic_write_ping(void *writer, struct buf *out)
{
	(void)writer;
	buf_append(out, EVENT("ping"));
	return end_frame(out);
}
