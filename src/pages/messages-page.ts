/** What the registry told a person, newest first. */
import { type Html, html } from '../model/html.ts';
import { type MeView, mePage, time } from './me-layout.ts';
import { ME_WORDS } from './me-words.ts';
import { messageText } from './message-words.ts';

export interface MessageView {
  readonly kind: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly at: Date;
  readonly read_at: Date | null;
  /** Name of the participant it tells of. */
  readonly who: string | null;
}

function message(view: MeView, each: MessageView): Html {
  const words = ME_WORDS[view.language];
  const { title, text } = messageText(view.language, each);
  return html`<li class="card">
${each.read_at === null && html`<p class="state in-force">${words.unread}</p>`}
<h2>${title}</h2>
<p class="small">${time(view, each.at)}</p>
${text && html`<p>${text}</p>`}
</li>`;
}

/** The page of messages. */
export function messagesPage(view: MeView, messages: readonly MessageView[]): string {
  const words = ME_WORDS[view.language];
  const list = html`<ul class="bare-list">${messages.map((each) => message(view, each))}</ul>`;
  const main = html`<p class="lead">${words.messagesLead}</p>
${messages.length === 0 ? html`<p>${words.messagesNone}</p>` : list}`;
  const page = { section: 'messages', path: '/me/messages' } as const;
  return mePage(view, { ...page, title: words.messagesTitle, main });
}
