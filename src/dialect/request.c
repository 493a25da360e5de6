/* SPDX-License-Identifier: Apache-2.0 */
/* request: reads the few members of a body that the gateway needs, and edits in place those that it owns. */

#include <assert.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/text.h"
#include "dialect/dialect_in.h"
#include "json/node.h"
#include "json/write.h"

/* One edit for each member that may be edited: not `stream`; of include_usage and its stream_options one. */
#define EDITS_MAX (REQUEST_MEMBERS - 2)

/* A value as messages show it: what it is, and the start of its text when that helps. */
static const char *seen(const struct json_hit *hit, char out[96])
{
	size_t n = hit->value.n < 60 ? hit->value.n : 60;

	while (n < hit->value.n && n > 0 && ((unsigned char)hit->value.p[n] & 0xc0) == 0x80)
		n--;
	const char *dots = n < hit->value.n ? "..." : "";
	switch (hit->type) {
	case JSON_ABSENT: return "nothing";
	case JSON_NULL: return "null";
	case JSON_ARRAY: return "an array";
	case JSON_OBJECT: return "an object";
	case JSON_BOOL: snprintf(out, 96, "%.*s", (int)n, hit->value.p); return out;
	case JSON_NUMBER: snprintf(out, 96, "the number %.*s%s", (int)n, hit->value.p, dots); return out;
	case JSON_STRING: snprintf(out, 96, "the string %.*s%s", (int)n, hit->value.p, dots); return out;
	}
	assert(!"unknown json_type");
	return "";
}

static bool refuse(struct err *e, const char *member, const char *allowed, const struct json_hit *hit)
{
	char what[96];

	return err_set(e, ERR_INVALID_REQUEST, "%s: must be %s, not %s", member, allowed, seen(hit, what));
}

/* Absent and null are false, as the providers take them. */
static bool read_flag(const char *member, const struct json_hit *hit, bool *out, struct err *e)
{
	*out = false;
	if (hit->type == JSON_ABSENT || hit->type == JSON_NULL || json_to_bool(hit->value, out))
		return true;
	return refuse(e, member, "true or false", hit);
}

/* A number that is no count (negative, fractional, huge) is left to the provider to refuse: nothing is known then. */
static bool read_max(const char *member, const struct json_hit *hit, int64_t *out, struct err *e)
{
	if (hit->type != JSON_ABSENT && hit->type != JSON_NULL && hit->type != JSON_NUMBER)
		return refuse(e, member, "a whole number of tokens", hit);
	if (hit->type != JSON_NUMBER || !json_to_i64(hit->value, out) || *out < 0)
		*out = -1;
	return true;
}

static bool read_model(struct arena *arena, const struct json_hit *hit, struct str *out, struct err *e)
{
	const char *allowed = "the name of a model, a string that is not empty";

	if (hit->type != JSON_STRING)
		return refuse(e, "model", allowed, hit);
	if (!json_to_str(hit->value, arena, out))
		return err_set(e, ERR_TOO_LARGE, "model: too long");
	if (out->n == 0)
		return refuse(e, "model", allowed, hit);
	if (out->n > 512)
		return err_set(e, ERR_INVALID_REQUEST, "model: must be at most 512 bytes long, not %zu", out->n);
	return true;
}

/* What a server that decodes before it resolves would climb by. */
static bool has_dot_segment(struct str name)
{
	while (name.p) {
		struct str part = str_cut(&name, '/');

		if (str_eq(part, STR(".")) || str_eq(part, STR("..")))
			return true;
	}
	return false;
}

bool request_model_of_path(struct arena *arena, struct str encoded, struct str *out, struct err *e)
{
	struct buf decoded = buf_make(1024);
	bool good = text_percent_decode(&decoded, encoded) && decoded.n > 0 && decoded.n <= 512 &&
	            !has_dot_segment(buf_str(&decoded));

	*out = good ? arena_dup(arena, buf_str(&decoded)) : str_of(NULL, 0);
	buf_fini(&decoded);
	if (!good)
		return err_set(e, ERR_INVALID_REQUEST,
		               "the model in the path must be 1 to 512 bytes long, with well-formed percent-encoding "
		               "and without . or .. between slashes");
	return out->p || err_set(e, ERR_TOO_LARGE, "the request is too large");
}

void request_reader_init(struct request_reader *r, const char *const names[REQUEST_MEMBERS])
{
	r->names = names;
	json_plan_init(&r->plan, names, REQUEST_MEMBERS, JSON_REFUSE_TWICE | JSON_REFUSE_CASE);
}

bool request_is_object(struct str body, struct err *e)
{
	struct str text = body;

	while (text.n && (text.p[0] == ' ' || text.p[0] == '\t' || text.p[0] == '\n' || text.p[0] == '\r'))
		text = str_slice(text, 1, text.n);
	if (text.n && text.p[0] == '{')
		return true;
	return err_set(e, ERR_INVALID_REQUEST, "the body must be a JSON object, not %s",
	               text.n == 0        ? "empty"
	               : text.p[0] == '[' ? "an array"
	               : text.p[0] == '"' ? "a string"
	                                  : "a plain value");
}

/* The scanner's fault at a name that is a known one but for its case. */
COLD static bool refuse_case(struct str body, size_t at, struct err *e)
{
	struct str name = str_slice(body, at + 1, at + 48);

	name.n = str_find_chr(name, '"') == STR_NPOS ? name.n : str_find_chr(name, '"');
	return err_set(e, ERR_INVALID_REQUEST,
	               "%.*s: is the name of a known member in other letters; upper and lower case must be as "
	               "documented",
	               STR_ARG(name));
}

/* OpenRouter's word for usage in the stream. What is no such word is not taken, and goes on as it is. */
COLD static void read_usage_member(struct arena *arena, struct dialect_request *out)
{
	struct json_hit *usage = &out->at[REQUEST_USAGE];
	const struct json_node *include = node_get(json_nodes(arena, usage->value, REQUEST_DEPTH_MAX, NULL),
	                                           STR("include"));

	if (node_is(include, JSON_BOOL))
		out->usage_asked |= node_true(include);
	else
		usage->type = JSON_ABSENT;
}

/* OpenRouter: a list of models and no model asks for the first of them. It is read as if it had been said. */
COLD static bool read_with_model(struct arena *arena, const struct request_reader *r, struct str body,
                                 struct dialect_request *out, struct err *e)
{
	const struct str models = out->at[REQUEST_MODELS].value;
	const struct json_node *list = json_nodes(arena, models, REQUEST_DEPTH_MAX, e), *first = node_at(list, 0);
	struct json_edit edit = { .kind = JSON_EDIT_INSERT, .into = body };
	struct str piece[JSON_PIECES(1)];
	struct buf b = buf_make(body.n + models.n + 64);
	size_t n;

	if (!list)
		return false;
	if (!node_is(first, JSON_STRING))
		return err_set(e, ERR_INVALID_REQUEST,
		               "models[0]: must be the name of a model, where there is no `model`");
	edit.with = arena_printf(arena, "\"model\":%.*s", STR_ARG(node_raw(first)));
	if (!edit.with.p)
		return err_set(e, ERR_TOO_LARGE, "models: too long");
	n = json_splice(body, &edit, 1, piece);
	for (size_t i = 0; i < n; i++)
		buf_append(&b, piece[i]);
	body = arena_dup(arena, buf_str(&b));
	buf_fini(&b);
	if (!body.p)
		return err_set(e, ERR_TOO_LARGE, "the request needs more memory than it may have");
	return request_read_body(arena, r, body, true, out, e);
}

bool request_read_body(struct arena *arena, const struct request_reader *r, struct str body, bool needs_model,
                       struct dialect_request *out, struct err *e)
{
	struct json_hit *at = out->at;
	struct json_fault fault;

	assert(r->plan.paths > 0);
	if (!json_scan(&r->plan, body, REQUEST_DEPTH_MAX, at, &fault))
		return fault.error == JSON_ERR_CASE ? refuse_case(body, fault.offset, e)
		                                    : json_fault_err(&fault, ERR_INVALID_REQUEST, e);
	if (!request_is_object(body, e))
		return false;

	const struct json_hit *options = &at[REQUEST_STREAM_OPTIONS];
	if (needs_model && !read_model(arena, &at[REQUEST_MODEL], &out->model, e))
		return at[REQUEST_MODEL].type == JSON_ABSENT && at[REQUEST_MODELS].type == JSON_ARRAY &&
		       read_with_model(arena, r, body, out, e);
	if (r->names[REQUEST_STREAM] && !read_flag("stream", &at[REQUEST_STREAM], &out->stream, e))
		return false;
	if (options->type != JSON_ABSENT && options->type != JSON_NULL && options->type != JSON_OBJECT)
		return refuse(e, "stream_options", "an object", options);
	if (!read_flag("stream_options.include_usage", &at[REQUEST_INCLUDE_USAGE], &out->usage_asked, e))
		return false;
	if (unlikely(at[REQUEST_USAGE].type != JSON_ABSENT))
		read_usage_member(arena, out);
	out->max_output = -1;
	if (r->names[REQUEST_MAX_OLD] &&
	    !read_max(r->names[REQUEST_MAX_OLD], &at[REQUEST_MAX_OLD], &out->max_output, e))
		return false;
	if (r->names[REQUEST_MAX] && at[REQUEST_MAX].type != JSON_ABSENT && at[REQUEST_MAX].type != JSON_NULL
	    && !read_max(r->names[REQUEST_MAX], &at[REQUEST_MAX], &out->max_output, e))
		return false;

	out->body = body;
	return true;
}

/* The model's name as a JSON string, in the arena. */
static struct str model_literal(struct arena *arena, const struct dialect_request *rq, struct str model)
{
	struct str prefix = rq->dialect->id == DIALECT_GEMINI ? STR("models/") : STR("");
	struct buf text = buf_make(8192);
	struct str out = { NULL, 0 };
	bool plain = true;

	for (size_t i = 0; i < model.n; i++)
		plain &= (unsigned char)model.p[i] >= 0x20 && model.p[i] != '"' && model.p[i] != '\\';
	if (plain) {
		char *p = arena_alloc(arena, prefix.n + model.n + 2);
		if (!p)
			return out;
		p[0] = '"';
		memcpy(p + 1, prefix.p, prefix.n);
		memcpy(p + 1 + prefix.n, model.p, model.n);
		p[prefix.n + model.n + 1] = '"';
		return str_of(p, prefix.n + model.n + 2);
	}
	if (buf_append(&text, prefix) && buf_append(&text, model)) {
		struct buf quoted = buf_make(65536);
		if (json_append_str(&quoted, buf_str(&text)))
			out = arena_dup(arena, buf_str(&quoted));
		buf_fini(&quoted);
	}
	buf_fini(&text);
	return out;
}

static bool has_stream_options(const struct dialect_request *rq)
{
	return rq->dialect->id == DIALECT_OPENAI_CHAT || rq->dialect->id == DIALECT_OPENAI_COMPLETIONS;
}

/* Does the body ask for usage in words that the provider knows? */
static bool asks_usage(const struct dialect_request *rq, const struct dialect_edit *want)
{
	return rq->usage_asked && (rq->at[REQUEST_USAGE].type == JSON_ABSENT || want->keep_routing);
}

/* The one edit that makes the provider report usage, if it takes one. */
static bool usage_edit(const struct dialect_request *rq, const struct dialect_edit *want, struct json_edit *out)
{
	const struct json_hit *options = &rq->at[REQUEST_STREAM_OPTIONS], *flag = &rq->at[REQUEST_INCLUDE_USAGE];

	if (!has_stream_options(rq) || !rq->stream)
		return false;
	if (want->no_stream_options) {
		*out = (struct json_edit){ .kind = JSON_EDIT_CUT, .hit = options };
		return options->type != JSON_ABSENT;
	}
	if (asks_usage(rq, want) || (!want->ask_usage && !rq->usage_asked))
		return false;
	if (flag->type != JSON_ABSENT)
		*out = (struct json_edit){ .kind = JSON_EDIT_REPLACE, .hit = flag, .with = STR("true") };
	else if (options->type == JSON_OBJECT)
		*out = (struct json_edit){ .kind = JSON_EDIT_INSERT,
			                   .into = options->value,
			                   .with = STR("\"include_usage\":true") };
	else if (options->type != JSON_ABSENT)
		*out = (struct json_edit){ .kind = JSON_EDIT_REPLACE,
			                   .hit = options,
			                   .with = STR("{\"include_usage\":true}") };
	else
		*out = (struct json_edit){ .kind = JSON_EDIT_INSERT, .into = rq->body,
		                           .with = STR("\"stream_options\":{\"include_usage\":true}") };
	return true;
}

bool dialect_usage_is_ours(const struct dialect_request *rq, const struct dialect_edit *want)
{
	return has_stream_options(rq) && rq->stream && want->ask_usage && !rq->usage_asked && !want->no_stream_options;
}

/* The body with another model in its form. */
static size_t edit_form(const struct dialect_request *rq, struct str model, struct str pieces[DIALECT_PIECES])
{
	const char *after = rq->model_part.p + rq->model_part.n;

	pieces[0] = str_of(rq->body.p, (size_t)(rq->model_part.p - rq->body.p));
	pieces[1] = model.n ? model : rq->model_part;
	pieces[2] = str_of(after, (size_t)(rq->body.p + rq->body.n - after));
	return 3;
}

/* The output's cap under the one name that the provider knows; of two the newer wins. `name` is for the edit to point
 * at. Returns how many edits there are. */
static size_t max_edits(const struct dialect_request *rq, const struct dialect_edit *want, struct json_hit *name,
                        struct json_edit edit[2])
{
	const struct json_hit *newer = &rq->at[REQUEST_MAX], *older = &rq->at[REQUEST_MAX_OLD];
	const bool to_newer = want->max_name == EDIT_MAX_NEWER;
	const struct json_hit *from = to_newer && newer->type == JSON_ABSENT ? older : to_newer ? NULL : newer;
	size_t n = 0;

	if (newer->type == JSON_NULL || older->type == JSON_NULL)
		return 0;
	if (newer->type != JSON_ABSENT && older->type != JSON_ABSENT)
		edit[n++] = (struct json_edit){ .kind = JSON_EDIT_CUT, .hit = older };
	if (!from || from->type == JSON_ABSENT)
		return n;
	*name = *from;
	name->value = str_of(from->name, strlen(to_newer ? "\"max_tokens\"" : "\"max_completion_tokens\""));
	if (name->value.p[name->value.n - 1] != '"' || memchr(name->value.p, '\\', name->value.n))
		return n;                                /* written with escapes: as it is */
	edit[n++] = (struct json_edit){ .kind = JSON_EDIT_REPLACE,
		                        .hit = name,
		                        .with = to_newer ? STR("\"max_completion_tokens\"") : STR("\"max_tokens\"") };
	return n;
}

/* The body with the role system in place of developer, in the arena. p == NULL: there is none, or the arena is full. */
static struct str system_roles(struct arena *arena, struct str body)
{
	const struct json_node *root, *list, *role;
	struct buf b = buf_make(body.n);
	const char *done = body.p;
	struct str out = { NULL, 0 };

	if (str_find(body, STR("\"developer\"")) == STR_NPOS)
		return out;
	root = json_nodes(arena, body, REQUEST_DEPTH_MAX, NULL);
	list = node_get(root, STR("messages"));
	for (const struct json_node *m = node_is(list, JSON_ARRAY) ? node_first(list) : NULL; m;
	     m = node_next(list, m)) {
		role = node_get(m, STR("role"));
		if (!node_is_word(role, STR("developer")))
			continue;
		buf_append(&b, str_of(done, (size_t)(role->p - done)));
		buf_append(&b, STR("\"system\""));
		done = role->p + role->n;
	}
	if (b.n && buf_append(&b, str_of(done, (size_t)(body.p + body.n - done))))
		out = arena_dup(arena, buf_str(&b));
	buf_fini(&b);
	return out;
}

/* The request with other roles, read anew. False: there are none to change. */
COLD static bool without_developer(struct arena *arena, const struct dialect_request *rq, struct dialect_request *out)
{
	struct dialect_in in = { .body = system_roles(arena, rq->body), .call = rq->call };

	return in.body.p && rq->dialect->read_request(arena, &in, out, NULL);
}

/* Pieces that are too many are put together. */
COLD static size_t join_pieces(struct arena *arena, const struct str *piece, size_t n,
                               struct str pieces[DIALECT_PIECES])
{
	size_t total = 0;
	char *p, *at;

	for (size_t i = 0; i < n; i++)
		total += piece[i].n;
	p = at = arena_alloc(arena, total);
	if (!p)
		return 0;
	for (size_t i = 0; i < n; i++)
		at = put_str(at, piece[i]);
	pieces[0] = str_of(p, total);
	return 1;
}

/* What is said to a gateway goes, unless the provider is one and knows it. */
COLD static size_t routing_edits(const struct dialect_request *rq, const struct dialect_edit *want,
                                 struct json_edit edit[5])
{
	size_t n = 0;

	for (int m = REQUEST_MODELS; m <= REQUEST_SESSION; m++)
		if (rq->at[m].type != JSON_ABSENT && !(want->keep_routing && m != REQUEST_PROVIDER_OPTIONS))
			edit[n++] = (struct json_edit){ .kind = JSON_EDIT_CUT, .hit = &rq->at[m] };
	return n;
}

size_t dialect_edit_request(struct arena *arena, const struct dialect_request *rq, const struct dialect_edit *want,
                            struct str pieces[DIALECT_PIECES])
{
	struct json_edit edit[EDITS_MAX];
	struct str piece[JSON_PIECES(EDITS_MAX)];
	struct dialect_request changed;
	struct json_hit max_name;
	size_t n = 0;

	if (unlikely(rq->model_part.p))
		return edit_form(rq, want->model, pieces);
	if (unlikely(want->no_developer) && rq->dialect->id == DIALECT_OPENAI_CHAT &&
	    without_developer(arena, rq, &changed))
		rq = &changed;

	if (want->model.n && !str_eq(want->model, rq->model)) {
		struct str with = model_literal(arena, rq, want->model);
		if (!with.p)
			return 0;
		if (rq->more_models.n)
			return gemini_edit_models(arena, rq, with, pieces);
		if (rq->at[REQUEST_MODEL].type != JSON_ABSENT)
			edit[n++] = (struct json_edit){ .kind = JSON_EDIT_REPLACE,
				                        .hit = &rq->at[REQUEST_MODEL],
				                        .with = with };
		else if (unlikely(rq->dialect->id == DIALECT_OPENAI_MEDIA))
			edit[n++] = (struct json_edit){ .kind = JSON_EDIT_INSERT, .into = rq->body,
				                        .with = arena_printf(arena, "\"model\":%.*s", STR_ARG(with)) };
	}
	if (usage_edit(rq, want, &edit[n]))
		n++;
	if (unlikely(request_routes(rq) || (rq->at[REQUEST_USAGE].type | rq->at[REQUEST_SESSION].type) != JSON_ABSENT))
		n += routing_edits(rq, want, &edit[n]);
	if (unlikely(want->max_name != EDIT_MAX_AS_IS) && rq->dialect->id == DIALECT_OPENAI_CHAT)
		n += max_edits(rq, want, &max_name, &edit[n]);
	assert(n <= EDITS_MAX);

	if (n == 0) {
		pieces[0] = rq->body;
		return 1;
	}
	n = json_splice(rq->body, edit, n, piece);
	assert(n > 0);
	if (unlikely(n > DIALECT_PIECES))
		return join_pieces(arena, piece, n, pieces);
	memcpy(pieces, piece, n * sizeof(piece[0]));
	return n;
}
