import { band, Page } from '../frame.js';
import { graph, number, rows } from '../panels.js';
import {
  ofAllocator,
  ofProcess,
  ofStandard,
  perSecond,
  quantile,
  sum,
  timesInRange,
} from '../query.js';
import { notScraped } from '../shared_panels.js';
import { COLOUR, steps, worseAbove } from '../style.js';
import { LIMITS } from '../thresholds.js';

const AGE_METRIC = 'poolscope_snapshot_age_seconds';
const AGE = ofProcess(AGE_METRIC);

export const sidecar: Page = {
  uid: 'poolscope-sidecar',
  title: 'Sidecar health',
  question: 'Are the figures of the other dashboards fresh, whole and cheap?',
  guide:
    'A collector that failed or is old makes the panels that it feeds old: ' +
    '*pool* all about allocators, *outbound* the backlog, *native_memory* ' +
    'the owners of memory, *malloc* and *limits* what their names say.',
  choices: ['allocator'],
  bands: [
    band(4, [
      notScraped(),
      number(
        'Collectors that failed',
        'Collectors, over all instances, that did not deliver their figures ' +
          'in the last scrape.',
        'short',
        {
          expr:
            `count(${ofProcess('poolscope_scrape_success')} == 0) ` +
            'or vector(0)',
          legend: 'Failed',
        },
        { thresholds: worseAbove(1), history: false },
      ),
      number(
        'Oldest figures',
        'Age of the oldest figures that a collector shows, malloc left out, ' +
          'which is asked the more seldom the longer it takes. An alert fires ' +
          `above ${LIMITS.telemetry_stale_seconds / 3600} h.`,
        's',
        {
          expr: `max(${ofProcess(AGE_METRIC, 'collector!="malloc"')})`,
          legend: 'Oldest',
        },
        { thresholds: worseAbove(LIMITS.telemetry_stale_seconds) },
      ),
      number(
        'Dropped series',
        'Series of registered collectables that could not be shown.',
        'short',
        {
          expr: timesInRange(ofProcess('poolscope_dropped_series_total')),
          legend: 'Dropped',
        },
        { thresholds: worseAbove(1), history: false },
      ),
      number(
        'Memory of the library',
        'Tables and records of allocators, channels and categories, and the ' +
          "exporter's buffers, over all instances chosen.",
        'bytes',
        {
          expr: sum(ofProcess('poolscope_tracking_overhead_bytes')),
          legend: 'Overhead',
        },
      ),
    ], [5, 5, 5, 5, 4]),
    band(10, [
      graph(
        'Collectors that delivered, by instance',
        'Share of collectors that delivered their figures in the last scrape.',
        'percentunit',
        [
          {
            expr:
              'avg by (instance, collector) ' +
              `(${ofProcess('poolscope_scrape_success')})`,
            legend: '{{instance}} {{collector}}',
          },
        ],
        { max: 1, calcs: ['lastNotNull', 'min'] },
      ),
      graph(
        'Age of figures, by collector',
        'The oldest of the instances chosen. Those taken in the background ' +
          'are as old as their interval.',
        's',
        [
          {
            expr: `max by (collector) (${AGE})`,
            legend: '{{collector}}',
          },
        ],
        {
          thresholds: steps('transparent', [
            LIMITS.telemetry_stale_seconds,
            COLOUR.bad,
          ]),
        },
      ),
    ]),
    band(8, [
      graph(
        'Time of a scrape, by collector',
        'The longest of the instances chosen.',
        's',
        [
          {
            expr:
              'max by (collector) ' +
              `(${ofProcess('poolscope_scrape_duration_seconds')})`,
            legend: '{{collector}}',
          },
        ],
        { stacked: true },
      ),
      graph(
        'Time of a request, 99th percentile by page',
        "From a request's arrival until its answer was handed to the " +
          'socket.',
        's',
        [
          {
            expr: quantile(
              0.99,
              perSecond(
                ofProcess('poolscope_http_request_duration_seconds_bucket'),
              ),
              'handler',
            ),
            legend: '{{handler}}',
          },
        ],
      ),
    ]),
    band(8, [
      graph(
        'Requests each second, by page and status',
        "Requests that the library's HTTP server answered.",
        'reqps',
        [
          {
            expr: `${sum(
              perSecond(ofProcess('poolscope_http_requests_total')),
              'handler',
              'code',
            )} > 0`,
            legend: '{{handler}} {{code}}',
          },
        ],
        {
          endings: {
            '[23]..': COLOUR.good,
            '4..': COLOUR.warn,
            '5..': COLOUR.bad,
          },
        },
      ),
      graph(
        'Dropped series each second, by reason',
        'Series of registered collectables that could not be shown.',
        'ops',
        [
          {
            expr: sum(
              perSecond(ofProcess('poolscope_dropped_series_total')),
              'reason',
            ),
            legend: '{{reason}}',
          },
        ],
      ),
    ]),
    band(8, [
      graph(
        'Snapshots each second, by allocator',
        'How fast the numbers of snapshots grow, which a process counts over ' +
          'all its allocators: about the rate of scrapes and pages.',
        'ops',
        [
          {
            expr:
              `clamp_min(deriv(${ofAllocator('poolscope_snapshot_id')}` +
              '[$__rate_interval]), 0)',
            legend: '{{instance}} {{allocator}}',
          },
        ],
      ),
      graph(
        'Uptime by instance',
        'For how long each process has run. Alerts that look back are silent ' +
          'while it is short.',
        's',
        [
          {
            expr: `time() - ${ofStandard('process_start_time_seconds')}`,
            legend: '{{instance}}',
          },
        ],
        { calcs: ['lastNotNull'] },
      ),
      graph(
        'Memory of the library itself, by instance',
        'Tables and records of allocators, channels and categories, and the ' +
          "exporter's buffers.",
        'bytes',
        [
          {
            expr: ofProcess('poolscope_tracking_overhead_bytes'),
            legend: '{{instance}}',
          },
        ],
      ),
    ]),
    band(5, [
      rows(
        'What runs where',
        'Version of the library, and the compiler that built it.',
        'short',
        [
          {
            expr: ofProcess('poolscope_build_info'),
            legend: '{{instance}}',
          },
        ],
        [
          { field: 'instance', heading: 'Instance' },
          { field: 'version', heading: 'Version' },
          { field: 'revision', heading: 'Revision' },
          { field: 'compiler', heading: 'Compiler' },
        ],
      ),
      rows(
        'Malloc and leak detection',
        'Whose malloc each process runs on, and the level of leak detection ' +
          'that holds for its allocators.',
        'short',
        [
          {
            expr: sum(
              ofProcess('poolscope_malloc_info'),
              'instance',
              'implementation',
            ),
            legend: '{{instance}} {{implementation}}',
          },
          {
            expr: sum(
              `${ofAllocator('poolscope_leak_detection_level')} == 1`,
              'instance',
              'allocator',
              'level',
            ),
            legend: '{{instance}} {{level}}',
          },
        ],
        [
          { field: 'instance', heading: 'Instance' },
          { field: 'implementation', heading: 'Malloc' },
          { field: 'allocator', heading: 'Allocator' },
          { field: 'level', heading: 'Leak detection' },
        ],
      ),
    ]),
    band(5, [
      rows(
        'How allocators are laid out',
        'The layout of slabs, the sizes of chunks and pages, and the number ' +
          'of arenas.',
        'short',
        [
          {
            expr: ofAllocator('poolscope_config_info'),
            legend: '{{instance}} {{allocator}}',
          },
        ],
        [
          { field: 'instance', heading: 'Instance' },
          { field: 'allocator', heading: 'Allocator' },
          { field: 'layout', heading: 'Layout' },
          { field: 'chunk_size', heading: 'Chunk', unit: 'bytes' },
          { field: 'page_size', heading: 'Page', unit: 'bytes' },
          { field: 'arenas', heading: 'Arenas' },
        ],
      ),
    ]),
  ],
};
