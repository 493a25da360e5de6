/* SPDX-License-Identifier: Apache-2.0 */
/* errand_oauth: bearer tokens from OAuth's token endpoints: Google, IBM Cloud, Microsoft Entra. */
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "json/tree.h"
#include "json/write.h"
#include "provider/credential_in.h"

#define FORM_MAX_BYTES (64u << 10)
#define JSON_DEPTH     16
#define LIFE_S         3600
#define GOOGLE_SCOPE   "https://www.googleapis.com/auth/cloud-platform"

/* RFC 6749 section 5.1; some say expires_in as a text. */
enum errand_state oauth_answer(struct errand *x, unsigned step, struct str body)
{
	struct credential_value *v = &x->value;
	struct str text;
	uint64_t seconds = LIFE_S;
	int64_t n;
	struct err e;
	yyjson_val *root = json_parse(&x->arena, body, JSON_DEPTH, &e);

	if (!json_get_str(root, "access_token", &v->token) || v->token.n == 0)
		return errand_fail(x, "gave no token");
	for (size_t i = 0; i < v->token.n; i++)
		if (v->token.p[i] <= ' ' || v->token.p[i] >= 0x7f)
			return errand_fail(x, "gave a token that fits in no header field");
	if (json_get_i64(root, "expires_in", &n) && n > 0)
		seconds = (uint64_t)n;
	else if (json_get_str(root, "expires_in", &text) && !str_to_u64(text, &seconds))
		return errand_fail(x, "gave a token whose end cannot be read");
	v->expires_ms = clock_real_ms() + (seconds < 366 * 86400 ? seconds : 366 * 86400) * 1000;
	return ERRAND_DONE;
}

/* ---- Google ---- */

static bool append_part(struct buf *out, const struct buf *json)
{
	return !json->failed && text_base64url(out, buf_str(json));
}

/* header.claims of RFC 7523: who asks, for what, whom, and how long. */
static bool write_claims(struct buf *out, struct str email, struct str key_id, struct str audience)
{
	struct buf json = buf_make(FORM_MAX_BYTES);
	struct json_writer w = json_writer_make(&json);
	int64_t now_s = (int64_t)(clock_real_ms() / 1000);
	bool good;

	json_open(&w, '{');
	json_key_lit(&w, "alg");
	json_str(&w, STR("RS256"));
	json_key_lit(&w, "typ");
	json_str(&w, STR("JWT"));
	if (key_id.n) {
		json_key_lit(&w, "kid");
		json_str(&w, key_id);
	}
	json_close(&w);
	good = append_part(out, &json) && buf_append_c(out, '.');
	buf_clear(&json);
	w = json_writer_make(&json);
	json_open(&w, '{');
	json_key_lit(&w, "iss");
	json_str(&w, email);
	json_key_lit(&w, "scope");
	json_str(&w, STR(GOOGLE_SCOPE));
	json_key_lit(&w, "aud");
	json_str(&w, audience);
	json_key_lit(&w, "iat");
	json_i64(&w, now_s);
	json_key_lit(&w, "exp");
	json_i64(&w, now_s + LIFE_S);
	json_close(&w);
	good = good && append_part(out, &json);
	buf_fini(&json);
	return good;
}

/* RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3). */
static bool sign_rs256(struct buf *out, struct str text, struct str pem)
{
	unsigned char signature[1024];
	size_t n = sizeof signature;
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t)"") : NULL;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool good = key && c && EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_size(key) <= (int)sizeof signature &&
	            EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, key) == 1 &&
	            EVP_DigestSign(c, signature, &n, (const unsigned char *)text.p, text.n) == 1;

	EVP_MD_CTX_free(c);
	EVP_PKEY_free(key);
	BIO_free(bio);
	return good && text_base64url(out, str_of((const char *)signature, n));
}

static enum errand_state ask_with_key(struct errand *x, yyjson_val *root, struct str url)
{
	struct str email, pem, key_id = { 0 };
	struct buf jwt = buf_make(FORM_MAX_BYTES), signature = buf_make(FORM_MAX_BYTES);
	struct buf form = buf_make(FORM_MAX_BYTES);
	bool good = json_get_str(root, "client_email", &email) && json_get_str(root, "private_key", &pem);

	if (!json_get_str(root, "private_key_id", &key_id))
		key_id = (struct str){ 0 };
	good = good && write_claims(&jwt, email, key_id, url) && sign_rs256(&signature, buf_str(&jwt), pem) &&
	       buf_append_c(&jwt, '.') && buf_append(&jwt, buf_str(&signature));
	if (good) {
		errand_form(&form, "grant_type", STR("urn:ietf:params:oauth:grant-type:jwt-bearer"));
		errand_form(&form, "assertion", buf_str(&jwt));
	}
	buf_fini(&jwt);
	buf_fini(&signature);
	if (!good)
		return errand_fail(x, "cannot be asked: the service account's key is not an RSA key in PEM with its "
		                      "client_email");
	return errand_post(x, url, &form);
}

static enum errand_state ask_as_user(struct errand *x, yyjson_val *root, struct str url)
{
	struct str id, secret, refresh;
	struct buf form = buf_make(FORM_MAX_BYTES);

	if (!json_get_str(root, "client_id", &id) || !json_get_str(root, "client_secret", &secret) ||
	    !json_get_str(root, "refresh_token", &refresh))
		return errand_fail(x, "cannot be asked: the user's credentials lack client_id, client_secret or "
		                      "refresh_token");
	errand_form(&form, "grant_type", STR("refresh_token"));
	errand_form(&form, "client_id", id);
	errand_form(&form, "client_secret", secret);
	errand_form(&form, "refresh_token", refresh);
	return errand_post(x, url, &form);
}

enum errand_state google_key_begin(struct errand *x)
{
	struct str text = errand_text(x, CREDENTIAL_JSON), type, url = errand_text(x, CREDENTIAL_URL);
	yyjson_val *root;
	struct err e;

	if (str_starts(text, STR("file:"))) {
		text = errand_file(x, str_slice(text, 5, text.n));
		if (!text.p)
			return ERRAND_FAILED;
	}
	root = json_parse(&x->arena, text, JSON_DEPTH, &e);
	if (!json_get_str(root, "type", &type))
		return errand_fail(x, "cannot be asked: the credentials are no JSON with a type");
	if (url.n == 0 && !json_get_str(root, "token_uri", &url))
		url = STR("https://oauth2.googleapis.com/token");
	if (str_eq(type, STR("service_account")))
		return ask_with_key(x, root, url);
	if (str_eq(type, STR("authorized_user")))
		return ask_as_user(x, root, url);
	return errand_fail(x, "cannot be asked: credentials of type \"%.*s\" are not known; service_account and "
	                      "authorized_user are", STR_ARG(str_slice(type, 0, 40)));
}

enum errand_state google_instance_begin(struct errand *x)
{
	x->method = STR("GET");
	x->url = errand_text(x, CREDENTIAL_URL);
	x->lines = STR("metadata-flavor: Google\r\n");
	return ERRAND_ASK;
}

/* ---- others ---- */

enum errand_state ibm_begin(struct errand *x)
{
	struct buf form = buf_make(FORM_MAX_BYTES);

	errand_form(&form, "grant_type", STR("urn:ibm:params:oauth:grant-type:apikey"));
	errand_form(&form, "apikey", errand_text(x, CREDENTIAL_API_KEY));
	return errand_post(x, errand_text(x, CREDENTIAL_URL), &form);
}

enum errand_state entra_begin(struct errand *x)
{
	struct buf form = buf_make(FORM_MAX_BYTES);

	errand_form(&form, "grant_type", STR("client_credentials"));
	errand_form(&form, "client_id", errand_text(x, CREDENTIAL_CLIENT_ID));
	errand_form(&form, "client_secret", errand_text(x, CREDENTIAL_CLIENT_SECRET));
	errand_form(&form, "scope", STR("https://cognitiveservices.azure.com/.default"));
	return errand_post(x, errand_text(x, CREDENTIAL_URL), &form);
}
