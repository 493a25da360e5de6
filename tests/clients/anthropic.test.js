// SPDX-License-Identifier: Apache-2.0
// Anthropic's own SDK through the gateway.
import assert from "node:assert/strict";
import {test} from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import {key, said, url, weather} from "./gateway.js";

const client = new Anthropic({apiKey: key, baseURL: url, maxRetries: 0, timeout: 10_000});
const ask = (content, more = {}) => ({model: "claude-demo", max_tokens: 500, messages: [{role: "user", content}], ...more});
const tools = [{name: "get_weather", description: "of a city", input_schema: weather}];

test("a message", async () => {
  const r = await client.messages.create(ask("hi"));
  assert.equal(r.content[0].text, said("hi"));
  assert.equal(r.stop_reason, "end_turn");
  assert.ok(r.usage.input_tokens > 0 && r.usage.output_tokens > 0);
});

test("a message as a stream of events", async () => {
  const types = [];
  let text = "";
  for await (const e of await client.messages.create(ask("hi", {stream: true}))) {
    types.push(e.type);
    if (e.type === "content_block_delta")
      text += e.delta.text;
  }
  assert.equal(text, said("hi"));
  assert.equal(types[0], "message_start");
  assert.equal(types.at(-1), "message_stop");
});

test("the SDK's own collecting of a stream", async () => {
  const m = await client.messages.stream(ask("hi")).finalMessage();
  assert.equal(m.content[0].text, said("hi"));
  assert.ok(m.usage.output_tokens > 0);
});

test("a bearer token instead of a key", async () => {
  const c = new Anthropic({apiKey: null, authToken: key, baseURL: url, maxRetries: 0});
  assert.equal((await c.messages.create(ask("hi"))).content[0].text, said("hi"));
});

test("a tool call and its result", async () => {
  const r = await client.messages.create(ask("weather", {tools, tool_choice: {type: "any"}}));
  const call = r.content.find((b) => b.type === "tool_use");
  assert.equal(r.stop_reason, "tool_use");
  assert.equal(call.name, "get_weather");
  assert.ok("city" in call.input);
  const after = await client.messages.create({model: "claude-demo", max_tokens: 500, tools, messages: [{role: "user", content: "weather"}, {role: "assistant", content: r.content},
    {role: "user", content: [{type: "tool_result", tool_use_id: call.id, content: "rain"}]}]});
  assert.equal(after.content[0].text, "The tool answered: rain");
});

test("a tool call in a stream", async () => {
  const m = await client.messages.stream(ask("weather", {tools, tool_choice: {type: "any"}})).finalMessage();
  assert.equal(m.content.find((b) => b.type === "tool_use").name, "get_weather");
});

test("tokens are counted", async () => {
  assert.ok((await client.messages.countTokens({model: "claude-demo", messages: [{role: "user", content: "hi there"}]})).input_tokens > 0);
});

test("models", async () => {
  const ids = [];
  for await (const m of client.models.list())
    ids.push(m.id);
  assert.ok(ids.includes("claude-demo"), ids.join());
});

test("errors are the typed ones", async () => {
  const bad = new Anthropic({apiKey: "sk-nobody", baseURL: url, maxRetries: 0});
  await assert.rejects(bad.messages.create(ask("hi")), (e) => e instanceof Anthropic.AuthenticationError && e.error.error.type === "authentication_error");
  await assert.rejects(client.messages.create(ask("hi", {model: "none"})), (e) => e instanceof Anthropic.NotFoundError && e.error.error.type === "not_found_error");
  await assert.rejects(client.messages.create(ask("hi", {model: 7})), Anthropic.BadRequestError);
  await assert.rejects(client.messages.create(ask("demo-error-400")), (e) => e instanceof Anthropic.BadRequestError && /demo-error-400/.test(e.message));
  await assert.rejects(client.messages.create(ask("demo-error-429")), Anthropic.RateLimitError);
  for (const n of [500, 503, 529])
    await assert.rejects(client.messages.create(ask(`demo-error-${n}`)), (e) => e instanceof Anthropic.InternalServerError && e.status >= 500);
  await assert.rejects(client.messages.create(ask("demo-garbage")), Anthropic.InternalServerError);
});

test("a stream that breaks is an error and not an end", async () => {
  for (const order of ["demo-cut", "demo-fail"]) {
    await assert.rejects(client.messages.stream(ask(order)).finalMessage(), Anthropic.AnthropicError, order);
    const types = [];
    await assert.rejects(async () => {
      for await (const e of await client.messages.create(ask(order, {stream: true})))
        types.push(e.type);
    }, Anthropic.APIError, order);
    assert.ok(types.includes("content_block_delta") && !types.includes("message_stop"), types.join());
  }
});
