// History: the figures of the last minutes, oldest first.
//
// A copy is kept by nobody else: when the page is closed it is gone.

export class History {
  // Keeps what is no older than `keepMs` before the newest.
  constructor(keepMs) {
    this.keepMs = keepMs;
    this.figures = [];
  }

  add(figures) {
    // The clock was set back: what was later than now cannot be drawn.
    if (this.latest && figures.time <= this.latest.time) this.figures = [];
    this.figures.push(figures);
    const oldest = figures.time - this.keepMs;
    const kept = this.figures.findIndex(({time}) => time >= oldest);
    this.figures.splice(0, kept);
  }

  get latest() {
    return this.figures.at(-1);
  }
}
