import { band, Page } from '../frame.js';
import { graph, histogram, number } from '../panels.js';
import {
  EACH_ALLOCATOR,
  floor,
  hitRatio,
  inRange,
  ofAllocator,
  perSecond,
  quantile,
  sum,
} from '../query.js';
import { COLOUR, steps } from '../style.js';
import { LIMITS } from '../thresholds.js';

const CACHED = ofAllocator('poolscope_thread_cache_bytes');
const CACHE_LIMIT = ofAllocator('poolscope_thread_cache_limit_bytes');
const HIT_STEPS = steps(COLOUR.warn, [
  LIMITS.thread_cache_hit_warning_ratio,
  COLOUR.good,
]);

export const threadCaches: Page = {
  uid: 'poolscope-thread-caches',
  title: 'Thread caches',
  question: 'Do thread caches serve the requests, and what do they keep?',
  guide:
    'A low hit ratio with many evictions *full* wants larger caches; one ' +
    'without evictions comes from blocks that are freed by other threads or ' +
    'not at all. A floor of cached bytes that rises holds chunks of which ' +
    'nothing else is used: trim, or shorten the idle time.',
  choices: ['allocator'],
  bands: [
    band(4, [
      number(
        'Hit ratio',
        "Share of requests that the caller's thread cache served.",
        'percentunit',
        { expr: hitRatio(), legend: 'Hit ratio' },
        { thresholds: HIT_STEPS, decimals: 1 },
      ),
      number(
        'Cached',
        'Bytes of blocks in thread caches, on their way back or shared.',
        'bytes',
        { expr: sum(CACHED), legend: 'Cached' },
      ),
      number(
        "Cached share of the caches' limit",
        'How much of what the thread caches may hold they do hold.',
        'percentunit',
        {
          expr: `${sum(CACHED)} / (${sum(CACHE_LIMIT)} > 0)`,
          legend: 'Share',
        },
        { decimals: 1 },
      ),
      number(
        'Evicted blocks each second',
        'Blocks that thread caches gave back to arenas, for any reason.',
        'ops',
        {
          expr: sum(
            perSecond(ofAllocator('poolscope_thread_cache_evictions_total')),
          ),
          legend: 'Evicted',
        },
      ),
      number(
        'Thread caches',
        'Thread caches that exist: threads that use an allocator.',
        'short',
        { expr: sum(ofAllocator('poolscope_thread_caches')), legend: 'Caches' },
      ),
    ], [5, 5, 5, 5, 4]),
    band(9, [
      graph(
        'Hit ratio by kind of block',
        "Share of requests that the caller's thread cache served. The " +
          'rest took the lock of an arena.',
        'percentunit',
        [
          {
            expr: hitRatio('instance', 'kind'),
            legend: '{{instance}} {{kind}}',
          },
        ],
        { max: 1, calcs: ['lastNotNull', 'min'] },
      ),
      graph(
        'Evicted blocks each second, by reason',
        'full: the cache had no room. idle: its thread did not use it. ' +
          'reclaim: the limit was reached. trim: on request.',
        'ops',
        [
          {
            expr: sum(
              perSecond(ofAllocator('poolscope_thread_cache_evictions_total')),
              'reason',
            ),
            legend: '{{reason}}',
          },
        ],
        { stacked: true },
      ),
    ]),
    band(8, [
      graph(
        'Cached bytes against the floor of one hour',
        'The floor is the least within the hour before: what the caches ' +
          'never give back. It should not rise.',
        'bytes',
        [
          {
            expr: sum(CACHED, ...EACH_ALLOCATOR),
            legend: '{{instance}} {{allocator}}, now',
          },
          {
            expr: sum(floor(CACHED, '1h'), ...EACH_ALLOCATOR),
            legend: '{{instance}} {{allocator}}, floor',
            line: 'dashed',
          },
        ],
      ),
      graph(
        "Cached bytes by arena, and the caches' limit",
        'Cached blocks by the arena that they are from. The limit is what ' +
          'all caches may hold by their present budgets.',
        'bytes',
        [
          {
            expr: sum(ofAllocator('poolscope_arena_cached_bytes'), 'arena'),
            legend: 'Arena {{arena}}',
          },
          {
            expr: sum(CACHE_LIMIT),
            legend: 'Limit',
            colour: COLOUR.limit,
            line: 'dashed',
          },
        ],
        { stacked: true },
      ),
    ]),
    band(8, [
      graph(
        'Requests each second, and those missed',
        'Requests of up to one chunk by threads that have a cache.',
        'ops',
        [
          {
            expr: sum(
              perSecond(ofAllocator('poolscope_thread_cache_requests_total')),
            ),
            legend: 'Requests',
            colour: COLOUR.used,
          },
          {
            expr: sum(
              perSecond(ofAllocator('poolscope_thread_cache_misses_total')),
            ),
            legend: 'Misses',
            colour: COLOUR.bad,
          },
        ],
      ),
      graph(
        'Blocks allocated and freed each second',
        'All blocks, huge ones included, and those that another thread freed ' +
          'than the one whose cache owns them.',
        'ops',
        [
          {
            expr: sum(
              perSecond(ofAllocator('poolscope_arena_allocations_total')),
            ),
            legend: 'Allocated',
            colour: COLOUR.used,
          },
          {
            expr: sum(
              perSecond(ofAllocator('poolscope_arena_deallocations_total')),
            ),
            legend: 'Freed',
            colour: COLOUR.good,
          },
          {
            expr: sum(perSecond(ofAllocator('poolscope_remote_frees_total'))),
            legend: 'Freed by another thread',
            colour: COLOUR.pinned,
          },
        ],
      ),
      graph(
        'Thread caches by arena',
        'Thread caches bound to each arena. They should be spread evenly.',
        'short',
        [
          {
            expr: sum(ofAllocator('poolscope_arena_thread_caches'), 'arena'),
            legend: 'Arena {{arena}}',
          },
        ],
        { stacked: true },
      ),
    ]),
    band(8, [
      graph(
        'Time of an allocation, 99th percentile by path',
        'cache: from a thread cache. arena: from a chunk that was there. os: ' +
          'a chunk or a huge block was mapped. Few are measured, so those of ' +
          'a window as long as the time shown count.',
        's',
        [
          {
            expr: quantile(
              0.99,
              inRange(
                ofAllocator('poolscope_allocation_duration_seconds_bucket'),
              ),
              'path',
            ),
            legend: '{{path}}',
          },
        ],
        {
          colours: {
            cache: COLOUR.good,
            arena: COLOUR.used,
            os: COLOUR.pinned,
          },
          noValue: 'None measured: every block is watched, or none asked for',
        },
      ),
      graph(
        'Lock acquisitions and contentions each second',
        'Times that arenas were locked, and times that it meant waiting for ' +
          'another thread.',
        'ops',
        [
          {
            expr: sum(
              perSecond(ofAllocator('poolscope_lock_acquisitions_total')),
              'lock',
            ),
            legend: '{{lock}}, taken',
          },
          {
            expr: sum(
              perSecond(ofAllocator('poolscope_lock_contentions_total')),
              'lock',
            ),
            legend: '{{lock}}, waited for',
          },
        ],
        {
          colours: {
            'arena, taken': COLOUR.plain,
            'arena, waited for': COLOUR.bad,
          },
        },
      ),
      graph(
        'Time spent waiting for locks',
        'Share of time, of all threads together: 100 % is one thread that ' +
          'waits all the time.',
        'percentunit',
        [
          {
            expr: sum(
              perSecond(ofAllocator('poolscope_lock_wait_seconds_total')),
              'instance',
              'lock',
            ),
            legend: '{{instance}} {{lock}}',
          },
        ],
      ),
    ]),
    band(8, [
      histogram(
        'Blocks allocated each second, by size',
        'Blocks of up to one chunk, by the bytes of their size class.',
        'bytes',
        {
          expr: sum(
            perSecond(ofAllocator('poolscope_allocation_size_bytes_bucket')),
            'le',
          ),
          legend: '{{le}}',
        },
      ),
      graph(
        'Bytes allocated and freed each second',
        'By size class, huge blocks included.',
        'Bps',
        [
          {
            expr: sum(
              perSecond(ofAllocator('poolscope_arena_allocated_bytes_total')),
            ),
            legend: 'Allocated',
            colour: COLOUR.used,
          },
          {
            expr: sum(
              perSecond(ofAllocator('poolscope_arena_freed_bytes_total')),
            ),
            legend: 'Freed',
            colour: COLOUR.good,
          },
        ],
      ),
    ]),
  ],
};
