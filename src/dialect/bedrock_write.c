/* SPDX-License-Identifier: Apache-2.0 */
/* bedrock_write: a request to Converse: what it says besides conversation and tools. */
#include "dialect/bedrock_out.h"

static void carry(struct bedrock_out *x, enum chat_member m)
{
	x->plan.carried |= MEMBER_BIT(m);
}

static bool is_set(const struct bedrock_out *x, enum chat_member m)
{
	return x->rq->set & MEMBER_BIT(m);
}

/* Tools that Bedrock does not run are not sent, and told. */
static bool take_tools(struct bedrock_out *x, struct chat_request *copy)
{
	struct chat_tool **end = &copy->tools;
	unsigned index = 0;

	copy->tools = NULL;
	for (const struct chat_tool *t = x->rq->tools; t; t = t->next, index++) {
		struct chat_tool *kept;

		if (t->kind == TOOL_SERVER && !(t->from == DIALECT_BEDROCK && t->raw.n)) {
			chat_drop(&x->wire->drops, "tools[%u]", index);
			continue;
		}
		kept = arena_alloc(x->arena, sizeof *kept);
		if (!kept)
			return bedrock_out_full(x);
		*kept = *t;
		kept->next = NULL;
		*end = kept;
		end = &kept->next;
	}
	return true;
}

/* ---- inferenceConfig --------------------------------------------------------------------------------------------- */

static void write_stop(struct bedrock_out *x)
{
	bool any = false;

	if (!x->rq->stop)
		return;
	carry(x, MEMBER_STOP);
	if (model_rule(x->target->facts, MODEL_NO_STOP)) {
		x->wire->undo.stop = x->rq->stop; /* P7: the gateway looks for them */
		return;
	}
	for (const struct chat_name *s = x->rq->stop; s; s = s->next) {
		if (jstr_is_blank(s->name)) {
			chat_drop(&x->wire->drops, "stop");
			continue;
		}
		if (!any) {
			json_key_lit(&x->w, "stopSequences");
			json_open(&x->w, '[');
		}
		any = true;
		json_jstr(&x->w, s->name);
	}
	if (any)
		json_close(&x->w);
}

static void write_inference(struct bedrock_out *x)
{
	const struct chat_request *rq = x->rq;

	json_key_lit(&x->w, "inferenceConfig");
	json_open(&x->w, '{');
	if (rq->max_output.n) {
		json_key_lit(&x->w, "maxTokens");
		json_raw(&x->w, rq->max_output);
	}
	if (x->plan.temperature) {
		json_key_lit(&x->w, "temperature");
		json_raw(&x->w, x->plan.temperature_text);
	}
	if (x->plan.top_p) {
		json_key_lit(&x->w, "topP");
		json_raw(&x->w, rq->top_p);
	}
	write_stop(x);
	json_close(&x->w);
}

/* ---- additionalModelRequestFields: each maker's own words -------------------------------------------------------- */

static void write_thinking(struct bedrock_out *x)
{
	const struct anthropic_out *p = &x->plan;

	if (p->think == THINK_UNSAID)
		return;
	json_key_lit(&x->w, "thinking");
	json_open(&x->w, '{');
	json_key_lit(&x->w, "type");
	json_str(&x->w, p->think == THINK_OFF      ? STR("disabled")
	                : p->think == THINK_BUDGET ? STR("enabled")
	                                           : STR("adaptive"));
	if (p->think == THINK_BUDGET) {
		json_key_lit(&x->w, "budget_tokens");
		json_i64(&x->w, p->budget);
	}
	if (p->display) {
		json_key_lit(&x->w, "display");
		json_str(&x->w, str_from_z(p->display));
	}
	json_close(&x->w);
}

/* P18: those that the provider takes, each once, in their order. */
static void write_betas(struct bedrock_out *x)
{
	struct str rest = x->rq->betas, seen = { 0 };
	bool any = false;

	while (rest.p) {
		struct str beta = str_trim(str_cut(&rest, ',')), allowed = x->target->betas_allowed,
			   before = x->rq->betas;
		bool good = allowed.n == 0, twice = false;

		while (allowed.p && !good)
			good = str_eq(str_trim(str_cut(&allowed, ',')), beta);
		while (before.p && !twice && (seen = str_trim(str_cut(&before, ','))).p != beta.p)
			twice = str_eq(seen, beta);
		if (beta.n == 0 || twice)
			continue;
		if (!good) {
			chat_drop(&x->wire->drops, "anthropic-beta:%.*s", STR_ARG(beta));
			continue;
		}
		if (!any) {
			json_key_lit(&x->w, "anthropic_beta");
			json_open(&x->w, '[');
		}
		any = true;
		json_str(&x->w, beta);
	}
	if (any)
		json_close(&x->w);
}

static void write_claude(struct bedrock_out *x)
{
	if (x->plan.top_k) {
		json_key_lit(&x->w, "top_k");
		json_raw(&x->w, x->rq->top_k);
	}
	write_thinking(x);
	if (x->plan.has_effort) {
		json_key_lit(&x->w, "output_config");
		json_open(&x->w, '{');
		json_key_lit(&x->w, "effort");
		json_str(&x->w, model_effort_name(x->plan.effort));
		json_close(&x->w);
	}
	write_betas(x);
}

static bool model_is(const struct bedrock_out *x, struct str word)
{
	return str_find(jstr_raw(x->target->model), word) != STR_NPOS;
}

/* Amazon's Nova (docs.aws.amazon.com/nova): topK; the second generation thinks when told so, without other sampling. */
static void write_nova(struct bedrock_out *x)
{
	const struct chat_request *rq = x->rq;
	enum model_effort effort = rq->has_effort ? (enum model_effort)rq->effort : EFFORT_MEDIUM;
	bool thinks =
		model_is(x, STR("nova-2")) && (rq->thinking == TRI_YES || rq->has_effort) && effort != EFFORT_NONE;

	if (rq->top_k.n) {
		json_key_lit(&x->w, "inferenceConfig");
		json_open(&x->w, '{');
		json_key_lit(&x->w, "topK");
		json_raw(&x->w, rq->top_k);
		json_close(&x->w);
		carry(x, MEMBER_TOP_K);
	}
	if (!thinks)
		return;
	json_key_lit(&x->w, "reasoningConfig");
	json_open(&x->w, '{');
	json_key_lit(&x->w, "type");
	json_str(&x->w, STR("enabled"));
	json_key_lit(&x->w, "maxReasoningEffort");
	json_str(&x->w, effort <= EFFORT_LOW ? STR("low") : effort == EFFORT_MEDIUM ? STR("medium") : STR("high"));
	json_close(&x->w);
	carry(x, MEMBER_REASONING);
}

/* OpenAI's open models. */
static void write_effort(struct bedrock_out *x)
{
	enum model_effort effort =
		model_effort_nearest(x->target->facts->effort_levels, (enum model_effort)x->rq->effort);

	if (!x->rq->has_effort)
		return;
	json_key_lit(&x->w, "reasoning_effort");
	json_str(&x->w, model_effort_name(effort));
	carry(x, MEMBER_REASONING);
}

static bool is_field(struct jstr name)
{
	return str_starts(jstr_raw(name), STR(BEDROCK_FIELD));
}

static struct jstr field_name(struct jstr name)
{
	return jstr_of(name.p + sizeof(BEDROCK_FIELD) - 1, name.n - (sizeof(BEDROCK_FIELD) - 1));
}

static bool write_additional(struct bedrock_out *x)
{
	struct buf fields = buf_make(65536);
	struct json_writer whole = x->w;

	/* Into a buffer of its own: often there is nothing. */
	x->w = json_writer_make(&fields);
	json_open(&x->w, '{');
	if (x->claude)
		write_claude(x);
	else if (model_is(x, STR("amazon.nova")))
		write_nova(x);
	else if (x->target->facts->thinking == THINKING_EFFORT || model_is(x, STR("openai.gpt-oss")))
		write_effort(x);
	for (const struct chat_extra *e = x->rq->extras; e; e = e->next)
		if (e->from == DIALECT_BEDROCK && is_field(e->name)) {
			json_key_jstr(&x->w, field_name(e->name));
			json_raw(&x->w, e->raw);
		}
	json_close(&x->w);
	bool good = json_write_done(&x->w);
	x->w = whole;
	if (good && fields.n > 2) {
		json_key_lit(&x->w, "additionalModelRequestFields");
		json_raw(&x->w, buf_str(&fields));
	}
	buf_fini(&fields);
	return good || bedrock_out_full(x);
}

/* ---- outputConfig ------------------------------------------------------------------------------------------------ */

/* S1: the schema is a string. */
static bool write_format(struct bedrock_out *x)
{
	const struct chat_request *rq = x->rq;
	struct str schema = x->plan.schema;

	if (x->plan.form != FORM_NATIVE)
		return true;
	if (!schema.p)
		return bedrock_out_full(x);
	if (chat_schema_wrap(x->arena, &schema))
		x->wire->undo.schema_value = true;
	json_key_lit(&x->w, "outputConfig");
	json_open(&x->w, '{');
	json_key_lit(&x->w, "textFormat");
	json_open(&x->w, '{');
	json_key_lit(&x->w, "type");
	json_str(&x->w, STR("json_schema"));
	json_key_lit(&x->w, "structure");
	json_open(&x->w, '{');
	json_key_lit(&x->w, "jsonSchema");
	json_open(&x->w, '{');
	json_key_lit(&x->w, "schema");
	json_str(&x->w, schema);
	if (rq->format_name.n) {
		struct jstr name = chat_fit_id(x->arena, rq->format_name, ALPHABET_WORD_DASH, 64, false);
		json_key_lit(&x->w, "name");
		json_jstr(&x->w, name);
	}
	if (rq->format_description.n) {
		json_key_lit(&x->w, "description");
		json_jstr(&x->w, rq->format_description);
	}
	json_close(&x->w);
	json_close(&x->w);
	json_close(&x->w);
	json_close(&x->w);
	return true;
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

/* A value of requestMetadata: at most 256 of [a-zA-Z0-9\s:_@$#=/+,-.]. */
static bool is_metadata(struct jstr s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!letter && !strchr(" :_@$#=/+,-.", c))
			return false;
	}
	return s.n <= 256;
}

enum { METADATA_MAX = 16 };

/* The client's metadata, of which there are at most sixteen, and its end user, unless it is a mail address (P10). */
static bool write_metadata(struct bedrock_out *x)
{
	const struct json_node *list = NULL, *m;
	struct jstr user = x->rq->end_user;
	unsigned n = 0;

	if (x->rq->metadata.n && !(list = json_nodes(x->arena, x->rq->metadata, REQUEST_DEPTH_MAX, x->err)))
		return false;
	bool has_user = user.n && is_metadata(user) && memchr(user.p, '@', user.n) == NULL;
	if (has_user)
		carry(x, MEMBER_END_USER);
	if (is_set(x, MEMBER_METADATA))
		carry(x, MEMBER_METADATA);
	for (m = node_is(list, JSON_OBJECT) ? node_first(list) : NULL; m; m = node_next(list, m)) {
		struct jstr value = node_text(m), key = node_key(m);

		if (!value.p || !is_metadata(value) || !is_metadata(key) || key.n == 0 ||
		    n + has_user == METADATA_MAX) {
			chat_drop(&x->wire->drops, "metadata.%.*s", STR_ARG(jstr_raw(key)));
			continue;
		}
		if (n++ == 0) {
			json_key_lit(&x->w, "requestMetadata");
			json_open(&x->w, '{');
		}
		json_key_jstr(&x->w, key);
		json_jstr(&x->w, value);
	}
	if (has_user && n++ == 0) {
		json_key_lit(&x->w, "requestMetadata");
		json_open(&x->w, '{');
	}
	if (has_user) {
		json_key_lit(&x->w, "user");
		json_jstr(&x->w, user);
	}
	if (n)
		json_close(&x->w);
	return true;
}

/* P13: what has the same name there. */
static void write_tier(struct bedrock_out *x)
{
	struct str tier = bedrock_tier_word(x->rq->service_tier);

	if (jstr_is(x->rq->service_tier, STR("auto")) || jstr_is(x->rq->service_tier, STR("standard_only")))
		carry(x, MEMBER_SERVICE_TIER);
	if (!tier.n)
		return;
	carry(x, MEMBER_SERVICE_TIER);
	json_key_lit(&x->w, "serviceTier");
	json_open(&x->w, '{');
	json_key_lit(&x->w, "type");
	json_str(&x->w, tier);
	json_close(&x->w);
}

static void write_own(struct bedrock_out *x)
{
	if (x->rq->guardrail.n) {
		json_key_lit(&x->w, "guardrailConfig");
		json_raw(&x->w, x->rq->guardrail);
		carry(x, MEMBER_GUARDRAIL);
	}
	for (const struct chat_extra *e = x->rq->extras; e; e = e->next)
		if (e->from == DIALECT_BEDROCK && !is_field(e->name)) {
			json_key_jstr(&x->w, e->name);
			json_raw(&x->w, e->raw);
		}
	/* The only way to learn which one it was. */
	if (x->claude && x->rq->stop && x->rq->from != DIALECT_BEDROCK) {
		json_key_lit(&x->w, "additionalModelResponseFieldPaths");
		json_raw(&x->w, x->rq->stream ? STR("[\"/delta/stop_sequence\"]") : STR("[\"/stop_sequence\"]"));
	}
}

static bool make_plan(struct bedrock_out *x, struct chat_request *copy, struct chat_target *target,
                      struct model_facts *facts)
{
	*copy = *x->rq;
	*target = *x->target;
	*facts = *x->target->facts;
	if (!take_tools(x, copy))
		return false;
	x->rq = copy;
	/* Other makers' models are told to think in words of their own. */
	if (!x->claude)
		facts->thinking = THINKING_NONE;
	target->facts = facts;
	x->plan = (struct anthropic_out){
		.arena = x->arena,
		.rq = copy,
		.target = target,
		.wire = x->wire,
		.err = x->err,
		.claude = x->claude,
		.own = x->claude && copy->from == DIALECT_ANTHROPIC,
	};
	if (!anthropic_plan(&x->plan))
		return false;
	if (copy->max_output.n && x->plan.max_tokens < 1)
		return err_set(x->err, ERR_INVALID_REQUEST, "max_tokens: %.*s must be at least 1",
		               STR_ARG(str_slice(copy->max_output, 0, 20)));
	/* Row 49: there is no word for it. */
	if (copy->parallel != TRI_NO)
		carry(x, MEMBER_PARALLEL);
	else
		x->plan.carried &= ~MEMBER_BIT(MEMBER_PARALLEL);
	if (!x->claude) {
		x->plan.carried &= ~(MEMBER_BIT(MEMBER_TOP_K) | MEMBER_BIT(MEMBER_REASONING_SUMMARY));
		if (copy->thinking != TRI_NO && !(copy->has_effort && copy->effort == EFFORT_NONE))
			x->plan.carried &= ~MEMBER_BIT(MEMBER_REASONING);
	}
	if (copy->cache_auto)
		carry(x, MEMBER_CACHE_AUTO);
	return true;
}

static bool write_body(struct bedrock_out *x)
{
	json_open(&x->w, '{');
	if (!bedrock_write_tools(x) || !bedrock_write_system(x) || !bedrock_write_messages(x))
		return false;
	write_inference(x);
	if (!write_additional(x) || !write_format(x) || !write_metadata(x))
		return false;
	write_tier(x);
	write_own(x);
	json_close(&x->w);
	return json_write_done(&x->w) || bedrock_out_full(x);
}

#define BODY_SLACK ((size_t)64 << 20)

bool bedrock_write_chat(struct arena *a, const struct chat_request *rq, const struct chat_target *target,
                        struct chat_wire *out, struct err *e)
{
	struct bedrock_out x = {
		.arena = a,
		.rq = rq,
		.target = target,
		.wire = out,
		.err = e,
		.claude = target->bedrock_claude,
	};
	struct chat_request copy;
	struct chat_target own_target;
	struct model_facts facts;
	struct buf body = buf_make(a->max_bytes < BODY_SLACK ? BODY_SLACK : a->max_bytes);
	bool good;

	x.w = json_writer_make(&body);
	good = make_plan(&x, &copy, &own_target, &facts) && write_body(&x);
	if (good) {
		out->body = arena_dup(a, buf_str(&body));
		good = out->body.p || bedrock_out_full(&x);
	}
	buf_fini(&body);
	if (good)
		chat_drop_members(&out->drops, rq, x.plan.carried, DIALECT_BEDROCK);
	return good;
}
