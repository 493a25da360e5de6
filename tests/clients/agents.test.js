// SPDX-License-Identifier: Apache-2.0
// Conversations as coding agents have them, by official SDKs, over providers of other dialects: what each request brings upstream, and
// what the SDK makes of each answer. A request's history is read from each API into lines, so that all are held to the same ones.
import assert from "node:assert/strict";
import {after, test} from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import {key, png, say, seen, start} from "./upstreams.js";

const {url, stop} = await start();
after(stop);

const anthropic = new Anthropic({apiKey: key, baseURL: url, maxRetries: 0});
const openai = new OpenAI({apiKey: key, baseURL: `${url}/v1`, maxRetries: 0});

// What only its maker understands, by a name to tell it by.
const token = Object.fromEntries(["A", "B", "C", "R"].map((name) => [name, `${name}sig+/${Buffer.from(`of thought ${name} \u00ff\u00fe`.repeat(9)).toString("base64")}`]));
const named = (text) => text === undefined ? "" : ` [${Object.keys(token).find((name) => token[name] === text) ?? `unknown: ${text}`}]`;
const patch = "*** Begin Patch\n*** Update File: a.c\n-\tputs(\"\\n\");\n+\tputs(\"grüße \u{1F600}\");\n*** End Patch";
const grammar = "start: begin hunk+ end\nbegin: \"*** Begin Patch\" LF\n";

let conversation = 0;
const id = (n) => `call_${conversation}x${n}`;
const short = (text) => text.replace(/call_\d+x/g, "call_");
const picture = (data) => data === png ? "a picture" : `a broken picture: ${data}`;
const fromUrl = (address) => picture(address.replace("data:image/png;base64,", ""));

// The history that a request brings, in lines.
const read = {
  chat: ({messages}) => messages.flatMap((m) => m.role === "tool" ? [`result ${short(m.tool_call_id)}: ${m.content}`]
    : [...(typeof m.content === "string" ? [`${m.role}: ${m.content}`] : (m.content ?? []).map((p) => `${m.role}: ${p.text === undefined ? fromUrl(p.image_url.url) : short(p.text)}`)),
      ...(m.tool_calls ?? []).map((c) => `call ${short(c.id)} ${c.function.name} ${c.function.arguments}`)]),
  responses: ({instructions, input}) => [`system: ${instructions}`, ...input.flatMap((i) => {
    const part = (p) => p.text ?? fromUrl(p.image_url);
    if (i.type === "reasoning") {
      assert.equal(i.id, `rs_${i.encrypted_content.slice(0, 8)}`, "the id goes with its token");
      assert.equal(i.content, undefined, "OpenAI takes no text of a thought but a summary");
      return [`thought: ${i.summary.map((s) => s.text).join("|")}${named(i.encrypted_content)}`];
    }
    if (i.type === "function_call")
      return [`call ${short(i.call_id)} ${i.name} ${i.arguments}`];
    if (i.type === "function_call_output")
      return [`result ${short(i.call_id)}: ${typeof i.output === "string" ? i.output : i.output.map(part).join(" + ")}`];
    return i.content.map((p) => `${i.role}: ${part(p)}`);
  })],
  claude: ({system, messages}) => {
    const mark = (b) => b.cache_control ? [`mark ${b.cache_control.ttl ?? "5m"}`] : [];
    const inner = (b) => b.type === "image" ? picture(b.source.data) : b.text;
    const texts = (c) => typeof c === "string" ? [{type: "text", text: c}] : c;
    return [...texts(system ?? []).flatMap((b) => [`system: ${b.text}`, ...mark(b)]), ...messages.flatMap((m) => texts(m.content).flatMap((b) => [
      b.type === "thinking" ? `thought: ${b.thinking}${named(b.signature)}` : b.type === "redacted_thinking" ? `thought:${named(b.data)}`
        : b.type === "tool_use" ? `call ${short(b.id)} ${b.name} ${JSON.stringify(b.input)}`
          : b.type === "tool_result" ? `result ${short(b.tool_use_id)}${b.is_error ? " failed" : ""}: ${texts(b.content).map(inner).join(" + ")}`
            : `${m.role}: ${inner(b)}`, ...mark(b)]))];
  },
  gemini: ({systemInstruction, contents}) => [...(systemInstruction?.parts ?? []).map((p) => `system: ${p.text}`), ...contents.flatMap((c) => c.parts.map((p) => {
    const {functionCall: call, functionResponse: result} = p, role = c.role === "model" ? "assistant" : c.role, signed = named(p.thoughtSignature);
    assert.ok(c.role === "user" || c.role === "model");
    if (p.thought)
      return `thought: ${p.text}${signed}`;
    if (call)
      return `call ${short(call.id)} ${call.name} ${JSON.stringify(call.args)}${signed}`;
    if (result)
      return `result ${short(result.id)}${result.response.error ? " failed" : ""}: ${[result.response.error ?? result.response.output,
        ...(result.parts ?? []).map((i) => picture(i.inlineData.data))].join(" + ")}`;
    return `${role}: ${p.text ?? picture(p.inlineData.data)}${signed}`;
  }))],
  converse: ({system, messages}) => {
    const inner = (b) => b.image ? picture(b.image.source.bytes) : b.text;
    const mark = (b) => `mark ${b.cachePoint.ttl ?? "5m"}`;
    return [...(system ?? []).map((b) => b.cachePoint ? mark(b) : `system: ${b.text}`), ...messages.flatMap((m) => m.content.map((b) => {
      const {reasoningContent: thought, toolUse: call, toolResult: result} = b;
      return thought ? thought.reasoningText ? `thought: ${thought.reasoningText.text}${named(thought.reasoningText.signature)}` : `thought:${named(thought.redactedContent)}`
        : call ? `call ${short(call.toolUseId)} ${call.name} ${JSON.stringify(call.input)}`
          : result ? `result ${short(result.toolUseId)}${result.status === "error" ? " failed" : ""}: ${result.content.map(inner).join(" + ")}`
            : b.cachePoint ? mark(b) : `${m.role}: ${inner(b)}`;
    }))];
  },
};
const history = () => read[seen.at(-1).api](seen.at(-1).body);
const unmarked = (lines) => lines.filter((l) => !l.startsWith("mark"));

// Each request must begin as the one before it, or providers' caches are of no use; returns the last one's lines.
function grown(lines, before) {
  assert.deepEqual(unmarked(lines).slice(0, unmarked(before).length), unmarked(before), "what was said before stays as it was");
  return lines;
}

const answers = () => ({
  one: [{thought: "I must look.", token: token.A}, {redacted: token.R}, {text: "Let me look."}, {call: id(1), name: "read_file", args: {path: "a.c"}, token: token.A},
    {call: id(2), name: "run", args: {command: "make \"all\"\n"}}],
  two: [{thought: "It is there.", token: token.B}, {call: id(3), name: "run", args: {command: "ls"}, token: token.B}],
  three: [{thought: "So that is it.", token: token.C}, {text: "Done.", token: token.C}],
  four: [{text: "Bye."}],
});

/* ---- Messages ---- */

const mark = {type: "ephemeral"};
const image = {type: "image", source: {type: "base64", media_type: "image/png", data: png}};
const blockTools = ["read_file", "run"].map((name, i) => ({name, description: `does ${name}`, ...(i === 1 && {cache_control: {...mark, ttl: "1h"}}),
  input_schema: {type: "object", properties: i ? {command: {type: "string"}} : {path: {type: "string"}}, required: [i ? "command" : "path"]}}));

// As agents do: the newest turn of the user's is marked, older ones no longer.
function markLast(messages) {
  for (const m of messages)
    for (const b of Array.isArray(m.content) ? m.content : [])
      delete b.cache_control;
  messages.at(-1).content.at(-1).cache_control = mark;
}

async function message(model, messages, streamed) {
  markLast(messages);
  const body = {model, max_tokens: 16000, thinking: {type: "enabled", budget_tokens: 4000}, tools: blockTools, messages,
    system: [{type: "text", text: "You are an agent.", cache_control: {...mark, ttl: "1h"}}]};
  if (!streamed)
    return anthropic.messages.create(body).withResponse();
  const s = anthropic.messages.stream(body), at = [];
  s.on("streamEvent", (e) => { if (e.type === "content_block_delta") at.push(performance.now()); });
  const data = await s.finalMessage();
  assert.ok(at.length < 8 || at.at(-1) - at[0] > 8, "all came at once");
  return {data, response: s.response};
}

const messagesOver = {
  chat: {
    dropped: ["cache_control", "messages[].reasoning", "thinking"], types: ["thinking", "text", "tool_use", "tool_use"],
    lines: ["system: You are an agent.", "user: a picture", "user: fix it", "assistant: Let me look.", "call call_1 read_file {\"path\":\"a.c\"}",
      "call call_2 run {\"command\":\"make \\\"all\\\"\\n\"}", "result call_1: int main\n[The tool's media follow in the next message.]", "result call_2: Error: exit 1",
      "user: Media of the result of tool call call_1", "user: a picture", "call call_3 run {\"command\":\"ls\"}", "result call_3: a.c", "user: and?",
      "assistant: Done.", "user: thanks"],
  },
  responses: {
    dropped: ["cache_control"], types: ["thinking", "thinking", "text", "tool_use", "tool_use"],
    lines: ["system: You are an agent.", "user: a picture", "user: fix it", "thought: I must look. [A]", "thought:  [R]", "assistant: Let me look.",
      "call call_1 read_file {\"path\":\"a.c\"}", "call call_2 run {\"command\":\"make \\\"all\\\"\\n\"}", "result call_1: int main + a picture",
      "result call_2: Error: exit 1", "thought: It is there. [B]", "call call_3 run {\"command\":\"ls\"}", "result call_3: a.c", "user: and?",
      "thought: So that is it. [C]", "assistant: Done.", "user: thanks"],
  },
  gemini: {
    dropped: ["cache_control", "messages[].reasoning"], types: ["thinking", "text", "thinking", "tool_use", "tool_use"],
    lines: ["system: You are an agent.", "user: a picture", "user: fix it", "assistant: Let me look.", "call call_1 read_file {\"path\":\"a.c\"} [A]",
      "call call_2 run {\"command\":\"make \\\"all\\\"\\n\"}", "result call_1: int main + a picture", "result call_2 failed: exit 1",
      "call call_3 run {\"command\":\"ls\"} [B]", "result call_3: a.c", "user: and?", "assistant: Done. [C]", "user: thanks"],
  },
  converse: {
    dropped: [], types: ["thinking", "redacted_thinking", "text", "tool_use", "tool_use"],
    lines: ["system: You are an agent.", "mark 1h", "user: a picture", "user: fix it", "thought: I must look. [A]", "thought: [R]", "assistant: Let me look.",
      "call call_1 read_file {\"path\":\"a.c\"}", "call call_2 run {\"command\":\"make \\\"all\\\"\\n\"}", "result call_1: int main + a picture",
      "result call_2 failed: exit 1", "thought: It is there. [B]", "call call_3 run {\"command\":\"ls\"}", "result call_3: a.c", "user: and?",
      "thought: So that is it. [C]", "assistant: Done.", "user: thanks", "mark 5m"],
  },
};
messagesOver.openai = messagesOver.responses;

for (const [model, want] of Object.entries(messagesOver))
  for (const streamed of [false, true])
    test(`Messages over ${model}${streamed ? ", streamed" : ""}: thoughts, tools, images and marks for four turns`, async () => {
      conversation++;
      const {one, two, three, four} = answers(), messages = [{role: "user", content: [image, {type: "text", text: "fix it"}].map((b) => ({...b}))}];
      let before = [];
      const turn = async (said, ...content) => {
        if (content.length)
          messages.push({role: "user", content});
        say(said);
        const {data, response} = await message(model, messages, streamed);
        before = grown(history(), before);
        assert.deepEqual(seen.at(-1).body.toolConfig?.tools.map((t) => t.toolSpec?.name ?? t.cachePoint.ttl) ??
          (seen.at(-1).body.tools[0].functionDeclarations ?? seen.at(-1).body.tools).map((t) => t.function?.name ?? t.name),
        model === "converse" ? ["read_file", "run", "1h"] : ["read_file", "run"]);
        const {input_tokens, cache_read_input_tokens, output_tokens} = data.usage;
        assert.deepEqual({input_tokens, cache_read_input_tokens, output_tokens}, {input_tokens: 60, cache_read_input_tokens: 40, output_tokens: 25});
        assert.equal(data.role, "assistant");
        messages.push({role: "assistant", content: data.content});
        return {m: data, dropped: (response.headers.get("x-sluice-dropped") ?? "").split(",").filter(Boolean).sort()};
      };

      const {m} = await turn(one);
      assert.deepEqual(m.content.map((b) => b.type), want.types);
      assert.equal(m.content[0].thinking, "I must look.");
      assert.ok(m.content.every((b) => b.type !== "thinking" || b.signature), "thoughts are signed, or agents drop them");
      assert.equal(m.content.find((b) => b.type === "text").text, "Let me look.");
      assert.deepEqual(m.content.filter((b) => b.type === "tool_use").map(({id, name, input}) => [id, name, input]),
        one.filter((p) => p.call).map((p) => [p.call, p.name, p.args]));
      assert.equal(m.stop_reason, "tool_use");

      await turn(two, {type: "tool_result", tool_use_id: id(1), content: [{type: "text", text: "int main"}, {...image}]},
        {type: "tool_result", tool_use_id: id(2), content: "exit 1", is_error: true});
      const {m: done} = await turn(three, {type: "tool_result", tool_use_id: id(3), content: "a.c"}, {type: "text", text: "and?"});
      assert.equal(done.stop_reason, "end_turn");
      assert.equal(done.content.find((b) => b.type === "text").text, "Done.");
      const {dropped} = await turn(four, {type: "text", text: "thanks"});
      assert.deepEqual(before, want.lines);
      assert.deepEqual(dropped, want.dropped);
    });

/* ---- Responses ---- */

const responseTools = [
  {type: "function", name: "read_file", description: "reads", strict: false, parameters: {type: "object", properties: {path: {type: "string"}}, required: ["path"]}},
  {type: "custom", name: "apply_patch", description: "patches", format: {type: "grammar", syntax: "lark", definition: grammar}},
];
const responsesOver = {
  claude: {dropped: [], lines: ["system: You are an agent.", "user: a picture", "user: fix it", "thought: I must look. [A]", "thought: [R]", "assistant: Let me look.",
    "call call_1 read_file {\"path\":\"a.c\"}", `call call_2 apply_patch ${JSON.stringify({input: patch})}`, "result call_1: int main + a picture", "result call_2: patched",
    "thought: So that is it. [C]", "assistant: Done.", "user: thanks"]},
  gemini: {dropped: [], lines: ["system: You are an agent.", "user: a picture", "user: fix it", "assistant: Let me look.", "call call_1 read_file {\"path\":\"a.c\"} [A]",
    `call call_2 apply_patch ${JSON.stringify({input: patch})}`, "result call_1: int main + a picture", "result call_2: patched", "assistant: Done. [C]", "user: thanks"]},
};
responsesOver.converse = responsesOver.claude;

for (const [model, want] of Object.entries(responsesOver))
  for (const streamed of [false, true])
    for (const kept of [false, true])
      test(`Responses over ${model}${streamed ? ", streamed" : ""}, ${kept ? "by previous_response_id" : "all sent again"}: custom tools, thoughts and images`, async () => {
        conversation++;
        const {one, three, four} = answers(), first = [...one.slice(0, 4), {call: id(2), name: "apply_patch", args: {input: patch}}];
        let before = [], previous, items = [];
        const turn = async (said, ...input) => {
          items.push(...input);
          say(said);
          const body = {model, instructions: "You are an agent.", tools: responseTools, reasoning: {effort: "medium", summary: "auto"}, include: ["reasoning.encrypted_content"],
            ...(kept ? {input, previous_response_id: previous} : {input: items, store: false})};
          let r;
          if (streamed) {
            const s = openai.responses.stream(body), events = [];
            for await (const e of s)
              events.push(e);
            r = await s.finalResponse();
            const deltas = (type, member) => events.filter((e) => e.type === type).map((e) => e[member]).join("");
            assert.equal(deltas("response.output_text.delta", "delta"), r.output_text);
            assert.equal(deltas("response.custom_tool_call_input.delta", "delta"), r.output.filter((o) => o.type === "custom_tool_call").map((o) => o.input).join(""));
            assert.equal(events.at(-1).type, "response.completed");
          } else {
            r = await openai.responses.create(body);
          }
          before = grown(history(), before);
          assert.deepEqual([r.status, r.usage.input_tokens, r.usage.input_tokens_details.cached_tokens, r.usage.output_tokens], ["completed", 100, 40, 25]);
          previous = r.id;
          items.push(...r.output);
          return r;
        };

        const r = await turn(first, {role: "user", content: [{type: "input_image", image_url: `data:image/png;base64,${png}`, detail: "auto"}, {type: "input_text", text: "fix it"}]});
        const call = r.output.find((o) => o.type === "function_call"), custom = r.output.find((o) => o.type === "custom_tool_call");
        assert.deepEqual([call.call_id, call.name, call.arguments], [id(1), "read_file", "{\"path\":\"a.c\"}"]);
        assert.deepEqual([custom.call_id, custom.name, custom.input], [id(2), "apply_patch", patch]);
        const thought = r.output.find((o) => o.type === "reasoning");
        assert.equal(thought.summary.map((s) => s.text).join(""), "I must look.");
        assert.ok(r.output.indexOf(thought) < r.output.indexOf(call));
        const tools = seen.at(-1).body.toolConfig?.tools.map((t) => t.toolSpec) ?? seen.at(-1).body.tools[0].functionDeclarations ?? seen.at(-1).body.tools;
        assert.deepEqual(tools.map((t) => t.name), ["read_file", "apply_patch"]);
        assert.ok(JSON.stringify(tools[1]).includes(JSON.stringify(grammar).slice(1, -1)), "the grammar is told to the model");

        await turn(three, {type: "function_call_output", call_id: id(1), output: [{type: "input_text", text: "int main"}, {type: "input_image", image_url: `data:image/png;base64,${png}`}]},
          {type: "custom_tool_call_output", call_id: id(2), output: "patched"});
        assert.equal((await turn(four, {role: "user", content: "thanks"})).output_text, "Bye.");
        assert.deepEqual(before, want.lines);
      });

/* ---- Chat Completions, by agents that give back only what they know ---- */

const functions = blockTools.map(({name, description, input_schema}) => ({type: "function", function: {name, description, parameters: input_schema}}));
const chatOver = {
  claude: {lines: ["system: You are an agent.", "user: a picture", "user: fix it", "thought: I must look. [A]", "thought: [R]", "assistant: Let me look.",
    "call call_1 read_file {\"path\":\"a.c\"}", "call call_2 run {\"command\":\"make \\\"all\\\"\\n\"}", "result call_1: int main", "result call_2: exit 1",
    "thought: It is there. [B]", "call call_3 run {\"command\":\"ls\"}", "result call_3: a.c", "user: and?", "assistant: Done.", "user: thanks"]},
  gemini: {lines: ["system: You are an agent.", "user: a picture", "user: fix it", "assistant: Let me look.", "call call_1 read_file {\"path\":\"a.c\"} [A]",
    "call call_2 run {\"command\":\"make \\\"all\\\"\\n\"}", "result call_1: int main", "result call_2: exit 1", "call call_3 run {\"command\":\"ls\"} [B]", "result call_3: a.c",
    "user: and?", "assistant: Done.", "user: thanks"]},
};
chatOver.converse = chatOver.claude;
chatOver.responses = {lines: chatOver.claude.lines.map((l) => l.replace("thought: [R]", "thought:  [R]"))};

for (const [model, want] of Object.entries(chatOver))
  for (const streamed of [false, true])
    test(`Chat Completions over ${model}${streamed ? ", streamed" : ""}: what the agent drops is put back`, async () => {
      conversation++;
      const {one, two, three, four} = answers(), messages = [{role: "system", content: "You are an agent."},
        {role: "user", content: [{type: "image_url", image_url: {url: `data:image/png;base64,${png}`}}, {type: "text", text: "fix it"}]}];
      let before = [];
      const turn = async (said, ...more) => {
        messages.push(...more);
        say(said);
        const body = {model, messages, tools: functions, reasoning_effort: "medium", max_tokens: 16000};
        let r, shown = "";
        if (streamed) {
          const s = openai.chat.completions.stream({...body, stream_options: {include_usage: true}});
          for await (const c of s)
            shown += c.choices[0]?.delta.reasoning_content ?? "";
          r = await s.finalChatCompletion();
        } else {
          r = await openai.chat.completions.create(body);
          shown = r.choices[0].message.reasoning_content ?? "";
        }
        before = grown(history(), before);
        assert.deepEqual([r.usage.prompt_tokens, r.usage.prompt_tokens_details.cached_tokens, r.usage.completion_tokens], [100, 40, 25]);
        const {content, tool_calls} = r.choices[0].message;
        messages.push({role: "assistant", content, ...(tool_calls?.length && {tool_calls: tool_calls.map(({id, type, function: {name, arguments: args}}) =>
          ({id, type, function: {name, arguments: args}}))})});
        return {...r.choices[0], shown};
      };

      const choice = await turn(one);
      assert.equal(choice.finish_reason, "tool_calls");
      assert.equal(choice.message.content, "Let me look.");
      assert.equal(choice.shown, "I must look.");
      assert.deepEqual(choice.message.tool_calls.map((c) => [c.id, c.function.name, JSON.parse(c.function.arguments)]), one.filter((p) => p.call).map((p) => [p.call, p.name, p.args]));
      await turn(two, {role: "tool", tool_call_id: id(1), content: "int main"}, {role: "tool", tool_call_id: id(2), content: "exit 1"});
      const done = await turn(three, {role: "tool", tool_call_id: id(3), content: "a.c"}, {role: "user", content: "and?"});
      assert.deepEqual([done.finish_reason, done.message.content], ["stop", "Done."]);
      await turn(four, {role: "user", content: "thanks"});
      assert.deepEqual(before, want.lines);
    });

/* ---- thoughts between calls ---- */

const between = ["thought: I must look. [A]", "call call_1 run {\"command\":\"ls\"}", "thought: And there. [B]", "call call_2 run {\"command\":\"pwd\"}", "result call_1: a.c",
  "result call_2: /"];
const betweenOver = {claude: between, converse: between, responses: between,
  gemini: between.filter((l) => !l.startsWith("thought")).map((l) => l.startsWith("call call_1") ? `${l} [A]` : l.startsWith("call call_2") ? `${l} [B]` : l)};

for (const [model, want] of Object.entries(betweenOver))
  for (const streamed of [false, true])
    test(`thoughts between calls over ${model}${streamed ? ", streamed" : ""}: each stays where it was`, async () => {
      const said = () => [{thought: "I must look.", token: token.A}, {call: id(1), name: "run", args: {command: "ls"}, token: token.A},
        {thought: "And there.", token: token.B}, {call: id(2), name: "run", args: {command: "pwd"}, token: token.B}];
      const check = (what) => assert.deepEqual(unmarked(history()).filter((l) => /^(thought|call|result)/.test(l)), want, what);
      const next = () => {
        conversation++;
        say(said(), [{text: "Done."}]);
      };

      if (model !== "claude") {
        next();
        const messages = [{role: "user", content: [{type: "text", text: "where?"}]}], {data} = await message(model, messages, streamed);
        await message(model, [...messages, {role: "assistant", content: data.content}, {role: "user", content: [{type: "tool_result", tool_use_id: id(1), content: "a.c"},
          {type: "tool_result", tool_use_id: id(2), content: "/"}]}], streamed);
        check("Messages");
      }
      if (model !== "responses") {
        next();
        const body = {model, input: [{role: "user", content: "where?"}], store: false, reasoning: {effort: "medium", summary: "auto"}, include: ["reasoning.encrypted_content"],
          tools: [{type: "function", name: "run", strict: false, parameters: blockTools[1].input_schema}]};
        const ask = async (input) => streamed ? await openai.responses.stream({...body, input}).finalResponse() : await openai.responses.create({...body, input});
        const {output} = await ask(body.input);
        await ask([...body.input, ...output, {type: "function_call_output", call_id: id(1), output: "a.c"}, {type: "function_call_output", call_id: id(2), output: "/"}]);
        check("Responses");
      }
      next();
      const body = {model, messages: [{role: "user", content: "where?"}], tools: functions, reasoning_effort: "medium", max_tokens: 16000};
      const r = streamed ? await openai.chat.completions.stream(body).finalChatCompletion() : await openai.chat.completions.create(body);
      await openai.chat.completions.create({...body, messages: [...body.messages, {role: "assistant", content: null, tool_calls: r.choices[0].message.tool_calls.map(({id, type, function: f}) =>
        ({id, type, function: {name: f.name, arguments: f.arguments}}))}, {role: "tool", tool_call_id: id(1), content: "a.c"}, {role: "tool", tool_call_id: id(2), content: "/"}]});
      check("Chat Completions");
    });
