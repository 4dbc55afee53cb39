import type { System } from './system.ts';

/** An object of Kubernetes. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [key: string]: unknown;
}

/** The label that selects the pods of an app. */
export function selectorOf(app: string): Record<string, string> {
  return { 'app.kubernetes.io/name': app };
}

export function labelsOf({ namespace }: System, app: string): Record<string, string> {
  return { ...selectorOf(app), 'app.kubernetes.io/part-of': namespace };
}
