/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses as values, and the table of special-purpose addresses. */
#include "net/addr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>

struct block {
	unsigned char net[16];
	unsigned char bits;
	enum addr_scope scope;
};

/* IANA IPv4 Special-Purpose Address Registry. The first match counts. Blocks which the registry calls globally
 * reachable but where no provider can be (anycast sinks of AS112, AMT, PCP and TURN) are refused as well. */
static const struct block blocks4[] = {
	{ { 0 }, 8, ADDR_UNSPECIFIED },                     /* RFC 791 */
	{ { 10 }, 8, ADDR_PRIVATE },                        /* RFC 1918 */
	{ { 100, 64 }, 10, ADDR_SHARED },                   /* RFC 6598 */
	{ { 127 }, 8, ADDR_LOOPBACK },                      /* RFC 1122 */
	{ { 169, 254 }, 16, ADDR_LINK_LOCAL },              /* RFC 3927 */
	{ { 172, 16 }, 12, ADDR_PRIVATE },                  /* RFC 1918 */
	{ { 192, 0, 0 }, 24, ADDR_RESERVED },               /* RFC 6890: protocol assignments */
	{ { 192, 0, 2 }, 24, ADDR_DOCUMENTATION },          /* RFC 5737 */
	{ { 192, 31, 196 }, 24, ADDR_RESERVED },            /* RFC 7535: AS112 */
	{ { 192, 52, 193 }, 24, ADDR_RESERVED },            /* RFC 7450: AMT */
	{ { 192, 88, 99 }, 24, ADDR_RESERVED },             /* RFC 7526: 6to4 relay, deprecated */
	{ { 192, 168 }, 16, ADDR_PRIVATE },                 /* RFC 1918 */
	{ { 192, 175, 48 }, 24, ADDR_RESERVED },            /* RFC 7534: AS112 */
	{ { 198, 18 }, 15, ADDR_BENCHMARK },                /* RFC 2544 */
	{ { 198, 51, 100 }, 24, ADDR_DOCUMENTATION },       /* RFC 5737 */
	{ { 203, 0, 113 }, 24, ADDR_DOCUMENTATION },        /* RFC 5737 */
	{ { 224 }, 4, ADDR_MULTICAST },                     /* RFC 5771 */
	{ { 255, 255, 255, 255 }, 32, ADDR_BROADCAST },     /* RFC 919 */
	{ { 240 }, 4, ADDR_RESERVED },                      /* RFC 1112 */
};

/* IANA IPv6 Special-Purpose Address Registry. What is in no row and outside 2000::/3 is reserved (RFC 4291 section
 * 2.4). */
static const struct block blocks6[] = {
	{ { [15] = 0 }, 128, ADDR_UNSPECIFIED },                              /* ::, RFC 4291 */
	{ { [15] = 1 }, 128, ADDR_LOOPBACK },                                 /* ::1, RFC 4291 */
	{ { [10] = 0xff, [11] = 0xff }, 96, ADDR_TRANSLATED },                /* ::ffff:0:0/96, IPv4-mapped */
	{ { 0 }, 96, ADDR_TRANSLATED },                                       /* ::/96, IPv4-compatible, deprecated */
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48, ADDR_TRANSLATED },      /* RFC 8215: local-use NAT64 */
	{ { 0xfc }, 7, ADDR_PRIVATE },                                        /* RFC 4193: unique local */
	{ { 0xfe, 0x80 }, 10, ADDR_LINK_LOCAL },                              /* RFC 4291 */
	{ { 0xfe, 0xc0 }, 10, ADDR_PRIVATE },                                 /* RFC 3879: site-local, deprecated */
	{ { 0xff }, 8, ADDR_MULTICAST },                                      /* RFC 4291 */
	{ { 0x20, 0x01, 0x00, 0x02, 0x00, 0x00 }, 48, ADDR_BENCHMARK },       /* RFC 5180 */
	{ { 0x20, 0x01, 0x00 }, 23, ADDR_RESERVED },                          /* RFC 2928: also Teredo, ORCHID, AMT */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, ADDR_DOCUMENTATION },               /* RFC 3849 */
	{ { 0x3f, 0xff, 0x00 }, 20, ADDR_DOCUMENTATION },                     /* RFC 9637 */
	{ { 0x26, 0x20, 0x00, 0x4f, 0x80, 0x00 }, 48, ADDR_RESERVED },        /* RFC 7534: AS112 */
};

static bool in_block(const unsigned char *a, const struct block *b)
{
	unsigned whole = b->bits / 8, rest = b->bits % 8;
	if (memcmp(a, b->net, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b->net[whole]) >> (8 - rest)) == 0;
}

static enum addr_scope scope4(const unsigned char a[4])
{
	for (size_t i = 0; i < COUNT_OF(blocks4); i++)
		if (in_block(a, &blocks4[i]))
			return blocks4[i].scope;
	return ADDR_PUBLIC;
}

static enum addr_scope scope6(const unsigned char a[16])
{
	static const struct block nat64 = { { 0x00, 0x64, 0xff, 0x9b }, 96, ADDR_PUBLIC };
	static const struct block six_to_four = { { 0x20, 0x02 }, 16, ADDR_PUBLIC };
	static const struct block global = { { 0x20 }, 3, ADDR_PUBLIC };

	for (size_t i = 0; i < COUNT_OF(blocks6); i++)
		if (in_block(a, &blocks6[i]))
			return blocks6[i].scope;
	if (in_block(a, &nat64))
		return scope4(a + 12);
	if (in_block(a, &six_to_four))
		return scope4(a + 2);
	return in_block(a, &global) ? ADDR_PUBLIC : ADDR_RESERVED;
}

static void set4(struct addr *out, const struct in_addr *ip, uint16_t port)
{
	*out = (struct addr){ .len = sizeof out->u.in };
	out->u.in.sin_family = AF_INET;
	out->u.in.sin_addr = *ip;
	out->u.in.sin_port = htons(port);
}

static void set6(struct addr *out, const struct in6_addr *ip, uint16_t port)
{
	*out = (struct addr){ .len = sizeof out->u.in6 };
	out->u.in6.sin6_family = AF_INET6;
	out->u.in6.sin6_addr = *ip;
	out->u.in6.sin6_port = htons(port);
}

static bool parse_unix(struct addr *out, struct str path, struct err *e)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	if (path.n == 0 || path.n >= sizeof un.sun_path)
		return err_set(e, ERR_CONFIG, "unix socket path must have 1 to %zu bytes, not %zu",
		               sizeof un.sun_path - 1, path.n);
	if (memchr(path.p, 0, path.n))
		return err_set(e, ERR_CONFIG, "unix socket path holds a NUL byte");
	memcpy(un.sun_path, path.p, path.n);
	*out = (struct addr){ .len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n + 1) };
	out->u.un = un;
	return true;
}

bool addr_from_literal(struct addr *out, struct str host, uint16_t port)
{
	char z[INET6_ADDRSTRLEN + 1];
	struct in_addr ip4;
	struct in6_addr ip6;

	bool brackets = host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
	if (brackets)
		host = str_slice(host, 1, host.n - 1);
	if (host.n == 0 || host.n >= sizeof z || memchr(host.p, 0, host.n))
		return false;
	memcpy(z, host.p, host.n);
	z[host.n] = '\0';
	if (!brackets && inet_pton(AF_INET, z, &ip4) == 1) {
		set4(out, &ip4, port);
		return true;
	}
	if (inet_pton(AF_INET6, z, &ip6) == 1) {
		set6(out, &ip6, port);
		return true;
	}
	return false;
}

bool addr_split(struct str text, uint16_t fallback, struct str *host, uint16_t *port)
{
	struct str h = text, p = { 0 };

	if (text.n > 0 && text.p[0] == '[') {
		size_t end = str_find_chr(text, ']');
		if (end == STR_NPOS)
			return false;
		h = str_slice(text, 1, end);
		p = str_slice(text, end + 1, text.n);
		if (p.n > 0) {
			if (p.p[0] != ':')
				return false;
			p = str_slice(p, 1, p.n);
			if (p.n == 0)
				return false;
		}
	} else {
		size_t colon = str_find_chr(text, ':');
		if (colon != STR_NPOS) {
			h = str_slice(text, 0, colon);
			p = str_slice(text, colon + 1, text.n);
			if (p.n == 0)
				return false;
		}
	}
	if (h.n == 0)
		return false;

	uint64_t v = fallback;
	if (p.n > 0 && (p.n > 5 || !str_to_u64(p, &v) || v == 0 || v > 65535))
		return false;
	*host = h;
	*port = (uint16_t)v;
	return true;
}

bool addr_parse(struct addr *out, struct str text, struct err *e)
{
	static const char want[] = "an address is 127.0.0.1:8080, [::1]:8080, localhost:8080, *:8080 or unix:/path";
	if (str_starts(text, STR("unix:")))
		return parse_unix(out, str_slice(text, 5, text.n), e);

	/* Port 0 is allowed here: the kernel chooses one. */
	size_t colon = text.n;
	while (colon > 0 && text.p[colon - 1] != ':')
		colon--;
	uint64_t port;
	if (colon < 2 || text.n - colon > 5 || !str_to_u64(str_slice(text, colon, text.n), &port) || port > 65535)
		return err_set(e, ERR_CONFIG, "\"%.*s\" has no port from 0 to 65535; %s", STR_ARG(text), want);

	struct str host = str_slice(text, 0, colon - 1);
	if (str_eq(host, STR("*"))) {
		set6(out, &in6addr_any, (uint16_t)port);
		return true;
	}
	if (str_ieq(host, STR("localhost"))) {
		struct in_addr loopback = { .s_addr = htonl(INADDR_LOOPBACK) };
		set4(out, &loopback, (uint16_t)port);
		return true;
	}
	bool brackets = host.p[0] == '[';
	if (brackets != (str_find_chr(host, ':') != STR_NPOS) || !addr_from_literal(out, host, (uint16_t)port))
		return err_set(e, ERR_CONFIG, "\"%.*s\" is not an IP address; %s", STR_ARG(host), want);
	return true;
}

bool addr_from_sockaddr(struct addr *out, const struct sockaddr *sa, socklen_t len)
{
	if (len < (socklen_t)sizeof sa->sa_family || len > (socklen_t)sizeof out->u)
		return false;
	switch (sa->sa_family) {
	case AF_INET:
		if (len < (socklen_t)sizeof out->u.in)
			return false;
		len = sizeof out->u.in;
		break;
	case AF_INET6:
		if (len < (socklen_t)sizeof out->u.in6)
			return false;
		len = sizeof out->u.in6;
		break;
	case AF_UNIX:
		break;
	default:
		return false;
	}
	*out = (struct addr){ .len = len };
	memcpy(&out->u, sa, len);
	return true;
}

size_t addr_host_text(const struct addr *a, char out[ADDR_TEXT_MAX])
{
	int n = 0;
	switch (addr_family(a)) {
	case AF_INET:
		n = inet_ntop(AF_INET, &a->u.in.sin_addr, out, ADDR_TEXT_MAX) ? (int)strlen(out) : 0;
		break;
	case AF_INET6:
		n = inet_ntop(AF_INET6, &a->u.in6.sin6_addr, out, ADDR_TEXT_MAX) ? (int)strlen(out) : 0;
		break;
	case AF_UNIX: {
		/* A client's own end usually has no path; an abstract name starts with NUL. */
		size_t room = a->len - offsetof(struct sockaddr_un, sun_path);
		if (a->len <= offsetof(struct sockaddr_un, sun_path))
			room = 0;
		n = snprintf(out, ADDR_TEXT_MAX, "unix:%.*s", (int)strnlen(a->u.un.sun_path, room), a->u.un.sun_path);
		break;
	}
	default:
		n = snprintf(out, ADDR_TEXT_MAX, "-");
	}
	assert(n > 0 && n < ADDR_TEXT_MAX);
	return (size_t)n;
}

size_t addr_text(const struct addr *a, char out[ADDR_TEXT_MAX])
{
	char host[ADDR_TEXT_MAX];
	addr_host_text(a, host);
	int n;
	if (addr_family(a) == AF_INET)
		n = snprintf(out, ADDR_TEXT_MAX, "%.64s:%u", host, addr_port(a));
	else if (addr_family(a) == AF_INET6)
		n = snprintf(out, ADDR_TEXT_MAX, "[%.64s]:%u", host, addr_port(a));
	else
		n = snprintf(out, ADDR_TEXT_MAX, "%s", host);
	assert(n > 0 && n < ADDR_TEXT_MAX);
	return (size_t)n;
}

uint16_t addr_port(const struct addr *a)
{
	if (addr_family(a) == AF_INET)
		return ntohs(a->u.in.sin_port);
	return addr_family(a) == AF_INET6 ? ntohs(a->u.in6.sin6_port) : 0;
}

void addr_set_port(struct addr *a, uint16_t port)
{
	if (addr_family(a) == AF_INET)
		a->u.in.sin_port = htons(port);
	else if (addr_family(a) == AF_INET6)
		a->u.in6.sin6_port = htons(port);
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	if (addr_family(a) != addr_family(b) || a->len != b->len)
		return false;
	switch (addr_family(a)) {
	case AF_INET:
		return a->u.in.sin_port == b->u.in.sin_port && a->u.in.sin_addr.s_addr == b->u.in.sin_addr.s_addr;
	case AF_INET6:
		return a->u.in6.sin6_port == b->u.in6.sin6_port && a->u.in6.sin6_scope_id == b->u.in6.sin6_scope_id
		       && memcmp(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr, sizeof a->u.in6.sin6_addr) == 0;
	default:
		return memcmp(&a->u, &b->u, a->len) == 0;
	}
}

enum addr_scope addr_scope(const struct addr *a)
{
	if (addr_family(a) == AF_INET)
		return scope4((const unsigned char *)&a->u.in.sin_addr);
	if (addr_family(a) == AF_INET6)
		return scope6(a->u.in6.sin6_addr.s6_addr);
	return ADDR_LOCAL_SOCKET;
}

const char *addr_scope_name(enum addr_scope s)
{
	switch (s) {
	case ADDR_PUBLIC: return "public";
	case ADDR_UNSPECIFIED: return "unspecified";
	case ADDR_LOOPBACK: return "loopback";
	case ADDR_PRIVATE: return "private";
	case ADDR_SHARED: return "carrier-grade NAT";
	case ADDR_LINK_LOCAL: return "link-local";
	case ADDR_MULTICAST: return "multicast";
	case ADDR_BROADCAST: return "broadcast";
	case ADDR_DOCUMENTATION: return "documentation";
	case ADDR_BENCHMARK: return "benchmarking";
	case ADDR_TRANSLATED: return "IPv4 inside IPv6";
	case ADDR_RESERVED: return "reserved";
	case ADDR_LOCAL_SOCKET: return "local socket";
	}
	assert(!"unknown scope");
	return "";
}
