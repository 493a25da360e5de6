/* SPDX-License-Identifier: Apache-2.0 */
/* error_read: a provider's error as a class: by its words for type and code first, by status next, by its text last. */

#include <assert.h>

#include "base/arena.h"
#include "base/text.h"
#include "dialect/dialect_in.h"
#include "json/tree.h"

/* Error bodies are short; what is longer is not read. */
#define ERROR_BODY_MAX ((size_t)256 * 1024)
/* Shorter strings are in too many words to be hidden. */
#define HIDE_MIN 4
#define ERROR_ARENA_MAX ((size_t)8 * 1024 * 1024)

enum error_class {
	CLASS_NONE, CLASS_INVALID, CLASS_CONTEXT, CLASS_POLICY, CLASS_AUTH, CLASS_QUOTA, CLASS_FORBIDDEN,
	CLASS_NOT_FOUND, CLASS_TOO_LARGE, CLASS_CONFLICT, CLASS_RATE, CLASS_OVERLOADED, CLASS_SERVER, CLASS_TIMEOUT,
	CLASSES
};

/* Words that providers put into type, code, status or reason. Those that say nothing more than "400" are left out. */
static const struct {
	struct str word;
	enum error_class class;
} words[] = {
	{ STR_INIT("context_length_exceeded"), CLASS_CONTEXT },
	{ STR_INIT("context_window_exceeded"), CLASS_CONTEXT },
	{ STR_INIT("exceed_context_size_error"), CLASS_CONTEXT },              /* llama.cpp */
	{ STR_INIT("too_many_prompt_tokens"), CLASS_CONTEXT },                 /* Perplexity */
	{ STR_INIT("tokens_limit_reached"), CLASS_CONTEXT },                   /* Azure AI Inference, with 413 */
	{ STR_INIT("content_filter"), CLASS_POLICY },                          /* Azure */
	{ STR_INIT("content_policy_violation"), CLASS_POLICY },
	{ STR_INIT("invalid_prompt"), CLASS_POLICY },                          /* OpenAI: flagged as a violation */
	{ STR_INIT("ResponsibleAIPolicyViolation"), CLASS_POLICY },
	{ STR_INIT("moderation_blocked"), CLASS_POLICY },                      /* OpenAI images */
	{ STR_INIT("data_inspection_failed"), CLASS_POLICY },                  /* Alibaba */
	{ STR_INIT("DataInspectionFailed"), CLASS_POLICY },
	{ STR_INIT("invalid_api_key"), CLASS_AUTH },
	{ STR_INIT("authentication_error"), CLASS_AUTH },
	{ STR_INIT("API_KEY_INVALID"), CLASS_AUTH },                           /* Gemini, with status 400 */
	{ STR_INIT("UNAUTHENTICATED"), CLASS_AUTH },
	{ STR_INIT("invalid_authentication_error"), CLASS_AUTH },              /* Moonshot */
	{ STR_INIT("InvalidApiKey"), CLASS_AUTH },                             /* Alibaba */
	{ STR_INIT("insufficient_quota"), CLASS_QUOTA },
	{ STR_INIT("billing_error"), CLASS_QUOTA },
	{ STR_INIT("billing_hard_limit_reached"), CLASS_QUOTA },
	{ STR_INIT("insufficient_balance"), CLASS_QUOTA },
	{ STR_INIT("exceeded_current_quota_error"), CLASS_QUOTA },             /* Moonshot */
	{ STR_INIT("Arrearage"), CLASS_QUOTA },                                /* Alibaba */
	{ STR_INIT("permission_error"), CLASS_FORBIDDEN },
	{ STR_INIT("PERMISSION_DENIED"), CLASS_FORBIDDEN },
	{ STR_INIT("model_not_found"), CLASS_NOT_FOUND },
	{ STR_INIT("not_found_error"), CLASS_NOT_FOUND },
	{ STR_INIT("NOT_FOUND"), CLASS_NOT_FOUND },
	{ STR_INIT("DeploymentNotFound"), CLASS_NOT_FOUND },
	{ STR_INIT("invalid_model"), CLASS_NOT_FOUND },                        /* Mistral, with status 400 */
	{ STR_INIT("unknown_model"), CLASS_NOT_FOUND },                        /* Azure AI Inference, with 400 */
	{ STR_INIT("ModelNotFound"), CLASS_NOT_FOUND },                        /* Alibaba */
	{ STR_INIT("resource_not_found_error"), CLASS_NOT_FOUND },             /* Moonshot */
	{ STR_INIT("request_too_large"), CLASS_TOO_LARGE },
	{ STR_INIT("rate_limit_exceeded"), CLASS_RATE },
	{ STR_INIT("rate_limit_error"), CLASS_RATE },
	{ STR_INIT("RESOURCE_EXHAUSTED"), CLASS_RATE },
	{ STR_INIT("rate_limit_reached_error"), CLASS_RATE },                  /* Moonshot */
	{ STR_INIT("RateLimitReached"), CLASS_RATE },                          /* Azure */
	{ STR_INIT("Throttling.RateQuota"), CLASS_RATE },                      /* Alibaba */
	{ STR_INIT("overloaded_error"), CLASS_OVERLOADED },
	{ STR_INIT("slow_down"), CLASS_OVERLOADED },
	{ STR_INIT("engine_overloaded_error"), CLASS_OVERLOADED },             /* Moonshot, with 429 */
	{ STR_INIT("UNAVAILABLE"), CLASS_OVERLOADED },
	{ STR_INIT("server_error"), CLASS_SERVER },
	{ STR_INIT("api_error"), CLASS_SERVER },
	{ STR_INIT("INTERNAL"), CLASS_SERVER },
	{ STR_INIT("ThrottlingException"), CLASS_RATE },                       /* AWS */
	{ STR_INIT("AccessDeniedException"), CLASS_FORBIDDEN },
	{ STR_INIT("UnrecognizedClientException"), CLASS_AUTH },
	{ STR_INIT("InvalidSignatureException"), CLASS_AUTH },
	{ STR_INIT("ExpiredTokenException"), CLASS_AUTH },
	{ STR_INIT("ServiceQuotaExceededException"), CLASS_QUOTA },
	{ STR_INIT("ResourceNotFoundException"), CLASS_NOT_FOUND },
	{ STR_INIT("ServiceUnavailableException"), CLASS_OVERLOADED },
	{ STR_INIT("ModelNotReadyException"), CLASS_OVERLOADED },              /* with 429 */
	{ STR_INIT("ModelTimeoutException"), CLASS_TIMEOUT },
	{ STR_INIT("ModelErrorException"), CLASS_SERVER },
	{ STR_INIT("ModelStreamErrorException"), CLASS_SERVER },
	{ STR_INIT("InternalServerException"), CLASS_SERVER },
	{ STR_INIT("timeout_error"), CLASS_TIMEOUT },
	{ STR_INIT("DEADLINE_EXCEEDED"), CLASS_TIMEOUT },
};

/* Those that say "400" and nothing more; an error inside of a good answer has no other status. */
static const struct str words_of_invalid[] = {
	STR_INIT("invalid_request_error"), STR_INIT("INVALID_ARGUMENT"), STR_INIT("FAILED_PRECONDITION"),
	STR_INIT("ValidationException"),
};

/* MiniMax's base_resp.status_code, which comes with status 200 (platform.minimax.io/docs/api-reference/errorcode). */
static const struct {
	struct str code;
	enum error_class class;
} minimax[] = {
	{ STR_INIT("1001"), CLASS_TIMEOUT }, { STR_INIT("1002"), CLASS_RATE }, { STR_INIT("1004"), CLASS_AUTH },
	{ STR_INIT("1008"), CLASS_QUOTA }, { STR_INIT("1026"), CLASS_POLICY }, { STR_INIT("1027"), CLASS_POLICY },
	{ STR_INIT("1039"), CLASS_CONTEXT }, { STR_INIT("2013"), CLASS_INVALID }, { STR_INIT("2049"), CLASS_AUTH },
};

/*
 * Texts that tell a class where neither word nor status does (lower case). The first that fits counts. Providers repeat
 * in their errors what the client wrote; so those that take a deployment out for all must begin the text, or end it.
 */
static const struct {
	enum { ANYWHERE, AT_START, AT_END } where;
	struct str text;
	enum error_class class;
} texts[] = {
	/* what the client named in its request and is not there, whoever is asked: with 403 or 404 */
	{ ANYWHERE, STR_INIT("cachedcontent"), CLASS_INVALID },                 /* Gemini */
	{ ANYWHERE, STR_INIT("cache content metadata"), CLASS_INVALID },        /* Vertex */
	{ ANYWHERE, STR_INIT("previous response with id"), CLASS_INVALID },     /* OpenAI */
	{ ANYWHERE, STR_INIT("item with id"), CLASS_INVALID },                  /* OpenAI */
	{ ANYWHERE, STR_INIT("no such file object"), CLASS_INVALID },           /* OpenAI */
	{ ANYWHERE, STR_INIT("file not found"), CLASS_INVALID },                /* Anthropic */
	{ ANYWHERE, STR_INIT("container not found"), CLASS_INVALID },
	{ ANYWHERE, STR_INIT("image input is not supported"), CLASS_INVALID },  /* llama.cpp, with status 500 */
	{ ANYWHERE, STR_INIT("prompt is too long"), CLASS_CONTEXT },            /* Anthropic */
	{ ANYWHERE, STR_INIT("prompt too long"), CLASS_CONTEXT },               /* Ollama */
	{ ANYWHERE, STR_INIT("maximum context length"), CLASS_CONTEXT },        /* OpenAI, vLLM */
	{ ANYWHERE, STR_INIT("context length"), CLASS_CONTEXT },
	{ ANYWHERE, STR_INIT("context window"), CLASS_CONTEXT },
	{ ANYWHERE, STR_INIT("available context size"), CLASS_CONTEXT },        /* llama.cpp */
	{ ANYWHERE, STR_INIT("maximum prompt length"), CLASS_CONTEXT },         /* xAI */
	{ ANYWHERE, STR_INIT("too many tokens"), CLASS_CONTEXT },               /* Cohere, AI21 */
	{ ANYWHERE, STR_INIT("exceeded model token limit"), CLASS_CONTEXT },    /* Moonshot */
	{ ANYWHERE, STR_INIT("prompt exceeds max length"), CLASS_CONTEXT },     /* Z.ai */
	{ ANYWHERE, STR_INIT("range of input length should be"), CLASS_CONTEXT }, /* Alibaba */
	{ ANYWHERE, STR_INIT("max_new_tokens` must be"), CLASS_CONTEXT },       /* Together, TGI */
	{ ANYWHERE, STR_INIT("`inputs` must have less than"), CLASS_CONTEXT },  /* TGI */
	{ ANYWHERE, STR_INIT("length of all messages is too long"), CLASS_CONTEXT }, /* Perplexity */
	{ ANYWHERE, STR_INIT("input is too long"), CLASS_CONTEXT },             /* Bedrock */
	{ ANYWHERE, STR_INIT("input tokens exceeded"), CLASS_CONTEXT },         /* Bedrock, Amazon's models */
	{ ANYWHERE, STR_INIT("exceed context limit"), CLASS_CONTEXT },          /* Anthropic: with max_tokens */
	{ ANYWHERE, STR_INIT("exceeds the maximum number of tokens"), CLASS_CONTEXT }, /* Gemini */
	{ ANYWHERE, STR_INIT("content management policy"), CLASS_POLICY },      /* Azure */
	{ ANYWHERE, STR_INIT("content filtering policy"), CLASS_POLICY },       /* Anthropic */
	{ ANYWHERE, STR_INIT("safety system"), CLASS_POLICY },                  /* OpenAI images */
	{ ANYWHERE, STR_INIT("violating our usage policy"), CLASS_POLICY },     /* OpenAI */
	{ ANYWHERE, STR_INIT("responsible ai practices"), CLASS_POLICY },       /* Vertex */
	{ ANYWHERE, STR_INIT("your input was flagged"), CLASS_POLICY },         /* OpenRouter, with 403 */
	{ ANYWHERE, STR_INIT("violates usage guidelines"), CLASS_POLICY },      /* xAI, with 403 */
	{ ANYWHERE, STR_INIT("content exists risk"), CLASS_POLICY },            /* DeepSeek */
	{ ANYWHERE, STR_INIT("considered high risk"), CLASS_POLICY },           /* Moonshot */
	{ ANYWHERE, STR_INIT("unsafe or sensitive content"), CLASS_POLICY },    /* Z.ai */
	{ ANYWHERE, STR_INIT("inappropriate content"), CLASS_POLICY },          /* Alibaba */
	{ AT_START, STR_INIT("your credit balance is too low"), CLASS_QUOTA },  /* Anthropic */
	{ AT_START, STR_INIT("insufficient balance"), CLASS_QUOTA },            /* DeepSeek, Z.ai */
	{ AT_START, STR_INIT("api key not valid"), CLASS_AUTH },
	{ AT_START, STR_INIT("incorrect api key"), CLASS_AUTH },                /* xAI, with 400 */
	{ AT_START, STR_INIT("user location is not supported"), CLASS_FORBIDDEN }, /* Gemini, with 400 */
	{ AT_START, STR_INIT("the provided model identifier is invalid"), CLASS_NOT_FOUND }, /* Bedrock, with 400 */
	{ AT_START, STR_INIT("invocation of model id"), CLASS_NOT_FOUND },      /* Bedrock, with 400 */
	{ AT_END, STR_INIT("is not a valid model id"), CLASS_NOT_FOUND },       /* OpenRouter, with 400 */
	{ AT_START, STR_INIT("model not found"), CLASS_NOT_FOUND },             /* xAI, with 400 */
	{ AT_START, STR_INIT("invalid model:"), CLASS_NOT_FOUND },
	{ ANYWHERE, STR_INIT("is not supported. supported models are"), CLASS_NOT_FOUND }, /* Voyage, with 400 */
};

/* What is found in a body; texts live in the arena. */
struct found {
	struct str message, type, code, param, reason;
	enum error_class told;           /* by a code that is the provider's own */
	int64_t retry_after_ms;
};

/* Codes are numbers with some providers. */
static struct str text_of(struct arena *arena, yyjson_val *obj, const char *key)
{
	struct str s;
	int64_t n;

	if (json_get_str(obj, key, &s))
		return s;
	if (!json_get_i64(obj, key, &n))
		return str_of(NULL, 0);
	return arena_printf(arena, "%lld", (long long)n);
}

/* "30s", "0.5s" as protobuf writes durations. */
static int64_t duration_ms(struct str s)
{
	int64_t ms;

	if (!str_ends(s, STR("s")))
		return -1;
	struct str whole = str_slice(s, 0, s.n - 1), fraction = whole;
	str_cut(&fraction, '.');
	if (fraction.n > 3)                     /* finer than milliseconds */
		whole.n -= fraction.n - 3;
	return text_to_fixed(whole, 3, &ms) ? ms : -1;
}

/* Gemini's list of details: a reason in one, a delay in another. */
static void read_details(yyjson_val *details, struct found *out)
{
	yyjson_val *item;
	size_t i, max;
	struct str s;

	if (!yyjson_is_arr(details))
		return;
	yyjson_arr_foreach(details, i, max, item) {
		if (json_get_str(item, "reason", &s))
			out->reason = s;
		if (json_get_str(item, "retryDelay", &s))
			out->retry_after_ms = duration_ms(s);
	}
}

/* FastAPI servers: {"detail": "text"} or {"detail": [{"loc": […], "msg": "text"}]}. */
static struct str read_detail(yyjson_val *obj)
{
	yyjson_val *detail = json_get(obj, "detail");
	struct str s = { NULL, 0 };

	if (yyjson_is_arr(detail))
		detail = json_get(yyjson_arr_get_first(detail), "msg");
	if (detail && json_val_str(detail, &s))
		return s;
	return str_of(NULL, 0);
}

static void read_object(struct arena *arena, yyjson_val *obj, struct found *out)
{
	if (out->message.n == 0)
		out->message = text_of(arena, obj, "message");
	if (out->message.n == 0)
		out->message = read_detail(obj);
	if (out->message.n == 0)
		out->message = read_detail(json_get(obj, "message"));              /* Mistral's 422 */
	if (out->type.n == 0)
		out->type = text_of(arena, obj, "type");
	if (out->type.n == 0)
		out->type = text_of(arena, obj, "status");                   /* Gemini */
	if (out->type.n == 0) {
		struct str type = text_of(arena, obj, "__type");             /* AWS: "namespace#ThrottlingException" */
		size_t hash = str_find_chr(type, '#');
		out->type = hash == STR_NPOS ? type : str_slice(type, hash + 1, type.n);
	}
	if (out->code.n == 0)
		out->code = text_of(arena, obj, "code");
	if (out->param.n == 0)
		out->param = text_of(arena, obj, "param");
	read_details(json_get(obj, "details"), out);
}

static enum error_class class_of_minimax(struct str code)
{
	for (size_t i = 0; i < COUNT_OF(minimax); i++)
		if (str_eq(code, minimax[i].code))
			return minimax[i].class;
	return CLASS_NONE;
}

static void read_tree(struct arena *arena, yyjson_val *root, struct found *out)
{
	yyjson_val *error, *base;

	if (yyjson_is_arr(root))                                               /* Gemini's OpenAI face wraps errors */
		root = yyjson_arr_get_first(root);
	error = json_get(root, "error");
	if (!yyjson_is_obj(error))
		error = json_get(json_get(root, "response"), "error");             /* Responses: response.failed */
	base = json_get(root, "base_resp");                                    /* MiniMax */
	if (yyjson_is_obj(error)) {
		read_object(arena, error, out);
	} else if (yyjson_is_obj(base)) {
		out->message = text_of(arena, base, "status_msg");
		out->code = text_of(arena, base, "status_code");
		out->told = class_of_minimax(out->code);
	} else {
		if (!json_get_str(root, "error", &out->message))                   /* {"error": "text"} */
			out->message = str_of(NULL, 0);
		read_object(arena, root, out);
	}
}

static enum error_class class_of_word(struct str word)
{
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_ieq(word, words[i].word))
			return words[i].class;
	return CLASS_NONE;
}

static bool says(struct str lower, size_t i)
{
	switch (texts[i].where) {
	case ANYWHERE: break;
	case AT_START: return str_starts(lower, texts[i].text);
	case AT_END: return str_ends(lower, texts[i].text);
	}
	return str_find(lower, texts[i].text) != STR_NPOS;
}

static enum error_class class_of_text(struct str message)
{
	char lower[1024];
	size_t n = message.n < sizeof(lower) ? message.n : sizeof(lower);

	for (size_t i = 0; i < n; i++)
		lower[i] = (char)(message.p[i] >= 'A' && message.p[i] <= 'Z' ? message.p[i] + 32 : message.p[i]);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (says(str_of(lower, n), i))
			return texts[i].class;
	return CLASS_NONE;
}

static enum error_class class_of_status(int status)
{
	switch (status) {
	case 401: return CLASS_AUTH;
	case 402: return CLASS_QUOTA;
	case 403: return CLASS_FORBIDDEN;
	case 404: return CLASS_NOT_FOUND;
	case 408: case 504: case 524: return CLASS_TIMEOUT;
	case 409: return CLASS_CONFLICT;
	case 413: return CLASS_TOO_LARGE;
	case 424: return CLASS_SERVER;
	case 429: return CLASS_RATE;
	case 498: case 503: case 529: return CLASS_OVERLOADED;      /* 498: Groq's flex tier is full */
	case 400: case 422: return CLASS_INVALID;
	default: return CLASS_SERVER;   /* 405, 407, 415 …: what the gateway asked was wrong, not what the client did */
	}
}

static enum error_class class_of_words(const struct found *f)
{
	enum error_class class = f->told;

	if (class == CLASS_NONE)
		class = class_of_word(f->reason);
	if (class == CLASS_NONE)
		class = class_of_word(f->code);
	return class == CLASS_NONE ? class_of_word(f->type) : class;
}

/* What the text may say more exactly than status or word do. */
static enum error_class refine(enum error_class class, enum error_class text)
{
	switch (class) {
	case CLASS_INVALID: case CLASS_SERVER: case CLASS_FORBIDDEN: case CLASS_TOO_LARGE:
		return text == CLASS_NONE ? class : text;
	case CLASS_NOT_FOUND:            /* not the model, but something that the request names */
		return text == CLASS_INVALID ? text : class;
	case CLASS_RATE:
		return text == CLASS_QUOTA ? text : class;
	case CLASS_NONE: case CLASS_CONTEXT: case CLASS_POLICY: case CLASS_AUTH: case CLASS_QUOTA:
	case CLASS_CONFLICT: case CLASS_OVERLOADED: case CLASS_TIMEOUT: case CLASSES:
		break;
	}
	return class;
}

/* An error inside of a good answer may have its status in there (OpenRouter), or a word for it. */
static int status_inside(const struct found *f)
{
	uint64_t n;

	if (str_to_u64(f->code, &n) && n >= 400 && n < 600)
		return (int)n;
	for (size_t i = 0; i < COUNT_OF(words_of_invalid); i++)
		if (str_ieq(f->type, words_of_invalid[i]) || str_ieq(f->code, words_of_invalid[i]))
			return 400;
	return 500;
}

static enum error_class classify(int status, const struct found *f)
{
	enum error_class class = class_of_words(f);

	if (class == CLASS_NONE)
		class = class_of_status(status < 400 ? status_inside(f) : status);
	return refine(class, class_of_text(f->message));
}

/* Copies a provider's word, if it is one: printable ASCII, and nothing in it that has to be hidden. */
static void copy_word(char *to, size_t size, struct str word, const struct str *hide, size_t n_hide)
{
	size_t n = word.n < size - 1 ? word.n : size - 1;

	for (size_t i = 0; i < n_hide; i++)
		if (hide[i].n >= HIDE_MIN && str_find(word, hide[i]) != STR_NPOS)
			n = 0;
	for (size_t i = 0; i < n; i++)
		if (word.p[i] < 0x20 || word.p[i] > 0x7e)
			n = 0;
	if (n)
		memcpy(to, word.p, n);
	to[n] = '\0';
}

/* The provider's message without what is nobody's business, fit for a line of log. Message and hidden strings are
 * bounded, so this is quick. */
static struct str clean(struct str message, const struct str *hide, size_t n_hide, char out[1024])
{
	size_t n = 0, i = 0;

	while (i < message.n && n + 9 < 1024) {
		size_t skip = 0;
		for (size_t h = 0; h < n_hide; h++)
			if (hide[h].n >= HIDE_MIN && str_starts(str_slice(message, i, message.n), hide[h]) &&
			    hide[h].n > skip)
				skip = hide[h].n;
		if (skip) {
			memcpy(out + n, "[hidden]", 8);
			n += 8;
			i += skip;
			continue;
		}
		char c = message.p[i++];
		out[n++] = (unsigned char)c < 0x20 || c == 0x7f ? ' ' : c;
	}
	return str_of(out, n);
}

/*
 * What a class means for the client. The text of what is the gateway's or the provider's own affair is ours: theirs may
 * name accounts, keys and hosts.
 */
struct outcome {
	enum err_code code;
	bool retryable, elsewhere_only, pass;
	const char *text;          /* NULL: the provider's own */
};

static const struct outcome no_api = { ERR_UPSTREAM, true, true, false, "the provider does not know this path" };

static const struct outcome outcomes[CLASSES] = {
	[CLASS_INVALID] = { ERR_INVALID_REQUEST, false, false, true, NULL },
	[CLASS_CONTEXT] = { ERR_CONTEXT_LENGTH, false, false, true, NULL },
	[CLASS_POLICY] = { ERR_CONTENT_POLICY, false, false, true, NULL },
	[CLASS_TOO_LARGE] = { ERR_TOO_LARGE, false, false, true, NULL },
	[CLASS_NOT_FOUND] = { ERR_MODEL_NOT_FOUND, true, true, true, NULL },
	[CLASS_CONFLICT] = { ERR_CONFLICT, true, false, true, NULL },
	[CLASS_AUTH] = { ERR_UPSTREAM, true, true, false, "the provider refused the gateway's credential" },
	[CLASS_QUOTA] = { ERR_UPSTREAM, true, true, false, "the provider's account has no credit or quota left" },
	[CLASS_FORBIDDEN] = { ERR_UPSTREAM, true, true, false, "the provider does not allow this to the gateway" },
	[CLASS_RATE] = { ERR_RATE_LIMIT, true, false, false, "the provider's rate limit is reached" },
	[CLASS_OVERLOADED] = { ERR_UPSTREAM, true, false, false, "the provider is overloaded" },
	[CLASS_SERVER] = { ERR_UPSTREAM, true, false, false, "the provider failed" },
	[CLASS_TIMEOUT] = { ERR_UPSTREAM_TIMEOUT, true, false, false, "the provider ran out of time" },
};

static void hide_word(char *word, size_t size, const struct str *hide, size_t n_hide)
{
	struct str seen = str_from_z(word);

	for (size_t i = 0; i < n_hide; i++)
		if (hide[i].n >= HIDE_MIN && str_find(seen, hide[i]) != STR_NPOS)
			memset(word, 0, size);
}

void dialect_error_hide(struct dialect_error *e, const struct str *hide, size_t n_hide)
{
	char cleaned[1024];
	struct str text = text_utf8_cut(clean(str_from_z(e->err.text), hide, n_hide, cleaned), sizeof(e->err.text) - 1);

	memcpy(e->err.text, text.p, text.n);
	e->err.text[text.n] = '\0';
	hide_word(e->type, sizeof(e->type), hide, n_hide);
	hide_word(e->code, sizeof(e->code), hide, n_hide);
	hide_word(e->param, sizeof(e->param), hide, n_hide);
}

void dialect_read_error(int status, struct str body, const struct str *hide, size_t n_hide, struct dialect_error *out)
{
	struct found f = { .retry_after_ms = -1 };
	char cleaned[1024];
	struct arena arena;

	arena_init(&arena, ERROR_ARENA_MAX);
	yyjson_val *root = body.n <= ERROR_BODY_MAX ? json_parse(&arena, body, ANSWER_DEPTH_MAX, NULL) : NULL;
	if (root)
		read_tree(&arena, root, &f);

	*out = (struct dialect_error){ .retry_after_ms = f.retry_after_ms };
	copy_word(out->type, sizeof(out->type), f.type, hide, n_hide);
	copy_word(out->code, sizeof(out->code), f.code, hide, n_hide);
	copy_word(out->param, sizeof(out->param), f.param, hide, n_hide);
	struct outcome o = outcomes[classify(status, &f)];
	if (o.pass && f.message.n == 0 && status == 404)
		o = no_api;      /* the base URL or the path is wrong, which is not the client's to mend */
	assert(o.code != ERR_NONE);

	struct str text = clean(f.message, hide, n_hide, cleaned);
	if (o.text)
		err_set(&out->err, o.code, status == 200 ? "%s" : "%s (status %d)", o.text, status);
	else if (text.n)
		err_set(&out->err, o.code, "%.*s", STR_ARG(text));
	else
		err_set(&out->err, o.code, "the provider refused the request with status %d", status);
	out->err.origin = ERR_FROM_PROVIDER;
	out->err.retryable = o.retryable;
	if (o.pass && status >= 400 && status < 500)
		out->err.status = status;
	out->elsewhere_only = o.elsewhere_only;
	out->pass = o.pass;
	arena_fini(&arena);
}
