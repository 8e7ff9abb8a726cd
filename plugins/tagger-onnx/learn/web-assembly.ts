/** What the trainer uses of WebAssembly: TypeScript knows it only with the types of a browser. */
interface WebAssembly {
  readonly Memory: new (size: { initial: number; maximum: number; shared: true }) => Memory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: Record<string, object>) => { readonly exports: unknown };
}

/** Shared memory; sizes in pages of 64 KiB. */
export interface Memory {
  readonly buffer: SharedArrayBuffer;
}

export const { Memory, Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WebAssembly })
  .WebAssembly;
