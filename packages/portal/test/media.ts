/** Recordings that browsers play, made by the tests themselves. */
import type { Page } from "playwright-core";

/** A WAV file (RIFF, 16-bit PCM, stereo, 44.1 kHz) of a soft tone: 176,400 bytes a second. */
export function createWav(seconds: number): Uint8Array {
  const rate = 44_100;
  const frames = rate * seconds;
  const wav = Buffer.alloc(44 + frames * 4);
  wav.write("RIFF", 0);
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write("WAVEfmt ", 8);
  wav.writeUInt32LE(16, 16); // length of the format
  wav.writeUInt16LE(1, 20); // PCM
  wav.writeUInt16LE(2, 22);
  wav.writeUInt32LE(rate, 24);
  wav.writeUInt32LE(rate * 4, 28);
  wav.writeUInt16LE(4, 32);
  wav.writeUInt16LE(16, 34);
  wav.write("data", 36);
  wav.writeUInt32LE(frames * 4, 40);
  const second = Buffer.alloc(rate * 4);
  for (let at = 0; at < rate; at++) {
    const level = Math.round(1000 * Math.sin((2 * Math.PI * 220 * at) / rate));
    second.writeInt16LE(level, at * 4);
    second.writeInt16LE(level, at * 4 + 2);
  }
  for (let at = 0; at < seconds; at++) second.copy(wav, 44 + at * second.length);
  return new Uint8Array(wav);
}

/** About a second of WebM (VP8), 320 by 180, and a PNG of its last picture: the browser records its own canvas. */
export async function recordVideo(page: Page): Promise<{ readonly webm: Uint8Array; readonly png: Uint8Array }> {
  const [webm = "", png = ""] = await page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [320, 180];
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("no canvas");
    const recorder = new MediaRecorder(canvas.captureStream(15), { mimeType: "video/webm;codecs=vp8" });
    const parts: Blob[] = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    const stopped = new Promise((resolve) => {
      recorder.onstop = resolve;
    });
    recorder.start();
    for (let picture = 0; picture < 15; picture++) {
      context.fillStyle = `hsl(${picture * 20} 60% 40%)`;
      context.fillRect(0, 0, 320, 180);
      context.fillStyle = "white";
      context.font = "48px sans-serif";
      context.fillText(`00:00:${picture}`, 60, 105);
      await new Promise((resolve) => setTimeout(resolve, 66));
    }
    recorder.stop();
    await stopped;
    const toBase64 = async (blob: Blob): Promise<string> => new Uint8Array(await blob.arrayBuffer()).toBase64();
    const picture = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
    return [await toBase64(new Blob(parts)), await toBase64(picture ?? new Blob())];
  });
  return { webm: Buffer.from(webm, "base64"), png: Buffer.from(png, "base64") };
}

/**
 * A WebM file (Matroska, RFC 9559) of VP8 that players can seek in: a picture a second, each in a cluster of its own, with cues. The
 * browser encodes the pictures; empty elements between the clusters make it as long as a real recording.
 * @param padding bytes of each of them
 */
export async function encodeVideo(page: Page, seconds: number, padding: number): Promise<Uint8Array> {
  const frames = await page.evaluate(async (count) => {
    const encoded: string[] = [];
    const encoder = new VideoEncoder({
      output(chunk) {
        const bytes = new Uint8Array(chunk.byteLength);
        chunk.copyTo(bytes);
        encoded.push(bytes.toBase64());
      },
      error(error) {
        throw error;
      },
    });
    encoder.configure({ codec: "vp8", width: 320, height: 180 });
    const canvas = new OffscreenCanvas(320, 180);
    const context = canvas.getContext("2d");
    for (let second = 0; second < count; second++) {
      if (context === null) throw new Error("no canvas");
      context.fillStyle = `hsl(${second * 6} 60% 40%)`;
      context.fillRect(0, 0, 320, 180);
      const frame = new VideoFrame(canvas, { timestamp: second * 1e6, duration: 1e6 });
      encoder.encode(frame, { keyFrame: true });
      frame.close();
    }
    await encoder.flush();
    return encoded;
  }, seconds);
  return muxWebm(
    frames.map((frame) => Buffer.from(frame, "base64")),
    padding,
  );
}

function muxWebm(frames: readonly Uint8Array[], padding: number): Uint8Array {
  const header = element(0x1a45dfa3, element(0x4282, Buffer.from("webm")), element(0x4287, uint(2)), element(0x4285, uint(2))); // biome-ignore format: EBML, DocType, its versions
  const duration = Buffer.alloc(8);
  duration.writeDoubleBE(frames.length * 1000);
  const info = element(0x1549a966, element(0x2ad7b1, uint(1_000_000)), element(0x4489, duration)); // a tick is a millisecond
  const size = element(0xe0, element(0xb0, uint(320)), element(0xba, uint(180)));
  const track = element(0xae, element(0xd7, uint(1)), element(0x73c5, uint(1)), element(0x83, uint(1)), element(0x86, Buffer.from("V_VP8")), size); // biome-ignore format: one track
  const tracks = element(0x1654ae6b, track);
  const block = (frame: Uint8Array): Uint8Array => Buffer.concat([Buffer.of(0x81, 0, 0, 0x80), frame]); // track 1, a key frame
  const clusters = frames.map((frame, second) =>
    Buffer.concat([
      element(0x1f43b675, element(0xe7, uint(second * 1000)), element(0xa3, block(frame))),
      element(0xec, Buffer.alloc(padding)),
    ]),
  );
  const cuesFor = (before: number): Uint8Array => {
    let at = before;
    const points = clusters.map((cluster, second) => {
      const place = element(0xb7, element(0xf7, uint(1)), element(0xf1, uint(at)));
      at += cluster.length;
      return element(0xbb, element(0xb3, uint(second * 1000)), place);
    });
    return element(0x1c53bb6b, ...points);
  };
  const before = info.length + tracks.length;
  const cues = cuesFor(before + cuesFor(0).length); // numbers have eight bytes, so that the length does not change
  return Buffer.concat([header, element(0x18538067, info, tracks, cues, ...clusters)]);
}

/** RFC 8794 §4: an element's id, its length in eight bytes, its content. */
function element(id: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(content);
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(body.length) | (1n << 56n));
  const name = Buffer.from(id.toString(16), "hex");
  return Buffer.concat([name, length, body]);
}

function uint(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
