/** `assent gateway …` for the life of an authorisation: sweep, notices, death, explain, export. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Parties, Party } from '../authorisation/export-ts27560.ts';
import { recordDeath } from '../gateway/death.ts';
import { type Explanation, explainAccount, explainSubject } from '../gateway/explain.ts';
import { exportAuthorisation } from '../gateway/exports.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { NOTICE_COLUMNS, noticePages } from '../gateway/notices-due.ts';
import { sweep } from '../gateway/sweep.ts';
import { AssentError } from '../model/error.ts';
import { momentOf } from './arguments.ts';
import { printCsv } from './csv-lines.ts';
import { type GatewayOptions, gatewayOptions, withGateway } from './gateway-home.ts';
import { configureGateway } from './home.ts';
import { print, printJsonPages, table } from './print.ts';
import { progressBar } from './progress.ts';

const HOUR_MS = 3_600_000;

/** Sweeps now and every hour; the answer stops it and waits for the running one. */
export function sweepHourly(gateway: Gateway): () => Promise<void> {
  let running: Promise<unknown> = Promise.resolve();
  const run = () => {
    running = running
      .then(() => sweep(gateway))
      .catch((error: unknown) => {
        const code = error instanceof AssentError ? error.code : 'internal_error';
        process.stderr.write(`sweep failed: ${code}; it is run again in an hour\n`);
      });
  };
  run();
  const timer = setInterval(run, HOUR_MS);
  return async () => {
    clearInterval(timer);
    await running;
  };
}

function addSweepCommands(gateway: Command): void {
  gatewayOptions(gateway.command('sweep'))
    .description('end what time has ended, and list who is to be told; safe to run at any time')
    .action((options: GatewayOptions) =>
      withGateway(options, async ({ gateway: g }) =>
        print(await sweep(g, progressBar()), options.json === true, (report) =>
          table(['what', 'count'], Object.entries(report)),
        ),
      ),
    );
  gatewayOptions(gateway.command('expiry-notices'))
    .description('who is to be told that an approval ends or has ended, as CSV')
    .option('--after <position>', 'only those after this position', '0')
    .action((options: GatewayOptions & { after: string }) =>
      withGateway(options, async ({ gateway: g }) => {
        const pages = noticePages(g.db, Number(options.after));
        if (options.json) await printJsonPages(pages);
        else await printCsv(pages, NOTICE_COLUMNS);
      }),
    );
  gatewayOptions(gateway.command('death <subject_ref>'))
    .description('record that a borrower died: nothing of theirs stays in force')
    .requiredOption('--evidence-sha256 <hash>', 'SHA-256 of the certificate that the lender keeps')
    .option('--mistaken', 'the death was a mistake: the person can be asked again')
    .action(
      (ref: string, options: GatewayOptions & { evidenceSha256: string; mistaken?: boolean }) =>
        withGateway(options, async ({ gateway: g }) => {
          const report = await recordDeath(g, {
            subject_ref: ref,
            evidence_sha256: options.evidenceSha256,
            mistaken: options.mistaken === true,
          });
          print(
            report,
            options.json === true,
            (r) => `${r.result}; authorisations ended: ${r.ended}`,
          );
        }),
    );
}

type Language = 'en' | 'zh';

/** An explanation for people, in words of the language. */
export function showExplanation(explanation: Explanation, language: Language): string {
  const rows = explanation.rows.map((row) => {
    const failed = row.candidates.map(
      ({ authorisation_id, check, words }) =>
        `  ${authorisation_id}: ${check === null ? 'ok' : `✗ ${check}`} (${words[language]})`,
    );
    const barred = row.barred_by === null ? [] : [`  ✗ ${row.barred_by}`];
    const decision = row.reason ?? `released under ${row.authorisation_id}`;
    const head = `${row.account_ref} ${row.period}: ${decision}. ${row.words[language]}`;
    return [head, ...barred, ...failed].join('\n');
  });
  const events = explanation.authorisations.flatMap((each) =>
    each.events.map((event) => [
      each.authorisation_id,
      each.purpose,
      event.type,
      event.at,
      event.recorded_at,
      event.by_party,
      event.reason,
      event.hash.slice(0, 16),
    ]),
  );
  const head = ['authorisation', 'purpose', 'event', 'at', 'recorded', 'by', 'reason', 'hash'];
  return `as of ${explanation.moment}, law ${explanation.profile ?? '–'}\n\n${rows.join('\n')}\n${
    events.length > 0 ? table(head, events) : ''
  }`;
}

function addExplainCommands(gateway: Command): void {
  gatewayOptions(gateway.command('explain [account] [period]'))
    .description('why a row is released or withheld: the checks, the approvals and their events')
    .option('--subject <subject_ref>', 'every account and period of a person')
    .option('--at <moment>', 'as of a past moment (ISO 8601)', momentOf)
    .option('--language <code>', 'en or zh', 'en')
    .action(
      (
        account: string | undefined,
        period: string | undefined,
        options: GatewayOptions & { subject?: string; at?: Date; language: string },
      ) =>
        withGateway(options, async ({ gateway: g }) => {
          const moment = options.at ?? g.now();
          const { language, subject } = options;
          if (language !== 'en' && language !== 'zh')
            throw new AssentError('argument_invalid', { detail: '--language is en or zh' });
          if (subject === undefined && (account === undefined || period === undefined))
            throw new AssentError('argument_invalid', {
              detail: 'name an account and a period, or --subject',
            });
          const explanation =
            subject === undefined
              ? await explainAccount(g, account ?? '', period ?? '', moment)
              : await explainSubject(g, subject, moment);
          print(explanation, options.json === true, (each) => showExplanation(each, language));
        }),
    );
  gatewayOptions(gateway.command('export <authorisation_id>'))
    .description('an authorisation as JSON in the form of a standard')
    .requiredOption('--as <form>', 'ts27560, rebit or rfc9396')
    .action((id: string, options: GatewayOptions & { as: string }) =>
      withGateway(options, async ({ gateway: g }) =>
        print(await exportAuthorisation(g, id, options.as), true, String),
      ),
    );
}

interface PartyOptions extends GatewayOptions {
  readonly address?: string;
  readonly contact?: string;
  readonly email?: string;
  readonly url?: string;
  readonly phone?: string;
  readonly recipientName?: string;
  readonly recipientAddress?: string;
  readonly recipientContact?: string;
  readonly storageLocation?: readonly string[];
  readonly jurisdiction?: string;
}

/** Only what was said. */
function said<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}

function partiesOf(options: PartyOptions): Parties {
  const provider: Party = said({
    address: options.address,
    contact: options.contact,
    email: options.email,
    url: options.url,
    phone: options.phone,
  });
  const recipient: Party = said({
    name: options.recipientName,
    address: options.recipientAddress,
    contact: options.recipientContact,
  });
  const countries = [...(options.storageLocation ?? []), options.jurisdiction ?? 'CN'];
  if (!countries.every((each) => /^[A-Z]{2}$/.test(each)))
    throw new AssentError('argument_invalid', {
      detail: 'a country is two capital letters (ISO 3166-1)',
    });
  return {
    ...said({ storage_locations: options.storageLocation, jurisdiction: options.jurisdiction }),
    ...(Object.keys(provider).length > 0 ? { provider } : {}),
    ...(Object.keys(recipient).length > 0 ? { recipient } : {}),
  };
}

/** Adds the commands of the life cycle to those of the gateway. */
export function addLifeCycleCommands(gateway: Command): void {
  addSweepCommands(gateway);
  addExplainCommands(gateway);
  gatewayOptions(gateway.command('configure'))
    .description('what exports say of the lender, its recipients and where the data is stored')
    .option('--address <text>', "the lender's address")
    .option('--contact <text>', 'whom a borrower can turn to')
    .option('--email <text>', "the lender's e-mail address")
    .option('--url <url>', "the lender's site")
    .option('--phone <text>', "the lender's telephone")
    .option('--recipient-name <text>', 'the registry')
    .option('--recipient-address <text>', 'its address')
    .option('--recipient-contact <text>', 'whom a borrower can turn to there')
    .option('--storage-location <country...>', 'where the data is stored (ISO 3166-1 alpha-2)')
    .option('--jurisdiction <country>', 'whose law applies, for the profile STRICT')
    .action((options: PartyOptions) => {
      const parties = configureGateway(resolve(options.home), partiesOf(options));
      print(parties, true, String);
    });
}
