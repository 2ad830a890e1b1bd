// Queries, as text. Every selector is limited to the jobs and instances chosen
// at the top of the dashboard, and those of allocators and outbound groups to
// the ones chosen there: no query is written without these functions.

const INSTANCES = 'job=~"$job", instance=~"$instance"';

function select(metric: string, matchers: string[]): string {
  return `${metric}{${[INSTANCES, ...matchers].join(', ')}}`;
}

/** Series of a metric of the whole process. */
export function ofProcess(metric: string, ...matchers: string[]): string {
  return select(metric, matchers);
}

/**
 * Series of a metric that processes without poolscope have as well, where the
 * process has poolscope: with All, `job` and `instance` match whatever else
 * Prometheus scrapes.
 */
export function ofStandard(metric: string): string {
  const build = ofProcess('poolscope_build_info');
  return `(${ofProcess(metric)} and on (job, instance) ${build})`;
}

/** How many targets that had poolscope within a day do not answer. */
export const NOT_SCRAPED =
  `count(${ofProcess('up')} == 0 and on (job, instance) ` +
  `last_over_time(${ofProcess('poolscope_build_info')}[1d])) or vector(0)`;

/** Series of a metric that has the label `allocator`. */
export function ofAllocator(metric: string, ...matchers: string[]): string {
  return select(metric, ['allocator=~"$allocator"', ...matchers]);
}

/** Series of a metric that has the label `group`. */
export function ofGroup(metric: string, ...matchers: string[]): string {
  return select(metric, ['group=~"$group"', ...matchers]);
}

/** What a counter grows by each second. */
export function perSecond(selector: string): string {
  return `rate(${selector}[$__rate_interval])`;
}

/** What a counter grew by in the time that the dashboard shows. */
export function inRange(selector: string): string {
  return `increase(${selector}[$__range])`;
}

/** How many times counters grew in that time, as whole numbers, by labels. */
export function timesInRange(selector: string, ...by: string[]): string {
  return `round(${sum(inRange(selector), ...by)})`;
}

/** The sum, by labels; over everything when none is named. */
export function sum(expression: string, ...by: string[]): string {
  return by.length === 0
    ? `sum(${expression})`
    : `sum by (${by.join(', ')}) (${expression})`;
}

/** The highest value, by labels; of everything when none is named. */
export function max(expression: string, ...by: string[]): string {
  return by.length === 0
    ? `max(${expression})`
    : `max by (${by.join(', ')}) (${expression})`;
}

/** The least value that an expression had in a time such as `1h`. */
export function floor(expression: string, window: string, ago = ''): string {
  const offset = ago === '' ? '' : ` offset ${ago}`;
  return `min_over_time((${expression})[${window}:1m]${offset})`;
}

/**
 * A quantile of what the buckets counted, such as `perSecond` of them, by
 * further labels; nothing where nothing was counted.
 */
export function quantile(
  q: number,
  counted: string,
  ...by: string[]
): string {
  return `histogram_quantile(${q}, ${sum(counted, 'le', ...by)}) >= 0`;
}

/** The allocators chosen, one value each. */
export const EACH_ALLOCATOR = ['job', 'instance', 'allocator'];

/** The processes chosen, one value each. */
export const EACH_PROCESS = ['job', 'instance'];

/** Bytes in users' hands, huge blocks included, for each allocator. */
export const PINNED =
  `${sum(ofAllocator('poolscope_arena_pinned_bytes'), ...EACH_ALLOCATOR)}` +
  ` + ${sum(ofAllocator('poolscope_huge_used_bytes'), ...EACH_ALLOCATOR)}`;

/** Share of the limit that is used, from 0 to 1, for each allocator. */
export const USED_RATIO =
  `${ofAllocator('poolscope_direct_memory_used_bytes')}` +
  ` / (${ofAllocator('poolscope_direct_memory_limit_bytes')} > 0)`;

/** Share of requests that thread caches served, by labels. */
export function hitRatio(...by: string[]): string {
  const hits = perSecond(ofAllocator('poolscope_thread_cache_hits_total'));
  const all = perSecond(ofAllocator('poolscope_thread_cache_requests_total'));
  return `${sum(hits, ...by)} / (${sum(all, ...by)} > 0)`;
}
