/* SPDX-License-Identifier: Apache-2.0 */
/* envelope: path, body and header fields of a request for a cloud. */
#include "provider/envelope.h"

#include <assert.h>
#include <pthread.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "json/scan.h"
#include "json/write.h"

#define VERTEX_VERSION  "vertex-2023-10-16"
#define BEDROCK_VERSION "bedrock-2023-05-31"
#define TEXT_MAX_BYTES  (256u << 10)
#define EDITS_MAX       3

static bool full(struct err *e)
{
	return err_set(e, ERR_TOO_LARGE, "the request needs more memory than it may have");
}

/* ---- paths ---- */

/* `path?query` with the face's own query joined. */
static void append_queries(struct buf *b, struct str query, struct str own)
{
	if (query.n) {
		buf_append_c(b, '?');
		buf_append(b, query);
	}
	if (own.n) {
		buf_append_c(b, query.n ? '&' : '?');
		buf_append(b, own);
	}
}

static bool append_path(struct buf *b, const struct envelope_in *in)
{
	struct str query = in->path, path = str_cut(&query, '?');

	switch (in->kind) {
	case ENVELOPE_PLAIN:
		buf_append(b, path);
		append_queries(b, query, in->query);
		return true;
	case ENVELOPE_AZURE:
		buf_append(b, STR("/deployments/"));
		text_percent_encode(b, in->model, "");
		buf_append(b, path);
		append_queries(b, query, in->query);
		return true;
	case ENVELOPE_VERTEX_ANTHROPIC:
		buf_append(b, STR("/models/"));
		if (in->call == CALL_COUNT_TOKENS)
			buf_append(b, STR("count-tokens"));
		else
			text_percent_encode(b, in->model, "@");  /* claude-sonnet-4-5@20250929 */
		buf_append(b, in->stream ? STR(":streamRawPredict") : STR(":rawPredict"));
		return true;
	case ENVELOPE_BEDROCK_INVOKE:
		if (in->call != CALL_GENERATE)
			return false;
		buf_append(b, STR("/model/"));
		text_percent_encode(b, in->model, "");
		buf_append(b, in->stream ? STR("/invoke-with-response-stream") : STR("/invoke"));
		return true;
	case ENVELOPE_WATSONX:
		buf_append(b, in->stream ? STR("/text/chat_stream") : STR("/text/chat"));
		append_queries(b, (struct str){ 0 }, in->query);
		return true;
	}
	return false;
}

/* ---- header fields ---- */

/*
 * Features of Anthropic's own API that the clouds refuse with 400 when they are named, by the beginning of the name,
 * which ends in a date. Others pass: new ones usually reach the clouds with the models.
 */
static const struct str not_on_vertex[] = {
	STR_INIT("prompt-caching-scope-"), STR_INIT("context-management-"), STR_INIT("files-api-"),
	STR_INIT("mcp-client-"), STR_INIT("code-execution-"), STR_INIT("skills-"), STR_INIT("message-batches-"),
	STR_INIT("oauth-"),
};
static const struct str not_on_bedrock[] = {
	STR_INIT("prompt-caching-scope-"), STR_INIT("files-api-"), STR_INIT("mcp-client-"), STR_INIT("code-execution-"),
	STR_INIT("skills-"), STR_INIT("message-batches-"), STR_INIT("web-fetch-"), STR_INIT("oauth-"),
};

static bool is_refused(enum envelope kind, struct str beta)
{
	const struct str *list = kind == ENVELOPE_VERTEX_ANTHROPIC ? not_on_vertex : not_on_bedrock;
	size_t n = kind == ENVELOPE_VERTEX_ANTHROPIC ? COUNT_OF(not_on_vertex) : COUNT_OF(not_on_bedrock);

	for (size_t i = 0; i < n; i++)
		if (str_starts(beta, list[i]))
			return true;
	return false;
}

static bool is_listed(struct str list, struct str item)
{
	while (list.p)
		if (str_eq(str_cut(&list, ','), item))
			return true;
	return false;
}

static void add_listed(struct buf *list, struct str item)
{
	if (item.n == 0 || is_listed(buf_str(list), item))
		return;
	if (list->n)
		buf_append_c(list, ',');
	buf_append(list, item);
}

static void take_betas(enum envelope kind, struct str value, struct buf *betas, struct buf *dropped)
{
	while (value.p) {
		struct str beta = str_trim(str_cut(&value, ','));

		add_listed(is_refused(kind, beta) ? dropped : betas, beta);
	}
}

/* What AWS takes as its own and would expect to be signed; what is said to Bedrock may be said. */
static bool is_of_aws(struct str name)
{
	return str_istarts(name, STR("x-amz")) && !str_istarts(name, STR("x-amzn-bedrock-"));
}

/* Sorts the client's lines: what goes on as it is, and the features it asks for. */
static void take_lines(const struct envelope_in *in, struct buf *forward, struct buf *betas, struct buf *dropped)
{
	struct str rest = in->forward;
	bool plain = in->kind == ENVELOPE_PLAIN;

	while (rest.n) {
		size_t end = str_find_chr(rest, '\n') + 1, colon;
		struct str line = str_slice(rest, 0, end), name, value;

		rest = str_slice(rest, line.n, rest.n);
		colon = str_find_chr(line, ':');
		name = str_slice(line, 0, colon);
		value = str_trim(str_slice(line, colon + 1, line.n - 2));
		if (in->aws && is_of_aws(name))
			continue;
		if (!plain && str_ieq(name, STR("anthropic-beta")))
			take_betas(in->kind, value, betas, dropped);
		else if (plain || !str_ieq(name, STR("anthropic-version")))
			buf_append(forward, line);
	}
}

/* ---- bodies ---- */

enum { AT_MODEL, AT_STREAM, AT_VERSION, AT_BETAS, AT_PROJECT, AT_SPACE, AT_PATHS };
static const char *const body_paths[AT_PATHS] = {
	"model", "stream", "anthropic_version", "anthropic_beta", "project_id", "space_id",
};
static struct json_plan body_plan;

static void plan_init(void)
{
	json_plan_init(&body_plan, body_paths, AT_PATHS, 0);
}

static struct str join(struct arena *a, const struct str *piece, size_t n)
{
	size_t length = 0;
	char *start, *at;

	if (n == 1)
		return piece[0];
	for (size_t i = 0; i < n; i++)
		length += piece[i].n;
	start = at = arena_alloc(a, length + 1);
	for (size_t i = 0; at && i < n; i++)
		at = put_str(at, piece[i]);
	return str_of(start, start ? length : 0);
}

/* The members to be put in: `"a":1,"b":[…]`. */
static void write_members(const struct envelope_in *in, const struct json_hit *hit, struct str betas, struct buf *b)
{
	const char *gap = "";

	if (in->kind == ENVELOPE_WATSONX) {
		buf_append(b, STR("\"model_id\":"));
		json_append_str(b, in->model);
		if (in->project.n && hit[AT_PROJECT].type == JSON_ABSENT && hit[AT_SPACE].type == JSON_ABSENT) {
			buf_append(b, STR(",\"project_id\":"));
			json_append_str(b, in->project);
		}
		return;
	}
	if (hit[AT_VERSION].type == JSON_ABSENT) {
		buf_printf(b, "\"anthropic_version\":\"%s\"",
		           in->kind == ENVELOPE_BEDROCK_INVOKE ? BEDROCK_VERSION : VERTEX_VERSION);
		gap = ",";
	}
	if (in->kind == ENVELOPE_BEDROCK_INVOKE && betas.n && hit[AT_BETAS].type == JSON_ABSENT) {
		buf_printf(b, "%s\"anthropic_beta\":[", gap);
		for (gap = ""; betas.p; gap = ",") {
			buf_append(b, str_from_z(gap));
			json_append_str(b, str_cut(&betas, ','));
		}
		buf_append_c(b, ']');
	}
}

/* Is there nothing in the object but white space? Then an insertion has no comma behind it. */
static bool is_empty(const struct str *piece, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < piece[i].n; k++)
			if (!strchr("{} \t\r\n", piece[i].p[k]))
				return false;
	return true;
}

static bool wrap_body(struct arena *a, const struct envelope_in *in, struct str betas, struct envelope_out *out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct str body = join(a, in->body, in->n_body), members;
	struct json_hit hit[AT_PATHS];
	struct json_edit edit[EDITS_MAX], cuts[EDITS_MAX];
	struct str piece[JSON_PIECES(EDITS_MAX)];
	struct json_fault fault;
	struct buf b = buf_make(TEXT_MAX_BYTES);
	size_t n = 0;

	pthread_once(&once, plan_init);
	if (!body.p || !json_scan(&body_plan, body, REQUEST_DEPTH_MAX, hit, &fault))
		return false;
	if (hit[AT_MODEL].type != JSON_ABSENT && in->call != CALL_COUNT_TOKENS)
		edit[n++] = (struct json_edit){ .kind = JSON_EDIT_CUT, .hit = &hit[AT_MODEL] };
	if (hit[AT_STREAM].type != JSON_ABSENT && in->kind != ENVELOPE_VERTEX_ANTHROPIC)
		edit[n++] = (struct json_edit){ .kind = JSON_EDIT_CUT, .hit = &hit[AT_STREAM] };
	write_members(in, hit, betas, &b);
	members = b.failed ? str_of(NULL, 0) : arena_dup(a, buf_str(&b));
	buf_fini(&b);
	if (!members.p)
		return false;
	memcpy(cuts, edit, sizeof cuts);
	if (is_empty(piece, json_splice(body, cuts, n, piece))) {
		out->body[0] = STR("{");
		out->body[1] = members;
		out->body[2] = STR("}");
		out->n_body = 3;
		return true;
	}
	if (members.n)
		edit[n++] = (struct json_edit){ .kind = JSON_EDIT_INSERT, .into = body, .with = members };
	out->n_body = json_splice(body, edit, n, piece);
	assert(out->n_body > 0 && out->n_body <= ENVELOPE_PIECES);
	memcpy(out->body, piece, out->n_body * sizeof piece[0]);
	return true;
}

static bool has_body_edits(const struct envelope_in *in)
{
	return in->kind != ENVELOPE_PLAIN && in->kind != ENVELOPE_AZURE;
}

bool envelope_wrap(struct arena *a, const struct envelope_in *in, struct envelope_out *out, struct err *e)
{
	struct buf path = buf_make(TEXT_MAX_BYTES), forward = buf_make(TEXT_MAX_BYTES);
	struct buf betas = buf_make(TEXT_MAX_BYTES), dropped = buf_make(TEXT_MAX_BYTES);
	struct envelope_out o = { .forward = in->forward };
	bool good;

	if (!append_path(&path, in)) {
		buf_fini(&path);
		return err_set(e, ERR_UNSUPPORTED_PARAMETER, "this provider has no such call for this model");
	}
	if (has_body_edits(in) || in->aws) {
		take_lines(in, &forward, &betas, &dropped);
		if (in->kind == ENVELOPE_VERTEX_ANTHROPIC && betas.n)
			buf_printf(&forward, "anthropic-beta: %.*s\r\n", STR_ARG(buf_str(&betas)));
		o.forward = arena_dup(a, buf_str(&forward));
	}
	if (!has_body_edits(in)) {
		assert(in->n_body <= ENVELOPE_PIECES);
		memcpy(o.body, in->body, in->n_body * sizeof in->body[0]);
		o.n_body = in->n_body;
	}
	good = !path.failed && !forward.failed && !betas.failed && !dropped.failed &&
	       (!has_body_edits(in) || wrap_body(a, in, buf_str(&betas), &o));
	o.path = arena_dup(a, buf_str(&path));
	o.dropped = dropped.n ? arena_dup(a, buf_str(&dropped)) : (struct str){ 0 };
	buf_fini(&path);
	buf_fini(&forward);
	buf_fini(&betas);
	buf_fini(&dropped);
	if (!good || !o.path.p || (in->forward.n && !o.forward.p))
		return full(e);
	*out = o;
	return true;
}

struct str envelope_stream_type(enum envelope kind)
{
	return kind == ENVELOPE_BEDROCK_INVOKE ? STR("application/vnd.amazon.eventstream") : (struct str){ 0 };
}
