// SPDX-License-Identifier: Apache-2.0
// A provider that speaks Bedrock's Converse, and a gateway before it. What it says depends on the prompt: "weather" is a call of the
// first tool, or two of them for "weather twice", "think" has a signed thought, "cut" breaks off, "slow" ends in an exception.
import {spawn} from "node:child_process";
import {once} from "node:events";
import {mkdtempSync, rmSync, writeFileSync} from "node:fs";
import http from "node:http";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {setTimeout as sleep} from "node:timers/promises";

const crcs = Array.from({length: 256}, (_, n) => {
  for (let k = 0; k < 8; k++)
    n = n & 1 ? n >>> 1 ^ 0xedb88320 : n >>> 1;
  return n >>> 0;
});
const crc32 = (bytes) => ~bytes.reduce((crc, b) => crc >>> 8 ^ crcs[(crc ^ b) & 255], ~0) >>> 0;
const u32 = (...numbers) => Buffer.concat(numbers.map((n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; }));

// One message of an AWS event stream.
export function message(kind, name, payload) {
  const headers = Buffer.concat([[`:${kind}-type`, name], [":content-type", "application/json"], [":message-type", kind]].map(([key, value]) =>
    Buffer.concat([Buffer.from([key.length]), Buffer.from(key), Buffer.from([7, value.length >> 8, value.length & 255]), Buffer.from(value)])));
  const body = Buffer.from(JSON.stringify(payload)), sizes = u32(16 + headers.length + body.length, headers.length);
  const all = Buffer.concat([sizes, u32(crc32(sizes)), headers, body]);
  return Buffer.concat([all, u32(crc32(all))]);
}

export const signature = Buffer.from("a signature that nobody but its maker understands").toString("base64");
const usage = {inputTokens: 11, outputTokens: 7, totalTokens: 18};

function answer(request) {
  const last = request.messages.at(-1).content, text = last.map((b) => b.text ?? "").join(""), result = last.find((b) => b.toolResult);
  const tool = request.toolConfig?.tools.find((t) => t.toolSpec)?.toolSpec.name, content = [];
  if (text === "think")
    content.push({reasoningContent: {reasoningText: {text: "let me think", signature}}});
  if (tool && text.startsWith("weather") && request.toolConfig.toolChoice?.auto === undefined)
    for (const city of text === "weather twice" ? ["Rome", "Oslo"] : ["Rome"])
      content.push({toolUse: {toolUseId: `tooluse_${city}`, name: tool, input: {city, unit: "celsius"}}});
  else if (tool === "structured_output")
    content.push({toolUse: {toolUseId: "tooluse_1", name: tool, input: {city: "Rome", unit: "celsius"}}});
  else if (request.outputConfig)
    content.push({text: JSON.stringify({city: "Rome", unit: "celsius"})});
  else
    content.push({text: result ? `The tool answered: ${result.toolResult.content[0].text}` : `You said: ${text}`});
  if (last.some((b) => b.image))
    content.push({text: ` and sent ${last.filter((b) => b.image).length} image of ${last.find((b) => b.image).image.format}`});
  return {content, stopReason: content.at(-1).toolUse ? "tool_use" : "end_turn", text};
}

function* events({content, stopReason, text}) {
  yield message("event", "messageStart", {role: "assistant"});
  for (const [contentBlockIndex, b] of content.entries()) {
    const delta = (d) => message("event", "contentBlockDelta", {contentBlockIndex, delta: d});
    if (b.toolUse) {
      const {input, ...start} = b.toolUse;
      yield message("event", "contentBlockStart", {contentBlockIndex, start: {toolUse: start}});
      for (const piece of JSON.stringify(input).match(/.{1,9}/gs))
        yield delta({toolUse: {input: piece}});
    } else if (b.reasoningContent) {
      for (const piece of b.reasoningContent.reasoningText.text.match(/.{1,5}/gs))
        yield delta({reasoningContent: {text: piece}});
      yield delta({reasoningContent: {signature}});
    } else {
      for (const piece of b.text.match(/.{1,4}/gs))
        yield delta({text: piece});
    }
    if (text === "cut")
      return;
    if (text === "slow")
      return yield message("exception", "throttlingException", {message: "slower"});
    yield message("event", "contentBlockStop", {contentBlockIndex});
  }
  yield message("event", "messageStop", {stopReason});
  yield message("event", "metadata", {usage, metrics: {latencyMs: 5}});
}

export const seen = [];          // the requests that came, parsed
async function serve(request, response) {
  let body = "";
  for await (const piece of request)
    body += piece;
  const asked = JSON.parse(body), said = answer(asked);
  seen.push(asked);
  if (said.text.startsWith("error ")) {
    const [, status, type] = said.text.split(" ");
    response.writeHead(+status, {"content-type": "application/json", "x-amzn-errortype": type});
    return response.end(JSON.stringify({message: `refused: ${said.text}`}));
  }
  if (!request.url.endsWith("/converse-stream")) {
    response.writeHead(200, {"content-type": "application/json"});
    return response.end(JSON.stringify({output: {message: {role: "assistant", content: said.content}}, stopReason: said.stopReason, usage, metrics: {latencyMs: 5}}));
  }
  response.writeHead(200, {"content-type": "application/vnd.amazon.eventstream"});
  for (const event of events(said)) {
    response.write(event);
    await sleep(3);
  }
  response.end();
}

// Starts both; returns the gateway's address and what ends them.
export async function start() {
  const provider = http.createServer((q, s) => serve(q, s).catch(() => s.destroy())).listen(0, "127.0.0.1");
  await once(provider, "listening");
  const folder = mkdtempSync(join(tmpdir(), "sluice-converse-")), file = join(folder, "sluice.yaml");
  writeFileSync(file, JSON.stringify({listen: "127.0.0.1:0", auth: "none", data_dir: join(folder, "data"),
    routing: {retries: {attempts: 0}},
    providers: {up: {dialect: "bedrock", base_url: `http://127.0.0.1:${provider.address().port}`, api_key: "sk-up"}},
    models: [{name: "m", deployments: [{provider: "up", model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0"}]},
      {name: "old", deployments: [{provider: "up", model: "anthropic.claude-sonnet-4-20250514-v1:0"}]}]}));
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
    provider.closeAllConnections();
    provider.close();
    rmSync(folder, {recursive: true});
  }};
}
