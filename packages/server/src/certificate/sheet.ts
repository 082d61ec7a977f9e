/**
 * Pages with a structure that screen readers follow, as pdfkit 0.20 makes them: tagged, with their language and title, every
 * font embedded, a colour profile and XMP metadata, as PDF/A-2a (ISO 19005-2) and PDF/UA-1 (ISO 14289-1) ask for; `npm run
 * interop` has veraPDF check both. Letter size, with margins that A4 paper holds too.
 */
import { fileURLToPath } from "node:url";
import PDFDocument from "pdfkit";

type Document = PDFKit.PDFDocument;
type Element = PDFKit.PDFStructureElement;

/** Colours of the U.S. Web Design System; every text stands out at 4.5 : 1 or more. */
export const colour = {
  ink: "#1b1b1b",
  quiet: "#565c65",
  line: "#c6cace",
  navy: "#162e51",
  navyLine: "#3a5f95",
  blue: "#005ea2",
  white: "#ffffff",
  good: { edge: "#008817", ground: "#ecf3ec", text: "#19311e" },
  warn: { edge: "#936f38", ground: "#faf3d1", text: "#422d19" },
  bad: { edge: "#b50909", ground: "#f4e3db", text: "#6f3331" },
} as const;

export type Tone = "good" | "warn" | "bad";

const page = { width: 612, height: 792, left: 54, right: 54, top: 50, bottom: 58 } as const;
const width = page.width - page.left - page.right;
const labelWidth = 112;
const asset = (name: string): string => fileURLToPath(import.meta.resolve(`@uswds/uswds/fonts/${name}`));

export interface SheetOptions {
  readonly title: string;
  readonly language: string;
  readonly subject: string;
  readonly author: string;
  readonly at: Date;
}

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

export interface Opening {
  readonly intro: string;
  readonly boxes: readonly { readonly tone: Tone; readonly heading: string; readonly text: string }[];
  readonly qr: readonly (readonly boolean[])[];
  readonly qrAlt: string;
  readonly caption: string;
  readonly link: string;
}

export interface Section {
  paragraph(text: string): void;
  rows(rows: readonly Row[]): void;
  list(items: readonly string[], numbered: boolean): void;
}

export function createSheet(options: SheetOptions): Sheet {
  const doc = openDocument(options);
  const root = doc.struct("Document");
  doc.addStructure(root);
  const artifact = (draw: () => void): void => {
    doc.markContent("Artifact", { type: "Layout" });
    draw();
    doc.endMarkedContent();
  };
  const write: Writer = {
    doc,
    artifact,
    add(parent, tag, draw, more = {}) {
      const element = doc.struct(tag, more, draw);
      parent.add(element);
    },
    group(parent, tag) {
      const element = doc.struct(tag);
      parent.add(element);
      return element;
    },
    room(height) {
      if (doc.y + height > page.height - page.bottom) doc.addPage();
    },
  };
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

interface Writer {
  readonly doc: Document;
  /** Draws what only pleases the eye: readers skip it. */
  artifact(draw: () => void): void;
  /** Content under a tag, drawn at once. */
  add(parent: Element, tag: string, draw: () => void, more?: { readonly alt?: string; readonly scope?: string }): void;
  /** A tag that takes further ones until it is ended. */
  group(parent: Element, tag: string): Element;
  /** Goes on to the next page when so many points do not fit on this one. */
  room(height: number): void;
}

function openDocument({ title, language, subject, author, at }: SheetOptions): Document {
  const doc = new PDFDocument({
    pdfVersion: "1.7",
    subset: "PDF/A-2a",
    tagged: true,
    lang: language,
    displayTitle: true,
    size: [page.width, page.height],
    margins: { top: page.top, bottom: page.bottom, left: page.left, right: page.right },
    bufferPages: true,
    info: { Title: title, Subject: subject, Author: author, Creator: "Attestry", Producer: "PDFKit", CreationDate: at },
  });
  (doc as DocumentWithMetadata).appendXML(uaIdentification);
  doc.registerFont("regular", asset("public-sans/PublicSans-Regular.ttf"));
  doc.registerFont("bold", asset("public-sans/PublicSans-Bold.ttf"));
  doc.registerFont("mono", asset("roboto-mono/roboto-mono-v5-latin-regular.ttf"));
  return doc;
}

/** What pdfkit 0.20 has and its types do not name. */
type DocumentWithMetadata = Document & { appendXML(xml: string): void };

/** ISO 14289-1 clause 5: the file says that it follows part 1; ISO 19005-2 clause 6.6.2.3.3: and what that property is. */
const uaIdentification = `
<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/"><pdfuaid:part>1</pdfuaid:part></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
    xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
  <pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
    <pdfaSchema:schema>PDF/UA identification</pdfaSchema:schema>
    <pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
    <pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
    <pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
      <pdfaProperty:name>part</pdfaProperty:name>
      <pdfaProperty:valueType>Integer</pdfaProperty:valueType>
      <pdfaProperty:category>internal</pdfaProperty:category>
      <pdfaProperty:description>The part of ISO 14289 that the file follows</pdfaProperty:description>
    </rdf:li></rdf:Seq></pdfaSchema:property>
  </rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description>`;

function drawBanner({ doc, artifact, add }: Writer, root: Element, title: string, subtitle: string, right: string) {
  const height = 92;
  artifact(() => {
    doc.rect(0, 0, page.width, height).fill(colour.navy);
    doc.save().rect(0, 0, page.width, height).clip();
    doc
      .path(rosette(page.width - 62, height / 2, 78))
      .lineWidth(0.35)
      .stroke(colour.navyLine);
    doc.restore();
    doc.rect(0, height, page.width, 3).fill(colour.blue);
  });
  add(root, "H1", () => {
    doc
      .font("bold")
      .fontSize(23)
      .fillColor(colour.white)
      .text(title, page.left, 25, { width: width - 110 });
  });
  add(root, "P", () => {
    doc
      .font("regular")
      .fontSize(10.5)
      .fillColor(colour.white)
      .text(subtitle, page.left, 56, { width: width - 110 });
  });
  add(root, "P", () => {
    doc.font("bold").fontSize(12).fillColor(colour.white);
    doc.text(right, page.left + width - 150, 38, { width: 150, align: "right" });
  });
  doc.y = height + 16;
}

/** A guilloche, as on banknotes: a closed curve that winds about a circle. SVG path data. */
function rosette(x: number, y: number, radius: number): string {
  const points = Array.from({ length: 1800 }, (_, at) => {
    const angle = (at / 1800) * 2 * Math.PI * 13;
    const reach = radius * (0.62 + 0.3 * Math.cos((angle * 17) / 13) + 0.08 * Math.sin((angle * 51) / 13));
    return `${(x + reach * Math.cos(angle)).toFixed(2)} ${(y + reach * Math.sin(angle)).toFixed(2)}`;
  });
  return `M${points.join("L")}Z`;
}

const qrSide = 104;

function drawOpening(write: Writer, root: Element, { intro, boxes, qr, qrAlt, caption, link }: Opening): void {
  const { doc, add } = write;
  const top = doc.y;
  const left = width - qrSide - 22;
  add(root, "P", () => {
    doc.font("regular").fontSize(9.5).fillColor(colour.ink);
    doc.text(intro, page.left, top, { width: left, lineGap: 1.5 });
  });
  doc.y += 8;
  for (const box of boxes) drawBox(write, root, box, left);
  const bottom = doc.y;
  const x = page.left + width - qrSide;
  add(root, "Figure", () => drawQr(doc, qr, x, top), { alt: qrAlt });
  add(root, "P", () => {
    doc.font("bold").fontSize(8.5).fillColor(colour.navy);
    doc.text(caption, x - 12, top + qrSide + 5, { width: qrSide + 24, align: "center" });
  });
  drawLink(write, root, { link, alt: `${caption}: ${link}`, x: x - 12, width: qrSide + 24 });
  doc.y = Math.max(bottom, doc.y) + 10;
}

interface LinkOptions {
  readonly link: string;
  /** What is said of it to those who do not see where it stands. */
  readonly alt: string;
  readonly x: number;
  readonly width: number;
}

/** The address as text, and one area over all of its lines that leads there. */
function drawLink({ doc }: Writer, root: Element, { link, alt, x, width }: LinkOptions): void {
  const element: Element = doc.struct("Link", {}, () => {
    const top = doc.y + 1;
    doc.font("regular").fontSize(7).fillColor(colour.blue).text(link, x, top, { width, align: "center" });
    // ISO 14289-1 clause 7.18.5: a link says in words where it leads. pdfkit takes a primitive string for a name of the format.
    const area = { structParent: element, Contents: new String(alt) as string };
    doc.link(x, top, width, doc.y - top, link, area);
  });
  root.add(element);
}

function drawBox({ doc, artifact, add }: Writer, root: Element, box: Opening["boxes"][number], boxWidth: number): void {
  const { edge, ground, text } = colour[box.tone];
  const inner = boxWidth - 26;
  const top = doc.y;
  const height = 33 + doc.font("regular").fontSize(9.5).heightOfString(box.text, { width: inner, lineGap: 1 });
  artifact(() => {
    doc.rect(page.left, top, boxWidth, height).fill(ground);
    doc.rect(page.left, top, 5, height).fill(edge);
  });
  add(root, "P", () => {
    doc
      .font("bold")
      .fontSize(12)
      .fillColor(text)
      .text(box.heading, page.left + 16, top + 8, { width: inner });
  });
  add(root, "P", () => {
    doc.font("regular").fontSize(9.5).fillColor(text);
    doc.text(box.text, page.left + 16, doc.y + 2, { width: inner, lineGap: 1 });
  });
  doc.y = top + height + 8;
}

/** Black squares on the page's white, with the quiet zone that the caller's matrix brings. */
function drawQr(doc: Document, qr: Opening["qr"], x: number, y: number): void {
  const side = qrSide / qr.length;
  qr.forEach((row, down) => {
    row.forEach((black, right) => {
      if (black) doc.rect(x + right * side, y + down * side, side, side);
    });
  });
  doc.fill(colour.ink);
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

function collect(doc: Document): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  return new Promise((resolve, reject) => {
    doc.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    doc.on("error", reject);
    doc.on("end", () => resolve(Buffer.concat(chunks)));
    doc.end();
  });
}
