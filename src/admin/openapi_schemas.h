/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_schemas: the bodies of the admin API as JSON Schema, for /openapi.json; included by openapi.c only. */
#ifndef SLUICE_ADMIN_OPENAPI_SCHEMAS_H
#define SLUICE_ADMIN_OPENAPI_SCHEMAS_H

#define S_TEXT      "{\"type\":\"string\"}"
#define S_TEXT_NULL "{\"type\":[\"string\",\"null\"]}"
#define S_TIME_NULL "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define S_COUNT     "{\"type\":\"integer\",\"minimum\":0}"
#define S_INT       "{\"type\":\"integer\"}"
#define S_BOOL      "{\"type\":\"boolean\"}"
#define S_USD       "{\"type\":\"string\",\"description\":\"dollars, an exact decimal\"}"
#define S_USD_NULL  "{\"type\":[\"string\",\"null\"],\"description\":\"dollars; null: no price is known\"}"
#define S_TEXTS(max, about) \
	"{\"type\":\"array\",\"maxItems\":" max ",\"items\":{\"type\":\"string\"},\"description\":\"" about "\"}"
#define S_NOTE(type, about) "{\"type\":" type ",\"description\":\"" about "\"}"
#define S_REF(name)         "{\"$ref\":\"#/components/schemas/" name "\"}"
#define S_LIST(of)          "{\"type\":\"array\",\"items\":" of "}"
#define S_OBJECT(members)   "{\"type\":\"object\",\"properties\":{" members "}}"
#define S_CLOSED(members)   "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{" members "}}"

/* A member; M is the first of an object, N one that follows. */
#define M(name, schema) "\"" name "\":" schema
#define N(name, schema) "," M(name, schema)

#define KEY_OWNER \
	N("name", "{\"type\":\"string\",\"minLength\":1,\"maxLength\":128}") N("team", S_TEXT_NULL) \
	N("user", S_TEXT_NULL) \
	N("models", S_TEXTS("256", "names or patterns; none: every model")) \
	N("tags", S_TEXTS("64", "to group spend by")) \
	N("role", "{\"enum\":[\"user\",\"admin\"]}") \
	N("weight", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000}") \
	N("priority", "{\"enum\":[0,1,2]}") N("expires_at", S_TIME_NULL)
#define KEY_MEMBERS \
	M("id", S_TEXT) KEY_OWNER N("hint", S_NOTE("[\"string\",\"null\"]", "the last four characters")) \
	N("source", "{\"enum\":[\"stored\",\"config\",\"builtin\"]}") N("created_at", S_TIME_NULL) \
	N("revoked_at", S_TIME_NULL)

static const char openapi_schemas[] =
	"{" M("Error", S_OBJECT(M("error", S_OBJECT(
		M("message", S_TEXT) N("type", S_TEXT) N("param", S_TEXT_NULL) N("code", S_TEXT_NULL)
		N("request_id", S_TEXT)))))

	N("KeyNew", S_CLOSED(
		M("expires_in", S_NOTE("\"string\"", "12h, 30d: instead of expires_at")) KEY_OWNER))
	N("Key", S_OBJECT(KEY_MEMBERS))
	N("KeyMade", S_OBJECT(
		KEY_MEMBERS
		N("key", S_NOTE("[\"string\",\"null\"]",
			"its text, this once; null where an Idempotency-Key was repeated"))))

	N("Tokens", S_OBJECT(
		M("input", S_COUNT) N("output", S_COUNT) N("cache_read", S_COUNT) N("cache_write", S_COUNT)
		N("reasoning", S_COUNT)))
	N("Spend", S_OBJECT(
		M("group", S_TEXT_NULL) N("key_name", S_TEXT_NULL) N("requests", S_COUNT) N("errors", S_COUNT)
		N("unknown_cost_requests", S_COUNT) N("cost_usd", S_USD) N("tokens", S_REF("Tokens"))))
	N("Log", S_OBJECT(
		M("request_id", S_TEXT) N("time", S_TIME_NULL) N("client_request_id", S_TEXT_NULL)
		N("key_id", S_TEXT_NULL) N("key_name", S_TEXT_NULL) N("team", S_TEXT_NULL) N("user", S_TEXT_NULL)
		N("tags", S_LIST(S_TEXT))
		N("dialect", S_TEXT_NULL) N("endpoint", S_TEXT_NULL) N("model", S_TEXT_NULL) N("provider", S_TEXT_NULL)
		N("deployment", S_TEXT_NULL) N("upstream_model", S_TEXT_NULL) N("status", S_COUNT)
		N("error", S_TEXT_NULL) N("stream", S_BOOL) N("attempts_made", S_COUNT)
		N("attempts", S_LIST(S_OBJECT(M("deployment", S_TEXT) N("status", S_COUNT) N("error", S_TEXT_NULL))))
		N("tokens", S_REF("Tokens")) N("usage_source", "{\"enum\":[\"reported\",\"counted\",\"none\"]}")
		N("cost_usd", S_USD_NULL) N("saved_usd", S_USD) N("latency_ms", S_COUNT) N("first_byte_ms", S_COUNT)
		N("overhead_us", S_COUNT)))

	N("Model", S_OBJECT(
		M("name", S_TEXT) N("pattern", S_BOOL) N("strategy", S_TEXT) N("fallbacks", S_LIST(S_TEXT))
		N("context_window_fallbacks", S_LIST(S_TEXT)) N("content_policy_fallbacks", S_LIST(S_TEXT))
		N("deployments", S_LIST(S_REF("Deployment")))))
	N("Deployment", S_OBJECT(
		M("name", S_TEXT) N("provider", S_TEXT) N("model", S_TEXT) N("weight", S_COUNT) N("order", S_INT)
		N("usd_per_million_tokens", "{\"type\":[\"object\",\"null\"],\"additionalProperties\":" S_USD "}")
		N("price_from", S_TEXT) N("context_window", S_COUNT) N("max_output", S_COUNT)
		N("capabilities", S_LIST(S_TEXT)) N("lacks", S_LIST(S_TEXT)) N("efforts", S_LIST(S_TEXT))
		N("health", S_REF("Health"))))
	N("Health", S_NOTE("[\"object\",\"null\"]",
		"state: in, half_open, cooling, broken; why, back_in_ms; in_flight, requests_minute, tokens_minute; "
		"latency_ms and tokens_per_second by percentile"))
	N("CataloguePrice", S_NOTE("[\"object\",\"null\"]",
		"decimals of US dollars by member, per million tokens or each; cases: when others hold"))
	N("CatalogueOverride", S_CLOSED(
		M("price", S_NOTE("[\"object\",\"null\"]", "members as in a deployment's price setting"))
		N("context_window", S_COUNT) N("max_output", S_COUNT)
		N("capabilities", S_TEXTS("64", "a minus before what the model lacks"))))
	N("CatalogueEntry", S_OBJECT(
		M("provider", S_TEXT) N("model", S_TEXT) N("override", S_REF("CatalogueOverride"))
		N("price", S_REF("CataloguePrice")) N("price_from", S_TEXT) N("facts_from", S_TEXT)
		N("context_window", S_COUNT) N("max_output", S_COUNT) N("capabilities", S_LIST(S_TEXT))
		N("lacks", S_LIST(S_TEXT)) N("efforts", S_LIST(S_TEXT))))
	N("Provider", S_OBJECT(
		M("name", S_TEXT) N("credentials", S_COUNT) N("region", S_TEXT_NULL) N("zdr", S_BOOL)
		N("trains_on_data", S_BOOL)
		N("faces", S_LIST(S_OBJECT(M("dialects", S_LIST(S_TEXT)) N("base_url", S_TEXT_NULL))))))
	N("TokenEstimate", S_OBJECT(
		M("ratio", S_NOTE("\"string\"", "tokens for each of the basis; a decimal")) N("samples", S_COUNT)
		N("error", S_NOTE("[\"string\",\"null\"]", "mean relative error; null: nothing to compare yet"))))
	N("TokenFamily", S_OBJECT(
		M("family", S_TEXT) N("encoding", S_TEXT) N("exact", S_BOOL) N("text", S_REF("TokenEstimate"))
		N("body", S_REF("TokenEstimate"))))
	N("Reloaded", S_OBJECT(M("reloaded", S_BOOL))) "}";

#endif
