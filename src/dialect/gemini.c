/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemini: Google's generateContent family. Model and call are in the path. A stream is a JSON array of answers, or SSE
 * with alt=sse; it has no terminal event, the last answer has a finishReason. Usage comes unasked, cumulative.
 */

#include <assert.h>

#include "base/buf.h"
#include "base/text.h"
#include "dialect/chat.h"
#include "dialect/dialect_in.h"
#include "dialect/embed.h"

enum { REQ_MODEL, REQ_MAX, REQ_MAX_SNAKE, REQ_REQUESTS, REQ_GENERATE, REQ_PATHS };
static const char *const request_paths[REQ_PATHS] = {
	"model", "generationConfig.maxOutputTokens", "generation_config.max_output_tokens",
	"requests",                  /* batchEmbedContents: each names the model again */
	"generateContentRequest",    /* countTokens: may hold a whole request */
};
static struct json_plan request_plan;

enum { DEEP_MODEL, DEEP_PATHS };
static const char *const deep_paths[DEEP_PATHS] = { "model" };
static struct json_plan deep_plan;

/* Of answers and of a stream's events alike. */
enum {
	ANS_USAGE,
	ANS_ERROR,
	ANS_FINISH,
	ANS_BLOCKED,
	ANS_PROMPT_PARTS,
	ANS_CACHED_PARTS,
	ANS_OUTPUT_PARTS,
	ANS_SERVICE,
	ANS_TRAFFIC,
	ANS_SEARCHES,
	ANS_PATHS
};
static const char *const answer_paths[ANS_PATHS] = {
	"usageMetadata", "error", "candidates[].finishReason", "promptFeedback.blockReason",
	"usageMetadata.promptTokensDetails", "usageMetadata.cacheTokensDetails",
	"usageMetadata.candidatesTokensDetails",
	"usageMetadata.serviceTier", "usageMetadata.trafficType",   /* the Gemini API's word, and Vertex's */
	"candidates[].groundingMetadata.webSearchQueries",
};
enum { USE_PROMPT, USE_CACHED, USE_CANDIDATES, USE_THOUGHTS, USE_TOOL, USE_RESPONSE, USE_NUMBERS };
static const char *const usage_numbers[USE_NUMBERS] = {
	"usageMetadata.promptTokenCount", "usageMetadata.cachedContentTokenCount", "usageMetadata.candidatesTokenCount",
	"usageMetadata.thoughtsTokenCount", "usageMetadata.toolUsePromptTokenCount",
	"usageMetadata.responseTokenCount", /* the Live API's word for candidatesTokenCount */
};
static struct json_plan answer_plan;

enum { PART_MODALITY, PART_COUNT, PART_PATHS };
static const char *const part_paths[PART_PATHS] = { "modality", "tokenCount" };
static struct json_plan part_plan;

static const struct {
	struct str name;
	enum dialect_call call;
	bool stream;
} methods[] = {
	{ STR_INIT("generateContent"), CALL_GENERATE, false },
	{ STR_INIT("streamGenerateContent"), CALL_GENERATE, true },
	{ STR_INIT("countTokens"), CALL_COUNT_TOKENS, false },
	{ STR_INIT("embedContent"), CALL_EMBED, false },
	{ STR_INIT("batchEmbedContents"), CALL_EMBED_BATCH, false },
};

/* Tokens that are priced by modality. */
struct parts {
	int64_t audio, image;
};

static int64_t add(int64_t sum, int64_t tokens)
{
	bool sane = tokens > 0 && tokens <= (int64_t)USAGE_COUNTER_MAX && sum <= (int64_t)USAGE_COUNTER_MAX;

	return sane ? sum + tokens : sum;
}

/* Nearly always there is one part, of text. */
static bool is_text_only(struct str list)
{
	const char *word = list.n < 64 ? memchr(list.p, 'T', list.n - 5) : NULL;

	return word && memcmp(word - 1, "\"TEXT\"", 6) == 0;
}

/* A list of {modality, tokenCount}. With enum-encoding=int a modality is a number
 * (google.ai.generativelanguage.v1beta.Modality). */
static struct parts read_parts(const struct json_hit *list)
{
	struct str rest = list->value, item;
	struct parts sum = { 0, 0 };
	struct json_hit hit[PART_PATHS];
	struct json_fault fault;

	if (list->type != JSON_ARRAY || list->value.n < 8 || is_text_only(list->value))
		return sum;
	while (array_next(&rest, &item)) {
		if (!json_scan(&part_plan, item, ANSWER_DEPTH_MAX, hit, &fault))
			continue;
		int64_t modality = hit_number(&hit[PART_MODALITY], -1), tokens = hit_number(&hit[PART_COUNT], 0);
		if (modality == 4 || json_is_str(hit[PART_MODALITY].value, STR("AUDIO")))
			sum.audio = add(sum.audio, tokens);
		else if (modality == 2 || json_is_str(hit[PART_MODALITY].value, STR("IMAGE")))
			sum.image = add(sum.image, tokens);
	}
	return sum;
}

static int64_t not_negative(int64_t n)
{
	return n < 0 ? 0 : n;
}

static int64_t number_or(int64_t number, int64_t otherwise)
{
	return number == JSON_NO_NUMBER ? otherwise : number;
}

/* Told again with each event of a stream, and not always with the last one. */
static void count_searches(const struct json_hit *queries, struct usage *u)
{
	struct str rest = queries->value, item;
	int64_t n = 0;

	if (likely(queries->type != JSON_ARRAY))
		return;
	while (array_next(&rest, &item))
		n++;
	if (n > u->calls[CALLS_WEB_SEARCH])
		usage_set_calls(u, CALLS_WEB_SEARCH, n);
}

static void read_usage(const struct json_hit hit[ANS_PATHS], const int64_t number[USE_NUMBERS], struct usage *out)
{
	struct usage u = { .source = USAGE_REPORTED };

	count_searches(&hit[ANS_SEARCHES], out);
	if (hit[ANS_USAGE].type != JSON_OBJECT)
		return;
	memcpy(u.calls, out->calls, sizeof(u.calls));
	/* Cached tokens are part of the prompt, with their own audio and images. Tool input and thoughts are extra. */
	struct parts in = read_parts(&hit[ANS_PROMPT_PARTS]), cached = read_parts(&hit[ANS_CACHED_PARTS]);
	struct parts output = read_parts(&hit[ANS_OUTPUT_PARTS]);
	usage_set(&u, USAGE_INPUT, number_or(number[USE_PROMPT], 0));
	usage_split(&u, USAGE_INPUT, USAGE_CACHE_READ, number_or(number[USE_CACHED], 0));
	usage_split(&u, USAGE_CACHE_READ, USAGE_CACHE_READ_AUDIO, cached.audio);
	usage_split(&u, USAGE_INPUT, USAGE_INPUT_AUDIO, not_negative(in.audio - cached.audio));
	usage_split(&u, USAGE_INPUT, USAGE_INPUT_IMAGE, not_negative(in.image - cached.image));
	usage_set(&u, USAGE_INPUT_TOOL, number_or(number[USE_TOOL], 0));
	usage_set(&u, USAGE_OUTPUT, number_or(number[USE_CANDIDATES], number_or(number[USE_RESPONSE], 0)));
	usage_split(&u, USAGE_OUTPUT, USAGE_OUTPUT_AUDIO, output.audio);
	usage_split(&u, USAGE_OUTPUT, USAGE_OUTPUT_IMAGE, output.image);
	usage_set(&u, USAGE_REASONING, number_or(number[USE_THOUGHTS], 0));
	usage_read_service(&u, &hit[ANS_SERVICE]);
	usage_read_service(&u, &hit[ANS_TRAFFIC]);
	*out = u;
}

static enum dialect_answer read_answer(struct arena *arena, enum dialect_call call, struct str body,
                                       struct usage *usage, struct dialect_error *error)
{
	struct json_hit hit[ANS_PATHS];
	int64_t number[USE_NUMBERS];
	struct json_fault fault;

	*usage = (struct usage){ .source = USAGE_NONE };
	if (!json_scan_numbers(&answer_plan, body, ANSWER_DEPTH_MAX, hit, number, &fault)
	    || !answer_is_object(body))
		return ANSWER_BROKEN;
	if (hit_is_error(&hit[ANS_ERROR]))
		return answer_error(body, error);
	if (call != CALL_COUNT_TOKENS)
		read_usage(hit, number, usage);
	return ANSWER_OK;
}

/* A word; with enum-encoding=int a number, of which 0 is the one that says nothing. */
static bool is_reason(const struct json_hit *hit)
{
	return hit->type == JSON_STRING || hit_number(hit, 0) > 0;
}

static void meter_event(struct stream_meter *m, struct arena *arena, struct stream_event *ev,
                        const struct event_data *e)
{
	struct json_hit hit[ANS_PATHS];
	int64_t number[USE_NUMBERS];
	struct json_fault fault;

	if (!json_scan_numbers(&answer_plan, e->text, ANSWER_DEPTH_MAX, hit, number, &fault)) {
		ev->verdict = STREAM_BROKEN;
		return;
	}
	m->started = true;
	if (hit_is_error(&hit[ANS_ERROR])) {
		event_fails(m, ev, e);
		return;
	}
	read_usage(hit, number, &m->usage);
	m->finished |= is_reason(&hit[ANS_BLOCKED]) || is_reason(&hit[ANS_FINISH]);
}

#define TUNED STR("/tunedModels/")

static bool read_path(struct arena *arena, struct str path, struct dialect_request *out, struct err *e)
{
	size_t at = str_find(path, STR("/models/")), tuned = str_find(path, TUNED), colon = STR_NPOS;
	/* a tuned model's name has its collection in it, to be told from a model's */
	size_t from = at != STR_NPOS ? at + 8 : tuned != STR_NPOS ? tuned + 1 : path.n;
	struct str name = str_slice(path, from, path.n), method;

	for (size_t i = name.n; i > 0 && colon == STR_NPOS; i--)
		if (name.p[i - 1] == ':')
			colon = i - 1;
	if (colon == STR_NPOS)
		return err_set(e, ERR_NOT_FOUND, "the path must be /v1beta/models/{model}:{method}");
	method = str_slice(name, colon + 1, name.n);
	name = str_slice(name, 0, colon);
	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if (str_eq(method, methods[i].name)) {
			out->call = methods[i].call;
			out->stream = methods[i].stream;
			return request_model_of_path(arena, name, &out->model, e);
		}
	return err_set(e, ERR_NOT_FOUND,
	               "the method \"%.*s\" is not known; known are generateContent, streamGenerateContent, "
	               "countTokens, embedContent and batchEmbedContents",
	               (int)(method.n < 64 ? method.n : 64), method.p);
}

/* "json;enum-encoding=int", as Google's older client libraries ask for, percent-encoded or not. */
static bool is_json_alt(struct str value)
{
	return str_eq(value, STR("json")) || str_istarts(value, STR("json%3b")) || str_starts(value, STR("json;"));
}

/* Google's system parameters may have a dollar sign in front (cloud.google.com/apis/docs/system-parameters). */
static bool is_param(struct str key, struct str name)
{
	return str_ieq(key, name) ||
	       (key.n == name.n + 1 && key.p[0] == '$' && str_ieq(str_slice(key, 1, key.n), name));
}

/* The client's credential, and what would change the answer's form: a mask takes the usage out of it. */
static bool stays_here(struct str key)
{
	return is_param(key, STR("key")) || is_param(key, STR("access_token")) || is_param(key, STR("oauth_token")) ||
	       is_param(key, STR("fields")) || is_param(key, STR("callback"));
}

/* The framing of the answer. What the query says besides goes upstream as it is. */
static bool read_query(struct arena *arena, struct str query, struct dialect_request *out, struct err *e)
{
	struct str rest = query;
	struct buf kept = buf_make(query.n + 16), name = buf_make(query.n + 16);

	out->framing = out->stream ? FRAMING_JSON_ARRAY : FRAMING_WHOLE;
	while (rest.p) {
		struct str member = str_cut(&rest, '&'), value = member, key = str_cut(&value, '=');
		bool alt, sse;

		buf_clear(&name);
		if (!text_percent_decode(&name, key))
			continue;
		alt = is_param(buf_str(&name), STR("alt"));
		sse = alt && out->stream && str_eq(value, STR("sse"));
		if (member.n == 0 || stays_here(buf_str(&name)))
			continue;
		if (sse) {
			out->framing = FRAMING_SSE;
		} else if (alt && !is_json_alt(value)) {
			buf_fini(&kept);
			buf_fini(&name);
			return err_set(e, ERR_INVALID_REQUEST, "alt: must be json%s, not \"%.*s\"",
			               out->stream ? " or sse" : "", (int)(value.n < 32 ? value.n : 32),
			               value.n ? value.p : "");
		}
		if (kept.n)
			buf_append_c(&kept, '&');
		buf_append(&kept, sse ? STR("alt=sse") : member);
	}
	out->query = arena_dup(arena, buf_str(&kept));
	buf_fini(&kept);
	buf_fini(&name);
	return out->query.p || err_set(e, ERR_TOO_LARGE, "the request is too large");
}

static bool read_request(struct arena *arena, const struct dialect_in *in, struct dialect_request *out, struct err *e)
{
	struct json_hit hit[REQ_PATHS];
	struct json_fault fault;

	*out = (struct dialect_request){
		.dialect = &dialect_gemini, .usage_asked = true, .max_output = -1, .body = in->body
	};
	if (!read_path(arena, in->path, out, e) || !read_query(arena, in->query, out, e))
		return false;
	if (!json_scan(&request_plan, in->body, REQUEST_DEPTH_MAX, hit, &fault))
		return json_fault_err(&fault, ERR_INVALID_REQUEST, e);
	if (!request_is_object(in->body, e))
		return false;
	if (hit[REQ_MODEL].type != JSON_ABSENT && hit[REQ_MODEL].type != JSON_NULL &&
	    hit[REQ_MODEL].type != JSON_STRING)
		return err_set(e, ERR_INVALID_REQUEST, "model: must be a string");
	if (hit[REQ_MODEL].type == JSON_STRING)
		out->at[REQUEST_MODEL] = hit[REQ_MODEL];
	if (out->call == CALL_EMBED_BATCH && hit[REQ_REQUESTS].type == JSON_ARRAY)
		out->more_models = hit[REQ_REQUESTS].value;
	if (out->call == CALL_COUNT_TOKENS && hit[REQ_GENERATE].type == JSON_OBJECT)
		out->more_models = hit[REQ_GENERATE].value;

	const struct json_hit *max = hit[REQ_MAX].type == JSON_NUMBER ? &hit[REQ_MAX] : &hit[REQ_MAX_SNAKE];
	int64_t n = hit_number(max, -1);
	out->max_output = n < 0 ? -1 : n;
	return true;
}

/* Every `model` that repeats the path's. */
static size_t find_models(struct str value, struct json_hit *hit, size_t max)
{
	struct str item, rest = value;
	struct json_fault fault;
	size_t n = 0;

	if (value.p[0] == '{')
		return json_scan(&deep_plan, value, REQUEST_DEPTH_MAX, hit, &fault) && hit->type == JSON_STRING ? 1 : 0;
	while (n < max && array_next(&rest, &item))
		if (json_scan(&deep_plan, item, REQUEST_DEPTH_MAX, &hit[n], &fault) && hit[n].type == JSON_STRING)
			n++;
	return n;
}

static size_t count_items(struct str array)
{
	struct str rest = array, item;
	size_t n = 0;

	while (array_next(&rest, &item))
		n++;
	return n;
}

size_t gemini_edit_models(struct arena *arena, const struct dialect_request *rq, struct str with, struct str pieces[])
{
	size_t max = (rq->more_models.p[0] == '[' ? count_items(rq->more_models) : 1) + 1, n = 0, length = 0;
	struct json_hit *hit = arena_alloc(arena, max * sizeof(*hit));
	struct json_edit *edit = arena_alloc(arena, max * sizeof(*edit));
	struct str *piece = arena_alloc(arena, JSON_PIECES(max) * sizeof(*piece));

	if (!hit || !edit || !piece)
		return 0;
	if (rq->at[REQUEST_MODEL].type == JSON_STRING)
		hit[n++] = rq->at[REQUEST_MODEL];
	n += find_models(rq->more_models, hit + n, max - n);
	for (size_t i = 0; i < n; i++)
		edit[i] = (struct json_edit){ .kind = JSON_EDIT_REPLACE, .hit = &hit[i], .with = with };
	n = json_splice(rq->body, edit, n, piece);
	for (size_t i = 0; i < n; i++)
		length += piece[i].n;
	char *p = arena_alloc(arena, length + 1);
	if (!p)
		return 0;
	pieces[0] = str_of(p, length);
	for (size_t i = 0; i < n; i++) {
		memcpy(p, piece[i].p, piece[i].n);
		p += piece[i].n;
	}
	return 1;
}

static struct str upstream_path(struct arena *arena, const struct dialect_request *rq, struct str model)
{
	struct buf path = buf_make(4096);
	struct str out = { NULL, 0 };

	if (model.n == 0)
		model = rq->model;
	bool tuned = str_starts(model, str_slice(TUNED, 1, TUNED.n));
	buf_append(&path, tuned ? STR("/") : STR("/models/"));
	bool good = text_percent_encode(&path, model, tuned ? "/" : "");
	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if (methods[i].call == rq->call && methods[i].stream == rq->stream) {
			buf_append_c(&path, ':');
			buf_append(&path, methods[i].name);
		}
	if (rq->query.n) {
		buf_append_c(&path, '?');
		buf_append(&path, rq->query);
	}
	if (good && !path.failed)
		out = arena_dup(arena, buf_str(&path));
	buf_fini(&path);
	return out;
}

void gemini_init(void)
{
	json_plan_init(&request_plan, request_paths, REQ_PATHS, JSON_REFUSE_TWICE);
	json_plan_init(&deep_plan, deep_paths, DEEP_PATHS, 0);
	json_plan_init(&answer_plan, answer_paths, ANS_PATHS, 0);
	json_plan_numbers(&answer_plan, usage_numbers, USE_NUMBERS);
	json_plan_init(&part_plan, part_paths, PART_PATHS, 0);
}

const struct dialect dialect_gemini = {
	.id = DIALECT_GEMINI,
	.name = "gemini",
	.version = STR_INIT("/v1beta"),
	.read_request = read_request,
	.upstream_path = upstream_path,
	.read_answer = read_answer,
	.meter_event = meter_event,
	.chat = &gemini_codec,
	.embed = &gemini_embed_codec,
};
