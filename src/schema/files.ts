import { z } from "zod";
import { deadLetterSchema } from "./dead-letter.ts";
import { eventSchema } from "./event.ts";
import { feedbackSchema } from "./feedback.ts";
import { postSchema } from "./post.ts";

const titles = {
  post: "A post",
  event: "The entities of a post",
  "dead-letter": "A post that could not be handled",
  feedback: "What a person says of a post",
};
const schemas = { post: postSchema, event: eventSchema, "dead-letter": deadLetterSchema, feedback: feedbackSchema };
type Name = keyof typeof schemas;

/** The files under `schemas/`, name to text: JSON Schema of what the program reads and writes, for editors and other languages. */
export function schemaFiles(): ReadonlyMap<string, string> {
  const names = Object.keys(schemas) as Name[];
  return new Map(names.map((name) => [`${name}.schema.json`, `${JSON.stringify(jsonSchema(name), null, 2)}\n`]));
}

const jsonSchema = (name: Name) => {
  const { $schema, ...rest } = z.toJSONSchema(schemas[name], {
    target: "draft-7",
    io: "input",
    // Here it only says that the program does not write to its arrays; to a reader of the schema it would say more.
    override: ({ jsonSchema }) => void delete jsonSchema.readOnly,
  });
  return { $schema, title: titles[name], ...rest };
};
