// SPDX-License-Identifier: Apache-2.0
/*
 * pack: the rank files of gpt-tokenizer and the Unicode classes of node's regular expressions, as the tables that the
 * program embeds: src/model/o200k_base.bin, cl100k_base.bin, unicode.bin. `npm ci && npm run pack` in this folder; the
 * results are committed, so that a build needs neither node nor npm. src/model/tokens_table.c reads them:
 *
 * RANKS.bin     u32 tokens, u32 bytes of the texts that follow, u32 bytes of the longest token, u32 tokens of more than
 *               12 bytes, u32 their bytes (little endian); then the texts in the order of their bytes, each as what it does not share with the one before: a byte of two nibbles (bytes shared,
 *               bytes that follow; 15 means 15 and what the next byte says, first for shared), then the bytes; then
 *               the ranks in the same order, each 18 bits, lowest bit first; at the end three bytes of nothing.
 * unicode.bin   runs of code points from 0 on: class byte, length as LEB128. Classes: see class_of.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const root = new URL("../../", import.meta.url);
const RANK_BITS = 18, SHORT = 12;

function read_ranks(name) {
	const text = readFileSync(new URL(`./node_modules/gpt-tokenizer/data/${name}.tiktoken`, import.meta.url), "latin1");
	return text.split("\n").filter(Boolean).map((line) => {
		const [base64, rank] = line.split(" ");
		return { bytes: Buffer.from(base64, "base64"), rank: Number(rank) };
	});
}

function shared_bytes(a, b) {
	let n = 0;
	while (n < a.length && n < b.length && a[n] === b[n])
		n++;
	return n;
}

function pack_ranks(tokens) {
	const texts = [];
	let before = Buffer.alloc(0), longest = 0, longs = 0, long_bytes = 0;
	tokens.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
	for (const { bytes } of tokens) {
		const shared = shared_bytes(before, bytes), more = bytes.length - shared;
		texts.push(Math.min(shared, 15) << 4 | Math.min(more, 15));
		if (shared >= 15)
			texts.push(shared - 15);
		if (more >= 15)
			texts.push(more - 15);
		texts.push(...bytes.subarray(shared));
		before = bytes;
		longest = Math.max(longest, bytes.length);
		longs += bytes.length > SHORT;
		long_bytes += bytes.length > SHORT ? bytes.length : 0;
	}
	const ranks = Buffer.alloc(Math.ceil(tokens.length * RANK_BITS / 8) + 3);
	tokens.forEach(({ rank }, i) => {
		for (let bit = 0; bit < RANK_BITS; bit++)
			if (rank >> bit & 1)
				ranks[i * RANK_BITS + bit >> 3] |= 1 << (i * RANK_BITS + bit & 7);
	});
	const head = Buffer.alloc(20);
	[tokens.length, texts.length, longest, longs, long_bytes].forEach((n, i) => head.writeUInt32LE(n, 4 * i));
	return Buffer.concat([head, Buffer.from(texts), ranks]);
}

/* As enum in src/model/tokens_in.h. White space is Unicode's property, as in the encoders' own regular expressions, not
 * what \s means in JavaScript, which has U+FEFF in place of U+0085. */
function class_of(char) {
	if (/[\r\n]/u.test(char)) return 0x60;
	if (/\p{White_Space}/u.test(char)) return 0x20;
	if (/[\p{Lu}\p{Lt}]/u.test(char)) return 0x01;
	if (/\p{Ll}/u.test(char)) return 0x02;
	if (/[\p{Lm}\p{Lo}]/u.test(char)) return 0x04;
	if (/\p{M}/u.test(char)) return 0x08;
	if (/\p{N}/u.test(char)) return 0x10;
	return 0x80;
}

function pack_unicode() {
	const out = [];
	let at = 0;
	const of = (c) => c >= 0xd800 && c <= 0xdfff ? 0x80 : class_of(String.fromCodePoint(c));
	while (at < 0x110000) {
		const what = of(at);
		let end = at + 1;
		while (end < 0x110000 && of(end) === what)
			end++;
		out.push(what);
		let n = end - at;
		for (; n >= 128; n >>= 7)
			out.push(n & 127 | 128);
		out.push(n);
		at = end;
	}
	return Buffer.from(out);
}

for (const name of ["o200k_base", "cl100k_base"]) {
	const packed = pack_ranks(read_ranks(name));
	writeFileSync(new URL(`src/model/${name}.bin`, root), packed);
	console.log(`src/model/${name}.bin: ${packed.length} bytes`);
}
const unicode = pack_unicode();
writeFileSync(new URL("src/model/unicode.bin", root), unicode);
console.log(`src/model/unicode.bin: ${unicode.length} bytes, Unicode ${process.versions.unicode},`,
	`gpt-tokenizer ${require("gpt-tokenizer/package.json").version}`);
