import { band, Page } from '../frame.js';
import { graph, number } from '../panels.js';
import {
  EACH_ALLOCATOR,
  floor,
  ofAllocator,
  ofProcess,
  perSecond,
  sum,
  timesInRange,
} from '../query.js';
import {
  DIRECT_MEMORY,
  DIRECT_MEMORY_LIMIT,
  fullestAllocator,
  fullestAllocators,
  refusedRequests,
  shortestTimeToLimit,
} from '../shared_panels.js';
import { COLOUR, steps } from '../style.js';
import { LIMITS } from '../thresholds.js';

const USED = ofAllocator('poolscope_direct_memory_used_bytes');
const LIMIT = ofAllocator('poolscope_direct_memory_limit_bytes');
const HOURS = LIMITS.oom_forecast_seconds / 3600;

const PREDICTED = sum(
  `clamp_min(predict_linear(${USED}[1h], ${LIMITS.oom_forecast_seconds}), 0)`,
);

// What is predicted beyond the limit is drawn at the limit: a line that leaves
// the graph would leave the others flat at its bottom.
const FORECAST = `(${sum(LIMIT)} < ${PREDICTED}) or ${PREDICTED}`;

export const directMemory: Page = {
  uid: 'poolscope-direct-memory',
  title: 'Direct memory and OOM forecast',
  question: 'Will direct memory run out, when, and who is refused?',
  guide:
    "Used memory counts against the limit, pinned memory is in somebody's " +
    'hands: when only *used* is high, a trim or a chunk decay gives it back; ' +
    'when *pinned* follows, see *Backlog* and *Leak suspicion*. A floor that ' +
    'rises from hour to hour does not come back by itself.',
  choices: ['allocator'],
  bands: [
    band(4, [
      fullestAllocator(),
      shortestTimeToLimit(),
      number(
        'Least headroom',
        'Bytes up to the nearest limit, of an allocator or of a container, ' +
          'for the instance that has least.',
        'bytes',
        {
          expr: `min(${ofProcess('poolscope_headroom_bytes')})`,
          legend: 'Headroom',
        },
      ),
      refusedRequests(),
    ]),
    band(
      10,
      [
        graph(
          'Direct memory against the limit',
          'Of all allocators chosen together. Forecast: what is used in ' +
            `${HOURS} hours if it goes on as in the last one.`,
          'bytes',
          [
            ...DIRECT_MEMORY,
            {
              expr: FORECAST,
              legend: `Used, forecast for ${HOURS} hours ahead`,
              colour: COLOUR.forecast,
              line: 'dashed',
            },
            DIRECT_MEMORY_LIMIT,
          ],
        ),
        fullestAllocators(),
      ],
      [16, 8],
    ),
    band(8, [
      graph(
        'Refused requests by reason',
        'Requests refused each second: at the limit, or because the system ' +
          'gave no memory.',
        'ops',
        [
          {
            expr: sum(
              perSecond(ofAllocator('poolscope_allocation_failures_total')),
              'instance',
              'reason',
            ),
            legend: '{{instance}} {{reason}}',
          },
        ],
        { endings: { limit: COLOUR.bad, mapping: COLOUR.pinned } },
      ),
      graph(
        'Time to a limit by instance',
        'At the pace of the last minutes; no line while an instance does not ' +
          'grow. An alert looks the time of the dashed line ahead.',
        's',
        [
          {
            expr: ofProcess('poolscope_oom_eta_seconds'),
            legend: '{{instance}}',
          },
        ],
        {
          thresholds: steps('transparent', [
            LIMITS.oom_forecast_seconds,
            COLOUR.bad,
          ]),
          noValue: 'No limit is being approached',
          calcs: ['lastNotNull', 'min'],
        },
      ),
    ]),
    band(8, [
      graph(
        'Used now against the floor of one hour',
        'The floor is the least that was used within the hour before. Bursts ' +
          'leave it alone; what is never given back raises it.',
        'bytes',
        [
          {
            expr: sum(USED, ...EACH_ALLOCATOR),
            legend: '{{instance}} {{allocator}}, now',
          },
          {
            expr: sum(floor(USED, '1h'), ...EACH_ALLOCATOR),
            legend: '{{instance}} {{allocator}}, floor',
            line: 'dashed',
          },
        ],
      ),
      graph(
        'Chunks and huge blocks',
        'What is counted against the limit, and the highest it has been. ' +
          'Huge blocks are larger than a chunk and are mapped one by one.',
        'bytes',
        [
          {
            expr: sum(ofAllocator('poolscope_arena_reserved_bytes')),
            legend: 'Chunks',
            colour: COLOUR.used,
          },
          {
            expr: sum(ofAllocator('poolscope_huge_used_bytes')),
            legend: 'Huge blocks',
            colour: COLOUR.pinned,
          },
          {
            expr: sum(ofAllocator('poolscope_direct_memory_peak_bytes')),
            legend: 'Peak, both together',
            colour: COLOUR.peak,
            line: 'dashed',
          },
        ],
        { stacked: true },
      ),
    ]),
    band(8, [
      graph(
        'Container memory against its limit',
        'Of the cgroup whose limit is nearest. The kernel drops inactive ' +
          'file pages before it refuses memory, so what counts is without ' +
          'them.',
        'bytes',
        [
          {
            expr:
              ofProcess('poolscope_cgroup_memory_usage_bytes') +
              ' - ' +
              ofProcess('poolscope_cgroup_memory_inactive_file_bytes'),
            legend: '{{instance}}, used',
          },
          {
            expr: ofProcess('poolscope_cgroup_memory_limit_bytes'),
            legend: '{{instance}}, limit',
            line: 'dashed',
          },
        ],
        { noValue: 'Not in a cgroup of memory' },
      ),
      graph(
        'Headroom by instance',
        'Bytes up to the nearest limit, of an allocator or of a container.',
        'bytes',
        [
          {
            expr: ofProcess('poolscope_headroom_bytes'),
            legend: '{{instance}}',
          },
        ],
        { calcs: ['lastNotNull', 'min'] },
      ),
    ]),
    band(7, [
      graph(
        'Container limit events in this time',
        "How often the process's own cgroup met a limit (max), could not " +
          'get memory (oom), or lost a process for it (oom_kill).',
        'short',
        [
          {
            expr: timesInRange(
              ofProcess('poolscope_cgroup_memory_events_total'),
              'instance',
              'event',
            ),
            legend: '{{instance}} {{event}}',
          },
        ],
        { noValue: 'Not in a cgroup of memory' },
      ),
      graph(
        'Time stalled for want of memory',
        'Share of time in which some tasks, or all of them (full), waited ' +
          "for memory, by the kernel's pressure stall information.",
        'percentunit',
        [
          {
            expr: sum(
              perSecond(ofProcess('poolscope_memory_stalled_seconds_total')),
              'instance',
              'scope',
            ),
            legend: '{{instance}} {{scope}}',
          },
        ],
        { noValue: 'The kernel does not say' },
      ),
    ]),
  ],
};
