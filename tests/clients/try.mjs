// Runs what docs/clients.md sets up: URL in, one line of JSON out. Beside it lie the files of the page.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { Client, fetchExchange } from '@urql/core';
import relay from 'relay-runtime';
import { apollo } from './apollo.mjs';
import { parts } from './contract.mjs';
import { environment } from './relay.mjs';
import { urql } from './urql.mjs';

const [url, token] = process.argv.slice(2);
const headers = token ? { authorization: `Bearer ${token}` } : {};
const text = readFileSync('documents/frameworks.graphql', 'utf8');
const documents = Object.fromEntries(text.split(/\n(?=query|mutation)/).map((each) => [/ (\w+)/.exec(each)[1], each]));
const page = documents.Frameworks;
const said = { methods: {}, warnings: [], parts: parts.length };

const plainFetch = globalThis.fetch;
let asks = 'nobody';
globalThis.fetch = (input, init) => {
  (said.methods[asks] ??= []).push(init?.method ?? 'GET');
  return plainFetch(input, init);
};
for (const level of ['warn', 'error']) console[level] = (...told) => said.warnings.push(told.map(String).join(' ').slice(0, 200));

const names = (connection) => connection.edges.map((edge) => edge.node.name);

async function twoPages(read) {
  const first = await read({ first: 2 });
  return read({ first: 2, after: first.pageInfo.endCursor });
}

const tries = {
  async apollo() {
    const client = apollo(url, headers);
    await twoPages(async (variables) => (await client.query({ query: gql(page), variables, fetchPolicy: 'network-only' })).data.frameworks);
    // What two queries read of one part without an id is kept together.
    await client.query({ query: gql`{ rateLimit { remaining } viewer { id roles } }` });
    await client.query({ query: gql`{ rateLimit { cost } viewer { id user { id name } } }` });
    const kept = client.cache.extract();
    const whole = client.readQuery({ query: gql`{ rateLimit { remaining cost } }` });
    return { entries: Object.keys(kept).filter((key) => key.startsWith('Framework:')).length, kept: whole !== null,
      names: names(client.readQuery({ query: gql(page), variables: { first: 2 } }).frameworks) };
  },
  async apolloMutation() {
    const client = apollo(url, headers);
    const { data } = await client.mutate({ mutation: gql(documents.SetLanguage), variables: { input: { language: 'FR' } } });
    return data.setLanguage.user.language;
  },
  async apolloByHashes() {
    const sha256 = (document) => createHash('sha256').update(document).digest('hex');
    const link = new PersistedQueryLink({ sha256, useGETForHashedQueries: true }).concat(new HttpLink({ uri: url, headers }));
    const client = new ApolloClient({ link, cache: new InMemoryCache() });
    const counts = [];
    for (const list of ['frameworks', 'markets', 'communities']) {
      counts.push((await client.query({ query: gql`{ ${list} { totalCount } }` })).data[list].totalCount);
    }
    return counts;
  },
  async urqlAsItComes() {
    const client = new Client({ url, fetchOptions: { headers }, exchanges: [fetchExchange] });
    const { data, error } = await client.query(page, { first: 2 }).toPromise();
    return { error: error?.message, names: names(data.frameworks) };
  },
  async urql() {
    const client = urql(url, headers);
    const last = await twoPages(async (variables) => (await client.query(page, variables).toPromise()).data.frameworks);
    const own = await client.query('{ rateLimit { remaining } viewer { id roles } }', {}).toPromise();
    return { names: names(last), error: own.error?.message };
  },
  async relay() {
    const { default: query } = await import('./relay/__generated__/FrameworksQuery.graphql.js');
    const there = environment(url, headers);
    const data = await relay.fetchQuery(there, query, { first: 2 }).toPromise();
    const kept = there.getStore().getSource().getRecordIDs().filter((id) => id.startsWith('Framework:'));
    return { entries: kept.length, answered: data !== undefined };
  },
};

for (const [name, attempt] of Object.entries(tries)) {
  asks = name;
  said[name] = await attempt();
}
console.log(JSON.stringify(said));
