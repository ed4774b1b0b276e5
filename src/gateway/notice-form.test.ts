import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadProfile, type Profile } from '../authorisation/profile.ts';
import { noticeProblems } from './notice-form.ts';

const SAMPLE = new URL('../../examples/credit-record.notice.json', import.meta.url);
type Loose = Record<string, unknown>;

/** The sample with a value put in at a place; undefined takes it away. */
function changed(place: string, value: unknown): unknown {
  const document = JSON.parse(readFileSync(SAMPLE, 'utf8')) as Loose;
  const path = place.split('/').slice(1);
  const last = path.pop() ?? '';
  const parent = path.reduce((at, key) => at[key] as Loose, document);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return document;
}

const CN = loadProfile('CN');
const problems = (place: string, value: unknown, profile: Profile | null = CN) =>
  noticeProblems(changed(place, value), profile);

describe('a notice', () => {
  it('of the examples is sound under every law that lets approvals last so long', () => {
    for (const name of ['CN', 'US', 'EU', 'UK', 'IN'])
      expect(problems('/version', 1, loadProfile(name))).toEqual([]);
    expect(problems('/version', 1, loadProfile('STRICT'))).toEqual([
      '/purposes/0/validity_months: STRICT allows 12 at most',
    ]);
  });

  it.each([
    ['/notice_id', 'Big Notice'],
    ['/version', 0],
    ['/version', '1'],
    ['/material', undefined],
    ['/more', 1],
    ['/withdrawal_uri', 'javascript:alert(1)'],
    ['/time_zone', 'Mars/Olympus'],
    ['/purposes', []],
    ['/purposes/0/code', 'S1'],
    ['/purposes/0/recipient_class', 'lender'],
    ['/purposes/0/recipient_id', 'self'],
    ['/purposes/0/mode', 'QUERY'],
    ['/purposes/0/classes', []],
    ['/purposes/0/classes', ['IDENTITY', 'IDENTITY']],
    ['/purposes/0/products', ['mortgage']],
    ['/purposes/0/validity_months', 0],
    ['/purposes/1/code', 'F1'],
    ['/purposes/1/frequency', { n: 0, unit: 'DAY' }],
    ['/texts', {}],
    ['/texts/fr', {}],
    ['/texts/en/title', ' '],
    ['/texts/en/title', 'two\nlines'],
    ['/texts/zh/purposes/F1', undefined],
    ['/texts/zh/purposes/F1/refusal', undefined],
    ['/texts/zh/purposes/F1/necessity', '说明'],
    ['/texts/en/purposes/E2', { title: 'x' }],
    ['/purposes/0/service_conditional', true],
  ])('with %s changed to %j is refused, naming a place', (place, value) => {
    const found = problems(place, value);
    expect(found.length).toBeGreaterThan(0);
    expect(found.every((problem) => problem.startsWith('/'))).toBe(true);
  });

  it('lists every problem at once', () => {
    const document = changed('/purposes/0/service_conditional', true) as Loose;
    const found = noticeProblems(document, loadProfile('US'));
    expect(found).toHaveLength(5);
    expect(found[0]).toMatch(/US gives an approval that was made a condition no value/);
  });

  it('without a profile to ask under is refused', () => {
    expect(problems('/version', 1, null)).toHaveLength(1);
  });
});
