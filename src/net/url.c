/* SPDX-License-Identifier: Apache-2.0 */
/* url: http and https addresses. */
#include "net/url.h"

#include "net/addr.h"

bool url_read(struct str text, struct url *u, enum err_code code, struct err *e)
{
	struct str rest, authority;
	size_t end;

	*u = (struct url){ .tls = str_istarts(text, STR("https://")) };
	if (!u->tls && !str_istarts(text, STR("http://")))
		return err_set(e, code, "must begin with http:// or https://");
	rest = str_slice(text, u->tls ? 8 : 7, text.n);
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] <= ' ' || rest.p[i] >= 0x7f || rest.p[i] == '\\')
			return err_set(e, code, "must be visible ASCII without backslashes");
	if (str_find_chr(rest, '#') != STR_NPOS)
		return err_set(e, code, "must not have a fragment");
	end = str_find_chr(rest, '?');
	if (end != STR_NPOS) {
		u->query = str_slice(rest, end, rest.n);
		rest = str_slice(rest, 0, end);
	}
	end = str_find_chr(rest, '/');
	authority = str_slice(rest, 0, end);
	u->path = str_slice(rest, end, rest.n);
	if (str_find_chr(authority, '@') != STR_NPOS || !addr_split(authority, u->tls ? 443 : 80, &u->host, &u->port))
		return err_set(e, code, "has no valid host and port");
	return true;
}
