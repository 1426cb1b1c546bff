// Pictures of the demo for the documents: works in it for three minutes, with Debian's Chromium, then takes
// docs/demo-light.png, docs/demo-dark.png and docs/demo-phone.png. Run `npm run build` first: it shows what is in dist.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { smallerPng } from './smaller-png.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = process.argv[2] ?? `${root}docs`;

const demo = spawn(process.execPath, [`${root}dist/cli.js`, 'demo'], {
  env: { PATH: process.env.PATH, PORT: '0' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const guide = await new Promise((resolve) => {
  let text = '';
  demo.stdout.on('data', (chunk) => {
    text += chunk;
    if (text.includes('Ctrl+C')) resolve(text);
  });
});
const place = (name) => new RegExp(`^  ${name} +(\\S+)`, 'm').exec(guide)[1];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
const page = await browser.newPage({ viewport: { width: 1180, height: 900 }, deviceScaleFactor: 1.35 });
await page.goto(place('page'));
await page.click('#sign-in');
await page.fill('#username', place('user'));
await page.fill('#password', place('password'));
await page.click('button');
await page.waitForSelector('#signed-in:not([hidden])');

const startedAt = Date.now();
const until = (seconds) => sleep(startedAt + seconds * 1000 - Date.now());

/** Clicks now and then, as somebody who reads what comes. */
async function work(from, to, everyS) {
  for (let at = from; at < to; at += everyS * (0.4 + Math.random() * 1.2)) {
    await until(at);
    await page.click(Math.random() < 0.7 ? '#orders' : '#order');
  }
}

async function write(text) {
  await page.locator('#draft').pressSequentially(text, { delay: 110 });
}

await page.check('#news');
await page.check('#socket');
await work(2, 30, 1.1);
await page.check('#poll');
await until(70);
await write('While I write, AM is told now and then. ');
await work(82, 95, 0.7);
await page.click('#away');
await work(96, 107, 1.5);
await work(107, 114, 1.2);
await until(140);
await write('While I think, it is not.');
await work(146, 158, 1.2);
await work(171, 180, 0.8);
await page.click('#hello');
await page.mouse.move(0, 0);

const shots = [
  { name: 'light', colorScheme: 'light', width: 1180, height: 900 },
  { name: 'dark', colorScheme: 'dark', width: 1180, height: 900 },
  { name: 'phone', colorScheme: 'light', width: 412, height: 915 },
];
for (const { name, colorScheme, ...size } of shots) {
  await page.click('#orders');
  await page.mouse.move(0, 0);
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize(size);
  await page.evaluate(() => {
    document.activeElement.blur();
    scrollTo(0, 0);
  });
  await page.waitForFunction(() => document.getElementById('sentence').textContent.startsWith('AM was told'));
  await sleep(600);
  writeFileSync(`${folder}/demo-${name}.png`, smallerPng(await page.screenshot({ fullPage: name !== 'phone' })));
}
await browser.close();
demo.kill();
