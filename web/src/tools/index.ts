/** All consent tools that are known, in the order in which they are looked for. */

import type { ConsentTool } from '../types'
import { cookiebot } from './cookiebot'
import { cookieyes } from './cookieyes'
import { didomi } from './didomi'
import { iubenda } from './iubenda'
import { ketch } from './ketch'
import { klaro } from './klaro'
import { onetrust } from './onetrust'
import { osano } from './osano'
import { sourcepoint } from './sourcepoint'
import { termly } from './termly'
import { trustarc } from './trustarc'
import { usercentrics } from './usercentrics'

export const TOOLS: ConsentTool[] = [
  onetrust,
  cookiebot,
  usercentrics,
  didomi,
  trustarc,
  ketch,
  osano,
  iubenda,
  cookieyes,
  klaro,
  termly,
  // Last: others have a `__tcfapi`, too.
  sourcepoint,
]
