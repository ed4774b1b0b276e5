/** Reports that a person had made: making one, and having each again, on paper or for a program. */
import { type Html, html } from '../model/html.ts';
import { at, form, type MeView, mePage, time } from './me-layout.ts';
import { ME_WORDS } from './me-words.ts';
import { WORDS } from './words.ts';

export interface DownloadView extends MeView {
  /** Printed reports still free this year; null: any number. */
  readonly free_left: number | null;
  readonly reports: readonly {
    readonly report_id: string;
    readonly issued_at: Date;
    readonly sha256: string;
  }[];
}

function report(view: DownloadView, each: DownloadView['reports'][number]): Html {
  const words = ME_WORDS[view.language];
  const path = `/me/reports/${each.report_id}`;
  const link = (address: string, text: string) => html`<li><a href="${address}">${text}</a></li>`;
  return html`<li class="card">
<h3>${time(view, each.issued_at)}</h3>
<ul>
${link(at({ language: 'en' }, `${path}.pdf`), words.asPdf(WORDS.en.name))}
${link(at({ language: 'zh' }, `${path}.pdf`), words.asPdf(WORDS.zh.name))}
${link(at(view, path), words.asPage)}
${link(`${path}.json`, words.asJson)}
</ul>
<p class="small">${words.fingerprint}<br><code>${each.sha256}</code></p>
</li>`;
}

/** The page of reports. */
export function downloadPage(view: DownloadView): string {
  const words = ME_WORDS[view.language];
  const button = html`<button class="button" type="submit">${words.issue}</button>`;
  const left = view.free_left;
  const quota = left === null ? words.quotaAny : left > 0 ? words.quotaLeft(left) : words.quotaOver;
  const list = html`<ul class="bare-list">${view.reports.map((each) => report(view, each))}</ul>`;
  const main = html`<p class="lead">${words.downloadLead}</p>
<p>${quota}</p>
${left !== 0 && form(view, '/me/reports', button)}
<h2 class="other">${words.reports}</h2>
${view.reports.length === 0 ? html`<p>${words.reportsNone}</p>` : list}`;
  return mePage(view, {
    section: 'download',
    title: words.downloadTitle,
    path: '/me/download',
    main,
  });
}
