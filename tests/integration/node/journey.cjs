// The whole journey in another language, from the protos alone: register, permit, ask, read, save.
//
// node journey.cjs PROTOS INSTALLATION ADDRESS POLICY OUT
// with grpc-js and proto-loader on NODE_PATH. Writes OUT/extract.arrows, OUT/certificate.json and
// OUT/key.pem, and prints what it saw as one JSON value.
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [protos, installation, address, policyFile, out] = process.argv.slice(2);

const files = fs.readdirSync(path.join(protos, "gateway/v1"))
  .filter((name) => name.endsWith(".proto"))
  .map((name) => `gateway/v1/${name}`);
const v1 = grpc.loadPackageDefinition(loader.loadSync(files, {
  includeDirs: [protos], keepCase: true, longs: Number, enums: String, defaults: true,
})).gateway.v1;

/** Clients of one party, by service, over mutual TLS. */
function party(name) {
  const folder = path.join(installation, "clients", name);
  const read = (file) => fs.readFileSync(path.join(folder, file));
  const credentials = grpc.credentials.createSsl(
    read("authority.pem"), read("private.key"), read("certificate.pem"));
  return Object.fromEntries(["Catalog", "Classification", "Policy", "Grant", "Release", "Party"]
    .map((service) => [service, new v1[`${service}Service`](address, credentials)]));
}

/** One answer to one request. */
function call(client, rpc, request) {
  const deadline = new Date(Date.now() + 60_000);
  return new Promise((resolve, reject) => {
    client[rpc](request, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

/** The same with a request id of its own, for what changes something. */
function command(client, rpc, request) {
  return call(client, rpc, { request_id: crypto.randomUUID(), ...request });
}

/** Messages of a stream, at most `count` of them; then it is cancelled. */
async function messages(client, rpc, request, count = Infinity) {
  const stream = client[rpc](request, { deadline: new Date(Date.now() + 60_000) });
  const received = [];
  try {
    for await (const message of stream) {
      received.push(message);
      if (received.length >= count) break;
    }
  } catch (error) {
    if (error.code !== grpc.status.CANCELLED || received.length < count) throw error;
  } finally {
    stream.cancel();
  }
  return received;
}

async function main() {
  const [holder, consumer, officer, second] =
    ["holder", "consumer", "officer", "second-officer"].map(party);

  const self = await call(consumer.Party, "GetSelf", {});
  const registered = await command(holder.Catalog, "RegisterDataSet", {
    dataset_id: "residents",
    dataset: { title: "Residents", source: { parquet: { path: "residents.parquet" } } },
  });
  const classified = await messages(
    holder.Classification, "WatchClassification", { name: registered.name });
  const draft = await command(officer.Policy, "CreatePolicy", {
    text: fs.readFileSync(policyFile, "utf8"),
  });
  await command(second.Policy, "ActivatePolicy", { name: draft.name, version: draft.version });

  const found = await call(consumer.Catalog, "ListDataSets", { query: "residents" });
  const { purposes } = await call(consumer.Policy, "ListPurposes", {});
  const request = {
    dataset: found.datasets[0].name,
    columns: ["name", "resident_id", "district", "birth_date"],
    purpose: purposes[0].name,
  };

  const denied = await command(consumer.Release, "CreateRelease", { request });
  const refused = await call(consumer.Release, "RecallRelease", { name: denied.name })
    .catch((error) => error);

  const expires = { seconds: Math.floor(Date.now() / 1000) + 86_400 };
  const asked = await command(consumer.Grant, "RequestGrant", {
    dataset: request.dataset, columns: request.columns, purpose: request.purpose,
    justification: "a journey", expires,
  });
  for (const approver of [holder, officer]) {
    const { name, etag, state } = await call(approver.Grant, "GetGrant", { name: asked.name });
    if (state === "GRANT_STATE_REQUESTED") {
      await command(approver.Grant, "ApproveGrant", { name, etag, reason: "fits" });
    }
  }

  const preview = await call(consumer.Release, "CreateRelease", { request, validate_only: true });
  const release = await command(consumer.Release, "CreateRelease", { request });
  const seen = await messages(consumer.Release, "WatchRelease", { name: release.name });
  const sealed = seen.at(-1);

  // The first chunk, as if the connection were lost after it; the rest from where it broke.
  const first = await messages(consumer.Release, "ReadRelease", { name: release.name }, 1);
  const rest = await messages(consumer.Release, "ReadRelease", { name: release.name, offset: 1 });
  const chunks = [...first, ...rest];
  const extract = Buffer.concat(chunks.map((chunk) => chunk.payload));
  const { envelope } = await call(consumer.Release, "GetCertificate", { name: release.name });
  const key = await call(consumer.Release, "GetPublicKey", {});

  fs.writeFileSync(path.join(out, "extract.arrows"), extract);
  fs.writeFileSync(path.join(out, "certificate.json"), envelope);
  fs.writeFileSync(path.join(out, "key.pem"), key.pem);
  console.log(JSON.stringify({
    party: self.name,
    rows_registered: registered.rows,
    classified: classified.at(-1).classification.state,
    denied: { state: denied.state, codes: denied.decision.reasons.map((reason) => reason.code) },
    refused: { code: grpc.status[refused.code], message: refused.details },
    previewed: preview.plan.digest,
    planned: sealed.plan.digest,
    state: sealed.state,
    indexes: chunks.map((chunk) => chunk.index),
    last: chunks.at(-1).last,
    rows: chunks.reduce((sum, chunk) => sum + chunk.rows, 0),
    hash_is_the_sealed_one:
      crypto.createHash("sha256").update(extract).digest("hex") === sealed.stream_sha256,
  }));
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
