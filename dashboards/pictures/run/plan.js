// What runs while the pictures are taken, and what each picture shows of it.
// Each service is a job of Prometheus of the name that it has here.

export const SERVICES = [
  {
    job: 'steady',
    instances: 2,
    flags: ['--scenario=steady', '--max_direct_memory=256m'],
  },
  {
    job: 'slow-peer',
    instances: 1,
    // The limit is reached within the stall, slowly enough for a forecast, and
    // the backlog is over before the picture is taken.
    flags: [
      '--scenario=slow-peer', '--watermarks=off', '--rate=120', '--stall=150s',
    ],
  },
  {
    job: 'leak',
    instances: 1,
    flags: ['--scenario=leak', '--rate=1000', '--max_direct_memory=256m'],
  },
  {
    job: 'aggregator',
    instances: 1,
    flags: ['--scenario=aggregator', '--governor=off', '--chunk_decay=inf'],
  },
  {
    job: 'websocket',
    instances: 1,
    flags: [
      '--scenario=websocket', '--connections=10000',
      '--max_direct_memory=256m',
    ],
  },
];

export const DASHBOARDS = {
  'poolscope-overview': {},
  'poolscope-direct-memory': {job: 'slow-peer'},
  'poolscope-backlog': {job: 'slow-peer'},
  'poolscope-thread-caches': {job: 'steady'},
  'poolscope-chunks': {job: 'aggregator'},
  'poolscope-leaks': {job: 'leak'},
  'poolscope-rss': {job: 'websocket'},
  'poolscope-sidecar': {job: 'steady'},
};

// The panels that tell a story, one after the other.
export const STORIES = {
  'slow-peer': {
    dashboard: 'poolscope-backlog',
    job: 'slow-peer',
    panels: [
      'Backlog by group',
      'Time to drain by group',
      'Bytes queued and written each second',
      'Oldest message by group',
    ],
  },
  leak: {
    dashboard: 'poolscope-leaks',
    job: 'leak',
    panels: [
      'Pinned memory against its floor',
      'Pinned memory by allocator',
      'Suspect and leaked blocks',
      'Blocks in use, by kind',
    ],
  },
  aggregator: {
    dashboard: 'poolscope-chunks',
    job: 'aggregator',
    panels: [
      'Chunks by list',
      'Chunks by use',
      'Chunk memory: mapped, handed out, pinned',
      'Free bytes by list',
    ],
  },
  websocket: {
    dashboard: 'poolscope-rss',
    job: 'websocket',
    panels: [
      'Resident memory by owner, and RSS',
      'Growth in one hour, by owner',
      "RSS against the pool's memory, by instance",
    ],
  },
};
