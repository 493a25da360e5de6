// SPDX-License-Identifier: Apache-2.0
// Where the gateway is, as tests/clients/run tells.
export const url = process.env.SLUICE_URL;
export const key = process.env.SLUICE_KEY;

if (!url || !key)
  throw new Error("start the tests with tests/clients/run");

// What the demo provider says to a prompt (docs/demo.md).
export const said = (prompt) => `Hello from the demo provider. You said: ${prompt}\nNo model was asked, so this is all I can say.`;

export const weather = {
  type: "object",
  properties: {city: {type: "string"}, unit: {type: "string", enum: ["celsius", "fahrenheit"]}},
  required: ["city", "unit"],
  additionalProperties: false,
};
