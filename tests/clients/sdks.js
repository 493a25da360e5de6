// SPDX-License-Identifier: Apache-2.0
// The providers' own SDKs as clients for features.js and mock.test.js.
import Anthropic from "@anthropic-ai/sdk";
import {ApiError, GoogleGenAI} from "@google/genai";
import OpenAI from "openai";
import {weather} from "./gateway.js";
import {key} from "./upstreams.js";

const clock = () => performance.now();
const description = "tells the weather", name = "get_weather";

const openaiIs = (kind, e) => e instanceof {rate: OpenAI.RateLimitError, missing: OpenAI.NotFoundError, overloaded: OpenAI.InternalServerError, invalid: OpenAI.BadRequestError,
  auth: OpenAI.AuthenticationError}[kind];
const openaiFor = (url, apiKey) => new OpenAI({apiKey, baseURL: `${url}/v1`, maxRetries: 0, timeout: 10_000});
const embed = (client) => async (model, input) => (await client.embeddings.create({model, input})).data.map((d) => d.embedding);

const chat = (url, client) => ({
  name: "openai, chat", is: openaiIs, stranger: () => chat(url, openaiFor(url, "sk-nobody")), embed: embed(client),
  user: (text, image) => ({role: "user", content: image ? [{type: "text", text}, {type: "image_url", image_url: {url: `data:image/png;base64,${image}`}}] : text}),
  results: ({raw}, texts) => [raw.choices[0].message, ...raw.choices[0].message.tool_calls.map((c, i) => ({role: "tool", tool_call_id: c.id, content: texts[i]}))],
  async ask(model, messages, {tools, schema, think, stream}) {
    const body = {model, messages, ...(tools && {tools: [{type: "function", function: {name, description, parameters: weather}}]}), ...(think && {reasoning_effort: "medium"}),
      ...(schema && {response_format: {type: "json_schema", json_schema: {name: "weather", schema, strict: true}}})};
    let raw, at = [], thought = "";
    if (stream) {
      const s = client.chat.completions.stream({...body, stream_options: {include_usage: true}});
      for await (const {choices: [c]} of s) {
        if (c?.delta.content)
          at.push(clock());
        thought += c?.delta.reasoning_content ?? "";
      }
      raw = await s.finalChatCompletion();
    } else {
      raw = await client.chat.completions.create(body);
      thought = raw.choices[0].message.reasoning_content;
    }
    const {message: m, finish_reason} = raw.choices[0], u = raw.usage;
    return {raw, at, thought, text: m.content, calls: m.tool_calls?.map(({function: f}) => ({name: f.name, args: JSON.parse(f.arguments)})),
      finish: {stop: "stop", tool_calls: "tools"}[finish_reason], usage: [u.prompt_tokens, u.prompt_tokens_details?.cached_tokens, u.completion_tokens]};
  },
});

const responses = (url, client) => ({
  name: "openai, responses", is: openaiIs, stranger: () => responses(url, openaiFor(url, "sk-nobody")),
  user: (text, image) => ({role: "user", content: image ? [{type: "input_text", text}, {type: "input_image", image_url: `data:image/png;base64,${image}`, detail: "auto"}] : text}),
  results: ({raw}, texts) => [...raw.output, ...raw.output.filter((o) => o.type === "function_call").map((c, i) => ({type: "function_call_output", call_id: c.call_id, output: texts[i]}))],
  async ask(model, input, {tools, schema, think, stream}) {
    const body = {model, input, store: false, ...(tools && {tools: [{type: "function", name, description, parameters: weather, strict: true}]}),
      ...(think && {reasoning: {effort: "medium", summary: "auto"}, include: ["reasoning.encrypted_content"]}),
      ...(schema && {text: {format: {type: "json_schema", name: "weather", schema, strict: true}}})};
    let raw, at = [];
    if (stream) {
      const s = client.responses.stream(body);
      for await (const e of s)
        if (e.type === "response.output_text.delta")
          at.push(clock());
      raw = await s.finalResponse();
    } else {
      raw = await client.responses.create(body);
    }
    const of = (type) => raw.output.filter((o) => o.type === type), u = raw.usage;
    return {raw, at, text: raw.output_text, thought: of("reasoning").flatMap((o) => o.summary.map((s) => s.text)).join(""),
      calls: of("function_call").map((c) => ({name: c.name, args: JSON.parse(c.arguments)})), finish: raw.status !== "completed" ? raw.status : of("function_call").length ? "tools" : "stop",
      usage: [u.input_tokens, u.input_tokens_details?.cached_tokens, u.output_tokens]};
  },
});

const anthropicFor = (url, apiKey) => new Anthropic({apiKey, baseURL: url, maxRetries: 0, timeout: 10_000});
const messages = (url, client) => ({
  name: "anthropic", stranger: () => messages(url, anthropicFor(url, "sk-nobody")),
  is: (kind, e) => e instanceof {rate: Anthropic.RateLimitError, missing: Anthropic.NotFoundError, overloaded: Anthropic.InternalServerError, invalid: Anthropic.BadRequestError,
    auth: Anthropic.AuthenticationError}[kind],
  user: (text, image) => ({role: "user", content: image ? [{type: "text", text}, {type: "image", source: {type: "base64", media_type: "image/png", data: image}}] : text}),
  results: ({raw}, texts) => [{role: "assistant", content: raw.content},
    {role: "user", content: raw.content.filter((b) => b.type === "tool_use").map((b, i) => ({type: "tool_result", tool_use_id: b.id, content: texts[i]}))}],
  async ask(model, list, {tools, schema, think, stream}) {
    const body = {model, max_tokens: 8000, messages: list, ...(tools && {tools: [{name, description, input_schema: weather}]}), ...(think && {thinking: {type: "enabled", budget_tokens: 2000}}),
      ...(schema && {output_config: {format: {type: "json_schema", schema}}})};
    let raw, at = [];
    if (stream) {
      const s = client.messages.stream(body);
      s.on("text", () => at.push(clock()));
      raw = await s.finalMessage();
    } else {
      raw = await client.messages.create(body);
    }
    const of = (type) => raw.content.filter((b) => b.type === type), u = raw.usage;
    return {raw, at, text: of("text").map((b) => b.text).join(""), thought: of("thinking").map((b) => b.thinking).join(""),
      calls: of("tool_use").map((b) => ({name: b.name, args: b.input})), finish: {end_turn: "stop", tool_use: "tools"}[raw.stop_reason],
      usage: [u.input_tokens + u.cache_read_input_tokens, u.cache_read_input_tokens, u.output_tokens]};
  },
});

const googleFor = (url, apiKey) => new GoogleGenAI({apiKey, httpOptions: {baseUrl: url, timeout: 10_000}});
const contents = (url, client) => ({
  name: "google", stranger: () => contents(url, googleFor(url, "sk-nobody")),
  is: (kind, e) => e instanceof ApiError && {rate: [429], missing: [404], overloaded: [500, 502, 503, 529], invalid: [400], auth: [401]}[kind].includes(e.status),
  user: (text, image) => ({role: "user", parts: [{text}, ...(image ? [{inlineData: {mimeType: "image/png", data: image}}] : [])]}),
  results: ({raw}, texts) => [{role: "model", parts: raw}, {role: "user", parts: raw.filter((p) => p.functionCall).map(({functionCall: {id, name}}, i) =>
    ({functionResponse: {id, name, response: {output: texts[i]}}}))}],
  embed: async (model, texts) => (await client.models.embedContent({model, contents: texts})).embeddings.map((e) => e.values),
  async ask(model, list, {tools, schema, think, stream}) {
    const request = {model, contents: list, config: {...(tools && {tools: [{functionDeclarations: [{name, description, parametersJsonSchema: weather}]}]}),
      ...(think && {thinkingConfig: {includeThoughts: true, thinkingBudget: 2000}}), ...(schema && {responseMimeType: "application/json", responseJsonSchema: schema})}};
    const at = [], raw = [];
    let last;
    for await (const r of stream ? await client.models.generateContentStream(request) : [await client.models.generateContent(request)]) {
      const parts = r.candidates?.[0].content?.parts ?? [];
      if (parts.some((p) => p.text && !p.thought))
        at.push(clock());
      raw.push(...parts);
      last = r;
    }
    const u = last.usageMetadata, calls = raw.filter((p) => p.functionCall), texts = (thought) => raw.filter((p) => p.text && Boolean(p.thought) === thought).map((p) => p.text).join("");
    return {raw, at, text: texts(false), thought: texts(true), calls: calls.map(({functionCall: c}) => ({name: c.name, args: c.args})),
      finish: last.candidates[0].finishReason !== "STOP" ? last.candidates[0].finishReason : calls.length ? "tools" : "stop",
      usage: [u.promptTokenCount, u.cachedContentTokenCount, u.candidatesTokenCount + (u.thoughtsTokenCount ?? 0)]};
  },
});

export const clients = (url) => [chat(url, openaiFor(url, key)), responses(url, openaiFor(url, key)), messages(url, anthropicFor(url, key)), contents(url, googleFor(url, key))];
