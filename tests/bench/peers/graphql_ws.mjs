// A graphql-ws server as its documentation starts it: ws, graphql-js, and one Redis subscription for all followers.
import { EventEmitter, on } from "node:events";
import { WebSocketServer } from "ws";
import { useServer } from "graphql-ws/use/ws";
import { GraphQLID, GraphQLNonNull, GraphQLObjectType, GraphQLSchema, GraphQLString } from "graphql";
import { createClient } from "redis";

const news = new EventEmitter();
news.setMaxListeners(0);
const redis = createClient({ url: process.env.REDIS_URL });
await redis.connect();
await redis.pSubscribe("bench:*", (message, channel) => news.emit(channel, JSON.parse(message)));

const text = { type: new GraphQLNonNull(GraphQLString) };
const PriceTick = new GraphQLObjectType({
  name: "PriceTick",
  fields: { cursor: text, deliveryStart: text, price: text, kind: text, volumeKwh: text },
});
const Query = new GraphQLObjectType({ name: "Query", fields: { ok: { type: GraphQLString } } });
const Subscription = new GraphQLObjectType({
  name: "Subscription",
  fields: {
    priceTicks: {
      type: new GraphQLNonNull(PriceTick),
      args: { marketId: { type: new GraphQLNonNull(GraphQLID) } },
      subscribe: async function* (_, { marketId }) {
        for await (const [tick] of on(news, `bench:${marketId}`)) yield { priceTicks: tick };
      },
    },
  },
});

const server = new WebSocketServer({
  host: "127.0.0.1", port: Number(process.env.PORT), path: "/graphql", perMessageDeflate: false,
});
useServer({ schema: new GraphQLSchema({ query: Query, subscription: Subscription }) }, server);
