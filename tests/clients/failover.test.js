// SPDX-License-Identifier: Apache-2.0
// What the providers' own SDKs notice when a deployment dies: nothing, as long as another one lives; their own classes of errors, when none does;
// one answer, when a stream goes on with another deployment or when two were asked at once.
import assert from "node:assert/strict";
import {after, afterEach, beforeEach, test} from "node:test";
import {setTimeout as sleep} from "node:timers/promises";
import {createAnthropic} from "@ai-sdk/anthropic";
import {createGoogle} from "@ai-sdk/google";
import {createOpenAI} from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import {ApiError, GoogleGenAI} from "@google/genai";
import {APICallError, streamText} from "ai";
import OpenAI from "openai";
import {nothingLeaked, Provider} from "./scripted.js";
import {key, run} from "./upstreams.js";

// Each is a provider of all dialects. A model is at `a` and then at `b`; its name tells the dialects there.
const [a, b] = await Promise.all(["a", "b"].map((name) => new Provider(name).start())), both = [a, b];
const dialects = {chat: ["openai-chat", "/v1"], responses: ["openai-responses", "/v1"], claude: ["anthropic", "/v1"], gemini: ["gemini", "/v1beta"]};
const pairs = [["chat", "chat"], ["responses", "responses"], ["claude", "claude"], ["gemini", "gemini"], ["chat", "claude"], ["claude", "gemini"], ["gemini", "chat"],
  ["responses", "claude"]];
const deployments = (first, second) => [{provider: `a-${first}`, model: "real-a"}, {provider: `b-${second}`, model: "real-b"}];
const {url, stop} = await run({
  keys: [{name: "clients", key}],
  routing: {retries: {attempts: 1, base: "1ms", max: "2ms", respect_retry_after: "0s"}, affinity: {enabled: false}, hedge_max: 1,
    cooldown: {failure_ratio: 1, min_requests: 1000000, on_429: false}, breaker: {consecutive_failures: 1000000}},
  providers: Object.fromEntries(both.flatMap((p) => Object.entries(dialects).map(([name, [dialect, path]]) => [`${p.name}-${name}`,
    {dialect, base_url: p.url + path, api_key: `sk-${p.name}`, timeouts: {first_byte: "400ms", idle: "400ms"}}]))),
  models: pairs.flatMap(([first, second]) => [
    {name: `${first}-${second}`, strategy: "ordered", deployments: deployments(first, second)},
    {name: `${first}-${second}-goes-on`, strategy: "ordered", stream_failover: "continue", deployments: deployments(first, second)},
    {name: `${first}-${second}-hedged`, strategy: "ordered", hedge_after: "40ms", timeouts: {first_byte: "5s"}, deployments: deployments(first, second)}]),
});
after(async () => {
  await stop();
  await Promise.all(both.map((p) => p.stop()));
});
beforeEach(() => Promise.all(both.map((p) => p.does(null))));
afterEach(() => nothingLeaked(both, key));

// What each SDK makes of an answer: its text, how often it ended and how, its usage in and out, the head; and its own errors.
const openai = new OpenAI({apiKey: key, baseURL: `${url}/v1`, maxRetries: 0, timeout: 10_000});
const anthropic = new Anthropic({apiKey: key, baseURL: url, maxRetries: 0, timeout: 10_000});
const google = new GoogleGenAI({apiKey: key, httpOptions: {baseUrl: url, timeout: 10_000}});
const user = [{role: "user", content: "hi"}];
const head = (headers) => ({provider: headers.get("x-sluice-provider"), model: headers.get("x-sluice-model"), deployment: headers.get("x-sluice-deployment"),
  attempts: Number(headers.get("x-sluice-attempts"))});

const clients = [{
  name: "openai, chat", pair: "chat-chat", own: OpenAI.APIError, rate: OpenAI.RateLimitError, server: OpenAI.InternalServerError,
  async whole(model) {
    const {data: r, response} = await openai.chat.completions.create({model, messages: user}).withResponse();
    return {text: r.choices[0].message.content, ends: [r.choices[0].finish_reason], usage: [r.usage.prompt_tokens, r.usage.completion_tokens], ...head(response.headers)};
  },
  async stream(model) {
    let headers;
    const spy = openai.withOptions({fetch: async (...all) => { const r = await fetch(...all); headers = r.headers; return r; }});
    const s = spy.chat.completions.stream({model, messages: user, stream_options: {include_usage: true}}), ends = [];
    s.on("chunk", ({choices: [c]}) => c?.finish_reason && ends.push(c.finish_reason));
    const r = await s.finalChatCompletion();
    return {text: r.choices[0].message.content, ends, usage: [r.usage.prompt_tokens, r.usage.completion_tokens], ...head(headers)};
  },
}, {
  name: "openai, responses", pair: "responses-responses", own: OpenAI.OpenAIError, rate: OpenAI.RateLimitError, server: OpenAI.InternalServerError,
  async whole(model) {
    const {data: r, response} = await openai.responses.create({model, input: "hi", store: false}).withResponse();
    return {text: r.output_text, ends: [r.status], usage: [r.usage.input_tokens, r.usage.output_tokens], ...head(response.headers)};
  },
  async stream(model) {
    let headers;
    const spy = openai.withOptions({fetch: async (...all) => { const r = await fetch(...all); headers = r.headers; return r; }});
    const s = spy.responses.stream({model, input: "hi", store: false}), ends = [];
    s.on("response.completed", (e) => ends.push(e.response.status));
    const r = await s.finalResponse();
    if (r.status !== "completed")
      throw new OpenAI.OpenAIError(`${r.status}: ${r.error.message}`);      // what the SDK leaves to its user to see
    return {text: r.output_text, ends, usage: [r.usage.input_tokens, r.usage.output_tokens], ...head(headers)};
  },
}, {
  name: "anthropic", pair: "claude-claude", own: Anthropic.AnthropicError, rate: Anthropic.RateLimitError, server: Anthropic.InternalServerError,
  async whole(model) {
    const {data: r, response} = await anthropic.messages.create({model, max_tokens: 500, messages: user}).withResponse();
    return {text: r.content[0].text, ends: [r.stop_reason], usage: [r.usage.input_tokens + r.usage.cache_read_input_tokens, r.usage.output_tokens], ...head(response.headers)};
  },
  async stream(model) {
    const s = anthropic.messages.stream({model, max_tokens: 500, messages: user}), ends = [];
    s.on("streamEvent", (e) => e.type === "message_delta" && ends.push(e.delta.stop_reason));
    const r = await s.finalMessage(), {response} = await s.withResponse();
    return {text: r.content.map((c) => c.text).join(""), ends, usage: [r.usage.input_tokens + r.usage.cache_read_input_tokens, r.usage.output_tokens], ...head(response.headers)};
  },
}, {
  name: "google", pair: "gemini-gemini", own: Error, rate: ApiError, server: ApiError,
  async whole(model) {
    const r = await google.models.generateContent({model, contents: "hi"});
    return {text: r.text, ends: [r.candidates[0].finishReason], usage: [r.usageMetadata.promptTokenCount, r.usageMetadata.candidatesTokenCount + (r.usageMetadata.thoughtsTokenCount ?? 0)],
      ...head(new Headers(r.sdkHttpResponse.headers))};
  },
  async stream(model) {
    let text = "", ends = [], last;
    for await (const r of await google.models.generateContentStream({model, contents: "hi"})) {
      text += r.text ?? "";
      ends.push(...(r.candidates ?? []).flatMap((c) => c.finishReason ?? []));
      last = r;
    }
    const u = last.usageMetadata;
    return {text, ends, usage: [u.promptTokenCount, u.candidatesTokenCount + (u.thoughtsTokenCount ?? 0)], ...head(new Headers(last.sdkHttpResponse.headers))};
  },
}];
const piece = {chat: 6, responses: 7, claude: 6, gemini: 6};       // letters in a piece of a stream (upstreams.js)
const ended = {"openai, chat": "stop", "openai, responses": "completed", anthropic: "end_turn", google: "STOP"};
const long = "The quick brown fox jumps over the lazy dog, and then it rests a while in the shade of the old oak tree.";

async function all(stream) {
  const parts = [];
  for await (const part of stream)
    parts.push(part);
  return parts;
}

async function until(holds, what) {
  for (let i = 0; i < 600 && !holds(); i++)
    await sleep(5);
  assert.ok(holds(), what);
}

const deaths = [{dies: "refuses"}, {dies: "500"}, {kind: "rate", head: {"retry-after": "30"}}, {kind: "overloaded"}, {dies: "cut"}, {dies: "error event"}, {dies: "hangs"}];
const pairsOf = (client) => [client.pair, ...pairs.filter(([x, y]) => x !== y).map((p) => p.join("-"))];

for (const client of clients)
  for (const way of ["whole", "stream"]) {
    for (const death of deaths)
      test(`${client.name}, ${way}: the first deployment ${death.dies ?? death.kind}, and nobody notices`, async () => {
        for (const pair of death.dies === "hangs" ? [client.pair] : pairsOf(client)) {
          await Promise.all([a.does(death), b.does({text: long})]);
          const start = performance.now(), r = await client[way](pair);
          assert.deepEqual(r, {text: long, ends: [ended[client.name]], usage: [100, 25], provider: `b-${pair.split("-")[1]}`, model: "real-b",
            deployment: `b-${pair.split("-")[1]}/real-b`, attempts: 2}, pair);
          assert.ok(performance.now() - start < 2000, "it took its time");
          assert.deepEqual([a.asked.length, b.asked.length], [death.dies === "refuses" ? 0 : 1, 1], pair);
        }
      });

    test(`${client.name}, ${way}: when all are over their limits, its own error with the shortest wait`, async () => {
      await Promise.all([a.does({kind: "rate", head: {"retry-after": "30"}}), b.does({kind: "rate", head: {"retry-after": "7"}})]);
      for (const pair of pairsOf(client))
        await assert.rejects(client[way](pair), (e) => {
          assert.ok(e instanceof client.rate && e.status === 429, `${pair}: ${e.stack}`);
          if (e.headers)
            assert.equal(e.headers.get("retry-after"), "7");
          return true;
        });
    });

    test(`${client.name}, ${way}: when all are dead, its own error that says so`, async () => {
      for (const [one, other, statuses] of [[{dies: "500"}, {dies: "500"}, [502]], [{dies: "refuses"}, {dies: "refuses"}, [502]], [{dies: "hangs"}, {dies: "hangs"}, [504]],
        [{dies: "500"}, {kind: "rate", head: {"retry-after": "7"}}, [503]], [{dies: "cut"}, {dies: "error event"}, [502]], [{kind: "overloaded"}, {kind: "overloaded"}, [502, 503, 529]]]) {
        await Promise.all([a.does(one), b.does(other)]);
        await assert.rejects(client[way](client.pair), (e) => {
          assert.ok(e instanceof client.server && statuses.includes(e.status), `${JSON.stringify(one)}: ${e.status} ${e.stack}`);
          assert.match(e.message, /a-\w+\/real-a.*b-\w+\/real-b/, "the attempts are listed");
          assert.doesNotMatch(e.message, /127\.0\.0\.1|sk-[ab]/);
          if (e.headers && statuses[0] === 503)
            assert.equal(e.headers.get("retry-after"), "7");
          return true;
        });
      }
    });
  }

for (const client of clients) {
  test(`${client.name}: a stream that is cut is an error by default`, async () => {
    await Promise.all([a.does({text: long, cut: 3}), b.does({text: long})]);
    for (const pair of pairsOf(client))
      await assert.rejects(client.stream(pair), client.own, pair);
    assert.equal(b.asked.length, 0);
  });

  test(`${client.name}: a stream that goes on with another deployment is one stream`, async () => {
    for (const pair of pairsOf(client)) {
      // the rest comes from the second, which was given what there was
      let rest = "";
      const goesOn = (asked) => {
        const had = long.slice(0, 3 * piece[pair.split("-")[0]]);
        assert.ok(asked.text.includes(had.trimEnd()), `${pair}: what came so far is handed on: ${asked.text}`);
        rest = long.slice(had.trimEnd().length);
        return {text: rest};
      };
      await Promise.all([a.does({text: long, cut: 3}), b.does(goesOn)]);
      const r = await client.stream(`${pair}-goes-on`);
      assert.equal(r.text, long, pair);
      assert.deepEqual(r.ends, [ended[client.name]], pair);
      assert.ok(r.usage[0] > 100 && r.usage[0] <= 200 && r.usage[1] > 25 && r.usage[1] <= 50, `${pair}: both calls are in the usage: ${r.usage}`);
      assert.deepEqual([a.asked.length, b.asked.length], [1, 1]);
    }
  });

  for (const way of ["whole", "stream"])
    test(`${client.name}, ${way}: of two that are asked one answers`, async () => {
      for (const pair of pairsOf(client)) {
        await Promise.all([a.does({text: "too late", wait: 2000}), b.does({text: long})]);
        const r = await client[way](`${pair}-hedged`);
        assert.deepEqual([r.text, r.ends, r.usage, r.attempts], [long, [ended[client.name]], [100, 25], 2], pair);
        assert.equal(r.provider, `b-${pair.split("-")[1]}`);
        assert.deepEqual([a.asked.length, b.asked.length], [1, 1], pair);
        await until(() => a.left === 1, `${pair}: the slow one was told to stop`);
      }
    });
}

for (const client of clients) {
  test(`${client.name}: a stream with which nobody can go on is an error`, async () => {
    for (const other of [{dies: "500"}, {dies: "refuses"}, {dies: "cut"}, {kind: "rate", head: {"retry-after": "9"}}]) {
      await Promise.all([a.does({text: long, cut: 3}, {text: long, cut: 3}, {dies: "500"}), b.does(other)]);
      await assert.rejects(client.stream(`${client.pair}-goes-on`), client.own, JSON.stringify(other));
    }
  });

  test(`${client.name}: many at once, while one deployment dies in all ways`, async () => {
    let n = 0;
    const ways = deaths.filter((d) => d.dies !== "refuses" && d.dies !== "hangs");
    await Promise.all([a.does(() => n++ % 3 ? ways[n % ways.length] : {text: long}), b.does({text: long})]);
    const said = await Promise.all(Array.from({length: 60}, (_, i) => client[i % 2 ? "whole" : "stream"](pairsOf(client)[i % 5])));
    for (const r of said)
      assert.deepEqual([r.text, r.ends, r.usage], [long, [ended[client.name]], [100, 25]]);
  });

  test(`${client.name}: of two that are asked one fails, and the other answers`, async () => {
    for (const death of [{dies: "error event"}, {kind: "rate"}]) {
      for (const [one, other] of [[{...death, wait: 70}, {text: long, wait: 90}], [{text: long, wait: 90}, death]]) {
        await Promise.all([a.does(one), b.does(other)]);
        for (const way of ["whole", "stream"]) {
          const r = await client[way](`${client.pair}-hedged`);
          assert.deepEqual([r.text, r.ends, r.usage], [long, [ended[client.name]], [100, 25]], `${JSON.stringify(death)}, ${way}`);
        }
      }
    }
  });
}

test("a client that leaves is followed by both that were asked", async () => {
  for (const stream of [false, true]) {
    await Promise.all([a.does({wait: 3000}), b.does({wait: 3000})]);
    const controller = new AbortController();
    const asked = openai.chat.completions.create({model: "chat-claude-hedged", messages: user, stream}, {signal: controller.signal});
    await until(() => a.asked.length === 1 && b.asked.length === 1, "both were asked");
    controller.abort();
    await assert.rejects(asked, OpenAI.APIUserAbortError);
    await until(() => a.left === 1 && b.left === 1, "both were told to stop");
  }
});

test("SDKs that try again by themselves wait as long as the gateway says", async () => {
  const rate = {kind: "rate", head: {"retry-after": "1"}};
  await Promise.all([a.does({text: long}, rate, rate), b.does({text: long}, rate, rate)]);
  const start = performance.now();
  const said = await Promise.all([openai.withOptions({maxRetries: 1}).chat.completions.create({model: "chat-chat", messages: user}),
    anthropic.withOptions({maxRetries: 1}).messages.create({model: "claude-claude", max_tokens: 50, messages: user})]);
  assert.deepEqual([said[0].choices[0].message.content, said[1].content[0].text], [long, long]);
  const took = performance.now() - start;
  assert.ok(took > 900 && took < 3000, `${took} ms`);
});

test("the AI SDK: failover, a stream that goes on, and an error of its own", async () => {
  const ai = {chat: createOpenAI({apiKey: key, baseURL: `${url}/v1`}).chat, responses: createOpenAI({apiKey: key, baseURL: `${url}/v1`}).responses,
    claude: createAnthropic({apiKey: key, baseURL: `${url}/v1`}), gemini: createGoogle({apiKey: key, baseURL: `${url}/v1beta`})};
  for (const [api, make] of Object.entries(ai))
    for (const second of ["chat", "claude"].filter((d) => pairs.some(([x, y]) => x === api && y === d))) {
      const pair = `${api}-${second}`, text = (name, more = {}) => streamText({model: make(name), prompt: "hi", maxRetries: 0, onError() {}, ...more});
      for (const death of [{dies: "cut"}, {dies: "error event"}, {dies: "500"}]) {
        await Promise.all([a.does(death), b.does({text: long})]);
        const r = text(pair);
        assert.deepEqual([await r.text, await r.finishReason, (await r.usage).inputTokens, (await r.usage).outputTokens, (await r.response).headers["x-sluice-provider"]],
          [long, "stop", 100, 25, `b-${second}`], `${pair} ${death.dies}`);
      }
      await Promise.all([a.does({text: long, cut: 3}), b.does(({text: told}) => ({text: long.slice(told.lastIndexOf(long.slice(0, 20)) < 0 ? 0 : 3 * piece[api])}))]);
      const r = text(`${pair}-goes-on`), parts = await all(r.fullStream);
      assert.equal(await r.text, long, pair);
      assert.deepEqual(parts.filter((p) => p.type === "finish" || p.type === "error").map((p) => p.type), ["finish"]);
      assert.ok((await r.usage).outputTokens > 25);
      await Promise.all([a.does({kind: "rate", head: {"retry-after": "9"}}), b.does({kind: "rate", head: {"retry-after": "8"}})]);
      const failed = (await all(text(pair).fullStream)).filter((p) => p.type === "error");
      assert.ok(failed.length === 1 && APICallError.isInstance(failed[0].error) && failed[0].error.statusCode === 429, String(failed[0]?.error));
      assert.equal(failed[0].error.responseHeaders["retry-after"], "8");
    }
});

/* ---- more than a text ---- */

const token = Buffer.from("what only its maker understands, and nobody else").toString("base64");
const thought = "Let me think about it, and then some more.";
const tool = {name: "get_weather", description: "of a city", schema: {type: "object", properties: {city: {type: "string"}}, required: ["city"], additionalProperties: false}};
const rest = long.slice(18);

test("anthropic: thoughts before a text that goes on", async () => {
  for (const pair of ["claude-claude", "claude-gemini"]) {
    await Promise.all([a.does({parts: [{thought, token}, {text: long}], cut: 3}), b.does({parts: [{thought: "Others think otherwise.", token}, {text: rest}]})]);
    const m = await anthropic.messages.stream({model: `${pair}-goes-on`, max_tokens: 4000, thinking: {type: "enabled", budget_tokens: 2000}, messages: user}).finalMessage();
    assert.deepEqual(m.content.map((c) => c.type === "text" ? c.text : [c.type, c.thinking, c.signature]), [["thinking", thought, token], long], pair);
    assert.equal(m.stop_reason, "end_turn");
  }
});

test("openai, responses: thoughts before a text that goes on", async () => {
  for (const pair of ["responses-responses", "responses-claude"]) {
    await Promise.all([a.does({parts: [{thought, token}, {text: long}], cut: 3}), b.does(({text}) => ({parts: [{thought: "Others think otherwise.", token}, {text: long.slice(pair.endsWith("claude") ? long.slice(0, 21).trimEnd().length : 21)}]}))]);
    const events = [], s = openai.responses.stream({model: `${pair}-goes-on`, input: "hi", store: false, reasoning: {effort: "medium", summary: "auto"}, include: ["reasoning.encrypted_content"]});
    s.on("event", (e) => events.push(e));
    const r = await s.finalResponse();
    assert.equal(r.status, "completed");
    assert.equal(r.output_text, long, pair);
    assert.deepEqual(r.output.map((o) => o.type), ["reasoning", "message"], pair);
    assert.equal(r.output[0].summary.map((p) => p.text).join(""), thought);
    assert.deepEqual(events.map((e) => e.sequence_number), events.map((_, i) => i), "sequence numbers go on");
    assert.equal(events.filter((e) => e.type === "response.created" || e.type === "response.completed").length, 2);
  }
});

test("a call of a tool that is cut is an error, and one behind a text that went on is whole", async () => {
  const call = {call: "call_1", name: "get_weather", args: {city: "Rome, and some more of it"}, token};
  const ask = {
    chat: (model) => openai.chat.completions.stream({model, messages: user, tools: [{type: "function", function: {name: tool.name, parameters: tool.schema}}]}).finalChatCompletion()
      .then((r) => [r.choices[0].message.content, r.choices[0].finish_reason, r.choices[0].message.tool_calls.map((c) => JSON.parse(c.function.arguments))]),
    claude: (model) => anthropic.messages.stream({model, max_tokens: 500, messages: user, tools: [{name: tool.name, input_schema: tool.schema}]}).finalMessage()
      .then((r) => [r.content[0].text, r.stop_reason, r.content.filter((c) => c.type === "tool_use").map((c) => c.input)]),
  };
  for (const [client, pair, finish] of [["chat", "chat-chat", "tool_calls"], ["chat", "chat-claude", "tool_calls"], ["claude", "claude-claude", "tool_use"], ["claude", "claude-gemini", "tool_use"]]) {
    await Promise.all([a.does({parts: [{text: "I look."}, call], cut: 5}), b.does({text: long})]);
    await assert.rejects(ask[client](`${pair}-goes-on`), client === "chat" ? OpenAI.APIError : Anthropic.AnthropicError, pair);
    assert.equal(b.asked.length, 0);
    await Promise.all([a.does({text: long, cut: 3}), b.does({parts: [{text: rest}, call]})]);
    assert.deepEqual(await ask[client](`${pair}-goes-on`), [long, finish, [call.args]], pair);
  }
});
