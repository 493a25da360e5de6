/* SPDX-License-Identifier: Apache-2.0 */
/* The demo provider as Anthropic: messages and count_tokens (docs.anthropic.com/en/api/messages). */
#include "main/demo_in.h"

#include "base/text.h"

/* ---- errors ---- */

static const struct {
	int status;
	const char *type;
} errors[] = {
	{ 401, "authentication_error" },
	{ 402, "billing_error" },
	{ 403, "permission_error" },
	{ 404, "not_found_error" },
	{ 413, "request_too_large" },
	{ 429, "rate_limit_error" },
	{ 504, "timeout_error" },
	{ 529, "overloaded_error" },
};

static void write_error(struct buf *out, int status, struct str message, struct str id)
{
	const char *type = status < 500 ? "invalid_request_error" : "api_error";

	for (size_t i = 0; i < COUNT_OF(errors); i++)
		if (errors[i].status == status)
			type = errors[i].type;
	demo_put(out, "{'type':'error','error':{'type':'%z','message':%j},'request_id':'req_%r'}", type, message, id);
}

static void write_stream_error(struct buf *out, struct str message)
{
	demo_put(out, "event: error\ndata: {'type':'error','error':{'type':'overloaded_error','message':%j}}\n\n",
	         message);
}

const struct demo_family demo_anthropic = {
	.auth = HTTP_F_X_API_KEY,
	.request_id = "request-id",
	.write_error = write_error,
	.write_stream_error = write_stream_error,
};

/* ---- the prompt ---- */

static void read_tools(struct demo_prompt *p, yyjson_val *body)
{
	yyjson_val *choice = json_get(body, "tool_choice"), *tool;
	struct str type = demo_text(choice, "type"), named = demo_text(choice, "name");
	size_t i, n;

	yyjson_arr_foreach(json_get(body, "tools"), i, n, tool)
	{
		struct str name = demo_text(tool, "name");
		if (!json_get(tool, "input_schema") || (p->tool.p && !str_eq(name, named)))
			continue;
		p->tool = name;
		p->tool_schema = json_get(tool, "input_schema");
	}
	p->tool_forced = str_eq(type, STR("any")) || str_eq(type, STR("tool"));
	p->tool_forbidden = str_eq(type, STR("none"));
}

static void read_message(struct demo_prompt *p, yyjson_val *message)
{
	yyjson_val *content = json_get(message, "content"), *block;
	struct str said = demo_said(p, content), result = { 0 };
	size_t i, n;

	yyjson_arr_foreach(content, i, n, block)
	{
		if (!str_eq(demo_text(block, "type"), STR("tool_result")))
			continue;
		result = demo_said(p, json_get(block, "content"));
		if (!result.p)
			result = STR("");
	}
	if (str_eq(demo_text(message, "role"), STR("user")) && said.p)
		p->user = said;
	p->result = result;
}

static bool read_prompt(struct demo_ask *ask, struct demo_prompt *p, struct err *e)
{
	yyjson_val *messages = json_get(ask->body, "messages"), *message;
	size_t i, n;

	if (yyjson_arr_size(messages) == 0)
		return err_set(e, ERR_INVALID_REQUEST, "messages: Field required");
	*p = (struct demo_prompt){ .max_output = demo_number(ask->body, "max_tokens", -1) };
	demo_said(p, json_get(ask->body, "system"));
	yyjson_arr_foreach(messages, i, n, message) read_message(p, message);
	read_tools(p, ask->body);
	p->schema = json_get(json_get(json_get(ask->body, "output_config"), "format"), "schema");
	return true;
}

/* ---- the answer ---- */

static const char *stop_reason(const struct demo_thought *t)
{
	return t->tool.p ? "tool_use" : t->cut ? "max_tokens" : "end_turn";
}

static void message_open(struct demo_ask *ask, struct buf *out)
{
	demo_put(out, "{'model':%j,'id':'msg_%r','type':'message','role':'assistant','content':[", ask->model, ask->id);
}

static void put_usage(struct buf *out, int64_t in_tokens, int64_t out_tokens)
{
	demo_put(out,
	         "{'input_tokens':%d,'cache_creation_input_tokens':0,'cache_read_input_tokens':0,'cache_creation':"
	         "{'ephemeral_5m_input_tokens':0,'ephemeral_1h_input_tokens':0},'output_tokens':%d,"
	         "'service_tier':'standard'}",
	         in_tokens, out_tokens);
}

static void write_message(struct demo_ask *ask, struct demo_reply *r, const struct demo_thought *t)
{
	message_open(ask, &r->out);
	if (t->tool.p)
		demo_put(&r->out, "{'type':'tool_use','id':'toolu_%r','name':%j,'input':%r}", ask->id, t->tool,
		         t->arguments);
	else
		demo_put(&r->out, "{'type':'text','text':%j}", t->text);
	demo_put(&r->out, "],'stop_reason':'%z','stop_sequence':null,'usage':", stop_reason(t));
	put_usage(&r->out, t->in_tokens, t->out_tokens);
	demo_put(&r->out, "}");
}

/* ---- the events ---- */

static void put_delta(struct demo_reply *r, const char *delta, struct str text)
{
	demo_event_open(r, "content_block_delta");
	demo_put(&r->out, "{'type':'content_block_delta','index':0,'delta':{");
	demo_put(&r->out, delta, text);
	demo_put(&r->out, "}}");
	demo_event_close(r);
}

static void stream_start(struct demo_ask *ask, struct demo_reply *r, const struct demo_thought *t)
{
	demo_event_open(r, "message_start");
	demo_put(&r->out, "{'type':'message_start','message':");
	message_open(ask, &r->out);
	demo_put(&r->out, "],'stop_reason':null,'stop_sequence':null,'usage':");
	put_usage(&r->out, t->in_tokens, 1);
	demo_put(&r->out, "}}");
	demo_event_close(r);
	demo_event_open(r, "content_block_start");
	demo_put(&r->out, "{'type':'content_block_start','index':0,'content_block':");
	if (t->tool.p)
		demo_put(&r->out, "{'type':'tool_use','id':'toolu_%r','name':%j,'input':{}}}", ask->id, t->tool);
	else
		demo_put(&r->out, "{'type':'text','text':''}}");
	demo_event_close(r);
	demo_event_open(r, "ping");
	demo_put(&r->out, "{'type': 'ping'}");
	demo_event_close(r);
}

static void stream_stop(struct demo_reply *r, const struct demo_thought *t)
{
	demo_event_open(r, "content_block_stop");
	demo_put(&r->out, "{'type':'content_block_stop','index':0}");
	demo_event_close(r);
	demo_event_open(r, "message_delta");
	demo_put(&r->out,
	         "{'type':'message_delta','delta':{'stop_reason':'%z','stop_sequence':null},'usage':"
	         "{'input_tokens':%d,'cache_creation_input_tokens':0,'cache_read_input_tokens':0,'output_tokens':%d}}",
	         stop_reason(t), t->in_tokens, t->out_tokens);
	demo_event_close(r);
	demo_event_open(r, "message_stop");
	demo_put(&r->out, "{'type':'message_stop'}");
	demo_event_close(r);
}

static void write_events(struct demo_ask *ask, struct demo_reply *r, const struct demo_thought *t)
{
	struct str rest = t->tool.p ? t->arguments : t->text;

	r->stream = true;
	r->content_type = "text/event-stream; charset=utf-8";
	stream_start(ask, r, t);
	if (t->tool.p)
		put_delta(r, "'type':'input_json_delta','partial_json':%j", STR(""));
	while (rest.n > 0) {
		if (t->tool.p) {
			struct str piece = text_utf8_cut(rest, 8);
			put_delta(r, "'type':'input_json_delta','partial_json':%j", piece);
			rest = str_slice(rest, piece.n, rest.n);
		} else {
			put_delta(r, "'type':'text_delta','text':%j", demo_piece(&rest));
		}
	}
	stream_stop(r, t);
}

bool demo_messages_answer(struct demo_ask *ask, struct demo_reply *r, struct err *e)
{
	struct demo_prompt p;
	struct demo_thought t;

	if (!read_prompt(ask, &p, e))
		return false;
	if (p.max_output < 0)
		return err_set(e, ERR_INVALID_REQUEST, "max_tokens: Field required");
	if (!demo_think(ask, &p, r, &t, e))
		return false;
	if (demo_flag(ask->body, "stream"))
		write_events(ask, r, &t);
	else
		write_message(ask, r, &t);
	return true;
}

bool demo_count_tokens_answer(struct demo_ask *ask, struct demo_reply *r, struct err *e)
{
	struct demo_prompt p;

	if (!read_prompt(ask, &p, e) || !demo_obey(ask, p.user, r, e))
		return false;
	demo_put(&r->out, "{'input_tokens':%d}", demo_tokens(p.bytes));
	return true;
}
