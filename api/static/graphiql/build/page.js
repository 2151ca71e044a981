// What GraphiQL's page is made of, as one classic script: it leaves its parts to `console.js`.
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import { explorerPlugin } from "@graphiql/plugin-explorer";
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createClient } from "graphql-ws";
import { createElement } from "react";
import { createRoot } from "react-dom/client";

const { nonce, dataset } = document.currentScript;
const OWN = ["json", "graphql"];

// The editor makes style elements as it runs: they bear the page's nonce.
const create = document.createElement.bind(document);
document.createElement = (name, ...more) => {
  const made = create(name, ...more);
  if (String(name).toLowerCase() === "style") made.nonce = nonce;
  return made;
};

globalThis.MonacoEnvironment = {
  getWorker: (_, label) => new Worker(`${dataset.static}/${OWN.includes(label) ? label : "editor"}.worker.js`),
};
globalThis.Parts = { GraphiQL, createClient, createElement, createGraphiQLFetcher, createRoot, explorerPlugin };
