/* SPDX-License-Identifier: Apache-2.0 */
/* sigv4: canonical request, string to sign, signature. */
#include "provider/sigv4.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#define CANONICAL_MAX_BYTES (256u << 10)
#define ALGORITHM           "AWS4-HMAC-SHA256"

void sigv4_time(char out[SIGV4_TIME_LEN], uint64_t real_ms)
{
	char t[CLOCK_RFC3339_LEN];

	clock_rfc3339(t, real_ms);     /* 2015-08-30T12:36:00.000Z */
	memcpy(out, t, 4);
	memcpy(out + 4, t + 5, 2);
	memcpy(out + 6, t + 8, 2);
	out[8] = 'T';
	memcpy(out + 9, t + 11, 2);
	memcpy(out + 11, t + 14, 2);
	memcpy(out + 13, t + 17, 2);
	out[15] = 'Z';
}

static void hmac(unsigned char out[SIGV4_KEY_BYTES], const void *key, size_t n_key, struct str text)
{
	unsigned n = 0;

	if (!HMAC(EVP_sha256(), key, (int)n_key, (const unsigned char *)text.p, text.n, out, &n))
		log_panic("HMAC-SHA256 does not work");
	assert(n == SIGV4_KEY_BYTES);
}

void sigv4_derive(struct sigv4_key *key, const char day[SIGV4_DAY_LEN], struct str secret, struct str region,
                  struct str service)
{
	struct buf b = buf_make(secret.n + 4);

	buf_append(&b, STR("AWS4"));
	buf_append(&b, secret);
	memcpy(key->day, day, SIGV4_DAY_LEN);
	hmac(key->bytes, b.p, b.n, str_of(day, SIGV4_DAY_LEN));
	hmac(key->bytes, key->bytes, sizeof key->bytes, region);
	hmac(key->bytes, key->bytes, sizeof key->bytes, service);
	hmac(key->bytes, key->bytes, sizeof key->bytes, STR("aws4_request"));
	OPENSSL_cleanse(b.p, b.n);
	buf_fini(&b);
}

static void append_sha256(struct buf *out, const struct str *pieces, size_t n)
{
	unsigned char digest[32];
	unsigned len = 0;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool good = c && EVP_DigestInit_ex(c, EVP_sha256(), NULL);

	for (size_t i = 0; good && i < n; i++)
		good = EVP_DigestUpdate(c, pieces[i].p, pieces[i].n);
	if (!good || !EVP_DigestFinal_ex(c, digest, &len))
		log_panic("SHA-256 does not work");
	EVP_MD_CTX_free(c);
	buf_append_hex(out, str_of((const char *)digest, len));
}

/* ---- the query ---- */

struct param { struct str name, value; };   /* encoded */

static bool decode_encode(struct arena *a, struct str in, struct str *out)
{
	struct buf plain = buf_make(in.n + 1), coded = buf_make(3 * in.n + 1);
	bool good = text_percent_decode(&plain, in) && text_percent_encode(&coded, buf_str(&plain), "");

	*out = good ? arena_dup(a, buf_str(&coded)) : (struct str){ 0 };
	buf_fini(&plain);
	buf_fini(&coded);
	return out->p != NULL;
}

static int compare(const struct param *a, const struct param *b)
{
	int order = str_cmp(a->name, b->name);

	return order ? order : str_cmp(a->value, b->value);
}

/* By name, then by value, each encoded anew. */
static bool append_query(struct buf *b, struct arena *a, struct str query)
{
	struct param p[SIGV4_PARAMS], one;
	size_t n = 0, at;

	while (query.n) {
		struct str value = str_cut(&query, '&'), name = str_cut(&value, '=');

		if (n == SIGV4_PARAMS || !decode_encode(a, name, &one.name) || !decode_encode(a, value, &one.value))
			return false;
		for (at = n++; at > 0 && compare(&p[at - 1], &one) > 0; at--)
			p[at] = p[at - 1];
		p[at] = one;
	}
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_append_c(b, '&');
		buf_append(b, p[i].name);
		buf_append_c(b, '=');
		buf_append(b, p[i].value);
	}
	return true;
}

/* ---- headers ---- */

#define HEADERS_MAX (SIGV4_HEADERS + 3)

static size_t all_headers(const struct sigv4_request *r, struct str time, struct sigv4_header out[HEADERS_MAX])
{
	struct sigv4_header own[] = {
		{ STR("host"), r->host },
		{ STR("x-amz-date"), time },
		{ STR("x-amz-security-token"), r->session_token },
	};
	size_t n = 0, n_own = COUNT_OF(own) - (r->session_token.n == 0);

	assert(r->n_headers <= SIGV4_HEADERS);
	for (size_t i = 0; i < n_own + r->n_headers; i++) {
		struct sigv4_header h = i < n_own ? own[i] : r->headers[i - n_own];
		size_t at = n++;

		for (; at > 0 && str_cmp(out[at - 1].name, h.name) > 0; at--)
			out[at] = out[at - 1];
		out[at] = h;
	}
	return n;
}

/* Without spaces at the ends, and one where there are several. */
static void append_value(struct buf *b, struct str value)
{
	value = str_trim(value);
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] != ' ' || value.p[i - 1] != ' ')
			buf_append_c(b, value.p[i]);
}

static void append_names(struct buf *b, const struct sigv4_header *h, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_append_c(b, ';');
		buf_append(b, h[i].name);
	}
}

/* ---- the signature ---- */

static bool append_canonical(struct buf *b, struct arena *a, const struct sigv4_request *r,
                             const struct sigv4_header *h, size_t n)
{
	buf_append(b, r->method);
	buf_append_c(b, '\n');
	if (!text_percent_encode(b, r->path.n ? r->path : STR("/"), "/"))
		return false;
	buf_append_c(b, '\n');
	if (!append_query(b, a, r->query))
		return false;
	buf_append_c(b, '\n');
	for (size_t i = 0; i < n; i++) {
		buf_append(b, h[i].name);
		buf_append_c(b, ':');
		append_value(b, h[i].value);
		buf_append_c(b, '\n');
	}
	buf_append_c(b, '\n');
	append_names(b, h, n);
	buf_append_c(b, '\n');
	append_sha256(b, r->body, r->n_body);
	return !b->failed;
}

static struct str write_lines(struct arena *a, const struct sigv4_request *r, struct str time, struct str scope,
                              const struct sigv4_header *h, size_t n, struct str signature)
{
	struct buf b = buf_make(CANONICAL_MAX_BYTES);
	struct str out;

	buf_printf(&b, "x-amz-date: %.*s\r\n", STR_ARG(time));
	if (r->session_token.n)
		buf_printf(&b, "x-amz-security-token: %.*s\r\n", STR_ARG(r->session_token));
	buf_printf(&b, "authorization: " ALGORITHM " Credential=%.*s/%.*s, SignedHeaders=", STR_ARG(r->access_key_id),
	           STR_ARG(scope));
	append_names(&b, h, n);
	buf_append(&b, STR(", Signature="));
	buf_append_hex(&b, signature);
	buf_append(&b, STR("\r\n"));
	out = b.failed ? str_of(NULL, 0) : arena_dup(a, buf_str(&b));
	buf_fini(&b);
	return out;
}

struct str sigv4_lines(struct arena *a, const struct sigv4_request *r, const char time_text[SIGV4_TIME_LEN],
                       const struct sigv4_key *key)
{
	struct str time = str_of(time_text, SIGV4_TIME_LEN), scope, canonical, out = { 0 };
	struct buf b = buf_make(CANONICAL_MAX_BYTES), to_sign = buf_make(CANONICAL_MAX_BYTES);
	struct sigv4_header h[HEADERS_MAX];
	unsigned char signature[SIGV4_KEY_BYTES];
	size_t n = all_headers(r, time, h);

	assert(memcmp(key->day, time_text, SIGV4_DAY_LEN) == 0);
	scope = arena_printf(a, "%.*s/%.*s/%.*s/aws4_request", SIGV4_DAY_LEN, time_text, STR_ARG(r->region),
	                     STR_ARG(r->service));
	if (scope.p && append_canonical(&b, a, r, h, n)) {
		canonical = buf_str(&b);
		buf_printf(&to_sign, ALGORITHM "\n%.*s\n%.*s\n", STR_ARG(time), STR_ARG(scope));
		append_sha256(&to_sign, &canonical, 1);
		hmac(signature, key->bytes, sizeof key->bytes, buf_str(&to_sign));
		out = write_lines(a, r, time, scope, h, n, str_of((const char *)signature, sizeof signature));
	}
	buf_fini(&b);
	buf_fini(&to_sign);
	return out;
}
