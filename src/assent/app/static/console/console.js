// What pages do in the browser: times in the reader's zone, copying, dialogs, and forms that ask before they go.
(() => {
  const day = new Intl.DateTimeFormat(undefined, {dateStyle: 'medium', timeStyle: 'medium'})
  const clock = new Intl.DateTimeFormat(undefined, {timeStyle: 'medium'})

  // <time datetime="2026-05-04T09:30:00.000Z">: shown in the reader's zone, in UTC when they point at it.
  const localise = (root) => {
    for (const time of root.querySelectorAll('time[datetime]:not([title])')) {
      const at = new Date(time.dateTime)
      const today = at.toDateString() === new Date().toDateString()
      time.title = `${at.toISOString().replace('T', ' ').replace('Z', '')} UTC`
      time.textContent = (today && time.dataset.form !== 'day' ? clock : day).format(at)
    }
  }

  const copy = async (button) => {
    const shown = document.getElementById(button.dataset.copy)
    if (!navigator.clipboard) {
      // Browsers give the clipboard to pages of https and of this machine alone: elsewhere people copy it themselves.
      getSelection().selectAllChildren(shown)
      return
    }
    await navigator.clipboard.writeText(shown.textContent)
    const said = button.querySelector('[data-said]')
    const before = said.textContent
    said.textContent = 'Copied'
    setTimeout(() => { said.textContent = before }, 1500)
  }

  document.addEventListener('click', (event) => {
    const copying = event.target.closest('[data-copy]')
    if (copying) copy(copying)
    const menu = event.target.closest('.side-toggle')
    if (menu) menu.setAttribute('aria-expanded', String(menu.getAttribute('aria-expanded') !== 'true'))
    const opening = event.target.closest('[data-open]')
    if (opening) document.getElementById(opening.dataset.open).showModal()
    const closing = event.target.closest('[data-close]')
    if (closing) closing.closest('dialog').close()
    // A click beside a dialog closes it, as Escape does.
    if (event.target instanceof HTMLDialogElement && event.target.open) event.target.close()
    for (const open of document.querySelectorAll('details[data-menu][open]')) {
      if (!open.contains(event.target)) open.open = false
    }
  })

  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return
    for (const menu of document.querySelectorAll('details[data-menu][open]')) {
      menu.open = false
      menu.querySelector('summary').focus()
    }
  })

  // A button that stays off until the name of what it switches off is typed.
  document.addEventListener('input', (event) => {
    const wanted = event.target.dataset.typed
    if (wanted === undefined) return
    event.target.form.querySelector('[type=submit]:not([name=collect])').disabled = event.target.value.trim() !== wanted
  })

  // A form is sent once, however often the button is pressed.
  document.addEventListener('submit', (event) => {
    if (event.target.hasAttribute('hx-post') || event.target.method === 'get') return
    if (event.target.dataset.sent) event.preventDefault()
    event.target.dataset.sent = 'yes'
  })
  addEventListener('pageshow', () => {
    for (const form of document.querySelectorAll('form[data-sent]')) delete form.dataset.sent
  })

  document.addEventListener('DOMContentLoaded', () => localise(document))
  document.addEventListener('htmx:load', (event) => localise(event.target.parentElement || event.target))
})()
