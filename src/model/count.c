/* SPDX-License-Identifier: Apache-2.0 */
/* count: walks a request and counts its texts, and what a model's template puts around them. */
#include "model/count.h"

#include <assert.h>

#include "base/arena.h"
#include "json/node.h"
#include "model/image.h"

struct counter {
	const struct token_family *family;
	struct arena *scratch;
	struct str model;
	uint64_t texts;               /* tokens by the family's encoding */
	uint64_t around;              /* tokens as they are */
	bool guessed;
};

/* Documents that are no text, and audio: what one costs at least, since nothing tells its length. Anthropic: "1,500 to
 * 3,000 tokens a page"; Gemini: 32 a second. */
enum { PAGE_TOKENS = 1500, AUDIO_TOKENS = 320 };

static void add_text(struct counter *c, struct jstr text)
{
	c->texts += tokens_count_json(c->family->encoding, jstr_raw(text));
}

static void add_plain(struct counter *c, struct str text)
{
	c->texts += tokens_count(c->family->encoding, text);
}

/* --- tools as OpenAI's models see them */

enum { SCHEMA_DEPTH_MAX = 64, INDENT_DESCRIBED = 2, TYPE_DEPTH_MAX = 32, REQUIRED_MAX = 256 };

static void put(struct tokens_feed *f, struct str text) { tokens_feed_text(f, text); }

static void put_indent(struct tokens_feed *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		put(f, STR(" "));
}

static void put_type(struct tokens_feed *, const struct json_node *schema, unsigned indent, unsigned depth);

/* Looked for among the first ones only: a mark more or less is a token at most, and no schema costs its square. */
static bool is_required(const struct json_node *required, struct jstr name)
{
	const struct json_node *r = node_first(required);

	for (int i = 0; r && i < REQUIRED_MAX; i++, r = node_next(required, r))
		if (jstr_eq(node_text(r), name))
			return true;
	return false;
}

static void put_properties(struct tokens_feed *f, const struct json_node *object, unsigned indent, unsigned depth)
{
	const struct json_node *properties = node_get(object, STR("properties")), *required;
	bool first = true;

	required = node_get(object, STR("required"));
	for (const struct json_node *p = node_first(properties); p; p = node_next(properties, p)) {
		struct jstr description = node_get_text(p, STR("description"));
		if (!first)
			put(f, STR("\n"));
		first = false;
		if (description.n > 0 && indent < INDENT_DESCRIBED) {
			put_indent(f, indent);
			put(f, STR("// "));
			tokens_feed_json(f, jstr_raw(description));
			put(f, STR("\n"));
		}
		put_indent(f, indent);
		tokens_feed_json(f, jstr_raw(node_key(p)));
		put(f, is_required(required, node_key(p)) ? STR(": ") : STR("?: "));
		put_type(f, p, indent, depth);
		put(f, STR(","));
	}
}

/* Values in their JSON spelling, as alternatives. */
static void put_alternatives(struct tokens_feed *f, const struct json_node *values)
{
	for (const struct json_node *v = node_first(values); v; v = node_next(values, v)) {
		put(f, node_raw(v));
		if (node_next(values, v))
			put(f, STR(" | "));
	}
}

static void put_any_of(struct tokens_feed *f, const struct json_node *any, unsigned indent, unsigned depth)
{
	for (const struct json_node *t = node_first(any); t; t = node_next(any, t)) {
		put_type(f, t, indent, depth);
		if (node_next(any, t))
			put(f, STR(" | "));
	}
}

static void put_named_type(struct tokens_feed *f, const struct json_node *schema, struct jstr type, unsigned indent,
                           unsigned depth)
{
	const struct json_node *values = node_get(schema, STR("enum")), *items = node_get(schema, STR("items"));

	if (values && values->children > 0) {
		put_alternatives(f, values);
	} else if (jstr_is(type, STR("integer"))) {
		put(f, STR("number"));
	} else if (jstr_is(type, STR("array"))) {
		if (items)
			put_type(f, items, indent, depth);
		else
			put(f, STR("any"));
		put(f, STR("[]"));
	} else if (jstr_is(type, STR("object"))) {
		put(f, STR("{\n"));
		put_properties(f, schema, indent + 2, depth);
		put(f, STR("\n"));
		put_indent(f, indent);
		put(f, STR("}"));
	} else if (jstr_is(type, STR("string")) || jstr_is(type, STR("number")) || jstr_is(type, STR("boolean")) ||
	           jstr_is(type, STR("null"))) {
		put(f, jstr_raw(type));
	} else {
		put(f, STR("any"));
	}
}

static void put_type(struct tokens_feed *f, const struct json_node *schema, unsigned indent, unsigned depth)
{
	const struct json_node *type = node_get(schema, STR("type")), *any = node_get(schema, STR("anyOf"));

	if (depth >= TYPE_DEPTH_MAX) {
		put(f, STR("any"));
	} else if (any && any->children > 0) {
		put_any_of(f, any, indent, depth + 1);
	} else if (node_is(type, JSON_ARRAY)) {
		for (const struct json_node *t = node_first(type); t; t = node_next(type, t)) {
			put_named_type(f, schema, node_text(t), indent, depth + 1);
			if (node_next(type, t))
				put(f, STR(" | "));
		}
	} else {
		put_named_type(f, schema, node_text(type), indent, depth + 1);
	}
}

/* "type NAME = (_: {…}) => any;". False: there is no room to read the schema. */
static bool put_function(struct tokens_feed *f, struct counter *c, const struct chat_tool *t)
{
	struct arena_mark mark = arena_mark(c->scratch);
	const struct json_node *schema = NULL;
	struct err e;

	if (t->schema.n > 0 && !(schema = json_nodes(c->scratch, t->schema, SCHEMA_DEPTH_MAX, &e))) {
		arena_rewind(c->scratch, mark);
		return false;
	}
	if (t->description.n > 0) {
		put(f, STR("// "));
		tokens_feed_json(f, jstr_raw(t->description));
		put(f, STR("\n"));
	}
	put(f, STR("type "));
	tokens_feed_json(f, jstr_raw(t->name));
	const struct json_node *properties = node_get(schema, STR("properties"));
	if (properties && properties->children > 0) {
		put(f, STR(" = (_: {\n"));
		put_properties(f, schema, 0, 0);
		put(f, STR("\n}) => any;\n\n"));
	} else {
		put(f, STR(" = () => any;\n\n"));
	}
	arena_rewind(c->scratch, mark);
	return true;
}

static void add_tools_as_types(struct counter *c, const struct chat_tool *tools)
{
	struct tokens_feed f;

	tokens_feed_begin(&f, c->family->encoding);
	put(&f, STR("namespace functions {\n\n"));
	for (const struct chat_tool *t = tools; t; t = t->next) {
		if (t->kind == TOOL_FUNCTION && put_function(&f, c, t))
			continue;
		c->guessed = true;
		put(&f, t->raw.n > 0 ? t->raw : t->schema);
	}
	put(&f, STR("} // namespace functions"));
	c->texts += tokens_feed_end(&f);
}

/* Others are taken to see what was written. */
static void add_tools_as_json(struct counter *c, const struct chat_tool *tools)
{
	for (const struct chat_tool *t = tools; t; t = t->next) {
		c->around += c->family->tool;
		if (t->kind == TOOL_SERVER) {
			c->guessed = true; /* what the provider's own tools add is its secret */
			add_plain(c, t->raw);
			continue;
		}
		add_text(c, t->name);
		add_text(c, t->description);
		c->texts += tokens_count(c->family->encoding, t->schema) *
		            (uint64_t)(100 + c->family->tool_schema) / 100;
		add_plain(c, t->format);
	}
}

/* --- turns */

static enum image_detail detail_of(struct jstr detail)
{
	return jstr_is(detail, STR("low")) ? IMAGE_LOW : jstr_is(detail, STR("high")) ? IMAGE_HIGH : IMAGE_AUTO;
}

static void add_media(struct counter *c, const struct chat_block *b)
{
	const struct chat_media *m = b->media;
	struct image_size size = { 0 };

	if (!m)
		return;
	if (m->from == MEDIA_TEXT) {
		add_text(c, m->title);
		add_text(c, m->context);
		add_text(c, m->data);
	} else if (b->kind == CHAT_IMAGE) {
		if (m->from != MEDIA_BYTES || !image_size(jstr_raw(m->data), &size))
			c->guessed = true;
		c->around += image_tokens(c->model, size, detail_of(m->detail));
	} else {
		c->guessed = true;
		c->around += b->kind == CHAT_DOCUMENT ? PAGE_TOKENS : AUDIO_TOKENS;
	}
}

/* `thoughts`: they are still part of the prompt. */
static void add_blocks(struct counter *c, const struct chat_block *blocks, bool thoughts)
{
	unsigned calls = 0;

	for (const struct chat_block *b = blocks; b; b = b->next) {
		/* thoughts that nobody else can read: Gemini counts those behind its signatures, too */
		if (b->redacted || (b->opaque.bytes.n > 0 && b->opaque.maker == MAKER_GEMINI))
			c->guessed = true;
		switch ((enum chat_kind)b->kind) {
		case CHAT_TEXT:
		case CHAT_REFUSAL: add_text(c, b->text); break;
		case CHAT_REASONING:
			if (thoughts)
				add_text(c, b->text);
			break;
		case CHAT_IMAGE:
		case CHAT_AUDIO:
		case CHAT_VIDEO:
		case CHAT_DOCUMENT: add_media(c, b); break;
		case CHAT_TOOL_CALL:
			calls++;
			c->around += c->family->call;
			add_text(c, b->name);
			if (b->args.json.n > 0)
				add_plain(c, b->args.json);
			else
				add_text(c, b->args.text);
			break;
		case CHAT_TOOL_RESULT:
			c->around += c->family->result;
			add_blocks(c, b->blocks, false);
			break;
		case CHAT_RAW:
		case CHAT_KINDS:
			c->guessed = true;
			add_plain(c, b->raw);
			break;
		}
	}
	/* OpenAI's templates wrap several calls of one turn into another. */
	if (calls > 1 && c->family->exact)
		c->around += 10 + 2 * calls;
}

/* How many turns the template makes of one: OpenAI's has each tool's result in one of its own. */
static unsigned turns_of(const struct token_family *f, const struct chat_turn *t)
{
	unsigned results = 0, others = 0;

	for (const struct chat_block *b = t->blocks; b; b = b->next) {
		if (b->kind == CHAT_TOOL_RESULT)
			results++;
		else
			others++;
	}
	return f->exact && results > 0 ? results + (others > 0) : 1;
}

/* The last turn in which somebody speaks who is no tool: what was thought before is forgotten (Anthropic, "Extended
 * thinking": thoughts of earlier turns are left out; OpenAI does the same). */
static const struct chat_turn *last_said(const struct chat_request *q)
{
	const struct chat_turn *last = NULL;

	for (const struct chat_turn *t = q->turns; t; t = t->next)
		for (const struct chat_block *b = t->blocks; b && t->role == ROLE_USER; b = b->next)
			if (b->kind != CHAT_TOOL_RESULT)
				last = t;
	return last;
}

static void add_turns(struct counter *c, const struct chat_request *q)
{
	const struct chat_turn *said = last_said(q);
	bool thoughts = said == NULL;

	if (q->system) {
		c->around += c->family->turn;
		add_blocks(c, q->system, false);
	}
	for (const struct chat_turn *t = q->turns; t; t = t->next) {
		c->around += c->family->turn * turns_of(c->family, t);
		if (t->name.n > 0) {
			c->around += c->family->name_of_turn;
			add_text(c, t->name);
		}
		add_blocks(c, t->blocks, thoughts);
		thoughts |= t == said;
	}
}

/* The schema of the answer is written into the prompt, by OpenAI in a form somewhat shorter than JSON, by Anthropic in
 * a longer one. */
static void add_format(struct counter *c, const struct chat_request *q)
{
	if (q->format != FORMAT_SCHEMA)
		return;
	uint64_t schema = tokens_count(c->family->encoding, q->format_schema);
	add_text(c, q->format_name);
	add_text(c, q->format_description);
	c->texts += schema * (uint64_t)(100 + c->family->format_schema) / 100;
	c->around += c->family->format;
}

void chat_count_tokens(const struct estimator *e, const struct chat_request *q, struct str model, struct arena *scratch,
                       struct token_count *out)
{
	enum token_family_id id = token_family_of(model);
	struct counter c = { .family = token_family(id), .scratch = scratch, .model = model };

	c.around = c.family->request;
	if (q->thinking == TRI_YES)
		c.around += c.family->thinking;
	if (q->choice == CHOICE_ANY || q->choice == CHOICE_TOOL)
		c.around += c.family->forced;
	add_turns(&c, q);
	add_format(&c, q);
	if (q->tools) {
		c.around += c.family->tools;
		if (c.family->exact) {
			add_tools_as_types(&c, q->tools);
			c.around -= q->system ? 4 : 0;
		} else {
			add_tools_as_json(&c, q->tools);
		}
	}
	*out = (struct token_count){
		.tokens = estimate_tokens(e, id, ESTIMATE_TEXT, c.texts) + c.around,
		.text_tokens = c.texts,
		.around = c.around,
		.family = id,
		.guessed = c.guessed,
	};
}

void chat_count_learn(struct estimator *e, const struct token_count *count, uint64_t told)
{
	if (!count->guessed && told / 2 > count->around)
		estimate_learn(e, count->family, ESTIMATE_TEXT, count->text_tokens, told - count->around);
}

uint64_t chat_count_output(const struct estimator *e, const struct chat_response *response, struct str model)
{
	enum token_family_id id = token_family_of(model);
	struct counter c = { .family = token_family(id), .model = model };

	for (const struct chat_output *o = response->outputs; o; o = o->next)
		add_blocks(&c, o->blocks, true);
	return estimate_tokens(e, id, ESTIMATE_TEXT, c.texts) + c.around;
}
