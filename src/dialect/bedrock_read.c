/* SPDX-License-Identifier: Apache-2.0 */
/* bedrock_read: a client's request to Converse, ConverseStream or CountTokens, in the neutral model. */
#include <stdio.h>

#include "dialect/bedrock_in.h"
#include "model/facts.h"

struct reading {
	struct bedrock_read r;
	struct chat_request *rq;
};

static bool refuse(struct reading *x, const char *member, const struct json_node *seen, const char *allowed)
{
	x->r.message = x->r.block = x->r.inner = -1;
	return bedrock_refuse(&x->r, member, seen, allowed);
}

static void set(struct reading *x, enum chat_member m)
{
	x->rq->set |= MEMBER_BIT(m);
}

static bool extra(struct reading *x, struct jstr name, const struct json_node *v)
{
	return chat_extra_add(x->r.arena, &x->rq->extras, DIALECT_BEDROCK, name, node_raw(v)) || bedrock_full(&x->r);
}

/* ---- messages, system -------------------------------------------------------------------------------------------- */

static bool read_message(struct reading *x, const struct json_node *v, int index, struct chat_turn ***end)
{
	const struct json_node *role = node_get(v, STR("role")), *content = node_get(v, STR("content"));
	bool user = node_is_word(role, STR("user")), system = node_is_word(role, STR("system"));
	struct chat_block **blocks;
	struct chat_turn *t;
	char member[48];

	snprintf(member, sizeof member, "messages[%d]", index);
	if (!node_is(v, JSON_OBJECT))
		return refuse(x, member, v, "an object with role and content");
	snprintf(member, sizeof member, "messages[%d].role", index);
	if (!user && !system && !node_is_word(role, STR("assistant")))
		return refuse(x, member, role, "\"user\" or \"assistant\"");
	snprintf(member, sizeof member, "messages[%d].content", index);
	if (!node_is(content, JSON_ARRAY))
		return refuse(x, member, content, "an array of content blocks");
	t = chat_turn_add(x->r.arena, end, user ? ROLE_USER : system ? ROLE_SYSTEM : ROLE_ASSISTANT);
	if (!t)
		return bedrock_full(&x->r);
	t->index = (uint32_t)index;
	blocks = &t->blocks;
	x->r.message = index;
	x->r.inner = -1;
	x->r.last = NULL;
	return bedrock_read_content(&x->r, content, &blocks);
}

static bool read_messages(struct reading *x, const struct json_node *v)
{
	struct chat_turn **end = &x->rq->turns;
	int index = 0;

	if (!node_is(v, JSON_ARRAY))
		return refuse(x, "messages", v, "an array of messages");
	for (const struct json_node *m = node_first(v); m; m = node_next(v, m))
		if (!read_message(x, m, index++, &end))
			return false;
	return true;
}

static bool read_system(struct reading *x, const struct json_node *v)
{
	struct chat_block **end = &x->rq->system;

	if (!node_is(v, JSON_ARRAY))
		return refuse(x, "system", v, "an array of content blocks, such as {\"text\": \"…\"}");
	x->r.message = x->r.inner = -1;
	x->r.last = NULL;
	return bedrock_read_content(&x->r, v, &end);
}

/* ---- inferenceConfig --------------------------------------------------------------------------------------------- */

static bool take_number(struct reading *x, const struct json_node *v, const char *member, enum chat_member m,
                        struct str *out)
{
	if (!v || v->type == JSON_NULL)
		return true;
	if (!node_is(v, JSON_NUMBER))
		return refuse(x, member, v, "a number");
	*out = node_raw(v);
	set(x, m);
	return true;
}

static bool read_stop(struct reading *x, const struct json_node *v)
{
	struct chat_name **end = &x->rq->stop;

	if (!v || v->type == JSON_NULL)
		return true;
	if (!node_is(v, JSON_ARRAY))
		return refuse(x, "inferenceConfig.stopSequences", v, "an array of strings");
	for (const struct json_node *s = node_first(v); s; s = node_next(v, s)) {
		if (!node_is(s, JSON_STRING))
			return refuse(x, "inferenceConfig.stopSequences[]", s, "a string");
		if (!chat_name_add(x->r.arena, &end, node_text(s)))
			return bedrock_full(&x->r);
		set(x, MEMBER_STOP);
	}
	return true;
}

static bool read_inference(struct reading *x, const struct json_node *v)
{
	struct chat_request *rq = x->rq;

	if (!node_is(v, JSON_OBJECT))
		return refuse(x, "inferenceConfig", v, "an object");
	return take_number(x, node_get(v, STR("maxTokens")), "inferenceConfig.maxTokens", MEMBER_MAX_OUTPUT,
	                   &rq->max_output) &&
	       take_number(x, node_get(v, STR("temperature")), "inferenceConfig.temperature", MEMBER_TEMPERATURE,
	                   &rq->temperature) &&
	       take_number(x, node_get(v, STR("topP")), "inferenceConfig.topP", MEMBER_TOP_P, &rq->top_p) &&
	       read_stop(x, node_get(v, STR("stopSequences")));
}

/* ---- toolConfig -------------------------------------------------------------------------------------------------- */

static bool read_spec(struct reading *x, const struct json_node *spec, struct chat_tool *t)
{
	const struct json_node *name = node_get(spec, STR("name")), *strict = node_get(spec, STR("strict"));
	const struct json_node *schema = node_get(node_get(spec, STR("inputSchema")), STR("json"));

	t->name = node_text(name);
	if (t->name.n == 0)
		return refuse(x, "toolConfig.tools[].toolSpec.name", name, "a string that is not empty");
	if (schema && !node_is(schema, JSON_OBJECT))
		return refuse(x, "toolConfig.tools[].toolSpec.inputSchema.json", schema,
		              "a JSON Schema, that is an object");
	t->schema = node_raw(schema);
	t->description = node_get_text(spec, STR("description"));
	if (node_is(strict, JSON_BOOL))
		t->strict = tri_of(node_true(strict));
	return true;
}

static bool read_tool(struct reading *x, const struct json_node *v, struct chat_tool ***end, struct chat_tool **last)
{
	const struct json_node *spec = node_get(v, STR("toolSpec")), *system = node_get(v, STR("systemTool"));
	const struct json_node *point = node_get(v, STR("cachePoint"));
	struct chat_tool *t;

	if (node_is(point, JSON_OBJECT)) {
		if (*last)
			(*last)->cache = node_is_word(node_get(point, STR("ttl")), STR("1h")) ? CACHE_1H : CACHE_5M;
		return true;
	}
	if (!node_is(spec, JSON_OBJECT) && !node_is(system, JSON_OBJECT))
		return refuse(x, "toolConfig.tools[]", v, "an object with toolSpec, systemTool or cachePoint");
	*last = t = chat_tool_add(x->r.arena, end, system ? TOOL_SERVER : TOOL_FUNCTION);
	if (!t)
		return bedrock_full(&x->r);
	if (spec)
		return read_spec(x, spec, t);
	t->name = node_get_text(system, STR("name"));
	t->raw = node_raw(v);
	t->from = DIALECT_BEDROCK;
	return true;
}

static bool read_choice(struct reading *x, const struct json_node *v)
{
	const struct json_node *tool = node_get(v, STR("tool"));
	struct chat_name **end = &x->rq->choice_names;
	struct jstr name = node_get_text(tool, STR("name"));

	if (!v || v->type == JSON_NULL)
		return true;
	set(x, MEMBER_TOOL_CHOICE);
	if (node_get(v, STR("auto"))) {
		x->rq->choice = CHOICE_AUTO;
	} else if (node_get(v, STR("any"))) {
		x->rq->choice = CHOICE_ANY;
	} else if (name.n) {
		x->rq->choice = CHOICE_TOOL;
		return chat_name_add(x->r.arena, &end, name) || bedrock_full(&x->r);
	} else {
		return refuse(x, "toolConfig.toolChoice", v,
		              "{\"auto\": {}}, {\"any\": {}} or {\"tool\": {\"name\": \"…\"}}");
	}
	return true;
}

static bool read_tools(struct reading *x, const struct json_node *v)
{
	const struct json_node *tools = node_get(v, STR("tools"));
	struct chat_tool **end = &x->rq->tools, *last = NULL;

	if (!node_is(v, JSON_OBJECT) || !node_is(tools, JSON_ARRAY))
		return refuse(x, "toolConfig.tools", tools, "an array of tools");
	for (const struct json_node *t = node_first(tools); t; t = node_next(tools, t))
		if (!read_tool(x, t, &end, &last))
			return false;
	return read_choice(x, node_get(v, STR("toolChoice")));
}

/* ---- additionalModelRequestFields -------------------------------------------------------------------------------- */

static bool field_top_k(struct reading *x, const struct json_node *v)
{
	return take_number(x, v, "additionalModelRequestFields.top_k", MEMBER_TOP_K, &x->rq->top_k);
}

/* Nova's. */
static bool field_inference(struct reading *x, const struct json_node *v)
{
	return take_number(x, node_get(v, STR("topK")), "additionalModelRequestFields.inferenceConfig.topK",
	                   MEMBER_TOP_K, &x->rq->top_k);
}

static bool field_thinking(struct reading *x, const struct json_node *v)
{
	const struct json_node *type = node_get(v, STR("type"));
	struct jstr display = node_get_text(v, STR("display"));

	set(x, MEMBER_REASONING);
	x->rq->thinking = tri_of(!node_is_word(type, STR("disabled")));
	x->rq->thinking_adaptive = node_is_word(type, STR("adaptive"));
	x->rq->thinking_budget = node_i64(node_get(v, STR("budget_tokens")), 0);
	if (display.p) {
		set(x, MEMBER_REASONING_SUMMARY);
		x->rq->summary = display;
	}
	return true;
}

static bool take_effort(struct reading *x, const struct json_node *v)
{
	enum model_effort effort;

	if (!node_is(v, JSON_STRING) || !model_effort_by_name(jstr_raw(node_text(v)), &effort))
		return true;
	set(x, MEMBER_REASONING);
	x->rq->has_effort = true;
	x->rq->effort = (uint8_t)effort;
	return true;
}

static bool field_output_config(struct reading *x, const struct json_node *v)
{
	return take_effort(x, node_get(v, STR("effort")));
}

/* Nova's again. */
static bool field_reasoning_config(struct reading *x, const struct json_node *v)
{
	if (!node_is(v, JSON_OBJECT))
		return take_effort(x, v);
	set(x, MEMBER_REASONING);
	x->rq->thinking = tri_of(!node_is_word(node_get(v, STR("type")), STR("disabled")));
	return take_effort(x, node_get(v, STR("maxReasoningEffort")));
}

static bool field_betas(struct reading *x, const struct json_node *v)
{
	struct buf list = buf_make(8192);

	for (const struct json_node *b = node_first(v); b; b = node_next(v, b)) {
		if (!node_is(b, JSON_STRING))
			continue;
		if (list.n)
			buf_append_c(&list, ',');
		buf_append(&list, jstr_raw(node_text(b)));
	}
	x->rq->betas = arena_dup(x->r.arena, buf_str(&list));
	buf_fini(&list);
	return x->rq->betas.p || bedrock_full(&x->r);
}

static const struct {
	struct str name;
	bool (*read)(struct reading *, const struct json_node *);
} fields[] = {
	{ STR_INIT("top_k"), field_top_k },
	{ STR_INIT("inferenceConfig"), field_inference },
	{ STR_INIT("thinking"), field_thinking },
	{ STR_INIT("output_config"), field_output_config },
	{ STR_INIT("reasoning_effort"), take_effort },
	{ STR_INIT("reasoningConfig"), field_reasoning_config },
	{ STR_INIT("reasoning_config"), field_reasoning_config },
	{ STR_INIT("anthropic_beta"), field_betas },
};

static bool read_additional(struct reading *x, const struct json_node *v)
{
	if (!node_is(v, JSON_OBJECT))
		return refuse(x, "additionalModelRequestFields", v, "an object");
	for (const struct json_node *m = node_first(v); m; m = node_next(v, m)) {
		bool known = false;

		for (size_t i = 0; i < COUNT_OF(fields) && !known; i++)
			if (node_named(m, fields[i].name)) {
				known = true;
				if (!fields[i].read(x, m))
					return false;
			}
		if (known)
			continue;
		struct jstr name = jstr_concat(x->r.arena, JSTR(BEDROCK_FIELD), node_key(m));
		if (!name.p || !extra(x, name, m))
			return false;
	}
	return true;
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

static bool read_format(struct reading *x, const struct json_node *v)
{
	const struct json_node *format = node_get_some(v, STR("textFormat"));
	const struct json_node *def = node_get(node_get(format, STR("structure")), STR("jsonSchema"));
	const struct json_node *schema = node_get(def, STR("schema"));
	struct json_fault fault;

	if (!take_effort(x, node_get(v, STR("effort"))))
		return false;
	if (!format)
		return true;
	if (!node_is(schema, JSON_STRING))
		return refuse(x, "outputConfig.textFormat.structure.jsonSchema.schema", schema,
		              "a string that holds a JSON Schema");
	x->rq->format_schema = jstr_inner(x->r.arena, node_text(schema));
	if (!x->rq->format_schema.p)
		return bedrock_full(&x->r);
	x->rq->format_schema = str_trim(x->rq->format_schema);
	if (x->rq->format_schema.n == 0 || x->rq->format_schema.p[0] != '{' ||
	    !json_scan(NULL, x->rq->format_schema, REQUEST_DEPTH_MAX, NULL, &fault))
		return refuse(x, "outputConfig.textFormat.structure.jsonSchema.schema", schema,
		              "a string that holds a JSON object");
	x->rq->format = FORMAT_SCHEMA;
	x->rq->format_strict = TRI_YES;
	x->rq->format_name = node_get_text(def, STR("name"));
	x->rq->format_description = node_get_text(def, STR("description"));
	set(x, MEMBER_FORMAT);
	return true;
}

static bool read_metadata(struct reading *x, const struct json_node *v)
{
	if (!node_is(v, JSON_OBJECT))
		return refuse(x, "requestMetadata", v, "an object of strings");
	x->rq->metadata = node_raw(v);
	set(x, MEMBER_METADATA);
	return true;
}

static bool read_tier(struct reading *x, const struct json_node *v)
{
	x->rq->service_tier = node_get_text(v, STR("type"));
	if (!x->rq->service_tier.p)
		return refuse(x, "serviceTier.type", v, "a string");
	set(x, MEMBER_SERVICE_TIER);
	return true;
}

static bool read_guardrail(struct reading *x, const struct json_node *v)
{
	x->rq->guardrail = node_raw(v);
	set(x, MEMBER_GUARDRAIL);
	return true;
}

static const struct {
	struct str name;
	bool (*read)(struct reading *, const struct json_node *);
} members[] = {
	{ STR_INIT("messages"), read_messages },
	{ STR_INIT("system"), read_system },
	{ STR_INIT("inferenceConfig"), read_inference },
	{ STR_INIT("toolConfig"), read_tools },
	{ STR_INIT("additionalModelRequestFields"), read_additional },
	{ STR_INIT("outputConfig"), read_format },
	{ STR_INIT("requestMetadata"), read_metadata },
	{ STR_INIT("serviceTier"), read_tier },
	{ STR_INIT("guardrailConfig"), read_guardrail },
};

static bool read_member(struct reading *x, const struct json_node *m)
{
	if (m->type == JSON_NULL)
		return true;
	for (size_t i = 0; i < COUNT_OF(members); i++)
		if (node_named(m, members[i].name))
			return members[i].read(x, m);
	return extra(x, node_key(m), m);
}

bool bedrock_read_chat(struct arena *a, const struct dialect_request *in, const struct json_node *body,
                       struct chat_request *out, struct err *e)
{
	struct reading x = {
		.r = { .arena = a, .err = e, .maker = MAKER_ANTHROPIC, .message = -1, .block = -1, .inner = -1 },
		.rq = out,
	};
	const struct json_node *root = body;

	*out = (struct chat_request){ .from = DIALECT_BEDROCK, .stream = in->stream, .model = jstr_from(a, in->model) };
	if (!out->model.p)
		return bedrock_full(&x.r);
	if (in->call == CALL_COUNT_TOKENS) {
		root = node_get(node_get(body, STR("input")), STR("converse"));
		if (!node_is(root, JSON_OBJECT))
			return refuse(&x, "input.converse", root,
			              "an object; a body of invokeModel can be counted by Bedrock only");
	}
	for (const struct json_node *m = node_first(root); m; m = node_next(root, m))
		if (!read_member(&x, m))
			return false;
	return out->turns ||
	       refuse(&x, "messages", node_get(root, STR("messages")), "an array of at least one message");
}

static bool write_count(int64_t tokens, struct buf *out)
{
	struct json_writer w = json_writer_make(out);

	json_open(&w, '{');
	json_key_lit(&w, "inputTokens");
	json_i64(&w, tokens);
	json_close(&w);
	return json_write_done(&w);
}

const struct chat_codec bedrock_codec = {
	.read_request = bedrock_read_chat,
	.write_request = bedrock_write_chat,
	.read_response = bedrock_read_response,
	.write_response = bedrock_write_response,
	.write_count = write_count,
	.reader_size = sizeof(struct bedrock_reader),
	.writer_size = sizeof(struct bedrock_writer),
	.reader_init = bedrock_reader_init,
	.reader_fini = bedrock_reader_fini,
	.read_event = bedrock_read_event,
	.writer_init = bedrock_writer_init,
	.writer_fini = bedrock_writer_fini,
	.write_event = bedrock_write_event,
	.write_error = bedrock_write_stream_error,
	.write_ping = bedrock_write_ping,
	.framing = FRAMING_EVENTSTREAM,
	.one_block = true,
	.bytes_only = true,
};
