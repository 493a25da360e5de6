/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_schemas: what the admin API's bodies are made of, for /openapi.json. JSON text; included by openapi.c only. */
#ifndef SLUICE_ADMIN_OPENAPI_SCHEMAS_H
#define SLUICE_ADMIN_OPENAPI_SCHEMAS_H

#define S_TEXT "{\"type\":\"string\"}"
#define S_TEXT_NULL "{\"type\":[\"string\",\"null\"]}"
#define S_TIME_NULL "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define S_INT "{\"type\":\"integer\",\"minimum\":0}"
#define S_BOOL "{\"type\":\"boolean\"}"
#define S_TEXTS "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"
#define S_USD "{\"type\":\"string\",\"description\":\"decimal dollars, exact\",\"pattern\":\"^[0-9]+(\\\\.[0-9]{1,9})?$\"}"
#define S_USD_NULL "{\"type\":[\"string\",\"null\"],\"description\":\"decimal dollars, exact; null: no price is known\"}"
#define S_REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define S_LIST_OF(name) "{\"type\":\"array\",\"items\":" S_REF(name) "}"
#define S_ROLE "{\"enum\":[\"user\",\"admin\"]}"

#define KEY_MEMBERS \
	"\"id\":" S_TEXT ",\"name\":" S_TEXT ",\"hint\":{\"type\":[\"string\",\"null\"],\"description\":\"last four characters\"}," \
	"\"team\":" S_TEXT_NULL ",\"user\":" S_TEXT_NULL ",\"models\":" S_TEXTS ",\"tags\":" S_TEXTS ",\"role\":" S_ROLE "," \
	"\"source\":{\"enum\":[\"stored\",\"config\",\"builtin\"]},\"created_at\":" S_TIME_NULL ",\"expires_at\":" S_TIME_NULL "," \
	"\"revoked_at\":" S_TIME_NULL
#define KEY_NAMES \
	"\"id\",\"name\",\"hint\",\"team\",\"user\",\"models\",\"tags\",\"role\",\"source\",\"created_at\",\"expires_at\",\"revoked_at\""

static const char openapi_schemas[] =
	"{\"Error\":{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{\"error\":{\"type\":\"object\","
	"\"required\":[\"message\",\"type\"],\"properties\":{\"message\":" S_TEXT ",\"type\":" S_TEXT ",\"param\":" S_TEXT_NULL ","
	"\"code\":" S_TEXT_NULL ",\"request_id\":" S_TEXT "}}}},"

	"\"KeyNew\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
	"\"name\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":128},\"team\":" S_TEXT_NULL ",\"user\":" S_TEXT_NULL ","
	"\"models\":{\"type\":\"array\",\"maxItems\":256,\"items\":{\"type\":\"string\"},\"description\":"
	"\"names or patterns; none: every model\"},\"tags\":{\"type\":\"array\",\"maxItems\":64,\"items\":{\"type\":\"string\"}},"
	"\"role\":" S_ROLE ",\"expires_at\":" S_TIME_NULL ",\"expires_in\":{\"type\":\"string\",\"description\":"
	"\"a duration from now instead of expires_at\",\"examples\":[\"12h\",\"30d\"]}}},"

	"\"Key\":{\"type\":\"object\",\"required\":[" KEY_NAMES "],\"properties\":{" KEY_MEMBERS "}},"

	"\"KeyMade\":{\"type\":\"object\",\"required\":[\"key\"," KEY_NAMES "],\"properties\":{\"key\":{\"type\":[\"string\",\"null\"],"
	"\"description\":\"the key's text, this once; null where an Idempotency-Key was repeated\"}," KEY_MEMBERS "}},"

	"\"Tokens\":{\"type\":\"object\",\"properties\":{\"input\":" S_INT ",\"output\":" S_INT ",\"cache_read\":" S_INT ","
	"\"cache_write\":" S_INT ",\"reasoning\":" S_INT "},\"description\":\"each token is in exactly one of them\"},"

	"\"Spend\":{\"type\":\"object\",\"properties\":{\"group\":" S_TEXT_NULL ",\"key_name\":" S_TEXT_NULL ",\"requests\":" S_INT ","
	"\"errors\":" S_INT ",\"unknown_cost_requests\":" S_INT ",\"cost_usd\":" S_USD ",\"tokens\":" S_REF("Tokens") "}},"

	"\"Log\":{\"type\":\"object\",\"properties\":{\"request_id\":" S_TEXT ",\"time\":" S_TIME_NULL ",\"client_request_id\":"
	S_TEXT_NULL ",\"key_id\":" S_TEXT_NULL ",\"key_name\":" S_TEXT_NULL ",\"team\":" S_TEXT_NULL ",\"user\":" S_TEXT_NULL ","
	"\"tags\":" S_TEXTS ",\"dialect\":" S_TEXT_NULL ",\"endpoint\":" S_TEXT_NULL ",\"model\":" S_TEXT_NULL ",\"provider\":"
	S_TEXT_NULL ",\"deployment\":" S_TEXT_NULL ",\"upstream_model\":" S_TEXT_NULL ",\"status\":" S_INT ",\"error\":" S_TEXT_NULL ","
	"\"stream\":" S_BOOL ",\"attempts_made\":" S_INT ",\"attempts\":{\"type\":\"array\",\"description\":\"the last one\",\"items\":"
	"{\"type\":\"object\",\"properties\":{\"deployment\":" S_TEXT ",\"status\":" S_INT ",\"error\":" S_TEXT_NULL "}}},"
	"\"tokens\":" S_REF("Tokens") ",\"usage_source\":{\"enum\":[\"reported\",\"counted\",\"none\"]},\"cost_usd\":" S_USD_NULL ","
	"\"latency_ms\":" S_INT ",\"first_byte_ms\":" S_INT ",\"overhead_us\":" S_INT "}},"

	"\"Model\":{\"type\":\"object\",\"properties\":{\"name\":" S_TEXT ",\"pattern\":" S_BOOL ",\"strategy\":" S_TEXT ","
	"\"deployments\":" S_LIST_OF("Deployment") ",\"fallbacks\":" S_TEXTS "}},"

	"\"Deployment\":{\"type\":\"object\",\"properties\":{\"name\":" S_TEXT ",\"provider\":" S_TEXT ",\"model\":" S_TEXT ","
	"\"weight\":" S_INT ",\"order\":{\"type\":\"integer\"},\"usd_per_million_tokens\":{\"type\":[\"object\",\"null\"],"
	"\"additionalProperties\":" S_USD "}}},"

	"\"Provider\":{\"type\":\"object\",\"properties\":{\"name\":" S_TEXT ",\"faces\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
	"\"properties\":{\"dialects\":" S_TEXTS ",\"base_url\":" S_TEXT_NULL "}}},\"credentials\":" S_INT ",\"region\":" S_TEXT_NULL ","
	"\"zdr\":" S_BOOL ",\"trains_on_data\":" S_BOOL "}},"

	"\"Reloaded\":{\"type\":\"object\",\"properties\":{\"reloaded\":" S_BOOL "}}}";

#endif
