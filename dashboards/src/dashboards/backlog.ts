import { band, Page } from '../frame.js';
import { graph, number } from '../panels.js';
import {
  max,
  ofGroup,
  ofProcess,
  perSecond,
  sum,
  timesInRange,
} from '../query.js';
import { COLOUR, steps, worseAbove } from '../style.js';
import { LIMITS } from '../thresholds.js';

const EACH_GROUP = ['job', 'instance', 'group'];
// The longest time that is told apart from never.
const HOUR_SECONDS = 3600;
const DRAIN_WORDS = { [HOUR_SECONDS]: '1 hour or more' };

const PENDING = sum(ofGroup('poolscope_outbound_pending_bytes'), ...EACH_GROUP);
const IN = sum(
  perSecond(ofGroup('poolscope_outbound_queued_bytes_total')),
  ...EACH_GROUP,
);
const OUT = sum(
  perSecond(ofGroup('poolscope_outbound_written_bytes_total')),
  ...EACH_GROUP,
);

// A backlog of a few messages is there whenever there is traffic, and does not
// shrink: it is no backlog to drain, and counts as none.
const DRAIN_SECONDS =
  `clamp_max(${PENDING} * (${PENDING} > bool ` +
  `${LIMITS.backlog_drain_floor_bytes}) / clamp_min(${OUT} - ${IN}, 1), ` +
  `${HOUR_SECONDS})`;

export const backlog: Page = {
  uid: 'poolscope-backlog',
  title: 'Backlog',
  question: 'Do peers take what is written, and how long until they have it?',
  guide:
    'One group with one large channel is a slow peer; many channels of many ' +
    'groups are the network or this service. `/debug/channels?top=10` of the ' +
    'instance names the peers. Bytes that wait with no channel unwritable ' +
    'mean that watermarks are off.',
  choices: ['group'],
  bands: [
    band(4, [
      number(
        'Waiting',
        'Bytes queued for peers and not written yet, over all groups chosen.',
        'bytes',
        {
          expr: sum(ofGroup('poolscope_outbound_pending_bytes')),
          legend: 'Waiting',
        },
        {
          thresholds: worseAbove(LIMITS.backlog_floor_bytes),
          noValue: 'No channels',
        },
      ),
      number(
        'Longest time to drain',
        'For the slowest group: its backlog by how much faster it is written ' +
          'than queued. An hour stands for an hour or more, or for never; ' +
          'backlogs of less than 1 MiB count as none.',
        's',
        { expr: max(DRAIN_SECONDS), legend: 'Time to drain' },
        {
          thresholds: worseAbove(HOUR_SECONDS, 60),
          words: DRAIN_WORDS,
          noValue: 'No channels',
        },
      ),
      number(
        'Oldest message has waited',
        'The age of the message that has waited longest. Traffic has an age ' +
          'of milliseconds.',
        's',
        {
          expr: max(ofGroup('poolscope_outbound_oldest_message_age_seconds')),
          legend: 'Oldest',
        },
        { thresholds: worseAbove(30, 5), noValue: 'No channels' },
      ),
      number(
        'Unwritable channels',
        'Channels above their high watermark: nothing more is read for them ' +
          'until they are below the low one.',
        'short',
        {
          expr: sum(
            ofGroup('poolscope_outbound_channels', 'state="unwritable"'),
          ),
          legend: 'Unwritable',
        },
        {
          thresholds: steps(COLOUR.good, [1, COLOUR.warn]),
          noValue: 'No channels',
        },
      ),
      number(
        'Rejected messages',
        "Messages that did not get into a channel's buffer, in the time " +
          'shown above.',
        'short',
        {
          expr: timesInRange(
            ofGroup('poolscope_outbound_rejected_messages_total'),
          ),
          legend: 'Rejected',
        },
        {
          thresholds: worseAbove(1),
          history: false,
          noValue: 'No channels',
        },
      ),
    ], [5, 5, 5, 4, 5]),
    band(9, [
      graph(
        'Backlog by group',
        'Bytes queued and neither written nor failed. An alert watches it ' +
          'above the dashed line.',
        'bytes',
        [{ expr: PENDING, legend: '{{instance}} {{group}}' }],
        {
          thresholds: steps('transparent', [
            LIMITS.backlog_floor_bytes,
            COLOUR.bad,
          ]),
        },
      ),
      graph(
        'Time to drain by group',
        'The backlog by how much faster it is written than queued. An hour ' +
          'stands for an hour or more, or for never; backlogs of less than ' +
          '1 MiB count as none.',
        's',
        [{ expr: DRAIN_SECONDS, legend: '{{instance}} {{group}}' }],
        { words: DRAIN_WORDS },
      ),
    ]),
    band(8, [
      graph(
        'Bytes queued and written each second',
        'In and out. When the first stays above the second, the backlog grows.',
        'Bps',
        [
          {
            expr: sum(IN),
            legend: 'Queued',
            colour: COLOUR.pinned,
          },
          {
            expr: sum(OUT),
            legend: 'Written',
            colour: COLOUR.good,
          },
          {
            expr: sum(
              perSecond(ofGroup('poolscope_outbound_failed_bytes_total')),
              'reason',
            ),
            legend: 'Failed, {{reason}}',
          },
        ],
        {
          colours: {
            'Failed, cancelled': 'light-red',
            'Failed, closed': 'red',
            'Failed, transport': 'dark-red',
          },
        },
      ),
      graph(
        'Oldest message by group',
        'How long the oldest message has waited.',
        's',
        [
          {
            expr: ofGroup('poolscope_outbound_oldest_message_age_seconds'),
            legend: '{{instance}} {{group}}',
          },
        ],
      ),
    ]),
    band(8, [
      graph(
        'Channels by state',
        'Unwritable channels are above their high watermark.',
        'short',
        [
          {
            expr: sum(ofGroup('poolscope_outbound_channels'), 'state'),
            legend: '{{state}}',
          },
        ],
        {
          stacked: true,
          colours: { writable: COLOUR.good, unwritable: COLOUR.bad },
        },
      ),
      graph(
        'Largest channel by group',
        'Pending bytes of the channel that has most. Near the backlog of the ' +
          'whole group it is one slow peer.',
        'bytes',
        [
          {
            expr: ofGroup('poolscope_outbound_max_channel_pending_bytes'),
            legend: '{{instance}} {{group}}',
          },
        ],
      ),
      graph(
        'Unwritable channels on average',
        'Time that channels were unwritable, each second, over all of them: ' +
          'how many were so on average.',
        'short',
        [
          {
            expr: sum(
              perSecond(ofGroup('poolscope_outbound_unwritable_seconds_total')),
              ...EACH_GROUP,
            ),
            legend: '{{instance}} {{group}}',
          },
        ],
      ),
    ]),
    band(7, [
      graph(
        'Turns of writability each second',
        'Channels that became unwritable, and writable again. Many of both ' +
          'mean watermarks that are near each other.',
        'ops',
        [
          {
            expr: sum(
              perSecond(
                ofGroup('poolscope_outbound_watermark_transitions_total'),
              ),
              'direction',
            ),
            legend: 'To {{direction}}',
          },
        ],
        {
          colours: {
            'To writable': COLOUR.good,
            'To unwritable': COLOUR.bad,
          },
        },
      ),
      graph(
        'Rejected messages each second, by policy',
        "Messages that did not get into a channel's buffer, by what the " +
          'channel does in such a case.',
        'ops',
        [
          {
            expr: sum(
              perSecond(ofGroup('poolscope_outbound_rejected_messages_total')),
              'policy',
            ),
            legend: '{{policy}}',
          },
        ],
      ),
      graph(
        'Messages pending and waiting for admission',
        "Pending messages are in a channel's buffer; the others wait for " +
          'it to be writable.',
        'short',
        [
          {
            expr: sum(ofGroup('poolscope_outbound_pending_messages')),
            legend: 'Pending',
            colour: COLOUR.used,
          },
          {
            expr: sum(ofGroup('poolscope_outbound_admission_queue_messages')),
            legend: 'Waiting for admission',
            colour: COLOUR.pinned,
          },
        ],
      ),
    ]),
    band(7, [
      graph(
        'Bytes beside the backlog',
        'Waiting for admission: not queued yet. Held: handed to a sink and ' +
          'counted as written, and still above the kernel, as in TLS.',
        'bytes',
        [
          {
            expr: sum(ofGroup('poolscope_outbound_admission_queue_bytes')),
            legend: 'Waiting for admission',
            colour: COLOUR.pinned,
          },
          {
            expr: sum(ofGroup('poolscope_outbound_held_bytes')),
            legend: 'Held by sinks',
            colour: COLOUR.cached,
          },
        ],
      ),
      graph(
        'Channels under the memory governor',
        'Paused channels are not read while memory is short.',
        'short',
        [
          {
            expr: sum(
              ofProcess('poolscope_governor_channels'),
              'instance',
              'state',
            ),
            legend: '{{instance}} {{state}}',
          },
        ],
        { noValue: 'No governor' },
      ),
      graph(
        'Actions of the memory governor each second',
        'Channels paused and let on again, and messages rejected since ' +
          'nothing else made progress.',
        'ops',
        [
          {
            expr: sum(
              perSecond(ofProcess('poolscope_governor_pauses_total')),
            ),
            legend: 'Paused',
            colour: COLOUR.warn,
          },
          {
            expr: sum(
              perSecond(ofProcess('poolscope_governor_resumes_total')),
            ),
            legend: 'Resumed',
            colour: COLOUR.good,
          },
          {
            expr: sum(
              perSecond(ofProcess('poolscope_governor_rejections_total')),
            ),
            legend: 'Rejected',
            colour: COLOUR.bad,
          },
        ],
        { noValue: 'No governor' },
      ),
    ]),
  ],
};
