// Prints the published snippet for the host and write key in the arguments; with `later`, one that leaves `load` to the
// consent wrapper.
const snippet = require('../clients/node_modules/@segment/snippet')

const [host, apiKey, when] = process.argv.slice(2)
console.log(snippet.min({ host, apiKey, useHostForBundles: true, load: when !== 'later' }))
