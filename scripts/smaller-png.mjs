// Screenshots for the documents, in 128 colours: browsers save time, not space. For what Chromium writes: 8 bits a
// channel, RGB or RGBA, not interlaced.
import { crc32, deflateSync, inflateSync } from 'node:zlib';

const signatureLength = 8;
const paletteMax = 128;

export function smallerPng(png) {
  const chunks = chunksOf(png);
  const header = chunks.find(({ type }) => type === 'IHDR').data;
  const [width, height, bytes] = [header.readUInt32BE(0), header.readUInt32BE(4), header[9] === 6 ? 4 : 3];
  const data = inflateSync(Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map((chunk) => chunk.data)));
  const colours = coloursOf(unfiltered(data, width * bytes, bytes), width * height, bytes);
  const palette = paletteOf(colours);

  const rows = Buffer.alloc((width + 1) * height);
  for (const [i, colour] of colours.entries()) rows[Math.floor(i / width) + 1 + i] = palette.indexOf(colour);
  const newHeader = Buffer.from(header);
  newHeader[9] = 3;
  return Buffer.concat([
    png.subarray(0, signatureLength),
    chunkOf('IHDR', newHeader),
    chunkOf(
      'PLTE',
      Buffer.from(palette.colours.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255])),
    ),
    chunkOf('IDAT', deflateSync(rows, { level: 9, memLevel: 9 })),
    chunkOf('IEND', Buffer.alloc(0)),
  ]);
}

function chunksOf(png) {
  const chunks = [];
  for (let at = signatureLength; at < png.length;) {
    const length = png.readUInt32BE(at);
    chunks.push({ type: png.toString('latin1', at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

/** PNG, 9.2: each row says how it was filtered; `bytes` are those of a pixel. */
function unfiltered(data, rowLength, bytes) {
  const rows = Buffer.alloc((data.length / (rowLength + 1)) * rowLength);
  for (let row = 0; row * rowLength < rows.length; row++) {
    const filter = data[row * (rowLength + 1)];
    const from = row * rowLength;
    for (let i = 0; i < rowLength; i++) {
      const left = i >= bytes ? rows[from + i - bytes] : 0;
      const up = row > 0 ? rows[from + i - rowLength] : 0;
      const corner = i >= bytes && row > 0 ? rows[from + i - rowLength - bytes] : 0;
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
      rows[from + i] = data[row * (rowLength + 1) + 1 + i] + guess;
    }
  }
  return rows;
}

function paeth(left, up, corner) {
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(left + up - corner - value));
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

function coloursOf(rows, count, bytes) {
  const colours = new Uint32Array(count);
  for (let i = 0; i < count; i++) colours[i] = rows.readUIntBE(i * bytes, 3);
  return colours;
}

/** The most frequent colours; of a page's shades of its few colours nobody misses the others. */
function paletteOf(colours) {
  const counts = new Map();
  for (const colour of colours) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const chosen = [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([colour]) => colour)
    .slice(0, paletteMax);
  const indexes = new Map(chosen.map((colour, index) => [colour, index]));
  return {
    colours: chosen,
    indexOf(colour) {
      if (!indexes.has(colour)) indexes.set(colour, nearest(chosen, colour));
      return indexes.get(colour);
    },
  };
}

function nearest(chosen, colour) {
  const distances = chosen.map((other) =>
    [16, 8, 0].reduce((sum, shift) => sum + (((colour >> shift) & 255) - ((other >> shift) & 255)) ** 2, 0),
  );
  return distances.indexOf(Math.min(...distances));
}

function chunkOf(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}
