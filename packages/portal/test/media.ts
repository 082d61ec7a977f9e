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
