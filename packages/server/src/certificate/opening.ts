/** The head of the first page: a band, and what the certificate says in one look, beside a QR code that leads to the entry. */
import { colour, type Document, type Element, page, type Tone, type Writer, width } from "./paper.ts";

export interface Opening {
  readonly intro: string;
  readonly boxes: readonly { readonly tone: Tone; readonly heading: string; readonly text: string }[];
  readonly qr: readonly (readonly boolean[])[];
  readonly qrAlt: string;
  readonly caption: string;
  readonly link: string;
}

/** The band at the head of the first page. */
export function drawBanner(
  { doc, artifact, add }: Writer,
  root: Element,
  title: string,
  subtitle: string,
  right: string,
): void {
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

export function drawOpening(write: Writer, root: Element, { intro, boxes, qr, qrAlt, caption, link }: Opening): void {
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
