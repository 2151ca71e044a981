// Logs an administrator in and opens GraphiQL. The token lives in a variable of this script and nowhere else.
(function () {
  "use strict";

  const { endpoint, access } = document.body.dataset;
  const logIn = JSON.parse(document.getElementById("log-in-operation").textContent);
  const state = document.getElementById("state");
  let root = null;

  function say(text, isRefusal) {
    state.textContent = text;
    state.classList.toggle("is-refusal", Boolean(isRefusal));
  }

  function at(value, path) {
    return path.reduce((found, name) => (found === null || found === undefined ? found : found[name]), value);
  }

  function firstMessage(answer) {
    const errors = answer.errors || at(answer.data, logIn.errorsPath) || [];
    return errors.length > 0 ? errors[0].message : "No token came back.";
  }

  async function tokenFor(email, password) {
    const response = await fetch(endpoint, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
      body: JSON.stringify({ query: logIn.query, variables: { email, password } }),
    });
    const answer = await response.json();
    const token = at(answer.data, logIn.tokenPath);
    if (!token) throw new Error(firstMessage(answer));
    return token;
  }

  // The examples are for administrators, so fetching them is also the question whether this token is one's.
  async function examplesFor(token) {
    const response = await fetch(access, { headers: { authorization: "Bearer " + token } });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.errors[0].message);
    return answer.examples;
  }

  function open(token, examples) {
    const authorization = "Bearer " + token;
    const fetcher = GraphiQL.createFetcher({
      url: endpoint,
      headers: { authorization },
      subscriptionUrl: new URL(endpoint, window.location.href.replace(/^http/, "ws")).toString(),
      wsConnectionParams: { authorization },
    });
    const tabs = examples.map(({ name, query, variables }) => ({
      query: "# " + name + "\n" + query,
      variables: variables ? JSON.stringify(variables, null, 2) : "",
    }));
    // Tabs outlive a reload but not the browser's tab: documents may hold what belongs to members.
    const storage = window.sessionStorage;
    const isFirstVisit = storage.getItem("graphiql:tabState") === null;
    if (root) root.unmount();
    root = ReactDOM.createRoot(document.getElementById("graphiql"));
    root.render(
      React.createElement(GraphiQL, {
        fetcher,
        storage,
        defaultTabs: tabs.length > 0 ? tabs : undefined,
        // GraphiQL shows the first tab's query by itself, but not its variables.
        variables: isFirstVisit && tabs.length > 0 ? tabs[0].variables : undefined,
        defaultEditorToolsVisibility: "variables",
        plugins: [GraphiQLPluginExplorer.explorerPlugin()],
        shouldPersistHeaders: false,
        isHeadersEditorEnabled: false,
        inputValueDeprecation: true,
      }),
    );
  }

  async function enter(obtainToken) {
    try {
      say("…");
      const token = await obtainToken();
      open(token, await examplesFor(token));
      say("Logged in.");
    } catch (error) {
      say(error.message, true);
    }
  }

  function onSubmit(id, obtainToken) {
    const form = document.getElementById(id);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const fields = Object.fromEntries(new FormData(form));
      form.reset();
      enter(() => obtainToken(fields));
    });
  }

  onSubmit("log-in", ({ email, password }) => tokenFor(email, password));
  onSubmit("use-token", async ({ token }) => token.trim());
})();
