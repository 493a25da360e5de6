// SPDX-License-Identifier: Apache-2.0
/*
 * vectors: writes tests/data/tokens/vectors.tsv, what gpt-tokenizer counts for texts of many kinds: a line each of
 * tokens in o200k_base, in cl100k_base, and the text as the contents of a JSON string. `npm ci && npm run vectors`.
 * Texts avoid U+0085 and U+FEFF, which JavaScript's \s and the encoders' own take differently.
 */
import { writeFileSync } from "node:fs";
import { encode as o200k } from "gpt-tokenizer/encoding/o200k_base";
import { encode as cl100k } from "gpt-tokenizer/encoding/cl100k_base";

const texts = [
	"", "a", " ", "\n", "hello", "Hello, world!", " leading", "trailing ", "two  spaces", "tab\tand\ttabs",
	"The quick brown fox jumps over the lazy dog.", "Don't can't won't I'll we've they're he'd I'm it's",
	"DON'T CAN'T WON'T I'LL WE'VE THEY'RE HE'D I'M IT'S", "'s't're've'm'll'd", "'S'T'RE'VE'M'LL'D", "rock 'n' roll 'tis",
	"l'été, c'est déjà là; d'accord? s'il vous plaît", "'", "''", "'x", "a'", "x's'", "'llama 'vegan 'remarkable 'media",
	"camelCaseName HTTPServer XMLHttpRequest getURLFor iPhone McDonald eBay ABCdef ABC DEFs", "snake_case_name SCREAMING_SNAKE",
	"1 12 123 1234 12345 1234567890 3.14159 1,000,000 0x1F 1e10 v1.2.3 2026-11-28T02:05:00Z", "½ ² ³ ① Ⅷ ٣٤٥ 一二三 ८९",
	"\n\n\n", " \n \n ", "a\n\nb", "a \n b", "a\r\nb\r\n\r\nc", "   \n", "\n   ", "\n   x", "x   ", "x \n ", "x\n \n", "\t\t\t", " \t \t",
	"if (x) {\n\treturn y;\n}\n", "    indented\n        more\n", "x = 1;    // comment", "a/b//c///d/\n/e", "path/to/file.c:12:5: error:",
	"!!!", "?!?!", "...", " ...", "--- ---", "=====\n=====", "{}[]()<>", "\"quoted\" 'single' `code`", "a+b=c; a&&b||!c", "$100 €50 £3 ¥7 50%",
	"https://example.com/path?query=1&other=%20#frag", "user@example.com", "C:\\Windows\\System32", "<|endoftext|>", "a<|endofprompt|>b<|im_start|>",
	"Übergrößenträger Straße ÄÖÜ äöü ß ẞ", "Français, español, português, čeština, žluťoučký kůň, zażółć gęślą jaźń", "naïve café résumé",
	"Быстрая коричневая лиса. ПРИВЕТ Привет мир", "Ξεσκεπάζω τὴν ψυχοφθόρα βδελυγμία", "שלום עולם בְּרֵאשִׁית", "مرحبا بالعالم اَلْعَرَبِيَّةُ",
	"नमस्ते दुनिया हिन्दी में", "বাংলা ভাষা", "தமிழ் மொழி", "ภาษาไทยไม่มีช่องว่าง", "ລາວ ភាសាខ្មែរ မြန်မာ", "한국어 텍스트입니다", "日本語のテキスト。カタカナ、ひらがな！", "中文文本，没有空格。繁體字",
	"ქართული Հայերեն ᏣᎳᎩ አማርኛ", "ǅ ǈ ǋ ǲ ʰʲʷ ªº ﬁ ﬂ", "e\u0301 \u0301 \u0301A \u0301AB \u0301ab \u0301Ab A\u0301 AB\u0301C a\u0301'S \u0301's", "\u0301\u0302\u0303",
	"กAAA ABกCDกEF 日AB AB日 AB日C日DE", "😀 👍🏽 👨‍👩‍👧‍👦 🇩🇪🇫🇷 ❤️ ☃ ✈️ 🏳️‍🌈", "😀😀😀😀", "a😀b😀c", "♠♥♦♣ ←↑→↓ ∀x∈ℝ ∑∫√∞ ≠≤≥", "│├─┤ ▓▒░ █▄▀",
	"\u00a0nbsp\u00a0\u00a0two\u2003em\u3000ideographic\u2028ls\u2029ps", "zero\u200bwidth\u200djoiner\u00adsoft", "\0\u0001\u0002nul\0", "\x7f\x1b[31mred\x1b[0m",
	"\ud83d\ude00\u{10ffff}\u{20000}\u{1f600}", "\ufffd\ufffe", "supercalifragilisticexpialidocious antidisestablishmentarianism", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"zxqjkvbwpfgmzxqjkvbwpfgmzxqjkvbwpfgmzxqjkvbwpfgm", "QWxhZGRpbjpvcGVuIHNlc2FtZQ== dGhlIHF1aWNrIGJyb3duIGZveA==", "d41d8cd98f00b204e9800998ecf8427e", "550e8400-e29b-41d4-a716-446655440000",
	`#include <stdio.h>\n\nint main(int argc, char **argv)\n{\n\tfor (int i = 0; i < argc; i++)\n\t\tprintf("%d: %s\\n", i, argv[i]);\n\treturn 0;\n}\n`.replaceAll("\\n", "\n"),
	`def fib(n: int) -> int:\n    """Fibonacci."""\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n\n\nprint([fib(i) for i in range(10)])\n`,
	`SELECT u.id, COUNT(*) AS n FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE u.created_at >= '2026-01-01' GROUP BY u.id HAVING COUNT(*) > 3;\n`,
	`{"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}}, "required": ["city"]}}`,
	`<!DOCTYPE html><html lang="en"><head><title>Test</title></head><body class="a b"><p>Hello &amp; goodbye</p></body></html>`,
	`const add = (a, b) => a + b;\nexport default async function* gen() { for await (const x of y()) yield x?.z ?? 0; }\n`,
	`| a | b |\n|---|---|\n| 1 | 2 |\n\n# Heading\n\n* item **bold** _it_\n\n\`\`\`js\nlet x;\n\`\`\`\n`,
	`When in the Course of human events, it becomes necessary for one people to dissolve the political bands which have connected them with another, and to assume among the powers of the earth, the separate and equal station to which the Laws of Nature and of Nature's God entitle them, a decent respect to the opinions of mankind requires that they should declare the causes which impel them to the separation.`,
];

for (const n of [2, 3, 7, 8, 15, 16, 31, 47, 48, 49, 63, 64, 100, 127, 128, 129, 500, 1000, 1500, 2000])
	for (const c of ["a", " ", "A", "\n", "-", "日", "é", "1", "ab", "😀", "\t", "\u0301", "xyzzy"])
		if (n * Buffer.byteLength(c) <= 2000 && (n <= 129 || "a -日".includes(c)))
			texts.push(c.repeat(n), `x${c.repeat(n)}y`);

// Pieces of all kinds, one behind the other, by a fixed sequence of numbers.
const parts = ["a", "B", "the", "The", "THE", " ", "  ", "\n", "\r\n", "\t", "'", "'s", "'LL", "1", "42", "1234", ".", "/", "//", "!?", "é", "É", "ß", "日本", "한", "ไ", "\u0301",
	"\u0903", "ʰ", "ǅ", "😀", "\u200d", "½", "٣", "\u00a0", "\u2003", "_", "-", "{", "}\n", "();", "foo", "Bar", "BAZ", "привет", "Мир", "αβγ", "שלום", "\0", "\\", "\"", "\u{1d400}", "\u{20000}", "\u0345"];
let seed = 12345;
const next = (n) => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0, (seed >>> 8) % n);
for (let i = 0; i < (process.env.MANY ?? 1500); i++)
	texts.push(Array.from({ length: 1 + next(14) }, () => parts[next(parts.length)]).join(""));

const line = (text) => {
	const options = { disallowedSpecial: new Set() };
	return `${o200k(text, options).length}\t${cl100k(text, options).length}\t${JSON.stringify(text).slice(1, -1)}\n`;
};
const to = process.env.OUT ?? new URL("../../tests/data/tokens/vectors.tsv", import.meta.url);
writeFileSync(to, texts.map(line).join(""));
console.log(`${texts.length} texts`);
