// LeakTable, ChannelTable: what /debug/leaks and /debug/channels say, in short.

import {element} from './dom.js';
import {bytes, count, duration} from './format.js';
import {Table, text} from './table.js';

// The function that allocated, and the frames below it on demand.
function fillStack(cell, {creation}) {
  const frames = creation.stack.map(({frame}) => frame);
  if (frames.length === 0) {
    cell.textContent = 'no stack was taken';
    return;
  }
  if (!cell.firstElementChild) {
    cell.replaceChildren(element(
        'details', {}, element('summary'), element('pre', {class: 'stack'})));
  }
  const [summary, stack] = cell.firstElementChild.children;
  const wanted = frames.join('\n');
  if (stack.textContent === wanted) return;
  summary.textContent = frames[0];
  stack.textContent = wanted;
}

// Shows a table while there are rows, else a line that says why there are none.
class Section {
  constructor(parent, table, keyOf) {
    this.parent = parent;
    this.table = table;
    this.keyOf = keyOf;
  }

  show(rows, otherwise) {
    if (rows.length === 0) {
      this.say(otherwise);
      return;
    }
    this.table.update(rows, this.keyOf);
    if (this.parent.firstElementChild !== this.table.element) {
      this.parent.replaceChildren(this.table.element);
    }
  }

  say(line) {
    this.parent.replaceChildren(element('p', {}, line));
  }
}

export class LeakTable extends Section {
  constructor(parent) {
    super(
        parent,
        new Table('Leaks', [
          {name: 'Verdict', fill: text(({verdict}) => verdict)},
          {name: 'Blocks', number: true, fill: text((r) => count(r.blocks))},
          {
            name: 'Asked for',
            number: true,
            fill: text((r) => bytes(r.requested_bytes)),
          },
          {
            name: 'Age when found',
            number: true,
            fill: text(({first}) => duration(first.age_seconds)),
          },
          {name: 'Allocator', fill: text(({allocator}) => allocator)},
          {name: 'Allocated in', fill: fillStack},
        ]),
        ({allocator, verdict, first}) => `${allocator} ${verdict} ${first.id}`);
  }

  // `page`: what /debug/leaks?format=json answers.
  update({detectors}) {
    const rows = detectors.flatMap(
        ({allocator, reports}) =>
            reports.map((report) => ({...report, allocator})));
    this.show(
        rows,
        detectors.length === 0 ? 'No allocator has a leak detector.' :
                                 'None was found, and none is suspected.');
  }
}

export class ChannelTable extends Section {
  constructor(parent) {
    super(
        parent,
        new Table('Channels with most pending bytes', [
          {name: 'Name', fill: text(({name}) => name)},
          {name: 'Peer', fill: text(({peer}) => peer)},
          {name: 'Group', fill: text(({group}) => group)},
          {
            name: 'Pending',
            number: true,
            fill: text((r) => bytes(r.pending_bytes)),
          },
          {
            name: 'Messages',
            number: true,
            fill: text((r) => count(r.pending_messages)),
          },
          {
            name: 'Oldest',
            number: true,
            fill: text((r) => duration(r.oldest_message_age_seconds)),
          },
          {name: 'State', fill: text(({state}) => state)},
        ]),
        ({id}) => id);
  }

  // `page`: what /debug/channels?format=json answers.
  update({groups, channels}) {
    this.show(
        channels.filter(({pending_bytes: pending}) => pending > 0),
        groups.length === 0 ? 'This service has registered no channels.' :
                              'No channel has pending bytes.');
  }
}
