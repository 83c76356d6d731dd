/** What the tools' readers need of the page: its globals, its cookies, and safe ways to look into both. */

/** The globals of the page, of which nothing is known. */
export const page = window as unknown as Record<string, any>

export function cookie(name: string): string | undefined {
  const found = document.cookie.split('; ').find((one) => one.startsWith(`${name}=`))
  return found?.slice(name.length + 1)
}

/** Only the members whose value is a boolean. */
export function booleans(value: unknown): Record<string, boolean> {
  return worded(value, true, false)
}

/** The members that say yes or no in a tool's own words; all others are left out. */
export function worded(value: unknown, yes: unknown, no: unknown): Record<string, boolean> {
  const found: Record<string, boolean> = {}
  for (const [id, one] of Object.entries(value ?? {})) {
    if (one === yes || one === no) found[id] = one === yes
  }
  return found
}

/** All true is true, all false is false; what differs is neither. */
export function agreed(answers: unknown[]): boolean | undefined {
  if (answers.length && answers.every((one) => one === true)) return true
  return answers.length && answers.every((one) => one === false) ? false : undefined
}

/** What a callback is given, as a promise. */
export function called(ask: (give: (value: any, success?: boolean) => void) => void): Promise<any> {
  return new Promise((resolve) => ask((value) => resolve(value)))
}

export function onEvents(target: EventTarget, names: string[], look: () => void): void {
  for (const name of names) target.addEventListener(name, look)
}
