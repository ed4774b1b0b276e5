/**
 * A report in print: PDF, drawn from the same blocks as the page, with its text as text.
 *
 * What must stay true: the same view and hash give the same bytes, on any day and machine: the
 * document's date is the report's, its id comes of the report's hash, nothing is drawn by chance;
 * the fonts are embedded, as far as they are used.
 */
import PDFDocument from 'pdfkit';
import type { Block, GridCell, ReportView } from './file-blocks.ts';
import { reportBlocks } from './file-blocks.ts';
import { FILE_WORDS } from './file-words.ts';

/** Bytes of OpenType fonts with Latin and Chinese. */
export interface Fonts {
  readonly regular: Uint8Array;
  readonly bold: Uint8Array;
}

type Pdf = PDFKit.PDFDocument;

const MARGIN = 48;
const INK = '#14202e';
const SOFT = '#435160';
const LINE = '#c3ccd4';
const ACCENT = '#0a4a66';
const WARN = '#8a1c1c';
/** Fill and ink of a cell of the grid, 7:1 at least. */
const TONES: Readonly<Record<GridCell['tone'], readonly [string, string]>> = {
  quiet: ['#f2f5f7', SOFT],
  paid: ['#e3f1e6', '#14401f'],
  late: ['#fbe3c4', '#5a3200'],
  worst: ['#8a1c1c', '#ffffff'],
};

const widthOf = (pdf: Pdf) => pdf.page.width - 2 * MARGIN;

/** Begins a page when so much does not fit any more. */
function need(pdf: Pdf, height: number): void {
  if (pdf.y + height > pdf.page.height - MARGIN - 16) pdf.addPage();
}

function drawHeading(pdf: Pdf, block: Extract<Block, { is: 'heading' }>): void {
  const size = block.level === 2 ? 14 : 11.5;
  need(pdf, block.level === 2 ? 190 : 150);
  pdf.moveDown(block.level === 2 ? 0.9 : 0.6);
  pdf.font('bold').fontSize(size).fillColor(ACCENT).text(block.text, MARGIN);
  pdf.moveDown(0.25);
}

function drawText(pdf: Pdf, block: Extract<Block, { is: 'text' }>): void {
  need(pdf, 28);
  const font = block.tone === 'mark' ? 'bold' : 'regular';
  const colour = block.tone === 'note' ? SOFT : block.tone === 'mark' ? WARN : INK;
  pdf
    .font(font)
    .fontSize(9.5)
    .fillColor(colour)
    .text(block.text, MARGIN, pdf.y, {
      width: widthOf(pdf),
    });
  pdf.moveDown(0.3);
}

const NAME_WIDTH = 170;

function drawFacts(pdf: Pdf, block: Extract<Block, { is: 'facts' }>): void {
  const width = widthOf(pdf) - NAME_WIDTH;
  pdf.fontSize(9.5);
  for (const [name, value] of block.pairs) {
    const height = Math.max(
      pdf.font('regular').heightOfString(name, { width: NAME_WIDTH - 8 }),
      pdf.heightOfString(value, { width }),
    );
    need(pdf, height + 3);
    const { y } = pdf;
    pdf.fillColor(SOFT).text(name, MARGIN, y, { width: NAME_WIDTH - 8 });
    pdf.fillColor(INK).text(value, MARGIN + NAME_WIDTH, y, { width });
    pdf.y = y + height + 3;
  }
  pdf.moveDown(0.4);
}

function drawRow(pdf: Pdf, cells: readonly string[], isHead: boolean): void {
  const width = widthOf(pdf) / cells.length;
  pdf.font(isHead ? 'bold' : 'regular').fontSize(8.5);
  const heights = cells.map((cell) => pdf.heightOfString(cell, { width: width - 6 }));
  const height = Math.max(...heights) + 5;
  need(pdf, height);
  const { y } = pdf;
  cells.forEach((cell, index) => {
    pdf.fillColor(isHead ? SOFT : INK).text(cell, MARGIN + index * width, y + 2, {
      width: width - 6,
      align: index === 0 ? 'left' : 'right',
    });
  });
  pdf
    .moveTo(MARGIN, y + height)
    .lineTo(MARGIN + widthOf(pdf), y + height)
    .lineWidth(0.5)
    .strokeColor(LINE)
    .stroke();
  pdf.x = MARGIN;
  pdf.y = y + height;
}

function drawTable(pdf: Pdf, block: Extract<Block, { is: 'table' }>): void {
  need(pdf, 60);
  pdf.font('regular').fontSize(8.5).fillColor(SOFT).text(block.caption, MARGIN);
  drawRow(pdf, block.head, true);
  for (const row of block.rows) drawRow(pdf, row, false);
  pdf.moveDown(0.5);
}

const CELL = 26;
const CELL_HEIGHT = 15;
const YEAR_WIDTH = 40;

function drawCell(pdf: Pdf, cell: GridCell, x: number, y: number): void {
  const [fill, ink] = TONES[cell.tone];
  pdf.rect(x, y, CELL - 2, CELL_HEIGHT - 2).fill(fill);
  pdf.fillColor(ink).text(cell.letter, x, y + 1, { width: CELL - 2, align: 'center' });
}

function drawGrid(pdf: Pdf, block: Extract<Block, { is: 'grid' }>): void {
  need(pdf, (block.years.length + 2) * CELL_HEIGHT + 14);
  pdf.font('regular').fontSize(8.5).fillColor(SOFT).text(block.caption, MARGIN);
  const top = pdf.y + 2;
  for (let month = 0; month < 12; month += 1)
    pdf.text(String(month + 1), MARGIN + YEAR_WIDTH + month * CELL, top, {
      width: CELL - 2,
      align: 'center',
    });
  block.years.forEach(({ year, cells }, row) => {
    const y = top + (row + 1) * CELL_HEIGHT;
    pdf.fillColor(SOFT).text(year, MARGIN, y + 1, { width: YEAR_WIDTH });
    cells.forEach((cell, month) => {
      if (cell) drawCell(pdf, cell, MARGIN + YEAR_WIDTH + month * CELL, y);
    });
  });
  pdf.x = MARGIN;
  pdf.y = top + (block.years.length + 1) * CELL_HEIGHT + 4;
}

function drawLegend(pdf: Pdf, block: Extract<Block, { is: 'legend' }>): void {
  for (const cell of block.entries) {
    need(pdf, CELL_HEIGHT);
    const { y } = pdf;
    pdf.fontSize(8.5);
    drawCell(pdf, cell, MARGIN + YEAR_WIDTH, y);
    pdf.fillColor(INK).text(cell.meaning, MARGIN + YEAR_WIDTH + CELL + 4, y + 1);
    pdf.x = MARGIN;
    pdf.y = y + CELL_HEIGHT;
  }
  pdf.moveDown(0.5);
}

function draw(pdf: Pdf, block: Block): void {
  if (block.is === 'heading') drawHeading(pdf, block);
  else if (block.is === 'text') drawText(pdf, block);
  else if (block.is === 'facts') drawFacts(pdf, block);
  else if (block.is === 'table') drawTable(pdf, block);
  else if (block.is === 'grid') drawGrid(pdf, block);
  else drawLegend(pdf, block);
}

/** The foot of every page, once it is known how many there are. */
function drawFeet(pdf: Pdf, view: ReportView, sha256: string): void {
  const words = FILE_WORDS[view.language];
  const { start, count } = pdf.bufferedPageRange();
  for (let n = 0; n < count; n += 1) {
    pdf.switchToPage(start + n);
    // Text below the margin would begin a page.
    pdf.page.margins.bottom = 0;
    const y = pdf.page.height - MARGIN + 6;
    pdf.font('regular').fontSize(7).fillColor(SOFT);
    pdf.text(`${words.hashOf} ${sha256}`, MARGIN, y, { lineBreak: false });
    pdf.text(words.page(n + 1, count), MARGIN, y, { width: widthOf(pdf), align: 'right' });
  }
}

/**
 * The PDF of a report.
 * @param sha256 of the machine-readable report, lower-case hex; printed, and the document's id
 */
export async function reportPdf(
  view: ReportView,
  sha256: string,
  fonts: Fonts,
): Promise<Uint8Array> {
  const words = FILE_WORDS[view.language];
  const pdf = new PDFDocument({
    size: 'A4',
    margins: { top: MARGIN, left: MARGIN, right: MARGIN, bottom: MARGIN },
    bufferPages: true,
    lang: view.language === 'zh' ? 'zh-CN' : 'en-GB',
    displayTitle: true,
    info: {
      Title: `${words.reportTitle} ${view.document.report_id}`,
      CreationDate: new Date(view.document.issued_at),
    },
  });
  const chunks: Uint8Array[] = [];
  const done = new Promise<void>((resolve, reject) => {
    pdf.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    pdf.on('end', resolve);
    pdf.on('error', reject);
  });
  pdf.registerFont('regular', Buffer.from(fonts.regular));
  pdf.registerFont('bold', Buffer.from(fonts.bold));
  pdf.font('bold').fontSize(20).fillColor(INK).text(words.reportTitle);
  pdf.font('regular').fontSize(9.5).fillColor(SOFT).text(words.reportLead);
  pdf.moveDown(0.6);
  for (const block of reportBlocks(view, true)) draw(pdf, block);
  drawFeet(pdf, view, sha256);
  pdf.end();
  await done;
  return Buffer.concat(chunks);
}
