import { band, Page } from '../frame.js';
import { counts, graph, number, ranking } from '../panels.js';
import {
  EACH_ALLOCATOR,
  max,
  ofAllocator,
  perSecond,
  sum,
  timesInRange,
} from '../query.js';
import { CHUNK_LISTS, COLOUR, USE_RANGES, worseAbove } from '../style.js';
import { LIMITS } from '../thresholds.js';

const RESERVED = ofAllocator('poolscope_arena_reserved_bytes');
const EXTERNAL = ofAllocator('poolscope_external_fragmentation_bytes');

const WASTE_RATIO =
  '1 - ' +
  sum(perSecond(ofAllocator('poolscope_requested_bytes_total'))) +
  ' / (' +
  sum(perSecond(ofAllocator('poolscope_arena_allocated_bytes_total'))) +
  ' > 0)';

export const chunks: Page = {
  uid: 'poolscope-chunks',
  title: 'Chunks and fragmentation',
  question: 'Why are so many chunks mapped, and what keeps them?',
  guide:
    'A chunk goes back to the system only when its last block is gone. Many ' +
    'chunks in *q000* with little pinned are held by single blocks: cached ' +
    'ones go by a trim, pinned ones are named by `/debug/arenas` of the ' +
    'instance with the function that asked for them.',
  choices: ['allocator'],
  bands: [
    band(4, [
      number(
        'Chunks',
        'Chunks that are mapped, over all arenas chosen.',
        'short',
        { expr: sum(ofAllocator('poolscope_chunks')), legend: 'Chunks' },
      ),
      number(
        'Free share of chunks',
        'Free bytes in chunks that are not empty, by all bytes of chunks, of ' +
          'the allocator where it is highest. An alert fires above ' +
          `${LIMITS.fragmentation_ratio * 100} %.`,
        'percentunit',
        {
          expr:
            `max(${sum(EXTERNAL, ...EACH_ALLOCATOR)}` +
            ` / (${sum(RESERVED, ...EACH_ALLOCATOR)} > 0))`,
          legend: 'Free share',
        },
        { thresholds: worseAbove(LIMITS.fragmentation_ratio), decimals: 1 },
      ),
      number(
        'Rounding of sizes',
        'Share of the bytes allocated in the last minutes beyond what was ' +
          'asked for; exact.',
        'percentunit',
        { expr: WASTE_RATIO, legend: 'Rounding' },
        { decimals: 1 },
      ),
      number(
        'Oldest block in use',
        'Age of the oldest sampled block. One old block keeps its chunk.',
        's',
        {
          expr: max(ofAllocator('poolscope_oldest_allocation_age_seconds')),
          legend: 'Oldest',
        },
        { history: false },
      ),
    ]),
    band(9, [
      graph(
        'Chunks by list',
        'From empty (qinit) to full (q100): a list holds chunks of similar ' +
          'use, the darker the fuller.',
        'short',
        CHUNK_LISTS.map(([list, colour]) => ({
          expr: sum(ofAllocator('poolscope_chunks', `list="${list}"`)),
          legend: list,
          colour,
        })),
        { stacked: true },
      ),
      counts(
        'Chunks by use',
        'How many chunks have how much of their pages handed out. Much ' +
          'colour at the bottom means chunks that hardly anything keeps.',
        'short',
        USE_RANGES.map(([range, words]) => ({
          expr: sum(
            ofAllocator('poolscope_chunks_by_utilization', `range="${range}"`),
          ),
          legend: words,
        })),
      ),
    ]),
    band(8, [
      graph(
        'Chunk memory: mapped, handed out, pinned',
        'Mapped less handed out is free in chunks; handed out less pinned is ' +
          'in caches and in slabs. The peak is the sum of those of the arenas.',
        'bytes',
        [
          { expr: sum(RESERVED), legend: 'Mapped', colour: COLOUR.free },
          {
            expr: sum(ofAllocator('poolscope_arena_used_bytes')),
            legend: 'Handed out',
            colour: COLOUR.used,
          },
          {
            expr: sum(ofAllocator('poolscope_arena_pinned_bytes')),
            legend: 'Pinned',
            colour: COLOUR.pinned,
          },
          {
            expr: sum(ofAllocator('poolscope_arena_cached_bytes')),
            legend: 'Cached',
            colour: COLOUR.cached,
          },
          {
            expr: sum(ofAllocator('poolscope_arena_peak_used_bytes')),
            legend: 'Handed out, peak',
            colour: COLOUR.peak,
            line: 'dashed',
          },
        ],
      ),
      graph(
        'Free bytes by list',
        'Free pages in the chunks of each list. In q000 they wait for a last ' +
          'block to go; in qinit a decay or a trim gives them back.',
        'bytes',
        CHUNK_LISTS.map(([list, colour]) => ({
          expr: sum(
            ofAllocator('poolscope_chunk_list_free_bytes', `list="${list}"`),
          ),
          legend: list,
          colour,
        })),
        { stacked: true },
      ),
    ]),
    band(8, [
      graph(
        'Chunks by arena',
        'Chunks that each arena has mapped. One arena far above the others ' +
          'serves threads with other traffic.',
        'short',
        [
          {
            expr: sum(ofAllocator('poolscope_chunks'), 'instance', 'arena'),
            legend: '{{instance}} arena {{arena}}',
          },
        ],
      ),
      graph(
        'Chunks mapped, unmapped and moved each second',
        'Moves are from one list to the next fuller or emptier one.',
        'ops',
        [
          {
            expr: sum(
              perSecond(ofAllocator('poolscope_chunk_allocations_total')),
            ),
            legend: 'Mapped',
            colour: COLOUR.pinned,
          },
          {
            expr: sum(
              perSecond(ofAllocator('poolscope_chunk_deallocations_total')),
            ),
            legend: 'Unmapped',
            colour: COLOUR.good,
          },
          {
            expr: sum(
              perSecond(ofAllocator('poolscope_chunk_list_moves_total')),
              'direction',
            ),
            legend: 'Moved, {{direction}}',
          },
        ],
        {
          colours: {
            'Moved, next': COLOUR.used,
            'Moved, prev': COLOUR.cached,
          },
        },
      ),
    ]),
    band(8, [
      graph(
        'Bytes lost to fragmentation',
        'External: free in chunks that are not empty. Internal: blocks in ' +
          'use beyond what was asked for, estimated from samples.',
        'bytes',
        [
          { expr: sum(EXTERNAL), legend: 'External', colour: COLOUR.free },
          {
            expr: sum(
              ofAllocator('poolscope_internal_fragmentation_bytes'),
            ),
            legend: 'Internal',
            colour: COLOUR.pinned,
          },
        ],
      ),
      ranking(
        'Ten size classes with most idle blocks',
        'Blocks carved out of chunks and not in use, by the bytes of their ' +
          'size class: what slabs and caches keep for later.',
        'short',
        {
          expr:
            'topk(10, ' +
            sum(
              ofAllocator('poolscope_size_class_capacity_elements') +
                ' - ' +
                ofAllocator('poolscope_size_class_active_elements'),
              'size_class',
            ) +
            ' > 0)',
          legend: '{{size_class}} B',
        },
      ),
      ranking(
        'Ten size classes with most requests',
        'Blocks allocated in the time shown, by the bytes of their size class.',
        'short',
        {
          expr:
            'topk(10, ' +
            timesInRange(
              ofAllocator('poolscope_size_class_allocations_total'),
              'size_class',
            ) +
            ' > 0)',
          legend: '{{size_class}} B',
        },
        { noValue: 'No requests' },
      ),
    ]),
  ],
};
