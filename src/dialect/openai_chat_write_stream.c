/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openai_chat_write_stream: events as the chunks of Chat Completions. A chunk is what all have in common, made once,
 * and a delta. The state holds the blocks that are open and nothing of their text.
 */

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "dialect/openai_chat_in.h"

enum { CHOICES_MAX = 256, OPEN_MAX = 4096, HEAD_MAX = 16 * 1024 };

struct open_block {
	uint32_t block, choice;
	uint32_t tool;           /* index of a call; index in reasoning_details of a thought */
	uint32_t part;           /* of a thought: which of the summary was the last */
	uint8_t kind;            /* enum chat_kind */
	bool custom;             /* a call of a custom tool */
	bool args;               /* a call: arguments came */
	bool any;                /* a thought: text came */
	bool redacted;           /* a thought: its token is all there is */
	bool hidden;             /* says nothing to this client */
};

struct choice {
	uint32_t tools, details; /* given */
	bool begun, refused;
};

struct writer {
	const struct chat_reply *reply;
	struct buf head;         /* data: {"id":…,"object":…,"created":…,"model":…,"choices": */
	struct open_block *open;
	struct choice *choices;
	uint32_t open_n, open_cap, choices_n;
	bool started, over;
	struct usage usage;
	/* the picture under way, whose data comes in pieces: its media type and a space in front */
	struct buf *image;
};
_Static_assert(sizeof(struct writer) <= OPENAI_CHAT_WRITER_SIZE, "its size is told in openai_chat_in.h");

bool openai_chat_writer_init(void *writer, const struct chat_reply *reply)
{
	*(struct writer *)writer = (struct writer){ .reply = reply, .head = buf_make(HEAD_MAX) };
	return true;
}

static void drop_image(struct writer *w)
{
	if (w->image)
		buf_fini(w->image);
	free(w->image);
	w->image = NULL;
}

void openai_chat_writer_fini(void *writer)
{
	struct writer *w = writer;

	buf_fini(&w->head);
	drop_image(w);
	free(w->open);
	free(w->choices);
	*w = (struct writer){ 0 };
}

/* ---- chunks ------------------------------------------------------------------------------------------------------ */

static bool make_head(struct writer *w, struct jstr id, struct jstr model, int64_t created_s, struct jstr tier,
                      struct jstr fingerprint)
{
	struct buf *b = &w->head;

	id = id.n ? id : w->reply->id;
	buf_append(b, STR("data: {\"id\":\""));
	if (!str_starts(jstr_raw(id), STR("chatcmpl-")))
		buf_append(b, STR("chatcmpl-"));
	buf_append_jstr(b, id);
	buf_append(b, STR("\",\"object\":\"chat.completion.chunk\",\"created\":"));
	buf_append_i64(b, created_s > 0 ? created_s : w->reply->created_s);
	buf_append(b, STR(",\"model\":\""));
	buf_append_jstr(b, model.n ? model : w->reply->model);
	if (tier.n) {
		buf_append(b, STR("\",\"service_tier\":\""));
		buf_append_jstr(b, tier);
	}
	if (fingerprint.n) {
		buf_append(b, STR("\",\"system_fingerprint\":\""));
		buf_append_jstr(b, fingerprint);
	}
	buf_append(b, STR("\",\"choices\":"));
	w->started = true;
	return !b->failed;
}

static void begin_chunk(struct writer *w, struct buf *out, uint32_t choice)
{
	buf_append(out, buf_str(&w->head));
	buf_append(out, STR("[{\"index\":"));
	buf_append_u64(out, choice);
	buf_append(out, STR(",\"delta\":{"));
}

static void end_chunk(struct writer *w, struct buf *out, struct str logprobs, struct str finish)
{
	buf_append(out, STR("},\"logprobs\":"));
	if (logprobs.n) {
		buf_append(out, STR("{\"content\":"));
		buf_append(out, logprobs);
		buf_append(out, STR(",\"refusal\":null}"));
	} else {
		buf_append(out, STR("null"));
	}
	if (finish.n) {
		buf_append(out, STR(",\"finish_reason\":\""));
		buf_append(out, finish);
		buf_append(out, STR("\"}]"));
	} else {
		buf_append(out, STR(",\"finish_reason\":null}]"));
	}
	buf_append(out, w->reply->usage_asked ? STR(",\"usage\":null}\n\n") : STR("}\n\n"));
}

static void end_delta(struct writer *w, struct buf *out) { end_chunk(w, out, str_of(NULL, 0), str_of(NULL, 0)); }

static void put_member(struct buf *out, struct str key_colon_quote, struct jstr text)
{
	buf_append(out, key_colon_quote);
	buf_append_jstr(out, text);
	buf_append_c(out, '"');
}

/* A chunk whose delta is one member: `key` is "\"content\":\"". */
static void text_chunk(struct writer *w, struct buf *out, uint32_t choice, struct str key, struct jstr text)
{
	begin_chunk(w, out, choice);
	put_member(out, key, text);
	end_delta(w, out);
}

/* ---- choices and blocks ------------------------------------------------------------------------------------------ */

/* The choice, of which the first chunk has gone. NULL: there are too many. */
static struct choice *get_choice(struct writer *w, uint32_t index, struct buf *out)
{
	if (index >= CHOICES_MAX)
		return NULL;
	if (index >= w->choices_n) {
		w->choices = mem_realloc(w->choices, (index + 1) * sizeof *w->choices);
		memset(w->choices + w->choices_n, 0, (index + 1 - w->choices_n) * sizeof *w->choices);
		w->choices_n = index + 1;
	}
	if (!w->choices[index].begun) {
		w->choices[index].begun = true;
		begin_chunk(w, out, index);
		buf_append(out, STR("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null"));
		end_delta(w, out);
	}
	return &w->choices[index];
}

static struct open_block *get_open(struct writer *w, uint32_t block)
{
	for (uint32_t i = w->open_n; i-- > 0;)
		if (w->open[i].block == block)
			return &w->open[i];
	return NULL;
}

static struct open_block *add_open(struct writer *w)
{
	if (w->open_n == OPEN_MAX)
		return NULL;
	if (w->open_n == w->open_cap) {
		w->open_cap = w->open_cap ? w->open_cap * 2 : 4;
		w->open = mem_realloc(w->open, w->open_cap * sizeof *w->open);
	}
	w->open[w->open_n] = (struct open_block){ 0 };
	return &w->open[w->open_n++];
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

static void args_chunk(struct writer *w, struct buf *out, const struct open_block *o, struct jstr args)
{
	begin_chunk(w, out, o->choice);
	if (w->reply->old_functions) {
		buf_append(out, STR("\"function_call\":{"));
		put_member(out, STR("\"arguments\":\""), args);
		buf_append_c(out, '}');
	} else {
		buf_append(out, STR("\"tool_calls\":[{\"index\":"));
		buf_append_u64(out, o->tool);
		buf_append(out, o->custom ? STR(",\"custom\":{") : STR(",\"function\":{"));
		put_member(out, o->custom ? STR("\"input\":\"") : STR("\"arguments\":\""), args);
		buf_append(out, STR("}}]"));
	}
	end_delta(w, out);
}

static void signature_chunk(struct writer *w, struct buf *out, const struct open_block *o, struct jstr token)
{
	begin_chunk(w, out, o->choice);
	buf_append(out, STR("\"tool_calls\":[{\"index\":"));
	buf_append_u64(out, o->tool);
	put_member(out, STR(",\"extra_content\":{\"google\":{\"thought_signature\":\""), token);
	buf_append(out, STR("}}}]"));
	end_delta(w, out);
}

static void open_call(struct writer *w, struct buf *out, struct open_block *o, const struct chat_block *b)
{
	begin_chunk(w, out, o->choice);
	if (w->reply->old_functions) {
		put_member(out, STR("\"function_call\":{\"name\":\""), b->name);
		buf_append(out, STR(",\"arguments\":\"\"}"));
	} else {
		buf_append(out, STR("\"tool_calls\":[{\"index\":"));
		buf_append_u64(out, o->tool);
		put_member(out, STR(",\"id\":\""), b->id);
		buf_append(out, o->custom ? STR(",\"type\":\"custom\",\"custom\":{")
		                          : STR(",\"type\":\"function\",\"function\":{"));
		put_member(out, STR("\"name\":\""), b->name);
		buf_append(out, o->custom ? STR(",\"input\":\"\"}") : STR(",\"arguments\":\"\"}"));
		if (b->opaque.bytes.p && b->opaque.maker == MAKER_GEMINI) {
			put_member(out, STR(",\"extra_content\":{\"google\":{\"thought_signature\":\""),
			           b->opaque.bytes);
			buf_append(out, STR("}}"));
		}
		buf_append(out, STR("}]"));
	}
	end_delta(w, out);
}

/* ---- thoughts ---------------------------------------------------------------------------------------------------- */

/* Twice: for those who show it, and for those who give it back with what signs it (OpenRouter's form). */
static void thought_chunk(struct writer *w, struct buf *out, const struct open_block *o, struct jstr text, bool summary,
                          bool blank)
{
	begin_chunk(w, out, o->choice);
	buf_append(out, STR("\"reasoning_content\":\""));
	if (blank)
		buf_append(out, STR("\\n\\n"));
	buf_append_jstr(out, text);
	buf_append(out, summary ? STR("\",\"reasoning_details\":[{\"type\":\"reasoning.summary\",\"summary\":\"")
	                        : STR("\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\""));
	buf_append_jstr(out, text);
	buf_append(out, STR("\",\"index\":"));
	buf_append_u64(out, o->tool + (summary ? o->part : 0));
	buf_append(out, STR("}]"));
	end_delta(w, out);
}

static void token_chunk(struct writer *w, struct buf *out, struct open_block *o, const struct chat_opaque *token,
                        bool redacted)
{
	bool beside = redacted || token->maker == MAKER_OPENAI || token->maker == MAKER_XAI;
	struct choice *ch = &w->choices[o->choice];

	if (beside && o->any)
		o->tool = ch->details++;
	begin_chunk(w, out, o->choice);
	buf_append(out, STR("\"reasoning_details\":[{"));
	put_member(out, beside ? STR("\"type\":\"reasoning.encrypted\",\"data\":\"")
	                       : STR("\"type\":\"reasoning.text\",\"signature\":\""), token->bytes);
	if (token->id.n)
		put_member(out, STR(",\"id\":\""), token->id);
	put_member(out, STR(",\"format\":\""), openai_format((enum chat_maker)token->maker));
	buf_append(out, STR(",\"index\":"));
	buf_append_u64(out, o->tool);
	buf_append(out, STR("}]"));
	end_delta(w, out);
	o->any = true;
}

static void summary_chunk(struct writer *w, struct buf *out, struct open_block *o, const struct chat_delta *d)
{
	bool next = o->any && d->part != o->part;

	o->part = d->part;
	w->choices[o->choice].details = o->tool + d->part + 1;
	thought_chunk(w, out, o, d->text, true, next);
	o->any = true;
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static void write_json(struct writer *w, struct buf *out, uint32_t choice, struct str key_colon, const struct buf *json)
{
	begin_chunk(w, out, choice);
	buf_append(out, key_colon);
	buf_append(out, buf_str(json));
	buf_append_c(out, ']');
	end_delta(w, out);
}

static void citation_chunk(struct writer *w, struct buf *out, const struct open_block *o, const struct chat_citation *c)
{
	struct buf json = buf_make((size_t)1 << 20);
	struct json_writer jw = json_writer_make(&json);

	if (c && openai_write_citation(&jw, c) && json_write_done(&jw))
		write_json(w, out, o->choice, STR("\"annotations\":["), &json);
	buf_fini(&json);
}

static void image_chunk(struct writer *w, struct arena *a, struct buf *out, const struct open_block *o,
                        const struct chat_media *m)
{
	struct buf json = buf_make((size_t)1 << 28);
	struct json_writer jw = json_writer_make(&json);

	openai_write_image(&jw, a, m);
	if (json_write_done(&jw))
		write_json(w, out, o->choice, STR("\"images\":["), &json);
	buf_fini(&json);
}

/* A picture whose data is still to come. Clients want it whole. */
static void image_begin(struct writer *w, const struct chat_media *m)
{
	drop_image(w);
	w->image = mem_zalloc(sizeof *w->image);
	*w->image = buf_make(w->reply->max_bytes ? w->reply->max_bytes : (size_t)1 << 26);
	buf_append_jstr(w->image, m && m->type.n ? m->type : JSTR("image/png"));
	buf_append_c(w->image, ' ');
}

static bool image_end(struct writer *w, struct arena *a, struct buf *out, const struct open_block *o)
{
	struct str data, type;
	bool good = true;

	if (!w->image)
		return true;
	data = buf_str(w->image);
	type = str_cut(&data, ' ');
	good = !w->image->failed;
	if (good && data.n)
		image_chunk(w, a, out, o, &(struct chat_media){ .from = MEDIA_BYTES, .type = jstr_of(type.p, type.n),
		                                                .data = jstr_of(data.p, data.n) });
	drop_image(w);
	return good;
}

static void audio_chunk(struct writer *w, struct buf *out, uint32_t choice, struct str key, struct jstr text)
{
	begin_chunk(w, out, choice);
	buf_append(out, STR("\"audio\":{"));
	put_member(out, key, text);
	buf_append_c(out, '}');
	end_delta(w, out);
}

/* What a block bears from the start. */
static void open_known(struct writer *w, struct arena *a, struct buf *out, struct open_block *o,
                       const struct chat_block *b)
{
	switch ((enum chat_kind)b->kind) {
	case CHAT_TEXT:
		if (b->text.n)
			text_chunk(w, out, o->choice, STR("\"content\":\""), b->text);
		break;
	case CHAT_REFUSAL:
		w->choices[o->choice].refused = true;
		if (b->text.n)
			text_chunk(w, out, o->choice, STR("\"refusal\":\""), b->text);
		break;
	case CHAT_REASONING:
		o->tool = w->choices[o->choice].details++;
		o->redacted = b->redacted;
		if (b->text.n) {
			thought_chunk(w, out, o, b->text, false, false);
			o->any = true;
		}
		if (b->opaque.bytes.p)
			token_chunk(w, out, o, &b->opaque, b->redacted);
		break;
	case CHAT_TOOL_CALL:
		o->custom = b->tool == TOOL_CUSTOM;
		o->hidden = b->tool == TOOL_SERVER;
		if (o->hidden)
			break;
		o->tool = w->choices[o->choice].tools++;
		if (w->reply->old_functions && o->tool > 0) {
			o->hidden = true;                      /* there could be but one */
			break;
		}
		open_call(w, out, o, b);
		struct jstr args = b->args.text.p || b->args.json.p ? chat_args_text(a, &b->args) : (struct jstr){ 0 };
		if (args.n) {
			args_chunk(w, out, o, args);
			o->args = true;
		}
		break;
	case CHAT_IMAGE:
		if (b->media && b->media->data.n)
			image_chunk(w, a, out, o, b->media);
		else
			image_begin(w, b->media);
		break;
	case CHAT_AUDIO:
		audio_chunk(w, out, o->choice, STR("\"id\":\""),
		            b->media && b->media->id.n ? b->media->id : w->reply->id);
		if (b->media && b->media->data.n)
			audio_chunk(w, out, o->choice, STR("\"data\":\""), b->media->data);
		break;
	case CHAT_VIDEO: case CHAT_DOCUMENT: case CHAT_TOOL_RESULT: case CHAT_RAW: case CHAT_KINDS:
		o->hidden = true;
		break;
	}
}

static bool write_open(struct writer *w, struct arena *a, const struct chat_event *e, struct buf *out)
{
	struct choice *ch = get_choice(w, e->choice, out);
	struct open_block *o = ch ? add_open(w) : NULL;

	if (!o)
		return false;
	o->block = e->block;
	o->choice = e->choice;
	o->kind = e->open->kind;
	open_known(w, a, out, o, e->open);
	for (const struct chat_citation *c = e->open->citations; c && !o->hidden; c = c->next)
		citation_chunk(w, out, o, c);
	return true;
}

static void text_delta(struct writer *w, struct buf *out, struct open_block *o, struct jstr text)
{
	if (text.n == 0)
		return;
	if (o->kind == CHAT_TEXT) {
		text_chunk(w, out, o->choice, STR("\"content\":\""), text);
	} else if (o->kind == CHAT_REFUSAL) {
		text_chunk(w, out, o->choice, STR("\"refusal\":\""), text);
	} else if (o->kind == CHAT_REASONING) {
		thought_chunk(w, out, o, text, false, false);
		o->any = true;
	}
}

static void write_delta(struct writer *w, const struct chat_event *e, struct buf *out)
{
	struct open_block *o = get_open(w, e->block);
	const struct chat_delta *d = &e->delta;

	if (!o || o->hidden)
		return;
	switch ((enum chat_delta_kind)d->kind) {
	case DELTA_TEXT: text_delta(w, out, o, d->text); break;
	case DELTA_ARGS:
		if (d->text.n && o->kind == CHAT_TOOL_CALL) {
			args_chunk(w, out, o, d->text);
			o->args = true;
		}
		break;
	case DELTA_SUMMARY:
		if (d->text.n && o->kind == CHAT_REASONING)
			summary_chunk(w, out, o, d);
		break;
	case DELTA_OPAQUE:
		if (o->kind == CHAT_REASONING && d->opaque.bytes.n)
			token_chunk(w, out, o, &d->opaque, o->redacted);
		else if (o->kind == CHAT_TOOL_CALL && d->opaque.bytes.n && d->opaque.maker == MAKER_GEMINI &&
		         !w->reply->old_functions)
			signature_chunk(w, out, o, d->opaque.bytes);
		break;
	case DELTA_CITATION: citation_chunk(w, out, o, d->citation); break;
	case DELTA_DATA:
		if (o->kind == CHAT_AUDIO)
			audio_chunk(w, out, o->choice, STR("\"data\":\""), d->text);
		else if (o->kind == CHAT_IMAGE && w->image)
			buf_append_jstr(w->image, d->text);
		break;
	case DELTA_TRANSCRIPT: audio_chunk(w, out, o->choice, STR("\"transcript\":\""), d->text); break;
	case DELTA_LOGPROBS:
		begin_chunk(w, out, o->choice);
		end_chunk(w, out, d->raw, str_of(NULL, 0));
		break;
	case DELTA_RAW: break;
	}
}

static bool write_close(struct writer *w, struct arena *a, const struct chat_event *e, struct buf *out)
{
	struct open_block *o = get_open(w, e->block);

	if (!o)
		return true;
	if (o->kind == CHAT_IMAGE && !image_end(w, a, out, o))
		return false;
	if (e->open && e->open->opaque.bytes.n && !o->hidden && o->kind == CHAT_REASONING)
		token_chunk(w, out, o, &e->open->opaque, e->open->redacted);
	if (o->kind == CHAT_TOOL_CALL && !o->args && !o->hidden && !o->custom)
		args_chunk(w, out, o, JSTR("{}"));
	memmove(o, o + 1, (size_t)(w->open + w->open_n - (o + 1)) * sizeof *o);
	w->open_n--;
	return true;
}

/* The provider gave up: the client must not take what it has for an answer (row 67). */
static bool write_give_up(struct writer *w, const struct chat_finish *f, struct buf *out)
{
	struct err e;

	err_set(&e, ERR_UPSTREAM, "the provider gave up: %.*s", f->raw.n ? (int)f->raw.n : 12,
	        f->raw.n ? f->raw.p : "no reason told");
	w->over = true;
	return openai_chat_write_error(w, &e, STR(""), out);
}

static bool write_finish(struct writer *w, const struct chat_event *e, struct buf *out)
{
	struct choice *ch = get_choice(w, e->choice, out);

	if (!ch)
		return false;
	if (e->finish.stop == STOP_ERROR)
		return write_give_up(w, &e->finish, out);
	begin_chunk(w, out, e->choice);
	end_chunk(w, out, str_of(NULL, 0), openai_finish_word(&e->finish, ch->refused, w->reply->old_functions));
	return true;
}

static bool write_end(struct writer *w, struct buf *out)
{
	if (w->reply->usage_asked && w->usage.source != USAGE_NONE) {
		struct json_writer jw = json_writer_make(out);
		buf_append(out, buf_str(&w->head));
		buf_append(out, STR("[],\"usage\":"));
		openai_write_usage(&jw, &w->usage);
		buf_append(out, STR("}\n\n"));
	}
	buf_append(out, STR("data: [DONE]\n\n"));
	w->over = true;
	return true;
}

bool openai_chat_write_event(void *writer, struct arena *arena, const struct chat_event *e, struct buf *out)
{
	struct writer *w = writer;
	bool ok = true;

	if (w->over)
		return true;
	if (e->kind == EVENT_START && !w->started) {
		ok = make_head(w, e->start.id, e->start.model, e->start.created_s, e->start.service_tier,
		               e->start.fingerprint);
		return ok && get_choice(w, 0, out) && !out->failed;
	}
	if (!w->started && e->kind != EVENT_PING && e->kind != EVENT_USAGE &&
	    !make_head(w, (struct jstr){ 0 }, (struct jstr){ 0 }, 0, (struct jstr){ 0 }, (struct jstr){ 0 }))
		return false;
	switch ((enum chat_event_kind)e->kind) {
	case EVENT_START: case EVENT_PING: case EVENT_ERROR: break;
	case EVENT_OPEN: ok = write_open(w, arena, e, out); break;
	case EVENT_DELTA: write_delta(w, e, out); break;
	case EVENT_CLOSE: ok = write_close(w, arena, e, out); break;
	case EVENT_FINISH: ok = write_finish(w, e, out); break;
	case EVENT_USAGE: w->usage = e->usage; break;
	case EVENT_END: ok = write_end(w, out); break;
	}
	return ok && !out->failed;
}

/* Clients raise on the error object; [DONE] does not follow. */
bool openai_chat_write_error(void *writer, const struct err *e, struct str request_id, struct buf *out)
{
	buf_append(out, STR("data: "));
	bool ok = dialect_write_error(&dialect_openai_chat, e, NULL, request_id, out);
	return buf_append(out, STR("\n\n")) && ok;
}

bool openai_chat_write_ping(void *writer, struct buf *out) { return buf_append(out, STR(": ping\n\n")); }
