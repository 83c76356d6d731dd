// Builds the file that the gateway serves, with its source map; with a folder as argument, the npm package into it.
import { build } from 'esbuild'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const [folder] = process.argv.slice(2)

await build({
  absWorkingDir: here,
  bundle: true,
  target: 'es2020',
  sourcemap: true,
  logLevel: 'warning',
  legalComments: 'none',
  ...(folder
    ? { entryPoints: ['src/index.ts'], outfile: `${folder}/index.js`, format: 'esm' }
    : {
        entryPoints: ['src/assent.ts'],
        outfile: process.env.OUT ?? '../src/assent/app/static/assent.js',
        format: 'iife',
        minify: true,
        banner: { js: '/* assent.js, Apache-2.0. Includes @segment/analytics-consent-tools, MIT. */' },
      }),
})
