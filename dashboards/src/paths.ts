// Where the files of this folder are, seen from the compiled code, which lies
// in out/src.
import { fileURLToPath } from 'node:url';

/** The path of a file in dashboards/. */
export function fromHere(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}
