/* SPDX-License-Identifier: Apache-2.0 */
/* anthropic_plan: what a request to a Messages server says of thinking, sampling, tools and the answer's form. */
#include <stdlib.h>

#include "dialect/anthropic_out.h"

#define DROPS(o) (&(o)->wire->drops)

static bool is_set(const struct anthropic_out *o, enum chat_member m)
{
	return o->rq->set & MEMBER_BIT(m);
}

static void carry(struct anthropic_out *o, enum chat_member m)
{
	o->carried |= MEMBER_BIT(m);
}

static bool rule(const struct anthropic_out *o, enum model_rule r)
{
	return model_rule(o->target->facts, r);
}

/* A number as it was written. Absent: 0. */
static double number(struct str raw)
{
	char text[64];
	size_t n = raw.n < sizeof text - 1 ? raw.n : sizeof text - 1;

	if (n)
		memcpy(text, raw.p, n);
	text[n] = '\0';
	return strtod(text, NULL);
}

/* Of tokens; what no model has is as good as the most that an integer holds. */
static int64_t whole(double n)
{
	return n >= 1e15 ? INT64_MAX : n <= -1e15 ? INT64_MIN : (int64_t)n;
}

/* ---- the output's cap (P1, P3) ----------------------------------------------------------------------------------- */

static bool plan_max(struct anthropic_out *o)
{
	const struct chat_request *rq = o->rq;
	uint32_t most = o->target->facts->max_output;

	carry(o, MEMBER_MAX_OUTPUT);
	if (rq->max_output.n) {
		o->max_output = rq->max_output;
		o->max_tokens = whole(number(rq->max_output));
		if (o->max_tokens == 0 && !o->own)
			return err_set(o->err, ERR_INVALID_REQUEST, "max_tokens: 0 must be at least 1");
		return true;
	}
	if (!most)
		most = o->claude ? model_facts_by_name(STR("claude-newest"))->max_output : 4096;
	o->max_tokens = most ? most : 4096;
	o->max_output = arena_printf(o->arena, "%lld", (long long)o->max_tokens);
	return o->max_output.p || anthropic_out_full(o);
}

/* ---- thinking (rows 50-56, P6, O2) ------------------------------------------------------------------------------- */

static bool has_client_call(const struct chat_turn *t)
{
	for (const struct chat_block *b = t->blocks; b; b = b->next)
		if (b->kind == CHAT_TOOL_CALL && b->tool != TOOL_SERVER)
			return true;
	return false;
}

/* The first block of it that will be written. */
static const struct chat_block *first_sent(const struct chat_turn *t)
{
	for (const struct chat_block *b = t->blocks; b; b = b->next) {
		if (b->kind == CHAT_REASONING ? anthropic_replays(b) : b->kind != CHAT_TEXT || !jstr_is_blank(b->text))
			return b;
	}
	return NULL;
}

/* O2: does the last turn of the assistant's call tools without the thought that led to it? */
static bool lost_thought(const struct anthropic_out *o)
{
	const struct chat_block *first = NULL;
	bool calls = false, go_on = false;

	for (const struct chat_turn *t = o->rq->turns; t; t = t->next) {
		if (t->role != ROLE_ASSISTANT) {
			go_on = false;
			continue;
		}
		if (!go_on)
			calls = false, first = NULL;
		go_on = true;
		calls |= has_client_call(t);
		first = first ? first : first_sent(t);
	}
	return calls && first && first->kind != CHAT_REASONING;
}

static const struct chat_turn *last_turn(const struct anthropic_out *o)
{
	const struct chat_turn *t = o->rq->turns;

	while (t && t->next)
		t = t->next;
	return t;
}

/* Newer than what is known: like the newest. */
static bool is_adaptive(const struct anthropic_out *o)
{
	uint8_t kind = o->target->facts->thinking;

	return kind == THINKING_ADAPTIVE || (kind == THINKING_UNKNOWN && o->claude);
}

static bool takes_effort(const struct anthropic_out *o)
{
	return rule(o, MODEL_EFFORT_CONFIG) || (o->target->facts->thinking == THINKING_UNKNOWN && o->claude);
}

static void set_effort(struct anthropic_out *o, enum model_effort wanted)
{
	o->effort = model_effort_nearest(o->target->facts->effort_levels, wanted);
	if (o->effort == EFFORT_MINIMAL)
		o->effort = EFFORT_LOW; /* not a word of theirs */
	o->has_effort = o->effort != EFFORT_NONE;
}

static void plan_off(struct anthropic_out *o)
{
	uint8_t kind = o->target->facts->thinking;

	if (rule(o, MODEL_THINKING_ALWAYS))
		return; /* not carried: reported */
	carry(o, MEMBER_REASONING);
	/* One that does not think has no such member. */
	if (kind != THINKING_NONE && kind != THINKING_ALWAYS)
		o->think = THINK_OFF;
	if (o->has_effort && rule(o, MODEL_OFF_NEEDS_LOW_EFFORT) && o->effort > EFFORT_HIGH)
		o->effort = EFFORT_HIGH;
}

/* Row 53: the budget fits below the cap, or there is no thinking. */
static void plan_budget(struct anthropic_out *o)
{
	const struct model_facts *f = o->target->facts;
	int64_t least = f->thinking_min ? f->thinking_min : 1024, most = f->thinking_max ? f->thinking_max : INT64_MAX;
	int64_t budget = o->rq->thinking_budget;

	if (budget <= 0)
		budget = model_effort_budget(o->rq->has_effort ? (enum model_effort)o->rq->effort : EFFORT_MEDIUM);
	budget = budget > most ? most : budget < least ? least : budget;
	if (budget >= o->max_tokens)
		budget = o->max_tokens - 1;
	if (budget < least)
		return;
	carry(o, MEMBER_REASONING);
	o->think = THINK_BUDGET;
	o->budget = budget;
}

static void plan_on(struct anthropic_out *o)
{
	const struct chat_request *rq = o->rq;
	uint8_t kind = o->target->facts->thinking;

	if (kind == THINKING_NONE)
		return;
	if (kind == THINKING_ALWAYS) {
		carry(o, MEMBER_REASONING);
		return;
	}
	if (!is_adaptive(o)) {
		plan_budget(o);
		return;
	}
	carry(o, MEMBER_REASONING);
	o->think = THINK_ADAPTIVE;
	if (!o->has_effort && rq->thinking_budget > 0 && takes_effort(o)) {
		uint32_t cap = o->max_tokens > 0 && o->max_tokens < UINT32_MAX ? (uint32_t)o->max_tokens : 0;
		uint32_t budget = rq->thinking_budget < UINT32_MAX ? (uint32_t)rq->thinking_budget : UINT32_MAX;
		set_effort(o, model_budget_effort(budget, cap));
	}
}

static void plan_display(struct anthropic_out *o)
{
	const struct chat_request *rq = o->rq;
	bool hide = rq->show_thoughts == TRI_NO || jstr_is(rq->summary, STR("omitted"));

	if (o->think != THINK_ADAPTIVE && o->think != THINK_BUDGET)
		return;
	carry(o, MEMBER_REASONING_SUMMARY);
	if (!is_set(o, MEMBER_REASONING_SUMMARY))
		return;
	/* Older models show their thoughts unasked and know no other way. */
	if (o->think == THINK_ADAPTIVE)
		o->display = hide ? "omitted" : "summarized";
	else if (hide && o->own)
		o->display = "omitted";
}

static void plan_thinking(struct anthropic_out *o)
{
	const struct chat_request *rq = o->rq;
	bool none = rq->has_effort && rq->effort == EFFORT_NONE;

	if (rq->has_effort && !none && takes_effort(o))
		set_effort(o, (enum model_effort)rq->effort);
	if (rq->thinking == TRI_NO || none)
		plan_off(o);
	else if (rq->thinking == TRI_YES || (rq->has_effort && !o->own))
		plan_on(o);
	else if (o->has_effort)
		carry(o, MEMBER_REASONING);
	if (o->think != THINK_BUDGET)
		return;
	/* A prefilled answer cannot be thought about either. */
	const struct chat_turn *last = last_turn(o);
	if (lost_thought(o) || (last && last->role == ROLE_ASSISTANT)) {
		o->think = THINK_OFF;
		o->carried &= ~MEMBER_BIT(MEMBER_REASONING);
	}
}

static bool thinks(const struct anthropic_out *o)
{
	return o->think == THINK_ADAPTIVE || o->think == THINK_BUDGET ||
	       (o->think == THINK_UNSAID && (rule(o, MODEL_THINKS_UNASKED) || rule(o, MODEL_THINKING_ALWAYS)));
}

/* ---- tools ------------------------------------------------------------------------------------------------------- */

static void plan_tools(struct anthropic_out *o)
{
	const struct chat_request *rq = o->rq;
	unsigned strict = 0;

	o->choice = rq->choice;
	if (rq->choice == CHOICE_SUBSET) {
		o->subset = rq->choice_names != NULL;
		o->choice = rq->choice_subset_any ? CHOICE_ANY : CHOICE_AUTO;
	} else if (rq->choice == CHOICE_TOOL && rq->choice_names) {
		o->choice_name = rq->choice_names->name;
	}
	for (const struct chat_tool *t = rq->tools; t; t = t->next) {
		o->tools += anthropic_tool_is_sent(o, t);
		strict += t->strict == TRI_YES;
	}
	carry(o, MEMBER_TOOL_CHOICE);
	carry(o, MEMBER_PARALLEL);
	if (!o->tools) /* U3 */
		o->choice = CHOICE_UNSET;
	o->strict_tools = strict <= STRICT_TOOLS_MAX && !model_lacks(o->target->facts, CAP_JSON_SCHEMA);
}

/* P6: a forced call and thinking exclude each other. */
static void plan_forced(struct anthropic_out *o)
{
	if ((o->choice != CHOICE_ANY && o->choice != CHOICE_TOOL) || !thinks(o))
		return;
	/* Who names a tool wants its call more than thoughts; nobody asked for those that come unasked. */
	if ((o->choice == CHOICE_TOOL || o->think == THINK_UNSAID) && !rule(o, MODEL_THINKING_ALWAYS)) {
		if (o->think != THINK_UNSAID)
			o->carried &= ~MEMBER_BIT(MEMBER_REASONING);
		o->think = THINK_OFF;
		return;
	}
	o->choice = CHOICE_AUTO;
	o->carried &= ~MEMBER_BIT(MEMBER_TOOL_CHOICE);
}

/* ---- the answer's form (S1-S5) ----------------------------------------------------------------------------------- */

static bool plan_form(struct anthropic_out *o)
{
	const struct chat_request *rq = o->rq;
	bool changed;

	carry(o, MEMBER_FORMAT);
	if (rq->format != FORMAT_SCHEMA && rq->format != FORMAT_JSON)
		return true;
	if (rq->format == FORMAT_SCHEMA && rq->format_schema.n &&
	    (o->own || !model_lacks(o->target->facts, CAP_JSON_SCHEMA))) {
		o->form = FORM_NATIVE;
		o->schema = o->own ? rq->format_schema : chat_schema_strict(o->arena, rq->format_schema, &changed);
		return o->schema.p || anthropic_out_full(o);
	}
	o->schema = rq->format_schema.n ? rq->format_schema : STR("{\"type\":\"object\"}");
	/* A call cannot be forced while it thinks, nor beside a client's own choice: it is told in words. */
	if (thinks(o) || o->choice == CHOICE_TOOL || o->choice == CHOICE_NONE ||
	    model_lacks(o->target->facts, CAP_TOOLS)) {
		o->form = FORM_TEXT;
		return true;
	}
	o->form = FORM_TOOL;
	o->wire->undo.schema_tool = true;
	if (chat_schema_wrap(o->arena, &o->schema))
		o->wire->undo.schema_value = true;
	if (o->tools) {
		o->choice = CHOICE_ANY;
	} else {
		o->choice = CHOICE_TOOL;
		o->choice_name = JSTR(CHAT_SCHEMA_TOOL);
	}
	return true;
}

/* ---- sampling (P4-P6) -------------------------------------------------------------------------------------------- */

static void plan_sampling(struct anthropic_out *o)
{
	const struct chat_request *rq = o->rq;
	double t = number(rq->temperature), p = number(rq->top_p);
	bool on = o->think == THINK_ADAPTIVE || o->think == THINK_BUDGET;

	if (rule(o, MODEL_NO_SAMPLING) && !(rule(o, MODEL_SAMPLING_WHEN_OFF) && o->think == THINK_OFF))
		return;
	o->temperature = rq->temperature.n && (!on || t == 1);
	o->temperature_text = t > 1 ? STR("1") : rq->temperature;
	o->top_p = rq->top_p.n && (!on || p >= 0.95) && !(o->temperature && rule(o, MODEL_NO_TEMP_WITH_TOP_P));
	o->top_k = rq->top_k.n && !on;
	/* One that had to be clamped is reported as well. */
	if (o->temperature && t <= 1)
		carry(o, MEMBER_TEMPERATURE);
	if (o->top_p)
		carry(o, MEMBER_TOP_P);
	if (o->top_k)
		carry(o, MEMBER_TOP_K);
}

bool anthropic_plan(struct anthropic_out *o)
{
	const struct chat_request *rq = o->rq;
	const struct chat_turn *last = last_turn(o);

	if (rq->n.n && number(rq->n) > 1)
		return err_set(o->err, ERR_UNSUPPORTED_PARAMETER, "n: %.*s must be 1: this model gives one answer",
		               STR_ARG(str_slice(rq->n, 0, 20)));
	carry(o, MEMBER_N);
	carry(o, MEMBER_INCLUDE);
	if (last && last->role == ROLE_ASSISTANT && rule(o, MODEL_NO_PREFILL))
		return err_set(o->err, ERR_INVALID_REQUEST,
		               "messages[%u].role: \"assistant\" must be \"user\": this model does not go on with an "
		               "answer that was begun for it",
		               last->index);
	if (!plan_max(o))
		return false;
	plan_thinking(o);
	plan_tools(o);
	plan_forced(o);
	if (!plan_form(o))
		return false;
	plan_display(o);
	plan_sampling(o);
	return true;
}
