// SPDX-License-Identifier: Apache-2.0
// Official clients of four other gateways, and of providers, say in their own words how their requests are routed. Each test looks at both sides:
// what the client gets, and what each provider saw; nothing that was said to the gateway goes further.
import assert from "node:assert/strict";
import {createRequire} from "node:module";
import {after, afterEach, beforeEach, test} from "node:test";
import {setTimeout as sleep} from "node:timers/promises";
import {createOpenAICompatible} from "@ai-sdk/openai-compatible";
import Anthropic from "@anthropic-ai/sdk";
import {createOpenRouter} from "@openrouter/ai-sdk-provider";
import {HTTPClient, OpenRouter} from "@openrouter/sdk";
import {APICallError, embed, generateText, streamText} from "ai";
import OpenAI from "openai";
import {nothingLeaked, Provider} from "./scripted.js";
import {key, run} from "./upstreams.js";

const {Portkey} = createRequire(import.meta.url)("portkey-ai");       // its module for import() names files without their ending

// a is in the US, dear and learns from what it is sent; b is in the EU, cheap and keeps nothing; c speaks Messages.
const [a, b, c] = await Promise.all(["a", "b", "c"].map((name) => new Provider(name).start())), providers = [a, b, c];
const at = (provider, input) => ({provider, model: `real-${provider}`, price: {input, output: 2 * input}});
const {url, stop} = await run({
  keys: [{name: "clients", key}],
  routing: {retries: {attempts: 2, base: "1ms", max: "100ms"}, cooldown: {failure_ratio: 1, min_requests: 1000000, on_429: false}, breaker: {consecutive_failures: 1000000},
    affinity: {enabled: false}},
  providers: {a: {dialect: "openai-chat", base_url: `${a.url}/v1`, api_key: "sk-a", region: "us", trains_on_data: true},
    b: {dialect: "openai-chat", base_url: `${b.url}/v1`, api_key: "sk-b", region: "eu", zdr: true, trains_on_data: false},
    c: {dialect: "anthropic", base_url: `${c.url}/v1`, api_key: "sk-c"}},
  models: [{name: "m", strategy: "ordered", deployments: [at("a", 2), at("b", 1), at("c", 3)]}, ...["a", "b", "c"].map((name) => ({name: `m-${name}`, deployments: [at(name, 2)]}))],
});
after(async () => {
  await stop();
  await Promise.all(providers.map((p) => p.stop()));
});
beforeEach(() => Promise.all(providers.map((p) => p.does(null))));
afterEach(() => nothingLeaked(providers, key));

const messages = [{role: "user", content: "hi"}];
const asked = () => providers.map((p) => p.asked.length).join(" ");
const broken = {dies: "500"};

/* ---- OpenAI's client with members and fields of others ---- */

const openai = new OpenAI({apiKey: key, baseURL: `${url}/v1`, maxRetries: 0});
const say = (more = {}, headers = {}) => openai.chat.completions.create({model: "m", messages, ...more}, {headers});
const who = async (...all) => (await say(...all)).choices[0].message.content;

test("openai: OpenRouter's provider", async () => {
  for (const [provider, want] of [[{}, "a"], [{order: ["b"]}, "b"], [{order: ["C", "b"]}, "c"], [{only: ["b", "c"]}, "b"], [{ignore: ["a", "b"]}, "c"], [{sort: "price"}, "b"],
    [{sort: {by: "price", partition: "none"}}, "b"], [{max_price: {prompt: 1.5}}, "b"], [{zdr: true}, "b"], [{data_collection: "deny"}, "b"],
    [{order: ["c"], allow_fallbacks: false, require_parameters: false}, "c"], [null, "a"]])
    assert.equal(await who({provider}), want, JSON.stringify(provider));
});

test("openai: OpenRouter's provider, in streams", async () => {
  const s = openai.chat.completions.stream({model: "m", messages, provider: {only: ["c"]}, stream_options: {include_usage: true}});
  const r = await s.finalChatCompletion();
  assert.deepEqual([r.choices[0].message.content, r.usage.total_tokens, asked()], ["c", 125, "0 0 1"]);
});

test("openai: a wish that nobody meets, and one that is wrong", async () => {
  for (const [more, words] of [[{provider: {only: ["nobody"]}}, /leaves no deployment/], [{provider: {order: "a"}}, /provider\.order/], [{provider: {sort: "speed"}}, /provider\.sort/],
    [{models: ["m", 5]}, /models\[1\]/], [{provider: {max_price: {prompt: 0.5}}}, /price/]])
    await assert.rejects(say(more), (e) => e instanceof OpenAI.BadRequestError && words.test(e.message) && e.code === "invalid_request_error" && Boolean(e.requestID) || assert.fail(e.stack));
  assert.equal(asked(), "0 0 0");
});

test("openai: OpenRouter's models, tried in turn", async () => {
  await a.does(broken);
  const {data, response} = await say({model: "m-a", models: ["m-a", "m-c", "m-b"]}).withResponse();
  assert.equal(data.choices[0].message.content, "c");
  assert.deepEqual([response.headers.get("x-sluice-provider"), response.headers.get("x-sluice-model"), asked()], ["c", "real-c", "3 0 1"]);
  assert.equal(response.headers.get("x-sluice-attempts"), "4");
  assert.match(response.headers.get("x-sluice-plan"), /c\/real-c/);
});

test("openai: allow_fallbacks: false stays where it was asked to", async () => {
  await a.does(broken);
  await assert.rejects(say({model: "m", models: ["m-b"], provider: {order: ["a"], allow_fallbacks: false}}), OpenAI.InternalServerError);
  assert.equal(asked(), "3 0 0");
});

test("openai: :floor is the cheapest, :nitro the fastest", async () => {
  assert.equal(await who({model: "m:floor"}), "b");
  await Promise.all([a.does({wait: 60}), b.does({wait: 40})]);
  await Promise.all(["a", "b", "c"].flatMap((only) => Array.from({length: 10}, () => say({provider: {only: [only]}}))));
  await sleep(300);                                       // percentiles are found anew a few times a second
  assert.equal(await who({model: "m:nitro"}), "c");
  assert.equal(await who({model: "m:nitro", provider: {ignore: ["c"]}}), "b");
});

test("openai: Vercel's providerOptions.gateway", async () => {
  for (const [gateway, want] of [[{order: ["b", "a"]}, "b"], [{only: ["c"]}, "c"], [{sort: "cost"}, "b"], [{zeroDataRetention: true}, "b"], [{disallowPromptTraining: true}, "b"],
    [{models: ["m-b"], user: "u1", tags: ["t1"]}, "a"]])
    assert.equal(await who({providerOptions: {gateway, anthropic: {thinking: {type: "disabled"}}}}), want, JSON.stringify(gateway));
});

test("openai: Cloudflare's fields", async () => {
  const aig = {"cf-aig-metadata": "{\"team\":\"x\"}", "cf-aig-cache-ttl": "60", "cf-aig-skip-cache": "true", "cf-aig-collect-log": "false"};
  await a.does(null, {dies: "hangs"});
  const start = performance.now();
  assert.equal(await who({}, {...aig, "cf-aig-request-timeout": "80"}), "b");
  assert.ok(performance.now() - start < 1500);
  await a.does(broken);
  await assert.rejects(say({model: "m-a"}, {...aig, "cf-aig-max-attempts": "2", "cf-aig-retry-delay": "60", "cf-aig-backoff": "constant"}), OpenAI.InternalServerError);
  assert.equal(a.asked.length, 2);
  assert.ok(a.asked[1].at - a.asked[0].at >= 55, "it waited");
});

test("openai: our own fields", async () => {
  for (const [headers, want] of [[{"x-sluice-zdr": "require"}, "b"], [{"x-sluice-region": "eu"}, "b"], [{"x-sluice-user": "u", "x-sluice-tags": "t", "x-sluice-session": "s"}, "a"]])
    assert.equal(await who({}, headers), want, JSON.stringify(headers));
  const {response} = await say({}, {"x-sluice-explain": "true"}).withResponse();
  assert.match(response.headers.get("x-sluice-plan"), /a\/real-a.*b\/real-b.*c\/real-c/);
  await a.does(broken);
  await assert.rejects(say({model: "m-a"}, {"x-sluice-retries": "0"}), OpenAI.InternalServerError);
  assert.equal(a.asked.length, 1);
});

test("openai and anthropic: the same words in Responses and Messages", async () => {
  const anthropic = new Anthropic({apiKey: key, baseURL: url, maxRetries: 0});
  for (const [more, want] of [[{}, "a"], [{provider: {only: ["c"]}}, "c"], [{provider: {sort: "price"}}, "b"], [{providerOptions: {gateway: {order: ["b"]}}}, "b"]]) {
    assert.equal((await openai.responses.create({model: "m", input: "hi", store: false, ...more})).output_text, want, JSON.stringify(more));
    assert.equal((await anthropic.messages.create({model: "m", max_tokens: 50, messages, ...more})).content[0].text, want, JSON.stringify(more));
  }
  await a.does(broken);
  assert.equal((await anthropic.messages.stream({model: "m-a", models: ["m-c"], max_tokens: 50, messages}).finalMessage()).content[0].text, "c");
  assert.equal((await openai.responses.stream({model: "m-a", models: ["m-b"], input: "hi", store: false}).finalResponse()).output_text, "b");
});

/* ---- OpenRouter's clients ---- */

const openrouter = createOpenRouter({apiKey: key, baseURL: `${url}/v1`, appName: "tests", appUrl: "https://example.com"});
const ask = {prompt: "hi", maxRetries: 0};

test("OpenRouter's provider of the AI SDK: provider and models", async () => {
  assert.equal((await generateText({...ask, model: openrouter.chat("m", {provider: {order: ["b", "a"], allow_fallbacks: true}})})).text, "b");
  assert.equal((await generateText({...ask, model: openrouter("m:floor")})).text, "b");
  assert.equal((await generateText({...ask, model: openrouter("m"), providerOptions: {openrouter: {provider: {only: ["c"]}}}})).text, "c");
  await a.does(broken);
  const r = await generateText({...ask, model: openrouter("m-a", {models: ["m-b", "m-c"], user: "u1"})});
  assert.equal(r.text, "b");
  assert.equal(r.response.headers["x-sluice-provider"], "b");
  assert.deepEqual([r.finishReason, r.usage.inputTokens, r.usage.outputTokens], ["stop", 100, 25]);
});

test("OpenRouter's provider of the AI SDK: streams, and what is only OpenRouter's", async () => {
  await a.does(broken);
  const r = streamText({...ask, model: openrouter("m", {usage: {include: true}, provider: {data_collection: "deny"}, extraBody: {models: ["m-c"], session_id: "s1"}})});
  assert.deepEqual([await r.text, (await r.usage).outputTokens, asked()], ["b", 25, "0 1 0"]);
  const e = [];
  for await (const part of streamText({...ask, model: openrouter("m", {provider: {only: ["a"]}}), onError() {}}).fullStream)
    if (part.type === "error")
      e.push(part.error);
  assert.ok(e.length === 1 && APICallError.isInstance(e[0]) && e[0].statusCode >= 500, String(e));
});

test("OpenRouter's own SDK: provider and models", async () => {
  const heads = [], httpClient = new HTTPClient();
  httpClient.addHook("response", ({headers}) => { heads.push(headers); });
  const client = new OpenRouter({apiKey: key, serverURL: `${url}/v1`, httpClient, retryConfig: {strategy: "none"}});
  const send = (chatRequest) => client.chat.send({chatRequest: {model: "m", messages, ...chatRequest}});
  for (const [provider, want] of [[{order: ["b"]}, "b"], [{only: ["c"], allowFallbacks: false}, "c"], [{dataCollection: "deny", zdr: true}, "b"], [{maxPrice: {prompt: "1.5"}}, "b"],
    [{sort: {by: "price"}, preferredMaxLatency: {p90: 5}, preferredMinThroughput: 1}, "b"], [{requireParameters: false, quantizations: null}, "a"]]) {
    const r = await send({provider});
    assert.deepEqual([r.choices[0].message.content, r.usage.totalTokens, heads.at(-1).get("x-sluice-provider")], [want, 125, want], JSON.stringify(provider));
  }
  await a.does(broken);
  // without streamOptions: it takes no `usage: null`, which OpenAI has in every chunk but the last
  let text = "", ends = 0;
  for await (const {choices: [choice]} of await send({model: "m-a", models: ["m-c"], stream: true, sessionId: "s1"})) {
    text += choice?.delta.content ?? "";
    ends += Boolean(choice?.finishReason);
  }
  assert.deepEqual([text, ends], ["c", 1]);
  await assert.rejects(send({provider: {only: ["nobody"]}}), (e) => e.statusCode === 400 && /leaves no deployment/.test(e.body) || assert.fail(e.stack));
  await assert.rejects(send({model: "m-a"}), (e) => e.statusCode >= 500 || assert.fail(e.stack));
});

test("OpenRouter's words of embeddings", async () => {
  const of = (name) => name.charCodeAt(0), more = {encoding_format: "float", session_id: "s1"}, sdk = new OpenRouter({apiKey: key, serverURL: `${url}/v1`});
  for (const [provider, want] of [[{only: ["b"]}, "b"], [{order: ["b"], allow_fallbacks: true}, "b"], [{sort: "price"}, "b"], [{}, "a"]]) {
    assert.equal((await openai.embeddings.create({model: "m", input: "x", provider, ...more})).data[0].embedding[0], of(want));
    assert.equal((await embed({model: openrouter.textEmbeddingModel("m", {provider}), value: "x", maxRetries: 0})).embedding[0], of(want));
  }
  assert.equal((await sdk.embeddings.generate({requestBody: {model: "m", input: "x", provider: {only: ["b"]}}})).data[0].embedding[0], of("b"));
  await a.does(broken);
  assert.equal((await openai.embeddings.create({model: "m-a", models: ["m-b"], input: "x", ...more})).data[0].embedding[0], of("b"));
  assert.equal((await portkey({strategy: {mode: "fallback"}, targets: [{provider: "a"}, {provider: "b"}]}).embeddings.create({model: "m", input: "x"})).data[0].embedding[0], of("b"));
});

/* ---- Vercel's words by the AI SDK. Its own provider, @ai-sdk/gateway, speaks another protocol (/v1/ai/language-model) and is left out. ---- */

test("openai-compatible provider of the AI SDK: providerOptions.gateway", async () => {
  const vercel = createOpenAICompatible({name: "vercel", apiKey: key, baseURL: `${url}/v1`, includeUsage: true});
  const options = (gateway) => ({...ask, model: vercel("m"), providerOptions: {vercel: {providerOptions: {gateway}}}});
  for (const [gateway, want] of [[{order: ["c", "b"]}, "c"], [{only: ["b"]}, "b"], [{sort: "cost"}, "b"], [{zeroDataRetention: true}, "b"]])
    assert.equal((await generateText(options(gateway))).text, want, JSON.stringify(gateway));
  await Promise.all([a.does(broken), b.does(broken)]);
  const r = streamText(options({order: ["b"], models: ["m-c"], tags: ["x"]}));
  assert.deepEqual([await r.text, await r.finishReason, (await r.usage).outputTokens], ["c", "stop", 25]);
  assert.equal((await r.response).headers["x-sluice-provider"], "c");
  await Promise.all([a.does({dies: "hangs"}), b.does(null)]);
  assert.equal((await generateText(options({providerTimeouts: {byok: {a: 1000}, a: 1000}, order: ["b"]}))).text, "b");
});

test("openai-compatible provider of the AI SDK: fields of ours, and errors of its own", async () => {
  const sluice = createOpenAICompatible({name: "sluice", apiKey: key, baseURL: `${url}/v1`, headers: {"x-sluice-region": "eu"}});
  assert.equal((await generateText({...ask, model: sluice("m")})).text, "b");
  await assert.rejects(generateText({...ask, model: sluice("m-c")}), (e) => APICallError.isInstance(e) && e.statusCode >= 400 && /region/.test(e.message) || assert.fail(e.stack));
  assert.equal(asked(), "0 1 0");
});

/* ---- Portkey's client ---- */

const portkey = (config, more = {}) => new Portkey({apiKey: key, baseURL: `${url}/v1`, config, ...more});
const send = async (client, more = {}, ...rest) => (await client.chat.completions.create({model: "m", messages, ...more}, ...rest)).choices[0].message.content;

test("portkey: a fallback", async () => {
  const config = {strategy: {mode: "fallback"}, targets: [{provider: "a"}, {provider: "@c", override_params: {model: "real-c"}}, {virtual_key: "b"}]};
  assert.equal(await send(portkey(config)), "a");
  await a.does(broken);
  assert.equal(await send(portkey(config)), "c");
  await c.does({kind: "overloaded"});
  assert.equal(await send(portkey(config)), "b");
  await a.does({kind: "rate"});
  const only = portkey({strategy: {mode: "fallback", on_status_codes: [429]}, targets: config.targets});
  await c.does(null);
  assert.equal(await send(only), "c");
  await a.does(broken);
  await assert.rejects(send(only), (e) => e.status >= 500 || assert.fail(e.stack));
  assert.equal(c.asked.length, 1);
});

test("portkey: a loadbalance by weights", async () => {
  const client = portkey({strategy: {mode: "loadbalance"}, targets: [{provider: "a", weight: 0.75}, {provider: "b", weight: 0.25}, {provider: "c", weight: 0}]});
  const said = await Promise.all(Array.from({length: 60}, () => send(client)));
  const count = (name) => said.filter((s) => s === name).length;
  assert.ok(count("a") > 30 && count("b") > 3 && count("c") === 0, said.join(""));
});

test("portkey: conditions on metadata, on parameters and nested", async () => {
  const config = {strategy: {mode: "conditional", default: "others", conditions: [
    {query: {"metadata.plan": {$eq: "paid"}}, then: "paid"}, {query: {$and: [{"metadata.plan": {$in: ["trial", "free"]}}, {"params.temperature": {$lte: 0.5}}]}, then: "cold"}]},
  targets: [{name: "paid", strategy: {mode: "fallback"}, targets: [{provider: "b"}, {provider: "c"}]}, {name: "cold", provider: "c"}, {name: "others", provider: "a"}]};
  for (const [metadata, more, want] of [[{plan: "paid"}, {}, "b"], [{plan: "trial"}, {temperature: 0.2}, "c"], [{plan: "trial"}, {temperature: 0.9}, "a"], [undefined, {}, "a"]])
    assert.equal(await send(portkey(config, {metadata}), more), want, JSON.stringify(metadata));
  assert.equal(await send(portkey(config), {}, {metadata: {plan: "paid"}}), "b");        // of one request
  await b.does(broken);
  assert.equal(await send(portkey(config, {metadata: {plan: "paid"}})), "c");
});

test("portkey: parameters that are overridden, given and dropped", async () => {
  const client = portkey({strategy: {mode: "fallback"}, targets: [{provider: "b", override_params: {model: "m-b", temperature: 0.1, max_tokens: 7}, default_params: {seed: 5},
    drop_params: ["user"]}]});
  assert.equal(await send(client, {model: "gpt-x", temperature: 0.9, user: "u", top_p: 0.5}), "b");
  const {messages: told, ...body} = b.asked[0].body;
  assert.deepEqual(body, {model: "real-b", temperature: 0.1, max_tokens: 7, seed: 5, top_p: 0.5});
  assert.deepEqual(told, messages);
});

test("portkey: retries and time limits", async () => {
  await a.does(null, broken, {kind: "overloaded"});
  assert.equal(await send(portkey({provider: "a", retry: {attempts: 3}})), "a");
  assert.equal(a.asked.length, 3);
  await a.does(null, {kind: "rate"});
  await assert.rejects(send(portkey({provider: "a", retry: {attempts: 3, on_status_codes: [500]}})), (e) => e.status === 429 || assert.fail(e.stack));
  assert.equal(a.asked.length, 1);
  await a.does({dies: "hangs"});
  const start = performance.now();
  assert.equal(await send(portkey({strategy: {mode: "fallback"}, targets: [{provider: "a", request_timeout: 80, retry: {attempts: 0}}, {provider: "b"}]})), "b");
  assert.ok(performance.now() - start < 1500);
  await assert.rejects(send(portkey({provider: "a", retry: {attempts: 0}}, {requestTimeout: 80})), (e) => e.status === 504 || e.status === 408 || assert.fail(e.stack));
});

test("portkey: streams", async () => {
  await a.does(broken);
  const s = await portkey({strategy: {mode: "fallback"}, targets: [{provider: "a"}, {provider: "c"}]}).chat.completions.create({model: "m", messages, stream: true});
  let text = "", ends = 0;
  for await (const {choices: [choice]} of s) {
    text += choice?.delta.content ?? "";
    ends += Boolean(choice?.finish_reason);
  }
  assert.deepEqual([text, ends], ["c", 1]);
});

test("portkey: a config on its own shelf, a key that is not known, a host of the client's", async () => {
  await assert.rejects(send(portkey("pc-stored-123")), (e) => e.status === 400 && /pc-stored-123/.test(e.message) || assert.fail(e.stack));
  await assert.rejects(send(new Portkey({apiKey: "sk-nobody", baseURL: `${url}/v1`})), (e) => e.status === 401 || assert.fail(e.stack));
  await assert.rejects(send(portkey({provider: "a"}, {customHost: "http://127.0.0.1:1"})), (e) => e.status >= 400 && /host/.test(e.message) || assert.fail(e.stack));
  assert.equal(asked(), "0 0 0");
});

test("openai with Portkey's fields, and Portkey's key beside a key of nobody's", async () => {
  const client = new OpenAI({apiKey: "sk-of-nobody", baseURL: `${url}/v1`, maxRetries: 0, defaultHeaders: {"x-portkey-api-key": key, "x-portkey-provider": "b"}});
  assert.equal((await client.chat.completions.create({model: "m", messages})).choices[0].message.content, "b");
});
