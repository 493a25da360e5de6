// SPDX-License-Identifier: Apache-2.0
// OpenAI's SDK, Responses, through the gateway: to providers of other dialects, which keep no state themselves.
import assert from "node:assert/strict";
import {test} from "node:test";
import OpenAI from "openai";
import {key, said, url, weather} from "./gateway.js";

const client = new OpenAI({apiKey: key, baseURL: `${url}/v1`, maxRetries: 0});
const tools = [{type: "function", name: "get_weather", description: "of a city", parameters: weather, strict: true}];

// claude-demo: Messages, gemini-demo: generateContent
for (const model of ["claude-demo", "gemini-demo"]) {
  test(`${model}: an answer`, async () => {
    const r = await client.responses.create({model, input: "hi", instructions: "be brief"});
    assert.match(r.id, /^resp_/);
    assert.equal(r.status, "completed");
    assert.equal(r.output_text, said("hi"));
    assert.ok(r.usage.input_tokens > 0 && r.usage.output_tokens > 0);
  });

  test(`${model}: a stream, which arrives paced`, async () => {
    const s = client.responses.stream({model, input: "hi"});
    const seen = [];
    for await (const e of s)
      seen.push({at: performance.now(), ...e});
    const r = await s.finalResponse();
    const deltas = seen.filter((e) => e.type === "response.output_text.delta");
    assert.equal(r.output_text, said("hi"));
    assert.equal(deltas.map((e) => e.delta).join(""), said("hi"));
    assert.deepEqual(seen.map((e) => e.sequence_number), seen.map((_, i) => i));
    assert.equal(seen.at(-1).type, "response.completed");
    assert.equal(seen.filter((e) => e.type === "response.completed").length, 1);
    assert.ok(deltas.length > 5 && deltas.at(-1).at - deltas[0].at > 20, "all came at once");
  });

  test(`${model}: a tool, and its result by previous_response_id`, async () => {
    const r = await client.responses.create({model, input: "weather", tools, tool_choice: "required"});
    const call = r.output.find((o) => o.type === "function_call");
    assert.equal(call.name, "get_weather");
    assert.ok("city" in JSON.parse(call.arguments));
    const after = await client.responses.create({model, tools, previous_response_id: r.id,
      input: [{type: "function_call_output", call_id: call.call_id, output: "rain"}]});
    assert.match(after.output_text, /^The tool answered: .*rain/);
    assert.equal(after.previous_response_id, r.id);
  });

  test(`${model}: a tool in a stream, and the items by reference`, async () => {
    const s = client.responses.stream({model, input: "weather", tools, tool_choice: "required"});
    const r = await s.finalResponse();
    const call = r.output.find((o) => o.type === "function_call");
    const after = await client.responses.create({model, tools, input: [{role: "user", content: "weather"},
      ...r.output.map(({id}) => ({type: "item_reference", id})), {type: "function_call_output", call_id: call.call_id, output: "snow"}]});
    assert.match(after.output_text, /snow/);
  });

  test(`${model}: a custom tool`, async () => {
    const r = await client.responses.create({model, input: "patch", tools: [{type: "custom", name: "apply_patch", description: "a patch"}], tool_choice: "required"});
    const call = r.output.find((o) => o.type === "custom_tool_call");
    assert.equal(call.name, "apply_patch");
    assert.equal(typeof call.input, "string");
  });

  test(`${model}: structured output`, async () => {
    const r = await client.responses.parse({model, input: "weather", text: {format: {type: "json_schema", name: "weather", schema: weather, strict: true}}});
    assert.ok("city" in JSON.parse(r.output_text));
  });
}

test("an answer by its id: kept, listed, deleted", async () => {
  const r = await client.responses.create({model: "claude-demo", input: "hi"});
  const same = await client.responses.retrieve(r.id);
  assert.deepEqual(same.output, r.output);
  const items = await client.responses.inputItems.list(r.id);
  assert.equal(items.data[0].content[0].text, "hi");
  await client.responses.delete(r.id);
  await assert.rejects(client.responses.retrieve(r.id), OpenAI.NotFoundError);
  await assert.rejects(client.responses.create({model: "claude-demo", input: "on", previous_response_id: r.id}),
    (e) => e instanceof OpenAI.BadRequestError && e.code === "previous_response_not_found");
  const unkept = await client.responses.create({model: "claude-demo", input: "hi", store: false});
  await assert.rejects(client.responses.retrieve(unkept.id), OpenAI.NotFoundError);
});

test("a conversation goes on at another provider", async () => {
  const first = await client.responses.create({model: "claude-demo", input: "one"});
  const second = await client.responses.create({model: "gemini-demo", input: "two", previous_response_id: first.id});
  const items = await client.responses.inputItems.list(second.id, {order: "asc"});
  assert.deepEqual(items.data.map((i) => i.role), ["user", "assistant", "user"]);
});

test("errors are typed", async () => {
  await assert.rejects(client.responses.create({model: "claude-demo", input: [{role: "who", content: "x"}]}), OpenAI.BadRequestError);
  await assert.rejects(client.responses.create({model: "claude-demo", input: [{type: "function_call_output", call_id: "call_none", output: "x"}]}), OpenAI.BadRequestError);
});
