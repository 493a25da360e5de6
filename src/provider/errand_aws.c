/* SPDX-License-Identifier: Apache-2.0 */
/* errand_aws: temporary keys from STS, from a container's endpoint, and from an instance's metadata service. */
#include "base/buf.h"
#include "conf/env.h"
#include "json/tree.h"
#include "provider/credential_in.h"

#define FORM_MAX_BYTES (128u << 10)
#define JSON_DEPTH     16

/* ---- answers ---- */

/* The form that containers and instances give: AccessKeyId, SecretAccessKey, Token, Expiration. */
static enum errand_state read_keys(struct errand *x, struct str body)
{
	struct credential_value *v = &x->value;
	struct str expiration;
	struct err e;
	yyjson_val *root = json_parse(&x->arena, body, JSON_DEPTH, &e);

	if (!json_get_str(root, "AccessKeyId", &v->access_key_id) ||
	    !json_get_str(root, "SecretAccessKey", &v->secret_access_key))
		return errand_fail(x, "gave no keys");
	if (!json_get_str(root, "Token", &v->session_token))
		v->session_token = (struct str){ 0 };
	if (json_get_str(root, "Expiration", &expiration) && !errand_read_time(expiration, &v->expires_ms))
		return errand_fail(x, "gave keys whose end cannot be read");
	return ERRAND_DONE;
}

/* The text of an element that has no others in it; these values need no escapes in XML. */
static struct str element(struct str xml, const char *open, const char *close)
{
	size_t from = str_find(xml, str_from_z(open)), to;

	if (from == STR_NPOS)
		return (struct str){ 0 };
	xml = str_slice(xml, from + strlen(open), xml.n);
	to = str_find(xml, str_from_z(close));
	return to == STR_NPOS ? str_of(NULL, 0) : str_slice(xml, 0, to);
}

/* ---- STS ---- */

enum errand_state aws_web_identity_begin(struct errand *x)
{
	struct str token = errand_file(x, errand_text(x, CREDENTIAL_TOKEN_FILE)), url;
	struct buf form = buf_make(FORM_MAX_BYTES);

	if (!token.p)
		return ERRAND_FAILED;
	errand_form(&form, "Action", STR("AssumeRoleWithWebIdentity"));
	errand_form(&form, "Version", STR("2011-06-15"));
	errand_form(&form, "RoleArn", errand_text(x, CREDENTIAL_ROLE));
	errand_form(&form, "RoleSessionName", errand_text(x, CREDENTIAL_ROLE_SESSION));
	errand_form(&form, "WebIdentityToken", token);
	url = errand_text(x, CREDENTIAL_URL);
	return errand_post(x, url, &form);
}

enum errand_state aws_web_identity_answer(struct errand *x, unsigned step, struct str body)
{
	struct credential_value *v = &x->value;
	struct str xml = arena_dup(&x->arena, body), expiration;

	xml = element(xml, "<Credentials>", "</Credentials>");
	v->access_key_id = element(xml, "<AccessKeyId>", "</AccessKeyId>");
	v->secret_access_key = element(xml, "<SecretAccessKey>", "</SecretAccessKey>");
	v->session_token = element(xml, "<SessionToken>", "</SessionToken>");
	expiration = element(xml, "<Expiration>", "</Expiration>");
	if (v->access_key_id.n == 0 || v->secret_access_key.n == 0 || v->session_token.n == 0)
		return errand_fail(x, "gave no keys");
	if (!errand_read_time(expiration, &v->expires_ms))
		return errand_fail(x, "gave keys whose end cannot be read");
	return ERRAND_DONE;
}

/* ---- containers (ECS, EKS Pod Identity) ---- */

enum errand_state aws_container_begin(struct errand *x)
{
	struct str authorization = errand_text(x, CREDENTIAL_AUTHORIZATION);

	if (errand_text(x, CREDENTIAL_TOKEN_FILE).n) {
		authorization = errand_file(x, errand_text(x, CREDENTIAL_TOKEN_FILE));
		if (!authorization.p)
			return ERRAND_FAILED;
	}
	if (str_find_chr(authorization, '\n') != STR_NPOS || str_find_chr(authorization, '\r') != STR_NPOS)
		return errand_fail(x, "cannot be asked: its authorization token is of several lines");
	x->method = STR("GET");
	x->url = errand_text(x, CREDENTIAL_URL);
	x->lines = STR("");
	if (authorization.n)
		x->lines = arena_printf(&x->arena, "authorization: %.*s\r\n", STR_ARG(authorization));
	return ERRAND_ASK;
}

enum errand_state aws_container_answer(struct errand *x, unsigned step, struct str body)
{
	return read_keys(x, body);
}

/* ---- instances: IMDSv2 ---- */

/* A token for the service, then the name of the instance's role, then its keys. */
enum { STEP_TOKEN, STEP_ROLE, STEP_KEYS };
#define ROLE_PATH "/latest/meta-data/iam/security-credentials/"

enum errand_state aws_instance_begin(struct errand *x)
{
	x->method = STR("PUT");
	x->url = arena_printf(&x->arena, "%.*s/latest/api/token", STR_ARG(errand_text(x, CREDENTIAL_URL)));
	x->lines = STR("x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n");
	return x->url.p ? ERRAND_ASK : errand_fail(x, "has too long an address");
}

static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return s.n > 0 && s.n < 2048;
}

static struct str first_line(struct str text)
{
	return str_trim(str_cut(&text, '\n'));
}

enum errand_state aws_instance_answer(struct errand *x, unsigned step, struct str body)
{
	struct str line = first_line(body);

	if (step == STEP_KEYS)
		return read_keys(x, body);
	if (!is_plain(line))
		return errand_fail(x, step == STEP_TOKEN ? "gave no token" : "knows no role of this instance");
	x->method = STR("GET");
	if (step == STEP_TOKEN)
		x->lines = arena_printf(&x->arena, "x-aws-ec2-metadata-token: %.*s\r\n", STR_ARG(line));
	x->url = arena_printf(&x->arena, "%.*s" ROLE_PATH "%.*s", STR_ARG(errand_text(x, CREDENTIAL_URL)),
	                      STR_ARG(step == STEP_TOKEN ? STR("") : line));
	return x->url.p && x->lines.p ? ERRAND_ASK : errand_fail(x, "has too long an address");
}
