/* SPDX-License-Identifier: Apache-2.0 */
/* bedrock_media: images, audio, video and documents on their way to Converse (rules T15 to T17). */
#include "base/text.h"
#include "dialect/bedrock_out.h"

static bool refuse(const struct bedrock_out *x, enum chat_kind kind, const char *what, struct jstr seen,
                   const char *allowed)
{
	return err_set(x->err, ERR_INVALID_REQUEST, "messages[%u].content[%u]: the %s's %s \"%.*s\" must be %s",
	               x->message, x->block, chat_kind_name(kind), what, STR_ARG(text_utf8_cut(jstr_raw(seen), 64)),
	               allowed);
}

static bool bad_format(const struct bedrock_out *x, const struct chat_block *b)
{
	const char *allowed = b->kind == CHAT_IMAGE ? "image/png, image/jpeg, image/gif or image/webp"
	                      : b->kind == CHAT_DOCUMENT
	                              ? "that of a pdf, csv, doc, docx, xls, xlsx, html, txt or md file"
	                      : b->kind == CHAT_AUDIO ? "wav, mp3, flac, ogg, opus, aac, m4a, webm or pcm"
	                                              : "mp4, mov, mkv, webm, flv, mpeg, mpg, wmv or 3gpp";

	return refuse(x, (enum chat_kind)b->kind, "type", b->media->type, allowed);
}

static bool is_s3(struct jstr url)
{
	return str_istarts(jstr_raw(url), STR("s3://"));
}

/* Plain text as bytes. */
static bool write_text_bytes(struct bedrock_out *x, struct jstr text)
{
	struct str plain = jstr_plain(x->arena, text);
	struct buf b = buf_make(plain.n / 3 * 4 + 8);
	bool good = (plain.p || text.n == 0) && text_base64(&b, plain);

	if (good)
		json_str(&x->w, buf_str(&b));
	buf_fini(&b);
	return good || bedrock_out_full(x);
}

static bool write_source(struct bedrock_out *x, const struct chat_block *b)
{
	const struct chat_media *m = b->media;
	bool good = true;

	json_key_lit(&x->w, "source");
	json_open(&x->w, '{');
	switch (m->from) {
	case MEDIA_BYTES:
		json_key_lit(&x->w, "bytes");
		json_jstr(&x->w, m->data);
		break;
	case MEDIA_TEXT:
		json_key_lit(&x->w, "bytes");
		good = write_text_bytes(x, m->data);
		break;
	case MEDIA_URL:
		if (!is_s3(m->data))
			return refuse(x, (enum chat_kind)b->kind, "address", m->data,
			              "the data itself, in base64, or an s3 address: Bedrock takes no other");
		json_key_lit(&x->w, "s3Location");
		json_open(&x->w, '{');
		json_key_lit(&x->w, "uri");
		json_jstr(&x->w, m->data);
		json_close(&x->w);
		break;
	case MEDIA_FILE:
		return refuse(x, (enum chat_kind)b->kind, "file", m->data,
		              "the data itself, in base64: files of another provider are not there");
	}
	json_close(&x->w);
	return good;
}

/* ---- names of documents (T17) ---- */

static bool is_name_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '(' ||
	       c == ')' || c == '[' || c == ']';
}

static bool is_taken(const struct bedrock_out *x, struct str name)
{
	for (const struct chat_name *n = x->documents; n; n = n->next)
		if (jstr_is(n->name, name))
			return true;
	return false;
}

#define NAME_MAX_LETTERS 180

/* Letters, digits, hyphens, brackets and single spaces, without the ending; and no two alike. */
static struct str document_name(struct bedrock_out *x, const struct chat_media *m)
{
	struct jstr given = m->name.n ? m->name : m->title;
	struct str plain = given.n ? jstr_plain(x->arena, given) : STR(""), name;
	struct chat_name **end = &x->documents;
	char text[NAME_MAX_LETTERS];
	size_t n = 0, dot = plain.n;

	for (size_t i = plain.n; i > 0 && plain.n - i < 6 && dot == plain.n; i--)
		if (plain.p[i - 1] == '.')
			dot = i - 1;
	for (size_t i = 0; i < dot && n < sizeof text; i++) {
		if (is_name_letter(plain.p[i]))
			text[n++] = plain.p[i];
		else if (n && text[n - 1] != ' ')
			text[n++] = ' ';
	}
	while (n && text[n - 1] == ' ')
		n--;
	name = n ? arena_dup(x->arena, str_of(text, n)) : STR("document");
	for (unsigned i = 2; name.p && is_taken(x, name); i++)
		name = arena_printf(x->arena, "%.*s %u", n ? (int)n : 8, n ? text : "document", i);
	while (*end)
		end = &(*end)->next;
	if (!name.p || !chat_name_add(x->arena, &end, jstr_of(name.p, name.n)))
		return (struct str){ 0 };
	return name;
}

static bool write_document(struct bedrock_out *x, const struct chat_block *b)
{
	struct str name = document_name(x, b->media);

	if (!name.p)
		return bedrock_out_full(x);
	json_key_lit(&x->w, "name");
	json_str(&x->w, name);
	if (b->media->context.n) {
		json_key_lit(&x->w, "context");
		json_jstr(&x->w, b->media->context);
	}
	if (b->media->citations == TRI_YES) {
		json_key_lit(&x->w, "citations");
		json_raw(&x->w, STR("{\"enabled\":true}"));
	}
	return true;
}

bool bedrock_write_media(struct bedrock_out *x, const struct chat_block *b)
{
	static const char *const keys[CHAT_KINDS] = {
		[CHAT_IMAGE] = "image",
		[CHAT_AUDIO] = "audio",
		[CHAT_VIDEO] = "video",
		[CHAT_DOCUMENT] = "document",
	};
	const struct chat_media *m = b->media;
	struct str format = bedrock_media_format((enum chat_kind)b->kind, m->type, m->name.n ? m->name : m->title);

	if (m->from == MEDIA_TEXT && !format.p)
		format = STR("txt");
	if (m->from == MEDIA_URL && !format.p)
		format = bedrock_media_format((enum chat_kind)b->kind, m->type, m->data);
	/* A file and an address are refused for what they are. */
	if (!format.p && (m->from == MEDIA_BYTES || (m->from == MEDIA_URL && is_s3(m->data))))
		return bad_format(x, b);
	if (b->kind == CHAT_AUDIO && (x->claude || model_lacks(x->target->facts, CAP_AUDIO_IN)))
		return err_set(x->err, ERR_INVALID_REQUEST, "messages[%u].content[%u]: this model does not take audio",
		               x->message, x->block);
	json_key(&x->w, str_from_z(keys[b->kind]));
	json_open(&x->w, '{');
	json_key_lit(&x->w, "format");
	json_str(&x->w, format);
	if (b->kind == CHAT_DOCUMENT && !write_document(x, b))
		return false;
	if (!write_source(x, b))
		return false;
	json_close(&x->w);
	return true;
}
