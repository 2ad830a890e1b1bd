// The numbers that colours change at: where an alert has such a number, it is
// the same. Those of warnings, and what counts as a backlog to drain, are of the
// dashboards alone.
import { readFileSync } from 'node:fs';
import { fromHere } from './paths.js';

export interface Thresholds {
  near_limit_ratio: number;
  near_limit_warning_ratio: number;
  oom_forecast_seconds: number;
  backlog_floor_bytes: number;
  backlog_drain_floor_bytes: number;
  thread_cache_hit_warning_ratio: number;
  fragmentation_ratio: number;
  unattributed_ratio: number;
  telemetry_stale_seconds: number;
}

export const LIMITS = JSON.parse(
  readFileSync(fromHere('thresholds.json'), 'utf8'),
) as Thresholds;
