// What has the same meaning has the same colour on every dashboard.
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';

export const COLOUR = {
  used: 'blue',
  pinned: 'orange',
  cached: 'purple',
  free: '#8e8e8e',
  limit: 'red',
  forecast: 'yellow',
  floor: 'green',
  rss: 'text',
  peak: 'semi-dark-blue',
  good: 'green',
  warn: 'yellow',
  bad: 'red',
  plain: 'blue',
} as const;

/** The lists of chunks, from empty to full: the fuller, the darker. */
export const CHUNK_LISTS: ReadonlyArray<readonly [string, string]> = [
  ['qinit', '#b0b0b0'],
  ['q000', '#c7e9b4'],
  ['q025', '#7fcdbb'],
  ['q050', '#41b6c4'],
  ['q075', '#1d91c0'],
  ['q100', '#225ea8'],
];

/** Ranges of use in percent, as the label `range` has them, and in words. */
export const USE_RANGES: ReadonlyArray<readonly [string, string]> = [
  ['0', '0 %'],
  ['1_5', '1 to 5 %'],
  ['5_25', '5 to 25 %'],
  ['25_50', '25 to 50 %'],
  ['50_75', '50 to 75 %'],
  ['75_99', '75 to 99 %'],
  ['100', '100 %'],
];

/** Owners of native memory: the pool blue, malloc orange, the rest quiet. */
export const OWNERS: Readonly<Record<string, string>> = {
  'Pool Arenas': 'blue',
  'Pool Huge': 'light-blue',
  'Pool Metadata': 'dark-blue',
  'Glibc Heap': 'orange',
  'Glibc Thread Arenas': 'dark-orange',
  'Glibc Mmapped': 'light-orange',
  'Other Malloc': 'semi-dark-orange',
  'Thread Stacks': 'purple',
  Code: '#6e6e6e',
  'Mapped Files': '#9a9a9a',
  'Shared Memory': 'light-purple',
  Sidecar: 'light-green',
  Unknown: 'red',
};

/** Colours from a value on; the first holds below all of them. */
export function steps(
  base: string,
  ...further: Array<[number, string]>
): dashboard.Threshold[] {
  return [
    { value: null, color: base },
    ...further.map(([value, color]) => ({ value, color })),
  ];
}

/** Green, and red from `bad` on, yellow from `warn` on when there is one. */
export function worseAbove(bad: number, warn?: number): dashboard.Threshold[] {
  const before: Array<[number, string]> =
    warn === undefined ? [] : [[warn, COLOUR.warn]];
  return steps(COLOUR.good, ...before, [bad, COLOUR.bad]);
}

/** Red below `bad`, yellow below `fair`, green from there on. */
export function worseBelow(bad: number, fair: number): dashboard.Threshold[] {
  return steps(COLOUR.bad, [bad, COLOUR.warn], [fair, COLOUR.good]);
}
