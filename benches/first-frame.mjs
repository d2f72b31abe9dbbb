// From the click on Launch to the first frame of each workspace, in seconds. The task is the argument, as JSON.

import { createRequire } from 'node:module';

const { chromium } = createRequire(new URL('../e2e/package.json', import.meta.url))('playwright-core');
const task = JSON.parse(process.argv[2]);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await signIn(page);
  const measured = [];
  for (const name of task.names) {
    const seconds = [];
    for (let launch = 0; launch < task.launches; launch += 1) seconds.push(await firstFrame(page, name));
    measured.push([name, seconds]);
  }
  process.stdout.write(JSON.stringify(measured));
} finally {
  await browser.close();
}

async function signIn(page) {
  await page.goto(task.workspaces);
  const login = page.locator('input[name=uid_field]');
  const start = page.locator('a[href^="/api/sso/"]').first();
  await login.or(start).first().waitFor();
  if (await start.isVisible()) await start.click();
  await login.fill(task.username);
  await page.locator('input[name=password]').fill(task.password);
  await page.locator('form', { has: login }).locator('button[type=submit]').click();
  await page.getByRole('button', { name: /^Launch/ }).first().waitFor();
}

async function firstFrame(page, name) {
  await page.goto(task.workspaces);
  const launch = page.getByRole('button', { name: `Launch ${name}`, exact: true });
  // The click leads to another page, so its moment is kept where that one can read it.
  await launch.evaluate((button) =>
    button.addEventListener('click', () => {
      sessionStorage.setItem('clicked-at', String(performance.timeOrigin + performance.now()));
    }),
  );
  await launch.click();
  await page.waitForFunction(() => performance.getEntriesByName('innkeeper:first-frame').length > 0, null, {
    timeout: 30_000,
  });
  const milliseconds = await page.evaluate(() => {
    const [mark] = performance.getEntriesByName('innkeeper:first-frame');
    return performance.timeOrigin + mark.startTime - Number(sessionStorage.getItem('clicked-at'));
  });
  await remove(page, name);
  return milliseconds / 1000;
}

/** Deletes the session, so that the next launch begins from nothing. */
async function remove(page, name) {
  await page.goto(task.workspaces);
  const remove = page.getByRole('button', { name: `Delete ${name}`, exact: true });
  await remove.click();
  await page.locator('dialog button[value=confirm]').click();
  await remove.waitFor({ state: 'detached' });
}
