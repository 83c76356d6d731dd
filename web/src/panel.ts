/** `assent.js?debug`: a panel with what the tool says, what the workspace knows of it, and who would get events. */

import type { Consent } from './consent'

const STYLE =
  'all:initial;position:fixed;right:12px;bottom:12px;z-index:2147483647;max-width:min(420px,calc(100vw - 24px));' +
  'max-height:60vh;overflow:auto;padding:12px 16px;border-radius:8px;background:#10233f;color:#fff;' +
  'font:13px/1.5 system-ui,sans-serif;box-shadow:0 4px 24px #0006'

export function showPanel(consent: Consent): void {
  const panel = document.createElement('section')
  panel.id = 'assent-panel'
  panel.setAttribute('aria-label', 'Consent, as Assent sees it')
  panel.tabIndex = 0
  panel.style.cssText = STYLE
  const draw = () => panel.replaceChildren(...contents(consent))
  const show = () => document.body.append(panel)
  if (document.body) show()
  else document.addEventListener('DOMContentLoaded', show)
  consent.onChange = draw
  draw()
}

function contents(consent: Consent): HTMLElement[] {
  const { lookout, settings } = consent
  const title = lookout.tool?.title ?? 'no consent tool'
  return [
    line(`Assent: ${title}, ${consent.model}, ${state(consent)}`, true),
    line(settings ? 'Categories that the tool reports' : 'The settings are not there (yet)', true),
    ...categories(consent),
    line('Who would get an event now', true),
    ...integrations(consent),
  ]
}

function state({ lookout }: Consent): string {
  if (lookout.reading) return lookout.reading.answered ? 'answered' : 'not answered yet'
  return lookout.isTooLate ? 'not there in time' : 'waiting for it'
}

function categories({ lookout, settings, preferences }: Consent): HTMLElement[] {
  const { names = {}, preferences: said = {} } = lookout.reading ?? {}
  const ids = [...new Set([...Object.keys(names), ...Object.keys(said)])]
  const known = settings?.assent?.categories ?? []
  const reported = ids.map((id) => {
    const ours = known.filter((one) => one.id === id || one.signals?.includes(`${lookout.tool?.id}:${id}`))
    const knows = ours.length ? `the workspace has it as ${ours.map((one) => one.id).join(', ')}` : 'unknown to the workspace'
    return line(`· ${id}${names[id] ? ` “${names[id]}”` : ''}: ${word(said[id])}, ${knows}`)
  })
  const unsaid = known.filter((one) => !(one.id in preferences)).map((one) => line(`· ${one.id}: nobody said anything`))
  return [...reported, ...unsaid]
}

function integrations(consent: Consent): HTMLElement[] {
  const { settings, preferences } = consent
  const lines = Object.entries(settings?.integrations ?? {})
    .filter(([name]) => name !== 'Segment.io')
    .map(([name, one]) => {
      const needs = one.consentSettings?.categories ?? []
      if (!needs.length) {
        const open = !settings!.consentSettings || settings!.consentSettings.hasUnmappedDestinations
        return line(`· ${name}: ${open ? 'gets it' : 'withheld'}, it is in no category`)
      }
      const rule = settings?.assent?.severalCategories === 'any' ? 'any of' : 'all of'
      return line(`· ${name}: ${consent.enables(needs, preferences) ? 'gets it' : 'withheld'}, needs ${rule} ${needs.join(', ')}`)
    })
  return consent.mayLeave ? lines : [...lines, line('Nothing leaves the browser but a change of consent.')]
}

const word = (answer?: boolean) => (answer === undefined ? 'unknown' : answer ? 'granted' : 'refused')

function line(text: string, isHeading = false): HTMLElement {
  const element = document.createElement('div')
  element.textContent = text
  if (isHeading) element.style.cssText = 'font-weight:600;margin-top:6px'
  return element
}
