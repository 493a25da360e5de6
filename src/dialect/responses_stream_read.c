/* SPDX-License-Identifier: Apache-2.0 */
/*
 * responses_stream_read: streams of Responses, read (rules D1 to D5).
 *
 * Items are known by their output_index, and the parts of messages by their content_index too. Some servers leave out
 * the events that open things, or send nothing but the end; so whatever comes first opens, and what was already given
 * is not given again.
 */
#include "dialect/responses_in.h"
#include "dialect/stream.h"

enum { OPEN_MAX = RESPONSES_OPEN_MAX, PARTS_MAX = 64, MESSAGES_SEEN = RESPONSES_MESSAGES_SEEN };
bool responses_reader_init(void *reader, const struct chat_source *source)
{
	struct responses_reader *r = reader;

	r->maker = (uint8_t)responses_maker(source->model);
	return true;
}

/* One event on its way. */
struct step {
	struct responses_reader *r;
	struct arena *arena;
	struct chat_events *out;
	struct str text;
	const struct json_node *data;    /* of the text */
	struct dialect_error *error;
	struct err *err;
	enum chat_read verdict;
	int64_t output, content;
};

/* ---- what is open ---- */

static struct responses_open *find(struct step *s, int64_t content)
{
	for (uint32_t i = 0; i < s->r->n_open; i++) {
		struct responses_open *o = &s->r->open[i];

		if (o->output == s->output && o->content == content)
			return o;
	}
	return NULL;
}

static struct responses_open *open_block(struct step *s, const struct chat_block *b, int64_t content)
{
	struct chat_event *e;
	struct chat_block *copy;
	struct responses_open *o;

	if (s->r->n_open == OPEN_MAX) {
		err_set(s->err, ERR_UPSTREAM, "the provider's stream has more than %d items under way", OPEN_MAX);
		return NULL;
	}
	e = chat_event_add(s->arena, s->out, EVENT_OPEN);
	copy = arena_alloc(s->arena, sizeof *copy);
	if (!e || !copy) {
		err_set(s->err, ERR_UPSTREAM, "an event of the provider needs more memory than it may have");
		return NULL;
	}
	*copy = *b;
	o = &s->r->open[s->r->n_open++];
	*o = (struct responses_open){
		.output = s->output, .content = content, .block = s->r->blocks++, .kind = b->kind
	};
	e->block = o->block;
	e->open = copy;
	s->r->calls |= b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER;
	s->r->refused |= b->kind == CHAT_REFUSAL;
	return o;
}

static bool close_block(struct step *s, struct responses_open *o)
{
	struct chat_event *e = chat_event_add(s->arena, s->out, EVENT_CLOSE);

	if (!e)
		return err_set(s->err, ERR_UPSTREAM, "an event of the provider needs more memory than it may have");
	e->block = o->block;
	*o = s->r->open[--s->r->n_open];
	return true;
}

static struct chat_event *give(struct step *s, struct responses_open *o, enum chat_delta_kind kind, struct jstr text)
{
	struct chat_event *e = chat_delta_add(s->arena, s->out, o->block, kind, text);

	if (!e)
		err_set(s->err, ERR_UPSTREAM, "an event of the provider needs more memory than it may have");
	return e;
}

/* ---- texts ---- */

/* The parts of this message that were given; made if there are none. */
static uint64_t *parts_seen(struct step *s)
{
	struct responses_reader *r = s->r;
	uint32_t at;

	for (uint32_t i = 0; i < MESSAGES_SEEN && i < r->n_seen; i++)
		if (r->seen[i].output == s->output)
			return &r->seen[i].parts;
	at = r->n_seen++ % MESSAGES_SEEN;
	r->seen[at].output = s->output;
	r->seen[at].parts = 0;
	return &r->seen[at].parts;
}

static uint64_t part_bit(int64_t content)
{
	return (uint64_t)1 << (content < 0 ? 0 : content >= PARTS_MAX ? PARTS_MAX - 1 : content);
}

static struct responses_open *text_block(struct step *s, enum chat_kind kind)
{
	struct responses_open *o = find(s, s->content);
	struct chat_block b = { .kind = (uint8_t)kind, .item_id = node_get_text(s->data, STR("item_id")) };

	if (o)
		return o;
	*parts_seen(s) |= part_bit(s->content);
	return open_block(s, &b, s->content);
}

static struct responses_open *thought(struct step *s)
{
	struct responses_open *o = find(s, -1);
	struct chat_block b = { .kind = CHAT_REASONING, .id = node_get_text(s->data, STR("item_id")) };

	return o ? o : open_block(s, &b, -1);
}

static bool give_logprobs(struct step *s, struct responses_open *o)
{
	const struct json_node *v = node_get(s->data, STR("logprobs"));
	struct chat_event *e;

	if (!node_is(v, JSON_ARRAY) || !v->children)
		return true;
	e = give(s, o, DELTA_LOGPROBS, (struct jstr){ 0 });
	if (e)
		e->delta.raw = node_raw(v);
	return e != NULL;
}

static bool text_delta(struct step *s, enum chat_kind kind)
{
	struct responses_open *o = text_block(s, kind);
	struct jstr text = node_get_text(s->data, STR("delta"));

	if (!o)
		return false;
	o->any |= text.n > 0;
	return (!text.n || give(s, o, DELTA_TEXT, text)) && give_logprobs(s, o);
}

static bool on_text_delta(struct step *s) { return text_delta(s, CHAT_TEXT); }
static bool on_refusal_delta(struct step *s) { return text_delta(s, CHAT_REFUSAL); }

/* The whole text, for those who sent no piece of it. */
static bool whole_text(struct step *s, struct responses_open *o, struct jstr text)
{
	if (!o || o->any || !text.n)
		return true;
	o->any = true;
	return give(s, o, DELTA_TEXT, text) != NULL;
}

static bool on_text_done(struct step *s)
{
	struct jstr text = node_get_text(s->data, STR("text"));
	struct responses_open *o = text.n ? text_block(s, CHAT_TEXT) : find(s, s->content);

	return (o || !text.n) && whole_text(s, o, text);
}

static bool on_refusal_done(struct step *s)
{
	struct jstr text = node_get_text(s->data, STR("refusal"));
	struct responses_open *o = text.n ? text_block(s, CHAT_REFUSAL) : find(s, s->content);

	return (o || !text.n) && whole_text(s, o, text);
}

static bool give_citation(struct step *s, struct responses_open *o, const struct json_node *v)
{
	struct chat_citation *c = responses_read_citation(s->arena, v);
	struct chat_event *e;

	if (!c)
		return true;
	e = give(s, o, DELTA_CITATION, (struct jstr){ 0 });
	if (!e)
		return false;
	e->delta.citation = c;
	o->citations++;
	return true;
}

static bool on_annotation(struct step *s)
{
	struct responses_open *o = text_block(s, CHAT_TEXT);

	return o && give_citation(s, o, node_get(s->data, STR("annotation")));
}

static bool on_part_added(struct step *s)
{
	const struct json_node *type = node_get(node_get(s->data, STR("part")), STR("type"));

	if (node_is_word(type, STR("output_text")))
		return text_block(s, CHAT_TEXT) != NULL;
	if (node_is_word(type, STR("refusal")))
		return text_block(s, CHAT_REFUSAL) != NULL;
	return true;
}

/* A part of a message is over. `o` may be NULL: nothing was seen of it. */
static bool end_part(struct step *s, struct responses_open *o, const struct json_node *part)
{
	const struct json_node *annotations = node_get(part, STR("annotations"));
	uint32_t seen = o ? o->citations : 0;
	bool refusal = node_is_word(node_get(part, STR("type")), STR("refusal"));

	if (!o && !(o = text_block(s, refusal ? CHAT_REFUSAL : CHAT_TEXT)))
		return false;
	if (!whole_text(s, o, node_get_text(part, refusal ? STR("refusal") : STR("text"))))
		return false;
	for (const struct json_node *v = node_first(annotations); v; v = node_next(annotations, v))
		if (seen)
			seen--;
		else if (!give_citation(s, o, v))
			return false;
	return close_block(s, o);
}

static bool on_part_done(struct step *s)
{
	struct responses_open *o = find(s, s->content);

	return !o || end_part(s, o, node_get(s->data, STR("part")));
}

/* ---- thoughts ---- */

static bool on_thought_delta(struct step *s)
{
	struct responses_open *o = thought(s);
	struct jstr text = node_get_text(s->data, STR("delta"));

	if (!o)
		return false;
	o->any |= text.n > 0;
	return !text.n || give(s, o, DELTA_TEXT, text);
}

static bool on_thought_done(struct step *s)
{
	struct jstr text = node_get_text(s->data, STR("text"));
	struct responses_open *o = text.n ? thought(s) : find(s, -1);

	return (o || !text.n) && whole_text(s, o, text);
}

static bool give_summary(struct step *s, int64_t part, struct jstr text, bool whole)
{
	struct responses_open *o;
	struct chat_event *e;

	if (!text.n)
		return true;
	if (part < 0 || part >= PARTS_MAX)
		part = PARTS_MAX - 1;
	o = thought(s);
	if (!o)
		return false;
	if (whole && o->parts & (uint64_t)1 << part)
		return true;
	o->parts |= (uint64_t)1 << part;
	e = give(s, o, DELTA_SUMMARY, text);
	if (e)
		e->delta.part = (uint32_t)part;
	return e != NULL;
}

static bool on_summary_delta(struct step *s)
{
	return give_summary(s, node_i64(node_get(s->data, STR("summary_index")), 0),
	                    node_get_text(s->data, STR("delta")), false);
}

static bool on_summary_done(struct step *s)
{
	return give_summary(s, node_i64(node_get(s->data, STR("summary_index")), 0),
	                    node_get_text(s->data, STR("text")), true);
}

static bool end_thought(struct step *s, const struct json_node *item)
{
	struct responses_read read = { .arena = s->arena, .err = s->err, .answer = true, .maker = s->r->maker,
		                       .item = -1, .part = -1 };
	struct chat_block *b = NULL, **end = &b;
	struct responses_open *o;
	struct chat_event *e;
	enum chat_role role;
	int64_t part = 0;

	if (!responses_read_item(&read, item, &end, &role))
		return false;
	for (const struct chat_block *p = b->blocks; p; p = p->next, part++)
		if (!give_summary(s, part, p->text, true))
			return false;
	o = find(s, -1);
	if (!o && (b->text.n || b->opaque.bytes.p)) {
		struct chat_block open = { .kind = CHAT_REASONING, .id = b->id, .redacted = b->redacted };

		if (!(o = open_block(s, &open, -1)))
			return false;
	}
	if (!o)
		return true;
	if (!whole_text(s, o, b->text))
		return false;
	if (b->opaque.bytes.p) {
		if (!(e = give(s, o, DELTA_OPAQUE, (struct jstr){ 0 })))
			return false;
		e->delta.opaque = b->opaque;
	}
	return close_block(s, o);
}

/* ---- calls ---- */

static bool on_args_delta(struct step *s)
{
	struct responses_open *o = find(s, -1);
	struct jstr text = node_get_text(s->data, STR("delta"));

	if (!o || o->kind != CHAT_TOOL_CALL || !text.n)
		return true;
	o->any = true;
	return give(s, o, DELTA_ARGS, text) != NULL;
}

static bool whole_args(struct step *s, struct responses_open *o, struct jstr text)
{
	if (!o || o->kind != CHAT_TOOL_CALL || o->any || !text.n)
		return true;
	o->any = true;
	return give(s, o, DELTA_ARGS, text) != NULL;
}

static bool on_args_done(struct step *s)
{
	return whole_args(s, find(s, -1), node_get_text(s->data, STR("arguments")));
}

static bool on_input_done(struct step *s)
{
	return whole_args(s, find(s, -1), node_get_text(s->data, STR("input")));
}

/* Opens the call without its arguments. */
static struct responses_open *open_call(struct step *s, const struct json_node *item, struct jstr *args)
{
	struct responses_read read = { .arena = s->arena, .err = s->err, .answer = true, .item = -1, .part = -1 };
	struct chat_block *b = NULL, **end = &b;
	enum chat_role role;

	if (!responses_read_item(&read, item, &end, &role))
		return NULL;
	*args = chat_args_text(s->arena, &b->args);
	b->args = (struct chat_args){ 0 };
	return open_block(s, b, -1);
}

static bool end_call(struct step *s, const struct json_node *item)
{
	struct responses_open *o = find(s, -1);
	struct jstr args =
		node_get_text(item, responses_item_of(item) == ITEM_CUSTOM_CALL ? STR("input") : STR("arguments"));

	if (!o && !(o = open_call(s, item, &args)))
		return false;
	return whole_args(s, o, args) && close_block(s, o);
}

/* ---- items ---- */

static bool on_item_added(struct step *s)
{
	const struct json_node *item = node_get(s->data, STR("item"));
	enum responses_item kind = responses_item_of(item);
	struct jstr args;

	if (kind != ITEM_FUNCTION_CALL && kind != ITEM_CUSTOM_CALL)
		return true;
	return find(s, -1) || open_call(s, item, &args);
}

/* Parts end by their own event, or here; what was not given yet is given. (vLLM counts content_index from 1 behind a
 * thought, so parts that were given are counted, too.) */
static bool end_message(struct step *s, const struct json_node *item)
{
	const struct json_node *content = node_get(item, STR("content"));
	int64_t index = 0;

	if (content && (unsigned)__builtin_popcountll(*parts_seen(s)) >= content->children) {
		for (uint32_t i = s->r->n_open; i-- > 0;)
			if (s->r->open[i].output == s->output && !close_block(s, &s->r->open[i]))
				return false;
		return true;
	}
	for (const struct json_node *v = node_first(content); v; v = node_next(content, v), index++) {
		struct responses_open *o = find(s, index);

		s->content = index;
		if ((o || !(*parts_seen(s) & part_bit(index))) && !end_part(s, o, v))
			return false;
	}
	return true;
}

/* A block that comes whole. */
static bool whole_block(struct step *s, const struct json_node *item)
{
	struct responses_read read = { .arena = s->arena, .err = s->err, .answer = true, .item = -1, .part = -1 };
	struct chat_block *b = NULL, **end = &b;
	struct responses_open *o;
	enum chat_role role;

	if (!responses_read_item(&read, item, &end, &role))
		return false;
	responses_count_calls(item, s->r->paid);
	if (!b)
		return true;
	o = open_block(s, b, -1);
	return o && close_block(s, o);
}

static bool end_item(struct step *s, const struct json_node *item)
{
	switch (responses_item_of(item)) {
	case ITEM_MESSAGE:
		return end_message(s, item);
	case ITEM_FUNCTION_CALL:
	case ITEM_CUSTOM_CALL:
		return end_call(s, item);
	case ITEM_REASONING:
		return end_thought(s, item);
	case ITEM_FUNCTION_OUTPUT:
	case ITEM_CUSTOM_OUTPUT:
	case ITEM_REFERENCE:
	case ITEM_SERVER_CALL:
	case ITEM_IMAGE_CALL:
	case ITEM_RAW_OUTPUT:
	case ITEM_RAW:
		return whole_block(s, item);
	}
	return true;
}

static bool on_item_done(struct step *s)
{
	return end_item(s, node_get(s->data, STR("item")));
}

/* ---- the whole ---- */

static bool on_start(struct step *s)
{
	const struct json_node *response = node_get(s->data, STR("response"));
	struct chat_event *e;

	if (s->r->started)
		return true;
	s->r->started = true;
	e = chat_event_add(s->arena, s->out, EVENT_START);
	if (!e)
		return err_set(s->err, ERR_UPSTREAM, "an event of the provider needs more memory than it may have");
	e->start.id = node_get_text(response, STR("id"));
	e->start.model = node_get_text(response, STR("model"));
	e->start.service_tier = node_get_text(response, STR("service_tier"));
	e->start.created_s = node_i64(node_get(response, STR("created_at")), 0);
	return true;
}

/* Some servers tell all at the end. */
static bool give_output(struct step *s, const struct json_node *response)
{
	const struct json_node *output = node_get(response, STR("output"));

	s->output = 0;
	for (const struct json_node *v = node_first(output); v; v = node_next(output, v), s->output++)
		if (!end_item(s, v))
			return false;
	return true;
}

static bool on_end(struct step *s)
{
	const struct json_node *response = node_get(s->data, STR("response"));
	struct responses_reader *r = s->r;
	struct usage usage = { .source = USAGE_NONE };
	struct chat_event *e;

	if (r->ended)
		return true;
	if (!on_start(s) || (r->blocks == 0 && !give_output(s, response)))
		return false;
	while (r->n_open)
		if (!close_block(s, &r->open[r->n_open - 1]))
			return false;
	r->ended = true;
	responses_read_usage(response, &usage);
	if (!(e = chat_event_add(s->arena, s->out, EVENT_FINISH)))
		return err_set(s->err, ERR_UPSTREAM, "an event of the provider needs more memory than it may have");
	responses_read_finish(response, r->calls, r->refused, &e->finish);
	if (usage.source != USAGE_NONE && (e = chat_event_add(s->arena, s->out, EVENT_USAGE)))
		e->usage = usage;
	return chat_event_add(s->arena, s->out, EVENT_END) != NULL;
}

static bool on_error(struct step *s)
{
	dialect_read_error(200, s->text, NULL, 0, s->error);
	s->verdict = CHAT_READ_ERROR;
	return true;
}

static bool on_ping(struct step *s)
{
	return chat_event_add(s->arena, s->out, EVENT_PING) != NULL;
}

typedef bool event_fn(struct step *);
static const struct { struct str type; event_fn *read; } events[] = {
	{ STR_INIT("response.output_text.delta"), on_text_delta },
	{ STR_INIT("response.function_call_arguments.delta"), on_args_delta },
	{ STR_INIT("response.reasoning_summary_text.delta"), on_summary_delta },
	{ STR_INIT("response.reasoning_text.delta"), on_thought_delta },
	{ STR_INIT("response.custom_tool_call_input.delta"), on_args_delta },
	{ STR_INIT("response.refusal.delta"), on_refusal_delta },
	{ STR_INIT("response.output_item.added"), on_item_added },
	{ STR_INIT("response.output_item.done"), on_item_done },
	{ STR_INIT("response.content_part.added"), on_part_added },
	{ STR_INIT("response.content_part.done"), on_part_done },
	{ STR_INIT("response.output_text.done"), on_text_done },
	{ STR_INIT("response.refusal.done"), on_refusal_done },
	{ STR_INIT("response.output_text.annotation.added"), on_annotation },
	{ STR_INIT("response.function_call_arguments.done"), on_args_done },
	{ STR_INIT("response.custom_tool_call_input.done"), on_input_done },
	{ STR_INIT("response.reasoning_summary_text.done"), on_summary_done },
	{ STR_INIT("response.reasoning_text.done"), on_thought_done },
	{ STR_INIT("response.created"), on_start },
	{ STR_INIT("response.queued"), on_start },
	{ STR_INIT("response.in_progress"), on_start },
	{ STR_INIT("response.completed"), on_end },
	{ STR_INIT("response.incomplete"), on_end },
	{ STR_INIT("response.failed"), on_error },
	{ STR_INIT("error"), on_error },
	{ STR_INIT("keepalive"), on_ping },
};

enum chat_read responses_read_event(void *reader, struct arena *a, const struct chat_frame *f, struct chat_events *out,
                                    struct dialect_error *error, struct err *e)
{
	struct responses_reader *r = reader;
	struct step s = { .r = r, .arena = a, .out = out, .text = f->data, .error = error, .err = e,
		          .verdict = CHAT_READ_OK };
	struct jstr type;

	if (!f->data.p || str_eq(f->data, STR("[DONE]"))) {
		if (r->ended)
			return CHAT_READ_OK;
		err_set(e, ERR_UPSTREAM, "the provider's stream ended in the middle");
		return CHAT_READ_BROKEN;
	}
	if (r->ended)
		return CHAT_READ_OK;
	s.data = json_nodes(a, f->data, ANSWER_DEPTH_MAX, e);
	if (!s.data || !node_is(s.data, JSON_OBJECT)) {
		err_set(e, ERR_UPSTREAM, "an event of the provider's stream is no JSON object");
		return CHAT_READ_BROKEN;
	}
	type = node_get_text(s.data, STR("type"));
	if (!type.n)
		type = jstr_of(f->name.p, f->name.n);
	s.output = node_i64(node_get(s.data, STR("output_index")), 0);
	s.content = node_i64(node_get(s.data, STR("content_index")), 0);
	for (size_t i = 0; i < COUNT_OF(events); i++)
		if (jstr_is(type, events[i].type))
			return events[i].read(&s) ? s.verdict : CHAT_READ_BROKEN;
	return CHAT_READ_OK;
}
