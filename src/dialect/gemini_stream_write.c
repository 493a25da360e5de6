/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemini_stream_write: a stream of streamGenerateContent for a client (rule H4): each piece is a whole answer with one
 * part; how it ended and what it took stand in the last one. As SSE or, without alt=sse, as one JSON array.
 */

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "dialect/gemini_in.h"

enum { OPEN_MAX = 16, TEXT_MAX = 128, SOURCES_BYTES_MAX = 256 * 1024 };

/* A block that is open. */
struct open {
	uint32_t block;
	uint8_t kind;
	bool used, server;
};

struct ending {
	bool seen;
	uint8_t stop, word_n;
	char word[GEMINI_WORD_MAX];
};

struct gemini_writer {
	const struct chat_reply *reply;
	struct open open[OPEN_MAX];
	struct ending ending[GEMINI_CHOICES];
	struct usage usage;
	struct buf call;                 /* the call that is being written: id, name */
	struct buf data;                 /* the image that is */
	struct buf token;                /* its signature, as a member behind it */
	struct buf type;                 /* of the medium */
	struct buf chunks, supports;     /* sources */
	uint32_t sources;
	bool any;                        /* something was sent */
	uint8_t id_n, model_n;
	char id[TEXT_MAX], model[TEXT_MAX];
};

static uint8_t keep(char *to, struct jstr s)
{
	if (s.n == 0 || s.n > TEXT_MAX)
		return 0;
	memcpy(to, s.p, s.n);
	return (uint8_t)s.n;
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */

static bool is_array(const struct gemini_writer *w) { return w->reply->framing == FRAMING_JSON_ARRAY; }

static void begin_frame(struct gemini_writer *w, struct buf *out)
{
	if (!is_array(w))
		buf_append(out, STR("data: "));
	else
		buf_append(out, w->any ? STR(",\r\n") : STR("["));
	w->any = true;
}

static void end_frame(const struct gemini_writer *w, struct buf *out)
{
	if (!is_array(w))
		buf_append(out, STR("\r\n\r\n"));
}

static void put_ids(struct gemini_writer *w, struct json_writer *j)
{
	json_key_lit(j, "modelVersion");
	json_jstr(j, w->model_n ? jstr_of(w->model, w->model_n) : w->reply->model);
	json_key_lit(j, "responseId");
	json_jstr(j, w->id_n ? jstr_of(w->id, w->id_n) : w->reply->id);
}

static void begin_candidate(struct json_writer *j)
{
	json_open(j, '{');
	json_key_lit(j, "content");
	json_open(j, '{');
	json_key_lit(j, "parts");
	json_open(j, '[');
}

static void end_parts(struct json_writer *j)
{
	json_close(j);
	json_key_lit(j, "role");
	json_str(j, STR("model"));
	json_close(j);
}

/* A frame with one part is made between these two. */
static void begin_part(struct gemini_writer *w, struct json_writer *j)
{
	begin_frame(w, j->out);
	json_open(j, '{');
	json_key_lit(j, "candidates");
	json_open(j, '[');
	begin_candidate(j);
}

static bool end_part(struct gemini_writer *w, struct json_writer *j, uint32_t choice)
{
	end_parts(j);
	json_key_lit(j, "index");
	json_u64(j, choice);
	json_close(j);
	json_close(j);
	put_ids(w, j);
	json_close(j);
	bool good = json_write_done(j);
	end_frame(w, j->out);
	return good && !j->out->failed;
}

static bool send_text(struct gemini_writer *w, struct arena *a, uint32_t choice, struct jstr text, bool thought,
                      const struct chat_opaque *o, struct buf *out)
{
	struct json_writer j = json_writer_make(out);
	struct gemini_put put = { .arena = a, .w = &j };

	begin_part(w, &j);
	gemini_put_text(&put, text, thought, o);
	return end_part(w, &j, choice) && !put.full;
}

/* On one line, as SSE wants it. */
static bool send_raw(struct gemini_writer *w, struct arena *a, uint32_t choice, struct str part, struct buf *out)
{
	struct json_writer j = json_writer_make(out);

	part = json_compact(a, part);
	if (!part.p)
		return false;
	begin_part(w, &j);
	json_raw(&j, part);
	return end_part(w, &j, choice);
}

static bool send_media(struct gemini_writer *w, struct arena *a, uint32_t choice, enum chat_kind kind, struct jstr data,
                       struct buf *out)
{
	struct chat_media m = { .from = MEDIA_BYTES, .data = data, .type = jstr_of(w->type.p, w->type.n) };
	struct chat_block b = { .kind = (uint8_t)kind, .media = &m };
	struct json_writer j = json_writer_make(out);
	struct gemini_put put = { .arena = a, .w = &j };

	begin_part(w, &j);
	gemini_put_media(&put, &b);
	return end_part(w, &j, choice) && !put.full;
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

static struct open *find_open(struct gemini_writer *w, uint32_t block)
{
	for (struct open *o = w->open; o < w->open + OPEN_MAX; o++)
		if (o->used && o->block == block)
			return o;
	return NULL;
}

static bool note_open(struct gemini_writer *w, const struct chat_event *e)
{
	for (struct open *o = w->open; o < w->open + OPEN_MAX; o++)
		if (!o->used) {
			*o = (struct open){ .block = e->block, .kind = e->open->kind, .used = true,
				            .server = e->open->tool == TOOL_SERVER };
			return true;
		}
	return false;
}

/* What is known of a call before its arguments. */
static bool begin_call(struct gemini_writer *w, struct arena *a, const struct chat_block *b)
{
	struct jstr token = b->opaque.bytes;

	buf_clear(&w->call);
	buf_clear(&w->token);
	if (token.p && b->opaque.maker != MAKER_GEMINI)
		token = chat_opaque_wrap(a, &b->opaque);
	buf_append(&w->call, STR("{\"functionCall\":{\"id\":\""));
	buf_append_jstr(&w->call, b->id);
	buf_append(&w->call, STR("\",\"name\":\""));
	buf_append_jstr(&w->call, b->name);
	buf_append(&w->call, STR("\",\"args\":"));
	if (token.p) {
		buf_append(&w->token, STR(",\"thoughtSignature\":\""));
		buf_append_jstr(&w->token, token);
		buf_append_c(&w->token, '"');
	}
	return !w->call.failed && !w->token.failed && (token.p || !b->opaque.bytes.p);
}

static bool end_call(struct gemini_writer *w, struct arena *a, uint32_t choice, struct jstr args, struct buf *out)
{
	struct chat_args both = { .text = args };
	bool odd;
	struct str json = chat_args_json(a, &both, &odd);

	if (!json.p)
		return false;
	buf_append(&w->call, json);
	buf_append_c(&w->call, '}');
	if (w->token.n)
		buf_append(&w->call, buf_str(&w->token));
	buf_append_c(&w->call, '}');
	return !w->call.failed && send_raw(w, a, choice, buf_str(&w->call), out);
}

static bool open_words(struct gemini_writer *w, struct arena *a, const struct chat_event *e, struct buf *out)
{
	const struct chat_block *b = e->open;
	bool thought = b->kind == CHAT_REASONING;

	if (!b->text.n && !b->opaque.bytes.p)
		return true;
	/* Gemini's own signature without words stands on an empty text, which is no thought */
	if (!b->text.n && b->opaque.maker == MAKER_GEMINI)
		thought = false;
	return send_text(w, a, e->choice, b->text.p ? b->text : JSTR(""), thought, &b->opaque, out);
}

static bool write_open(struct gemini_writer *w, struct arena *a, const struct chat_event *e, struct buf *out)
{
	const struct chat_block *b = e->open;

	if (!note_open(w, e))
		return false;
	switch ((enum chat_kind)b->kind) {
	case CHAT_TEXT:
	case CHAT_REFUSAL:
	case CHAT_REASONING: return open_words(w, a, e, out);
	case CHAT_TOOL_CALL:
		if (b->tool != TOOL_SERVER)
			return begin_call(w, a, b);
		break;
	case CHAT_IMAGE:
	case CHAT_AUDIO:
	case CHAT_VIDEO:
	case CHAT_DOCUMENT:
		buf_clear(&w->data);
		buf_clear(&w->type);
		if (!b->media)
			return true;
		buf_append_jstr(&w->type, b->media->type);
		if (b->media->from == MEDIA_BYTES && b->kind != CHAT_AUDIO)
			return buf_append_jstr(&w->data, b->media->data);
		if (b->media->from == MEDIA_BYTES)
			return !b->media->data.n || send_media(w, a, e->choice, CHAT_AUDIO, b->media->data, out);
		break;
	case CHAT_TOOL_RESULT:
	case CHAT_RAW:
	case CHAT_KINDS: break;
	}
	return !b->raw.p || b->from != DIALECT_GEMINI || send_raw(w, a, e->choice, b->raw, out);
}

/* One chunk and one support for each source, told at the end. */
static bool keep_source(struct gemini_writer *w, const struct chat_citation *c)
{
	struct json_writer j = json_writer_make(&w->chunks);

	if (w->chunks.n + w->supports.n + c->url.n + c->title.n + c->quote.n > SOURCES_BYTES_MAX)
		return true;
	if (w->sources) {
		buf_append_c(&w->chunks, ',');
		buf_append_c(&w->supports, ',');
	}
	json_open(&j, '{');
	json_key_lit(&j, "web");
	json_open(&j, '{');
	json_key_lit(&j, "uri");
	json_jstr(&j, c->url);
	json_key_lit(&j, "title");
	json_jstr(&j, c->title);
	json_close(&j);
	json_close(&j);
	j = json_writer_make(&w->supports);
	json_open(&j, '{');
	json_key_lit(&j, "segment");
	json_open(&j, '{');
	json_key_lit(&j, "text");
	json_jstr(&j, c->quote);
	json_close(&j);
	json_key_lit(&j, "groundingChunkIndices");
	json_open(&j, '[');
	json_u64(&j, w->sources++);
	json_close(&j);
	json_close(&j);
	return !w->chunks.failed && !w->supports.failed;
}

static bool send_logprobs(struct gemini_writer *w, struct arena *a, const struct chat_event *e, struct buf *out)
{
	struct json_writer j = json_writer_make(out);

	begin_frame(w, out);
	json_open(&j, '{');
	json_key_lit(&j, "candidates");
	json_open(&j, '[');
	begin_candidate(&j);
	end_parts(&j);
	json_key_lit(&j, "index");
	json_u64(&j, e->choice);
	gemini_logprobs_write(a, &j, e->delta.raw);
	json_close(&j);
	json_close(&j);
	put_ids(w, &j);
	json_close(&j);
	bool good = json_write_done(&j);
	end_frame(w, out);
	return good;
}

static bool write_delta(struct gemini_writer *w, struct arena *a, const struct chat_event *e, struct buf *out)
{
	const struct chat_delta *d = &e->delta;
	const struct open *o = find_open(w, e->block);
	struct chat_opaque none = { 0 };
	bool thought = o && o->kind == CHAT_REASONING;

	if (!o)
		return true;
	switch ((enum chat_delta_kind)d->kind) {
	case DELTA_TEXT:
	case DELTA_SUMMARY: return !d->text.n || send_text(w, a, e->choice, d->text, thought, &none, out);
	case DELTA_TRANSCRIPT: return !d->text.n || send_text(w, a, e->choice, d->text, false, &none, out);
	case DELTA_OPAQUE:
		return !d->opaque.bytes.p || send_text(w, a, e->choice, JSTR(""), thought, &d->opaque, out);
	case DELTA_ARGS: return o->server || end_call(w, a, e->choice, d->text, out);
	case DELTA_DATA:
		if (o->kind == CHAT_AUDIO)
			return !d->text.n || send_media(w, a, e->choice, CHAT_AUDIO, d->text, out);
		return buf_append_jstr(&w->data, d->text);
	case DELTA_CITATION: return !d->citation || keep_source(w, d->citation);
	case DELTA_LOGPROBS: return send_logprobs(w, a, e, out);
	case DELTA_RAW: return true;
	}
	assert(!"unknown chat_delta_kind");
	return false;
}

static bool write_close(struct gemini_writer *w, struct arena *a, const struct chat_event *e, struct buf *out)
{
	struct open *o = find_open(w, e->block);
	enum chat_kind kind = o ? (enum chat_kind)o->kind : CHAT_RAW;
	bool good = true;

	if (!o)
		return true;
	o->used = false;
	if ((kind == CHAT_IMAGE || kind == CHAT_VIDEO || kind == CHAT_DOCUMENT) && w->data.n)
		good = send_media(w, a, e->choice, kind, jstr_of(w->data.p, w->data.n), out);
	buf_clear(&w->data);
	return good;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void put_ending(struct gemini_writer *w, struct json_writer *j, unsigned choice)
{
	const struct ending *end = &w->ending[choice];
	struct chat_finish f = { .stop = end->stop, .raw = jstr_of(end->word, end->word_n) };

	begin_candidate(j);
	json_raw(j, STR("{\"text\":\"\"}"));
	end_parts(j);
	json_key_lit(j, "finishReason");
	json_str(j, gemini_finish_word(&f));
	json_key_lit(j, "index");
	json_u64(j, choice);
	if (choice == 0 && w->sources) {
		json_key_lit(j, "groundingMetadata");
		json_open(j, '{');
		json_key_lit(j, "groundingChunks");
		json_open(j, '[');
		json_raw(j, buf_str(&w->chunks));
		json_close(j);
		json_key_lit(j, "groundingSupports");
		json_open(j, '[');
		json_raw(j, buf_str(&w->supports));
		json_close(j);
		json_close(j);
	}
	json_close(j);
}

static bool write_end(struct gemini_writer *w, struct buf *out)
{
	struct json_writer j = json_writer_make(out);

	begin_frame(w, out);
	json_open(&j, '{');
	json_key_lit(&j, "candidates");
	json_open(&j, '[');
	for (unsigned i = 0; i < GEMINI_CHOICES; i++)
		if (w->ending[i].seen)
			put_ending(w, &j, i);
	json_close(&j);
	if (w->usage.source != USAGE_NONE) {
		json_key_lit(&j, "usageMetadata");
		gemini_usage_write(&j, &w->usage);
	}
	put_ids(w, &j);
	json_close(&j);
	bool good = json_write_done(&j);
	if (is_array(w))
		buf_append_c(out, ']');
	end_frame(w, out);
	return good && !out->failed;
}

static bool note_finish(struct gemini_writer *w, const struct chat_event *e)
{
	struct ending *end;

	if (e->choice >= GEMINI_CHOICES)
		return false;
	end = &w->ending[e->choice];
	*end = (struct ending){ .seen = true, .stop = e->finish.stop };
	if (e->finish.raw.n && e->finish.raw.n <= GEMINI_WORD_MAX) {
		memcpy(end->word, e->finish.raw.p, e->finish.raw.n);
		end->word_n = (uint8_t)e->finish.raw.n;
	}
	return true;
}

/* ---- public ------------------------------------------------------------------------------------------------------ */

bool gemini_writer_init(void *state, const struct chat_reply *reply)
{
	struct gemini_writer *w = state;

	*w = (struct gemini_writer){ .reply = reply, .usage = { .source = USAGE_NONE } };
	w->call = buf_make(reply->max_bytes);
	w->data = buf_make(reply->max_bytes);
	w->token = buf_make(reply->max_bytes);
	w->type = buf_make(256);
	w->chunks = buf_make(2 * SOURCES_BYTES_MAX);
	w->supports = buf_make(2 * SOURCES_BYTES_MAX);
	return true;
}

void gemini_writer_fini(void *state)
{
	struct gemini_writer *w = state;

	buf_fini(&w->call);
	buf_fini(&w->data);
	buf_fini(&w->token);
	buf_fini(&w->type);
	buf_fini(&w->chunks);
	buf_fini(&w->supports);
}

bool gemini_write_event(void *state, struct arena *a, const struct chat_event *e, struct buf *out)
{
	struct gemini_writer *w = state;

	switch ((enum chat_event_kind)e->kind) {
	case EVENT_START:
		w->id_n = keep(w->id, e->start.id);
		w->model_n = keep(w->model, e->start.model);
		return true;
	case EVENT_OPEN: return write_open(w, a, e, out);
	case EVENT_DELTA: return write_delta(w, a, e, out);
	case EVENT_CLOSE: return write_close(w, a, e, out);
	case EVENT_FINISH: return note_finish(w, e);
	case EVENT_USAGE: w->usage = e->usage; return true;
	case EVENT_END: return write_end(w, out);
	case EVENT_PING: return gemini_write_ping(w, out);
	case EVENT_ERROR: return true;
	}
	assert(!"unknown chat_event_kind");
	return false;
}

bool gemini_write_error(void *state, const struct err *e, struct str request_id, struct buf *out)
{
	struct gemini_writer *w = state;

	begin_frame(w, out);
	bool good = dialect_write_error(&dialect_gemini, e, NULL, request_id, out);
	if (is_array(w))
		buf_append_c(out, ']');
	end_frame(w, out);
	return good && !out->failed;
}

bool gemini_write_ping(void *state, struct buf *out)
{
	const struct gemini_writer *w = state;

	/* not a comment among events: Google's older SDKs read nothing but data lines, and fail */
	return !is_array(w) || buf_append(out, STR("\r\n"));
}

static bool write_count(int64_t tokens, struct buf *out)
{
	buf_append(out, STR("{\"totalTokens\":"));
	buf_append_i64(out, tokens);
	return buf_append_c(out, '}') && !out->failed;
}

const struct chat_codec gemini_codec = {
	.read_request = gemini_read_request,
	.write_request = gemini_write_request,
	.read_response = gemini_read_response,
	.write_response = gemini_write_response,
	.write_count = write_count,
	.reader_size = sizeof(struct gemini_reader),
	.writer_size = sizeof(struct gemini_writer),
	.reader_init = gemini_reader_init,
	.reader_fini = gemini_reader_fini,
	.read_event = gemini_read_event,
	.writer_init = gemini_writer_init,
	.writer_fini = gemini_writer_fini,
	.write_event = gemini_write_event,
	.write_error = gemini_write_error,
	.write_ping = gemini_write_ping,
	.whole_calls = true,
	.bytes_only = true,              /* older models take no addresses but those of Google's own files */
};
