/** `assent gateway what-if`: what a compliance officer asks about the law. */
import type { Command } from 'commander';
import { type CoverageThen, type ProductWhatIf, type WhatIf, whatIf } from '../gateway/what-if.ts';
import { AssentError } from '../model/error.ts';
import { type GatewayOptions, gatewayOptions, withGateway } from './gateway-home.ts';
import { percent, print, table } from './print.ts';

const VERDICTS: Readonly<Record<WhatIf['worth']['verdict'], string>> = {
  valid: 'valid as they are',
  flagged: 'flagged: valid only with what they need, and the supervisor sees the share',
  void: 'void: they authorise nothing, so coverage stays what it is without the condition',
};

const covered = ({ accounts, of_in_scope, of_eligible }: CoverageThen) => [
  accounts,
  percent(of_in_scope),
  percent(of_eligible),
];

function showCoverage({ product, coverage, would_lose, at_accept_rate }: ProductWhatIf) {
  const lose = (count: { persons: number; accounts: number }) => [count.persons, count.accounts];
  return [
    [product, 'today', ...covered(coverage.today), null, null],
    ['', 'that day, unchanged', ...covered(coverage.unchanged), null, null],
    ['', 'all approve', ...covered(coverage.if_all_approve), 0, 0],
    ['', 'at the accept rate', ...covered(coverage.at_accept_rate), ...lose(at_accept_rate.lose)],
    ['', 'none approves', ...covered(coverage.unchanged), ...lose(would_lose)],
  ];
}

function showStanding({ product, in_scope, eligible, standing, would_lose }: ProductWhatIf) {
  return [
    [product, 'in scope', in_scope.persons, in_scope.accounts, null, null],
    ['', 'eligible', eligible.persons, eligible.accounts, null, null],
    ...Object.entries(standing).map(([reason, { persons, accounts }]) => {
      const lose = would_lose.by_reason[reason];
      return ['', reason, persons, accounts, lose?.persons ?? 0, lose?.accounts ?? 0];
    }),
  ];
}

function showBalances({ product, would_lose }: ProductWhatIf) {
  return would_lose.balances.map(({ currency, balance_minor }) => [
    product,
    currency,
    balance_minor,
  ]);
}

function show(answer: WhatIf): string {
  const { profile, from, period, accept_rate, worth } = answer;
  // A book of one product is that product.
  const products = answer.products.filter(
    ({ product }) => product !== 'all' || answer.products.length > 2,
  );
  const needs = worth.needs.length > 0 ? `\nthey need: ${worth.needs.join(', ')}` : '';
  return [
    `approval as a condition of service from ${from} under ${profile}, period ${period}`,
    `such approvals would be ${VERDICTS[worth.verdict]}${needs}\nsource: ${worth.source}`,
    table(
      [
        'product',
        `accept rate ${percent(accept_rate)}`,
        'covered',
        'of in scope',
        'of eligible',
        'persons who lose it',
        'accounts',
      ],
      products.flatMap(showCoverage),
    ),
    table(
      ['product', 'standing on that day', 'persons', 'accounts', 'would lose: persons', 'accounts'],
      products.flatMap(showStanding),
    ),
    table(
      ['product', 'currency', 'outstanding of who would lose, minor units'],
      products.flatMap(showBalances),
    ),
  ].join('\n');
}

function rateOf(text: string): number {
  const rate = Number(text);
  if (text.trim() === '' || !Number.isFinite(rate))
    throw new AssentError('argument_invalid', { detail: '--accept-rate is no number' });
  return rate;
}

/** Adds the compliance officer's commands. */
export function addComplianceCommands(gateway: Command): void {
  gatewayOptions(gateway.command('what-if'))
    .description(
      'if approval became a condition of service: coverage, who would lose the product, ' +
        'what such approvals would be worth',
    )
    .requiredOption('--profile <name>', 'the law: CN, US, EU, UK, IN or STRICT')
    .requiredOption('--from <day>', 'first day of the condition, YYYY-MM-DD')
    .option('--accept-rate <share>', 'share of those asked who approve, 0 to 1', '1')
    .option('--period <period>', 'YYYY-MM; default: the newest of the book')
    .action(
      (
        options: GatewayOptions & {
          profile: string;
          from: string;
          acceptRate: string;
          period?: string;
        },
      ) =>
        withGateway(options, async ({ gateway: g }) => {
          const question = {
            profile: options.profile,
            from: options.from,
            accept_rate: rateOf(options.acceptRate),
            period: options.period ?? null,
          };
          print(await whatIf(g, question), options.json === true, show);
        }),
    );
}
