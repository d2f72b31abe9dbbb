// The guide, word for word, on an Innkeeper that is started unconnected: every step by hand in an
// administrator's browser, then an incognito one.

import { readFileSync } from 'node:fs';

import { type BrowserContext, expect, type Page, test } from '@playwright/test';

import { Innkeeper } from './innkeeper.ts';
import {
  addIdentityUser,
  changedPixels,
  expectAccessible,
  liveDesktop,
  person,
  setUpIdentity,
  setUpWorkspaces,
  signInToIdentity,
} from './people.ts';

test.describe.configure({ mode: 'serial' });

let inn: Innkeeper;
let admin: BrowserContext;
let kasm: Page;
let authentik: Page;
let incognito: Page;
let acsUrl = '';
let entityIdUrl = '';

test.beforeAll(async ({ browser }) => {
  inn = await Innkeeper.start('--bare');
  ({ context: admin, page: kasm } = await person(browser));
  authentik = await admin.newPage();
});

test.afterAll(async () => {
  await admin?.close();
  await inn?.dispose();
});

test('both products are set up through their one-time links, which work once', async () => {
  const link = inn.link(/workspaces\.localhost.*token=/);
  await setUpWorkspaces(kasm, inn);
  await setUpIdentity(authentik, inn);
  await authentik.goto(link);
  await expect(authentik.getByRole('button', { name: 'Create and sign in' })).toHaveCount(0);
});

test('Kasm: Access Management - Authentication - SAML - create a new configuration', async () => {
  await kasm.goto(`${inn.workspaces}/admin/`);
  await expect(kasm.getByText('Access Management')).not.toHaveCount(0);
  await kasm.getByRole('link', { name: 'Authentication' }).first().click();
  await kasm.getByRole('main').getByRole('link', { name: /SAML/ }).click();
  await kasm.getByRole('link', { name: 'Add Configuration' }).click();
  acsUrl = await kasm.locator('#sp-acs').inputValue();
  entityIdUrl = await kasm.locator('#sp-entity-id').inputValue();
  expect(acsUrl).toMatch(new RegExp(`^${inn.workspaces}/api/acs/\\?id=[0-9a-f]{32}$`));
  expect(entityIdUrl).toMatch(new RegExp(`^${inn.workspaces}/api/metadata/\\?id=[0-9a-f]{32}$`));
  await expectAccessible(kasm);
});

test('authentik: a SAML provider, then an application, both named kasm', async () => {
  await authentik.goto(`${inn.identity}/if/admin/`);
  await authentik.getByRole('link', { name: 'Providers' }).first().click();
  await authentik.getByRole('link', { name: 'New SAML Provider' }).click();
  await authentik.getByLabel('Name *').fill('kasm');
  const flows = await authentik.getByLabel('Authorization flow').locator('option').allTextContents();
  await authentik
    .getByLabel('Authorization flow')
    .selectOption({ label: flows.find((text) => text.includes('implicit')) ?? '' });
  await authentik.getByLabel('ACS URL').fill(acsUrl);
  await authentik.getByLabel('Issuer').fill('authentik');
  await authentik.getByLabel('Service Provider Binding').selectOption({ label: 'Post' });
  await authentik.getByLabel('Audience').fill(entityIdUrl);
  await authentik.getByText('Advanced protocol settings').click();
  await expect(authentik.getByLabel('Signing Certificate', { exact: true })).not.toHaveValue('');
  await expectAccessible(authentik);
  await authentik.getByRole('button', { name: 'Create' }).click();
  await expect(authentik.getByText('Warning: Provider is not used by an Application.')).toBeVisible();

  await authentik.getByRole('link', { name: 'Applications' }).first().click();
  await authentik.getByRole('link', { name: 'Create', exact: true }).click();
  await authentik.getByLabel('Name *').fill('kasm');
  await authentik.getByLabel('Slug').fill('kasm');
  await authentik.getByLabel('Provider', { exact: true }).selectOption({ label: 'kasm' });
  await authentik.getByRole('button', { name: 'Create', exact: true }).click();
});

test('the signing certificate is downloaded from one and pasted into the other', async () => {
  await authentik.getByRole('link', { name: 'Providers' }).first().click();
  await authentik.getByRole('main').getByRole('link', { name: 'kasm', exact: true }).first().click();
  await expectAccessible(authentik);
  const downloading = authentik.waitForEvent('download');
  await authentik.getByRole('link', { name: 'Download signing certificate' }).click();
  const certificate = readFileSync(await (await downloading).path(), 'utf8');
  expect(certificate).toContain('BEGIN CERTIFICATE');

  await kasm.getByLabel('Display Name').fill('authentik');
  await kasm.getByLabel('Logo URL').fill(`${inn.identity}/static/dist/assets/icons/icon.svg`);
  await kasm.getByLabel('Host Name').fill('authentik');
  await kasm.getByLabel('NameID Attribute').fill('emailAddress');
  await kasm.locator('#idp_entity_id').fill('authentik');
  await kasm
    .getByLabel('Single Sign On Service/SAML 2.0 Endpoint')
    .fill(`${inn.identity}/application/saml/kasm/sso/binding/redirect/`);
  await kasm.getByLabel('X509 Certificate').fill('this is not a certificate');
  await kasm.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(kasm.locator('#certificates-error')).toBeVisible();
  await kasm.getByLabel('X509 Certificate').fill(certificate);
  await kasm.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(kasm.locator('#certificates-error')).toHaveCount(0);
});

test('Test SAML reports what came back and leaves the administrator signed in', async () => {
  await openConfiguration();
  const opening = admin.waitForEvent('page');
  await kasm.getByRole('link', { name: 'Test SAML' }).click();
  const report = await opening;
  await expect(report.getByText('The sign-in would succeed.')).toBeVisible();
  await expect(report.getByText('admin@example.com').first()).toBeVisible();
  await expectAccessible(report);
  await report.close();
  await kasm.goto(`${inn.workspaces}/admin/access/users`);
  await expect(kasm.getByRole('main').getByRole('link', { name: 'admin', exact: true })).toBeVisible();
  await expect(kasm.getByRole('main').getByText('admin@example.com')).toHaveCount(0);
});

test('enabled and made default after testing', async () => {
  await openConfiguration();
  await kasm.getByLabel('Enabled', { exact: true }).check();
  await kasm.getByLabel('Default', { exact: true }).check();
  await kasm.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(kasm.locator('.alert-success')).toBeVisible();
});

test('an incognito tab signs in through authentik', async ({ browser }) => {
  await addIdentityUser(authentik, inn, 'mira', 'Mira', 'mira@example.com');
  ({ page: incognito } = await person(browser));
  await incognito.goto(inn.workspaces);
  await expectAccessible(incognito);
  await incognito.getByRole('link', { name: 'authentik' }).click();
  await expect(incognito).toHaveURL(new RegExp(`^${inn.identity}/`));
  await expectAccessible(incognito);
  await signInToIdentity(incognito, 'mira');
  await expect(incognito).toHaveURL(`${inn.workspaces}/`);
  await expect(incognito.getByRole('heading', { name: 'Terminal' })).toBeVisible();
  await expectAccessible(incognito);
});

test('the new user is added to the Administrators', async () => {
  await kasm.goto(`${inn.workspaces}/admin/access/users`);
  await kasm.getByRole('main').getByRole('link', { name: 'mira@example.com' }).click();
  await kasm.getByLabel('Administrators').check();
  await kasm.getByRole('button', { name: 'Save', exact: true }).click();
  await incognito.goto(`${inn.workspaces}/admin/`);
  await expect(incognito.getByRole('heading', { name: 'Overview' })).toBeVisible();
});

test('the application is bound to one user, and another is refused', async ({ browser }) => {
  await authentik.goto(`${inn.identity}/if/admin/applications/kasm/`);
  await authentik.getByRole('link', { name: 'Bind existing user' }).click();
  const users = await authentik.getByLabel('User', { exact: true }).locator('option').allTextContents();
  await authentik
    .getByLabel('User', { exact: true })
    .selectOption({ label: users.find((text) => text.includes('mira')) ?? '' });
  await authentik.getByRole('button', { name: 'Create' }).click();
  await expect(authentik.getByRole('main').getByText('mira').first()).toBeVisible();

  await addIdentityUser(authentik, inn, 'otto', 'Otto', 'otto@example.com');
  const { page: other, context } = await person(browser);
  await other.goto(inn.workspaces);
  await other.getByRole('link', { name: 'authentik' }).click();
  await signInToIdentity(other, 'otto');
  await expect(other.getByRole('heading', { name: 'Permission denied' })).toBeVisible();
  await expectAccessible(other);
  await context.close();

  await incognito.context().clearCookies();
  await incognito.goto(inn.workspaces);
  await incognito.getByRole('link', { name: 'authentik' }).click();
  await signInToIdentity(incognito, 'mira');
  await expect(incognito).toHaveURL(`${inn.workspaces}/`);
});

test('a desktop whose pixels change when keys are typed', async () => {
  await incognito.getByRole('button', { name: 'Launch Desktop' }).click();
  const canvas = await liveDesktop(incognito);
  await incognito.waitForTimeout(1_500);
  // The launcher of the terminal is the first thing on the panel at the bottom left.
  const height = await canvas.evaluate((element: HTMLCanvasElement) => element.height);
  await canvas.click({ position: { x: 22, y: height - 21 } });
  await incognito.waitForTimeout(2_500);
  const idle = await changedPixels(canvas, async () => {});
  const typed = await changedPixels(canvas, async () => {
    await incognito.keyboard.type('seq 1 200\n', { delay: 20 });
  });
  expect(typed).toBeGreaterThan(Math.max(2_000, idle * 4));
});

test('the session is deleted from the dashboard', async () => {
  await incognito.goto(inn.workspaces);
  await incognito.getByRole('button', { name: 'Delete' }).click();
  await incognito.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(incognito.getByRole('heading', { name: 'Your sessions' })).toHaveCount(0);
});

async function openConfiguration(): Promise<void> {
  await kasm.goto(`${inn.workspaces}/admin/access/authentication/saml/`);
  await kasm.getByRole('main').getByRole('link', { name: 'authentik', exact: true }).click();
}
