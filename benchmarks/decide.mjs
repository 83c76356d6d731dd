// Decode and decide as Segment's consent wrapper does in the browser; prints microseconds an event.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const task = JSON.parse(readFileSync(0, "utf8"));
const require = createRequire(task.modules + "/");
const { shouldEnableIntegrationHelper } = require(
  task.modules + "/@segment/analytics-consent-tools/dist/cjs/domain/blocking-helpers.js",
);
const integrations = {};
for (const [name, categories] of Object.entries(task.mapped)) {
  integrations[name] = { consentSettings: { categories } };
}
const settings = { integrations };
const names = Object.keys(integrations);

function decide(body) {
  const event = JSON.parse(body);
  const preferences = event.context.consent.categoryPreferences;
  return names.map((name) => shouldEnableIntegrationHelper(name, settings, preferences, {}));
}

let best = Infinity;
for (let round = 0; round < 7; round++) {
  let done = 0;
  const started = performance.now();
  while (performance.now() - started < 500) {
    for (const body of task.bodies) decide(body);
    done += task.bodies.length;
  }
  best = Math.min(best, ((performance.now() - started) / done) * 1000);
}
console.log(best);
