/** From what a tool says to the categories of the workspace, as the gateway does for cookies (signals/translate.py). */

import type { Category } from './settings'
import type { Preferences, Reading } from './types'

type Answer = boolean | undefined

/** A category is granted where all that is said of it grants it; what nobody answered is left out. */
export function preferencesOf(tool: string, reading: Reading, categories: Category[]): Preferences {
  const answers: Record<string, Answer[]> = {}
  const say = (category: string, answer: Answer) => (answers[category] ??= []).push(answer)
  const asked = categories.filter((one) => idsFor(tool, one).length)
  for (const one of asked) {
    for (const id of idsFor(tool, one)) say(one.id, reading.preferences[id])
  }
  const known = new Set(categories.map((one) => one.id))
  for (const [id, answer] of Object.entries(reading.preferences)) {
    // What a workspace has no category for is kept: it may have one tomorrow.
    if (!asked.length || known.has(id)) say(id, answer)
  }
  if ((navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl === true) {
    for (const one of categories) if (idsFor('gpc', one).length) say(one.id, false)
  }
  return Object.fromEntries(
    Object.entries(answers)
      .map(([id, given]) => [id, together(given)] as const)
      .filter((one): one is [string, boolean] => one[1] !== undefined),
  )
}

function idsFor(tool: string, category: Category): string[] {
  return (category.signals ?? [])
    .filter((one) => one === tool || one.startsWith(`${tool}:`))
    .map((one) => one.slice(tool.length + 1) || tool)
}

function together(answers: Answer[]): Answer {
  if (answers.includes(false)) return false
  return answers.includes(undefined) ? undefined : true
}
