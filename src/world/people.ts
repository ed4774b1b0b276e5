/**
 * Made-up borrowers. Their resident identity numbers carry a real province, the county code 9999,
 * which no place in China has, and a right check digit: valid in form, impossible to hold.
 */
import { residentCheckCharacter } from '../model/chinese-code.ts';
import type { Seeded } from './seeded.ts';

export interface Person {
  readonly number: string;
  readonly name: string;
  readonly birth_date: string;
}

const FAMILY = ['赵', '钱', '孙', '李', '周', '吴', '郑', '王', '冯', '陈'] as const;
const GIVEN = [
  '子涵',
  '雨桐',
  '浩然',
  '思远',
  '佳怡',
  '明轩',
  '若曦',
  '一诺',
  '晨曦',
  '文博',
] as const;
const PROVINCES = ['11', '31', '33', '44', '51'] as const;

/** @param minor born so that the person is under 18 in 2026 */
export function makePerson(random: Seeded, index: number, minor: boolean): Person {
  const year = minor ? 2010 : random.between(1958, 2004);
  const two = (value: number) => String(value).padStart(2, '0');
  const birth = `${year}-${two(random.between(1, 12))}-${two(random.between(1, 28))}`;
  const digits = `${random.pick(PROVINCES)}9999${birth.replaceAll('-', '')}${String(index % 1000).padStart(3, '0')}`;
  return {
    number: digits + residentCheckCharacter(digits),
    name: random.pick(FAMILY) + random.pick(GIVEN),
    birth_date: birth,
  };
}
