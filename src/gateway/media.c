/* SPDX-License-Identifier: Apache-2.0 */
/*
 * media: images and documents that a message names by address, for providers that take only bytes (rule T16). They are
 * fetched one after the other before the provider is called, without anything of the client's, only from public
 * addresses unless the configuration says otherwise, under a ceiling and a deadline; and once for a request, whatever
 * becomes of its attempts.
 */

#include "base/text.h"
#include "gateway/gateway_in.h"
#include "net/fetch.h"

#define FETCHES_MAX 100                  /* of a request: as many images as any provider takes */

struct media_kept {
	struct media_kept *next;
	struct jstr url, type, data;
};

static bool takes_bytes_only(const struct req_open *o)
{
	const struct candidate *c = &o->candidate;

	return c->dialect->chat->bytes_only || model_lacks(deployment_facts(c->deployment, c->model), CAP_URL_MEDIA);
}

/* Of the media that the wanted kind of block shows: the ones that stand on the web. */
static bool is_remote(const struct chat_block *b)
{
	return (b->kind == CHAT_IMAGE || b->kind == CHAT_DOCUMENT) && b->media && b->media->from == MEDIA_URL &&
	       (str_starts(jstr_raw(b->media->data), STR("https:")) ||
	        str_starts(jstr_raw(b->media->data), STR("http:")));
}

static const struct media_kept *find_kept(const struct req_open *o, struct jstr url)
{
	for (const struct media_kept *k = o->media.kept; k; k = k->next)
		if (jstr_eq(k->url, url))
			return k;
	return NULL;
}

/* Puts bytes in place of addresses; the first address of which there are none is left in *missing. */
static void replace(const struct req_open *o, struct chat_block *list, struct chat_media **missing)
{
	for (struct chat_block *b = list; b && !*missing; b = b->next) {
		const struct media_kept *k;

		if (b->kind == CHAT_TOOL_RESULT)
			replace(o, b->blocks, missing);
		if (!is_remote(b))
			continue;
		k = find_kept(o, b->media->data);
		if (!k) {
			*missing = b->media;
			return;
		}
		b->media->from = MEDIA_BYTES;
		b->media->data = k->data;
		b->media->type = k->type;
	}
}

static bool is_image(struct str type)
{
	return str_eq(type, STR("image/png")) || str_eq(type, STR("image/jpeg")) || str_eq(type, STR("image/gif")) ||
	       str_eq(type, STR("image/webp"));
}

/* What a request may have fetched is no more than what it could have held. */
static bool may_keep(struct req *r, size_t n)
{
	struct req_open *o = r->open;
	size_t max = (size_t)req_conf(r)->server->body_max_bytes;

	if (n > max - o->media.bytes)
		return err_set(&o->err, ERR_TOO_LARGE,
		               "what the request's addresses hold is more than the %zu bytes of a body", max);
	o->media.bytes += n;
	o->arena.max_bytes += 3 * n;     /* here, as a data URI, and in the provider's request */
	return true;
}

static bool keep(struct req *r, const struct fetch_answer *answer)
{
	struct req_open *o = r->open;
	size_t n = answer->body.n / 3 * 4 + 8;
	struct buf data = buf_make(n);
	struct str kept = { 0 };
	struct media_kept *k;

	if (!may_keep(r, n))
		return false;
	k = arena_zalloc(&o->arena, sizeof *k);
	if (text_base64(&data, answer->body))
		kept = arena_dup(&o->arena, buf_str(&data));
	buf_fini(&data);
	if (!k || !kept.p)
		return err_set(&o->err, ERR_TOO_LARGE, "the request needs more memory than it may have");
	k->url = jstr_of(o->media.url.p, o->media.url.n);
	k->data = jstr_of(kept.p, kept.n);
	kept = arena_dup(&o->arena, answer->content_type);
	if (!kept.p)
		return err_set(&o->err, ERR_TOO_LARGE, "the request needs more memory than it may have");
	k->type = jstr_of(kept.p, kept.n);
	k->next = o->media.kept;
	o->media.kept = k;
	return true;
}

static void on_fetched(void *arg, const struct fetch_answer *answer, const struct err *failure)
{
	struct req *r = arg;
	struct req_open *o = r->open;
	struct str url = str_slice(str_of(o->media.url.p, o->media.url.n), 0, 64);

	o->fetch = NULL;
	o->media.failed = true;
	if (failure)
		err_set(&o->err, ERR_INVALID_REQUEST, "the address \"%.*s\" cannot be fetched: %s", STR_ARG(url),
		        failure->code == ERR_POLICY ? "it is not public" : failure->text);
	else if (answer->status != 200)
		err_set(&o->err, ERR_INVALID_REQUEST, "the address \"%.*s\" answered with status %d", STR_ARG(url),
		        answer->status);
	else if (!is_image(answer->content_type) && !str_eq(answer->content_type, STR("application/pdf")))
		err_set(&o->err, ERR_INVALID_REQUEST,
		        "the address \"%.*s\" holds no image (png, jpeg, gif, webp) or PDF, but \"%.*s\"", STR_ARG(url),
		        STR_ARG(str_slice(answer->content_type, 0, 64)));
	else
		o->media.failed = !keep(r, answer);
	req_wake(r);
}

static enum media_got start(struct req *r, struct jstr url)
{
	struct req_open *o = r->open;
	const struct translation_settings *s = req_conf(r)->translation;
	struct str plain = jstr_plain(&o->arena, url);
	struct err e;

	o->media.url = url;
	if (o->media.n++ == FETCHES_MAX) {
		err_set(&o->err, ERR_INVALID_REQUEST,
		        "a request may name at most %d different addresses to this provider; send the bytes as data "
		        "URIs",
		        FETCHES_MAX);
		return MEDIA_FAILED;
	}
	if (!s->fetch_media) {
		err_set(&o->err, ERR_INVALID_REQUEST,
		        "\"%.*s\": this provider takes no addresses, and translation.fetch_media is off; send the "
		        "bytes as a "
		        "data URI",
		        STR_ARG(str_slice(plain, 0, 64)));
		return MEDIA_FAILED;
	}
	o->fetch = fetch_start(r->w->fetcher, &(struct fetch_request){
		.method = STR("GET"), .url = plain, .lines = STR("accept: image/*, application/pdf\r\n"),
		.answer_max_bytes = (size_t)s->fetch_max_bytes, .timeout_ms = (uint32_t)s->fetch_timeout_ms,
		.redirects = 3, .public_only = !s->fetch_private, .on_done = on_fetched, .arg = r }, &e);
	if (o->fetch)
		return MEDIA_WAIT;
	err_set(&o->err, ERR_INVALID_REQUEST, "the address \"%.*s\" %s", STR_ARG(str_slice(plain, 0, 64)), e.text);
	return MEDIA_FAILED;
}

enum media_got media_ready(struct req *r)
{
	struct req_open *o = r->open;
	struct chat_media *missing = NULL;

	if (o->fetch)
		return MEDIA_WAIT;
	if (o->media.failed) {
		o->media.failed = false; /* another candidate may take the address */
		return MEDIA_FAILED;
	}
	if (!takes_bytes_only(o))
		return MEDIA_READY;
	replace(o, o->chat->system, &missing);
	for (struct chat_turn *t = o->chat->turns; t && !missing; t = t->next)
		replace(o, t->blocks, &missing);
	return missing ? start(r, missing->data) : MEDIA_READY;
}

void media_cancel(struct req_open *o)
{
	fetch_cancel(o->fetch);
	o->fetch = NULL;
}
