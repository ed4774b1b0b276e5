/** The scorecard commands as a person runs them: fit, report, score, monitor, compare, exchange. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { main } from '../src/cli/commands.ts';
import { randomOf } from '../src/evaluation/random.ts';

const folder = mkdtempSync(join(tmpdir(), 'assent-scorecard-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const isFile = (word: string) => /\.(csv|json|html|pmml)$/.test(word);

async function assent(...words: string[]) {
  const said = { stdout: '', stderr: '' };
  const keep = (to: 'stdout' | 'stderr') => (text: unknown) => {
    said[to] += String(text);
    return true;
  };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation(keep('stdout') as never);
  const err = vi.spyOn(process.stderr, 'write').mockImplementation(keep('stderr') as never);
  process.exitCode = 0;
  try {
    const placed = words.map((word) => (isFile(word) ? join(folder, word) : word));
    await main(['node', 'assent', 'scorecard', ...placed]);
    return { ...said, status: Number(process.exitCode) };
  } finally {
    process.exitCode = 0;
    out.mockRestore();
    err.mockRestore();
  }
}

function sampleCsv(seed: number): string {
  const random = randomOf(seed);
  const lines = Array.from({ length: 1200 }, (_, at) => {
    const late = Math.floor(random() * 5);
    const enquiries = Math.floor(random() * 8);
    const bad = random() < 0.05 + 0.1 * late + 0.04 * enquiries ? 'bad' : 'good';
    return `"no ${at}";${late};${enquiries};${bad}`;
  });
  return `client;months_late;enquiries;outcome\n${lines.join('\n')}\n`;
}

const FIT = [
  '--csv',
  'a.csv',
  '--target',
  'outcome',
  '--id',
  'client',
  '--seeds',
  '1',
  '--no-compare',
];

describe('scorecard', () => {
  beforeAll(async () => {
    writeFileSync(join(folder, 'a.csv'), sampleCsv(1));
    writeFileSync(join(folder, 'b.csv'), sampleCsv(2));
    const made = await assent('fit', ...FIT, '--out', 'card.json', '--report', 'report.html');
    expect(made.stderr).toBe('');
    expect(made.stdout).toMatch(/this card \(2 characteristics\).*measured in this run/);
  });

  it('fit prints one JSON document for machines', async () => {
    const made = JSON.parse((await assent('fit', ...FIT, '--json')).stdout);
    expect(made).toMatchObject({ rows: 1200, comparison: [{ from: 'measured in this run' }] });
    expect(made.card_sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('score names every row, its range and its reasons', async () => {
    const { stdout } = await assent(
      'score',
      '--card',
      'card.json',
      '--csv',
      'b.csv',
      '--id',
      'client',
    );
    const lines = stdout.trimEnd().split('\r\n');
    expect(lines).toHaveLength(1201);
    expect(lines[0]).toBe(
      '\ufeffrow,score,range_from,range_to,bad_ppm,reason_1,reason_2,reason_3,reason_4,reason_5',
    );
    expect(lines[1]).toMatch(/^no 0,\d+,\d+,\d+,\d+/);
    expect(stdout).toContain('MONTHS_LATE');
  });

  it('report and monitor judge it on people of later', async () => {
    const shared = ['--card', 'card.json', '--csv', 'b.csv', '--target', 'outcome'];
    expect((await assent('report', ...shared, '--out', 'later.html')).stdout).toMatch(/AUC 0\.\d+/);
    expect(readFileSync(join(folder, 'later.html'), 'utf8')).toContain('a sample of its own');
    const seen = JSON.parse((await assent('monitor', ...shared, '--json')).stdout);
    expect(seen).toMatchObject({
      people: 1200,
      score: { light: 'green' },
      performance: { light: 'green' },
    });
  });

  it('compare blocks what moves scores', async () => {
    const card = JSON.parse(readFileSync(join(folder, 'card.json'), 'utf8'));
    const moved = { ...card, version: 2, base_points: card.base_points - 20 };
    writeFileSync(join(folder, 'moved.json'), JSON.stringify(moved));
    expect(await assent('compare', 'card.json', 'card.json', '--csv', 'b.csv')).toMatchObject({
      status: 0,
    });
    const blocked = await assent('compare', 'card.json', 'moved.json', '--csv', 'b.csv', '--json');
    expect(blocked.status).toBe(1);
    expect(JSON.parse(blocked.stdout)).toMatchObject({ moved_share: 1, is_blocked: true });
  });

  it('export and import give the same card back', async () => {
    await assent('export', '--pmml', '--card', 'card.json', '--out', 'card.pmml');
    const taken = await assent('import', 'card.pmml', '--out', 'again.json');
    expect(taken.status).toBe(0);
    expect(readFileSync(join(folder, 'again.json'), 'utf8').replace(/\s/g, '').length).toBe(
      readFileSync(join(folder, 'card.json'), 'utf8').replace(/\s/g, '').length,
    );
  });

  it.each([
    [['fit', '--csv', 'a.csv', '--target', 'nothing'], 1, /no column nothing/],
    [['fit', '--csv', 'a.csv', '--target', 'outcome', '--folds', '99'], 2, /--folds/],
    [['fit', '--csv', 'none.csv', '--target', 'y'], 1, /file_unreadable/],
    [['score', '--card', 'a.csv', '--csv', 'a.csv'], 2, /no JSON/],
    [['score', '--card', 'card.json', '--csv', 'card.json'], 1, /no column/],
    [['import', 'a.csv', '--out', 'x.json'], 1, /pmml_unsupported/],
  ])('%s is refused plainly', async (words, status, message) => {
    const refused = await assent(...words);
    expect(refused.stderr).toMatch(message);
    expect(refused.status).toBe(status);
  });
});
