import { ALERT_PREFIX, band, Page } from '../frame.js';
import { graph, number, rows } from '../panels.js';
import {
  EACH_PROCESS,
  hitRatio,
  ofAllocator,
  ofProcess,
  ofStandard,
  perSecond,
  sum,
  timesInRange,
} from '../query.js';
import {
  DIRECT_MEMORY,
  DIRECT_MEMORY_LIMIT,
  fullestAllocator,
  fullestAllocators,
  notScraped,
  refusedRequests,
  shortestTimeToLimit,
} from '../shared_panels.js';
import { COLOUR, steps, worseAbove } from '../style.js';
import { LIMITS } from '../thresholds.js';

const FIRING = ofProcess(
  'ALERTS',
  `alertname=~"${ALERT_PREFIX}.+"`,
  'alertstate="firing"',
);

export const overview: Page = {
  uid: 'poolscope-overview',
  title: 'Overview',
  question: 'Is any instance about to run out of memory, and what holds it?',
  guide:
    'Red in the first line says which dashboard to open by the links above: ' +
    '*Direct memory* when the fullest allocator is near its limit, ' +
    '*Backlog* when peers do not take what is written, *Leak suspicion* when ' +
    'blocks are forgotten, *RSS vs tracked* when the process grows and the ' +
    'pool does not.',
  choices: ['allocator'],
  bands: [
    band(4, [
      notScraped(),
      number(
        'Firing alerts',
        'Alerts about the instances chosen that fire now; the table below ' +
          'names them.',
        'short',
        { expr: `count(${FIRING}) or vector(0)`, legend: 'Firing' },
        { thresholds: worseAbove(1), history: false },
      ),
      fullestAllocator(),
      shortestTimeToLimit(),
      refusedRequests(),
      number(
        'Lost or suspect blocks',
        'Blocks that the leak detector found leaked or suspects, in the time ' +
          'shown above.',
        'short',
        {
          expr: timesInRange(ofAllocator('poolscope_leaks_total')),
          legend: 'Blocks',
        },
        {
          thresholds: steps(COLOUR.good, [1, COLOUR.warn]),
          noValue: 'No detector',
          history: false,
        },
      ),
    ]),
    band(
      9,
      [
        graph(
          'Direct memory against the limit',
          'Of all allocators chosen together: mapped chunks and huge blocks ' +
            "(used), blocks in users' hands (pinned), blocks kept by " +
            'thread caches (cached), and the limit on what is used.',
          'bytes',
          [...DIRECT_MEMORY, DIRECT_MEMORY_LIMIT],
        ),
        fullestAllocators(),
      ],
      [14, 10],
    ),
    band(8, [
      graph(
        'Backlog by instance',
        'Bytes that wait for peers to take them. An alert watches it above ' +
          'the dashed line.',
        'bytes',
        [
          {
            expr: sum(
              ofProcess('poolscope_outbound_pending_bytes'),
              ...EACH_PROCESS,
            ),
            legend: '{{instance}}',
          },
        ],
        {
          thresholds: steps('transparent', [
            LIMITS.backlog_floor_bytes,
            COLOUR.bad,
          ]),
          noValue: 'No channels',
        },
      ),
      graph(
        'Resident memory and what the pool has of it',
        'Of all processes chosen together. What grows between the two lines ' +
          'is memory of others: see RSS vs tracked.',
        'bytes',
        [
          {
            expr: sum(ofStandard('process_resident_memory_bytes')),
            legend: 'Resident (RSS)',
            colour: COLOUR.rss,
          },
          {
            expr: sum(ofAllocator('poolscope_direct_memory_used_bytes')),
            legend: 'Direct memory used',
            colour: COLOUR.used,
          },
        ],
      ),
    ]),
    band(
      7,
      [
        graph(
          'Thread cache hit ratio by instance',
          "Share of requests that the caller's thread cache served; the " +
            'rest took a lock.',
          'percentunit',
          [{ expr: hitRatio(...EACH_PROCESS), legend: '{{instance}}' }],
          { max: 1 },
        ),
        graph(
          'Refused requests by reason',
          'Requests refused each second: at the limit, or because the system ' +
            'gave no memory.',
          'ops',
          [
            {
              expr: sum(
                perSecond(ofAllocator('poolscope_allocation_failures_total')),
                'reason',
              ),
              legend: '{{reason}}',
            },
          ],
          { colours: { limit: COLOUR.bad, mapping: 'dark-orange' } },
        ),
        rows(
          'Alerts that fire',
          'The alerts about the instances chosen, with their severity.',
          'short',
          [{ expr: FIRING, legend: '{{alertname}}' }],
          [
            { field: 'alertname', heading: 'Alert' },
            { field: 'severity', heading: 'Severity', width: 100 },
            { field: 'instance', heading: 'Instance' },
          ],
          { noValue: 'No alert fires' },
        ),
      ],
      [7, 7, 10],
    ),
  ],
};
