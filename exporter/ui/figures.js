// Figures: what the page keeps of one scrape, added up by allocator.
//
//   const figures = readFigures(text, Date.now());
//   figures.allocator('').used      of all allocators together
//   figures.native.get('Code')      resident bytes; null before the first walk
//
// A figure that the scrape does not have is null.

import {parseExposition} from './exposition.js';

export const CHUNK_LISTS =
    ['qinit', 'q000', 'q025', 'q050', 'q075', 'q100'];

// Figures of an allocator: the family, and which of its samples.
const BY_ALLOCATOR = {
  used: ['poolscope_direct_memory_used_bytes'],
  limit: ['poolscope_direct_memory_limit_bytes'],
  pinned: ['poolscope_arena_pinned_bytes'],
  huge: ['poolscope_huge_used_bytes'],
  cached: ['poolscope_thread_cache_bytes'],
  refused: ['poolscope_allocation_failures_total'],
  hits: ['poolscope_thread_cache_hits_total'],
  requests: ['poolscope_thread_cache_requests_total'],
  leaked: ['poolscope_leaks_total', 'verdict', 'leaked'],
  suspect: ['poolscope_leaks_total', 'verdict', 'suspect'],
};
for (const list of CHUNK_LISTS) {
  BY_ALLOCATOR[list] = ['poolscope_chunks', 'list', list];
}

const OF_PROCESS = {
  pending: ['poolscope_outbound_pending_bytes'],
  held: ['poolscope_outbound_held_bytes'],
  waiting: ['poolscope_outbound_admission_queue_bytes'],
  resident: ['process_resident_memory_bytes'],
  headroom: ['poolscope_headroom_bytes'],
  limitEta: ['poolscope_oom_eta_seconds'],
  walkAge: ['poolscope_snapshot_age_seconds', 'collector', 'native_memory'],
};

const LARGEST_CHANNEL = 'poolscope_outbound_max_channel_pending_bytes';
const NATIVE_RESIDENT = 'poolscope_native_memory_resident_bytes';

const FAMILIES = [...new Set([
  LARGEST_CHANNEL,
  NATIVE_RESIDENT,
  ...Object.values(BY_ALLOCATOR).map(([family]) => family),
  ...Object.values(OF_PROCESS).map(([family]) => family),
])];

// The sum of the samples for which `label` has `value`, or of all.
function sum(samples, label, value) {
  const chosen = label === undefined ?
      samples :
      samples.filter(({labels}) => labels.get(label) === value);
  if (chosen.length === 0) return null;
  return chosen.reduce((total, sample) => total + sample.value, 0);
}

// What users hold is in arenas or in mappings of its own.
function inUse({pinned, huge}) {
  return pinned === null && huge === null ? null : (pinned ?? 0) + (huge ?? 0);
}

function readAllocator(families, allocator) {
  const figures = {};
  for (const [name, [family, label, value]] of Object.entries(BY_ALLOCATOR)) {
    const samples = families.get(family).filter(
        ({labels}) => !allocator || labels.get('allocator') === allocator);
    figures[name] = sum(samples, label, value);
  }
  figures.inUse = inUse(figures);
  return figures;
}

class Figures {
  constructor(families, time) {
    this.time = time;  // milliseconds since the epoch
    for (const [name, [family, label, value]] of Object.entries(OF_PROCESS)) {
      this[name] = sum(families.get(family), label, value);
    }
    this.largestChannel = families.get(LARGEST_CHANNEL).reduce(
        (largest, {value}) => Math.max(largest ?? 0, value), null);
    const native = families.get(NATIVE_RESIDENT).map(
        ({labels, value}) => [labels.get('category'), value]);
    this.native = native.length === 0 ? null : new Map(native);

    this.allocatorNames =
        families.get(BY_ALLOCATOR.used[0])
            .map(({labels}) => labels.get('allocator'));
    this.byAllocator = new Map(
        ['', ...this.allocatorNames].map(
            (name) => [name, readAllocator(families, name)]));
    this.none = readAllocator(new Map(FAMILIES.map((name) => [name, []])), '');
  }

  // By name; '' has the sums over all of them.
  allocator(name) {
    return this.byAllocator.get(name) ?? this.none;
  }
}

export function readFigures(text, time) {
  return new Figures(parseExposition(text, FAMILIES), time);
}
