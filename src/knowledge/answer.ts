/** A name that a model lists, with its type in the model's own words, such as `person/player`; empty where it gave none. */
export interface NamedEntity {
  readonly text: string;
  readonly type: string;
}

/** What a model, or a person, said of a post: its entities, and why. */
export interface Answer {
  readonly entities: readonly NamedEntity[];
  /** Which entities, why, and what the picture has to do with them; may be empty. */
  readonly reasoning: string;
}
