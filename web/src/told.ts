/** What was last put on record for this browser, so that each real change is, and nothing twice. */

import type { Preferences } from './types'

export class Told {
  private last: string | null = null
  private readonly key: string

  constructor(writeKey: string) {
    this.key = `assent_told_${writeKey}`
    try {
      this.last = localStorage.getItem(this.key)
    } catch {
      // Without storage it is remembered for as long as the page is open.
    }
  }

  /** Whether this is news; from now on it is none. */
  isNews(preferences: Preferences): boolean {
    const text = JSON.stringify(Object.entries(preferences).sort())
    if (text === this.last || text === '[]') return false
    this.keep(text)
    return true
  }

  forget(): void {
    this.keep(null)
  }

  private keep(text: string | null): void {
    this.last = text
    try {
      if (text === null) localStorage.removeItem(this.key)
      else localStorage.setItem(this.key, text)
    } catch {
      // As above.
    }
  }
}
