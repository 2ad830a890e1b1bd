// Runs the demo service on a free port of the loopback interface.

import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {createInterface} from 'node:readline';

// The environment names the program: ./dev test-ui builds it.
const PROGRAM = process.env.POOLSCOPE_DEMO;

export class Demo {
  // Resolves once it listens.
  static async start(...flags) {
    const demo = new Demo();
    demo.process = spawn(
        PROGRAM, ['--listen=127.0.0.1:0', ...flags],
        {stdio: ['ignore', 'pipe', 'inherit']});
    for await (const line of createInterface({input: demo.process.stdout})) {
      const match = /(http:\/\/127\.0\.0\.1:\d+)/.exec(line);
      if (!match) continue;
      demo.url = match[1];
      demo.process.stdout.resume();
      return demo;
    }
    throw new Error('the demo ended before it listened');
  }

  // The second signal ends it at once.
  async stop() {
    if (this.process.exitCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    this.process.kill('SIGINT');
    await ended;
  }
}
