// SPDX-License-Identifier: Apache-2.0
// Google's own SDK through the gateway, to providers of its own dialect and of others.
import assert from "node:assert/strict";
import {test} from "node:test";
import {ApiError, FunctionCallingConfigMode, GoogleGenAI, Type} from "@google/genai";
import {key, said, url, weather} from "./gateway.js";

const client = new GoogleGenAI({apiKey: key, httpOptions: {baseUrl: url, timeout: 10_000}});
const tools = [{functionDeclarations: [{name: "get_weather", description: "of a city", parametersJsonSchema: weather}]}];
const toolConfig = {functionCallingConfig: {mode: FunctionCallingConfigMode.ANY}};
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

// gemini-demo: generateContent; demo: Chat Completions; claude-demo: Messages
for (const model of ["gemini-demo", "demo", "claude-demo"]) {
  const ask = (contents, config = {}) => ({model, contents, config});

  test(`${model}: content`, async () => {
    const r = await client.models.generateContent(ask("hi", {systemInstruction: "be brief", temperature: 0.5, maxOutputTokens: 500}));
    assert.equal(r.text, said("hi"));
    assert.ok(r.usageMetadata.totalTokenCount > 0);
    assert.equal(r.usageMetadata.totalTokenCount, r.usageMetadata.promptTokenCount + r.usageMetadata.candidatesTokenCount);
    assert.equal(r.candidates[0].finishReason, "STOP");
    assert.ok(r.responseId && r.modelVersion);
  });

  test(`${model}: content as a stream, which arrives paced`, async () => {
    let text = "", at = [], last;
    for await (const c of await client.models.generateContentStream(ask("hi"))) {
      text += c.text ?? "";
      at.push(performance.now());
      last = c;
    }
    assert.equal(text, said("hi"));
    assert.ok(at.length > 3 && at.at(-1) - at[0] > 20, "all came at once");
    assert.equal(last.candidates[0].finishReason, "STOP");
    assert.ok(last.usageMetadata.candidatesTokenCount > 0);
  });

  test(`${model}: a chat of two turns, streamed`, async () => {
    const chat = client.chats.create({model});
    for await (const c of await chat.sendMessageStream({message: "one"}))
      assert.ok(c.candidates);
    assert.equal((await chat.sendMessage({message: "two"})).text, said("two"));
  });

  test(`${model}: a function call and its result`, async () => {
    const r = await client.models.generateContent(ask("weather", {tools, toolConfig}));
    const call = r.functionCalls[0];
    assert.equal(call.name, "get_weather");
    assert.ok("city" in call.args);
    const after = await client.models.generateContent({model, config: {tools}, contents: [{role: "user", parts: [{text: "weather"}]}, r.candidates[0].content,
      {role: "user", parts: [{functionResponse: {name: "get_weather", response: {output: "rain"}}}]}]});
    assert.match(after.text, /^The tool answered: /);
  });

  test(`${model}: a function call in a stream`, async () => {
    const calls = [];
    for await (const c of await client.models.generateContentStream(ask("weather", {tools, toolConfig})))
      calls.push(...(c.functionCalls ?? []));
    assert.equal(calls.length, 1);
    assert.equal(calls[0].name, "get_weather");
    assert.ok("city" in calls[0].args);
  });

  test(`${model}: an answer with a schema`, async () => {
    const responseSchema = {type: Type.OBJECT, properties: {city: {type: Type.STRING}, unit: {type: Type.STRING, enum: ["celsius", "fahrenheit"]}}, required: ["city", "unit"]};
    const r = await client.models.generateContent(ask("weather", {responseMimeType: "application/json", responseSchema}));
    assert.ok(["celsius", "fahrenheit"].includes(JSON.parse(r.text).unit), r.text);
  });

  test(`${model}: an image`, async () => {
    const r = await client.models.generateContent(ask([{role: "user", parts: [{text: "look"}, {inlineData: {mimeType: "image/png", data: png}}]}]));
    assert.match(r.text, /^Hello from the demo provider/);
  });

  test(`${model}: tokens are counted`, async () => {
    assert.ok((await client.models.countTokens({model, contents: "hi there"})).totalTokens > 0);
  });

  test(`${model}: errors carry their status`, async () => {
    await assert.rejects(client.models.generateContent(ask("demo-error-400")), (e) => e instanceof ApiError && e.status === 400 && /demo-error-400/.test(e.message));
    await assert.rejects(client.models.generateContent(ask("demo-error-429")), (e) => e instanceof ApiError && e.status === 429);
    await assert.rejects(client.models.generateContent(ask("demo-error-500")), (e) => e instanceof ApiError && e.status >= 500);
  });

  test(`${model}: a stream that breaks is an error and not an end`, async () => {
    for (const order of ["demo-cut", "demo-fail"]) {
      let text = "";
      await assert.rejects(async () => {
        for await (const c of await client.models.generateContentStream(ask(order)))
          text += c.text ?? "";
      }, undefined, order);
      assert.ok(text.length > 0 && !text.includes("all I can say"), text);
    }
  });
}

for (const model of ["gemini-demo", "demo"])
  test(`${model}: embeddings`, async () => {
    const r = await client.models.embedContent({model, contents: ["one", "two"], config: {outputDimensionality: 16}});
    assert.equal(r.embeddings.length, 2);
    assert.equal(r.embeddings[0].values.length, 16);
    assert.notDeepEqual(r.embeddings[0].values, r.embeddings[1].values);
  });

test("models", async () => {
  const names = [];
  for await (const m of await client.models.list())
    names.push(m.name);
  assert.ok(names.includes("models/gemini-demo"), names.join());
  assert.equal((await client.models.get({model: "gemini-demo"})).name, "models/gemini-demo");
});

test("who nobody knows, and what nobody has", async () => {
  const bad = new GoogleGenAI({apiKey: "sk-nobody", httpOptions: {baseUrl: url}});
  await assert.rejects(bad.models.generateContent({model: "demo", contents: "hi"}), (e) => e instanceof ApiError && e.status === 401);
  await assert.rejects(client.models.generateContent({model: "none", contents: "hi"}), (e) => e instanceof ApiError && e.status === 404);
});
