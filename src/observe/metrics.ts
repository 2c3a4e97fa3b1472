/** Numbers about a process in Prometheus' text format. Values are read when somebody asks. */

export type Metric = {
  /** Without the prefix `tutti_`; counters end in `_total`. */
  readonly name: string;
  readonly help: string;
  readonly kind: 'counter' | 'gauge';
  readonly values: () => readonly MetricValue[];
};

export type MetricValue = { readonly labels?: Readonly<Record<string, string>>; readonly value: number };

/** The media type of `metricsText`. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export function metricsText(metrics: readonly Metric[]): string {
  return metrics.map(metricText).join('');
}

function metricText({ name, help, kind, values }: Metric): string {
  const full = `tutti_${name}`;
  const lines = values().map(({ labels, value }) => `${full}${labelText(labels)} ${value}`);
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${kind}`, ...lines, ''].join('\n');
}

function labelText(labels: MetricValue['labels']): string {
  if (!labels) return '';
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return `{${pairs.join(',')}}`;
}

const escaped = (value: string): string =>
  value
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`);
