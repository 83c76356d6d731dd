// Sends the calls on standard input with @rudderstack/rudder-sdk-node: {"host", "writeKey", "calls": [{"type", ...}]}.
import { readFileSync } from 'node:fs'
import Analytics from '@rudderstack/rudder-sdk-node'

const { host, writeKey, calls } = JSON.parse(readFileSync(0, 'utf8'))
const analytics = new Analytics(writeKey, { dataPlaneUrl: host })
for (const { type, ...call } of calls) analytics[type](call)
await analytics.flush()
