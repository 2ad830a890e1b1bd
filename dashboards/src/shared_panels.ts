// Panels, and lines of panels, that stand on more than one dashboard.
import { AnyPanel, number, Query, ranking } from './panels.js';
import {
  NOT_SCRAPED,
  ofAllocator,
  ofProcess,
  sum,
  timesInRange,
  USED_RATIO,
} from './query.js';
import { COLOUR, worseAbove, worseBelow } from './style.js';
import { LIMITS } from './thresholds.js';

/** Targets that Prometheus did not reach. */
export function notScraped(): AnyPanel {
  return number(
    'Instances not scraped',
    'Targets that Prometheus did not reach at its last attempt. All ' +
      'other figures are without them.',
    'short',
    {
      expr: NOT_SCRAPED,
      legend: 'Not scraped',
    },
    { thresholds: worseAbove(1), history: false },
  );
}

/** How near the nearest allocator is to its limit. */
export function fullestAllocator(): AnyPanel {
  return number(
    'Fullest allocator',
    'The highest share of its limit that an allocator uses. An alert ' +
      `fires above ${LIMITS.near_limit_ratio * 100} %.`,
    'percentunit',
    { expr: `max(${USED_RATIO})`, legend: 'Fullest' },
    {
      thresholds: worseAbove(
        LIMITS.near_limit_ratio,
        LIMITS.near_limit_warning_ratio,
      ),
      decimals: 1,
    },
  );
}

/** When the first limit is reached. */
export function shortestTimeToLimit(): AnyPanel {
  return number(
    'Shortest time to a limit',
    'Time until the first instance reaches a limit, its own or that of ' +
      'its container, at the pace of the last minutes.',
    's',
    {
      expr: `min(${ofProcess('poolscope_oom_eta_seconds')})`,
      legend: 'Time to a limit',
    },
    {
      thresholds: worseBelow(
        LIMITS.oom_forecast_seconds,
        2 * LIMITS.oom_forecast_seconds,
      ),
      noValue: 'None in sight',
      noneIsGood: true,
      history: false,
    },
  );
}

/** What was refused in the time shown. */
export function refusedRequests(): AnyPanel {
  return number(
    'Refused requests',
    'Requests for memory that were refused in the time shown above, at a ' +
      'limit or by the system.',
    'short',
    {
      expr: timesInRange(
        ofAllocator('poolscope_allocation_failures_total'),
      ),
      legend: 'Refused',
    },
    { thresholds: worseAbove(1), history: false },
  );
}

/** The allocators nearest to their limits. */
export function fullestAllocators(): AnyPanel {
  return ranking(
    'Ten fullest allocators',
    'Used share of their limits, of the allocators nearest to them now.',
    'percentunit',
    {
      expr: `topk(10, ${USED_RATIO})`,
      legend: '{{instance}} {{allocator}}',
    },
    {
      thresholds: worseAbove(
        LIMITS.near_limit_ratio,
        LIMITS.near_limit_warning_ratio,
      ),
      max: 1,
    },
  );
}

/** Of the allocators chosen: what is mapped, in users' hands, and cached. */
export const DIRECT_MEMORY: readonly Query[] = [
  {
    expr: sum(ofAllocator('poolscope_direct_memory_used_bytes')),
    legend: 'Used',
    colour: COLOUR.used,
  },
  {
    expr:
      sum(ofAllocator('poolscope_arena_pinned_bytes')) +
      ' + ' +
      sum(ofAllocator('poolscope_huge_used_bytes')),
    legend: 'Pinned',
    colour: COLOUR.pinned,
  },
  {
    expr: sum(ofAllocator('poolscope_thread_cache_bytes')),
    legend: 'Cached',
    colour: COLOUR.cached,
  },
];

/** How much they may map. */
export const DIRECT_MEMORY_LIMIT: Query = {
  expr: sum(ofAllocator('poolscope_direct_memory_limit_bytes')),
  legend: 'Limit',
  colour: COLOUR.limit,
  line: 'dashed',
};
