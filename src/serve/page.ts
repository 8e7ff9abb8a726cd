export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Pages by path, such as `/live`; made anew for each request. `accept` is what the client can read. */
export type Routes = Readonly<Record<string, (accept?: string) => Page | Promise<Page>>>;

export const json = (status: number, value: unknown): Page => ({
  status,
  type: "application/json",
  body: `${JSON.stringify(value)}\n`,
});
