// Numbers as people read them. What is not known is a dash.

const UNKNOWN = '–';
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

function known(value) {
  return value !== null && value !== undefined && Number.isFinite(value);
}

// Three digits, without zeros that say nothing: 1.5, 12.3, 512.
function threeDigits(value) {
  const decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return String(Number(value.toFixed(decimals)));
}

export function bytes(value) {
  if (!known(value)) return UNKNOWN;
  let unit = 0;
  let scaled = Math.abs(value);
  while (scaled >= 1023.5 && unit < BYTE_UNITS.length - 1) {
    scaled /= 1024;
    ++unit;
  }
  return `${value < 0 ? '-' : ''}${threeDigits(scaled)} ${BYTE_UNITS[unit]}`;
}

export function count(value) {
  return known(value) ? Math.round(value).toLocaleString('en') : UNKNOWN;
}

// Of a ratio from 0 to 1. What is not quite all does not round up to all.
export function percent(value) {
  if (!known(value)) return UNKNOWN;
  const rounded = Number((value * 100).toFixed(1));
  return `${value < 1 && rounded >= 100 ? 99.9 : rounded} %`;
}

export function duration(seconds) {
  if (!known(seconds)) return UNKNOWN;
  if (seconds === 0) return '0 s';
  if (seconds < 0.9995) return `${threeDigits(seconds * 1000)} ms`;
  if (seconds < 99.95) return `${threeDigits(seconds)} s`;
  if (seconds < 99.5 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 47.5 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

// Of the day, as the browser's zone has it.
export function clock(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString('en-GB');
}
