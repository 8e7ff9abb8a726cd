/**
 * A language model that takes 200 ms for every answer, behind OpenAI's protocol, in a process of its own. Prints its
 * address once it listens, and ends with its standard input.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const ANSWER_MS = 200;
const content = JSON.stringify({
  entities: [
    { name: "Ada Lovelace", type: "person" },
    { name: "London", type: "location" },
  ],
  reasoning: "She is a mathematician, and London is the city where she met him.",
  image_relevant: false,
});
const answer = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 0,
  model: "slow",
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content } }],
  usage: { prompt_tokens: 500, completion_tokens: 10, total_tokens: 510 },
});

const server = createServer((request, response) => {
  const due = performance.now() + ANSWER_MS;
  request.resume().on("end", () => {
    setTimeout(() => {
      response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(answer) });
      response.end(answer);
    }, due - performance.now());
  });
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`));
process.stdin.resume().on("end", () => process.exit(0));
