/**
 * What a message says, by its kind, in every language. A kind that is not known is shown by its
 * name, never left out.
 */
import type { Language } from '../model/notice.ts';
import { RIGHTS_WORDS } from './rights-words.ts';
import { WORDS } from './words.ts';

export interface MessageText {
  readonly title: string;
  readonly text: string;
}

type Facts = Readonly<Record<string, unknown>>;

/** The names of whoever was told of a correction. */
function namesOf(facts: Facts): string[] {
  const { recipients } = facts;
  if (!Array.isArray(recipients)) return [];
  return recipients.map((each: unknown) => String((each as { name?: unknown } | null)?.name ?? ''));
}

/** The words of a message. @param who the participant it names, if it names one */
export function messageText(
  language: Language,
  message: { readonly kind: string; readonly facts: Facts; readonly who: string | null },
): MessageText {
  const words = RIGHTS_WORDS[language];
  const { kind, facts, who } = message;
  const name = kind === 'look' && facts['outcome'] === 'refused' ? 'lookRefused' : kind;
  const said = words.messages[name];
  if (!said) return { title: kind, text: '' };
  const [title, text] = said;
  const told = namesOf(facts);
  const more = told.length > 0 ? words.toldTo(told.join(WORDS[language].comma)) : '';
  return { title: title(who ?? words.someone), text: `${text}${more}` };
}
