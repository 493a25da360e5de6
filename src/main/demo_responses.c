/* SPDX-License-Identifier: Apache-2.0 */
/* The demo provider as OpenAI's Responses API (platform.openai.com/docs/api-reference/responses). It stores nothing. */
#include "main/demo_in.h"

#include "base/arena.h"
#include "base/text.h"

static void write_stream_error(struct buf *out, struct str message)
{
	demo_put(out,
	         "event: error\ndata: {'type':'error','code':'server_error','message':%j,'param':null,"
	         "'sequence_number':0}\n\n",
	         message);
}

static void write_error(struct buf *out, int status, struct str message, struct str id)
{
	demo_openai.write_error(out, status, message, id);
}

const struct demo_family demo_responses = {
	.auth = HTTP_F_AUTHORIZATION,
	.auth_prefix = STR_INIT("Bearer "),
	.request_id = "x-request-id",
	.write_error = write_error,
	.write_stream_error = write_stream_error,
};

/* ---- the prompt ---- */

static void read_tools(struct demo_prompt *p, yyjson_val *body)
{
	yyjson_val *choice = json_get(body, "tool_choice"), *tool;
	struct str word = { 0 }, named = demo_text(choice, "name");
	size_t i, n;

	yyjson_arr_foreach(json_get(body, "tools"), i, n, tool)
	{
		struct str name = demo_text(tool, "name");
		if (!name.p || !str_eq(demo_text(tool, "type"), STR("function")) || (p->tool.p && !str_eq(name, named)))
			continue;
		p->tool = name;
		p->tool_schema = json_get(tool, "parameters");
	}
	if (!json_val_str(choice, &word))
		word = STR("auto");
	p->tool_forced = named.p || str_eq(word, STR("required"));
	p->tool_forbidden = str_eq(word, STR("none"));
}

static void read_item(struct demo_prompt *p, yyjson_val *item)
{
	struct str said;

	if (str_eq(demo_text(item, "type"), STR("function_call_output"))) {
		p->result = demo_said(p, json_get(item, "output"));
		return;
	}
	said = demo_said(p, json_get(item, "content"));
	if (str_eq(demo_text(item, "role"), STR("user")))
		p->user = said;
	p->result = (struct str){ 0 };
}

static bool read_prompt(struct demo_ask *ask, struct demo_prompt *p, struct err *e)
{
	yyjson_val *input = json_get(ask->body, "input"), *item;
	yyjson_val *format = json_get(json_get(ask->body, "text"), "format");
	struct str previous = demo_text(ask->body, "previous_response_id");
	size_t i, n;

	if (previous.p)
		return err_set(e, ERR_INVALID_REQUEST, "Previous response with id '%.*s' not found.",
		               STR_ARG(text_utf8_cut(previous, 100)));
	*p = (struct demo_prompt){ .max_output = demo_number(ask->body, "max_output_tokens", -1) };
	demo_said(p, json_get(ask->body, "instructions"));
	if (yyjson_is_str(input))
		p->user = demo_said(p, input);
	yyjson_arr_foreach(input, i, n, item) read_item(p, item);
	read_tools(p, ask->body);
	p->schema = json_get(format, "schema");
	return true;
}

/* ---- the answer ---- */

static void put_usage(struct buf *out, const struct demo_thought *t)
{
	demo_put(out,
	         "{'input_tokens':%d,'input_tokens_details':{'cached_tokens':0},'output_tokens':%d,"
	         "'output_tokens_details':{'reasoning_tokens':0},'total_tokens':%d}",
	         t->in_tokens, t->out_tokens, t->in_tokens + t->out_tokens);
}

static void put_text_part(struct buf *out, struct str text)
{
	demo_put(out, "{'type':'output_text','annotations':[],'logprobs':[],'text':%j}", text);
}

/* The one item of the answer; without `done` as it stands when it begins. */
static void put_item(struct demo_ask *ask, struct buf *out, const struct demo_thought *t, bool done)
{
	const char *status = !done ? "in_progress" : t->cut ? "incomplete" : "completed";

	if (t->tool.p) {
		demo_put(out, "{'id':'fc_%r','type':'function_call','status':'%z','arguments':%j,", ask->id, status,
		         done ? t->arguments : STR(""));
		demo_put(out, "'call_id':'call_%r','name':%j}", ask->id, t->tool);
		return;
	}
	demo_put(out, "{'id':'msg_%r','type':'message','status':'%z','content':[", ask->id, status);
	if (done)
		put_text_part(out, t->text);
	demo_put(out, "],'role':'assistant'}");
}

/* The whole object; without `done` as it stands when the answer begins. */
static void put_response(struct demo_ask *ask, struct buf *out, const struct demo_thought *t, bool done)
{
	demo_put(out, "{'id':'resp_%r','object':'response','created_at':%d,'status':'%z','background':false,", ask->id,
	         ask->created,
	         !done    ? "in_progress"
	         : t->cut ? "incomplete"
	                  : "completed");
	if (done && !t->cut)
		demo_put(out, "'completed_at':%d,", ask->created);
	else
		demo_put(out, "'completed_at':null,");
	demo_put(out, "'error':null,'incomplete_details':");
	demo_put(out, done && t->cut ? "{'reason':'max_output_tokens'}" : "null");
	demo_put(out, ",'instructions':%r,'max_output_tokens':%r,'max_tool_calls':null,'model':%j,'output':[",
	         demo_json_of(ask, "instructions", "null"), demo_json_of(ask, "max_output_tokens", "null"), ask->model);
	if (done)
		put_item(ask, out, t, true);
	demo_put(out,
	         "],'parallel_tool_calls':%r,'previous_response_id':null,'prompt_cache_key':null,"
	         "'reasoning':%r,'safety_identifier':null,'service_tier':'default','store':false,'temperature':%r,",
	         demo_json_of(ask, "parallel_tool_calls", "true"),
	         demo_json_of(ask, "reasoning", "{\"effort\":null,\"summary\":null}"),
	         demo_json_of(ask, "temperature", "1.0"));
	demo_put(out, "'text':%r,'tool_choice':%r,'tools':%r,'top_logprobs':0,'top_p':%r,'truncation':%r,'usage':",
	         demo_json_of(ask, "text", "{\"format\":{\"type\":\"text\"}}"),
	         demo_json_of(ask, "tool_choice", "\"auto\""), demo_json_of(ask, "tools", "[]"),
	         demo_json_of(ask, "top_p", "1.0"), demo_json_of(ask, "truncation", "\"disabled\""));
	if (done)
		put_usage(out, t);
	else
		demo_put(out, "null");
	demo_put(out, ",'user':%r,'metadata':%r}", demo_json_of(ask, "user", "null"),
	         demo_json_of(ask, "metadata", "{}"));
}

/* ---- the events ---- */

struct events {
	struct demo_ask *ask;
	struct demo_reply *r;
	const struct demo_thought *t;
	int64_t number;
};

static struct buf *event_open(struct events *v, const char *type)
{
	demo_event_open(v->r, type);
	demo_put(&v->r->out, "{'type':'%z','sequence_number':%d", type, v->number++);
	return &v->r->out;
}

static void event_close(struct events *v)
{
	demo_put(&v->r->out, "}");
	demo_event_close(v->r);
}

static void event_response(struct events *v, const char *type, bool done)
{
	demo_put(event_open(v, type), ",'response':");
	put_response(v->ask, &v->r->out, v->t, done);
	event_close(v);
}

static void event_item(struct events *v, const char *type, bool done)
{
	demo_put(event_open(v, type), ",'output_index':0,'item':");
	put_item(v->ask, &v->r->out, v->t, done);
	event_close(v);
}

static void event_part(struct events *v, const char *type, struct str text)
{
	demo_put(event_open(v, type), ",'item_id':'msg_%r','output_index':0,'content_index':0,'part':", v->ask->id);
	put_text_part(&v->r->out, text);
	event_close(v);
}

static void events_of_text(struct events *v)
{
	struct str rest = v->t->text;

	event_part(v, "response.content_part.added", STR(""));
	while (rest.n > 0) {
		demo_put(event_open(v, "response.output_text.delta"),
		         ",'item_id':'msg_%r','output_index':0,'content_index':0,"
		         "'delta':%j,'logprobs':[]",
		         v->ask->id, demo_piece(&rest));
		event_close(v);
	}
	demo_put(event_open(v, "response.output_text.done"),
	         ",'item_id':'msg_%r','output_index':0,'content_index':0,"
	         "'text':%j,'logprobs':[]",
	         v->ask->id, v->t->text);
	event_close(v);
	event_part(v, "response.content_part.done", v->t->text);
}

static void events_of_call(struct events *v)
{
	struct str rest = v->t->arguments;

	while (rest.n > 0) {
		struct str piece = text_utf8_cut(rest, 8);
		demo_put(event_open(v, "response.function_call_arguments.delta"),
		         ",'item_id':'fc_%r','output_index':0,'delta':%j", v->ask->id, piece);
		event_close(v);
		rest = str_slice(rest, piece.n, rest.n);
	}
	demo_put(event_open(v, "response.function_call_arguments.done"),
	         ",'item_id':'fc_%r','output_index':0,'name':%j,'arguments':%j", v->ask->id, v->t->tool,
	         v->t->arguments);
	event_close(v);
}

static void write_events(struct demo_ask *ask, struct demo_reply *r, const struct demo_thought *t)
{
	struct events v = { .ask = ask, .r = r, .t = t };

	r->stream = true;
	r->content_type = "text/event-stream; charset=utf-8";
	event_response(&v, "response.created", false);
	event_response(&v, "response.in_progress", false);
	event_item(&v, "response.output_item.added", false);
	if (t->tool.p)
		events_of_call(&v);
	else
		events_of_text(&v);
	event_item(&v, "response.output_item.done", true);
	event_response(&v, t->cut ? "response.incomplete" : "response.completed", true);
}

bool demo_responses_answer(struct demo_ask *ask, struct demo_reply *r, struct err *e)
{
	struct demo_prompt p;
	struct demo_thought t;

	if (!read_prompt(ask, &p, e) || !demo_think(ask, &p, r, &t, e))
		return false;
	if (demo_flag(ask->body, "stream"))
		write_events(ask, r, &t);
	else
		put_response(ask, &r->out, &t, true);
	return true;
}
