// SPDX-License-Identifier: Apache-2.0
// AWS's own SDK for Bedrock through the gateway, to providers of other dialects.
import assert from "node:assert/strict";
import {test} from "node:test";
import {BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand, CountTokensCommand} from "@aws-sdk/client-bedrock-runtime";
import {key, said, url, weather} from "./gateway.js";

// demo: Chat Completions, claude-demo: Messages, gemini-demo: generateContent
const models = ["demo", "claude-demo", "gemini-demo"];
const options = {region: "us-east-1", endpoint: url, maxAttempts: 1};
const client = new BedrockRuntimeClient({...options, token: {token: key}, authSchemePreference: ["httpBearerAuth"]});
const user = (text) => ({role: "user", content: [{text}]});
const toolConfig = {tools: [{toolSpec: {name: "get_weather", description: "of a city", inputSchema: {json: weather}}}], toolChoice: {any: {}}};
const converse = (modelId, text, more = {}) => client.send(new ConverseCommand({modelId, messages: [user(text)], ...more}));

async function stream(modelId, text, more = {}) {
  const events = [];
  const r = await client.send(new ConverseStreamCommand({modelId, messages: [user(text)], ...more}));
  for await (const e of r.stream)
    events.push({at: performance.now(), type: Object.keys(e)[0], ...Object.values(e)[0]});
  return events;
}

for (const model of models) {
  test(`${model}: a message`, async () => {
    const r = await converse(model, "hi", {system: [{text: "be brief"}], inferenceConfig: {maxTokens: 500}});
    assert.equal(r.output.message.role, "assistant");
    assert.equal(r.output.message.content[0].text, said("hi"));
    assert.equal(r.stopReason, "end_turn");
    assert.ok(r.usage.inputTokens > 0 && r.usage.outputTokens > 0);
    assert.equal(r.usage.totalTokens, r.usage.inputTokens + r.usage.outputTokens);
  });

  test(`${model}: a stream, which arrives paced`, async () => {
    const events = await stream(model, "hi");
    const deltas = events.filter((e) => e.type === "contentBlockDelta");
    assert.equal(deltas.map((e) => e.delta.text).join(""), said("hi"));
    assert.equal(events[0].type, "messageStart");
    assert.equal(events.at(-2).type, "messageStop");
    assert.equal(events.at(-2).stopReason, "end_turn");
    assert.ok(events.at(-1).usage.outputTokens > 0);
    assert.ok(deltas.length > 5 && deltas.at(-1).at - deltas[0].at > 20, "all came at once");
  });

  test(`${model}: a tool call and its result`, async () => {
    const r = await converse(model, "weather", {toolConfig});
    const call = r.output.message.content.find((b) => b.toolUse).toolUse;
    assert.equal(r.stopReason, "tool_use");
    assert.equal(call.name, "get_weather");
    assert.ok("city" in call.input);
    const after = await client.send(new ConverseCommand({modelId: model, toolConfig: {tools: toolConfig.tools}, messages: [user("weather"), r.output.message,
      {role: "user", content: [{toolResult: {toolUseId: call.toolUseId, content: [{text: "rain"}]}}]}]}));
    assert.match(after.output.message.content[0].text, /^The tool answered: .*rain/);
  });

  test(`${model}: a tool call in a stream`, async () => {
    const events = await stream(model, "weather", {toolConfig});
    const start = events.find((e) => e.type === "contentBlockStart");
    assert.equal(start.start.toolUse.name, "get_weather");
    const input = events.filter((e) => e.type === "contentBlockDelta" && e.contentBlockIndex === start.contentBlockIndex).map((e) => e.delta.toolUse.input).join("");
    assert.ok("city" in JSON.parse(input));
    assert.equal(events.find((e) => e.type === "messageStop").stopReason, "tool_use");
  });

  test(`${model}: tokens are counted`, async () => {
    const r = await client.send(new CountTokensCommand({modelId: model, input: {converse: {messages: [user("hi there, how are you?")]}}}));
    assert.ok(r.inputTokens > 0);
  });

  test(`${model}: an error is an exception of the SDK's`, async () => {
    await assert.rejects(converse(model, "demo-error-400"), (e) => e.name === "ValidationException" && /demo-error-400/.test(e.message));
    await assert.rejects(converse(model, "demo-error-429"), (e) => e.name === "ThrottlingException" && e.$metadata.httpStatusCode === 429);
    await assert.rejects(converse(model, "demo-error-500"), (e) => e.$fault === "server" || e.$metadata.httpStatusCode >= 500);
  });
}

test("an image", async () => {
  const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
  const r = await client.send(new ConverseCommand({modelId: "demo", messages: [{role: "user", content: [{text: "look"}, {image: {format: "png", source: {bytes: png}}}]}]}));
  assert.match(r.output.message.content[0].text, /^Hello from the demo provider/);
});

test("what is wrong with the request is said", async () => {
  await assert.rejects(converse("none", "hi"), (e) => e.name === "ResourceNotFoundException");
  await assert.rejects(client.send(new ConverseCommand({modelId: "demo", messages: []})), (e) => e.name === "ValidationException" && /messages/.test(e.message));
  const nobody = new BedrockRuntimeClient({...options, token: {token: "sk-nobody"}, authSchemePreference: ["httpBearerAuth"]});
  await assert.rejects(nobody.send(new ConverseCommand({modelId: "demo", messages: [user("hi")]})), (e) => e.name === "UnrecognizedClientException" && e.$metadata.httpStatusCode === 401);
});

test("a signed request is told to bring a bearer token", async () => {
  const signed = new BedrockRuntimeClient({...options, credentials: {accessKeyId: "AKIDEXAMPLE", secretAccessKey: "x"}});
  await assert.rejects(signed.send(new ConverseCommand({modelId: "demo", messages: [user("hi")]})), (e) => /AWS_BEARER_TOKEN_BEDROCK/.test(e.message));
});
