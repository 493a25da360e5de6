/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc32: the checksum of zlib, gzip and AWS event streams (polynomial 0xedb88320, reflected; RFC 1952 section 8). It
 * finds accidents, not attacks. Pure; about 2 GB/s.
 */
#ifndef SLUICE_BASE_CRC32_H
#define SLUICE_BASE_CRC32_H

#include "base/str.h"

/* The checksum of `s`, going on from that of what stood before it; 0 at the start. */
uint32_t crc32_add(uint32_t crc, struct str s);

#endif
