// A real OpenID Connect provider on loopback, with one client. Its standard input is one line:
// {"port", "clientId", "clientSecret", "redirectUri"}. It prints `listening`. Whoever signs in as ADDRESS has that
// address; it is verified, unless it begins with `unverified`. Any password will do.
import { createInterface } from 'node:readline'
import { once } from 'node:events'
import { Provider } from 'oidc-provider'

const [line] = await once(createInterface({ input: process.stdin }), 'line')
const { port, clientId, clientSecret, redirectUri } = JSON.parse(line)

const page = (title, fields, button) =>
  `<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1><form method="post">${fields}<button>${button}</button></form>`

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri] }],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  pkce: { required: () => true },
  cookies: { keys: ['of this test'] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: id, email_verified: !id.startsWith('unverified'), name: id.split('@')[0] }),
  }),
  // Everybody consents here to what Assent asks for.
  loadExistingGrant: async ({ oidc }) => {
    const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId })
    grant.addOIDCScope('openid email profile')
    await grant.save()
    return grant
  },
})

const read = async (request) => {
  let body = ''
  for await (const chunk of request) body += chunk
  return new URLSearchParams(body)
}

provider.use(async (context, next) => {
  if (!context.path.startsWith('/interaction/')) return next()
  if (context.method === 'GET') {
    await provider.interactionDetails(context.req, context.res)
    context.type = 'html'
    context.body = page('Example Identity', '<label>Login <input name="login"></label>', 'Continue')
    return
  }
  const login = (await read(context.req)).get('login')
  const result = login === '' ? { error: 'access_denied' } : { login: { accountId: login } }
  context.respond = false
  await provider.interactionFinished(context.req, context.res, result)
})

provider.listen(port, '127.0.0.1', () => console.log('listening'))
