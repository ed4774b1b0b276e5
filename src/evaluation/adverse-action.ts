/**
 * What a lender must tell a person whom it refuses because of a score, ready to print.
 *
 * What must stay true: every field that the notice needs is there, in English and Chinese; the
 * principal reasons are at most four, and enquiries as a fifth when they cost points; the registry
 * says that it did not decide.
 * Source: U8, U9 (15 USC 1681m(a), 12 CFR 1022.73), U10 (12 CFR 1002.9), C23 (PIPL 24), E3, E6.
 */
import type { Score } from './evaluate.ts';

interface Words {
  readonly en: string;
  readonly zh: string;
}

export interface AdverseAction {
  /** Who furnished the score, and where it can be reached. */
  readonly source: { readonly name: string; readonly address: string };
  readonly not_decided_here: Words;
  readonly score: {
    readonly value: number;
    readonly lowest: number;
    readonly highest: number;
    readonly day: string;
  };
  readonly key_factors: readonly ({ readonly id: string } & Words)[];
  readonly free_copy: Words;
  readonly dispute: Words;
  readonly human_review: Words;
}

/** Days after a refusal in which a report is free, where the law counts them (15 USC 1681j(b)). */
const FREE_COPY_DAYS: Readonly<Record<string, number>> = { US: 60 };

function freeCopy(profile: string | null): Words {
  const days = FREE_COPY_DAYS[profile ?? ''];
  return days === undefined
    ? {
        en: 'You may see everything that is held about you, free of charge, at the address above.',
        zh: '您可在上述地址免费查看本登记机构所持有的关于您的全部信息。',
      }
    : {
        en: `You may have a free copy of your report, if you ask within ${days} days.`,
        zh: `您可在${days}天内免费索取一份信用报告。`,
      };
}

/**
 * The fields of the notice for a score.
 * @param source the registry's name and address, as a person can reach it
 * @param profile the name of the law in force; null when there is none
 */
export function adverseAction(
  score: Score,
  source: AdverseAction['source'],
  profile: string | null,
): AdverseAction {
  return {
    source,
    not_decided_here: {
      en: 'The registry did not take this decision and cannot tell you why it was taken.',
      zh: '本登记机构并未作出该决定,无法说明作出该决定的理由。',
    },
    score: {
      value: score.value,
      lowest: score.scale.lowest,
      highest: score.scale.highest,
      day: score.day,
    },
    key_factors: score.reasons.map(({ id, texts }) => ({
      id,
      en: texts.en.says,
      zh: texts.zh.says,
    })),
    free_copy: freeCopy(profile),
    dispute: {
      en: 'You may dispute with the registry whatever in your file is wrong or incomplete.',
      zh: '如信息有误或不完整,您有权向本登记机构提出异议。',
    },
    human_review: {
      en: 'You may contest the score and ask that a person looks at it.',
      zh: '您有权对评分提出异议,并要求人工复核。',
    },
  };
}
