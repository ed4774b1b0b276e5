/**
 * A person's own file over HTTP: the overview, the whole file, one account, and reports to print,
 * to keep and to read by program.
 *
 * What must stay true: what is not the person's own is not found, whether it exists or not; a
 * report is the same bytes whenever it is fetched.
 */
import type { FastifyRequest } from 'fastify';
import { AssentError } from '../model/error.ts';
import type { Language } from '../model/notice.ts';
import type { ReportDocument } from '../model/report-document.ts';
import { wrongForm } from '../pages/dispute-pages.ts';
import { downloadPage } from '../pages/download-page.ts';
import { nothingPage } from '../pages/enter-page.ts';
import type { ReportView } from '../pages/file-blocks.ts';
import {
  accountPage,
  type FileView,
  filePage,
  overviewPage,
  printPage,
} from '../pages/file-page.ts';
import { ME_WORDS } from '../pages/me-words.ts';
import { reportPdf } from '../pages/report-pdf.ts';
import {
  freeReportsLeft,
  issueToPerson,
  listOwnReports,
  type OwnFile,
  type OwnReport,
  readOwnFile,
  rebuildOwn,
} from '../registry/own-report.ts';
import type { Registry } from '../registry/registry.ts';
import type { Server } from './instance.ts';
import { subjectOf } from './me-schema.ts';
import { formOf, goTo, HEADERS, languageOf, own, PREFIX, sendPage, viewOf } from './me-scope.ts';
import { reportFonts } from './report-fonts.ts';

async function fileView(
  registry: Registry,
  request: FastifyRequest,
  file: OwnFile,
): Promise<FileView> {
  return { ...(await viewOf(registry, request)), ...file };
}

function addFile(scope: Server, registry: Registry): void {
  scope.get('/', own, async (request, reply) => {
    const { subject_id } = request.person;
    if (subject_id === null) return sendPage(reply, nothingPage(await viewOf(registry, request)));
    const file = await readOwnFile(registry, subject_id, 'overview');
    return sendPage(reply, overviewPage(await fileView(registry, request, file)));
  });
  scope.get('/file', own, async (request, reply) => {
    const file = await readOwnFile(registry, subjectOf(request).subject_id, 'file');
    return sendPage(reply, filePage(await fileView(registry, request, file)));
  });
  scope.get('/file/:account_id', own, async (request, reply) => {
    const { account_id } = request.params as { account_id: string };
    const file = await readOwnFile(registry, subjectOf(request).subject_id, 'file');
    const account = file.document.accounts?.find((each) => each.account_id === account_id);
    if (!account) throw new AssentError('not_found');
    const view = await fileView(registry, request, file);
    const periods = account.months.map(({ period }) => period).reverse();
    return sendPage(reply, accountPage(view, account, wrongForm(view, { account_id, periods })));
  });
}

const viewOfReport = (report: OwnReport, language: Language): ReportView => ({
  language,
  document: JSON.parse(report.text) as ReportDocument,
  identity: report.identity,
});

/** The report in its address, and in which form it is wanted. */
const REPORT_NAME = /^([0-9a-f-]{36})(\.pdf|\.json)?$/;

function addReports(scope: Server, registry: Registry): void {
  scope.get('/download', own, async (request, reply) => {
    const { subject_id } = subjectOf(request);
    const { done } = request.query as { done?: unknown };
    const said = done === 'made' ? ME_WORDS[languageOf(request, null)].made : null;
    const view = await viewOf(registry, request, { done: said });
    const reports = await listOwnReports(registry, subject_id);
    const free_left = await freeReportsLeft(registry, subject_id);
    return sendPage(reply, downloadPage({ ...view, reports, free_left }));
  });
  scope.post('/reports', own, async (request, reply) => {
    const form = formOf(registry, request);
    await issueToPerson(registry, subjectOf(request).subject_id);
    return goTo(reply, request, form, `${PREFIX}/download?done=made`);
  });
  scope.get('/reports/:name', own, async (request, reply) => {
    const { name } = request.params as { name: string };
    const [, id = '', ending] = REPORT_NAME.exec(name) ?? [];
    const report = await rebuildOwn(registry, subjectOf(request).subject_id, id);
    const view = viewOfReport(report, languageOf(request, null));
    if (ending === undefined) return sendPage(reply, printPage(view, report.sha256));
    const isPdf = ending === '.pdf';
    const file = isPdf ? `${id}-${view.language}.pdf` : `${id}.json`;
    reply
      .headers(HEADERS)
      .header('content-disposition', `attachment; filename="credit-report-${file}"`)
      .type(isPdf ? 'application/pdf' : 'application/json; charset=utf-8');
    if (!isPdf) return reply.send(report.text);
    return reply.send(await reportPdf(view, report.sha256, await reportFonts()));
  });
}

/** Adds the pages of the file to the scope of own pages. */
export function addFilePages(scope: Server, registry: Registry): void {
  addFile(scope, registry);
  addReports(scope, registry);
}
