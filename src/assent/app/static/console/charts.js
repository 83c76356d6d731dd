// Charts: each [data-chart] draws the JSON of the <script> that its data-from names, in the colours of the page.
// Kinds: `sankey` ({nodes: [{id, title, stage}], links: [{from, to, kind, value}]}), `series` ({at: [], bars: [{title,
// kind, values: []}]}) and `funnel` ({steps: [{title, kind, value}]}). Colours are by kind: deliver, withhold, fail, quiet;
// they are in charts.css, as plain values, because ECharts reads no others.
(() => {
  const drawn = new Map()
  const still = matchMedia('(prefers-reduced-motion: reduce)')
  const number = new Intl.NumberFormat()
  const clock = new Intl.DateTimeFormat(undefined, {timeStyle: 'short'})
  const day = new Intl.DateTimeFormat(undefined, {month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit'})

  const colours = () => {
    const style = getComputedStyle(document.documentElement)
    const of = (name) => style.getPropertyValue(name).trim()
    return {
      deliver: of('--assent-chart-deliver'), withhold: of('--assent-chart-withhold'), fail: of('--assent-chart-fail'),
      quiet: of('--assent-chart-quiet'), text: of('--assent-chart-text'), faint: of('--assent-chart-line'),
      surface: of('--assent-chart-surface'),
    }
  }

  const tooltip = (colour) => ({
    renderMode: 'richText', backgroundColor: colour.surface, borderColor: colour.faint, textStyle: {color: colour.text, fontSize: 13},
  })

  const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text)

  const sankey = (data, colour) => {
    const titles = new Map(data.nodes.map((node) => [node.id, node.title]))
    const stages = ['source', 'settled', 'destination', 'outcome']
    const of = {'outcome:delivered': colour.deliver, 'outcome:withheld': colour.withhold, 'outcome:failed': colour.fail}
    return {
      tooltip: {
        ...tooltip(colour),
        formatter: ({dataType, data: one, name, value}) => (dataType === 'edge'
          ? `${titles.get(one.source)} → ${titles.get(one.target)}\n${one.said}: ${number.format(one.value)}`
          : `${titles.get(name)}: ${number.format(value)}`),
      },
      series: [{
        type: 'sankey', left: 4, right: 110, top: 8, bottom: 8, nodeGap: 14, nodeWidth: 14, layoutIterations: 32,
        draggable: false, emphasis: {focus: 'adjacency'},
        label: {color: colour.text, fontSize: 12, formatter: ({name}) => shortened(titles.get(name), 34)},
        data: data.nodes.map((node) => ({
          name: node.id, depth: stages.indexOf(node.stage), itemStyle: {color: of[node.id] || colour.quiet, borderWidth: 0},
        })),
        links: data.links.map((link) => ({
          source: link.from, target: link.to, value: link.value, said: link.said,
          lineStyle: {color: colour[link.kind], opacity: link.kind === 'deliver' ? .28 : .5, curveness: .5},
        })),
      }],
    }
  }

  // Patterns, besides colours: bars are told apart without seeing colours too.
  const decals = {
    deliver: {symbol: 'none'}, withhold: {symbol: 'rect', dashArrayX: [1, 0], dashArrayY: [3, 4], rotation: Math.PI / 4, color: 'rgba(0,0,0,.28)'},
    fail: {symbol: 'circle', symbolSize: .5, dashArrayX: [[6, 6]], dashArrayY: [6, 0], color: 'rgba(0,0,0,.4)'},
  }

  const series = (data, colour) => {
    const long = data.at.length > 1 && data.at.at(-1) - data.at[0] > 20 * 3600 * 1000
    const said = (at) => (long ? day : clock).format(new Date(Number(at)))
    return {
      aria: {enabled: false},
      grid: {left: 8, right: 44, top: 36, bottom: 4, containLabel: true},
      legend: {top: 0, left: 0, itemWidth: 14, textStyle: {color: colour.text}, inactiveColor: colour.faint},
      tooltip: {
        ...tooltip(colour), trigger: 'axis', axisPointer: {type: 'shadow'},
        formatter: (bars) => [said(bars[0].axisValue), ...bars.map((bar) => `${bar.seriesName}: ${number.format(bar.value)}`)].join('\n'),
      },
      xAxis: {type: 'category', data: data.at.map(String), axisLabel: {color: colour.text, hideOverlap: true, formatter: said}, axisLine: {lineStyle: {color: colour.faint}}, axisTick: {show: false}},
      yAxis: {type: 'value', minInterval: 1, axisLabel: {color: colour.text, formatter: (value) => number.format(value)}, splitLine: {lineStyle: {color: colour.faint}}},
      series: data.bars.map((bar) => ({
        name: bar.title, type: 'bar', stack: 'all', data: bar.values, barMaxWidth: 28, barCategoryGap: '20%',
        itemStyle: {color: colour[bar.kind], decal: decals[bar.kind]},
      })),
    }
  }

  const funnel = (data, colour) => ({
    tooltip: {...tooltip(colour), formatter: ({name, value}) => `${name}: ${number.format(value)}`},
    series: [{
      type: 'funnel', left: 8, right: 8, top: 8, bottom: 8, sort: 'none', gap: 3, minSize: '4%',
      label: {position: 'inside', color: colour.text, formatter: ({name, value}) => `${name}: ${number.format(value)}`},
      data: data.steps.map((step) => ({name: step.title, value: step.value, itemStyle: {color: colour[step.kind], borderWidth: 0}})),
    }],
  })

  const kinds = {sankey, series, funnel}

  const draw = (element) => {
    const data = JSON.parse(document.getElementById(element.dataset.from).textContent)
    const chart = drawn.get(element) || echarts.init(element, null, {renderer: 'canvas'})
    drawn.set(element, chart)
    chart.setOption({animation: !still.matches, animationDuration: 300, ...kinds[element.dataset.chart](data, colours())}, true)
    element.dataset.drawn = 'yes'
  }

  const resizes = new ResizeObserver((entries) => {
    for (const {target} of entries) drawn.get(target)?.resize()
  })

  const drawIn = (root) => {
    for (const [element, chart] of drawn) {
      if (!element.isConnected) { chart.dispose(); drawn.delete(element) }
    }
    for (const element of root.querySelectorAll('[data-chart]')) {
      if (drawn.has(element)) continue
      draw(element)
      resizes.observe(element)
    }
  }

  document.addEventListener('DOMContentLoaded', () => drawIn(document))
  document.addEventListener('htmx:load', () => drawIn(document))
  document.addEventListener('assent:theme', () => { for (const element of drawn.keys()) draw(element) })
})()
