/**
 * `npm run bench:match`: one new record matched against many people on PostgreSQL, beside the look
 * for one document by its key in the same run. Names follow the skew of Chinese names; a birth date
 * is shared by some fifty of a million.
 */
import { createHmac } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Database } from '../src/database/database.ts';
import { migrate } from '../src/database/migrate.ts';
import { openPostgresql } from '../src/database/postgresql.ts';
import { FeatureMaker, type Person } from '../src/matching/features.ts';
import { enterWaiting, findCandidates, storeRecords } from '../src/matching/match.ts';
import { DEFAULT_MODEL } from '../src/matching/model.ts';
import { nameParts } from '../src/matching/names.ts';
import { type Seeded, seeded } from '../src/world/seeded.ts';

const USAGE = `npm run bench:match -- [--subjects 1000000] [--looks 500] [--again]

--again measures over the people that an earlier run left there. Needs BENCH_DATABASE_URL (drops the schema assent_bench_match there).`;
const SCHEMA = 'assent_bench_match';
const STEP = 20_000;

const SURNAMES = [
  ...'王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈',
];
const GIVEN = [
  ...'伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰梅建国志文海燕红春晓东雪峰飞鹏宇浩然子涵雨欣怡嘉琪思源博轩梓萱一诺俊豪',
];

/** The nth in a list where the first are much the commonest. */
function skewed(random: Seeded, list: readonly string[]): string {
  return list[Math.floor(list.length * random.unit() ** 2)] ?? '';
}

const two = (value: number) => String(value).padStart(2, '0');

function makePerson(random: Seeded): Person & { readonly name: string } {
  const given = skewed(random, GIVEN) + (random.chance(0.8) ? skewed(random, GIVEN) : '');
  const name = skewed(random, SURNAMES) + given;
  const day = [random.between(1950, 2006), random.between(1, 12), random.between(1, 28)];
  const birth_date = `${day[0]}-${two(day[1] ?? 1)}-${two(day[2] ?? 1)}`;
  return { ...nameParts(name), name, birth_date };
}

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const maker = new FeatureMaker((context, ...parts) =>
  createHmac('sha256', 'bench')
    .update(JSON.stringify([context, ...parts]))
    .digest(),
);

async function fill(db: Database, subjects: number): Promise<void> {
  const random = seeded(1);
  for (let from = 0; from < subjects; from += STEP) {
    const records = Array.from({ length: Math.min(STEP, subjects - from) }, (_, n) => ({
      subject_id: uuid(from + n),
      record_id: uuid(from + n),
      features: maker.of(makePerson(random)),
    }));
    await db.transaction(async (session) => {
      await storeRecords(session, records);
      await enterWaiting(session, STEP);
    });
    process.stderr.write(`\r${(from + records.length).toLocaleString('en')} people`);
  }
  process.stderr.write('\n');
  await db.query(
    `insert into subject_document (document_hash, subject_id)
     select sha256(subject_id::text::bytea), subject_id from match_record`,
  );
  await db.query('vacuum analyze match_record');
  await db.query('vacuum analyze match_key');
  await db.query('vacuum analyze match_term');
  await db.query('vacuum analyze subject_document');
}

/** Milliseconds of each run, ascending. */
async function timed(looks: number, run: (n: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < looks; n++) {
    const start = performance.now();
    await run(n);
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b);
}

const at = (times: readonly number[], share: number) =>
  (times[Math.floor(times.length * share)] ?? 0).toFixed(2);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      subjects: { type: 'string', default: '1000000' },
      looks: { type: 'string', default: '500' },
      again: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const url = process.env['BENCH_DATABASE_URL'];
  if (values.help || !url) {
    console.log(USAGE);
    return;
  }
  if (!values.again) {
    const bare = await openPostgresql(url);
    // sql: a constant of this file.
    await bare.query(`drop schema if exists ${SCHEMA} cascade`);
    await bare.close();
  }
  const db = await openPostgresql(url, SCHEMA);
  if (!values.again) await migrate(db, 'registry', () => new Date());
  const subjects = Number(values.subjects);
  if (!values.again) await fill(db, subjects);
  const random = seeded(2);
  const known = seeded(1);
  const looks = Number(values.looks);
  // Half of them are in the store, every other of those with a slip of the pen in the name.
  const sought = Array.from({ length: looks }, (_, n) => {
    const person = n % 2 === 0 ? makePerson(known) : makePerson(random);
    return n % 4 === 0 ? { ...person, given_name: `${person.given_name ?? ''}伟` } : person;
  });
  const match = (n: number) => findCandidates(db, DEFAULT_MODEL, maker.of(sought[n % looks] ?? {}));
  const keyed = (n: number) =>
    db.query('select subject_id from subject_document where document_hash = sha256($1::bytea)', [
      Buffer.from(uuid((n * 7919) % subjects)),
    ]);
  await timed(Math.min(50, looks), match);
  await timed(Math.min(50, looks), keyed);
  const matched = await timed(looks, match);
  const found = await timed(looks, keyed);
  console.log(`subjects ${subjects.toLocaleString('en')}, ${looks} looks of each kind`);
  console.log(`match          p50 ${at(matched, 0.5)} ms   p99 ${at(matched, 0.99)} ms`);
  console.log(`document by key p50 ${at(found, 0.5)} ms   p99 ${at(found, 0.99)} ms`);
  await db.close();
}

await main();
