/* SPDX-License-Identifier: Apache-2.0 */
/* bedrock_response: whole answers of Converse. */
#include <assert.h>

#include "dialect/bedrock_in.h"

/* ---- reading ---- */

static bool has_client_call(const struct chat_block *b)
{
	for (; b; b = b->next)
		if (b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER)
			return true;
	return false;
}

/* What only Bedrock's own clients understand. metrics are its own machine's. */
static bool keep_extras(struct arena *a, const struct json_node *body, struct chat_response *out)
{
	static const struct str known[] = {
		STR_INIT("output"),  STR_INIT("stopReason"),  STR_INIT("usage"),
		STR_INIT("metrics"), STR_INIT("serviceTier"),
	};

	for (const struct json_node *m = node_first(body); m; m = node_next(body, m)) {
		bool is_known = m->type == JSON_NULL;

		for (size_t i = 0; i < COUNT_OF(known) && !is_known; i++)
			is_known = node_named(m, known[i]);
		if (!is_known && !chat_extra_add(a, &out->extras, DIALECT_BEDROCK, node_key(m), node_raw(m)))
			return false;
	}
	return true;
}

bool bedrock_read_response(struct arena *a, const struct chat_source *source, const struct json_node *body,
                           struct chat_response *out, struct err *e)
{
	const struct json_node *message = node_get(node_get(body, STR("output")), STR("message"));
	const struct json_node *content = node_get(message, STR("content"));
	struct bedrock_read r = {
		.arena = a,
		.err = e,
		.answer = true,
		.message = -1,
		.block = -1,
		.inner = -1,
		.maker = source->bedrock_claude ? MAKER_ANTHROPIC : MAKER_OTHER,
	};
	struct chat_output *o = arena_zalloc(a, sizeof *o);
	struct chat_block **end;

	if (!node_is(content, JSON_ARRAY))
		return err_set(e, ERR_UPSTREAM, "the provider's answer has no output.message.content");
	*out = (struct chat_response){ .from = DIALECT_BEDROCK, .outputs = o };
	if (!o)
		return bedrock_full(&r);
	end = &o->blocks;
	if (!bedrock_read_content(&r, content, &end) || !keep_extras(a, body, out))
		return bedrock_full(&r);
	bedrock_read_stop(node_get_text(body, STR("stopReason")), &o->finish);
	if (o->finish.stop == STOP_END && has_client_call(o->blocks))
		o->finish.stop = STOP_TOOL;
	if (o->finish.stop == STOP_SEQUENCE)
		o->finish.sequence = bedrock_read_sequence(node_get(body, STR("additionalModelResponseFields")));
	out->service_tier = node_get_text(node_get(body, STR("serviceTier")), STR("type"));
	return bedrock_usage_read(node_raw(body), &out->usage) || bedrock_full(&r);
}

/* ---- writing ---- */

static void write_text(struct json_writer *w, const struct chat_block *b)
{
	if (!b->citations) {
		json_key_lit(w, "text");
		json_jstr(w, b->text);
		return;
	}
	json_key_lit(w, "citationsContent");
	json_open(w, '{');
	json_key_lit(w, "content");
	json_open(w, '[');
	json_open(w, '{');
	json_key_lit(w, "text");
	json_jstr(w, b->text);
	json_close(w);
	json_close(w);
	json_key_lit(w, "citations");
	json_open(w, '[');
	for (const struct chat_citation *c = b->citations; c; c = c->next)
		bedrock_write_citation(w, c);
	json_close(w);
	json_close(w);
}

static bool write_reasoning(struct arena *a, struct json_writer *w, const struct chat_block *b)
{
	struct jstr opaque = b->opaque.bytes.p ? bedrock_opaque_text(a, &b->opaque, b->redacted) : JSTR("");
	struct jstr text = bedrock_thoughts(a, b);

	if (!opaque.p || !text.p)
		return false;
	json_key_lit(w, "reasoningContent");
	json_open(w, '{');
	if (b->redacted) {
		json_key_lit(w, "redactedContent");
		json_jstr(w, opaque);
	} else {
		json_key_lit(w, "reasoningText");
		json_open(w, '{');
		json_key_lit(w, "text");
		json_jstr(w, text);
		if (opaque.n) {
			json_key_lit(w, "signature");
			json_jstr(w, opaque);
		}
		json_close(w);
	}
	json_close(w);
	return true;
}

static bool write_call(struct arena *a, struct json_writer *w, const struct chat_block *b,
                       const struct chat_reply *reply, unsigned n)
{
	bool odd;
	struct str input = chat_args_json(a, &b->args, &odd);
	struct jstr id = bedrock_call_id(a, reply, b->id, n);

	if (!input.p || !id.p)
		return false;
	json_key_lit(w, "toolUse");
	json_open(w, '{');
	json_key_lit(w, "toolUseId");
	json_jstr(w, id);
	json_key_lit(w, "name");
	json_jstr(w, b->name);
	json_key_lit(w, "input");
	json_raw(w, input);
	json_close(w);
	return true;
}

static void write_media(struct json_writer *w, const struct chat_block *b, struct str format)
{
	json_key(w, b->kind == CHAT_IMAGE ? STR("image") : STR("audio"));
	json_open(w, '{');
	json_key_lit(w, "format");
	json_str(w, format);
	json_key_lit(w, "source");
	json_open(w, '{');
	json_key_lit(w, "bytes");
	json_jstr(w, b->media->data);
	json_close(w);
	json_close(w);
}

/* Can it be said in Converse? What is dropped is named. */
static bool can_say(const struct chat_block *b, struct chat_drops *drops)
{
	bool medium = b->kind == CHAT_IMAGE || b->kind == CHAT_AUDIO;

	if (bedrock_is_raw(b))
		return true;
	if (medium && b->media && b->media->from == MEDIA_BYTES && b->media->data.p &&
	    bedrock_media_format((enum chat_kind)b->kind, b->media->type, b->media->name).p)
		return true;
	if (b->kind == CHAT_AUDIO && b->media && b->media->transcript.p)
		return true;
	if (b->tool == TOOL_SERVER || medium || b->kind > CHAT_TOOL_CALL || b->kind == CHAT_VIDEO ||
	    b->kind == CHAT_DOCUMENT) {
		chat_drop(drops, "output.%s", chat_kind_name((enum chat_kind)b->kind));
		return false;
	}
	/* Clients refuse to send it back. */
	return b->kind != CHAT_TEXT || b->text.n;
}

static bool write_block(struct arena *a, struct json_writer *w, const struct chat_block *b,
                        const struct chat_reply *reply, unsigned n)
{
	struct str format;
	bool good = true;

	if (bedrock_is_raw(b)) {
		json_raw(w, b->raw);
		return true;
	}
	json_open(w, '{');
	switch ((enum chat_kind)b->kind) {
	case CHAT_TEXT:
	case CHAT_REFUSAL: write_text(w, b); break;
	case CHAT_REASONING: good = write_reasoning(a, w, b); break;
	case CHAT_TOOL_CALL: good = write_call(a, w, b, reply, n); break;
	case CHAT_IMAGE:
	case CHAT_AUDIO:
		format = bedrock_media_format((enum chat_kind)b->kind, b->media->type, b->media->name);
		if (format.p && b->media->from == MEDIA_BYTES && b->media->data.p)
			write_media(w, b, format);
		else
			write_text(w, &(struct chat_block){ .text = b->media->transcript });
		break;
	case CHAT_VIDEO:
	case CHAT_DOCUMENT:
	case CHAT_TOOL_RESULT:
	case CHAT_RAW:
	case CHAT_KINDS: assert(!"it cannot be said"); break;
	}
	json_close(w);
	return good;
}

static void write_end(struct json_writer *w, const struct chat_response *rs, const struct chat_output *o)
{
	json_key_lit(w, "stopReason");
	json_str(w, bedrock_stop_word(&o->finish, has_client_call(o->blocks)));
	if (rs->usage.source != USAGE_NONE) {
		json_key_lit(w, "usage");
		bedrock_write_usage(w, &rs->usage);
	}
	/* Typed clients require it. The time that the provider's machine took is not known. */
	json_key_lit(w, "metrics");
	json_raw(w, STR("{\"latencyMs\":0}"));
	struct str tier = bedrock_tier_word(rs->service_tier);
	if (tier.n) {
		json_key_lit(w, "serviceTier");
		json_open(w, '{');
		json_key_lit(w, "type");
		json_str(w, tier);
		json_close(w);
	}
	if (o->finish.sequence.p) {
		json_key_lit(w, "additionalModelResponseFields");
		json_open(w, '{');
		json_key_lit(w, "stop_sequence");
		json_jstr(w, o->finish.sequence);
		json_close(w);
	}
}

bool bedrock_write_response(struct arena *a, const struct chat_response *rs, const struct chat_reply *reply,
                            struct buf *out, struct chat_drops *drops)
{
	struct json_writer w = json_writer_make(out);
	const struct chat_output *o = rs->outputs;
	unsigned n = 0;

	json_open(&w, '{');
	json_key_lit(&w, "output");
	json_open(&w, '{');
	json_key_lit(&w, "message");
	json_open(&w, '{');
	json_key_lit(&w, "role");
	json_str(&w, STR("assistant"));
	json_key_lit(&w, "content");
	json_open(&w, '[');
	for (const struct chat_block *b = o->blocks; b; b = b->next, n++)
		if (can_say(b, drops) && !write_block(a, &w, b, reply, n))
			return false;
	json_close(&w);
	json_close(&w);
	json_close(&w);
	write_end(&w, rs, o);
	if (o->next)
		chat_drop(drops, "n");
	chat_drop_answer(drops, rs, bedrock_tier_word(rs->service_tier).n ? ANSWER_TIER : 0);
	json_close(&w);
	return json_write_done(&w);
}
