/* SPDX-License-Identifier: Apache-2.0 */
/* errand: from the pool to the network, step by step, to a value. */
#include <assert.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "conf/env.h"
#include "json/tree.h"
#include "provider/credential_in.h"

#define ARENA_MAX_BYTES  (512u << 10)
#define ANSWER_MAX_BYTES (64u << 10)
#define FILE_MAX_BYTES   (64u << 10)
#define TIMEOUT_MS       10000

const struct source credential_sources[CREDENTIAL_KINDS] = {
	[CREDENTIAL_AWS_WEB_IDENTITY] = { "AWS STS", aws_web_identity_begin, aws_web_identity_answer },
	[CREDENTIAL_AWS_CONTAINER] = { "the container's credentials endpoint", aws_container_begin,
	                               aws_container_answer },
	[CREDENTIAL_AWS_INSTANCE] = { "the instance's metadata service", aws_instance_begin, aws_instance_answer },
	[CREDENTIAL_GOOGLE_KEY] = { "Google's token endpoint", google_key_begin, oauth_answer },
	[CREDENTIAL_GOOGLE_INSTANCE] = { "Google's metadata server", google_instance_begin, oauth_answer },
	[CREDENTIAL_IBM] = { "IBM Cloud's IAM", ibm_begin, oauth_answer },
	[CREDENTIAL_ENTRA] = { "Microsoft Entra", entra_begin, oauth_answer },
};

/* ---- for sources ---- */

enum errand_state errand_fail(struct errand *x, const char *fmt, ...)
{
	char text[300];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	err_set(&x->err, ERR_UPSTREAM, "%s %s", x->source->name, text);
	return ERRAND_FAILED;
}

struct str errand_text(const struct errand *x, enum credential_text which)
{
	return x->options->text[which];
}

struct str errand_file(struct errand *x, struct str path)
{
	struct str text;
	struct err e;

	if (!conf_env_process.file(&conf_env_process, &x->arena, path, FILE_MAX_BYTES, &text, &e)) {
		err_set(&x->err, ERR_UPSTREAM, "the credential's file %.*s %s", STR_ARG(str_slice(path, 0, 200)),
		        e.text);
		return (struct str){ 0 };
	}
	while (text.n && strchr(" \t\r\n", text.p[text.n - 1]))
		text.n--;
	while (text.n && strchr(" \t\r\n", text.p[0]))
		text = str_slice(text, 1, text.n);
	return text;
}

void errand_form(struct buf *b, const char *name, struct str value)
{
	if (b->n)
		buf_append_c(b, '&');
	buf_append(b, str_from_z(name));
	buf_append_c(b, '=');
	text_percent_encode(b, value, "");
}

enum errand_state errand_post(struct errand *x, struct str url, struct buf *form)
{
	struct str body = form->failed ? str_of(NULL, 0) : arena_dup(&x->arena, buf_str(form));

	if (form->p)
		OPENSSL_cleanse(form->p, form->n);
	buf_fini(form);
	if (!body.p)
		return errand_fail(x, "would be sent too much");
	x->method = STR("POST");
	x->url = url;
	x->lines = STR("content-type: application/x-www-form-urlencoded\r\naccept: application/json\r\n");
	x->body = body;
	return ERRAND_ASK;
}

/* Two digits, or -1. */
static int64_t two(const char *p)
{
	return p[0] >= '0' && p[0] <= '9' && p[1] >= '0' && p[1] <= '9' ? (p[0] - '0') * 10 + (p[1] - '0') : -1;
}

/* Days since 1970-01-01 of the Gregorian calendar; Howard Hinnant, "chrono-compatible low-level date algorithms". */
static int64_t days_of(int64_t y, int64_t m, int64_t d)
{
	int64_t era, of_era, of_year;

	y -= m <= 2;
	era = y / 400;
	of_era = y - era * 400;
	of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool errand_read_time(struct str t, uint64_t *ms)
{
	int64_t n[7];
	static const int at[7] = { 0, 2, 5, 8, 11, 14, 17 };

	if (t.n < 20 || t.p[4] != '-' || t.p[7] != '-' || t.p[10] != 'T' || t.p[13] != ':' || t.p[16] != ':' ||
	    t.p[t.n - 1] != 'Z')
		return false;
	for (int i = 0; i < 7; i++)
		if ((n[i] = two(t.p + at[i])) < 0)
			return false;
	if (n[0] * 100 + n[1] < 1970 || n[2] < 1 || n[2] > 12 || n[3] < 1 || n[3] > 31 || n[4] > 23 || n[5] > 59 ||
	    n[6] > 60)
		return false;
	*ms = (uint64_t)(((days_of(n[0] * 100 + n[1], n[2], n[3]) * 24 + n[4]) * 60 + n[5]) * 60 + n[6]) * 1000;
	return true;
}

/* ---- the way ---- */

static void unlink_from_agent(struct errand *x)
{
	if (!x->link)
		return;
	*x->link = x->next;
	if (x->next)
		x->next->link = x->link;
	x->link = NULL;
}

static void errand_free(struct errand *x)
{
	unlink_from_agent(x);
	fetch_cancel(x->fetch);
	credential_unref(x->credential);
	arena_fini(&x->arena);
	free(x);
}

static void go_on(struct errand *x, enum errand_state state);

/* The word for what is wrong, in JSON's "error" (RFC 6749 section 5.2) or in XML's <Code>: no more of the answer. */
static struct str error_word(struct errand *x, struct str body)
{
	struct err e;
	struct str word = { 0 };
	yyjson_val *root = json_parse(&x->arena, body, 16, &e);
	size_t at = str_find(body, STR("<Code>"));

	if (!json_get_str(root, "error", &word) && !json_get_str(root, "errorCode", &word) && at != STR_NPOS) {
		word = str_slice(body, at + 6, body.n);
		word = str_slice(word, 0, str_find_chr(word, '<'));
	}
	for (size_t i = 0; i < word.n; i++)
		if (!((word.p[i] >= 'a' && word.p[i] <= 'z') || (word.p[i] >= 'A' && word.p[i] <= 'Z') ||
		      word.p[i] == '_'))
			return (struct str){ 0 };
	return str_slice(word, 0, 40);
}

static void refused(struct errand *x, const struct fetch_answer *a)
{
	struct str word = error_word(x, a->body);

	go_on(x, word.n ? errand_fail(x, "answered with status %d, %.*s", a->status, STR_ARG(word))
	                : errand_fail(x, "answered with status %d", a->status));
}

static void on_done(void *arg, const struct fetch_answer *a, const struct err *failure)
{
	struct errand *x = arg;

	x->fetch = NULL;
	if (failure)
		go_on(x, errand_fail(x, "cannot be asked: %s", failure->text));
	else if (a->status != 200)
		refused(x, a);
	else
		go_on(x, x->source->answer(x, x->step++, a->body));
}

static void ask(struct errand *x)
{
	struct fetch_request rq = {
		.method = x->method, .url = x->url, .lines = x->lines, .body = x->body,
		.ca_file = errand_text(x, CREDENTIAL_CA_FILE), .answer_max_bytes = ANSWER_MAX_BYTES,
		.timeout_ms = TIMEOUT_MS, .on_done = on_done, .arg = x,
	};
	struct err e;

	x->fetch = fetch_start(x->agent->fetcher, &rq, &e);
	if (!x->fetch)
		go_on(x, errand_fail(x, "cannot be asked: its address %s", e.text));
}

static void go_on(struct errand *x, enum errand_state state)
{
	switch (state) {
	case ERRAND_ASK:
		ask(x);
		return;
	case ERRAND_DONE:
		credential_fetched(x->credential, &x->value, NULL);
		break;
	case ERRAND_FAILED:
		credential_fetched(x->credential, NULL, &x->err);
		break;
	}
	errand_free(x);
}

static void work(struct job *j)
{
	struct errand *x = CONTAINER_OF(j, struct errand, job);

	x->state = x->source->begin(x);
}

static void prepared(struct job *j)
{
	struct errand *x = CONTAINER_OF(j, struct errand, job);

	x->on_pool = false;
	if (x->link)
		go_on(x, x->state);
	else
		errand_free(x);
}

void errand_leave(struct errand *x)
{
	if (x->on_pool)
		unlink_from_agent(x);
	else
		errand_free(x);
}

void errand_start(struct credential_agent *agent, struct credential *c, const struct credential_options *o)
{
	struct errand *x = mem_zalloc(sizeof *x);

	x->agent = agent;
	x->credential = c;
	x->options = o;
	x->source = &credential_sources[o->kind];
	x->next = agent->errands;
	x->link = &agent->errands;
	if (x->next)
		x->next->link = &x->next;
	agent->errands = x;
	arena_init(&x->arena, ARENA_MAX_BYTES);
	x->job = (struct job){ .work = work, .done = prepared, .loop = agent->loop };
	x->on_pool = pool_submit(agent->pool, &x->job);
	if (!x->on_pool)
		go_on(x, errand_fail(x, "is not asked: too much else waits"));
}
