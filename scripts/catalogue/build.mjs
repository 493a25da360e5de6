// SPDX-License-Identifier: Apache-2.0
// Writes src/model/catalogue.txt from the npm package @pydantic/genai-prices and own.mjs:
//
//	cd scripts/catalogue && npm ci --ignore-scripts && npm run build
//
// The form of the file is described in docs/catalogue.md. What the script does not understand is an error, so that a new
// version of the package is never read half.
import fs from 'node:fs';
import { waitForUpdate } from '@pydantic/genai-prices';
import * as own from './own.mjs';

const pkg = JSON.parse(fs.readFileSync(new URL('node_modules/@pydantic/genai-prices/package.json', import.meta.url)));
const out = new URL('../../src/model/catalogue.txt', import.meta.url);

// Price key of the package → ours and its unit. null: nothing in an answer's usage tells how much of it was used.
const tokens = 6; // decimals of US dollars per million tokens: pico-dollars a token
const each = 9;   // decimals of US dollars: nano-dollars
const keys = {
  input_mtok: ['input', 1, tokens],
  output_mtok: ['output', 1, tokens],
  cache_read_mtok: ['cache_read', 1, tokens],
  cache_audio_read_mtok: ['cache_read_audio', 1, tokens],
  cache_write_mtok: ['cache_write', 1, tokens],
  cache_write_1h_mtok: ['cache_write_1h', 1, tokens],
  input_audio_mtok: ['input_audio', 1, tokens],
  input_image_mtok: ['input_image', 1, tokens],
  output_audio_mtok: ['output_audio', 1, tokens],
  output_image_mtok: ['output_image', 1, tokens],
  output_reasoning_mtok: ['reasoning', 1, tokens],
  web_searches_kcount: ['web_search', 1000, each],
  storage_searches_kcount: ['search', 1000, each],
  requests_kcount: ['request', 1000, each],
  audio_hours: ['audio_hour', 1, each],
  input_audio_hours: null,             // always the same as audio_hours
  cache_image_read_mtok: null,         // no provider's usage tells cached images apart
  input_video_mtok: null,
  output_video_mtok: null,
  output_citation_mtok: null,
  input_document_kpages: null,
  input_annotated_document_kpages: null,
  input_text_messages_kcount: null,
};

const fail = (what) => {
  throw new Error(what);
};

// The exact decimal. A twelfth of a dollar has none: it is rounded to the nearest pico-dollar and named.
let rounded = 0;
function decimal(value, divisor, digits, where) {
  const scaled = (value / divisor) * 10 ** digits;
  const whole = Math.round(scaled);
  if (!(value >= 0)) fail(`${where}: ${value} is no price`);
  if (Math.abs(scaled - whole) > 1e-9 * Math.max(1, scaled)) {
    console.error(`${where}: ${value} is rounded`);
    rounded++;
  }
  const text = String(whole).padStart(digits + 1, '0');
  return `${text.slice(0, -digits)}.${text.slice(-digits)}`.replace(/\.?0+$/, '');
}

const base_of = (v) => (typeof v === 'object' ? v.base : v);

function members(prices, pick, where) {
  const got = [];
  for (const [key, value] of Object.entries(prices)) {
    if (!(key in keys)) fail(`${where}: the price ${key} is not known`);
    const picked = keys[key] && pick(value);
    if (picked !== undefined && picked !== null)
      got.push(`${keys[key][0]}=${decimal(picked, keys[key][1], keys[key][2], where)}`);
  }
  return got;
}

function plain(prices, where) {
  return Object.entries(prices).map(([key, value]) => `${key}=${decimal(value, 1, tokens, where)}`);
}

const twice = (v) =>
  typeof v === 'object' ? { base: 2 * v.base, tiers: v.tiers.map((t) => ({ ...t, price: 2 * t.price })) } : 2 * v;

// One set of prices with its tiers and services.
function set(condition, prices, ctx) {
  if (ctx.section in own.corrections) prices = { ...prices, ...own.corrections[ctx.section][ctx.id] };
  if (own.audio_as_text.has(ctx.section) && 'input_mtok' in prices && !('input_audio_mtok' in prices))
    prices = { ...prices, input_audio_mtok: prices.input_mtok };
  // Anthropic's writes for an hour cost twice the input wherever its models run (platform.claude.com, prompt caching); some
  // sections leave them out, and then they would cost as much as those for five minutes.
  if (/claude/.test(ctx.id) && 'cache_write_mtok' in prices && !('cache_write_1h_mtok' in prices))
    prices = { ...prices, cache_write_1h_mtok: twice(prices.input_mtok) };
  const parts = [[...condition, ...members(prices, base_of, ctx.where)]];
  const starts = new Set();
  for (const value of Object.values(prices)) if (typeof value === 'object') value.tiers.forEach((t) => starts.add(t.start));
  for (const start of [...starts].sort((a, b) => a - b)) {
    // a price without a tier of its own at this start has the last one below it
    const at = (v) => (typeof v === 'object' ? v.tiers.filter((t) => t.start <= start).at(-1)?.price : undefined);
    parts.push([`above=${start}`, ...members(prices, at, ctx.where)]);
  }
  const services = own.model_services[ctx.section]?.[ctx.id] ?? {};
  for (const [service, price] of Object.entries(services))
    parts.push([`service=${service}`, ...(typeof price === 'number' ? [`times=${price}`] : plain(price, ctx.where))]);
  return parts.map((p) => p.join(' ')).join('; ');
}

function prices_of(model, ctx) {
  const sets = Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }];
  if (sets[0].constraint) fail(`${ctx.where}: the first price has a condition`);
  const free = model.id.endsWith(':free') || /^gemma/.test(model.id) && /free of charge/i.test(model.price_comments ?? '');
  const texts = sets.map(({ constraint: c, prices }) => {
    const condition = [];
    if (c?.type === 'start_date') condition.push(`from=${c.start_date}`);
    else if (c?.type === 'time_of_date') condition.push(`daily=${hours(c.start_time)}-${hours(c.end_time)}`);
    else if (c) fail(`${ctx.where}: the condition ${JSON.stringify(c)} is not known`);
    // No price at all is free only where the provider says so; elsewhere it is unknown.
    if (Object.keys(prices).length === 0) return free ? 'input=0 output=0' : '';
    return set(condition, prices, ctx);
  });
  // only in units that we do not count
  if (texts.every((t) => !/\b(input|output|audio_hour|request|web_search|search)=/.test(t))) return '';
  if (texts[0] === '') fail(`${ctx.where}: has a later price, but no first one`);
  return texts.filter((t) => t).join('; ');
}

function hours(time) {
  return /^(\d\d:\d\d):00Z$/.exec(time)?.[1] ?? fail(`the time ${time} is not known`);
}

// Patterns: * any run, # a digit, & both, ! not, | either.
function pattern(text) {
  if (/^>|[*#&!|\t;?]/.test(text)) fail(`the name ${text} holds a sign of patterns`);
  return text.toLowerCase();
}

const not_tts = '^(?!.*-[tT][tT][sS](?:$|-))';
function regex(text) {
  if (text === not_tts) return '!*-tts&!*-tts-*';
  let rest = text.startsWith('^') ? text.slice(1) : `*${text}`;
  const end = rest.endsWith('$');
  rest = end ? rest.slice(0, -1) : rest;
  rest = rest.replace(/\\d\{(\d+)\}/g, (_, n) => '#'.repeat(Number(n))).replace(/\\d/g, '#');
  const literal = rest.replace(/\\([.[\]])/g, '$1');
  if (/[\\^$*+?(){}|]/.test(literal)) fail(`the expression ${text} is not understood`);
  return end ? literal : `${literal}*`;
}

function match(m) {
  const [kind, value] = Object.entries(m)[0];
  switch (kind) {
    case 'or':
      return value.map(match).join('|');
    case 'and':
      return value.map(match).join('&');
    case 'equals':
      return pattern(value);
    case 'starts_with':
      return `${pattern(value)}*`;
    case 'ends_with':
      return `*${pattern(value)}`;
    case 'contains':
      return `*${pattern(value)}*`;
    case 'regex':
      return regex(value);
    default:
      return fail(`the match ${kind} is not known`);
  }
}

const providers = await waitForUpdate();
const lines = [];
let models = 0;
let priced = 0;

for (const section of [...providers].sort((a, b) => (a.id < b.id ? -1 : 1))) {
  if (!own.names[section.id]) continue;
  const fallbacks = [...(section.fallback_model_providers ?? []), ...(own.fallbacks[section.id] ?? [])];
  const services = Object.entries(own.services[section.id] ?? {}).map(([s, times]) => `service=${s} times=${times}`);
  lines.push(`>${section.id}\t${own.names[section.id].join(',')}\t${fallbacks.join(',')}\t${services.join('; ')}`);
  for (const model of section.models) {
    const ctx = { section: section.id, id: model.id, where: `${section.id}/${model.id}` };
    const prices = prices_of(model, ctx);
    const facts = model.context_window ? `context=${model.context_window}` : '';
    models++;
    priced += prices !== '';
    lines.push(`${model.id}\t${match(model.match)}\t${facts}\t${prices}`);
  }
}
for (const id of Object.keys(own.names)) if (!providers.some((p) => p.id === id)) fail(`the package has no ${id}`);
for (const [id, of] of [...Object.entries(own.model_services), ...Object.entries(own.corrections)])
  for (const model of Object.keys(of))
    if (!providers.find((p) => p.id === id).models.some((m) => m.id === model)) fail(`the package has no ${id}/${model}`);

const date = process.argv[2] ?? new Date().toISOString().slice(0, 10);
fs.writeFileSync(
  out,
  [
    `# sluice catalogue 1 ${date} ${pkg.name} ${pkg.version}`,
    '# Made by scripts/catalogue/build.mjs. Prices: (c) Pydantic Services Inc., MIT licence, github.com/pydantic/genai-prices',
    ...lines,
    '',
  ].join('\n'),
);
console.log(`${models} models, ${priced} with a price, ${rounded} prices rounded`);
