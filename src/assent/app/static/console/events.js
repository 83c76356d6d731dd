// The list of events while it is live: rows as they come in, paused and resumed, quiet while nobody looks.
(() => {
  let source = null
  let found = null
  let position = null
  let isPaused = false

  const say = (state, text) => {
    found.querySelector('.live').dataset.liveState = state
    const said = found.querySelector('[data-live-said]')
    if (said.textContent !== text) said.textContent = text
  }

  const close = () => {
    if (source) source.close()
    source = null
  }

  const show = (batch) => {
    const rows = found.querySelector('#rows')
    if (batch.rows) {
      rows.insertAdjacentHTML('afterbegin', batch.rows)
      for (const row of rows.querySelectorAll('tr:not([data-seen])')) {
        row.dataset.seen = 'yes'
        row.classList.add('is-new')
      }
      while (rows.rows.length > Number(found.dataset.most)) rows.lastElementChild.remove()
      // The times of the new rows are shown in the reader's zone.
      htmx.trigger(rows, 'htmx:load')
    }
    for (const [offset, tags] of Object.entries(batch.became)) {
      const cell = found.querySelector(`#event-${offset} .became`)
      if (cell) cell.innerHTML = tags
    }
    if (batch.leftOut) {
      const number = new Intl.NumberFormat('en').format(batch.leftOut)
      found.querySelector('[data-left-out]').textContent =
        `${number} more came in than are shown; load the page again to see them`
    }
  }

  const open = () => {
    close()
    const address = new URL(found.dataset.live, location)
    if (position !== null) address.searchParams.set('after', position)
    source = new EventSource(address)
    source.onopen = () => say('on', 'Live')
    source.onmessage = (message) => {
      position = message.lastEventId
      show(JSON.parse(message.data))
    }
    source.addEventListener('over', () => {
      close()
      say('off', 'You are signed out; load the page again')
    })
    source.onerror = () => {
      const isLost = source && source.readyState === EventSource.CLOSED
      say('off', isLost ? 'No longer live; load the page again' : 'Connecting again')
    }
  }

  const follow = () => {
    close()
    const now = document.getElementById('found')
    if (now !== found) position = null
    found = now
    if (!found || !found.dataset.live) return
    for (const row of found.querySelectorAll('#rows tr')) row.dataset.seen = 'yes'
    const button = found.querySelector('[data-live-toggle]')
    button.hidden = false
    button.textContent = isPaused ? 'Resume' : 'Pause'
    if (isPaused) say('paused', 'Paused')
    else if (!document.hidden) open()
  }

  document.addEventListener('click', (event) => {
    if (!event.target.closest('[data-live-toggle]')) return
    isPaused = !isPaused
    follow()
  })

  // Addresses say what is looked for, and nothing of what is not.
  document.addEventListener('htmx:configRequest', (event) => {
    for (const [name, value] of [...event.detail.formData.entries()]) {
      if (value === '') event.detail.formData.delete(name)
    }
  })

  // Nobody looks at a hidden page, and a browser has few connections to one host. It goes on where it was.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) close()
    else if (!source) follow()
  })
  addEventListener('pagehide', close)
  addEventListener('pageshow', (event) => { if (event.persisted) follow() })
  document.addEventListener('htmx:afterSettle', (event) => { if (!event.target.closest('tbody')) follow() })
  document.addEventListener('DOMContentLoaded', follow)
})()
