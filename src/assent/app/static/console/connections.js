// Rows of a setting that has names and values: another one, one less.
(() => {
  document.addEventListener('click', (event) => {
    const adding = event.target.closest('[data-row-add]')
    if (adding) {
      const rows = adding.closest('[data-rows]')
      const row = rows.querySelector('[data-row-blank]').cloneNode(true)
      row.removeAttribute('data-row-blank')
      for (const field of row.querySelectorAll('input')) field.value = ''
      adding.before(row)
      row.querySelector('input').focus()
    }
    const removing = event.target.closest('[data-row-remove]')
    if (removing) {
      const row = removing.closest('.setting-row')
      const add = removing.closest('[data-rows]').querySelector('[data-row-add]')
      // The blank row stays, for the next one to be made from; it is only emptied.
      if (row.hasAttribute('data-row-blank')) for (const field of row.querySelectorAll('input')) field.value = ''
      else row.remove()
      add.focus()
    }
  })
})()
