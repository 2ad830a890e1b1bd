// Table: rows that are brought up to date in place, so that what a person has
// opened, focused or selected in them stays.
//
//   const table = new Table('Channels', [
//     {name: 'peer', fill: text(({peer}) => peer)},
//     {name: 'pending', number: true, fill: text((row) => bytes(row.pending))},
//   ]);
//   parent.replaceChildren(table.element);
//   table.update(rows, ({id}) => id);
//
// The box around it scrolls by itself where the window is too narrow.

import {element} from './dom.js';

// A column's `fill` that writes what `read` says of the row.
export function text(read) {
  return (cell, row) => {
    const wanted = read(row);
    if (cell.textContent !== wanted) cell.textContent = wanted;
  };
}

function attributes({number}) {
  return number ? {class: 'number'} : {};
}

export class Table {
  constructor(caption, columns) {
    this.columns = columns;
    this.body = element('tbody');
    this.rows = new Map();  // key to <tr>
    const head = element(
        'tr', {},
        ...columns.map((column) => element(
            'th', {scope: 'col', ...attributes(column)}, column.name)));
    this.element = element(
        'div',
        {class: 'scrolls', tabindex: '0', role: 'region',
         'aria-label': caption},
        element('table', {}, element('thead', {}, head), this.body));
  }

  // Keys are unique among `rows`.
  update(rows, keyOf) {
    const keys = new Set(rows.map(keyOf));
    for (const [key, row] of this.rows) {
      if (keys.has(key)) continue;
      row.remove();
      this.rows.delete(key);
    }
    rows.forEach((row, index) => {
      const shown = this.row(keyOf(row));
      // Moving a row takes the focus from what is in it.
      if (this.body.children[index] !== shown) {
        this.body.insertBefore(shown, this.body.children[index] ?? null);
      }
      this.columns.forEach(({fill}, i) => fill(shown.cells[i], row));
    });
  }

  row(key) {
    if (!this.rows.has(key)) {
      this.rows.set(key, element(
          'tr', {},
          ...this.columns.map((column) => element('td', attributes(column)))));
    }
    return this.rows.get(key);
  }
}
