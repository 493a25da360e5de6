/* SPDX-License-Identifier: Apache-2.0 */
/* Words that several answers of the admin API share. */
#include "base/clock.h"
#include "base/text.h"
#include "admin/admin_in.h"
#include "govern/spend.h"

void write_text(struct json_writer *w, struct str s)
{
	if (s.n)
		json_str(w, s);
	else
		json_null(w);
}

void write_time(struct json_writer *w, uint64_t real_ms)
{
	char text[CLOCK_RFC3339_LEN];

	if (!real_ms) {
		json_null(w);
		return;
	}
	clock_rfc3339(text, real_ms);
	json_str(w, str_of(text, sizeof(text)));
}

void write_usd(struct json_writer *w, int64_t nusd)
{
	struct buf text = buf_make(64);

	text_from_fixed(&text, nusd, 9);
	json_str(w, buf_str(&text));
	buf_fini(&text);
}

void write_tokens(struct json_writer *w, const struct spend_tokens *t)
{
	json_open(w, '{');
	json_key_lit(w, "input");
	json_u64(w, t->input);
	json_key_lit(w, "output");
	json_u64(w, t->output);
	json_key_lit(w, "cache_read");
	json_u64(w, t->cache_read);
	json_key_lit(w, "cache_write");
	json_u64(w, t->cache_write);
	json_key_lit(w, "reasoning");
	json_u64(w, t->reasoning);
	json_close(w);
}

void write_texts(struct json_writer *w, const struct str *list, size_t n)
{
	json_open(w, '[');
	for (size_t i = 0; i < n; i++)
		json_str(w, list[i]);
	json_close(w);
}

void write_list_open(struct json_writer *w)
{
	json_open(w, '{');
	json_key_lit(w, "data");
	json_open(w, '[');
}

void write_list_close(struct json_writer *w, struct str next_cursor)
{
	json_close(w);
	json_key_lit(w, "next_cursor");
	write_text(w, next_cursor);
	json_close(w);
}
