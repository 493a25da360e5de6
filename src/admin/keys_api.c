/* SPDX-License-Identifier: Apache-2.0 */
/* /admin/v1/keys: on a pool thread. */
#include "admin/admin_in.h"
#include "govern/keys.h"

enum { LIST_LIMIT = 100, LIST_MAX = 1000 };

static struct str source_name(enum key_source source)
{
	switch (source) {
	case KEY_STORED: return STR("stored");
	case KEY_FIXED: return STR("config");
	case KEY_BUILTIN: return STR("builtin");
	}
	return STR("");
}

/* `token` with p == NULL: no member "key"; with n == 0: null. */
static void write_key(struct json_writer *w, const struct key_info *k, struct str token)
{
	json_open(w, '{');
	json_key_lit(w, "id");
	json_str(w, k->id);
	if (token.p) {
		json_key_lit(w, "key");
		write_text(w, token);
	}
	json_key_lit(w, "name");
	json_str(w, k->name);
	json_key_lit(w, "hint");
	write_text(w, k->hint);
	json_key_lit(w, "team");
	write_text(w, k->team);
	json_key_lit(w, "user");
	write_text(w, k->user);
	json_key_lit(w, "models");
	write_texts(w, k->models, k->n_models);
	json_key_lit(w, "tags");
	write_texts(w, k->tags, k->n_tags);
	json_key_lit(w, "role");
	json_str(w, k->role == KEY_ADMIN ? STR("admin") : STR("user"));
	json_key_lit(w, "weight");
	json_u64(w, key_weight(k));
	json_key_lit(w, "priority");
	json_u64(w, key_priority(k));
	json_key_lit(w, "source");
	json_str(w, source_name(k->source));
	json_key_lit(w, "created_at");
	write_time(w, k->created_ms);
	json_key_lit(w, "expires_at");
	write_time(w, k->expires_ms);
	json_key_lit(w, "revoked_at");
	write_time(w, k->revoked_ms);
	json_close(w);
}

static bool answer_key(struct admin_call *c, const struct key_info *k, struct str token)
{
	struct json_writer w = json_writer_make(c->out);

	write_key(&w, k, token);
	return true;
}

/* What an earlier request with this Idempotency-Key made, as it is now. */
static bool answer_made_before(struct admin_call *c, struct str id, struct err *e)
{
	struct key_info k = { 0 };

	return keys_get(c->admin->options.keys, id, c->arena, &k, e) && answer_key(c, &k, STR(""));
}

bool keys_api_create(struct admin_call *c, struct err *e)
{
	struct key_info spec;
	struct key_made made = { 0 };
	struct str before;
	unsigned what;
	bool good;

	if (!input_key(c, &spec, &what, e))
		return false;
	switch (idempotency_begin(c->admin->idempotency, c, STR("create"), &before, e)) {
	case IDEMPOTENCY_NEW:
		break;
	case IDEMPOTENCY_DONE:
		return answer_made_before(c, before, e);
	case IDEMPOTENCY_CONFLICT:
		return false;
	}
	good = keys_create(c->admin->options.keys, &spec, c->arena, &made, e);
	idempotency_end(c->admin->idempotency, c, good ? made.info.id : STR(""));
	return good && answer_key(c, &made.info, made.token);
}

bool keys_api_rotate(struct admin_call *c, struct err *e)
{
	struct key_made made = { 0 };
	struct str before;
	bool good;

	switch (idempotency_begin(c->admin->idempotency, c, c->id, &before, e)) {
	case IDEMPOTENCY_NEW:
		break;
	case IDEMPOTENCY_DONE:
		return answer_made_before(c, before, e);
	case IDEMPOTENCY_CONFLICT:
		return false;
	}
	good = keys_rotate(c->admin->options.keys, c->id, c->arena, &made, e);
	idempotency_end(c->admin->idempotency, c, good ? made.info.id : STR(""));
	return good && answer_key(c, &made.info, made.token);
}

bool keys_api_get(struct admin_call *c, struct err *e)
{
	struct key_info k = { 0 };

	return keys_get(c->admin->options.keys, c->id, c->arena, &k, e) && answer_key(c, &k, (struct str){ NULL, 0 });
}

bool keys_api_edit(struct admin_call *c, struct err *e)
{
	struct key_info to, k = { 0 };
	unsigned what;

	if (!input_key(c, &to, &what, e))
		return false;
	if (!what)
		return err_set(e, ERR_INVALID_REQUEST, "the body names nothing to change");
	return keys_edit(c->admin->options.keys, c->id, what, &to, c->arena, &k, e) &&
	       answer_key(c, &k, (struct str){ NULL, 0 });
}

bool keys_api_revoke(struct admin_call *c, struct err *e)
{
	return keys_revoke(c->admin->options.keys, c->id, e);
}

bool keys_api_list(struct admin_call *c, struct err *e)
{
	struct keys_query q = { .cursor = c->param[PARAM_CURSOR],
		                .team = c->param[PARAM_TEAM],
		                .user = c->param[PARAM_USER] };
	struct json_writer w = json_writer_make(c->out);
	struct keys_page page = { 0 };

	if (!input_limit(c, LIST_LIMIT, LIST_MAX, &q.limit, e) || !input_bool(c, PARAM_REVOKED, &q.with_revoked, e) ||
	    !keys_list(c->admin->options.keys, &q, c->arena, &page, e))
		return false;
	write_list_open(&w);
	for (size_t i = 0; i < page.n; i++)
		write_key(&w, &page.rows[i], (struct str){ NULL, 0 });
	write_list_close(&w, page.next_cursor);
	return true;
}
