/** Installs what the peers need. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));

export function installPackages(): void {
  if (existsSync(`${folder}node_modules/.package-lock.json`)) return;
  execFileSync('npm', ['ci'], { cwd: folder, stdio: 'inherit' });
}
