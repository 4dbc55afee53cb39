import { folders } from './container-config.ts';
import type { DeployedApp } from './system.ts';

/** The user of the containers, also in the Dockerfile. A number, so that Kubernetes sees that it is not root. */
export const userId = 10_001;

/** The options of V8. The heap gets three quarters of the memory. */
export function nodeOptions({ memory, instances }: DeployedApp): string[] {
  const mebibytes = Number.parseInt(memory, 10) * (memory.endsWith('Gi') ? 1_024 : 1);
  return ['--max-semi-space-size=32', `--max-old-space-size=${Math.floor((mebibytes * 0.75) / instances)}`];
}

/** The command of a container. Node is process 1, so that it receives SIGTERM. */
export function commandOf(app: DeployedApp): string[] {
  return [
    'node',
    ...nodeOptions(app),
    'src/main.ts',
    '--config',
    `${folders.config}/config.yaml`,
    '--app',
    app.name,
  ];
}

/** s between the end of a pod and SIGTERM. Meanwhile load balancers stop sending requests to it. */
export const preStopSeconds = 5;
/** s that the system may take besides. */
const marginSeconds = 5;

/** Returns the s from the end of a pod until it is killed. */
export function graceSeconds({ stopMs }: DeployedApp, pauseSeconds = preStopSeconds): number {
  return pauseSeconds + Math.ceil(stopMs / 1_000) + marginSeconds;
}
