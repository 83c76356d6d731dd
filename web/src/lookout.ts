/** Finds the consent tool of the page, waits for it, and notices when its answers change. */

import { TOOLS } from './tools'
import type { ConsentTool, Reading } from './types'

const OFTEN = 50
const SELDOM = 500

export class Lookout {
  tool?: ConsentTool
  reading?: Reading
  /** Whether the time to wait for a tool passed and there was none. It may come later all the same. */
  isTooLate = false
  private seen = ''

  constructor(
    private readonly only: string | undefined,
    private readonly tell: () => void,
  ) {}

  start(wait: number): void {
    setTimeout(() => {
      if (this.reading) return
      this.isTooLate = true
      this.tell()
    }, wait)
    this.seek()
  }

  private seek(): void {
    this.tool = TOOLS.find((one) => (!this.only || one.id === this.only) && attempt(one.isThere))
    if (!this.tool) {
      setTimeout(() => this.seek(), this.isTooLate ? SELDOM : OFTEN)
      return
    }
    // A tool may call before what it calls about can be read.
    attempt(() => this.tool!.onChange(() => setTimeout(() => void this.look())))
    void this.look()
  }

  private async look(): Promise<void> {
    const reading = await attempt(() => this.tool!.read())
    if (!reading) {
      if (!this.reading) setTimeout(() => void this.look(), SELDOM)
      return
    }
    const seen = JSON.stringify(reading)
    if (seen === this.seen) return
    this.seen = seen
    this.reading = reading
    this.tell()
  }
}

/** A tool that fails says nothing, and breaks nothing. */
function attempt<T>(ask: () => T): T | undefined {
  try {
    const given = ask()
    return given instanceof Promise ? (given.catch(() => undefined) as T) : given
  } catch {
    return undefined
  }
}
