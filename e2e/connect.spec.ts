// The one click, from either side, on an Innkeeper that was started unconnected; and every page that an
// administrator has, looked at as somebody with assistive technology meets it, in light and dark.

import { type BrowserContext, expect, type Page, test } from '@playwright/test';

import { Innkeeper } from './innkeeper.ts';
import { expectAccessible, person, setUpIdentity, setUpWorkspaces } from './people.ts';

test.describe.configure({ mode: 'serial' });

let inn: Innkeeper;
let context: BrowserContext;
let admin: Page;

test.beforeAll(async ({ browser }) => {
  inn = await Innkeeper.start('--bare');
  ({ context, page: admin } = await person(browser));
  await setUpWorkspaces(admin, inn);
  await setUpIdentity(admin, inn);
});

test.afterAll(async () => {
  await context?.close();
  await inn?.dispose();
});

test('Workspaces: Connect to Innkeeper Identity', async ({ browser }) => {
  await admin.goto(`${inn.workspaces}/admin/access/authentication/saml/`);
  await admin.getByRole('button', { name: 'Connect to Innkeeper Identity' }).click();
  await expect(admin.locator('.alert-success')).toBeVisible();
  await expectSignIn(await browser.newContext());
});

test('Identity: Connect Workspaces, which renews what is there', async ({ browser }) => {
  await admin.goto(`${inn.identity}/if/admin/`);
  await admin.getByRole('button', { name: 'Connect Workspaces' }).click();
  await expect(admin.locator('.alert-success')).toBeVisible();
  await admin.goto(`${inn.workspaces}/admin/access/authentication/saml/`);
  await expect(admin.getByRole('main').locator('tbody tr')).toHaveCount(1);
  await expectSignIn(await browser.newContext());
});

test('Enter in a field saves the form', async () => {
  await admin.goto(`${inn.workspaces}/admin/access/authentication/saml/`);
  await admin.getByRole('main').locator('tbody a').first().click();
  await admin.getByLabel('Display Name').fill('House');
  await admin.getByLabel('Display Name').press('Enter');
  await expect(admin.locator('.alert-success')).toBeVisible();
  await admin.goto(`${inn.workspaces}/admin/access/authentication/saml/`);
  await expect(admin.getByRole('main').getByRole('link', { name: 'House' })).toBeVisible();
});

test('every page of the administrators is accessible, light and dark', async () => {
  const pages = [
    ...['', 'workspaces/', 'workspaces/new/', 'sessions/', 'access/users', 'access/users/new', 'access/groups',
        'access/groups/new', 'access/authentication/', 'access/authentication/saml/', 'events/',
    ].map((path) => `${inn.workspaces}/admin/${path}`),
    ...['', 'applications/', 'applications/new/', 'applications/new/application/', 'applications/workspaces/',
        'applications/workspaces/bindings/new/?kind=user', 'providers/', 'providers/saml/new/', 'providers/saml/import/',
        'property-mappings/', 'property-mappings/new/', 'users/', 'users/new/',
        'groups/', 'groups/new/', 'certificates/', 'events/',
    ].map((path) => `${inn.identity}/if/admin/${path}`),
    `${inn.identity}/if/user/`,
    `${inn.workspaces}/`,
    `${inn.workspaces}/staticlogin`,
  ];
  for (const address of pages) {
    const answer = await admin.goto(address);
    expect(answer?.status(), address).toBe(200);
    for (const colorScheme of ['light', 'dark'] as const) {
      await admin.emulateMedia({ colorScheme });
      await expectAccessible(admin);
    }
  }
});

/** Somebody who is signed in at Identity comes in through the button on the sign-in page. */
async function expectSignIn(fresh: BrowserContext): Promise<void> {
  await fresh.addCookies((await context.cookies()).filter((cookie) => cookie.domain.startsWith('auth.')));
  const page = await fresh.newPage();
  await page.goto(inn.workspaces);
  await page.getByRole('main').getByRole('link', { name: /Identity|House/ }).click();
  await expect(page).toHaveURL(`${inn.workspaces}/`);
  await expect(page.getByRole('heading', { name: 'Terminal' })).toBeVisible();
  await fresh.close();
}
