// What people do in a browser, in the words of the pages.

import AxeBuilder from '@axe-core/playwright';
import { type Browser, type BrowserContext, expect, type Locator, type Page } from '@playwright/test';
import { PNG } from 'pngjs';

import type { Innkeeper } from './innkeeper.ts';

export const PASSWORD = 'a sentence that is long enough';

/** A new person: a browser with nothing of ours in it (what an incognito window is). */
export async function person(browser: Browser): Promise<{ context: BrowserContext; page: Page }> {
  const context = await browser.newContext({ acceptDownloads: true });
  return { context, page: await context.newPage() };
}

/** The first administrator of Workspaces. */
export async function setUpWorkspaces(page: Page, inn: Innkeeper): Promise<void> {
  await page.goto(inn.link(/workspaces\.localhost.*token=/));
  await page.getByLabel('Username').fill('admin');
  await choosePassword(page);
  await expect(page).toHaveURL(new RegExp(`^${inn.workspaces}/`));
  await expect(page.getByRole('button', { name: 'Sign out' }).first()).toBeVisible();
}

/** The first administrator of Identity. */
export async function setUpIdentity(page: Page, inn: Innkeeper): Promise<void> {
  await page.goto(inn.link(/auth\.localhost.*initial-setup.*token=/));
  await page.getByLabel('Username').fill('akadmin');
  await page.getByLabel('Email').fill('admin@example.com');
  await choosePassword(page);
  await expect(page.getByRole('button', { name: 'Sign out' }).first()).toBeVisible();
}

/** Fills in the two boxes of a new password and sends the form. */
export async function choosePassword(page: Page): Promise<void> {
  for (const box of await page.locator('input[type=password]').all()) await box.fill(PASSWORD);
  await page.locator('main').getByRole('button').last().click();
}

/** An administrator of Identity adds a user with a password. */
export async function addIdentityUser(
  page: Page,
  inn: Innkeeper,
  username: string,
  name: string,
  email: string,
): Promise<void> {
  await page.goto(`${inn.identity}/if/admin/users/new/`);
  await page.getByLabel('Username').fill(username);
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Email').fill(email);
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByLabel('New password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Set password' }).click();
  await expect(page.getByText('No password yet')).toHaveCount(0);
}

export async function signInToIdentity(page: Page, username: string): Promise<void> {
  await page.getByLabel(/username/i).fill(username);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: /sign in|log in/i }).click();
}

/** The desktop of the workspace page, once it is live. */
export async function liveDesktop(page: Page): Promise<Locator> {
  await expect(page.locator('html')).toHaveAttribute('data-stream-state', 'live', { timeout: 30_000 });
  const canvas = page.locator('#workspace canvas').first();
  await expect(canvas).toBeVisible();
  return canvas;
}

/** How many pixels of a desktop differ between two moments. */
export async function changedPixels(canvas: Locator, act: () => Promise<void>, settleMs = 1_500): Promise<number> {
  const before = PNG.sync.read(await canvas.screenshot());
  await act();
  await canvas.page().waitForTimeout(settleMs);
  const after = PNG.sync.read(await canvas.screenshot());
  let changed = 0;
  for (let i = 0; i < Math.min(before.data.length, after.data.length); i += 4) {
    if (before.data.readUInt32BE(i) !== after.data.readUInt32BE(i)) changed += 1;
  }
  return changed;
}

/** Nothing on this page stands in the way of a person who uses assistive technology. */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`);
  expect(found, page.url()).toEqual([]);
}
