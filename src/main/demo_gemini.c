/* SPDX-License-Identifier: Apache-2.0 */
/* The demo provider as Gemini: the generateContent family (ai.google.dev/api). */
#include "main/demo_in.h"

#include <stdlib.h>

#include "base/arena.h"

#define CANDIDATES_MAX 8
#define REQUESTS_MAX   100 /* of batchEmbedContents, as Gemini has it */
#define DIMENSIONS     64  /* when the request does not say */

/* ---- errors ---- */

static const struct {
	int status;
	const char *word;
} errors[] = {
	{ 401, "UNAUTHENTICATED" },
	{ 403, "PERMISSION_DENIED" },
	{ 404, "NOT_FOUND" },
	{ 409, "ABORTED" },
	{ 429, "RESOURCE_EXHAUSTED" },
	{ 503, "UNAVAILABLE" },
	{ 504, "DEADLINE_EXCEEDED" },
};

static void write_error(struct buf *out, int status, struct str message, struct str id)
{
	const char *word = status < 500 ? "INVALID_ARGUMENT" : "INTERNAL";
	int64_t code = status;

	for (size_t i = 0; i < COUNT_OF(errors); i++)
		if (errors[i].status == status)
			word = errors[i].word;
	demo_put(out, "{'error':{'code':%d,'message':%j,'status':'%z'", code, message, word);
	if (status == 429)
		demo_put(out, ",'details':[{'@type':'type.googleapis.com/google.rpc.RetryInfo','retryDelay':'1s'}]");
	demo_put(out, "}}");
}

static void write_stream_error(struct buf *out, struct str message)
{
	demo_put(out, "data: {'error':{'code':503,'message':%j,'status':'UNAVAILABLE'}}\r\n\r\n", message);
}

const struct demo_family demo_gemini = {
	.auth = HTTP_F_X_GOOG_API_KEY,
	.request_id = "x-request-id",
	.write_error = write_error,
	.write_stream_error = write_stream_error,
};

/* ---- the prompt ---- */

static void read_tools(struct demo_prompt *p, yyjson_val *body)
{
	yyjson_val *tool, *function;
	yyjson_val *how = demo_get(demo_get(body, "toolConfig", "tool_config"), "functionCallingConfig",
	                           "function_calling_config");
	yyjson_val *names = demo_get(how, "allowedFunctionNames", "allowed_function_names");
	struct str mode = demo_text(how, "mode"), named = { 0 };
	size_t i, n, k, m;

	if (!json_val_str(yyjson_arr_get_first(names), &named))
		named = (struct str){ 0 };
	yyjson_arr_foreach(json_get(body, "tools"), i, n, tool)
	{
		yyjson_arr_foreach(demo_get(tool, "functionDeclarations", "function_declarations"), k, m, function)
		{
			struct str name = demo_text(function, "name");
			if (!name.p || (p->tool.p && !str_eq(name, named)))
				continue;
			p->tool = name;
			p->tool_schema = demo_get(function, "parameters", "parametersJsonSchema");
		}
	}
	p->tool_forced = str_ieq(mode, STR("ANY"));
	p->tool_forbidden = str_ieq(mode, STR("NONE"));
}

static void read_content(struct demo_ask *ask, struct demo_prompt *p, yyjson_val *content)
{
	yyjson_val *parts = json_get(content, "parts"), *part;
	struct str said = demo_said(p, parts), role = demo_text(content, "role"), text;
	size_t i, n;

	p->result = (struct str){ 0 };
	yyjson_arr_foreach(parts, i, n, part)
	{
		yyjson_val *answer = json_get(demo_get(part, "functionResponse", "function_response"), "response");
		char *made = answer ? yyjson_val_write(answer, YYJSON_WRITE_NOFLAG, &text.n) : NULL;
		if (!made)
			continue;
		text.p = made;
		p->bytes += (int64_t)text.n;
		p->result = arena_dup(ask->arena, text);
		free(made);
	}
	if (said.p && (!role.p || str_eq(role, STR("user"))))
		p->user = said;
}

static bool read_prompt(struct demo_ask *ask, yyjson_val *body, struct demo_prompt *p, struct err *e)
{
	yyjson_val *contents = json_get(body, "contents"), *content;
	yyjson_val *config = demo_get(body, "generationConfig", "generation_config");
	size_t i, n;

	if (yyjson_arr_size(contents) == 0)
		return err_set(e, ERR_INVALID_REQUEST, "* GenerateContentRequest.contents: contents is not specified");
	*p = (struct demo_prompt){
		.max_output = demo_number(config, "maxOutputTokens", demo_number(config, "max_output_tokens", -1)),
	};
	demo_said(p, json_get(demo_get(body, "systemInstruction", "system_instruction"), "parts"));
	yyjson_arr_foreach(contents, i, n, content) read_content(ask, p, content);
	read_tools(p, body);
	p->schema = demo_get(config, "responseJsonSchema", "response_json_schema");
	if (!p->schema)
		p->schema = demo_get(config, "responseSchema", "response_schema");
	return true;
}

/* ---- the answer ---- */

static void put_usage(struct buf *out, int64_t in_tokens, int64_t out_tokens)
{
	demo_put(out,
	         "{'promptTokenCount':%d,'candidatesTokenCount':%d,'totalTokenCount':%d,"
	         "'promptTokensDetails':[{'modality':'TEXT','tokenCount':%d}]}",
	         in_tokens, out_tokens, in_tokens + out_tokens, in_tokens);
}

/* A whole answer is one object, and so is each event of a stream. `so_far`: of the output, in tokens. */
static void put_answer(struct demo_ask *ask, struct buf *out, const struct demo_thought *t, struct str text, bool last,
                       int64_t so_far)
{
	demo_put(out, "{'candidates':[{'content':{'parts':[");
	if (t->tool.p)
		demo_put(out, "{'functionCall':{'name':%j,'args':%r}}", t->tool, t->arguments);
	else
		demo_put(out, "{'text':%j}", text);
	demo_put(out, "],'role':'model'},");
	if (last)
		demo_put(out, "'finishReason':'%z',", t->cut ? "MAX_TOKENS" : "STOP");
	demo_put(out, "'index':0}],'usageMetadata':");
	put_usage(out, t->in_tokens, so_far);
	demo_put(out, ",'modelVersion':%j,'responseId':'%r'}", ask->model, ask->id);
}

static void write_events(struct demo_ask *ask, struct demo_reply *r, const struct demo_thought *t, bool sse)
{
	struct str rest = t->text, piece;
	int64_t bytes = 0;
	bool last;

	r->stream = true;
	r->content_type = sse ? "text/event-stream" : "application/json; charset=UTF-8";
	do {
		piece = demo_piece(&rest);
		bytes += (int64_t)piece.n;
		last = rest.n == 0;
		demo_put(&r->out, sse ? "data: " : bytes == (int64_t)piece.n ? "[" : ",\r\n");
		put_answer(ask, &r->out, t, piece, last, last ? t->out_tokens : demo_tokens(bytes));
		demo_put(&r->out, sse ? "\r\n\r\n" : last ? "\n]" : "\n");
		demo_event_end(r);
	} while (!last);
}

static bool generate(struct demo_ask *ask, struct demo_reply *r, bool stream, struct err *e)
{
	struct demo_prompt p;
	struct demo_thought t;

	if (!read_prompt(ask, ask->body, &p, e) || !demo_think(ask, &p, r, &t, e))
		return false;
	if (stream)
		write_events(ask, r, &t, str_find(ask->query, STR("alt=sse")) != STR_NPOS);
	else
		put_answer(ask, &r->out, &t, t.text, true, t.out_tokens);
	return true;
}

/* ---- counting and embedding ---- */

static bool count_tokens(struct demo_ask *ask, struct demo_reply *r, struct err *e)
{
	yyjson_val *whole = json_get(ask->body, "generateContentRequest");
	struct demo_prompt p;
	int64_t tokens;

	if (!read_prompt(ask, whole ? whole : ask->body, &p, e) || !demo_obey(ask, p.user, r, e))
		return false;
	tokens = demo_tokens(p.bytes);
	demo_put(&r->out, "{'totalTokens':%d,'promptTokensDetails':[{'modality':'TEXT','tokenCount':%d}]}", tokens,
	         tokens);
	return true;
}

static bool put_embedding(struct buf *out, yyjson_val *request, int64_t *bytes, struct err *e)
{
	yyjson_val *config = json_get(request, "embedContentConfig");
	int64_t dimensions = demo_number(request, "outputDimensionality",
	                                 demo_number(request, "output_dimensionality",
	                                             demo_number(config, "outputDimensionality", DIMENSIONS)));
	struct demo_prompt p = { 0 };
	struct str text = demo_said(&p, json_get(json_get(request, "content"), "parts"));

	if (dimensions < 1 || dimensions > DEMO_VECTOR_MAX)
		return err_set(e, ERR_INVALID_REQUEST, "outputDimensionality must be 1 to %d", DEMO_VECTOR_MAX);
	*bytes += p.bytes;
	demo_put(out, "{'values':");
	demo_vector_put(out, text, dimensions);
	demo_put(out, "}");
	return true;
}

static void put_embed_usage(struct buf *out, int64_t bytes)
{
	int64_t tokens = demo_tokens(bytes);

	demo_put(out,
	         ",'usageMetadata':{'promptTokenCount':%d,'promptTokenDetails':[{'modality':'TEXT','tokenCount':%d}]}}",
	         tokens, tokens);
}

static bool embed(struct demo_ask *ask, struct demo_reply *r, struct err *e)
{
	int64_t bytes = 0;

	if (!demo_obey(ask, STR(""), r, e))
		return false;
	demo_put(&r->out, "{'embedding':");
	if (!put_embedding(&r->out, ask->body, &bytes, e))
		return false;
	put_embed_usage(&r->out, bytes);
	return true;
}

static bool embed_batch(struct demo_ask *ask, struct demo_reply *r, struct err *e)
{
	yyjson_val *requests = json_get(ask->body, "requests"), *request;
	int64_t bytes = 0;
	size_t i, n;

	if (yyjson_arr_size(requests) == 0 || yyjson_arr_size(requests) > REQUESTS_MAX)
		return err_set(e, ERR_INVALID_REQUEST, "requests must hold 1 to %d requests", REQUESTS_MAX);
	if (!demo_obey(ask, STR(""), r, e))
		return false;
	demo_put(&r->out, "{'embeddings':[");
	yyjson_arr_foreach(requests, i, n, request)
	{
		demo_put(&r->out, i ? "," : "");
		if (!put_embedding(&r->out, request, &bytes, e))
			return false;
	}
	demo_put(&r->out, "]");
	put_embed_usage(&r->out, bytes);
	return true;
}

/* The path is MODEL:METHOD. */
bool demo_gemini_answer(struct demo_ask *ask, struct demo_reply *r, struct err *e)
{
	struct str method = ask->path;

	ask->model = str_cut(&method, ':');
	r->content_type = "application/json; charset=UTF-8";
	if (str_eq(method, STR("generateContent")))
		return generate(ask, r, false, e);
	if (str_eq(method, STR("streamGenerateContent")))
		return generate(ask, r, true, e);
	if (str_eq(method, STR("countTokens")))
		return count_tokens(ask, r, e);
	if (str_eq(method, STR("embedContent")))
		return embed(ask, r, e);
	if (str_eq(method, STR("batchEmbedContents")))
		return embed_batch(ask, r, e);
	return err_set(e, ERR_NOT_FOUND, "There is no method %.*s", STR_ARG(method));
}
