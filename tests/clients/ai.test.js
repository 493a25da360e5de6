// SPDX-License-Identifier: Apache-2.0
// Vercel's `ai` with its own providers for OpenAI, Anthropic and Google, each over providers of all dialects.
import assert from "node:assert/strict";
import {test} from "node:test";
import {createAnthropic} from "@ai-sdk/anthropic";
import {createGoogle} from "@ai-sdk/google";
import {createOpenAI} from "@ai-sdk/openai";
import {APICallError, embedMany, generateObject, generateText, jsonSchema, stepCountIs, streamText, tool} from "ai";
import {clock, features, url} from "./features.js";
import {weather} from "./gateway.js";
import {key, say, seen} from "./upstreams.js";

globalThis.AI_SDK_LOG_WARNINGS = false;    // names of models that it does not know
const statuses = {rate: [429], missing: [404], overloaded: [500, 502, 503, 529], invalid: [400], auth: [401]};

const client = (name, make, {embedding, thinking}) => {
  const of = (apiKey) => {
    const provider = make(apiKey);
    return {
      name: `ai, ${name}`, provider, stranger: () => of("sk-nobody"),
      is: (kind, e) => APICallError.isInstance(e) && statuses[kind].includes(e.statusCode) && e.isRetryable === ["rate", "overloaded"].includes(kind),
      user: (text, image) => ({role: "user", content: [{type: "text", text}, ...(image ? [{type: "image", image, mediaType: "image/png"}] : [])]}),
      results: ({raw}, texts) => [...raw.messages, {role: "tool", content: raw.calls.map((c, i) =>
        ({type: "tool-result", toolCallId: c.toolCallId, toolName: c.toolName, output: {type: "text", value: texts[i]}}))}],
      ...(embedding && {embed: async (model, values) => (await embedMany({model: embedding(provider)(model), values, maxRetries: 0})).embeddings}),
      async ask(model, messages, {tools, schema, think, stream}) {
        const options = {model: provider(model), messages, maxRetries: 0, ...(tools && {tools: {get_weather: tool({description: "tells the weather", inputSchema: jsonSchema(weather)})}}),
          ...(think && {providerOptions: thinking})};
        if (schema)
          return {object: (await generateObject({...options, schema: jsonSchema(schema), schemaName: "weather"})).object};
        const at = [];
        let r, failure;
        if (stream) {
          r = streamText({...options, onError: ({error}) => { failure = error; }});
          for await (const part of r.stream)
            if (part.type === "text-delta")
              at.push(clock());
          if (failure)
            throw failure;
        } else {
          r = await generateText(options);
        }
        const [text, thought, calls, usage, finish, response] = await Promise.all([r.text, r.reasoningText, r.toolCalls, r.usage, r.finishReason, r.response]);
        return {at, text, thought: thought ?? "", calls: calls.map((c) => ({name: c.toolName, args: c.input})), finish: {stop: "stop", "tool-calls": "tools"}[finish],
          usage: [usage.inputTokens, usage.inputTokenDetails.cacheReadTokens, usage.outputTokens], raw: {messages: response.messages, calls}};
      },
    };
  };
  return of(key);
};

const openai = (apiKey) => createOpenAI({apiKey, baseURL: `${url}/v1`});
// The chat model of @ai-sdk/openai shows no thoughts, since OpenAI's own API has none.
features(client("@ai-sdk/openai chat", (apiKey) => ((p) => p.chat.bind(p))(openai(apiKey)), {thinking: {openai: {reasoningEffort: "medium"}}}), {thinks: false});
features(client("@ai-sdk/openai responses", openai, {embedding: (p) => p.embedding, thinking: {openai: {reasoningEffort: "medium", reasoningSummary: "auto", forceReasoning: true}}}));
features(client("@ai-sdk/anthropic", (apiKey) => createAnthropic({apiKey, baseURL: `${url}/v1`}), {thinking: {anthropic: {thinking: {type: "enabled", budgetTokens: 2000}}}}));
features(client("@ai-sdk/google", (apiKey) => createGoogle({apiKey, baseURL: `${url}/v1beta`}), {embedding: (p) => p.embedding,
  thinking: {google: {thinkingConfig: {includeThoughts: true, thinkingBudget: 2000}}}}));

// The loop that the library itself runs: what it sends in the second step is what it made of the first.
for (const model of ["chat", "responses", "claude", "gemini", "converse"])
  for (const [name, provider, thinking] of [["openai", openai(key), {openai: {reasoningEffort: "medium", forceReasoning: true, store: false}}],
    ["anthropic", createAnthropic({apiKey: key, baseURL: `${url}/v1`}), {anthropic: {thinking: {type: "enabled", budgetTokens: 2000}}}],
    ["google", createGoogle({apiKey: key, baseURL: `${url}/v1beta`}), {google: {thinkingConfig: {includeThoughts: true}}}]])
    test(`ai, ${name} over ${model}: a loop of tools brings signatures back`, async () => {
      const token = Buffer.from(`signed by the maker for ${name} and ${model} \u00ff`).toString("base64"), cities = [];
      say([{thought: "Which city?", token}, {call: `call_${name}1`, name: "get_weather", args: {city: "Rome", unit: "celsius"}, token}], [{text: "Rain."}]);
      const r = await generateText({model: provider(model), prompt: "weather", maxRetries: 0, providerOptions: thinking, stopWhen: stepCountIs(3),
        tools: {get_weather: tool({description: "tells", inputSchema: jsonSchema(weather), execute: ({city}) => { cities.push(city); return {sky: "rain"}; }})}});
      assert.equal(r.text, "Rain.");
      assert.deepEqual([cities, r.steps.length], [["Rome"], 2]);
      assert.equal(seen.at(-1).text.includes(token), model !== "chat", seen.at(-1).text);
    });
