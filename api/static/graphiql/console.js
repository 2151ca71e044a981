// Logs an administrator in and out, and opens GraphiQL in between. The token lives as long as the browser's tab.
(function () {
  "use strict";

  const { GraphiQL, createClient, createElement, createGraphiQLFetcher, createRoot, explorerPlugin } = globalThis.Parts;
  const { endpoint, access } = document.body.dataset;
  const sessions = JSON.parse(document.getElementById("sessions").textContent);
  const state = document.getElementById("state");
  const storage = window.sessionStorage;
  const KEY = "commonwatt:session"; // The token, and whether it was logged in for or pasted.
  let root = null;
  let sockets = null;

  function say(text, isRefusal) {
    state.textContent = text;
    state.classList.toggle("is-refusal", Boolean(isRefusal));
  }

  function at(value, path) {
    return path.reduce((found, name) => (found === null || found === undefined ? found : found[name]), value);
  }

  async function ask(query, variables, token) {
    const headers = { "content-type": "application/json", accept: "application/graphql-response+json" };
    if (token) headers.authorization = "Bearer " + token;
    const response = await fetch(endpoint, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
    return response.json();
  }

  async function tokenFor(email, password) {
    const answer = await ask(sessions.logIn, { email, password });
    const token = at(answer.data, sessions.tokenPath);
    if (token) return token;
    const errors = answer.errors || at(answer.data, sessions.errorsPath) || [];
    throw new Error(errors.length > 0 ? errors[0].message : "No token came back.");
  }

  // The examples are for administrators, so fetching them is also the question whether this token is one's.
  async function examplesFor(token) {
    const response = await fetch(access, { headers: { authorization: "Bearer " + token } });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.errors[0].message);
    return answer.examples;
  }

  // Variables of an example that are ids of what is there: the first one that a query finds.
  async function filled(example, token) {
    const variables = { ...example.variables };
    for (const [name, query] of Object.entries(example.found)) {
      const found = /"id":"([^"]+)"/.exec(JSON.stringify((await ask(query, {}, token)).data));
      if (found) variables[name] = found[1];
    }
    return Object.keys(variables).length > 0 ? JSON.stringify(variables, null, 2) : "";
  }

  async function open(token, examples) {
    const authorization = "Bearer " + token;
    const url = new URL(endpoint, window.location.href.replace(/^http/, "ws")).toString();
    sockets = createClient({ url, connectionParams: { authorization } });
    const fetcher = createGraphiQLFetcher({ url: endpoint, headers: { authorization }, wsClient: sockets });
    const tabs = [];
    for (const example of examples) {
      tabs.push({ query: "# " + example.name + "\n" + example.query, variables: await filled(example, token) });
    }
    root = createRoot(document.getElementById("graphiql"));
    root.render(
      createElement(GraphiQL, {
        fetcher,
        storage, // Tabs outlive a reload but not the browser's tab: documents may hold what belongs to members.
        defaultTabs: tabs.length > 0 ? tabs : undefined,
        defaultEditorToolsVisibility: "variables",
        plugins: [explorerPlugin()],
        shouldPersistHeaders: false,
        isHeadersEditorEnabled: false,
        inputValueDeprecation: true,
      }),
    );
  }

  function close() {
    if (root) root.unmount();
    if (sockets) sockets.dispose();
    root = sockets = null;
    storage.removeItem(KEY);
    show(false);
  }

  function show(isIn) {
    document.getElementById("log-in").hidden = isIn;
    document.getElementById("use-token").hidden = isIn;
    document.getElementById("log-out").hidden = !isIn;
  }

  async function enter(obtainSession) {
    try {
      say("…");
      const session = await obtainSession();
      await open(session.token, await examplesFor(session.token));
      storage.setItem(KEY, JSON.stringify(session));
      show(true);
      say("Logged in.");
    } catch (error) {
      close();
      say(error.message, true);
    }
  }

  async function leave() {
    const { token, isOwn } = kept();
    storage.clear(); // The tabs too: the next one at this browser is somebody else.
    close();
    say("Logged out.");
    if (isOwn) await ask(sessions.logOut, {}, token); // A pasted token may be in use elsewhere.
  }

  function kept() {
    return JSON.parse(storage.getItem(KEY) || "{}");
  }

  function onSubmit(id, act) {
    const form = document.getElementById(id);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const fields = Object.fromEntries(new FormData(form));
      form.reset();
      act(fields);
    });
  }

  onSubmit("log-in", ({ email, password }) => enter(async () => ({ token: await tokenFor(email, password), isOwn: true })));
  onSubmit("use-token", ({ token }) => enter(async () => ({ token: token.trim(), isOwn: false })));
  onSubmit("log-out", leave);
  if (kept().token) enter(async () => kept());
})();
