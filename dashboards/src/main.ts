// Writes the dashboards to json/, or says with --check which of the files
// there are not what the code makes; lints them in both cases, and writes what
// the type check of the JSON reads into out/types. Exits with 1 when there is
// something to mend.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { buildAll, render } from './catalogue.js';
import { lint } from './lint/lint.js';
import { fromHere } from './paths.js';
import { writeTypeCheck } from './type_check.js';

function stale(files: Map<string, string>): string[] {
  const problems: string[] = [];
  const present = new Set(
    readdirSync(fromHere('json')).filter((name) => name.endsWith('.json')),
  );
  for (const [name, text] of files) {
    if (!present.delete(name)) {
      problems.push(`json/${name} is not there`);
    } else if (readFileSync(fromHere(`json/${name}`), 'utf8') !== text) {
      problems.push(`json/${name} is not what the code makes`);
    }
  }
  for (const name of present) problems.push(`json/${name} is of no dashboard`);
  return problems;
}

function main(flags: string[]): number {
  const check = flags.includes('--check');
  const unknown = flags.filter((flag) => flag !== '--check');
  if (unknown.length > 0) {
    console.error(`dashboards: unknown flag '${unknown[0]}'`);
    return 2;
  }
  const files = new Map<string, string>();
  for (const [uid, built] of buildAll()) {
    files.set(`${uid}.json`, render(built));
  }

  const dashboards = [...files.values()].map((text) => JSON.parse(text));
  const problems = lint(dashboards).map(
    ({ rule, where, what }) => `${where}: ${what} (${rule})`,
  );
  writeTypeCheck(dashboards);
  if (check) {
    problems.push(...stale(files));
  } else {
    mkdirSync(fromHere('json'), { recursive: true });
    for (const [name, text] of files) {
      writeFileSync(fromHere(`json/${name}`), text);
    }
    problems.push(...stale(files));
  }
  for (const problem of problems) console.error(`dashboards: ${problem}`);
  return problems.length === 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
