// SPDX-License-Identifier: Apache-2.0
// Each official SDK through the gateway to a provider that speaks Bedrock's Converse.
import assert from "node:assert/strict";
import {after, test} from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import {BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand} from "@aws-sdk/client-bedrock-runtime";
import {GoogleGenAI} from "@google/genai";
import OpenAI from "openai";
import {seen, signature, start} from "./converse.js";
import {weather} from "./gateway.js";

const {url, stop} = await start();
after(stop);

const openai = new OpenAI({apiKey: "any", baseURL: `${url}/v1`, maxRetries: 0});
const anthropic = new Anthropic({apiKey: "any", baseURL: url, maxRetries: 0});
const google = new GoogleGenAI({apiKey: "any", httpOptions: {baseUrl: url}});
const bedrock = new BedrockRuntimeClient({region: "us-east-1", endpoint: url, maxAttempts: 1, token: {token: "any"}, authSchemePreference: ["httpBearerAuth"]});
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const messages = (text) => [{role: "user", content: text}];
const functions = [{type: "function", function: {name: "get_weather", parameters: weather}}];
const tools = [{name: "get_weather", input_schema: weather}];

test("OpenAI: a completion, and its stream", async () => {
  const r = await openai.chat.completions.create({model: "m", messages: messages("hi")});
  assert.equal(r.choices[0].message.content, "You said: hi");
  assert.deepEqual([r.choices[0].finish_reason, r.usage.prompt_tokens, r.usage.completion_tokens], ["stop", 11, 7]);
  let text = "", last;
  for await (const c of await openai.chat.completions.create({model: "m", messages: messages("hi"), stream: true, stream_options: {include_usage: true}})) {
    text += c.choices[0]?.delta.content ?? "";
    last = c;
  }
  assert.equal(text, "You said: hi");
  assert.equal(last.usage.total_tokens, 18);
});

test("OpenAI: two tool calls at once, their results, and the same in a stream", async () => {
  const r = await openai.chat.completions.create({model: "m", messages: messages("weather twice"), tools: functions, tool_choice: "required"});
  const calls = r.choices[0].message.tool_calls;
  assert.deepEqual(calls.map((c) => JSON.parse(c.function.arguments).city), ["Rome", "Oslo"]);
  const after = await openai.chat.completions.create({model: "m", tools: functions, messages: [...messages("weather twice"), r.choices[0].message,
    ...calls.toReversed().map((c) => ({role: "tool", tool_call_id: c.id, content: `${c.id}: rain`}))]});
  assert.equal(after.choices[0].message.content, "The tool answered: tooluse_Oslo: rain");
  assert.equal(seen.at(-1).messages.at(-1).content.length, 2, "results of one batch in one turn");
  const streamed = await openai.chat.completions.stream({model: "m", messages: messages("weather twice"), tools: functions}).finalChatCompletion();
  assert.deepEqual(streamed.choices[0].message.tool_calls.map((c) => JSON.parse(c.function.arguments).city), ["Rome", "Oslo"]);
  assert.equal(streamed.choices[0].finish_reason, "tool_calls");
});

test("OpenAI: a schema, where the model knows it and where not", async () => {
  for (const [model, native] of [["m", true], ["old", false]]) {
    const r = await openai.chat.completions.create({model, messages: messages("structured"),
      response_format: {type: "json_schema", json_schema: {name: "weather", schema: weather, strict: true}}});
    assert.deepEqual(JSON.parse(r.choices[0].message.content), {city: "Rome", unit: "celsius"});
    assert.equal(r.choices[0].finish_reason, "stop");
    assert.equal(Boolean(seen.at(-1).outputConfig), native);
  }
});

test("OpenAI: an image, and typed errors", async () => {
  const content = [{type: "text", text: "look"}, {type: "image_url", image_url: {url: `data:image/png;base64,${png}`}}];
  const r = await openai.chat.completions.create({model: "m", messages: [{role: "user", content}]});
  assert.equal(r.choices[0].message.content, "You said: look and sent 1 image of png");
  await assert.rejects(openai.chat.completions.create({model: "m", messages: messages("error 400 ValidationException")}), OpenAI.BadRequestError);
  await assert.rejects(openai.chat.completions.create({model: "m", messages: messages("error 429 ThrottlingException")}), OpenAI.RateLimitError);
  for (const text of ["cut", "slow"])
    await assert.rejects(async () => { for await (const _ of await openai.chat.completions.create({model: "m", messages: messages(text), stream: true})); }, OpenAI.APIError);
});

test("Anthropic: thoughts keep their signature through a conversation", async () => {
  const ask = {model: "old", max_tokens: 4000, thinking: {type: "enabled", budget_tokens: 2000}};
  const r = await anthropic.messages.stream({...ask, messages: messages("think")}).finalMessage();
  assert.deepEqual(r.content.map((b) => b.type), ["thinking", "text"]);
  assert.deepEqual([r.content[0].thinking, r.content[0].signature], ["let me think", signature]);
  assert.deepEqual(seen.at(-1).additionalModelRequestFields.thinking, {type: "enabled", budget_tokens: 2000});
  await anthropic.messages.create({...ask, messages: [...messages("think"), {role: "assistant", content: r.content}, ...messages("go on")]});
  assert.deepEqual(seen.at(-1).messages[1].content[0], {reasoningContent: {reasoningText: {text: "let me think", signature}}});
});

test("Anthropic: tools with cache marks, their results, and an error", async () => {
  const marked = [{...tools[0], cache_control: {type: "ephemeral"}}];
  const r = await anthropic.messages.create({model: "m", max_tokens: 100, tools: marked, tool_choice: {type: "any"}, messages: messages("weather")});
  const call = r.content.find((b) => b.type === "tool_use");
  assert.deepEqual([r.stop_reason, call.input.city], ["tool_use", "Rome"]);
  assert.deepEqual(seen.at(-1).toolConfig.tools[1], {cachePoint: {type: "default"}});
  const after = await anthropic.messages.create({model: "m", max_tokens: 100, tools: marked, messages: [...messages("weather"), {role: "assistant", content: r.content},
    {role: "user", content: [{type: "tool_result", tool_use_id: call.id, content: [{type: "text", text: "rain"}]}]}]});
  assert.equal(after.content[0].text, "The tool answered: rain");
  await assert.rejects(anthropic.messages.create({model: "m", max_tokens: 9, messages: messages("error 400 ValidationException")}), Anthropic.BadRequestError);
  await assert.rejects(anthropic.messages.stream({model: "m", max_tokens: 9, messages: messages("cut")}).finalMessage(), Anthropic.APIError);
});

test("Google: content, its stream, and a function call", async () => {
  const r = await google.models.generateContent({model: "m", contents: "hi"});
  assert.deepEqual([r.text, r.usageMetadata.totalTokenCount], ["You said: hi", 18]);
  let text = "";
  for await (const c of await google.models.generateContentStream({model: "m", contents: "hi"}))
    text += c.text ?? "";
  assert.equal(text, "You said: hi");
  const called = await google.models.generateContent({model: "m", contents: "weather", config: {tools: [{functionDeclarations: [{name: "get_weather", parametersJsonSchema: weather}]}]}});
  assert.deepEqual([called.functionCalls[0].name, called.functionCalls[0].args.city], ["get_weather", "Rome"]);
});

test("AWS: the bytes pass", async () => {
  const ask = (text) => ({modelId: "m", messages: [{role: "user", content: [{text}]}]});
  const r = await bedrock.send(new ConverseCommand(ask("think")));
  assert.deepEqual(r.output.message.content[0].reasoningContent.reasoningText, {text: "let me think", signature});
  const types = [];
  for await (const e of (await bedrock.send(new ConverseStreamCommand(ask("hi")))).stream)
    types.push(Object.keys(e)[0]);
  assert.deepEqual([types[0], types.at(-1)], ["messageStart", "metadata"]);
  for (const [text, name] of [["cut", "ModelStreamErrorException"], ["slow", "ThrottlingException"]])
    await assert.rejects(async () => { for await (const _ of (await bedrock.send(new ConverseStreamCommand(ask(text)))).stream); }, (e) => e.name === name);
});
