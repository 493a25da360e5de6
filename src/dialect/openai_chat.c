/* SPDX-License-Identifier: Apache-2.0 */
/* openai_chat: OpenAI's Chat Completions; its answers and streams are also those of the legacy Completions. */

#include "dialect/dialect_in.h"

static const char *const request_names[SLOTS] = {
	[REQUEST_MODEL] = "model",
	[REQUEST_MODELS] = "models",
	[REQUEST_PROVIDER] = "provider",
	[REQUEST_STREAM_OPTIONS] = "stream_options",
	[REQUEST_INCLUDE_USAGE] = "stream_options.include_usage",
	[SLOT_STREAM] = "stream",
	[SLOT_MAX] = "max_completion_tokens",
	[SLOT_MAX_OLD] = "max_tokens",
};
static struct request_reader request;

/* Of answers and of stream chunks alike; the numbers are those of the usage. */
enum { ANS_USAGE, ANS_ERROR, ANS_CHOICES, ANS_GROQ_USAGE, ANS_MINIMAX_STATUS, ANS_PATHS };
static const char *const answer_paths[ANS_PATHS] = {
	"usage", "error", "choices", "x_groq.usage", "base_resp.status_code",
};
static struct json_plan answer_plan;

enum { CHOICE_USAGE, CHOICE_PATHS };
static const char *const choice_paths[CHOICE_PATHS] = { "usage" };
static struct json_plan choice_plan;

/* Most say it in `usage`; Groq also in x_groq.usage, Moonshot in the choice of the last chunk. */
static void read_usage(const struct json_hit hit[ANS_PATHS], const int64_t number[CHAT_USAGE_PATHS], struct usage *out)
{
	struct str rest = hit[ANS_CHOICES].value, item;
	struct json_hit in_choice[CHOICE_PATHS];
	struct json_fault fault;

	if (hit[ANS_USAGE].type == JSON_OBJECT)
		openai_usage_from(number, out);
	else if (hit[ANS_GROQ_USAGE].type == JSON_OBJECT)
		openai_usage_read(hit[ANS_GROQ_USAGE].value, out);
	else if (hit[ANS_CHOICES].type == JSON_ARRAY)
		while (array_next(&rest, &item))
			if (json_scan(&choice_plan, item, ANSWER_DEPTH_MAX, in_choice, &fault)
			    && in_choice[CHOICE_USAGE].type == JSON_OBJECT)
				openai_usage_read(in_choice[CHOICE_USAGE].value, out);
}

/* MiniMax reports its errors with status 200 and base_resp. */
static bool has_error(const struct json_hit hit[ANS_PATHS])
{
	return hit_is_error(&hit[ANS_ERROR]) || hit_number(&hit[ANS_MINIMAX_STATUS], 0) != 0;
}

enum dialect_answer openai_read_answer(struct arena *arena, enum dialect_call call, struct str body,
                                       struct usage *usage, struct dialect_error *error)
{
	struct json_hit hit[ANS_PATHS];
	int64_t number[CHAT_USAGE_PATHS];
	struct json_fault fault;

	*usage = (struct usage){ .source = USAGE_NONE };
	if (!json_scan_numbers(&answer_plan, body, ANSWER_DEPTH_MAX, hit, number, &fault)
	    || !answer_is_object(body))
		return ANSWER_BROKEN;
	if (has_error(hit))
		return answer_error(body, error);
	read_usage(hit, number, usage);
	return ANSWER_OK;
}

/* What the words of a chunk say before it is parsed. */
struct chunk_words {
	bool usage, error;       /* members that may be the chunk's own, not null: parse it */
	size_t null_usage;       /* place of a member `usage` that is null; SIZE_MAX: none */
	size_t null_value;
};

/* The word whose quote is at s.p[at]. */
static inline void read_word(struct stream_meter *m, struct str s, size_t at, struct chunk_words *out)
{
	size_t value;

	if (s.p[at + 1] == 'f') {
		/* Everything a model says is inside strings here, so such a member is a choice's. */
		if (word_is_member(s, at, STR("finish_reason"), &value) && s.p[value] == '"')
			m->finished = true;
	} else if (s.p[at + 1] == 'u') {
		if (!word_is_member(s, at, STR("usage"), &value))
			return;
		if (s.p[value] != 'n')
			out->usage = true;
		else if (out->null_usage == SIZE_MAX)
			out->null_usage = at, out->null_value = value;
	} else if (word_is_member(s, at, STR("error"), &value) && s.p[value] != 'n') {
		out->error = true;
	}
}

/*
 * The common case of `"usage":null`, without parsing: behind a comma, and from there on no bracket but the chunk's last
 * "}". So it is a member of the chunk itself, whatever stands before.
 */
static bool cut_null_usage(struct stream_event *ev, const struct chunk_words *words)
{
	struct str s = ev->bytes;
	size_t from = words->null_usage, end = words->null_value + 4, at;

	if (from == 0 || s.p[from - 1] != ',' || end >= s.n || memcmp(s.p + words->null_value, "null", 4) != 0)
		return false;
	for (at = end; at < s.n && s.p[at] != '\n' && s.p[at] != '\r'; at++)
		if (s.p[at] == '{' || s.p[at] == '[' || s.p[at] == ']' || s.p[at] == '}')
			break;
	if (at >= s.n || s.p[at] != '}')
		return false;
	for (at++; at < s.n; at++)
		if (s.p[at] != '\n' && s.p[at] != '\r')
			return false;
	ev->piece[0] = str_slice(s, 0, from - 1);
	ev->piece[1] = str_slice(s, end, s.n);
	ev->verdict = STREAM_EDIT;
	return true;
}

static bool is_empty_array(const struct json_hit *hit)
{
	struct str rest = hit->value, item;

	return hit->type == JSON_ARRAY && !array_next(&rest, &item);
}

/* A chunk that has something to say besides its text. */
static void read_chunk(struct stream_meter *m, struct stream_event *ev, struct str data, bool inside)
{
	struct json_hit hit[ANS_PATHS];
	int64_t number[CHAT_USAGE_PATHS];
	struct json_fault fault;

	if (str_eq(data, STR("[DONE]"))) {
		m->ended = true;
		return;
	}
	if (!json_scan_numbers(&answer_plan, data, ANSWER_DEPTH_MAX, hit, number, &fault))
		return;
	if (has_error(hit)) {
		event_fails(m, ev, data);
		return;
	}
	read_usage(hit, number, &m->usage);
	if (!m->usage_is_ours)
		return;
	if (hit[ANS_USAGE].type == JSON_OBJECT && is_empty_array(&hit[ANS_CHOICES]))
		ev->verdict = STREAM_DROP;
	else if (hit[ANS_USAGE].type == JSON_NULL && inside)
		event_cut(ev, &hit[ANS_USAGE]);
}

/* An event that says more, or is of another form. */
APART static void read_event(struct stream_meter *m, struct stream_event *ev)
{
	struct str name, data;
	struct buf joined;
	bool inside;

	if (event_data(m, ev, &joined, &name, &data, &inside)) {
		m->started = true;
		read_chunk(m, ev, data, inside);
	}
	buf_fini(&joined);
}

void openai_meter_event(struct stream_meter *m, struct arena *arena, struct stream_event *ev)
{
	struct chunk_words words = { .null_usage = SIZE_MAX };
	size_t place[WORDS_MAX], n, from = 0;

	while (from < ev->bytes.n) {
		n = words_find(ev->bytes, &from, place);
		for (size_t i = 0; i < n; i++)
			read_word(m, ev->bytes, place[i], &words);
	}
	bool edit = m->usage_is_ours && words.null_usage != SIZE_MAX;
	bool chunk = str_starts(ev->bytes, STR("data: {")) || str_starts(ev->bytes, STR("data:{"));
	if (chunk && !words.usage && !words.error) {
		m->started = true;
		if (!edit || cut_null_usage(ev, &words))
			return;
	}
	read_event(m, ev);
}

static bool read_request(struct arena *arena, const struct dialect_in *in, struct dialect_request *out, struct err *e)
{
	*out = (struct dialect_request){ .dialect = &dialect_openai_chat, .call = CALL_GENERATE };
	if (!request_read_body(arena, &request, in->body, true, out, e))
		return false;
	out->framing = out->stream ? FRAMING_SSE : FRAMING_WHOLE;
	return true;
}

static struct str upstream_path(struct arena *arena, const struct dialect_request *rq, struct str model)
{
	return STR("/chat/completions");
}

void openai_chat_init(void)
{
	request_reader_init(&request, request_names);
	json_plan_init(&answer_plan, answer_paths, ANS_PATHS, 0);
	json_plan_numbers(&answer_plan, chat_usage_paths, CHAT_USAGE_PATHS);
	json_plan_init(&choice_plan, choice_paths, CHOICE_PATHS, 0);
}

const struct dialect dialect_openai_chat = {
	.id = DIALECT_OPENAI_CHAT,
	.name = "openai-chat",
	.read_request = read_request,
	.upstream_path = upstream_path,
	.read_answer = openai_read_answer,
	.meter_event = openai_meter_event,
};
