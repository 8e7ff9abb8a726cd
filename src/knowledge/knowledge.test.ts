import { describe, expect, test } from "vitest";
import { markNames, nameFinder, oneLine, parseAnswer, parseRecorded, renderKnowledge, textKey } from "./index.ts";

const list = (text: string) => parseAnswer(text)?.entities.map((one) => `${one.text}|${one.type}`);

describe("answers in the free layout", () => {
  test.each([
    [
      "on lines",
      "Named entities:\n1. Nora Winter (person/singer)\n2. Cork (city)\nReasoning: Both are named.",
      ["Nora Winter|person/singer", "Cork|city"],
    ],
    [
      "without line breaks",
      "Named entities:1. Nora Winter (person)2. Cork (city)Reasoning:Both.",
      ["Nora Winter|person", "Cork|city"],
    ],
    [
      "with commas between",
      "Named entities:1. A Co (company),2. Bo (dog),3. C (letter) Reasoning: x",
      ["A Co|company", "Bo|dog", "C|letter"],
    ],
    [
      "with brackets for dots",
      "Named entities:1) Nora (a person)2) Cork (a city)Reasoning: x",
      ["Nora|a person", "Cork|a city"],
    ],
    ["without a heading", "1. Nora (person) 2. Cork (city) Reasoning: x", ["Nora|person", "Cork|city"]],
    ["of one, without a number", "Named entity: Nora Winter (person) Reasoning: x", ["Nora Winter|person"]],
    [
      "of several, without numbers",
      "Named entities: Nora (person/coach), Cork City (club). Reasoning: x",
      ["Nora|person/coach", "Cork City|club"],
    ],
    ["of one bare name", "Named entity: Nora Reasoning: x", ["Nora|"]],
    ["with colons", "Named entities:\n1. Nora: person\n2. Cork - city\nReasoning: x", ["Nora|person", "Cork|city"]],
    [
      "in Markdown",
      '**Named entities:**\n1. **Nora** (person)\n2. "Cork" (city)\n\n**Reasoning:** x',
      ["Nora|person", "Cork|city"],
    ],
    ["with data marks", "Named entities:\n1. NoraˆWinter (person)\nReasoning: x", ["Nora Winter|person"]],
    [
      "whose names hold brackets",
      "Named entities:1. UCC (a college) (school)2. Cork (city (of Ireland))Reasoning:x",
      ["UCC (a college)|school", "Cork|city (of Ireland)"],
    ],
    [
      "whose names hold numbers",
      "Named entities:1. May 21, 2016 (date)2. Rush Hour 2. The Film (movie)3. No. 4 (rank)Reasoning:x",
      ["May 21, 2016|date", "Rush Hour 2. The Film|movie", "No. 4|rank"],
    ],
    [
      "whose names are tags and handles",
      "Named entities:1. #CorkJazz (event)2. @nora_w (person/handle)Reasoning:x",
      ["#CorkJazz|event", "@nora_w|person/handle"],
    ],
    ["cut in its last type", "Named entities:1. Nora (person)2. Cork (ci", ["Nora|person", "Cork (ci|"]],
  ])("%s", (_, answer, entities) => expect(list(answer)).toEqual(entities));

  test.each([
    "Named entities: None. Reasoning: Nothing is named.",
    "Named entities:NoneReasoning:Nothing.",
    "Named entities: N/A",
    "No named entities.",
    "I found no entities in this post. It is a greeting.",
    "The text does not mention any people or other named entities.",
    "There are no named entities in this sentence. The picture of a cat has nothing to do with it.",
    "Named entities may not be present in this sentence.",
    "The sentence does not contain any named entities, as it is a greeting (hello).",
  ])("that say there are none: %s", (answer) => expect(list(answer)).toEqual([]));

  test.each([
    ['Named entities: 1. Kevin Durant (player)Reasoning: The tweet says, "Listen": he scored', ["Kevin Durant|player"]],
    ['I would answer {"entities": []} if none. Named entities: 1. Kevin Durant (player)', ["Kevin Durant|player"]],
    ['{"entities": [{"name": "Nora", "type": "p"}]} If there were none: {"entities": []}', ["Nora|p"]],
    ["Named entities: No Doubt (band), No Name (rapper)Reasoning: both play", ["No Doubt|band", "No Name|rapper"]],
  ])("hold a list among words and objects: %s", (answer, entities) => expect(list(answer)).toEqual(entities));

  test.each([
    "",
    "I am sorry.",
    "Sure! What would you like me to do?",
    "Nora sings (well) in Cork",
    "{",
    '{"entities": 7}',
    "Sorry, there is no way I can do that.",
    "I cannot: there are no tools here.",
    '{"entities": [{"name": "Nora"}], "reasoning": "There are no',
    'Here: ```json\n{"entities": [{"name": "Nora", "type": "per',
    `${"{".repeat(100_000)}"entities"`,
    "I can do none of that. There are no rules for it.",
    "<think>There are no named entities, are there?",
    "<think>There are no named entities, are there?</think> I cannot say.",
    '```json\n{"entities": [{"name": "Nora", "type": "person"}], "reasoning": "There are no nam',
    'Here it is: {"entities": [{"name": "Nora"',
    '["there are no named entities"]',
  ])("that are none: %j", (answer) => expect(parseAnswer(answer)).toBeUndefined());

  test("keep the reasoning", () => {
    expect(parseAnswer("Named entities:1. Nora (person)Reasoning:  She \n sings.")?.reasoning).toBe("She sings.");
    expect(parseAnswer("1. Nora (person) because she sings")?.reasoning).toBe("because she sings");
    expect(parseAnswer("Named entities: None. Reasoning: No name.")?.reasoning).toBe("No name.");
  });
});

describe("structured answers", () => {
  const nora = '{"entities": [{"name": "Nora", "type": "person"}], "reasoning": "There are no others {none}."}';
  test.each([
    ["in a fence", `\`\`\`json\n${nora}\n\`\`\``],
    ["in a bare fence", `\`\`\`\n${nora}\n\`\`\`\nThere are no other named entities.`],
    ["behind a sentence", `There are no doubts: here is the "JSON" for {this} post.\n${nora}`],
    ["before a sentence", `${nora}\nNone of the rest is a name {1}.`],
    ["behind a sentence with one quote", `5" of rain. ${nora}`],
    ["behind thoughts", `<think>\nThere are no names? {"entities": []}. None.\n</think>\n\n${nora}`],
    ["behind thoughts that a template began", `None at first sight.\n</think>${nora}`],
    ["behind a draft", `First {"entities": []}, but then: ${nora}`],
  ])("are found %s", (_, answer) =>
    expect(parseAnswer(answer)).toEqual({
      entities: [{ text: "Nora", type: "person" }],
      reasoning: "There are no others {none}.",
    }),
  );
  test("of none are none, and so are none in a fence", () => {
    expect(list('```json\n{"entities": [], "reasoning": "x"}\n```')).toEqual([]);
    expect(list("```\nNamed entities: None\nReasoning: x\n```")).toEqual([]);
  });
});

test("lists are found in a fence, and behind thoughts", () => {
  const answer = "Named entities:\n1. Nora (person)\nReasoning: She sings.";
  const read = { entities: [{ text: "Nora", type: "person" }], reasoning: "She sings." };
  expect(parseAnswer(`\`\`\`text\n${answer}\n\`\`\``)).toEqual(read);
  expect(parseAnswer(`<think>There are no names. None.\n1. Cork (city)</think>\n${answer}`)).toEqual(read);
});

test("structured answers are read leniently", () => {
  const answer = {
    entities: [{ name: " Noraˆ Winter", type: "person" }, { name: "" }, "Cork", 7, null],
    reasoning: "x",
    more: 1,
  };
  expect(parseAnswer(JSON.stringify(answer))).toEqual({
    entities: [
      { text: "Nora Winter", type: "person" },
      { text: "Cork", type: "" },
    ],
    reasoning: "x",
  });
});

test.each([
  ["in a fence", (json: string) => `\`\`\`json\n${json}\n\`\`\``],
  ["behind a sentence with brackets", (json: string) => `Sure {as you asked}: ${json} I hope that helps.`],
  ["behind what the model thought", (json: string) => `<think>There are no {"entities": []}?</think>\n${json}`],
])("structured answers are read %s", (_, around) => {
  const json =
    '{"reasoning": "There are no cats, {none}.", "entities": [{"name": "Nora \\"N\\" Winter}", "type": "person"}]}';
  expect(list(around(json))).toEqual(['Nora "N" Winter}|person']);
  expect(list(around('{"entities": [], "reasoning": ""}'))).toEqual([]);
});

describe("the text that an encoder reads", () => {
  const answer = {
    entities: [
      { text: "Nora", type: "person" },
      { text: "Cork", type: "" },
    ],
    reasoning: "She sings there.",
  };
  test("has the layout of published answers, and is read back as it was", () => {
    expect(renderKnowledge(answer)).toBe("Named entities:1. Nora (person)2. CorkReasoning:She sings there.");
    const full = { ...answer, entities: [{ text: "Nora", type: "person" }] };
    expect(parseAnswer(renderKnowledge(full))).toEqual(full);
    expect(parseAnswer(renderKnowledge({ entities: [], reasoning: "No name." }))?.entities).toEqual([]);
  });
  test("is capped at a word, and never ends in half a sign", () => {
    const long = renderKnowledge({ entities: [], reasoning: "word ".repeat(1000) }, 100);
    expect(long.length).toBeLessThanOrEqual(100);
    expect(long).toMatch(/ word$/);
    expect(renderKnowledge({ entities: [], reasoning: "😀".repeat(100) }, 50)).toMatch(/^[^\ud800-\udfff]*(?:😀)+$/u);
  });
  test("has no control sign, no invisible one and no line break", () => {
    expect(oneLine("a\u0000\u001b[2Jb\u202ec\u200bd\n\n e\u{e0041}\ud800")).toBe("a[2Jbcd e");
  });
});

describe("names", () => {
  test.each([
    ["Eric Bolling", ". @ ericbolling : hello", true],
    ["X-Men", "new X - Men film", true],
    ["kevin durant", "Kevin  Durant!", true],
    ["Super Bowl", "#SuperBowl50 tonight", true],
    ["50", "#SuperBowl50", true],
    ["US", "just us", true],
    ["US", "the bus", false],
    ["Bowl", "Superbowl", false],
    ["Ann", "Anna", false],
    ["café", "cafe\u0301 noir", true],
    ["東京", "昨日東京で", true],
    ["Kim Kardashian", "she is back", false],
    ["!!!", "wow !!!", false],
    ["İstanbul", "in İSTANBUL today", true],
  ])("%s in %j: %s", (name, text, there) => expect(nameFinder(text)(name)).toBe(there));
  test("hold no sign that a terminal obeys", () => {
    const entities = [
      { text: "Pa\u001b[31mris\u0007\u202e", type: "\u009bplace\n" },
      { text: "\u001b\u0007", type: "" },
    ];
    expect(markNames(entities, "in Pa[31mris")).toEqual([{ text: "Pa[31mris", type: "place", inPost: true }]);
  });

  test("are marked, at most forty, none of them a novel", () => {
    const entities = [{ text: "x".repeat(1000), type: "" }, ...Array(60).fill({ text: "Nora", type: "person" })];
    const names = markNames(entities, "Nora sings");
    expect(names.length).toBe(40);
    expect(names[0]).toEqual({ text: "Nora", type: "person", inPost: true });
  });
});

describe("recorded answers", () => {
  test("are read line by line", () => {
    expect(
      parseRecorded('\ufeff{"id":"1","knowledge":"z"}\n\n{"text":"a b","knowledge":"y","usd":0.1}\r\n', "f"),
    ).toEqual([
      { id: "1", knowledge: "z" },
      { text: "a b", knowledge: "y", usd: 0.1 },
    ]);
  });
  test.each([
    ["{", "f:2: not JSON"],
    ['{"knowledge":"z"}', "f:2: record: id or text is wanted"],
    ['{"id":"1","knowledge":""}', "f:2: knowledge: "],
    ['{"id":"1","knowledge":"z","colour":1}', "f:2: record: "],
  ])("are refused with their place: %s", (line, message) => {
    expect(() => parseRecorded(`{"id":"1","knowledge":"z"}\n${line}`, "f")).toThrow(message);
  });
  test("none at all is a fault", () => expect(() => parseRecorded("\n", "f")).toThrow("f holds no recorded knowledge"));
  test("belong to a text whatever its spaces", () => expect(textKey("don ' t  go")).toBe(textKey("don't\ngo")));
});
