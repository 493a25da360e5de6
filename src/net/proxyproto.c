/* SPDX-License-Identifier: Apache-2.0 */
/* The PROXY protocol's header, versions 1 and 2. */
#include "net/proxyproto.h"

#include <arpa/inet.h>

#define V1_MAX_BYTES 107u /* section 2.1: the worst case, without the NUL */
#define V2_FIXED_BYTES 16u

static const struct str v1_start = STR_INIT("PROXY ");
static const struct str v2_signature = STR_INIT("\r\n\r\n\0\r\nQUIT\n");

/* Both are as long as they need to be to tell them from any other start. */
static bool could_be(struct str bytes, struct str start)
{
	size_t n = bytes.n < start.n ? bytes.n : start.n;
	return memcmp(bytes.p, start.p, n) == 0;
}

/* Section 2.1: decimal, no leading zero but for 0 itself, 0 to 65535. */
static bool v1_port(struct str s, uint16_t *out)
{
	uint64_t v;
	if (s.n > 5 || !str_to_u64(s, &v) || v > 65535 || (s.n > 1 && s.p[0] == '0'))
		return false;
	*out = (uint16_t)v;
	return true;
}

/* `line` stands between "PROXY " and CRLF: "TCP4 src dst sport dport", TCP6 alike, or "UNKNOWN" and anything. */
static bool v1_line(struct str line, struct proxyproto *out)
{
	if (str_eq(line, STR("UNKNOWN")) || str_starts(line, STR("UNKNOWN "))) {
		out->local = true;
		return true;
	}
	struct str rest = line, part[5];
	size_t n = 0;
	while (rest.p) {
		if (n == 5)
			return false;
		part[n++] = str_cut(&rest, ' ');
	}
	if (n != 5)
		return false;

	int family;
	if (str_eq(part[0], STR("TCP4")))
		family = AF_INET;
	else if (str_eq(part[0], STR("TCP6")))
		family = AF_INET6;
	else
		return false;

	uint16_t sport, dport;
	if (!v1_port(part[3], &sport) || !v1_port(part[4], &dport))
		return false;
	if (part[1].n > 0 && part[1].p[0] == '[')
		return false;
	if (part[2].n > 0 && part[2].p[0] == '[')
		return false;
	return addr_from_literal(&out->source, part[1], sport) && addr_from_literal(&out->dest, part[2], dport)
	       && addr_family(&out->source) == family && addr_family(&out->dest) == family;
}

static enum proxyproto_state v1_parse(struct str bytes, struct proxyproto *out)
{
	struct str head = str_slice(bytes, 0, V1_MAX_BYTES);
	size_t cr = str_find_chr(head, '\r');
	size_t lf = str_find_chr(head, '\n');
	if (cr == STR_NPOS)
		return lf != STR_NPOS || head.n == V1_MAX_BYTES ? PROXYPROTO_BAD : PROXYPROTO_MORE;
	if (cr + 1 == head.n)
		return lf != STR_NPOS || head.n == V1_MAX_BYTES ? PROXYPROTO_BAD : PROXYPROTO_MORE;
	if (lf != cr + 1 || cr < v1_start.n)
		return PROXYPROTO_BAD;

	struct proxyproto got = { .version = 1, .consumed = lf + 1 };
	if (!v1_line(str_slice(head, v1_start.n, cr), &got))
		return PROXYPROTO_BAD;
	*out = got;
	return PROXYPROTO_DONE;
}

static uint16_t be16(const unsigned char *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void v2_addr4(struct addr *out, const unsigned char ip[4], const unsigned char port[2])
{
	*out = (struct addr){ .len = sizeof out->u.in };
	out->u.in.sin_family = AF_INET;
	memcpy(&out->u.in.sin_addr, ip, 4);
	out->u.in.sin_port = htons(be16(port));
}

static void v2_addr6(struct addr *out, const unsigned char ip[16], const unsigned char port[2])
{
	*out = (struct addr){ .len = sizeof out->u.in6 };
	out->u.in6.sin6_family = AF_INET6;
	memcpy(&out->u.in6.sin6_addr, ip, 16);
	out->u.in6.sin6_port = htons(be16(port));
}

/* Section 2.2. The rest of the declared length after the addresses are TLVs, which are skipped. */
static enum proxyproto_state v2_parse(struct str bytes, struct proxyproto *out)
{
	enum { LOCAL = 0x20, PROXY = 0x21, UNSPEC = 0x00, TCP4 = 0x11, TCP6 = 0x21, UNIX_STREAM = 0x31 };
	const unsigned char *p = (const unsigned char *)bytes.p;

	/* Judge what is there, so that a bad header is refused at once and never waited for. */
	if (bytes.n > 12 && p[12] != LOCAL && p[12] != PROXY)
		return PROXYPROTO_BAD;
	if (bytes.n < V2_FIXED_BYTES)
		return PROXYPROTO_MORE;
	size_t n = be16(p + 14);
	if (V2_FIXED_BYTES + n > PROXYPROTO_MAX_BYTES)
		return PROXYPROTO_BAD;
	if (bytes.n < V2_FIXED_BYTES + n)
		return PROXYPROTO_MORE;

	struct proxyproto got = { .version = 2, .consumed = V2_FIXED_BYTES + n };
	const unsigned char *a = p + V2_FIXED_BYTES;
	if (p[12] == LOCAL) {
		/* "the receiver must accept this connection as valid and must use the real connection endpoints" */
		got.local = true;
	} else if (p[13] == TCP4 && n >= 12) {
		v2_addr4(&got.source, a, a + 8);
		v2_addr4(&got.dest, a + 4, a + 10);
	} else if (p[13] == TCP6 && n >= 36) {
		v2_addr6(&got.source, a, a + 32);
		v2_addr6(&got.dest, a + 16, a + 34);
	} else if (p[13] == UNSPEC || (p[13] == UNIX_STREAM && n >= 216)) {
		got.local = true; /* the address says nothing about a host */
	} else {
		return PROXYPROTO_BAD; /* datagrams cannot arrive here; anything else is not assigned */
	}
	*out = got;
	return PROXYPROTO_DONE;
}

enum proxyproto_state proxyproto_parse(struct str bytes, struct proxyproto *out)
{
	if (bytes.n == 0)
		return PROXYPROTO_MORE;
	if (could_be(bytes, v1_start))
		return bytes.n < v1_start.n ? PROXYPROTO_MORE : v1_parse(bytes, out);
	if (could_be(bytes, v2_signature))
		return bytes.n < v2_signature.n ? PROXYPROTO_MORE : v2_parse(bytes, out);
	return PROXYPROTO_BAD;
}
