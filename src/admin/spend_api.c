/* SPDX-License-Identifier: Apache-2.0 */
/* /admin/v1/spend and /admin/v1/logs: on a pool thread. */
#include "admin/admin_in.h"
#include "govern/report.h"

enum { SUMS_LIMIT = 1000, SUMS_MAX = 10000, ROWS_LIMIT = 100, ROWS_MAX = 1000 };

static bool read_filter(struct admin_call *c, struct report_filter *f, struct err *e)
{
	*f = (struct report_filter){ .key_id = c->param[PARAM_KEY], .model = c->param[PARAM_MODEL],
		                     .provider = c->param[PARAM_PROVIDER] };
	return input_time(c, PARAM_SINCE, &f->since_ms, e) && input_time(c, PARAM_UNTIL, &f->until_ms, e);
}

static void write_sum(struct json_writer *w, enum report_group group, const struct report_sum *s)
{
	json_open(w, '{');
	json_key_lit(w, "group");
	if (group == REPORT_TOTAL)
		json_null(w);
	else
		json_str(w, s->group);
	if (group == REPORT_BY_KEY) {
		json_key_lit(w, "key_name");
		write_text(w, s->key_name);
	}
	json_key_lit(w, "requests");
	json_u64(w, s->requests);
	json_key_lit(w, "errors");
	json_u64(w, s->errors);
	json_key_lit(w, "unknown_cost_requests");
	json_u64(w, s->unknown_cost_requests);
	json_key_lit(w, "cost_usd");
	write_usd(w, s->cost_nusd);
	json_key_lit(w, "tokens");
	write_tokens(w, &s->tokens);
	json_close(w);
}

bool spend_api_sums(struct admin_call *c, struct err *e)
{
	struct json_writer w = json_writer_make(c->out);
	enum report_group group = REPORT_TOTAL;
	struct str name = c->param[PARAM_GROUP];
	struct report_filter filter;
	struct report report = { 0 };
	size_t limit;

	if (name.p && !report_group_find(name, &group))
		return err_set(e, ERR_INVALID_REQUEST,
		               "group must be total, key, model, provider or day, it is \"%.*s\"",
		               STR_ARG(str_slice(name, 0, 64)));
	if (!input_limit(c, SUMS_LIMIT, SUMS_MAX, &limit, e) || !read_filter(c, &filter, e) ||
	    !report_sums(c->admin->options.ledger, &filter, group, limit, c->arena, &report, e))
		return false;
	json_open(&w, '{');
	json_key_lit(&w, "data");
	json_open(&w, '[');
	for (size_t i = 0; i < report.n; i++)
		write_sum(&w, group, &report.rows[i]);
	json_close(&w);
	json_key_lit(&w, "group");
	json_str(&w, str_from_z(report_group_name(group)));
	json_key_lit(&w, "more");
	json_bool(&w, report.more);
	json_key_lit(&w, "next_cursor");
	json_null(&w);
	json_close(&w);
	return true;
}

static void write_tags(struct json_writer *w, struct str tags)
{
	json_open(w, '[');
	while (tags.n) {
		struct str tag = str_trim(str_cut(&tags, ','));

		if (tag.n)
			json_str(w, tag);
	}
	json_close(w);
}

/* The ledger keeps how many calls were made and how the last one ended; each of them is in the access log. */
static void write_attempts(struct json_writer *w, const struct spend *s)
{
	json_key_lit(w, "attempts_made");
	json_u64(w, s->attempts);
	json_key_lit(w, "attempts");
	json_open(w, '[');
	if (s->attempts && s->deployment.n) {
		json_open(w, '{');
		json_key_lit(w, "deployment");
		json_str(w, s->deployment);
		json_key_lit(w, "status");
		json_u64(w, s->status);
		json_key_lit(w, "error");
		write_text(w, s->error);
		json_close(w);
	}
	json_close(w);
}

static void write_names(struct json_writer *w, const struct report_row *r)
{
	const struct spend *s = &r->spend;
	char id[ULID_LEN];

	ulid_text(id, s->id);
	json_key_lit(w, "request_id");
	json_str(w, str_of(id, sizeof(id)));
	json_key_lit(w, "time");
	write_time(w, r->time_ms);
	json_key_lit(w, "client_request_id");
	write_text(w, s->client_id);
	json_key_lit(w, "key_id");
	write_text(w, s->key_id);
	json_key_lit(w, "key_name");
	write_text(w, r->key_name);
	json_key_lit(w, "team");
	write_text(w, s->team);
	json_key_lit(w, "user");
	write_text(w, s->user);
	json_key_lit(w, "tags");
	write_tags(w, s->tags);
	json_key_lit(w, "dialect");
	write_text(w, s->dialect);
	json_key_lit(w, "endpoint");
	write_text(w, s->endpoint);
	json_key_lit(w, "model");
	write_text(w, s->model);
	json_key_lit(w, "provider");
	write_text(w, s->provider);
	json_key_lit(w, "deployment");
	write_text(w, s->deployment);
	json_key_lit(w, "upstream_model");
	write_text(w, s->upstream_model);
}

static void write_row(struct json_writer *w, const struct report_row *r)
{
	const struct spend *s = &r->spend;

	json_open(w, '{');
	write_names(w, r);
	json_key_lit(w, "status");
	json_u64(w, s->status);
	json_key_lit(w, "error");
	write_text(w, s->error);
	json_key_lit(w, "stream");
	json_bool(w, s->stream);
	write_attempts(w, s);
	json_key_lit(w, "tokens");
	write_tokens(w, &s->tokens);
	json_key_lit(w, "usage_source");
	json_str(w, str_from_z(spend_usage_name(s->usage)));
	json_key_lit(w, "cost_usd");
	if (s->cost_known)
		write_usd(w, s->cost_nusd);
	else
		json_null(w);
	json_key_lit(w, "saved_usd");
	write_usd(w, s->saved_nusd);
	json_key_lit(w, "latency_ms");
	json_u64(w, s->latency_ms);
	json_key_lit(w, "first_byte_ms");
	json_u64(w, s->first_byte_ms);
	json_key_lit(w, "overhead_us");
	json_u64(w, s->overhead_us);
	json_close(w);
}

bool spend_api_rows(struct admin_call *c, struct err *e)
{
	struct json_writer w = json_writer_make(c->out);
	struct report_filter filter;
	struct report_rows rows = { 0 };
	size_t limit;

	if (!input_limit(c, ROWS_LIMIT, ROWS_MAX, &limit, e) || !read_filter(c, &filter, e) ||
	    !report_rows(c->admin->options.ledger, &filter, limit, c->param[PARAM_CURSOR], c->arena, &rows, e))
		return false;
	write_list_open(&w);
	for (size_t i = 0; i < rows.n; i++)
		write_row(&w, &rows.rows[i]);
	write_list_close(&w, rows.next_cursor);
	return true;
}

bool spend_api_row(struct admin_call *c, struct err *e)
{
	struct json_writer w = json_writer_make(c->out);
	struct report_row row = { 0 };
	struct ulid id;

	if (!spend_id_read(c->id, &id))
		return err_set(e, ERR_NOT_FOUND, "\"%.*s\" is no request id: they have 26 characters",
		               STR_ARG(str_slice(c->id, 0, 64)));
	if (!report_get(c->admin->options.ledger, id, c->arena, &row, e))
		return false;
	write_row(&w, &row);
	return true;
}
