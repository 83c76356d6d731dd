// Reads cases as JSON, `[{tool, preferences, categories, gpc}]`, and prints what assent.js makes of each.
import { build } from '../../web/node_modules/esbuild/lib/main.js'
import { readFileSync } from 'node:fs'

const built = await build({ entryPoints: [process.argv[2]], bundle: true, format: 'esm', write: false })
const { preferencesOf } = await import(`data:text/javascript,${encodeURIComponent(built.outputFiles[0].text)}`)
const said = JSON.parse(readFileSync(0, 'utf8')).map(({ tool, preferences, categories, gpc }) => {
  Object.defineProperty(globalThis, 'navigator', { value: { globalPrivacyControl: gpc }, configurable: true })
  return preferencesOf(tool, { preferences, answered: true }, categories)
})
console.log(JSON.stringify(said))
