import { METRICS } from '../../server/machine/metric-table.ts'
import { code, codes, markdown, type Page, table, WRITTEN } from './markdown.ts'

export function metricsPage(): Page {
  return {
    path: 'reference/metrics.md',
    text: markdown([
      '# Metrics',
      `\`GET /metrics\` answers in the text format of Prometheus. ${WRITTEN}`,
      `It needs a control key (\`Authorization: Bearer KEY\`), unless the server was started with \`--metrics-open\`
([settings](settings.md)). No id is ever a label: \`route\` is a template of [routes](routes.md), and \`code\` one of the
[troubles](errors.md#troubles).`,
      table(
        ['metric', 'type', 'labels', 'meaning'],
        Object.entries(METRICS).map(([name, { type, labels, help }]) => [
          code(name),
          type,
          codes(labels),
          help,
        ]),
      ),
      `The process's own metrics, \`process_*\` and \`nodejs_*\`, are those of \`prom-client\`.`,
      `Alert on \`rescind_store_broken\`, \`rescind_troubles\`, \`rescind_index_differences\` and
\`rescind_index_removed_early_total\` above 0, and on 503s in \`rescind_answers_total\`.`,
    ]),
  }
}
