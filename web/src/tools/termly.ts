import { booleans, page } from '../page'
import type { ConsentTool } from '../types'

/** Termly: `Termly.getConsentState()`, which gives nothing before somebody answered. */
export const termly: ConsentTool = {
  id: 'termly',
  title: 'Termly',
  isThere: () => typeof page.Termly?.getConsentState === 'function',
  read() {
    const state = page.Termly.getConsentState()
    return { preferences: booleans(state), answered: !!state }
  },
  onChange(look) {
    page.Termly.on('initialized', look)
    page.Termly.on('consent', look)
  },
}
