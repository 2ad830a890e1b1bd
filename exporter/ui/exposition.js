// Reads Prometheus' text format, as far as the page needs it.

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPES = {n: '\n', '\\': '\\', '"': '"'};

function parseLabels(text) {
  const labels = new Map();
  for (const [, name, value] of text.matchAll(LABEL)) {
    labels.set(name, value.replace(/\\(.)/g, (_, c) => ESCAPES[c] ?? c));
  }
  return labels;
}

function parseValue(text) {
  if (text === '+Inf') return Infinity;
  return text === '-Inf' ? -Infinity : Number(text);
}

// The samples of the families `names`: a Map from each of them to an array of
// {labels: Map, value: Number}, empty for what is not there.
export function parseExposition(text, names) {
  const families = new Map(names.map((name) => [name, []]));
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const match = SAMPLE.exec(line);
    const samples = match && families.get(match[1]);
    if (!samples) continue;
    samples.push({
      labels: parseLabels(match[2] ?? ''),
      value: parseValue(match[3]),
    });
  }
  return families;
}
