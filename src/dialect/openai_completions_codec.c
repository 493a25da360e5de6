/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openai_completions_codec: legacy Completions for clients whose model speaks another dialect: the prompt is a message
 * of the user, its answer the text. What has no place in a conversation (echo, suffix, best_of, logprobs) is reported;
 * several prompts and prompts of tokens are refused. Answers and streams of providers are read as those of Chat
 * Completions.
 */

#include <stdlib.h>

#include "base/mem.h"
#include "dialect/openai_chat_in.h"

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static const char one_prompt[] = "one prompt, a string: this model takes one at a time, and no tokens";

static bool read_prompt(struct openai_request_in *in, const struct json_node *v)
{
	struct chat_turn *t;
	struct chat_block *b;

	if (node_is(v, JSON_ARRAY) && v->children == 1 && node_is(node_first(v), JSON_STRING))
		v = node_first(v);
	if (!node_is(v, JSON_STRING))
		return openai_refuse(in, "prompt", one_prompt, v);
	t = chat_turn_add(in->arena, &in->turns_end, ROLE_USER);
	struct chat_block **end = t ? &t->blocks : NULL;
	b = t ? chat_block_add(in->arena, &end, CHAT_TEXT) : NULL;
	if (!b)
		return openai_full(in->err);
	b->text = node_text(v);
	return true;
}

/* Of these nothing but the name goes on, to be reported. */
static bool drop(struct openai_request_in *in, enum chat_member member, bool says_something)
{
	if (says_something)
		in->rq->set |= MEMBER_BIT(member);
	return true;
}

static bool read_echo(struct openai_request_in *in, const struct json_node *v)
{
	return drop(in, MEMBER_ECHO, !node_is(v, JSON_BOOL) || node_true(v));
}

static bool read_suffix(struct openai_request_in *in, const struct json_node *v)
{
	return drop(in, MEMBER_SUFFIX, !node_is(v, JSON_STRING) || node_text(v).n > 0);
}

static bool read_best_of(struct openai_request_in *in, const struct json_node *v)
{
	return drop(in, MEMBER_BEST_OF, node_i64(v, 0) != 1);
}

static bool read_logprobs(struct openai_request_in *in, const struct json_node *v)
{
	return drop(in, MEMBER_LOGPROBS, true);
}

static const struct openai_own own[] = {
	{ STR_INIT("prompt"), read_prompt }, { STR_INIT("echo"), read_echo }, { STR_INIT("suffix"), read_suffix },
	{ STR_INIT("best_of"), read_best_of }, { STR_INIT("logprobs"), read_logprobs },
};

static bool read_request(struct arena *arena, const struct dialect_request *from, const struct json_node *body,
                         struct chat_request *out, struct err *e)
{
	struct openai_request_in in = { .arena = arena, .rq = out, .err = e, .own = own, .own_n = COUNT_OF(own) };

	*out = (struct chat_request){ .from = DIALECT_OPENAI_COMPLETIONS, .model = node_get_text(body, STR("model")),
		                      .stream = from->stream };
	in.turns_end = &out->turns;
	in.tools_end = &out->tools;
	if (!node_get_some(body, STR("prompt")))
		return openai_refuse(&in, "prompt", one_prompt, node_get(body, STR("prompt")));
	return openai_read_members(&in, body);
}

/* Nobody is asked for a completion in another dialect's name: conversations have roles, prompts have none. */
static bool write_request(struct arena *arena, const struct chat_request *rq, const struct chat_target *target,
                          struct chat_wire *out, struct err *e)
{
	return err_set(e, ERR_UNSUPPORTED_PARAMETER, "messages: this model only completes prompts, at /v1/completions");
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static struct str finish_word(const struct chat_finish *f)
{
	struct str word = openai_finish_word(f, false, false);

	return str_eq(word, STR("tool_calls")) ? STR("stop") : word;
}

/* "id":…,"object":…,"created":…,"model":… */
static void write_head(struct buf *b, struct jstr id, int64_t created_s, struct jstr model,
                       const struct chat_reply *reply)
{
	id = id.n ? id : reply->id;
	buf_append(b, STR("\"id\":\""));
	if (!str_starts(jstr_raw(id), STR("cmpl-")))
		buf_append(b, STR("cmpl-"));
	buf_append_jstr(b, id);
	buf_append(b, STR("\",\"object\":\"text_completion\",\"created\":"));
	buf_append_i64(b, created_s > 0 ? created_s : reply->created_s);
	buf_append(b, STR(",\"model\":\""));
	buf_append_jstr(b, model.n ? model : reply->model);
	buf_append(b, STR("\",\"choices\":["));
}

/* A choice up to the start of its text, and from its end. */
static void begin_choice(struct buf *b) { buf_append(b, STR("{\"text\":\"")); }

static void end_choice(struct buf *b, uint32_t index, struct str finish)
{
	buf_append(b, STR("\",\"index\":"));
	buf_append_u64(b, index);
	buf_append(b, STR(",\"logprobs\":null,\"finish_reason\":"));
	if (finish.n) {
		buf_append_c(b, '"');
		buf_append(b, finish);
		buf_append(b, STR("\"}"));
	} else {
		buf_append(b, STR("null}"));
	}
}

static void write_usage(struct buf *b, const struct usage *u)
{
	struct json_writer w = json_writer_make(b);

	buf_append(b, STR(",\"usage\":"));
	openai_write_usage(&w, u);
}

static bool write_response(struct arena *arena, const struct chat_response *resp, const struct chat_reply *reply,
                           struct buf *out, struct chat_drops *drops)
{
	uint32_t index = 0;

	buf_append_c(out, '{');
	write_head(out, resp->id, resp->created_s, resp->model, reply);
	for (const struct chat_output *o = resp->outputs; o; o = o->next) {
		if (index > 0)
			buf_append_c(out, ',');
		begin_choice(out);
		for (const struct chat_block *b = o->blocks; b; b = b->next) {
			if (b->kind == CHAT_TEXT || b->kind == CHAT_REFUSAL)
				buf_append_jstr(out, b->text);
			if (b->citations)
				chat_drop(drops, "citations");
			if (b->kind != CHAT_TEXT && b->kind != CHAT_REFUSAL)
				chat_drop(drops, "%s", chat_kind_name((enum chat_kind)b->kind));
		}
		end_choice(out, index++, finish_word(&o->finish));
	}
	chat_drop_answer(drops, resp, 0);
	buf_append_c(out, ']');
	if (resp->usage.source != USAGE_NONE)
		write_usage(out, &resp->usage);
	return buf_append_c(out, '}') && !out->failed;
}

/* ---- streams ----------------------------------------------------------------------------------------------------- */

enum { OPEN_MAX = 256, HEAD_MAX = 16 * 1024 };

struct writer {
	const struct chat_reply *reply;
	struct buf head;
	struct text_block { uint32_t block, choice; } *open;  /* those whose text the client sees */
	uint32_t open_n, open_cap;
	bool over;
	struct usage usage;
};

static bool writer_init(void *writer, const struct chat_reply *reply)
{
	*(struct writer *)writer = (struct writer){ .reply = reply, .head = buf_make(HEAD_MAX) };
	return true;
}

static void writer_fini(void *writer)
{
	struct writer *w = writer;

	buf_fini(&w->head);
	free(w->open);
	*w = (struct writer){ 0 };
}

static bool make_head(struct writer *w, struct jstr id, int64_t created_s, struct jstr model)
{
	buf_append(&w->head, STR("data: {"));
	write_head(&w->head, id, created_s, model, w->reply);
	return !w->head.failed;
}

static void write_chunk(struct writer *w, struct buf *out, uint32_t choice, struct jstr text, struct str finish)
{
	buf_append(out, buf_str(&w->head));
	begin_choice(out);
	buf_append_jstr(out, text);
	end_choice(out, choice, finish);
	buf_append(out, w->reply->usage_asked ? STR("],\"usage\":null}\n\n") : STR("]}\n\n"));
}

static bool open_text(struct writer *w, const struct chat_event *e, struct buf *out)
{
	if (e->open->kind != CHAT_TEXT && e->open->kind != CHAT_REFUSAL)
		return true;
	if (w->open_n == OPEN_MAX)
		return false;
	if (w->open_n == w->open_cap) {
		w->open_cap = w->open_cap ? w->open_cap * 2 : 2;
		w->open = mem_realloc(w->open, w->open_cap * sizeof *w->open);
	}
	w->open[w->open_n++] = (struct text_block){ e->block, e->choice };
	if (e->open->text.n)
		write_chunk(w, out, e->choice, e->open->text, str_of(NULL, 0));
	return true;
}

static struct text_block *find_text(struct writer *w, uint32_t block)
{
	for (uint32_t i = 0; i < w->open_n; i++)
		if (w->open[i].block == block)
			return &w->open[i];
	return NULL;
}

static void write_end(struct writer *w, struct buf *out)
{
	if (w->reply->usage_asked && w->usage.source != USAGE_NONE) {
		buf_append(out, buf_str(&w->head));
		buf_append_c(out, ']');
		write_usage(out, &w->usage);
		buf_append(out, STR("}\n\n"));
	}
	buf_append(out, STR("data: [DONE]\n\n"));
	w->over = true;
}

static bool write_event(void *writer, struct arena *arena, const struct chat_event *e, struct buf *out)
{
	struct writer *w = writer;
	struct text_block *text = NULL;

	if (w->over)
		return true;
	if (w->head.n == 0 && e->kind != EVENT_PING && e->kind != EVENT_USAGE) {
		bool start = e->kind == EVENT_START;
		if (!make_head(w, start ? e->start.id : (struct jstr){ 0 }, start ? e->start.created_s : 0,
		               start ? e->start.model : (struct jstr){ 0 }))
			return false;
	}
	switch ((enum chat_event_kind)e->kind) {
	case EVENT_START: case EVENT_PING: case EVENT_ERROR: break;
	case EVENT_OPEN:
		if (!open_text(w, e, out))
			return false;
		break;
	case EVENT_DELTA:
		text = e->delta.kind == DELTA_TEXT && e->delta.text.n ? find_text(w, e->block) : NULL;
		if (text)
			write_chunk(w, out, text->choice, e->delta.text, str_of(NULL, 0));
		break;
	case EVENT_CLOSE:
		text = find_text(w, e->block);
		if (text)
			*text = w->open[--w->open_n];
		break;
	case EVENT_FINISH: write_chunk(w, out, e->choice, JSTR(""), finish_word(&e->finish)); break;
	case EVENT_USAGE: w->usage = e->usage; break;
	case EVENT_END: write_end(w, out); break;
	}
	return !out->failed;
}

const struct chat_codec openai_completions_codec = {
	.read_request = read_request,
	.write_request = write_request,
	.read_response = openai_chat_read_response,
	.write_response = write_response,
	.reader_size = OPENAI_CHAT_READER_SIZE,
	.writer_size = sizeof(struct writer),
	.reader_init = openai_chat_reader_init,
	.reader_fini = openai_chat_reader_fini,
	.read_event = openai_chat_read_event,
	.writer_init = writer_init,
	.writer_fini = writer_fini,
	.write_event = write_event,
	.write_error = openai_chat_write_error,
	.write_ping = openai_chat_write_ping,
};
