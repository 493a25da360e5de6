/* SPDX-License-Identifier: Apache-2.0 */
/* media: data URIs, their true types, and which addresses a request may name (rules T14 to T16). */

#include <arpa/inet.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/text.h"
#include "dialect/chat.h"
#include "net/addr.h"

/* What bytes a kind of file begins with, in base64. */
static const struct {
	struct str begins, type;
} signs[] = {
	{ STR_INIT("iVBORw0KGgo"), STR_INIT("image/png") },
	{ STR_INIT("/9j/"), STR_INIT("image/jpeg") },
	{ STR_INIT("R0lGODdh"), STR_INIT("image/gif") },
	{ STR_INIT("R0lGODlh"), STR_INIT("image/gif") },
	{ STR_INIT("JVBERi0"), STR_INIT("application/pdf") },
};

/* RIFF, four bytes of length, WEBP; the letters of base64 do not end where WEBP begins, so it is decoded. */
static bool is_webp(struct str base64)
{
	char bytes[12];
	struct buf b = buf_make(sizeof(bytes));
	bool yes = base64.n >= 16 && str_starts(base64, STR("UklGR")) &&
		   text_from_base64(&b, str_of(base64.p, 16)) && memcmp(b.p + 8, "WEBP", 4) == 0;

	buf_fini(&b);
	return yes;
}

static struct str sniff(struct str base64)
{
	for (size_t i = 0; i < COUNT_OF(signs); i++)
		if (str_starts(base64, signs[i].begins))
			return signs[i].type;
	return is_webp(base64) ? STR("image/webp") : str_of(NULL, 0);
}

/* What a letter of the payload is: itself, 0: white space, 1: none. Those of base64url become those of base64. */
static const uint8_t letter_of[256] = {
#define OTHER 1
	[0 ... 8] = OTHER, ['\t'] = 0, ['\n'] = 0, [11 ... 12] = OTHER, ['\r'] = 0, [14 ... 31] = OTHER, [' '] = 0,
	[33 ... 42] = OTHER, ['+'] = '+', [','] = OTHER, ['-'] = '+', ['.'] = OTHER, ['/'] = '/',
	['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7',
	['8'] = '8', ['9'] = '9', [58 ... 60] = OTHER, ['='] = '=', [62 ... 64] = OTHER,
	['A'] = 'A', ['B'] = 'B', ['C'] = 'C', ['D'] = 'D', ['E'] = 'E', ['F'] = 'F', ['G'] = 'G', ['H'] = 'H',
	['I'] = 'I', ['J'] = 'J', ['K'] = 'K', ['L'] = 'L', ['M'] = 'M', ['N'] = 'N', ['O'] = 'O', ['P'] = 'P',
	['Q'] = 'Q', ['R'] = 'R', ['S'] = 'S', ['T'] = 'T', ['U'] = 'U', ['V'] = 'V', ['W'] = 'W', ['X'] = 'X',
	['Y'] = 'Y', ['Z'] = 'Z', [91 ... 94] = OTHER, ['_'] = '/', [96] = OTHER,
	['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h',
	['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p',
	['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x',
	['y'] = 'y', ['z'] = 'z', [123 ... 255] = OTHER,
};

/* The payload as plain base64: borrowed if it is. p == NULL: *e. */
static struct str read_payload(struct arena *a, struct str s, struct err *e)
{
	bool odd = false;
	size_t n = 0;
	char *p;

	for (size_t i = 0; i < s.n; i++)
		odd |= letter_of[(uint8_t)s.p[i]] != (uint8_t)s.p[i];
	if (!odd)
		return s;
	p = arena_alloc(a, s.n);
	if (!p)
		return err_set(e, ERR_TOO_LARGE, "the data needs more memory than it may have"), str_of(NULL, 0);
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = letter_of[(uint8_t)s.p[i]];
		if (c == OTHER) {
			err_set(e, ERR_INVALID_REQUEST, "must be base64, which byte %zu of the data is not", i);
			return str_of(NULL, 0);
		}
		if (c)
			p[n++] = (char)c;
	}
	return str_of(p, n);
}

/* A media type in lower case, by its common name. */
static struct str read_type(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (!p)
		return str_of(NULL, 0);
	for (size_t i = 0; i < s.n; i++)
		p[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]);
	s = str_of(p, s.n);
	return str_eq(s, STR("image/jpg")) ? STR("image/jpeg") : s;
}

static bool read_data_url(struct arena *a, struct str s, struct chat_media *out, struct err *e)
{
	size_t comma = str_find_chr(str_slice(s, 0, 512), ',');
	struct str head = str_slice(s, 5, comma), type = str_cut(&head, ';'), data, real;
	bool base64 = false;

	if (comma == STR_NPOS)
		return err_set(e, ERR_INVALID_REQUEST, "must be data:<type>;base64,<data>; there is no comma");
	while (head.p)
		base64 |= str_ieq(str_trim(str_cut(&head, ';')), STR("base64"));
	if (!base64)
		return err_set(e, ERR_INVALID_REQUEST,
		               "must be data:<type>;base64,<data>; other encodings are not taken");
	data = read_payload(a, str_slice(s, comma + 1, s.n), e);
	if (!data.p)
		return false;
	if (data.n == 0)
		return err_set(e, ERR_INVALID_REQUEST, "must hold data, and is empty");
	type = read_type(a, str_trim(type));
	if (!type.p)
		return err_set(e, ERR_TOO_LARGE, "the data needs more memory than it may have");
	real = sniff(data);
	if (real.p && (type.n == 0 || str_starts(type, STR("image/")) || str_eq(type, STR("application/octet-stream"))))
		type = real;
	*out = (struct chat_media){ .from = MEDIA_BYTES, .data = jstr_of(data.p, data.n), .type = jstr_from(a, type) };
	return out->type.p || err_set(e, ERR_TOO_LARGE, "the data needs more memory than it may have");
}

static _Atomic bool private_allowed;

void chat_media_allow_private(bool allowed)
{
	atomic_store_explicit(&private_allowed, allowed, memory_order_relaxed);
}

static bool is_private_host(struct str host)
{
	static const struct str inside[] = {
		STR_INIT(".localhost"), STR_INIT(".local"), STR_INIT(".internal"), STR_INIT(".lan"), STR_INIT(".home"),
		STR_INIT(".corp"), STR_INIT(".intranet"), STR_INIT(".home.arpa"), STR_INIT(".localdomain"),
	};
	char name[256];
	struct addr addr;
	struct in_addr v4;

	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	if (host.n == 0 || host.n >= sizeof(name))
		return true;
	for (size_t i = 0; i < host.n; i++)
		name[i] = (char)(host.p[i] >= 'A' && host.p[i] <= 'Z' ? host.p[i] + 32 : host.p[i]);
	name[host.n] = '\0';
	if (memchr(name, '\0', host.n) || memchr(name, '%', host.n))
		return true;
	host.p = name;
	if (inet_aton(name, &v4)) {                      /* also 127.1, 0x7f000001 and 2130706433 */
		char text[INET_ADDRSTRLEN];
		return !inet_ntop(AF_INET, &v4, text, sizeof(text)) ||
		       !addr_from_literal(&addr, str_from_z(text), 443) || !addr_is_public(&addr);
	}
	if (name[0] == '[')
		return !addr_from_literal(&addr, host, 443) || !addr_is_public(&addr);
	for (size_t i = 0; i < COUNT_OF(inside); i++)
		if (str_ends(host, inside[i]))
			return true;
	return str_find_chr(host, '.') == STR_NPOS;      /* "localhost", or a neighbour */
}

/* Cuts what is seen of a client's address to something that a message can bear. */
static struct str shown(struct jstr url) { return text_utf8_cut(jstr_raw(url), 64); }

bool chat_media_check_url(struct jstr url, struct err *e)
{
	struct str s = jstr_raw(url), host;
	size_t scheme = str_find(str_slice(s, 0, 16), STR("://"));

	if (scheme == STR_NPOS || memchr(s.p, '\\', s.n))
		return err_set(e, ERR_INVALID_REQUEST, "\"%.*s\" must be an https address or data:<type>;base64,<data>",
		               STR_ARG(shown(url)));
	struct str word = str_slice(s, 0, scheme);
	if (str_ieq(word, STR("gs")) || str_ieq(word, STR("s3")))
		return true;
	if (!str_ieq(word, STR("https")) && !str_ieq(word, STR("http")))
		return err_set(e, ERR_INVALID_REQUEST,
		               "\"%.*s\" must be an https address or data:<type>;base64,<data>", STR_ARG(shown(url)));
	host = str_slice(s, scheme + 3, s.n);
	for (size_t i = 0; i < host.n; i++)
		if (host.p[i] == '/' || host.p[i] == '?' || host.p[i] == '#')
			host.n = i;
	for (size_t i = 0; i < s.n; i++)             /* others may take letters like ① for digits */
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f ||
		    ((unsigned char)s.p[i] >= 0x80 && s.p + i < host.p + host.n))
			return err_set(e, ERR_INVALID_REQUEST,
			               "\"%.*s\" must not hold spaces, and its host must be ASCII",
			               STR_ARG(shown(url)));
	if (memchr(host.p, '@', host.n))
		return err_set(e, ERR_INVALID_REQUEST, "\"%.*s\" must not hold a user's name or password",
		               STR_ARG(shown(url)));
	size_t bracket = host.n && host.p[0] == '[' ? str_find_chr(host, ']') : 0;
	size_t colon = bracket == STR_NPOS ? STR_NPOS : str_find_chr(str_slice(host, bracket, host.n), ':');
	if (colon != STR_NPOS)
		host.n = bracket + colon;
	if (!atomic_load_explicit(&private_allowed, memory_order_relaxed) && is_private_host(host))
		return err_set(e, ERR_INVALID_REQUEST, "\"%.*s\" must be an address of the public Internet",
		               STR_ARG(shown(url)));
	return true;
}

bool chat_media_read_url(struct arena *a, struct jstr url, struct chat_media *out, struct err *e)
{
	struct str s = jstr_raw(url);

	if (s.n && memchr(s.p, '\\', s.n)) {             /* PHP writes https:\/\/ */
		s = jstr_plain(a, url);
		if (!s.p)
			return err_set(e, ERR_TOO_LARGE, "the data needs more memory than it may have");
		url = jstr_from(a, s);
		if (!url.p)
			return err_set(e, ERR_TOO_LARGE, "the data needs more memory than it may have");
	}
	if (str_istarts(s, STR("data:")))
		return read_data_url(a, s, out, e);
	if (!chat_media_check_url(url, e))
		return false;
	*out = (struct chat_media){ .from = MEDIA_URL, .data = url };
	return true;
}

struct jstr chat_media_data_url(struct arena *a, const struct chat_media *m)
{
	struct jstr type = m->type.n ? m->type : JSTR("application/octet-stream");
	size_t n = 5 + type.n + 8 + m->data.n;
	char *p = arena_alloc(a, n);

	if (!p)
		return (struct jstr){ 0 };
	char *at = put_str(p, STR("data:"));
	at = put_str(at, jstr_raw(type));
	at = put_str(at, STR(";base64,"));
	put_str(at, jstr_raw(m->data));
	return jstr_of(p, n);
}

bool chat_image_type_known(struct jstr type)
{
	return jstr_is(type, STR("image/png")) || jstr_is(type, STR("image/jpeg")) || jstr_is(type, STR("image/gif")) ||
	       jstr_is(type, STR("image/webp"));
}
