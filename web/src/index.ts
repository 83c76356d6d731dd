/** The npm package: a wrapper for pages that bring analytics.js themselves. */

export type { Options } from './options'
export type { ConsentModel, ConsentTool, Preferences, Reading } from './types'
export { withAssent } from './wrap'
