// One click on a fresh start, and then a person's day in a workspace: launch, type, copy and paste, resize,
// lose the connection, leave and resume, restart the service, delete.

import { type BrowserContext, expect, type Page, test } from '@playwright/test';

import { Innkeeper } from './innkeeper.ts';
import {
  changedPixels,
  choosePassword,
  expectAccessible,
  liveDesktop,
  PASSWORD,
  person,
  setUpIdentity,
  setUpWorkspaces,
} from './people.ts';

test.describe.configure({ mode: 'serial' });

let inn: Innkeeper;
let guest: BrowserContext;
let page: Page;

test.beforeAll(async ({ browser }) => {
  inn = await Innkeeper.start();
  ({ context: guest, page } = await person(browser));
  await guest.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: inn.workspaces });
});

test.afterAll(async () => {
  await guest?.close();
  await inn?.dispose();
});

test('a fresh start is connected: the sample user chooses a password, and one click later is in', async () => {
  await page.goto(inn.link(/auth\.localhost.*recovery.*token=/));
  await expectAccessible(page);
  await choosePassword(page);
  await expect(page.getByRole('heading', { name: 'My applications' })).toBeVisible();
  await expectAccessible(page);
  await page.goto(inn.workspaces);
  await page.getByRole('main').getByRole('link', { name: /Innkeeper/ }).click();
  await expect(page).toHaveURL(`${inn.workspaces}/`);
  await expect(page.getByRole('heading', { name: 'Desktop' })).toBeVisible();
});

test('My applications leads straight to Workspaces', async () => {
  await page.goto(`${inn.identity}/if/user/`);
  const tile = page.getByRole('main').getByRole('link', { name: /Workspaces/ }).first();
  await tile.evaluate((link) => link.removeAttribute('target'));
  await tile.click();
  await expect(page).toHaveURL(new RegExp(`^${inn.workspaces}/`));
});

test('the desktop is live and reacts to the mouse', async () => {
  await page.goto(inn.workspaces);
  await page.getByRole('button', { name: 'Launch Desktop' }).click();
  const canvas = await liveDesktop(page);
  await page.waitForTimeout(1_500);
  const menu = await changedPixels(canvas, async () => {
    await canvas.click({ button: 'right', position: { x: 700, y: 300 } });
  });
  expect(menu).toBeGreaterThan(2_000);
  await page.keyboard.press('Escape');
});

test('the desktop follows the size of the window', async () => {
  await page.setViewportSize({ width: 1000, height: 640 });
  await expect
    .poll(() => page.locator('#workspace canvas').first().evaluate((canvas: HTMLCanvasElement) => canvas.width))
    .toBe(1000);
  await page.setViewportSize({ width: 1280, height: 800 });
  await expect
    .poll(() => page.locator('#workspace canvas').first().evaluate((canvas: HTMLCanvasElement) => canvas.width))
    .toBe(1280);
});

test('left, the session goes on; it is resumed from the dashboard, and deleted', async () => {
  await page.goto(inn.workspaces);
  await expect(page.getByRole('heading', { name: 'Your sessions' })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('link', { name: 'Resume' }).click();
  await liveDesktop(page);
  await page.goto(inn.workspaces);
  await page.getByRole('button', { name: 'Delete' }).first().click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByRole('heading', { name: 'Your sessions' })).toHaveCount(0);
});

test('text travels both ways between the clipboards', async () => {
  await page.getByRole('button', { name: 'Launch Terminal' }).click();
  const canvas = await liveDesktop(page);
  await page.evaluate(() => navigator.clipboard.writeText('echo pasted-from-outside'));
  await page.evaluate(() => window.dispatchEvent(new Event('focus')));
  await canvas.click();
  await page.waitForTimeout(500);
  const pasted = await changedPixels(canvas, async () => {
    await canvas.click({ button: 'middle' });
    // The terminal asks for the selection and gets it a moment later.
    await page.waitForTimeout(500);
    await page.keyboard.press('Enter');
  });
  expect(pasted).toBeGreaterThan(300);

  await page.evaluate(() => navigator.clipboard.writeText('nothing yet'));
  // The answer of echo is the second line of the screen; a double click selects a word of it.
  await canvas.dblclick({ position: { x: 24, y: 37 } });
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toMatch(/^pasted/);
});

test('a lost connection is told and comes back by itself', async () => {
  await guest.setOffline(true);
  await page.evaluate(() => window.dispatchEvent(new Event('offline')));
  await inn.kill();
  await expect(page.locator('html')).toHaveAttribute('data-stream-state', 'reconnecting');
  await guest.setOffline(false);
  await inn.up();
  await liveDesktop(page);
  const canvas = page.locator('#workspace canvas').first();
  const typed = await changedPixels(canvas, async () => {
    await page.keyboard.type('seq 1 100\n', { delay: 20 });
  });
  expect(typed).toBeGreaterThan(2_000);
});

test('Ctrl-C is clean, and the next start finds people and sessions as they were', async () => {
  expect(await inn.interrupt()).toBe(0);
  await inn.up();
  await page.goto(inn.workspaces);
  await expect(page.getByRole('heading', { name: 'Your sessions' })).toBeVisible();
  await page.getByRole('link', { name: 'Resume' }).first().click();
  await liveDesktop(page);
});

test('an administrator ends a session, and its person is told', async ({ browser }) => {
  const { page: admin, context } = await person(browser);
  await setUpWorkspaces(admin, inn);
  await admin.goto(`${inn.workspaces}/admin/sessions/`);
  await expectAccessible(admin);
  await admin.getByRole('button', { name: 'End' }).first().click();
  await admin.getByRole('dialog').getByRole('button', { name: 'End' }).click();
  await expect(page.locator('html')).toHaveAttribute('data-stream-state', 'ended');
  await expect(page.getByText(/administrator/i).first()).toBeVisible();
  await context.close();
});

test('a disabled account is out at once', async ({ browser }) => {
  const { page: admin, context } = await person(browser);
  await setUpIdentity(admin, inn);
  await admin.goto(`${inn.identity}/if/admin/users/`);
  await admin.getByRole('main').getByRole('link', { name: 'sam' }).first().click();
  await admin.getByLabel('Is active').uncheck();
  await admin.getByRole('button', { name: 'Update' }).click();
  await page.goto(`${inn.identity}/if/user/`);
  await expect(page.getByRole('heading', { name: 'My applications' })).toHaveCount(0);
  await context.close();
});

test('signing in needs no JavaScript', async ({ browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const plain = await context.newPage();
  await plain.goto(inn.workspaces);
  await plain.getByRole('main').getByRole('link', { name: /Innkeeper/ }).click();
  await plain.getByLabel(/username/i).fill('akadmin');
  await plain.getByLabel('Password').fill(PASSWORD);
  await plain.getByRole('button', { name: /sign in|log in/i }).click();
  await plain.getByRole('button', { name: 'Continue' }).click();
  await expect(plain).toHaveURL(`${inn.workspaces}/`);
  await context.close();
});

test('the address that Kasm uses for local accounts leads to ours', async ({ browser }) => {
  const { page: fresh, context } = await person(browser);
  await fresh.goto(`${inn.workspaces}/#/staticlogin`);
  await expect(fresh).toHaveURL(`${inn.workspaces}/staticlogin`);
  await context.close();
});
