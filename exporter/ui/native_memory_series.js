// The series of the chart of native memory: an area for each owner that counts,
// one for the others together, and the resident size as a line.

// Of one colour family: the pool, malloc, and the rest.
const COLORS = new Map([
  ['Pool Arenas', '--pool-1'],
  ['Pool Huge', '--pool-2'],
  ['Pool Metadata', '--pool-3'],
  ['Glibc Heap', '--malloc-1'],
  ['Glibc Thread Arenas', '--malloc-2'],
  ['Glibc Mmapped', '--malloc-3'],
  ['Other Malloc', '--malloc-1'],
  ['Thread Stacks', '--stacks'],
  ['Code', '--code'],
  ['Mapped Files', '--files'],
  ['Shared Memory', '--shared'],
  ['Sidecar', '--sidecar'],
  ['Unknown', '--unknown'],
]);
const REGISTERED_COLORS =
    ['--registered-1', '--registered-2', '--registered-3', '--registered-4'];

// Owners below this share of the largest sum are drawn as one.
const MIN_SHARE = 0.01;
const MAX_OWNERS = 10;

// The largest resident bytes that each category has had, by category, in the
// order of the report, and the largest sum.
function peaks(history) {
  const byCategory = new Map();
  let largestSum = 0;
  for (const {native} of history.figures) {
    let sum = 0;
    for (const [category, resident] of native ?? []) {
      byCategory.set(
          category, Math.max(resident, byCategory.get(category) ?? 0));
      sum += resident;
    }
    largestSum = Math.max(largestSum, sum);
  }
  return {byCategory, largestSum};
}

export function nativeMemorySeries(history) {
  const {byCategory, largestSum} = peaks(history);
  const large = [...byCategory.entries()]
      .filter(([, peak]) => peak > largestSum * MIN_SHARE)
      .sort(([, a], [, b]) => b - a)
      .slice(0, MAX_OWNERS)
      .map(([category]) => category);
  const shown = new Set(large);
  const registered = [...byCategory.keys()].filter((c) => !COLORS.has(c));
  const color = (category) => COLORS.get(category) ??
      REGISTERED_COLORS[registered.indexOf(category) %
                        REGISTERED_COLORS.length];

  const owners = [...byCategory.keys()].filter((c) => shown.has(c)).map(
      (category) => ({
        name: category,
        color: color(category),
        read: ({native}) => native?.get(category) ?? null,
      }));
  const others = {
    name: 'others',
    color: '--others',
    read: ({native}) => native && [...native].reduce(
        (sum, [category, resident]) =>
            (shown.has(category) ? sum : sum + resident), 0),
  };
  const resident = {
    name: 'resident now',
    color: '--foreground',
    line: true,
    read: (figures) => figures.resident,
  };
  return byCategory.size > shown.size ? [...owners, others, resident] :
                                        [...owners, resident];
}
