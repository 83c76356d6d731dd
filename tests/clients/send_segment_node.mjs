// Sends the calls on standard input with @segment/analytics-node: {"host", "writeKey", "calls": [{"type", ...}]}.
import { readFileSync } from 'node:fs'
import { Analytics } from '@segment/analytics-node'

const { host, writeKey, calls } = JSON.parse(readFileSync(0, 'utf8'))
const analytics = new Analytics({ host, writeKey })
analytics.on('error', ({ reason }) => {
  console.error(reason)
  process.exitCode = 1
})
for (const { type, ...call } of calls) analytics[type](call)
await analytics.closeAndFlush({ timeout: 20_000 })
