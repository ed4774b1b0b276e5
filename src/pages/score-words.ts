/** The words of a person's own score, in every language. */
import type { Language } from '../model/notice.ts';

export interface ScoreWords {
  readonly title: string;
  readonly lead: string;
  readonly sufficiency: Readonly<Record<'no_hit' | 'thin' | 'scored' | 'suppressed', string>>;
  readonly noCard: string;
  readonly score: (value: number, lowest: number, highest: number) => string;
  readonly range: (from: number, to: number) => string;
  readonly probability: (percent: string, means: string) => string;
  readonly card: (id: string, version: number) => string;
  readonly reasons: string;
  readonly reasonsNone: string;
  readonly lost: (points: number) => string;
  readonly improve: string;
  readonly gain: (score: number, gain: number) => string;
  readonly tryTitle: string;
  readonly tryLead: string;
  readonly tryWhat: string;
  readonly tryTo: string;
  readonly tryButton: string;
  readonly tried: (score: number) => string;
  readonly contest: string;
  readonly contestLead: string;
  readonly contestWords: string;
  readonly contestButton: string;
  readonly contestOf: (who: string, day: string) => string;
  readonly own: string;
  readonly contested: string;
  readonly given: string;
  readonly givenNone: string;
  readonly reviews: string;
  readonly review: Readonly<Record<'open' | 'upheld' | 'changed', string>>;
  readonly due: (day: string) => string;
}

export const SCORE_WORDS: Readonly<Record<Language, ScoreWords>> = {
  en: {
    title: 'My score',
    lead: 'This is what a lender would be told of you today, if you let it ask. A score is one person’s arithmetic about many: you can see what it rests on, and contest it.',
    sufficiency: {
      no_hit: 'Nothing is held about you, so there is no score.',
      thin: 'Little is known about you so far.',
      scored: 'There is enough history for a score.',
      suppressed: 'There is no score while the file is held off, disputed or hidden.',
    },
    noCard: 'No scorecard is in force for a file like yours, so there is no score.',
    score: (value, lowest, highest) => `${value} on a scale from ${lowest} to ${highest}`,
    range: (from, to) => `With what is known it lies between ${from} and ${to}.`,
    probability: (percent, means) =>
      `Of a hundred people with this score, about ${percent} are expected to do what the card predicts: ${means}.`,
    card: (id, version) => `Scorecard ${id}, version ${version}`,
    reasons: 'What cost points',
    reasonsNone: 'Nothing cost points.',
    lost: (points) => `${points} points`,
    improve: 'What would help most',
    gain: (score, gain) => `gives ${score}, that is ${gain} more`,
    tryTitle: 'Try it',
    tryLead: 'Change one thing and see the score. Nothing is kept but that you looked.',
    tryWhat: 'What changes',
    tryTo: 'To',
    tryButton: 'Show the score',
    tried: (score) => `With that the score would be ${score}.`,
    contest: 'Contest it',
    contestLead: 'A person looks at the score and writes to you. It costs nothing.',
    contestWords: 'Why you think it is wrong',
    contestButton: 'Ask for a review by a person',
    contestOf: (who, day) => `Contest what ${who} was given on ${day}`,
    own: 'you',
    contested: 'A person will look at it. You see the answer here and in your messages.',
    given: 'Evaluations of you',
    givenNone: 'Nobody was given an evaluation of you.',
    reviews: 'What you contested',
    review: {
      open: 'being looked at',
      upheld: 'looked at: the score stands',
      changed: 'looked at: the score was made anew',
    },
    due: (day) => `answered by ${day}`,
  },
  zh: {
    title: '我的评分',
    lead: '如果您允许机构查询，它今天会看到以下内容。评分是基于统计的计算：您可以查看其依据，也可以提出异议。',
    sufficiency: {
      no_hit: '没有关于您的记录，因此没有评分。',
      thin: '目前关于您的记录较少。',
      scored: '记录足以给出评分。',
      suppressed: '档案被冻结、存在异议或被隐藏期间没有评分。',
    },
    noCard: '目前没有适用于您档案的评分卡，因此没有评分。',
    score: (value, lowest, highest) => `${value}（范围 ${lowest} 至 ${highest}）`,
    range: (from, to) => `根据现有记录，评分在 ${from} 与 ${to} 之间。`,
    probability: (percent, means) =>
      `具有此评分的一百人中，预计约 ${percent} 人出现评分卡所预测的情形（${means}）。`,
    card: (id, version) => `评分卡 ${id}，第 ${version} 版`,
    reasons: '失分原因',
    reasonsNone: '没有失分。',
    lost: (points) => `${points} 分`,
    improve: '最有帮助的改变',
    gain: (score, gain) => `评分为 ${score}，增加 ${gain} 分`,
    tryTitle: '试一试',
    tryLead: '改变一项并查看评分。除您的查看记录外不保存任何内容。',
    tryWhat: '改变的内容',
    tryTo: '改为',
    tryButton: '显示评分',
    tried: (score) => `这样评分将为 ${score}。`,
    contest: '提出异议',
    contestLead: '由人工复核评分并书面答复您，不收取费用。',
    contestWords: '您认为有误的原因',
    contestButton: '请求人工复核',
    contestOf: (who, day) => `对 ${day} 提供给${who}的评估提出异议`,
    own: '您本人',
    contested: '将由人工复核。您可在此处及消息中查看答复。',
    given: '关于您的评估',
    givenNone: '没有向任何人提供关于您的评估。',
    reviews: '您提出的异议',
    review: { open: '复核中', upheld: '已复核：评分维持', changed: '已复核：重新评分' },
    due: (day) => `最迟 ${day} 答复`,
  },
};
