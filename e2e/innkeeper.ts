// Starts the real binary on an empty data directory and reads what it tells a person who starts it.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BINARY = process.env.INNKEEPER ?? join(import.meta.dirname, '../target/debug/innkeeper');

export class Innkeeper {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'innkeeper-e2e-'));
  readonly identity: string;
  readonly workspaces: string;
  /** What it printed for the person who started it. */
  greeting = '';
  log = '';
  private process?: ChildProcess;

  private constructor(private readonly port: number) {
    this.identity = `http://auth.localhost:${port}`;
    this.workspaces = `http://workspaces.localhost:${port}`;
  }

  static async start(...flags: string[]): Promise<Innkeeper> {
    const innkeeper = new Innkeeper(await freePort());
    await innkeeper.up(...flags);
    return innkeeper;
  }

  /** Starts the service; resolves when both products answer. */
  async up(...flags: string[]): Promise<void> {
    this.greeting = '';
    const child = spawn(BINARY, ['up', ...flags], {
      cwd: this.dataDir,
      env: {
        ...process.env,
        INNKEEPER__HTTP__LISTEN: `127.0.0.1:${this.port}`,
        INNKEEPER__IDENTITY__URL: this.identity,
        INNKEEPER__WORKSPACES__URL: this.workspaces,
        INNKEEPER__DATA__DIR: join(this.dataDir, 'data'),
        INNKEEPER__DATABASE__URL: `sqlite:${join(this.dataDir, 'data', 'innkeeper.db')}`,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process = child;
    child.stdout?.on('data', (chunk) => (this.greeting += chunk));
    child.stderr?.on('data', (chunk) => (this.log += chunk));
    await until('the service answers', async () => {
      if (child.exitCode !== null) throw new Error(`innkeeper ended (${child.exitCode}):\n${this.greeting}\n${this.log}`);
      const answer = await fetch(`http://127.0.0.1:${this.port}/-/health/ready/`, {
        headers: { host: new URL(this.identity).host },
      });
      return answer.ok;
    });
    await until('the greeting is complete', async () => /Ctrl-C/.test(this.greeting));
  }

  /** The first address in the greeting that matches. */
  link(pattern: RegExp): string {
    const found = (this.greeting.match(/https?:\/\/\S+/g) ?? []).find((url) => pattern.test(url));
    if (!found) throw new Error(`no link like ${pattern} in the greeting:\n${this.greeting}`);
    return found;
  }

  /** Ends the service as Ctrl-C does, and returns its exit code. */
  async interrupt(): Promise<number | null> {
    return this.end('SIGINT');
  }

  /** Ends the service as a crash does. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** Ends the service and removes its data. */
  async dispose(): Promise<void> {
    await this.end('SIGINT');
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    child.kill(signal);
    return ended;
  }
}

export async function until(what: string, condition: () => Promise<boolean>, withinMs = 30_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      if (await condition()) return;
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('innkeeper ended')) throw error;
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain until ${what}${last ? `: ${last}` : ''}`);
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
