// Poll: asks for a page again and again, while somebody wants it.
//
//   const poll = new Poll({
//     url: '/metrics', everyMs: 1000,
//     wanted: () => !paused,
//     take: (text) => ...,                  an answer
//     fail: (reason, nextMs) => ...,        none, not 200, or take() threw
//   });
//   poll.poke();   at the start, and whenever wanted() may have changed
//
// After a failure it waits twice as long as before, 30 seconds at most: a
// server that is gone is not hammered, nor is the browser's console filled.

const TIMEOUT_MS = 10_000;
const MAX_DELAY_MS = 30_000;
// What is told of an answer that is not 200: a proxy may answer with a page.
const MAX_REASON_CHARS = 200;

async function get(url) {
  const response = await fetch(
      url, {cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS)});
  const text = await response.text();
  if (!response.ok) {
    const [line] = text.trim().split('\n', 1);
    throw new Error(`${response.status}: ${line.slice(0, MAX_REASON_CHARS)}`);
  }
  return text;
}

export class Poll {
  constructor({url, everyMs, wanted, take, fail}) {
    Object.assign(this, {url, everyMs, wanted, take, fail});
    this.failures = 0;
    this.running = false;
    this.timer = null;
    this.due = 0;  // when to ask next, by performance.now()
  }

  get delayMs() {
    return Math.min(
        this.everyMs * 2 ** this.failures,
        Math.max(this.everyMs, MAX_DELAY_MS));
  }

  poke() {
    if (this.running) return;
    clearTimeout(this.timer);
    if (!this.wanted()) return;
    this.timer =
        setTimeout(() => this.run(), Math.max(0, this.due - performance.now()));
  }

  // Without waiting for the next time.
  retry() {
    this.due = 0;
    this.poke();
  }

  async run() {
    this.running = true;
    this.due = performance.now() + this.everyMs;
    let answer;
    try {
      answer = await get(this.url);
      this.take(answer);
      this.failures = 0;
    } catch (error) {
      // Of the network's failures the browser tells the console itself.
      if (answer !== undefined) console.error(error);
      ++this.failures;
      this.due = performance.now() + this.delayMs;
      this.fail(error.message, this.delayMs);
    } finally {
      this.running = false;
    }
    this.poke();
  }
}
