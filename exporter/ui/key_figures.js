// KeyFigures: the line of figures at the top, of the latest scrape.

import {element} from './dom.js';
import {bytes, count, duration, percent} from './format.js';

function share(part, whole) {
  return part === null || !whole ? null : part / whole;
}

// Each: what it is called, what it says of (figures of the allocators, all
// figures), and when it calls for attention.
const FIGURES = [
  {
    name: 'Direct memory',
    say: ({used}) => bytes(used),
    more: ({used, limit}) =>
        `${percent(share(used, limit))} of ${bytes(limit)}`,
    alarming: ({used, limit}) => share(used, limit) > 0.9,
  },
  {
    name: 'In users’ hands',
    say: ({inUse}) => bytes(inUse),
    more: ({cached}) => `${bytes(cached)} in thread caches`,
  },
  {
    name: 'Refused allocations',
    say: ({refused}) => count(refused),
    more: () => 'since the start',
    alarming: ({refused}) => refused > 0,
  },
  {
    name: 'Leaks',
    say: ({leaked, suspect}) => count(leaked > 0 ? leaked : suspect),
    more: ({leaked, suspect}) => suspect === null ? 'no leak detector' :
        leaked > 0  ? `${count(suspect)} suspected besides` :
        suspect > 0 ? 'suspected, none found leaked' :
                      'none found, none suspected',
    alarming: ({leaked, suspect}) => leaked > 0 || suspect > 0,
  },
  {
    name: 'Outbound backlog',
    say: (_, {pending}) => bytes(pending),
    more: (_, {largestChannel}) => largestChannel === null ?
        'no channels registered' :
        `${bytes(largestChannel)} in one channel`,
  },
  {
    name: 'Resident memory',
    say: (_, {resident}) => bytes(resident),
    more: () => 'the whole process',
  },
  {
    name: 'Headroom',
    say: (_, {headroom}) => bytes(headroom),
    more: (_, {limitEta}) => limitEta === null ?
        'no limit is approached' :
        `a limit in ${duration(limitEta)}`,
    alarming: (_, {limitEta}) => limitEta !== null && limitEta < 3600,
  },
];

export class KeyFigures {
  constructor(list) {
    this.shown = FIGURES.map((figure) => {
      const value = element('dd', {class: 'value'});
      const more = element('dd', {class: 'more'});
      const box = element(
          'div', {}, element('dt', {}, figure.name), value, more);
      list.append(box);
      return {figure, box, value, more};
    });
  }

  update(figures, allocatorName) {
    const allocator = figures.allocator(allocatorName);
    for (const {figure, box, value, more} of this.shown) {
      value.textContent = figure.say(allocator, figures);
      more.textContent = figure.more(allocator, figures);
      box.classList.toggle(
          'alarming', Boolean(figure.alarming?.(allocator, figures)));
    }
  }
}
