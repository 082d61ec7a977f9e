/**
 * Pages with a structure that screen readers follow, as pdfkit 0.20 makes them: tagged, with their language and title, every
 * font embedded, a colour profile and XMP metadata, as PDF/A-2a (ISO 19005-2) and PDF/UA-1 (ISO 14289-1) ask for; `npm run
 * interop` has veraPDF check both. Letter size, with margins that A4 paper holds too.
 */
import { fileURLToPath } from "node:url";
import PDFDocument from "pdfkit";

export type Document = PDFKit.PDFDocument;
export type Element = PDFKit.PDFStructureElement;

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

export const page = { width: 612, height: 792, left: 54, right: 54, top: 50, bottom: 58 } as const;
/** Of what stands between the margins, in points. */
export const width: number = page.width - page.left - page.right;

const asset = (name: string): string => fileURLToPath(import.meta.resolve(`@uswds/uswds/fonts/${name}`));

/** What the file says of itself. */
export interface PaperOptions {
  readonly title: string;
  readonly language: string;
  readonly subject: string;
  readonly author: string;
  readonly at: Date;
}

/** Draws under the tags that readers follow. */
export interface Writer {
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

export function createWriter(doc: Document): Writer {
  const artifact = (draw: () => void): void => {
    doc.markContent("Artifact", { type: "Layout" });
    draw();
    doc.endMarkedContent();
  };
  return {
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
}

export function openDocument({ title, language, subject, author, at }: PaperOptions): Document {
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

/** The file, once all is drawn. */
export function collect(doc: Document): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  return new Promise((resolve, reject) => {
    doc.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    doc.on("error", reject);
    doc.on("end", () => resolve(Buffer.concat(chunks)));
    doc.end();
  });
}
