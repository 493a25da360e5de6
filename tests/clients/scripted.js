// SPDX-License-Identifier: Apache-2.0
// Providers that live and die as they are told, each at an address of its own and in all dialects at once (upstreams.js), and that remember what
// they were asked. What the next request gets (`next`), or all of them (`always`), is one of
//	{text} or {parts}       an answer (parts: as in upstreams.js)
//	{text, cut: n}          its stream is cut behind n pieces of a text or a call
//	{kind, head}            an error in the provider's words: rate overloaded missing invalid auth; `head`: fields with it
//	{dies: "refuses" | "500" | "cut" | "error event" | "hangs"}
// each after `wait` milliseconds, or a function of the request that tells. Nothing said: the provider's name.
import assert from "node:assert/strict";
import {once} from "node:events";
import http from "node:http";
import {setTimeout as sleep} from "node:timers/promises";
import {apis, errors} from "./upstreams.js";

// What is embedded is the provider's name.
const embeddings = [/^\/v1\/embeddings$/, "embeddings", ({parts: [{text}], model}) => ({whole: {object: "list", model, usage: {prompt_tokens: 8, total_tokens: 8},
  data: [{object: "embedding", index: 0, embedding: [text.charCodeAt(0), 0.5]}]}}), () => false];
// Events that only announce an answer.
const announces = {chat: 1, responses: 2, claude: 2, gemini: 0};
// What a stream that has begun well may say instead of its next event.
const errorEvents = {
  chat: {error: {message: "the engine fell over", type: "server_error", param: null, code: "server_error"}},
  responses: {type: "error", code: "server_error", message: "the engine fell over", param: null},
  claude: {type: "error", error: {type: "overloaded_error", message: "the engine fell over"}},
  gemini: {error: {code: 503, message: "the engine fell over", status: "UNAVAILABLE"}},
};
const wholeErrors = {...errorEvents, embeddings: errorEvents.chat, responses: {error: errorEvents.chat.error}};
// Events with a piece of a text or of a call.
const piece = {chat: (e) => e.choices?.[0]?.delta.content || e.choices?.[0]?.delta.tool_calls, responses: (e) => e.type === "response.output_text.delta",
  claude: (e) => e.delta?.type === "text_delta" || e.delta?.type === "input_json_delta",
  gemini: (e) => e.candidates[0].content.parts[0].text};

export class Provider {
  constructor(name) {
    Object.assign(this, {name, asked: [], next: [], always: null, left: 0});
    this.server = http.createServer((q, s) => this.#serve(q, s).catch((e) => { console.error(e); s.destroy(); }));
  }

  async start() {
    await once(this.server.listen(this.port ?? 0, "127.0.0.1"), "listening");
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  async stop() {
    if (!this.server.listening)
      return;
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }

  // From now on: nothing remembered, and this for all requests.
  async does(act, ...next) {
    Object.assign(this, {asked: [], next, always: act ?? null, left: 0});
    if (act?.dies === "refuses")
      await this.stop();
    else if (!this.server.listening)
      await this.start();
  }

  async #serve(request, response) {
    let text = "";
    for await (const some of request.setEncoding("utf8"))
      text += some;
    const body = JSON.parse(text), [, api, make, streams] = [...apis, embeddings].find(([pattern]) => pattern.test(request.url.split("?")[0]));
    const asked = {api, body, headers: request.headers, text, at: performance.now()};
    response.on("close", () => { this.left += !response.writableEnded; });
    this.asked.push(asked);
    let act = this.next.shift() ?? this.always ?? {};
    act = typeof act === "function" ? act(asked) : act;
    const send = (status, value, head = {}) => response.writeHead(status, {"content-type": "application/json", ...head}).end(JSON.stringify(value));
    await sleep(act.wait ?? 0);
    if (act.kind)
      return send(errors[api][act.kind].status, errors[api][act.kind].body, act.head);
    if (act.dies === "500")
      return send(500, wholeErrors[api]);
    if (act.dies === "hangs")
      return;
    const {whole, events, write} = make({parts: act.parts ?? [{text: act.text ?? this.name}], model: body.model ?? "gemini"});
    if (!streams(body, request.url)) {
      if (act.dies === "cut")
        response.writeHead(200, {"content-type": "application/json", "content-length": 1000}).write(JSON.stringify(whole).slice(0, 40), () => response.destroy());
      else
        send(200, act.dies ? wholeErrors[api] : whole);
      return;
    }
    response.writeHead(200, {"content-type": "text/event-stream"}).flushHeaders();
    let n = 0, pieces = 0;
    for (const event of events()) {
      if (act.dies ? n === announces[api] : pieces === act.cut) {
        if (act.dies === "error event")
          response.end(write(errorEvents[api]));
        else
          setTimeout(() => response.destroy(), 5);
        return;
      }
      response.write(write(event));
      await sleep(1);
      n++;
      pieces += Boolean(piece[api](event));
    }
    response.end();
  }
}

// Members of a request that each API has; what else comes upstream is somebody's word for the gateway.
const members = {
  chat: ["reasoning_effort", "parallel_tool_calls", "messages", "model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p", "seed", "stop", "tools", "tool_choice", "user", "n",
    "response_format", "metadata", "continue_final_message", "add_generation_prompt"],
  responses: ["input", "instructions", "model", "stream", "store", "max_output_tokens", "temperature", "include", "reasoning", "metadata"],
  claude: ["thinking", "tools", "tool_choice", "output_config", "messages", "model", "stream", "system", "max_tokens", "temperature", "metadata", "stop_sequences"],
  gemini: ["tools", "toolConfig", "contents", "systemInstruction", "generationConfig"],
  embeddings: ["input", "model", "encoding_format"],
};

// Nothing that a client says to the gateway reached a provider: no field, no member, no suffix, no key of ours.
export function nothingLeaked(providers, key) {
  for (const p of providers)
    for (const {api, body, headers, text} of p.asked) {
      const fields = Object.keys(headers).filter((name) => /^(x-sluice|x-portkey|cf-aig|x-session)/.test(name));
      assert.deepEqual(fields, [], `${p.name} got fields of the gateway's`);
      assert.deepEqual(Object.keys(body).filter((name) => !members[api].includes(name)), [], `${p.name} got members of the gateway's: ${text}`);
      assert.doesNotMatch(body.model ?? "", /:(nitro|floor)$/);
      assert.ok(!text.includes(key) && !JSON.stringify(headers).includes(key), `${p.name} got the client's key`);
    }
}
