/* SPDX-License-Identifier: Apache-2.0 */
/* catalogue_data: the built-in catalogue. The build packs src/model/catalogue.txt; here it is unpacked once. */
#include <pthread.h>
#include <zlib.h>

#include "base/embed.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/catalogue_in.h"

EMBED(catalogue_packed, CATALOGUE_GZ);

static struct str text;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* RFC 1952 ends with the length of what was packed. */
static void unpack(void)
{
	const struct str packed = EMBEDDED(catalogue_packed);
	const uint8_t *end = (const uint8_t *)packed.p + packed.n;
	size_t n = (size_t)end[-4] | (size_t)end[-3] << 8 | (size_t)end[-2] << 16 | (size_t)end[-1] << 24;
	char *out = mem_alloc(n);
	z_stream z = { .avail_in = (uInt)packed.n, .avail_out = (uInt)n };

	z.next_in = (Bytef *)packed.p;
	z.next_out = (Bytef *)out;
	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK || inflate(&z, Z_FINISH) != Z_STREAM_END || z.total_out != n)
		log_panic("the built-in catalogue is damaged");
	inflateEnd(&z);
	text = str_of(out, n);
}

struct str catalogue_builtin_text(void)
{
	pthread_once(&once, unpack);
	return text;
}
