/** What goes to a child process, and what comes back. Bytes travel as they are. */
export type ToChild =
  | { readonly kind: "open"; readonly spec: unknown }
  | { readonly kind: "ask"; readonly id: number; readonly question: unknown };

export type FromChild =
  | { readonly kind: "ready" }
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly kind: "failed"; readonly id: number; readonly message: string };
