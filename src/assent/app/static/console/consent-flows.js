// The picture of the review: events from sources, through reasons, to destinations.
(() => {
  const place = document.getElementById('flows')
  const {nodes, links} = JSON.parse(document.getElementById('flows-data').textContent)
  const title = Object.fromEntries(nodes.map((one) => [one.name, one.title]))
  let chart

  const draw = () => {
    const style = getComputedStyle(document.documentElement)
    const colour = (name) => style.getPropertyValue(name).trim()
    const text = getComputedStyle(document.body).color
    const colours = {
      source: colour('--assent-quiet'),
      deliver: colour('--assent-deliver'),
      withhold: colour('--assent-withhold'),
      destination: colour('--tblr-primary'),
      withheld: colour('--assent-withhold'),
    }
    const narrow = place.clientWidth < 500
    chart?.dispose()
    chart = echarts.init(place)
    chart.setOption({
      animation: !matchMedia('(prefers-reduced-motion: reduce)').matches,
      tooltip: {
        renderMode: 'richText',
        formatter: ({dataType, data, value}) => dataType === 'edge'
          ? `${title[data.source]} → ${title[data.target]}: ${data.value.toLocaleString()}`
          : `${data.title}: ${value.toLocaleString()}`,
      },
      series: [{
        type: 'sankey',
        left: 4,
        right: narrow ? 90 : 150,
        top: 8,
        bottom: 8,
        nodeGap: 14,
        draggable: false,
        data: nodes.map((one) => ({...one, itemStyle: {color: colours[one.kind], borderWidth: 0}})),
        links,
        label: {color: text, fontSize: narrow ? 10 : 13, width: narrow ? 75 : 145, overflow: 'truncate', formatter: ({data}) => data.title},
        lineStyle: {color: 'gradient', opacity: 0.35},
        emphasis: {focus: 'adjacency'},
      }],
    })
  }

  draw()
  document.addEventListener('assent:theme', draw)
  let width = place.clientWidth
  new ResizeObserver(() => {
    if (place.clientWidth === width) return
    width = place.clientWidth
    draw()
  }).observe(place)
})()
