/* SPDX-License-Identifier: Apache-2.0 */
/* /admin/v1/tokens: the families of tokenizers, what was learned of them and how well it holds. On the loop: nothing
 * blocks. */
#include "admin/admin_in.h"
#include "base/text.h"
#include "model/estimate.h"

static void write_decimal(struct json_writer *w, int64_t v, int scale)
{
	char text[TEXT_FIXED_MAX];

	json_str(w, str_of(text, text_fixed(text, v, scale)));
}

static void write_estimate(struct json_writer *w, struct estimate_state s)
{
	json_open(w, '{');
	json_key_lit(w, "ratio");
	write_decimal(w, s.ratio, 6);
	json_key_lit(w, "samples");
	json_u64(w, s.samples);
	json_key_lit(w, "error");
	if (s.samples)
		write_decimal(w, s.error, 4);
	else
		json_null(w);
	json_close(w);
}

bool tokens_api_families(struct admin_call *c, struct err *e)
{
	const struct estimator *estimator = c->admin->options.estimator;
	struct json_writer w = json_writer_make(c->out);

	write_list_open(&w);
	for (unsigned i = 0; i < TOKEN_FAMILIES; i++) {
		const struct token_family *f = token_family(i);

		json_open(&w, '{');
		json_key_lit(&w, "family");
		json_str(&w, f->name);
		json_key_lit(&w, "encoding");
		json_str(&w, str_from_z(tokens_encoding_name(f->encoding)));
		json_key_lit(&w, "exact");
		json_bool(&w, f->exact);
		json_key_lit(&w, "text");
		write_estimate(&w, estimate_state(estimator, i, ESTIMATE_TEXT));
		json_key_lit(&w, "body");
		write_estimate(&w, estimate_state(estimator, i, ESTIMATE_BODY));
		json_close(&w);
	}
	write_list_close(&w, STR(""));
	return json_write_done(&w) || err_set(e, ERR_TOO_LARGE, "the answer is too large");
}
