// fastify with pg's pool, and response schemas, as their documentation recommends.
import Fastify from 'fastify';
import pg from 'pg';

const app = Fastify();
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 32 });

const world = { type: 'object', properties: { id: { type: 'integer' }, random_number: { type: 'integer' } } };
const answers = (schema) => ({ schema: { response: { 200: schema } } });
const number = () => Math.floor(Math.random() * 10000) + 1;
const count = (request) => Math.min(Math.max(parseInt(request.query.n, 10) || 1, 1), 500);
const find = async (client) =>
  (await client.query({ name: 'find', text: 'select id, random_number from world where id = $1', values: [number()] })).rows[0];

async function several(client, n) {
  const rows = [];
  for (let i = 0; i < n; i++) rows.push(await find(client));
  return rows;
}

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text) => text.replace(/[&<>"']/g, (c) => escapes[c]);

app.get('/plaintext', (request, reply) => reply.type('text/plain').send('Hello, World!'));
app.get('/json', answers({ type: 'object', properties: { message: { type: 'string' } } }), async () => ({ message: 'Hello, World!' }));
app.get('/db', answers(world), () => find(pool));
app.get('/queries', answers({ type: 'array', items: world }), (request) => several(pool, count(request)));
app.get('/updates', answers({ type: 'array', items: world }), async (request) => {
  const client = await pool.connect();
  try {
    const rows = (await several(client, count(request))).sort((a, b) => a.id - b.id);
    for (const row of rows) row.random_number = number();
    await client.query({ name: 'change', text: 'update world set random_number = v.n from unnest($1::int[], $2::int[]) as v (id, n) where world.id = v.id', values: [rows.map((row) => row.id), rows.map((row) => row.random_number)] });
    return rows;
  } finally {
    client.release();
  }
});
app.get('/fortunes', async (request, reply) => {
  const { rows } = await pool.query({ name: 'fortunes', text: 'select id, message from fortune' });
  rows.push({ id: 0, message: 'Additional fortune added at request time.' });
  rows.sort((a, b) => (a.message < b.message ? -1 : 1));
  const lines = rows.map((row) => `<tr><td>${row.id}</td><td>${escape(row.message)}</td></tr>`).join('');
  return reply.type('text/html; charset=utf-8').send(
    `<!doctype html><html><head><title>Fortunes</title></head><body><table><tr><th>id</th><th>message</th></tr>${lines}</table></body></html>`);
});

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
