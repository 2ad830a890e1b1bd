// Chart: one chart of the page, drawn by dygraphs, with a legend of its own.
//
// The legend shows the latest values, or those of the moment that is pointed at
// or chosen with the arrow keys. dygraphs' own legend is left out: it sets HTML
// from names and inline styles, which the content security policy forbids.

import {element} from './dom.js';
import {clock} from './format.js';

const {Dygraph} = globalThis;
Dygraph.PLUGINS = [Dygraph.Plugins.Grid, Dygraph.Plugins.Axes];

// Figures further apart than this have a gap between them.
const GAP_MS = 10_000;
const MIN_SPAN_MS = 60_000;
// A `far` series stretches the axis up to this many times the others' top.
const FAR = 4;

function cssColor(property) {
  return getComputedStyle(document.documentElement)
      .getPropertyValue(property)
      .trim();
}

// Rows of dygraphs' native format: the time, then a value for each series.
function rowsOf(history, series, allocator) {
  const rows = [];
  let previous = null;
  for (const figures of history.figures) {
    if (previous && figures.time - previous.time > GAP_MS) {
      rows.push([new Date(previous.time + 1), ...series.map(() => null)]);
    }
    rows.push([
      new Date(figures.time),
      ...series.map(({read}) => read(figures, previous, allocator)),
    ]);
    previous = figures;
  }
  return rows;
}

// How far up the axis reaches.
function topOf({stacked, smallestTop, fixedTop}, series, rows) {
  if (fixedTop) return fixedTop * 1.02;
  let top = smallestTop;
  let farTop = 0;
  for (const [, ...values] of rows) {
    let sum = 0;
    series.forEach(({line, far}, i) => {
      const value = values[i] ?? 0;
      if (far) {
        farTop = Math.max(farTop, value);
      } else if (stacked && !line) {
        sum += value;
      } else {
        top = Math.max(top, value);
      }
    });
    top = Math.max(top, sum);
  }
  return (farTop <= FAR * top ? Math.max(top, farTop) : top) * 1.05;
}

export class Chart {
  constructor(parent, spec) {
    this.spec = spec;
    this.series = [];
    this.rows = [];
    this.graph = null;
    this.top = 0;        // of the axis
    this.cursor = null;  // the time of the moment chosen; null: the latest
    this.texts = [];     // the values that the legend shows

    const heading = element('h3', {id: `${spec.id}-title`}, spec.title);
    this.moment = element('span', {class: 'moment'});
    this.plot = element('div', {
      'class': 'plot',
      'tabindex': '0',
      'role': 'slider',
      'aria-labelledby': heading.id,
      'aria-valuetext': 'latest values',
      'aria-valuemin': '0',
      'aria-valuemax': '0',
      'aria-valuenow': '0',
    });
    this.legend = element('ul', {class: 'legend'});
    this.note = element('p', {class: 'hint'});
    parent.append(element(
        'figure', {id: spec.id},
        element(
            'figcaption', {}, heading,
            element('p', {class: 'hint'}, spec.about)),
        this.plot, element('div', {class: 'reading'}, this.moment, this.legend),
        this.note));
    this.plot.addEventListener('keydown', (event) => this.onKey(event));
    this.plot.addEventListener('blur', () => this.choose(null));
  }

  // Draws `history`, of one allocator or, if that is empty, of all.
  draw(history, allocator) {
    const series = this.spec.series(history);
    const same = this.graph && series.length === this.series.length &&
        series.every(({name}, i) => name === this.series[i].name);
    this.series = series;
    this.rows = rowsOf(history, series, allocator);
    if (this.rows.length === 0) return;
    if (same) {
      this.graph.updateOptions(
          {file: this.drawnRows(), ...this.ranges(), axes: this.axes()});
    } else {
      this.rebuild();
    }
    this.note.textContent = this.spec.note?.(history.latest) ?? '';
    this.readOut();
  }

  // After a change of colours or series.
  rebuild() {
    if (this.rows.length === 0) return;
    this.graph?.destroy();
    this.graph = new Dygraph(this.plot, this.drawnRows(), this.options());
    this.legend.replaceChildren(...this.series.map((each) => {
      const swatch = element('span', {class: 'swatch'});
      swatch.style.borderTopColor = cssColor(each.color);
      swatch.style.borderTopStyle = each.dashed ? 'dashed' : 'solid';
      swatch.classList.toggle('area', this.isArea(each));
      return element(
          'li', {}, swatch, element('span', {}, each.name), ' ',
          element('span', {class: 'value'}));
    }));
    this.readOut();
  }

  isArea({line}) {
    return Boolean(this.spec.stacked) && !line;
  }

  // dygraphs puts the first series on top of the stack.
  drawnRows() {
    return this.rows.map(([time, ...values]) => [time, ...values.reverse()]);
  }

  ranges() {
    const last = this.rows.at(-1)[0].getTime();
    const first = Math.min(this.rows[0][0].getTime(), last - MIN_SPAN_MS);
    return {dateWindow: [first, last]};
  }

  axes() {
    this.top = topOf(this.spec, this.series, this.rows);
    const valueRange = [0, this.top];
    // Half a chunk is no tick.
    const label = (value) => this.spec.fixedTop || Number.isInteger(value) ?
        this.spec.value(value) :
        '';
    return {
      x: {axisLabelWidth: 70, drawGrid: false, pixelsPerLabel: 80},
      y: {
        axisLabelFormatter: label,
        axisLabelWidth: 64,
        pixelsPerLabel: 35,
        valueRange,
      },
      y2: {drawAxis: false, drawGrid: false, valueRange},
    };
  }

  options() {
    const reversed = [...this.series].reverse();
    const series = {};
    reversed.forEach((each, i) => {
      const area = this.isArea(each);
      series[`series${i}`] = {
        // What is drawn over a stack has an axis of its own, or it would be
        // stacked too. Both have the same range.
        axis: this.spec.stacked && !area ? 'y2' : 'y',
        color: cssColor(each.color),
        fillGraph: area,
        strokePattern: each.dashed ? [6, 4] : null,
        strokeWidth: area ? 1 : 2,
      };
    });
    return {
      labels: ['time', ...Object.keys(series)],
      series,
      stackedGraph: Boolean(this.spec.stacked),
      stackedGraphNaNFill: 'none',
      fillAlpha: 1,  // as in the legend
      labelsKMG2: Boolean(this.spec.binary),
      axes: this.axes(),
      axisLabelFontSize: 12,
      axisLineColor: cssColor('--axis'),
      gridLineColor: cssColor('--grid'),
      highlightCircleSize: 3,
      interactionModel: {},  // no zoom: a finger scrolls the page
      resizable: 'passive',
      highlightCallback: (event, time) => {
        this.cursor = time;
        this.readOut();
      },
      unhighlightCallback: () => {
        this.cursor = null;
        this.readOut();
      },
      ...this.ranges(),
    };
  }

  // The row of the moment chosen; the latest where it is gone or was none.
  get row() {
    const at = this.cursor === null ?
        -1 :
        this.rows.findIndex(([time]) => time.getTime() >= this.cursor);
    return at < 0 ? this.rows.length - 1 : at;
  }

  isAbove(value, i) {
    return Boolean(this.series[i].far) && value > this.top;
  }

  readOut() {
    if (this.rows.length === 0) return;
    const [time, ...values] = this.rows[this.row];
    this.moment.textContent = this.cursor === null ? 'now' : clock(time);
    this.texts = values.map(
        (value, i) => this.spec.value(value) +
            (this.isAbove(value, i) ? ', above the chart' : ''));
    [...this.legend.children].forEach((item, i) => {
      item.lastElementChild.textContent = this.texts[i];
    });
    if (this.cursor !== null) this.graph.setSelection(this.row);
  }

  // Chooses a row, or with null the latest values.
  choose(row) {
    this.cursor = row === null ? null : this.rows[row][0].getTime();
    if (row === null) this.graph?.clearSelection();
    this.readOut();
    if (this.rows.length === 0) return;
    const values =
        this.series.map(({name}, i) => `${name} ${this.texts[i]}`).join(', ');
    this.plot.setAttribute('aria-valuemax', String(this.rows.length - 1));
    this.plot.setAttribute('aria-valuenow', String(this.row));
    this.plot.setAttribute(
        'aria-valuetext', `${this.moment.textContent}: ${values}`);
  }

  onKey(event) {
    const last = this.rows.length - 1;
    const steps = {
      ArrowLeft: () => Math.max(0, this.row - 1),
      ArrowRight: () => Math.min(last, this.row + 1),
      PageUp: () => Math.min(last, this.row + 60),
      PageDown: () => Math.max(0, this.row - 60),
      Home: () => 0,
      End: () => last,
      Escape: () => null,
    };
    const step = steps[event.key];
    if (!step || last < 0) return;
    event.preventDefault();
    this.choose(step());
  }
}
