// Reads {name: html} on standard input; writes what mail programs don't support in them, as [[name, level, line], …].
import { readFileSync } from 'node:fs';
import { doIUseEmail } from '@jsx-email/doiuse-email';

const CLIENTS = ['gmail.*', 'outlook.*', 'apple-mail.*', 'yahoo.*'];
const found = [];
for (const [name, html] of Object.entries(JSON.parse(readFileSync(0, 'utf8')))) {
  const said = doIUseEmail(html, { emailClients: CLIENTS });
  for (const line of said.errors ?? []) found.push([name, 'error', line]);
  for (const line of said.warnings ?? []) found.push([name, 'warning', line]);
}
console.log(JSON.stringify(found));
