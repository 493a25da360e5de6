/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual keys: the stored ones, those of the configuration, and the admin key. */
#include "govern/keys.h"

#include <assert.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/text.h"
#include "govern/govern_in.h"
#include "store/dir.h"

#define TOKEN_PREFIX "sk-sl-"
enum {
	TOKEN_LEN = sizeof(TOKEN_PREFIX) - 1 + 43, /* 256 bits in base64url */
	ID_LEN = 4 + ULID_LEN,
	HINT_LEN = 4,
	HINT_FROM_LEN = 24, /* shorter texts would be given away by four characters */
	NAME_MAX_BYTES = 128,
	MODEL_MAX_BYTES = 256,
	MODELS_MAX = 256,
	TAG_MAX_BYTES = 64,
	TAGS_MAX = 64,
	LIST_MAX = 1000,
	ADMIN_FILE_MAX_BYTES = 600,
};

struct keys {
	pthread_mutex_t lock; /* of everything below; held across SQLite, so never taken by a loop */
	struct db *db;
	struct keytable *table;
	struct map by_id;   /* stored keys that are not revoked; each entry holds a reference */
	struct key **fixed; /* the admin key first, then those of the configuration; a reference each */
	size_t n_fixed;
	char *data_dir;
};

/* ---- texts ---- */

static bool text_ok(struct str s, size_t max)
{
	if (s.n > max || !text_is_utf8(s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static bool check_text(const char *field, struct str s, size_t min, size_t max, struct err *e)
{
	if (s.n >= min && text_ok(s, max))
		return true;
	return err_set(e, ERR_INVALID_REQUEST, "%s must be UTF-8 text of %zu to %zu bytes without control characters",
	               field, min, max);
}

static bool check_texts(const char *field, const struct str *list, size_t n, size_t n_max, size_t max, struct err *e)
{
	if (n > n_max)
		return err_set(e, ERR_INVALID_REQUEST, "%s has %zu entries; at most %zu are allowed", field, n, n_max);
	for (size_t i = 0; i < n; i++)
		if (!check_text(field, list[i], 1, max, e))
			return err_prefix(e, "entry %zu", i + 1);
	return true;
}

static bool check_info(const struct key_info *k, struct err *e)
{
	if (k->role != KEY_USER && k->role != KEY_ADMIN)
		return err_set(e, ERR_INVALID_REQUEST, "role must be user or admin");
	if (k->weight > KEY_WEIGHT_MAX)
		return err_set(e, ERR_INVALID_REQUEST, "weight must be 1 to %d", KEY_WEIGHT_MAX);
	if (k->behind < -1 || k->behind > 1)
		return err_set(e, ERR_INVALID_REQUEST, "priority must be 0, 1 or 2");
	return check_text("name", k->name, 1, NAME_MAX_BYTES, e) && check_text("team", k->team, 0, NAME_MAX_BYTES, e) &&
	       check_text("user", k->user, 0, NAME_MAX_BYTES, e) &&
	       check_texts("models", k->models, k->n_models, MODELS_MAX, MODEL_MAX_BYTES, e) &&
	       check_texts("tags", k->tags, k->n_tags, TAGS_MAX, TAG_MAX_BYTES, e);
}

static bool check_expires(uint64_t expires_ms, struct err *e)
{
	if (expires_ms == 0 || (expires_ms > clock_real_ms() && expires_ms <= INT64_MAX))
		return true;
	return err_set(e, ERR_INVALID_REQUEST, "expires_at must lie in the future");
}

/* Lists are stored one entry a line: control characters are refused above. */
static void lines_write(struct buf *out, const struct str *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_append_c(out, '\n');
		buf_append(out, list[i]);
	}
}

/* False: the arena's ceiling. */
static bool lines_read(struct arena *a, struct str lines, const struct str **list, size_t *n)
{
	size_t count = lines.n > 0;
	struct str *out;

	for (size_t i = 0; i < lines.n; i++)
		count += lines.p[i] == '\n';
	lines = arena_dup(a, lines);
	out = arena_alloc(a, (count + 1) * sizeof(struct str));
	if (!lines.p || !out)
		return false;
	for (size_t i = 0; i < count; i++)
		out[i] = str_cut(&lines, '\n');
	*list = out;
	*n = count;
	return true;
}

static bool arena_full(struct err *e)
{
	return err_set(e, ERR_TOO_LARGE, "the list of keys is larger than the memory of one request");
}

static bool texts_dup(struct arena *a, const struct str **list, size_t n)
{
	struct str *out = arena_alloc(a, (n + 1) * sizeof(struct str));

	for (size_t i = 0; out && i < n; i++) {
		out[i] = arena_dup(a, (*list)[i]);
		if (!out[i].p)
			return false;
	}
	*list = out;
	return out != NULL;
}

static bool info_dup(struct arena *a, const struct key_info *from, struct key_info *to, struct err *e)
{
	struct key_info k = *from;
	struct str *texts[] = { &k.id, &k.name, &k.hint, &k.team, &k.user };

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		*texts[i] = arena_dup(a, *texts[i]);
		if (!texts[i]->p)
			return arena_full(e);
	}
	if (!texts_dup(a, &k.models, k.n_models) || !texts_dup(a, &k.tags, k.n_tags))
		return arena_full(e);
	*to = k;
	return true;
}

static struct str hint_of(struct str token)
{
	return token.n >= HINT_FROM_LEN ? str_slice(token, token.n - HINT_LEN, token.n) : str_of(NULL, 0);
}

static void token_new(char out[TOKEN_LEN])
{
	uint8_t secret[32];
	struct buf b = buf_make(TOKEN_LEN + 1);

	rand_secret(secret, sizeof(secret));
	buf_append(&b, STR(TOKEN_PREFIX));
	text_base64url(&b, str_of((char *)secret, sizeof(secret)));
	assert(!b.failed && b.n == TOKEN_LEN);
	memcpy(out, b.p, TOKEN_LEN);
	OPENSSL_cleanse(b.p, b.n);
	OPENSSL_cleanse(secret, sizeof(secret));
	buf_fini(&b);
}

/* ---- rows ---- */

#define KEY_COLUMNS "id, digest, hint, name, team, user, models, tags, role, created_ms, expires_ms, revoked_ms, " \
	"weight, behind"

static bool row_read(struct stmt *s, struct arena *a, struct key_info *out, struct err *e)
{
	struct key_info k = {
		.id = stmt_text(s, 0),
		.hint = stmt_text(s, 2),
		.name = stmt_text(s, 3),
		.team = stmt_text(s, 4),
		.user = stmt_text(s, 5),
		.role = stmt_i64(s, 8) == KEY_ADMIN ? KEY_ADMIN : KEY_USER,
		.source = KEY_STORED,
		.created_ms = (uint64_t)stmt_i64(s, 9),
		.expires_ms = (uint64_t)stmt_i64(s, 10),
		.revoked_ms = (uint64_t)stmt_i64(s, 11),
		.weight = (uint32_t)stmt_i64(s, 12),
		.behind = (int8_t)stmt_i64(s, 13),
	};

	if (!lines_read(a, stmt_text(s, 6), &k.models, &k.n_models) ||
	    !lines_read(a, stmt_text(s, 7), &k.tags, &k.n_tags))
		return arena_full(e);
	return info_dup(a, &k, out, e);
}

/* Inserts or overwrites; both on disk when it returns (DB_SYNC_FULL). */
static bool row_write(struct keys *ks, const struct key *key, struct err *e)
{
	const struct key_info *k = &key->info;
	struct buf models = buf_make(MODELS_MAX * (MODEL_MAX_BYTES + 1)),
		   tags = buf_make(TAGS_MAX * (TAG_MAX_BYTES + 1));
	struct stmt *s = db_stmt(ks->db, "INSERT OR REPLACE INTO keys (" KEY_COLUMNS ") "
	                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)");
	bool ok;

	lines_write(&models, k->models, k->n_models);
	lines_write(&tags, k->tags, k->n_tags);
	assert(!models.failed && !tags.failed);
	stmt_bind_text(s, 1, k->id);
	stmt_bind_blob(s, 2, str_of((const char *)key->digest, KEY_DIGEST_BYTES));
	stmt_bind_text(s, 3, k->hint);
	stmt_bind_text(s, 4, k->name);
	stmt_bind_text(s, 5, k->team);
	stmt_bind_text(s, 6, k->user);
	stmt_bind_text(s, 7, buf_str(&models));
	stmt_bind_text(s, 8, buf_str(&tags));
	stmt_bind_i64(s, 9, k->role);
	stmt_bind_i64(s, 10, (int64_t)k->created_ms);
	stmt_bind_i64(s, 11, (int64_t)k->expires_ms);
	stmt_bind_i64(s, 12, (int64_t)k->revoked_ms);
	stmt_bind_i64(s, 13, k->weight);
	stmt_bind_i64(s, 14, k->behind);
	ok = stmt_run(s, e);
	buf_fini(&models);
	buf_fini(&tags);
	return ok;
}

/* ---- in memory ---- */

/* Makes the key the living one of its id: found from now on, and the one before it, if any, dead. Takes the
 * reference. */
static void key_publish(struct keys *ks, struct key *key)
{
	struct key *old;

	keytable_put(ks->table, key);
	old = map_take(&ks->by_id, key->info.id); /* the entry's key text is inside the old object */
	(void)map_put(&ks->by_id, key->info.id, key);
	if (old)
		key_kill(old, memcmp(old->digest, key->digest, KEY_DIGEST_BYTES) != 0);
	key_unref(old);
}

static struct key *fixed_find(const struct keys *ks, struct str id)
{
	for (size_t i = 0; i < ks->n_fixed; i++)
		if (str_eq(ks->fixed[i]->info.id, id))
			return ks->fixed[i];
	return NULL;
}

static bool not_found(struct str id, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "there is no key with the id \"%.*s\"", (int)(id.n < 64 ? id.n : 64), id.p);
}

static bool load_row(struct keys *ks, struct stmt *s, struct arena *a, struct err *e)
{
	struct str digest = stmt_blob(s, 1);
	struct key_info info;

	if (digest.n != KEY_DIGEST_BYTES)
		return err_set(e, ERR_SYSTEM, "%s: a key's digest has %zu bytes, not %d", db_path(ks->db), digest.n,
		               KEY_DIGEST_BYTES);
	if (!row_read(s, a, &info, e))
		return false;
	key_publish(ks, key_new(&info, (const uint8_t *)digest.p));
	return true;
}

/* Revoked keys stay on disk, for their names in old spend, and out of memory. */
static bool load(struct keys *ks, struct err *e)
{
	struct stmt *s = db_stmt(ks->db, "SELECT " KEY_COLUMNS " FROM keys WHERE revoked_ms = 0");
	enum stmt_result r;
	bool ok = true;

	while (ok && (r = stmt_step(s, e)) != STMT_DONE) {
		struct arena a;

		arena_init(&a, 1 << 20);
		ok = r == STMT_ROW && load_row(ks, s, &a, e);
		arena_fini(&a);
	}
	stmt_reset(s);
	return ok;
}

/* ---- the installation's secret ---- */

static bool check_read(struct db *db, uint8_t mac[KEY_DIGEST_BYTES], bool *found, struct err *e)
{
	struct stmt *s = db_stmt(db, "SELECT mac FROM secret_check");
	enum stmt_result r = stmt_step(s, e);

	*found = r == STMT_ROW && stmt_blob(s, 0).n == KEY_DIGEST_BYTES;
	if (*found)
		memcpy(mac, stmt_blob(s, 0).p, KEY_DIGEST_BYTES);
	stmt_reset(s);
	return r != STMT_FAILED;
}

static bool check_write(struct db *db, const uint8_t mac[KEY_DIGEST_BYTES], struct err *e)
{
	struct stmt *s = db_stmt(db, "INSERT INTO secret_check (id, mac) VALUES (1, ?1)");

	stmt_bind_blob(s, 1, str_of((const char *)mac, KEY_DIGEST_BYTES));
	return stmt_run(s, e);
}

static bool secret_load(struct db *db, const char *path, bool used, uint8_t secret[KEY_SECRET_BYTES], struct err *e)
{
	size_t n = 0;

	switch (dir_read_secret(path, (char *)secret, KEY_SECRET_BYTES, &n, e)) {
	case DIR_FAILED: return false;
	case DIR_FOUND:
		return n == KEY_SECRET_BYTES ||
		       err_set(e, ERR_SYSTEM, "%s: has %zu bytes, not %d", path, n, KEY_SECRET_BYTES);
	case DIR_ABSENT: break;
	}
	if (used)
		return err_set(
			e, ERR_SYSTEM,
			"%s: is missing, and the keys in %s were made with it; restore it, or move that file aside "
			"to start without keys and spend",
			path, db_path(db));
	rand_secret(secret, KEY_SECRET_BYTES);
	return dir_write_secret(path, str_of((char *)secret, KEY_SECRET_BYTES), e);
}

/* The table, with the secret that is on disk; made at first start. */
static struct keytable *table_open(const char *data_dir, struct db *db, struct err *e)
{
	char path[PATH_MAX];
	uint8_t secret[KEY_SECRET_BYTES], stored[KEY_DIGEST_BYTES], mac[KEY_DIGEST_BYTES];
	struct keytable *t = NULL;
	bool used = false;

	if (!dir_join(path, sizeof(path), data_dir, "secret", e) || !check_read(db, stored, &used, e) ||
	    !secret_load(db, path, used, secret, e))
		return NULL;
	t = keytable_new(secret);
	OPENSSL_cleanse(secret, sizeof(secret));
	keytable_digest(t, STR("sluice: is this the secret of these keys?"), mac);
	if (!used && check_write(db, mac, e))
		return t;
	if (used && CRYPTO_memcmp(mac, stored, sizeof(mac)) == 0)
		return t;
	if (used)
		(void)err_set(e, ERR_SYSTEM, "%s: is not the secret that the keys in %s were made with", path,
		              db_path(db));
	keytable_free(t);
	return NULL;
}

/* ---- keys of the configuration ---- */

/* Reads data_dir/admin_key, or makes it. `out` has room for ADMIN_FILE_MAX_BYTES. */
static bool admin_key_load(const char *data_dir, char *out, struct str *token, struct err *e)
{
	char path[PATH_MAX], line[TOKEN_LEN + 1];
	size_t n = 0;
	bool ok;

	if (!dir_join(path, sizeof(path), data_dir, "admin_key", e))
		return false;
	switch (dir_read_secret(path, out, ADMIN_FILE_MAX_BYTES, &n, e)) {
	case DIR_FAILED: return false;
	case DIR_FOUND:
		while (n && (out[n - 1] == '\n' || out[n - 1] == '\r'))
			n--;
		*token = str_of(out, n);
		return n > 0 || err_set(e, ERR_SYSTEM, "%s: is empty; remove it to have a new admin key made", path);
	case DIR_ABSENT: break;
	}
	token_new(out);
	*token = str_of(out, TOKEN_LEN);
	memcpy(line, out, TOKEN_LEN);
	line[TOKEN_LEN] = '\n';
	ok = dir_write_secret(path, str_of(line, sizeof(line)), e);
	OPENSSL_cleanse(line, sizeof(line));
	if (ok)
		log_info("govern", "no admin key is configured: one was made and written to %s", path);
	return ok;
}

static struct key *fixed_key(struct keys *ks, const struct key_info *info, struct str token)
{
	struct key_info k = *info;
	uint8_t digest[KEY_DIGEST_BYTES];

	k.hint = hint_of(token);
	keytable_digest(ks->table, token, digest);
	return key_new(&k, digest);
}

/* A text that is two keys at once would give one of them the rights of the other. */
static bool fixed_check(struct keys *ks, struct key *const *made, size_t n, struct err *e)
{
	const struct key *key = made[n - 1], *stored = keytable_peek(ks->table, key->digest);

	for (size_t i = 0; i + 1 < n; i++) {
		if (str_eq(made[i]->info.id, key->info.id))
			return err_set(e, ERR_CONFIG, "two keys have the name \"%.*s\"", STR_ARG(key->info.name));
		if (CRYPTO_memcmp(made[i]->digest, key->digest, KEY_DIGEST_BYTES) == 0)
			return err_set(e, ERR_CONFIG, "the keys \"%.*s\" and \"%.*s\" have the same text",
			               STR_ARG(made[i]->info.name), STR_ARG(key->info.name));
	}
	if (stored && stored->info.source == KEY_STORED && !atomic_load(&stored->dead))
		return err_set(e, ERR_CONFIG, "the key \"%.*s\" has the same text as the stored key %.*s",
		               STR_ARG(key->info.name), STR_ARG(stored->info.id));
	return true;
}

static bool fixed_make(struct keys *ks, const struct key_fixed *f, struct key **out, struct err *e)
{
	char id[4 + NAME_MAX_BYTES] = "cfg_";
	struct key_info info = {
		.name = f->name,
		.team = f->team,
		.user = f->user,
		.models = f->models,
		.n_models = f->n_models,
		.tags = f->tags,
		.n_tags = f->n_tags,
		.role = f->role,
		.weight = f->weight,
		.behind = f->behind,
		.source = KEY_FIXED,
	};

	if (!check_info(&info, e)) {
		if (e)
			e->code = ERR_CONFIG;
		return err_prefix(e, "key \"%.*s\"", (int)(f->name.n < 64 ? f->name.n : 64), f->name.p);
	}
	if (f->key.n == 0 || f->key.n > 512)
		return err_set(e, ERR_CONFIG, "key \"%.*s\": its text must have 1 to 512 bytes, it has %zu",
		               STR_ARG(f->name), f->key.n);
	memcpy(id + 4, f->name.p, f->name.n);
	info.id = str_of(id, 4 + f->name.n);
	*out = fixed_key(ks, &info, f->key);
	return true;
}

/* All keys of the configuration as objects, none published yet. */
static bool fixed_make_all(struct keys *ks, struct str admin, const struct key_fixed *list, size_t n, struct key **made,
                           size_t *n_made, struct err *e)
{
	static const struct key_info admin_info = {
		.id = STR_INIT("admin"),
		.name = STR_INIT("admin"),
		.role = KEY_ADMIN,
		.source = KEY_BUILTIN,
	};
	char file[ADMIN_FILE_MAX_BYTES];

	if (admin.n == 0 && !admin_key_load(ks->data_dir, file, &admin, e))
		return false;
	if (admin.n > 512)
		return err_set(e, ERR_CONFIG, "the admin key must have 1 to 512 bytes, it has %zu", admin.n);
	made[(*n_made)++] = fixed_key(ks, &admin_info, admin);
	OPENSSL_cleanse(file, sizeof(file));
	if (!fixed_check(ks, made, *n_made, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!fixed_make(ks, &list[i], &made[*n_made], e))
			return false;
		(*n_made)++;
		if (!fixed_check(ks, made, *n_made, e))
			return false;
	}
	return true;
}

static bool fixed_contains(struct key *const *list, size_t n, const struct key *key)
{
	for (size_t i = 0; i < n; i++)
		if (CRYPTO_memcmp(list[i]->digest, key->digest, KEY_DIGEST_BYTES) == 0)
			return true;
	return false;
}

static void fixed_drop(struct key **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		key_unref(list[i]);
	free(list);
}

/* The new ones are found before the old ones die: a key that is in both is valid throughout. */
static void fixed_publish(struct keys *ks, struct key **made, size_t n)
{
	for (size_t i = 0; i < n; i++)
		keytable_put(ks->table, made[i]);
	for (size_t i = 0; i < ks->n_fixed; i++)
		key_kill(ks->fixed[i], !fixed_contains(made, n, ks->fixed[i]));
	fixed_drop(ks->fixed, ks->n_fixed);
	ks->fixed = made;
	ks->n_fixed = n;
}

bool keys_set_fixed(struct keys *ks, struct str admin, const struct key_fixed *list, size_t n, struct err *e)
{
	struct key **made = mem_zalloc((n + 1) * sizeof(struct key *));
	size_t n_made = 0;
	bool ok;

	pthread_mutex_lock(&ks->lock);
	ok = fixed_make_all(ks, admin, list, n, made, &n_made, e);
	if (ok)
		fixed_publish(ks, made, n_made);
	pthread_mutex_unlock(&ks->lock);
	if (!ok)
		fixed_drop(made, n_made);
	return ok;
}

/* ---- open, close ---- */

struct keys *keys_open(const struct keys_options *o, struct err *e)
{
	struct keys *ks = mem_zalloc(sizeof(*ks));

	pthread_mutex_init(&ks->lock, NULL);
	ks->data_dir = mem_dup(o->data_dir, strlen(o->data_dir));
	ks->db = govern_db_open(o->data_dir, DB_SYNC_FULL, e);
	if (ks->db)
		ks->table = table_open(o->data_dir, ks->db, e);
	if (ks->table && load(ks, e) && keys_set_fixed(ks, o->admin_key, o->fixed, o->n_fixed, e))
		return ks;
	keys_close(ks);
	return NULL;
}

void keys_close(struct keys *ks)
{
	void *key;

	if (!ks)
		return;
	for (size_t i = 0; map_next(&ks->by_id, &i, NULL, &key);)
		key_unref(key);
	map_fini(&ks->by_id);
	fixed_drop(ks->fixed, ks->n_fixed);
	keytable_free(ks->table);
	db_close(ks->db);
	pthread_mutex_destroy(&ks->lock);
	free(ks->data_dir);
	free(ks);
}

struct keys_reader *keys_reader_new(struct keys *ks)
{
	return keytable_reader(ks->table);
}

/* ---- changes ---- */

/* What the caller is told, before anything is changed: nothing can fail after the store has it. */
static bool made_fill(struct arena *a, const struct key_info *info, const char *token, struct key_made *out,
                      struct err *e)
{
	out->token = arena_dup(a, str_of(token, TOKEN_LEN));
	return (out->token.p || arena_full(e)) && info_dup(a, info, &out->info, e);
}

/* Stores and publishes `info` under a new text. Lock held. */
static bool store_with_new_token(struct keys *ks, struct key_info *info, struct arena *a, struct key_made *out,
                                 struct err *e)
{
	char token[TOKEN_LEN];
	uint8_t digest[KEY_DIGEST_BYTES];
	struct key *key;
	struct key_made made;
	bool ok;

	token_new(token);
	info->hint = hint_of(str_of(token, TOKEN_LEN));
	keytable_digest(ks->table, str_of(token, TOKEN_LEN), digest);
	key = key_new(info, digest);
	ok = made_fill(a, &key->info, token, &made, e) && row_write(ks, key, e);
	OPENSSL_cleanse(token, sizeof(token));
	if (!ok) {
		key_unref(key);
		return false;
	}
	key_publish(ks, key);
	*out = made;
	return true;
}

bool keys_create(struct keys *ks, const struct key_info *spec, struct arena *a, struct key_made *out, struct err *e)
{
	char id[ID_LEN] = "key_";
	struct key_info info = *spec;
	bool ok;

	if (!check_info(&info, e) || !check_expires(info.expires_ms, e))
		return false;
	info.created_ms = clock_real_ms();
	info.revoked_ms = 0;
	info.source = KEY_STORED;
	ulid_text(id + 4, ulid_new(info.created_ms));
	info.id = str_of(id, ID_LEN);
	pthread_mutex_lock(&ks->lock);
	ok = store_with_new_token(ks, &info, a, out, e);
	pthread_mutex_unlock(&ks->lock);
	return ok;
}

/* The living stored key of this id, or the reason why there is none to change. Lock held. */
static struct key *changeable(struct keys *ks, struct str id, struct err *e)
{
	struct key *key = map_get(&ks->by_id, id);
	struct stmt *s;
	enum stmt_result r;

	if (key && !atomic_load(&key->dead))
		return key;
	if (fixed_find(ks, id)) {
		(void)err_set(e, ERR_CONFLICT, "the key \"%.*s\" is set in the configuration and is changed there",
		              STR_ARG(id));
		return NULL;
	}
	s = db_stmt(ks->db, "SELECT 1 FROM keys WHERE id = ?1");
	stmt_bind_text(s, 1, id);
	r = stmt_step(s, e);
	stmt_reset(s);
	if (r == STMT_ROW)
		(void)err_set(e, ERR_CONFLICT, "the key \"%.*s\" is revoked", STR_ARG(id));
	else if (r == STMT_DONE)
		(void)not_found(id, e);
	return NULL;
}

bool keys_rotate(struct keys *ks, struct str id, struct arena *a, struct key_made *out, struct err *e)
{
	struct key *key;
	bool ok = false;

	pthread_mutex_lock(&ks->lock);
	key = changeable(ks, id, e);
	if (key) {
		struct key_info info = key->info;

		ok = store_with_new_token(ks, &info, a, out, e);
	}
	pthread_mutex_unlock(&ks->lock);
	return ok;
}

static void edit_apply(struct key_info *info, unsigned what, const struct key_info *to)
{
	if (what & KEY_EDIT_NAME)
		info->name = to->name;
	if (what & KEY_EDIT_TEAM)
		info->team = to->team;
	if (what & KEY_EDIT_USER)
		info->user = to->user;
	if (what & KEY_EDIT_ROLE)
		info->role = to->role;
	if (what & KEY_EDIT_EXPIRES)
		info->expires_ms = to->expires_ms;
	if (what & KEY_EDIT_WEIGHT)
		info->weight = to->weight;
	if (what & KEY_EDIT_PRIORITY)
		info->behind = to->behind;
	if (what & KEY_EDIT_MODELS) {
		info->models = to->models;
		info->n_models = to->n_models;
	}
	if (what & KEY_EDIT_TAGS) {
		info->tags = to->tags;
		info->n_tags = to->n_tags;
	}
}

static bool edit(struct keys *ks, struct key *key, const struct key_info *info, struct arena *a, struct key_info *out,
                 struct err *e)
{
	struct key *edited = key_new(info, key->digest);
	struct key_info told;

	if (!info_dup(a, &edited->info, &told, e) || !row_write(ks, edited, e)) {
		key_unref(edited);
		return false;
	}
	key_publish(ks, edited);
	*out = told;
	return true;
}

bool keys_edit(struct keys *ks, struct str id, unsigned what, const struct key_info *to, struct arena *a,
               struct key_info *out, struct err *e)
{
	struct key *key;
	bool ok = false;

	pthread_mutex_lock(&ks->lock);
	key = changeable(ks, id, e);
	if (key) {
		struct key_info info = key->info;

		edit_apply(&info, what, to);
		ok = check_info(&info, e) && (!(what & KEY_EDIT_EXPIRES) || check_expires(info.expires_ms, e)) &&
		     edit(ks, key, &info, a, out, e);
	}
	pthread_mutex_unlock(&ks->lock);
	return ok;
}

static bool revoke_row(struct keys *ks, struct str id, struct err *e)
{
	struct stmt *s = db_stmt(ks->db, "UPDATE keys SET revoked_ms = ?2 WHERE id = ?1 AND revoked_ms = 0");

	stmt_bind_text(s, 1, id);
	stmt_bind_i64(s, 2, (int64_t)clock_real_ms());
	return stmt_run(s, e) ||
	       err_prefix(e,
	                  "the key is refused from now on, but that could not be stored and ends with the next start");
}

/* Memory first: a key that leaked is stopped even if the disk is full. */
static bool revoke(struct keys *ks, struct str id, struct err *e)
{
	struct key *key = map_get(&ks->by_id, id);

	if (!key) {
		(void)changeable(ks, id, e);
		return e->code == ERR_CONFLICT && !fixed_find(ks, id); /* revoked before */
	}
	key_kill(key, true);
	if (!revoke_row(ks, key->info.id, e))
		return false; /* stays in by_id, so that another try stores it */
	(void)map_take(&ks->by_id, id);
	key_unref(key);
	return true;
}

bool keys_revoke(struct keys *ks, struct str id, struct err *e)
{
	struct err mine = { 0 };
	bool ok;

	pthread_mutex_lock(&ks->lock);
	ok = revoke(ks, id, &mine);
	pthread_mutex_unlock(&ks->lock);
	if (!ok && e)
		*e = mine;
	return ok;
}

/* ---- questions ---- */

bool keys_get(struct keys *ks, struct str id, struct arena *a, struct key_info *out, struct err *e)
{
	struct key *fixed;
	bool ok;

	pthread_mutex_lock(&ks->lock);
	fixed = fixed_find(ks, id);
	if (fixed) {
		ok = info_dup(a, &fixed->info, out, e);
	} else {
		struct stmt *s = db_stmt(ks->db, "SELECT " KEY_COLUMNS " FROM keys WHERE id = ?1");
		enum stmt_result r;

		stmt_bind_text(s, 1, id);
		r = stmt_step(s, e);
		ok = r == STMT_ROW ? row_read(s, a, out, e) : r == STMT_DONE ? not_found(id, e) : false;
		stmt_reset(s);
	}
	pthread_mutex_unlock(&ks->lock);
	return ok;
}

/* Stored keys below the cursor, newest first: ids are ULIDs. */
static bool list_stored(struct keys *ks, const struct keys_query *q, struct arena *a, struct keys_page *p,
                        struct err *e)
{
	struct stmt *s =
		db_stmt(ks->db,
	                "SELECT " KEY_COLUMNS " FROM keys WHERE (?1 = '' OR id < ?1) AND (?2 OR revoked_ms = 0) "
	                "AND (?3 = '' OR team = ?3) AND (?4 = '' OR user = ?4) ORDER BY id DESC LIMIT ?5");
	enum stmt_result r = STMT_DONE;
	bool ok = true;

	stmt_bind_text(s, 1, q->cursor);
	stmt_bind_i64(s, 2, q->with_revoked);
	stmt_bind_text(s, 3, q->team);
	stmt_bind_text(s, 4, q->user);
	stmt_bind_i64(s, 5, (int64_t)q->limit + 1);
	while (ok && (r = stmt_step(s, e)) == STMT_ROW) {
		ok = row_read(s, a, &p->rows[p->n], e);
		p->n += ok;
	}
	stmt_reset(s);
	return ok && r != STMT_FAILED;
}

/* The key of the configuration with the largest id below `below` (empty: of all); its ids sort behind those of stored
 * keys. */
static const struct key *fixed_before(const struct keys *ks, const struct keys_query *q, struct str below)
{
	const struct key *best = NULL;

	for (size_t i = 0; i < ks->n_fixed; i++) {
		const struct key_info *k = &ks->fixed[i]->info;

		if (k->source != KEY_FIXED || (below.n && str_cmp(k->id, below) >= 0) ||
		    (q->team.n && !str_eq(q->team, k->team)) || (q->user.n && !str_eq(q->user, k->user)))
			continue;
		if (!best || str_cmp(k->id, best->info.id) > 0)
			best = ks->fixed[i];
	}
	return best;
}

static bool list(struct keys *ks, const struct keys_query *q, struct arena *a, struct keys_page *p, struct err *e)
{
	struct str below = q->cursor;
	const struct key *key;

	if (!list_stored(ks, q, a, p, e))
		return false;
	while (p->n <= q->limit && (key = fixed_before(ks, q, below)) != NULL) {
		if (!info_dup(a, &key->info, &p->rows[p->n], e))
			return false;
		below = p->rows[p->n++].id;
	}
	if (p->n > q->limit) { /* one more than asked for was read: there is another page */
		p->n = q->limit;
		p->next_cursor = p->rows[p->n - 1].id;
	}
	return true;
}

bool keys_list(struct keys *ks, const struct keys_query *q, struct arena *a, struct keys_page *out, struct err *e)
{
	struct keys_page page = { 0 };
	bool ok;

	if (q->limit < 1 || q->limit > LIST_MAX)
		return err_set(e, ERR_INVALID_REQUEST, "limit must be 1 to %d, it is %zu", LIST_MAX, q->limit);
	page.rows = arena_alloc(a, (q->limit + 1) * sizeof(*page.rows));
	if (!page.rows)
		return arena_full(e);
	pthread_mutex_lock(&ks->lock);
	ok = list(ks, q, a, &page, e);
	pthread_mutex_unlock(&ks->lock);
	if (ok)
		*out = page;
	return ok;
}
