import { band, Page } from '../frame.js';
import { graph, number, ranking } from '../panels.js';
import {
  EACH_ALLOCATOR,
  floor,
  max,
  ofAllocator,
  perSecond,
  PINNED,
  sum,
  timesInRange,
} from '../query.js';
import { COLOUR, steps, worseAbove } from '../style.js';

export const leaks: Page = {
  uid: 'poolscope-leaks',
  title: 'Leak suspicion',
  question: 'Are blocks forgotten, since when, and of which size?',
  guide:
    'A floor that is higher each time it is looked at is memory that nothing ' +
    'gives back. `/debug/leaks` of the instance has the functions that ' +
    'created suspect blocks; `POST /-/leak-level?level=paranoid` has every ' +
    "block watched from then on. When the pool's floor is flat and the " +
    'process grows, see *RSS vs tracked*.',
  choices: ['allocator'],
  bands: [
    band(4, [
      number(
        'Suspect blocks',
        'Blocks that are older than blocks of their call site get, found in ' +
          'the time shown above.',
        'short',
        {
          expr: timesInRange(
            ofAllocator('poolscope_leaks_total', 'verdict="suspect"'),
          ),
          legend: 'Suspect',
        },
        {
          thresholds: steps(COLOUR.good, [1, COLOUR.warn]),
          noValue: 'No detector',
          history: false,
        },
      ),
      number(
        'Leaked blocks',
        'Blocks whose last owner went away without giving them back; certain.',
        'short',
        {
          expr: timesInRange(
            ofAllocator('poolscope_leaks_total', 'verdict="leaked"'),
          ),
          legend: 'Leaked',
        },
        {
          thresholds: worseAbove(1),
          noValue: 'No detector',
          history: false,
        },
      ),
      number(
        'Pinned memory, growth in one hour',
        'How much the floor of the last hour is above that of the hour ' +
          'before, over all allocators chosen.',
        'bytes',
        {
          expr:
            `sum((${floor(PINNED, '1h')}) - (${floor(PINNED, '1h', '1h')}))`,
          legend: 'Growth',
        },
        { noValue: 'Needs an hour of data', history: false },
      ),
      number(
        'Oldest block in use',
        'Age of the oldest sampled block. In a service without long-lived ' +
          'blocks it stays near the time of its longest request.',
        's',
        {
          expr: max(ofAllocator('poolscope_oldest_allocation_age_seconds')),
          legend: 'Oldest',
        },
        { history: false },
      ),
    ]),
    band(
      10,
      [
        graph(
          'Pinned memory against its floor',
          "The floor is the least that was in users' hands within an hour. " +
            'An alert fires when it rose twice in a row over three hours.',
          'bytes',
          [
            {
              expr: `sum(${PINNED})`,
              legend: 'Pinned now',
              colour: COLOUR.pinned,
            },
            {
              expr: `sum(${floor(PINNED, '1h')})`,
              legend: 'Floor of the last hour',
              colour: COLOUR.floor,
            },
            {
              expr: `sum(${floor(PINNED, '1h', '3h')})`,
              legend: 'Floor, 3 hours before',
              colour: 'semi-dark-green',
              line: 'dashed',
            },
            {
              expr: `sum(${floor(PINNED, '1h', '6h')})`,
              legend: 'Floor, 6 hours before',
              colour: 'dark-green',
              line: 'dashed',
            },
          ],
        ),
        graph(
          'Pinned memory by allocator',
          "Bytes in users' hands, huge blocks included.",
          'bytes',
          [{ expr: PINNED, legend: '{{instance}} {{allocator}}' }],
        ),
      ],
      [14, 10],
    ),
    band(8, [
      graph(
        'Suspect and leaked blocks',
        'Within a window as long as the time shown, up to each moment.',
        'short',
        [
          {
            expr: timesInRange(
              ofAllocator('poolscope_leaks_total'),
              'instance',
              'verdict',
            ),
            legend: '{{instance}} {{verdict}}',
          },
        ],
        {
          noValue: 'No detector',
          endings: { suspect: COLOUR.warn, leaked: COLOUR.bad },
        },
      ),
      graph(
        'Blocks in use, by kind',
        "Blocks in users' hands. A kind that grows while traffic does " +
          'not is where to look.',
        'short',
        [
          {
            expr: sum(
              ofAllocator('poolscope_arena_active_allocations'),
              'instance',
              'kind',
            ),
            legend: '{{instance}} {{kind}}',
          },
        ],
      ),
    ]),
    band(8, [
      ranking(
        'Ten size classes with most blocks in use',
        'By the bytes of the size class, now.',
        'short',
        {
          expr:
            'topk(10, ' +
            sum(
              ofAllocator('poolscope_size_class_active_elements'),
              'size_class',
            ) +
            ' > 0)',
          legend: '{{size_class}} B',
        },
      ),
      graph(
        'Oldest block in use by allocator',
        'A line that rises by a second each second is one block that stays.',
        's',
        [
          {
            expr: sum(
              ofAllocator('poolscope_oldest_allocation_age_seconds'),
              ...EACH_ALLOCATOR,
            ),
            legend: '{{instance}} {{allocator}}',
          },
        ],
      ),
      graph(
        'New leak reports',
        'One for all blocks of a creation stack, which is a place in the ' +
          'code to mend; in a window as long as the time shown.',
        'short',
        [
          {
            expr: timesInRange(
              ofAllocator('poolscope_leak_reports_total'),
              'instance',
              'verdict',
            ),
            legend: '{{instance}} {{verdict}}',
          },
        ],
        {
          noValue: 'No detector',
          endings: { suspect: COLOUR.warn, leaked: COLOUR.bad },
        },
      ),
    ]),
    band(7, [
      graph(
        'Blocks that the detector watches',
        'Blocks in use that the leak detector has a record of.',
        'short',
        [
          {
            expr: ofAllocator('poolscope_leak_tracked_buffers'),
            legend: '{{instance}} {{allocator}}',
          },
        ],
        { noValue: 'No detector' },
      ),
      graph(
        'Share of allocations that the detector is told of',
        'What is not sampled is not found: a leak shows once a block of it ' +
          'was sampled.',
        'percentunit',
        [
          {
            expr: ofAllocator('poolscope_leak_sampling_ratio'),
            legend: '{{instance}} {{allocator}}',
          },
        ],
        { max: 1, noValue: 'No detector' },
      ),
      graph(
        'Records dropped and samples missed each second',
        'What the detector and the sampler had no room for. While it is ' +
          'above 0, blocks go unseen.',
        'ops',
        [
          {
            expr: sum(
              perSecond(ofAllocator('poolscope_leak_records_dropped_total')),
              'record',
            ),
            legend: 'Dropped: {{record}}',
          },
          {
            expr: sum(
              perSecond(ofAllocator('poolscope_missed_samples_total')),
            ),
            legend: 'Missed samples',
          },
        ],
      ),
    ]),
  ],
};
