/** The fonts of printed reports: Noto Sans Hans (OFL-1.1) from its package, read once. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Fonts } from '../pages/report-pdf.ts';

const require = createRequire(import.meta.url);
let loading: Promise<Fonts> | null = null;

async function load(): Promise<Fonts> {
  const main = require.resolve('@embedpdf/fonts-sc');
  const file = (weight: string) =>
    readFile(join(dirname(main), '..', 'fonts', `NotoSansHans-${weight}.otf`));
  const [regular, bold] = await Promise.all([file('Regular'), file('Bold')]);
  return { regular, bold };
}

/** Both weights; 17 MB, kept from the first report on. */
export function reportFonts(): Promise<Fonts> {
  loading ??= load();
  return loading;
}
