/**
 * What a message says, by its kind, in every language. A kind that is not known is shown by its
 * name, never left out.
 */
import type { Language } from '../model/notice.ts';

export interface MessageText {
  readonly title: string;
  readonly text: string;
}

type Facts = Readonly<Record<string, unknown>>;
type Kind = Readonly<Record<Language, (facts: Facts) => MessageText>>;

const KINDS: Readonly<Record<string, Kind>> = {};

/** The words of a message. */
export function messageText(language: Language, kind: string, facts: Facts): MessageText {
  return KINDS[kind]?.[language](facts) ?? { title: kind, text: '' };
}
