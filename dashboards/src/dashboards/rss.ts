import { band, Page } from '../frame.js';
import { graph, number, ranking, rows } from '../panels.js';
import {
  EACH_PROCESS,
  inRange,
  ofAllocator,
  ofProcess,
  ofStandard,
  sum,
  timesInRange,
} from '../query.js';
import { COLOUR, OWNERS, worseAbove } from '../style.js';
import { LIMITS } from '../thresholds.js';

const RESIDENT = ofProcess('poolscope_native_memory_resident_bytes');
const RSS = ofStandard('process_resident_memory_bytes');
const UNATTRIBUTED = ofProcess('poolscope_native_memory_unattributed_bytes');

export const rss: Page = {
  uid: 'poolscope-rss',
  title: 'RSS vs tracked',
  question: 'The process grows and the pool does not: who has the memory?',
  guide:
    'Every resident byte has an owner here. A category that the service ' +
    'registered names a library; *Glibc* growing with many arenas and much ' +
    'free is fragmentation (a trim helps), with all of it in use it is ' +
    "somebody's: tag it. *Unknown* is listed by `/debug/maps` of the " +
    'instance.',
  choices: ['allocator'],
  bands: [
    band(4, [
      number(
        'Resident memory (RSS)',
        'Of all processes chosen together.',
        'bytes',
        { expr: sum(RSS), legend: 'RSS' },
      ),
      number(
        "Resident memory that is not the pool's",
        "Resident bytes of all owners but the pools' chunks, huge blocks " +
          'and tables.',
        'bytes',
        {
          expr: sum(
            ofProcess(
              'poolscope_native_memory_resident_bytes',
              'category!~"Pool .+"',
            ),
          ),
          legend: 'Others',
        },
        { noValue: 'No walk yet' },
      ),
      number(
        'Share of unknown owner',
        'Resident bytes that no category has, by the resident memory of the ' +
          'process, where it is highest. An alert fires above ' +
          `${LIMITS.unattributed_ratio * 100} %.`,
        'percentunit',
        {
          expr:
            `max(${sum(UNATTRIBUTED, ...EACH_PROCESS)}` +
            ` / (${sum(RESIDENT, ...EACH_PROCESS)} > 0))`,
          legend: 'Unknown',
        },
        {
          thresholds: worseAbove(
            LIMITS.unattributed_ratio,
            LIMITS.unattributed_ratio / 2,
          ),
          decimals: 1,
          noValue: 'No walk yet',
        },
      ),
      number(
        'Freed to malloc and kept',
        'What malloc has free and did not give back to the system. A trim ' +
          'may give it back.',
        'bytes',
        {
          expr: sum(ofProcess('poolscope_malloc_bytes', 'state="free"')),
          legend: 'Free in malloc',
        },
        { noValue: 'Malloc does not say' },
      ),
    ]),
    band(11, [
      graph(
        'Resident memory by owner, and RSS',
        'Of all processes chosen together. The areas add up to the line, but ' +
          'for the time between the walk over the mappings and the scrape.',
        'bytes',
        [
          { expr: sum(RESIDENT, 'category'), legend: '{{category}}' },
          {
            expr: sum(RSS),
            legend: 'RSS',
            colour: COLOUR.rss,
            line: 'solid',
          },
        ],
        { stacked: true, colours: OWNERS },
      ),
    ]),
    band(9, [
      ranking(
        'Growth in one hour, by owner',
        'The ten owners whose resident memory grew most within the last hour.',
        'bytes',
        {
          expr: `topk(10, ${sum(`delta(${RESIDENT}[1h])`, 'category')} > 0)`,
          legend: '{{category}}',
        },
        { noValue: 'Nothing grew' },
      ),
      graph(
        "RSS against the pool's memory, by instance",
        "When RSS grows away from the pool, the memory is not the pool's.",
        'bytes',
        [
          { expr: RSS, legend: '{{instance}}, RSS' },
          {
            expr: sum(
              ofAllocator('poolscope_direct_memory_used_bytes'),
              ...EACH_PROCESS,
            ),
            legend: '{{instance}}, pool',
            line: 'dashed',
          },
        ],
      ),
    ]),
    band(8, [
      graph(
        'Malloc: in use, and free but kept',
        'Of all processes chosen together. Much free beside many arenas is ' +
          'fragmentation of malloc.',
        'bytes',
        [
          {
            expr: sum(ofProcess('poolscope_malloc_bytes', 'state="in_use"')),
            legend: 'In use',
            colour: OWNERS['Glibc Heap'] ?? COLOUR.pinned,
          },
          {
            expr: sum(ofProcess('poolscope_malloc_bytes', 'state="free"')),
            legend: 'Free but kept',
            colour: COLOUR.free,
          },
          {
            expr: sum(ofProcess('poolscope_malloc_bytes', 'state="mapped"')),
            legend: 'Mapped, all together',
            colour: COLOUR.rss,
            line: 'dashed',
          },
        ],
        { stacked: true },
      ),
      graph(
        'Unknown memory by instance',
        'Resident bytes that no category has.',
        'bytes',
        [{ expr: UNATTRIBUTED, legend: '{{instance}}' }],
        { noValue: 'No walk yet' },
      ),
      graph(
        "Arenas of glibc's malloc",
        'Each has 64 MiB of address space. They grow in number with threads ' +
          'that allocate at once.',
        'short',
        [
          {
            expr: ofProcess('poolscope_glibc_arenas'),
            legend: '{{instance}}',
          },
        ],
        { noValue: "Malloc is not glibc's" },
      ),
    ]),
    band(15, [
      rows(
        'Native memory by owner',
        'By the last walk over the mappings. Reserved: address space. ' +
          'Committed: usable without asking the system. Number: mappings, ' +
          'blocks or threads.',
        'bytes',
        [
          {
            expr: sum(
              ofProcess('poolscope_native_memory_reserved_bytes'),
              'category',
            ),
            legend: '{{category}}',
          },
          {
            expr: sum(
              ofProcess('poolscope_native_memory_committed_bytes'),
              'category',
            ),
            legend: '{{category}}',
          },
          { expr: sum(RESIDENT, 'category'), legend: '{{category}}' },
          {
            expr: sum(
              ofProcess('poolscope_native_memory_peak_committed_bytes'),
              'category',
            ),
            legend: '{{category}}',
          },
          {
            expr: sum(
              ofProcess('poolscope_native_memory_live_allocations'),
              'category',
            ),
            legend: '{{category}}',
          },
        ],
        [
          { field: 'category', heading: 'Owner' },
          { field: 'Value #C', heading: 'Resident' },
          { field: 'Value #B', heading: 'Committed' },
          { field: 'Value #D', heading: 'Peak committed' },
          { field: 'Value #A', heading: 'Reserved' },
          { field: 'Value #E', heading: 'Number', unit: 'short' },
        ],
        { sortBy: 'Resident', noValue: 'No walk yet' },
      ),
    ]),
    band(7, [
      graph(
        'Address space by instance',
        'Virtual memory; most of it is never touched.',
        'bytes',
        [
          {
            expr: ofStandard('process_virtual_memory_bytes'),
            legend: '{{instance}}',
          },
        ],
      ),
      graph(
        'Trims on request in this time, by result',
        'Requests to `/-/trim` in the time shown above, by what came of them.',
        'short',
        [
          {
            expr: timesInRange(ofProcess('poolscope_trims_total'), 'result'),
            legend: '{{result}}',
          },
        ],
        {
          colours: {
            freed: COLOUR.good,
            nothing: COLOUR.free,
            busy: COLOUR.warn,
          },
        },
      ),
      graph(
        'Bytes given back by trims in this time',
        'To the system, of allocators and of malloc, in the time shown above.',
        'bytes',
        [
          {
            expr: sum(
              inRange(ofProcess('poolscope_trimmed_bytes_total')),
              'instance',
            ),
            legend: '{{instance}}',
          },
        ],
      ),
    ]),
  ],
};
