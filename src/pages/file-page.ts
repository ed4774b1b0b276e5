/** A person's own file: the overview, the whole file, one account with every figure, and print. */

import { type Html, html } from '../model/html.ts';
import type { ReportAccount } from '../model/report-document.ts';
import { blocksHtml } from './blocks-html.ts';
import {
  type AccountGroup,
  accountBlocks,
  accountGroups,
  accountName,
  type Block,
  dayWords,
  moneyWords,
  type ReportView,
  reportBlocks,
  statusBlocks,
  summaryBlocks,
} from './file-blocks.ts';
import { FILE_WORDS } from './file-words.ts';
import { frame } from './layout.ts';
import { at, type MeView, mePage } from './me-layout.ts';
import { ME_WORDS } from './me-words.ts';

export type FileView = MeView & ReportView;

const isDisputed = ({ claims }: ReportAccount) => claims.length > 0;

function accountLine(view: FileView, account: ReportAccount): Html {
  const words = FILE_WORDS[view.language];
  const { newest, currency } = account;
  const owed = newest
    ? `${words.owed} ${moneyWords(view.language, newest.balance_minor, currency)}`
    : null;
  const late =
    newest && newest.days_past_due > 0 ? `${words.daysLate}: ${newest.days_past_due}` : null;
  return html`<li class="card">
<h3><a href="${at(view, `/me/file/${account.account_id}`)}">${accountName(account)}</a></h3>
<p>${words.kinds[account.kind] ?? account.kind}${newest && html` · ${words.standings[newest.status] ?? newest.status}`}</p>
${owed && html`<p><strong>${owed}</strong>${late && html` · <strong>${late}</strong>`}</p>`}
${newest && html`<p class="small">${words.asOf} ${dayWords(view.language, newest.as_of)}</p>`}
${isDisputed(account) && html`<p class="mark">${words.inDispute(account.claims.map(({ field }) => words.fields[field] ?? field).join(words.comma), null)}</p>`}
</li>`;
}

/** What one agreement comes to, and each draw under it. */
function agreementLine(view: FileView, { agreement, accounts }: AccountGroup): Html {
  const words = FILE_WORDS[view.language];
  const draws = accounts.map((each) => accountLine(view, each));
  if (agreement === null) return html`${draws}`;
  const money = (minor: number) => moneyWords(view.language, minor, agreement.currency);
  const limit = agreement.limit_minor;
  return html`<li class="card">
<h3>${words.agreementOf(accountName(agreement))}</h3>
<p><strong>${words.agreementUsed} ${money(agreement.used_minor)}</strong>${limit !== null && html` · ${words.agreementLimit} ${money(limit)}`}</p>
<p class="small">${words.draws}: ${agreement.accounts_open} / ${agreement.accounts_closed}</p>
<ul class="bare-list">${draws}</ul>
</li>`;
}

/** Who has accounts, and how they stand. */
function accountList(view: FileView): Html {
  const words = FILE_WORDS[view.language];
  const groups = accountGroups(view.document);
  if (groups.length === 0) return html`<p>${words.noAccounts}</p>`;
  return html`<ul class="bare-list">${groups.map((each) => agreementLine(view, each))}</ul>`;
}

/** The first page: how the file stands, what is new, what is held by lender. */
export function overviewPage(view: FileView): string {
  const words = ME_WORDS[view.language];
  const file = FILE_WORDS[view.language];
  const news = view.unread > 0 ? words.unreadCount(view.unread) : null;
  const main = html`
${news && html`<p class="done"><a href="${at(view, '/me/messages')}">${news}</a></p>`}
<section class="card"><h2>${file.status}</h2>${blocksHtml(view.language, statusBlocks(view))}</section>
<section class="card"><h2>${file.summary}</h2>${blocksHtml(view.language, summaryBlocks(view.language, view.document.summary))}</section>
<h2 class="other">${file.accounts}</h2>
${accountList(view)}`;
  return mePage(view, { section: 'overview', title: words.title, path: '/me', main });
}

/** A table that is wider than a phone is left to the page of its account. */
const isForPage = (block: Block) => block.is !== 'table' || block.head.length < 5;

/** The whole file on one page. */
export function filePage(view: FileView): string {
  const words = ME_WORDS[view.language];
  const links = (view.document.accounts ?? []).map(
    (each) =>
      html`<li><a href="${at(view, `/me/file/${each.account_id}`)}">${words.figuresOf(accountName(each))}</a></li>`,
  );
  const blocks = reportBlocks(view, false).filter(isForPage);
  const main = html`
<p class="lead">${words.fileLead}</p>
<div class="report">${blocksHtml(view.language, blocks)}</div>
${links.length > 0 && html`<h2>${words.figures}</h2><ul>${links}</ul>`}`;
  return mePage(view, { section: 'file', title: words.nav.file, path: '/me/file', main });
}

/** One account with the figures of every month. @param more what can be done about it */
export function accountPage(view: FileView, account: ReportAccount, more: Html | null): string {
  const words = ME_WORDS[view.language];
  const title = accountName(account);
  const path = `/me/file/${account.account_id}`;
  const main = html`
<div class="report">${blocksHtml(view.language, accountBlocks(view.language, account, true))}</div>
${more}
<p><a href="${at(view, '/me/file')}">${words.back}</a></p>`;
  return mePage(view, { section: 'file', title, path, main });
}

/** A report that was issued, to be printed: nothing but the report. */
export function printPage(view: ReportView, sha256: string): string {
  const words = FILE_WORDS[view.language];
  const blocks = reportBlocks(view, true);
  return frame({
    language: view.language,
    title: `${words.reportTitle} ${view.document.report_id}`,
    owner: ME_WORDS[view.language].owner,
    elsewhere: [],
    main: html`<h1>${words.reportTitle}</h1><p class="lead">${words.reportLead}</p><div class="report">${blocksHtml(view.language, blocks)}</div>
<p class="small note">${words.hashOf}<br><code>${sha256}</code></p>`,
    end: null,
  });
}
