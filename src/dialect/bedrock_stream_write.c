/* SPDX-License-Identifier: Apache-2.0 */
/* bedrock_stream_write: the neutral model's events as ConverseStream's messages. One block is open at a time. */
#include "dialect/bedrock_in.h"
#include "net/eventstream.h"

/* One message: the payload is written, then framed. */
struct message {
	struct buf body;
	struct json_writer w;
};

static void begin(struct message *m, struct buf *out)
{
	m->body = buf_make(out->max);
	m->w = json_writer_make(&m->body);
	json_open(&m->w, '{');
}

static bool send(struct message *m, struct str type, struct buf *out)
{
	json_close(&m->w);
	bool good = json_write_done(&m->w) && eventstream_write_event(out, type, buf_str(&m->body));

	buf_fini(&m->body);
	return good;
}

bool bedrock_writer_init(void *writer, const struct chat_reply *reply)
{
	((struct bedrock_writer *)writer)->reply = reply;
	return true;
}

void bedrock_writer_fini(void *writer)
{
	(void)writer;
}

static bool write_start(struct bedrock_writer *wr, const struct chat_event *ev, struct buf *out)
{
	struct str tier = bedrock_tier_word(ev->start.service_tier);
	struct message m;

	if (tier.n && tier.n < sizeof wr->tier)
		memcpy(wr->tier, tier.p, tier.n);
	begin(&m, out);
	json_key_lit(&m.w, "role");
	json_str(&m.w, STR("assistant"));
	return send(&m, STR("messageStart"), out);
}

static bool send_indexed(struct bedrock_writer *wr, struct message *m, struct str type, struct buf *out)
{
	json_key_lit(&m->w, "contentBlockIndex");
	json_u64(&m->w, wr->index);
	wr->written = true;
	return send(m, type, out);
}

/* {"delta":{ … },"contentBlockIndex":n}; `inner`: the delta's member is an object with this member. */
static bool write_delta(struct bedrock_writer *wr, struct str member, const char *inner, struct jstr text,
                        struct buf *out)
{
	struct message m;

	begin(&m, out);
	json_key_lit(&m.w, "delta");
	json_open(&m.w, '{');
	json_key(&m.w, member);
	if (inner) {
		json_open(&m.w, '{');
		json_key(&m.w, str_from_z(inner));
	}
	json_jstr(&m.w, text);
	if (inner)
		json_close(&m.w);
	json_close(&m.w);
	return send_indexed(wr, &m, STR("contentBlockDelta"), out);
}

static bool write_text(struct bedrock_writer *wr, struct jstr text, struct buf *out)
{
	if (text.n == 0)
		return true;
	if (wr->kind == CHAT_REASONING)
		return write_delta(wr, STR("reasoningContent"), "text", text, out);
	return write_delta(wr, STR("text"), NULL, text, out);
}

static bool write_args(struct bedrock_writer *wr, struct jstr text, struct buf *out)
{
	wr->args |= text.n > 0;
	return text.n == 0 || write_delta(wr, STR("toolUse"), "input", text, out);
}

static bool write_opaque(struct bedrock_writer *wr, struct arena *a, const struct chat_opaque *o, struct buf *out)
{
	struct jstr text;

	if (wr->kind != CHAT_REASONING || o->bytes.n == 0)
		return true;
	text = bedrock_opaque_text(a, o, wr->redacted);
	return text.p &&
	       write_delta(wr, STR("reasoningContent"), wr->redacted ? "redactedContent" : "signature", text, out);
}

static bool write_citation(struct bedrock_writer *wr, const struct chat_citation *c, struct buf *out)
{
	struct message m;

	if (wr->kind != CHAT_TEXT)
		return true;
	begin(&m, out);
	json_key_lit(&m.w, "delta");
	json_open(&m.w, '{');
	json_key_lit(&m.w, "citation");
	bedrock_write_citation(&m.w, c);
	json_close(&m.w);
	return send_indexed(wr, &m, STR("contentBlockDelta"), out);
}

static bool write_image_data(struct bedrock_writer *wr, struct jstr data, struct buf *out)
{
	struct message m;

	if (wr->kind != CHAT_IMAGE || data.n == 0)
		return true;
	begin(&m, out);
	json_key_lit(&m.w, "delta");
	json_raw(&m.w, STR("{\"image\":{\"source\":{\"bytes\":\""));
	m.body.failed |= !buf_append_jstr(&m.body, data) || !buf_append(&m.body, STR("\"}}}"));
	return send_indexed(wr, &m, STR("contentBlockDelta"), out);
}

/* Starts of blocks that have one: calls and images. */
static bool write_block_start(struct bedrock_writer *wr, struct arena *a, const struct chat_block *b, struct str format,
                              struct buf *out)
{
	struct jstr id = bedrock_call_id(a, wr->reply, b->id, wr->index);
	struct message m;

	if (!id.p)
		return false;
	begin(&m, out);
	json_key_lit(&m.w, "start");
	json_open(&m.w, '{');
	if (b->kind == CHAT_TOOL_CALL) {
		json_key_lit(&m.w, "toolUse");
		json_open(&m.w, '{');
		json_key_lit(&m.w, "toolUseId");
		json_jstr(&m.w, id);
		json_key_lit(&m.w, "name");
		json_jstr(&m.w, b->name);
	} else {
		json_key_lit(&m.w, "image");
		json_open(&m.w, '{');
		json_key_lit(&m.w, "format");
		json_str(&m.w, format);
	}
	json_close(&m.w);
	json_close(&m.w);
	return send_indexed(wr, &m, STR("contentBlockStart"), out);
}

static bool write_citations(struct bedrock_writer *wr, const struct chat_block *b, struct buf *out)
{
	for (const struct chat_citation *c = b->citations; c; c = c->next)
		if (!write_citation(wr, c, out))
			return false;
	return true;
}

static bool open_call(struct bedrock_writer *wr, struct arena *a, const struct chat_block *b, struct buf *out)
{
	struct jstr args = { 0 };

	wr->called = true;
	if (b->args.text.p || b->args.json.p)
		args = chat_args_text(a, &b->args);
	return write_block_start(wr, a, b, STR(""), out) && write_args(wr, args, out);
}

static bool open_image(struct bedrock_writer *wr, struct arena *a, const struct chat_block *b, struct buf *out)
{
	struct str format = b->media ? bedrock_media_format(CHAT_IMAGE, b->media->type, b->media->name) : STR("");

	wr->skip = !format.p || (b->media->data.p && b->media->from != MEDIA_BYTES);
	if (wr->skip)
		return true;
	return write_block_start(wr, a, b, format, out) && write_image_data(wr, b->media->data, out);
}

static bool write_open(struct bedrock_writer *wr, struct arena *a, const struct chat_block *b, struct buf *out)
{
	struct jstr text;

	wr->kind = b->kind;
	wr->redacted = b->redacted;
	wr->written = wr->skip = wr->args = false;
	wr->part = 0;
	switch ((enum chat_kind)b->kind) {
	case CHAT_TEXT:
	case CHAT_REFUSAL: wr->kind = CHAT_TEXT; return write_text(wr, b->text, out) && write_citations(wr, b, out);
	case CHAT_REASONING:
		text = bedrock_thoughts(a, b);
		return text.p && write_text(wr, text, out) && write_opaque(wr, a, &b->opaque, out);
	case CHAT_TOOL_CALL: wr->skip = b->tool == TOOL_SERVER; return wr->skip || open_call(wr, a, b, out);
	case CHAT_IMAGE: return open_image(wr, a, b, out);
	case CHAT_AUDIO:
		/* there is no delta for it: what was said */
		return !b->media || write_text(wr, b->media->transcript, out);
	case CHAT_VIDEO:
	case CHAT_DOCUMENT:
	case CHAT_TOOL_RESULT:
	case CHAT_RAW:
	case CHAT_KINDS: wr->skip = true; return true;
	}
	return true;
}

static bool write_summary(struct bedrock_writer *wr, const struct chat_delta *d, struct buf *out)
{
	bool next = d->part != wr->part;

	wr->part = d->part;
	return (!next || write_text(wr, JSTR("\\n\\n"), out)) && write_text(wr, d->text, out);
}

static bool write_any_delta(struct bedrock_writer *wr, struct arena *a, const struct chat_delta *d, struct buf *out)
{
	if (wr->skip)
		return true;
	switch ((enum chat_delta_kind)d->kind) {
	case DELTA_TEXT:
	case DELTA_TRANSCRIPT: return write_text(wr, d->text, out);
	case DELTA_ARGS: return write_args(wr, d->text, out);
	case DELTA_SUMMARY: return write_summary(wr, d, out);
	case DELTA_OPAQUE: return write_opaque(wr, a, &d->opaque, out);
	case DELTA_CITATION: return write_citation(wr, d->citation, out);
	case DELTA_DATA: return write_image_data(wr, d->text, out);
	case DELTA_LOGPROBS:
	case DELTA_RAW: return true;
	}
	return true;
}

/* A block of which nothing was said has no index. */
static bool write_close(struct bedrock_writer *wr, struct arena *a, const struct chat_block *b, struct buf *out)
{
	struct message m;

	if (b && !wr->skip && !write_opaque(wr, a, &b->opaque, out))
		return false;
	if (!wr->written)
		return true;
	/* A call without arguments has an empty object of them. */
	if (wr->kind == CHAT_TOOL_CALL && !wr->args && !write_args(wr, JSTR("{}"), out))
		return false;
	begin(&m, out);
	bool good = send_indexed(wr, &m, STR("contentBlockStop"), out);
	wr->index++;
	wr->written = false;
	return good;
}

static bool write_finish(struct bedrock_writer *wr, const struct chat_finish *f, struct buf *out)
{
	struct message m;

	begin(&m, out);
	json_key_lit(&m.w, "stopReason");
	json_str(&m.w, bedrock_stop_word(f, wr->called));
	if (f->sequence.p) {
		json_key_lit(&m.w, "additionalModelResponseFields");
		json_open(&m.w, '{');
		json_key_lit(&m.w, "stop_sequence");
		json_jstr(&m.w, f->sequence);
		json_close(&m.w);
	}
	return send(&m, STR("messageStop"), out);
}

/* The last message, behind the stop (K1). */
static bool write_end(struct bedrock_writer *wr, struct buf *out)
{
	struct message m;

	begin(&m, out);
	if (wr->usage.source != USAGE_NONE) {
		json_key_lit(&m.w, "usage");
		bedrock_write_usage(&m.w, &wr->usage);
	}
	json_key_lit(&m.w, "metrics");
	json_raw(&m.w, STR("{\"latencyMs\":0}"));
	if (wr->tier[0]) {
		json_key_lit(&m.w, "serviceTier");
		json_open(&m.w, '{');
		json_key_lit(&m.w, "type");
		json_str(&m.w, str_from_z(wr->tier));
		json_close(&m.w);
	}
	return send(&m, STR("metadata"), out);
}

bool bedrock_write_event(void *writer, struct arena *a, const struct chat_event *ev, struct buf *out)
{
	struct bedrock_writer *wr = writer;

	if (ev->choice > 0)
		return true; /* Converse has one */
	switch ((enum chat_event_kind)ev->kind) {
	case EVENT_START: return write_start(wr, ev, out);
	case EVENT_OPEN: return write_open(wr, a, ev->open, out);
	case EVENT_DELTA: return write_any_delta(wr, a, &ev->delta, out);
	case EVENT_CLOSE: return write_close(wr, a, ev->open, out);
	case EVENT_FINISH: return write_finish(wr, &ev->finish, out);
	case EVENT_USAGE: wr->usage = ev->usage; return true;
	case EVENT_END: return write_end(wr, out);
	case EVENT_PING: return bedrock_write_ping(writer, out);
	case EVENT_ERROR: return true;
	}
	return true;
}

bool bedrock_write_stream_error(void *writer, const struct err *e, struct str request_id, struct buf *out)
{
	(void)writer;
	(void)request_id;
	return bedrock_write_exception(e, out);
}

/* A kind of event that SDKs do not know and pass over; but it resets their timers, of which boto3's is a minute. */
bool bedrock_write_ping(void *writer, struct buf *out)
{
	(void)writer;
	return eventstream_write_event(out, STR("ping"), STR("{}"));
}
