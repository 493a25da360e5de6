/* SPDX-License-Identifier: Apache-2.0 */
/* The demo provider as OpenAI: chat completions, completions and embeddings (platform.openai.com/docs). */
#include "main/demo_in.h"

#include "base/arena.h"
#include "base/text.h"

#define CHOICES_MAX 8
#define INPUTS_MAX  2048 /* of an embeddings request, as OpenAI has it */
#define DIMENSIONS  64   /* when the request does not say */

/* ---- errors ---- */

static const struct {
	int status;
	const char *type, *code; /* JSON */
} errors[] = {
	{ 400, "invalid_request_error", "null" },
	{ 401, "invalid_request_error", "'invalid_api_key'" },
	{ 403, "invalid_request_error", "'permission_denied'" },
	{ 404, "invalid_request_error", "'model_not_found'" },
	{ 429, "requests", "'rate_limit_exceeded'" },
	{ 503, "server_error", "'service_unavailable'" },
};

static void write_error(struct buf *out, int status, struct str message, struct str id)
{
	const char *type = status < 500 ? "invalid_request_error" : "server_error", *code = "null";

	for (size_t i = 0; i < COUNT_OF(errors); i++)
		if (errors[i].status == status) {
			type = errors[i].type;
			code = errors[i].code;
		}
	demo_put(out, "{'error':{'message':%j,'type':'%z','param':null,'code':", message, type);
	demo_put(out, code);
	demo_put(out, "}}");
}

static void write_stream_error(struct buf *out, struct str message)
{
	demo_put(out, "data: {'error':{'message':%j,'type':'server_error','param':null,'code':null}}\n\n", message);
}

const struct demo_family demo_openai = {
	.auth = HTTP_F_AUTHORIZATION,
	.auth_prefix = STR_INIT("Bearer "),
	.request_id = "x-request-id",
	.write_error = write_error,
	.write_stream_error = write_stream_error,
};

/* ---- what chat completions and completions have in common ---- */

static int64_t choices_of(struct demo_ask *ask)
{
	int64_t n = demo_number(ask->body, "n", 1);

	return n < 1 ? 1 : n > CHOICES_MAX ? CHOICES_MAX : n;
}

static int64_t max_output_of(struct demo_ask *ask)
{
	return demo_number(ask->body, "max_completion_tokens", demo_number(ask->body, "max_tokens", -1));
}

static void put_usage(struct buf *out, const struct demo_thought *t, int64_t choices, bool details)
{
	demo_put(out, "{'prompt_tokens':%d,'completion_tokens':%d,'total_tokens':%d", t->in_tokens,
	         t->out_tokens * choices, t->in_tokens + t->out_tokens * choices);
	if (details)
		demo_put(out, ",'prompt_tokens_details':{'cached_tokens':0,'audio_tokens':0},"
		              "'completion_tokens_details':{'reasoning_tokens':0,'audio_tokens':0,"
		              "'accepted_prediction_tokens':0,'rejected_prediction_tokens':0}");
	demo_put(out, "}");
}

static bool usage_asked(struct demo_ask *ask)
{
	return demo_flag(json_get(ask->body, "stream_options"), "include_usage");
}

static void stream_begin(struct demo_reply *r)
{
	r->stream = true;
	r->content_type = "text/event-stream; charset=utf-8";
}

static void stream_end(struct demo_reply *r)
{
	demo_put(&r->out, "data: [DONE]");
	demo_event_close(r);
}

/* ---- chat completions: the prompt ---- */

static void read_tools(struct demo_prompt *p, yyjson_val *body)
{
	yyjson_val *choice = json_get(body, "tool_choice"), *tool;
	struct str word = { 0 }, named = demo_text(json_get(choice, "function"), "name");
	size_t i, n;

	yyjson_arr_foreach(json_get(body, "tools"), i, n, tool)
	{
		yyjson_val *function = json_get(tool, "function");
		struct str name = demo_text(function, "name");
		if (!name.p || (p->tool.p && !str_eq(name, named)))
			continue;
		p->tool = name;
		p->tool_schema = json_get(function, "parameters");
	}
	if (!json_val_str(choice, &word))
		word = STR("auto");
	p->tool_forced = named.p || str_eq(word, STR("required"));
	p->tool_forbidden = str_eq(word, STR("none"));
}

static bool read_chat(struct demo_ask *ask, struct demo_prompt *p, struct err *e)
{
	yyjson_val *messages = json_get(ask->body, "messages"), *message;
	yyjson_val *format = json_get(ask->body, "response_format");
	size_t i, n;

	if (yyjson_arr_size(messages) == 0)
		return err_set(e, ERR_INVALID_REQUEST, "Missing required parameter: 'messages'.");
	*p = (struct demo_prompt){ .max_output = max_output_of(ask) };
	yyjson_arr_foreach(messages, i, n, message)
	{
		struct str role = demo_text(message, "role"), said = demo_said(p, json_get(message, "content"));
		if (str_eq(role, STR("user")))
			p->user = said;
		p->result = str_eq(role, STR("tool")) ? said : (struct str){ 0 };
	}
	read_tools(p, ask->body);
	p->schema = json_get(json_get(format, "json_schema"), "schema");
	return true;
}

/* ---- chat completions: the answer ---- */

static const char *chat_finish(const struct demo_thought *t)
{
	return t->tool.p ? "tool_calls" : t->cut ? "length" : "stop";
}

static void put_chat_message(struct demo_ask *ask, struct buf *out, const struct demo_thought *t)
{
	if (t->tool.p)
		demo_put(out,
		         "{'role':'assistant','content':null,'tool_calls':[{'id':'call_%r','type':'function',"
		         "'function':{'name':%j,'arguments':%j}}],'refusal':null,'annotations':[]}",
		         ask->id, t->tool, t->arguments);
	else
		demo_put(out, "{'role':'assistant','content':%j,'refusal':null,'annotations':[]}", t->text);
}

static void write_chat(struct demo_ask *ask, struct demo_reply *r, const struct demo_thought *t)
{
	struct buf *out = &r->out;
	int64_t choices = choices_of(ask);

	demo_put(out, "{'id':'chatcmpl-%r','object':'chat.completion','created':%d,'model':%j,'choices':[", ask->id,
	         ask->created, ask->model);
	for (int64_t i = 0; i < choices; i++) {
		demo_put(out, "%z{'index':%d,'message':", i ? "," : "", i);
		put_chat_message(ask, out, t);
		demo_put(out, ",'logprobs':null,'finish_reason':'%z'}", chat_finish(t));
	}
	demo_put(out, "],'usage':");
	put_usage(out, t, choices, true);
	demo_put(out, ",'service_tier':'default','system_fingerprint':'fp_demo'}");
}

/* One chunk for one choice; `delta` is the text of its members. */
static void chunk_open(struct demo_ask *ask, struct demo_reply *r)
{
	demo_event_open(r, NULL);
	demo_put(&r->out,
	         "{'id':'chatcmpl-%r','object':'chat.completion.chunk','created':%d,'model':%j,"
	         "'service_tier':'default','system_fingerprint':'fp_demo',",
	         ask->id, ask->created, ask->model);
}

/* With include_usage every chunk but the last says that it has none. */
static void chunk_close(struct demo_ask *ask, struct demo_reply *r)
{
	demo_put(&r->out, usage_asked(ask) ? ",'usage':null}" : "}");
	demo_event_close(r);
}

static void put_chunk(struct demo_ask *ask, struct demo_reply *r, int64_t index, const char *delta, struct str text)
{
	chunk_open(ask, r);
	demo_put(&r->out, "'choices':[{'index':%d,'delta':{", index);
	demo_put(&r->out, delta, text);
	demo_put(&r->out, "},'logprobs':null,'finish_reason':null}]");
	chunk_close(ask, r);
}

static void stream_call(struct demo_ask *ask, struct demo_reply *r, const struct demo_thought *t, int64_t index)
{
	struct str rest = t->arguments;

	chunk_open(ask, r);
	demo_put(&r->out,
	         "'choices':[{'index':%d,'delta':{'role':'assistant','content':null,'tool_calls':[{'index':0,"
	         "'id':'call_%r','type':'function','function':{'name':%j,'arguments':''}}],'refusal':null},"
	         "'logprobs':null,'finish_reason':null}]",
	         index, ask->id, t->tool);
	chunk_close(ask, r);
	while (rest.n > 0) {
		struct str piece = text_utf8_cut(rest, 8);
		put_chunk(ask, r, index, "'tool_calls':[{'index':0,'function':{'arguments':%j}}]", piece);
		rest = str_slice(rest, piece.n, rest.n);
	}
}

static void stream_text(struct demo_ask *ask, struct demo_reply *r, const struct demo_thought *t, int64_t choices)
{
	struct str rest = t->text;

	for (int64_t i = 0; i < choices; i++)
		put_chunk(ask, r, i, "'role':'assistant','content':%j,'refusal':null", STR(""));
	while (rest.n > 0) {
		struct str piece = demo_piece(&rest);
		for (int64_t i = 0; i < choices; i++)
			put_chunk(ask, r, i, "'content':%j", piece);
	}
}

static void stream_chat(struct demo_ask *ask, struct demo_reply *r, const struct demo_thought *t)
{
	int64_t choices = choices_of(ask);

	stream_begin(r);
	if (t->tool.p)
		for (int64_t i = 0; i < choices; i++)
			stream_call(ask, r, t, i);
	else
		stream_text(ask, r, t, choices);
	for (int64_t i = 0; i < choices; i++) {
		chunk_open(ask, r);
		demo_put(&r->out, "'choices':[{'index':%d,'delta':{},'logprobs':null,'finish_reason':'%z'}]", i,
		         chat_finish(t));
		chunk_close(ask, r);
	}
	if (usage_asked(ask)) {
		chunk_open(ask, r);
		demo_put(&r->out, "'choices':[],'usage':");
		put_usage(&r->out, t, choices, true);
		demo_put(&r->out, "}");
		demo_event_close(r);
	}
	stream_end(r);
}

bool demo_chat_answer(struct demo_ask *ask, struct demo_reply *r, struct err *e)
{
	struct demo_prompt p;
	struct demo_thought t;

	if (!read_chat(ask, &p, e) || !demo_think(ask, &p, r, &t, e))
		return false;
	if (demo_flag(ask->body, "stream"))
		stream_chat(ask, r, &t);
	else
		write_chat(ask, r, &t);
	return true;
}

/* ---- completions ---- */

/* A text, several, or tokens as numbers: a number counts as four bytes, and so as one token. */
static void read_input(struct demo_prompt *p, yyjson_val *input)
{
	struct str text;
	size_t i, n;
	yyjson_val *item;

	if (json_val_str(input, &text)) {
		p->bytes += (int64_t)text.n;
		p->user = text;
	} else if (yyjson_is_num(input)) {
		p->bytes += 4;
	}
	yyjson_arr_foreach(input, i, n, item)
	{
		if (json_val_str(item, &text)) {
			p->bytes += (int64_t)text.n;
			p->user = text;
		} else {
			p->bytes += 4 * (yyjson_is_arr(item) ? (int64_t)yyjson_arr_size(item) : 1);
		}
	}
}

static void put_completion(struct demo_ask *ask, struct buf *out, int64_t index, struct str text, const char *finish)
{
	demo_put(out, "{'text':%j,'index':%d,'logprobs':null,'finish_reason':", text, index);
	demo_put(out, finish ? "'%z'}" : "null}", finish);
}

static void completion_open(struct demo_ask *ask, struct buf *out)
{
	demo_put(out, "{'id':'cmpl-%r','object':'text_completion','created':%d,'model':%j,'choices':[", ask->id,
	         ask->created, ask->model);
}

static void stream_completion_piece(struct demo_ask *ask, struct demo_reply *r, int64_t index, struct str text,
                                    const char *finish)
{
	demo_event_open(r, NULL);
	completion_open(ask, &r->out);
	put_completion(ask, &r->out, index, text, finish);
	demo_put(&r->out, usage_asked(ask) ? "],'usage':null}" : "]}");
	demo_event_close(r);
}

static void stream_completions(struct demo_ask *ask, struct demo_reply *r, const struct demo_thought *t)
{
	int64_t choices = choices_of(ask);
	struct str rest = t->text;

	stream_begin(r);
	while (rest.n > 0) {
		struct str piece = demo_piece(&rest);
		for (int64_t i = 0; i < choices; i++)
			stream_completion_piece(ask, r, i, piece, NULL);
	}
	for (int64_t i = 0; i < choices; i++)
		stream_completion_piece(ask, r, i, STR(""), t->cut ? "length" : "stop");
	if (usage_asked(ask)) {
		demo_event_open(r, NULL);
		completion_open(ask, &r->out);
		demo_put(&r->out, "],'usage':");
		put_usage(&r->out, t, choices, false);
		demo_put(&r->out, "}");
		demo_event_close(r);
	}
	stream_end(r);
}

static void write_completions(struct demo_ask *ask, struct demo_reply *r, const struct demo_thought *t)
{
	int64_t choices = choices_of(ask);

	completion_open(ask, &r->out);
	for (int64_t i = 0; i < choices; i++) {
		demo_put(&r->out, i ? "," : "");
		put_completion(ask, &r->out, i, t->text, t->cut ? "length" : "stop");
	}
	demo_put(&r->out, "],'usage':");
	put_usage(&r->out, t, choices, false);
	demo_put(&r->out, "}");
}

bool demo_completions_answer(struct demo_ask *ask, struct demo_reply *r, struct err *e)
{
	struct demo_prompt p = { .max_output = demo_number(ask->body, "max_tokens", -1) };
	struct demo_thought t;

	read_input(&p, json_get(ask->body, "prompt"));
	if (!demo_think(ask, &p, r, &t, e))
		return false;
	if (demo_flag(ask->body, "stream"))
		stream_completions(ask, r, &t);
	else
		write_completions(ask, r, &t);
	return true;
}

/* ---- embeddings ---- */

static void put_vector(struct buf *out, struct str text, int64_t dimensions, bool base64)
{
	float v[DEMO_VECTOR_MAX];

	if (!base64) {
		demo_vector_put(out, text, dimensions);
		return;
	}
	demo_vector(text, v, dimensions); /* floats of 32 bits, the lowest byte first: as this machine has them */
	buf_append_c(out, '"');
	text_base64(out, str_of((const char *)v, (size_t)dimensions * sizeof(v[0])));
	buf_append_c(out, '"');
}

static void put_embedding(struct buf *out, yyjson_val *input, int64_t index, int64_t dimensions, bool base64)
{
	struct str text = STR("tokens");

	if (!json_val_str(input, &text))
		text = STR("tokens"); /* numbers: we have no table of their words */
	demo_put(out, "%z{'object':'embedding','index':%d,'embedding':", index ? "," : "", index);
	put_vector(out, text, dimensions, base64);
	demo_put(out, "}");
}

/* An array of numbers is one input, tokenised already; any other array is one input an element. */
static bool is_list(yyjson_val *input)
{
	return yyjson_is_arr(input) && !yyjson_is_num(yyjson_arr_get_first(input));
}

bool demo_embeddings_answer(struct demo_ask *ask, struct demo_reply *r, struct err *e)
{
	yyjson_val *input = json_get(ask->body, "input"), *item;
	int64_t dimensions = demo_number(ask->body, "dimensions", DIMENSIONS);
	bool base64 = str_eq(demo_text(ask->body, "encoding_format"), STR("base64"));
	struct demo_prompt p = { 0 };
	size_t i, n;

	if (!input || (is_list(input) && (yyjson_arr_size(input) == 0 || yyjson_arr_size(input) > INPUTS_MAX)))
		return err_set(e, ERR_INVALID_REQUEST, "'input' must be a string or an array of 1 to %d inputs.",
		               INPUTS_MAX);
	if (dimensions < 1 || dimensions > DEMO_VECTOR_MAX)
		return err_set(e, ERR_INVALID_REQUEST, "'dimensions' must be 1 to %d.", DEMO_VECTOR_MAX);
	read_input(&p, input);
	if (!demo_obey(ask, p.user, r, e))
		return false;
	demo_put(&r->out, "{'object':'list','data':[");
	if (is_list(input)) {
		yyjson_arr_foreach(input, i, n, item) put_embedding(&r->out, item, (int64_t)i, dimensions, base64);
	} else {
		put_embedding(&r->out, input, 0, dimensions, base64);
	}
	demo_put(&r->out, "],'model':%j,'usage':{'prompt_tokens':%d,'total_tokens':%d}}", ask->model,
	         demo_tokens(p.bytes), demo_tokens(p.bytes));
	return true;
}
