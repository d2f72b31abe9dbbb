// SAML as an administrator and a person meet it: an expression that is told to the application, the exchanges that
// were kept, and signing out on one side signing out on the other.

import { type BrowserContext, expect, type Page, test } from '@playwright/test';

import { Innkeeper } from './innkeeper.ts';
import { addIdentityUser, expectAccessible, person, setUpIdentity, setUpWorkspaces, signInToIdentity } from './people.ts';

test.describe.configure({ mode: 'serial' });

let inn: Innkeeper;
let context: BrowserContext;
let admin: Page;
let guest: { context: BrowserContext; page: Page };

test.beforeAll(async ({ browser }) => {
  inn = await Innkeeper.start('--bare');
  ({ context, page: admin } = await person(browser));
  await setUpWorkspaces(admin, inn);
  await setUpIdentity(admin, inn);
  await addIdentityUser(admin, inn, 'mira', 'Mira Muster', 'mira@example.com');
  await admin.goto(`${inn.workspaces}/admin/access/authentication/saml/`);
  await admin.getByRole('button', { name: 'Connect to Innkeeper Identity' }).click();
  await expect(admin.locator('.alert-success')).toBeVisible();
  guest = await person(browser);
});

test.afterAll(async () => {
  await guest?.context.close();
  await context?.close();
  await inn?.dispose();
});

test('an administrator writes a mapping, and sees what it gives before anybody is told', async () => {
  await admin.goto(`${inn.identity}/if/admin/property-mappings/`);
  await expectAccessible(admin);
  await admin.getByRole('link', { name: 'Create' }).click();
  await admin.getByLabel('Name *', { exact: true }).fill('Badge');
  await admin.getByLabel('SAML Attribute Name').fill('badge');
  await admin.getByLabel('Expression').fill('return f"{user.username}@{len(user.name)}"');
  const user = admin.getByLabel('User', { exact: true });
  const users = await user.locator('option').allTextContents();
  await user.selectOption({ label: users.find((text) => text.includes('mira')) ?? '' });
  await admin.getByRole('button', { name: 'Test' }).click();
  await expect(admin.getByRole('status')).toContainText('mira@11');
  await expectAccessible(admin);
  await admin.getByLabel('Expression').fill('return user.');
  await admin.getByRole('button', { name: 'Create' }).click();
  await expect(admin.locator('#expression')).toHaveAttribute('aria-invalid', 'true');
  await admin.getByLabel('Expression').fill('return "badge of " + user.username');
  await admin.getByRole('button', { name: 'Create' }).click();
  await expect(admin.locator('.alert-success')).toBeVisible();
});

test('the provider tells it, and Workspaces shows what it was told', async () => {
  await admin.goto(`${inn.identity}/if/admin/providers/`);
  await admin.getByRole('main').locator('tbody a').first().click();
  await admin.getByRole('link', { name: 'Edit' }).first().click();
  await admin.getByText('Advanced protocol settings').click();
  await admin.getByLabel('Badge').check();
  await admin.getByRole('button', { name: /Update|Save/ }).click();
  await expect(admin.locator('.alert-success')).toBeVisible();

  await signInAtWorkspaces();
  await admin.goto(`${inn.workspaces}/admin/access/authentication/saml/`);
  await admin.getByRole('main').locator('tbody a').first().click();
  await admin.getByRole('link', { name: /exchanges/i }).first().click();
  await expectAccessible(admin);
  await admin.getByRole('main').locator('tbody a').first().click();
  await expect(admin.getByRole('main')).toContainText('badge of mira');
  await expect(admin.locator('#received')).toContainText('<saml:Assertion');
  await expect(admin.locator('#sent')).toContainText('AuthnRequest');
  for (const colorScheme of ['light', 'dark'] as const) {
    await admin.emulateMedia({ colorScheme });
    await expectAccessible(admin);
  }
});

test('signing out of Workspaces signs out of Identity', async () => {
  const { page } = guest;
  await page.goto(inn.workspaces);
  await page.getByRole('button', { name: 'Sign out' }).first().click();
  // For two seconds one may stay signed in at Identity; then it is told.
  await expect(page.getByRole('link', { name: /stay signed in/i })).toBeVisible();
  await expect(page.getByRole('link', { name: /stay signed in/i })).toHaveCount(0, { timeout: 15_000 });
  await expect(page.getByRole('heading', { name: /signed out/i })).toBeVisible({ timeout: 15_000 });
  await expectAccessible(page);
  await page.goto(`${inn.identity}/if/user/`);
  await expect(page.getByLabel('Password')).toBeVisible();
});

test('signing out of Identity signs out of Workspaces', async () => {
  const { page } = guest;
  await signInAtWorkspaces();
  await page.goto(`${inn.identity}/if/user/`);
  await page.getByRole('button', { name: 'Sign out' }).first().click();
  await expect(page.getByRole('heading', { name: /signed out/i })).toBeVisible({ timeout: 15_000 });
  await expectAccessible(page);
  await page.goto(inn.workspaces);
  await expect(page.getByRole('link', { name: /Innkeeper Identity/ })).toBeVisible();
});

/** The guest comes in through the button on the sign-in page, with their password at Identity. */
async function signInAtWorkspaces(): Promise<void> {
  const { page } = guest;
  await page.goto(inn.workspaces);
  await page.getByRole('main').getByRole('link', { name: /Innkeeper Identity/ }).click();
  await signInToIdentity(page, 'mira');
  await expect(page).toHaveURL(`${inn.workspaces}/`);
  await expect(page.getByRole('button', { name: 'Sign out' }).first()).toBeVisible();
}
