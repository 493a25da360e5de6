/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the settings of logs, telemetry and alerts. */

#include "observe/settings.h"

#include "net/url.h"

#define AT(member) .offset = offsetof(struct STRUCT, member)

static const char *const requests_words[] = { "off", "metadata", "full", NULL };
static const char *const level_words[] = { "debug", "info", "warn", "error", NULL };
static const char *const format_words[] = { "text", "json", NULL };

#define STRUCT logs_settings
static const struct setting logs_rows[] = {
	{ .name = "requests", .type = SETTING_WORD, AT(requests), .value = "metadata", .words = requests_words,
	  .support = SETTING_IGNORED, .acts_on = "off metadata",
	  .help = "One JSON line for each request: off, without or with (full) its texts." },
	{ .name = "access", .type = SETTING_TEXT, AT(access), .value = "stdout", .needs_restart = true,
	  .help = "Where these lines go: stdout, stderr or the path of a file." },
	{ .name = "retention", .type = SETTING_DURATION, AT(retention_ms), .min = "1h", .max = "3660d",
	  .support = SETTING_IGNORED, .help = "Stored request logs are removed after this. Left out: never." },
	{ .name = "level", .type = SETTING_WORD, AT(level), .value = "info", .words = level_words,
	  .needs_restart = true,
	  .help = "Least level of the program's own messages on stderr." },
	{ .name = "format", .type = SETTING_WORD, AT(format), .value = "text", .words = format_words,
	  .needs_restart = true,
	  .help = "Form of the program's own messages." },
};
#undef STRUCT
const struct settings logs_settings = {
	.name = "logs", .size = sizeof(struct logs_settings), .rows = logs_rows, .n = COUNT_OF(logs_rows),
};

#define STRUCT telemetry_settings
static const struct setting telemetry_rows[] = {
	{ .name = "otlp", .type = SETTING_SECRET, AT(otlp), .support = SETTING_IGNORED,
	  .help = "URL that OpenTelemetry traces and metrics are sent to. Empty: off." },
	{ .name = "prometheus", .type = SETTING_BOOL, AT(prometheus), .value = "true", .help = "Serve GET /metrics." },
};
#undef STRUCT
const struct settings telemetry_settings = {
	.name = "telemetry", .size = sizeof(struct telemetry_settings), .rows = telemetry_rows,
	.n = COUNT_OF(telemetry_rows),
};

#define STRUCT alerts_settings
static const struct setting alerts_rows[] = {
	{ .name = "webhook", .type = SETTING_SECRET, AT(webhook),
	  .help = "URL that is told, with a POST of JSON, when a deployment is taken out or is back, or a "
	          "credential is refused." },
	{ .name = "secret", .type = SETTING_SECRET, AT(secret),
	  .help = "Signs the webhook's body: x-sluice-signature: sha256=HMAC." },
	{ .name = "ca", .type = SETTING_TEXT, AT(ca),
	  .help = "PEM file of the webhook's certificates, instead of the system's." },
	{ .name = "timeout", .type = SETTING_DURATION, AT(timeout_ms), .value = "5s", .min = "100ms", .max = "1m",
	  .help = "How long the webhook may take to answer; it is tried four times." },
};
#undef STRUCT

/* An address that nobody can call would be noticed when the first alarm does not come. */
static bool check_alerts(void *item, struct setting_checker *c)
{
	struct alerts_settings *s = item;
	struct url u;
	struct err e;

	return s->webhook.n == 0 || url_read(s->webhook, &u, ERR_CONFIG, &e) || c->refuse(c, &s->webhook, "%s", e.text);
}
const struct settings alerts_settings = {
	.name = "alerts", .size = sizeof(struct alerts_settings), .rows = alerts_rows, .n = COUNT_OF(alerts_rows),
	.check = check_alerts,
};
