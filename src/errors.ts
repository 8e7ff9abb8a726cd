/**
 * Every fault the core raises: whether trying again can help, and how it reads.
 * A sentence says what happened, where, and what to change. docs/errors.md lists the same codes.
 */
export const faults = {
  BANK_EMPTY: {
    retry: false,
    say: (d: { file: string }) =>
      `${d.file} holds no demonstration; add some with starling bank add, or name another file`,
  },
  CARD_BROKEN: {
    retry: false,
    say: (d: { file: string; why: string }) =>
      `${d.file} is no card of a model: ${d.why}; fetch it again, or say in drift.reference.f1 what the model reaches`,
  },
  CHAT_BATCHED: {
    retry: true,
    say: (d: { model: string }) => `the question to ${d.model} waits for the answer of a batch; it comes by itself`,
  },
  CHAT_BATCH_ENDED: {
    retry: true,
    say: (d: { model: string; batch: string; status: string; reason: string }) =>
      `${d.batch} of ${d.model} ended as ${d.status}${d.reason === "" ? "" : `: ${d.reason}`}; start again to ask of what it left`,
  },
  CHAT_BATCH_UNKNOWN: {
    retry: false,
    say: (d: { model: string; name: string; looked: number }) =>
      `nobody knows whether the batch ${d.name} of ${d.model} began: it is not among the newest ${d.looked}, and there are more; look for it at the provider, and give it up only where it is not there`,
  },
  CHAT_BUSY: {
    retry: true,
    say: (d: { model: string; afterMs: number | null }) =>
      `${d.model} is asked too much${d.afterMs === null ? "" : ` and wants ${d.afterMs} ms of peace`}; lower the request rate of its guard`,
  },
  CHAT_CIRCUIT_OPEN: {
    retry: true,
    say: (d: { model: string }) => `${d.model} failed too often and is left alone for a while; see the faults before`,
  },
  CHAT_FAILED: {
    retry: true,
    say: (d: { model: string; status: number; reason: string }) =>
      `${d.model} failed with status ${d.status}: ${d.reason}`,
  },
  CHAT_GARBLED: {
    retry: true,
    say: (d: { model: string; reason: string }) => `the answer of ${d.model} cannot be read: ${d.reason}`,
  },
  CHAT_NO_BATCHES: {
    retry: false,
    say: (d: { model: string; reason: string }) =>
      `${d.model} takes no batches (${d.reason}); leave --batch out, or say --batch auto to ask one by one then`,
  },
  CHAT_OVER_BUDGET: {
    retry: true,
    say: (d: { model: string; usd: number; leftUsd: number }) =>
      `a call of ${d.model} may cost ${d.usd} USD and ${d.leftUsd} USD are left today; raise the budget, or wait for the next day`,
  },
  CHAT_PRICE_UNKNOWN: {
    retry: false,
    say: (d: { model: string }) =>
      `no price of ${d.model} is known, so a budget cannot be kept; add it to the file of prices, or give the resource price: { inputUsd, outputUsd } in US dollars per million tokens`,
  },
  CHAT_REFUSED: {
    retry: false,
    say: (d: { model: string; status: number; reason: string }) =>
      `${d.model} refused the request with status ${d.status}: ${d.reason}; check key, model name and options`,
  },
  CHAT_STORE_FAILED: {
    retry: true,
    say: (d: { file: string; reason: string }) =>
      `the file ${d.file} of a chat's budget or answers cannot be used: ${d.reason}; check path, permissions and space`,
  },
  CHAT_TIMEOUT: {
    retry: true,
    say: (d: { model: string; afterMs: number }) => `${d.model} gave no answer within ${d.afterMs} ms`,
  },
  CHAT_UNREACHABLE: {
    retry: true,
    // `sent: false` says that the request never left, so that it cost nothing.
    say: (d: { model: string; reason: string; sent?: boolean }) =>
      `${d.model} cannot be reached: ${d.reason}; check its address`,
  },
  CHAT_WITHOUT_IMAGES: {
    retry: false,
    say: (d: { borrower: string; name: string; model: string }) =>
      `${d.borrower} shows images to "${d.name}", and ${d.model} takes none; name a model that does, and say so in its options`,
  },
  CHECKPOINT_MISSING: {
    retry: false,
    say: (d: { folder: string }) =>
      `${d.folder} holds no checkpoint to resume from; run without --resume to start anew`,
  },
  CHECKPOINT_OF_ANOTHER_RUN: {
    retry: false,
    say: (d: { folder: string; what: string }) =>
      `the checkpoint in ${d.folder} belongs to a run with other ${d.what}; undo that change, or run without --resume to start anew`,
  },
  CLOUDEVENT_INVALID: {
    retry: false,
    say: (d: { where: string; reason: string }) => `${d.where}: not a CloudEvent that can be read: ${d.reason}`,
  },
  CONFIG_INVALID: {
    retry: false,
    say: (d: { file: string; problems: readonly string[] }) =>
      `${d.file} has ${d.problems.length === 1 ? "a problem" : `${d.problems.length} problems`}:\n  ${d.problems.join("\n  ")}`,
  },
  CONFIG_KEY_MISSING: {
    retry: false,
    say: (d: { key: string; expected: string }) => `the key "${d.key}" is missing; add "${d.key}: ${d.expected}"`,
  },
  CONFIG_KEY_UNKNOWN: {
    retry: false,
    say: (d: { key: string; help: string }) => `nothing reads the key "${d.key}"; ${d.help}`,
  },
  CONFIG_SYNTAX: {
    retry: false,
    say: (d: { why: string }) => `this is not YAML: ${d.why}; mend the line`,
  },
  CONFIG_UNREADABLE: {
    retry: false,
    say: (d: { file: string; why: string }) =>
      `the config ${d.file} cannot be read (${d.why}); check path and permissions`,
  },
  CONFIG_VALUE: {
    retry: false,
    say: (d: { path: string; why: string }) => `${d.path || "the config"}: ${d.why}`,
  },
  DELIVERY_DRAFTS: {
    retry: false,
    say: (d: { stage: string }) =>
      `with delivery: exactly-once there is one event for each post, and ${d.stage} lets drafts out before it; take ${d.stage} out, or deliver at-least-once`,
  },
  DELIVERY_UNSUPPORTED: {
    retry: false,
    say: (_: object) =>
      "delivery: exactly-once needs source, sink and deadLetters on one log, such as source-kafka and sink-kafka with the same client; name one client in all three, or deliver at-least-once",
  },
  DRIFT_STORE: {
    retry: false,
    say: (d: { path: string; reason: string }) =>
      `the drift store ${d.path} cannot be used: ${d.reason}; check path and permissions, or name another file`,
  },
  DRIFT_STORE_FAILED: {
    retry: false,
    say: (d: { path: string; reason: string }) =>
      `the drift store ${d.path} failed: ${d.reason}; look at its disk and start again, what was not kept is read again`,
  },
  DRIFT_STORE_FULL: {
    retry: true,
    say: (d: { path: string }) =>
      `no space left for the drift store ${d.path}; make room and start again, what was not kept is read again`,
  },
  ENV_MISSING: {
    retry: false,
    say: (d: { name: string }) =>
      `the environment variable ${d.name} is not set; set it, or give a default: \${${d.name}:-value}`,
  },
  DATA_EMPTY: {
    retry: false,
    say: (d: { file: string; expected: string }) =>
      `${d.file} holds no ${d.expected}; name another file, or see docs/evaluate.md for the formats`,
  },
  DATA_MALFORMED: {
    retry: false,
    say: (d: { file: string; line: number; cause: string; fix: string }) => `${d.file}:${d.line}: ${d.cause}; ${d.fix}`,
  },
  DATA_SHARED: {
    retry: false,
    say: (d: { first: string; second: string; percent: number }) =>
      `${d.first} and ${d.second} share ${d.percent}% of their samples, so a score would measure memory; name held-out data`,
  },
  DATA_TYPES_UNKNOWN: {
    retry: false,
    say: (d: { file: string; unknown: string; known: string }) =>
      `${d.file} has entities of the types ${d.unknown}, which are neither the model's (${d.known}) nor in its label map; add them to labelMap when training, or score other data`,
  },
  DATA_UNREADABLE: {
    retry: false,
    say: (d: { file: string; cause: string }) => `cannot read ${d.file}: ${d.cause}; check the path`,
  },
  EVALUATE_FAILED: {
    retry: false,
    say: (d: { file: string; posts: number; reason: string }) =>
      `none of the ${d.posts} posts of ${d.file} could be scored; the first failed at ${d.reason}`,
  },
  EVALUATE_GATE: {
    retry: false,
    say: (d: { fact: string }) =>
      `no stage of the config gives "${d.fact}", and --gate compares draft and last tagging of posts that are asked about; name draft, gate, a knowledge stage and final`,
  },
  EVALUATE_TAGGER: {
    retry: false,
    say: (d: { names: string }) =>
      `the config has several taggers (${d.names}); say with evaluate.tagger whose entity types hold`,
  },
  FACT_LATE: {
    retry: false,
    say: (d: { stage: string; fact: string; giver: string }) =>
      `${d.stage} uses "${d.fact}", which only ${d.giver} behind it gives, so it goes without; put ${d.giver} before it`,
  },
  FACT_MISSING: {
    retry: false,
    say: (d: { stage: string; fact: string; giver: string }) =>
      `${d.stage} needs "${d.fact}", which no earlier stage gives; put ${d.giver} before it`,
  },
  FACT_NOT_GIVEN: {
    retry: false,
    say: (d: { stage: string; fact: string }) =>
      `${d.stage} answered ok without the fact "${d.fact}" that it declares to give; answer pass instead, or take it out of gives`,
  },
  FACT_SKIPPED: {
    retry: false,
    say: (d: { stage: string; fact: string; needer: string }) =>
      `${d.stage} would go on without "${d.fact}" when it fails, but ${d.needer} needs it; set onFail to divert or stop`,
  },
  FACT_TWICE: {
    retry: false,
    say: (d: { stage: string; fact: string; first: string }) =>
      `${d.stage} gives "${d.fact}", which ${d.first} has given before; take one of them out (a stage that means to refine a fact names it in uses)`,
  },
  FACT_UNUSED: {
    retry: false,
    say: (d: { stage: string; fact: string; reader: string }) =>
      `${d.stage} gives "${d.fact}", which no later stage reads, so entities stay as they are; put ${d.reader} behind it`,
  },
  FILE_SHARED: {
    retry: false,
    say: (d: { file: string; writer: string; other: string }) =>
      `${d.writer} would write ${d.file}, which ${d.other}; name another file`,
  },
  GATE_FILE_UNREADABLE: {
    retry: false,
    say: (d: { file: string; reason: string }) =>
      `${d.file} cannot be read as what a gate was fitted to: ${d.reason}; write it with starling evaluate CONFIG --gate --save ${d.file}`,
  },
  HTTP_LISTEN: {
    retry: false,
    say: (d: { place: string; reason: string }) =>
      `cannot listen on ${d.place}: ${d.reason}; name another port or host in the config's "http"`,
  },
  IMAGE_UNREADABLE: {
    retry: false,
    say: (d: { where: string; image: number; reason: string }) => `${d.where}: image ${d.image}: ${d.reason}`,
  },
  INPUT_CORRUPT: {
    retry: false,
    say: (d: { input: string; line: number; reason: string }) =>
      `${d.input}: broken after line ${d.line} (${d.reason}); what follows in it was not read, write the file again`,
  },
  INPUT_EMPTY: {
    retry: false,
    say: (d: { input: string }) =>
      `${d.input} holds no .ndjson or .jsonl file (.gz allowed); name a file or another folder`,
  },
  INPUT_INVALID: {
    retry: false,
    say: (d: { input: string; reason: string }) =>
      `${d.input}: ${d.reason}; name the address of a starling drift or of a worker, with its port`,
  },
  INPUT_MISSING: {
    retry: false,
    say: (d: { input: string; reason: string }) => `cannot read ${d.input}: ${d.reason}; check path and permissions`,
  },
  INPUT_NOT_LINES: {
    retry: false,
    say: (d: { input: string }) =>
      `${d.input} is one JSON array; one post a line is read here: jq -c '.[]' ${d.input} > posts.ndjson`,
  },
  LOG_AUTHENTICATION: {
    retry: false,
    say: (d: { brokers: string; reason: string }) =>
      `${d.brokers} did not let us in: ${d.reason}; check mechanism, username and password of the client's sasl`,
  },
  LOG_FAILED: {
    retry: false,
    say: (d: { what: string; reason: string }) => `${d.what} failed: ${d.reason}`,
  },
  LOG_FORBIDDEN: {
    retry: false,
    say: (d: { what: string; reason: string }) =>
      `${d.what} is not allowed: ${d.reason}; ask for the rights on this topic, group or transactional id`,
  },
  LOG_RANGE_ELSEWHERE: {
    retry: false,
    say: (d: { place: string; read: string }) =>
      `an offset is given for ${d.place}, which is not read; name partitions of ${d.read === "" ? "a topic that there is" : d.read}`,
  },
  LOG_RECORD_REFUSED: {
    retry: false,
    say: (d: { topic: string; reason: string }) => `the topic ${d.topic} refused this record: ${d.reason}`,
  },
  LOG_RECORD_TOO_LARGE: {
    retry: false,
    say: (d: { topic: string; bytes: number; maxBytes: number }) =>
      `a record of ${d.bytes} bytes for the topic ${d.topic}, more than maxBytes ${d.maxBytes}; raise it together with max.message.bytes of the topic`,
  },
  LOG_TOPIC_MISSING: {
    retry: false,
    say: (d: { topic: string; brokers: string }) =>
      `there is no topic ${d.topic} on ${d.brokers}; make it, or mend its name in the config`,
  },
  LOG_UNREACHABLE: {
    retry: true,
    say: (d: { brokers: string; reason: string }) =>
      `${d.brokers} cannot be reached: ${d.reason}; check the addresses, the port, and whether TLS is wanted there`,
  },
  MANIFEST_BROKEN: {
    retry: false,
    say: (d: { folder: string; why: string }) =>
      `manifest.json in ${d.folder} cannot be used: ${d.why}; fetch or train the model again`,
  },
  MANIFEST_MISMATCH: {
    retry: false,
    say: (d: { folder: string; file: string; how: string }) =>
      `${d.file} in ${d.folder} ${d.how}; it does not agree with manifest.json: fetch or train the model again`,
  },
  MANIFEST_MISSING: {
    retry: false,
    say: (d: { folder: string }) =>
      `${d.folder} has no manifest.json, so it is no saved model; name a folder that starling train wrote`,
  },
  MODEL_FAMILY_UNKNOWN: {
    retry: false,
    say: (d: { file: string; family: string; known: string }) =>
      `${d.file} describes a model of the family "${d.family}"; this plugin reads ${d.known}`,
  },
  MODEL_FILE_INVALID: {
    retry: false,
    say: (d: { file: string; what: string; hint: string }) =>
      `${d.file} cannot be read as a model: ${d.what}; ${d.hint}`,
  },
  MODEL_FILE_MISSING: {
    retry: false,
    say: (d: { file: string; hint: string }) => `${d.file} is missing; ${d.hint}`,
  },
  MODEL_HEAD_MISSING: {
    retry: false,
    say: (d: { folder: string }) =>
      `the model in ${d.folder} has no trained head, so it can only be trained; train it first, or name a folder with a classifier`,
  },
  NOT_A_NUMBER: {
    retry: false,
    say: (d: { what: string; where: string; mend?: string }) =>
      `${d.what} is not a finite number at ${d.where}${d.mend === undefined ? "" : `; ${d.mend}`}`,
  },
  ORDER_BROKEN: {
    retry: false,
    say: (d: { source: string; wanted: string }) =>
      `${d.source} would deliver failed posts again behind later ones, and the config says ${d.wanted}; take its retry topic out, so that they are repeated in place`,
  },
  OUTPUT_CLOSED: {
    retry: false,
    say: (d: { output: string }) => `the reader of ${d.output} has gone`,
  },
  OUTPUT_FAILED: {
    retry: false,
    say: (d: { output: string; reason: string }) => `cannot write ${d.output}: ${d.reason}; check path and permissions`,
  },
  OUTPUT_FULL: {
    retry: true,
    say: (d: { output: string }) =>
      `no space left for ${d.output}; make room and run again, what was not written stays in the input`,
  },
  OUTPUT_IN_USE: {
    retry: true,
    say: (d: { output: string }) =>
      `another run records into ${d.output}; wait until it has ended, or name another output`,
  },
  PEER_MISSING: {
    retry: false,
    say: (d: { needer: string; name: string; install: string }) =>
      `${d.needer} needs the package ${d.name}, which is not installed; npm install ${d.install}`,
  },
  PLUGIN_API: {
    retry: false,
    say: (d: { use: string; found: string; expected: number }) =>
      `${d.use} was made for plugin API ${d.found}, and this is API ${d.expected}; install a version of it that says api: ${d.expected}`,
  },
  PLUGIN_IMPORT_FAILED: {
    retry: false,
    say: (d: { use: string; why: string }) =>
      `${d.use} was found, but threw while it was imported: ${d.why}; mend or reinstall it`,
  },
  PLUGIN_KIND: {
    retry: false,
    say: (d: { use: string; found: string; expected: string }) =>
      `${d.use} is a ${d.found}, and a ${d.expected} is wanted here; name another plugin, or move it`,
  },
  PLUGIN_NOT_EXPORTED: {
    retry: false,
    say: (d: { use: string }) =>
      `the package ${d.use} is installed, but its package.json has no "default" entry in "exports"; its author must add one`,
  },
  PLUGIN_NOT_FOUND: {
    retry: false,
    say: (d: { use: string; looked: string; help: string }) =>
      `there is no plugin "${d.use}" (looked for ${d.looked}); ${d.help}`,
  },
  PLUGIN_NO_DEFAULT: {
    retry: false,
    say: (d: { use: string }) =>
      `${d.use} has no plugin as its default export; write: export default defineStage({ ... })`,
  },
  PLUGIN_OPEN_FAILED: {
    retry: false,
    say: (d: { plugin: string; where: string; why: string }) =>
      `${d.plugin} (${d.where}) could not be opened: ${d.why}`,
  },
  PLUGIN_SHAPE: {
    retry: false,
    say: (d: { use: string; what: string }) =>
      `${d.use} is no whole plugin: ${d.what}; make it with defineStage, defineSource, defineSink or defineResource`,
  },
  POST_INVALID: {
    retry: false,
    say: (d: { where: string; path: string; reason: string }) => `${d.where}: ${d.path}: ${d.reason}`,
  },
  POST_NOT_JSON: {
    retry: false,
    say: (d: { where: string; column: number; reason: string }) =>
      `${d.where}, column ${d.column}: not JSON: ${d.reason}`,
  },
  POST_NOT_UTF8: {
    retry: false,
    say: (d: { where: string; byte: number }) =>
      `${d.where}, byte ${d.byte}: not UTF-8; convert the input, for example with iconv`,
  },
  POST_TOO_LARGE: {
    retry: false,
    say: (d: { where: string; bytes: number; maxBytes: number }) =>
      `${d.where}: ${d.bytes} bytes, more than maxBytes ${d.maxBytes}; raise it, or send less in one record`,
  },
  POST_TOO_LONG: {
    retry: false,
    say: (d: { where: string; bytes: number; maxLineBytes: number }) =>
      `${d.where}: ${d.bytes} bytes, more than maxLineBytes ${d.maxLineBytes}; raise it, or keep pictures beside the file`,
  },
  PRICES_UNREADABLE: {
    retry: false,
    say: (d: { file: string; reason: string }) =>
      `the file of prices ${d.file} cannot be used: ${d.reason}; see config/prices.yaml for its form`,
  },
  PROMPT_INVALID: {
    retry: false,
    say: (d: { folder: string; what: string }) =>
      `the prompt in ${d.folder} cannot be used: ${d.what}; it needs head.md, question.md, structured.md and free.md, see docs/knowledge.md`,
  },
  PROFILE_BROKEN: {
    retry: false,
    say: (d: { file: string; why: string }) => `${d.file} is no reference profile: ${d.why}; train the model again`,
  },
  PROVIDER_UNAVAILABLE: {
    retry: false,
    say: (d: { asked: string; available: string; hint: string }) =>
      `execution provider "${d.asked}" cannot be used here (available: ${d.available}); ${d.hint}`,
  },
  REGISTRY_REFUSED: {
    retry: false,
    say: (d: { registry: string; status: number }) =>
      `the schema registry ${d.registry} answered ${d.status}; check url, username and password`,
  },
  REGISTRY_UNAVAILABLE: {
    retry: true,
    say: (d: { registry: string; reason: string }) =>
      `the schema registry ${d.registry} gives no answer (${d.reason}); posts wait for it, see that it runs`,
  },
  RESOURCE_CYCLE: {
    retry: false,
    say: (d: { names: string }) =>
      `these resources borrow each other in a circle: ${d.names}; one of them must do without`,
  },
  RESOURCE_PORT: {
    retry: false,
    say: (d: { borrower: string; name: string; wanted: string; found: string }) =>
      `${d.borrower} wants "${d.name}" to fill ${d.wanted}, and it fills ${d.found}; name a resource that fills ${d.wanted}`,
  },
  RESOURCE_UNKNOWN: {
    retry: false,
    say: (d: { borrower: string; name: string; help: string }) =>
      `${d.borrower} borrows "${d.name}", which the config's resources do not have; ${d.help}`,
  },
  RESOURCE_UNUSED: {
    retry: false,
    say: (d: { name: string }) =>
      `nothing borrows the resource "${d.name}", but it is opened and takes memory; take it out`,
  },
  SAVE_FAILED: {
    retry: false,
    say: (d: { what: string; folder: string; why: string; kept: string; resume: boolean }) =>
      `could not save the ${d.what} in ${d.folder}: ${d.why}; ${d.kept}. Make room or mend the folder, then ${d.resume ? "go on with --resume" : "start again"}`,
  },
  SCHEMA_HEAD_MISSING: {
    retry: false,
    say: (d: { where: string }) =>
      `${d.where}: the bytes do not begin with a zero and the number of a schema; write them with a serialiser of the registry, or set the format's kind to auto`,
  },
  SCHEMA_UNFIT: {
    retry: false,
    say: (d: { where: string; id: number; reason: string }) =>
      `${d.where}: the bytes do not fit the schema ${d.id} that they name: ${d.reason}`,
  },
  SCHEMA_UNKNOWN: {
    retry: false,
    say: (d: { registry: string; schema: string }) =>
      `the schema registry ${d.registry} has no schema ${d.schema}; look whether the writer uses another registry`,
  },
  SCHEMA_UNREADABLE: {
    retry: false,
    say: (d: { registry: string; schema: string; reason: string }) =>
      `the schema ${d.schema} of ${d.registry} cannot be used: ${d.reason}; Avro and JSON Schema are read here`,
  },
  SECRET_UNREADABLE: {
    retry: false,
    say: (d: { path: string; why: string }) =>
      `the secret file ${d.path} cannot be read (${d.why}); check path and permissions`,
  },
  SERVICE_UNAVAILABLE: {
    retry: true,
    say: (d: { service: string; reason: string }) => `${d.service} cannot answer now: ${d.reason}`,
  },
  SINK_FAILED: {
    retry: false,
    say: (d: { sink: string; reason: string }) =>
      `${d.sink} failed: ${d.reason}; what it did not acknowledge stays in the input`,
  },
  STAGE_FAILED: {
    retry: false,
    say: (d: { stage: string; post: string; reason: string }) =>
      `${d.stage} failed on post ${d.post} and its onFail is stop: ${d.reason}`,
  },
  STAGE_NAME_TWICE: {
    retry: false,
    say: (d: { name: string }) =>
      `two stages are called "${d.name}"; give one of them another name: "name: ${d.name}-2"`,
  },
  STAGE_STUCK: {
    retry: false,
    say: (d: { stage: string; slots: number; afterMs: number }) =>
      `${d.stage}: all ${d.slots} slots are taken by work that never ended, and posts waited ${d.afterMs} ms more; mend the stage so that it ends when its signal says so, or raise its concurrency or timeoutMs (what is not settled stays in the input)`,
  },
  STAGE_TIMEOUT: {
    retry: true,
    say: (d: { stage: string; afterMs: number }) =>
      `${d.stage} did not answer within ${d.afterMs} ms; raise its timeoutMs, or lower its batch`,
  },
  START_BEHIND_END: {
    retry: false,
    say: (d: { lane: string; offset: number; end: number }) =>
      `from.offsets begins ${d.lane} at ${d.offset}, and it ends at ${d.end}; begin there or before, or take from: latest`,
  },
  SUBSTITUTION: {
    retry: false,
    say: (d: { written: string }) =>
      `${d.written} is none of \${NAME}, \${NAME:-default} and \${file:PATH}; write $\${ for a plain \${`,
  },
  TAGGER_CHILD_LOST: {
    retry: true,
    say: (d: { model: string; how: string }) =>
      `a process of the tagger ${d.model} ended while it read this post (${d.how})`,
  },
  TAGGER_CLOSED: {
    retry: false,
    say: (d: { model: string }) => `the tagger ${d.model} is closed; do not use it after close()`,
  },
  TAGGER_NOT_TRAINABLE: {
    retry: false,
    say: (d: { tagger: string }) =>
      `the tagger "${d.tagger}" has no learner; name a resource that can be trained in train.tagger, such as tagger-onnx`,
  },
  TAGGER_TIMEOUT: {
    retry: true,
    say: (d: { model: string; afterMs: number }) =>
      `a process of the tagger ${d.model} gave no answer for ${d.afterMs} ms and was replaced; raise timeoutMs if the posts are long`,
  },
  TIMEOUT_SHORT: {
    retry: false,
    say: (d: { stage: string; timeoutMs: number; option: string; ms: number }) =>
      `${d.stage} is ended after ${d.timeoutMs} ms (timeoutMs), before its ${d.option} of ${d.ms} ms is over; raise timeoutMs above ${d.option}, or lower ${d.option}`,
  },
  TOKENIZER_MISMATCH: {
    retry: false,
    say: (d: { tokenizer: string; what: string }) =>
      `${d.tokenizer} does not fit the model: ${d.what}; copy the tokenizer.json that was saved with the model`,
  },
  TOPIC_SHARED: {
    retry: false,
    say: (d: { topic: string; writer: string; other: string }) =>
      `${d.writer} would write the topic ${d.topic}, which ${d.other}; name another topic`,
  },
  TRAIN_DATA_UNFIT: {
    retry: false,
    say: (d: { data: string; why: string }) => `${d.data} cannot be used for training: ${d.why}`,
  },
  USAGE: {
    retry: false,
    say: (d: { what: string; help: string }) => `${d.what}; ${d.help}`,
  },
  WINDOW_SMALL: {
    retry: false,
    say: (d: { window: number; sum: number }) =>
      `window ${d.window} is less than batch x concurrency summed over the stages (${d.sum}), so batches wait in vain to fill; raise window to ${d.sum} or lower batch`,
  },
  WRONG_OUTCOME_COUNT: {
    retry: false,
    say: (d: { plugin: string; expected: number; got: number }) =>
      `${d.plugin} answered ${d.got} outcomes for ${d.expected} ${d.expected === 1 ? "post" : "posts"}; a plugin answers one for each, in order`,
  },
} as const;

export type FaultCode = keyof typeof faults;
export type FaultDetails<C extends FaultCode> = Parameters<(typeof faults)[C]["say"]>[0];
const mark = Symbol.for("starling.fault");

export class Fault<C extends FaultCode = FaultCode> extends Error {
  override readonly name = "Fault";
  readonly [mark] = true;
  readonly code: C;
  readonly details: FaultDetails<C>;
  readonly retry: boolean;

  constructor(code: C, details: FaultDetails<C>, options?: ErrorOptions) {
    const fault = faults[code] as { retry: boolean; say: (d: FaultDetails<C>) => string };
    super(fault.say(details), options);
    this.code = code;
    this.details = details;
    this.retry = fault.retry;
  }
}

/** Works across two installed copies of this package, where `instanceof` does not. */
export const isFault = (error: unknown): error is Fault => typeof error === "object" && error !== null && mark in error;
