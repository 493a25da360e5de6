// SPDX-License-Identifier: Apache-2.0
// Anthropic's own SDK through the gateway, to providers of other dialects.
import assert from "node:assert/strict";
import {test} from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import {key, said, url, weather} from "./gateway.js";

// demo: Chat Completions or Responses, gemini-demo: generateContent
const models = ["demo", "gemini-demo"];
const client = new Anthropic({apiKey: key, baseURL: url, maxRetries: 0, timeout: 10_000});
const tools = [{name: "get_weather", description: "of a city", input_schema: weather, cache_control: {type: "ephemeral"}}];
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

for (const model of models) {
  const ask = (content, more = {}) => ({model, max_tokens: 500, messages: [{role: "user", content}], ...more});

  test(`${model}: a message`, async () => {
    const r = await client.messages.create(ask("hi", {system: [{type: "text", text: "be brief", cache_control: {type: "ephemeral", ttl: "1h"}}]}));
    assert.match(r.id, /^msg_/);
    assert.equal(r.type, "message");
    assert.equal(r.content[0].text, said("hi"));
    assert.equal(r.stop_reason, "end_turn");
    assert.ok(r.usage.input_tokens > 0 && r.usage.output_tokens > 0);
  });

  test(`${model}: a stream, which arrives paced`, async () => {
    const events = [];
    for await (const e of await client.messages.create(ask("hi", {stream: true})))
      events.push({...e, at: performance.now()});
    const deltas = events.filter((e) => e.type === "content_block_delta");
    assert.equal(deltas.map((e) => e.delta.text).join(""), said("hi"));
    assert.equal(events[0].type, "message_start");
    assert.ok(events.at(-2).usage.input_tokens > 0 && events.at(-2).usage.output_tokens > 0);
    assert.equal(events.at(-1).type, "message_stop");
    assert.ok(deltas.length > 5 && deltas.at(-1).at - deltas[0].at > 20, "all came at once");
  });

  test(`${model}: a tool call and its result`, async () => {
    const r = await client.messages.create(ask("weather", {tools, tool_choice: {type: "any"}}));
    const call = r.content.find((b) => b.type === "tool_use");
    assert.equal(r.stop_reason, "tool_use");
    assert.equal(call.name, "get_weather");
    assert.ok("city" in call.input);
    const after = await client.messages.create({model, max_tokens: 500, tools, messages: [{role: "user", content: "weather"}, {role: "assistant", content: r.content},
      {role: "user", content: [{type: "tool_result", tool_use_id: call.id, content: "rain"}]}]});
    assert.match(after.content[0].text, /^The tool answered: .*rain/);
  });

  test(`${model}: a tool call in a stream`, async () => {
    const m = await client.messages.stream(ask("weather", {tools, tool_choice: {type: "tool", name: "get_weather"}})).finalMessage();
    const call = m.content.find((b) => b.type === "tool_use");
    assert.equal(m.stop_reason, "tool_use");
    assert.ok("city" in call.input && "unit" in call.input);
  });

  test(`${model}: an answer in a form`, async () => {
    const r = await client.messages.create(ask("weather", {output_config: {format: {type: "json_schema", schema: weather}}}));
    assert.ok("city" in JSON.parse(r.content[0].text));
  });

  test(`${model}: a conversation with another maker's thoughts goes on`, async () => {
    const r = await client.messages.create(ask("go on", {messages: [{role: "user", content: "hi"},
      {role: "assistant", content: [{type: "thinking", thinking: "Hm", signature: "EqQBCkYIBxgCKkA="}, {type: "redacted_thinking", data: "EqQBCkY="},
        {type: "text", text: "Yes?"}]}, {role: "user", content: "go on"}]}));
    assert.equal(r.content.at(-1).text, said("go on"));
  });

  test(`${model}: images in a message and in a tool's result`, async () => {
    const image = {type: "image", source: {type: "base64", media_type: "image/png", data: pixel}};
    const r = await client.messages.create(ask("", {tools, tool_choice: {type: "none"}, messages: [{role: "user", content: [image, {type: "text", text: "look"}]},
      {role: "assistant", content: [{type: "tool_use", id: "toolu_1", name: "get_weather", input: {city: "Rome", unit: "celsius"}}]},
      {role: "user", content: [{type: "tool_result", tool_use_id: "toolu_1", content: [image, {type: "text", text: "rain"}]}]}]}));
    assert.equal(r.stop_reason, "end_turn");
  });

  test(`${model}: tokens are counted`, async () => {
    assert.ok((await client.messages.countTokens({model, messages: [{role: "user", content: "hi there"}]})).input_tokens > 0);
  });

  test(`${model}: what has no word there is said`, async () => {
    const {response} = await client.messages.create(ask("hi", {top_k: 5, container: "c"})).withResponse();
    assert.match(response.headers.get("x-sluice-dropped"), /container/);
    await assert.rejects(client.messages.create(ask("hi", {tools: [{name: "t", input_schema: weather, allowed_callers: ["code_execution_20250825"]}]})),
      (e) => e instanceof Anthropic.BadRequestError && /tools\[0\]\.allowed_callers/.test(e.message));
  });

  test(`${model}: errors are the typed ones`, async () => {
    await assert.rejects(client.messages.create(ask("demo-error-400")), (e) => e instanceof Anthropic.BadRequestError && e.error.error.type === "invalid_request_error");
    await assert.rejects(client.messages.create(ask("demo-error-429")), Anthropic.RateLimitError);
    await assert.rejects(client.messages.create(ask([{type: "image", source: {type: "url", url: "http://127.0.0.1/a.png"}}])),
      (e) => e instanceof Anthropic.BadRequestError && /messages\[0\]\.content\[0\]\.source\.url/.test(e.message));
    await assert.rejects(client.messages.create(ask("demo-garbage")), Anthropic.InternalServerError);
  });

  test(`${model}: a stream that breaks is an error and not an end`, async () => {
    for (const order of ["demo-cut", "demo-fail"])
      await assert.rejects(client.messages.stream(ask(order)).finalMessage(), Anthropic.AnthropicError, order);
  });
}
