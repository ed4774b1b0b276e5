/**
 * The asking page in a real browser: JavaScript off, at the width of a phone, in both languages,
 * by finger and by keyboard, and judged by axe. UPDATE_IMAGES=1 writes the pictures of the docs.
 */
import { existsSync, mkdirSync } from 'node:fs';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildGatewayServer } from '../src/cli/home.ts';
import type { Server } from '../src/http/instance.ts';
import type { Language } from '../src/model/notice.ts';
import { WORDS } from '../src/pages/words.ts';
import { AskingWorld, sampleNotice } from './asking-world.ts';

const CHROMIUM = [process.env['CHROMIUM_PATH'], '/usr/bin/chromium'].find(
  (path) => path !== undefined && existsSync(path),
);
if (!CHROMIUM) process.stderr.write('skipped: no Chromium at CHROMIUM_PATH or /usr/bin/chromium\n');

const IMAGES = new URL('../docs/images/', import.meta.url).pathname;
const PHONE = { width: 360, height: 740 };
const LANGUAGES: readonly Language[] = ['en', 'zh'];
const TEXT = sampleNotice().texts;

describe.skipIf(!CHROMIUM)('the asking page in a browser', () => {
  let world: AskingWorld;
  let server: Server;
  let url: string;
  let browser: Browser;
  let person = 0;

  beforeAll(async () => {
    world = await AskingWorld.open(20);
    const open = { gateway: world.gateway } as Parameters<typeof buildGatewayServer>[0];
    server = await buildGatewayServer(open, 'http://gateway.test');
    url = await server.listen({ port: 0, host: '127.0.0.1' });
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
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await world?.close();
  });

  const newContext = (language: Language, javaScriptEnabled: boolean): Promise<BrowserContext> =>
    browser.newContext({
      viewport: PHONE,
      javaScriptEnabled,
      locale: language === 'zh' ? 'zh-CN' : 'en-GB',
      hasTouch: true,
    });

  /** A page with its console empty and nothing fetched from elsewhere. */
  async function newPage(context: BrowserContext): Promise<Page> {
    const page = await context.newPage();
    page.on('request', (request) => {
      if (!request.url().startsWith(url)) throw new Error(`fetched ${request.url()}`);
    });
    return page;
  }

  async function ask(): Promise<string> {
    person += 1;
    return `${url}${(await world.ask({ subject_ref: `c${person}` })).path}`;
  }

  /** No violation, looked at with JavaScript on, which the page itself never uses. */
  async function expectAccessible(address: string, language: Language): Promise<void> {
    const context = await newContext(language, true);
    const page = await newPage(context);
    await page.goto(address);
    await expectAxe(page);
    await context.close();
  }

  async function expectAxe(page: Page): Promise<void> {
    const found = await page.evaluate(async (source) => {
      // The policy of the page forbids scripts of its own; the inspector's runs all the same.
      new Function(source)();
      const { axe } = globalThis as unknown as {
        axe: {
          run: (
            options: object,
          ) => Promise<{ violations: { id: string; nodes: unknown[] }[]; passes: unknown[] }>;
        };
      };
      const { violations, passes } = await axe.run({
        runOnly: [
          'wcag2a',
          'wcag2aa',
          'wcag2aaa',
          'wcag21a',
          'wcag21aa',
          'wcag22aa',
          'best-practice',
        ],
      });
      return { violations, passes: passes.length };
    }, axe.source);
    expect(found.violations).toEqual([]);
    expect(found.passes).toBeGreaterThan(10);
  }

  /** It fits: nothing is wider than the phone. Writes the picture when asked to. */
  async function look(page: Page, name: string): Promise<void> {
    const width = await page.locator('html').evaluate((element) => element.scrollWidth);
    expect(width, `${name} is wider than the phone`).toBeLessThanOrEqual(PHONE.width);
    if (process.env['UPDATE_IMAGES'] !== '1') return;
    mkdirSync(IMAGES, { recursive: true });
    await page.screenshot({ path: `${IMAGES}asking-${name}.png`, fullPage: true });
  }

  const choice = (page: Page, purpose: string, name: string) =>
    page.getByRole('group', { name: purpose }).getByRole('radio', { name });

  it.each(LANGUAGES)(
    'asks, is answered, gives a receipt and withdraws, in %s',
    async (language) => {
      const words = WORDS[language];
      const text = TEXT[language];
      const [f1 = '', q1 = ''] = ['F1', 'Q1'].map((code) => text?.purposes[code]?.title);
      const address = await ask();
      const context = await newContext(language, false);
      const page = await newPage(context);
      await page.goto(address);
      expect(await page.title()).toContain(text?.title);
      await look(page, `question-${language}`);
      await expectAccessible(address, language);

      await choice(page, f1, words.approve).check();
      await choice(page, q1, words.refuse).check();
      await page.getByRole('button', { name: words.send }).click();
      await page.getByRole('heading', { name: words.receiptTitle, level: 1 }).waitFor();
      expect(await world.states(`c${person}`)).toEqual({ F1: 'given', Q1: 'refused' });
      await look(page, `receipt-${language}`);
      await expectAccessible(page.url(), language);
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: words.download }).click(),
      ]);
      expect(file.suggestedFilename()).toMatch(/^receipt-[0-9a-f-]{36}\.json$/);

      await page.goto(address);
      await page.getByRole('heading', { name: words.answersTitle, level: 1 }).waitFor();
      await look(page, `answers-${language}`);
      await expectAccessible(address, language);
      await page.getByRole('link', { name: words.withdrawOf(f1) }).click();
      await page.getByRole('heading', { name: words.withdrawTitle }).waitFor();
      await look(page, `withdraw-${language}`);
      await expectAccessible(page.url(), language);
      await page.getByRole('button', { name: words.confirmWithdraw }).click();
      await page.getByRole('heading', { name: words.receiptTitle, level: 1 }).waitFor();
      expect(await world.states(`c${person}`)).toEqual({ F1: 'withdrawn', Q1: 'refused' });
      await context.close();
    },
  );

  it.each(LANGUAGES)('names everything for a screen reader, in %s', async (language) => {
    const words = WORDS[language];
    const context = await newContext(language, false);
    const page = await newPage(context);
    await page.goto(await ask());
    expect(await page.locator('html').getAttribute('lang')).toBe(words.lang);
    const tree = await page.locator('body').ariaSnapshot();
    const groups = tree.split(/- group "/).slice(1);
    const purposes = Object.values(TEXT[language]?.purposes ?? {}).map(({ title }) => title);
    const asked = groups.filter((group) => purposes.some((title) => group.includes(title)));
    expect(asked).toHaveLength(2);
    for (const group of asked) {
      expect(group).toContain(`radio "${words.approve}"`);
      expect(group).toContain(`radio "${words.refuse}"`);
      expect(group).not.toContain('[checked]');
    }
    expect(tree).toContain('- banner:');
    expect(tree).toContain('- main:');
    expect(tree).toContain('- contentinfo:');
    // The two choices look the same and are large enough to be tapped.
    const boxes = await Promise.all(
      [words.approve, words.refuse].map((name) =>
        page.locator('label.choice', { hasText: name }).first().boundingBox(),
      ),
    );
    expect(boxes[0]?.height).toBe(boxes[1]?.height);
    expect(boxes[0]?.width).toBe(boxes[1]?.width);
    expect(boxes[0]?.height).toBeGreaterThanOrEqual(48);
    await context.close();
  });

  it('can be answered by keyboard alone', async () => {
    const context = await newContext('en', false);
    const page = await newPage(context);
    await page.goto(await ask());
    const focused = () => page.locator(':focus');
    await page.keyboard.press('Tab'); // The other language.
    expect(await focused().textContent()).toBe(WORDS.zh.name);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space'); // The first choice of the first question.
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowRight'); // The second choice of the second question.
    await page.keyboard.press('Tab');
    expect(await focused().textContent()).toBe(WORDS.en.send);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: WORDS.en.receiptTitle, level: 1 }).waitFor();
    expect(await world.states(`c${person}`)).toEqual({ F1: 'given', Q1: 'refused' });
    await context.close();
  });

  it('says which question was left out, and keeps what was chosen', async () => {
    const context = await newContext('en', true);
    const page = await newPage(context);
    const address = await ask();
    await page.goto(address);
    const [f1 = ''] = [TEXT.en?.purposes['F1']?.title];
    await choice(page, f1, WORDS.en.refuse).check();
    await page.locator('form').evaluate((form) => form.setAttribute('novalidate', ''));
    await page.getByRole('button', { name: WORDS.en.send }).click();
    await page.getByRole('alert').waitFor();
    expect(await choice(page, f1, WORDS.en.refuse).isChecked()).toBe(true);
    await expectAxe(page);
    await context.close();
  });

  it.each(LANGUAGES)('has a page for a link that does not open, in %s first', async (language) => {
    const context = await newContext(language, false);
    const page = await newPage(context);
    const address = `${url}/ask/${'A'.repeat(43)}`;
    const answer = await page.goto(address);
    expect(answer?.status()).toBe(404);
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe(
      WORDS[language].failures.not_found[0],
    );
    await look(page, `closed-${language}`);
    await expectAccessible(address, language);
    await context.close();
  });

  it('changes the language by the link on the page', async () => {
    const context = await newContext('en', false);
    const page = await newPage(context);
    await page.goto(await ask());
    await page.getByRole('link', { name: WORDS.zh.name }).click();
    await page.getByRole('heading', { name: TEXT.zh?.title ?? '' }).waitFor();
    await context.close();
  });
});
