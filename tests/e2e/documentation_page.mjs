// Does what a person does on /docs: opens "Log in", sends it, copies the token into Authorize, and asks for the own
// profile. Reads its order as JSON from standard input, and prints what it saw.
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const order = JSON.parse(readFileSync(0, 'utf8'));
const browser = await chromium.launchPersistentContext(order.profile, {
  executablePath: order.chromium,
  headless: true,
  viewport: { width: 1280, height: 1400 },
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
});
const page = await browser.newPage();
page.setDefaultTimeout(60000);
const foreign = [];
const errors = [];
page.on('request', (r) => {
  if (!r.url().startsWith(order.url) && !r.url().startsWith('data:') && !r.url().startsWith('blob:')) foreign.push(r.url());
});
page.on('console', (m) => {
  if (m.type() === 'error') errors.push(m.text());
});
page.on('pageerror', (e) => errors.push(String(e)));

// Opens the operation and gives its block.
async function open(method, path) {
  const block = page.locator(`.opblock-${method}`, { has: page.locator(`[data-path="${path}"]`) }).first();
  await block.waitFor();
  if (!(await block.getAttribute('class')).includes('is-open')) await block.locator('.opblock-summary-control').first().click();
  await block.locator('.execute').waitFor();
  return block;
}

// Sends the operation and gives the answer that the page received.
async function execute(block, path) {
  const [response] = await Promise.all([
    page.waitForResponse((r) => new URL(r.url()).pathname === path),
    block.locator('.execute').click(),
  ]);
  await block.locator('.live-responses-table .response-col_status').first().waitFor();
  return response;
}

try {
  await page.goto(`${order.url}/docs`);
  const login = await open('post', '/v1/auth/login');
  await login.locator('textarea.body-param__text').fill(JSON.stringify({ email: order.email, password: order.password }));
  const loggedIn = await execute(login, '/v1/auth/login');
  const tokens = await loggedIn.json();

  await page.locator('.auth-wrapper .authorize').first().click();
  await page.locator('.modal-ux input').first().fill(tokens.access_token);
  await page.locator('.modal-ux .authorize').first().click();
  await page.locator('.modal-ux .btn-done').first().click();

  const me = await open('get', '/v1/users/me');
  const answer = await execute(me, '/v1/users/me');
  await me.scrollIntoViewIfNeeded();
  await page.screenshot({ path: order.screenshot });
  console.log(JSON.stringify({ login: loggedIn.status(), status: answer.status(), body: await answer.json(), foreign, errors }));
} catch (error) {
  await page.screenshot({ path: order.screenshot.replace('.png', '-failed.png') }).catch(() => {});
  console.error(error);
  process.exitCode = 1;
} finally {
  await browser.close();
}
