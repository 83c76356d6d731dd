/** What a page says about how it wants this library to work. */

import type { ConsentModel } from './types'

export interface Options {
  /** Where the gateway is, such as `https://events.example.com`. */
  host: string
  writeKey: string
  /** Milliseconds to wait for a consent tool to appear. */
  wait?: number
  /** Opt-in sends nothing before somebody granted it; opt-out goes by the tool's defaults until somebody answers. */
  consentModel?: ConsentModel
  /** Where the visitor is, such as `US-CA`, as the page's server knows it; and the regions that are opt-out. */
  region?: string
  optOutRegions?: string[]
  /** The consent tool to ask, where a page has several: `onetrust`. */
  tool?: string
  debug?: boolean
}

export const WAIT = 5_000

/** The options of `<script src="https://HOST/assent.js" data-write-key="...">`. */
export function optionsOf(script: HTMLScriptElement): Options {
  const { writeKey = '', wait, consentModel, region, optOutRegions, tool } = script.dataset
  const source = new URL(script.src)
  return {
    host: source.origin + source.pathname.replace(/(\/cdn)?\/assent\.js$/, ''),
    writeKey,
    wait: wait === undefined ? WAIT : Number(wait),
    consentModel: consentModel === 'opt-in' || consentModel === 'opt-out' ? consentModel : undefined,
    region,
    optOutRegions: optOutRegions?.split(/[\s,]+/),
    tool,
    debug: source.searchParams.has('debug'),
  }
}

/** What the page says itself: outright, or by region. Nothing where it leaves that to the tool. */
export function statedModel(options: Options): ConsentModel | undefined {
  if (options.consentModel) return options.consentModel
  if (!options.region || !options.optOutRegions) return undefined
  const region = options.region.toUpperCase()
  const isOptOut = options.optOutRegions.some((one) => one && `${region}-`.startsWith(`${one.toUpperCase()}-`))
  return isOptOut ? 'opt-out' : 'opt-in'
}
