import { defineResource, log } from "starling-ner";
import { createClient } from "./client.ts";
import { connect } from "./connection.ts";
import { options } from "./options.ts";

export default defineResource({
  name: "log-kafkajs",
  about: "A client of Apache Kafka, by kafkajs: brokers, TLS, SASL.",
  fills: log,
  options,
  places: ({ brokers }) => brokers.map((broker) => broker.toLowerCase()),
  async open(given, host) {
    const connection = await connect(given, host);
    // Says at once where an address, a certificate or a password is wrong.
    await connection.admin("connecting", async () => {});
    return createClient(connection);
  },
});
