/** The consent of one visitor on one page: what may be sent now, and what has to be told. */

import { Lookout } from './lookout'
import { preferencesOf } from './mapping'
import { statedModel, WAIT, type Options } from './options'
import { reportNoTool, reportRefusal } from './report'
import { enables, fetchSettings, nothingMayGo, type Settings } from './settings'
import { Told } from './told'
import type { ConsentModel, Preferences } from './types'

export class Consent {
  settings?: Settings
  readonly lookout: Lookout
  /** Puts a change on record through analytics.js; set once that can take it. */
  tell?: (preferences: Preferences) => void
  /** Called after every change. */
  onChange: () => void = () => {}
  /** Called when somebody refused everything: what happened until then may not be sent later. */
  onRefused: () => void = () => {}
  isLoaded = false
  private readonly told: Told
  private fixedModel?: ConsentModel
  private waiting: (() => void)[] = []

  constructor(readonly options: Options) {
    this.told = new Told(options.writeKey)
    this.lookout = new Lookout(options.tool, () => this.react())
  }

  async start(): Promise<void> {
    this.lookout.start(this.options.wait ?? WAIT)
    try {
      this.settings = await fetchSettings(this.options.host, this.options.writeKey)
    } catch (error) {
      console.error(`[assent] nothing is sent, because the settings cannot be had: ${error}`)
      return
    }
    this.react()
  }

  /** Of the workspace's categories; what nobody answered is left out, and enforces like a refusal. */
  get preferences(): Preferences {
    const { tool, reading } = this.lookout
    return tool && reading ? preferencesOf(tool.id, reading, this.settings?.assent?.categories ?? []) : {}
  }

  /** By the page or by the tool; what neither says is opt-in. It stays what it is once something was sent by it. */
  get model(): ConsentModel {
    return this.fixedModel ?? statedModel(this.options) ?? this.lookout.reading?.model ?? 'opt-in'
  }

  /** Resolves when analytics.js may load, and with what it is to go by. */
  async untilMayLoad(): Promise<ConsentModel> {
    while (!this.mayLoad) await new Promise<void>((resolve) => this.waiting.push(resolve))
    this.isLoaded = true
    this.fixedModel = this.model
    return this.fixedModel
  }

  /** Whether an event may leave the browser now. */
  get mayLeave(): boolean {
    return !!this.settings && (this.isUnknown ? this.model === 'opt-out' : !nothingMayGo(this.settings, this.preferences))
  }

  enables(categories: string[], preferences: Preferences): boolean {
    return !!this.settings && enables(this.settings, categories, preferences)
  }

  private get mayLoad(): boolean {
    const { reading, isTooLate } = this.lookout
    if (!reading && !isTooLate) return false
    return (this.model === 'opt-out' || !!reading?.answered || !!reading?.isUnasked) && this.mayLeave
  }

  /** Nobody answered, and no default applies either. Only the server can say what that closes. */
  private get isUnknown(): boolean {
    return !this.lookout.reading?.answered && !Object.keys(this.preferences).length
  }

  private react(): void {
    if (this.lookout.isTooLate) this.missTool()
    if (this.settings) this.record()
    this.onChange()
    for (const resolve of this.waiting.splice(0)) resolve()
  }

  private missTool = once(() => void reportNoTool(this.options))

  private record(): void {
    const preferences = this.preferences
    if (!this.lookout.reading?.answered) return
    const goesAlone = !this.isLoaded && !this.mayLoad
    if (goesAlone) this.onRefused()
    if ((!goesAlone && !this.tell) || !this.told.isNews(preferences)) return
    if (!goesAlone) this.tell!(preferences)
    else void reportRefusal(this.options, preferences).then((isKept) => isKept || this.told.forget())
  }

  /** `tell` is there now, and what was found out before may have waited for it. */
  canTell(tell: (preferences: Preferences) => void): void {
    this.tell = tell
    if (this.settings) this.record()
  }
}

function once(act: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) act()
    isDone = true
  }
}
