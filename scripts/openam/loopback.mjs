// Has OpenAM's embedded directory listen on loopback alone: its template, a file in a zip, says 0.0.0.0.
import { readFileSync, writeFileSync } from 'node:fs';
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';

const CONFIG = 'config/config.ldif';

// APPNOTE.TXT 4.3: signatures, and where the fields are
const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;

export function keepDirectoryOnLoopback(path) {
  writeFileSync(path, replaceInZip(readFileSync(path), edit));
}

function edit(name, content) {
  if (!name.endsWith(CONFIG)) return undefined;
  const edited = content
    .toString('utf8')
    .replaceAll(/^ds-cfg-listen-address: .*\n/gm, '')
    .replaceAll(/^ds-cfg-listen-port: .*$/gm, '$&\nds-cfg-listen-address: 127.0.0.1');
  if (!edited.includes('127.0.0.1')) throw new Error(`${name}: no listen port`);
  return Buffer.from(edited);
}

/**
 * The archive with the files that `replace` gives other contents. Every entry is copied as it is; those that changed, and
 * all that stand behind them, have new places.
 */
function replaceInZip(zip, replace) {
  const parts = [];
  const directory = [];
  let at = 0;
  const add = (part) => {
    parts.push(part);
    at += part.length;
  };
  const end = zip.length - 22;
  if (end < 0 || zip.readUInt32LE(end) !== END) throw new Error('no end of a zip');
  let next = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    const length = 46 + zip.readUInt16LE(next + 28) + zip.readUInt16LE(next + 30) + zip.readUInt16LE(next + 32);
    const entry = Buffer.from(zip.subarray(next, next + length));
    next += length;
    const { header, data } = fileOf(zip, entry);
    const name = entry.toString('utf8', 46, 46 + entry.readUInt16LE(28));
    const content = entry.readUInt16LE(10) === 8 ? replace(name, inflateRawSync(data)) : undefined;
    entry.writeUInt32LE(at, 42);
    add(header);
    if (content === undefined) add(data);
    else add(describe(entry, header, content));
    directory.push(entry);
  }
  const tail = Buffer.from(zip.subarray(end));
  tail.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, ...directory, tail]);
}

/** The file that an entry of the central directory stands for; its header is a copy. */
function fileOf(zip, entry) {
  const from = entry.readUInt32LE(42);
  if (entry.readUInt32LE(0) !== CENTRAL || zip.readUInt32LE(from) !== LOCAL) throw new Error('no entry of a zip');
  const begin = from + 30 + zip.readUInt16LE(from + 26) + zip.readUInt16LE(from + 28);
  return {
    header: Buffer.from(zip.subarray(from, begin)),
    data: zip.subarray(begin, begin + entry.readUInt32LE(20)),
  };
}

/** Tells both of the new content; returns it compressed. */
function describe(entry, header, content) {
  const data = deflateRawSync(content);
  for (const [record, from] of [
    [entry, 16],
    [header, 14],
  ]) {
    record.writeUInt32LE(crc32(content), from);
    record.writeUInt32LE(data.length, from + 4);
    record.writeUInt32LE(content.length, from + 8);
  }
  return data;
}
