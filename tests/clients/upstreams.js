// SPDX-License-Identifier: Apache-2.0
// Providers of all dialects that say what they are told to, and a gateway before them. An answer is a list of parts: {thought, token},
// {redacted}, {text, token}, {call, name, args, token}, {custom, name, input}; each API tells what it knows of them in its own form, as recorded
// (../shared/corpus). `token` is what the maker wants back: a signature, encrypted reasoning.
import {spawn} from "node:child_process";
import {once} from "node:events";
import {mkdtempSync, rmSync, writeFileSync} from "node:fs";
import http from "node:http";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {setTimeout as sleep} from "node:timers/promises";
import {message} from "./converse.js";

export const key = "sk-sl-clients";
export const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
export const models = {
  chat: "gpt-4.1", responses: "gpt-5.2", claude: "claude-sonnet-4-5", gemini: "gemini-3-pro-preview", converse: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
};
// Every answer took the same: 100 tokens in, of which 40 were cached, 25 out, of which 5 for thoughts where the API tells them.
const total = {input: 100, cached: 40, output: 25, thoughts: 5};

const split = (text, n) => text.match(new RegExp(`.{1,${n}}`, "gsu")) ?? [];
const called = (parts) => parts.some((p) => p.call || p.custom);

function chat({parts, model}) {
  const usage = {prompt_tokens: total.input, completion_tokens: total.output, total_tokens: total.input + total.output,
    prompt_tokens_details: {cached_tokens: total.cached, audio_tokens: 0}, completion_tokens_details: {reasoning_tokens: total.thoughts, audio_tokens: 0}};
  const finish_reason = called(parts) ? "tool_calls" : "stop", all = {id: "chatcmpl-1", created: 1700000000, model, system_fingerprint: "fp_1"};
  const join = (member) => parts.map((p) => p[member] ?? "").join("");
  const calls = parts.filter((p) => p.call).map((p) => ({id: p.call, type: "function", function: {name: p.name, arguments: JSON.stringify(p.args)}}));
  const whole = {...all, object: "chat.completion", usage, choices: [{index: 0, finish_reason, logprobs: null, message: {role: "assistant", content: join("text") || null,
    ...(join("thought") && {reasoning_content: join("thought")}), ...(calls.length && {tool_calls: calls})}}]};
  const events = function* () {
    const chunk = (delta, finish_reason = null) => ({...all, object: "chat.completion.chunk", choices: [{index: 0, delta, logprobs: null, finish_reason}], usage: null});
    yield chunk({role: "assistant", content: ""});
    for (const piece of split(join("thought"), 6))
      yield chunk({reasoning_content: piece});
    for (const piece of split(join("text"), 6))
      yield chunk({content: piece});
    for (const [index, c] of calls.entries()) {
      yield chunk({tool_calls: [{index, ...c, function: {name: c.function.name, arguments: ""}}]});
      for (const piece of split(c.function.arguments, 7))
        yield chunk({tool_calls: [{index, function: {arguments: piece}}]});
    }
    yield chunk({}, finish_reason);
    yield {...all, object: "chat.completion.chunk", choices: [], usage};
    yield "[DONE]";
  };
  return {whole, events, write: (e) => `data: ${typeof e === "string" ? e : JSON.stringify(e)}\n\n`};
}

let items = 0;
function responses({parts, model}) {
  parts = parts.map((p) => p.redacted ? {thought: "", token: p.redacted} : p);
  const usage = {input_tokens: total.input, input_tokens_details: {cached_tokens: total.cached}, output_tokens: total.output,
    output_tokens_details: {reasoning_tokens: total.thoughts}, total_tokens: total.input + total.output};
  const output = parts.map((p) => {
    const id = ++items;
    if (p.thought !== undefined)
      return {id: `rs_${p.token.slice(0, 8)}`, type: "reasoning", summary: p.thought ? [{type: "summary_text", text: p.thought}] : [], encrypted_content: p.token};
    if (p.call)
      return {id: `fc_${id}`, type: "function_call", status: "completed", call_id: p.call, name: p.name, arguments: JSON.stringify(p.args)};
    if (p.custom)
      return {id: `ctc_${id}`, type: "custom_tool_call", status: "completed", call_id: p.custom, name: p.name, input: p.input};
    return {id: `msg_${id}`, type: "message", status: "completed", role: "assistant", content: [{type: "output_text", text: p.text, annotations: [], logprobs: []}]};
  });
  const whole = {id: "resp_1", object: "response", created_at: 1700000000, model, status: "completed", error: null, incomplete_details: null,
    instructions: null, output, parallel_tool_calls: true, tool_choice: "auto", tools: [], usage, metadata: {}};
  const events = function* () {
    const started = {...whole, status: "in_progress", output: [], usage: null};
    yield {type: "response.created", response: started};
    yield {type: "response.in_progress", response: started};
    for (const [output_index, item] of output.entries()) {
      const at = {item_id: item.id, output_index};
      const open = {reasoning: {...item, summary: [], encrypted_content: "not whole yet"}, function_call: {...item, status: "in_progress", arguments: ""},
        custom_tool_call: {...item, status: "in_progress", input: ""}, message: {...item, status: "in_progress", content: []}}[item.type];
      yield {type: "response.output_item.added", output_index, item: open};
      const deltas = function* (kind, text, more = {}) {
        for (const delta of split(text, 7))
          yield {type: `response.${kind}.delta`, ...at, ...more, delta};
      };
      if (item.type === "reasoning") {
        for (const [summary_index, part] of item.summary.entries()) {
          yield {type: "response.reasoning_summary_part.added", ...at, summary_index, part: {type: "summary_text", text: ""}};
          yield* deltas("reasoning_summary_text", part.text, {summary_index});
          yield {type: "response.reasoning_summary_text.done", ...at, summary_index, text: part.text};
          yield {type: "response.reasoning_summary_part.done", ...at, summary_index, part};
        }
      } else if (item.type === "function_call") {
        yield* deltas("function_call_arguments", item.arguments);
        yield {type: "response.function_call_arguments.done", ...at, arguments: item.arguments};
      } else if (item.type === "custom_tool_call") {
        yield* deltas("custom_tool_call_input", item.input);
        yield {type: "response.custom_tool_call_input.done", ...at, input: item.input};
      } else {
        const [part] = item.content;
        yield {type: "response.content_part.added", ...at, content_index: 0, part: {...part, text: ""}};
        yield* deltas("output_text", part.text, {content_index: 0, logprobs: []});
        yield {type: "response.output_text.done", ...at, content_index: 0, text: part.text, logprobs: []};
        yield {type: "response.content_part.done", ...at, content_index: 0, part};
      }
      yield {type: "response.output_item.done", output_index, item};
    }
    yield {type: "response.completed", response: whole};
  };
  let sequence_number = 0;
  return {whole, events, write: (e) => `event: ${e.type}\ndata: ${JSON.stringify({...e, sequence_number: sequence_number++})}\n\n`};
}

function claude({parts, model}) {
  const usage = {input_tokens: total.input - total.cached, cache_creation_input_tokens: 0, cache_read_input_tokens: total.cached, output_tokens: total.output};
  const stop_reason = called(parts) ? "tool_use" : "end_turn";
  const content = parts.map((p) => p.thought !== undefined ? {type: "thinking", thinking: p.thought, signature: p.token}
    : p.redacted ? {type: "redacted_thinking", data: p.redacted}
      : p.call ? {type: "tool_use", id: p.call, name: p.name, input: p.args} : {type: "text", text: p.text});
  const whole = {id: "msg_1", type: "message", role: "assistant", model, content, stop_reason, stop_sequence: null, usage};
  const events = function* () {
    yield {type: "message_start", message: {...whole, content: [], stop_reason: null, usage: {...usage, output_tokens: 1}}};
    yield {type: "ping"};
    for (const [index, b] of content.entries()) {
      const open = {thinking: {...b, thinking: "", signature: ""}, tool_use: {...b, input: {}}, text: {...b, text: ""}, redacted_thinking: b}[b.type];
      yield {type: "content_block_start", index, content_block: open};
      const delta = (d) => ({type: "content_block_delta", index, delta: d});
      for (const text of split(b.text ?? "", 6))
        yield delta({type: "text_delta", text});
      for (const thinking of split(b.thinking ?? "", 6))
        yield delta({type: "thinking_delta", thinking});
      if (b.signature)
        yield delta({type: "signature_delta", signature: b.signature});
      for (const partial_json of b.input ? ["", ...split(JSON.stringify(b.input), 7)] : [])
        yield delta({type: "input_json_delta", partial_json});
      yield {type: "content_block_stop", index};
    }
    yield {type: "message_delta", delta: {stop_reason, stop_sequence: null}, usage: {output_tokens: total.output}};
    yield {type: "message_stop"};
  };
  return {whole, events, write: (e) => `event: ${e.type}\ndata: ${JSON.stringify(e)}\n\n`};
}

function gemini({parts, model}) {
  const usageMetadata = {promptTokenCount: total.input, cachedContentTokenCount: total.cached, candidatesTokenCount: total.output - total.thoughts,
    thoughtsTokenCount: total.thoughts, totalTokenCount: total.input + total.output};
  const all = {modelVersion: model, responseId: "r1"};
  const content = parts.filter((p) => !p.redacted).map((p) => p.thought !== undefined ? {text: p.thought, thought: true}
    : {...(p.call ? {functionCall: {id: p.call, name: p.name, args: p.args}} : {text: p.text}), ...(p.token && {thoughtSignature: p.token})});
  const answer = (parts, more = {}) => ({candidates: [{content: {role: "model", parts}, index: 0, ...more}], usageMetadata, ...all});
  const events = function* () {
    for (const {text, ...part} of content) {
      for (const piece of text === undefined ? [] : split(text, 6))
        yield answer([{text: piece, ...(part.thought && part)}]);
      if (text === undefined || part.thoughtSignature)
        yield answer([{...(text !== undefined && {text: ""}), ...part}]);
    }
    yield answer([{text: ""}], {finishReason: "STOP"});
  };
  return {whole: answer(content, {finishReason: "STOP"}), events, write: (e) => `data: ${JSON.stringify(e)}\r\n\r\n`};
}

function converse({parts}) {
  const usage = {inputTokens: total.input - total.cached, outputTokens: total.output, totalTokens: total.input + total.output, cacheReadInputTokens: total.cached,
    cacheWriteInputTokens: 0};
  const stopReason = called(parts) ? "tool_use" : "end_turn", metrics = {latencyMs: 5};
  const content = parts.map((p) => p.thought !== undefined ? {reasoningContent: {reasoningText: {text: p.thought, signature: p.token}}}
    : p.redacted ? {reasoningContent: {redactedContent: p.redacted}}
      : p.call ? {toolUse: {toolUseId: p.call, name: p.name, input: p.args}} : {text: p.text});
  const events = function* () {
    yield ["messageStart", {role: "assistant"}];
    for (const [contentBlockIndex, b] of content.entries()) {
      const delta = (d) => ["contentBlockDelta", {contentBlockIndex, delta: d}];
      if (b.toolUse) {
        const {input, ...toolUse} = b.toolUse;
        yield ["contentBlockStart", {contentBlockIndex, start: {toolUse}}];
        for (const piece of split(JSON.stringify(input), 9))
          yield delta({toolUse: {input: piece}});
      } else if (b.reasoningContent?.reasoningText) {
        for (const text of split(b.reasoningContent.reasoningText.text, 6))
          yield delta({reasoningContent: {text}});
        yield delta({reasoningContent: {signature: b.reasoningContent.reasoningText.signature}});
      } else if (b.reasoningContent) {
        yield delta({reasoningContent: b.reasoningContent});
      } else {
        for (const text of split(b.text, 6))
          yield delta({text});
      }
      yield ["contentBlockStop", {contentBlockIndex}];
    }
    yield ["messageStop", {stopReason}];
    yield ["metadata", {usage, metrics}];
  };
  return {whole: {output: {message: {role: "assistant", content}}, stopReason, usage, metrics}, events, write: ([name, payload]) => message("event", name, payload),
    type: "application/vnd.amazon.eventstream"};
}

// Errors as each API words them; the statuses are theirs.
const openaiError = (status, type, code) => ({status, body: {error: {message: "refused", type, param: null, code}}});
const claudeError = (status, type) => ({status, body: {type: "error", error: {type, message: "refused"}, request_id: "req_1"}});
const geminiError = (code, status, details) => ({status: code, body: {error: {code, message: "refused", status, ...(details && {details})}}});
const converseError = (status, type) => ({status, head: {"x-amzn-errortype": type}, body: {message: "refused"}});
const openaiErrors = {rate: openaiError(429, "requests", "rate_limit_exceeded"), auth: openaiError(401, "invalid_request_error", "invalid_api_key"),
  missing: openaiError(404, "invalid_request_error", "model_not_found"), overloaded: openaiError(503, "server_error", "server_overloaded"),
  invalid: openaiError(400, "invalid_request_error", null)};
export const errors = {
  chat: openaiErrors, responses: openaiErrors,
  claude: {rate: claudeError(429, "rate_limit_error"), auth: claudeError(401, "authentication_error"), missing: claudeError(404, "not_found_error"),
    overloaded: claudeError(529, "overloaded_error"), invalid: claudeError(400, "invalid_request_error")},
  gemini: {rate: geminiError(429, "RESOURCE_EXHAUSTED"), missing: geminiError(404, "NOT_FOUND"), overloaded: geminiError(503, "UNAVAILABLE"),
    auth: geminiError(400, "INVALID_ARGUMENT", [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "API_KEY_INVALID", domain: "googleapis.com"}]),
    invalid: geminiError(400, "INVALID_ARGUMENT")},
  converse: {rate: converseError(429, "ThrottlingException"), auth: converseError(403, "UnrecognizedClientException"), missing: converseError(404, "ResourceNotFoundException"),
    overloaded: converseError(503, "ServiceUnavailableException"), invalid: converseError(400, "ValidationException")},
};

export const apis = [
  [/^\/v1\/chat\/completions$/, "chat", chat, (body) => body.stream], [/^\/v1\/responses$/, "responses", responses, (body) => body.stream],
  [/^\/v1\/messages$/, "claude", claude, (body) => body.stream], [/^\/v1beta\/models\/[^/]+:(stream)?generateContent/i, "gemini", gemini, (_, url) => url.includes(":stream")],
  [/^\/model\/[^/]+\/converse(-stream)?$/, "converse", converse, (_, url) => url.endsWith("-stream")],
];
const vector = (text) => [0.25, -0.5, text.length];

export const seen = [];                  // the requests that came: {api, body, headers}
const said = [];
// What the next request is answered with, whichever provider gets it: parts, the name of an error, or a function of the request that tells.
export const say = (...answers) => { said.push(...answers); };

async function serve(request, response) {
  let text = "";
  for await (const piece of request.setEncoding("utf8"))
    text += piece;
  const body = JSON.parse(text), path = request.url.split("?")[0];
  const send = (status, value, head = {}) => response.writeHead(status, {"content-type": "application/json", ...head}).end(JSON.stringify(value));
  if (path === "/v1/embeddings")
    return send(200, {object: "list", model: body.model, usage: {prompt_tokens: 8, total_tokens: 8}, data: [body.input].flat().map((input, index) => ({object: "embedding", index,
      embedding: body.encoding_format === "base64" ? Buffer.from(new Float32Array(vector(input)).buffer).toString("base64") : vector(input)}))});
  if (path.endsWith(":batchEmbedContents"))
    return send(200, {embeddings: body.requests.map((r) => ({values: vector(r.content.parts[0].text)}))});
  if (path.endsWith(":embedContent"))
    return send(200, {embedding: {values: vector(body.content.parts[0].text)}});
  const [, api, make, streams] = apis.find(([pattern]) => pattern.test(path));
  const next = said.shift(), asked = {api, body, headers: request.headers, text}, parts = typeof next === "function" ? next(asked) : next;
  seen.push(asked);
  if (typeof parts === "string") {
    const e = errors[api][parts];
    return send(e.status, e.body, e.head);
  }
  const {whole, events, write, type} = make({parts, model: models[api]});
  if (!streams(body, request.url))
    return send(200, whole);
  response.writeHead(200, {"content-type": type ?? "text/event-stream"});
  for (const event of events()) {
    response.write(write(event));
    await sleep(2);
  }
  response.end();
}

// A gateway with this configuration; returns its address and what ends it.
export async function run(config) {
  const folder = mkdtempSync(join(tmpdir(), "sluice-clients-")), file = join(folder, "sluice.yaml");
  writeFileSync(file, JSON.stringify({listen: "127.0.0.1:0", data_dir: join(folder, "data"), ...config}));
  const gateway = spawn(process.env.SLUICE_PROGRAM, ["-c", file], {stdio: ["ignore", "ignore", "pipe"]});
  const url = await new Promise((resolve, reject) => {
    let text = "";
    gateway.stderr.on("data", (piece) => {
      text += piece;
      const found = /listening on (\S+)/.exec(text);
      if (found)
        resolve(`http://${found[1]}`);
    });
    gateway.once("exit", (code) => reject(new Error(`the gateway ended with ${code}: ${text}`)));
  });
  return {url, async stop() {
    gateway.removeAllListeners("exit");
    gateway.kill("SIGTERM");
    await once(gateway, "exit");
    rmSync(folder, {recursive: true});
  }};
}

// Starts all; returns the gateway's address and what ends them. A model's name is its provider's. `other` is the address of another provider
// of all dialects to stand before.
export async function start(other) {
  const provider = http.createServer((q, s) => serve(q, s).catch((e) => { console.error(e); s.destroy(); })).listen(0, "127.0.0.1");
  await once(provider, "listening");
  const base = other ?? `http://127.0.0.1:${provider.address().port}`;
  const at = (dialect, path = "") => ({dialect, base_url: base + path, api_key: "sk-up"});
  const {url, stop} = await run({keys: [{name: "clients", key}],
    routing: {retries: {attempts: 0}, cooldown: {failure_ratio: 1, min_requests: 1000000, on_429: false}, breaker: {consecutive_failures: 1000000}},
    providers: {chat: at("openai-chat", "/v1"), responses: at("openai-responses", "/v1"), claude: at("anthropic", "/v1"), gemini: at("gemini", "/v1beta"),
      converse: at("bedrock"), openai: {base_url: `${base}/v1`, api_key: "sk-up"}},
    models: [...Object.entries(models).map(([name, model]) => ({name, deployments: [{provider: name, model}]})),
      {name: "openai", deployments: [{provider: "openai", model: "gpt-5.2"}]},
      {name: "chat-embed", deployments: [{provider: "chat", model: "text-embedding-3-small"}]},
      {name: "gemini-embed", deployments: [{provider: "gemini", model: "gemini-embedding-001"}]}]});
  return {url, async stop() {
    await stop();
    provider.closeAllConnections();
    provider.close();
  }};
}
