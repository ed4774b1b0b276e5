/** `assent gateway …`: the gate, the hand-over, and what became of it. */
import type { Command } from 'commander';
import { type Coverage, coverage } from '../gateway/coverage.ts';
import { explainAccount } from '../gateway/explain.ts';
import { bookPeriods, previewGate } from '../gateway/gate.ts';
import { type HandOverReport, handOver } from '../gateway/hand-over.ts';
import {
  findReceipt,
  HAND_OVER_STATES,
  type HandOverLine,
  listHandOvers,
  requirePeriod,
  type SignedReceipt,
} from '../gateway/hand-overs.ts';
import type { Outcome } from '../wire/part.ts';
import { countOf, momentOf, periodOf } from './arguments.ts';
import { type GatewayOptions, gatewayOptions, withGateway } from './gateway-home.ts';
import type { OpenGateway } from './home.ts';
import { showExplanation } from './life-cycle-commands.ts';
import { countsText, outcomeTable, percent, print, table } from './print.ts';
import { progressBar } from './progress.ts';

const sum = (counts: Readonly<Record<string, number>>) =>
  Object.values(counts).reduce((total, n) => total + n, 0);

function addGate(gateway: Command): void {
  gatewayOptions(gateway.command('gate'))
    .argument('<period>', 'YYYY-MM', periodOf)
    .description('preview the gate: what would be released, what withheld and why')
    .option('--at <moment>', 'decide as of a past moment (ISO 8601)', momentOf)
    .option('--account <number>', 'explain one account (see `gateway explain`)')
    .action((period: string, options: GatewayOptions & { at?: Date; account?: string }) =>
      withGateway(options, async ({ gateway: g }) => {
        const moment = options.at ?? g.now();
        await requirePeriod(g.db, period);
        if (options.account !== undefined) {
          const explanation = await explainAccount(g, options.account, period, moment);
          print(explanation, options.json === true, (each) => showExplanation(each, 'en'));
          return;
        }
        print(await previewGate(g, period, moment), options.json === true, (gate) =>
          table(
            ['decision', 'rows'],
            [
              ['in scope', gate.in_scope],
              ['released', gate.released],
              ...Object.entries(gate.withheld).map(
                ([reason, n]) => [`withheld: ${reason}`, n] as const,
              ),
            ],
          ),
        );
      }),
    );
}

/** Where to look when the registry did not take every row. */
function notTaken(id: string | null, month: Outcome | undefined): string {
  const parts = (['rejected', 'held', 'refused'] as const)
    .filter((outcome) => (month?.[outcome] ?? 0) > 0)
    .map((outcome) => `${outcome} ${month?.[outcome].toLocaleString('en')}`);
  return parts.length === 0 ? '' : `, ${parts.join(', ')} (assent gateway faults ${id})`;
}

function showReport(report: HandOverReport): string {
  const month = report.receipt?.outcomes.month;
  const counts = {
    'in scope': report.in_scope,
    'already handed over': report.already_handed_over,
    sent: month?.declared ?? 0,
    accepted: month?.accepted ?? 0,
    withheld: sum(report.withheld),
  };
  const texts = Object.entries(counts).map(([name, n]) => `${name} ${n.toLocaleString('en')}`);
  return `${report.period}: ${report.state}, ${texts.join(', ')}${notTaken(report.handover_id, month)}`;
}

/** Each period is shown when it has ended; as JSON they are one list, of those ended so far too. */
async function handOverPeriods(
  open: OpenGateway,
  periods: readonly string[],
  asJson: boolean,
): Promise<void> {
  const reports: HandOverReport[] = [];
  try {
    for (const period of periods) {
      const report = await handOver(open.gateway, open.link(), period, progressBar());
      reports.push(report);
      if (!asJson) print(report, false, showReport);
    }
  } finally {
    if (asJson) print(reports, true, String);
  }
}

function addHandOver(gateway: Command): void {
  gatewayOptions(gateway.command('hand-over'))
    .argument('[period]', 'YYYY-MM; without it, every period of the book', periodOf)
    .description('hand a period over, or go on with one that was interrupted')
    .action((period: string | undefined, options: GatewayOptions) =>
      withGateway(options, async (open) => {
        if (period !== undefined) await requirePeriod(open.gateway.db, period);
        const periods = period === undefined ? await bookPeriods(open.gateway.db) : [period];
        await handOverPeriods(open, periods, options.json === true);
      }),
    );
  gatewayOptions(gateway.command('hand-overs'))
    .argument('[period]', 'YYYY-MM; without it, of every period', periodOf)
    .description('list what was handed over, newest first, and how it ended')
    .option('--limit <n>', 'how many at most', countOf('--limit'), 100)
    .action((period: string | undefined, options: GatewayOptions & { limit: number }) =>
      withGateway(options, async ({ gateway: g }) =>
        print(
          await listHandOvers(g.db, period ?? null, options.limit),
          options.json === true,
          showHandOvers,
        ),
      ),
    );
}

function showHandOvers(lines: readonly HandOverLine[]): string {
  const drawn = table(
    ['hand-over', 'period', 'decided at', 'state', 'in scope', 'released', 'accepted', 'not taken'],
    lines.map((line) => {
      const month = line.outcomes?.month;
      return [
        line.handover_id,
        line.period,
        line.decided_at.toISOString().slice(0, 16),
        line.state,
        line.in_scope,
        line.released,
        month?.accepted ?? null,
        month ? month.rejected + month.held + month.refused : null,
      ];
    }),
  );
  const met = [...new Set(lines.map((line) => line.state))];
  return [drawn, ...met.map((state) => `  ${state}: ${HAND_OVER_STATES[state]}`)].join('\n');
}

function showCoverage(lines: readonly Coverage[]): string {
  return table(
    [
      'period',
      'in scope',
      'eligible',
      'authorised',
      'handed over',
      'of in scope',
      'of eligible',
      'of authorised',
      'withheld now, by reason',
    ],
    lines.map((line) => [
      line.period,
      line.in_scope,
      line.eligible,
      line.authorised,
      line.handed_over,
      percent(line.of_in_scope),
      percent(line.of_eligible),
      percent(line.of_authorised),
      countsText(line.withheld),
    ]),
  );
}

function showReceipt({ handover_id, receipt, compact }: SignedReceipt): string {
  const { outcomes, merkle } = receipt;
  return `hand-over ${handover_id}, period ${receipt.period}
signed by ${receipt.iss} at ${new Date(receipt.iat * 1000).toISOString()} (signature checked)
profile ${receipt.profile}, rules ${receipt.rule_set_version}, Merkle root over ${merkle.size.toLocaleString('en')} months ${merkle.root}
${outcomeTable(outcomes, 'sent')}
${compact}`;
}

/** Adds the commands to `assent gateway`. */
export function addHandOverCommands(gateway: Command): void {
  addGate(gateway);
  addHandOver(gateway);
  gatewayOptions(gateway.command('coverage'))
    .argument('[period]', 'YYYY-MM; without it, every period of the book', periodOf)
    .description('how much went, against both denominators, and why the rest stayed')
    .action((period: string | undefined, options: GatewayOptions) =>
      withGateway(options, async ({ gateway: g }) => {
        if (period !== undefined) await requirePeriod(g.db, period);
        print(await coverage(g, period ?? null), options.json === true, showCoverage);
      }),
    );
  gatewayOptions(gateway.command('receipt'))
    .argument('<period>', 'YYYY-MM', periodOf)
    .description('the newest receipt of a period: what it says, and the signed text itself')
    .option('--compact', 'print the signed text (JWS) alone, for a file')
    .action((period: string, options: GatewayOptions & { compact?: boolean }) =>
      withGateway(options, async (open) => {
        const signed = await findReceipt(open.gateway.db, period, open.link().keys);
        if (options.compact) process.stdout.write(`${signed.compact}\n`);
        else print(signed, options.json === true, showReceipt);
      }),
    );
}
