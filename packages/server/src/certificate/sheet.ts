/** A certificate's pages: a head, sections of rows, paragraphs and lists, and the foot of each page. */
import { drawBanner, drawOpening, type Opening } from "./opening.ts";
import {
  collect,
  colour,
  createWriter,
  type Document,
  type Element,
  openDocument,
  type PaperOptions,
  page,
  type Writer,
  width,
} from "./paper.ts";

const labelWidth = 112;

/** One value of a row: text, with what it means or rests on in smaller print below. */
export interface Row {
  readonly label: string;
  readonly value: string;
  /** For hashes and keys. */
  readonly mono?: boolean;
  readonly note?: string;
}

export interface Sheet {
  /** The band at the head of the first page. */
  banner(title: string, subtitle: string, right: string): void;
  /** A paragraph and a box beside a QR code. */
  opening(parts: Opening): void;
  section(heading: string, fill: (section: Section) => void): void;
  /** Writes the foot of each page and gives the file. */
  finish(left: string, right: (number: number, count: number) => string): Promise<Uint8Array>;
}

export interface Section {
  paragraph(text: string): void;
  rows(rows: readonly Row[]): void;
  list(items: readonly string[], numbered: boolean): void;
}

export function createSheet(options: PaperOptions): Sheet {
  const doc = openDocument(options);
  const root = doc.struct("Document");
  doc.addStructure(root);
  const write = createWriter(doc);
  const { artifact } = write;
  return {
    banner: (title, subtitle, right) => drawBanner(write, root, title, subtitle, right),
    opening: (parts) => drawOpening(write, root, parts),
    section(heading, fill) {
      const section = write.group(root, "Sect");
      write.room(64); // a heading never stands alone at the foot of a page
      write.add(section, "H2", () => {
        doc.font("bold").fontSize(11.5).fillColor(colour.navy).text(heading, page.left, doc.y);
      });
      const y = doc.y + 1;
      artifact(() =>
        doc
          .moveTo(page.left, y)
          .lineTo(page.left + width, y)
          .lineWidth(1)
          .stroke(colour.blue),
      );
      doc.y = y + 4;
      fill(sectionOf(write, section));
      section.end();
      doc.y += 9;
    },
    async finish(left, right) {
      root.end();
      const { count } = doc.bufferedPageRange();
      for (let at = 0; at < count; at++) {
        doc.switchToPage(at);
        doc.page.margins.bottom = 0; // else what stands below the margin would begin a new page
        artifact(() => {
          const y = page.height - 40;
          doc.moveTo(page.left, y - 6).lineTo(page.left + width, y - 6).lineWidth(0.5).stroke(colour.line); // biome-ignore format: one line
          doc.font("regular").fontSize(7.5).fillColor(colour.quiet);
          doc.text(left, page.left, y, { width: width - 90, lineBreak: false, ellipsis: true });
          doc.text(right(at + 1, count), page.left, y, { width, align: "right", lineBreak: false });
        });
      }
      return collect(doc);
    },
  };
}

function sectionOf(write: Writer, section: Element): Section {
  const { doc, add, group, room } = write;
  return {
    paragraph(text) {
      doc.font("regular").fontSize(9);
      room(doc.heightOfString(text, { width, lineGap: 1 }));
      add(section, "P", () => {
        doc.fillColor(colour.quiet).text(text, page.left, doc.y + 3, { width, lineGap: 1 });
      });
      doc.y += 3;
    },
    rows(rows) {
      const table = group(section, "Table");
      for (const row of rows) drawRow(write, table, row);
      table.end();
    },
    list(items, numbered) {
      const list = group(section, "L");
      for (const [at, text] of items.entries()) {
        const indent = 16;
        doc.font("regular").fontSize(9);
        room(doc.heightOfString(text, { width: width - indent, lineGap: 1 }));
        const item = group(list, "LI");
        const y = doc.y;
        doc.fillColor(colour.ink);
        add(item, "Lbl", () => doc.text(numbered ? `${at + 1}.` : "•", page.left + 2, y, { lineBreak: false }));
        add(item, "LBody", () => doc.text(text, page.left + indent, y, { width: width - indent, lineGap: 1 }));
        item.end();
        doc.y += 2.5;
      }
      list.end();
      doc.y += 2;
    },
  };
}

/** A label, its value beside it: the header and the cell of one row of a table. */
function drawRow({ doc, artifact, add, group, room }: Writer, table: Element, row: Row): void {
  const x = page.left + labelWidth;
  const cell = { width: width - labelWidth, lineGap: 1 };
  const face = (): Document => doc.font(row.mono ? "mono" : "regular").fontSize(row.mono ? 8 : 9.5);
  const small = (): Document => doc.font("regular").fontSize(8.2);
  const note = row.note === undefined ? 0 : small().heightOfString(row.note, cell);
  const label = doc
    .font("regular")
    .fontSize(9)
    .heightOfString(row.label, { width: labelWidth - 8 });
  room(Math.max(label, face().heightOfString(row.value, cell) + note) + 5);
  const top = doc.y;
  const line = group(table, "TR");
  add(line, "TH", () => doc.font("regular").fontSize(9).fillColor(colour.quiet).text(row.label, page.left, top + 2, { width: labelWidth - 8 }), { scope: "Row" }); // biome-ignore format: one line
  const below = doc.y;
  add(line, "TD", () => {
    face()
      .fillColor(colour.ink)
      .text(row.value, x, top + 2, cell);
    if (row.note !== undefined) small().fillColor(colour.quiet).text(row.note, x, doc.y, cell);
  });
  line.end();
  doc.y = Math.max(doc.y, below) + 2;
  artifact(() =>
    doc
      .moveTo(page.left, doc.y)
      .lineTo(page.left + width, doc.y)
      .lineWidth(0.4)
      .stroke(colour.line),
  );
}
