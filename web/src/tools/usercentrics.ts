import { agreed, onEvents, page } from '../page'
import type { ConsentTool, Preferences, Reading } from '../types'

interface Service {
  categorySlug?: string
  consent?: { status?: boolean }
}

/** Usercentrics: version 3's `__ucCmp`, version 2's `UC_UI`. A category with some services refused is neither. */
export const usercentrics: ConsentTool = {
  id: 'usercentrics',
  title: 'Usercentrics',
  isThere: () => typeof page.__ucCmp?.getConsentDetails === 'function' || !!page.UC_UI?.isInitialized?.(),
  read: () => (page.__ucCmp ? readDetails() : readServices()),
  onChange(look) {
    onEvents(window, ['UC_CONSENT', 'UC_UI_CMP_EVENT', 'UC_UI_INITIALIZED'], look)
  },
}

async function readDetails(): Promise<Reading | undefined> {
  if (!(await (page.__ucCmp.isInitialized?.() ?? true))) return undefined
  const { consent, categories = {} } = await page.__ucCmp.getConsentDetails()
  const states: [string, { state?: string; name?: string }][] = Object.entries(categories)
  return {
    preferences: Object.fromEntries(
      states
        .filter(([, one]) => one.state === 'ALL_ACCEPTED' || one.state === 'ALL_DENIED')
        .map(([slug, one]) => [slug, one.state === 'ALL_ACCEPTED']),
    ),
    names: Object.fromEntries(states.map(([slug, one]) => [slug, one.name ?? ''])),
    answered: consent?.type === 'EXPLICIT',
  }
}

function readServices(): Reading {
  const bySlug: Record<string, unknown[]> = {}
  for (const one of page.UC_UI.getServicesBaseInfo() as Service[]) {
    if (one.categorySlug) (bySlug[one.categorySlug] ??= []).push(one.consent?.status)
  }
  const preferences: Preferences = {}
  for (const [slug, answers] of Object.entries(bySlug)) {
    const answer = agreed(answers)
    if (answer !== undefined) preferences[slug] = answer
  }
  return { preferences, names: names(bySlug), answered: page.UC_UI.isConsentRequired?.() === false }
}

const names = (bySlug: object) => Object.fromEntries(Object.keys(bySlug).map((slug) => [slug, '']))
