// SPDX-License-Identifier: Apache-2.0
// Google's own SDK through the gateway.
import assert from "node:assert/strict";
import {test} from "node:test";
import {ApiError, FunctionCallingConfigMode, GoogleGenAI} from "@google/genai";
import {key, said, url, weather} from "./gateway.js";

const client = new GoogleGenAI({apiKey: key, httpOptions: {baseUrl: url, timeout: 10_000}});
const ask = (contents, config = {}) => ({model: "gemini-demo", contents, config});
const tools = [{functionDeclarations: [{name: "get_weather", description: "of a city", parametersJsonSchema: weather}]}];
const toolConfig = {functionCallingConfig: {mode: FunctionCallingConfigMode.ANY}};

test("content", async () => {
  const r = await client.models.generateContent(ask("hi"));
  assert.equal(r.text, said("hi"));
  assert.ok(r.usageMetadata.totalTokenCount > 0);
  assert.equal(r.candidates[0].finishReason, "STOP");
});

test("content as a stream", async () => {
  let text = "", n = 0;
  for await (const c of await client.models.generateContentStream(ask("hi"))) {
    text += c.text ?? "";
    n++;
  }
  assert.equal(text, said("hi"));
  assert.ok(n > 3);
});

test("a chat of two turns", async () => {
  const chat = client.chats.create({model: "gemini-demo"});
  await chat.sendMessage({message: "one"});
  assert.equal((await chat.sendMessage({message: "two"})).text, said("two"));
});

test("a function call and its result", async () => {
  const r = await client.models.generateContent(ask("weather", {tools, toolConfig}));
  const call = r.functionCalls[0];
  assert.equal(call.name, "get_weather");
  assert.ok("city" in call.args);
  const after = await client.models.generateContent({model: "gemini-demo", config: {tools}, contents: [{role: "user", parts: [{text: "weather"}]}, r.candidates[0].content,
    {role: "user", parts: [{functionResponse: {name: "get_weather", response: {output: "rain"}}}]}]});
  assert.match(after.text, /^The tool answered: /);
});

test("tokens are counted", async () => {
  assert.ok((await client.models.countTokens({model: "gemini-demo", contents: "hi there"})).totalTokens > 0);
});

test("embeddings", async () => {
  const r = await client.models.embedContent({model: "gemini-demo", contents: ["one", "two"]});
  assert.equal(r.embeddings.length, 2);
  assert.ok(r.embeddings[0].values.length > 0);
});

test("models", async () => {
  const names = [];
  for await (const m of await client.models.list())
    names.push(m.name);
  assert.ok(names.includes("models/gemini-demo"), names.join());
  assert.equal((await client.models.get({model: "gemini-demo"})).name, "models/gemini-demo");
});

test("errors carry their status", async () => {
  const bad = new GoogleGenAI({apiKey: "sk-nobody", httpOptions: {baseUrl: url}});
  await assert.rejects(bad.models.generateContent(ask("hi")), (e) => e instanceof ApiError && e.status === 401);
  await assert.rejects(client.models.generateContent({model: "none", contents: "hi"}), (e) => e instanceof ApiError && e.status === 404);
  await assert.rejects(client.models.generateContent(ask("demo-error-400")), (e) => e instanceof ApiError && e.status === 400 && /demo-error-400/.test(e.message));
  await assert.rejects(client.models.generateContent(ask("demo-error-429")), (e) => e instanceof ApiError && e.status === 429);
  await assert.rejects(client.models.generateContent(ask("demo-error-500")), (e) => e instanceof ApiError && e.status >= 500);
});

test("a stream that breaks is an error and not an end", async () => {
  for (const order of ["demo-cut", "demo-fail"]) {
    let text = "";
    await assert.rejects(async () => {
      for await (const c of await client.models.generateContentStream(ask(order)))
        text += c.text ?? "";
    }, undefined, order);
    assert.ok(text.length > 0 && !text.includes("all I can say"), text);
  }
});
