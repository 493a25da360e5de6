// SPDX-License-Identifier: Apache-2.0
// The providers' own SDKs, each over providers of all dialects.
import {features, url} from "./features.js";
import {clients} from "./sdks.js";

for (const client of clients(url))
  features(client);
