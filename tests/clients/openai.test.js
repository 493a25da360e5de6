// SPDX-License-Identifier: Apache-2.0
// OpenAI's own SDK through the gateway.
import assert from "node:assert/strict";
import {test} from "node:test";
import OpenAI from "openai";
import {key, said, url, weather} from "./gateway.js";

const client = new OpenAI({apiKey: key, baseURL: `${url}/v1`, maxRetries: 0, timeout: 10_000});
const ask = (content, more = {}) => ({model: "demo", messages: [{role: "user", content}], ...more});
const tools = [{type: "function", function: {name: "get_weather", description: "of a city", parameters: weather}}];

test("a chat", async () => {
  const {data: r, response} = await client.chat.completions.create(ask("hi")).withResponse();
  assert.equal(r.choices[0].message.content, said("hi"));
  assert.equal(r.choices[0].finish_reason, "stop");
  assert.equal(r.usage.total_tokens, r.usage.prompt_tokens + r.usage.completion_tokens);
  assert.ok(r._request_id);
  assert.equal(response.headers.get("x-sluice-attempts"), "1");
});

test("a chat as a stream says the same", async () => {
  let text = "", chunks = 0, finish = null;
  for await (const c of await client.chat.completions.create(ask("hi", {stream: true}))) {
    assert.ok(c.choices.length, "a usage chunk that was not asked for");
    text += c.choices[0].delta.content ?? "";
    finish = c.choices[0].finish_reason ?? finish;
    chunks++;
  }
  assert.equal(text, said("hi"));
  assert.equal(finish, "stop");
  assert.ok(chunks > 3);
});

test("usage in a stream when it is asked for", async () => {
  let usage = null;
  for await (const c of await client.chat.completions.create(ask("hi", {stream: true, stream_options: {include_usage: true}})))
    usage = c.usage ?? usage;
  assert.ok(usage.completion_tokens > 0);
});

test("all kinds of text pass", async () => {
  const text = "grüße \u{1F600} \"quoted\" \\ \u2028 \t tab";
  const r = await client.chat.completions.create(ask(text));
  assert.equal(r.choices[0].message.content, said(text));
});

test("a tool call and its result", async () => {
  const r = await client.chat.completions.create(ask("what is the weather?", {tools, tool_choice: "required"}));
  const call = r.choices[0].message.tool_calls[0];
  assert.equal(r.choices[0].finish_reason, "tool_calls");
  assert.equal(call.function.name, "get_weather");
  assert.ok("city" in JSON.parse(call.function.arguments));
  const after = await client.chat.completions.create({model: "demo", tools, messages: [{role: "user", content: "what is the weather?"}, r.choices[0].message,
    {role: "tool", tool_call_id: call.id, content: "rain"}]});
  assert.equal(after.choices[0].message.content, "The tool answered: rain");
});

test("a tool call in a stream", async () => {
  const s = client.chat.completions.stream(ask("weather, by tool", {tools}));
  const r = await s.finalChatCompletion();
  assert.equal(r.choices[0].message.tool_calls[0].function.name, "get_weather");
  JSON.parse(r.choices[0].message.tool_calls[0].function.arguments);
});

test("structured output", async () => {
  const r = await client.chat.completions.parse(ask("weather", {response_format: {type: "json_schema", json_schema: {name: "weather", strict: true, schema: weather}}}));
  assert.ok(["celsius", "fahrenheit"].includes(JSON.parse(r.choices[0].message.content).unit));
});

test("responses", async () => {
  const r = await client.responses.create({model: "demo", input: "hi"});
  assert.equal(r.output_text, said("hi"));
  assert.equal(r.status, "completed");
  assert.ok(r.usage.input_tokens > 0);
});

test("responses as a stream", async () => {
  let text = "", last;
  for await (const e of await client.responses.create({model: "demo", input: "hi", stream: true})) {
    if (e.type === "response.output_text.delta")
      text += e.delta;
    last = e;
  }
  assert.equal(text, said("hi"));
  assert.equal(last.type, "response.completed");
});

test("responses with a tool", async () => {
  const r = await client.responses.create({model: "demo", input: "weather, by tool", tools: [{type: "function", name: "get_weather", parameters: weather, strict: true}], tool_choice: "required"});
  const call = r.output.find((o) => o.type === "function_call");
  assert.equal(call.name, "get_weather");
});

test("embeddings in both encodings", async () => {
  const a = await client.embeddings.create({model: "demo-embed", input: ["one", "two"]});       // the SDK asks for base64
  const b = await client.embeddings.create({model: "demo-embed", input: "one", encoding_format: "float"});
  assert.equal(a.data.length, 2);
  assert.equal(a.data[0].embedding.length, b.data[0].embedding.length);
  b.data[0].embedding.forEach((x, i) => assert.ok(Math.abs(x - a.data[0].embedding[i]) < 1e-6));
});

test("completions", async () => {
  const r = await client.completions.create({model: "demo", prompt: "hi"});
  assert.ok(r.choices[0].text.length > 0);
  let text = "";
  for await (const c of await client.completions.create({model: "demo", prompt: "hi", stream: true}))
    text += c.choices[0].text;
  assert.equal(text, r.choices[0].text);
});

test("models", async () => {
  const ids = [];
  for await (const m of client.models.list())
    ids.push(m.id);
  assert.ok(ids.includes("demo"), ids.join());
  assert.equal((await client.models.retrieve("demo")).id, "demo");
});

test("errors are the typed ones", async () => {
  const bad = new OpenAI({apiKey: "sk-nobody", baseURL: `${url}/v1`, maxRetries: 0});
  await assert.rejects(bad.chat.completions.create(ask("hi")), (e) => e instanceof OpenAI.AuthenticationError && e.status === 401 && e.code === "invalid_api_key" && !!e.requestID);
  await assert.rejects(client.chat.completions.create(ask("hi", {model: "none"})), (e) => e instanceof OpenAI.NotFoundError && e.code === "model_not_found");
  await assert.rejects(client.chat.completions.create({model: "demo", messages: "x"}), OpenAI.BadRequestError);
  await assert.rejects(client.chat.completions.create(ask("demo-error-400")), (e) => e instanceof OpenAI.BadRequestError && /demo-error-400/.test(e.message));
  await assert.rejects(client.chat.completions.create(ask("demo-error-429")), OpenAI.RateLimitError);
  for (const n of [500, 502, 503])
    await assert.rejects(client.chat.completions.create(ask(`demo-error-${n}`)), (e) => e instanceof OpenAI.InternalServerError && e.status >= 500);
  await assert.rejects(client.chat.completions.create(ask("demo-garbage")), OpenAI.InternalServerError);
  await assert.rejects(client.chat.completions.create(ask("demo-cut")), OpenAI.InternalServerError);
  await assert.rejects(client.chat.completions.create(ask("demo-error-429", {stream: true})), OpenAI.RateLimitError);
});

test("a stream that breaks is an error and not an end", async () => {
  for (const order of ["demo-cut", "demo-fail"]) {
    let text = "";
    await assert.rejects(async () => {
      for await (const c of await client.chat.completions.create(ask(order, {stream: true})))
        text += c.choices[0]?.delta.content ?? "";
    }, OpenAI.APIError, order);
    assert.ok(text.length > 0 && !text.includes("all I can say"), text);
  }
});

test("the client's own timeout and abort", async () => {
  await assert.rejects(client.chat.completions.create(ask("demo-hang"), {timeout: 300}), OpenAI.APIConnectionTimeoutError);
  const s = await client.chat.completions.create(ask("demo-slow demo-words-500", {stream: true}));
  let n = 0;
  for await (const _ of s)
    if (++n === 2)
      s.controller.abort();
  assert.ok(n < 10);
});

test("fifty at once", async () => {
  const rs = await Promise.all(Array.from({length: 50}, (_, i) => client.chat.completions.create(ask(`number ${i}.`))));
  rs.forEach((r, i) => assert.equal(r.choices[0].message.content, said(`number ${i}.`)));
});
