// The demo's page for everybody: by keyboard, by screen reader, in the dark, on a phone.

import { expect, it } from 'vitest';
import { useDemoPage } from '../support/demo-page.js';
import { describeWith } from '../support/programs.js';

// run in pages, as text: this side has no types of a browser
const focused = `document.activeElement.id || document.activeElement.tagName`;

describeWith(['chromium'], "the demo's page, for everybody", () => {
  const { demo, page, text, says, signIn } = useDemoPage();

  it('can be used by keyboard alone', async () => {
    await page().goto(demo().place('page'));
    await says('status', 'You are signed out');
    await page().keyboard.press('Tab');
    expect(await page().evaluate(focused)).toBe('sign-in');
    await page().keyboard.press('Enter');
    await page().waitForSelector('#username');
    await page().keyboard.type('demo');
    await page().keyboard.press('Tab');
    await page().keyboard.type('changeit');
    await page().keyboard.press('Enter');
    await says('status', 'Signed in as demo');
    await page().locator('#label', { hasNotText: '…' }).waitFor();

    const visited: unknown[] = [];
    const next = async () => {
      await page().keyboard.press('Tab');
      visited.push(await page().evaluate(focused));
      const outline = await page().evaluate('getComputedStyle(document.activeElement).outline');
      expect(`${String(visited.at(-1))}: ${String(outline)}`).toMatch(/: rgb.* solid 3px$/);
    };
    const stops = [
      'sign-out',
      'SUMMARY',
      'orders',
      'order',
      'me',
      'draft',
      'still-here',
      'poll',
      'news',
      'socket',
      'away',
      'log',
    ];
    while (visited.length < stops.length) {
      await next();
      if (visited.at(-1) === 'orders') await page().keyboard.press('Enter');
      if (visited.at(-1) === 'news') await page().keyboard.press('Space');
    }
    expect(visited).toEqual(stops);
    await says('log', 'The API has');
    await says('news-state', 'open');
    for (let i = 1; i < stops.length; i++) await page().keyboard.press('Shift+Tab');
    expect(await page().evaluate(focused)).toBe('sign-out');
    await page().keyboard.press('Enter');
    await says('status', 'You are signed out');
    // else a screen reader would begin at the top again
    expect(await page().evaluate(focused)).toBe('signed-out-title');
    expect(await page().evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('none');
  });

  it('has a name for everything that can be used or looked at', async () => {
    await signIn();
    const devtools = await page().context().newCDPSession(page());
    const { nodes } = await devtools.send('Accessibility.getFullAXTree');
    const named = ['button', 'checkbox', 'textbox', 'link', 'progressbar', 'log', 'image', 'region'];
    const found = nodes.filter(({ ignored, role }) => !ignored && named.includes(String(role?.value)));
    expect(new Set(found.map(({ role }) => role?.value))).toEqual(new Set(named.filter((role) => role !== 'link')));
    expect(found.filter(({ name }) => !name?.value).map(({ role }) => role?.value)).toEqual([]);
  });

  it.each(['light', 'dark'] as const)('can be read in the %s', async (colorScheme) => {
    await page().emulateMedia({ colorScheme });
    await page().goto(demo().place('page'));
    await says('status', 'You are signed out');
    expect(await page().evaluate(poorContrasts)).toEqual([]);
    await signIn();
    await page().click('#orders');
    await says('log', 'The API has');
    expect(await page().evaluate(poorContrasts)).toEqual([]);
    expect(Number(await page().evaluate(`document.querySelectorAll('*').length`))).toBeGreaterThan(100);
  });

  it('fits on a phone, and can be hit with a finger', async () => {
    await page().setViewportSize({ width: 320, height: 640 });
    await signIn();
    expect(await page().evaluate('document.documentElement.scrollWidth')).toBe(320);
    expect(await text('span')).toBe('90 seconds');
    for (const control of await page().locator('button:visible, .toggles li').all())
      expect((await control.boundingBox())?.height).toBeGreaterThanOrEqual(44);
  });
});

/** Texts whose contrast with what lies behind them is less than 4.5 (WCAG 2.2, 1.4.3). */
const poorContrasts = `(() => {
  const parse = (colour) => {
    const numbers = colour.match(/[\\d.]+/g).map(Number);
    const alpha = numbers[3] ?? 1;
    return { alpha, rgb: numbers.slice(0, 3).map((each) => (colour.startsWith('color(') ? each : each / 255)) };
  };
  const luminance = ({ rgb }) => {
    const [r, g, b] = rgb.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour.alpha === 1) return colour;
    }
    return parse('rgb(255, 255, 255)');
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
  return [...document.body.querySelectorAll('*')]
    .filter((element) => hasText(element) && element.getClientRects().length > 0)
    .map((element) => {
      const style = getComputedStyle(element);
      const [dark, light] = [
        luminance(parse(element instanceof SVGElement ? style.fill : style.color)),
        luminance(ground(element)),
      ].toSorted((a, b) => a - b);
      return { text: element.textContent.trim(), contrast: (light + 0.05) / (dark + 0.05) };
    })
    .filter(({ contrast }) => contrast < 4.5);
})()`;
