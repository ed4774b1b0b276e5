/**
 * A person's own pages in a real browser: JavaScript off, at the width of a phone and of a desk,
 * in both languages, judged by axe. UPDATE_IMAGES=1 writes the pictures of the docs.
 */
import { existsSync, mkdirSync } from 'node:fs';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalogueCard } from '../src/evaluation/sample-catalogue-card.ts';
import type { Language } from '../src/model/notice.ts';
import { addMonths } from '../src/model/period.ts';
import { ME_WORDS } from '../src/pages/me-words.ts';
import { WORDS } from '../src/pages/words.ts';
import { listDisputes, openDispute } from '../src/registry/disputes.ts';
import { addScorecard, promoteScorecard } from '../src/registry/scorecards.ts';
import { PersonWorld } from './person-world.ts';

const CHROMIUM = [process.env['CHROMIUM_PATH'], '/usr/bin/chromium'].find(
  (path) => path !== undefined && existsSync(path),
);
if (!CHROMIUM) process.stderr.write('skipped: no Chromium at CHROMIUM_PATH or /usr/bin/chromium\n');

const IMAGES = new URL('../docs/images/', import.meta.url).pathname;
const WIDTHS = { phone: { width: 360, height: 740 }, desk: { width: 1200, height: 900 } };
const LANGUAGES: readonly Language[] = ['en', 'zh'];
/** Enough months for a grid that says something. */
const PERIODS = Array.from({ length: 15 }, (_, index) => addMonths('2025-01', index));
/** Pages that are shown in the docs. */
const SHOWN = ['score-en', 'overview-en', 'account-zh', 'looks-en', 'dispute-zh'];

describe.skipIf(!CHROMIUM)('own pages in a browser', () => {
  let world: PersonWorld;
  let browser: Browser;

  beforeAll(async () => {
    world = await PersonWorld.open('pglite', 'person_browser', {
      periods: PERIODS,
      columns: { agreement_ref: 'A-1', agreement_limit_minor: '500000' },
    });
    browser = await chromium.launch({
      executablePath: CHROMIUM ?? '',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await world?.close();
  });

  const newContext = (
    language: Language,
    over: { readonly javaScriptEnabled: boolean; readonly size: keyof typeof WIDTHS },
  ): Promise<BrowserContext> =>
    browser.newContext({
      viewport: WIDTHS[over.size],
      javaScriptEnabled: over.javaScriptEnabled,
      locale: language === 'zh' ? 'zh-CN' : 'en-GB',
    });

  /** Nothing is fetched from elsewhere. */
  async function newPage(context: BrowserContext): Promise<Page> {
    const page = await context.newPage();
    page.on('request', (request) => {
      if (!request.url().startsWith(world.pair.url)) throw new Error(`fetched ${request.url()}`);
    });
    return page;
  }

  async function expectAxe(page: Page, name: string): Promise<void> {
    const found = await page.evaluate(async (source) => {
      // The policy of the page forbids scripts of its own; the inspector's runs all the same.
      new Function(source)();
      const { axe } = globalThis as unknown as {
        axe: { run: (options: object) => Promise<{ violations: object[]; passes: unknown[] }> };
      };
      const runOnly = ['wcag2a', 'wcag2aa', 'wcag2aaa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
      const { violations, passes } = await axe.run({ runOnly: [...runOnly, 'best-practice'] });
      return { violations, passes: passes.length };
    }, axe.source);
    expect(found.violations, name).toEqual([]);
    expect(found.passes).toBeGreaterThan(10);
  }

  /** It fits. Writes the picture when asked to. */
  async function look(page: Page, name: string, size: keyof typeof WIDTHS): Promise<void> {
    const width = await page.locator('html').evaluate((element) => element.scrollWidth);
    expect(width, `${name} is too wide`).toBeLessThanOrEqual(WIDTHS[size].width);
    const folder = process.env['SHOTS'] ?? (process.env['UPDATE_IMAGES'] === '1' ? IMAGES : null);
    const isWanted =
      process.env['SHOTS'] !== undefined || (SHOWN.includes(name) && size === 'phone');
    if (folder === null || !isWanted) return;
    mkdirSync(folder, { recursive: true });
    const suffix = process.env['SHOTS'] === undefined ? '' : `-${size}`;
    await page.screenshot({ path: `${folder}/person-${name}${suffix}.png`, fullPage: true });
  }

  /** Every page, once in each width, judged once with JavaScript on, which it never uses. */
  async function visit(
    language: Language,
    pages: readonly (readonly [name: string, path: string])[],
    n: number,
  ): Promise<void> {
    for (const size of ['phone', 'desk'] as const) {
      const context = await newContext(language, { javaScriptEnabled: true, size });
      const token = await world.enter(n);
      await context.addCookies([{ name: 'assent', value: token, url: world.pair.url }]);
      const page = await newPage(context);
      for (const [name, path] of pages) {
        await page.goto(`${world.pair.url}${path}`);
        expect(await page.locator('html').getAttribute('lang')).toBe(WORDS[language].lang);
        await look(page, `${name}-${language}`, size);
        await expectAxe(page, `${name} in ${language} on a ${size}`);
      }
      await context.close();
    }
  }

  /** The one dispute of borrower `n`, opened when there is none. */
  async function disputeOf(n: number): Promise<string> {
    const { registry } = world.pair;
    const { subject_id, account_id } = await world.account(n);
    const [known] = await listDisputes(registry, subject_id);
    if (known) return known.dispute_id;
    const claim = {
      ...{ field: 'days_past_due', account_id, period: '2026-03', claimed_value: '0' },
      evidence: [Buffer.from('%PDF-1.7 a receipt')],
    };
    return (await openDispute(registry, subject_id, { claims: [claim] })).dispute_id;
  }

  it.each(LANGUAGES)(
    'show the score with what cost points and what would help, in %s',
    async (language) => {
      const { registry } = world.pair;
      const by = { party: registry.registry_id, why: 'a test' };
      const card = catalogueCard();
      const { scorecard_id, version, state } = await addScorecard(registry, card, 'report', by);
      for (const to of ['shadow', 'active'] as const)
        if (state === 'draft')
          await promoteScorecard(registry, { scorecard_id, version, to, by, sign_off: false });
      const lang = `?lang=${language}`;
      const tried = '&change=utilisation&to=9000';
      await visit(
        language,
        [
          ['score', `/me/score${lang}`],
          ['score-tried', `/me/score${lang}${tried}`],
        ],
        1,
      );
    },
    180_000,
  );

  it.each(LANGUAGES)(
    'are accessible and fit, in %s',
    async (language) => {
      const lang = `?lang=${language}`;
      const id = '00000000-0000-4000-8000-000000000001';
      const { account_id } = await world.account(1);
      const ticket = await world.ticket(1);
      await visit(
        language,
        [
          ['enter', `/me/enter/${ticket}${lang}`],
          ['overview', `/me${lang}`],
          ['file', `/me/file${lang}`],
          ['account', `/me/file/${account_id}${lang}`],
          ['looks', `/me/looks${lang}`],
          ['approvals', `/me/authorisations${lang}`],
          ['withdraw', `/me/authorisations/${id}/withdraw${lang}`],
          ['messages', `/me/messages${lang}`],
          ['disputes', `/me/disputes${lang}`],
          ['dispute', `/me/disputes/${await disputeOf(1)}${lang}`],
          ['claim', `/me/disputes/new${lang}&account=${account_id}&period=2026-03`],
          ['statement', `/me/statement${lang}`],
          ['protection', `/me/protection${lang}`],
          ['identity', `/me/identity${lang}`],
          ['erasure', `/me/identity/erasure${lang}`],
          ['download', `/me/download${lang}`],
          ['left', `/me/left${lang}`],
        ],
        1,
      );
    },
    120_000,
  );

  it.each(LANGUAGES)(
    'lead from the ticket to withdrawing and out again, in %s',
    async (language) => {
      const words = ME_WORDS[language];
      const n = language === 'en' ? 0 : 1;
      const context = await newContext(language, { javaScriptEnabled: false, size: 'phone' });
      const page = await newPage(context);
      await page.goto(`${world.pair.url}/me/enter/${await world.ticket(n)}`);
      await page.getByRole('button', { name: words.enter }).click();
      await page.getByRole('heading', { name: words.title, level: 1 }).waitFor();
      await page.getByRole('link', { name: words.nav.authorisations }).click();
      await page.getByRole('link', { name: words.withdraw }).first().click();
      await page.getByRole('button', { name: WORDS[language].confirmWithdraw }).click();
      await page.getByText(words.withdrawn).waitFor();
      await page.getByRole('link', { name: words.nav.download }).click();
      await page.getByRole('button', { name: words.issue }).click();
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: words.asPdf(WORDS[language].name) }).click(),
      ]);
      expect(file.suggestedFilename()).toMatch(/^credit-report-[0-9a-f-]{36}-(en|zh)\.pdf$/);
      if (process.env['SHOTS']) await file.saveAs(`${process.env['SHOTS']}/report-${language}.pdf`);
      await page.getByRole('button', { name: words.leave }).click();
      await page.getByRole('heading', { name: words.leftTitle }).waitFor();
      await page.goto(`${world.pair.url}/me`);
      await page.getByRole('heading', { name: words.failures.session[0] }).waitFor();
      await context.close();
    },
  );
});
