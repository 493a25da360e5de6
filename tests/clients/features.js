// SPDX-License-Identifier: Apache-2.0
// What every client must be able to do over every provider, whatever it is built of. A client has
//	user(text, image) → message; results(answer, texts) → messages: the answer, and what its tools said
//	ask(model, messages, {tools, schema, think, stream}) → {text, thought, calls: [{name, args}], usage: [in, cached, out], finish, at: [ms], raw}
//	is(kind, error): is this its own class of error for that?
import assert from "node:assert/strict";
import {after, test} from "node:test";
import {png, say, seen, start} from "./upstreams.js";
import {weather} from "./gateway.js";

export const {url, stop} = await start();
after(stop);

export const clock = () => performance.now();
export const thinking = "Let me think about it, and then some more.";
const models = ["chat", "responses", "claude", "gemini", "converse"];
const token = Buffer.from("what only its maker understands, and nobody else").toString("base64");
const long = "All that is said in a stream must come when it is said, and not all of it at the end.";
const usage = [100, 40, 25];

// The tools that a provider was given, whose first one is the form of an answer where it has no word for forms.
const offered = ({body}) => (body.toolConfig?.tools?.map((t) => t.toolSpec) ?? body.tools?.flatMap((t) => t.functionDeclarations ?? t.function ?? t) ?? []).map((t) => t.name);

export function features(client, {thinks = true, except = {}} = {}) {
  for (const model of models) {
    const both = (what, run) => {
      for (const stream of [false, true])
        test(`${client.name} over ${model}: ${what}${stream ? ", streamed" : ""}`, () => run(stream));
    };

    both("a text", async (stream) => {
      say([{text: long}]);
      const r = await client.ask(model, [client.user("hi")], {stream});
      assert.equal(r.text, long);
      assert.deepEqual([r.finish, r.usage, seen.at(-1).api], ["stop", usage, model]);
      if (stream)
        assert.ok(r.at.length > 8 && r.at.at(-1) - r.at[0] > 15, `all came at once: ${r.at}`);
    });

    both("two tools at once, and their results", async (stream) => {
      say([{text: "I look."}, {call: "call_a1", name: "get_weather", args: {city: "Rome", unit: "celsius"}, token}, {call: "call_b2", name: "get_weather", args: {city: "Tromsø \"\\", unit: "celsius"}}]);
      const asked = [client.user("weather")], r = await client.ask(model, asked, {tools: true, stream});
      assert.deepEqual(r.calls, [{name: "get_weather", args: {city: "Rome", unit: "celsius"}}, {name: "get_weather", args: {city: "Tromsø \"\\", unit: "celsius"}}]);
      assert.deepEqual([r.text, r.finish, r.usage], ["I look.", "tools", usage]);
      assert.deepEqual(offered(seen.at(-1)), ["get_weather"]);
      say([{text: "Rain and snow."}]);
      const end = await client.ask(model, [...asked, ...client.results(r, ["rain in Rome", "snow in Tromsø"])], {tools: true, stream});
      assert.equal(end.text, "Rain and snow.");
      const {text} = seen.at(-1), at = ["call_a1", "call_b2", "rain in Rome", "snow in Tromsø"].map((part) => text.lastIndexOf(part));
      assert.ok(at.every((n) => n > 0) && at[2] < at[3], `what came: ${text}`);
    });

    test(`${client.name} over ${model}: an answer in a form`, async () => {
      const object = {city: "Rome", unit: "celsius"};
      say((request) => offered(request).length ? [{call: "call_1", name: offered(request)[0], args: object}] : [{text: JSON.stringify(object)}]);
      const r = await client.ask(model, [client.user("weather")], {schema: weather});
      assert.deepEqual(r.object ?? JSON.parse(r.text), object);
    });

    test(`${client.name} over ${model}: a picture`, async () => {
      say([{text: "a pixel"}]);
      const r = await client.ask(model, [client.user("look", png)], {});
      assert.equal(r.text, "a pixel");
      assert.ok(seen.at(-1).text.includes(png));
    });

    both("a thought", async (stream) => {
      say([{thought: thinking, token}, {text: "42"}]);
      const r = await client.ask(model, [client.user("how many?")], {think: true, stream});
      assert.equal(r.text, "42");
      assert.equal(r.thought, thinks ? thinking : "");
    });

    both("errors of its own kinds", async (stream) => {
      for (const kind of ["rate", "missing", "overloaded", "invalid"]) {
        say(kind);
        await assert.rejects(client.ask(model, [client.user("hi")], {stream}), (e) => client.is(kind, e) || assert.fail(`${kind}: ${e.constructor.name} ${e.stack}`));
      }
    });
  }

  test(`${client.name}: a key that is not known`, async () => {
    await assert.rejects(client.stranger().ask("chat", [client.user("hi")], {}), (e) => client.is("auth", e) || assert.fail(e.stack));
  });

  test(`${client.name}: a model that is not known`, async () => {
    await assert.rejects(client.ask("no-such-model", [client.user("hi")], {}), (e) => client.is("missing", e) || assert.fail(e.stack));
  });

  for (const model of client.embed ? ["chat-embed", "gemini-embed"] : [])
    test(`${client.name} over ${model}: embeddings`, async () => {
      assert.deepEqual(await client.embed(model, ["one", "three"]), [[0.25, -0.5, 3], [0.25, -0.5, 5]]);
    });
}
