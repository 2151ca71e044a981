// Bundles GraphiQL's page and the editor's workers into the folder above: `npm install && npm run build`.
import { build } from "esbuild";

const workers = {
  "editor.worker": "monaco-editor/esm/vs/editor/editor.worker.js",
  "json.worker": "monaco-editor/esm/vs/language/json/json.worker.js",
  "graphql.worker": "monaco-graphql/esm/graphql.worker.js",
};
const common = {
  bundle: true,
  minify: true,
  format: "iife",
  legalComments: "none",
  outdir: "..",
  define: { "process.env.NODE_ENV": '"production"' },
  loader: { ".ttf": "dataurl" },
};
await build({ ...common, entryPoints: { graphiql: "page.js" } });
await build({ ...common, entryPoints: workers });
