// The programs that pictures are taken of, on free ports of the loopback
// interface: demos, and a Prometheus that scrapes them each second.

import {execFile, spawn} from 'node:child_process';
import {once} from 'node:events';
import {writeFile} from 'node:fs/promises';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {setTimeout as sleep} from 'node:timers/promises';
import {promisify} from 'node:util';

export const SCRAPE_SECONDS = 1;

// By how much the times of the alerts are shortened, as in their own tests.
const ALERT_FACTOR = 60;

const PATIENCE_MS = 60_000;

const started = [];

function start(program, flags, stdout) {
  // Of its own group: Ctrl-C reaches this program alone, which ends them.
  const child = spawn(
      program, flags, {stdio: ['ignore', stdout, 'ignore'], detached: true});
  started.push(child);
  child.once('error', (error) => (child.failed = error));
  return child;
}

/** Ends every program that was started, and waits until it has. */
export async function endAll() {
  await Promise.all(started.splice(0).map(async (child) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    if (child.pid === undefined) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    child.kill('SIGINT');  // the second signal ends a demo at once
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(late);
  }));
}

/** Resolves to the port of its metrics, once it listens. */
export async function startDemo(program, flags) {
  const child =
      start(program, ['--listen=127.0.0.1:0', ...flags], 'pipe');
  for await (const line of createInterface({input: child.stdout})) {
    const match = /http:\/\/127\.0\.0\.1:(\d+)/.exec(line);
    if (!match) continue;
    child.stdout.resume();
    return Number(match[1]);
  }
  throw new Error(`a demo ended before it listened: ${flags.join(' ')}`);
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const {port} = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * `targets` are {job, instance, port}. Resolves to the URL of a Prometheus with
 * the project's rules, once it is ready; it keeps its files in `folder`.
 */
export async function startPrometheus(targets, rulesFolder, folder) {
  const rules = [];
  for (const name of ['recording.yml', 'alerts.yml']) {
    const {stdout} = await promisify(execFile)('python3', [
      join(rulesFolder, '../../tests/dashboards/rules/scale_rules.py'),
      String(ALERT_FACTOR),
      join(rulesFolder, name),
    ]);
    await writeFile(join(folder, name), stdout);
    rules.push(name);
  }
  const jobs = [...new Set(targets.map(({job}) => job))];
  // JSON is YAML.
  const config = {
    global: {
      scrape_interval: `${SCRAPE_SECONDS}s`,
      evaluation_interval: `${SCRAPE_SECONDS}s`,
    },
    rule_files: rules,
    scrape_configs: jobs.map((job) => ({
      job_name: job,
      static_configs: targets.filter((target) => target.job === job)
          .map(({instance, port}) => ({
            targets: [`127.0.0.1:${port}`],
            labels: {instance},
          })),
    })),
  };
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const port = await freePort();
  const child = start('prometheus', [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ], 'ignore');
  const url = `http://127.0.0.1:${port}`;
  for (const end = Date.now() + PATIENCE_MS;;) {
    const ready = await fetch(`${url}/-/ready`).catch(() => undefined);
    if (ready?.ok) return url;
    if (child.failed) throw child.failed;
    if (child.exitCode !== null || Date.now() > end) {
      throw new Error('prometheus is not ready');
    }
    await sleep(100);
  }
}
