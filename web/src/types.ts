/** What is the same for every consent tool: how it is asked, and what it says. */

export type ConsentModel = 'opt-in' | 'opt-out'

/** Answers by id. What nobody answered, or what is neither yes nor no, is left out. */
export type Preferences = Record<string, boolean>

/** What a tool says now. */
export interface Reading {
  preferences: Preferences
  /** Whether a person acted, or these are only the tool's defaults. */
  answered: boolean
  /** Nobody is asked here: the defaults are all that there will be. */
  isUnasked?: boolean
  names?: Record<string, string>
  /** What the tool itself goes by here, where it says so. */
  model?: ConsentModel
}

/** One consent tool. */
export interface ConsentTool {
  /** As in the signals of a category: `onetrust:C0001`. */
  id: string
  title: string
  /** Whether its API is on the page, so that it can be asked. */
  isThere(): boolean
  /** Nothing while it is not ready. */
  read(): Reading | undefined | Promise<Reading | undefined>
  /** Call `look` whenever the answers may have changed. */
  onChange(look: () => void): void
}
