// SPDX-License-Identifier: Apache-2.0
// The same SDKs over a mock of all providers that others wrote (@copilotkit/aimock), and that took its formats from elsewhere than we did.
import assert from "node:assert/strict";
import {after, test} from "node:test";
import {LLMock} from "@copilotkit/aimock";
import {clients} from "./sdks.js";
import {start} from "./upstreams.js";

const said = "The quick brown fox jumps over the lazy dog, and then it does it once more.";
const mock = new LLMock({port: 0, chunkSize: 8, latency: 5});
mock.onMessage(/^hi$/, {content: said});
mock.onMessage(/^think$/, {content: "42", reasoning: "Let me think about it."});
mock.onMessage(/^weather$/, {toolCalls: [{name: "get_weather", arguments: {city: "Rome", unit: "celsius"}, id: "call_1"}, {name: "get_weather", arguments: {city: "Oslo", unit: "celsius"}, id: "call_2"}]});
const {url, stop} = await start(await mock.start());
after(async () => {
  await stop();
  await mock.stop();
});

for (const client of clients(url))
  for (const model of ["chat", "responses", "claude", "gemini", "converse"])
    for (const stream of [false, true])
      test(`aimock: ${client.name} over ${model}${stream ? ", streamed" : ""}: a text, two tools, a thought`, async () => {
        const text = await client.ask(model, [client.user("hi")], {stream});
        assert.deepEqual([text.text, text.finish], [said, "stop"]);
        if (stream)
          assert.ok(text.at.length > 5 && text.at.at(-1) - text.at[0] > 10, `all came at once: ${text.at}`);
        const tools = await client.ask(model, [client.user("weather")], {tools: true, stream});
        assert.deepEqual(tools.calls.map((c) => [c.name, c.args.city]), [["get_weather", "Rome"], ["get_weather", "Oslo"]]);
        if (tools.finish !== "FUNCTION_CALL")        // what the mock says, and Gemini does not, passes within a dialect
          assert.equal(tools.finish, "tools");
        const thought = await client.ask(model, [client.user("think")], {think: true, stream});
        assert.deepEqual([thought.text, thought.thought], ["42", "Let me think about it."]);
      });
