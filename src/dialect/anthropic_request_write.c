/* SPDX-License-Identifier: Apache-2.0 */
/* anthropic_request_write: a neutral request in the words of Messages. */
#include <openssl/evp.h>

#include "dialect/anthropic_out.h"

bool anthropic_out_full(const struct anthropic_out *o)
{
	return err_set(o->err, ERR_TOO_LARGE, "the request needs more memory than it may have");
}

#define DROP(o, ...) chat_drop(&(o)->wire->drops, __VA_ARGS__)

static void write_type(struct json_writer *w, struct str type)
{
	json_key_lit(w, "type");
	json_str(w, type);
}

static void write_text(struct anthropic_out *o, struct jstr text, uint8_t cache)
{
	json_open(&o->w, '{');
	write_type(&o->w, STR("text"));
	json_key_lit(&o->w, "text");
	json_jstr(&o->w, text);
	anthropic_write_mark(o, cache);
	json_close(&o->w);
}

/* ---- system ------------------------------------------------------------------------------------------------------ */

static void write_system_block(struct anthropic_out *o, const struct chat_block *b)
{
	if (b->kind == CHAT_TEXT && !jstr_is_blank(b->text))
		write_text(o, b->text, b->cache);
	else if (b->kind != CHAT_TEXT)
		DROP(o, "system.%s", chat_kind_name(b->kind));
}

/* S4, where the call cannot be forced. */
static void write_form_text(struct anthropic_out *o)
{
	struct str text =
		STR("Answer with nothing but a JSON value that is valid under this JSON Schema, without a code "
	            "fence: ");
	struct buf all = buf_make(text.n + o->schema.n);

	buf_append(&all, text);
	buf_append(&all, o->schema);
	json_open(&o->w, '{');
	write_type(&o->w, STR("text"));
	json_key_lit(&o->w, "text");
	json_str(&o->w, buf_str(&all));
	json_close(&o->w);
	buf_fini(&all);
}

static void write_system(struct anthropic_out *o)
{
	const struct chat_block *b = o->rq->system;

	while (b && (b->kind != CHAT_TEXT || jstr_is_blank(b->text)) && o->form != FORM_TEXT) {
		write_system_block(o, b);
		b = b->next;
	}
	if (!b && o->form != FORM_TEXT)
		return;
	json_key_lit(&o->w, "system");
	json_open(&o->w, '[');
	for (; b; b = b->next)
		write_system_block(o, b);
	if (o->form == FORM_TEXT)
		write_form_text(o);
	json_close(&o->w);
}

/* ---- members ----------------------------------------------------------------------------------------------------- */

static void write_thinking(struct anthropic_out *o)
{
	struct json_writer *w = &o->w;

	if (o->think == THINK_UNSAID)
		return;
	json_key_lit(w, "thinking");
	json_open(w, '{');
	write_type(w, o->think == THINK_OFF      ? STR("disabled")
	              : o->think == THINK_BUDGET ? STR("enabled")
	                                         : STR("adaptive"));
	if (o->think == THINK_BUDGET) {
		json_key_lit(w, "budget_tokens");
		json_i64(w, o->budget);
	}
	if (o->display) {
		json_key_lit(w, "display");
		json_str(w, str_from_z(o->display));
	}
	json_close(w);
}

#define CONFIG_PREFIX "output_config."

/* Members of output_config that are kept for Anthropic alone. */
static bool has_config_extras(const struct chat_request *rq)
{
	for (const struct chat_extra *x = rq->extras; x; x = x->next)
		if (x->from == DIALECT_ANTHROPIC && str_starts(jstr_raw(x->name), STR(CONFIG_PREFIX)))
			return true;
	return false;
}

static void write_config(struct anthropic_out *o)
{
	struct json_writer *w = &o->w;

	if (!o->has_effort && o->form != FORM_NATIVE && !has_config_extras(o->rq))
		return;
	json_key_lit(w, "output_config");
	json_open(w, '{');
	if (o->has_effort) {
		json_key_lit(w, "effort");
		json_str(w, model_effort_name(o->effort));
	}
	if (o->form == FORM_NATIVE) {
		json_key_lit(w, "format");
		json_open(w, '{');
		write_type(w, STR("json_schema"));
		json_key_lit(w, "schema");
		json_raw(w, o->schema);
		json_close(w);
	}
	for (const struct chat_extra *x = o->rq->extras; x; x = x->next) {
		struct str name = jstr_raw(x->name);
		if (x->from != DIALECT_ANTHROPIC || !str_starts(name, STR(CONFIG_PREFIX)))
			continue;
		json_key_jstr(w, jstr_of(name.p + sizeof CONFIG_PREFIX - 1, name.n - (sizeof CONFIG_PREFIX - 1)));
		json_raw(w, x->raw);
	}
	json_close(w);
}

static void write_members_extra(struct anthropic_out *o)
{
	for (const struct chat_extra *x = o->rq->extras; x; x = x->next) {
		if (x->from != DIALECT_ANTHROPIC || str_starts(jstr_raw(x->name), STR(CONFIG_PREFIX)))
			continue;
		json_key_jstr(&o->w, x->name);
		json_raw(&o->w, x->raw);
	}
}

static void write_sampling(struct anthropic_out *o)
{
	if (o->temperature) {
		json_key_lit(&o->w, "temperature");
		json_raw(&o->w, o->temperature_text);
	}
	if (o->top_p) {
		json_key_lit(&o->w, "top_p");
		json_raw(&o->w, o->rq->top_p);
	}
	if (o->top_k) {
		json_key_lit(&o->w, "top_k");
		json_raw(&o->w, o->rq->top_k);
	}
}

/* P7: blank ones are refused. */
static void write_stop(struct anthropic_out *o)
{
	bool any = false;

	o->carried |= MEMBER_BIT(MEMBER_STOP);
	for (const struct chat_name *s = o->rq->stop; s; s = s->next) {
		if (jstr_is_blank(s->name)) {
			chat_drop(&o->wire->drops, "stop");
			continue;
		}
		if (!any) {
			json_key_lit(&o->w, "stop_sequences");
			json_open(&o->w, '[');
		}
		any = true;
		json_jstr(&o->w, s->name);
	}
	if (any)
		json_close(&o->w);
}

/* P10: does it look like an address of a person's? */
static bool is_personal(struct str id)
{
	size_t digits = 0;

	if (memchr(id.p, '@', id.n))
		return true;
	for (size_t i = 0; i < id.n; i++) {
		if (id.p[i] >= '0' && id.p[i] <= '9')
			digits++;
		else if (!memchr("+-() ./", id.p[i], 8))
			return false;
	}
	return digits >= 7 && digits <= 15;
}

static bool write_user(struct anthropic_out *o)
{
	struct jstr user = o->rq->end_user;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct buf hex = buf_make(64);

	o->carried |= MEMBER_BIT(MEMBER_END_USER);
	if (!user.n)
		return true;
	json_key_lit(&o->w, "metadata");
	json_open(&o->w, '{');
	json_key_lit(&o->w, "user_id");
	if (o->own || !is_personal(jstr_raw(user))) {
		json_jstr(&o->w, user);
	} else {
		if (!EVP_Digest(user.p, user.n, digest, &n, EVP_sha256(), NULL) || n < 16)
			return err_set(o->err, ERR_INTERNAL, "SHA-256 does not work");
		buf_append_hex(&hex, str_of((const char *)digest, 16));
		json_str(&o->w, buf_str(&hex));
		buf_fini(&hex);
	}
	json_close(&o->w);
	return true;
}

/* P13: only what means the same. */
static void write_tier(struct anthropic_out *o)
{
	struct jstr tier = o->rq->service_tier;
	bool automatic = jstr_is(tier, STR("auto"));

	if (!o->own && !automatic && !jstr_is(tier, STR("default")) && !jstr_is(tier, STR("standard")))
		return;
	o->carried |= MEMBER_BIT(MEMBER_SERVICE_TIER);
	json_key_lit(&o->w, "service_tier");
	if (o->own)
		json_jstr(&o->w, tier);
	else
		json_str(&o->w, automatic ? STR("auto") : STR("standard_only"));
}

static bool write_body(struct anthropic_out *o)
{
	const struct chat_request *rq = o->rq;
	struct json_writer *w = &o->w;

	json_open(w, '{');
	json_key_lit(w, "model");
	json_jstr(w, o->target->model);
	json_key_lit(w, "max_tokens");
	json_raw(w, o->max_output);
	if (rq->stream) {
		json_key_lit(w, "stream");
		json_bool(w, true);
	}
	if (!anthropic_write_tools(o))
		return false;
	write_system(o);
	if (!anthropic_write_messages(o))
		return false;
	if (rq->cache_auto != CACHE_NO_MARK) {
		o->carried |= MEMBER_BIT(MEMBER_CACHE_AUTO);
		anthropic_write_mark(o, rq->cache_auto);
	}
	write_thinking(o);
	write_config(o);
	write_sampling(o);
	write_stop(o);
	if (!write_user(o))
		return false;
	if (rq->service_tier.p)
		write_tier(o);
	write_members_extra(o);
	json_close(w);
	return true;
}

/* ---- head -------------------------------------------------------------------------------------------------------- */

static bool is_in_list(struct str list, struct str word)
{
	while (list.p)
		if (str_eq(str_trim(str_cut(&list, ',')), word))
			return true;
	return false;
}

static bool is_beta(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"')
			return false;
	return s.n > 0;
}

/* P18: the client's, each once, in order, those that the host knows. */
static bool write_head(struct anthropic_out *o)
{
	struct buf line = buf_make(o->rq->betas.n + 64);
	struct str allowed = o->target->betas_allowed, list = STR(""), copy;

	for (struct str rest = o->rq->betas; rest.p;) {
		struct str beta = str_trim(str_cut(&rest, ','));
		if (!is_beta(beta) || is_in_list(list, beta))
			continue;
		if (allowed.n && !is_in_list(allowed, beta)) {
			DROP(o, "anthropic-beta.%.*s", STR_ARG(beta));
			continue;
		}
		buf_append(&line, line.n ? STR(",") : STR("anthropic-beta: "));
		buf_append(&line, beta);
		list = str_slice(buf_str(&line), 16, line.n);
	}
	if (line.n)
		buf_append(&line, STR("\r\n"));
	copy = line.n ? arena_dup(o->arena, buf_str(&line)) : STR("");
	buf_fini(&line);
	o->wire->head = copy;
	return copy.p || anthropic_out_full(o);
}

static unsigned count_marks(const struct chat_block *b)
{
	unsigned n = 0;

	for (; b; b = b->next)
		n += (b->cache != CACHE_NO_MARK && b->kind != CHAT_REASONING && !anthropic_is_blank(b)) +
		     count_marks(b->blocks);
	return n;
}

static void count_all_marks(struct anthropic_out *o)
{
	const struct chat_request *rq = o->rq;

	for (const struct chat_tool *t = rq->tools; t; t = t->next)
		o->marks += t->cache != CACHE_NO_MARK && anthropic_tool_is_sent(o, t);
	o->marks += count_marks(rq->system);
	for (const struct chat_turn *t = rq->turns; t; t = t->next)
		o->marks += count_marks(t->blocks);
	o->marks += rq->cache_auto != CACHE_NO_MARK;
}

static bool is_claude(struct jstr model)
{
	return str_find(jstr_raw(model), STR("claude")) != STR_NPOS;
}

bool anthropic_write_request(struct arena *a, const struct chat_request *rq, const struct chat_target *target,
                             struct chat_wire *out, struct err *e)
{
	struct anthropic_out o = {
		.arena = a,
		.rq = rq,
		.target = target,
		.wire = out,
		.err = e,
		.own = rq->from == DIALECT_ANTHROPIC,
		.claude = is_claude(target->model),
		.body = buf_make(SIZE_MAX / 2),
	};
	struct str body;
	bool good;

	if (!chat_turns_check_calls(rq, e))
		return false;
	o.w = json_writer_make(&o.body);
	good = anthropic_plan(&o);
	if (good) {
		count_all_marks(&o);
		good = write_body(&o) && write_head(&o);
	}
	if (good) {
		body = arena_dup(a, buf_str(&o.body));
		out->body = body;
		good = (!o.body.failed && body.p) || anthropic_out_full(&o);
		chat_drop_members(&out->drops, rq, o.carried, DIALECT_ANTHROPIC);
	}
	buf_fini(&o.body);
	return good;
}
