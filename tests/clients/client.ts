/**
 * Trains and predicts through a client that openapi-typescript made of the OpenAPI document.
 *
 * Run by test_generated_clients.py with the address of a server; writes what it got as JSON.
 */
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Job = components["schemas"]["JobView"];
type Columns = Record<string, number | string | null>;

const [address, table] = [process.argv[2], process.argv[3]];
if (address === undefined || table === undefined) throw new Error("Expected an address and a table.");
const client = createClient<paths>({ baseUrl: address });
const text = { bodySerializer: (body: unknown) => String(body), headers: { "Content-Type": "text/csv" } };

/** The answer's data; its problem is thrown. */
function data<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

async function trained(body: components["schemas"]["TrainingRequest"]): Promise<Job> {
  return data(await client.POST("/v1/training-jobs", { body, params: { header: { prefer: "wait=60" } } }));
}

async function predicted(name: string, instances: Columns[] | number[][]): Promise<unknown> {
  const params = { path: { name } };
  return data(await client.POST("/v1/models/{name}:predict", { params, body: { instances } }));
}

const units = (count: number | "auto", activation: "tanh" | "sigmoid" | "softmax") =>
  ({ class_name: "Dense", units: count, activation }) as const;
const optimizer = { class_name: "Adam", learning_rate: 0.1 } as const;
const fit = { epochs: 100, seed: 7 };

const lists = await trained({
  model: "lists",
  spec: { layers: [units(8, "tanh"), units(1, "sigmoid")] },
  compile: { optimizer, loss: "binary_crossentropy", metrics: ["accuracy"] },
  fit,
  data: { x: [[0, 0], [0, 1], [1, 0], [1, 1]], y: ["equal", "different", "different", "equal"] },
});
const dataset = data(await client.POST("/v1/datasets", { body: table, ...text }));
const objects = await trained({
  model: "objects",
  spec: { layers: [units("auto", "softmax")] },
  compile: { optimizer, loss: "sparse_categorical_crossentropy", metrics: ["accuracy"] },
  fit,
  data: { dataset: dataset.id, target: "fruit" },
});
const csv = await client.POST("/v1/models/{name}:predict", {
  params: { path: { name: "objects" }, query: { outputs: "predicted_classes" } },
  body: "weight,skin\n155,rough\n119,\n",
  parseAs: "text",
  ...text,
});
const missing = await client.GET("/v1/models/{name}", { params: { path: { name: "nobody" } } });
console.log(
  JSON.stringify({
    statuses: [lists.status, objects.status],
    lists: await predicted("lists", [[0, 1], [1, 1]]),
    objects: await predicted("objects", [{ weight: 155, skin: "rough" }, { weight: 119, skin: null }]),
    csv: csv.data,
    code: missing.error?.code,
  }),
);
