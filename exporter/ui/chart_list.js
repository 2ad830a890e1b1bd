// The charts of the page. Each:
//
//   title, about    what it is, in words
//   value           how its values are written
//   binary          whether the axis is divided in powers of 1024
//   stacked         areas upon each other, the first series at the bottom
//   smallestTop     the axis reaches at least this far up
//   fixedTop        the axis reaches just this far up
//   series(history) what is drawn, each
//     name, color   the colour is a custom property of ui.css
//     read(figures, previous, allocator)   its value; null: none
//     line          not stacked, but drawn over the areas
//     dashed
//     far           does not stretch the axis: off the chart while far away
//   note(figures)   a line about the latest figures; may be missing

import {CHUNK_LISTS} from './figures.js';
import {bytes, count, duration, percent} from './format.js';
import {nativeMemorySeries} from './native_memory_series.js';

const MIB = 1024 * 1024;

function ofAllocator(name) {
  return (figures, _, allocator) => figures.allocator(allocator)[name];
}

// The share of the requests since the scrape before that a cache served.
function hitRatio(figures, previous, allocator) {
  if (!previous) return null;
  const now = figures.allocator(allocator);
  const then = previous.allocator(allocator);
  const requests = now.requests - then.requests;
  const hits = now.hits - then.hits;
  // Below zero: the service was started again in between.
  return requests > 0 && hits >= 0 ? hits / requests : null;
}

export const CHARTS = [
  {
    id: 'direct-memory',
    title: 'Direct memory',
    about: 'What the pool has mapped, who holds it, and how much it may map.',
    value: bytes,
    binary: true,
    smallestTop: MIB,
    series: () => [
      {name: 'used', color: '--used', read: ofAllocator('used')},
      {name: 'pinned', color: '--pinned', read: ofAllocator('inUse')},
      {name: 'cached', color: '--cached', read: ofAllocator('cached')},
      {
        name: 'limit',
        color: '--limit',
        dashed: true,
        far: true,
        read: ofAllocator('limit'),
      },
    ],
  },
  {
    id: 'chunks',
    title: 'Chunks by list',
    about: 'How full the chunks are: from qinit and q000, nearly empty, up ' +
        'to q100, full.',
    value: count,
    stacked: true,
    smallestTop: 4,
    series: () => CHUNK_LISTS.map(
        (list) => ({name: list, color: `--${list}`, read: ofAllocator(list)})),
  },
  {
    id: 'hit-ratio',
    title: 'Thread-cache hit ratio',
    about: 'The share of requests that need neither a lock nor an arena; a ' +
        'gap where there was no request.',
    value: percent,
    fixedTop: 1,
    series: () => [{name: 'hits', color: '--hits', read: hitRatio}],
  },
  {
    id: 'backlog',
    title: 'Outbound backlog',
    about: 'What waits for peers: all channels together, and the one that ' +
        'has most.',
    value: bytes,
    binary: true,
    smallestTop: 64 * 1024,
    series: () => [
      {name: 'all channels', color: '--pending', read: (f) => f.pending},
      {
        name: 'largest channel',
        color: '--largest',
        read: (f) => f.largestChannel,
      },
      {
        name: 'waiting for admission',
        color: '--waiting',
        read: (f) => f.waiting,
      },
    ],
  },
  {
    id: 'native-memory',
    title: 'Native memory by owner',
    about: 'Resident bytes of the whole process, from the last walk over its ' +
        'mappings.',
    value: bytes,
    binary: true,
    stacked: true,
    smallestTop: MIB,
    series: nativeMemorySeries,
    note: ({native, walkAge}) => native === null ?
        'No walk has been made yet.' :
        `The last walk was ${duration(walkAge)} ago.`,
  },
];
